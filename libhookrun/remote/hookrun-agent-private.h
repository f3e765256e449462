/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The other end of scripts/agent.sh: one channel on which a shell at the target holds a layout's
 * lock and does what is asked for. All functions block and may be called from any thread, one at a
 * time.
 */
#pragma once

#include "hookrun-target.h"

G_BEGIN_DECLS

typedef struct _HookrunAgent HookrunAgent;

/* Starts the agent and waits until it has the lock: BUSY names who has it. @greeting is what it
 * told of an interrupted run, "" for nothing. (transfer full) */
HookrunAgent *hookrun_agent_open (HookrunTarget *target, const char *folder, const char *kind,
                                  guint lease_seconds, char **greeting, GCancellable *cancellable,
                                  GError **error);

/* One request, the name of a function of the script and its words. The reply is its output.
 * CONNECTION when the agent and with it the lock is lost. (transfer full) */
char *hookrun_agent_ask (HookrunAgent *self, const char *const *words, GCancellable *cancellable,
                         GError **error);

gboolean hookrun_agent_is_lost (HookrunAgent *self);

/* Ends the agent, which undoes what is not confirmed, and waits for its end. */
void hookrun_agent_close (HookrunAgent *self);

G_END_DECLS
