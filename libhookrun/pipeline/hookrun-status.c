/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The status of a run as one JSON object, for people's tables and for --json. */
#include "hookrun-ledger-private.h"
#include "hookrun-record-private.h"

static const char *const header_members[] = {"id", "pipeline", "title", "time"};

static void
add_failure (HookrunLedger *self, JsonObject *status)
{
  JsonObject *failure;
  GEnumClass *class;
  const GEnumValue *row;

  if (self->failed_step == NULL)
    return;
  class = g_type_class_ref (HOOKRUN_TYPE_ERROR);
  row = g_enum_get_value (class, self->failed_code);
  failure = json_object_new ();
  json_object_set_string_member (failure, "step", self->failed_step);
  json_object_set_string_member (failure, "code", row == NULL ? "io" : row->value_nick);
  json_object_set_string_member (failure, "message", self->failed_message);
  json_object_set_object_member (status, "failure", failure);
  g_type_class_unref (class);
}

static JsonObject *
step_status (const HookrunLedgerStep *step)
{
  HookrunStepState state = hookrun_ledger_step_state (step);
  JsonObject *out = json_object_new ();

  json_object_set_string_member (out, "name", step->name);
  json_object_set_string_member (out, "state", hookrun_step_state_nick (state));
  if (state == HOOKRUN_STEP_STATE_RUNNING)
    json_object_set_string_member (out, "action",
                                   step->action_done    ? "done"
                                   : step->action_begun ? "begun"
                                                        : "not-begun");
  if (step->message != NULL &&
      (state == HOOKRUN_STEP_STATE_FAILED || state == HOOKRUN_STEP_STATE_UNDO_FAILED))
    json_object_set_string_member (out, "message", step->message);
  return out;
}

JsonObject *
hookrun_ledger_status (HookrunLedger *self)
{
  JsonObject *status = json_object_new ();
  JsonArray *steps = json_array_new ();
  JsonArray *problems = json_array_new ();

  json_object_set_string_member (status, "state", hookrun_run_state_nick (self->state));
  json_object_set_boolean_member (status, "rolling_back", self->rolling_back);
  json_object_set_int_member (status, "number", hookrun_record_get_int (self->header, "number"));
  for (gsize i = 0; i < G_N_ELEMENTS (header_members); i++) {
    const char *value = hookrun_record_get_string (self->header, header_members[i]);

    if (value != NULL)
      json_object_set_string_member (status, header_members[i], value);
  }
  add_failure (self, status);
  for (guint i = 0; i < self->steps->len; i++)
    json_array_add_object_element (steps, step_status (g_ptr_array_index (self->steps, i)));
  json_object_set_array_member (status, "steps", steps);
  for (guint i = 0; i < self->problems->len; i++)
    json_array_add_string_element (problems, g_ptr_array_index (self->problems, i));
  json_object_set_array_member (status, "problems", problems);
  return status;
}
