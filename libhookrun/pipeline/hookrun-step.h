/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One step of a pipeline: the names of its signals, what it does, how that is undone, and how to
 * see after a crash whether it was done.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-registry.h"

G_BEGIN_DECLS

/**
 * HookrunStepFlags:
 * @HOOKRUN_STEP_NONE: nothing special
 * @HOOKRUN_STEP_COMMIT: the commit point: once its action is done the run only goes forward. When
 *   its action fails, its probe is asked whether it was done nevertheless
 * @HOOKRUN_STEP_IRREVERSIBLE: what it does cannot be undone; a rollback over it says so and is
 *   incomplete
 * @HOOKRUN_STEP_ALWAYS: runs on every way out: in its place when all goes well, after the rollback
 *   (or the stop) otherwise
 * @HOOKRUN_STEP_TRANSIENT: its effect dies with the process (a lock, a connection): a resumed run
 *   or a rollback in a new process executes it again, without its hooks
 * @HOOKRUN_STEP_RECHECK: what it did may be taken back by others meanwhile: a resumed run asks its
 *   probe again and executes it, without its hooks, when it is not done; a rollback does not
 * @HOOKRUN_STEP_UNDO_REPLACED: its undo also runs when a handler took the place of its action
 *
 * Properties of a step.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_STEP_NONE = 0,
  HOOKRUN_STEP_COMMIT = 1 << 0,
  HOOKRUN_STEP_IRREVERSIBLE = 1 << 1,
  HOOKRUN_STEP_ALWAYS = 1 << 2,
  HOOKRUN_STEP_TRANSIENT = 1 << 3,
  HOOKRUN_STEP_UNDO_REPLACED = 1 << 4,
  HOOKRUN_STEP_RECHECK = 1 << 5,
} HookrunStepFlags;

/**
 * HookrunStepState:
 * @HOOKRUN_STEP_STATE_PENDING: not begun
 * @HOOKRUN_STEP_STATE_RUNNING: begun; after a crash: its hooks or action may have run in part
 * @HOOKRUN_STEP_STATE_DONE: done
 * @HOOKRUN_STEP_STATE_FAILED: failed
 * @HOOKRUN_STEP_STATE_UNDOING: being undone; after a crash: undone in part
 * @HOOKRUN_STEP_STATE_UNDONE: undone
 * @HOOKRUN_STEP_STATE_UNDO_FAILED: not undone: its undo failed, or it cannot be undone
 *
 * What became of a step.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_STEP_STATE_PENDING,
  HOOKRUN_STEP_STATE_RUNNING,
  HOOKRUN_STEP_STATE_DONE,
  HOOKRUN_STEP_STATE_FAILED,
  HOOKRUN_STEP_STATE_UNDOING,
  HOOKRUN_STEP_STATE_UNDONE,
  HOOKRUN_STEP_STATE_UNDO_FAILED,
} HookrunStepState;

#define HOOKRUN_TYPE_STEP_STATE (hookrun_step_state_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_step_state_get_type (void);

/**
 * HookrunStep:
 *
 * A step of a [class@Hookrun.Pipeline]. It is filled before it is added; while its pipeline runs,
 * its functions read the run's data and save state through it, in the thread of the run.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_STEP (hookrun_step_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunStep, hookrun_step, HOOKRUN, STEP, GObject)

/**
 * HookrunStepFunc:
 * @step: the step
 * @user_data: what was given with the function
 * @error: return location for the reason of a failure
 *
 * Executes or undoes a step. It may be called again after a crash in the middle of it, so doing
 * twice must come to the same as doing once: for what is not so by nature, give a probe.
 *
 * Returns: %TRUE when it is done, %FALSE with @error set when not
 *
 * Since: 1.0
 */
typedef gboolean (*HookrunStepFunc) (HookrunStep *step, gpointer user_data, GError **error);

/**
 * HookrunStepProbeFunc:
 * @step: the step
 * @done: (out): whether the action is already done, whole
 * @user_data: what was given with the function
 * @error: return location for an error
 *
 * Looks whether the action of a step is already done; changes nothing. Called when a crash came
 * between intent and done, and when the action of a commit point failed.
 *
 * Returns: %TRUE when @done was set; %FALSE with @error when it cannot be told
 *
 * Since: 1.0
 */
typedef gboolean (*HookrunStepProbeFunc) (HookrunStep *step, gboolean *done, gpointer user_data,
                                          GError **error);

/**
 * HookrunStepDescribeFunc:
 * @step: the step
 * @user_data: what was given with the function
 * @error: return location for an error
 *
 * Says in one line what the action would do, for a dry run; changes nothing.
 *
 * Returns: (transfer full) (nullable): the line, or %NULL with @error set
 *
 * Since: 1.0
 */
typedef char *(*HookrunStepDescribeFunc) (HookrunStep *step, gpointer user_data, GError **error);

/**
 * HookrunStepFuncs:
 * @execute: (nullable): the action; %NULL for a step of hooks only
 * @undo: (nullable): takes the action back, also a half-done one; %NULL when there is nothing to
 *   take back
 * @probe: (nullable): whether the action is done; %NULL counts as "not done"
 * @describe: (nullable): one line for the dry run
 *
 * The functions of a step, as a table for C.
 *
 * Since: 1.0
 */
typedef struct {
  HookrunStepFunc execute;
  HookrunStepFunc undo;
  HookrunStepProbeFunc probe;
  HookrunStepDescribeFunc describe;
} HookrunStepFuncs;

HOOKRUN_AVAILABLE_IN_1_0
HookrunStep *hookrun_step_new (const char *name, HookrunStepFlags flags);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_step_set_signals (HookrunStep *self, const char *before, const char *middle,
                               const char *after, const char *undo);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_step_set_action_id (HookrunStep *self, const char *id);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_step_set_subject (HookrunStep *self, const char *subject);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_step_set_funcs (HookrunStep *self, const HookrunStepFuncs *funcs, gpointer user_data,
                             GDestroyNotify destroy);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_step_set_execute (HookrunStep *self, HookrunStepFunc func, gpointer user_data,
                               GDestroyNotify destroy);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_step_set_undo (HookrunStep *self, HookrunStepFunc func, gpointer user_data,
                            GDestroyNotify destroy);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_step_set_probe (HookrunStep *self, HookrunStepProbeFunc func, gpointer user_data,
                             GDestroyNotify destroy);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_step_set_describe (HookrunStep *self, HookrunStepDescribeFunc func, gpointer user_data,
                                GDestroyNotify destroy);

HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_step_get_name (HookrunStep *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunStepFlags hookrun_step_get_flags (HookrunStep *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_step_get_subject (HookrunStep *self);

/* While the pipeline runs */
HOOKRUN_AVAILABLE_IN_1_0
HookrunData *hookrun_step_get_data (HookrunStep *self);
HOOKRUN_AVAILABLE_IN_1_0
GCancellable *hookrun_step_get_cancellable (HookrunStep *self);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_step_get_state (HookrunStep *self);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_step_save_state (HookrunStep *self, JsonNode *state, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_step_was_replaced (HookrunStep *self);

G_END_DECLS
