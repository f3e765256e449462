/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hookrun-module: options, presentation and exit status around modules in a sandbox. The work is in
 * the library; no code of a module runs in this process.
 */
#include <errno.h>
#include <hookrun.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "learn.h"
#include "tool-interrupt.h"

static gboolean
is_command (const char *word, gboolean *takes_program)
{
  const ModuleCommand *command = module_command_lookup (word);

  if (command != NULL)
    *takes_program = command->takes_program;
  return command != NULL;
}

static gboolean
check_words (const ModuleCommand *command, char **words, GError **error)
{
  guint n_words = g_strv_length (words);

  if (n_words >= command->min_words && n_words <= command->max_words)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "%s; usage: hookrun-module %s",
               n_words < command->min_words ? "something is missing" : "there is a word too many",
               command->usage);
  return FALSE;
}

static ToolExit
run_words (ModuleContext *context, GError **error)
{
  const ModuleOptions *options = context->options;
  const ModuleCommand *command =
      options->command != NULL ? module_command_lookup (options->command) : NULL;

  if (command != NULL)
    return check_words (command, options->words, error) ? command->run (context, error)
                                                        : TOOL_EXIT_USAGE;
  return options->words[1] == NULL ? module_show (context, error) : module_operate (context, error);
}

/* What runs left that were killed, is put right first. */
static gboolean
recover (HookrunModulePath *path, GError **error)
{
  const char *folder = hookrun_module_path_get_state_folder (path);
  g_autofree char *staging_folder = g_build_filename (folder, ".staging", NULL);
  g_autoptr (HookrunStaging) staging = NULL;
  g_autoptr (GError) problem = NULL;

  hookrun_module_path_sweep (path);
  if (!g_file_test (staging_folder, G_FILE_TEST_IS_DIR))
    return TRUE;
  staging = hookrun_module_path_open_staging (path, error);
  if (staging == NULL || hookrun_staging_recover (staging, &problem))
    return staging != NULL;
  if (g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT))
    g_set_error (error, problem->domain, problem->code, "%s: hookrun-module abandon",
                 problem->message);
  else
    g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

static ToolExit
run (char **argv, const LearnTrial *trial, GError **error)
{
  g_autoptr (ModuleOptions) options = module_options_new ();
  g_autoptr (HookrunRegistry) registry = NULL;
  g_autoptr (HookrunModulePath) path = NULL;
  g_auto (GStrv) folders = NULL;
  ModuleContext context = {.options = options, .argv = argv, .trial = trial};
  ToolExit status;

  if (!module_options_parse (options, argv, is_command, error))
    return TOOL_EXIT_USAGE;
  if (options->version || options->help) {
    g_autofree char *text = options->help
                                ? module_options_get_help ()
                                : g_strdup_printf ("hookrun-module %s\n", hookrun_get_version ());

    g_print ("%s", text);
    return TOOL_EXIT_DONE;
  }
  if (options->command == NULL && options->words[0] == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "say what to do: a command or the name of a module; see hookrun-module --help");
    return TOOL_EXIT_USAGE;
  }
  folders = options->path != NULL ? g_strsplit (options->path, ":", -1) : NULL;
  path = hookrun_module_path_new ((const char *const *)folders, NULL, NULL);
  registry = hookrun_registry_new ();
  context.path = path;
  context.registry = registry;
  context.cancellable = tool_interrupt_start ();
  if (g_strcmp0 (options->command, "abandon") != 0 && !recover (path, error))
    return TOOL_EXIT_FAILED;
  status = run_words (&context, error);
  g_clear_object (&context.engine);
  return status;
}

/* A result that could not be written is none. */
static gboolean
flush_output (void)
{
  if (fflush (stdout) == 0 && !ferror (stdout))
    return TRUE;
  tool_print_message ("cannot write to standard output: %s", g_strerror (errno));
  return FALSE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  ToolExit status;
  ToolExit by_error;
  g_autoptr (LearnTrial) trial = NULL;

  /* Output that nobody reads any more is lost, and nothing else; what is started gets the default
   * back. */
  signal (SIGPIPE, SIG_IGN);
  setlocale (LC_ALL, "");
  g_set_prgname ("hookrun-module");
  if (!learn_trial_take (&argv, &trial, &error)) {
    tool_print_error (error);
    return HOOKRUN_EXIT_NOT_CONFINED;
  }
  status = run (argv, trial, &error);
  if (error == NULL)
    return flush_output () || status != TOOL_EXIT_DONE ? (int)status : TOOL_EXIT_FAILED;
  tool_print_error (error);
  if (tool_interrupt_signal () != 0)
    return TOOL_EXIT_INTERRUPTED;
  by_error = tool_exit_for_error (error);
  return (int)(status == TOOL_EXIT_FAILED ? by_error : status);
}
