/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which plugins take part in a deployment: the `deployment` files beside each module, then the
 * plugins that its file names, in that order. All of them are activated together or none.
 */
#include "hookrun-deployment-private.h"
#include "hookrun-engine-private.h"
#include "hookrun-loader-worker-private.h"

/* ---- facts for plugins ---- */

static JsonArray *
strv_to_array (const char *const *strv)
{
  JsonArray *array = json_array_new ();

  for (; strv != NULL && *strv != NULL; strv++)
    json_array_add_string_element (array, *strv);
  return array;
}

static void
add_arguments (HookrunDeployment *self, JsonObject *info)
{
  JsonNode *arguments = self->arguments != NULL ? json_node_copy (self->arguments) : NULL;

  if (arguments == NULL) {
    arguments = json_node_new (JSON_NODE_OBJECT);
    json_node_take_object (arguments, json_object_new ());
  }
  json_object_set_member (info, "args", arguments);
}

JsonNode *
hookrun_deployment_module_info (HookrunDeployment *self, HookrunModule *module)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *info = json_object_new ();
  JsonObject *project = json_object_new ();
  g_autofree char *checkouts =
      g_build_filename (hookrun_module_get_folder (module), "repo", ".hookrun", "checkouts", NULL);
  g_autoptr (JsonNode) ini = hookrun_module_to_json (module);
  g_autofree char *config_dir =
      *self->config != '\0'
          ? g_build_filename (hookrun_module_get_folder (module), "config", self->config, NULL)
          : NULL;

  json_object_set_string_member (project, "name", hookrun_project_get_name (self->project));
  json_object_set_string_member (project, "folder", hookrun_project_get_folder (self->project));
  json_object_set_object_member (info, "project", project);
  json_object_set_string_member (info, "modulename", hookrun_module_get_name (module));
  json_object_set_string_member (info, "moduledir", hookrun_module_get_folder (module));
  json_object_set_string_member (info, "checkouts", checkouts);
  json_object_set_string_member (info, "destpath",
                                 hookrun_module_get_destination (module, self->host));
  json_object_set_string_member (info, "config", self->config);
  json_object_set_string_member (info, "config_dir", config_dir != NULL ? config_dir : "");
  json_object_set_string_member (info, "release", self->release);
  json_object_set_string_member (info, "host", self->host);
  json_object_set_string_member (info, "address", self->spec);
  json_object_set_array_member (info, "depends",
                                strv_to_array (hookrun_module_get_depends (module)));
  json_object_set_array_member (info, "plugins",
                                strv_to_array (hookrun_module_get_plugins (module)));
  json_object_set_member (info, "ini", json_node_copy (ini));
  add_arguments (self, info);
  json_node_take_object (node, info);
  return node;
}

/* ---- manifests for what has none ---- */

/* The module names the plugin, whatever its code calls itself: one file serves many modules. */
static HookrunManifest *
native_manifest (HookrunDeployment *self, const char *id, const char *file, GError **error)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  HookrunManifest *manifest;
  JsonObject *object = json_object_new ();

  json_node_take_object (node, object);
  json_object_set_string_member (object, "id", id);
  json_object_set_string_member (object, "version", "0");
  json_object_set_int_member (object, "abi", HOOKRUN_PLUGIN_ABI);
  json_object_set_string_member (object, "kind", "native");
  json_object_set_string_member (object, "file", file);
  manifest = hookrun_manifest_new_from_json (node, file, hookrun_project_get_folder (self->project),
                                             error);
  if (manifest != NULL)
    manifest->is_implied = TRUE;
  return manifest;
}

/* ---- finding ---- */

/* The policy of a file that has no manifest lies beside it. */
static gboolean
read_policy_beside (HookrunManifest *manifest, const char *file, GError **error)
{
  g_autoptr (GError) problem = NULL;

  if (file != NULL)
    manifest->policy = hookrun_plugin_policy_new_beside (file, &problem);
  if (problem == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

static gboolean
add_python (HookrunDeployment *self, const char *id, const char *file, GError **error)
{
  g_autoptr (HookrunManifest) manifest = hookrun_worker_python_manifest (id, file, error);

  return manifest != NULL && read_policy_beside (manifest, file, error) &&
         hookrun_engine_add_manifest (self->engine, manifest, error) != NULL;
}

static gboolean
add_native (HookrunDeployment *self, const char *id, const char *file, GError **error)
{
  g_autoptr (HookrunManifest) manifest = native_manifest (self, id, file, error);

  return manifest != NULL && read_policy_beside (manifest, file, error) &&
         hookrun_engine_add_manifest (self->engine, manifest, error) != NULL;
}

static gboolean
add_hook_folder (HookrunDeployment *self, const char *id, const char *folder, GError **error)
{
  return hookrun_engine_add_hook_folder (self->engine, id, folder, error) != NULL;
}

static const struct {
  const char *suffix;
  gboolean (*add) (HookrunDeployment *self, const char *id, const char *path, GError **error);
} deployment_kinds[] = {
    {".py", add_python},
    {".so", add_native},
    {".d", add_hook_folder},
};

/* "shop.deployment.py" for shop/deployment.py: one id for each file of each module. */
static char *
deployment_file_id (HookrunModule *module, const char *path)
{
  g_autofree char *name = g_path_get_basename (path);

  return g_strdup_printf ("%s.%s", hookrun_module_get_name (module), name);
}

static gboolean
add_deployment_file (HookrunDeployment *self, HookrunModule *module, const char *path,
                     GError **error)
{
  g_autofree char *id = deployment_file_id (module, path);

  if (hookrun_engine_lookup (self->engine, id) != NULL)
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (deployment_kinds); i++)
    if (g_str_has_suffix (path, deployment_kinds[i].suffix))
      return deployment_kinds[i].add (self, id, path, error);
  return TRUE;
}

/* A plugin that no manifest announces is a Python module by its dotted name, as Porter's are. */
static gboolean
add_named_plugin (HookrunDeployment *self, const char *id, GError **error)
{
  return hookrun_engine_lookup (self->engine, id) != NULL || add_python (self, id, NULL, error);
}

static void
add_search_paths (HookrunDeployment *self)
{
  const char *listed = g_getenv ("HOOKRUN_PLUGIN_PATH");
  g_auto (GStrv) folders = g_strsplit (listed != NULL ? listed : "", ":", -1);
  g_autofree char *own =
      g_build_filename (hookrun_project_get_folder (self->project), "plugins", NULL);

  for (char **folder = folders; *folder != NULL; folder++)
    if (**folder != '\0')
      hookrun_engine_add_search_path (self->engine, *folder);
  if (g_file_test (own, G_FILE_TEST_IS_DIR))
    hookrun_engine_add_search_path (self->engine, own);
  if (g_file_test (HOOKRUN_PLUGINS_FOLDER, G_FILE_TEST_IS_DIR))
    hookrun_engine_add_search_path (self->engine, HOOKRUN_PLUGINS_FOLDER);
}

static gboolean
find_plugins_of (HookrunDeployment *self, HookrunModule *module, GError **error)
{
  g_auto (GStrv) files = hookrun_module_list_deployment_files (module);

  for (char **file = files; *file != NULL; file++)
    if (!add_deployment_file (self, module, *file, error))
      return FALSE;
  for (const char *const *id = hookrun_module_get_plugins (module); *id != NULL; id++)
    if (!add_named_plugin (self, *id, error))
      return FALSE;
  return TRUE;
}

static gboolean
find_plugins (HookrunDeployment *self, GError **error)
{
  g_autoptr (GPtrArray) order = hookrun_deployment_get_order (self, error);

  if (order == NULL)
    return FALSE;
  if (!self->plugins_found) {
    add_search_paths (self);
    if (!hookrun_engine_discover (self->engine, error))
      return FALSE;
    self->plugins_found = TRUE;
  }
  for (guint i = 0; i < order->len; i++)
    if (!find_plugins_of (self, order->pdata[i], error)) {
      hookrun_deployment_prefix_error (order->pdata[i], error);
      return FALSE;
    }
  return TRUE;
}

/* ---- activating ---- */

/* The ids of what takes part for @module, in the order in which it is activated. */
static void
add_plugin_ids (HookrunModule *module, GStrvBuilder *builder)
{
  g_auto (GStrv) files = hookrun_module_list_deployment_files (module);

  g_autoptr (GPtrArray) own = g_ptr_array_new_with_free_func (g_free);

  for (char **file = files; *file != NULL; file++) {
    char *id = deployment_file_id (module, *file);

    g_ptr_array_add (own, id);
    g_strv_builder_add (builder, id);
  }
  /* The files have sections for their settings, too. */
  for (const char *const *id = hookrun_module_get_plugins (module); *id != NULL; id++)
    if (!g_ptr_array_find_with_equal_func (own, *id, g_str_equal, NULL))
      g_strv_builder_add (builder, *id);
}

static gboolean
add_activations (HookrunDeployment *self, HookrunModule *module, GPtrArray *activations,
                 GError **error)
{
  const char *name = hookrun_module_get_name (module);
  g_autoptr (JsonNode) info = hookrun_deployment_module_info (self, module);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) ids = NULL;

  add_plugin_ids (module, builder);
  ids = g_strv_builder_end (builder);
  for (char **id = ids; *id != NULL; id++) {
    g_autoptr (JsonNode) settings = hookrun_module_get_plugin_settings (module, *id, self->host);
    g_autoptr (HookrunPluginPolicy) policy = NULL;
    HookrunActivation *activation;

    if (!hookrun_deployment_take_policy (module, *id, settings, &policy, error))
      return FALSE;
    activation = hookrun_activation_new (*id, name, settings, info);
    hookrun_activation_set_policy (activation, policy);
    g_ptr_array_add (activations, activation);
  }
  return TRUE;
}

/**
 * hookrun_deployment_load_plugins:
 * @self: a deployment
 * @error: return location for an error
 *
 * Finds and activates the plugins of all modules that are to be deployed: the `deployment` files
 * beside each module and the sections `[plugin:NAME]` of its file. All of them, or none. Set
 * modules, configuration, release and arguments before. Happens once; later calls do nothing.
 *
 * Returns: %TRUE on success; errors name the plugin: %HOOKRUN_ERROR_NOT_FOUND, %HOOKRUN_ERROR_ABI,
 *   %HOOKRUN_ERROR_UNTRUSTED, %HOOKRUN_ERROR_CYCLE, %HOOKRUN_ERROR_CRASHED and others
 *
 * Since: 1.0
 */
gboolean
hookrun_deployment_load_plugins (HookrunDeployment *self, GError **error)
{
  g_autoptr (GPtrArray) order = NULL;
  g_autoptr (GPtrArray) activations =
      g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_activation_free);

  if (self->plugins_loaded)
    return TRUE;
  if (!find_plugins (self, error))
    return FALSE;
  order = hookrun_deployment_get_order (self, error);
  for (guint i = 0; i < order->len; i++)
    if (!add_activations (self, order->pdata[i], activations, error))
      return FALSE;
  if (!hookrun_engine_activate (self->engine, (HookrunActivation *const *)activations->pdata,
                                activations->len, error))
    return FALSE;
  self->plugins_loaded = TRUE;
  return TRUE;
}

/* ---- options ---- */

static const char *
type_name (HookrunFieldType type)
{
  static const char *const names[] = {
      [HOOKRUN_FIELD_STRING] = "string", [HOOKRUN_FIELD_BOOLEAN] = "boolean",
      [HOOKRUN_FIELD_INT] = "int",       [HOOKRUN_FIELD_DOUBLE] = "double",
      [HOOKRUN_FIELD_STRV] = "strv",     [HOOKRUN_FIELD_JSON] = "string",
      [HOOKRUN_FIELD_OBJECT] = "string",
  };

  return names[type];
}

static void
add_manifest_options (HookrunManifest *manifest, JsonArray *rows)
{
  for (guint i = 0; i < hookrun_manifest_get_n_options (manifest); i++) {
    const HookrunManifestOption *option = hookrun_manifest_get_option (manifest, i);
    JsonObject *row = json_object_new ();

    json_object_set_string_member (row, "plugin", hookrun_manifest_get_id (manifest));
    json_object_set_string_member (row, "name", option->name);
    json_object_set_string_member (row, "type", type_name (option->type));
    if (option->help != NULL)
      json_object_set_string_member (row, "help", option->help);
    if (option->arg_name != NULL)
      json_object_set_string_member (row, "arg_name", option->arg_name);
    if (option->default_value != NULL)
      json_object_set_member (row, "default", json_node_copy (option->default_value));
    json_array_add_object_element (rows, row);
  }
}

/* The options of a worker that announces none are known to its code only. */
static gboolean
add_options (HookrunDeployment *self, HookrunModule *module, const char *id, JsonArray *rows,
             GError **error)
{
  HookrunManifest *manifest =
      hookrun_plugin_get_manifest (hookrun_engine_lookup (self->engine, id));
  g_autoptr (HookrunManifest) described = NULL;
  g_autoptr (JsonNode) info = NULL;

  if (hookrun_manifest_get_kind (manifest) == HOOKRUN_PLUGIN_WORKER &&
      hookrun_manifest_get_n_options (manifest) == 0) {
    g_autoptr (JsonNode) settings = hookrun_module_get_plugin_settings (module, id, self->host);
    g_autoptr (HookrunPluginPolicy) policy = NULL;

    info = hookrun_deployment_module_info (self, module);
    if (hookrun_deployment_take_policy (module, id, settings, &policy, error))
      described = hookrun_worker_describe (self->engine, manifest, info, policy, error);
    if (described == NULL) {
      g_prefix_error (error, "plugin \"%s\": ", id);
      return FALSE;
    }
    manifest = described;
  }
  add_manifest_options (manifest, rows);
  return TRUE;
}

/**
 * hookrun_deployment_list_options:
 * @self: a deployment
 * @error: return location for an error
 *
 * Lists the command line options that the plugins of the modules add. A worker is asked for them;
 * nothing is activated.
 *
 * Returns: (transfer full): a JSON array of objects with `plugin`, `name`, `type` (`string`,
 *   `boolean`, `int`, `double`, `strv`) and, where they are known, `help`, `arg_name`, `default`;
 *   %NULL with the errors of [method@Hookrun.Deployment.load_plugins]
 *
 * Since: 1.0
 */
JsonNode *
hookrun_deployment_list_options (HookrunDeployment *self, GError **error)
{
  g_autoptr (GPtrArray) order = NULL;
  g_autoptr (JsonNode) rows = json_node_new (JSON_NODE_ARRAY);

  if (!find_plugins (self, error))
    return NULL;
  order = hookrun_deployment_get_order (self, error);
  json_node_take_array (rows, json_array_new ());
  for (guint i = 0; i < order->len; i++) {
    HookrunModule *module = order->pdata[i];
    g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
    g_auto (GStrv) ids = NULL;

    add_plugin_ids (module, builder);
    ids = g_strv_builder_end (builder);
    for (char **id = ids; *id != NULL; id++)
      if (!add_options (self, module, *id, json_node_get_array (rows), error))
        return NULL;
  }
  return g_steal_pointer (&rows);
}
