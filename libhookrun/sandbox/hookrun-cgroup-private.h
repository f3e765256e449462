/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Control groups: totals that the kernel keeps by itself, where this process was given a place to
 * make groups in. */
#pragma once

#include "hookrun-policy-private.h"
#include "hookrun-sandbox-private.h"

G_BEGIN_DECLS

/* The place, and the groups in it that wait for their next tree. Safe in all threads. */
typedef struct _HookrunCgroups HookrunCgroups;
/* The group of one tree. */
typedef struct _HookrunCgroup HookrunCgroup;

/* A folder of the hierarchy (cgroup v2) in which groups can be made, by trying; -1: there is none.
 * @controllers, ended by NULL: what the groups should have; @has tells what they will. */
int hookrun_cgroup_find_place (const char *const *controllers, gboolean *has);

/* (nullable): NULL where the kernel cannot keep any total of @policy. */
HookrunCgroups *hookrun_cgroups_new (HookrunPolicy *policy);
HookrunCgroups *hookrun_cgroups_ref (HookrunCgroups *self);
void hookrun_cgroups_unref (HookrunCgroups *self);

/* Whether the kernel keeps this total in each group. */
gboolean hookrun_cgroups_keeps (const HookrunCgroups *self, HookrunLimit limit);

/* (transfer full): an empty group with its limits set; NULL with errno. */
HookrunCgroup *hookrun_cgroups_take (HookrunCgroups *self);
/* (transfer full): its tree, which lived for @wall_us, is gone. */
void hookrun_cgroup_give_back (HookrunCgroup *self, guint64 wall_us);

/* For CLONE_INTO_CGROUP. */
int hookrun_cgroup_fd (const HookrunCgroup *self);
/* Where a process enters by writing "0". */
int hookrun_cgroup_entry_fd (const HookrunCgroup *self);
gboolean hookrun_cgroup_keeps (const HookrunCgroup *self, HookrunLimit limit);
/* What the tree has run into since it began, or NONE. */
HookrunLimit hookrun_cgroup_look (const HookrunCgroup *self);
/* Kills all that is in it, at once. */
void hookrun_cgroup_kill (HookrunCgroup *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunCgroups, hookrun_cgroups_unref)

G_END_DECLS
