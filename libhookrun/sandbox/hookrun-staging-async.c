/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The works of staging that wait for the disk, for another program or for `diff`, each in a thread
 * of its own, so that a main loop goes on. Cancelling is heeded until the first name beside a
 * target appears; from there on a commit is done faster than it is taken back.
 */
#include "hookrun-staging-private.h"

typedef struct {
  GPtrArray *changes;
  guint64 id;
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_clear_pointer (&job->changes, g_ptr_array_unref);
  g_free (job);
}

static void
start (gpointer object, gpointer tag, Job *job, GTaskThreadFunc work, GCancellable *cancellable,
       GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (object, cancellable, callback, user_data);

  g_task_set_source_tag (task, tag);
  g_task_set_task_data (task, job, job_free);
  /* What was done before the cancelling came is told as done. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_run_in_thread (task, work);
}

static gboolean
is_ours (gpointer object, GAsyncResult *result, gpointer tag)
{
  return g_task_is_valid (result, object) && g_task_get_source_tag (G_TASK (result)) == tag;
}

/* A result that may be NULL without an error, too. */
static void
answer (GTask *task, gpointer value, GDestroyNotify destroy, GError *error)
{
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, value, destroy);
}

/* ---- recover ---- */

static void
recover_in_thread (GTask *task, gpointer object, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;

  if (hookrun_staging_run_recover (object, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * hookrun_staging_recover_async:
 * @self: a staging
 * @cancellable: (nullable): heeded while another program is waited for
 * @callback: (scope async): called in the caller's main context when it is over
 * @user_data: for @callback
 *
 * Does what [method@Hookrun.Staging.recover] does in a thread of its own.
 *
 * Since: 1.0
 */
void
hookrun_staging_recover_async (HookrunStaging *self, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (HOOKRUN_IS_STAGING (self));
  start (self, hookrun_staging_recover_async, g_new0 (Job, 1), recover_in_thread, cancellable,
         callback, user_data);
}

/**
 * hookrun_staging_recover_finish:
 * @self: a staging
 * @result: what the callback got
 * @error: return location; as [method@Hookrun.Staging.recover], and %HOOKRUN_ERROR_CANCELLED
 *
 * Gets the outcome of [method@Hookrun.Staging.recover_async].
 *
 * Returns: whether the state is whole
 *
 * Since: 1.0
 */
gboolean
hookrun_staging_recover_finish (HookrunStaging *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (is_ours (self, result, hookrun_staging_recover_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- settle ---- */

static void
settle_in_thread (GTask *task, gpointer object, gpointer data, GCancellable *cancellable)
{
  const Job *job = data;
  HookrunStagingCommit *commit = NULL;
  GError *error = NULL;

  hookrun_staging_run_settle (object, job->changes, cancellable, &commit, &error);
  /* Applied, but not all the rest was done: the error tells. */
  if (error != NULL)
    g_clear_pointer (&commit, hookrun_staging_commit_unref);
  answer (task, commit, (GDestroyNotify)(gpointer)hookrun_staging_commit_unref, error);
}

/**
 * hookrun_staging_settle_async:
 * @self: a staging
 * @changes: (element-type HookrunStagedChange): changes of one module with their answers; leave
 * them alone until @callback
 * @cancellable: (nullable): heeded before the first file is changed; then nothing is applied
 * @callback: (scope async): called in the caller's main context when it is over
 * @user_data: for @callback
 *
 * Does what [method@Hookrun.Staging.settle] does in a thread of its own.
 *
 * Since: 1.0
 */
void
hookrun_staging_settle_async (HookrunStaging *self, GPtrArray *changes, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  Job *job;

  g_return_if_fail (HOOKRUN_IS_STAGING (self) && changes != NULL);
  job = g_new0 (Job, 1);
  job->changes = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < changes->len; i++)
    g_ptr_array_add (job->changes, g_object_ref (changes->pdata[i]));
  start (self, hookrun_staging_settle_async, job, settle_in_thread, cancellable, callback,
         user_data);
}

/**
 * hookrun_staging_settle_finish:
 * @self: a staging
 * @result: what the callback got
 * @commit: (out) (transfer full) (nullable) (optional): what was applied; %NULL when nothing was
 * @error: return location; as [method@Hookrun.Staging.settle], and %HOOKRUN_ERROR_CANCELLED: no
 * file was changed, and the changes are kept pending unless another program was still waited for
 *
 * Gets the outcome of [method@Hookrun.Staging.settle_async].
 *
 * Returns: whether all was done as answered
 *
 * Since: 1.0
 */
gboolean
hookrun_staging_settle_finish (HookrunStaging *self, GAsyncResult *result,
                               HookrunStagingCommit **commit, GError **error)
{
  g_autoptr (HookrunStagingCommit) found = NULL;
  GError *problem = NULL;

  if (commit != NULL)
    *commit = NULL;
  g_return_val_if_fail (is_ours (self, result, hookrun_staging_settle_async), FALSE);
  found = g_task_propagate_pointer (G_TASK (result), &problem);
  if (problem != NULL) {
    g_propagate_error (error, problem);
    return FALSE;
  }
  if (commit != NULL)
    *commit = g_steal_pointer (&found);
  return TRUE;
}

/* ---- undo ---- */

static void
undo_in_thread (GTask *task, gpointer object, gpointer data, GCancellable *cancellable)
{
  const Job *job = data;
  GError *error = NULL;
  HookrunStagingCommit *undo = hookrun_staging_run_undo (object, job->id, cancellable, &error);

  answer (task, undo, (GDestroyNotify)(gpointer)hookrun_staging_commit_unref, error);
}

/**
 * hookrun_staging_undo_async:
 * @self: a staging
 * @id: number of an applied commit
 * @cancellable: (nullable): heeded before the first file is changed; then nothing is
 * @callback: (scope async): called in the caller's main context when it is over
 * @user_data: for @callback
 *
 * Does what [method@Hookrun.Staging.undo] does in a thread of its own.
 *
 * Since: 1.0
 */
void
hookrun_staging_undo_async (HookrunStaging *self, guint64 id, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  Job *job;

  g_return_if_fail (HOOKRUN_IS_STAGING (self));
  job = g_new0 (Job, 1);
  job->id = id;
  start (self, hookrun_staging_undo_async, job, undo_in_thread, cancellable, callback, user_data);
}

/**
 * hookrun_staging_undo_finish:
 * @self: a staging
 * @result: what the callback got
 * @error: return location; as [method@Hookrun.Staging.undo], and %HOOKRUN_ERROR_CANCELLED: no file
 *   was changed
 *
 * Gets the outcome of [method@Hookrun.Staging.undo_async].
 *
 * Returns: (transfer full): the commit that undid it, or %NULL with @error set
 *
 * Since: 1.0
 */
HookrunStagingCommit *
hookrun_staging_undo_finish (HookrunStaging *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (is_ours (self, result, hookrun_staging_undo_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- show ---- */

static void
show_in_thread (GTask *task, gpointer object, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  char *text = hookrun_staged_change_run_show (object, cancellable, &error);

  answer (task, text, g_free, error);
}

/**
 * hookrun_staged_change_show_async:
 * @self: a change; leave it alone until @callback
 * @cancellable: (nullable): ends `diff`
 * @callback: (scope async): called in the caller's main context when the text is there
 * @user_data: for @callback
 *
 * Does what [method@Hookrun.StagedChange.show] does in a thread of its own.
 *
 * Since: 1.0
 */
void
hookrun_staged_change_show_async (HookrunStagedChange *self, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (HOOKRUN_IS_STAGED_CHANGE (self));
  start (self, hookrun_staged_change_show_async, g_new0 (Job, 1), show_in_thread, cancellable,
         callback, user_data);
}

/**
 * hookrun_staged_change_show_finish:
 * @self: a change
 * @result: what the callback got
 * @error: return location; as [method@Hookrun.StagedChange.show], and %HOOKRUN_ERROR_CANCELLED
 *
 * Gets the outcome of [method@Hookrun.StagedChange.show_async].
 *
 * Returns: (transfer full): the text, UTF-8, or %NULL with @error set
 *
 * Since: 1.0
 */
char *
hookrun_staged_change_show_finish (HookrunStagedChange *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (is_ours (self, result, hookrun_staged_change_show_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
