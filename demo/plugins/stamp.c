/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A native plugin for deployments: writes a file with the version into the tree that is about to
 * become live. Its setting `file` names it. The manifest says "load": "at-start", so that a wrong
 * setting is refused before anything is done and not at the first signal.
 */
#include <hookrun.h>
#include <string.h>

/* What deploy.run is to do at the target: (transfer full). A target that is a folder of this
 * machine has HOOKRUN_ROOT in its environment. */
static JsonNode *
make_command (const char *path, const char *text)
{
  const char *const argv[] = {"sh", "-c", "cat >\"${HOOKRUN_ROOT-}$1\"", "sh", path};
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "argv");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < G_N_ELEMENTS (argv); i++)
    json_builder_add_string_value (builder, argv[i]);
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "input");
  json_builder_add_string_value (builder, text);
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}

/* By a service of the deployment and not by its target object, so that it works as well with a
 * policy, in a process of its own: {"base": true, "methods": ["deploy.run"]}. */
static HookrunVerdict
write_stamp (HookrunEvent *event, gpointer user_data)
{
  HookrunPluginContext *context = user_data;
  HookrunData *data = hookrun_event_get_data (event);
  const char *name = hookrun_plugin_context_get_setting (context, "file");
  g_autofree char *path = g_build_filename (hookrun_data_get_string (data, "stagedir"),
                                            name != NULL ? name : "STAMP", NULL);
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) command = NULL;
  g_autoptr (JsonNode) answer = NULL;
  GError *error = NULL;

  text = hookrun_data_expand_text (data, "{version} with {config} settings\n", &error);
  if (text == NULL)
    return hookrun_event_take_error (event, error);
  command = make_command (path, text);
  answer = hookrun_plugin_context_call_method (context, event, "deploy.run", command, &error);
  return answer != NULL ? HOOKRUN_CONTINUE : hookrun_event_take_error (event, error);
}

/* What a user writes is checked before anything happens, and never leads out of the tree. */
static gboolean
check_file (HookrunPluginContext *context, GError **error)
{
  const char *name = hookrun_plugin_context_get_setting (context, "file");

  if (name == NULL || (*name != '\0' && *name != '.' && strchr (name, '/') == NULL))
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "its setting \"file\" is \"%s\"; write the name of a file, without a folder and "
               "without a dot at its start",
               name);
  return FALSE;
}

static gboolean
activate (HookrunPluginContext *context, GError **error)
{
  return check_file (context, error) &&
         hookrun_plugin_context_connect (context, "source.post-send", "stamp", NULL, write_stamp,
                                         context, NULL, error);
}

HOOKRUN_PLUGIN_DEFINE ("demo.stamp", "1.0", activate, NULL, HOOKRUN_PLUGIN_FLAGS_NONE);
