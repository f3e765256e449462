/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way back: steps undone in reverse, then what always runs, then an end that says what is so.
 */
#include "hookrun-job-private.h"

/* A commit step whose action was replaced is passed when its middle was. */
static gboolean
is_passed (HookrunStep *step)
{
  return step->entry->action_done || step->entry->done;
}

gboolean
hookrun_job_find_commit (HookrunJob *self, HookrunStep **passed, GError **error)
{
  *passed = NULL;
  for (guint i = 0; i < self->pipeline->steps->len; i++) {
    HookrunStep *step = g_ptr_array_index (self->pipeline->steps, i);

    if ((step->flags & HOOKRUN_STEP_COMMIT) == 0)
      continue;
    if (!is_passed (step) && !hookrun_job_settle (self, step, error)) {
      g_prefix_error (error, "commit point \"%s\": ", step->name);
      return FALSE;
    }
    if (is_passed (step))
      *passed = step;
  }
  return TRUE;
}

static gboolean
needs_undo (HookrunStep *step)
{
  HookrunLedgerStep *entry = step->entry;

  if (!entry->begun && !entry->done && !entry->undo_begun)
    return FALSE;
  /* What always runs and has no way back has had its turn. */
  return !((step->flags & HOOKRUN_STEP_ALWAYS) != 0 && entry->done &&
           !hookrun_step_has_func (step, HOOKRUN_STEP_UNDO));
}

static gboolean
undo_step (HookrunJob *self, HookrunStep *step, GError **error)
{
  HookrunVerdict verdict = hookrun_job_emit_phase (self, step, HOOKRUN_PHASE_UNDO, error);

  if (verdict == HOOKRUN_FAILED)
    return FALSE;
  if ((step->flags & HOOKRUN_STEP_IRREVERSIBLE) == 0 || verdict == HOOKRUN_HANDLED ||
      !(step->entry->action_begun || step->entry->done))
    return TRUE;
  g_set_error_literal (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED, "it cannot be undone");
  return FALSE;
}

/* FALSE when the journal failed. A step that cannot be undone does not keep the others. */
static gboolean
take_step_back (HookrunJob *self, HookrunStep *step, GError **error)
{
  g_autoptr (GError) problem = NULL;

  step->undo_recorded = FALSE;
  if (undo_step (self, step, &problem)) {
    step->begin_recorded = FALSE;
    return hookrun_job_write (self, hookrun_job_record ("undone", step->name), error);
  }
  if (!self->journal_failed)
    return hookrun_job_write_error (self, "kept", step->name, problem, FALSE, error);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

static gboolean
run_finals (HookrunJob *self, GError **error)
{
  for (guint i = 0; i < self->pipeline->steps->len; i++) {
    HookrunStep *step = g_ptr_array_index (self->pipeline->steps, i);
    g_autoptr (GError) problem = NULL;

    if ((step->flags & HOOKRUN_STEP_ALWAYS) == 0 || step->entry->done)
      continue;
    if (hookrun_job_step (self, step, &problem))
      continue;
    if (self->journal_failed) {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
    if (!hookrun_job_write_error (self, "failed", step->name, problem, TRUE, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
is_failed_final (HookrunStep *step)
{
  return (step->flags & HOOKRUN_STEP_ALWAYS) != 0 && step->entry->failed;
}

static HookrunRunState
judge (HookrunJob *self)
{
  for (guint i = 0; i < self->pipeline->steps->len; i++) {
    HookrunStep *step = g_ptr_array_index (self->pipeline->steps, i);

    if (step->entry->kept || is_failed_final (step))
      return HOOKRUN_RUN_ROLLBACK_INCOMPLETE;
  }
  return HOOKRUN_RUN_ROLLED_BACK;
}

static gboolean
write_end (HookrunJob *self, HookrunRunState state, GError **error)
{
  JsonObject *record = hookrun_job_record ("end", NULL);

  json_object_set_string_member (record, "state", hookrun_run_state_nick (state));
  return hookrun_job_write (self, record, error);
}

static void
list_kept (HookrunJob *self)
{
  GStrvBuilder *builder = g_strv_builder_new ();
  g_auto (GStrv) names = NULL;

  for (guint i = 0; i < self->pipeline->steps->len; i++) {
    HookrunStep *step = g_ptr_array_index (self->pipeline->steps, i);

    if (step->entry->kept)
      g_strv_builder_add (builder, step->name);
  }
  names = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);
  hookrun_data_set_strv (self->data, "not_undone", (const char *const *)names, NULL);
}

static gboolean
undo_all (HookrunJob *self, GError **error)
{
  for (guint i = self->pipeline->steps->len; i > 0; i--) {
    HookrunStep *step = g_ptr_array_index (self->pipeline->steps, i - 1);

    if (needs_undo (step) && !take_step_back (self, step, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
hookrun_job_backward (HookrunJob *self, gboolean asked, GError **error)
{
  HookrunLedger *ledger = self->ledger;
  JsonObject *record;

  self->unwinding = TRUE;
  self->cancellable = NULL;
  if (!ledger->rolling_back) {
    record = hookrun_job_record ("rollback", NULL);
    json_object_set_boolean_member (record, "asked", asked);
    if (!hookrun_job_write (self, record, error))
      return FALSE;
  }
  if (!ledger->finals) {
    hookrun_job_emit_turn (self, HOOKRUN_TURN_ROLLBACK_START);
    if (!undo_all (self, error))
      return FALSE;
    list_kept (self);
    hookrun_job_emit_turn (self, HOOKRUN_TURN_ROLLBACK_FINISH);
    if (!hookrun_job_write (self, hookrun_job_record ("finals", NULL), error))
      return FALSE;
  }
  return run_finals (self, error) && write_end (self, judge (self), error);
}

gboolean
hookrun_job_stop (HookrunJob *self, GError **error)
{
  if (!self->ledger->finals &&
      !hookrun_job_write (self, hookrun_job_record ("finals", NULL), error))
    return FALSE;
  return run_finals (self, error) && write_end (self, HOOKRUN_RUN_STOPPED, error);
}

static char *
describe_incomplete (HookrunJob *self)
{
  GString *text = g_string_new ("rolled back, but not all of it:");

  for (guint i = 0; i < self->pipeline->steps->len; i++) {
    HookrunStep *step = g_ptr_array_index (self->pipeline->steps, i);

    if (step->entry->kept || is_failed_final (step))
      g_string_append_printf (text, " step \"%s\" %s (%s);", step->name,
                              step->entry->kept ? "is not undone" : "failed", step->entry->message);
  }
  g_string_append (text, " put that right and roll back again");
  return g_string_free (text, FALSE);
}

static char *
describe_stop (HookrunJob *self)
{
  for (guint i = 0; i < self->pipeline->steps->len; i++) {
    HookrunStep *step = g_ptr_array_index (self->pipeline->steps, i);

    if ((step->flags & HOOKRUN_STEP_COMMIT) != 0 && is_passed (step))
      return g_strdup_printf ("the commit point \"%s\" is passed, so nothing was undone: resume",
                              step->name);
  }
  return g_strdup ("what was done is left as it is: resume or roll back");
}

char *
hookrun_job_describe_end (HookrunJob *self)
{
  switch (self->ledger->state) {
  case HOOKRUN_RUN_ROLLED_BACK:
    return g_strdup ("everything was rolled back");
  case HOOKRUN_RUN_ROLLBACK_INCOMPLETE:
    return describe_incomplete (self);
  case HOOKRUN_RUN_STOPPED:
    return describe_stop (self);
  case HOOKRUN_RUN_NONE:
  case HOOKRUN_RUN_UNFINISHED:
  case HOOKRUN_RUN_DONE:
  case HOOKRUN_RUN_ABANDONED:
    break;
  }
  return g_strdup ("putting it back broke off; mend the cause, then roll back");
}
