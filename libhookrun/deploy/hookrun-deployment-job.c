/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One module on its way to the host: its payload, its layout at the target, its journal beside the
 * project, and the record by which an unchanged version is known.
 */
#include "hookrun-deployment-private.h"

/* Never sent, whoever asks: the repository's own files. */
static const char *const standing_excludes[] = {".git", ".gitignore", ".gitattributes",
                                                ".gitmodules", NULL};

void
hookrun_deploy_job_free (DeployJob *job)
{
  g_clear_error (&job->failure);
  g_clear_error (&job->silence);
  g_free (job->detail);
  g_clear_object (&job->pipeline);
  if (job->journal != NULL)
    hookrun_journal_close (job->journal);
  g_clear_object (&job->journal);
  if (job->layout != NULL)
    hookrun_layout_close (job->layout);
  g_clear_object (&job->layout);
  g_clear_object (&job->source);
  g_clear_pointer (&job->journaled_data, json_node_unref);
  g_clear_pointer (&job->data, hookrun_data_unref);
  g_free (job);
}

HookrunData *
hookrun_deploy_job_make_data (HookrunDeployment *self, HookrunModule *module)
{
  HookrunData *data = hookrun_data_new (self->schema);

  hookrun_data_slot_set_string (data, SLOT_PROJECT, hookrun_project_get_name (self->project));
  hookrun_data_slot_set_string (data, SLOT_MODULE, hookrun_module_get_name (module));
  hookrun_data_slot_set_string (data, SLOT_MODULEDIR, hookrun_module_get_folder (module));
  hookrun_data_slot_set_string (data, SLOT_HOST, self->host);
  hookrun_data_slot_set_string (data, SLOT_ADDRESS, self->spec);
  hookrun_data_slot_set_string (data, SLOT_RELEASE, self->release);
  hookrun_data_slot_set_string (data, SLOT_CONFIG, self->config);
  hookrun_data_slot_set_boolean (data, SLOT_FORCE, hookrun_deployment_is_forced (self, module));
  hookrun_data_slot_set_string (data, SLOT_DESTPATH,
                                hookrun_module_get_destination (module, self->host));
  hookrun_data_slot_set_strv (data, SLOT_EXCLUDES, standing_excludes);
  if (self->arguments != NULL)
    hookrun_data_slot_set_json (data, SLOT_ARGS, self->arguments);
  if (self->target != NULL)
    hookrun_data_slot_set_object (data, SLOT_TARGET, G_OBJECT (self->target));
  return data;
}

static void
on_step_changed (HookrunPipeline *pipeline, const char *step, HookrunStepState state,
                 DeployJob *job)
{
  static const char *const names[] = {
      [HOOKRUN_STEP_STATE_RUNNING] = "begin", [HOOKRUN_STEP_STATE_DONE] = "done",
      [HOOKRUN_STEP_STATE_FAILED] = "failed", [HOOKRUN_STEP_STATE_UNDOING] = "undo",
      [HOOKRUN_STEP_STATE_UNDONE] = "undone", [HOOKRUN_STEP_STATE_UNDO_FAILED] = "undo-failed",
  };

  if (state != HOOKRUN_STEP_STATE_PENDING)
    hookrun_deployment_progress (job->deployment, job, step, names[state], job->detail);
  g_clear_pointer (&job->detail, g_free);
}

/* A job for @module; @self->target must be there, connected or not. */
DeployJob *
hookrun_deploy_job_new (HookrunDeployment *self, HookrunModule *module, GError **error)
{
  g_autoptr (DeployJob) job = g_new0 (DeployJob, 1);
  HookrunLayoutKind kind =
      hookrun_module_get_layout (module, self->host) == HOOKRUN_MODULE_LAYOUT_IN_PLACE
          ? HOOKRUN_LAYOUT_IN_PLACE
          : HOOKRUN_LAYOUT_RELEASES;

  job->deployment = self;
  job->module = module;
  job->data = hookrun_deploy_job_make_data (self, module);
  job->source = hookrun_source_new (module, self->release, self->host);
  job->layout =
      hookrun_layout_new (self->target, hookrun_module_get_destination (module, self->host), kind);
  job->pipeline = hookrun_pipeline_new (self->registry, "deploy", self->schema);
  hookrun_pipeline_set_subject (job->pipeline, hookrun_module_get_name (module));
  g_signal_connect (job->pipeline, "step-changed", G_CALLBACK (on_step_changed), job);
  if (!hookrun_deploy_job_add_steps (job, error))
    return NULL;
  return g_steal_pointer (&job);
}

gboolean
hookrun_deploy_job_open_journal (DeployJob *job, HookrunJournalFlags flags, GError **error)
{
  HookrunDeployment *self = job->deployment;
  g_autofree char *file = g_path_get_basename (hookrun_project_get_path (self->project));
  g_autofree char *state =
      g_build_filename (hookrun_project_get_folder (self->project), ".hookrun", NULL);
  /* other project files of the folder may have a module and a host of the same name */
  g_autofree char *folder = g_str_equal (file, "project.ini")
                                ? g_build_filename (state, self->host, NULL)
                                : g_build_filename (state, file, self->host, NULL);

  job->journal = hookrun_journal_open (folder, hookrun_module_get_name (job->module), flags, error);
  return job->journal != NULL;
}

JsonObject *
hookrun_deploy_job_get_journaled_data (DeployJob *job)
{
  if (job->journaled_data == NULL)
    job->journaled_data = hookrun_journal_get_data (job->journal);
  if (job->journaled_data == NULL) {
    job->journaled_data = json_node_new (JSON_NODE_OBJECT);
    json_node_take_object (job->journaled_data, json_object_new ());
  }
  return json_node_get_object (job->journaled_data);
}

void
hookrun_deploy_job_tell_recovered (DeployJob *job)
{
  const char *note = hookrun_layout_get_recovered (job->layout);

  if (note != NULL)
    hookrun_deployment_log (job->deployment, hookrun_module_get_name (job->module),
                            HOOKRUN_LOG_WARNING, note);
}

gboolean
hookrun_deploy_job_open_layout (DeployJob *job, GCancellable *cancellable, GError **error)
{
  if (hookrun_layout_is_open (job->layout))
    return TRUE;
  if (!hookrun_target_connect (job->deployment->target, cancellable, error) ||
      !hookrun_layout_open (job->layout, cancellable, error))
    return FALSE;
  hookrun_deploy_job_tell_recovered (job);
  return TRUE;
}

HookrunSync *
hookrun_deploy_job_new_sync (DeployJob *job)
{
  HookrunSync *sync = hookrun_sync_new ();

  hookrun_sync_set_excludes (sync, hookrun_data_slot_get_strv (job->data, SLOT_EXCLUDES));
  /* A plain folder may hold what others put there, as it did with Porter. */
  hookrun_sync_set_delete (sync, hookrun_module_get_layout (job->module, job->deployment->host) !=
                                     HOOKRUN_MODULE_LAYOUT_IN_PLACE);
  if (!hookrun_module_get_use_rsync (job->module, job->deployment->host))
    hookrun_sync_set_engine (sync, HOOKRUN_SYNC_ENGINE_TAR);
  return sync;
}

/* ---- the record at the target ---- */

static const struct {
  const char *key;
  DeploySlot slot;
} record_fields[] = {
    {"module", SLOT_MODULE},   {"host", SLOT_HOST},       {"release", SLOT_RELEASE},
    {"config", SLOT_CONFIG},   {"version", SLOT_VERSION}, {"id", SLOT_RELEASE_ID},
    {"project", SLOT_PROJECT},
};

JsonNode *
hookrun_deploy_job_make_record (DeployJob *job)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format_iso8601 (now);
  const char *commit = hookrun_source_get_commit (job->source);

  for (gsize i = 0; i < G_N_ELEMENTS (record_fields); i++) {
    const char *text = hookrun_data_slot_get_string (job->data, record_fields[i].slot);

    json_object_set_string_member (object, record_fields[i].key, text != NULL ? text : "");
  }
  if (commit != NULL)
    json_object_set_string_member (object, "commit", commit);
  json_object_set_string_member (object, "time", time);
  json_node_take_object (node, object);
  return node;
}

/* The same module, release and configuration at the same version; the alias of the host may have
 * changed since. */
gboolean
hookrun_deploy_job_is_live (DeployJob *job, JsonNode *record)
{
  JsonObject *object;

  if (record == NULL || !JSON_NODE_HOLDS_OBJECT (record))
    return FALSE;
  object = json_node_get_object (record);
  for (gsize i = 0; i < G_N_ELEMENTS (record_fields); i++) {
    const char *live =
        json_object_get_string_member_with_default (object, record_fields[i].key, NULL);

    if (record_fields[i].slot == SLOT_HOST)
      continue;
    /* What the record names must be what is there: a link may have been taken away. */
    if (record_fields[i].slot == SLOT_RELEASE_ID) {
      if (g_strcmp0 (live, hookrun_data_slot_get_string (job->data, SLOT_PREVIOUS_ID)) != 0)
        return FALSE;
      continue;
    }
    if (g_strcmp0 (live, hookrun_data_slot_get_string (job->data, record_fields[i].slot)) != 0)
      return FALSE;
  }
  return TRUE;
}

gboolean
hookrun_deploy_job_check_owner (DeployJob *job, JsonObject *record, GError **error)
{
  const char *module = json_object_get_string_member_with_default (record, "module", "");
  const char *project = json_object_get_string_member_with_default (record, "project", "");
  const char *own_module = hookrun_module_get_name (job->module);
  const char *own_project = hookrun_project_get_name (job->deployment->project);

  if (hookrun_data_slot_get_boolean (job->data, SLOT_FORCE) ||
      ((*module == '\0' || g_str_equal (module, own_module)) &&
       (*project == '\0' || g_str_equal (project, own_project))))
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
               "\"%s\" on %s belongs to module \"%s\" of project \"%s\", and not to module \"%s\" "
               "of project \"%s\"; give the module another path, or take the folder over with "
               "--force %s",
               hookrun_module_get_destination (job->module, job->deployment->host),
               job->deployment->host, module, project, own_module, own_project, own_module);
  return FALSE;
}
