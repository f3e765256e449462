/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files beside a module's own: configurations, one folder each below `config/`, and the
 * deployment files that add handlers. A configuration file is opened beneath its folder by the
 * kernel's own check, so no name and no link leads out of it.
 */
#include "hookrun-module-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hookrun-error-private.h"
#include "hookrun-file-private.h"
#include "hookrun-nearest-private.h"

static const char *const deployment_files[] = {"deployment.so", "deployment.py", "deployment.d"};

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/**
 * hookrun_module_list_configs:
 * @self: a module
 * @error: return location for an error
 *
 * Lists the module's configurations: the folders in its `config` folder.
 *
 * Returns: (transfer full) (array zero-terminated=1): sorted names, none when there is no `config`
 *   folder; %NULL with %HOOKRUN_ERROR_PERMISSION or %HOOKRUN_ERROR_IO when it cannot be read
 *
 * Since: 1.0
 */
char **
hookrun_module_list_configs (HookrunModule *self, GError **error)
{
  g_autofree char *folder = NULL;
  g_autoptr (GDir) dir = NULL;
  g_autoptr (GError) local = NULL;
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  g_return_val_if_fail (HOOKRUN_IS_MODULE (self), NULL);
  folder = g_build_filename (self->folder, "config", NULL);
  dir = g_dir_open (folder, 0, &local);
  if (dir == NULL && !g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
    g_set_error (error, HOOKRUN_ERROR,
                 g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_ACCES)
                     ? HOOKRUN_ERROR_PERMISSION
                     : HOOKRUN_ERROR_IO,
                 "module \"%s\": %s", self->name, local->message);
    return NULL;
  }
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);

    if (*name != '.' && g_file_test (path, G_FILE_TEST_IS_DIR))
      g_ptr_array_add (names, g_strdup (name));
  }
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return (char **)g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

static void
set_unknown_config (HookrunModule *self, const char *config, GError **error)
{
  g_auto (GStrv) configs = hookrun_module_list_configs (self, NULL);
  g_autofree char *list = configs != NULL ? g_strjoinv (", ", configs) : g_strdup ("");
  g_autofree char *hint = NULL;

  if (config == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "module \"%s\": a configuration file is needed, but no configuration was chosen; "
                 "choose one of: %s",
                 self->name, *list != '\0' ? list : "(there is none)");
    return;
  }
  hint =
      configs != NULL ? hookrun_nearest_hint (config, (const char *const *)configs) : g_strdup ("");
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
               "module \"%s\" has no configuration \"%s\" in %s/config; it has: %s%s", self->name,
               config, self->folder, *list != '\0' ? list : "none", hint);
}

static int
open_config_folder (HookrunModule *self, const char *config, GError **error)
{
  g_autofree char *path = NULL;
  int fd;

  if (config == NULL || *config == '\0' || *config == '.' || strchr (config, '/') != NULL) {
    set_unknown_config (self, config, error);
    return -1;
  }
  path = g_build_filename (self->folder, "config", config, NULL);
  fd = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
    set_unknown_config (self, config, error);
  else if (fd < 0)
    hookrun_set_error_from_errno (error, errno, "module \"%s\": cannot open folder \"%s\"",
                                  self->name, path);
  return fd;
}

/* For kernels before 5.6 and filters that refuse openat2: part by part, following no link at all.
 */
static int
open_part_by_part (int folder_fd, const char *file, int flags)
{
  g_auto (GStrv) parts = g_strsplit (file, "/", -1);
  int fd = fcntl (folder_fd, F_DUPFD_CLOEXEC, 0);

  for (char **part = parts; fd >= 0 && *part != NULL; part++) {
    int next = -1;
    int saved_errno;

    if (g_str_equal (*part, ".."))
      errno = EXDEV;
    else if (**part != '\0' && part[1] != NULL)
      next = openat (fd, *part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    else if (**part != '\0')
      next = openat (fd, *part, flags | O_NOFOLLOW);
    else
      errno = EINVAL;
    saved_errno = errno;
    close (fd);
    errno = saved_errno;
    fd = next;
  }
  return fd;
}

static int
open_beneath (int folder_fd, const char *file)
{
  const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  struct open_how how = {.flags = (guint64)flags,
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
  long fd;

  do {
    fd = syscall (SYS_openat2, folder_fd, file, &how, sizeof how);
  } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  if (fd < 0 && (errno == ENOSYS || errno == EPERM) && *file != '/')
    return open_part_by_part (folder_fd, file, flags);
  return (int)fd;
}

static void
set_config_file_error (HookrunModule *self, const char *config, const char *file, int saved_errno,
                       GError **error)
{
  if (saved_errno == EXDEV || saved_errno == ELOOP || *file == '/')
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "module \"%s\": configuration file \"%s\" leads out of configuration \"%s\"; name "
                 "a file inside it",
                 self->name, file, config);
  else
    hookrun_set_error_from_errno (error, saved_errno,
                                  "module \"%s\": cannot open \"%s\" of configuration \"%s\" in "
                                  "%s/config",
                                  self->name, file, config, self->folder);
}

/**
 * hookrun_module_open_config_file:
 * @self: a module
 * @config: (nullable): name of a configuration
 * @file: path of a file relative to the configuration's folder
 * @error: return location for an error
 *
 * Opens a configuration file for reading. Neither `..` nor links lead out of the configuration's
 * folder. The descriptor is closed in programs that are started.
 *
 * Returns: a descriptor that the caller closes; -1 with %HOOKRUN_ERROR_NOT_FOUND when there is no
 *   such configuration or file, %HOOKRUN_ERROR_INVALID when @config is %NULL, when @file leads out
 *   of the folder or is not a regular file, %HOOKRUN_ERROR_PERMISSION or %HOOKRUN_ERROR_IO
 *
 * Since: 1.0
 */
int
hookrun_module_open_config_file (HookrunModule *self, const char *config, const char *file,
                                 GError **error)
{
  struct stat st;
  int folder_fd;
  int fd;
  int saved_errno;

  g_return_val_if_fail (HOOKRUN_IS_MODULE (self) && file != NULL, -1);
  folder_fd = open_config_folder (self, config, error);
  if (folder_fd < 0)
    return -1;
  fd = open_beneath (folder_fd, file);
  saved_errno = errno;
  close (folder_fd);
  if (fd < 0) {
    set_config_file_error (self, config, file, saved_errno, error);
    return -1;
  }
  if (fstat (fd, &st) == 0 && S_ISREG (st.st_mode))
    return fd;
  close (fd);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "module \"%s\": \"%s\" of configuration \"%s\" is not a regular file", self->name,
               file, config);
  return -1;
}

/**
 * hookrun_module_find_config_file:
 * @self: a module
 * @config: (nullable): name of a configuration
 * @file: path of a file relative to the configuration's folder
 * @error: return location for an error
 *
 * Finds a configuration file and checks that it can be read and lies inside the configuration's
 * folder, links followed.
 *
 * Returns: (transfer full) (nullable) (type filename): the absolute path of the file itself; %NULL
 *   with the errors of [method@Hookrun.Module.open_config_file]
 *
 * Since: 1.0
 */
char *
hookrun_module_find_config_file (HookrunModule *self, const char *config, const char *file,
                                 GError **error)
{
  g_autofree char *link = NULL;
  char *path;
  int fd = hookrun_module_open_config_file (self, config, file, error);

  if (fd < 0)
    return NULL;
  link = g_strdup_printf ("/proc/self/fd/%d", fd);
  path = g_file_read_link (link, NULL);
  close (fd);
  return path != NULL ? path : g_build_filename (self->folder, "config", config, file, NULL);
}

/**
 * hookrun_module_list_deployment_files:
 * @self: a module
 *
 * Lists the files beside the module's that add handlers: `deployment.so`, `deployment.py` and the
 * folder `deployment.d`. Whether they may be trusted is for those who load them to check.
 *
 * Returns: (transfer full) (array zero-terminated=1): absolute paths of those that are there, in
 *   this order
 *
 * Since: 1.0
 */
char **
hookrun_module_list_deployment_files (HookrunModule *self)
{
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();

  g_return_val_if_fail (HOOKRUN_IS_MODULE (self), NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (deployment_files); i++) {
    g_autofree char *path = g_build_filename (self->folder, deployment_files[i], NULL);

    if (g_file_test (path, G_FILE_TEST_EXISTS))
      g_strv_builder_add (list, path);
  }
  return g_strv_builder_end (list);
}
