/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps of one module's deployment, as a table: signals, action, undo, and the line that a dry
 * run shows. Each action may be called again after a crash; the layout at the target knows what has
 * happened.
 */
#include "hookrun-deployment-private.h"
#include "hookrun-layout-private.h"

static const char *
slot (DeployJob *job, DeploySlot which)
{
  const char *text = hookrun_data_slot_get_string (job->data, which);

  return text != NULL ? text : "";
}

/* ---- checkout ---- */

static gboolean
execute_checkout (DeployJob *job, HookrunStep *step, GError **error)
{
  if (!hookrun_source_checkout (job->source, hookrun_step_get_cancellable (step), error))
    return FALSE;
  hookrun_data_slot_set_string (job->data, SLOT_SOURCEDIR, hookrun_source_get_tree (job->source));
  /* a hook may have written into the folder that is the source */
  hookrun_data_slot_set_string (job->data, SLOT_VERSION, hookrun_source_get_version (job->source));
  return TRUE;
}

static gboolean
probe_checkout (DeployJob *job, HookrunStep *step, gboolean *done, GError **error)
{
  *done = job->is_past_commit || g_file_test (slot (job, SLOT_SOURCEDIR), G_FILE_TEST_IS_DIR);
  return TRUE;
}

static char *
describe_checkout (DeployJob *job, HookrunStep *step, GError **error)
{
  const char *commit = hookrun_source_get_commit (job->source);
  g_autofree char *url = NULL;

  if (commit == NULL)
    return g_strdup_printf ("take %s from %s", slot (job, SLOT_VERSION),
                            slot (job, SLOT_MODULEDIR));
  url = hookrun_git_hide_password (hookrun_module_get_url (job->module, job->deployment->host));
  return g_strdup_printf ("export %s (commit %.10s) of %s", slot (job, SLOT_VERSION), commit, url);
}

/* ---- stage ---- */

/* Whether anybody is called while the new release stands beside the live one, and could write into
 * a file that both share. */
static gboolean
has_handlers_beside_stage (DeployJob *job)
{
  static const char *const before[] = {HOOKRUN_SIG_DEPLOY, HOOKRUN_SIG_DEPLOY_START,
                                       HOOKRUN_SIG_SOURCE_CHECKOUT, NULL};
  const char *module = hookrun_module_get_name (job->module);
  gsize n_names;
  const char *const *names = hookrun_deployment_signal_names (&n_names);

  for (gsize i = 0; i < n_names; i++) {
    HookrunSignal *signal = hookrun_registry_lookup (job->deployment->registry, names[i]);
    g_autoptr (JsonNode) handlers = hookrun_signal_list_handlers (signal, module);
    JsonArray *array = json_node_get_array (handlers);

    for (guint h = 0; h < json_array_get_length (array); h++)
      if (!g_strv_contains (before, names[i]) &&
          !json_object_get_boolean_member_with_default (json_array_get_object_element (array, h),
                                                        "default", FALSE))
        return TRUE;
  }
  return FALSE;
}

/* What is to be sent is told ahead of the hooks: one of them may send it in its own way. */
static gboolean
execute_stage (DeployJob *job, HookrunStep *step, GError **error)
{
  g_autoptr (HookrunSync) sync = hookrun_deploy_job_new_sync (job);
  GCancellable *cancellable = hookrun_step_get_cancellable (step);
  const char *release = slot (job, SLOT_RELEASE_ID);

  hookrun_layout_set_hard_links (job->layout, !has_handlers_beside_stage (job));
  return hookrun_layout_begin (job->layout, release, sync, cancellable, error) &&
         hookrun_layout_expect (job->layout, release, sync, slot (job, SLOT_SOURCEDIR), cancellable,
                                error);
}

/* Takes back the stage and, where it came so far, the switch: the layout knows. A target that did
 * not answer to the undo of one step is not waited for again by that of another. */
static gboolean
undo_stage (DeployJob *job, HookrunStep *step, GError **error)
{
  g_autoptr (GError) problem = NULL;

  if (job->silence == NULL && hookrun_deploy_job_open_layout (job, NULL, &problem) &&
      hookrun_layout_undo (job->layout, slot (job, SLOT_RELEASE_ID), NULL, &problem)) {
    hookrun_deploy_job_tell_recovered (job);
    return TRUE;
  }
  if (g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION) ||
      g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_TIMED_OUT))
    job->silence = g_error_copy (problem);
  g_propagate_error (error,
                     problem != NULL ? g_steal_pointer (&problem) : g_error_copy (job->silence));
  return FALSE;
}

static char *
describe_stage (DeployJob *job, HookrunStep *step, GError **error)
{
  if (hookrun_module_get_layout (job->module, job->deployment->host) ==
      HOOKRUN_MODULE_LAYOUT_IN_PLACE)
    return g_strdup_printf ("keep a way back from %s", slot (job, SLOT_DESTPATH));
  return g_strdup_printf ("make %s%s", slot (job, SLOT_STAGEDIR),
                          *slot (job, SLOT_PREVIOUS_ID) != '\0' ? " from the live release" : "");
}

/* ---- send ---- */

/* A sync that finds every file whose content differs, whatever its size and time. In a checkout of
 * ours times tell of contents; where a handler takes the tree from, or writes what cannot be given
 * such a time, contents are compared. So they are, too, when the deployment is forced. */
static HookrunSync *
new_exact_sync (DeployJob *job, gboolean stamp, GCancellable *cancellable, GError **error)
{
  g_autoptr (HookrunSync) sync = hookrun_deploy_job_new_sync (job);
  const char *tree = hookrun_source_get_tree (job->source);
  gboolean is_ours = g_strcmp0 (tree, slot (job, SLOT_SOURCEDIR)) == 0;

  if (!is_ours)
    job->compare_contents = TRUE;
  if (is_ours && stamp) {
    gboolean exact;

    if (!hookrun_source_stamp (job->source, &exact, cancellable, error))
      return NULL;
    job->compare_contents = !exact;
  }
  hookrun_sync_set_checksum (sync, job->compare_contents ||
                                       hookrun_data_slot_get_boolean (job->data, SLOT_FORCE));
  return g_steal_pointer (&sync);
}

static gboolean
execute_send (DeployJob *job, HookrunStep *step, GError **error)
{
  GCancellable *cancellable = hookrun_step_get_cancellable (step);
  g_autoptr (HookrunSync) sync = new_exact_sync (job, TRUE, cancellable, error);
  g_autoptr (HookrunSyncResult) result = NULL;

  if (sync == NULL)
    return FALSE;
  result = hookrun_layout_send (job->layout, slot (job, SLOT_RELEASE_ID), sync,
                                slot (job, SLOT_SOURCEDIR), cancellable, error);
  if (result == NULL)
    return FALSE;
  g_free (job->detail);
  job->detail = g_strdup_printf (
      "%" G_GUINT64_FORMAT " files, %" G_GUINT64_FORMAT " bytes, %" G_GUINT64_FORMAT " removed",
      hookrun_sync_result_get_n_files (result), hookrun_sync_result_get_n_bytes (result),
      hookrun_sync_result_get_n_deleted (result));
  return TRUE;
}

static char *
describe_send (DeployJob *job, HookrunStep *step, GError **error)
{
  return g_strdup_printf ("send the tree to %s", slot (job, SLOT_STAGEDIR));
}

/* ---- verify ---- */

static gboolean
execute_verify (DeployJob *job, HookrunStep *step, GError **error)
{
  GCancellable *cancellable = hookrun_step_get_cancellable (step);
  g_auto (GStrv) shared = hookrun_module_get_shared (job->module, job->deployment->host);
  g_autoptr (HookrunSync) sync = new_exact_sync (job, FALSE, cancellable, error);

  /* A handler that sends in its own way may send another tree. */
  if (!hookrun_step_was_replaced (job->send_step) &&
      !hookrun_layout_verify (job->layout, slot (job, SLOT_RELEASE_ID), sync,
                              slot (job, SLOT_SOURCEDIR), cancellable, error))
    return FALSE;
  for (char **path = shared; path != NULL && *path != NULL; path++)
    if (!hookrun_layout_share (job->layout, slot (job, SLOT_RELEASE_ID), *path, cancellable, error))
      return FALSE;
  return TRUE;
}

static char *
describe_verify (DeployJob *job, HookrunStep *step, GError **error)
{
  return g_strdup ("compare what arrived with what was sent");
}

/* ---- switch ---- */

static gboolean
execute_switch (DeployJob *job, HookrunStep *step, GError **error)
{
  GCancellable *cancellable = hookrun_step_get_cancellable (step);

  return hookrun_layout_seal (job->layout, slot (job, SLOT_RELEASE_ID), cancellable, error) &&
         hookrun_layout_switch (job->layout, slot (job, SLOT_RELEASE_ID), cancellable, error);
}

static gboolean
reached (DeployJob *job, HookrunReleaseState wanted, gboolean *done, GError **error)
{
  HookrunReleaseState state;

  if (!hookrun_deploy_job_open_layout (job, NULL, error) ||
      !hookrun_layout_get_state (job->layout, slot (job, SLOT_RELEASE_ID), &state, NULL, error))
    return FALSE;
  *done = state >= wanted && state <= HOOKRUN_RELEASE_CONFIRMED;
  return TRUE;
}

static gboolean
probe_switch (DeployJob *job, HookrunStep *step, gboolean *done, GError **error)
{
  return reached (job, HOOKRUN_RELEASE_SWITCHED, done, error);
}

static char *
describe_switch (DeployJob *job, HookrunStep *step, GError **error)
{
  const char *previous = slot (job, SLOT_PREVIOUS_VERSION);

  return g_strdup_printf ("make %s live%s%s", slot (job, SLOT_VERSION),
                          *previous != '\0' ? " in place of " : "", previous);
}

/* ---- confirm ---- */

static gboolean
execute_confirm (DeployJob *job, HookrunStep *step, GError **error)
{
  g_autoptr (JsonNode) record = hookrun_deploy_job_make_record (job);
  GCancellable *cancellable = hookrun_step_get_cancellable (step);
  g_autoptr (GError) problem = NULL;
  guint keep = hookrun_module_get_keep (job->module, job->deployment->host);

  if (!hookrun_layout_confirm (job->layout, slot (job, SLOT_RELEASE_ID), record, cancellable,
                               error))
    return FALSE;
  /* What is live is live: an old release that stays is worth a word, not a failure. */
  if (!hookrun_layout_prune (job->layout, keep, NULL, cancellable, &problem))
    hookrun_deployment_log (job->deployment, hookrun_module_get_name (job->module),
                            HOOKRUN_LOG_WARNING, problem->message);
  return TRUE;
}

static gboolean
probe_confirm (DeployJob *job, HookrunStep *step, gboolean *done, GError **error)
{
  return reached (job, HOOKRUN_RELEASE_CONFIRMED, done, error);
}

static char *
describe_confirm (DeployJob *job, HookrunStep *step, GError **error)
{
  return g_strdup_printf ("record %s as deployed, keep %u old releases", slot (job, SLOT_VERSION),
                          hookrun_module_get_keep (job->module, job->deployment->host));
}

/* ---- the table ---- */

typedef struct {
  const char *name;
  HookrunStepFlags flags;
  const char *before;
  const char *middle;
  gboolean (*execute) (DeployJob *job, HookrunStep *step, GError **error);
  gboolean (*undo) (DeployJob *job, HookrunStep *step, GError **error);
  gboolean (*probe) (DeployJob *job, HookrunStep *step, gboolean *done, GError **error);
  char *(*describe) (DeployJob *job, HookrunStep *step, GError **error);
} StepRow;

/* A checkout goes with its process, and the target takes a switch back that nobody confirmed: both
 * are looked at again by a resumed run. */
static const StepRow rows[] = {
    {"start", HOOKRUN_STEP_NONE, NULL, HOOKRUN_SIG_DEPLOY_START, NULL, NULL, NULL, NULL},
    {"checkout", HOOKRUN_STEP_RECHECK, NULL, HOOKRUN_SIG_SOURCE_CHECKOUT, execute_checkout, NULL,
     probe_checkout, describe_checkout},
    {"stage", HOOKRUN_STEP_NONE, NULL, HOOKRUN_SIG_RELEASE_STAGE, execute_stage, undo_stage, NULL,
     describe_stage},
    {"send", HOOKRUN_STEP_NONE, HOOKRUN_SIG_SOURCE_PRE_SEND, HOOKRUN_SIG_SOURCE_SEND, execute_send,
     NULL, NULL, describe_send},
    {"verify", HOOKRUN_STEP_NONE, NULL, HOOKRUN_SIG_RELEASE_VERIFY, execute_verify, NULL, NULL,
     describe_verify},
    {"prepare", HOOKRUN_STEP_NONE, NULL, HOOKRUN_SIG_SOURCE_POST_SEND, NULL, NULL, NULL, NULL},
    {"switch", HOOKRUN_STEP_RECHECK, HOOKRUN_SIG_RELEASE_PRE_SWITCH, HOOKRUN_SIG_RELEASE_SWITCH,
     execute_switch, undo_stage, probe_switch, describe_switch},
    {"health", HOOKRUN_STEP_NONE, NULL, HOOKRUN_SIG_HEALTH_CHECK, NULL, NULL, NULL, NULL},
    {"finish", HOOKRUN_STEP_NONE, NULL, HOOKRUN_SIG_DEPLOY_FINISH, NULL, NULL, NULL, NULL},
    {"confirm", HOOKRUN_STEP_COMMIT, NULL, HOOKRUN_SIG_RELEASE_CONFIRM, execute_confirm, NULL,
     probe_confirm, describe_confirm},
};

gboolean
hookrun_deployment_has_default (const char *signal)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (rows[i].execute != NULL && g_str_equal (rows[i].middle, signal))
      return TRUE;
  return FALSE;
}

typedef struct {
  DeployJob *job; /* not owned: it owns the pipeline that owns this */
  const StepRow *row;
} Binding;

static gboolean
run_action (HookrunStep *step, gpointer user_data, GError **error)
{
  const Binding *binding = user_data;

  return binding->row->execute (binding->job, step, error);
}

static gboolean
run_undo (HookrunStep *step, gpointer user_data, GError **error)
{
  const Binding *binding = user_data;

  return binding->row->undo (binding->job, step, error);
}

static gboolean
run_probe (HookrunStep *step, gboolean *done, gpointer user_data, GError **error)
{
  const Binding *binding = user_data;

  return binding->row->probe (binding->job, step, done, error);
}

static char *
run_describe (HookrunStep *step, gpointer user_data, GError **error)
{
  const Binding *binding = user_data;

  return binding->row->describe (binding->job, step, error);
}

static HookrunStep *
make_step (DeployJob *job, const StepRow *row)
{
  HookrunStep *step = hookrun_step_new (row->name, row->flags);
  Binding *binding = g_new (Binding, 1);
  const HookrunStepFuncs funcs = {
      .execute = row->execute != NULL ? run_action : NULL,
      .undo = row->undo != NULL ? run_undo : NULL,
      .probe = row->probe != NULL ? run_probe : NULL,
      .describe = row->describe != NULL ? run_describe : NULL,
  };

  binding->job = job;
  binding->row = row;
  hookrun_step_set_signals (step, row->before, row->middle, NULL, NULL);
  hookrun_step_set_action_id (step, "default");
  hookrun_step_set_subject (step, hookrun_module_get_name (job->module));
  hookrun_step_set_funcs (step, &funcs, binding, g_free);
  return step;
}

gboolean
hookrun_deploy_job_add_steps (DeployJob *job, GError **error)
{
  if (!hookrun_pipeline_set_signals (job->pipeline, HOOKRUN_SIG_DEPLOY_FAILED,
                                     HOOKRUN_SIG_ROLLBACK_START, HOOKRUN_SIG_ROLLBACK_FINISH,
                                     error))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (HookrunStep) step = make_step (job, &rows[i]);

    if (!hookrun_pipeline_add_step (job->pipeline, step, error))
      return FALSE;
    if (rows[i].execute == execute_send)
      job->send_step = step;
  }
  return TRUE;
}
