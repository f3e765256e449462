/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much the writable folders of a policy occupy: what their files and folders take, and what
 * removed files take that are still open. */
#include "hookrun-disk-use-private.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_PART 4000
#define MAX_PATH (64 * 1024)
#define BLOCK 512

struct _HookrunDiskUse {
  GPtrArray *paths; /* char *; those inside another are left out */
  guint64 at_start;
};

/* A file with several names is counted once. */
typedef struct {
  guint64 total;
  gboolean is_endless;
  GHashTable *seen; /* "dev:ino" of files with more than one name */
} Count;

static void
count_file (Count *count, const struct stat *st)
{
  if (st->st_nlink > 1 && !S_ISDIR (st->st_mode) &&
      !g_hash_table_add (count->seen, g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
                                                       (guint64)st->st_dev, (guint64)st->st_ino)))
    return;
  count->total += (guint64)st->st_blocks * BLOCK;
}

/* Opens a folder by a path that may be longer than the kernel takes at once. */
static int
open_deep (int root_fd, const char *path)
{
  int fd = fcntl (root_fd, F_DUPFD_CLOEXEC, 0);

  while (fd >= 0 && *path != '\0') {
    gsize length = strlen (path);
    g_autofree char *part = NULL;
    int next;

    if (length > MAX_PART)
      for (length = MAX_PART; length > 0 && path[length] != '/'; length--)
        continue;
    part = g_strndup (path, length);
    next = openat (fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    close (fd);
    fd = next;
    path += length;
    while (*path == '/')
      path++;
  }
  return fd;
}

/* Counts the entries of one folder; those that are folders wait in @waiting for their turn. */
static void
count_entries (Count *count, int folder_fd, const char *path, GQueue *waiting)
{
  DIR *folder = fdopendir (folder_fd);
  struct dirent *entry;

  if (folder == NULL) {
    close (folder_fd);
    return;
  }
  while ((entry = readdir (folder)) != NULL) {
    struct stat st;

    if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0 ||
        fstatat (dirfd (folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
      continue;
    count_file (count, &st);
    if (S_ISDIR (st.st_mode))
      g_queue_push_tail (waiting, *path == '\0' ? g_strdup (entry->d_name)
                                                : g_strconcat (path, "/", entry->d_name, NULL));
  }
  closedir (folder);
}

/* Nobody needs folders that are nested this deep, unless to hide something: they count as all the
 * space there is. */
static void
count_folder (Count *count, int root_fd)
{
  GQueue waiting = G_QUEUE_INIT;
  char *path;

  g_queue_push_tail (&waiting, g_strdup (""));
  while ((path = g_queue_pop_head (&waiting)) != NULL) {
    int fd = strlen (path) < MAX_PATH ? open_deep (root_fd, path) : -1;

    if (fd >= 0)
      count_entries (count, fd, path, &waiting);
    else if (strlen (path) >= MAX_PATH)
      count->is_endless = TRUE;
    g_free (path);
  }
}

static void
count_paths (HookrunDiskUse *self, Count *count)
{
  for (guint i = 0; i < self->paths->len; i++) {
    const char *path = g_ptr_array_index (self->paths, i);
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    if (fd < 0 || fstat (fd, &st) < 0) {
      if (fd >= 0)
        close (fd);
      continue;
    }
    count_file (count, &st);
    if (S_ISDIR (st.st_mode))
      count_folder (count, fd);
    close (fd);
  }
}

/* Files without a name that the process holds open are on the disk until it ends. */
static void
count_removed (Count *count, const char *pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/fd", pid);
  DIR *folder = opendir (path);
  struct dirent *entry;

  while (folder != NULL && (entry = readdir (folder)) != NULL) {
    struct stat st;

    if (fstatat (dirfd (folder), entry->d_name, &st, 0) == 0 && S_ISREG (st.st_mode) &&
        st.st_nlink == 0 &&
        g_hash_table_add (count->seen, g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
                                                        (guint64)st.st_dev, (guint64)st.st_ino)))
      count->total += (guint64)st.st_blocks * BLOCK;
  }
  if (folder != NULL)
    closedir (folder);
}

static void
count_group (Count *count, pid_t group)
{
  DIR *proc = opendir ("/proc");
  struct dirent *entry;

  while (proc != NULL && (entry = readdir (proc)) != NULL)
    if (g_ascii_isdigit (entry->d_name[0]) &&
        getpgid ((pid_t)g_ascii_strtoll (entry->d_name, NULL, 10)) == group)
      count_removed (count, entry->d_name);
  if (proc != NULL)
    closedir (proc);
}

static guint64
measure (HookrunDiskUse *self, pid_t group)
{
  Count count = {0, FALSE, g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL)};

  count_paths (self, &count);
  if (group > 0)
    count_group (&count, group);
  g_hash_table_unref (count.seen);
  return count.is_endless ? G_MAXUINT64 / 2 : count.total;
}

/* Grants are sorted, so that a folder comes before what is in it. */
HookrunDiskUse *
hookrun_disk_use_new (HookrunPolicy *policy)
{
  HookrunDiskUse *self = g_new0 (HookrunDiskUse, 1);
  const char *last = NULL;

  self->paths = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < policy->grants->len; i++) {
    const HookrunGrant *grant = g_ptr_array_index (policy->grants, i);
    gsize length = last != NULL ? strlen (last) : 0;

    if ((grant->access & HOOKRUN_ACCESS_WRITE) == 0)
      continue;
    if (last != NULL && strncmp (grant->path, last, length) == 0 && grant->path[length] == '/')
      continue;
    last = grant->path;
    g_ptr_array_add (self->paths, g_strdup (grant->path));
  }
  self->at_start = measure (self, 0);
  return self;
}

void
hookrun_disk_use_free (HookrunDiskUse *self)
{
  g_ptr_array_unref (self->paths);
  g_free (self);
}

guint64
hookrun_disk_use_growth (HookrunDiskUse *self, pid_t group)
{
  guint64 now = measure (self, group);

  return now > self->at_start ? now - self->at_start : 0;
}
