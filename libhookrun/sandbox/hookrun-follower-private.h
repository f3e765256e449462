/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Follows one confined program and all that it starts, and writes down what its policy denies. The
 * program runs under the same confinement as without: nothing of it is changed, only looked at.
 */
#pragma once

#include "hookrun-judge-private.h"
#include "hookrun-tree-private.h"

G_BEGIN_DECLS

/* @own judges what fails; @measure: (nullable): what works. Both: (transfer full). NULL with @error
 * when no thread can be had. */
HookrunFollower *hookrun_follower_new (HookrunJudge *own, HookrunJudge *measure, GError **error);
HookrunFollower *hookrun_follower_ref (HookrunFollower *self);
void hookrun_follower_unref (HookrunFollower *self);

/* The child's end of the gate that it waits at, until it is followed. */
int hookrun_follower_gate (HookrunFollower *self);
/* The child has gone through, or never will. */
void hookrun_follower_close_gate (HookrunFollower *self);

/* Why the child was not let through; 0: it was. */
int hookrun_follower_problem (HookrunFollower *self);

/* (transfer full): HookrunDenial. */
GPtrArray *hookrun_follower_list (HookrunFollower *self);

G_END_DECLS
