/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Versions of files as values: read from a folder, compared with what lies there, written to an
 * open file. Nothing here follows a link or opens what is no regular file.
 */
#include "hookrun-staging-version-private.h"
#include "hookrun-error-private.h"
#include "hookrun-file-private.h"
#include "hookrun-staging-xattr-private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS_PER_SECOND G_GINT64_CONSTANT (1000000000)
#define CHUNK_SIZE 65536

static HookrunStagedVersion *
version_new (HookrunStagedKind kind)
{
  HookrunStagedVersion *self = g_new0 (HookrunStagedVersion, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->kind = kind;
  return self;
}

HookrunStagedVersion *
hookrun_staged_version_new_none (void)
{
  return version_new (HOOKRUN_STAGED_KIND_NONE);
}

HookrunStagedVersion *
hookrun_staged_version_new_file (GBytes *content)
{
  HookrunStagedVersion *self = version_new (HOOKRUN_STAGED_KIND_FILE);

  self->content = g_bytes_ref (content);
  self->size = g_bytes_get_size (content);
  self->sum = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, content);
  return self;
}

HookrunStagedVersion *
hookrun_staged_version_new_link (const char *text)
{
  HookrunStagedVersion *self = version_new (HOOKRUN_STAGED_KIND_LINK);

  self->link = g_strdup (text);
  self->size = strlen (text);
  self->sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
  return self;
}

HookrunStagedVersion *
hookrun_staged_version_copy (const HookrunStagedVersion *self)
{
  HookrunStagedVersion *copy = version_new (self->kind);

  copy->mode = self->mode;
  copy->uid = self->uid;
  copy->gid = self->gid;
  copy->size = self->size;
  copy->mtime_ns = self->mtime_ns;
  copy->sum = g_strdup (self->sum);
  copy->link = g_strdup (self->link);
  copy->xattrs = self->xattrs != NULL ? g_bytes_ref (self->xattrs) : NULL;
  copy->content = self->content != NULL ? g_bytes_ref (self->content) : NULL;
  copy->inherits = self->inherits;
  return copy;
}

HookrunStagedVersion *
hookrun_staged_version_ref (HookrunStagedVersion *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
hookrun_staged_version_unref (HookrunStagedVersion *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_free (self->sum);
  g_free (self->link);
  g_clear_pointer (&self->xattrs, g_bytes_unref);
  g_clear_pointer (&self->content, g_bytes_unref);
  g_free (self);
}

/* What stat tells of it. */
static void
take_stat (HookrunStagedVersion *self, const struct stat *st)
{
  self->mode = self->kind == HOOKRUN_STAGED_KIND_FILE ? (guint)(st->st_mode & 07777) : 0;
  self->uid = (guint)st->st_uid;
  self->gid = (guint)st->st_gid;
  self->mtime_ns = (gint64)st->st_mtim.tv_sec * NS_PER_SECOND + (gint64)st->st_mtim.tv_nsec;
}

static HookrunStagedVersion *
read_link (const HookrunStagingSpot *spot, const struct stat *st, GError **error)
{
  char text[PATH_MAX];
  gssize length = readlinkat (spot->folder_fd, spot->name, text, sizeof text - 1);
  HookrunStagedVersion *self;

  if (length < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot read link %s", spot->what);
    return NULL;
  }
  text[length] = '\0';
  if (!g_utf8_validate (text, length, NULL)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "the text of link %s is not UTF-8",
                 spot->what);
    return NULL;
  }
  self = hookrun_staged_version_new_link (text);
  take_stat (self, st);
  return self;
}

/* Opens what @seen tells of; another thing in its place is a CONFLICT. */
static int
open_seen (const HookrunStagingSpot *spot, const struct stat *seen, GError **error)
{
  int fd = openat (spot->folder_fd, spot->name,
                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  struct stat st;

  if (fd < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open %s", spot->what);
    return -1;
  }
  if (fstat (fd, &st) == 0 && st.st_dev == seen->st_dev && st.st_ino == seen->st_ino &&
      S_ISREG (st.st_mode))
    return fd;
  close (fd);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT, "%s was replaced while it was read",
               spot->what);
  return -1;
}

/* (transfer full): at most @max_size bytes. */
static GBytes *
read_content (int fd, guint64 size, guint64 max_size, const char *what, GError **error)
{
  g_autoptr (GByteArray) out = g_byte_array_sized_new ((guint)MIN (size, max_size) + 1);
  g_autofree guint8 *chunk = g_malloc (CHUNK_SIZE);
  gssize n = 1;

  while (n != 0 && out->len <= max_size) {
    n = read (fd, chunk, CHUNK_SIZE);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      hookrun_set_error_from_errno (error, errno, "cannot read %s", what);
      return NULL;
    }
    g_byte_array_append (out, chunk, (guint)n);
  }
  if (out->len <= max_size)
    return g_byte_array_free_to_bytes (g_steal_pointer (&out));
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
               "%s is larger than the limit of %" G_GUINT64_FORMAT " bytes", what, max_size);
  return NULL;
}

static HookrunStagedVersion *
read_open_file (int fd, const struct stat *st, guint64 max_size, const char *what, GError **error)
{
  g_autoptr (HookrunStagedVersion) self = NULL;
  g_autoptr (GBytes) content = NULL;
  g_autoptr (GError) problem = NULL;

  content = read_content (fd, (guint64)st->st_size, max_size, what, error);
  if (content == NULL)
    return NULL;
  self = hookrun_staged_version_new_file (content);
  take_stat (self, st);
  self->xattrs = hookrun_staging_xattr_read (fd, what, &problem);
  if (problem == NULL)
    return g_steal_pointer (&self);
  g_propagate_error (error, g_steal_pointer (&problem));
  return NULL;
}

static HookrunStagedVersion *
read_file (const HookrunStagingSpot *spot, const struct stat *st, guint64 max_size, GError **error)
{
  HookrunStagedVersion *self;
  int fd;

  if ((guint64)st->st_size > max_size) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                 "%s is larger than the limit of %" G_GUINT64_FORMAT " bytes", spot->what,
                 max_size);
    return NULL;
  }
  fd = open_seen (spot, st, error);
  if (fd < 0)
    return NULL;
  self = read_open_file (fd, st, max_size, spot->what, error);
  close (fd);
  return self;
}

HookrunStagedVersion *
hookrun_staged_version_read (const HookrunStagingSpot *spot, guint64 max_size, GError **error)
{
  struct stat st;

  if (fstatat (spot->folder_fd, spot->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
    if (errno == ENOENT)
      return hookrun_staged_version_new_none ();
    hookrun_set_error_from_errno (error, errno, "cannot examine %s", spot->what);
    return NULL;
  }
  if (S_ISREG (st.st_mode))
    return read_file (spot, &st, max_size, error);
  if (S_ISLNK (st.st_mode))
    return read_link (spot, &st, error);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "%s is a %s; only files and symbolic links can be staged", spot->what,
               S_ISDIR (st.st_mode)    ? "folder"
               : S_ISFIFO (st.st_mode) ? "FIFO"
               : S_ISSOCK (st.st_mode) ? "socket"
                                       : "device");
  return NULL;
}

gboolean
hookrun_staged_version_equal (const HookrunStagedVersion *a, const HookrunStagedVersion *b)
{
  if (a->kind != b->kind)
    return FALSE;
  return a->kind == HOOKRUN_STAGED_KIND_NONE ||
         (a->mode == b->mode && a->uid == b->uid && a->gid == b->gid && a->size == b->size &&
          g_str_equal (a->sum, b->sum) && hookrun_staging_xattr_equal (a->xattrs, b->xattrs));
}

static gboolean
stat_fits (const HookrunStagedVersion *self, const struct stat *st)
{
  if (self->uid != (guint)st->st_uid || self->gid != (guint)st->st_gid ||
      self->size != (guint64)st->st_size)
    return FALSE;
  return self->kind == HOOKRUN_STAGED_KIND_LINK
             ? S_ISLNK (st->st_mode)
             : S_ISREG (st->st_mode) && self->mode == (guint)(st->st_mode & 07777);
}

gboolean
hookrun_staged_version_lies_at (const HookrunStagedVersion *self, const HookrunStagingSpot *spot,
                                GError **error)
{
  g_autoptr (HookrunStagedVersion) there = NULL;
  g_autoptr (GError) problem = NULL;
  struct stat st;

  if (fstatat (spot->folder_fd, spot->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
    if (errno == ENOENT)
      return self->kind == HOOKRUN_STAGED_KIND_NONE;
    hookrun_set_error_from_errno (error, errno, "cannot examine %s", spot->what);
    return FALSE;
  }
  if (self->kind == HOOKRUN_STAGED_KIND_NONE || !stat_fits (self, &st))
    return FALSE;
  there = hookrun_staged_version_read (spot, self->size, &problem);
  if (there != NULL)
    return hookrun_staged_version_equal (self, there);
  if (g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_IO) ||
      g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION))
    g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/* The kernel grants a lease for reading only while nobody writes. */
static gboolean
is_refused_a_lease (int fd)
{
  /* Who opens the file while we hold the lease waits for us to give it back, and we would get a
   * signal: not SIGIO, which ends a process that does not expect it. */
  if (fcntl (fd, F_SETSIG, SIGURG) < 0)
    return FALSE;
  if (fcntl (fd, F_SETLEASE, F_RDLCK) < 0)
    return errno == EAGAIN;
  fcntl (fd, F_SETLEASE, F_UNLCK);
  return FALSE;
}

gboolean
hookrun_staging_spot_is_written (const HookrunStagingSpot *spot)
{
  struct stat st;
  gboolean written;
  int fd;

  /* To open a device or a FIFO may do something. */
  if (fstatat (spot->folder_fd, spot->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG (st.st_mode))
    return FALSE;
  fd = openat (spot->folder_fd, spot->name,
               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  written = is_refused_a_lease (fd);
  close (fd);
  return written;
}

static gboolean
set_metadata (const HookrunStagedVersion *self, int fd, const char *what, GError **error)
{
  const struct timespec times[2] = {
      {.tv_nsec = UTIME_OMIT},
      {.tv_sec = (time_t)(self->mtime_ns / NS_PER_SECOND),
       .tv_nsec = (long)(self->mtime_ns % NS_PER_SECOND)},
  };
  struct stat st;

  if (fstat (fd, &st) < 0 || ((st.st_uid != self->uid || st.st_gid != self->gid) &&
                              fchown (fd, (uid_t)self->uid, (gid_t)self->gid) < 0)) {
    hookrun_set_error_from_errno (error, errno, "cannot give %s its owner %u:%u", what, self->uid,
                                  self->gid);
    return FALSE;
  }
  /* The access list first: setting it changes the bits of the group. */
  if (!self->inherits && !hookrun_staging_xattr_apply (fd, self->xattrs, what, error))
    return FALSE;
  if (fchmod (fd, (mode_t)self->mode) < 0 || (self->mtime_ns != 0 && futimens (fd, times) < 0)) {
    hookrun_set_error_from_errno (error, errno, "cannot give %s its mode %04o", what, self->mode);
    return FALSE;
  }
  return TRUE;
}

gboolean
hookrun_staged_version_fill (const HookrunStagedVersion *self, int fd, const char *what,
                             GError **error)
{
  gsize size;
  const void *data = g_bytes_get_data (self->content, &size);

  if (!hookrun_file_write_all (fd, data, size, what, error) ||
      !set_metadata (self, fd, what, error))
    return FALSE;
  if (fsync (fd) == 0)
    return TRUE;
  hookrun_set_error_from_errno (error, errno, "cannot sync %s", what);
  return FALSE;
}

gboolean
hookrun_staged_version_load (HookrunStagedVersion *self, const HookrunStagingSpot *spot,
                             GError **error)
{
  g_autoptr (HookrunStagedVersion) kept = NULL;
  g_autoptr (GError) problem = NULL;

  if (self->kind != HOOKRUN_STAGED_KIND_FILE || self->content != NULL)
    return TRUE;
  kept = hookrun_staged_version_read (spot, self->size, &problem);
  if (kept == NULL && !g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT)) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  if (kept == NULL || g_strcmp0 (kept->sum, self->sum) != 0) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "%s is not the file that was kept there; it is missing or was changed",
                 spot->what);
    return FALSE;
  }
  self->content = g_bytes_ref (kept->content);
  return TRUE;
}
