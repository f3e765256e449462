/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "~", "${VARIABLE}" and "%" places in the file names of an ssh configuration. */
#pragma once

#include "hookrun-ssh-config-private.h"

G_BEGIN_DECLS

/* Fills the places of all names of @self. */
void hookrun_ssh_config_expand (const HookrunSshSpec *spec, HookrunSshConfig *self);

G_END_DECLS
