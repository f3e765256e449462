/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan of a pipeline: what a dry run shows, what the journal keeps, and what a resume compares
 * with the steps it is about to run. They are the same object.
 */
#include "hookrun-pipeline-private.h"
#include "hookrun-job-private.h"
#include "hookrun-record-private.h"

static const struct {
  HookrunStepFlags flag;
  const char *text;
} flag_texts[] = {
    {HOOKRUN_STEP_COMMIT, "commit point"},
    {HOOKRUN_STEP_IRREVERSIBLE, "cannot be undone"},
    {HOOKRUN_STEP_ALWAYS, "on every way out"},
};

static JsonArray *
list_handlers (HookrunPipeline *self, HookrunStep *step, HookrunPhase phase)
{
  g_autoptr (JsonNode) node = hookrun_signal_list_handlers (
      hookrun_pipeline_signal (self, step->signals[phase]), step->subject);
  JsonArray *handlers = json_node_get_array (node);
  JsonArray *ids = json_array_new ();

  for (guint i = 0; i < json_array_get_length (handlers); i++) {
    const char *id = hookrun_record_get_string (json_array_get_object_element (handlers, i), "id");

    json_array_add_string_element (ids, id == NULL ? "" : id);
  }
  return ids;
}

static JsonObject *
plan_step (HookrunPipeline *self, HookrunStep *step)
{
  JsonObject *out = json_object_new ();
  JsonObject *names = json_object_new ();
  JsonObject *handlers = json_object_new ();

  json_object_set_string_member (out, "name", step->name);
  json_object_set_int_member (out, "flags", (gint64)step->flags);
  if (step->subject != NULL)
    json_object_set_string_member (out, "subject", step->subject);
  json_object_set_boolean_member (out, "action",
                                  hookrun_step_has_func (step, HOOKRUN_STEP_EXECUTE));
  json_object_set_boolean_member (out, "undo", hookrun_step_has_func (step, HOOKRUN_STEP_UNDO));
  for (HookrunPhase phase = HOOKRUN_PHASE_BEFORE; phase < HOOKRUN_N_PHASES; phase++) {
    const char *phase_name = hookrun_phase_names[phase];

    json_object_set_string_member (names, phase_name, step->signals[phase]);
    json_object_set_array_member (handlers, phase_name, list_handlers (self, step, phase));
  }
  json_object_set_object_member (out, "signals", names);
  json_object_set_object_member (out, "handlers", handlers);
  return out;
}

JsonObject *
hookrun_plan_new (HookrunPipeline *self)
{
  JsonObject *plan = json_object_new ();
  JsonArray *steps = json_array_new ();

  json_object_set_string_member (plan, "pipeline", self->name);
  json_object_set_string_member (plan, "on_failure",
                                 self->on_failure == HOOKRUN_ON_FAILURE_STOP ? "stop" : "rollback");
  for (guint i = 0; i < self->steps->len; i++)
    json_array_add_object_element (steps, plan_step (self, g_ptr_array_index (self->steps, i)));
  json_object_set_array_member (plan, "steps", steps);
  return plan;
}

static gboolean
differs (GError **error, const char *what, const char *there, const char *here)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
               "the journal's run has %s \"%s\" where this program has \"%s\"; go on with the "
               "version and the configuration that began it, or abandon it",
               what, there, here);
  return FALSE;
}

static gboolean
check_step (HookrunStep *step, JsonObject *journaled, GError **error)
{
  const char *name = hookrun_record_get_string (journaled, "name");
  JsonObject *names = hookrun_record_get_object (journaled, "signals");
  const char *subject = hookrun_record_get_string (journaled, "subject");

  if (g_strcmp0 (name, step->name) != 0)
    return differs (error, "step", name == NULL ? "" : name, step->name);
  if (hookrun_record_get_int (journaled, "flags") != (gint64)step->flags)
    return differs (error, "other properties of step", step->name, step->name);
  if (g_strcmp0 (subject, step->subject) != 0)
    return differs (error, "subject", subject == NULL ? "" : subject,
                    step->subject == NULL ? "" : step->subject);
  for (HookrunPhase phase = HOOKRUN_PHASE_BEFORE; phase < HOOKRUN_N_PHASES; phase++) {
    const char *signal = hookrun_record_get_string (names, hookrun_phase_names[phase]);

    if (g_strcmp0 (signal, step->signals[phase]) != 0)
      return differs (error, "signal", signal == NULL ? "" : signal, step->signals[phase]);
  }
  return TRUE;
}

gboolean
hookrun_plan_check (HookrunPipeline *self, JsonObject *journaled, GError **error)
{
  const char *name = hookrun_record_get_string (journaled, "pipeline");
  JsonArray *steps = hookrun_record_get_array (journaled, "steps");
  guint n_steps = steps == NULL ? 0 : json_array_get_length (steps);

  if (g_strcmp0 (name, self->name) != 0)
    return differs (error, "pipeline", name == NULL ? "" : name, self->name);
  for (guint i = 0; i < MAX (n_steps, self->steps->len); i++) {
    HookrunStep *step = i < self->steps->len ? g_ptr_array_index (self->steps, i) : NULL;
    JsonObject *there = i < n_steps ? json_array_get_object_element (steps, i) : NULL;

    if (step == NULL)
      return differs (error, "step", hookrun_record_get_string (there, "name"), "(none)");
    if (there == NULL)
      return differs (error, "step", "(none)", step->name);
    if (!check_step (step, there, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
add_description (HookrunStep *step, HookrunJob *job, JsonObject *planned, GError **error)
{
  g_autofree char *text = NULL;

  step->job = job;
  text = hookrun_step_describe (step, error);
  step->job = NULL;
  if (text == NULL) {
    g_prefix_error (error, "step \"%s\": ", step->name);
    return FALSE;
  }
  json_object_set_string_member (planned, "describe", text);
  return TRUE;
}

/**
 * hookrun_pipeline_plan:
 * @self: a pipeline that does not run
 * @data: (nullable): the payload that a run would begin with
 * @error: return location for an error
 *
 * The dry run: what a run would do now, step by step, with the handlers of each signal in order and
 * what each action says that it would do. Nothing is emitted and no action is called. A run puts
 * the same plan into its journal.
 *
 * Blocks as long as the steps' descriptions take.
 *
 * Returns: (transfer full): a JSON object: "pipeline", "on_failure", "steps": [{"name", "flags",
 *   "subject", "action", "undo", "signals", "handlers", "describe"}]; %NULL with the error of a
 *   step that cannot describe itself
 *
 * Since: 1.0
 */
JsonNode *
hookrun_pipeline_plan (HookrunPipeline *self, HookrunData *data, GError **error)
{
  HookrunJob job = {.pipeline = self};
  g_autoptr (HookrunData) own_data = NULL;
  g_autoptr (JsonObject) plan = NULL;
  JsonArray *steps;

  g_return_val_if_fail (HOOKRUN_IS_PIPELINE (self), NULL);
  own_data = data == NULL ? hookrun_data_new (self->schema) : hookrun_data_ref (data);
  job.data = own_data;
  plan = hookrun_plan_new (self);
  steps = json_object_get_array_member (plan, "steps");
  for (guint i = 0; i < self->steps->len; i++)
    if (!add_description (g_ptr_array_index (self->steps, i), &job,
                          json_array_get_object_element (steps, i), error))
      return NULL;
  return json_node_init_object (json_node_alloc (), plan);
}

static void
append_handlers (GString *text, JsonObject *step)
{
  JsonObject *handlers = hookrun_record_get_object (step, "handlers");
  JsonObject *names = hookrun_record_get_object (step, "signals");

  for (HookrunPhase phase = HOOKRUN_PHASE_BEFORE; phase <= HOOKRUN_PHASE_AFTER; phase++) {
    JsonArray *ids = hookrun_record_get_array (handlers, hookrun_phase_names[phase]);
    const char *signal = hookrun_record_get_string (names, hookrun_phase_names[phase]);

    if (ids == NULL || signal == NULL || json_array_get_length (ids) == 0)
      continue;
    g_string_append_printf (text, "     %s:", signal);
    for (guint i = 0; i < json_array_get_length (ids); i++) {
      const char *id = hookrun_record_get_element (ids, i);

      g_string_append_printf (text, "%s %s", i > 0 ? "," : "",
                              id == NULL || *id == '\0' ? "(unnamed)" : id);
    }
    g_string_append_c (text, '\n');
  }
}

static void
append_flags (GString *text, gint64 flags)
{
  for (gsize i = 0; i < G_N_ELEMENTS (flag_texts); i++)
    if ((flags & (gint64)flag_texts[i].flag) != 0)
      g_string_append_printf (text, " (%s)", flag_texts[i].text);
}

/**
 * hookrun_pipeline_plan_text:
 * @plan: a plan from [method@Hookrun.Pipeline.plan]
 *
 * Writes a plan for people: a numbered line for each step, below it a line for each of its signals
 * that has handlers.
 *
 * Returns: (transfer full): the text, with an end of line after each line
 *
 * Since: 1.0
 */
char *
hookrun_pipeline_plan_text (JsonNode *plan)
{
  GString *text = g_string_new (NULL);
  JsonArray *steps;

  g_return_val_if_fail (plan != NULL && JSON_NODE_HOLDS_OBJECT (plan), NULL);
  steps = hookrun_record_get_array (json_node_get_object (plan), "steps");
  for (guint i = 0; steps != NULL && i < json_array_get_length (steps); i++) {
    JsonObject *step = json_array_get_object_element (steps, i);
    const char *name = hookrun_record_get_string (step, "name");
    const char *describe = hookrun_record_get_string (step, "describe");

    g_string_append_printf (text, "%2u. %s", i + 1, name);
    if (describe != NULL && g_strcmp0 (describe, name) != 0)
      g_string_append_printf (text, ": %s", describe);
    append_flags (text, hookrun_record_get_int (step, "flags"));
    g_string_append_c (text, '\n');
    append_handlers (text, step);
  }
  return g_string_free (text, FALSE);
}
