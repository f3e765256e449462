/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hookrun-deploy: options, presentation and exit status around a HookrunDeployment. The work is in
 * the library.
 */
#include <errno.h>
#include <fcntl.h>
#include <hookrun.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "report.h"
#include "tool-interrupt.h"

/* Loads the project and, where a host is known, the plugins: they add to the command line. */
static gboolean
load (DeployCommandContext *context, const DeployOptions *options, GError **error)
{
  context->project = hookrun_project_load (options->project, error);
  if (context->project == NULL)
    return FALSE;
  if (options->host == NULL)
    return TRUE;
  context->deployment = hookrun_deployment_new (context->project, options->host, error);
  if (context->deployment == NULL)
    return FALSE;
  report_warnings (context->deployment);
  hookrun_deployment_set_modules (context->deployment, (const char *const *)options->modules);
  hookrun_deployment_set_config (context->deployment, options->config);
  hookrun_deployment_set_release (context->deployment, options->release);
  hookrun_deployment_set_force (context->deployment, (const char *const *)options->force);
  return TRUE;
}

/* --help lists the options of the plugins in use as far as the project tells which these are. */
static ToolExit
print_help (const DeployOptions *options)
{
  g_autoptr (HookrunProject) project = hookrun_project_load (options->project, NULL);
  g_autoptr (HookrunDeployment) deployment = NULL;
  g_autoptr (JsonNode) plugin_options = NULL;
  g_autofree char *text = NULL;
  const char *host = options->host;

  if (project != NULL && host == NULL)
    host = hookrun_project_get_hosts (project)[0];
  if (project != NULL && host != NULL)
    deployment = hookrun_deployment_new (project, host, NULL);
  if (deployment != NULL) {
    hookrun_deployment_set_modules (deployment, (const char *const *)options->modules);
    plugin_options = hookrun_deployment_list_options (deployment, NULL);
  }
  text = deploy_options_get_help (plugin_options);
  g_print ("%s", text);
  return TOOL_EXIT_DONE;
}

static void
set_trace_error (const char *path, int problem, GError **error)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_IO, "cannot write the trace to \"%s\": %s", path,
               g_strerror (problem));
}

/* What is there is written to and never replaced: it may be a device or a pipe, which must have a
 * reader already. */
static int
open_trace (const char *path, GError **error)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);

  if (fd >= 0 && fcntl (fd, F_SETFL, O_WRONLY) == 0)
    return fd;
  set_trace_error (path, errno, error);
  if (fd >= 0)
    close (fd);
  return -1;
}

/* Closes @fd. */
static gboolean
write_trace (HookrunDeployment *deployment, int fd, const char *path, GError **error)
{
  g_autofree char *text =
      hookrun_registry_stop_trace (hookrun_deployment_get_registry (deployment));
  FILE *stream = fdopen (fd, "w");
  gboolean ok = stream != NULL && fputs (text, stream) >= 0;

  if (stream == NULL)
    close (fd);
  else if (fclose (stream) != 0)
    ok = FALSE;
  if (!ok)
    set_trace_error (path, errno, error);
  return ok;
}

/* Runs @command and traces it, when that is wanted. */
static ToolExit
run_traced (const DeployCommand *command, const DeployCommandContext *context, GError **error)
{
  const char *path = context->options->trace;
  int fd = path != NULL ? open_trace (path, error) : -1;
  ToolExit status;

  if (path != NULL && fd < 0)
    return TOOL_EXIT_USAGE;
  if (path == NULL || context->deployment == NULL) {
    if (fd >= 0)
      close (fd);
    return command->run (context, error);
  }
  hookrun_registry_start_trace (hookrun_deployment_get_registry (context->deployment));
  status = command->run (context, error);
  if (!write_trace (context->deployment, fd, path, status == TOOL_EXIT_DONE ? error : NULL))
    status = status == TOOL_EXIT_DONE ? TOOL_EXIT_FAILED : status;
  return status;
}

/* Plugins are asked for their options only when there are words that are not our own: a worker
 * must be started for that. */
static gboolean
parse_strictly (const DeployCommand *command, DeployCommandContext *context, DeployOptions *options,
                char **argv, GError **error)
{
  g_autoptr (JsonNode) plugin_options = NULL;

  if (!command->needs_plugins || context->deployment == NULL)
    return deploy_options_parse (options, argv, NULL, error);
  if (deploy_options_parse (options, argv, NULL, NULL))
    return TRUE;
  plugin_options = hookrun_deployment_list_options (context->deployment, error);
  return plugin_options != NULL && deploy_options_parse (options, argv, plugin_options, error);
}

static ToolExit
run_command (const DeployCommand *command, DeployCommandContext *context, DeployOptions *options,
             char **argv, GError **error)
{
  GError *problem = NULL;
  ToolExit status;

  if (!parse_strictly (command, context, options, argv, &problem)) {
    status = tool_exit_for_loading (problem);
    g_propagate_error (error, problem);
    return status;
  }
  if (!g_str_equal (options->command, command->name)) {
    if (deploy_command_lookup (options->command, error) != NULL)
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                   "put the command \"%s\" before options of plugins", options->command);
    return TOOL_EXIT_USAGE;
  }
  if (command->needs_host && context->deployment == NULL) {
    tool_print_message ("no host was given; give one of these with --host:");
    deploy_print_hosts (context->project, options->json);
    return TOOL_EXIT_USAGE;
  }
  if (context->deployment != NULL)
    hookrun_deployment_set_arguments (context->deployment, options->arguments);
  return run_traced (command, context, error);
}

static ToolExit
run (char **argv, GError **error)
{
  g_autoptr (DeployOptions) options = deploy_options_new ();
  g_autoptr (HookrunProject) project = NULL;
  g_autoptr (HookrunDeployment) deployment = NULL;
  DeployCommandContext context = {.options = options};
  const DeployCommand *command;
  ToolExit status;

  if (!deploy_options_scan (options, argv, error))
    return TOOL_EXIT_USAGE;
  if (options->version) {
    g_print ("hookrun-deploy %s\n", hookrun_get_version ());
    return TOOL_EXIT_DONE;
  }
  if (options->help)
    return print_help (options);
  /* The value of a plugin's option may look like a command here; the strict reading tells. */
  command = deploy_command_lookup (options->command, NULL);
  if (command == NULL)
    command = deploy_command_lookup ("deploy", NULL);
  context.cancellable = tool_interrupt_start ();
  if (!load (&context, options, error)) {
    project = context.project;
    return tool_exit_for_loading (*error);
  }
  project = context.project;
  deployment = context.deployment;
  status = run_command (command, &context, options, argv, error);
  return status;
}

static ToolExit
exit_for (ToolExit status, const GError *error)
{
  if (error == NULL)
    return status;
  tool_print_error (error);
  if (tool_interrupt_signal () != 0)
    return TOOL_EXIT_INTERRUPTED;
  return status == TOOL_EXIT_FAILED ? tool_exit_for_error (error) : status;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  ToolExit status;

  /* Output that nobody reads any more is lost, and nothing else; what is started gets the default
   * back. */
  signal (SIGPIPE, SIG_IGN);
  setlocale (LC_ALL, "");
  g_set_prgname ("hookrun-deploy");
  status = run (argv, &error);
  return (int)tool_exit_finish (exit_for (status, error));
}
