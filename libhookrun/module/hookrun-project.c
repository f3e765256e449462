/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A project as it was loaded: hosts by alias, modules by name, and modules in the order of their
 * deployment. It never changes, so any thread may read it.
 */
#include "hookrun-project-private.h"

#include "hookrun-graph-private.h"
#include "hookrun-module-private.h"
#include "hookrun-nearest-private.h"

#define PROJECT_FILE "project.ini"
/* A message lists this many valid names at most. */
#define MAX_LISTED 30

G_DEFINE_FINAL_TYPE (HookrunProject, hookrun_project, G_TYPE_OBJECT)

static void
hookrun_project_finalize (GObject *object)
{
  HookrunProject *self = HOOKRUN_PROJECT (object);

  g_free (self->path);
  g_free (self->folder);
  g_free (self->name);
  g_strfreev (self->depends);
  g_strfreev (self->hosts);
  g_strfreev (self->module_names);
  g_clear_pointer (&self->specs, g_hash_table_unref);
  g_clear_pointer (&self->indices, g_hash_table_unref);
  g_clear_pointer (&self->edges, g_ptr_array_unref);
  g_clear_pointer (&self->modules, g_ptr_array_unref);
  G_OBJECT_CLASS (hookrun_project_parent_class)->finalize (object);
}

static void
hookrun_project_class_init (HookrunProjectClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hookrun_project_finalize;
}

static void
hookrun_project_init (HookrunProject *self)
{
}

/**
 * hookrun_project_load: (constructor)
 * @path: (type filename): a project file, or the folder that holds `project.ini`
 * @error: return location for an error
 *
 * Loads a project and all of its modules and checks them whole: every fault of every file is named
 * in one error, each with its file, line and key. Reads files only.
 *
 * Returns: (transfer full) (nullable): the project; %NULL with %HOOKRUN_ERROR_NOT_FOUND when a file
 *   or folder is missing, %HOOKRUN_ERROR_INVALID for malformed files, unknown names and faults of
 *   more than one kind, %HOOKRUN_ERROR_CYCLE when dependencies run in a circle,
 *   %HOOKRUN_ERROR_LIMIT for files that are too large, %HOOKRUN_ERROR_PERMISSION or
 *   %HOOKRUN_ERROR_IO when a file cannot be read
 *
 * Since: 1.0
 */
HookrunProject *
hookrun_project_load (const char *path, GError **error)
{
  g_autoptr (HookrunProject) self = NULL;

  g_return_val_if_fail (path != NULL, NULL);
  self = g_object_new (HOOKRUN_TYPE_PROJECT, NULL);
  self->path = g_canonicalize_filename (path, NULL);
  if (g_file_test (self->path, G_FILE_TEST_IS_DIR)) {
    self->folder = g_steal_pointer (&self->path);
    self->path = g_build_filename (self->folder, PROJECT_FILE, NULL);
  } else {
    self->folder = g_path_get_dirname (self->path);
  }
  if (!g_file_test (self->path, G_FILE_TEST_EXISTS)) {
    g_set_error (
        error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
        "there is no project file \"%s\"; change to the project's folder, name the file, or "
        "write one with the sections [hosts] and [modules]",
        self->path);
    return NULL;
  }
  return hookrun_project_fill (self, error) ? g_steal_pointer (&self) : NULL;
}

/**
 * hookrun_project_get_name:
 * @self: a project
 *
 * Gets the project's name: `[project] name`, or the name of its folder.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
hookrun_project_get_name (HookrunProject *self)
{
  g_return_val_if_fail (HOOKRUN_IS_PROJECT (self), NULL);
  return self->name;
}

/**
 * hookrun_project_get_path:
 * @self: a project
 *
 * Gets the project file.
 *
 * Returns: (transfer none) (type filename): an absolute path
 *
 * Since: 1.0
 */
const char *
hookrun_project_get_path (HookrunProject *self)
{
  g_return_val_if_fail (HOOKRUN_IS_PROJECT (self), NULL);
  return self->path;
}

/**
 * hookrun_project_get_folder:
 * @self: a project
 *
 * Gets the folder of the project file.
 *
 * Returns: (transfer none) (type filename): an absolute path
 *
 * Since: 1.0
 */
const char *
hookrun_project_get_folder (HookrunProject *self)
{
  g_return_val_if_fail (HOOKRUN_IS_PROJECT (self), NULL);
  return self->folder;
}

/**
 * hookrun_project_get_depends:
 * @self: a project
 *
 * Gets the modules that make up the project: `[project] depends`.
 *
 * Returns: (transfer none) (array zero-terminated=1): names; none when the file does not say
 *
 * Since: 1.0
 */
const char *const *
hookrun_project_get_depends (HookrunProject *self)
{
  g_return_val_if_fail (HOOKRUN_IS_PROJECT (self), NULL);
  return (const char *const *)self->depends;
}

/**
 * hookrun_project_get_hosts:
 * @self: a project
 *
 * Lists the aliases of the hosts.
 *
 * Returns: (transfer none) (array zero-terminated=1): aliases in lower case, in the order of the
 *   file
 *
 * Since: 1.0
 */
const char *const *
hookrun_project_get_hosts (HookrunProject *self)
{
  g_return_val_if_fail (HOOKRUN_IS_PROJECT (self), NULL);
  return (const char *const *)self->hosts;
}

static char *
list_hosts (HookrunProject *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint n = 0;

  for (char **host = self->hosts; *host != NULL; host++, n++)
    if (n < MAX_LISTED)
      g_string_append_printf (text, "%s%s => %s", n > 0 ? ", " : "", *host,
                              (const char *)g_hash_table_lookup (self->specs, *host));
  if (n > MAX_LISTED)
    g_string_append_printf (text, " and %u more", n - MAX_LISTED);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/**
 * hookrun_project_lookup_host:
 * @self: a project
 * @alias: alias of a host, in any case
 * @error: return location for an error
 *
 * Gets where a host is reached: `user@host`, `host:port`, `ssh://…`, `local:` or `local:/folder`.
 *
 * Returns: (transfer none) (nullable): the specification; %NULL with %HOOKRUN_ERROR_NOT_FOUND and a
 *   message that lists the valid hosts
 *
 * Since: 1.0
 */
const char *
hookrun_project_lookup_host (HookrunProject *self, const char *alias, GError **error)
{
  g_autofree char *name = NULL;
  g_autofree char *hosts = NULL;
  g_autofree char *hint = NULL;
  const char *spec;

  g_return_val_if_fail (HOOKRUN_IS_PROJECT (self) && alias != NULL, NULL);
  name = g_ascii_strdown (alias, -1);
  spec = g_hash_table_lookup (self->specs, name);
  if (spec != NULL)
    return spec;
  hosts = list_hosts (self);
  hint = hookrun_nearest_hint (name, (const char *const *)self->hosts);
  if (*hosts == '\0')
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
                 "there is no host \"%s\": \"%s\" names none; add one to its section [hosts]",
                 alias, self->path);
  else
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
                 "there is no host \"%s\"; valid hosts: %s%s", alias, hosts, hint);
  return NULL;
}

/**
 * hookrun_project_get_modules:
 * @self: a project
 *
 * Lists the names of the modules.
 *
 * Returns: (transfer none) (array zero-terminated=1): names in lower case, in the order of the file
 *
 * Since: 1.0
 */
const char *const *
hookrun_project_get_modules (HookrunProject *self)
{
  g_return_val_if_fail (HOOKRUN_IS_PROJECT (self), NULL);
  return (const char *const *)self->module_names;
}

/* The index of a module, or -1 and @error. */
static int
find_module (HookrunProject *self, const char *name, GError **error)
{
  g_autofree char *lower = g_ascii_strdown (name, -1);
  guint index = GPOINTER_TO_UINT (g_hash_table_lookup (self->indices, lower));
  g_autofree char *hint = NULL;

  if (index > 0)
    return (int)index - 1;
  hint = hookrun_nearest_hint (lower, (const char *const *)self->module_names);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
               "there is no module \"%s\" in section [modules] of \"%s\"%s", name, self->path,
               hint);
  return -1;
}

/**
 * hookrun_project_lookup_module:
 * @self: a project
 * @name: name of a module, in any case
 * @error: return location for an error
 *
 * Gets a module.
 *
 * Returns: (transfer none) (nullable): the module; %NULL with %HOOKRUN_ERROR_NOT_FOUND and a
 * message that names the nearest one
 *
 * Since: 1.0
 */
HookrunModule *
hookrun_project_lookup_module (HookrunProject *self, const char *name, GError **error)
{
  int index;

  g_return_val_if_fail (HOOKRUN_IS_PROJECT (self) && name != NULL, NULL);
  index = find_module (self, name, error);
  return index >= 0 ? g_ptr_array_index (self->modules, (guint)index) : NULL;
}

/* What is deployed when nobody names modules. */
static const char *const *
default_modules (HookrunProject *self)
{
  return (const char *const *)(*self->depends != NULL ? self->depends : self->module_names);
}

/**
 * hookrun_project_get_order:
 * @self: a project
 * @modules: (nullable) (array zero-terminated=1): names of modules; %NULL or none for those
 *   that the project depends on, or all when it names none
 * @error: return location for an error
 *
 * Puts modules into the order of their deployment: depth first, what a module depends on before the
 * module, each once.
 *
 * Returns: (transfer container) (element-type HookrunModule) (nullable): the modules; %NULL with
 *   %HOOKRUN_ERROR_NOT_FOUND for a name that is not known
 *
 * Since: 1.0
 */
GPtrArray *
hookrun_project_get_order (HookrunProject *self, const char *const *modules, GError **error)
{
  g_autoptr (GArray) roots = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GArray) order = NULL;
  GPtrArray *list;

  g_return_val_if_fail (HOOKRUN_IS_PROJECT (self), NULL);
  if (modules == NULL || *modules == NULL)
    modules = default_modules (self);
  for (; *modules != NULL; modules++) {
    int index = find_module (self, *modules, error);

    if (index < 0)
      return NULL;
    g_array_append_val (roots, index);
  }
  order = hookrun_graph_order (self->edges, (const guint *)(gpointer)roots->data, roots->len, NULL,
                               NULL);
  list = g_ptr_array_sized_new (order->len);
  for (guint i = 0; i < order->len; i++)
    g_ptr_array_add (list, g_ptr_array_index (self->modules, g_array_index (order, guint, i)));
  return list;
}
