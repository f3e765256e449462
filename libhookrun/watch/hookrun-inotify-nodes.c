/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nodes that come to an end or lose their watch, with all that is below them. */
#include "hookrun-inotify-private.h"

void
hookrun_inotify_release (HookrunInotify *self, guint32 node)
{
  HookrunNode *own = hookrun_node_table_get (&self->table, node);

  if (!hookrun_node_is_folder (own) || own->watch == 0)
    return;
  /* Another node may have turned out to be the folder of this watch. */
  if (hookrun_watch_map_get (&self->map, own->watch) == node) {
    hookrun_watch_map_set (&self->map, own->watch, HOOKRUN_NODE_NONE);
    inotify_rm_watch (self->fd, own->watch);
  }
  own->watch = 0;
}

void
hookrun_inotify_release_all (HookrunInotify *self, guint32 node)
{
  guint32 at = node;

  for (;;) {
    const HookrunNode *own = hookrun_node_table_get (&self->table, at);

    hookrun_inotify_release (self, at);
    if (hookrun_node_is_folder (own) && own->child != HOOKRUN_NODE_NONE) {
      at = own->child;
      continue;
    }
    while (at != node && hookrun_node_table_get (&self->table, at)->next == HOOKRUN_NODE_NONE)
      at = hookrun_node_table_get (&self->table, at)->parent;
    if (at == node)
      return;
    at = hookrun_node_table_get (&self->table, at)->next;
  }
}

static void
drop_one (HookrunInotify *self, guint32 node, gboolean is_told, HookrunChangeFlags flags)
{
  const HookrunTold told = {.kind = HOOKRUN_CHANGE_REMOVED, .flags = flags};

  if (is_told)
    hookrun_inotify_tell_node (self, node, &told);
  hookrun_inotify_release (self, node);
  hookrun_node_table_remove (&self->table, node);
}

void
hookrun_inotify_drop (HookrunInotify *self, guint32 node, HookrunDropMode mode,
                      HookrunChangeFlags flags)
{
  for (;;) {
    guint32 at = hookrun_node_table_deepest (&self->table, node);

    if (at == node)
      break;
    drop_one (self, at, mode != HOOKRUN_DROP_SILENT, HOOKRUN_CHANGE_SYNTHETIC);
  }
  drop_one (self, node, mode == HOOKRUN_DROP_TOLD, flags);
}

void
hookrun_inotify_await (HookrunInotify *self, guint32 node)
{
  HookrunNode *own = hookrun_node_table_get (&self->table, node);

  if (own->flags & HOOKRUN_NODE_PENDING)
    return;
  own->flags |= HOOKRUN_NODE_PENDING;
  g_array_append_val (self->pending, node);
}

void
hookrun_inotify_look_later (HookrunInotify *self, guint32 node)
{
  HookrunNode *own = hookrun_node_table_get (&self->table, node);

  if (own->flags & HOOKRUN_NODE_LATER)
    return;
  own->flags |= HOOKRUN_NODE_LATER;
  g_array_append_val (self->later, node);
}

void
hookrun_inotify_doubt (HookrunInotify *self, guint32 node)
{
  const HookrunNode *own = hookrun_node_table_get (&self->table, node);
  guint32 top = hookrun_node_table_root (&self->table, node);
  const HookrunWatchRoot *root =
      g_ptr_array_index (self->roots, hookrun_node_table_get (&self->table, top)->name);

  /* What is known of a root that is gone is kept as it is. */
  if (!root->is_there || !hookrun_node_is_folder (own))
    return;
  hookrun_inotify_await (self, node);
  self->is_in_doubt = TRUE;
}
