/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A pipeline: its steps, and the signals it defines for them. Planning is in hookrun-plan.c,
 * running in hookrun-pipeline-run.c and the files of the job.
 */
#include "hookrun-pipeline-private.h"
#include "hookrun-action-private.h"
#include "hookrun-ledger-private.h"

enum { STEP_CHANGED, N_SIGNALS };

static guint signals[N_SIGNALS];

const char *const hookrun_turn_names[HOOKRUN_N_TURNS] = {"failed", "rollback-start",
                                                         "rollback-finish"};

G_DEFINE_FINAL_TYPE (HookrunPipeline, hookrun_pipeline, G_TYPE_OBJECT)

static void
free_step (gpointer data)
{
  HookrunStep *step = data;

  for (int i = 0; i < HOOKRUN_N_PHASES; i++)
    g_clear_pointer (&step->points[i], hookrun_action_point_unref);
  g_object_unref (step);
}

static void
hookrun_pipeline_finalize (GObject *object)
{
  HookrunPipeline *self = HOOKRUN_PIPELINE (object);

  g_ptr_array_unref (self->steps);
  for (int i = 0; i < HOOKRUN_N_TURNS; i++)
    g_free (self->turns[i]);
  g_clear_pointer (&self->schema, hookrun_schema_unref);
  g_clear_pointer (&self->status, json_node_unref);
  g_object_unref (self->registry);
  g_free (self->name);
  g_free (self->subject);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (hookrun_pipeline_parent_class)->finalize (object);
}

static void
hookrun_pipeline_class_init (HookrunPipelineClass *class)
{
  G_OBJECT_CLASS (class)->finalize = hookrun_pipeline_finalize;

  /**
   * HookrunPipeline::step-changed:
   * @self: the pipeline
   * @step: name of the step
   * @state: its new state, a [enum@Hookrun.StepState]
   *
   * A step began, was done, failed or was undone, and the journal says so: for progress. Emitted
   * in the thread of the run.
   *
   * Since: 1.0
   */
  signals[STEP_CHANGED] =
      g_signal_new ("step-changed", G_TYPE_FROM_CLASS (class), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                    NULL, G_TYPE_NONE, 2, G_TYPE_STRING, HOOKRUN_TYPE_STEP_STATE);
}

static void
hookrun_pipeline_init (HookrunPipeline *self)
{
  self->steps = g_ptr_array_new_with_free_func (free_step);
  g_mutex_init (&self->lock);
}

void
hookrun_pipeline_announce (HookrunPipeline *self, const char *step, HookrunStepState state)
{
  g_signal_emit (self, signals[STEP_CHANGED], 0, step, state);
}

/**
 * hookrun_pipeline_new:
 * @registry: where its signals are
 * @name: what kind of job it is: "deploy"
 * @schema: (nullable): the fields of the data that all its signals carry; %NULL for none declared
 *
 * Makes a pipeline without steps. What goes wrong is told by the signals `NAME.failed`,
 * `NAME.rollback-start` and `NAME.rollback-finish`, for which the data says "error", "error_code",
 * "failed_step" and, at the end of a rollback, "not_undone".
 *
 * Returns: (transfer full): the pipeline
 *
 * Since: 1.0
 */
HookrunPipeline *
hookrun_pipeline_new (HookrunRegistry *registry, const char *name, HookrunSchema *schema)
{
  HookrunPipeline *self;

  g_return_val_if_fail (HOOKRUN_IS_REGISTRY (registry), NULL);
  g_return_val_if_fail (name != NULL && *name != '\0', NULL);
  self = g_object_new (HOOKRUN_TYPE_PIPELINE, NULL);
  self->registry = g_object_ref (registry);
  self->name = g_strdup (name);
  self->schema = schema == NULL ? NULL : hookrun_schema_ref (schema);
  return self;
}

/**
 * hookrun_pipeline_get_name:
 * @self: a pipeline
 *
 * Gets its name.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
hookrun_pipeline_get_name (HookrunPipeline *self)
{
  g_return_val_if_fail (HOOKRUN_IS_PIPELINE (self), NULL);
  return self->name;
}

/* A signal that exists already is taken as it is: whoever defined it knows its fields. */
static HookrunSignal *
ensure_signal (HookrunPipeline *self, const char *name, HookrunSignalFlags flags, GError **error)
{
  HookrunSignal *signal = hookrun_registry_lookup (self->registry, name);

  if (signal != NULL)
    return signal;
  if (self->schema == NULL)
    return hookrun_registry_define (self->registry, name, flags, NULL, 0, error);
  return hookrun_registry_define_with_schema (self->registry, name, flags, self->schema, error);
}

HookrunSignal *
hookrun_pipeline_signal (HookrunPipeline *self, const char *name)
{
  return hookrun_registry_lookup (self->registry, name);
}

static gboolean
ensure_turns (HookrunPipeline *self, GError **error)
{
  for (int i = 0; i < HOOKRUN_N_TURNS; i++) {
    if (self->turns[i] == NULL)
      self->turns[i] = g_strconcat (self->name, ".", hookrun_turn_names[i], NULL);
    if (ensure_signal (self, self->turns[i], HOOKRUN_SIGNAL_COLLECT_ERRORS, error) == NULL)
      return FALSE;
  }
  return TRUE;
}

/**
 * hookrun_pipeline_set_signals:
 * @self: a pipeline without steps
 * @failed: (nullable): emitted when a step failed or was vetoed, or the run was cancelled
 * @rollback_start: (nullable): emitted before the first step is undone
 * @rollback_finish: (nullable): emitted after the last
 * @error: return location for an error
 *
 * Gives the run's own signals other names than the usual ones; %NULL leaves one. Their handlers
 * cannot keep a rollback from going on: what they complain about is recorded.
 *
 * Returns: %TRUE when they are defined; %FALSE with %HOOKRUN_ERROR_INVALID for a malformed name
 *
 * Since: 1.0
 */
gboolean
hookrun_pipeline_set_signals (HookrunPipeline *self, const char *failed, const char *rollback_start,
                              const char *rollback_finish, GError **error)
{
  const char *const names[HOOKRUN_N_TURNS] = {failed, rollback_start, rollback_finish};

  g_return_val_if_fail (HOOKRUN_IS_PIPELINE (self) && self->steps->len == 0, FALSE);
  for (int i = 0; i < HOOKRUN_N_TURNS; i++)
    if (names[i] != NULL) {
      g_free (self->turns[i]);
      self->turns[i] = g_strdup (names[i]);
    }
  return ensure_turns (self, error);
}

/**
 * hookrun_pipeline_set_subject:
 * @self: a pipeline
 * @subject: (nullable): a package or module
 *
 * Sets for whom the signals of a failure and of a rollback are emitted: handlers limited to another
 * subject do not run. Steps have their own, see [method@Hookrun.Step.set_subject].
 *
 * Since: 1.0
 */
void
hookrun_pipeline_set_subject (HookrunPipeline *self, const char *subject)
{
  g_return_if_fail (HOOKRUN_IS_PIPELINE (self));

  g_free (self->subject);
  self->subject = g_strdup (subject);
}

/**
 * hookrun_pipeline_set_on_failure:
 * @self: a pipeline
 * @on_failure: what follows a failure; to roll back is usual
 *
 * Sets the policy of the runs to come.
 *
 * Since: 1.0
 */
void
hookrun_pipeline_set_on_failure (HookrunPipeline *self, HookrunOnFailure on_failure)
{
  g_return_if_fail (HOOKRUN_IS_PIPELINE (self));
  self->on_failure = on_failure;
}

static gboolean
check_name (HookrunPipeline *self, HookrunStep *step, GError **error)
{
  for (guint i = 0; i < self->steps->len; i++) {
    HookrunStep *other = g_ptr_array_index (self->steps, i);

    if (!g_str_equal (other->name, step->name))
      continue;
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS,
                 "pipeline \"%s\" has a step \"%s\" already", self->name, step->name);
    return FALSE;
  }
  return TRUE;
}

/* The default handler of @phase, where the step has one. */
static gboolean
connect_default (HookrunPipeline *self, HookrunStep *step, HookrunPhase phase,
                 HookrunSignal *signal, GError **error)
{
  HookrunStepFuncKind kind = phase == HOOKRUN_PHASE_UNDO ? HOOKRUN_STEP_UNDO : HOOKRUN_STEP_EXECUTE;
  g_autofree char *id = NULL;

  if ((phase != HOOKRUN_PHASE_MIDDLE && phase != HOOKRUN_PHASE_UNDO) ||
      !hookrun_step_has_func (step, kind))
    return TRUE;
  id = hookrun_step_default_id (step, phase);
  step->points[phase] = hookrun_action_point_get (signal, id, self->name, error);
  return step->points[phase] != NULL;
}

/**
 * hookrun_pipeline_add_step:
 * @self: a pipeline that does not run
 * @step: (transfer none): a filled step that is in no pipeline yet
 * @error: return location for an error
 *
 * Adds a step at the end, defines its signals where they are missing and connects its action and
 * its undo as their default handlers.
 *
 * Returns: %TRUE when it is added; %FALSE with %HOOKRUN_ERROR_EXISTS for a name that is taken,
 *   %HOOKRUN_ERROR_INVALID for a malformed signal name, %HOOKRUN_ERROR_CONFLICT when steps share a
 *   signal but not the action's id
 *
 * Since: 1.0
 */
gboolean
hookrun_pipeline_add_step (HookrunPipeline *self, HookrunStep *step, GError **error)
{
  g_return_val_if_fail (HOOKRUN_IS_PIPELINE (self) && HOOKRUN_IS_STEP (step), FALSE);
  if (!check_name (self, step, error) || !ensure_turns (self, error))
    return FALSE;
  g_ptr_array_add (self->steps, g_object_ref (step));
  for (HookrunPhase phase = HOOKRUN_PHASE_BEFORE; phase < HOOKRUN_N_PHASES; phase++) {
    HookrunSignal *signal = ensure_signal (
        self, step->signals[phase],
        phase == HOOKRUN_PHASE_UNDO ? HOOKRUN_SIGNAL_COLLECT_ERRORS : HOOKRUN_SIGNAL_NONE, error);

    if (signal != NULL && connect_default (self, step, phase, signal, error))
      continue;
    g_ptr_array_remove_index (self->steps, self->steps->len - 1);
    g_prefix_error (error, "step \"%s\": ", step->name);
    return FALSE;
  }
  return TRUE;
}

/**
 * hookrun_pipeline_get_state:
 * @self: a pipeline
 *
 * Gets how its last run ended. From any thread.
 *
 * Returns: the state; %HOOKRUN_RUN_NONE before the first run has ended
 *
 * Since: 1.0
 */
HookrunRunState
hookrun_pipeline_get_state (HookrunPipeline *self)
{
  HookrunRunState state;

  g_return_val_if_fail (HOOKRUN_IS_PIPELINE (self), HOOKRUN_RUN_NONE);
  g_mutex_lock (&self->lock);
  state = self->state;
  g_mutex_unlock (&self->lock);
  return state;
}

/**
 * hookrun_pipeline_get_status:
 * @self: a pipeline
 *
 * Gets how its last run ended, as [method@Hookrun.Journal.get_status] tells it; also for a run
 * without a journal. From any thread.
 *
 * Returns: (transfer full) (nullable): a JSON object; %NULL before the first run has ended
 *
 * Since: 1.0
 */
JsonNode *
hookrun_pipeline_get_status (HookrunPipeline *self)
{
  JsonNode *status;

  g_return_val_if_fail (HOOKRUN_IS_PIPELINE (self), NULL);
  g_mutex_lock (&self->lock);
  status = self->status == NULL ? NULL : json_node_copy (self->status);
  g_mutex_unlock (&self->lock);
  return status;
}
