/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the records of a run come to: one row per type of record says what it changes. */
#include "hookrun-ledger-private.h"
#include "hookrun-patch-private.h"
#include "hookrun-record-private.h"

typedef gboolean (*Apply) (HookrunLedger *self, HookrunLedgerStep *step, JsonObject *record,
                           GError **error);

GType
hookrun_run_state_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
#define ROW(name, nick)                                                                            \
  {                                                                                                \
    HOOKRUN_RUN_##name, "HOOKRUN_RUN_" #name, nick                                                 \
  }
    static const GEnumValue values[] = {
        ROW (NONE, "none"),
        ROW (UNFINISHED, "unfinished"),
        ROW (STOPPED, "stopped"),
        ROW (DONE, "done"),
        ROW (ROLLED_BACK, "rolled-back"),
        ROW (ROLLBACK_INCOMPLETE, "rollback-incomplete"),
        ROW (ABANDONED, "abandoned"),
        {0, NULL, NULL},
    };
#undef ROW
    g_once_init_leave (&type, g_enum_register_static ("HookrunRunState", values));
  }
  return type;
}

GType
hookrun_step_state_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
#define ROW(name, nick)                                                                            \
  {                                                                                                \
    HOOKRUN_STEP_STATE_##name, "HOOKRUN_STEP_STATE_" #name, nick                                   \
  }
    static const GEnumValue values[] = {
        ROW (PENDING, "pending"),         ROW (RUNNING, "running"), ROW (DONE, "done"),
        ROW (FAILED, "failed"),           ROW (UNDOING, "undoing"), ROW (UNDONE, "undone"),
        ROW (UNDO_FAILED, "undo-failed"), {0, NULL, NULL},
    };
#undef ROW
    g_once_init_leave (&type, g_enum_register_static ("HookrunStepState", values));
  }
  return type;
}

static const char *
get_nick (GType type, int value)
{
  GEnumClass *class = g_type_class_ref (type);
  const GEnumValue *row = g_enum_get_value (class, value);
  const char *nick = row == NULL ? "unknown" : row->value_nick;

  g_type_class_unref (class); /* the tables are static */
  return nick;
}

const char *
hookrun_run_state_nick (HookrunRunState state)
{
  return get_nick (HOOKRUN_TYPE_RUN_STATE, (int)state);
}

const char *
hookrun_step_state_nick (HookrunStepState state)
{
  return get_nick (HOOKRUN_TYPE_STEP_STATE, (int)state);
}

static HookrunLedgerStep *
step_new (const char *name, HookrunStepFlags flags)
{
  HookrunLedgerStep *step = g_new0 (HookrunLedgerStep, 1);

  step->name = g_strdup (name);
  step->flags = flags;
  step->memo = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return step;
}

static void
step_free (gpointer data)
{
  HookrunLedgerStep *step = data;

  g_free (step->name);
  g_free (step->message);
  g_clear_pointer (&step->state, json_node_unref);
  g_hash_table_unref (step->memo);
  g_free (step);
}

HookrunLedger *
hookrun_ledger_new (void)
{
  HookrunLedger *self = g_new0 (HookrunLedger, 1);

  self->steps = g_ptr_array_new_with_free_func (step_free);
  self->whole = step_new ("", HOOKRUN_STEP_NONE);
  self->data = json_object_new ();
  self->secrets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->problems = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
hookrun_ledger_free (HookrunLedger *self)
{
  g_clear_pointer (&self->header, json_object_unref);
  g_ptr_array_unref (self->steps);
  step_free (self->whole);
  json_object_unref (self->data);
  g_hash_table_unref (self->secrets);
  g_ptr_array_unref (self->problems);
  g_free (self->failed_step);
  g_free (self->failed_message);
  g_free (self);
}

HookrunLedgerStep *
hookrun_ledger_find (HookrunLedger *self, const char *name)
{
  if (name == NULL)
    return NULL;
  if (*name == '\0')
    return self->whole;
  for (guint i = 0; i < self->steps->len; i++) {
    HookrunLedgerStep *step = g_ptr_array_index (self->steps, i);

    if (g_str_equal (step->name, name))
      return step;
  }
  return NULL;
}

static gboolean
reject (GError **error, const char *why)
{
  g_set_error_literal (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, why);
  return FALSE;
}

static char *
memo_key (const char *phase, const char *id)
{
  return g_strconcat (phase, "/", id, NULL);
}

static gboolean
add_planned_step (HookrunLedger *self, JsonObject *planned)
{
  const char *name = hookrun_record_get_string (planned, "name");

  if (name == NULL || *name == '\0' || hookrun_ledger_find (self, name) != NULL)
    return FALSE;
  g_ptr_array_add (self->steps,
                   step_new (name, (HookrunStepFlags)hookrun_record_get_int (planned, "flags")));
  return TRUE;
}

static gboolean
apply_run (HookrunLedger *self, HookrunLedgerStep *unused, JsonObject *record, GError **error)
{
  JsonObject *plan = hookrun_record_get_object (record, "plan");
  JsonArray *steps = hookrun_record_get_array (plan, "steps");
  JsonObject *data = hookrun_record_get_object (record, "data");

  if (self->header != NULL)
    return reject (error, "a second run begins in it");
  if (hookrun_record_get_int (record, "format") > HOOKRUN_LEDGER_FORMAT)
    return reject (error, "a newer version of the library wrote it");
  if (steps == NULL || data == NULL || hookrun_record_get_string (record, "id") == NULL)
    return reject (error, "it lacks plan, data or id");
  for (guint i = 0; i < json_array_get_length (steps); i++) {
    JsonNode *node = json_array_get_element (steps, i);

    if (!JSON_NODE_HOLDS_OBJECT (node) || !add_planned_step (self, json_node_get_object (node)))
      return reject (error, "its plan has a step without a name or two of one name");
  }
  self->header = json_object_ref (record);
  json_object_unref (self->data);
  self->data = hookrun_patch_copy (data);
  self->state = HOOKRUN_RUN_UNFINISHED;
  return TRUE;
}

static gboolean
apply_begin (HookrunLedger *self, HookrunLedgerStep *step, JsonObject *record, GError **error)
{
  step->begun = TRUE;
  step->failed = step->undone = step->kept = step->undo_begun = FALSE;
  if (hookrun_record_get_boolean (record, "action"))
    step->action_begun = TRUE;
  return TRUE;
}

static gboolean
apply_action (HookrunLedger *self, HookrunLedgerStep *step, JsonObject *record, GError **error)
{
  step->action_begun = TRUE;
  return TRUE;
}

static gboolean
apply_acted (HookrunLedger *self, HookrunLedgerStep *step, JsonObject *record, GError **error)
{
  step->action_done = TRUE;
  return TRUE;
}

static gboolean
apply_state (HookrunLedger *self, HookrunLedgerStep *step, JsonObject *record, GError **error)
{
  JsonNode *state = json_object_get_member (record, "state");

  g_clear_pointer (&step->state, json_node_unref);
  step->state =
      state == NULL || JSON_NODE_HOLDS_NULL (state) ? NULL : hookrun_patch_copy_node (state);
  return TRUE;
}

static gboolean
apply_hook (HookrunLedger *self, HookrunLedgerStep *step, JsonObject *record, GError **error)
{
  const char *phase = hookrun_record_get_string (record, "phase");
  const char *id = hookrun_record_get_string (record, "id");
  const char *verdict = hookrun_record_get_string (record, "verdict");

  if (phase == NULL || id == NULL || verdict == NULL)
    return reject (error, "it lacks phase, id or verdict");
  g_hash_table_insert (
      step->memo, memo_key (phase, id),
      GINT_TO_POINTER ((g_str_equal (verdict, "handled") ? HOOKRUN_HANDLED : HOOKRUN_CONTINUE) +
                       1));
  return TRUE;
}

static gboolean
apply_failed (HookrunLedger *self, HookrunLedgerStep *step, JsonObject *record, GError **error)
{
  const char *message = hookrun_record_get_string (record, "message");

  step->failed = step != self->whole;
  g_free (step->message);
  step->message = g_strdup (message);
  if (hookrun_record_get_boolean (record, "aside"))
    return TRUE;
  g_free (self->failed_step);
  g_free (self->failed_message);
  self->failed_step = g_strdup (step->name);
  self->failed_code = (int)hookrun_record_get_int (record, "code");
  self->failed_message = g_strdup (message == NULL ? "" : message);
  return TRUE;
}

static gboolean
apply_problem (HookrunLedger *self, HookrunLedgerStep *step, JsonObject *record, GError **error)
{
  const char *message = hookrun_record_get_string (record, "message");

  g_ptr_array_add (self->problems, g_strdup (message == NULL ? "" : message));
  return TRUE;
}

static gboolean
apply_rollback (HookrunLedger *self, HookrunLedgerStep *step, JsonObject *record, GError **error)
{
  self->rolling_back = TRUE;
  return TRUE;
}

static gboolean
apply_undo (HookrunLedger *self, HookrunLedgerStep *step, JsonObject *record, GError **error)
{
  step->undo_begun = TRUE;
  step->kept = FALSE;
  return TRUE;
}

static gboolean
apply_undone (HookrunLedger *self, HookrunLedgerStep *step, JsonObject *record, GError **error)
{
  step->undone = TRUE;
  step->undo_begun = step->begun = step->action_begun = step->action_done = step->done = FALSE;
  return TRUE;
}

static gboolean
apply_kept (HookrunLedger *self, HookrunLedgerStep *step, JsonObject *record, GError **error)
{
  step->undo_begun = FALSE;
  step->kept = TRUE;
  g_free (step->message);
  step->message = g_strdup (hookrun_record_get_string (record, "message"));
  return TRUE;
}

/* Steps that ran only because the run ended have their turn again. */
static void
reset_early_finals (HookrunLedger *self)
{
  gboolean passed = FALSE;

  for (guint i = 0; i < self->steps->len; i++) {
    HookrunLedgerStep *step = g_ptr_array_index (self->steps, i);

    if (passed && (step->flags & HOOKRUN_STEP_ALWAYS) != 0) {
      step->begun = step->action_begun = step->action_done = step->done = step->failed = FALSE;
      g_hash_table_remove_all (step->memo);
    }
    if (!step->done)
      passed = TRUE;
  }
}

static gboolean
apply_resumed (HookrunLedger *self, HookrunLedgerStep *step, JsonObject *record, GError **error)
{
  if (self->state == HOOKRUN_RUN_UNFINISHED)
    return TRUE;
  if (self->state == HOOKRUN_RUN_STOPPED)
    reset_early_finals (self);
  self->state = HOOKRUN_RUN_UNFINISHED;
  self->finals = FALSE;
  g_hash_table_remove_all (self->whole->memo);
  g_clear_pointer (&self->failed_step, g_free);
  g_clear_pointer (&self->failed_message, g_free);
  g_ptr_array_set_size (self->problems, 0);
  return TRUE;
}

static gboolean
apply_finals (HookrunLedger *self, HookrunLedgerStep *step, JsonObject *record, GError **error)
{
  self->finals = TRUE;
  return TRUE;
}

static gboolean
apply_end (HookrunLedger *self, HookrunLedgerStep *step, JsonObject *record, GError **error)
{
  const char *nick = hookrun_record_get_string (record, "state");
  GEnumClass *class = g_type_class_ref (HOOKRUN_TYPE_RUN_STATE);
  const GEnumValue *row = nick == NULL ? NULL : g_enum_get_value_by_nick (class, nick);

  g_type_class_unref (class);
  if (row == NULL)
    return reject (error, "it ends the run in a state that is not known");
  self->state = (HookrunRunState)row->value;
  return TRUE;
}

static const struct {
  const char *type;
  Apply apply;
  gboolean needs_step;
} rows[] = {
    {"run", apply_run, FALSE},           {"begin", apply_begin, TRUE},
    {"action", apply_action, TRUE},      {"acted", apply_acted, TRUE},
    {"state", apply_state, TRUE},        {"hook", apply_hook, TRUE},
    {"failed", apply_failed, TRUE},      {"problem", apply_problem, FALSE},
    {"rollback", apply_rollback, FALSE}, {"undo", apply_undo, TRUE},
    {"undone", apply_undone, TRUE},      {"kept", apply_kept, TRUE},
    {"resumed", apply_resumed, FALSE},   {"finals", apply_finals, FALSE},
    {"end", apply_end, FALSE},
};

static gboolean
apply_done (HookrunLedger *self, JsonArray *done, GError **error)
{
  for (guint i = 0; done != NULL && i < json_array_get_length (done); i++) {
    HookrunLedgerStep *step = hookrun_ledger_find (self, hookrun_record_get_element (done, i));

    if (step == NULL)
      return reject (error, "it names a step that is not in the plan");
    step->done = TRUE;
    step->failed = FALSE;
  }
  return TRUE;
}

gboolean
hookrun_ledger_apply (HookrunLedger *self, JsonObject *record, GError **error)
{
  const char *type = hookrun_record_get_string (record, "type");
  HookrunLedgerStep *step = hookrun_ledger_find (self, hookrun_record_get_string (record, "step"));

  if ((self->header == NULL) != (g_strcmp0 (type, "run") == 0))
    return reject (error, "the run does not begin with its plan");
  if (!apply_done (self, hookrun_record_get_array (record, "done"), error))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    if (g_strcmp0 (rows[i].type, type) != 0)
      continue;
    if (rows[i].needs_step && step == NULL)
      return reject (error, "it names a step that is not in the plan");
    hookrun_patch_apply (self->data, self->secrets, record);
    return rows[i].apply (self, step, record, error);
  }
  return reject (error, "its type is not known; a newer version of the library wrote it");
}

gboolean
hookrun_ledger_recall (HookrunLedgerStep *step, const char *phase, const char *id,
                       HookrunVerdict *verdict)
{
  g_autofree char *key = memo_key (phase, id);
  int value = GPOINTER_TO_INT (g_hash_table_lookup (step->memo, key));

  if (value == 0)
    return FALSE;
  *verdict = (HookrunVerdict)(value - 1);
  return TRUE;
}

gboolean
hookrun_ledger_is_open (HookrunLedger *self)
{
  return self->state == HOOKRUN_RUN_UNFINISHED || self->state == HOOKRUN_RUN_STOPPED;
}

HookrunStepState
hookrun_ledger_step_state (const HookrunLedgerStep *step)
{
  if (step->kept)
    return HOOKRUN_STEP_STATE_UNDO_FAILED;
  if (step->undo_begun)
    return HOOKRUN_STEP_STATE_UNDOING;
  if (step->undone)
    return HOOKRUN_STEP_STATE_UNDONE;
  if (step->failed)
    return HOOKRUN_STEP_STATE_FAILED;
  if (step->done)
    return HOOKRUN_STEP_STATE_DONE;
  return step->begun ? HOOKRUN_STEP_STATE_RUNNING : HOOKRUN_STEP_STATE_PENDING;
}
