/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is remembered of a module, and what it may do. */
#include "commands.h"

#include "tool-ask.h"
#include "tool-table.h"
#include "tool-terminal.h"

static void
print_members (JsonNode *node)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init (&iter, json_node_get_object (node));
  while (json_object_iter_next (&iter, &name, &value)) {
    g_autofree char *text = JSON_NODE_HOLDS_NULL (value)
                                ? g_strdup ("-")
                                : tool_visible (json_node_get_string (value), FALSE);

    g_print ("%s=%s\n", name, text);
  }
}

static void
set_text (JsonObject *object, const char *name, const char *text)
{
  if (text != NULL)
    json_object_set_string_member (object, name, text);
  else
    json_object_set_null_member (object, name);
}

ToolExit
module_state (ModuleContext *context, GError **error)
{
  g_autoptr (HookrunOperationSet) set = hookrun_module_path_find (
      context->path, context->options->words[0], context->cancellable, error);
  g_autoptr (HookrunModuleState) state = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *version = NULL;
  g_autofree char *failure = NULL;
  JsonObject *object;

  if (set == NULL)
    return TOOL_EXIT_FAILED;
  state = hookrun_module_path_get_state (context->path, hookrun_operation_set_get_name (set));
  version = hookrun_module_state_get_version (state);
  failure = hookrun_module_state_get_failure (state);
  node = json_node_new (JSON_NODE_OBJECT);
  object = json_object_new ();
  json_node_take_object (node, object);
  set_text (object, "MODULE", hookrun_operation_set_get_name (set));
  set_text (object, "FILE", hookrun_operation_set_get_file (set));
  set_text (object, "ROOT", hookrun_module_state_get_root (state));
  set_text (object, "CACHE", hookrun_module_state_get_cache (state));
  set_text (object, "TEMP", hookrun_module_state_get_temp (state));
  set_text (object, "VERSION", version != NULL ? version : hookrun_operation_set_get_version (set));
  set_text (object, "FAILED_UPDATE", failure);
  if (context->options->json)
    tool_print_json (node);
  else
    print_members (node);
  return TOOL_EXIT_DONE;
}

/* ---- grants ---- */

static gboolean
is_granted (ModuleContext *context, HookrunOperationSet *set)
{
  HookrunPolicy *request = hookrun_operation_set_get_request (set);
  g_autoptr (HookrunModuleState) state =
      hookrun_module_path_get_state (context->path, hookrun_operation_set_get_name (set));
  g_autoptr (HookrunPolicy) granted = hookrun_module_state_get_grant (state, NULL);

  return request == NULL || (granted != NULL && hookrun_policy_equal (granted, request));
}

gboolean
module_ask_grant (ModuleContext *context, HookrunOperationSet *set, GError **error)
{
  const char *name = hookrun_operation_set_get_name (set);
  g_autoptr (HookrunModuleState) state = NULL;
  g_autofree char *words = NULL;
  g_autofree char *text = NULL;

  if (is_granted (context, set) || context->options->no_confirm || context->options->json ||
      !tool_can_ask ())
    return TRUE;
  words = hookrun_policy_describe (hookrun_operation_set_get_request (set));
  text =
      g_strdup_printf ("module %s asks for more than its own folders:\n%s\nGrant it", name, words);
  if (!tool_ask_yes_no (text, FALSE))
    return TRUE;
  state = hookrun_module_path_get_state (context->path, name);
  return hookrun_module_state_grant (state, hookrun_operation_set_get_request (set), error);
}

static gboolean
change_grant (ModuleContext *context, HookrunOperationSet *set, GError **error)
{
  const char *name = hookrun_operation_set_get_name (set);
  HookrunPolicy *request = hookrun_operation_set_get_request (set);
  g_autoptr (HookrunModuleState) state = hookrun_module_path_get_state (context->path, name);

  if (context->options->revoke)
    return hookrun_module_state_grant (state, NULL, error);
  if (request == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
                 "module \"%s\" asks for nothing beyond its own folders", name);
    return FALSE;
  }
  return hookrun_module_state_grant (state, request, error);
}

static void
print_policy (ModuleContext *context, HookrunPolicy *policy, const char *title)
{
  g_autofree char *text =
      context->options->json ? hookrun_policy_to_json (policy) : hookrun_policy_describe (policy);

  if (!context->options->json)
    g_print ("%s:\n", title);
  g_print ("%s%s", text, g_str_has_suffix (text, "\n") ? "" : "\n");
}

ToolExit
module_policy (ModuleContext *context, GError **error)
{
  const ModuleOptions *options = context->options;
  g_autoptr (HookrunOperationSet) set =
      hookrun_module_path_find (context->path, options->words[0], context->cancellable, error);
  g_autoptr (HookrunPolicy) policy = NULL;
  g_autofree char *title = NULL;

  if (set == NULL)
    return TOOL_EXIT_FAILED;
  if ((options->grant || options->revoke) && !change_grant (context, set, error))
    return TOOL_EXIT_FAILED;
  if (!is_granted (context, set)) {
    title = g_strdup_printf ("module %s asks for this, which is not granted",
                             hookrun_operation_set_get_name (set));
    print_policy (context, hookrun_operation_set_get_request (set), title);
    return TOOL_EXIT_DONE;
  }
  policy = hookrun_module_path_make_policy (context->path, set, error);
  if (policy == NULL)
    return TOOL_EXIT_FAILED;
  title = g_strdup_printf ("module %s", hookrun_operation_set_get_name (set));
  print_policy (context, policy, title);
  return TOOL_EXIT_DONE;
}
