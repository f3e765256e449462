/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running, resuming and rolling back a pipeline: what is the same for all three, and each as a call
 * that blocks. */
#include "hookrun-job-private.h"
#include "hookrun-patch-private.h"

#include <unistd.h>

static gboolean
claim (HookrunPipeline *self, GError **error)
{
  gboolean busy;

  g_mutex_lock (&self->lock);
  busy = self->running;
  self->running = TRUE;
  g_mutex_unlock (&self->lock);
  if (!busy)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_BUSY,
               "pipeline \"%s\" runs already; make another one, or wait", self->name);
  return FALSE;
}

static void
release (HookrunPipeline *self, HookrunLedger *ledger)
{
  JsonObject *status = ledger == NULL ? NULL : hookrun_ledger_status (ledger);

  g_mutex_lock (&self->lock);
  self->running = FALSE;
  g_clear_pointer (&self->status, json_node_unref);
  self->state = ledger == NULL ? HOOKRUN_RUN_NONE : ledger->state;
  if (status != NULL)
    self->status = json_node_init_object (json_node_alloc (), status);
  g_mutex_unlock (&self->lock);
  g_clear_pointer (&status, json_object_unref);
}

static void
job_init (HookrunJob *job, HookrunPipeline *pipeline, HookrunData *data, HookrunJournal *journal,
          GCancellable *cancellable)
{
  *job = (HookrunJob){.pipeline = pipeline, .journal = journal, .cancellable = cancellable};
  job->data = data == NULL ? hookrun_data_new (pipeline->schema) : hookrun_data_ref (data);
  job->secrets = hookrun_patch_secrets (job->data);
  job->completed = g_ptr_array_new_with_free_func (g_free);
}

static void
job_clear (HookrunJob *job)
{
  hookrun_job_detach (job);
  g_ptr_array_unref (job->completed);
  g_hash_table_unref (job->secrets);
  hookrun_data_unref (job->data);
  if (job->owns_ledger)
    hookrun_ledger_free (job->ledger);
}

/* ---- run ---- */

static gboolean
begin (HookrunJob *job, const char *title, GError **error)
{
  g_autoptr (JsonObject) header = hookrun_job_record ("run", NULL);

  json_object_set_string_member (header, "pipeline", job->pipeline->name);
  json_object_set_string_member (header, "title", title);
  json_object_set_object_member (header, "plan", hookrun_plan_new (job->pipeline));
  json_object_set_object_member (header, "data", hookrun_patch_snapshot (job->data));
  if (job->journal != NULL) {
    if (!hookrun_journal_begin (job->journal, header, error))
      return FALSE;
    job->ledger = hookrun_journal_get_ledger (job->journal);
    return TRUE;
  }
  job->owns_ledger = TRUE;
  job->ledger = hookrun_ledger_new ();
  json_object_set_string_member (header, "id", "");
  return hookrun_ledger_apply (job->ledger, header, error);
}

/**
 * hookrun_pipeline_run:
 * @self: a pipeline
 * @title: what the run is about, for people: "shop → web1"
 * @data: (nullable): the payload of all its signals; %NULL for an empty one
 * @journal: (nullable): where it is recorded; %NULL for a run that a crash leaves unfinished
 * @cancellable: (nullable): cancelling is a failure of the step that is under way
 * @error: return location for an error
 *
 * Runs all steps. When one fails, what was done is undone in reverse order (or left, as the policy
 * wants, or when the commit point is passed), and @error says what failed and what became of the
 * rest; [method@Hookrun.Pipeline.get_state] gives it as a value.
 *
 * This blocks: call it in the main thread of a program that does nothing else, or in a thread of
 * its own; [method@Hookrun.Pipeline.run_async] does the latter. Hooks and step functions run in the
 * calling thread. @data and @journal belong to the run until it returns.
 *
 * Returns: %TRUE when every step is done; %FALSE with the code of what failed: that of the step or
 *   hook, %HOOKRUN_ERROR_CANCELLED, %HOOKRUN_ERROR_CONFLICT when the journal has an unfinished run,
 *   %HOOKRUN_ERROR_NO_SPACE when it has no room, %HOOKRUN_ERROR_BUSY when @self runs already
 *
 * Since: 1.0
 */
gboolean
hookrun_pipeline_run (HookrunPipeline *self, const char *title, HookrunData *data,
                      HookrunJournal *journal, GCancellable *cancellable, GError **error)
{
  HookrunJob job;
  gboolean ok;

  g_return_val_if_fail (HOOKRUN_IS_PIPELINE (self) && title != NULL, FALSE);
  if (!claim (self, error))
    return FALSE;
  job_init (&job, self, data, journal, cancellable);
  ok = begin (&job, title, error) && hookrun_job_attach (&job, error) &&
       hookrun_job_forward (&job, error);
  release (self, job.ledger);
  job_clear (&job);
  return ok;
}

/* ---- another process's run ---- */

static gboolean
check_secrets (HookrunJob *job, GError **error)
{
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, job->ledger->secrets);
  while (g_hash_table_iter_next (&iter, &name, NULL)) {
    if (hookrun_data_has (job->data, name))
      continue;
    g_set_error (
        error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
        "a finished hook had set the secret \"%s\", which the journal does not keep; set it "
        "in the data before going on",
        (const char *)name);
    return FALSE;
  }
  return TRUE;
}

/* What died with the process: made anew, without hooks, where the run counts on it. Going forward,
 * that is also what others may have taken back. */
static gboolean
redo_lost (HookrunJob *job, HookrunStepFlags kinds, GError **error)
{
  for (guint i = 0; i < job->pipeline->steps->len; i++) {
    HookrunStep *step = g_ptr_array_index (job->pipeline->steps, i);
    gboolean there = FALSE;

    if ((step->flags & kinds) == 0 || !step->entry->action_done)
      continue;
    if (hookrun_step_probe (step, &there, error) &&
        (there || hookrun_step_call (step, HOOKRUN_STEP_EXECUTE, error)))
      continue;
    g_prefix_error (error, "step \"%s\", which has to be done again in each process: ", step->name);
    return FALSE;
  }
  return TRUE;
}

static gboolean
write_resumed (HookrunJob *job, const char *goal, GError **error)
{
  JsonObject *record = hookrun_job_record ("resumed", NULL);

  json_object_set_string_member (record, "goal", goal);
  json_object_set_int_member (record, "pid", (gint64)getpid ());
  return hookrun_job_write (job, record, error);
}

static gboolean
write_stopped (HookrunJob *job, GError **error)
{
  JsonObject *record = hookrun_job_record ("end", NULL);

  json_object_set_string_member (record, "state", hookrun_run_state_nick (HOOKRUN_RUN_STOPPED));
  return hookrun_job_write (job, record, error);
}

/* The run as it was: the same plan, its data, its steps. */
static gboolean
take_up (HookrunJob *job, const char *goal, GError **error)
{
  HookrunLedger *ledger = hookrun_journal_get_ledger (job->journal);

  job->ledger = ledger;
  if (!hookrun_plan_check (job->pipeline, hookrun_record_get_object (ledger->header, "plan"),
                           error) ||
      !check_secrets (job, error) || !hookrun_patch_restore (job->data, ledger->data, error) ||
      !hookrun_job_attach (job, error))
    return FALSE;
  g_hash_table_unref (job->secrets);
  job->secrets = hookrun_patch_secrets (job->data);
  return goal == NULL || write_resumed (job, goal, error);
}

static gboolean
refuse (HookrunJournal *journal, const char *what, GError **error)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
               "journal \"%s\" has no run to %s (%s)", hookrun_journal_get_path (journal), what,
               hookrun_run_state_nick (hookrun_journal_get_state (journal)));
  return FALSE;
}

/* After a failure the old process was about to put everything back, or to stop. The first is taken
 * to its end; the second is over with this resume. */
static gboolean
goes_back (HookrunJob *job, GError **error)
{
  HookrunStep *commit = NULL;

  if (job->ledger->rolling_back)
    return TRUE;
  if (job->ledger->failed_step == NULL || job->pipeline->on_failure == HOOKRUN_ON_FAILURE_STOP)
    return FALSE;
  return hookrun_job_find_commit (job, &commit, error) && commit == NULL;
}

static gboolean
finish_rollback (HookrunJob *job, GError **error)
{
  g_autofree char *end = NULL;

  if (job->ledger->failed_step != NULL)
    return hookrun_job_after_failure (job, error);
  if (!hookrun_job_backward (job, TRUE, error))
    return FALSE;
  end = hookrun_job_describe_end (job);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
               "the rollback that was asked for is over: %s", end);
  return FALSE;
}

static gboolean
resume (HookrunJob *job, GError **error)
{
  g_autoptr (GError) problem = NULL;
  gboolean back;

  if (!take_up (job, "resume", error))
    return FALSE;
  back = goes_back (job, &problem);
  if (problem != NULL) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  if (!back && job->ledger->failed_step != NULL &&
      (!write_stopped (job, error) || !write_resumed (job, "resume", error)))
    return FALSE;
  if (!redo_lost (job,
                  back ? HOOKRUN_STEP_TRANSIENT : HOOKRUN_STEP_TRANSIENT | HOOKRUN_STEP_RECHECK,
                  error))
    return FALSE;
  return back ? finish_rollback (job, error) : hookrun_job_forward (job, error);
}

/**
 * hookrun_pipeline_resume:
 * @self: a pipeline with the steps that the run began with
 * @data: (nullable): a payload as for a new run; it gets the values that the run had when it was
 * cut off. Objects and secrets, which no journal keeps, must be set in it
 * @journal: the journal
 * @cancellable: (nullable): as in [method@Hookrun.Pipeline.run]
 * @error: return location for an error
 *
 * Goes on with a run whose process died, or that stopped. Steps and hooks that finished do not run
 * again. An action that had begun is asked for with its probe, and executed again when it is not
 * done. A rollback that was under way is taken to its end.
 *
 * Blocks as [method@Hookrun.Pipeline.run] does.
 *
 * Returns: %TRUE when every step is done; %FALSE as for a new run, when it was rolled back instead,
 *   with %HOOKRUN_ERROR_NOT_FOUND when there is nothing to resume and %HOOKRUN_ERROR_CONFLICT when
 *   the steps are not those of the journal
 *
 * Since: 1.0
 */
gboolean
hookrun_pipeline_resume (HookrunPipeline *self, HookrunData *data, HookrunJournal *journal,
                         GCancellable *cancellable, GError **error)
{
  HookrunLedger *ledger;
  HookrunJob job;
  gboolean ok;

  g_return_val_if_fail (HOOKRUN_IS_PIPELINE (self) && HOOKRUN_IS_JOURNAL (journal), FALSE);
  ledger = hookrun_journal_get_ledger (journal);
  if (ledger == NULL || !hookrun_ledger_is_open (ledger))
    return refuse (journal, "resume", error);
  if (!claim (self, error))
    return FALSE;
  job_init (&job, self, data, journal, cancellable);
  ok = resume (&job, error);
  release (self, ledger);
  job_clear (&job);
  return ok;
}

static gboolean
can_roll_back (HookrunLedger *ledger)
{
  return ledger != NULL && (hookrun_ledger_is_open (ledger) || ledger->state == HOOKRUN_RUN_DONE ||
                            ledger->state == HOOKRUN_RUN_ROLLBACK_INCOMPLETE);
}

static gboolean
roll_back (HookrunJob *job, GError **error)
{
  HookrunStep *commit = NULL;
  g_autofree char *end = NULL;

  if (!take_up (job, NULL, error) || !hookrun_job_find_commit (job, &commit, error))
    return FALSE;
  if (commit != NULL) {
    g_set_error (
        error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
        "the run is past its commit point \"%s\": what it did stands and cannot be rolled back; "
        "resume it, which only ends it, and go back by a run of the earlier version",
        commit->name);
    return FALSE;
  }
  job->unwinding = TRUE;
  if (!write_resumed (job, "rollback", error) || !redo_lost (job, HOOKRUN_STEP_TRANSIENT, error) ||
      !hookrun_job_backward (job, TRUE, error))
    return FALSE;
  if (job->ledger->state == HOOKRUN_RUN_ROLLED_BACK)
    return TRUE;
  end = hookrun_job_describe_end (job);
  g_set_error_literal (error, HOOKRUN_ERROR, HOOKRUN_ERROR_HANDLER, end);
  return FALSE;
}

/**
 * hookrun_pipeline_rollback:
 * @self: a pipeline with the steps that the run began with
 * @data: (nullable): as in [method@Hookrun.Pipeline.resume]
 * @journal: the journal
 * @error: return location for an error
 *
 * Undoes a run that is unfinished, stopped, done, or whose rollback was incomplete: in reverse
 * order what is done, and what was begun. It cannot be cancelled; after a crash, call it again.
 *
 * Blocks as [method@Hookrun.Pipeline.run] does.
 *
 * Returns: %TRUE when everything is undone; %FALSE with %HOOKRUN_ERROR_NOT_FOUND when there is no
 *   run to undo, %HOOKRUN_ERROR_CONFLICT past its commit point or with other steps,
 *   %HOOKRUN_ERROR_HANDLER when some steps could not be undone (the message names them and why),
 *   and the journal's errors
 *
 * Since: 1.0
 */
gboolean
hookrun_pipeline_rollback (HookrunPipeline *self, HookrunData *data, HookrunJournal *journal,
                           GError **error)
{
  HookrunLedger *ledger;
  HookrunJob job;
  gboolean ok;

  g_return_val_if_fail (HOOKRUN_IS_PIPELINE (self) && HOOKRUN_IS_JOURNAL (journal), FALSE);
  ledger = hookrun_journal_get_ledger (journal);
  if (!can_roll_back (ledger))
    return refuse (journal, "roll back", error);
  if (!claim (self, error))
    return FALSE;
  job_init (&job, self, data, journal, NULL);
  ok = roll_back (&job, error);
  release (self, ledger);
  job_clear (&job);
  return ok;
}
