/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sources without a repository: the module's own folder, without what belongs to deploying it. The
 * version is the release's, or a digest over names, kinds, modes and contents.
 */
#include "hookrun-source-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hookrun-error-private.h"
#include "hookrun-file-private.h"
#include "hookrun-source-walk-private.h"

#define DIGEST_LETTERS 16

/* (transfer full): the target of a link of any length. */
static char *
read_link (int folder_fd, const char *name, const char *path, GError **error)
{
  char target[PATH_MAX + 1];
  gssize length = readlinkat (folder_fd, name, target, sizeof target);

  if (length >= 0 && (gsize)length < sizeof target)
    return g_strndup (target, (gsize)length);
  hookrun_set_error_from_errno (error, length < 0 ? errno : ENAMETOOLONG, "cannot read link \"%s\"",
                                path);
  return NULL;
}

static int
open_file (int folder_fd, const char *name, const char *path, GError **error)
{
  int fd = openat (folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

  if (fd < 0)
    hookrun_set_error_from_errno (error, errno, "cannot open \"%s\"", path);
  return fd;
}

static gboolean
copy_blocks (int from, int to, const char *path, GError **error)
{
  g_autofree guint8 *block = g_malloc (1 << 17);

  for (;;) {
    gssize n = read (from, block, 1 << 17);

    if (n == 0)
      return TRUE;
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      hookrun_set_error_from_errno (error, errno, "cannot read \"%s\"", path);
      return FALSE;
    }
    if (!hookrun_file_write_all (to, block, (gsize)n, path, error))
      return FALSE;
  }
}

/* What the version tells apart: kinds, who may execute, sizes, names, targets, contents. @content:
 * (nullable): the hash of a file or the target of a link. */
static void
digest_entry (GChecksum *digest, const char *path, const struct stat *st, const char *content)
{
  char kind = S_ISDIR (st->st_mode) ? 'd' : S_ISLNK (st->st_mode) ? 'l' : 'f';
  g_autofree char *head = g_strdup_printf ("%c %o %" G_GINT64_FORMAT " %s", kind,
                                           kind == 'f' ? (guint)st->st_mode & 0111 : 0,
                                           kind == 'f' ? (gint64)st->st_size : 0, path);

  /* with the NUL at its end, so that no two trees give the same bytes */
  g_checksum_update (digest, (const guchar *)head, (gssize)strlen (head) + 1);
  if (content != NULL)
    g_checksum_update (digest, (const guchar *)content, (gssize)strlen (content) + 1);
}

/* ---- the version of a folder ---- */

typedef struct {
  HookrunSource *source;
  GChecksum *digest;
  int tree_fd; /* of the copy */
} Work;

static gboolean
look_at_entry (HookrunSourceWalk *walk, int folder_fd, const char *name, const char *path,
               const struct stat *st, GError **error)
{
  Work *work = walk->data;
  g_autofree char *content = NULL;
  int fd;

  if (S_ISLNK (st->st_mode)) {
    content = read_link (folder_fd, name, path, error);
    if (content == NULL)
      return FALSE;
  }
  if (S_ISREG (st->st_mode)) {
    fd = open_file (folder_fd, name, path, error);
    if (fd < 0)
      return FALSE;
    content = hookrun_source_hash_file (fd, path, error);
    close (fd);
    if (content == NULL)
      return FALSE;
    hookrun_source_remember (work->source->hashes, path, st, content);
  }
  digest_entry (work->digest, path, st, content);
  return TRUE;
}

/* ---- the copy ---- */

/* (transfer full): the hash of what was copied to @to; read there, unless the file is the very one
 * that was hashed for the version and stayed so while it was copied. */
static char *
hash_copy (Work *work, int from, int to, const char *path, GError **error)
{
  const char *known = NULL;
  struct stat st;

  if (fstat (from, &st) == 0)
    known = hookrun_source_recall (work->source->hashes, path, &st);
  if (known != NULL)
    return g_strdup (known);
  if (lseek (to, 0, SEEK_SET) == 0)
    return hookrun_source_hash_file (to, path, error);
  hookrun_set_error_from_errno (error, errno, "cannot read the copy of \"%s\"", path);
  return NULL;
}

/* Its time is the original's to the second; the rest tells of the content. */
static gboolean
finish_copy (int to, const char *path, const struct stat *st, const char *hash, GError **error)
{
  const struct timespec time = {.tv_sec = st->st_mtim.tv_sec,
                                .tv_nsec = hookrun_source_nanoseconds (hash)};
  const struct timespec times[2] = {time, time};

  if (fchmod (to, st->st_mode & 0777) == 0 && futimens (to, times) == 0)
    return TRUE;
  hookrun_set_error_from_errno (error, errno, "cannot set mode and time of the copy of \"%s\"",
                                path);
  return FALSE;
}

static gboolean
copy_file (Work *work, int from, const char *path, const struct stat *st, GError **error)
{
  int to = openat (work->tree_fd, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  g_autofree char *hash = NULL;
  struct stat copied = *st;
  struct stat is;
  gboolean ok;

  if (to < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot make the copy of \"%s\"", path);
    return FALSE;
  }
  ok = copy_blocks (from, to, path, error);
  if (ok) {
    hash = hash_copy (work, from, to, path, error);
    ok = hash != NULL && finish_copy (to, path, st, hash, error);
  }
  if (ok && fstat (to, &is) == 0)
    copied.st_size = is.st_size;
  if (ok)
    digest_entry (work->digest, path, &copied, hash);
  if (close (to) < 0 && ok) {
    hookrun_set_error_from_errno (error, errno, "cannot store the copy of \"%s\"", path);
    ok = FALSE;
  }
  return ok;
}

static gboolean
copy_entry (HookrunSourceWalk *walk, int folder_fd, const char *name, const char *path,
            const struct stat *st, GError **error)
{
  Work *self = walk->data;
  g_autofree char *target = NULL;
  int fd;
  gboolean ok;

  if (S_ISREG (st->st_mode)) {
    fd = open_file (folder_fd, name, path, error);
    if (fd < 0)
      return FALSE;
    ok = copy_file (self, fd, path, st, error);
    close (fd);
    return ok;
  }
  if (S_ISLNK (st->st_mode)) {
    target = read_link (folder_fd, name, path, error);
    if (target == NULL)
      return FALSE;
    ok = symlinkat (target, self->tree_fd, path) == 0;
  } else {
    /* ours to write in and, later, to remove */
    ok = mkdirat (self->tree_fd, path, 0700) == 0 &&
         fchmodat (self->tree_fd, path, (st->st_mode & 0777) | 0700, 0) == 0;
  }
  if (!ok) {
    hookrun_set_error_from_errno (error, errno, "cannot make the copy of \"%s\"", path);
    return FALSE;
  }
  digest_entry (self->digest, path, st, target);
  return TRUE;
}

static gboolean
walk_module (HookrunSource *self, HookrunSourceWalk *walk, GCancellable *cancellable,
             GError **error)
{
  const char *folder = hookrun_module_get_folder (self->module);
  int fd = hookrun_file_open_folder (AT_FDCWD, folder, error);
  g_autofree char *module_file = g_path_get_basename (hookrun_module_get_path (self->module));
  gboolean ok;

  if (fd < 0)
    return FALSE;
  walk->module_file = module_file;
  walk->cancellable = cancellable;
  ok = hookrun_source_walk (walk, fd, error);
  close (fd);
  if (!ok)
    g_prefix_error (error, "cannot take \"%s\" as the source: ", folder);
  return ok;
}

/* Only who wrote "url = none" may mean a tree without any file, for hooks to fill. */
static gboolean
check_not_empty (HookrunSource *self, GError **error)
{
  const char *folder = hookrun_module_get_folder (self->module);
  const char *file = hookrun_module_get_path (self->module);
  g_autofree char *module_file = g_path_get_basename (file);
  const HookrunSourceWalk walk = {.module_file = module_file};
  g_autoptr (GPtrArray) names = NULL;
  int fd;

  if (hookrun_module_get_value (self->module, "scm", "url", self->host, NULL) != NULL)
    return TRUE;
  fd = hookrun_file_open_folder (AT_FDCWD, folder, error);
  names = fd >= 0 ? hookrun_source_list_folder (&walk, fd, 0, error) : NULL;
  if (names == NULL || names->len > 0)
    return names != NULL;
  g_set_error (
      error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
      "there is nothing to send: %s has no \"url\" under [scm], and \"%s\" has no files of "
      "its own; write url = ADDRESS, or url = none when hooks make all files",
      file, folder);
  return FALSE;
}

static const char *
named_version (HookrunSource *self)
{
  return hookrun_module_get_release_value (self->module, self->release, "version", self->host);
}

static char *
make_version (GChecksum *digest)
{
  return g_strdup_printf ("content-%.*s", DIGEST_LETTERS, g_checksum_get_string (digest));
}

gboolean
hookrun_source_resolve_folder (HookrunSource *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GChecksum) digest = g_checksum_new (G_CHECKSUM_SHA256);
  Work work = {.source = self, .digest = digest, .tree_fd = -1};
  HookrunSourceWalk walk = {.visit = look_at_entry, .data = &work};

  if (!check_not_empty (self, error))
    return FALSE;
  if (named_version (self) != NULL) {
    self->version = g_strdup (named_version (self));
    return TRUE;
  }
  g_hash_table_remove_all (self->hashes);
  if (!walk_module (self, &walk, cancellable, error))
    return FALSE;
  self->version = make_version (digest);
  return TRUE;
}

/* The version becomes that of the copy: the folder may have changed since it was looked at. */
gboolean
hookrun_source_export_folder (HookrunSource *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GChecksum) digest = g_checksum_new (G_CHECKSUM_SHA256);
  Work work = {.source = self, .digest = digest};
  HookrunSourceWalk walk = {.visit = copy_entry, .data = &work};
  gboolean ok;

  work.tree_fd = hookrun_file_open_folder (self->checkout_fd, "new", error);
  if (work.tree_fd < 0)
    return FALSE;
  ok = walk_module (self, &walk, cancellable, error);
  close (work.tree_fd);
  if (ok && named_version (self) == NULL) {
    g_free (self->version);
    self->version = make_version (digest);
  }
  return ok;
}
