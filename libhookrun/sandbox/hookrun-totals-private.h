/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all processes of a tree use together, and which limit that is beyond. */
#pragma once

#include "hookrun-tree-private.h"

G_BEGIN_DECLS

/* NULL when the policy limits no totals. @cgroup: (nullable): what keeps some of them. */
HookrunTotals *hookrun_totals_new (HookrunPolicy *policy, pid_t group, HookrunCgroup *cgroup);
void hookrun_totals_free (HookrunTotals *self);
/* Looks if it is time to: the limit that is exceeded, or NONE. */
HookrunLimit hookrun_totals_check (HookrunTotals *self, gint64 now);
/* What the kernel kept the tree from going beyond, or NONE. */
HookrunLimit hookrun_totals_kept (HookrunTotals *self);
gint64 hookrun_totals_next (HookrunTotals *self);

/* How many processes, dying ones too, are in the group; 0 when /proc cannot be read. */
guint hookrun_totals_count_group (pid_t group);
/* Whether one of them runs still, or /proc cannot be read. */
gboolean hookrun_totals_group_lives (pid_t group);

G_END_DECLS
