/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A run under way: what it writes, and its emissions, watched handler by handler so that a finished
 * one never runs again.
 */
#include "hookrun-job-private.h"
#include "hookrun-action-private.h"
#include "hookrun-observer-private.h"
#include "hookrun-patch-private.h"

/* One emission */
typedef struct {
  HookrunJob *job;
  HookrunStep *step; /* NULL: of the run itself */
  HookrunLedgerStep *entry;
  const char *phase;
  char *default_id;   /* (nullable) */
  GError *own_error;  /* what the action said */
  GHashTable *starts; /* place of a running handler → the data as it was when it began */
} Watch;

JsonObject *
hookrun_job_record (const char *type, const char *step)
{
  JsonObject *record = json_object_new ();

  json_object_set_string_member (record, "type", type);
  if (step != NULL)
    json_object_set_string_member (record, "step", step);
  return record;
}

static void
add_changed_secrets (HookrunJob *self, GHashTable *now, JsonObject *record)
{
  JsonArray *names = json_array_new ();
  GHashTableIter iter;
  gpointer name;
  gpointer digest;

  g_hash_table_iter_init (&iter, now);
  while (g_hash_table_iter_next (&iter, &name, &digest))
    if (g_strcmp0 (g_hash_table_lookup (self->secrets, name), digest) != 0)
      json_array_add_string_element (names, name);
  if (json_array_get_length (names) > 0)
    json_object_set_array_member (record, "secrets", names);
  else
    json_array_unref (names);
}

static void
add_completed (HookrunJob *self, JsonObject *record)
{
  JsonArray *names;

  if (self->completed->len == 0)
    return;
  names = json_array_new ();
  for (guint i = 0; i < self->completed->len; i++)
    json_array_add_string_element (names, g_ptr_array_index (self->completed, i));
  json_object_set_array_member (record, "done", names);
}

static void
announce (HookrunJob *self, const char *step)
{
  HookrunLedgerStep *entry = hookrun_ledger_find (self->ledger, step);
  HookrunStepState state;

  if (entry == NULL || entry == self->ledger->whole)
    return;
  state = hookrun_ledger_step_state (entry);
  if (state == entry->announced)
    return;
  entry->announced = state;
  hookrun_pipeline_announce (self->pipeline, entry->name, state);
}

gboolean
hookrun_job_write_plain (HookrunJob *self, JsonObject *record, GError **error)
{
  g_autoptr (JsonObject) owned = record;
  gboolean ok;

  add_completed (self, record);
  if (self->journal != NULL)
    ok = hookrun_journal_append (self->journal, record, self->unwinding, error);
  else
    ok = hookrun_ledger_apply (self->ledger, record, error);
  if (!ok) {
    self->journal_failed = self->unwinding;
    return FALSE;
  }
  for (guint i = 0; i < self->completed->len; i++)
    announce (self, g_ptr_array_index (self->completed, i));
  g_ptr_array_set_size (self->completed, 0);
  announce (self, hookrun_record_get_string (record, "step"));
  return TRUE;
}

/* A record of what changed since @base. */
static gboolean
write_change (HookrunJob *self, JsonObject *record, JsonObject *base, GError **error)
{
  g_autoptr (JsonObject) now = hookrun_patch_snapshot (self->data);
  g_autoptr (GHashTable) secrets = hookrun_patch_secrets (self->data);

  hookrun_patch_diff (base, now, record);
  add_changed_secrets (self, secrets, record);
  if (!hookrun_job_write_plain (self, record, error))
    return FALSE;
  g_hash_table_unref (self->secrets);
  self->secrets = g_steal_pointer (&secrets);
  return TRUE;
}

gboolean
hookrun_job_write (HookrunJob *self, JsonObject *record, GError **error)
{
  return write_change (self, record, self->ledger->data, error);
}

gboolean
hookrun_job_write_error (HookrunJob *self, const char *type, const char *step, const GError *why,
                         gboolean aside, GError **error)
{
  JsonObject *record = hookrun_job_record (type, step);

  json_object_set_int_member (record, "code",
                              why->domain == HOOKRUN_ERROR ? why->code : HOOKRUN_ERROR_HANDLER);
  json_object_set_string_member (record, "message", why->message);
  if (aside)
    json_object_set_boolean_member (record, "aside", TRUE);
  return hookrun_job_write (self, record, error);
}

/* ---- the default handlers ---- */

/* The journal's intent, in one record where nothing ran before the action. */
static gboolean
write_intent (Watch *watch, GError **error)
{
  HookrunStep *step = watch->step;
  JsonObject *record = hookrun_job_record (step->begin_recorded ? "action" : "begin", step->name);

  if (!step->begin_recorded)
    json_object_set_boolean_member (record, "action", TRUE);
  if (!hookrun_job_write_plain (watch->job, record, error))
    return FALSE;
  step->begin_recorded = TRUE;
  return TRUE;
}

/* Whoever passes a commit point and loses the answer asks whether it was passed. */
static gboolean
act_and_ask (HookrunStep *step, GError **error)
{
  g_autoptr (GError) problem = NULL;
  gboolean done = FALSE;

  if (hookrun_step_call (step, HOOKRUN_STEP_EXECUTE, &problem))
    return TRUE;
  if ((step->flags & HOOKRUN_STEP_COMMIT) != 0 && hookrun_step_probe (step, &done, NULL) && done)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

static HookrunVerdict
run_action (HookrunEvent *event, gpointer user_data)
{
  Watch *watch = user_data;
  g_autoptr (GError) problem = NULL;

  if (write_intent (watch, &problem) && act_and_ask (watch->step, &problem))
    return HOOKRUN_HANDLED;
  g_clear_error (&watch->own_error);
  watch->own_error = g_error_copy (problem);
  return hookrun_event_take_error (event, g_steal_pointer (&problem));
}

static HookrunVerdict
run_undo (HookrunEvent *event, gpointer user_data)
{
  Watch *watch = user_data;
  HookrunStep *step = watch->step;
  g_autoptr (GError) problem = NULL;

  if (!watch->entry->action_begun && (step->flags & HOOKRUN_STEP_UNDO_REPLACED) == 0)
    return HOOKRUN_CONTINUE;
  if (hookrun_step_call (step, HOOKRUN_STEP_UNDO, &problem))
    return HOOKRUN_HANDLED;
  return hookrun_event_take_error (event, g_steal_pointer (&problem));
}

/* ---- the observer ---- */

/* Two plugins may use one id; a handler without any is known by its place. */
static char *
handler_key (const HookrunObserved *handler)
{
  if (handler->id == NULL)
    return g_strdup_printf ("%s/#%u", handler->owner == NULL ? "" : handler->owner, handler->place);
  return g_strdup_printf ("%s/%s", handler->owner == NULL ? "" : handler->owner, handler->id);
}

static gboolean
is_default (Watch *watch, const HookrunObserved *handler)
{
  return watch->default_id != NULL && g_strcmp0 (handler->id, watch->default_id) == 0;
}

static gboolean
is_undo (Watch *watch)
{
  return g_str_equal (watch->phase, hookrun_phase_names[HOOKRUN_PHASE_UNDO]);
}

static gboolean
write_begin (Watch *watch, GError **error)
{
  HookrunStep *step = watch->step;
  gboolean undoing = is_undo (watch);
  gboolean *recorded;

  if (step == NULL)
    return TRUE;
  recorded = undoing ? &step->undo_recorded : &step->begin_recorded;
  if (!*recorded)
    *recorded = hookrun_job_write_plain (
        watch->job, hookrun_job_record (undoing ? "undo" : "begin", step->name), error);
  return *recorded;
}

/* The action writes its own intent, and its memory is the step's. An undo is remembered with its
 * step. */
static gboolean
recall (Watch *watch, const HookrunObserved *handler, HookrunVerdict *verdict)
{
  g_autofree char *key = NULL;

  if (is_default (watch, handler)) {
    *verdict = HOOKRUN_HANDLED;
    return !is_undo (watch) && watch->entry->action_done;
  }
  key = handler_key (handler);
  return hookrun_ledger_recall (watch->entry, watch->phase, key, verdict);
}

/* What a handler changes counts from its start, so that what one that wraps others did before is
 * not taken for theirs: it does that again, when it has to run again. */
static HookrunObserverChoice
before_handler (const HookrunObserved *handler, HookrunVerdict *verdict, gpointer user_data,
                GError **error)
{
  Watch *watch = user_data;
  gboolean writes_itself = is_default (watch, handler) && !is_undo (watch);

  if (recall (watch, handler, verdict))
    return HOOKRUN_OBSERVER_SKIP;
  if (!writes_itself && !write_begin (watch, error))
    return HOOKRUN_OBSERVER_STOP;
  g_hash_table_insert (watch->starts, GUINT_TO_POINTER (handler->place),
                       hookrun_patch_snapshot (watch->job->data));
  return HOOKRUN_OBSERVER_CALL;
}

/* NULL: nothing is to be recorded. A failed handler is not finished: it runs again when the run is
 * resumed. */
static JsonObject *
finished_record (Watch *watch, const HookrunObserved *handler, HookrunVerdict verdict)
{
  g_autofree char *key = NULL;
  JsonObject *record;

  if (verdict == HOOKRUN_FAILED)
    return NULL;
  if (is_default (watch, handler))
    return is_undo (watch) || verdict != HOOKRUN_HANDLED
               ? NULL
               : hookrun_job_record ("acted", watch->step->name);
  key = handler_key (handler);
  record = hookrun_job_record ("hook", watch->step == NULL ? "" : watch->step->name);
  json_object_set_string_member (record, "phase", watch->phase);
  json_object_set_string_member (record, "id", key);
  json_object_set_string_member (record, "verdict",
                                 verdict == HOOKRUN_HANDLED ? "handled" : "continue");
  return record;
}

static gboolean
after_handler (const HookrunObserved *handler, HookrunVerdict verdict, gpointer user_data,
               GError **error)
{
  Watch *watch = user_data;
  JsonObject *record = finished_record (watch, handler, verdict);
  JsonObject *start = g_hash_table_lookup (watch->starts, GUINT_TO_POINTER (handler->place));

  if (record == NULL)
    return TRUE;
  return write_change (watch->job, record, start, error);
}

static const HookrunObserver observer = {before_handler, after_handler};

static HookrunVerdict
emit (Watch *watch, const char *signal, const char *subject, GError **error)
{
  g_autoptr (GError) problem = NULL;
  HookrunVerdict verdict;

  watch->starts = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify)json_object_unref);
  verdict = hookrun_signal_emit_observed (hookrun_pipeline_signal (watch->job->pipeline, signal),
                                          subject, watch->job->data, watch->job->cancellable,
                                          &observer, watch, &problem);
  g_hash_table_unref (watch->starts);

  if (verdict == HOOKRUN_FAILED && watch->own_error != NULL)
    g_propagate_error (error, g_steal_pointer (&watch->own_error));
  else if (verdict == HOOKRUN_FAILED)
    g_propagate_error (error, g_steal_pointer (&problem));
  g_clear_error (&watch->own_error);
  return verdict;
}

HookrunVerdict
hookrun_job_emit_phase (HookrunJob *self, HookrunStep *step, HookrunPhase phase, GError **error)
{
  HookrunActionPoint *point = step->points[phase];
  g_autofree char *default_id = point == NULL ? NULL : hookrun_step_default_id (step, phase);
  Watch watch = {self, step, step->entry, hookrun_phase_names[phase], default_id, NULL, NULL};
  HookrunVerdict verdict;

  if (point != NULL)
    hookrun_action_point_enter (point, self->data,
                                phase == HOOKRUN_PHASE_UNDO ? run_undo : run_action, &watch);
  verdict = emit (&watch, step->signals[phase], step->subject, error);
  if (point != NULL)
    hookrun_action_point_leave (point, self->data);
  return verdict;
}

void
hookrun_job_emit_turn (HookrunJob *self, HookrunTurn turn)
{
  Watch watch = {self, NULL, self->ledger->whole, hookrun_turn_names[turn], NULL, NULL, NULL};
  g_autoptr (GError) problem = NULL;

  if (emit (&watch, self->pipeline->turns[turn], self->pipeline->subject, &problem) ==
          HOOKRUN_FAILED &&
      !self->journal_failed)
    hookrun_job_write_error (self, "problem", NULL, problem, FALSE, NULL);
}

/* ---- the steps' side ---- */

gboolean
hookrun_job_attach (HookrunJob *self, GError **error)
{
  for (guint i = 0; i < self->pipeline->steps->len; i++) {
    HookrunStep *step = g_ptr_array_index (self->pipeline->steps, i);

    step->job = self;
    step->entry = hookrun_ledger_find (self->ledger, step->name);
    step->begin_recorded = step->undo_recorded = FALSE;
    if (step->entry == NULL) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
                   "step \"%s\" is not in the journal's plan", step->name);
      return FALSE;
    }
  }
  return TRUE;
}

void
hookrun_job_detach (HookrunJob *self)
{
  for (guint i = 0; i < self->pipeline->steps->len; i++) {
    HookrunStep *step = g_ptr_array_index (self->pipeline->steps, i);

    step->job = NULL;
    step->entry = NULL;
  }
}
