/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command that runs any program in the sandbox of modules. */
#include "program.h"

#include <unistd.h>

#include "tool-terminal.h"

/* Its own words went past us, so a person is told where to look, and a script is not. */
static void
hint (const ModuleContext *context, const HookrunOutcome *outcome)
{
  if (!outcome->exited || outcome->exit_status == 0 || context->options->quiet ||
      !isatty (STDERR_FILENO))
    return;
  tool_print_message ("it exited with status %d; what it was denied tells: hookrun-module explain "
                      "with the same words",
                      outcome->exit_status);
}

ToolExit
module_run (ModuleContext *context, GError **error)
{
  g_auto (ProgramPlace) place = {0};
  g_autoptr (HookrunPolicy) policy = NULL;
  g_autoptr (HookrunSandbox) sandbox = NULL;
  g_autoptr (HookrunLaunch) launch = NULL;
  g_autoptr (HookrunConfined) confined = NULL;
  g_autoptr (HookrunOutcome) outcome = NULL;
  g_autoptr (GError) problem = NULL;

  if (!program_place_make (&place, context, error))
    return TOOL_EXIT_FAILED;
  policy = program_make_policy (&place, context->options, error);
  if (policy == NULL)
    return TOOL_EXIT_FAILED;
  sandbox = hookrun_sandbox_new (policy);
  launch = program_make_launch (&place, context->options->words, STDOUT_FILENO);
  confined = hookrun_sandbox_spawn (sandbox, launch, &problem);
  if (confined == NULL) {
    ToolExit status = program_exit_for_spawn (problem);

    g_propagate_error (error, g_steal_pointer (&problem));
    return status;
  }
  if (!program_wait (context, confined, &outcome, error))
    return TOOL_EXIT_FAILED;
  hint (context, outcome);
  return program_exit_for_outcome (outcome);
}
