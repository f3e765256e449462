/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread that is confined once, so that what it launches need not be. */
#pragma once

#include "hookrun-sandbox-child-private.h"

G_BEGIN_DECLS

typedef struct _HookrunLauncher HookrunLauncher;

/* Starts the thread, which confines itself as @plan says (layers, ruleset, filter). @listener gets
 * the broker's end of the filter, or -1. On failure NULL and the plan's report tells why. */
HookrunLauncher *hookrun_launcher_new (const HookrunSandboxChildPlan *plan, int *listener);
void hookrun_launcher_free (HookrunLauncher *self);

/* hookrun_sandbox_child_start() in the thread. One launch at a time. */
pid_t hookrun_launcher_start (HookrunLauncher *self, const HookrunSandboxChildPlan *plan,
                              gpointer stack_top, int *pidfd);

G_END_DECLS
