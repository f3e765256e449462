/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Folders are opened below their root, piece by piece where the path is too long for the kernel,
 * and no link in it is followed. The watch is put on the folder that is open, so that what is
 * watched and what is listed is the same.
 */
#include "hookrun-inotify-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK)
/* The longest piece of a path that is opened at once. */
#define PIECE 3800u

/* Kernels before 5.6, and filters that do not know the call, get the plain one: it keeps the last
 * name from being a link, and a link on the way there is found out by the events. */
static int
open_piece (int folder_fd, const char *piece)
{
  struct open_how how = {.flags = FOLDER_FLAGS | O_NOFOLLOW, .resolve = RESOLVE_NO_SYMLINKS};
  int fd = (int)syscall (SYS_openat2, folder_fd, piece, &how, sizeof how);

  if (fd < 0 && (errno == ENOSYS || errno == EPERM))
    fd = openat (folder_fd, piece, FOLDER_FLAGS | O_NOFOLLOW);
  return fd;
}

/* Where the next piece ends: before a slash, or at the end. */
static gsize
piece_length (const char *rest)
{
  gsize length = strlen (rest);

  if (length <= PIECE)
    return length;
  length = PIECE;
  while (rest[length] != '/')
    length--;
  return length;
}

int
hookrun_inotify_open_below (const HookrunWatchRoot *root, const char *below)
{
  int fd = open (root->path, FOLDER_FLAGS);

  while (fd >= 0 && *below != '\0') {
    gsize length = piece_length (below);
    g_autofree char *piece = g_strndup (below, length);
    int next = open_piece (fd, piece);
    int saved_errno = errno;

    close (fd);
    errno = saved_errno;
    fd = next;
    below += length;
    below += *below == '/';
  }
  return fd;
}

int
hookrun_inotify_open (HookrunInotify *self, guint32 node)
{
  guint32 top = hookrun_node_table_root (&self->table, node);
  guint32 number = hookrun_node_table_get (&self->table, top)->name;
  g_autoptr (GString) below = g_string_new (NULL);

  hookrun_node_table_path (&self->table, node, below);
  return hookrun_inotify_open_below (g_ptr_array_index (self->roots, number), below->str);
}

gboolean
hookrun_inotify_own_folder (void)
{
  return unshare (CLONE_FS) == 0;
}

int
hookrun_inotify_watch_fd (int fd, int folder_fd, guint32 mask, gboolean owns_folder)
{
  char path[40];

  /* inotify_add_watch takes no descriptor. */
  if (owns_folder && fchdir (folder_fd) == 0)
    return inotify_add_watch (fd, ".", mask);
  g_snprintf (path, sizeof path, "/proc/self/fd/%d", folder_fd);
  return inotify_add_watch (fd, path, mask);
}

gboolean
hookrun_inotify_is_pseudo (int folder_fd)
{
  static const guint64 kinds[] = {
      0x9fa0,     /* proc */
      0x62656572, /* sysfs */
      0x64626720, /* debugfs */
      0x74726163, /* tracefs */
      0x27e0eb,   /* cgroup */
      0x63677270, /* cgroup2 */
      0xcafe4a11, /* bpf */
      0x73636673, /* securityfs */
      0xf97cff8c, /* selinuxfs */
      0x62656570, /* configfs */
      0x1cd1,     /* devpts */
  };
  struct statfs st;

  if (fstatfs (folder_fd, &st) != 0)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (((guint64)st.f_type & 0xffffffffu) == kinds[i])
      return TRUE;
  return FALSE;
}

/* What changes a folder's own contents is always needed. */
guint32
hookrun_inotify_mask (const HookrunWatchRoot *root)
{
  guint32 mask =
      IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_EXCL_UNLINK | IN_ONLYDIR;

  return root->kinds & HOOKRUN_CHANGE_CHANGED ? mask | IN_MODIFY | IN_CLOSE_WRITE : mask;
}
