/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One run of one operation: takes the module's state, emits the signals around the program, and
 * keeps what it asks to change until the user has answered.
 */
#include "hookrun-operation-run-private.h"

#include <fcntl.h>

#include "hookrun-file-private.h"

#define UPDATE "update"

G_DEFINE_FINAL_TYPE (HookrunOperationRun, hookrun_operation_run, G_TYPE_OBJECT)

static void
hookrun_operation_run_finalize (GObject *object)
{
  HookrunOperationRun *self = HOOKRUN_OPERATION_RUN (object);

  g_clear_object (&self->path);
  g_clear_object (&self->set);
  g_clear_pointer (&self->operation, hookrun_operation_unref);
  g_clear_object (&self->stage);
  g_clear_pointer (&self->changes, g_ptr_array_unref);
  g_clear_object (&self->staging);
  g_clear_object (&self->state);
  g_clear_object (&self->registry);
  g_clear_pointer (&self->arguments, json_node_unref);
  g_clear_pointer (&self->data, hookrun_data_unref);
  g_clear_pointer (&self->outcome, hookrun_outcome_free);
  g_clear_pointer (&self->trial, hookrun_policy_unref);
  g_clear_pointer (&self->denials, g_ptr_array_unref);
  g_clear_object (&self->cancellable);
  g_clear_error (&self->problem);
  g_free (self->doing);
  G_OBJECT_CLASS (hookrun_operation_run_parent_class)->finalize (object);
}

static void
hookrun_operation_run_class_init (HookrunOperationRunClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hookrun_operation_run_finalize;

  /**
   * HookrunOperationRun::output:
   * @self: the run
   * @is_error: whether it came from standard error
   * @line: one line without its newline, UTF-8; a stranger's text with any control characters
   *
   * The program wrote a line.
   *
   * Since: 1.0
   */
  g_signal_new ("output", HOOKRUN_TYPE_OPERATION_RUN, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 2, G_TYPE_BOOLEAN, G_TYPE_STRING);
}

static void
hookrun_operation_run_init (HookrunOperationRun *self)
{
  self->changes = g_ptr_array_new_with_free_func (g_object_unref);
}

/**
 * hookrun_operation_run_new:
 * @path: the module path that the module is from
 * @set: the module
 * @operation: the name of an operation
 * @registry: (nullable): where the signals are emitted, or %NULL for one of the run's own
 * @error: return location for an error
 *
 * Makes a run of an operation without arguments.
 *
 * Returns: (transfer full) (nullable): a new run; %NULL with the errors of
 *   [method@Hookrun.OperationSet.find]
 *
 * Since: 1.0
 */
HookrunOperationRun *
hookrun_operation_run_new (HookrunModulePath *path, HookrunOperationSet *set, const char *operation,
                           HookrunRegistry *registry, GError **error)
{
  HookrunOperationRun *self;
  HookrunOperation *found;

  g_return_val_if_fail (HOOKRUN_IS_MODULE_PATH (path) && HOOKRUN_IS_OPERATION_SET (set), NULL);
  found = hookrun_operation_set_find (set, operation, error);
  if (found == NULL)
    return NULL;
  self = g_object_new (HOOKRUN_TYPE_OPERATION_RUN, NULL);
  self->path = g_object_ref (path);
  self->set = g_object_ref (set);
  self->operation = hookrun_operation_ref (found);
  self->registry = registry != NULL ? g_object_ref (registry) : hookrun_registry_new ();
  self->state = hookrun_module_path_get_state (path, set->name);
  self->arguments = json_node_new (JSON_NODE_OBJECT);
  json_node_take_object (self->arguments, json_object_new ());
  return self;
}

/**
 * hookrun_operation_run_set_arguments:
 * @self: a run
 * @arguments: a JSON object, as [method@Hookrun.Operation.bind] gives it
 * @error: return location for an error
 *
 * Sets the arguments of the operation.
 *
 * Returns: %TRUE on success; %FALSE with %HOOKRUN_ERROR_INVALID
 *
 * Since: 1.0
 */
gboolean
hookrun_operation_run_set_arguments (HookrunOperationRun *self, JsonNode *arguments, GError **error)
{
  g_return_val_if_fail (HOOKRUN_IS_OPERATION_RUN (self) && arguments != NULL, FALSE);
  if (!hookrun_operation_check (self->operation, arguments, error))
    return FALSE;
  json_node_unref (self->arguments);
  self->arguments = json_node_copy (arguments);
  return TRUE;
}

/**
 * hookrun_operation_run_observe:
 * @self: a run
 * @trial: (nullable): what it may do beyond its own folders, in place of what it asks for and was
 *   granted, for this run only; copied
 * @measures: whether what @trial allows is told, too, as far as the module's own folders are not
 *   meant
 *
 * Has the program observed while it runs, to tell afterwards what was denied: see
 * [method@Hookrun.OperationRun.list_denials]. With @trial and @measures a policy is learned.
 *
 * Since: 1.0
 */
void
hookrun_operation_run_observe (HookrunOperationRun *self, HookrunPolicy *trial, gboolean measures)
{
  g_return_if_fail (HOOKRUN_IS_OPERATION_RUN (self));
  g_clear_pointer (&self->trial, hookrun_policy_unref);
  self->trial = trial != NULL ? hookrun_policy_copy (trial) : NULL;
  self->is_observed = TRUE;
  self->measures = measures;
}

/**
 * hookrun_operation_run_list_denials:
 * @self: a run
 *
 * Lists what the policy denied to the program of a run that was observed, each thing once.
 *
 * Returns: (transfer full) (element-type HookrunDenial): what was denied; empty before the run
 *
 * Since: 1.0
 */
GPtrArray *
hookrun_operation_run_list_denials (HookrunOperationRun *self)
{
  GPtrArray *copy;

  g_return_val_if_fail (HOOKRUN_IS_OPERATION_RUN (self), NULL);
  copy = g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_denial_free);
  for (guint i = 0; self->denials != NULL && i < self->denials->len; i++)
    g_ptr_array_add (copy, hookrun_denial_copy (g_ptr_array_index (self->denials, i)));
  return copy;
}

static HookrunVerdict
run_default (HookrunEvent *event, gpointer user_data)
{
  HookrunOperationRun *self = user_data;
  GError *problem = NULL;

  if (hookrun_operation_run_program (self, &problem))
    return HOOKRUN_HANDLED;
  self->problem = g_error_copy (problem);
  return hookrun_event_take_error (event, problem);
}

/* What it wrote into its stage becomes changes that nothing can alter any more. */
static gboolean
freeze (HookrunOperationRun *self, GError **error)
{
  GPtrArray *changes;

  if (self->stage == NULL)
    return TRUE;
  changes = hookrun_stage_freeze (self->stage, error);
  if (changes == NULL)
    return FALSE;
  g_ptr_array_unref (self->changes);
  self->changes = changes;
  return TRUE;
}

static gboolean
run_locked (HookrunOperationRun *self, GError **error)
{
  g_autofree char *folder =
      g_build_filename (hookrun_module_state_get_folder (self->state), "stage", NULL);
  gboolean ok;

  self->data = hookrun_operation_run_make_data (self, error);
  if (self->data == NULL)
    return FALSE;
  ok = hookrun_operation_run_emit_all (self, run_default, error) && freeze (self, error);
  g_clear_object (&self->stage);
  hookrun_file_remove_tree_at (AT_FDCWD, folder, NULL);
  return ok;
}

/* An update counts as failed from its beginning on, so that one that was killed is tried again. */
static gboolean
run_update (HookrunOperationRun *self, GError **error)
{
  g_autoptr (GError) problem = NULL;

  if (!hookrun_module_state_set_failure (self->state, "it was cut off", error))
    return FALSE;
  if (run_locked (self, &problem))
    return hookrun_module_state_set_failure (self->state, NULL, error);
  hookrun_module_state_set_failure (self->state, problem->message, NULL);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/**
 * hookrun_operation_run_execute:
 * @self: a run
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Runs the operation: takes the module's lock, emits `module.NAME.OP.before`, `module.NAME.OP` with
 * the program in its sandbox as the default action, and `module.NAME.OP.after`. What the program
 * wants to change is in [method@Hookrun.OperationRun.get_changes] afterwards; after a failure there
 * is nothing. Waits in the calling thread.
 *
 * Returns: %TRUE on success; %FALSE with %HOOKRUN_ERROR_BUSY when another run holds the module,
 *   %HOOKRUN_ERROR_PERMISSION when it asks for what was not granted, %HOOKRUN_ERROR_UNSUPPORTED
 * when this system cannot keep a promise of its policy, %HOOKRUN_ERROR_LIMIT,
 * %HOOKRUN_ERROR_COMMAND when it gave another status than 0, %HOOKRUN_ERROR_CRASHED with signal and
 * stage, %HOOKRUN_ERROR_PROTOCOL, %HOOKRUN_ERROR_CANCELLED, or %HOOKRUN_ERROR_HANDLER
 *
 * Since: 1.0
 */
gboolean
hookrun_operation_run_execute (HookrunOperationRun *self, GCancellable *cancellable, GError **error)
{
  gboolean ok;

  g_return_val_if_fail (HOOKRUN_IS_OPERATION_RUN (self) && !self->is_done, FALSE);
  self->is_done = TRUE;
  g_set_object (&self->cancellable, cancellable);
  if (!hookrun_operation_check (self->operation, self->arguments, error) ||
      !hookrun_module_state_lock (self->state, error))
    return FALSE;
  ok = g_str_equal (hookrun_operation_get_name (self->operation), UPDATE)
           ? run_update (self, error)
           : run_locked (self, error);
  hookrun_module_state_unlock (self->state);
  return ok;
}

/**
 * hookrun_operation_run_get_outcome:
 * @self: a run
 *
 * Gets how the program ended and what it used.
 *
 * Returns: (transfer none) (nullable): the outcome, or %NULL when no program was run
 *
 * Since: 1.0
 */
HookrunOutcome *
hookrun_operation_run_get_outcome (HookrunOperationRun *self)
{
  g_return_val_if_fail (HOOKRUN_IS_OPERATION_RUN (self), NULL);
  return self->outcome;
}

/**
 * hookrun_operation_run_get_staging:
 * @self: a run
 *
 * Gets where its changes are settled; see [method@Hookrun.Staging.settle].
 *
 * Returns: (transfer none) (nullable): the staging, or %NULL when no program was run
 *
 * Since: 1.0
 */
HookrunStaging *
hookrun_operation_run_get_staging (HookrunOperationRun *self)
{
  g_return_val_if_fail (HOOKRUN_IS_OPERATION_RUN (self), NULL);
  return self->staging;
}

/**
 * hookrun_operation_run_get_changes:
 * @self: a run
 *
 * Gets the changes of files that the operation asks for. Those that change nothing are not among
 * them.
 *
 * Returns: (transfer none) (element-type HookrunStagedChange): the changes
 *
 * Since: 1.0
 */
GPtrArray *
hookrun_operation_run_get_changes (HookrunOperationRun *self)
{
  g_return_val_if_fail (HOOKRUN_IS_OPERATION_RUN (self), NULL);
  return self->changes;
}
