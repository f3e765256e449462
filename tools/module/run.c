/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any program in the sandbox of modules: with ROOT, CACHE and TEMP, the user's own streams, and its
 * exit status passed on.
 */
#include "commands.h"

#include <unistd.h>

#include "tool-interrupt.h"

/* As the shell and env(1) have it. */
enum { EXIT_LIMIT = 124, EXIT_NOT_CONFINED = HOOKRUN_EXIT_NOT_CONFINED, EXIT_NOT_FOUND = 127 };

enum { ROOT, CACHE, TEMP, N_FOLDERS };

static const char *const variables[N_FOLDERS] = {"ROOT", "CACHE", "TEMP"};

/* The folders that were not given belong to a state of this run's own, which is thrown away. */
typedef struct {
  HookrunModuleState *state;
  char *folders[N_FOLDERS];
} Place;

static void
place_clear (Place *self)
{
  if (self->state != NULL)
    hookrun_module_state_remove (self->state, NULL);
  g_clear_object (&self->state);
  for (gsize i = 0; i < N_FOLDERS; i++)
    g_free (self->folders[i]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Place, place_clear)

/* A name that begins with "@" is of no module: what a killed run leaves of it is swept. */
static gboolean
make_place (Place *self, ModuleContext *context, GError **error)
{
  const ModuleOptions *options = context->options;
  const char *const given[N_FOLDERS] = {options->root, options->cache, options->temp};
  g_autofree char *name = g_strdup_printf ("@run-%d", (int)getpid ());
  g_autoptr (HookrunModuleState) state = hookrun_module_path_get_state (context->path, name);
  const char *const own[N_FOLDERS] = {hookrun_module_state_get_root (state),
                                      hookrun_module_state_get_cache (state),
                                      hookrun_module_state_get_temp (state)};

  if (!hookrun_module_state_lock (state, error))
    return FALSE;
  self->state = g_object_ref (state);
  for (gsize i = 0; i < N_FOLDERS; i++) {
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

static HookrunPolicy *
make_policy (const Place *place, const ModuleOptions *options, GError **error)
{
  g_autoptr (HookrunPolicy) policy = hookrun_policy_new_base ();
  g_autoptr (HookrunPolicy) more = NULL;

  if (options->policy != NULL) {
    more = hookrun_policy_new_from_file (options->policy, error);
    if (more == NULL)
      return NULL;
    hookrun_policy_add (policy, more);
  }
  if (!hookrun_policy_pass_variable (policy, "PATH", error) || !set_limits (policy, options, error))
    return NULL;
  for (gsize i = 0; i < N_FOLDERS; i++)
    if (!hookrun_policy_grant (policy, place->folders[i], HOOKRUN_ACCESS_ALL, error))
      return NULL;
  return g_steal_pointer (&policy);
}

/* ---- running ---- */

static HookrunLaunch *
make_launch (const Place *place, char **argv)
{
  HookrunLaunch *launch = hookrun_launch_new ((const char *const *)argv);

  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    hookrun_launch_pass_fd (launch, fd, fd);
  for (gsize i = 0; i < N_FOLDERS; i++)
    hookrun_launch_set_variable (launch, variables[i], place->folders[i]);
  hookrun_launch_set_variable (launch, "TMPDIR", place->folders[TEMP]);
  hookrun_launch_set_folder (launch, place->folders[ROOT]);
  return launch;
}

static ToolExit
exit_for_spawn (const GError *problem)
{
  if (g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED))
    return (ToolExit)EXIT_NOT_CONFINED;
  if (g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND))
    return (ToolExit)EXIT_NOT_FOUND;
  return TOOL_EXIT_FAILED;
}

static ToolExit
exit_for_outcome (const HookrunOutcome *outcome)
{
  g_autofree char *words = NULL;

  if (outcome->limit == HOOKRUN_LIMIT_NONE)
    return (ToolExit)(outcome->exited ? outcome->exit_status : 128 + outcome->term_signal);
  words = hookrun_outcome_describe (outcome);
  tool_print_message ("the program %s", words);
  return (ToolExit)EXIT_LIMIT;
}

ToolExit
module_run (ModuleContext *context, GError **error)
{
  g_auto (Place) place = {0};
  g_autoptr (HookrunPolicy) policy = NULL;
  g_autoptr (HookrunSandbox) sandbox = NULL;
  g_autoptr (HookrunLaunch) launch = NULL;
  g_autoptr (HookrunConfined) confined = NULL;
  g_autoptr (HookrunOutcome) outcome = NULL;
  g_autoptr (GError) problem = NULL;

  if (!make_place (&place, context, error))
    return TOOL_EXIT_FAILED;
  policy = make_policy (&place, context->options, error);
  if (policy == NULL)
    return TOOL_EXIT_FAILED;
  sandbox = hookrun_sandbox_new (policy);
  launch = make_launch (&place, context->options->words);
  confined = hookrun_sandbox_spawn (sandbox, launch, &problem);
  if (confined == NULL) {
    ToolExit status = exit_for_spawn (problem);

    g_propagate_error (error, g_steal_pointer (&problem));
    return status;
  }
  outcome = hookrun_confined_wait (confined, context->cancellable, &problem);
  if (outcome != NULL)
    return exit_for_outcome (outcome);
  hookrun_confined_kill (confined);
  g_propagate_error (error, g_steal_pointer (&problem));
  return TOOL_EXIT_FAILED;
}
