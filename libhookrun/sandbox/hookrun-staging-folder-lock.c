/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Commits of programs that have state folders of their own do not know of each other, and two that
 * look, exchange and exchange back in turns could put a refused version in place of an accepted
 * one. So the folders of the targets are locked meanwhile. Whoever can read a folder can lock it:
 * one that holds the lock for longer than a commit takes is none of us, and is not waited for.
 */
#include "hookrun-staging-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define WAIT_US (10 * G_USEC_PER_SEC)
#define PAUSE_US 500

static int
compare_folders (gconstpointer one, gconstpointer other)
{
  const struct stat *a = &(*(const HookrunStagingEntry *const *)one)->folder->st;
  const struct stat *b = &(*(const HookrunStagingEntry *const *)other)->folder->st;

  if (a->st_dev != b->st_dev)
    return a->st_dev < b->st_dev ? -1 : 1;
  return (a->st_ino > b->st_ino) - (a->st_ino < b->st_ino);
}

/* -1: somebody else has it, or it cannot be locked. */
static int
lock_folder (int folder, gint64 until)
{
  int fd = openat (folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  while (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) < 0) {
    if ((errno == EWOULDBLOCK || errno == EINTR) && g_get_monotonic_time () < until) {
      g_usleep (PAUSE_US);
      continue;
    }
    close (fd);
    fd = -1;
  }
  return fd;
}

static void
clear_lock (gpointer lock)
{
  close (*(int *)lock);
}

GArray *
hookrun_staging_lock_folders (HookrunStagingCommit *commit)
{
  GArray *locks = g_array_new (FALSE, FALSE, sizeof (int));
  g_autoptr (GPtrArray) entries = g_ptr_array_copy (commit->entries, NULL, NULL);
  gint64 until = g_get_monotonic_time () + WAIT_US;

  g_array_set_clear_func (locks, clear_lock);
  g_ptr_array_set_free_func (entries, NULL);
  /* In one order, so that no two wait for each other. */
  g_ptr_array_sort (entries, compare_folders);
  for (guint i = 0; i < entries->len; i++) {
    const HookrunStagingEntry *entry = entries->pdata[i];
    int fd;

    if (i > 0 && compare_folders (&entries->pdata[i - 1], &entries->pdata[i]) == 0)
      continue;
    fd = lock_folder (entry->folder->fd, until);
    if (fd >= 0)
      g_array_append_val (locks, fd);
  }
  return locks;
}
