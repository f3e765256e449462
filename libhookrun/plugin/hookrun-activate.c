/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Activation as a transaction: all plugins are prepared, all registrations collected and checked,
 * then published; whatever fails on the way puts everything back.
 */
#include "hookrun-activation-private.h"
#include "hookrun-bounds-private.h"
#include "hookrun-nearest-private.h"
#include "hookrun-signal-private.h"

typedef struct {
  HookrunEngine *engine;
  GPtrArray *contexts;
  guint n_started; /* of them, from the first on, the loader has activated */
} Transaction;

HookrunPluginContext *
hookrun_engine_find_context (HookrunEngine *self, HookrunPlugin *plugin, const char *subject)
{
  for (guint i = 0; i < self->contexts->len; i++) {
    HookrunPluginContext *context = g_ptr_array_index (self->contexts, i);

    if (context->plugin == plugin && g_strcmp0 (context->subject, subject) == 0)
      return context;
  }
  return NULL;
}

/* ---- ending ---- */

static void
end_context (HookrunPluginContext *context, gboolean was_started)
{
  const HookrunLoader *loader = context->loader;

  hookrun_plugin_context_close (context);
  if (was_started && loader->deactivate != NULL)
    loader->deactivate (context);
  hookrun_plugin_context_set_data (context, NULL, NULL);
  hookrun_plugin_context_set_loader_data (context, NULL, NULL);
  context->connect_hook = NULL;
  context->engine = NULL;
}

static void
roll_back (Transaction *transaction)
{
  for (guint i = transaction->contexts->len; i > 0; i--)
    end_context (g_ptr_array_index (transaction->contexts, i - 1), i - 1 < transaction->n_started);
}

static void
blame (HookrunPlugin *plugin, const GError *error)
{
  if (plugin->n_active == 0)
    hookrun_plugin_set_state (plugin, HOOKRUN_PLUGIN_FAILED, g_error_copy (error));
}

/* ---- collecting ---- */

static gboolean
prepare_context (HookrunPluginContext *context, GError **error)
{
  /* Ahead of the loader: what cannot be confined is not even mapped. */
  if (!hookrun_bounds_prepare (context, error))
    return FALSE;
  if (context->loader == &hookrun_loader_native &&
      hookrun_plugin_context_get_bounds (context, 0) != NULL)
    context->loader = &hookrun_loader_worker;
  return context->loader->prepare == NULL || context->loader->prepare (context, error);
}

/* All are prepared, so that one error names every file that is not fit. */
static gboolean
prepare_all (Transaction *transaction, GError **error)
{
  g_autoptr (HookrunFaults) faults = hookrun_faults_new ();

  for (guint i = 0; i < transaction->contexts->len; i++) {
    HookrunPluginContext *context = g_ptr_array_index (transaction->contexts, i);
    g_autoptr (GError) problem = NULL;

    if (prepare_context (context, &problem))
      continue;
    g_prefix_error (&problem, "plugin \"%s\": ", hookrun_plugin_get_id (context->plugin));
    blame (context->plugin, problem);
    hookrun_faults_add (faults, (HookrunError)problem->code, "%s", problem->message);
  }
  return hookrun_faults_check (faults, "the set of plugins", error);
}

static gboolean
start_all (Transaction *transaction, GError **error)
{
  for (guint i = 0; i < transaction->contexts->len; i++) {
    HookrunPluginContext *context = g_ptr_array_index (transaction->contexts, i);
    g_autoptr (GError) problem = NULL;

    if (!context->loader->activate (context, &problem)) {
      if (problem == NULL)
        g_set_error (&problem, HOOKRUN_ERROR, HOOKRUN_ERROR_HANDLER,
                     "its activation failed without a reason");
      g_prefix_error (&problem, "plugin \"%s\": ", hookrun_plugin_get_id (context->plugin));
      blame (context->plugin, problem);
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
    transaction->n_started = i + 1;
  }
  return TRUE;
}

/* ---- checking ---- */

static const HookrunStagedSignal *
find_definition (Transaction *transaction, const char *name)
{
  for (guint i = 0; i < transaction->contexts->len; i++) {
    const HookrunPluginContext *context = g_ptr_array_index (transaction->contexts, i);

    for (guint j = 0; context->definitions != NULL && j < context->definitions->len; j++) {
      const HookrunStagedSignal *staged = g_ptr_array_index (context->definitions, j);

      if (g_str_equal (staged->name, name))
        return staged;
    }
  }
  return NULL;
}

static char *
signal_hint (Transaction *transaction, const char *name)
{
  g_auto (GStrv) names = hookrun_registry_list_signals (transaction->engine->registry);

  return hookrun_nearest_hint (name, (const char *const *)names);
}

static gboolean
has_signal (Transaction *transaction, const char *name)
{
  return hookrun_registry_lookup (transaction->engine->registry, name) != NULL ||
         find_definition (transaction, name) != NULL;
}

/* The folders of hooks, also those without a hook: a wrong name is told before it is missed. */
static void
check_hook_signals (Transaction *transaction, HookrunPluginContext *context, HookrunFaults *faults)
{
  char **names = context->plugin->manifest->hook_signals;

  for (; names != NULL && *names != NULL; names++) {
    g_autofree char *hint = NULL;

    if (has_signal (transaction, *names))
      continue;
    hint = signal_hint (transaction, *names);
    hookrun_faults_add (faults, HOOKRUN_ERROR_NOT_FOUND,
                        "folder of hooks \"%s/%s.d\": there is no signal \"%s\"%s",
                        context->plugin->hook_folder, *names, *names,
                        *hint != '\0' ? hint : "; rename or remove the folder");
  }
}

static void
check_handlers (Transaction *transaction, HookrunPluginContext *context, HookrunFaults *faults)
{
  if (context->plugin->hook_folder != NULL) {
    check_hook_signals (transaction, context, faults);
    return;
  }
  for (guint i = 0; i < context->handlers->len; i++) {
    const HookrunStagedHandler *staged = g_ptr_array_index (context->handlers, i);
    g_autofree char *hint = NULL;

    if (has_signal (transaction, staged->signal))
      continue;
    hint = signal_hint (transaction, staged->signal);
    hookrun_faults_add (faults, HOOKRUN_ERROR_NOT_FOUND,
                        "plugin \"%s\", handler \"%s\": there is no signal \"%s\"%s",
                        hookrun_plugin_get_id (context->plugin), staged->id, staged->signal, hint);
  }
}

/* Definitions cannot be taken back, so all are tried on a registry of their own before the first.
 */
static void
check_definitions (Transaction *transaction, HookrunPluginContext *context, HookrunRegistry *trial,
                   HookrunFaults *faults)
{
  for (guint i = 0; context->definitions != NULL && i < context->definitions->len; i++) {
    const HookrunStagedSignal *staged = g_ptr_array_index (context->definitions, i);
    HookrunSignal *known = hookrun_registry_lookup (transaction->engine->registry, staged->name);
    g_autoptr (GError) problem = NULL;

    if (known != NULL)
      hookrun_registry_define_with_schema (trial, staged->name, known->flags, known->schema, NULL);
    if (hookrun_registry_define_with_schema (trial, staged->name, staged->flags, staged->schema,
                                             &problem) != NULL)
      continue;
    hookrun_faults_add (faults, (HookrunError)problem->code, "plugin \"%s\": %s",
                        hookrun_plugin_get_id (context->plugin), problem->message);
  }
}

static gboolean
check_all (Transaction *transaction, GError **error)
{
  g_autoptr (HookrunFaults) faults = hookrun_faults_new ();
  g_autoptr (HookrunRegistry) trial = hookrun_registry_new ();

  for (guint i = 0; i < transaction->contexts->len; i++) {
    check_definitions (transaction, g_ptr_array_index (transaction->contexts, i), trial, faults);
    check_handlers (transaction, g_ptr_array_index (transaction->contexts, i), faults);
  }
  return hookrun_faults_check (faults, "the set of plugins", error);
}

/* ---- publishing ---- */

static gboolean
publish_all (Transaction *transaction, GError **error)
{
  GPtrArray *contexts = transaction->contexts;
  g_autoptr (GArray) connections = g_array_new (FALSE, FALSE, sizeof (HookrunConnection));

  for (guint i = 0; i < contexts->len; i++)
    if (!hookrun_plugin_context_publish_signals (g_ptr_array_index (contexts, i), error))
      return FALSE;
  for (guint i = 0; i < contexts->len; i++)
    hookrun_plugin_context_take_handlers (g_ptr_array_index (contexts, i), connections);
  if (!hookrun_connect_all ((const HookrunConnection *)(gpointer)connections->data,
                            connections->len, error))
    return FALSE;
  for (guint i = 0; i < contexts->len; i++)
    hookrun_plugin_context_go_live (g_ptr_array_index (contexts, i));
  return TRUE;
}

static void
commit (Transaction *transaction)
{
  for (guint i = 0; i < transaction->contexts->len; i++) {
    HookrunPluginContext *context = g_ptr_array_index (transaction->contexts, i);

    g_ptr_array_add (transaction->engine->contexts, g_object_ref (context));
    context->plugin->n_active++;
    hookrun_plugin_set_state (context->plugin, HOOKRUN_PLUGIN_ACTIVE, NULL);
  }
}

static GPtrArray *
resolve_wishes (HookrunEngine *self, HookrunActivation *const *activations, gsize n_activations,
                GError **error)
{
  g_autoptr (HookrunFaults) faults = hookrun_faults_new ();
  g_autoptr (GPtrArray) ids = g_ptr_array_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) order = NULL;
  g_autoptr (GPtrArray) contexts = NULL;

  for (gsize i = 0; i < n_activations; i++)
    if (g_hash_table_add (seen, activations[i]->plugin_id))
      g_ptr_array_add (ids, activations[i]->plugin_id);
  g_ptr_array_add (ids, NULL);
  order = hookrun_engine_order (self, (const char *const *)ids->pdata, faults);
  contexts = hookrun_engine_make_contexts (self, order, activations, n_activations, faults);
  if (!hookrun_faults_check (faults, "the set of plugins", error))
    return NULL;
  return g_steal_pointer (&contexts);
}

/**
 * hookrun_engine_activate:
 * @self: the engine
 * @activations: (array length=n_activations): which plugins, for whom, with which settings
 * @n_activations: their number
 * @error: return location for an error
 *
 * Activates plugins and what they require, as one transaction: requirements are resolved, files
 * checked, code activated in the order of the requirements (else in the order given), and all
 * registrations checked and published. When anything fails nothing stays: what was started is
 * deactivated, and no handler is connected. A required plugin that is not listed is activated for
 * the same subject, without settings. It blocks while code is loaded and workers start.
 *
 * Returns: %TRUE when all are active; %FALSE with one error that names every fault of a kind that
 * can be collected (requirements, files, unknown signals) or the first failure
 *
 * Since: 1.0
 */
gboolean
hookrun_engine_activate (HookrunEngine *self, HookrunActivation *const *activations,
                         gsize n_activations, GError **error)
{
  g_autoptr (GPtrArray) contexts = NULL;
  Transaction transaction = {.engine = self};
  gboolean ok;

  g_return_val_if_fail (HOOKRUN_IS_ENGINE (self), FALSE);
  g_return_val_if_fail (activations != NULL || n_activations == 0, FALSE);

  contexts = resolve_wishes (self, activations, n_activations, error);
  if (contexts == NULL)
    return FALSE;
  transaction.contexts = contexts;
  ok = prepare_all (&transaction, error) && start_all (&transaction, error) &&
       check_all (&transaction, error) && publish_all (&transaction, error);
  if (ok)
    commit (&transaction);
  else
    roll_back (&transaction);
  hookrun_native_session_clear (&self->session);
  return ok;
}

/**
 * hookrun_engine_activate_plugin:
 * @self: the engine
 * @id: id of a plugin
 * @subject: (nullable): for whom; %NULL: for all
 * @settings: (nullable): a JSON object with the user's settings
 * @info: (nullable): a JSON object with facts about the host's job
 * @error: return location for an error
 *
 * Activates one plugin and what it requires; see [method@Hookrun.Engine.activate].
 *
 * Returns: %TRUE when it is active
 *
 * Since: 1.0
 */
gboolean
hookrun_engine_activate_plugin (HookrunEngine *self, const char *id, const char *subject,
                                JsonNode *settings, JsonNode *info, GError **error)
{
  g_autoptr (HookrunActivation) wish = hookrun_activation_new (id, subject, settings, info);
  HookrunActivation *wishes[] = {wish};

  return hookrun_engine_activate (self, wishes, 1, error);
}

/* ---- deactivating ---- */

void
hookrun_engine_end_context (HookrunEngine *self, HookrunPluginContext *context)
{
  g_autoptr (HookrunPluginContext) kept = g_object_ref (context);
  HookrunPlugin *plugin = context->plugin;

  g_ptr_array_remove (self->contexts, context);
  end_context (context, TRUE);
  if (--plugin->n_active == 0)
    hookrun_plugin_set_state (plugin, HOOKRUN_PLUGIN_RESOLVED, NULL);
}

/* The last one that requires the plugin of @context and that no other activation of it serves. */
static HookrunPluginContext *
find_dependent (HookrunEngine *self, HookrunPluginContext *context)
{
  const char *id = hookrun_plugin_get_id (context->plugin);

  for (guint i = self->contexts->len; i > 0; i--) {
    HookrunPluginContext *other = g_ptr_array_index (self->contexts, i - 1);

    if (other != context && hookrun_manifest_get_required_range (other->plugin->manifest, id) &&
        !hookrun_engine_is_served (self, context->plugin, other->subject, context))
      return other;
  }
  return NULL;
}

static void
end_with_dependents (HookrunEngine *self, HookrunPluginContext *context)
{
  g_autoptr (HookrunPluginContext) kept = g_object_ref (context);
  HookrunPluginContext *dependent;

  while ((dependent = find_dependent (self, context)) != NULL)
    end_with_dependents (self, dependent);
  hookrun_engine_end_context (self, context);
}

/**
 * hookrun_engine_deactivate:
 * @self: the engine
 * @id: id of a plugin
 * @subject: (nullable): the subject it was activated for
 *
 * Ends one activation and, before it, those of plugins that require it. All handlers are
 * disconnected; when it returns none of them runs in another thread.
 *
 * Returns: %FALSE when there is no such activation
 *
 * Since: 1.0
 */
gboolean
hookrun_engine_deactivate (HookrunEngine *self, const char *id, const char *subject)
{
  HookrunPlugin *plugin;
  HookrunPluginContext *context;

  g_return_val_if_fail (HOOKRUN_IS_ENGINE (self), FALSE);
  g_return_val_if_fail (id != NULL, FALSE);

  plugin = hookrun_engine_lookup (self, id);
  context = plugin != NULL ? hookrun_engine_find_context (self, plugin, subject) : NULL;
  if (context == NULL)
    return FALSE;
  end_with_dependents (self, context);
  return TRUE;
}

/**
 * hookrun_engine_deactivate_all:
 * @self: the engine
 *
 * Ends all activations, the last one first.
 *
 * Since: 1.0
 */
void
hookrun_engine_deactivate_all (HookrunEngine *self)
{
  g_return_if_fail (HOOKRUN_IS_ENGINE (self));

  while (self->contexts->len > 0)
    hookrun_engine_end_context (self, g_ptr_array_index (self->contexts, self->contexts->len - 1));
}
