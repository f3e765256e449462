/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running operations: one that the user names, and the updates of modules. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

#include "tool-table.h"
#include "tool-terminal.h"

#define UPDATE "update"

/* ---- what a run shows ---- */

typedef struct {
  gboolean json;
  const char *module;
  const char *operation;
} Show;

static JsonNode *
make_event (const Show *show, const char *event)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();

  json_node_take_object (node, object);
  json_object_set_string_member (object, "event", event);
  json_object_set_string_member (object, "module", show->module);
  json_object_set_string_member (object, "operation", show->operation);
  return node;
}

static void
on_output (HookrunOperationRun *run, gboolean is_error, const char *line, gpointer user_data)
{
  const Show *show = user_data;
  g_autofree char *visible = NULL;
  g_autoptr (JsonNode) node = NULL;

  if (show->json) {
    node = make_event (show, "output");
    json_object_set_string_member (json_node_get_object (node), "stream",
                                   is_error ? "stderr" : "stdout");
    json_object_set_string_member (json_node_get_object (node), "line", line);
    tool_print_json (node);
    return;
  }
  visible = tool_visible (line, TRUE);
  fprintf (is_error ? stderr : stdout, "%s\n", visible);
  fflush (is_error ? stderr : stdout);
}

static void
show_result (const Show *show, HookrunOperationRun *run, const GError *problem)
{
  const HookrunOutcome *outcome = hookrun_operation_run_get_outcome (run);
  g_autoptr (JsonNode) node = NULL;
  JsonObject *object;

  if (!show->json)
    return;
  node = make_event (show, "result");
  object = json_node_get_object (node);
  json_object_set_string_member (object, "status", problem == NULL ? "done" : "failed");
  if (problem != NULL)
    json_object_set_string_member (object, "error", problem->message);
  else
    json_object_set_null_member (object, "error");
  json_object_set_int_member (object, "changes", hookrun_operation_run_get_changes (run)->len);
  if (outcome != NULL && outcome->exited)
    json_object_set_int_member (object, "exit_status", outcome->exit_status);
  else
    json_object_set_null_member (object, "exit_status");
  tool_print_json (node);
}

/* ---- one operation ---- */

static gboolean
load_hooks (ModuleContext *context, GError **error)
{
  if (context->engine != NULL)
    return TRUE;
  context->engine = hookrun_engine_new (context->registry);
  return hookrun_module_path_load_hooks (context->path, context->engine, context->options->hooks,
                                         error);
}

/* What libraries say when the kernel refuses. */
static gboolean
looks_denied (const GError *problem)
{
  static const char *const words[] = {"ermission denied",     "not permitted", "not implemented",
                                      "ead-only file system", "cross-device",  "PermissionError"};

  if (!g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_COMMAND))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if (strstr (problem->message, words[i]) != NULL)
      return TRUE;
  return FALSE;
}

/* @error, with where to look. */
static void
propagate (GError *problem, const Show *show, GError **error)
{
  if (!looks_denied (problem)) {
    g_propagate_error (error, problem);
    return;
  }
  g_set_error (error, problem->domain, problem->code, "%s\ntry: hookrun-module explain %s %s …",
               problem->message, show->module, show->operation);
  g_error_free (problem);
}

ToolExit
module_run_operation (ModuleContext *context, HookrunOperationSet *set, const char *name,
                      JsonNode *arguments, GError **error)
{
  const Show show = {context->options->json, hookrun_operation_set_get_name (set), name};
  g_autoptr (HookrunOperationRun) run = NULL;
  g_autoptr (GError) problem = NULL;

  if (!load_hooks (context, error))
    return TOOL_EXIT_FAILED;
  run = hookrun_operation_run_new (context->path, set, name, context->registry, error);
  if (run == NULL)
    return TOOL_EXIT_FAILED;
  if (arguments != NULL && !hookrun_operation_run_set_arguments (run, arguments, error))
    return TOOL_EXIT_USAGE;
  if (!module_ask_grant (context, set, error))
    return TOOL_EXIT_FAILED;
  g_signal_connect (run, "output", G_CALLBACK (on_output), (gpointer)&show);
  hookrun_operation_run_execute (run, context->cancellable, &problem);
  if (problem == NULL && hookrun_operation_run_get_changes (run)->len > 0)
    module_settle (context, hookrun_operation_run_get_staging (run),
                   hookrun_operation_run_get_changes (run), &problem);
  show_result (&show, run, problem);
  if (problem == NULL)
    return TOOL_EXIT_DONE;
  propagate (g_steal_pointer (&problem), &show, error);
  return TOOL_EXIT_FAILED;
}

/* An update that failed is tried again before anything else is done with the module. */
static gboolean
retry_update (ModuleContext *context, HookrunOperationSet *set, GError **error)
{
  const char *name = hookrun_operation_set_get_name (set);
  g_autoptr (HookrunModuleState) state = hookrun_module_path_get_state (context->path, name);
  g_autofree char *failure = hookrun_module_state_get_failure (state);

  if (failure == NULL || hookrun_operation_set_lookup (set, UPDATE) == NULL)
    return TRUE;
  tool_print_message ("module \"%s\": its last update failed, trying again: %s", name, failure);
  return module_run_operation (context, set, UPDATE, NULL, error) == TOOL_EXIT_DONE;
}

ToolExit
module_operate (ModuleContext *context, GError **error)
{
  char **words = context->options->words;
  g_autoptr (HookrunOperationSet) set =
      hookrun_module_path_find (context->path, words[0], context->cancellable, error);
  HookrunOperation *operation =
      set != NULL ? hookrun_operation_set_find (set, words[1], error) : NULL;
  g_autoptr (JsonNode) arguments = NULL;

  if (operation == NULL)
    return TOOL_EXIT_FAILED;
  arguments = hookrun_operation_bind (operation, (const char *const *)words + 2, error);
  if (arguments == NULL)
    return TOOL_EXIT_USAGE;
  if (!g_str_equal (words[1], UPDATE) && !retry_update (context, set, error))
    return TOOL_EXIT_FAILED;
  return module_run_operation (context, set, words[1], arguments, error);
}

/* ---- updates ---- */

static ToolExit
update_one (ModuleContext *context, HookrunOperationSet *set, gboolean is_wanted)
{
  g_autoptr (GError) problem = NULL;
  ToolExit status = TOOL_EXIT_DONE;

  if (g_cancellable_is_cancelled (context->cancellable))
    return TOOL_EXIT_INTERRUPTED;
  if (hookrun_operation_set_get_problem (set) != NULL) {
    tool_print_error (hookrun_operation_set_get_problem (set));
    return TOOL_EXIT_FAILED;
  }
  if (hookrun_operation_set_lookup (set, UPDATE) == NULL && !is_wanted)
    return TOOL_EXIT_DONE;
  status = module_run_operation (context, set, UPDATE, NULL, &problem);
  if (problem == NULL)
    return status;
  tool_print_error (problem);
  return tool_exit_for_error (problem);
}

ToolExit
module_update_all (ModuleContext *context, GError **error)
{
  g_autoptr (GPtrArray) sets =
      hookrun_module_path_list (context->path, context->cancellable, error);
  ToolExit worst = TOOL_EXIT_DONE;

  if (sets == NULL)
    return TOOL_EXIT_FAILED;
  for (guint i = 0; i < sets->len; i++) {
    ToolExit status = update_one (context, sets->pdata[i], FALSE);

    worst = MAX (worst, status);
  }
  return worst;
}

ToolExit
module_update (ModuleContext *context, GError **error)
{
  char **words = context->options->words;
  g_autoptr (GPtrArray) sets = g_ptr_array_new_with_free_func (g_object_unref);
  ToolExit worst = TOOL_EXIT_DONE;

  if (*words == NULL)
    return module_update_all (context, error);
  for (; *words != NULL; words++) {
    HookrunOperationSet *set =
        hookrun_module_path_find (context->path, *words, context->cancellable, error);

    if (set == NULL)
      return TOOL_EXIT_FAILED;
    g_ptr_array_add (sets, set);
  }
  for (guint i = 0; i < sets->len; i++) {
    ToolExit status = update_one (context, sets->pdata[i], TRUE);

    worst = MAX (worst, status);
  }
  return worst;
}
