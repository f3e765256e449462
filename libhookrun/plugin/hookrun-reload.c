/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reloading a plugin: its manifest is read again, its code is mapped or scanned anew, and it is
 * activated as it was. When the new one does not work, the old one is put back.
 */
#include "hookrun-engine-private.h"

/* What is needed to go back. */
typedef struct {
  HookrunManifest *manifest;
  gpointer loader_data;
  GDestroyNotify loader_data_destroy;
  GPtrArray *workers;
} Old;

static HookrunManifest *
read_again (HookrunEngine *self, HookrunPlugin *plugin, GError **error)
{
  g_autoptr (HookrunManifest) manifest = NULL;

  if (plugin->hook_folder != NULL)
    return hookrun_hook_folder_read (self, plugin->manifest->id, plugin->hook_folder, error);
  if (!plugin->is_from_file)
    return hookrun_manifest_ref (plugin->manifest);
  manifest = hookrun_manifest_new_from_file (plugin->manifest->origin, error);
  if (manifest == NULL)
    return NULL;
  if (g_str_equal (manifest->id, plugin->manifest->id) && manifest->kind == plugin->manifest->kind)
    return g_steal_pointer (&manifest);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
               "%s is the manifest of another plugin now (\"%s\" instead of \"%s\", or of another "
               "kind); restart the program",
               plugin->manifest->origin, manifest->id, plugin->manifest->id);
  return NULL;
}

/* The wishes that the present activations of @plugin came from. */
static GPtrArray *
list_activations (HookrunEngine *self, HookrunPlugin *plugin)
{
  GPtrArray *wishes = g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_activation_free);

  for (guint i = 0; i < self->contexts->len; i++) {
    const HookrunPluginContext *context = g_ptr_array_index (self->contexts, i);

    HookrunActivation *wish;

    if (context->plugin != plugin)
      continue;
    wish = hookrun_activation_new (plugin->manifest->id, context->subject, context->settings,
                                   context->info);
    hookrun_activation_set_policy (wish, context->policy);
    g_ptr_array_add (wishes, wish);
  }
  return wishes;
}

static gboolean
activate_again (HookrunEngine *self, GPtrArray *wishes, GError **error)
{
  if (wishes->len == 0)
    return TRUE;
  return hookrun_engine_activate (self, (HookrunActivation *const *)wishes->pdata, wishes->len,
                                  error);
}

static Old
put_aside (HookrunPlugin *plugin)
{
  Old old = {hookrun_manifest_ref (plugin->manifest), plugin->loader_data,
             plugin->loader_data_destroy, g_steal_pointer (&plugin->workers)};

  plugin->loader_data = NULL;
  plugin->loader_data_destroy = NULL;
  return old;
}

static void
put_back (HookrunEngine *self, HookrunPlugin *plugin, Old *old, GPtrArray *wishes)
{
  g_autoptr (GError) problem = NULL;

  hookrun_plugin_set_manifest (plugin, old->manifest);
  hookrun_plugin_set_loader_data (plugin, g_steal_pointer (&old->loader_data),
                                  old->loader_data_destroy);
  g_clear_pointer (&plugin->workers, g_ptr_array_unref);
  plugin->workers = g_steal_pointer (&old->workers);
  if (!activate_again (self, wishes, &problem))
    hookrun_plugin_set_state (plugin, HOOKRUN_PLUGIN_FAILED, g_steal_pointer (&problem));
}

static void
end_activations (HookrunEngine *self, HookrunPlugin *plugin, GPtrArray *wishes)
{
  for (guint i = wishes->len; i > 0; i--) {
    const HookrunActivation *wish = g_ptr_array_index (wishes, i - 1);
    HookrunPluginContext *context = hookrun_engine_find_context (self, plugin, wish->subject);

    if (context != NULL)
      hookrun_engine_end_context (self, context);
  }
}

/**
 * hookrun_engine_reload:
 * @self: the engine
 * @id: id of a plugin
 * @error: return location for an error
 *
 * Reads a plugin's manifest again and replaces its code: a native plugin is mapped as a new copy, a
 * worker is started anew, a folder of hooks is scanned again. It is activated for the subjects that
 * it was active for; its handlers come last in the order of registration then. When that fails, the
 * old code is activated again. Plugins that require it stay active.
 *
 * Returns: %TRUE when the new code is in use
 *
 * Since: 1.0
 */
gboolean
hookrun_engine_reload (HookrunEngine *self, const char *id, GError **error)
{
  g_autoptr (HookrunManifest) manifest = NULL;
  g_autoptr (GPtrArray) wishes = NULL;
  HookrunPlugin *plugin;
  Old old;
  gboolean ok;

  g_return_val_if_fail (HOOKRUN_IS_ENGINE (self), FALSE);
  g_return_val_if_fail (id != NULL, FALSE);

  plugin = hookrun_engine_lookup (self, id);
  if (plugin == NULL) {
    g_autofree char *hint = hookrun_engine_hint (self, id);

    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND, "there is no plugin \"%s\"%s", id,
                 hint);
    return FALSE;
  }
  manifest = read_again (self, plugin, error);
  if (manifest == NULL)
    return FALSE;
  wishes = list_activations (self, plugin);
  old = put_aside (plugin);
  end_activations (self, plugin, wishes);
  hookrun_plugin_set_manifest (plugin, manifest);
  plugin->generation++;
  ok = activate_again (self, wishes, error);
  if (!ok)
    put_back (self, plugin, &old, wishes);
  if (old.loader_data != NULL && old.loader_data_destroy != NULL)
    old.loader_data_destroy (old.loader_data);
  g_clear_pointer (&old.workers, g_ptr_array_unref);
  hookrun_manifest_unref (old.manifest);
  return ok;
}
