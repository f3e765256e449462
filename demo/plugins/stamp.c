/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A native plugin for deployments: writes a file with the version into the tree that is about to
 * become live. Its setting `file` names it. The manifest says "load": "at-start", so that a wrong
 * setting is refused before anything is done and not at the first signal.
 */
#include <glib/gstdio.h>
#include <hookrun.h>
#include <string.h>

static HookrunVerdict
write_stamp (HookrunEvent *event, gpointer user_data)
{
  HookrunPluginContext *context = user_data;
  HookrunData *data = hookrun_event_get_data (event);
  HookrunTarget *target = HOOKRUN_TARGET (hookrun_data_get_object (data, "target"));
  const char *name = hookrun_plugin_context_get_setting (context, "file");
  g_autofree char *text = NULL;
  g_autofree char *local = NULL;
  g_autofree char *remote = NULL;
  GError *error = NULL;
  gboolean ok;
  int fd;

  text = hookrun_data_expand_text (data, "{version} with {config} settings\n", &error);
  if (text == NULL)
    return hookrun_event_take_error (event, error);
  fd = g_file_open_tmp ("stamp-XXXXXX", &local, &error);
  if (fd < 0 || !g_close (fd, &error) || !g_file_set_contents (local, text, -1, &error))
    return hookrun_event_take_error (event, error);
  remote = g_build_filename (hookrun_data_get_string (data, "stagedir"),
                             name != NULL ? name : "STAMP", NULL);
  ok = hookrun_target_copy_file (target, local, remote, 0644, hookrun_event_get_cancellable (event),
                                 &error);
  (void)g_unlink (local);
  return ok ? HOOKRUN_CONTINUE : hookrun_event_take_error (event, error);
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
