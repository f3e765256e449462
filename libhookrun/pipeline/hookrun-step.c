/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One step of a pipeline: a value that is filled before it is added, and its functions' window to
 * the run while that is under way. */
#include "hookrun-step-private.h"
#include "hookrun-job-private.h"
#include "hookrun-patch-private.h"

#include <string.h>

G_DEFINE_FINAL_TYPE (HookrunStep, hookrun_step, G_TYPE_OBJECT)

const char *const hookrun_phase_names[HOOKRUN_N_PHASES] = {"before", "middle", "after", "undo"};

static void
clear_callback (HookrunStepCallback *callback)
{
  if (callback->destroy != NULL)
    callback->destroy (callback->user_data);
  *callback = (HookrunStepCallback){NULL, NULL, NULL};
}

static void
clear_shared (HookrunStep *self)
{
  if (self->shared_destroy != NULL)
    self->shared_destroy (self->shared);
  self->shared = NULL;
  self->shared_destroy = NULL;
}

static void
hookrun_step_finalize (GObject *object)
{
  HookrunStep *self = HOOKRUN_STEP (object);

  for (int i = 0; i < HOOKRUN_STEP_N_FUNCS; i++)
    clear_callback (&self->funcs[i]);
  clear_shared (self);
  for (int i = 0; i < HOOKRUN_N_PHASES; i++)
    g_free (self->signals[i]);
  g_free (self->name);
  g_free (self->action_id);
  g_free (self->subject);
  G_OBJECT_CLASS (hookrun_step_parent_class)->finalize (object);
}

static void
hookrun_step_class_init (HookrunStepClass *class)
{
  G_OBJECT_CLASS (class)->finalize = hookrun_step_finalize;
}

static void
hookrun_step_init (HookrunStep *self)
{
}

/**
 * hookrun_step_new:
 * @name: its name, unique in its pipeline and the same in every version of the program that may
 *   resume a run
 * @flags: its properties
 *
 * Makes a step with the signals `NAME.before`, `NAME.middle`, `NAME.after` and `NAME.undo`, without
 * functions.
 *
 * Returns: (transfer full): the step
 *
 * Since: 1.0
 */
HookrunStep *
hookrun_step_new (const char *name, HookrunStepFlags flags)
{
  HookrunStep *self;

  g_return_val_if_fail (name != NULL && *name != '\0', NULL);
  self = g_object_new (HOOKRUN_TYPE_STEP, NULL);
  self->name = g_strdup (name);
  self->flags = flags;
  for (int i = 0; i < HOOKRUN_N_PHASES; i++)
    self->signals[i] = g_strconcat (name, ".", hookrun_phase_names[i], NULL);
  self->action_id = g_strconcat (name, ".action", NULL);
  return self;
}

/**
 * hookrun_step_set_signals:
 * @self: a step that was not added yet
 * @before: (nullable): name of the signal before the action; %NULL leaves it
 * @middle: (nullable): name of the signal whose default handler is the action; %NULL leaves it
 * @after: (nullable): name of the signal after the action; %NULL leaves it
 * @undo: (nullable): name of the signal whose default handler is the undo; %NULL leaves it
 *
 * Gives the step's signals other names than the usual ones. Steps may share signals: the action
 * that runs is the one of the step that emits.
 *
 * Since: 1.0
 */
void
hookrun_step_set_signals (HookrunStep *self, const char *before, const char *middle,
                          const char *after, const char *undo)
{
  const char *const names[HOOKRUN_N_PHASES] = {before, middle, after, undo};

  g_return_if_fail (HOOKRUN_IS_STEP (self));
  for (int i = 0; i < HOOKRUN_N_PHASES; i++)
    if (names[i] != NULL) {
      g_free (self->signals[i]);
      self->signals[i] = g_strdup (names[i]);
    }
}

/**
 * hookrun_step_set_action_id:
 * @self: a step that was not added yet
 * @id: the handler id of the action, usually `NAME.action`
 *
 * Sets the id that the action has as default handler of the middle signal, which is what plugins
 * name in "before", "after" and "replaces". Steps that share a middle signal share the id. The
 * undo's id is the same with `.undo` in place of `.action`, or with `.undo` added.
 *
 * Since: 1.0
 */
void
hookrun_step_set_action_id (HookrunStep *self, const char *id)
{
  g_return_if_fail (HOOKRUN_IS_STEP (self) && id != NULL);
  g_free (self->action_id);
  self->action_id = g_strdup (id);
}

/**
 * hookrun_step_set_subject:
 * @self: a step that was not added yet
 * @subject: (nullable): the package or module that the step is about
 *
 * Sets for whom its signals are emitted: handlers limited to another subject do not run.
 *
 * Since: 1.0
 */
void
hookrun_step_set_subject (HookrunStep *self, const char *subject)
{
  g_return_if_fail (HOOKRUN_IS_STEP (self));
  g_free (self->subject);
  self->subject = g_strdup (subject);
}

static void
set_callback (HookrunStep *self, HookrunStepFuncKind kind, gpointer func, gpointer user_data,
              GDestroyNotify destroy)
{
  clear_callback (&self->funcs[kind]);
  self->funcs[kind] = (HookrunStepCallback){func, user_data, destroy};
}

/**
 * hookrun_step_set_funcs: (skip)
 * @self: a step that was not added yet
 * @funcs: its functions
 * @user_data: for all of them
 * @destroy: (nullable): frees @user_data with the step
 *
 * Sets all functions at once; the table is copied.
 *
 * Since: 1.0
 */
void
hookrun_step_set_funcs (HookrunStep *self, const HookrunStepFuncs *funcs, gpointer user_data,
                        GDestroyNotify destroy)
{
  g_return_if_fail (HOOKRUN_IS_STEP (self) && funcs != NULL);
  set_callback (self, HOOKRUN_STEP_EXECUTE, funcs->execute, user_data, NULL);
  set_callback (self, HOOKRUN_STEP_UNDO, funcs->undo, user_data, NULL);
  set_callback (self, HOOKRUN_STEP_PROBE, funcs->probe, user_data, NULL);
  set_callback (self, HOOKRUN_STEP_DESCRIBE, funcs->describe, user_data, NULL);
  clear_shared (self);
  self->shared = user_data;
  self->shared_destroy = destroy;
}

/**
 * hookrun_step_set_execute:
 * @self: a step that was not added yet
 * @func: (scope notified) (closure user_data) (destroy destroy): the action
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data
 *
 * Sets what the step does.
 *
 * Since: 1.0
 */
void
hookrun_step_set_execute (HookrunStep *self, HookrunStepFunc func, gpointer user_data,
                          GDestroyNotify destroy)
{
  g_return_if_fail (HOOKRUN_IS_STEP (self));
  set_callback (self, HOOKRUN_STEP_EXECUTE, func, user_data, destroy);
}

/**
 * hookrun_step_set_undo:
 * @self: a step that was not added yet
 * @func: (scope notified) (closure user_data) (destroy destroy): takes the action back
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data
 *
 * Sets how the step is undone. It is called for an action that is done, and for one that failed or
 * was cut off by a crash at any point.
 *
 * Since: 1.0
 */
void
hookrun_step_set_undo (HookrunStep *self, HookrunStepFunc func, gpointer user_data,
                       GDestroyNotify destroy)
{
  g_return_if_fail (HOOKRUN_IS_STEP (self));
  set_callback (self, HOOKRUN_STEP_UNDO, func, user_data, destroy);
}

/**
 * hookrun_step_set_probe:
 * @self: a step that was not added yet
 * @func: (scope notified) (closure user_data) (destroy destroy): whether the action is done
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data
 *
 * Sets how to see whether the action is done.
 *
 * Since: 1.0
 */
void
hookrun_step_set_probe (HookrunStep *self, HookrunStepProbeFunc func, gpointer user_data,
                        GDestroyNotify destroy)
{
  g_return_if_fail (HOOKRUN_IS_STEP (self));
  set_callback (self, HOOKRUN_STEP_PROBE, func, user_data, destroy);
}

/**
 * hookrun_step_set_describe:
 * @self: a step that was not added yet
 * @func: (scope notified) (closure user_data) (destroy destroy): says what the action would do
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data
 *
 * Sets what a dry run says.
 *
 * Since: 1.0
 */
void
hookrun_step_set_describe (HookrunStep *self, HookrunStepDescribeFunc func, gpointer user_data,
                           GDestroyNotify destroy)
{
  g_return_if_fail (HOOKRUN_IS_STEP (self));
  set_callback (self, HOOKRUN_STEP_DESCRIBE, func, user_data, destroy);
}

/**
 * hookrun_step_get_name:
 * @self: a step
 *
 * Gets its name.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
hookrun_step_get_name (HookrunStep *self)
{
  g_return_val_if_fail (HOOKRUN_IS_STEP (self), NULL);
  return self->name;
}

/**
 * hookrun_step_get_flags:
 * @self: a step
 *
 * Gets its properties.
 *
 * Returns: the flags
 *
 * Since: 1.0
 */
HookrunStepFlags
hookrun_step_get_flags (HookrunStep *self)
{
  g_return_val_if_fail (HOOKRUN_IS_STEP (self), HOOKRUN_STEP_NONE);
  return self->flags;
}

/**
 * hookrun_step_get_subject:
 * @self: a step
 *
 * Gets for whom its signals are emitted.
 *
 * Returns: (transfer none) (nullable): the subject
 *
 * Since: 1.0
 */
const char *
hookrun_step_get_subject (HookrunStep *self)
{
  g_return_val_if_fail (HOOKRUN_IS_STEP (self), NULL);
  return self->subject;
}

/**
 * hookrun_step_get_data:
 * @self: a step
 *
 * Gets the payload of the run or dry run that is under way.
 *
 * Returns: (transfer none) (nullable): the data; %NULL outside of a run
 *
 * Since: 1.0
 */
HookrunData *
hookrun_step_get_data (HookrunStep *self)
{
  g_return_val_if_fail (HOOKRUN_IS_STEP (self), NULL);
  return self->job == NULL ? NULL : self->job->data;
}

/**
 * hookrun_step_get_cancellable:
 * @self: a step
 *
 * Gets what a long action follows. While undoing there is none: a cancelled run is put back whole.
 *
 * Returns: (transfer none) (nullable): the cancellable
 *
 * Since: 1.0
 */
GCancellable *
hookrun_step_get_cancellable (HookrunStep *self)
{
  g_return_val_if_fail (HOOKRUN_IS_STEP (self), NULL);
  return self->job == NULL ? NULL : self->job->cancellable;
}

/**
 * hookrun_step_get_state:
 * @self: a step
 *
 * Gets what the action saved, also in another process that resumes or undoes.
 *
 * Returns: (transfer none) (nullable): the state; %NULL when nothing was saved
 *
 * Since: 1.0
 */
JsonNode *
hookrun_step_get_state (HookrunStep *self)
{
  g_return_val_if_fail (HOOKRUN_IS_STEP (self), NULL);
  return self->entry == NULL ? NULL : self->entry->state;
}

/**
 * hookrun_step_save_state:
 * @self: a step whose action, undo or probe is running
 * @state: (transfer none) (nullable): any JSON value; it is copied
 * @error: return location for an error
 *
 * Saves what undoing or resuming needs to know. When it returns it is on disk; so save the name of
 * what you are about to make before you make it. No secrets: the journal is a file.
 *
 * Returns: %TRUE when it is saved; %FALSE with %HOOKRUN_ERROR_NO_SPACE, %HOOKRUN_ERROR_IO or
 *   %HOOKRUN_ERROR_LIMIT when the journal cannot take it: then fail, too
 *
 * Since: 1.0
 */
gboolean
hookrun_step_save_state (HookrunStep *self, JsonNode *state, GError **error)
{
  JsonObject *record;

  g_return_val_if_fail (HOOKRUN_IS_STEP (self) && self->job != NULL && self->entry != NULL, FALSE);
  record = hookrun_job_record ("state", self->name);
  json_object_set_member (record, "state",
                          state == NULL ? json_node_new (JSON_NODE_NULL)
                                        : hookrun_patch_copy_node (state));
  return hookrun_job_write_plain (self->job, record, error);
}

/**
 * hookrun_step_was_replaced:
 * @self: a step of a run under way
 *
 * Tells whether the action itself never began: a handler took its place, or it has not come to it.
 * For its own undo, and for steps after it.
 *
 * Returns: %TRUE when it never began
 *
 * Since: 1.0
 */
gboolean
hookrun_step_was_replaced (HookrunStep *self)
{
  g_return_val_if_fail (HOOKRUN_IS_STEP (self), FALSE);
  return self->entry != NULL && !self->entry->action_begun;
}

char *
hookrun_step_default_id (HookrunStep *self, HookrunPhase phase)
{
  gsize length = strlen (self->action_id);

  if (phase == HOOKRUN_PHASE_MIDDLE)
    return g_strdup (self->action_id);
  if (g_str_has_suffix (self->action_id, ".action"))
    length -= strlen (".action");
  return g_strdup_printf ("%.*s.undo", (int)length, self->action_id);
}

gboolean
hookrun_step_has_func (HookrunStep *self, HookrunStepFuncKind kind)
{
  return self->funcs[kind].func != NULL;
}

/* A function that says FALSE and not why still gives an error. */
static gboolean
require_error (HookrunStep *self, gboolean ok, const char *what, GError **error)
{
  if (!ok && error != NULL && *error == NULL)
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_HANDLER,
                 "the %s of step \"%s\" failed without a reason", what, self->name);
  return ok;
}

gboolean
hookrun_step_call (HookrunStep *self, HookrunStepFuncKind kind, GError **error)
{
  HookrunStepCallback *callback = &self->funcs[kind];
  HookrunStepFunc func = (HookrunStepFunc)callback->func;

  if (func == NULL)
    return TRUE;
  return require_error (self, func (self, callback->user_data, error),
                        kind == HOOKRUN_STEP_UNDO ? "undo" : "action", error);
}

gboolean
hookrun_step_probe (HookrunStep *self, gboolean *done, GError **error)
{
  HookrunStepCallback *callback = &self->funcs[HOOKRUN_STEP_PROBE];
  HookrunStepProbeFunc func = (HookrunStepProbeFunc)callback->func;

  *done = FALSE;
  if (func == NULL)
    return TRUE;
  return require_error (self, func (self, done, callback->user_data, error), "probe", error);
}

char *
hookrun_step_describe (HookrunStep *self, GError **error)
{
  HookrunStepCallback *callback = &self->funcs[HOOKRUN_STEP_DESCRIBE];
  HookrunStepDescribeFunc func = (HookrunStepDescribeFunc)callback->func;
  char *text;

  if (func == NULL)
    return g_strdup (self->name);
  text = func (self, callback->user_data, error);
  require_error (self, text != NULL, "description", error);
  return text;
}
