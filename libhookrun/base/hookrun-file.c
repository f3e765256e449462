/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files relative to a folder's descriptor: read with a limit, replaced whole and durably. */
#include "hookrun-file-private.h"
#include "hookrun-error-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

int
hookrun_file_open_folder (int folder_fd, const char *path, GError **error)
{
  int fd = openat (folder_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    hookrun_set_error_from_errno (error, errno, "cannot open folder \"%s\"", path);
  return fd;
}

static gboolean
read_all (int fd, GByteArray *out, gsize max_size, const char *path, GError **error)
{
  guint8 buffer[65536];

  for (;;) {
    gssize n = read (fd, buffer, sizeof buffer);

    if (n == 0)
      return TRUE;
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      hookrun_set_error_from_errno (error, errno, "cannot read \"%s\"", path);
      return FALSE;
    }
    if (out->len + (gsize)n > max_size) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                   "\"%s\" is larger than the limit of %" G_GSIZE_FORMAT " bytes", path, max_size);
      return FALSE;
    }
    g_byte_array_append (out, buffer, (guint)n);
  }
}

static gboolean
check_readable_file (int fd, const char *path, gsize max_size, GError **error)
{
  struct stat st;

  if (fstat (fd, &st) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot examine \"%s\"", path);
    return FALSE;
  }
  if (!S_ISREG (st.st_mode)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "\"%s\" is not a regular file", path);
    return FALSE;
  }
  if ((guint64)st.st_size > max_size) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                 "\"%s\" is larger than the limit of %" G_GSIZE_FORMAT " bytes", path, max_size);
    return FALSE;
  }
  return TRUE;
}

char *
hookrun_file_read_at (int folder_fd, const char *path, gsize max_size, gsize *length,
                      GError **error)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  int fd = openat (folder_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  gboolean ok;

  if (fd < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open \"%s\"", path);
    return NULL;
  }
  ok = check_readable_file (fd, path, max_size, error) && read_all (fd, out, max_size, path, error);
  close (fd);
  if (!ok)
    return NULL;
  if (length != NULL)
    *length = out->len;
  g_byte_array_append (out, (const guint8 *)"", 1);
  return (char *)g_byte_array_free (g_steal_pointer (&out), FALSE);
}

gboolean
hookrun_file_write_all (int fd, const void *data, gsize length, const char *what, GError **error)
{
  const char *at = data;

  while (length > 0) {
    gssize n = write (fd, at, length);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      hookrun_set_error_from_errno (error, errno, "cannot write %s", what);
      return FALSE;
    }
    at += n;
    length -= (gsize)n;
  }
  return TRUE;
}

static int
open_temporary (int folder_fd, const char *name, mode_t mode, char **temporary, GError **error)
{
  for (int attempt = 0; attempt < 100; attempt++) {
    g_autofree char *candidate = g_strdup_printf (".%s.%08x.tmp", name, g_random_int ());
    int fd =
        openat (folder_fd, candidate, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

    if (fd >= 0) {
      *temporary = g_steal_pointer (&candidate);
      return fd;
    }
    if (errno != EEXIST)
      break;
  }
  hookrun_set_error_from_errno (error, errno, "cannot make a temporary file for \"%s\"", name);
  return -1;
}

static gboolean
fill_temporary (int fd, const char *name, const void *data, gsize length, mode_t mode,
                GError **error)
{
  if (!hookrun_file_write_all (fd, data, length, name, error))
    return FALSE;
  if (fchmod (fd, mode) < 0 || fsync (fd) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot store \"%s\"", name);
    return FALSE;
  }
  return TRUE;
}

/* A device, pipe or socket is nobody's earlier version of a file. (A folder is refused by rename.)
 */
static gboolean
check_replaceable (int folder_fd, const char *name, GError **error)
{
  struct stat st;

  if (fstatat (folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISREG (st.st_mode) ||
      S_ISLNK (st.st_mode) || S_ISDIR (st.st_mode))
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS,
               "\"%s\" is there and is not a regular file; move it away", name);
  return FALSE;
}

gboolean
hookrun_file_replace_at (int folder_fd, const char *name, const void *data, gsize length,
                         mode_t mode, GError **error)
{
  g_autofree char *temporary = NULL;
  gboolean ok;
  int fd;

  if (!check_replaceable (folder_fd, name, error))
    return FALSE;
  fd = open_temporary (folder_fd, name, mode, &temporary, error);
  if (fd < 0)
    return FALSE;
  ok = fill_temporary (fd, name, data, length, mode, error);
  close (fd);
  if (ok && renameat (folder_fd, temporary, folder_fd, name) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot rename the new \"%s\" into place", name);
    ok = FALSE;
  }
  if (!ok) {
    unlinkat (folder_fd, temporary, 0);
    return FALSE;
  }
  if (fsync (folder_fd) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot sync the folder of \"%s\"", name);
    return FALSE;
  }
  return TRUE;
}

gboolean
hookrun_file_make_folders (const char *path, GError **error)
{
  g_autofree char *part = g_strdup (path);
  int failed = 0;

  for (char *end = part; *end != '\0' && failed == 0; *end = path[end - part]) {
    end += strspn (end, "/");
    end += strcspn (end, "/");
    *end = '\0';
    if (mkdir (part, 0755) == 0)
      failed = chmod (part, 0755) == 0 ? 0 : errno;
    else if (errno != EEXIST)
      failed = g_file_test (part, G_FILE_TEST_IS_DIR) ? 0 : errno;
  }
  if (failed == 0 && !g_file_test (path, G_FILE_TEST_IS_DIR))
    failed = ENOTDIR;
  if (failed == 0)
    return TRUE;
  hookrun_set_error_from_errno (error, failed, "cannot make folder \"%s\"", path);
  return FALSE;
}

static gboolean
remove_folder_contents (int fd, const char *path, GError **error)
{
  DIR *dir = fdopendir (fd);
  const struct dirent *entry;
  gboolean ok = TRUE;

  if (dir == NULL) {
    hookrun_set_error_from_errno (error, errno, "cannot list folder \"%s\"", path);
    close (fd);
    return FALSE;
  }
  while (ok && (entry = readdir (dir)) != NULL)
    if (!g_str_equal (entry->d_name, ".") && !g_str_equal (entry->d_name, ".."))
      ok = hookrun_file_remove_tree_at (dirfd (dir), entry->d_name, error);
  closedir (dir);
  return ok;
}

/* A folder of ours may forbid even us to look into it, or to take something out of it. */
static int
open_for_removal (int folder_fd, const char *path)
{
  const int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int fd = openat (folder_fd, path, O_RDONLY | flags);
  struct stat st;

  if (fd >= 0 || errno != EACCES) {
    if (fd >= 0 && fstat (fd, &st) == 0 && (st.st_mode & 0700) != 0700)
      fchmod (fd, 0700);
    return fd;
  }
  fd = openat (folder_fd, path, O_PATH | flags);
  if (fd >= 0) {
    g_autofree char *self = g_strdup_printf ("/proc/self/fd/%d", fd);

    chmod (self, 0700);
    close (fd);
  }
  return openat (folder_fd, path, O_RDONLY | flags);
}

gboolean
hookrun_file_remove_tree_at (int folder_fd, const char *path, GError **error)
{
  int fd;

  if (unlinkat (folder_fd, path, 0) == 0 || errno == ENOENT)
    return TRUE;
  if (errno != EISDIR && errno != EPERM) {
    hookrun_set_error_from_errno (error, errno, "cannot remove \"%s\"", path);
    return FALSE;
  }
  fd = open_for_removal (folder_fd, path);
  if (fd < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open folder \"%s\"", path);
    return FALSE;
  }
  if (!remove_folder_contents (fd, path, error))
    return FALSE;
  if (unlinkat (folder_fd, path, AT_REMOVEDIR) == 0 || errno == ENOENT)
    return TRUE;
  hookrun_set_error_from_errno (error, errno, "cannot remove folder \"%s\"", path);
  return FALSE;
}

gboolean
hookrun_file_check_trust (const struct stat *st, const char *what, GError **error)
{
  if (st->st_uid != 0 && st->st_uid != geteuid ()) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED,
                 "%s belongs to user %u, who is neither root nor you; change its owner or do not "
                 "use it",
                 what, (guint)st->st_uid);
    return FALSE;
  }
  if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 && !S_ISLNK (st->st_mode)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED,
                 "%s can be written by others (mode %04o); take that away: chmod go-w", what,
                 (guint)(st->st_mode & 07777));
    return FALSE;
  }
  return TRUE;
}
