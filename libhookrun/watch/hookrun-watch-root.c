/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Roots as they were asked for, and as they are watched: a file is watched through its folder, so
 * that it is not lost when it is replaced; roots that overlap are watched once.
 */
#include "hookrun-watch-root-private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

HookrunWatchRoot *
hookrun_watch_root_new (const char *path, HookrunWatchFlags flags, HookrunChangeKind kinds)
{
  HookrunWatchRoot *self = g_new0 (HookrunWatchRoot, 1);
  gsize length = strlen (path);

  while (length > 1 && path[length - 1] == '/')
    length--;
  self->given = g_strndup (path, length);
  self->path = g_canonicalize_filename (path, NULL);
  self->flags = flags;
  self->kinds = kinds;
  return self;
}

void
hookrun_watch_root_free (HookrunWatchRoot *self)
{
  g_free (self->given);
  g_free (self->path);
  g_clear_pointer (&self->only, g_hash_table_unref);
  g_free (self);
}

static HookrunWatchRoot *
copy_root (const HookrunWatchRoot *root)
{
  HookrunWatchRoot *copy = hookrun_watch_root_new (root->given, root->flags, root->kinds);

  g_free (copy->path);
  copy->path = g_strdup (root->path);
  return copy;
}

/* The folder of a root that is a file, with only that file in it. */
static HookrunWatchRoot *
folder_of (const HookrunWatchRoot *file)
{
  g_autofree char *given = g_path_get_dirname (file->given);
  HookrunWatchRoot *root = hookrun_watch_root_new (given, HOOKRUN_WATCH_NONE, file->kinds);

  g_free (root->path);
  root->path = g_path_get_dirname (file->path);
  root->only = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_insert (root->only, g_path_get_basename (file->path), g_strdup (file->given));
  return root;
}

static gboolean
is_file (const char *path)
{
  struct stat st;

  return stat (path, &st) == 0 && !S_ISDIR (st.st_mode);
}

static gboolean
is_below (const char *path, const char *folder)
{
  gsize length = strlen (folder);

  if (length == 1)
    return path[0] == '/';
  return strncmp (path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* Where the path leads to now; the path itself if it leads nowhere. */
static char *
real_path (const char *path)
{
  char *real = realpath (path, NULL);
  char *copy;

  if (real == NULL)
    return g_strdup (path);
  copy = g_strdup (real);
  free (real);
  return copy;
}

static void
merge_names (HookrunWatchRoot *root, const HookrunWatchRoot *other)
{
  GHashTableIter iter;
  gpointer name, given;

  if (root->only == NULL)
    return;
  if (other->only == NULL) {
    g_clear_pointer (&root->only, g_hash_table_unref);
    g_free (root->given);
    root->given = g_strdup (other->given);
    return;
  }
  g_hash_table_iter_init (&iter, other->only);
  while (g_hash_table_iter_next (&iter, &name, &given))
    g_hash_table_insert (root->only, g_strdup (name), g_strdup (given));
}

/* Whether @root is watched with one of @roots; that one then is for both. */
static gboolean
is_covered (GPtrArray *roots, GPtrArray *reals, const HookrunWatchRoot *root, const char *real)
{
  for (guint i = 0; i < roots->len; i++) {
    HookrunWatchRoot *other = g_ptr_array_index (roots, i);
    const char *other_real = g_ptr_array_index (reals, i);
    gboolean is_same = g_str_equal (real, other_real);

    if (!is_same && !((other->flags & HOOKRUN_WATCH_RECURSIVE) && is_below (real, other_real)))
      continue;
    other->kinds |= root->kinds;
    if (is_same) {
      merge_names (other, root);
      other->flags |= root->flags;
    }
    return TRUE;
  }
  return FALSE;
}

static void
take_root (GPtrArray *roots, GPtrArray *reals, HookrunWatchRoot *root)
{
  g_autofree char *real = real_path (root->path);

  if (is_covered (roots, reals, root, real)) {
    hookrun_watch_root_free (root);
    return;
  }
  /* Those that it covers go. */
  for (guint i = roots->len; (root->flags & HOOKRUN_WATCH_RECURSIVE) && i-- > 0;) {
    HookrunWatchRoot *other = g_ptr_array_index (roots, i);

    if (!is_below (g_ptr_array_index (reals, i), real))
      continue;
    root->kinds |= other->kinds;
    g_ptr_array_remove_index (roots, i);
    g_ptr_array_remove_index (reals, i);
  }
  g_ptr_array_add (roots, root);
  g_ptr_array_add (reals, g_steal_pointer (&real));
}

GPtrArray *
hookrun_watch_roots_settle (GPtrArray *asked)
{
  GPtrArray *roots = g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_watch_root_free);
  g_autoptr (GPtrArray) reals = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < asked->len; i++) {
    const HookrunWatchRoot *root = g_ptr_array_index (asked, i);

    take_root (roots, reals, is_file (root->path) ? folder_of (root) : copy_root (root));
  }
  return roots;
}
