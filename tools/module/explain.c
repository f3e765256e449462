/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why was I denied? Runs an operation or a program as ever, observed, and then tells each thing
 * that its policy denied with the one line that allows it, and the file that this line belongs
 * into.
 */
#include "program.h"
#include "report.h"

#include <stdio.h>
#include <unistd.h>

#include "tool-table.h"
#include "tool-terminal.h"

/* ---- where lines go ---- */

static void
print_result (ModuleContext *context, GPtrArray *denials, const char *file, ToolExit status)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (HookrunPolicy) policy = report_collect (denials);
  g_autofree char *text = hookrun_policy_to_json (policy);
  JsonObject *object = json_object_new ();

  json_node_take_object (node, object);
  json_object_set_string_member (object, "event", "explained");
  json_object_set_int_member (object, "denials", denials->len);
  json_object_set_int_member (object, "exit_status", (gint64)status);
  json_object_set_member (object, "policy", json_from_string (text, NULL));
  if (file != NULL)
    json_object_set_string_member (object, "file", file);
  else
    json_object_set_null_member (object, "file");
  tool_print_json (node);
}

/* (transfer full): the file beside a module that says what it asks for. */
static char *
sidecar_of (HookrunOperationSet *set)
{
  g_autofree char *folder = g_path_get_dirname (hookrun_operation_set_get_file (set));
  g_autofree char *name = g_strconcat (hookrun_operation_set_get_name (set), ".json", NULL);

  return g_build_filename (folder, name, NULL);
}

static void
print_advice_for_module (HookrunOperationSet *set, HookrunPolicy *policy, const char *file)
{
  HookrunPolicy *request = hookrun_operation_set_get_request (set);
  g_autoptr (HookrunPolicy) whole =
      request != NULL ? hookrun_policy_copy (request) : hookrun_policy_new ();
  g_autofree char *text = NULL;
  g_autofree char *visible = NULL;

  hookrun_policy_add (whole, policy);
  text = report_policy_text (whole, 2);
  visible = tool_visible (text, TRUE);
  g_print ("\nThe module asks for it with this in %s:\n  \"policy\": %s\n"
           "and gets it with: hookrun-module policy %s --grant\n",
           file, visible, hookrun_operation_set_get_name (set));
}

static void
print_advice_for_program (const ModuleOptions *options, HookrunPolicy *policy)
{
  g_autofree char *text = report_policy_text (policy, 2);
  g_autofree char *visible = tool_visible (text, TRUE);

  if (options->policy != NULL)
    g_print ("\nAdd this to %s:\n  %s\n", options->policy, visible);
  else
    g_print ("\nAllow it with --policy=FILE and this in the file:\n  %s\n", visible);
}

static void
report (ModuleContext *context, HookrunOperationSet *set, GPtrArray *denials, ToolExit status)
{
  const ModuleOptions *options = context->options;
  g_autofree char *file = set != NULL ? sidecar_of (set) : g_strdup (options->policy);
  g_autoptr (HookrunPolicy) policy = report_collect (denials);
  guint matter;

  if (!options->json && set != NULL)
    fflush (stdout);
  matter = report_denials (denials, options->json);
  if (options->json)
    print_result (context, denials, file, status);
  else if (matter == 0)
    g_print ("Nothing was denied.\n");
  else if (!report_is_empty (policy) && set != NULL)
    print_advice_for_module (set, policy, file);
  else if (!report_is_empty (policy))
    print_advice_for_program (options, policy);
}

/* ---- a program ---- */

static ToolExit
explain_program (ModuleContext *context, GError **error)
{
  int output = context->options->json ? STDERR_FILENO : STDOUT_FILENO;
  g_auto (ProgramPlace) place = {0};
  g_autoptr (HookrunPolicy) policy = NULL;
  g_autoptr (HookrunSandbox) sandbox = NULL;
  g_autoptr (HookrunLaunch) launch = NULL;
  g_autoptr (HookrunConfined) confined = NULL;
  g_autoptr (HookrunOutcome) outcome = NULL;
  g_autoptr (GPtrArray) denials = NULL;
  g_autoptr (GError) problem = NULL;
  ToolExit status;

  if (!program_place_make (&place, context, error))
    return TOOL_EXIT_FAILED;
  policy = program_make_policy (&place, context->options, error);
  if (policy == NULL)
    return TOOL_EXIT_FAILED;
  sandbox = hookrun_sandbox_new (policy);
  launch = program_make_launch (&place, context->options->words, output);
  hookrun_launch_observe (launch, NULL);
  confined = hookrun_sandbox_spawn (sandbox, launch, &problem);
  if (confined == NULL) {
    status = program_exit_for_spawn (problem);
    g_propagate_error (error, g_steal_pointer (&problem));
    return status;
  }
  if (!program_wait (context, confined, &outcome, error))
    return TOOL_EXIT_FAILED;
  status = program_exit_for_outcome (outcome);
  denials = hookrun_confined_list_denials (confined);
  report (context, NULL, denials, status);
  return status;
}

/* ---- an operation ---- */

static void
on_output (HookrunOperationRun *run, gboolean is_error, const char *line, gpointer user_data)
{
  const ModuleContext *context = user_data;
  g_autofree char *visible = tool_visible (line, TRUE);
  FILE *stream = is_error || context->options->json ? stderr : stdout;

  fprintf (stream, "%s\n", visible);
  fflush (stream);
}

/* What it wants to change is looked at by nobody here: nothing is changed. */
static void
discard (HookrunOperationRun *run)
{
  GPtrArray *changes = hookrun_operation_run_get_changes (run);

  if (changes->len > 0)
    tool_print_message ("what it asked to change is not changed: this only explains");
}

static ToolExit
explain_operation (ModuleContext *context, GError **error)
{
  char **words = context->options->words;
  g_autoptr (HookrunOperationSet) set =
      hookrun_module_path_find (context->path, words[0], context->cancellable, error);
  HookrunOperation *operation =
      set != NULL ? hookrun_operation_set_find (set, words[1], error) : NULL;
  g_autoptr (HookrunOperationRun) run = NULL;
  g_autoptr (JsonNode) arguments = NULL;
  g_autoptr (GPtrArray) denials = NULL;
  g_autoptr (GError) problem = NULL;

  if (operation == NULL)
    return TOOL_EXIT_FAILED;
  arguments = hookrun_operation_bind (operation, (const char *const *)words + 2, error);
  if (arguments == NULL)
    return TOOL_EXIT_USAGE;
  run = hookrun_operation_run_new (context->path, set, words[1], context->registry, error);
  if (run == NULL || !hookrun_operation_run_set_arguments (run, arguments, error))
    return TOOL_EXIT_FAILED;
  hookrun_operation_run_observe (run, NULL, FALSE);
  g_signal_connect (run, "output", G_CALLBACK (on_output), context);
  hookrun_operation_run_execute (run, context->cancellable, &problem);
  denials = hookrun_operation_run_list_denials (run);
  discard (run);
  if (hookrun_operation_run_get_outcome (run) != NULL)
    report (context, set, denials, problem == NULL ? TOOL_EXIT_DONE : TOOL_EXIT_FAILED);
  if (problem == NULL)
    return TOOL_EXIT_DONE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return TOOL_EXIT_FAILED;
}

ToolExit
module_explain (ModuleContext *context, GError **error)
{
  const ModuleOptions *options = context->options;

  if (options->has_program)
    return explain_program (context, error);
  if (options->words[1] != NULL)
    return explain_operation (context, error);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "say what is to be explained: MODULE OPERATION [ARGS…], or -- PROGRAM [ARGS…]");
  return TOOL_EXIT_USAGE;
}
