/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Further connections of a target: a server opens only so many sessions on one connection (its
 * MaxSessions), and a layout's agent holds one for as long as it has the lock. What is refused for
 * more than a moment gets a place on another connection.
 */
#pragma once

#include "hookrun-ssh-session-private.h"

G_BEGIN_DECLS

typedef struct _HookrunSshSpares HookrunSshSpares;

HookrunSshSpares *hookrun_ssh_spares_new (void);

/* Pumps them, brings waiting commands to where there is room, connects where there is none. To be
 * called after the pump of @first, the target's own connection. */
void hookrun_ssh_spares_pump (HookrunSshSpares *self, HookrunSshSession *first);

/* Where a new command is to run. (transfer none) */
HookrunSshSession *hookrun_ssh_spares_choose (HookrunSshSpares *self, HookrunSshSession *first);

/* Closes all; calls on them end with @error, if there is one. */
void hookrun_ssh_spares_close (HookrunSshSpares *self, const GError *error);

void hookrun_ssh_spares_free (HookrunSshSpares *self);

G_END_DECLS
