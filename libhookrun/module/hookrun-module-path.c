/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The folders of MODULEPATH: listing and finding modules in them. What a module says of itself
 * comes from the cache where the contents of its file are known.
 */
#include "hookrun-module-path-private.h"

#include <string.h>
#include <unistd.h>

#include "hookrun-describe-private.h"
#include "hookrun-module-scan-private.h"
#include "hookrun-module-state-private.h"
#include "hookrun-nearest-private.h"

G_DEFINE_FINAL_TYPE (HookrunModulePath, hookrun_module_path, G_TYPE_OBJECT)

static void
hookrun_module_path_finalize (GObject *object)
{
  HookrunModulePath *self = HOOKRUN_MODULE_PATH (object);

  g_strfreev (self->folders);
  g_free (self->state_folder);
  g_free (self->cache_folder);
  G_OBJECT_CLASS (hookrun_module_path_parent_class)->finalize (object);
}

static void
hookrun_module_path_class_init (HookrunModulePathClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hookrun_module_path_finalize;
}

static void
hookrun_module_path_init (HookrunModulePath *self)
{
}

/* The user's own folder, or root's, then those of the system. */
static char **
default_folders (void)
{
  const char *variable = g_getenv ("MODULEPATH");
  g_autoptr (GStrvBuilder) folders = g_strv_builder_new ();
  g_autofree char *own = NULL;

  if (variable != NULL && *variable != '\0')
    return g_strsplit (variable, ":", -1);
  own = geteuid () == 0 ? g_strdup ("/etc/hookrun/modules")
                        : g_build_filename (g_get_user_data_dir (), "hookrun", "modules", NULL);
  g_strv_builder_add (folders, own);
  for (const char *const *folder = g_get_system_data_dirs (); *folder != NULL; folder++) {
    g_autofree char *path = g_build_filename (*folder, "hookrun", "modules", NULL);

    g_strv_builder_add (folders, path);
  }
  return g_strv_builder_end (folders);
}

/**
 * hookrun_module_path_new:
 * @folders: (nullable) (array zero-terminated=1): folders of module files, or %NULL for those of
 *   the variable `MODULEPATH` or, where it is not set, for the user's own folder and those of the
 *   system
 * @state_folder: (nullable) (type filename): the folder of all states, or %NULL for the usual one;
 *   see [ctor@Hookrun.ModuleState.new]
 * @cache_folder: (nullable) (type filename): the folder of all caches, or %NULL for the usual one
 *
 * Makes a module path. It touches no file.
 *
 * Returns: (transfer full): a new module path
 *
 * Since: 1.0
 */
HookrunModulePath *
hookrun_module_path_new (const char *const *folders, const char *state_folder,
                         const char *cache_folder)
{
  HookrunModulePath *self = g_object_new (HOOKRUN_TYPE_MODULE_PATH, NULL);
  g_autoptr (GStrvBuilder) absolute = g_strv_builder_new ();
  g_auto (GStrv) wanted = folders != NULL ? g_strdupv ((char **)folders) : default_folders ();

  for (char **folder = wanted; *folder != NULL; folder++) {
    g_autofree char *path = **folder != '\0' ? g_canonicalize_filename (*folder, NULL) : NULL;

    if (path != NULL)
      g_strv_builder_add (absolute, path);
  }
  self->folders = g_strv_builder_end (absolute);
  self->state_folder = state_folder != NULL ? g_canonicalize_filename (state_folder, NULL)
                                            : hookrun_module_state_default_folder ();
  self->cache_folder = cache_folder != NULL ? g_canonicalize_filename (cache_folder, NULL)
                                            : hookrun_module_state_default_cache ();
  return self;
}

/**
 * hookrun_module_path_get_folders:
 * @self: a module path
 *
 * Gets the folders in the order in which they are searched. Modules are installed into the first.
 *
 * Returns: (transfer none) (array zero-terminated=1): absolute paths
 *
 * Since: 1.0
 */
const char *const *
hookrun_module_path_get_folders (HookrunModulePath *self)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE_PATH (self), NULL);
  return (const char *const *)self->folders;
}

/**
 * hookrun_module_path_get_state_folder:
 * @self: a module path
 *
 * Gets the folder of all states.
 *
 * Returns: (transfer none) (type filename): an absolute path
 *
 * Since: 1.0
 */
const char *
hookrun_module_path_get_state_folder (HookrunModulePath *self)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE_PATH (self), NULL);
  return self->state_folder;
}

/* (transfer full): all modules, not described yet. */
static GPtrArray *
scan (HookrunModulePath *self)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GPtrArray *sets = g_ptr_array_new_with_free_func (g_object_unref);

  for (char **folder = self->folders; *folder != NULL; folder++)
    hookrun_module_scan_folder (*folder, names, sets);
  return sets;
}

/**
 * hookrun_module_path_list_names:
 * @self: a module path
 *
 * Lists the names of all modules, in the order of the folders and sorted in each. Nothing is run or
 * described.
 *
 * Returns: (transfer full) (array zero-terminated=1): the names
 *
 * Since: 1.0
 */
char **
hookrun_module_path_list_names (HookrunModulePath *self)
{
  g_autoptr (GPtrArray) sets = NULL;
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  g_return_val_if_fail (HOOKRUN_IS_MODULE_PATH (self), NULL);
  sets = scan (self);
  for (guint i = 0; i < sets->len; i++)
    g_strv_builder_add (names, hookrun_operation_set_get_name (sets->pdata[i]));
  return g_strv_builder_end (names);
}

gboolean
hookrun_module_path_describe (HookrunModulePath *self, GPtrArray *sets, GCancellable *cancellable,
                              GError **error)
{
  g_autoptr (HookrunDescribeCache) cache = hookrun_describe_cache_load (self->cache_folder);
  g_autoptr (GPtrArray) sound = g_ptr_array_new ();

  for (guint i = 0; i < sets->len; i++)
    if (hookrun_operation_set_get_problem (sets->pdata[i]) == NULL)
      g_ptr_array_add (sound, sets->pdata[i]);
  if (!hookrun_describe_all (sound, cache, cancellable, error))
    return FALSE;
  /* A cache that cannot be written costs time, nothing else. */
  hookrun_describe_cache_save (cache, NULL);
  return TRUE;
}

/**
 * hookrun_module_path_list:
 * @self: a module path
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Lists all modules with what they offer. A file whose contents are not known yet is described in
 * the strictest sandbox, within one second. What is wrong with a module is its own problem and no
 * error here. Waits in the calling thread.
 *
 * Returns: (transfer full) (element-type HookrunOperationSet) (nullable): the modules; %NULL with
 *   %HOOKRUN_ERROR_CANCELLED
 *
 * Since: 1.0
 */
GPtrArray *
hookrun_module_path_list (HookrunModulePath *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) sets = NULL;

  g_return_val_if_fail (HOOKRUN_IS_MODULE_PATH (self), NULL);
  sets = scan (self);
  return hookrun_module_path_describe (self, sets, cancellable, error) ? g_steal_pointer (&sets)
                                                                       : NULL;
}

static void
fail_not_found (HookrunModulePath *self, const char *name, GError **error)
{
  g_auto (GStrv) names = hookrun_module_path_list_names (self);
  g_autofree char *hint = hookrun_nearest_hint (name, (const char *const *)names);
  g_autofree char *folders = g_strjoinv (":", self->folders);

  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND, "there is no module \"%s\" in %s%s",
               name, folders, hint);
}

/**
 * hookrun_module_path_find:
 * @self: a module path
 * @name: the name of a module
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Finds one module with what it offers, as [method@Hookrun.ModulePath.list] does. A module that
 * cannot be used is given with its problem.
 *
 * Returns: (transfer full) (nullable): the module; %NULL with %HOOKRUN_ERROR_NOT_FOUND, naming the
 *   nearest one, or %HOOKRUN_ERROR_CANCELLED
 *
 * Since: 1.0
 */
HookrunOperationSet *
hookrun_module_path_find (HookrunModulePath *self, const char *name, GCancellable *cancellable,
                          GError **error)
{
  g_autoptr (GPtrArray) sets = NULL;
  g_autoptr (GPtrArray) found = g_ptr_array_new ();

  g_return_val_if_fail (HOOKRUN_IS_MODULE_PATH (self) && name != NULL, NULL);
  sets = scan (self);
  for (guint i = 0; i < sets->len; i++)
    if (g_str_equal (hookrun_operation_set_get_name (sets->pdata[i]), name))
      g_ptr_array_add (found, sets->pdata[i]);
  if (found->len == 0) {
    fail_not_found (self, name, error);
    return NULL;
  }
  if (!hookrun_module_path_describe (self, found, cancellable, error))
    return NULL;
  return g_object_ref (found->pdata[0]);
}

/**
 * hookrun_module_path_get_state:
 * @self: a module path
 * @name: the name of a module
 *
 * Gets the state of a module. It touches no file.
 *
 * Returns: (transfer full): the state
 *
 * Since: 1.0
 */
HookrunModuleState *
hookrun_module_path_get_state (HookrunModulePath *self, const char *name)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE_PATH (self) && name != NULL, NULL);
  return hookrun_module_state_new (name, self->state_folder, self->cache_folder);
}

/**
 * hookrun_module_path_sweep:
 * @self: a module path
 *
 * Removes what runs left that were killed: the TEMP of every module that is not in use. Programs
 * call it when they start.
 *
 * Since: 1.0
 */
void
hookrun_module_path_sweep (HookrunModulePath *self)
{
  g_return_if_fail (HOOKRUN_IS_MODULE_PATH (self));
  hookrun_module_state_sweep (self->state_folder, self->cache_folder);
}
