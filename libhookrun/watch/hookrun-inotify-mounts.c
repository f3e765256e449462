/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mounts below the roots: the kernel tells that its list of mounts changed, the list is compared
 * with the last one, and what is at the places that differ is looked at anew.
 */
#include "hookrun-inotify-private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hookrun-error-private.h"

#define MOUNTS "/proc/self/mountinfo"

/* Undoes \040 and the like. */
static char *
unescape (const char *text)
{
  char *plain = g_malloc (strlen (text) + 1);
  char *end = plain;

  while (*text != '\0') {
    if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' && text[2] <= '7' &&
        text[3] >= '0' && text[3] <= '7') {
      *end++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
      text += 4;
    } else {
      *end++ = *text++;
    }
  }
  *end = '\0';
  return plain;
}

/* Number of the mount and its device, to its place: one that is mounted over another has its own.
 */
static GHashTable *
read_mounts (void)
{
  GHashTable *mounts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (MOUNTS, &text, NULL, NULL))
    return mounts;
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    g_auto (GStrv) words = g_strsplit (*line, " ", 6);

    if (g_strv_length (words) < 6)
      continue;
    g_hash_table_insert (mounts, g_strjoin (" ", words[0], words[2], words[4], NULL),
                         unescape (words[4]));
  }
  return mounts;
}

void
hookrun_inotify_open_mounts (HookrunInotify *self)
{
  self->mounts_fd = open (MOUNTS, O_RDONLY | O_CLOEXEC);
  self->mounts = read_mounts ();
}

/* The node of the folder @path below @root; NONE if it is not known. */
static guint32
find_node (HookrunInotify *self, const HookrunWatchRoot *root, const char *path)
{
  char *real = realpath (root->path, NULL);
  gsize length = real != NULL ? strlen (real) : 0;
  guint32 node = root->node;

  if (real == NULL || strncmp (path, real, length) != 0 || (length > 1 && path[length] != '/')) {
    free (real);
    return HOOKRUN_NODE_NONE;
  }
  free (real);
  for (path += length; node != HOOKRUN_NODE_NONE;) {
    const char *end;

    while (*path == '/')
      path++;
    if (*path == '\0')
      break;
    end = strchrnul (path, '/');
    node = hookrun_node_table_find (&self->table, node, path, (gsize)(end - path));
    path = end;
  }
  return node;
}

static void
look_again (HookrunInotify *self, const char *path)
{
  const HookrunScanOptions options = {
      .tells = TRUE, .replaced = TRUE, .elsewhere = TRUE, .flags = HOOKRUN_CHANGE_SYNTHETIC};

  for (guint i = 0; i < self->roots->len; i++) {
    HookrunWatchRoot *root = g_ptr_array_index (self->roots, i);
    guint32 node = root->is_there ? find_node (self, root, path) : HOOKRUN_NODE_NONE;

    if (node == HOOKRUN_NODE_NONE || node == root->node ||
        !(root->flags & HOOKRUN_WATCH_RECURSIVE) ||
        !hookrun_node_is_folder (hookrun_node_table_get (&self->table, node)))
      continue;
    hookrun_inotify_release_all (self, node);
    hookrun_inotify_scan (self, &node, 1, &options);
  }
}

static void
look_at_missing (HookrunInotify *self, GHashTable *mounts, GHashTable *others)
{
  GHashTableIter iter;
  gpointer key, path;

  g_hash_table_iter_init (&iter, mounts);
  while (g_hash_table_iter_next (&iter, &key, &path))
    if (!g_hash_table_contains (others, key))
      look_again (self, path);
}

void
hookrun_inotify_check_mounts (HookrunInotify *self)
{
  g_autoptr (GHashTable) before = self->mounts;

  self->mounts = read_mounts ();
  look_at_missing (self, before, self->mounts);
  look_at_missing (self, self->mounts, before);
  self->check_roots = TRUE;
}
