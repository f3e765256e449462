/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Looking without touching: the plan of a deployment, what is deployed at the host, and which
 * handlers stand where.
 */
#include "hookrun-deployment-private.h"
#include "hookrun-layout-private.h"

static JsonNode *
new_array (void)
{
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  json_node_take_array (node, json_array_new ());
  return node;
}

/* ---- handlers ---- */

static const char *
get_text (JsonObject *handler, const char *member)
{
  return json_object_get_string_member_with_default (handler, member, "");
}

static void
add_handler (HookrunModule *module, const char *signal, const char *id, const char *owner,
             const char *reason, JsonArray *rows)
{
  JsonObject *row = json_object_new ();

  json_object_set_string_member (row, "module", hookrun_module_get_name (module));
  json_object_set_string_member (row, "signal", signal);
  json_object_set_string_member (row, "handler", id);
  json_object_set_string_member (row, "owner", owner);
  json_object_set_string_member (row, "reason", reason);
  json_array_add_object_element (rows, row);
}

/* The default actions are connected during a run only. */
static void
add_handlers (HookrunDeployment *self, HookrunModule *module, const char *name, JsonArray *rows)
{
  HookrunSignal *signal = hookrun_registry_lookup (self->registry, name);
  g_autoptr (JsonNode) handlers =
      hookrun_signal_list_handlers (signal, hookrun_module_get_name (module));
  JsonArray *array = json_node_get_array (handlers);
  gboolean has_default = hookrun_deployment_has_default (name);

  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonObject *handler = json_array_get_object_element (array, i);

    add_handler (module, name, get_text (handler, "id"), get_text (handler, "owner"),
                 get_text (handler, "reason"), rows);
    has_default = has_default && !g_str_equal (get_text (handler, "replaces"), "default");
  }
  if (has_default)
    add_handler (module, name, "default", "hookrun", "the default action, which comes last", rows);
  else if (json_array_get_length (array) == 0)
    add_handler (module, name, "", "", "nothing happens here", rows);
}

/**
 * hookrun_deployment_list_handlers:
 * @self: a deployment
 * @error: return location for an error
 *
 * Lists the handlers for each module and signal, in the order in which they run. The default
 * action, which comes last, has the id `default`; it is missing where a handler replaces it. A
 * signal at which nothing happens has one row, with an empty `handler`. Plugins are loaded where
 * that has not happened; the target is not connected.
 *
 * Returns: (transfer full): a JSON array of objects with `module`, `signal`, `handler`, `owner` and
 *   `reason`; %NULL with the errors of [method@Hookrun.Deployment.load_plugins]
 *
 * Since: 1.0
 */
JsonNode *
hookrun_deployment_list_handlers (HookrunDeployment *self, GError **error)
{
  g_autoptr (GPtrArray) order = hookrun_deployment_get_order (self, error);
  g_autoptr (JsonNode) rows = new_array ();
  gsize n_names;
  const char *const *names = hookrun_deployment_signal_names (&n_names);

  if (order == NULL || !hookrun_deployment_load_plugins (self, error))
    return NULL;
  for (guint m = 0; m < order->len; m++)
    for (gsize i = 0; i < n_names; i++)
      add_handlers (self, order->pdata[m], names[i], json_node_get_array (rows));
  return g_steal_pointer (&rows);
}

/* ---- plan ---- */

/* What is done first with a run that did not end, in the words of the plan. */
static const struct {
  const char *name;
  const char *words;
} earlier_runs[] = {
    {"finish", "an earlier run is past its commit point and would be finished first"},
    {"take-back", "an earlier run did not end and would be taken back first"},
    {"running", "another run is under way"},
};

static gboolean
find_earlier (DeployJob *job, JsonNode *record, const char **name, const char **words,
              GError **error)
{
  g_autoptr (GError) problem = NULL;

  *name = NULL;
  *words = NULL;
  if (!hookrun_deploy_job_open_journal (job, HOOKRUN_JOURNAL_READ_ONLY, &problem)) {
    if (g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND))
      return TRUE;
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  *name = hookrun_deploy_job_foresee_earlier (
      job, hookrun_data_slot_get_string (job->data, SLOT_PREVIOUS_ID), record);
  for (gsize i = 0; i < G_N_ELEMENTS (earlier_runs); i++)
    if (g_strcmp0 (*name, earlier_runs[i].name) == 0)
      *words = earlier_runs[i].words;
  return TRUE;
}

static char *
make_summary (DeployJob *job, gboolean unchanged)
{
  const char *version = hookrun_data_slot_get_string (job->data, SLOT_VERSION);
  const char *previous = hookrun_data_slot_get_string (job->data, SLOT_PREVIOUS_VERSION);

  if (unchanged)
    return g_strdup_printf ("%s is live on %s already", version, job->deployment->host);
  if (previous == NULL || *previous == '\0')
    return g_strdup_printf ("deploy %s to %s, for the first time", version, job->deployment->host);
  return g_strdup_printf ("deploy %s to %s in place of %s", version, job->deployment->host,
                          previous);
}

static gboolean
add_plan (DeployJob *job, JsonArray *rows, GCancellable *cancellable, GError **error)
{
  g_autoptr (JsonNode) record = NULL;
  g_autoptr (JsonNode) plan = NULL;
  g_autofree char *summary = NULL;
  g_autofree char *whole = NULL;
  const char *earlier;
  const char *words;
  JsonObject *row;
  gboolean unchanged;

  hookrun_data_slot_set_boolean (job->data, SLOT_DRY_RUN, TRUE);
  if (!hookrun_deploy_job_examine (job, &record, cancellable, error) ||
      !find_earlier (job, record, &earlier, &words, error))
    return FALSE;
  unchanged = hookrun_deploy_job_is_live (job, record) &&
              !hookrun_data_slot_get_boolean (job->data, SLOT_FORCE);
  summary = make_summary (job, unchanged);
  whole = g_strjoin ("; ", summary, words, NULL);
  if (!unchanged) {
    plan = hookrun_pipeline_plan (job->pipeline, job->data, error);
    if (plan == NULL)
      return FALSE;
  }
  row = json_object_new ();
  json_object_set_string_member (row, "module", hookrun_module_get_name (job->module));
  json_object_set_string_member (row, "host", job->deployment->host);
  json_object_set_string_member (row, "action", unchanged ? "skip" : "deploy");
  json_object_set_string_member (row, "summary", whole);
  if (earlier != NULL)
    json_object_set_string_member (row, "earlier_run", earlier);
  json_object_set_string_member (row, "version",
                                 hookrun_data_slot_get_string (job->data, SLOT_VERSION));
  if (plan != NULL)
    json_object_set_member (row, "plan", g_steal_pointer (&plan));
  json_array_add_object_element (rows, row);
  return TRUE;
}

typedef gboolean (*LookFunc) (DeployJob *job, JsonArray *rows, GCancellable *cancellable,
                              GError **error);

static JsonNode *
look_at_all (HookrunDeployment *self, LookFunc func, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) order = hookrun_deployment_get_order (self, error);
  g_autoptr (JsonNode) rows = new_array ();
  gboolean ok = order != NULL && hookrun_deployment_connect (self, cancellable, error);

  for (guint i = 0; ok && i < order->len; i++) {
    g_autoptr (DeployJob) job = hookrun_deploy_job_new (self, order->pdata[i], error);

    self->job = job;
    ok = job != NULL && func (job, json_node_get_array (rows), cancellable, error);
    self->job = NULL;
  }
  hookrun_deployment_disconnect (self);
  return ok ? g_steal_pointer (&rows) : NULL;
}

/**
 * hookrun_deployment_plan:
 * @self: a deployment
 * @cancellable: (nullable): to stop it
 * @error: return location for an error
 *
 * Tells what [method@Hookrun.Deployment.run] would do, without changing anything here (but the
 * cache of sources) or at the host. No handler runs. Blocks.
 *
 * Returns: (transfer full): a JSON array with an object for each module: `module`, `host`, `action`
 *   (`deploy` or `skip`), `summary`, `version`, `earlier_run` (`finish` or `take-back`, when a run
 *   that did not end is put right first that way; `running`) and, when it would be deployed,
 * `plan`, as [method@Hookrun.Pipeline.plan] gives it; %NULL with an error as for a run
 *
 * Since: 1.0
 */
JsonNode *
hookrun_deployment_plan (HookrunDeployment *self, GCancellable *cancellable, GError **error)
{
  if (!hookrun_deployment_load_plugins (self, error))
    return NULL;
  return look_at_all (self, add_plan, cancellable, error);
}

/* ---- status ---- */

static void
add_last_run (DeployJob *job, JsonObject *row)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (JsonNode) status = NULL;
  const char *state;

  if (!hookrun_deploy_job_open_journal (job, HOOKRUN_JOURNAL_READ_ONLY, &problem)) {
    json_object_set_string_member (row, "last_run",
                                   g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND)
                                       ? "none"
                                       : problem->message);
    return;
  }
  status = hookrun_journal_get_status (job->journal);
  state =
      json_object_get_string_member_with_default (json_node_get_object (status), "state", "none");
  /* Unfinished, but its process lives: nothing to be resumed. */
  if (hookrun_journal_get_state (job->journal) == HOOKRUN_RUN_UNFINISHED &&
      hookrun_journal_get_holder (job->journal) > 0)
    state = "running";
  json_object_set_string_member (row, "last_run", state);
  json_object_set_member (row, "run", g_steal_pointer (&status));
}

/* The record and the truth in one word. */
static const char *
judge (const HookrunLayoutView *view, JsonObject *record)
{
  const char *recorded = json_object_get_string_member_with_default (record, "id", "");

  if (view->state == HOOKRUN_LIVE_ASTRAY)
    return "astray";
  if (view->state == HOOKRUN_LIVE_OPEN)
    return "unconfirmed";
  if (view->state == HOOKRUN_LIVE_RELEASE)
    return g_str_equal (view->name, recorded) ? "deployed" : "other";
  return *recorded != '\0' || view->state == HOOKRUN_LIVE_GONE ? "missing" : "none";
}

static gboolean
add_status (DeployJob *job, JsonArray *rows, GCancellable *cancellable, GError **error)
{
  g_auto (HookrunLayoutView) view = {0};
  JsonObject *row;

  if (!hookrun_layout_look (job->layout, &view, cancellable, error))
    return FALSE;
  row = view.record != NULL && JSON_NODE_HOLDS_OBJECT (view.record)
            ? json_object_ref (json_node_get_object (view.record))
            : json_object_new ();
  json_object_set_string_member (row, "state", judge (&view, row));
  json_object_set_string_member (row, "live", view.name != NULL ? view.name : "");
  json_object_set_string_member (row, "module", hookrun_module_get_name (job->module));
  json_object_set_string_member (row, "host", job->deployment->host);
  add_last_run (job, row);
  json_array_add_object_element (rows, row);
  return TRUE;
}

/**
 * hookrun_deployment_get_status:
 * @self: a deployment
 * @cancellable: (nullable): to stop it
 * @error: return location for an error
 *
 * Reads what is deployed at the host and what the journals say of the last runs. Blocks.
 *
 * Returns: (transfer full): a JSON array with an object for each module: `module`, `host`,
 *   `last_run` (a nick of [enum@Hookrun.RunState], or `running`), `run` as
 *   [method@Hookrun.Journal.get_status] gives it, and the record of the target, when there is one:
 *   `version`, `release`, `config`, `id`, `time`; `live` is the release that is live and `state`
 * one of `deployed`, `none`, `unconfirmed` (a run is about to confirm it or take it back), and,
 * where the record is not the truth, `other`, `missing` and `astray` (`live` is where the link
 * leads to, which is no release); %NULL with an error of the connection
 *
 * Since: 1.0
 */
JsonNode *
hookrun_deployment_get_status (HookrunDeployment *self, GCancellable *cancellable, GError **error)
{
  return look_at_all (self, add_status, cancellable, error);
}
