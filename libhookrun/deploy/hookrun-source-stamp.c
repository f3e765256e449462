/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files whose time tells of their content. A sync compares sizes and times, so two contents of one
 * file must never have the same: the part of the time below the second comes from a hash of the
 * content. Files of a checkout get it when they are made, those that handlers wrote just before the
 * tree is sent; what nobody touched since is known by its inode and its time of change.
 */
#include "hookrun-source-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hookrun-error-private.h"
#include "hookrun-file-private.h"
#include "hookrun-source-walk-private.h"

#define MAX_TICK_MS 50

typedef struct {
  struct stat st;
  char *hash; /* (nullable) */
} Known;

static void
known_free (gpointer data)
{
  Known *known = data;

  g_free (known->hash);
  g_free (known);
}

GHashTable *
hookrun_source_new_memory (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, known_free);
}

static int
compare_times (const struct timespec *a, const struct timespec *b)
{
  if (a->tv_sec != b->tv_sec)
    return a->tv_sec < b->tv_sec ? -1 : 1;
  return a->tv_nsec < b->tv_nsec ? -1 : a->tv_nsec > b->tv_nsec;
}

/* Whether a change from now on gives a file another time of change than @st has. */
static gboolean
is_past (const struct timespec *changed)
{
  struct timespec now;

  return clock_gettime (CLOCK_REALTIME_COARSE, &now) == 0 && compare_times (changed, &now) < 0;
}

/* A file that changed within the clock's tick may change again without a trace: it is not kept. */
void
hookrun_source_remember (GHashTable *memory, const char *path, const struct stat *st,
                         const char *hash)
{
  struct timespec margin = st->st_ctim;
  Known *known;

  margin.tv_sec += hash != NULL ? 1 : 0;
  if (hash != NULL && !is_past (&margin))
    return;
  known = g_new (Known, 1);
  known->st = *st;
  known->hash = g_strdup (hash);
  g_hash_table_insert (memory, g_strdup (path), known);
}

static gboolean
is_same_file (const struct stat *a, const struct stat *b)
{
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
         compare_times (&a->st_mtim, &b->st_mtim) == 0 &&
         compare_times (&a->st_ctim, &b->st_ctim) == 0;
}

const char *
hookrun_source_recall (GHashTable *memory, const char *path, const struct stat *st)
{
  const Known *known = g_hash_table_lookup (memory, path);

  return known != NULL && is_same_file (&known->st, st) ? known->hash : NULL;
}

char *
hookrun_source_hash_file (int fd, const char *path, GError **error)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree guint8 *block = g_malloc (1 << 17);

  for (;;) {
    gssize n = read (fd, block, 1 << 17);

    if (n == 0)
      return g_strdup (g_checksum_get_string (checksum));
    if (n > 0)
      g_checksum_update (checksum, block, n);
    else if (errno != EINTR)
      break;
  }
  hookrun_set_error_from_errno (error, errno, "cannot read \"%s\"", path);
  return NULL;
}

/* The first 32 bits. Not 0, which a target that keeps whole seconds has. */
long
hookrun_source_nanoseconds (const char *id)
{
  char digits[9] = "";

  g_strlcpy (digits, id, sizeof digits);
  return (long)(1 + g_ascii_strtoull (digits, NULL, 16) % 999999999U);
}

/* ---- a tree ---- */

typedef struct {
  GHashTable *noted;
  struct timespec last; /* time of change */
  gboolean exact;       /* out: every file could be given its time */
} Work;

static gboolean
walk_tree (HookrunSource *self, HookrunSourceVisit visit, Work *work, GCancellable *cancellable,
           GError **error)
{
  HookrunSourceWalk walk = {.visit = visit, .cancellable = cancellable, .data = work};
  int fd = hookrun_file_open_folder (AT_FDCWD, self->tree, error);
  gboolean ok = fd >= 0 && hookrun_source_walk (&walk, fd, error);

  if (fd >= 0)
    close (fd);
  return ok;
}

static gboolean
note_entry (HookrunSourceWalk *walk, int folder_fd, const char *name, const char *path,
            const struct stat *st, GError **error)
{
  Work *work = walk->data;

  if (!S_ISREG (st->st_mode))
    return TRUE;
  hookrun_source_remember (work->noted, path, st, NULL);
  if (compare_times (&st->st_ctim, &work->last) > 0)
    work->last = st->st_ctim;
  return TRUE;
}

gboolean
hookrun_source_note_tree (HookrunSource *self, GCancellable *cancellable, GError **error)
{
  Work work = {.noted = self->noted};

  g_hash_table_remove_all (self->noted);
  if (!walk_tree (self, note_entry, &work, cancellable, error))
    return FALSE;
  /* Whoever changes a file from now on is seen. */
  for (guint i = 0; i < MAX_TICK_MS && !is_past (&work.last); i++)
    g_usleep (1000);
  return TRUE;
}

/* A file with other names, or of another user, is left as it is: the sync must look into it. */
static gboolean
stamp_entry (HookrunSourceWalk *walk, int folder_fd, const char *name, const char *path,
             const struct stat *st, GError **error)
{
  Work *work = walk->data;
  const Known *known = g_hash_table_lookup (work->noted, path);
  struct timespec times[2] = {st->st_mtim, st->st_mtim};
  g_autofree char *hash = NULL;
  int fd;

  if (!S_ISREG (st->st_mode) || (known != NULL && is_same_file (&known->st, st)))
    return TRUE;
  if (st->st_nlink > 1) {
    work->exact = FALSE;
    return TRUE;
  }
  fd = openat (folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open \"%s\"", path);
    return FALSE;
  }
  hash = hookrun_source_hash_file (fd, path, error);
  if (hash != NULL) {
    times[0].tv_nsec = times[1].tv_nsec = hookrun_source_nanoseconds (hash);
    if (futimens (fd, times) < 0)
      work->exact = FALSE;
  }
  close (fd);
  return hash != NULL;
}

gboolean
hookrun_source_stamp (HookrunSource *self, gboolean *exact, GCancellable *cancellable,
                      GError **error)
{
  Work work = {.noted = self->noted, .exact = TRUE};
  gboolean ok = walk_tree (self, stamp_entry, &work, cancellable, error);

  *exact = work.exact;
  return ok;
}
