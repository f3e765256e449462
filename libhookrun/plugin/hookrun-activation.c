/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Wishes for activations, and which activations they come to: what a plugin requires is activated
 * with it, for the same subject.
 */
#include "hookrun-activation-private.h"

G_DEFINE_BOXED_TYPE (HookrunActivation, hookrun_activation, hookrun_activation_copy,
                     hookrun_activation_free)

static JsonNode *
ref_or_null (JsonNode *node)
{
  return node != NULL ? json_node_ref (node) : NULL;
}

/**
 * hookrun_activation_new:
 * @plugin_id: id of a plugin
 * @subject: (nullable): for whom: a module's or package's name; %NULL: for all
 * @settings: (nullable): a JSON object with the user's settings
 * @info: (nullable): a JSON object with facts about the host's job
 *
 * Makes a wish for [method@Hookrun.Engine.activate].
 *
 * Returns: (transfer full): the wish
 *
 * Since: 1.0
 */
HookrunActivation *
hookrun_activation_new (const char *plugin_id, const char *subject, JsonNode *settings,
                        JsonNode *info)
{
  HookrunActivation *self;

  g_return_val_if_fail (plugin_id != NULL, NULL);
  g_return_val_if_fail (settings == NULL || JSON_NODE_HOLDS_OBJECT (settings), NULL);
  g_return_val_if_fail (info == NULL || JSON_NODE_HOLDS_OBJECT (info), NULL);

  self = g_new0 (HookrunActivation, 1);
  self->plugin_id = g_strdup (plugin_id);
  self->subject = g_strdup (subject);
  self->settings = ref_or_null (settings);
  self->info = ref_or_null (info);
  return self;
}

/**
 * hookrun_activation_copy:
 * @self: a wish
 *
 * Copies it.
 *
 * Returns: (transfer full): the copy
 *
 * Since: 1.0
 */
HookrunActivation *
hookrun_activation_copy (const HookrunActivation *self)
{
  return hookrun_activation_new (self->plugin_id, self->subject, self->settings, self->info);
}

/**
 * hookrun_activation_free:
 * @self: (transfer full): a wish
 *
 * Frees it.
 *
 * Since: 1.0
 */
void
hookrun_activation_free (HookrunActivation *self)
{
  g_free (self->plugin_id);
  g_free (self->subject);
  g_clear_pointer (&self->settings, json_node_unref);
  g_clear_pointer (&self->info, json_node_unref);
  g_free (self);
}

/* ---- from wishes to contexts ---- */

static const HookrunActivation *
find_wish (GPtrArray *wishes, const char *id, const char *subject)
{
  for (guint i = 0; i < wishes->len; i++) {
    const HookrunActivation *wish = g_ptr_array_index (wishes, i);

    if (g_str_equal (wish->plugin_id, id) &&
        (wish->subject == NULL || g_strcmp0 (wish->subject, subject) == 0))
      return wish;
  }
  return NULL;
}

/* An activation for all subjects serves any. */
gboolean
hookrun_engine_is_served (HookrunEngine *self, HookrunPlugin *plugin, const char *subject,
                          const HookrunPluginContext *besides)
{
  for (guint i = 0; i < self->contexts->len; i++) {
    const HookrunPluginContext *context = g_ptr_array_index (self->contexts, i);

    if (context != besides && context->plugin == plugin &&
        (context->subject == NULL || g_strcmp0 (context->subject, subject) == 0))
      return TRUE;
  }
  return FALSE;
}

static void
wish_for_required (HookrunEngine *self, HookrunPlugin *plugin, GPtrArray *wishes)
{
  for (guint i = 0; i < wishes->len; i++) {
    const HookrunActivation *wish = g_ptr_array_index (wishes, i);
    char **required = plugin->manifest->requires;

    if (!g_str_equal (wish->plugin_id, hookrun_plugin_get_id (plugin)))
      continue;
    for (; required != NULL && *required != NULL; required++) {
      HookrunPlugin *other = hookrun_engine_lookup (self, *required);

      if (other != NULL && find_wish (wishes, *required, wish->subject) == NULL &&
          !hookrun_engine_is_served (self, other, wish->subject, NULL))
        g_ptr_array_add (wishes,
                         hookrun_activation_new (*required, wish->subject, NULL, wish->info));
    }
  }
}

GPtrArray *
hookrun_engine_make_contexts (HookrunEngine *self, GPtrArray *order,
                              HookrunActivation *const *activations, gsize n_activations,
                              HookrunFaults *faults)
{
  GPtrArray *contexts = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) wishes =
      g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_activation_free);

  for (gsize i = 0; i < n_activations; i++)
    g_ptr_array_add (wishes, hookrun_activation_copy (activations[i]));
  /* Backwards, those that require come before what they require. */
  for (guint i = order->len; i > 0; i--)
    wish_for_required (self, g_ptr_array_index (order, i - 1), wishes);
  for (guint i = 0; i < order->len; i++) {
    HookrunPlugin *plugin = g_ptr_array_index (order, i);

    for (guint j = 0; j < wishes->len; j++) {
      const HookrunActivation *wish = g_ptr_array_index (wishes, j);

      if (!g_str_equal (wish->plugin_id, hookrun_plugin_get_id (plugin)))
        continue;
      if (hookrun_engine_find_context (self, plugin, wish->subject) != NULL)
        hookrun_faults_add (faults, HOOKRUN_ERROR_EXISTS,
                            "plugin \"%s\" is active for %s%s%s already; deactivate it first",
                            wish->plugin_id, wish->subject != NULL ? "\"" : "all subjects",
                            wish->subject != NULL ? wish->subject : "",
                            wish->subject != NULL ? "\"" : "");
      g_ptr_array_add (contexts, hookrun_plugin_context_new (self, plugin, wish->subject,
                                                             wish->settings, wish->info));
    }
  }
  return contexts;
}
