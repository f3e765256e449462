/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way forward: step after step, what is done left alone, what a crash cut off looked at first.
 */
#include "hookrun-job-private.h"

static gboolean
check_cancelled (HookrunJob *self, GError **error)
{
  if (!g_cancellable_is_cancelled (self->cancellable))
    return TRUE;
  g_set_error_literal (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED, "cancelled");
  return FALSE;
}

gboolean
hookrun_job_settle (HookrunJob *self, HookrunStep *step, GError **error)
{
  JsonObject *record;
  gboolean done;

  if (!step->entry->action_begun || step->entry->action_done)
    return TRUE;
  if (!hookrun_step_probe (step, &done, error)) {
    g_prefix_error (error, "cannot tell whether the action was done: ");
    return FALSE;
  }
  if (!done)
    return TRUE;
  record = hookrun_job_record ("acted", step->name);
  json_object_set_boolean_member (record, "probed", TRUE);
  return hookrun_job_write (self, record, error);
}

gboolean
hookrun_job_step (HookrunJob *self, HookrunStep *step, GError **error)
{
  if (!hookrun_job_settle (self, step, error))
    return FALSE;
  for (HookrunPhase phase = HOOKRUN_PHASE_BEFORE; phase <= HOOKRUN_PHASE_AFTER; phase++) {
    if (!check_cancelled (self, error))
      return FALSE;
    if (hookrun_job_emit_phase (self, step, phase, error) == HOOKRUN_FAILED)
      return FALSE;
  }
  g_ptr_array_add (self->completed, g_strdup (step->name));
  return TRUE;
}

static void
set_text (HookrunData *data, const char *name, const char *value)
{
  HookrunSchema *schema = hookrun_data_get_schema (data);
  int slot = schema == NULL ? -1 : hookrun_schema_find (schema, name);

  if (slot < 0)
    hookrun_data_set_string (data, name, value, NULL);
  else if (hookrun_schema_get_field (schema, (guint)slot)->type == HOOKRUN_FIELD_STRING)
    hookrun_data_slot_set_string (data, (guint)slot, value);
}

/* For the hooks of the failure, and of the rollback */
static void
set_failure_data (HookrunJob *self)
{
  GEnumClass *class = g_type_class_ref (HOOKRUN_TYPE_ERROR);
  const GEnumValue *row = g_enum_get_value (class, self->ledger->failed_code);

  set_text (self->data, "error", self->ledger->failed_message);
  set_text (self->data, "error_code", row == NULL ? "io" : row->value_nick);
  set_text (self->data, "failed_step", self->ledger->failed_step);
  g_type_class_unref (class);
}

static gboolean
put_back_or_stop (HookrunJob *self, GError **error)
{
  HookrunStep *commit = NULL;
  g_autoptr (GError) unknown = NULL;

  if (self->ledger->rolling_back)
    return hookrun_job_backward (self, FALSE, error);
  if (self->pipeline->on_failure == HOOKRUN_ON_FAILURE_STOP)
    return hookrun_job_stop (self, error);
  if (!hookrun_job_find_commit (self, &commit, &unknown)) {
    if (!self->journal_failed)
      hookrun_job_write_error (self, "problem", NULL, unknown, FALSE, NULL);
    return hookrun_job_stop (self, error);
  }
  return commit != NULL ? hookrun_job_stop (self, error)
                        : hookrun_job_backward (self, FALSE, error);
}

gboolean
hookrun_job_after_failure (HookrunJob *self, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autofree char *end = NULL;
  HookrunLedger *ledger = self->ledger;

  self->unwinding = TRUE;
  self->cancellable = NULL;
  set_failure_data (self);
  if (!ledger->rolling_back)
    hookrun_job_emit_turn (self, HOOKRUN_TURN_FAILED);
  if (!self->journal_failed)
    put_back_or_stop (self, &problem);
  end = hookrun_job_describe_end (self);
  g_set_error (error, HOOKRUN_ERROR, ledger->failed_code, "%s; %s%s%s", ledger->failed_message, end,
               problem == NULL ? "" : ": ", problem == NULL ? "" : problem->message);
  return FALSE;
}

static gboolean
fail_step (HookrunJob *self, HookrunStep *step, GError *cause, GError **error)
{
  g_autoptr (GError) owned = cause;
  g_autoptr (GError) problem = NULL;

  g_prefix_error (&owned, "step \"%s\": ", step->name);
  self->unwinding = TRUE;
  if (hookrun_job_write_error (self, "failed", step->name, owned, FALSE, &problem))
    return hookrun_job_after_failure (self, error);
  g_set_error (
      error, HOOKRUN_ERROR, owned->domain == HOOKRUN_ERROR ? owned->code : HOOKRUN_ERROR_HANDLER,
      "%s; that could not be recorded (%s), so nothing was put back: mend that, then resume "
      "or roll back",
      owned->message, problem->message);
  return FALSE;
}

static gboolean
finish (HookrunJob *self, GError **error)
{
  JsonObject *record = hookrun_job_record ("end", NULL);

  json_object_set_string_member (record, "state", hookrun_run_state_nick (HOOKRUN_RUN_DONE));
  return hookrun_job_write (self, record, error);
}

gboolean
hookrun_job_forward (HookrunJob *self, GError **error)
{
  for (guint i = 0; i < self->pipeline->steps->len; i++) {
    HookrunStep *step = g_ptr_array_index (self->pipeline->steps, i);
    GError *problem = NULL;

    if (step->entry->done)
      continue;
    if (!hookrun_job_step (self, step, &problem))
      return fail_step (self, step, problem, error);
  }
  return finish (self, error);
}
