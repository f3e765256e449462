/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Deploying, resuming and rolling back: module by module in the order of their dependencies, until
 * one fails.
 */
#include "hookrun-deployment-private.h"

/* ---- the target ---- */

gboolean
hookrun_deployment_connect (HookrunDeployment *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) problem = NULL;

  g_clear_object (&self->target);
  self->target = hookrun_target_new_for_spec (self->spec, error);
  if (self->target == NULL)
    return FALSE;
  if (self->question != NULL)
    hookrun_target_set_question (self->target, self->question, self->question_data, NULL);
  if (hookrun_target_connect (self->target, cancellable, &problem))
    return TRUE;
  /* The alias is known; that its address is not is a matter of the network. */
  if (g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND))
    problem->code = HOOKRUN_ERROR_CONNECTION;
  g_propagate_prefixed_error (error, g_steal_pointer (&problem), "host \"%s\": ", self->host);
  return FALSE;
}

void
hookrun_deployment_prefix_error (HookrunModule *module, GError **error)
{
  g_autofree char *prefix = g_strdup_printf ("module \"%s\"", hookrun_module_get_name (module));

  if (error != NULL && *error != NULL && !g_str_has_prefix ((*error)->message, prefix))
    g_prefix_error (error, "%s: ", prefix);
}

void
hookrun_deployment_disconnect (HookrunDeployment *self)
{
  if (self->target != NULL)
    hookrun_target_disconnect (self->target);
  g_clear_object (&self->target);
}

/* ---- looking ---- */

gboolean
hookrun_deploy_job_examine (DeployJob *job, JsonNode **record, GCancellable *cancellable,
                            GError **error)
{
  g_autoptr (JsonNode) live = NULL;
  g_autofree char *current = NULL;
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;

  if (!hookrun_source_resolve (job->source, cancellable, error))
    return FALSE;
  if (!hookrun_layout_peek (job->layout, &current, &live, cancellable, error))
    return FALSE;
  if (live != NULL && JSON_NODE_HOLDS_OBJECT (live) &&
      !hookrun_deploy_job_check_owner (job, json_node_get_object (live), error))
    return FALSE;
  name = hookrun_layout_make_release_name (hookrun_source_get_version (job->source));
  path = hookrun_layout_get_release_path (job->layout, name);
  hookrun_data_slot_set_string (job->data, SLOT_VERSION, hookrun_source_get_version (job->source));
  hookrun_data_slot_set_string (job->data, SLOT_RELEASE_ID, name);
  hookrun_data_slot_set_string (job->data, SLOT_STAGEDIR, path);
  hookrun_data_slot_set_string (job->data, SLOT_PREVIOUS_ID, current != NULL ? current : "");
  if (live != NULL && JSON_NODE_HOLDS_OBJECT (live))
    hookrun_data_slot_set_string (
        job->data, SLOT_PREVIOUS_VERSION,
        json_object_get_string_member_with_default (json_node_get_object (live), "version", ""));
  if (record != NULL)
    *record = g_steal_pointer (&live);
  return TRUE;
}

/* ---- one module ---- */

static char *
make_title (DeployJob *job)
{
  return g_strdup_printf ("deploy %s to %s", hookrun_module_get_name (job->module),
                          job->deployment->host);
}

static HookrunVerdict
run_pipeline (HookrunEvent *event, gpointer user_data)
{
  DeployJob *job = user_data;
  g_autofree char *title = make_title (job);
  GError *error = NULL;

  if (hookrun_pipeline_run (job->pipeline, title, job->data, job->journal,
                            hookrun_event_get_cancellable (event), &error))
    return HOOKRUN_HANDLED;
  job->failure = g_error_copy (error);
  return hookrun_event_take_error (event, error);
}

/* Emits SIG_DEPLOY, whose default action is the pipeline. */
static gboolean
emit_deploy (DeployJob *job, GCancellable *cancellable, GError **error)
{
  HookrunDeployment *self = job->deployment;
  const char *module = hookrun_module_get_name (job->module);
  HookrunSignal *signal = hookrun_registry_lookup (self->registry, HOOKRUN_SIG_DEPLOY);
  g_autoptr (HookrunScope) scope = hookrun_scope_new ("hookrun");
  const HookrunHandlerOptions options = {.subject = module, .is_default = TRUE};
  g_autoptr (GError) problem = NULL;
  HookrunVerdict verdict;

  if (hookrun_signal_connect (signal, scope, "default", &options, run_pipeline, job, NULL, error) ==
      0)
    return FALSE;
  verdict = hookrun_signal_emit_for (signal, module, job->data, cancellable, &problem);
  hookrun_scope_close (scope);
  if (verdict != HOOKRUN_FAILED)
    return TRUE;
  /* What the pipeline said itself needs no "handler default of deploy.run" before it. */
  g_propagate_error (error, job->failure != NULL ? g_steal_pointer (&job->failure)
                                                 : g_steal_pointer (&problem));
  return FALSE;
}

/* With the journal and the layout open and nothing unfinished. */
static gboolean
deploy_job (DeployJob *job, GCancellable *cancellable, GError **error)
{
  g_autoptr (JsonNode) record = NULL;
  g_autoptr (GError) problem = NULL;
  gboolean ok;

  if (!hookrun_deploy_job_examine (job, &record, cancellable, error))
    return FALSE;
  if (hookrun_deploy_job_is_live (job, record) &&
      !hookrun_data_slot_get_boolean (job->data, SLOT_FORCE)) {
    hookrun_deploy_job_add_result (job, "unchanged", NULL);
    return TRUE;
  }
  ok = emit_deploy (job, cancellable, &problem);
  hookrun_deploy_job_add_result (job, ok ? "deployed" : NULL, problem);
  if (!ok)
    g_propagate_error (error, g_steal_pointer (&problem));
  return ok;
}

static gboolean
run_deploy (DeployJob *job, GCancellable *cancellable, GError **error)
{
  return hookrun_deploy_job_open_layout (job, cancellable, error) &&
         hookrun_deploy_job_put_right (job, cancellable, error) &&
         deploy_job (job, cancellable, error);
}

/* What was sent whole goes on; what was not is taken back and begun anew, because hooks may have
 * worked on a checkout that died with its process. So is what can no longer be checked out. */
static gboolean
run_resume (DeployJob *job, GCancellable *cancellable, GError **error)
{
  HookrunReleaseState state;

  if (!hookrun_deploy_job_open_layout (job, cancellable, error) ||
      !hookrun_deploy_job_get_earlier (job, &state, cancellable, error))
    return FALSE;
  if (state == HOOKRUN_RELEASE_CONFIRMED)
    return hookrun_deploy_job_go_on (job, TRUE, cancellable, error);
  if (!hookrun_source_resolve (job->source, cancellable, error))
    return FALSE;
  if (state >= HOOKRUN_RELEASE_SEALED && hookrun_deploy_job_has_earlier_version (job))
    return hookrun_deploy_job_go_on (job, TRUE, cancellable, error);
  return hookrun_deploy_job_put_right (job, cancellable, error) &&
         deploy_job (job, cancellable, error);
}

static gboolean
run_rollback (DeployJob *job, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) problem = NULL;
  gboolean ok = hookrun_deploy_job_open_layout (job, cancellable, error) &&
                hookrun_pipeline_rollback (job->pipeline, job->data, job->journal, &problem);

  hookrun_deploy_job_add_result (job, ok ? "rolled-back" : "incomplete", problem);
  if (problem != NULL)
    g_propagate_error (error, g_steal_pointer (&problem));
  return ok;
}

/* ---- all modules ---- */

typedef gboolean (*JobFunc) (DeployJob *job, GCancellable *cancellable, GError **error);

/* A run that goes on does so with the release, configuration and arguments it began with. */
static void
adopt_parameters (DeployJob *job)
{
  HookrunDeployment *self = job->deployment;
  JsonObject *data = hookrun_deploy_job_get_journaled_data (job);

  hookrun_deployment_set_release (
      self, json_object_get_string_member_with_default (data, "release", self->release));
  hookrun_deployment_set_config (
      self, json_object_get_string_member_with_default (data, "config", self->config));
  if (json_object_has_member (data, "args"))
    hookrun_deployment_set_arguments (self, json_object_get_member (data, "args"));
  g_clear_pointer (&job->data, hookrun_data_unref);
  job->data = hookrun_deploy_job_make_data (self, job->module);
  g_clear_object (&job->source);
  job->source = hookrun_source_new (job->module, self->release, self->host);
  if (json_object_get_boolean_member_with_default (data, "force", FALSE))
    hookrun_data_slot_set_boolean (job->data, SLOT_FORCE, TRUE);
}

/* A large tree takes its time: whoever watches is told what for. */
static void
remove_checkout (DeployJob *job)
{
  if (hookrun_source_get_tree (job->source) == NULL)
    return;
  hookrun_deployment_progress (job->deployment, job, "remove checkout", "begin", NULL);
  hookrun_source_drop_checkout (job->source);
  hookrun_deployment_progress (job->deployment, job, "remove checkout", "done", NULL);
}

static gboolean
process_module (HookrunDeployment *self, HookrunModule *module, gboolean only_unfinished,
                JobFunc func, GCancellable *cancellable, GError **error)
{
  g_autoptr (DeployJob) job = hookrun_deploy_job_new (self, module, error);
  g_autoptr (GError) problem = NULL;
  guint n_results = json_array_get_length (self->results);
  gboolean ok;

  if (job == NULL || !hookrun_deploy_job_open_journal (job, HOOKRUN_JOURNAL_NONE, error))
    return FALSE;
  self->job = job;
  if (only_unfinished && !hookrun_deploy_job_is_unfinished (job)) {
    hookrun_deploy_job_add_result (job, "unchanged", NULL);
    self->job = NULL;
    return TRUE;
  }
  if (only_unfinished)
    adopt_parameters (job);
  ok = func (job, cancellable, &problem);
  remove_checkout (job);
  self->job = NULL;
  if (ok)
    return TRUE;
  if (json_array_get_length (self->results) == n_results)
    hookrun_deploy_job_add_result (job, "failed", problem);
  g_propagate_error (error, g_steal_pointer (&problem));
  hookrun_deployment_prefix_error (module, error);
  return FALSE;
}

static gboolean
process_all (HookrunDeployment *self, gboolean only_unfinished, JobFunc func,
             GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) order = hookrun_deployment_get_order (self, error);
  gboolean ok;

  g_clear_pointer (&self->results, json_array_unref);
  self->results = json_array_new ();
  ok = order != NULL && hookrun_deployment_load_plugins (self, error) &&
       hookrun_deployment_connect (self, cancellable, error);
  for (guint i = 0; ok && i < order->len; i++)
    ok = process_module (self, order->pdata[i], only_unfinished, func, cancellable, error);
  hookrun_deployment_disconnect (self);
  return ok;
}

/**
 * hookrun_deployment_run:
 * @self: a deployment
 * @cancellable: (nullable): to stop it; what was done is taken back
 * @error: return location for an error
 *
 * Deploys the modules one after the other until one fails. A module whose version is live already
 * is left alone unless it is forced. What an earlier process left unfinished is taken back first,
 * or, where its release was confirmed and only the rest is missing, finished. When a module fails,
 * its old tree is live, and [method@Hookrun.Deployment.get_results] tells what became of each.
 * Blocks; see [method@Hookrun.Deployment.run_async].
 *
 * Returns: %TRUE when all modules are deployed or unchanged. Errors are those of the step that
 *   failed: %HOOKRUN_ERROR_CONNECTION and the host key and login codes of the target,
 *   %HOOKRUN_ERROR_HANDLER for a hook, %HOOKRUN_ERROR_BUSY when another process deploys there,
 *   %HOOKRUN_ERROR_NO_SPACE, %HOOKRUN_ERROR_COMMAND, %HOOKRUN_ERROR_CANCELLED
 *
 * Since: 1.0
 */
gboolean
hookrun_deployment_run (HookrunDeployment *self, GCancellable *cancellable, GError **error)
{
  return process_all (self, FALSE, run_deploy, cancellable, error);
}

/**
 * hookrun_deployment_resume:
 * @self: a deployment
 * @cancellable: (nullable): to stop it
 * @error: return location for an error
 *
 * Goes on with the runs to this host that did not end, with the release, configuration and
 * arguments that they began with, forced if they were. What was already sent whole goes on where it
 * stopped; what was not, or has another version by now, is taken back and begun anew, and its hooks
 * run again. Blocks.
 *
 * Returns: %TRUE when nothing is unfinished any more; errors as in
 *   [method@Hookrun.Deployment.run]
 *
 * Since: 1.0
 */
gboolean
hookrun_deployment_resume (HookrunDeployment *self, GCancellable *cancellable, GError **error)
{
  return process_all (self, TRUE, run_resume, cancellable, error);
}

/**
 * hookrun_deployment_rollback:
 * @self: a deployment
 * @cancellable: (nullable): to stop it between modules
 * @error: return location for an error
 *
 * Takes back the runs to this host that did not end. Blocks.
 *
 * Returns: %TRUE when nothing is unfinished any more; errors as in
 *   [method@Hookrun.Deployment.run]
 *
 * Since: 1.0
 */
gboolean
hookrun_deployment_rollback (HookrunDeployment *self, GCancellable *cancellable, GError **error)
{
  return process_all (self, TRUE, run_rollback, cancellable, error);
}

static void
run_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  GError *error = NULL;
  gboolean ok;

  g_main_context_push_thread_default (context);
  ok = hookrun_deployment_run (source, cancellable, &error);
  g_main_context_pop_thread_default (context);
  if (ok)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * hookrun_deployment_run_async:
 * @self: a deployment
 * @cancellable: (nullable): to stop it; what was done is taken back
 * @callback: (scope async): called in the thread-default main context of the caller
 * @user_data: passed to @callback
 *
 * The same as [method@Hookrun.Deployment.run] in a thread of its own, in which handlers and the
 * object's signals run too. The deployment may not be used otherwise until it ends.
 *
 * Since: 1.0
 */
void
hookrun_deployment_run_async (HookrunDeployment *self, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, hookrun_deployment_run_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_run_in_thread (task, run_in_thread);
}

/**
 * hookrun_deployment_run_finish:
 * @self: a deployment
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Hookrun.Deployment.run_async].
 *
 * Returns: as [method@Hookrun.Deployment.run]
 *
 * Since: 1.0
 */
gboolean
hookrun_deployment_run_finish (HookrunDeployment *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
