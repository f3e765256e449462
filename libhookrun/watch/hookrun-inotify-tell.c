/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is told of the folders: paths are put together from the nodes, and the one of the folder
 * that was told of last is kept, because the next change is mostly in the same.
 */
#include "hookrun-inotify-private.h"

#include <string.h>

HookrunWatchRoot *
hookrun_inotify_enter (HookrunInotify *self, guint32 folder)
{
  guint32 top;

  if (self->prefix_folder == folder && self->prefix_moves == self->table.moves)
    return self->prefix_root;
  top = hookrun_node_table_root (&self->table, folder);
  self->prefix_folder = folder;
  self->prefix_moves = self->table.moves;
  self->prefix_root =
      g_ptr_array_index (self->roots, hookrun_node_table_get (&self->table, top)->name);
  hookrun_node_table_path (&self->table, folder, self->scratch);
  g_string_assign (self->prefix, self->prefix_root->given);
  if (self->scratch->len > 0) {
    if (self->prefix->str[self->prefix->len - 1] != '/')
      g_string_append_c (self->prefix, '/');
    g_string_append_len (self->prefix, self->scratch->str, (gssize)self->scratch->len);
  }
  return self->prefix_root;
}

/* The path as given of a file that is a root; NULL if it is not. */
static const char *
given_path (const HookrunWatchRoot *root, const char *name, gsize length)
{
  g_autofree char *copy = g_strndup (name, length);

  return g_hash_table_lookup (root->only, copy);
}

gboolean
hookrun_inotify_is_shown (HookrunInotify *self, guint32 folder, const char *name, gsize length)
{
  HookrunWatchRoot *root = hookrun_inotify_enter (self, folder);

  return root->only == NULL || given_path (root, name, length) != NULL;
}

static HookrunChange *
make_change (HookrunInotify *self, const HookrunWatchRoot *root, const char *name, gsize length,
             const HookrunTold *told)
{
  const char *given;

  if (root->only == NULL)
    return hookrun_change_new (told->kind, self->prefix->str, self->prefix->len, name, length,
                               told->old_path);
  given = given_path (root, name, length);
  return given == NULL
             ? NULL
             : hookrun_change_new (told->kind, given, strlen (given), "", 0, told->old_path);
}

void
hookrun_inotify_tell (HookrunInotify *self, guint32 folder, const char *name, gsize length,
                      const HookrunTold *told)
{
  HookrunWatchRoot *root = hookrun_inotify_enter (self, folder);
  HookrunChange *change;

  if (!(root->kinds & told->kind))
    return;
  change = make_change (self, root, name, length, told);
  if (change == NULL)
    return;
  change->flags = (guint8)told->flags;
  change->type = told->type;
  change->inode = told->inode;
  change->time_us = (gint64)self->now_us;
  self->n_told++;
  hookrun_outbox_add (self->outbox, change);
}

void
hookrun_inotify_tell_node (HookrunInotify *self, guint32 node, const HookrunTold *told)
{
  HookrunTold full = *told;
  gsize length;
  const char *name = hookrun_node_table_name (&self->table, node, &length);
  const HookrunNode *own = hookrun_node_table_get (&self->table, node);

  full.type = own->type;
  if (own->flags & HOOKRUN_NODE_ROOT)
    hookrun_inotify_tell (self, node, "", 0, &full);
  else
    hookrun_inotify_tell (self, own->parent, name, length, &full);
}

void
hookrun_inotify_tell_root (HookrunInotify *self, HookrunWatchRoot *root, HookrunChangeKind kind)
{
  const char *path = root != NULL ? root->given : "";
  HookrunChange *change = hookrun_change_new (kind, path, strlen (path), "", 0, NULL);

  change->flags = HOOKRUN_CHANGE_SYNTHETIC;
  change->type = root != NULL ? 4 : 0;
  change->time_us = (gint64)self->now_us;
  self->n_told++;
  hookrun_outbox_add (self->outbox, change);
}

char *
hookrun_inotify_path (HookrunInotify *self, guint32 folder, const char *name, gsize length)
{
  HookrunWatchRoot *root = hookrun_inotify_enter (self, folder);
  const char *given = root->only != NULL ? given_path (root, name, length) : NULL;
  GString *path;

  if (given != NULL)
    return g_strdup (given);
  path = g_string_new_len (self->prefix->str, (gssize)self->prefix->len);
  if (length > 0 && path->len > 0 && path->str[path->len - 1] != '/')
    g_string_append_c (path, '/');
  g_string_append_len (path, name, (gssize)length);
  return g_string_free (path, FALSE);
}

void
hookrun_inotify_complain (HookrunInotify *self, GError *problem)
{
  hookrun_outbox_add_problem (self->outbox, problem);
}
