/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The way to a plugin's file, checked folder by folder. Where every folder from the root down is
 * safe from others, nobody can put another file in its place between the check and its use by name.
 */
#include "hookrun-trust-private.h"
#include "hookrun-error-private.h"
#include "hookrun-file-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINKS 40

/* Where a walk has come to: @fd is @done, @rest is still to go. */
typedef struct {
  int fd;
  GString *done;
  char *rest;
  guint n_links;
} Walk;

static gboolean
check_on_the_way (const struct stat *st, const char *path, GError **error)
{
  struct stat seen = *st;
  g_autofree char *what = NULL;

  /* In a sticky folder only the owner of an entry can replace it. */
  if (S_ISDIR (seen.st_mode) && (seen.st_mode & S_ISVTX) != 0)
    seen.st_mode &= ~(mode_t)(S_IWGRP | S_IWOTH);
  if ((seen.st_uid == 0 || seen.st_uid == geteuid ()) &&
      ((seen.st_mode & (S_IWGRP | S_IWOTH)) == 0 || S_ISLNK (seen.st_mode)))
    return TRUE;
  what = g_strdup_printf ("%s \"%s\"", S_ISLNK (seen.st_mode) ? "link" : "folder", path);
  return hookrun_file_check_trust (&seen, what, error);
}

static gboolean
walk_restart (Walk *walk, GError **error)
{
  struct stat st;

  if (walk->fd >= 0)
    close (walk->fd);
  walk->fd = open ("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  g_string_assign (walk->done, "/");
  if (walk->fd < 0 || fstat (walk->fd, &st) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open folder \"/\"");
    return FALSE;
  }
  return check_on_the_way (&st, "/", error);
}

static void
walk_clear (Walk *walk)
{
  if (walk->fd >= 0)
    close (walk->fd);
  g_string_free (walk->done, TRUE);
  g_free (walk->rest);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Walk, walk_clear)

/* The next name of the way; NULL when it is at its end. */
static char *
walk_take_name (Walk *walk)
{
  const char *start = walk->rest + strspn (walk->rest, "/");
  gsize length = strcspn (start, "/");
  char *name = length > 0 ? g_strndup (start, length) : NULL;
  char *rest = g_strdup (start + length + strspn (start + length, "/"));

  g_free (walk->rest);
  walk->rest = rest;
  return name;
}

static void
append_name (GString *path, const char *name)
{
  if (path->len == 0 || path->str[path->len - 1] != '/')
    g_string_append_c (path, '/');
  g_string_append (path, name);
}

static gboolean
walk_follow_link (Walk *walk, int link_fd, GError **error)
{
  char target[PATH_MAX];
  gssize length = readlinkat (link_fd, "", target, sizeof target - 1);
  char *rest;

  if (length <= 0 || ++walk->n_links > MAX_LINKS) {
    hookrun_set_error_from_errno (error, length < 0 ? errno : ELOOP, "cannot follow \"%s\"",
                                  walk->done->str);
    return FALSE;
  }
  target[length] = '\0';
  rest = g_strconcat (target, "/", walk->rest, NULL);
  g_free (walk->rest);
  walk->rest = rest;
  return target[0] != '/' || walk_restart (walk, error);
}

/* Goes into @name, a folder or a link on the way. */
static gboolean
walk_enter (Walk *walk, const char *name, GError **error)
{
  g_autofree char *parent = g_strdup (walk->done->str);
  int fd = openat (walk->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  struct stat st;
  gboolean ok;

  append_name (walk->done, name);
  if (fd < 0 || fstat (fd, &st) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open \"%s\"", walk->done->str);
    if (fd >= 0)
      close (fd);
    return FALSE;
  }
  if (!check_on_the_way (&st, walk->done->str, error)) {
    close (fd);
    return FALSE;
  }
  if (S_ISLNK (st.st_mode)) {
    ok = walk_follow_link (walk, fd, error);
    if (ok && walk->done->len > 1)
      g_string_assign (walk->done, parent);
    close (fd);
    return ok;
  }
  close (walk->fd);
  walk->fd = fd;
  return TRUE;
}

/* Opens the last name of the way; -1 without @error when it is a link, which is to be entered. */
static int
walk_open_last (Walk *walk, const char *name, int flags, struct stat *st, GError **error)
{
  g_autofree char *what = NULL;
  int fd = openat (walk->fd, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  int saved_errno = errno;

  if (fd < 0 && (saved_errno == ELOOP || saved_errno == ENOTDIR) &&
      fstatat (walk->fd, name, st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK (st->st_mode))
    return -1;
  append_name (walk->done, name);
  what = g_strdup_printf ("\"%s\"", walk->done->str);
  if (fd < 0 || fstat (fd, st) < 0) {
    hookrun_set_error_from_errno (error, fd < 0 ? saved_errno : errno, "cannot open %s", what);
  } else if (hookrun_file_check_trust (st, what, error)) {
    return fd;
  }
  if (fd >= 0)
    close (fd);
  return -1;
}

static int
walk_to_end (Walk *walk, int flags, struct stat *st, GError **error)
{
  for (;;) {
    g_autofree char *name = walk_take_name (walk);
    g_autoptr (GError) problem = NULL;

    if (name == NULL)
      name = g_strdup (".");
    if (walk->rest[0] == '\0') {
      int fd = walk_open_last (walk, name, flags, st, &problem);

      if (fd >= 0)
        return fd;
      if (problem != NULL) {
        g_propagate_error (error, g_steal_pointer (&problem));
        return -1;
      }
    }
    if (!walk_enter (walk, name, error))
      return -1;
  }
}

int
hookrun_trust_open (const char *path, int flags, struct stat *st, GError **error)
{
  g_auto (Walk) walk = {-1, g_string_new (NULL), g_strdup (path), 0};

  if (!g_path_is_absolute (path)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "\"%s\" is not an absolute path",
                 path);
    return -1;
  }
  if (!walk_restart (&walk, error))
    return -1;
  return walk_to_end (&walk, flags, st, error);
}

static int
open_folder_on_the_way (const char *path, GError **error)
{
  g_auto (Walk) walk = {-1, g_string_new (NULL), g_strdup (path), 0};

  if (!walk_restart (&walk, error))
    return -1;
  for (;;) {
    g_autofree char *name = walk_take_name (&walk);

    if (name == NULL)
      return fcntl (walk.fd, F_DUPFD_CLOEXEC, 0);
    if (!walk_enter (&walk, name, error))
      return -1;
  }
}

void
hookrun_trusted_folder_clear (HookrunTrustedFolder *self)
{
  g_clear_pointer (&self->path, g_free);
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
}

/* The clock of a file system goes in ticks: what changed just now may change again unseen. */
static void
remember_change (HookrunTrustedFolder *self)
{
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  struct stat st;

  self->is_settled = fstat (self->fd, &st) == 0 && st.st_ctim.tv_sec + 1 < now_s;
  if (self->is_settled)
    self->changed = st.st_ctim;
}

gboolean
hookrun_trusted_folder_is_untouched (const HookrunTrustedFolder *self)
{
  struct stat st;

  return self->is_settled && self->is_inside && fstat (self->fd, &st) == 0 &&
         st.st_ctim.tv_sec == self->changed.tv_sec && st.st_ctim.tv_nsec == self->changed.tv_nsec;
}

static gboolean
go_to_folder (HookrunTrustedFolder *self, const char *path, gsize length, GError **error)
{
  if (self->fd >= 0 && strncmp (self->path, path, length) == 0 && self->path[length] == '\0')
    return TRUE;
  hookrun_trusted_folder_clear (self);
  self->path = g_strndup (path, length);
  self->fd = open_folder_on_the_way (self->path, error);
  if (self->fd < 0)
    return FALSE;
  remember_change (self);
  return TRUE;
}

static gboolean
check_by_opening (const char *path, struct stat *st, GError **error)
{
  int fd = hookrun_trust_open (path, O_RDONLY, st, error);

  if (fd < 0)
    return FALSE;
  close (fd);
  return TRUE;
}

static gboolean
is_safe (const struct stat *st)
{
  return (st->st_uid == 0 || st->st_uid == geteuid ()) && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

gboolean
hookrun_trust_check (HookrunTrustedFolder *folder, const char *path, struct stat *st,
                     GError **error)
{
  const char *slash = strrchr (path, '/');
  g_autofree char *what = NULL;

  folder->is_inside = FALSE;
  if (slash == NULL || slash == path || !g_path_is_absolute (path))
    return check_by_opening (path, st, error);
  if (!go_to_folder (folder, path, (gsize)(slash - path), error))
    return FALSE;
  if (fstatat (folder->fd, slash + 1, st, AT_SYMLINK_NOFOLLOW) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot examine \"%s\"", path);
    return FALSE;
  }
  if (S_ISLNK (st->st_mode))
    return check_by_opening (path, st, error);
  folder->is_inside = TRUE;
  if (is_safe (st))
    return TRUE;
  what = g_strdup_printf ("\"%s\"", path);
  return hookrun_file_check_trust (st, what, error);
}

int
hookrun_trust_open_known (HookrunTrustedFolder *folder, const char *path, int flags,
                          struct stat *st, GError **error)
{
  const char *slash = strrchr (path, '/');
  g_autofree char *what = NULL;
  int fd;

  folder->is_inside = FALSE;
  if (slash == NULL || slash == path || !g_path_is_absolute (path))
    return hookrun_trust_open (path, flags, st, error);
  if (!go_to_folder (folder, path, (gsize)(slash - path), error))
    return -1;
  fd = openat (folder->fd, slash + 1, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return hookrun_trust_open (path, flags, st, error);
  if (fstat (fd, st) == 0 && is_safe (st)) {
    folder->is_inside = TRUE;
    return fd;
  }
  what = g_strdup_printf ("\"%s\"", path);
  hookrun_file_check_trust (st, what, error);
  close (fd);
  return -1;
}

int
hookrun_trust_open_at (int folder_fd, const char *folder_path, const char *name, int flags,
                       struct stat *st, GError **error)
{
  g_autofree char *path = NULL;
  g_autofree char *what = NULL;
  int fd = openat (folder_fd, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (fd >= 0 && fstat (fd, st) == 0 && is_safe (st))
    return fd;
  path = g_build_filename (folder_path, name, NULL);
  if (fd < 0)
    return hookrun_trust_open (path, flags, st, error);
  what = g_strdup_printf ("\"%s\"", path);
  hookrun_file_check_trust (st, what, error);
  close (fd);
  return -1;
}
