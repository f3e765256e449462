/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs that an earlier process left: how far they came, and how they are put right. Past the commit
 * point that is by finishing them, before it by taking them back. And what became of each module.
 */
#include "hookrun-deployment-private.h"

/* ---- results ---- */

static const char *
state_name (HookrunRunState state, const GError *problem)
{
  switch (state) {
  case HOOKRUN_RUN_DONE:
    return "deployed";
  case HOOKRUN_RUN_ROLLED_BACK:
    return "rolled-back";
  case HOOKRUN_RUN_ROLLBACK_INCOMPLETE:
  case HOOKRUN_RUN_UNFINISHED:
    return "incomplete";
  case HOOKRUN_RUN_STOPPED:
  case HOOKRUN_RUN_ABANDONED:
  case HOOKRUN_RUN_NONE:
  default:
    return problem != NULL ? "failed" : "unchanged";
  }
}

void
hookrun_deploy_job_add_result (DeployJob *job, const char *state, const GError *problem)
{
  JsonObject *object = json_object_new ();
  static const struct {
    const char *key;
    DeploySlot slot;
  } members[] = {
      {"module", SLOT_MODULE},
      {"host", SLOT_HOST},
      {"version", SLOT_VERSION},
      {"previous_version", SLOT_PREVIOUS_VERSION},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (members); i++) {
    const char *text = hookrun_data_slot_get_string (job->data, members[i].slot);

    json_object_set_string_member (object, members[i].key, text != NULL ? text : "");
  }
  if (state == NULL)
    state = state_name (hookrun_pipeline_get_state (job->pipeline), problem);
  json_object_set_string_member (object, "state", state);
  if (job->earlier_run != NULL)
    json_object_set_string_member (object, "earlier_run", job->earlier_run);
  if (problem != NULL)
    json_object_set_string_member (object, "error", problem->message);
  json_array_add_object_element (job->deployment->results, object);
}

/* ---- runs that did not end ---- */

gboolean
hookrun_deploy_job_is_unfinished (DeployJob *job)
{
  HookrunRunState state = hookrun_journal_get_state (job->journal);

  return state == HOOKRUN_RUN_UNFINISHED || state == HOOKRUN_RUN_STOPPED ||
         state == HOOKRUN_RUN_ROLLBACK_INCOMPLETE;
}

static const char *
get_journaled (DeployJob *job, const char *name)
{
  return json_object_get_string_member_with_default (hookrun_deploy_job_get_journaled_data (job),
                                                     name, NULL);
}

gboolean
hookrun_deploy_job_get_earlier (DeployJob *job, HookrunReleaseState *state,
                                GCancellable *cancellable, GError **error)
{
  const char *release = get_journaled (job, "release_id");

  *state = HOOKRUN_RELEASE_MISSING;
  return release == NULL ||
         hookrun_layout_get_state (job->layout, release, state, cancellable, error);
}

gboolean
hookrun_deploy_job_has_earlier_version (DeployJob *job)
{
  const char *version = get_journaled (job, "version");

  return g_strcmp0 (version, hookrun_source_get_version (job->source)) == 0;
}

gboolean
hookrun_deploy_job_go_on (DeployJob *job, gboolean tell, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) problem = NULL;
  HookrunReleaseState state;
  gboolean ok;

  if (!hookrun_deploy_job_get_earlier (job, &state, cancellable, error))
    return FALSE;
  job->is_past_commit = state == HOOKRUN_RELEASE_CONFIRMED;
  ok = hookrun_pipeline_resume (job->pipeline, job->data, job->journal, cancellable, &problem);
  job->is_past_commit = FALSE;
  if (tell || !ok)
    hookrun_deploy_job_add_result (job, NULL, problem);
  if (!ok)
    g_propagate_error (error, g_steal_pointer (&problem));
  return ok;
}

static gboolean
take_back (DeployJob *job, GError **error)
{
  g_autoptr (GError) problem = NULL;
  gboolean ok = hookrun_pipeline_rollback (job->pipeline, job->data, job->journal, &problem);

  if (!ok) {
    hookrun_deploy_job_add_result (job, "incomplete", problem);
    g_propagate_error (error, g_steal_pointer (&problem));
  }
  return ok;
}

static void
tell_earlier (DeployJob *job, gboolean finish)
{
  g_autofree char *text = g_strdup_printf (
      finish ? "an earlier run (%s) had its release confirmed and did not end; finishing it first"
             : "an earlier run (%s) did not end; taking it back first",
      hookrun_journal_get_run_id (job->journal));

  hookrun_deployment_log (job->deployment, hookrun_module_get_name (job->module),
                          HOOKRUN_LOG_WARNING, text);
}

/* The payload of the journaled run takes the place of ours meanwhile. */
gboolean
hookrun_deploy_job_put_right (DeployJob *job, GCancellable *cancellable, GError **error)
{
  g_autoptr (HookrunData) fresh = NULL;
  HookrunReleaseState state;
  gboolean finish;
  gboolean ok;

  if (!hookrun_deploy_job_is_unfinished (job))
    return TRUE;
  if (!hookrun_deploy_job_get_earlier (job, &state, cancellable, error))
    return FALSE;
  finish = state == HOOKRUN_RELEASE_CONFIRMED &&
           hookrun_journal_get_state (job->journal) != HOOKRUN_RUN_ROLLBACK_INCOMPLETE;
  tell_earlier (job, finish);
  fresh = g_steal_pointer (&job->data);
  job->data = hookrun_deploy_job_make_data (job->deployment, job->module);
  ok = finish ? hookrun_deploy_job_go_on (job, FALSE, cancellable, error) : take_back (job, error);
  g_clear_pointer (&job->data, hookrun_data_unref);
  job->data = g_steal_pointer (&fresh);
  job->earlier_run = finish ? "finished" : "taken-back";
  return ok;
}

const char *
hookrun_deploy_job_foresee_earlier (DeployJob *job, const char *current, JsonNode *record)
{
  const char *release = get_journaled (job, "release_id");
  const char *recorded =
      record != NULL && JSON_NODE_HOLDS_OBJECT (record)
          ? json_object_get_string_member_with_default (json_node_get_object (record), "id", "")
          : "";

  if (!hookrun_deploy_job_is_unfinished (job))
    return NULL;
  if (hookrun_journal_get_holder (job->journal) > 0)
    return "running";
  return g_strcmp0 (release, current) == 0 && g_strcmp0 (release, recorded) == 0 ? "finish"
                                                                                 : "take-back";
}
