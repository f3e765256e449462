/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The signals of an operation: before, the operation, after. They are those of the registry, so a
 * function in C, a plugin in any language and an executable in a folder take part in the same way.
 */
#include <unistd.h>

#include "hookrun-operation-run-private.h"

#define SIGNAL_PREFIX "module."
#define HOOKS_ID "hooks"

/* In the order of OperationSlot. */
static const HookrunField fields[] = {
    [SLOT_MODULE] = {"module", HOOKRUN_FIELD_STRING,
                     HOOKRUN_FIELD_READ_ONLY | HOOKRUN_FIELD_REQUIRED, "Name of the module."},
    [SLOT_OPERATION] = {"operation", HOOKRUN_FIELD_STRING,
                        HOOKRUN_FIELD_READ_ONLY | HOOKRUN_FIELD_REQUIRED, "Name of the operation."},
    [SLOT_FILE] = {"file", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY, "The module file."},
    [SLOT_VERSION] = {"version", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY,
                      "Installed version of the module."},
    [SLOT_ROOT] = {"root", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY,
                   "The folder where the module keeps its files."},
    [SLOT_CACHE] = {"cache", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY,
                    "A folder that is kept between runs, but not promised."},
    [SLOT_TEMP] = {"temp", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY,
                   "A folder that is gone after the run."},
    [SLOT_ARGUMENTS] = {"arguments", HOOKRUN_FIELD_JSON, HOOKRUN_FIELD_NONE,
                        "Values of the operation's options; a handler before it may change them."},
    [SLOT_STATUS] = {"status", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY,
                     "In after: \"done\" or \"failed\"."},
    [SLOT_ERROR] = {"error", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY,
                    "In after: why it failed."},
};

gboolean
hookrun_operation_signal_define (HookrunRegistry *registry, const char *name, GError **error)
{
  return hookrun_registry_define (registry, name, HOOKRUN_SIGNAL_NONE, fields,
                                  G_N_ELEMENTS (fields), error) != NULL;
}

HookrunData *
hookrun_operation_run_make_data (HookrunOperationRun *self, GError **error)
{
  g_autoptr (HookrunSchema) schema = hookrun_schema_new (fields, G_N_ELEMENTS (fields), error);
  HookrunData *data;
  g_autofree char *installed = hookrun_module_state_get_version (self->state);

  if (schema == NULL)
    return NULL;
  data = hookrun_data_new (schema);
  hookrun_data_slot_set_string (data, SLOT_MODULE, self->set->name);
  hookrun_data_slot_set_string (data, SLOT_OPERATION, hookrun_operation_get_name (self->operation));
  hookrun_data_slot_set_string (data, SLOT_FILE, self->set->file);
  hookrun_data_slot_set_string (data, SLOT_VERSION,
                                installed != NULL ? installed : self->set->version);
  hookrun_data_slot_set_string (data, SLOT_ROOT, hookrun_module_state_get_root (self->state));
  hookrun_data_slot_set_string (data, SLOT_CACHE, hookrun_module_state_get_cache (self->state));
  hookrun_data_slot_set_string (data, SLOT_TEMP, hookrun_module_state_get_temp (self->state));
  hookrun_data_slot_set_json (data, SLOT_ARGUMENTS, self->arguments);
  return data;
}

/* ---- emitting ---- */

static char *
signal_name (HookrunOperationRun *self, const char *ending)
{
  return g_strconcat (SIGNAL_PREFIX, self->set->name, ".",
                      hookrun_operation_get_name (self->operation), ending, NULL);
}

static gboolean
emit (HookrunOperationRun *self, const char *ending, GError **error)
{
  g_autofree char *name = signal_name (self, ending);
  HookrunSignal *signal = hookrun_registry_lookup (self->registry, name);

  return hookrun_signal_emit_for (signal, self->set->name, self->data, self->cancellable, error) !=
         HOOKRUN_FAILED;
}

/* The operation with its default action, which is connected for this run alone. */
static gboolean
emit_operation (HookrunOperationRun *self, HookrunHandlerFunc func, GError **error)
{
  static const HookrunHandlerOptions options = {.is_default = TRUE};
  g_autofree char *name = signal_name (self, "");
  g_autoptr (HookrunScope) scope = hookrun_scope_new ("hookrun");
  gboolean ok = hookrun_registry_connect (self->registry, name, scope, "default", &options, func,
                                          self, NULL, error) != 0 &&
                emit (self, "", error);

  hookrun_scope_close (scope);
  /* The program's own error says it best. */
  if (!ok && self->problem != NULL) {
    g_clear_error (error);
    g_propagate_error (error, g_steal_pointer (&self->problem));
  }
  return ok;
}

gboolean
hookrun_operation_run_emit_all (HookrunOperationRun *self, HookrunHandlerFunc func, GError **error)
{
  static const char *const endings[] = {".before", "", ".after"};
  g_autoptr (GError) problem = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (endings); i++) {
    g_autofree char *name = signal_name (self, endings[i]);

    if (!hookrun_operation_signal_define (self->registry, name, error))
      return FALSE;
  }
  if (emit (self, ".before", &problem))
    emit_operation (self, func, &problem);
  hookrun_data_slot_set_string (self->data, SLOT_STATUS, problem == NULL ? "done" : "failed");
  hookrun_data_slot_set_string (self->data, SLOT_ERROR, problem != NULL ? problem->message : NULL);
  emit (self, ".after", problem == NULL ? &problem : NULL);
  if (problem == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/* ---- hooks ---- */

static char *
default_hooks_folder (void)
{
  return geteuid () == 0 ? g_strdup ("/etc/hookrun/hooks")
                         : g_build_filename (g_get_user_config_dir (), "hookrun", "hooks", NULL);
}

/* A hook may be there for an operation that does not run now: its signal exists all the same. */
static gboolean
define_signals (HookrunEngine *engine, HookrunManifest *manifest, gboolean *takes_part,
                GError **error)
{
  const char *const *signal = hookrun_manifest_get_signals (manifest);

  *takes_part = FALSE;
  for (; *signal != NULL; signal++) {
    if (!g_str_has_prefix (*signal, SIGNAL_PREFIX))
      continue;
    *takes_part = TRUE;
    if (!hookrun_operation_signal_define (hookrun_engine_get_registry (engine), *signal, error))
      return FALSE;
  }
  return TRUE;
}

static void
add_search_paths (HookrunEngine *engine)
{
  const char *listed = g_getenv ("HOOKRUN_PLUGIN_PATH");
  g_auto (GStrv) folders = g_strsplit (listed != NULL ? listed : "", ":", -1);

  for (char **folder = folders; *folder != NULL; folder++)
    if (**folder != '\0')
      hookrun_engine_add_search_path (engine, *folder);
  if (g_file_test (HOOKRUN_PLUGINS_FOLDER, G_FILE_TEST_IS_DIR))
    hookrun_engine_add_search_path (engine, HOOKRUN_PLUGINS_FOLDER);
}

/**
 * hookrun_module_path_load_hooks:
 * @self: a module path
 * @engine: an engine whose registry the runs will emit in
 * @folder: (nullable) (type filename): a folder of hooks, or %NULL for the usual one:
 *   `/etc/hookrun/hooks` for root and `$XDG_CONFIG_HOME/hookrun/hooks` for others; it may be
 * missing
 * @error: return location for an error
 *
 * Activates what takes part in operations: the executables in `SIGNAL.d` folders below @folder, and
 * every plugin whose manifest names a signal `module.…` and that @engine knows, or that lies in a
 * folder of the variable `HOOKRUN_PLUGIN_PATH` or in that of the system.
 *
 * Returns: %TRUE on success; %FALSE with %HOOKRUN_ERROR_UNTRUSTED and the other errors of
 *   [method@Hookrun.Engine.add_hook_folder] and [method@Hookrun.Engine.activate]
 *
 * Since: 1.0
 */
gboolean
hookrun_module_path_load_hooks (HookrunModulePath *self, HookrunEngine *engine, const char *folder,
                                GError **error)
{
  g_autoptr (GPtrArray) wishes =
      g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_activation_free);
  g_autofree char *path = folder != NULL ? g_strdup (folder) : default_hooks_folder ();
  guint n_plugins;

  g_return_val_if_fail (HOOKRUN_IS_MODULE_PATH (self) && HOOKRUN_IS_ENGINE (engine), FALSE);
  add_search_paths (engine);
  if (!hookrun_engine_discover (engine, error))
    return FALSE;
  if (g_file_test (path, G_FILE_TEST_EXISTS) &&
      hookrun_engine_add_hook_folder (engine, HOOKS_ID, path, error) == NULL)
    return FALSE;
  n_plugins = g_list_model_get_n_items (G_LIST_MODEL (engine));
  for (guint i = 0; i < n_plugins; i++) {
    g_autoptr (HookrunPlugin) plugin = g_list_model_get_item (G_LIST_MODEL (engine), i);
    gboolean takes_part;

    if (!define_signals (engine, hookrun_plugin_get_manifest (plugin), &takes_part, error))
      return FALSE;
    if (takes_part)
      g_ptr_array_add (wishes,
                       hookrun_activation_new (hookrun_plugin_get_id (plugin), NULL, NULL, NULL));
  }
  return hookrun_engine_activate (engine, (HookrunActivation *const *)wishes->pdata, wishes->len,
                                  error);
}
