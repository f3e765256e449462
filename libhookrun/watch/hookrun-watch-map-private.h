/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the kernel's number of a watch to the node that it belongs to. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint32 *nodes;
  guint n_used;
} HookrunWatchPage;

typedef struct {
  HookrunWatchPage *pages;
  gsize n_pages;
  guint n_watches;
} HookrunWatchMap;

void hookrun_watch_map_clear (HookrunWatchMap *self);
/* @node: HOOKRUN_NODE_NONE takes the watch out */
void hookrun_watch_map_set (HookrunWatchMap *self, int watch, guint32 node);
guint32 hookrun_watch_map_get (HookrunWatchMap *self, int watch);

G_END_DECLS
