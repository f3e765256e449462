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

void
hookrun_activation_set_policy (HookrunActivation *self, HookrunPluginPolicy *policy)
{
  g_clear_pointer (&self->policy, hookrun_plugin_policy_unref);
  self->policy = policy != NULL ? hookrun_plugin_policy_ref (policy) : NULL;
}

/**
 * hookrun_activation_new_confined:
 * @plugin_id: id of a plugin
 * @subject: (nullable): for whom: a module's or package's name; %NULL: for all
 * @settings: (nullable): a JSON object with the user's settings
 * @info: (nullable): a JSON object with facts about the host's job
 * @policy: a JSON object: what the plugin may do at most, with the keys of a manifest's `policy`
 * @origin: where that was written, for messages
 * @error: return location for an error
 *
 * Makes a wish as hookrun_activation_new() does, with a policy of the user's. What the plugin's own
 * policy allows and this one does not, is not allowed; without a policy of its own this one holds.
 *
 * Returns: (transfer full): the wish; %NULL with %HOOKRUN_ERROR_INVALID for a faulty policy
 *
 * Since: 1.0
 */
HookrunActivation *
hookrun_activation_new_confined (const char *plugin_id, const char *subject, JsonNode *settings,
                                 JsonNode *info, JsonNode *policy, const char *origin,
                                 GError **error)
{
  g_autoptr (HookrunPluginPolicy) read = NULL;
  HookrunActivation *self;

  g_return_val_if_fail (policy != NULL && origin != NULL, NULL);

  read = hookrun_plugin_policy_new (policy, origin, error);
  if (read == NULL)
    return NULL;
  self = hookrun_activation_new (plugin_id, subject, settings, info);
  hookrun_activation_set_policy (self, read);
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
  HookrunActivation *copy =
      hookrun_activation_new (self->plugin_id, self->subject, self->settings, self->info);

  hookrun_activation_set_policy (copy, self->policy);
  return copy;
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
  g_clear_pointer (&self->policy, hookrun_plugin_policy_unref);
  g_free (self);
}

/* ---- from wishes to contexts ---- */

/* The wishes of a transaction: those of the caller and those that come from requirements. */
typedef struct {
  GPtrArray *added;  /* owned */
  GHashTable *by_id; /* id -> GPtrArray of wishes, in order */
} Wishes;

static void
wishes_clear (Wishes *wishes)
{
  g_hash_table_unref (wishes->by_id);
  g_ptr_array_unref (wishes->added);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Wishes, wishes_clear)

static void
add_wish (Wishes *wishes, HookrunActivation *wish)
{
  GPtrArray *same = g_hash_table_lookup (wishes->by_id, wish->plugin_id);

  if (same == NULL) {
    same = g_ptr_array_new ();
    g_hash_table_insert (wishes->by_id, wish->plugin_id, same);
  }
  g_ptr_array_add (same, wish);
}

static gboolean
has_wish (Wishes *wishes, const char *id, const char *subject)
{
  GPtrArray *same = g_hash_table_lookup (wishes->by_id, id);

  for (guint i = 0; same != NULL && i < same->len; i++) {
    const HookrunActivation *wish = g_ptr_array_index (same, i);

    if (wish->subject == NULL || g_strcmp0 (wish->subject, subject) == 0)
      return TRUE;
  }
  return FALSE;
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
wish_for_required (HookrunEngine *self, const HookrunActivation *wish, HookrunPlugin *plugin,
                   Wishes *wishes)
{
  char **required = plugin->manifest->requires;

  for (; required != NULL && *required != NULL; required++) {
    HookrunPlugin *other = hookrun_engine_lookup (self, *required);
    HookrunActivation *another;

    if (other == NULL || has_wish (wishes, *required, wish->subject) ||
        hookrun_engine_is_served (self, other, wish->subject, NULL))
      continue;
    another = hookrun_activation_new (*required, wish->subject, NULL, wish->info);
    g_ptr_array_add (wishes->added, another);
    add_wish (wishes, another);
  }
}

static void
check_not_active (HookrunEngine *self, HookrunPlugin *plugin, const char *subject,
                  HookrunFaults *faults)
{
  g_autofree char *whom = NULL;

  if (hookrun_engine_find_context (self, plugin, subject) == NULL)
    return;
  whom = subject != NULL ? g_strdup_printf ("\"%s\"", subject) : g_strdup ("all subjects");
  hookrun_faults_add (faults, HOOKRUN_ERROR_EXISTS,
                      "plugin \"%s\" is active for %s already; deactivate it first",
                      hookrun_plugin_get_id (plugin), whom);
}

static HookrunPluginContext *
make_context (HookrunEngine *self, HookrunPlugin *plugin, const HookrunActivation *wish)
{
  HookrunPluginContext *context =
      hookrun_plugin_context_new (self, plugin, wish->subject, wish->settings, wish->info);

  context->policy = wish->policy != NULL ? hookrun_plugin_policy_ref (wish->policy) : NULL;
  return context;
}

GPtrArray *
hookrun_engine_make_contexts (HookrunEngine *self, GPtrArray *order,
                              HookrunActivation *const *activations, gsize n_activations,
                              HookrunFaults *faults)
{
  GPtrArray *contexts = g_ptr_array_new_with_free_func (g_object_unref);
  g_auto (Wishes) wishes = {
      g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_activation_free),
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref),
  };

  for (gsize i = 0; i < n_activations; i++)
    add_wish (&wishes, activations[i]);
  /* Backwards, those that require come before what they require. */
  for (guint i = order->len; i > 0; i--) {
    HookrunPlugin *plugin = g_ptr_array_index (order, i - 1);
    GPtrArray *same = g_hash_table_lookup (wishes.by_id, hookrun_plugin_get_id (plugin));

    for (guint j = 0; same != NULL && j < same->len; j++)
      wish_for_required (self, g_ptr_array_index (same, j), plugin, &wishes);
  }
  for (guint i = 0; i < order->len; i++) {
    HookrunPlugin *plugin = g_ptr_array_index (order, i);
    GPtrArray *same = g_hash_table_lookup (wishes.by_id, hookrun_plugin_get_id (plugin));

    for (guint j = 0; same != NULL && j < same->len; j++) {
      const HookrunActivation *wish = g_ptr_array_index (same, j);

      check_not_active (self, plugin, wish->subject, faults);
      g_ptr_array_add (contexts, make_context (self, plugin, wish));
    }
  }
  return contexts;
}
