/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order of a dependency graph: depth first, without recursion, whatever its size. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @path: the nodes of one circle; the last of them depends on the first. */
typedef void (*HookrunGraphCycle) (const guint *path, guint length, gpointer user_data);

/* @edges: for each node a GArray of guint, or NULL: what it depends on, in order. Gives the nodes
 * reachable from @roots, dependencies before dependents, each once. Every edge that closes a circle
 * is told to @cycle and left out. */
GArray *hookrun_graph_order (const GPtrArray *edges, const guint *roots, guint n_roots,
                             HookrunGraphCycle cycle, gpointer user_data);

G_END_DECLS
