/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the code of a plugin may ask its context: for whom it was activated, with which settings. */
#include "hookrun-plugin-private.h"

/**
 * hookrun_plugin_context_get_plugin:
 * @self: the context
 *
 * Gets the plugin that is activated.
 *
 * Returns: (transfer none): the plugin
 *
 * Since: 1.0
 */
HookrunPlugin *
hookrun_plugin_context_get_plugin (HookrunPluginContext *self)
{
  return self->plugin;
}

/**
 * hookrun_plugin_context_get_engine:
 * @self: the context
 *
 * Gets the engine.
 *
 * Returns: (transfer none) (nullable): the engine; %NULL once it is gone
 *
 * Since: 1.0
 */
HookrunEngine *
hookrun_plugin_context_get_engine (HookrunPluginContext *self)
{
  return self->engine;
}

/**
 * hookrun_plugin_context_get_registry:
 * @self: the context
 *
 * Gets the registry of signals, to look them up and emit them.
 *
 * Returns: (transfer none): the registry
 *
 * Since: 1.0
 */
HookrunRegistry *
hookrun_plugin_context_get_registry (HookrunPluginContext *self)
{
  return self->registry;
}

/**
 * hookrun_plugin_context_get_scope:
 * @self: the context
 *
 * Gets the scope that owns all connections of this activation.
 *
 * Returns: (transfer none): the scope
 *
 * Since: 1.0
 */
HookrunScope *
hookrun_plugin_context_get_scope (HookrunPluginContext *self)
{
  return self->scope;
}

/**
 * hookrun_plugin_context_get_subject:
 * @self: the context
 *
 * Gets for whom the plugin is activated: a module's or package's name.
 *
 * Returns: (transfer none) (nullable): the subject; %NULL when for all
 *
 * Since: 1.0
 */
const char *
hookrun_plugin_context_get_subject (HookrunPluginContext *self)
{
  return self->subject;
}

/**
 * hookrun_plugin_context_get_settings:
 * @self: the context
 *
 * Gets the user's settings for this activation.
 *
 * Returns: (transfer none): a JSON object
 *
 * Since: 1.0
 */
JsonNode *
hookrun_plugin_context_get_settings (HookrunPluginContext *self)
{
  return self->settings;
}

/**
 * hookrun_plugin_context_get_setting:
 * @self: the context
 * @key: a key
 *
 * Gets one setting that is text.
 *
 * Returns: (transfer none) (nullable): the text; %NULL when it is not set or no text
 *
 * Since: 1.0
 */
const char *
hookrun_plugin_context_get_setting (HookrunPluginContext *self, const char *key)
{
  JsonNode *value = json_object_get_member (json_node_get_object (self->settings), key);

  if (value == NULL || !JSON_NODE_HOLDS_VALUE (value))
    return NULL;
  return json_node_get_string (value);
}

/**
 * hookrun_plugin_context_get_info:
 * @self: the context
 *
 * Gets facts about the host's job. Their names are the host's to document; an executable runs in
 * the folder that `folder` names.
 *
 * Returns: (transfer none): a JSON object
 *
 * Since: 1.0
 */
JsonNode *
hookrun_plugin_context_get_info (HookrunPluginContext *self)
{
  return self->info;
}

/**
 * hookrun_plugin_context_call_method:
 * @self: a context
 * @event: (nullable): the event on whose behalf it is called, inside of its handler
 * @name: a service that the host offers with [method@Hookrun.Engine.add_method], such as
 *   `deploy.run`
 * @params: (nullable): an object
 * @error: return location for an error
 *
 * Calls a service of the host, as plugins in other processes do. A plugin that is confined needs
 * its name in `methods` of the policy, and calls it in the thread of its handlers.
 *
 * Returns: (transfer full): the answer; %NULL with the service's error, %HOOKRUN_ERROR_NOT_FOUND,
 *   or %HOOKRUN_ERROR_PERMISSION where the policy does not allow it
 *
 * Since: 1.0
 */
JsonNode *
hookrun_plugin_context_call_method (HookrunPluginContext *self, HookrunEvent *event,
                                    const char *name, JsonNode *params, GError **error)
{
  g_return_val_if_fail (HOOKRUN_IS_PLUGIN_CONTEXT (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  if (self->engine != NULL)
    return hookrun_engine_call_method (self->engine, self->plugin, event, name, params, error);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "plugin \"%s\" was deactivated; it cannot call \"%s\" any more",
               hookrun_plugin_get_id (self->plugin), name);
  return NULL;
}

/**
 * hookrun_plugin_context_log:
 * @self: the context
 * @level: its weight
 * @text: one line
 *
 * Hands a line to the host: it emits [signal@Hookrun.Engine::log] in the calling thread.
 *
 * Since: 1.0
 */
void
hookrun_plugin_context_log (HookrunPluginContext *self, HookrunLogLevel level, const char *text)
{
  if (self->engine != NULL)
    hookrun_engine_log (self->engine, self->plugin, level, text);
}

/**
 * hookrun_plugin_context_set_data: (skip)
 * @self: the context
 * @data: (nullable): anything
 * @destroy: (nullable): frees @data
 *
 * Keeps something of the plugin's own until the activation ends or other data is set.
 *
 * Since: 1.0
 */
void
hookrun_plugin_context_set_data (HookrunPluginContext *self, gpointer data, GDestroyNotify destroy)
{
  gpointer old = self->data;
  GDestroyNotify old_destroy = self->data_destroy;

  self->data = data;
  self->data_destroy = destroy;
  if (old != NULL && old_destroy != NULL)
    old_destroy (old);
}

/**
 * hookrun_plugin_context_get_data: (skip)
 * @self: the context
 *
 * Gets what the plugin keeps.
 *
 * Returns: (transfer none) (nullable): the data
 *
 * Since: 1.0
 */
gpointer
hookrun_plugin_context_get_data (HookrunPluginContext *self)
{
  return self->data;
}

void
hookrun_plugin_context_set_loader_data (HookrunPluginContext *context, gpointer data,
                                        GDestroyNotify destroy)
{
  gpointer old = context->loader_data;
  GDestroyNotify old_destroy = context->loader_data_destroy;

  context->loader_data = data;
  context->loader_data_destroy = destroy;
  if (old != NULL && old_destroy != NULL)
    old_destroy (old);
}

gpointer
hookrun_plugin_context_get_loader_data (HookrunPluginContext *context)
{
  return context->loader_data;
}
