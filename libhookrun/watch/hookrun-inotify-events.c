/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What each of the kernel's events means for the table, and what of it is told. An event may tell
 * what a listing has found already: then it is passed over. Moves are in hookrun-inotify-moves.c.
 */
#include "hookrun-inotify-private.h"

#include <dirent.h>
#include <string.h>

void
hookrun_inotify_created (HookrunInotify *self, guint32 folder, const char *name, gsize length,
                         gboolean is_folder)
{
  const HookrunTold told = {.kind = HOOKRUN_CHANGE_CREATED, .type = is_folder ? DT_DIR : 0};
  HookrunNodeTable *table = &self->table;
  guint32 node = hookrun_node_table_find (table, folder, name, length);

  if (node != HOOKRUN_NODE_NONE) {
    if (hookrun_node_is_folder (hookrun_node_table_get (table, node)) == is_folder)
      return;
    hookrun_inotify_drop (self, node, HOOKRUN_DROP_TOLD, HOOKRUN_CHANGE_SYNTHETIC);
  }
  node = hookrun_node_table_add (table, folder, name, length, told.type);
  hookrun_inotify_tell (self, folder, name, length, &told);
  if (is_folder && (hookrun_inotify_enter (self, folder)->flags & HOOKRUN_WATCH_RECURSIVE))
    hookrun_inotify_scan_new (self, node);
}

static void
removed (HookrunInotify *self, guint32 folder, const char *name, gsize length)
{
  guint32 node = hookrun_node_table_find (&self->table, folder, name, length);

  if (node != HOOKRUN_NODE_NONE)
    hookrun_inotify_drop (self, node, HOOKRUN_DROP_TOLD, 0);
}

/* Further changes of a file are one with the first as long as nobody could have looked at it. */
static void
changed (HookrunInotify *self, guint32 folder, const char *name, gsize length)
{
  HookrunTold told = {.kind = HOOKRUN_CHANGE_CHANGED};
  guint32 node = hookrun_node_table_find (&self->table, folder, name, length);
  HookrunNode *own = hookrun_node_table_get (&self->table, node);

  if (node == HOOKRUN_NODE_NONE || hookrun_node_is_folder (own) || own->batch == self->batch)
    return;
  own->batch = self->batch;
  told.type = own->type;
  hookrun_inotify_tell (self, folder, name, length, &told);
}

static void
attributes (HookrunInotify *self, guint32 folder, const char *name, gsize length)
{
  HookrunTold told = {.kind = HOOKRUN_CHANGE_ATTRIBUTES};
  guint32 node = hookrun_node_table_find (&self->table, folder, name, length);
  HookrunNode *own = hookrun_node_table_get (&self->table, node);

  if (node == HOOKRUN_NODE_NONE)
    return;
  told.type = own->type;
  hookrun_inotify_tell (self, folder, name, length, &told);
  if (own->flags & HOOKRUN_NODE_DENIED)
    hookrun_inotify_scan_new (self, node);
}

/* An event about the folder itself. Its parent tells the same of all but roots. */
static void
handle_own (HookrunInotify *self, guint32 node, const struct inotify_event *event)
{
  const HookrunTold told = {.kind = HOOKRUN_CHANGE_ATTRIBUTES};
  HookrunNode *own = hookrun_node_table_get (&self->table, node);
  gboolean is_root = (own->flags & HOOKRUN_NODE_ROOT) != 0;

  if (event->mask & IN_IGNORED) {
    /* Removed, or on a file system that is unmounted. If it is still to be had, it is found. */
    hookrun_watch_map_set (&self->map, event->wd, HOOKRUN_NODE_NONE);
    own->watch = 0;
    if (is_root)
      self->check_roots = TRUE;
    else
      hookrun_inotify_await (self, node);
  } else if ((event->mask & IN_ATTRIB) && is_root) {
    hookrun_inotify_tell_node (self, node, &told);
  }
}

/* @event is the first of the queue, and is taken. */
void
hookrun_inotify_handle (HookrunInotify *self, struct inotify_event *event)
{
  gsize length = event->len > 0 ? strlen (event->name) : 0;
  guint32 folder = hookrun_watch_map_get (&self->map, event->wd);
  guint64 position = self->raw.position;

  if (event->mask & IN_Q_OVERFLOW) {
    if (self->raw.position >= self->compared)
      hookrun_inotify_overflow (self);
  } else if (event->mask & IN_MOVED_FROM) {
    hookrun_inotify_moved (self, event);
    return;
  } else if (folder == HOOKRUN_NODE_NONE || event->mask == 0) {
    /* of a folder that was dropped, or taken with another event */
  } else if (length == 0) {
    handle_own (self, folder, event);
  } else if (event->mask & IN_CREATE) {
    g_autofree char *name = g_strdup (event->name);

    hookrun_inotify_created (self, folder, name, length, (event->mask & IN_ISDIR) != 0);
  } else if (event->mask & IN_DELETE) {
    removed (self, folder, event->name, length);
  } else if (event->mask & IN_MOVED_TO) {
    hookrun_inotify_moved_in (self, event);
  } else if (event->mask & (IN_MODIFY | IN_CLOSE_WRITE)) {
    changed (self, folder, event->name, length);
  } else if (event->mask & IN_ATTRIB) {
    attributes (self, folder, event->name, length);
  }
  /* During a long scan the queue may have been thrown away. */
  if (self->raw.position == position)
    hookrun_raw_queue_drop (&self->raw);
}

void
hookrun_inotify_retry (HookrunInotify *self)
{
  const HookrunScanOptions options = {
      .tells = TRUE, .trusts_known = TRUE, .flags = HOOKRUN_CHANGE_SYNTHETIC};
  g_autoptr (GArray) nodes = g_array_new (FALSE, FALSE, sizeof (guint32));

  self->is_in_doubt = FALSE;
  for (guint i = 0; i < self->pending->len; i++) {
    guint32 node = g_array_index (self->pending, guint32, i);
    HookrunNode *own = hookrun_node_table_get (&self->table, node);

    /* It may have been dropped, and its place be another's by now. */
    if (!(own->flags & HOOKRUN_NODE_PENDING))
      continue;
    own->flags &= (guint8)~HOOKRUN_NODE_PENDING;
    if (hookrun_node_is_folder (own))
      g_array_append_val (nodes, node);
  }
  g_array_set_size (self->pending, 0);
  /* One by one: what a scan drops is not in it then. */
  for (guint i = 0; i < nodes->len; i++) {
    guint32 node = g_array_index (nodes, guint32, i);
    HookrunNode *own = hookrun_node_table_get (&self->table, node);

    if (!(own->flags & HOOKRUN_NODE_FREE) && hookrun_node_is_folder (own))
      hookrun_inotify_scan (self, &node, 1, &options);
  }
}

/* Backs up the promise: whatever the kernel or we threw away is found by comparing. */
void
hookrun_inotify_overflow (HookrunInotify *self)
{
  HookrunScanOptions options = {.tells = TRUE, .flags = HOOKRUN_CHANGE_SYNTHETIC, .n_threads = 2};
  g_autoptr (GArray) tops = g_array_new (FALSE, FALSE, sizeof (guint32));

  options.since_ns = self->drained_ns - HOOKRUN_CLOCK_TICK_NS;
  hookrun_inotify_tell_root (self, NULL, HOOKRUN_CHANGE_OVERFLOW_BEGIN);
  self->raw.is_lost = FALSE;
  hookrun_inotify_read (self);
  self->compared = hookrun_raw_queue_end (&self->raw);
  for (guint i = 0; i < self->roots->len; i++) {
    const HookrunWatchRoot *root = g_ptr_array_index (self->roots, i);

    if (root->is_there)
      g_array_append_val (tops, root->node);
  }
  hookrun_inotify_scan (self, (const guint32 *)(gpointer)tops->data, tops->len, &options);
  hookrun_inotify_tell_root (self, NULL, HOOKRUN_CHANGE_OVERFLOW_END);
  hookrun_inotify_publish (self);
}
