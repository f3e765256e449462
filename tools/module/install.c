/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Installing and removing modules, with the operations that go with it. */
#include "commands.h"

#include "tool-table.h"
#include "tool-terminal.h"

#define PRERM "prerm"

static void
report (ModuleContext *context, const char *module, const char *what, const char *version)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *visible = tool_visible (version, FALSE);
  JsonObject *object = json_object_new ();

  json_node_take_object (node, object);
  json_object_set_string_member (object, "event", what);
  json_object_set_string_member (object, "module", module);
  json_object_set_string_member (object, "version", version);
  if (context->options->json)
    tool_print_json (node);
  else if (!context->options->quiet)
    g_print ("%s: %s (version %s)\n", module, what, visible);
}

ToolExit
module_install (ModuleContext *context, GError **error)
{
  ToolExit status;

  for (char **file = context->options->words; *file != NULL; file++) {
    g_autoptr (HookrunOperationSet) set =
        hookrun_module_path_install (context->path, *file, context->cancellable, error);

    if (set == NULL)
      return TOOL_EXIT_FAILED;
    report (context, hookrun_operation_set_get_name (set), "installed",
            hookrun_operation_set_get_version (set));
    if (!module_ask_grant (context, set, error))
      return TOOL_EXIT_FAILED;
  }
  status = module_update_all (context, error);
  return status;
}

/* A module that cannot undo what it did stays. */
static gboolean
run_prerm (ModuleContext *context, HookrunOperationSet *set, GError **error)
{
  const char *name = hookrun_operation_set_get_name (set);

  if (hookrun_operation_set_get_problem (set) != NULL) {
    tool_print_message ("module \"%s\" cannot be used, so nothing it did is undone: %s", name,
                        hookrun_operation_set_get_problem (set)->message);
    return TRUE;
  }
  if (hookrun_operation_set_lookup (set, PRERM) == NULL)
    return TRUE;
  if (module_run_operation (context, set, PRERM, NULL, error) == TOOL_EXIT_DONE)
    return TRUE;
  g_prefix_error (error, "module \"%s\" is not removed, since its prerm failed: ", name);
  return FALSE;
}

ToolExit
module_remove (ModuleContext *context, GError **error)
{
  for (char **name = context->options->words; *name != NULL; name++) {
    g_autoptr (HookrunOperationSet) set =
        hookrun_module_path_find (context->path, *name, context->cancellable, error);

    if (set == NULL || !run_prerm (context, set, error) ||
        !hookrun_module_path_remove (context->path, *name, error))
      return TOOL_EXIT_FAILED;
    report (context, *name, "removed", hookrun_operation_set_get_version (set));
  }
  return module_update_all (context, error);
}
