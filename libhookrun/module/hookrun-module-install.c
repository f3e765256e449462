/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Installing and removing module files. A module is described before it is put in its place, and
 * its file is replaced whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "hookrun-error-private.h"
#include "hookrun-file-private.h"
#include "hookrun-module-path-private.h"
#include "hookrun-module-scan-private.h"

#define MAX_MODULE_SIZE (64 * 1024 * 1024)

static char *
sidecar_name (const HookrunOperationSet *set)
{
  return g_strconcat (set->name, ".json", NULL);
}

/* Copies @name from the folder of @set; missing is no error when it is the sidecar file, which then
 * must not be left of an older version. */
static gboolean
copy_file (HookrunOperationSet *set, int folder_fd, const char *name, mode_t mode, GError **error)
{
  g_autofree char *from = g_path_get_dirname (set->file);
  g_autofree char *path = g_build_filename (from, name, NULL);
  g_autofree char *data = NULL;
  gsize length;

  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    unlinkat (folder_fd, name, 0);
    return TRUE;
  }
  data = hookrun_file_read_at (AT_FDCWD, path, MAX_MODULE_SIZE, &length, error);
  return data != NULL && hookrun_file_replace_at (folder_fd, name, data, length, mode, error);
}

/* Another file of the same name would make two modules of one. */
static gboolean
check_place (HookrunModulePath *self, HookrunOperationSet *set, const char *base, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) there = g_ptr_array_new_with_free_func (g_object_unref);

  hookrun_module_scan_folder (self->folders[0], names, there);
  for (guint i = 0; i < there->len; i++) {
    const HookrunOperationSet *other = there->pdata[i];
    g_autofree char *other_base = g_path_get_basename (other->file);

    if (!g_str_equal (other->name, set->name) || g_str_equal (other_base, base))
      continue;
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS,
                 "\"%s\" is the module \"%s\" already; remove it first", other->file, set->name);
    return FALSE;
  }
  return TRUE;
}

static gboolean
copy_module (HookrunModulePath *self, HookrunOperationSet *set, const char *base, GError **error)
{
  g_autofree char *sidecar = sidecar_name (set);
  gboolean is_program = set->kind == HOOKRUN_OPERATION_EXECUTABLE;
  gboolean ok;
  int fd;

  if (!hookrun_file_make_folders (self->folders[0], error))
    return FALSE;
  fd = hookrun_file_open_folder (AT_FDCWD, self->folders[0], error);
  if (fd < 0)
    return FALSE;
  ok = copy_file (set, fd, sidecar, 0644, error) &&
       copy_file (set, fd, base, is_program ? 0755 : 0644, error);
  close (fd);
  return ok;
}

/**
 * hookrun_module_path_install:
 * @self: a module path
 * @file: (type filename): a module file; `NAME.json` beside it goes with it
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Installs a module into the first folder, or replaces an older version of it there, and remembers
 * its version. It is described first: one that cannot be used is not installed. Its operation
 * `update` is the caller's to run.
 *
 * Returns: (transfer full) (nullable): the installed module; %NULL with %HOOKRUN_ERROR_INVALID when
 *   it is no module, %HOOKRUN_ERROR_UNTRUSTED when others can write the file, %HOOKRUN_ERROR_EXISTS
 *   when another file is the module of that name, the module's own problem, or the error of a file
 *   that cannot be written
 *
 * Since: 1.0
 */
HookrunOperationSet *
hookrun_module_path_install (HookrunModulePath *self, const char *file, GCancellable *cancellable,
                             GError **error)
{
  g_autoptr (HookrunOperationSet) set = NULL;
  g_autoptr (HookrunModuleState) state = NULL;
  g_autoptr (GPtrArray) sets = g_ptr_array_new ();
  g_autofree char *base = NULL;

  g_return_val_if_fail (HOOKRUN_IS_MODULE_PATH (self) && file != NULL, NULL);
  if (self->folders[0] == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "there is no folder to install \"%s\" into; name one in MODULEPATH", file);
    return NULL;
  }
  set = hookrun_module_scan_file (file, error);
  if (set == NULL)
    return NULL;
  base = g_path_get_basename (set->file);
  g_ptr_array_add (sets, set);
  if (!check_place (self, set, base, error) ||
      !hookrun_module_path_describe (self, sets, cancellable, error))
    return NULL;
  if (set->problem != NULL) {
    g_propagate_error (error, g_error_copy (set->problem));
    return NULL;
  }
  state = hookrun_module_path_get_state (self, set->name);
  if (!hookrun_module_state_lock (state, error))
    return NULL;
  if (!copy_module (self, set, base, error) ||
      !hookrun_module_state_set_version (state, set->version, error))
    return NULL;
  hookrun_module_state_unlock (state);
  return hookrun_module_path_find (self, set->name, cancellable, error);
}

static gboolean
remove_files (HookrunOperationSet *set, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (set->file);
  g_autofree char *name = sidecar_name (set);
  g_autofree char *sidecar = g_build_filename (folder, name, NULL);

  if (unlink (set->file) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot remove \"%s\"", set->file);
    return FALSE;
  }
  if (unlink (sidecar) == 0 || errno == ENOENT)
    return TRUE;
  hookrun_set_error_from_errno (error, errno, "cannot remove \"%s\"", sidecar);
  return FALSE;
}

/**
 * hookrun_module_path_remove:
 * @self: a module path
 * @name: the name of a module
 * @error: return location for an error
 *
 * Removes a module: its file, `NAME.json`, and all of its state, ROOT and CACHE among it. Its
 * operation `prerm` is the caller's to run before.
 *
 * Returns: %TRUE on success; %FALSE with %HOOKRUN_ERROR_NOT_FOUND, %HOOKRUN_ERROR_BUSY when it is
 *   in use, or the error of a file that cannot be removed
 *
 * Since: 1.0
 */
gboolean
hookrun_module_path_remove (HookrunModulePath *self, const char *name, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) sets = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (HookrunModuleState) state = NULL;

  g_return_val_if_fail (HOOKRUN_IS_MODULE_PATH (self) && name != NULL, FALSE);
  for (char **folder = self->folders; *folder != NULL; folder++)
    hookrun_module_scan_folder (*folder, names, sets);
  for (guint i = 0; i < sets->len; i++) {
    HookrunOperationSet *set = sets->pdata[i];

    if (!g_str_equal (set->name, name))
      continue;
    state = hookrun_module_path_get_state (self, name);
    return hookrun_module_state_lock (state, error) && remove_files (set, error) &&
           hookrun_module_state_remove (state, error);
  }
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND, "there is no module \"%s\"", name);
  return FALSE;
}
