/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commands of hookrun-deploy, each a row of the table at the end. */
#include "commands.h"

#include "tool-ask.h"
#include "report.h"
#include "tool-table.h"

void
deploy_print_hosts (HookrunProject *project, gboolean json)
{
  for (const char *const *alias = hookrun_project_get_hosts (project); *alias != NULL; alias++) {
    const char *address = hookrun_project_lookup_host (project, *alias, NULL);

    if (json) {
      g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

      json_node_take_object (node, json_object_new ());
      json_object_set_string_member (json_node_get_object (node), "host", *alias);
      json_object_set_string_member (json_node_get_object (node), "address", address);
      tool_print_json (node);
    } else {
      g_print ("%s => %s\n", *alias, address);
    }
  }
}

static ToolExit
run_hosts (const DeployCommandContext *context, GError **error)
{
  deploy_print_hosts (context->project, context->options->json);
  return TOOL_EXIT_DONE;
}

static ToolExit
run_modules (const DeployCommandContext *context, GError **error)
{
  static const char *const columns[] = {"module", "path", "depends", NULL};
  const char *const *wanted = (const char *const *)context->options->modules;
  g_autoptr (GPtrArray) order = NULL;
  g_autoptr (JsonNode) rows = json_node_new (JSON_NODE_ARRAY);

  if (wanted == NULL)
    wanted = hookrun_project_get_modules (context->project);
  order = hookrun_project_get_order (context->project, wanted, error);
  if (order == NULL)
    return TOOL_EXIT_FAILED;
  json_node_take_array (rows, json_array_new ());
  for (guint i = 0; i < order->len; i++) {
    HookrunModule *module = order->pdata[i];
    JsonObject *row = json_object_new ();
    g_autofree char *depends = g_strjoinv (", ", (char **)hookrun_module_get_depends (module));

    json_object_set_string_member (row, "module", hookrun_module_get_name (module));
    json_object_set_string_member (row, "path",
                                   hookrun_module_get_destination (module, context->options->host));
    json_object_set_string_member (row, "depends", depends);
    json_array_add_object_element (json_node_get_array (rows), row);
  }
  report_rows (rows, columns, context->options->json);
  return TOOL_EXIT_DONE;
}

/* @problem is moved to @error. */
static ToolExit
fail_loading (GError *problem, GError **error)
{
  ToolExit status = tool_exit_for_loading (problem);

  g_propagate_error (error, problem);
  return status;
}

static ToolExit
run_handlers (const DeployCommandContext *context, GError **error)
{
  static const char *const columns[] = {"module", "signal", "handler", "owner", "reason", NULL};
  g_autoptr (JsonNode) rows = NULL;
  GError *problem = NULL;

  if (!hookrun_deployment_load_plugins (context->deployment, &problem))
    return fail_loading (problem, error);
  rows = hookrun_deployment_list_handlers (context->deployment, error);
  if (rows == NULL)
    return TOOL_EXIT_FAILED;
  report_rows (rows, columns, context->options->json);
  return TOOL_EXIT_DONE;
}

static ToolExit
run_plugins (const DeployCommandContext *context, GError **error)
{
  g_autoptr (JsonNode) rows = hookrun_deployment_list_plugins (context->deployment, error);

  if (rows == NULL)
    return TOOL_EXIT_FAILED;
  report_plugins (rows, context->options->json);
  return TOOL_EXIT_DONE;
}

/* What is recorded and not so, with what to do. */
static const struct {
  const char *state;
  const char *words;
} differences[] = {
    {"other", "another release is live"},
    {"missing", "it is not live, nothing is"},
    {"astray", "its link \"current\" leads elsewhere; remove that link"},
};

static gboolean
tell_difference (JsonObject *row)
{
  const char *state = json_object_get_string_member (row, "state");

  for (gsize i = 0; i < G_N_ELEMENTS (differences); i++)
    if (g_str_equal (differences[i].state, state)) {
      tool_print_message (
          "module \"%s\": release %s is recorded, but %s (%s); deploy to put that right",
          json_object_get_string_member (row, "module"),
          json_object_get_string_member_with_default (row, "id", "(none)"), differences[i].words,
          json_object_get_string_member (row, "live"));
      return TRUE;
    }
  return FALSE;
}

static ToolExit
run_status (const DeployCommandContext *context, GError **error)
{
  static const char *const columns[] = {"module", "host",  "release",  "config", "version",
                                        "time",   "state", "last_run", NULL};
  ToolExit status = TOOL_EXIT_DONE;
  g_autoptr (JsonNode) rows =
      hookrun_deployment_get_status (context->deployment, context->cancellable, error);

  if (rows == NULL)
    return TOOL_EXIT_FAILED;
  report_rows (rows, columns, context->options->json);
  for (guint i = 0; i < json_array_get_length (json_node_get_array (rows)); i++)
    if (tell_difference (json_array_get_object_element (json_node_get_array (rows), i)))
      status = TOOL_EXIT_FAILED;
  return status;
}

typedef gboolean (*DeploymentFunc) (HookrunDeployment *deployment, GCancellable *cancellable,
                                    GError **error);

static void
disconnect_reports (HookrunDeployment *deployment)
{
  static const char *const names[] = {"progress", "log"};

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    g_signal_handlers_disconnect_matched (deployment, G_SIGNAL_MATCH_ID,
                                          g_signal_lookup (names[i], HOOKRUN_TYPE_DEPLOYMENT), 0,
                                          NULL, NULL, NULL);
}

/* Shows what became of each module; a run that was not there has nothing to show but that. */
static void
show_results (const DeployCommandContext *context, JsonNode *results, gboolean is_run, gboolean ok)
{
  const DeployOptions *options = context->options;
  gboolean nothing = ok && !is_run && report_is_nothing (results);

  if (!nothing || options->json)
    report_results (results, options->json);
}

/* Runs one of the three that change something, shows how it goes, and finds the exit status. */
static ToolExit
run_changing (const DeployCommandContext *context, DeploymentFunc func, GError **error)
{
  const DeployOptions *options = context->options;
  HookrunDeployment *deployment = context->deployment;
  g_autoptr (ToolProgress) progress = tool_progress_new (
      2, options->quiet || options->json ? TOOL_PROGRESS_QUIET : TOOL_PROGRESS_AUTO);
  g_autoptr (JsonNode) results = NULL;
  g_autoptr (GError) problem = NULL;
  gboolean is_run = func == hookrun_deployment_run;
  gboolean was_rolled_back;
  gboolean ok;

  report_connect (deployment, options, progress);
  if (!hookrun_deployment_load_plugins (deployment, &problem)) {
    disconnect_reports (deployment);
    return fail_loading (g_steal_pointer (&problem), error);
  }
  if (tool_can_ask ())
    hookrun_deployment_set_question (deployment, tool_ask_for_target, progress, NULL);
  ok = func (deployment, context->cancellable, &problem);
  hookrun_deployment_set_question (deployment, NULL, NULL, NULL);
  results = hookrun_deployment_get_results (deployment);
  show_results (context, results, is_run, ok);
  disconnect_reports (deployment);
  if (ok && !is_run && report_is_nothing (results))
    tool_print_message ("no run to %s is unfinished: there is nothing to %s", options->host,
                        func == hookrun_deployment_resume ? "resume" : "take back");
  if (ok)
    return TOOL_EXIT_DONE;
  was_rolled_back = report_has_state (results, "rolled-back") &&
                    !g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION);
  g_propagate_error (error, g_steal_pointer (&problem));
  return was_rolled_back ? TOOL_EXIT_ROLLED_BACK : TOOL_EXIT_FAILED;
}

static ToolExit
run_deploy (const DeployCommandContext *context, GError **error)
{
  g_autoptr (JsonNode) plan = NULL;
  GError *problem = NULL;

  if (!context->options->dry_run)
    return run_changing (context, hookrun_deployment_run, error);
  if (!hookrun_deployment_load_plugins (context->deployment, &problem))
    return fail_loading (problem, error);
  plan = hookrun_deployment_plan (context->deployment, context->cancellable, error);
  if (plan == NULL)
    return TOOL_EXIT_FAILED;
  report_plan (plan, context->options->json);
  return TOOL_EXIT_DONE;
}

static ToolExit
run_resume (const DeployCommandContext *context, GError **error)
{
  return run_changing (context, hookrun_deployment_resume, error);
}

static ToolExit
run_rollback (const DeployCommandContext *context, GError **error)
{
  return run_changing (context, hookrun_deployment_rollback, error);
}

static const DeployCommand commands[] = {
    {"deploy", TRUE, TRUE, run_deploy},     {"hosts", FALSE, FALSE, run_hosts},
    {"modules", FALSE, FALSE, run_modules}, {"handlers", TRUE, TRUE, run_handlers},
    {"plugins", TRUE, TRUE, run_plugins},   {"status", TRUE, FALSE, run_status},
    {"resume", TRUE, TRUE, run_resume},     {"rollback", TRUE, TRUE, run_rollback},
};

const DeployCommand *
deploy_command_lookup (const char *name, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++) {
    if (g_str_equal (commands[i].name, name))
      return &commands[i];
    g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", commands[i].name);
  }
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "there is no command \"%s\"; the commands are %s", name, names->str);
  return NULL;
}
