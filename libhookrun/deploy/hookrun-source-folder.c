/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sources without a repository: the module's own folder, without what belongs to deploying it. The
 * version is the release's, or a digest over names, kinds, modes and contents.
 */
#include "hookrun-source-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hookrun-error-private.h"
#include "hookrun-file-private.h"

#define MAX_DEPTH 100
#define DIGEST_LETTERS 16

/* Left out at the top; the module file is too. */
static const char *const left_out[] = {"config",
                                       "repo",
                                       "deployment.py",
                                       "deployment.so",
                                       "deployment.d",
                                       "deployment.py.policy.json",
                                       "deployment.so.policy.json",
                                       "deployment.d.policy.json",
                                       "__pycache__",
                                       NULL};

typedef struct _Walk Walk;

/* One entry, @path relative to the top; folders come before what is in them. */
typedef gboolean (*Visit) (Walk *walk, int folder_fd, const char *name, const char *path,
                           const struct stat *st, GError **error);

struct _Walk {
  Visit visit;
  char *module_file;
  GCancellable *cancellable;
  GChecksum *digest; /* for the version */
  int tree_fd;       /* for the copy */
};

static gboolean
is_left_out (const Walk *self, const char *name, guint depth)
{
  if (g_str_equal (name, ".") || g_str_equal (name, "..") || g_str_has_prefix (name, ".git"))
    return TRUE;
  return depth == 0 && (g_strv_contains (left_out, name) || g_str_equal (name, self->module_file));
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* Takes @fd. Names are sorted, so that the digest does not depend on the disk. */
static GPtrArray *
list_folder (const Walk *self, int fd, guint depth, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  DIR *dir = fdopendir (fd);
  const struct dirent *entry;

  if (dir == NULL) {
    hookrun_set_error_from_errno (error, errno, "cannot list a folder");
    close (fd);
    return NULL;
  }
  while ((entry = readdir (dir)) != NULL)
    if (!is_left_out (self, entry->d_name, depth))
      g_ptr_array_add (names, g_strdup (entry->d_name));
  closedir (dir);
  g_ptr_array_sort (names, compare_names);
  return g_steal_pointer (&names);
}

static gboolean walk_folder (Walk *self, int fd, const char *path, guint depth, GError **error);

static gboolean
walk_entry (Walk *self, int folder_fd, const char *name, const char *path, guint depth,
            GError **error)
{
  struct stat st;
  int fd;
  gboolean ok;

  if (fstatat (folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot examine \"%s\"", path);
    return FALSE;
  }
  if (!S_ISREG (st.st_mode) && !S_ISDIR (st.st_mode) && !S_ISLNK (st.st_mode)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "\"%s\" is neither a file nor a folder nor a link; it cannot be sent, remove it",
                 path);
    return FALSE;
  }
  if (!self->visit (self, folder_fd, name, path, &st, error))
    return FALSE;
  if (!S_ISDIR (st.st_mode))
    return TRUE;
  fd = openat (folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open folder \"%s\"", path);
    return FALSE;
  }
  ok = walk_folder (self, fd, path, depth + 1, error);
  close (fd);
  return ok;
}

static gboolean
walk_folder (Walk *self, int fd, const char *path, guint depth, GError **error)
{
  g_autoptr (GPtrArray) names = NULL;

  if (depth > MAX_DEPTH) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                 "folders are nested more than %d deep: \"%s\"", MAX_DEPTH, path);
    return FALSE;
  }
  names = list_folder (self, openat (fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), depth, error);
  for (guint i = 0; names != NULL && i < names->len; i++) {
    const char *name = g_ptr_array_index (names, i);
    g_autofree char *inside = *path != '\0' ? g_build_filename (path, name, NULL) : g_strdup (name);

    if (g_cancellable_is_cancelled (self->cancellable)) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED, "cancelled");
      return FALSE;
    }
    if (!walk_entry (self, fd, name, inside, depth, error))
      return FALSE;
  }
  return names != NULL;
}

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

/* Hands every block of a file to the digest or to @to. */
static gboolean
read_blocks (int fd, GChecksum *digest, int to, const char *path, GError **error)
{
  g_autofree guint8 *block = g_malloc (1 << 17);

  for (;;) {
    gssize n = read (fd, block, 1 << 17);

    if (n == 0)
      return TRUE;
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      hookrun_set_error_from_errno (error, errno, "cannot read \"%s\"", path);
      return FALSE;
    }
    if (digest != NULL)
      g_checksum_update (digest, block, n);
    else if (!hookrun_file_write_all (to, block, (gsize)n, path, error))
      return FALSE;
  }
}

static gboolean
digest_entry (Walk *self, int folder_fd, const char *name, const char *path, const struct stat *st,
              GError **error)
{
  char kind = S_ISDIR (st->st_mode) ? 'd' : S_ISLNK (st->st_mode) ? 'l' : 'f';
  g_autofree char *head = g_strdup_printf ("%c %o %" G_GINT64_FORMAT " %s", kind,
                                           kind == 'f' ? (guint)st->st_mode & 0111 : 0,
                                           kind == 'f' ? (gint64)st->st_size : 0, path);
  g_autofree char *target = NULL;
  int fd;
  gboolean ok;

  /* with the NUL at its end, so that no two trees give the same bytes */
  g_checksum_update (self->digest, (const guchar *)head, (gssize)strlen (head) + 1);
  if (kind == 'd')
    return TRUE;
  if (kind == 'l') {
    target = read_link (folder_fd, name, path, error);
    if (target != NULL)
      g_checksum_update (self->digest, (const guchar *)target, (gssize)strlen (target) + 1);
    return target != NULL;
  }
  fd = open_file (folder_fd, name, path, error);
  if (fd < 0)
    return FALSE;
  ok = read_blocks (fd, self->digest, -1, path, error);
  close (fd);
  return ok;
}

static gboolean
copy_file (Walk *self, int from, const char *path, const struct stat *st, GError **error)
{
  const struct timespec times[2] = {st->st_mtim, st->st_mtim};
  int to = openat (self->tree_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  gboolean ok;

  if (to < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot make the copy of \"%s\"", path);
    return FALSE;
  }
  ok = read_blocks (from, NULL, to, path, error);
  if (ok && (fchmod (to, st->st_mode & 0777) < 0 || futimens (to, times) < 0)) {
    hookrun_set_error_from_errno (error, errno, "cannot set mode and time of the copy of \"%s\"",
                                  path);
    ok = FALSE;
  }
  if (close (to) < 0 && ok) {
    hookrun_set_error_from_errno (error, errno, "cannot store the copy of \"%s\"", path);
    ok = FALSE;
  }
  return ok;
}

static gboolean
copy_entry (Walk *self, int folder_fd, const char *name, const char *path, const struct stat *st,
            GError **error)
{
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
  if (!ok)
    hookrun_set_error_from_errno (error, errno, "cannot make the copy of \"%s\"", path);
  return ok;
}

static gboolean
walk_module (HookrunSource *self, Walk *walk, GCancellable *cancellable, GError **error)
{
  const char *folder = hookrun_module_get_folder (self->module);
  int fd = hookrun_file_open_folder (AT_FDCWD, folder, error);
  g_autofree char *module_file = g_path_get_basename (hookrun_module_get_path (self->module));
  gboolean ok;

  if (fd < 0)
    return FALSE;
  walk->module_file = module_file;
  walk->cancellable = cancellable;
  ok = walk_folder (walk, fd, "", 0, error);
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
  const Walk walk = {.module_file = module_file};
  g_autoptr (GPtrArray) names = NULL;
  int fd;

  if (hookrun_module_get_value (self->module, "scm", "url", self->host, NULL) != NULL)
    return TRUE;
  fd = hookrun_file_open_folder (AT_FDCWD, folder, error);
  names = fd >= 0 ? list_folder (&walk, fd, 0, error) : NULL;
  if (names == NULL || names->len > 0)
    return names != NULL;
  g_set_error (
      error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
      "there is nothing to send: %s has no \"url\" under [scm], and \"%s\" has no files of "
      "its own; write url = ADDRESS, or url = none when hooks make all files",
      file, folder);
  return FALSE;
}

gboolean
hookrun_source_resolve_folder (HookrunSource *self, GCancellable *cancellable, GError **error)
{
  const char *version =
      hookrun_module_get_release_value (self->module, self->release, "version", self->host);
  g_autoptr (GChecksum) digest = g_checksum_new (G_CHECKSUM_SHA256);
  Walk walk = {.visit = digest_entry, .digest = digest, .tree_fd = -1};

  if (!check_not_empty (self, error))
    return FALSE;
  if (version != NULL) {
    self->version = g_strdup (version);
    return TRUE;
  }
  if (!walk_module (self, &walk, cancellable, error))
    return FALSE;
  self->version = g_strdup_printf ("content-%.*s", DIGEST_LETTERS, g_checksum_get_string (digest));
  return TRUE;
}

gboolean
hookrun_source_export_folder (HookrunSource *self, GCancellable *cancellable, GError **error)
{
  Walk walk = {.visit = copy_entry};
  gboolean ok;

  walk.tree_fd = hookrun_file_open_folder (self->checkout_fd, "new", error);
  if (walk.tree_fd < 0)
    return FALSE;
  ok = walk_module (self, &walk, cancellable, error);
  close (walk.tree_fd);
  return ok;
}
