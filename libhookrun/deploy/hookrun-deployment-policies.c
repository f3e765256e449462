/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What confines the plugins of a deployment: the user's word in the sections `[plugin:NAME]`, and
 * the list of all that take part with what each of them may do.
 */
#include "hookrun-deployment-private.h"
#include "hookrun-engine-private.h"
#include "hookrun-json-private.h"

#include <string.h>

#define KEY "policy"
#define MAX_SIZE (64 * 1024)
#define MAX_DEPTH 8

/* ---- the user's word ---- */

static HookrunPluginPolicy *
read_policy (HookrunModule *module, const char *id, const char *value, GError **error)
{
  const HookrunJsonLimits limits = {MAX_SIZE, MAX_DEPTH};
  g_autofree char *path = g_canonicalize_filename (value, hookrun_module_get_folder (module));
  g_autofree char *origin = g_strdup_printf ("module \"%s\", section [plugin:%s], \"" KEY "\"",
                                             hookrun_module_get_name (module), id);
  g_autoptr (JsonNode) node = NULL;
  HookrunPluginPolicy *policy;

  if (*value == '{') {
    node = hookrun_json_parse (value, strlen (value), &limits, origin, error);
    return node != NULL ? hookrun_plugin_policy_new (node, origin, error) : NULL;
  }
  policy = hookrun_plugin_policy_new_from_file (path, error);
  if (policy == NULL)
    g_prefix_error (error, "%s: ", origin);
  return policy;
}

gboolean
hookrun_deployment_take_policy (HookrunModule *module, const char *id, JsonNode *settings,
                                HookrunPluginPolicy **policy, GError **error)
{
  JsonObject *object = json_node_get_object (settings);
  g_autofree char *value =
      g_strdup (json_object_get_string_member_with_default (object, KEY, NULL));

  *policy = NULL;
  if (value == NULL)
    return TRUE;
  json_object_remove_member (object, KEY);
  *policy = read_policy (module, id, g_strstrip (value), error);
  return *policy != NULL;
}

/* ---- the list ---- */

static const char *const kinds[] = {
    [HOOKRUN_PLUGIN_NATIVE] = "native",
    [HOOKRUN_PLUGIN_WORKER] = "worker",
    [HOOKRUN_PLUGIN_EXECUTABLE] = "executable",
};

static void
add_row (JsonArray *rows, const HookrunPluginContext *context, const char *origin,
         const HookrunBounds *bounds)
{
  HookrunManifest *manifest = context->plugin->manifest;
  JsonObject *row = json_object_new ();
  g_autofree char *words = bounds != NULL ? hookrun_bounds_describe (bounds) : NULL;

  json_object_set_string_member (row, "module", context->subject != NULL ? context->subject : "");
  json_object_set_string_member (row, "plugin", manifest->id);
  json_object_set_string_member (row, "kind", kinds[manifest->kind]);
  json_object_set_string_member (row, "origin", origin);
  json_object_set_boolean_member (row, "confined", bounds != NULL);
  if (words != NULL)
    json_object_set_string_member (row, "policy", words);
  json_array_add_object_element (rows, row);
}

/* Hooks of a folder are programs each for itself. */
static void
add_rows (JsonArray *rows, HookrunPluginContext *context)
{
  const HookrunManifest *manifest = context->plugin->manifest;

  if (manifest->handlers->len == 0 ||
      ((HookrunManifestHandler *)g_ptr_array_index (manifest->handlers, 0))->program == NULL) {
    add_row (rows, context, manifest->origin, hookrun_plugin_context_get_bounds (context, 0));
    return;
  }
  for (guint i = 0; i < manifest->handlers->len; i++) {
    const HookrunManifestHandler *handler = g_ptr_array_index (manifest->handlers, i);

    add_row (rows, context, handler->program, hookrun_plugin_context_get_bounds (context, i));
  }
}

/**
 * hookrun_deployment_list_plugins:
 * @self: a deployment
 * @error: return location for an error
 *
 * Lists the plugins of each module, and each program of a folder of hooks, with what it may do.
 * Plugins are loaded where that has not happened; the target is not connected.
 *
 * Returns: (transfer full): a JSON array of objects with `module`, `plugin`, `kind`, `origin`,
 *   `confined` (boolean) and, where that is true, `policy` (lines in plain words); %NULL with the
 *   errors of [method@Hookrun.Deployment.load_plugins]
 *
 * Since: 1.0
 */
JsonNode *
hookrun_deployment_list_plugins (HookrunDeployment *self, GError **error)
{
  g_autoptr (JsonNode) rows = json_node_new (JSON_NODE_ARRAY);
  GPtrArray *contexts;

  g_return_val_if_fail (HOOKRUN_IS_DEPLOYMENT (self), NULL);
  if (!hookrun_deployment_load_plugins (self, error))
    return NULL;
  json_node_take_array (rows, json_array_new ());
  contexts = self->engine->contexts;
  for (guint i = 0; i < contexts->len; i++)
    add_rows (json_node_get_array (rows), g_ptr_array_index (contexts, i));
  return g_steal_pointer (&rows);
}
