/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Roots that vanish and return. What leads to a root is watched apart from what is in it: each
 * folder on the way for its own move or removal, and for names only where a link or the missing
 * part of the path is. Whatever happens there, the path is simply looked at again.
 */
#include "hookrun-inotify-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WATCH_SELF (IN_DELETE_SELF | IN_MOVE_SELF)
#define WATCH_NAMES (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB)

/* Links that lead to links, at most. */
#define MAX_LINKS 16u

static void guard_path (int fd, const char *path, guint n_links);

static void
add_sentry (int fd, const char *path, guint32 mask)
{
  inotify_add_watch (fd, path, mask | IN_MASK_ADD);
}

/* A link may be replaced, and what it leads to may come and go. */
static void
guard_link (int fd, const char *folder, const char *link, guint n_links)
{
  g_autofree char *target = g_file_read_link (link, NULL);
  g_autofree char *path = target != NULL ? g_canonicalize_filename (target, folder) : NULL;

  add_sentry (fd, folder, WATCH_NAMES);
  if (path != NULL && n_links < MAX_LINKS)
    guard_path (fd, path, n_links + 1);
}

/* Watches what leads to @path, from the top. */
static void
guard_path (int fd, const char *path, guint n_links)
{
  g_autofree char *folder = g_strdup ("/");
  const char *rest = path;

  for (;;) {
    g_autofree char *below = NULL;
    const char *end;
    struct stat st;

    while (*rest == '/')
      rest++;
    add_sentry (fd, folder, WATCH_SELF);
    if (*rest == '\0')
      return;
    end = strchrnul (rest, '/');
    below = g_strdup_printf ("%s%s%.*s", folder, g_str_has_suffix (folder, "/") ? "" : "/",
                             (int)(end - rest), rest);
    if (lstat (below, &st) != 0) {
      add_sentry (fd, folder, WATCH_NAMES);
      /* It may have come meanwhile. */
      if (lstat (below, &st) != 0)
        return;
    }
    if (S_ISLNK (st.st_mode))
      guard_link (fd, folder, below, n_links);
    g_free (folder);
    folder = g_steal_pointer (&below);
    rest = end;
  }
}

static gboolean
guard_roots (HookrunInotify *self)
{
  int fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);

  if (fd < 0)
    return FALSE;
  for (guint i = 0; i < self->roots->len; i++)
    guard_path (fd, ((HookrunWatchRoot *)g_ptr_array_index (self->roots, i))->path, 0);
  if (self->sentry_fd >= 0)
    close (self->sentry_fd);
  self->sentry_fd = fd;
  return TRUE;
}

static void
root_gone (HookrunInotify *self, HookrunWatchRoot *root)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME_COARSE, &now);
  root->is_there = FALSE;
  root->gone_ns = now.tv_sec * 1000000000ll + now.tv_nsec - HOOKRUN_CLOCK_TICK_NS;
  hookrun_inotify_release_all (self, root->node);
  hookrun_inotify_tell_root (self, root, HOOKRUN_CHANGE_ROOT_GONE);
}

static void
root_back (HookrunInotify *self, HookrunWatchRoot *root, const struct stat *st, gboolean is_first)
{
  HookrunScanOptions options = {.tells = !is_first,
                                .flags = HOOKRUN_CHANGE_SYNTHETIC | HOOKRUN_CHANGE_OFFLINE};

  options.n_threads = 2;
  options.replaced = root->inode != st->st_ino || root->device != st->st_dev;
  options.elsewhere = root->device != st->st_dev;
  options.since_ns = root->gone_ns;
  root->is_there = TRUE;
  root->device = st->st_dev;
  root->inode = st->st_ino;
  if (!is_first)
    hookrun_inotify_tell_root (self, root, HOOKRUN_CHANGE_ROOT_BACK);
  hookrun_inotify_scan (self, &root->node, 1, &options);
}

/* Whether anything is another than it was. */
static gboolean
check_root (HookrunInotify *self, HookrunWatchRoot *root, gboolean is_first)
{
  struct stat st;
  gboolean is_there = stat (root->path, &st) == 0 && S_ISDIR (st.st_mode);
  gboolean is_same = is_there == root->is_there &&
                     (!is_there || (root->device == st.st_dev && root->inode == st.st_ino));

  if (is_same)
    return FALSE;
  if (root->is_there)
    root_gone (self, root);
  if (is_there)
    root_back (self, root, &st, is_first);
  return TRUE;
}

/* A root that was removed and made again between two looks may have the same number: then its watch
 * is gone. */
static void
check_watch (HookrunInotify *self, HookrunWatchRoot *root)
{
  const HookrunNode *own = hookrun_node_table_get (&self->table, root->node);

  if (!root->is_there || own->watch != 0 ||
      (own->flags & (HOOKRUN_NODE_DENIED | HOOKRUN_NODE_ALIAS | HOOKRUN_NODE_PENDING)))
    return;
  root_gone (self, root);
  root->inode = 0;
}

void
hookrun_inotify_silence_sentry (HookrunInotify *self)
{
  char events[4096];

  self->check_roots = TRUE;
  while (self->sentry_fd >= 0 && read (self->sentry_fd, events, sizeof events) > 0)
    continue;
}

void
hookrun_inotify_check_roots (HookrunInotify *self, gboolean is_first)
{
  gboolean has_changed;

  hookrun_inotify_silence_sentry (self);
  self->check_roots = FALSE;
  for (guint i = 0; !is_first && i < self->roots->len; i++)
    check_watch (self, g_ptr_array_index (self->roots, i));
  do {
    /* What leads to the roots is watched before they are looked at. */
    if (!guard_roots (self))
      return;
    has_changed = FALSE;
    for (guint i = 0; i < self->roots->len; i++)
      has_changed |= check_root (self, g_ptr_array_index (self->roots, i), is_first);
  } while (has_changed && !hookrun_inotify_is_stopped (self));
}
