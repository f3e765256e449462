/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the code of a plugin is given when it is activated for one subject. Registrations are staged
 * until the engine publishes the whole transaction; afterwards they take effect at once.
 */
#include "hookrun-plugin-private.h"

G_DEFINE_FINAL_TYPE (HookrunPluginContext, hookrun_plugin_context, G_TYPE_OBJECT)

static void
staged_signal_free (gpointer data)
{
  HookrunStagedSignal *staged = data;

  g_free (staged->name);
  hookrun_schema_unref (staged->schema);
  g_free (staged);
}

static void
staged_handler_free (gpointer data)
{
  HookrunStagedHandler *staged = data;

  if (staged->destroy != NULL)
    staged->destroy (staged->user_data);
  g_free (staged->signal);
  g_free (staged->id);
  g_strfreev ((char **)(gpointer)staged->options.before);
  g_strfreev ((char **)(gpointer)staged->options.after);
  g_free ((char *)staged->options.replaces);
  g_free ((char *)staged->options.subject);
  g_free (staged);
}

static void
hookrun_plugin_context_finalize (GObject *object)
{
  HookrunPluginContext *self = HOOKRUN_PLUGIN_CONTEXT (object);

  hookrun_plugin_context_close (self);
  hookrun_plugin_context_set_data (self, NULL, NULL);
  hookrun_plugin_context_set_loader_data (self, NULL, NULL);
  g_clear_pointer (&self->definitions, g_ptr_array_unref);
  g_ptr_array_unref (self->handlers);
  g_clear_pointer (&self->settings, json_node_unref);
  g_clear_pointer (&self->info, json_node_unref);
  g_clear_pointer (&self->policy, hookrun_plugin_policy_unref);
  g_clear_pointer (&self->bounds, g_ptr_array_unref);
  g_clear_object (&self->scope);
  g_clear_object (&self->registry);
  g_clear_object (&self->plugin);
  g_free (self->subject);
  G_OBJECT_CLASS (hookrun_plugin_context_parent_class)->finalize (object);
}

static void
hookrun_plugin_context_class_init (HookrunPluginContextClass *class)
{
  G_OBJECT_CLASS (class)->finalize = hookrun_plugin_context_finalize;
}

static void
hookrun_plugin_context_init (HookrunPluginContext *self)
{
  self->handlers = g_ptr_array_new_with_free_func (staged_handler_free);
}

/* Immutable, so one serves all. */
static gpointer
make_empty_object (gpointer unused)
{
  JsonNode *empty = json_node_new (JSON_NODE_OBJECT);

  json_node_take_object (empty, json_object_new ());
  json_node_seal (empty);
  return empty;
}

static JsonNode *
object_or_empty (JsonNode *node)
{
  static GOnce once = G_ONCE_INIT;

  return json_node_ref (node != NULL ? node : g_once (&once, make_empty_object, NULL));
}

HookrunPluginContext *
hookrun_plugin_context_new (HookrunEngine *engine, HookrunPlugin *plugin, const char *subject,
                            JsonNode *settings, JsonNode *info)
{
  HookrunPluginContext *self = g_object_new (HOOKRUN_TYPE_PLUGIN_CONTEXT, NULL);

  self->engine = engine;
  self->plugin = g_object_ref (plugin);
  self->loader = plugin->loader;
  self->registry = g_object_ref (hookrun_engine_get_registry (engine));
  self->scope = hookrun_scope_new (hookrun_plugin_get_id (plugin));
  self->subject = g_strdup (subject);
  self->settings = object_or_empty (settings);
  self->info = object_or_empty (info);
  return self;
}

/* ---- registrations ---- */

static gboolean
check_open (HookrunPluginContext *self, GError **error)
{
  if (self->phase != HOOKRUN_CONTEXT_CLOSED)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "plugin \"%s\" was deactivated; it cannot register anything any more",
               hookrun_plugin_get_id (self->plugin));
  return FALSE;
}

/* The subject of the activation binds a handler that names none itself. */
static const char *
choose_subject (HookrunPluginContext *self, const HookrunHandlerOptions *options)
{
  if (options == NULL || options->subject == NULL)
    return self->subject;
  return g_str_equal (options->subject, HOOKRUN_ANY_SUBJECT) ? NULL : options->subject;
}

static HookrunStagedHandler *
stage_handler (HookrunPluginContext *self, const char *signal, const char *id,
               const HookrunHandlerOptions *options)
{
  HookrunStagedHandler *staged = g_new0 (HookrunStagedHandler, 1);

  staged->signal = g_strdup (signal);
  staged->id = g_strdup (id != NULL ? id : hookrun_plugin_get_id (self->plugin));
  if (options != NULL) {
    staged->options = *options;
    staged->options.before = (const char *const *)g_strdupv ((char **)(gpointer)options->before);
    staged->options.after = (const char *const *)g_strdupv ((char **)(gpointer)options->after);
    staged->options.replaces = g_strdup (options->replaces);
  }
  staged->options.subject = g_strdup (choose_subject (self, options));
  return staged;
}

/* Hands a staged handler to the registry, which owns its user data from then on. */
static gboolean
publish_handler (HookrunPluginContext *self, HookrunStagedHandler *staged, GError **error)
{
  GDestroyNotify destroy = g_steal_pointer (&staged->destroy);

  return hookrun_registry_connect (self->registry, staged->signal, self->scope, staged->id,
                                   &staged->options, staged->func, staged->user_data, destroy,
                                   error) != 0;
}

gboolean
hookrun_plugin_context_connect_directly (HookrunPluginContext *self, const char *signal,
                                         const char *id, const HookrunHandlerOptions *options,
                                         HookrunHandlerFunc func, gpointer user_data,
                                         GDestroyNotify destroy, GError **error)
{
  HookrunStagedHandler *staged = stage_handler (self, signal, id, options);
  gboolean ok;

  staged->func = func;
  staged->user_data = user_data;
  staged->destroy = destroy;
  if (self->phase == HOOKRUN_CONTEXT_STAGING) {
    g_ptr_array_add (self->handlers, staged);
    return TRUE;
  }
  ok = check_open (self, error) && publish_handler (self, staged, error);
  staged_handler_free (staged);
  return ok;
}

/**
 * hookrun_plugin_context_connect:
 * @self: the context
 * @signal: name of a signal
 * @id: (nullable): id of the handler; %NULL: the plugin's id
 * @options: (nullable): where it runs. Without a subject it is limited to the subject of the
 *   activation; with %HOOKRUN_ANY_SUBJECT to none
 * @func: (scope notified) (closure user_data) (destroy destroy): the handler
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data once @func will not run any more, also on error
 * @error: return location for an error
 *
 * Connects a handler that belongs to this activation. During activation it is staged: unknown
 * signals and cycles are then errors of the whole transaction, and nothing of it is connected.
 * Afterwards it takes effect at once. A native plugin that is loaded on need connects the handlers
 * that its manifest names, at the places that the manifest gives them.
 *
 * Returns: %TRUE on success; %FALSE with %HOOKRUN_ERROR_INVALID, %HOOKRUN_ERROR_NOT_FOUND or
 *   %HOOKRUN_ERROR_CYCLE
 *
 * Since: 1.0
 */
gboolean
hookrun_plugin_context_connect (HookrunPluginContext *self, const char *signal, const char *id,
                                const HookrunHandlerOptions *options, HookrunHandlerFunc func,
                                gpointer user_data, GDestroyNotify destroy, GError **error)
{
  g_return_val_if_fail (HOOKRUN_IS_PLUGIN_CONTEXT (self), FALSE);
  g_return_val_if_fail (signal != NULL, FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  if (self->connect_hook != NULL)
    return self->connect_hook (self, signal, id, options, func, user_data, destroy, error);
  return hookrun_plugin_context_connect_directly (self, signal, id, options, func, user_data,
                                                  destroy, error);
}

/**
 * hookrun_plugin_context_define_signal:
 * @self: the context
 * @name: name of the signal, in dotted words
 * @flags: how it behaves
 * @fields: (array length=n_fields) (nullable): its fields
 * @n_fields: number of fields
 * @error: return location for an error
 *
 * Defines a signal of the plugin's own. During activation the definition is staged and takes effect
 * with the whole transaction; hookrun_registry_lookup() finds the signal afterwards. A definition
 * stays when the plugin is deactivated, as data of it may still be in use; the same definition
 * again is no error.
 *
 * Returns: %TRUE on success; %FALSE with %HOOKRUN_ERROR_INVALID or %HOOKRUN_ERROR_EXISTS
 *
 * Since: 1.0
 */
gboolean
hookrun_plugin_context_define_signal (HookrunPluginContext *self, const char *name,
                                      HookrunSignalFlags flags, const HookrunField *fields,
                                      gsize n_fields, GError **error)
{
  HookrunStagedSignal *staged;
  HookrunSchema *schema;

  g_return_val_if_fail (HOOKRUN_IS_PLUGIN_CONTEXT (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  if (!check_open (self, error))
    return FALSE;
  schema = hookrun_schema_new (fields, n_fields, error);
  if (schema == NULL) {
    g_prefix_error (error, "signal \"%s\": ", name);
    return FALSE;
  }
  if (self->phase == HOOKRUN_CONTEXT_LIVE) {
    gboolean ok =
        hookrun_registry_define_with_schema (self->registry, name, flags, schema, error) != NULL;

    hookrun_schema_unref (schema);
    return ok;
  }
  staged = g_new0 (HookrunStagedSignal, 1);
  staged->name = g_strdup (name);
  staged->flags = flags;
  staged->schema = schema;
  if (self->definitions == NULL)
    self->definitions = g_ptr_array_new_with_free_func (staged_signal_free);
  g_ptr_array_add (self->definitions, staged);
  return TRUE;
}

gboolean
hookrun_plugin_context_publish_signals (HookrunPluginContext *self, GError **error)
{
  for (guint i = 0; self->definitions != NULL && i < self->definitions->len; i++) {
    const HookrunStagedSignal *staged = g_ptr_array_index (self->definitions, i);

    if (hookrun_registry_define_with_schema (self->registry, staged->name, staged->flags,
                                             staged->schema, error) == NULL) {
      g_prefix_error (error, "plugin \"%s\": ", hookrun_plugin_get_id (self->plugin));
      return FALSE;
    }
  }
  g_clear_pointer (&self->definitions, g_ptr_array_unref);
  return TRUE;
}

void
hookrun_plugin_context_take_handlers (HookrunPluginContext *self, GArray *connections)
{
  for (guint i = 0; i < self->handlers->len; i++) {
    HookrunStagedHandler *staged = g_ptr_array_index (self->handlers, i);
    HookrunConnection connection = {
        .signal = hookrun_registry_lookup (self->registry, staged->signal),
        .owner = self->scope,
        .id = staged->id,
        .options = &staged->options,
        .func = staged->func,
        .user_data = staged->user_data,
        .destroy = g_steal_pointer (&staged->destroy),
    };

    g_array_append_val (connections, connection);
  }
}

void
hookrun_plugin_context_go_live (HookrunPluginContext *self)
{
  g_ptr_array_set_size (self->handlers, 0);
  self->phase = HOOKRUN_CONTEXT_LIVE;
}

void
hookrun_plugin_context_close (HookrunPluginContext *self)
{
  self->phase = HOOKRUN_CONTEXT_CLOSED;
  g_ptr_array_set_size (self->handlers, 0);
  g_clear_pointer (&self->definitions, g_ptr_array_unref);
  if (self->scope != NULL)
    hookrun_scope_close (self->scope);
}
