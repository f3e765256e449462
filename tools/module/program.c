/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any program in the sandbox of modules: with ROOT, CACHE and TEMP, the user's own streams, and its
 * exit status passed on.
 */
#include "program.h"

#include <unistd.h>

/* As the shell and env(1) have it. */
enum { EXIT_LIMIT = 124, EXIT_NOT_CONFINED = HOOKRUN_EXIT_NOT_CONFINED, EXIT_NOT_FOUND = 127 };

static const char *const variables[PROGRAM_N_FOLDERS] = {"ROOT", "CACHE", "TEMP"};

void
program_place_clear (ProgramPlace *self)
{
  if (self->state != NULL)
    hookrun_module_state_remove (self->state, NULL);
  g_clear_object (&self->state);
  for (gsize i = 0; i < PROGRAM_N_FOLDERS; i++)
    g_free (self->folders[i]);
}

/* A name that begins with "@" is of no module: what a killed run leaves of it is swept. */
gboolean
program_place_make (ProgramPlace *self, ModuleContext *context, GError **error)
{
  const ModuleOptions *options = context->options;
  const char *const given[PROGRAM_N_FOLDERS] = {options->root, options->cache, options->temp};
  /* Runs that are learned from see the same names each time: each has a world of its own. */
  g_autofree char *name =
      context->trial != NULL ? g_strdup ("@learn") : g_strdup_printf ("@run-%d", (int)getpid ());
  g_autoptr (HookrunModuleState) state = hookrun_module_path_get_state (context->path, name);
  const char *const own[PROGRAM_N_FOLDERS] = {hookrun_module_state_get_root (state),
                                              hookrun_module_state_get_cache (state),
                                              hookrun_module_state_get_temp (state)};

  if (!hookrun_module_state_lock (state, error))
    return FALSE;
  self->state = g_object_ref (state);
  for (gsize i = 0; i < PROGRAM_N_FOLDERS; i++) {
    self->folders[i] = g_canonicalize_filename (given[i] != NULL ? given[i] : own[i], NULL);
    if (g_file_test (self->folders[i], G_FILE_TEST_IS_DIR))
      continue;
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND, "there is no folder \"%s\"",
                 self->folders[i]);
    return FALSE;
  }
  return TRUE;
}

/* ---- the policy ---- */

static gboolean
set_limits (HookrunPolicy *policy, const ModuleOptions *options, GError **error)
{
  for (char **text = options->limits; text != NULL && *text != NULL; text++) {
    HookrunLimit limit;
    guint64 value;

    if (!hookrun_limit_parse (*text, &limit, &value, error))
      return FALSE;
    hookrun_policy_set_limit (policy, limit, value);
  }
  return TRUE;
}

HookrunPolicy *
program_make_base (const ProgramPlace *place, const ModuleOptions *options, GError **error)
{
  g_autoptr (HookrunPolicy) policy = hookrun_policy_new_base ();

  if (!hookrun_policy_pass_variable (policy, "PATH", error) || !set_limits (policy, options, error))
    return NULL;
  for (gsize i = 0; i < PROGRAM_N_FOLDERS; i++)
    if (!hookrun_policy_grant (policy, place->folders[i], HOOKRUN_ACCESS_ALL, error))
      return NULL;
  return g_steal_pointer (&policy);
}

/* What the command line says last, counts. */
HookrunPolicy *
program_make_policy (const ProgramPlace *place, const ModuleOptions *options, GError **error)
{
  g_autoptr (HookrunPolicy) policy = program_make_base (place, options, error);
  g_autoptr (HookrunPolicy) more = NULL;

  if (policy == NULL || options->policy == NULL)
    return g_steal_pointer (&policy);
  more = hookrun_policy_new_from_file (options->policy, error);
  if (more == NULL)
    return NULL;
  hookrun_policy_add (policy, more);
  return set_limits (policy, options, error) ? g_steal_pointer (&policy) : NULL;
}

/* ---- running ---- */

HookrunLaunch *
program_make_launch (const ProgramPlace *place, char **argv, int output)
{
  HookrunLaunch *launch = hookrun_launch_new ((const char *const *)argv);

  hookrun_launch_pass_fd (launch, STDIN_FILENO, STDIN_FILENO);
  hookrun_launch_pass_fd (launch, output, STDOUT_FILENO);
  hookrun_launch_pass_fd (launch, STDERR_FILENO, STDERR_FILENO);
  for (gsize i = 0; i < PROGRAM_N_FOLDERS; i++)
    hookrun_launch_set_variable (launch, variables[i], place->folders[i]);
  hookrun_launch_set_variable (launch, "TMPDIR", place->folders[PROGRAM_TEMP]);
  hookrun_launch_set_folder (launch, place->folders[PROGRAM_ROOT]);
  return launch;
}

gboolean
program_wait (ModuleContext *context, HookrunConfined *confined, HookrunOutcome **outcome,
              GError **error)
{
  *outcome = hookrun_confined_wait (confined, context->cancellable, error);
  if (*outcome == NULL)
    hookrun_confined_kill (confined);
  return *outcome != NULL;
}

ToolExit
program_exit_for_spawn (const GError *problem)
{
  if (g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED))
    return (ToolExit)EXIT_NOT_CONFINED;
  if (g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND))
    return (ToolExit)EXIT_NOT_FOUND;
  return TOOL_EXIT_FAILED;
}

ToolExit
program_exit_for_outcome (const HookrunOutcome *outcome)
{
  g_autofree char *words = NULL;

  if (outcome->limit == HOOKRUN_LIMIT_NONE)
    return (ToolExit)(outcome->exited ? outcome->exit_status : 128 + outcome->term_signal);
  words = hookrun_outcome_describe (outcome);
  tool_print_message ("the program %s", words);
  return (ToolExit)EXIT_LIMIT;
}
