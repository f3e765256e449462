/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listings: all modules, and the operations of one. */
#include "commands.h"

#include "tool-table.h"

/* The first line of a text that may be long. */
static char *
first_line (const char *text)
{
  return g_strndup (text, strcspn (text, "\n"));
}

static void
add_row (ToolTable *table, HookrunModulePath *path, HookrunOperationSet *set)
{
  const GError *problem = hookrun_operation_set_get_problem (set);
  const char *name = hookrun_operation_set_get_name (set);
  g_autoptr (HookrunModuleState) state = hookrun_module_path_get_state (path, name);
  g_autofree char *failure = hookrun_module_state_get_failure (state);
  g_autofree char *text = first_line (hookrun_operation_set_get_description (set));
  g_autofree char *what = problem != NULL   ? g_strconcat ("unusable: ", problem->message, NULL)
                          : failure != NULL ? g_strconcat (text, " (its update failed)", NULL)
                                            : g_strdup (text);
  const char *const cells[] = {
      name, hookrun_operation_kind_get_name (hookrun_operation_set_get_kind (set)),
      hookrun_operation_set_get_version (set), what};

  tool_table_add (table, cells);
}

ToolExit
module_list (ModuleContext *context, GError **error)
{
  static const char *const columns[] = {"module", "kind", "version", "description", NULL};
  g_autoptr (ToolTable) table = tool_table_new (columns);
  g_autoptr (GPtrArray) sets =
      hookrun_module_path_list (context->path, context->cancellable, error);

  if (sets == NULL)
    return TOOL_EXIT_FAILED;
  for (guint i = 0; i < sets->len; i++) {
    if (context->options->json) {
      g_autoptr (JsonNode) node = hookrun_operation_set_to_json (sets->pdata[i]);

      tool_print_json (node);
    } else {
      add_row (table, context->path, sets->pdata[i]);
    }
  }
  tool_table_print (table, FALSE);
  return TOOL_EXIT_DONE;
}

/* "add ITEM [--shop=SHOP]" */
static char *
usage_of (HookrunOperation *operation)
{
  g_autoptr (GString) usage = g_string_new (hookrun_operation_get_name (operation));
  const char *const *option = hookrun_operation_get_options (operation);

  for (; *option != NULL; option++) {
    g_autofree char *upper = g_ascii_strup (*option, -1);

    if (hookrun_operation_is_required (operation, *option))
      g_string_append_printf (usage, " %s", upper);
    else
      g_string_append_printf (usage, " [--%s=%s]", *option, upper);
  }
  if (hookrun_operation_takes_words (operation))
    g_string_append (usage, " [ARGS…]");
  return g_string_free (g_steal_pointer (&usage), FALSE);
}

static void
add_operation (ToolTable *table, HookrunOperation *operation)
{
  g_autofree char *usage = usage_of (operation);
  const char *const *option = hookrun_operation_get_options (operation);
  const char *const cells[] = {usage, hookrun_operation_get_description (operation)};

  tool_table_add (table, cells);
  for (; *option != NULL; option++) {
    g_autofree char *name = g_strdup_printf ("  --%s", *option);
    const char *const row[] = {name, hookrun_operation_get_option_description (operation, *option)};

    tool_table_add (table, row);
  }
}

ToolExit
module_show (ModuleContext *context, GError **error)
{
  static const char *const columns[] = {"operation", "description", NULL};
  g_autoptr (ToolTable) table = tool_table_new (columns);
  g_autoptr (HookrunOperationSet) set = hookrun_module_path_find (
      context->path, context->options->words[0], context->cancellable, error);
  g_autoptr (JsonNode) node = NULL;
  GPtrArray *operations;

  if (set == NULL)
    return TOOL_EXIT_FAILED;
  if (context->options->json) {
    node = hookrun_operation_set_to_json (set);
    tool_print_json (node);
    return hookrun_operation_set_get_problem (set) == NULL ? TOOL_EXIT_DONE : TOOL_EXIT_FAILED;
  }
  if (hookrun_operation_set_get_problem (set) != NULL) {
    g_propagate_error (error, g_error_copy (hookrun_operation_set_get_problem (set)));
    return TOOL_EXIT_FAILED;
  }
  operations = hookrun_operation_set_get_operations (set);
  for (guint i = 0; i < operations->len; i++)
    add_operation (table, operations->pdata[i]);
  tool_table_print (table, FALSE);
  return TOOL_EXIT_DONE;
}
