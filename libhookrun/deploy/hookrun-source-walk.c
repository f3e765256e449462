/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walks a tree of files in the order of their names, so that what is made from it does not depend
 * on the disk. No link is followed; what belongs to deploying a module is left out where that is
 * asked.
 */
#include "hookrun-source-walk-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hookrun-error-private.h"

#define MAX_DEPTH 100

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

static gboolean
is_left_out (const HookrunSourceWalk *self, const char *name, guint depth)
{
  if (g_str_equal (name, ".") || g_str_equal (name, ".."))
    return TRUE;
  if (self->module_file == NULL)
    return FALSE;
  if (g_str_has_prefix (name, ".git"))
    return TRUE;
  return depth == 0 && (g_strv_contains (left_out, name) || g_str_equal (name, self->module_file));
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
hookrun_source_list_folder (const HookrunSourceWalk *self, int fd, guint depth, GError **error)
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

static gboolean walk_folder (HookrunSourceWalk *self, int fd, const char *path, guint depth,
                             GError **error);

static gboolean
walk_entry (HookrunSourceWalk *self, int folder_fd, const char *name, const char *path, guint depth,
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
    if (self->module_file == NULL)
      return TRUE;
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
walk_folder (HookrunSourceWalk *self, int fd, const char *path, guint depth, GError **error)
{
  g_autoptr (GPtrArray) names = NULL;

  if (depth > MAX_DEPTH) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                 "folders are nested more than %d deep: \"%s\"", MAX_DEPTH, path);
    return FALSE;
  }
  names = hookrun_source_list_folder (self, openat (fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                      depth, error);
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

gboolean
hookrun_source_walk (HookrunSourceWalk *self, int fd, GError **error)
{
  return walk_folder (self, fd, "", 0, error);
}
