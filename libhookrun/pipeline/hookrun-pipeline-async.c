/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running, resuming and rolling back in a thread of their own, so that the caller's main loop goes
 * on. */
#include "hookrun-pipeline.h"

typedef enum { JOB_RUN, JOB_RESUME, JOB_ROLLBACK } Kind;

typedef struct {
  Kind kind;
  char *title;
  HookrunData *data;
  HookrunJournal *journal;
} Job;

static void
job_free (gpointer pointer)
{
  Job *job = pointer;

  g_free (job->title);
  g_clear_pointer (&job->data, hookrun_data_unref);
  g_clear_object (&job->journal);
  g_free (job);
}

static void
work (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  HookrunPipeline *self = source;
  Job *job = task_data;
  g_autoptr (GError) error = NULL;
  gboolean ok = FALSE;

  switch (job->kind) {
  case JOB_RUN:
    ok = hookrun_pipeline_run (self, job->title, job->data, job->journal, cancellable, &error);
    break;
  case JOB_RESUME:
    ok = hookrun_pipeline_resume (self, job->data, job->journal, cancellable, &error);
    break;
  case JOB_ROLLBACK:
    ok = hookrun_pipeline_rollback (self, job->data, job->journal, &error);
    break;
  }
  if (ok)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

static void
start (HookrunPipeline *self, Kind kind, const char *title, HookrunData *data,
       HookrunJournal *journal, GCancellable *cancellable, GAsyncReadyCallback callback,
       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Job *job = g_new0 (Job, 1);

  job->kind = kind;
  job->title = g_strdup (title);
  job->data = data == NULL ? NULL : hookrun_data_ref (data);
  job->journal = journal == NULL ? NULL : g_object_ref (journal);
  g_task_set_source_tag (task, start);
  g_task_set_task_data (task, job, job_free);
  /* A cancelled run is over when everything is put back, and says so. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_run_in_thread (task, work);
}

static gboolean
finish (HookrunPipeline *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * hookrun_pipeline_run_async:
 * @self: a pipeline
 * @title: what the run is about, for people
 * @data: (nullable): the payload of all its signals
 * @journal: (nullable): where it is recorded
 * @cancellable: (nullable): cancelling is a failure of the step that is under way
 * @callback: (scope async): called in the caller's main context when the run is over
 * @user_data: for @callback
 *
 * Does what [method@Hookrun.Pipeline.run] does in a thread of its own. Hooks and step functions run
 * in that thread; @data and @journal belong to it until @callback.
 *
 * Since: 1.0
 */
void
hookrun_pipeline_run_async (HookrunPipeline *self, const char *title, HookrunData *data,
                            HookrunJournal *journal, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (HOOKRUN_IS_PIPELINE (self) && title != NULL);
  start (self, JOB_RUN, title, data, journal, cancellable, callback, user_data);
}

/**
 * hookrun_pipeline_run_finish:
 * @self: a pipeline
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the outcome of [method@Hookrun.Pipeline.run_async].
 *
 * Returns: as [method@Hookrun.Pipeline.run]
 *
 * Since: 1.0
 */
gboolean
hookrun_pipeline_run_finish (HookrunPipeline *self, GAsyncResult *result, GError **error)
{
  return finish (self, result, error);
}

/**
 * hookrun_pipeline_resume_async:
 * @self: a pipeline with the steps that the run began with
 * @data: (nullable): as in [method@Hookrun.Pipeline.resume]
 * @journal: the journal
 * @cancellable: (nullable): as in [method@Hookrun.Pipeline.run]
 * @callback: (scope async): called in the caller's main context when the run is over
 * @user_data: for @callback
 *
 * Does what [method@Hookrun.Pipeline.resume] does in a thread of its own.
 *
 * Since: 1.0
 */
void
hookrun_pipeline_resume_async (HookrunPipeline *self, HookrunData *data, HookrunJournal *journal,
                               GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_return_if_fail (HOOKRUN_IS_PIPELINE (self) && HOOKRUN_IS_JOURNAL (journal));
  start (self, JOB_RESUME, NULL, data, journal, cancellable, callback, user_data);
}

/**
 * hookrun_pipeline_resume_finish:
 * @self: a pipeline
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the outcome of [method@Hookrun.Pipeline.resume_async].
 *
 * Returns: as [method@Hookrun.Pipeline.resume]
 *
 * Since: 1.0
 */
gboolean
hookrun_pipeline_resume_finish (HookrunPipeline *self, GAsyncResult *result, GError **error)
{
  return finish (self, result, error);
}

/**
 * hookrun_pipeline_rollback_async:
 * @self: a pipeline with the steps that the run began with
 * @data: (nullable): as in [method@Hookrun.Pipeline.resume]
 * @journal: the journal
 * @callback: (scope async): called in the caller's main context when the rollback is over
 * @user_data: for @callback
 *
 * Does what [method@Hookrun.Pipeline.rollback] does in a thread of its own.
 *
 * Since: 1.0
 */
void
hookrun_pipeline_rollback_async (HookrunPipeline *self, HookrunData *data, HookrunJournal *journal,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (HOOKRUN_IS_PIPELINE (self) && HOOKRUN_IS_JOURNAL (journal));
  start (self, JOB_ROLLBACK, NULL, data, journal, NULL, callback, user_data);
}

/**
 * hookrun_pipeline_rollback_finish:
 * @self: a pipeline
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the outcome of [method@Hookrun.Pipeline.rollback_async].
 *
 * Returns: as [method@Hookrun.Pipeline.rollback]
 *
 * Since: 1.0
 */
gboolean
hookrun_pipeline_rollback_finish (HookrunPipeline *self, GAsyncResult *result, GError **error)
{
  return finish (self, result, error);
}
