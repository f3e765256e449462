/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The engine as a list of plugins: how they get into it, how they are found in it, and the services
 * and log lines that pass through it. Resolving and activating are in files of their own.
 */
#include "hookrun-engine-private.h"
#include "hookrun-nearest-private.h"

#include <string.h>

typedef struct {
  HookrunMethodFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
} Method;

enum {
  SIGNAL_LOG,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

static void list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HookrunEngine, hookrun_engine, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static GType
get_item_type (GListModel *model)
{
  return HOOKRUN_TYPE_PLUGIN;
}

static guint
get_n_items (GListModel *model)
{
  return HOOKRUN_ENGINE (model)->plugins->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  HookrunEngine *self = HOOKRUN_ENGINE (model);

  if (position >= self->plugins->len)
    return NULL;
  return g_object_ref (g_ptr_array_index (self->plugins, position));
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

static void
method_free (gpointer data)
{
  Method *method = data;

  if (method->destroy != NULL)
    method->destroy (method->user_data);
  g_free (method);
}

static void
hookrun_engine_dispose (GObject *object)
{
  HookrunEngine *self = HOOKRUN_ENGINE (object);

  hookrun_engine_deactivate_all (self);
  G_OBJECT_CLASS (hookrun_engine_parent_class)->dispose (object);
}

static void
hookrun_engine_finalize (GObject *object)
{
  HookrunEngine *self = HOOKRUN_ENGINE (object);

  g_ptr_array_unref (self->contexts);
  g_hash_table_unref (self->by_id);
  g_ptr_array_unref (self->plugins);
  g_ptr_array_unref (self->search_paths);
  g_free (self->state_folder);
  g_ptr_array_unref (self->faults);
  g_hash_table_unref (self->methods);
  g_mutex_clear (&self->method_lock);
  g_clear_object (&self->registry);
  G_OBJECT_CLASS (hookrun_engine_parent_class)->finalize (object);
}

static void
hookrun_engine_class_init (HookrunEngineClass *class)
{
  G_OBJECT_CLASS (class)->dispose = hookrun_engine_dispose;
  G_OBJECT_CLASS (class)->finalize = hookrun_engine_finalize;
  /**
   * HookrunEngine::log:
   * @self: the engine
   * @plugin: (nullable): the plugin that says it
   * @level: its weight
   * @text: one line, without a newline
   *
   * A line for the host's log: what a plugin logs, what an executable or worker writes to its
   * standard output or error. Emitted in the thread that runs the plugin's code.
   *
   * Since: 1.0
   */
  signals[SIGNAL_LOG] =
      g_signal_new ("log", HOOKRUN_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                    3, HOOKRUN_TYPE_PLUGIN, HOOKRUN_TYPE_LOG_LEVEL, G_TYPE_STRING);
}

static void
hookrun_engine_init (HookrunEngine *self)
{
  self->search_paths = g_ptr_array_new_with_free_func (g_free);
  self->plugins = g_ptr_array_new_with_free_func (g_object_unref);
  self->by_id = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->faults = g_ptr_array_new_with_free_func ((GDestroyNotify)g_error_free);
  self->contexts = g_ptr_array_new_with_free_func (g_object_unref);
  self->methods = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, method_free);
  self->session = (HookrunNativeSession)HOOKRUN_NATIVE_SESSION_INIT;
  g_mutex_init (&self->method_lock);
}

/**
 * hookrun_engine_new:
 * @registry: the registry that plugins connect to
 *
 * Makes an engine that knows no plugin yet. One thread at a time may use it; log lines and calls of
 * methods come from the threads of emissions.
 *
 * Returns: (transfer full): the engine
 *
 * Since: 1.0
 */
HookrunEngine *
hookrun_engine_new (HookrunRegistry *registry)
{
  HookrunEngine *self;

  g_return_val_if_fail (HOOKRUN_IS_REGISTRY (registry), NULL);

  self = g_object_new (HOOKRUN_TYPE_ENGINE, NULL);
  self->registry = g_object_ref (registry);
  return self;
}

/**
 * hookrun_engine_get_registry:
 * @self: the engine
 *
 * Gets the registry that plugins connect to.
 *
 * Returns: (transfer none): the registry
 *
 * Since: 1.0
 */
HookrunRegistry *
hookrun_engine_get_registry (HookrunEngine *self)
{
  return self->registry;
}

/**
 * hookrun_engine_set_state_folder:
 * @self: the engine
 * @path: (type filename): a folder, which need not exist
 *
 * Sets where plugins that are confined may keep what is to last: `{state}` in a policy is a folder
 * of the plugin's own in it, and made when it is named.
 *
 * Since: 1.0
 */
void
hookrun_engine_set_state_folder (HookrunEngine *self, const char *path)
{
  g_return_if_fail (HOOKRUN_IS_ENGINE (self));
  g_return_if_fail (path != NULL);

  g_free (self->state_folder);
  self->state_folder = g_canonicalize_filename (path, NULL);
}

/* ---- the plugins ---- */

/**
 * hookrun_engine_lookup:
 * @self: the engine
 * @id: an id
 *
 * Finds a plugin by its id.
 *
 * Returns: (transfer none) (nullable): the plugin
 *
 * Since: 1.0
 */
HookrunPlugin *
hookrun_engine_lookup (HookrunEngine *self, const char *id)
{
  return g_hash_table_lookup (self->by_id, id);
}

char *
hookrun_engine_hint (HookrunEngine *self, const char *id)
{
  g_autofree const char **ids = (const char **)g_hash_table_get_keys_as_array (self->by_id, NULL);

  return hookrun_nearest_hint (id, ids);
}

static const HookrunLoader *const loaders[] = {
    [HOOKRUN_PLUGIN_NATIVE] = &hookrun_loader_native,
    [HOOKRUN_PLUGIN_WORKER] = &hookrun_loader_worker,
    [HOOKRUN_PLUGIN_EXECUTABLE] = &hookrun_loader_executable,
};

const HookrunLoader *
hookrun_loader_for_kind (HookrunPluginKind kind)
{
  return loaders[kind];
}

HookrunPlugin *
hookrun_engine_take_plugin (HookrunEngine *self, HookrunPlugin *plugin, GError **error)
{
  const char *id = hookrun_plugin_get_id (plugin);
  HookrunPlugin *other = hookrun_engine_lookup (self, id);

  if (other != NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS,
                 "%s: the id \"%s\" is taken by %s; give one of them another id",
                 plugin->manifest->origin, id, other->manifest->origin);
    g_object_unref (plugin);
    return NULL;
  }
  plugin->index = self->plugins->len;
  g_ptr_array_add (self->plugins, plugin);
  g_hash_table_insert (self->by_id, g_strdup (id), plugin);
  g_list_model_items_changed (G_LIST_MODEL (self), self->plugins->len - 1, 0, 1);
  return plugin;
}

/**
 * hookrun_engine_add_manifest:
 * @self: the engine
 * @manifest: a manifest, perhaps from the user's configuration
 * @error: return location for an error
 *
 * Adds a plugin. No code of it is loaded.
 *
 * Returns: (transfer none): the plugin; %NULL with %HOOKRUN_ERROR_EXISTS when its id is taken
 *
 * Since: 1.0
 */
HookrunPlugin *
hookrun_engine_add_manifest (HookrunEngine *self, HookrunManifest *manifest, GError **error)
{
  g_return_val_if_fail (HOOKRUN_IS_ENGINE (self), NULL);
  g_return_val_if_fail (manifest != NULL, NULL);

  return hookrun_engine_take_plugin (
      self, hookrun_plugin_new (manifest, hookrun_loader_for_kind (manifest->kind)), error);
}

static HookrunManifest *
manifest_for_static (const HookrunPluginDescriptor *descriptor)
{
  g_autofree char *origin = g_strdup_printf ("plugin \"%s\" of the program", descriptor->id);
  HookrunManifest *manifest = hookrun_manifest_alloc (origin, NULL);

  manifest->id = g_strdup (descriptor->id);
  manifest->version = g_strdup (descriptor->version);
  manifest->kind = HOOKRUN_PLUGIN_NATIVE;
  manifest->load = HOOKRUN_LOAD_AT_START;
  manifest->signals = g_new0 (char *, 1);
  return manifest;
}

/**
 * hookrun_engine_add_static: (skip)
 * @self: the engine
 * @descriptor: a descriptor that stays valid
 * @manifest: (nullable): its manifest; %NULL: one with the descriptor's id and version
 * @error: return location for an error
 *
 * Adds a native plugin that is linked into the program.
 *
 * Returns: (transfer none): the plugin; %NULL with %HOOKRUN_ERROR_EXISTS when its id is taken, or
 *   %HOOKRUN_ERROR_ABI
 *
 * Since: 1.0
 */
HookrunPlugin *
hookrun_engine_add_static (HookrunEngine *self, const HookrunPluginDescriptor *descriptor,
                           HookrunManifest *manifest, GError **error)
{
  g_autoptr (HookrunManifest) own = NULL;
  HookrunPlugin *plugin;

  g_return_val_if_fail (HOOKRUN_IS_ENGINE (self), NULL);
  g_return_val_if_fail (descriptor != NULL, NULL);

  if (!hookrun_descriptor_check (descriptor, "linked plugin", error))
    return NULL;
  own = manifest != NULL ? hookrun_manifest_ref (manifest) : manifest_for_static (descriptor);
  plugin = hookrun_plugin_new (own, &hookrun_loader_native);
  plugin->descriptor = descriptor;
  return hookrun_engine_take_plugin (self, plugin, error);
}

/**
 * hookrun_engine_add_hook_folder:
 * @self: the engine
 * @id: the id that the folder's hooks have together as a plugin
 * @folder: (type filename): a folder
 * @error: return location for an error
 *
 * Adds the executables in the folders `SIGNAL.d` below @folder as one plugin. In each, the regular
 * files that are executable are handlers of SIGNAL, in the order of their names. A handler's id is
 * the file's name without leading digits and the dash behind them and without an ending:
 * `10-notify.sh` is `notify`. Left out are names that start with a dot and what editors and
 * packagers leave behind (`~`, `.rpmsave`, `.rpmnew`, `.dpkg-*`, …). A file that is not executable
 * and what lies in no `SIGNAL.d` is reported by [signal@Hookrun.Engine::log] as a warning; a
 * `SIGNAL.d` for a signal that there is not is an error of the activation, even if it is empty.
 *
 * A script may say where it runs, by words in a comment line of its first 4 KiB:
 * `# hookrun: before=ID after=ID replaces=ID priority=N timeout=5s`. Comments start with `#`, `//`,
 * `--` or `;`. A file `HOOK.policy.json` beside a hook, or the word `policy=FILE`, confines it; a
 * file `FOLDER.policy.json` beside @folder confines all hooks that have none.
 *
 * A hook finds the data as a JSON object on standard input and as variables `HOOKRUN_FIELD` (text,
 * numbers, `true` and `false`; a list is joined with newlines; secrets are left out), beside
 * `HOOKRUN_SIGNAL`, `HOOKRUN_SUBJECT`, `HOOKRUN_HANDLER`, `HOOKRUN_SETTINGS` and `HOOKRUN_INFO`. A
 * JSON object that it writes to descriptor 3 is merged into the data (RFC 7396) when it exits with
 * 0 (%HOOKRUN_CONTINUE) or 100 (%HOOKRUN_HANDLED). Any other status is %HOOKRUN_FAILED with the
 * last lines of its standard error. Its output becomes log lines. It has ten minutes unless a
 * timeout says otherwise; then its process group is killed.
 *
 * Returns: (transfer none): the plugin, which is to be activated; %NULL with an error that names
 *   every file at fault: %HOOKRUN_ERROR_UNTRUSTED, %HOOKRUN_ERROR_INVALID,
 * %HOOKRUN_ERROR_NOT_FOUND, %HOOKRUN_ERROR_EXISTS
 *
 * Since: 1.0
 */
HookrunPlugin *
hookrun_engine_add_hook_folder (HookrunEngine *self, const char *id, const char *folder,
                                GError **error)
{
  g_autofree char *absolute = NULL;
  g_autoptr (HookrunManifest) manifest = NULL;
  HookrunPlugin *plugin;

  g_return_val_if_fail (HOOKRUN_IS_ENGINE (self), NULL);
  g_return_val_if_fail (id != NULL && folder != NULL, NULL);

  absolute = g_canonicalize_filename (folder, NULL);
  manifest = hookrun_hook_folder_read (self, id, absolute, error);
  if (manifest == NULL)
    return NULL;
  plugin = hookrun_plugin_new (manifest, &hookrun_loader_executable);
  plugin->hook_folder = g_steal_pointer (&absolute);
  return hookrun_engine_take_plugin (self, plugin, error);
}

/* ---- services ---- */

/**
 * hookrun_engine_add_method:
 * @self: the engine
 * @name: the name that plugins call it by, for example `deploy.run`
 * @func: (scope notified) (closure user_data) (destroy destroy): does it
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data
 *
 * Offers a service of the host to plugins that run outside its process. A name that is taken gets
 * the new function.
 *
 * Since: 1.0
 */
void
hookrun_engine_add_method (HookrunEngine *self, const char *name, HookrunMethodFunc func,
                           gpointer user_data, GDestroyNotify destroy)
{
  Method *method;

  g_return_if_fail (HOOKRUN_IS_ENGINE (self));
  g_return_if_fail (name != NULL);
  g_return_if_fail (func != NULL);

  if (self->call_host != NULL)
    hookrun_engine_log (self, NULL, HOOKRUN_LOG_WARNING,
                        "a plugin that is confined offers no services; nobody can call this one");
  method = g_new0 (Method, 1);
  method->func = func;
  method->user_data = user_data;
  method->destroy = destroy;
  g_mutex_lock (&self->method_lock);
  g_hash_table_insert (self->methods, g_strdup (name), method);
  g_mutex_unlock (&self->method_lock);
}

static gboolean
find_method (HookrunEngine *self, const char *name, Method *found, GError **error)
{
  g_autofree const char **names = NULL;
  g_autofree char *hint = NULL;
  const Method *method;

  g_mutex_lock (&self->method_lock);
  method = g_hash_table_lookup (self->methods, name);
  if (method != NULL) {
    *found = *method;
  } else {
    names = (const char **)g_hash_table_get_keys_as_array (self->methods, NULL);
    hint = hookrun_nearest_hint (name, names);
  }
  g_mutex_unlock (&self->method_lock);
  if (method != NULL)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND, "the host has no method \"%s\"%s",
               name, hint);
  return FALSE;
}

JsonNode *
hookrun_engine_call_method (HookrunEngine *engine, HookrunPlugin *caller, HookrunEvent *event,
                            const char *name, JsonNode *params, GError **error)
{
  g_autoptr (GError) problem = NULL;
  Method method = {0};
  JsonNode *answer;

  if (engine->call_host != NULL)
    return engine->call_host (engine, event, name, params, engine->call_host_data, error);
  if (!find_method (engine, name, &method, error))
    return NULL;
  answer = method.func (engine, caller, event, params, method.user_data, &problem);
  if (problem != NULL) {
    g_clear_pointer (&answer, json_node_unref);
    g_propagate_error (error, g_steal_pointer (&problem));
    return NULL;
  }
  return answer != NULL ? answer : json_node_new (JSON_NODE_NULL);
}

void
hookrun_engine_log (HookrunEngine *engine, HookrunPlugin *plugin, HookrunLogLevel level,
                    const char *text)
{
  g_signal_emit (engine, signals[SIGNAL_LOG], 0, plugin, level, text);
}
