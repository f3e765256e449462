/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asks the user's ssh program for the configuration of a host: it alone knows all of its own
 * language. Without the program the small reader gets the user's and the system's file.
 */
#include "hookrun-ssh-config-private.h"

#include <string.h>

#define SYSTEM_CONFIG "/etc/ssh/ssh_config"

/* What ssh uses without any line of configuration, for the small reader. */
static const struct {
  const char *keyword;
  const char *lines;
} defaults[] = {
    {"identityfile ", "identityfile ~/.ssh/id_ed25519\n"
                      "identityfile ~/.ssh/id_ecdsa\n"
                      "identityfile ~/.ssh/id_rsa\n"},
    {"userknownhostsfile ", "userknownhostsfile ~/.ssh/known_hosts ~/.ssh/known_hosts2\n"},
    {"globalknownhostsfile ",
     "globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2\n"},
};

static HookrunSshConfig *
resolve_without_ssh (const HookrunSshSpec *spec, GError **error)
{
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autofree char *users = g_build_filename (g_get_home_dir (), ".ssh", "config", NULL);
  const char *file = g_getenv ("HOOKRUN_SSH_CONFIG");

  if (spec->user != NULL)
    g_string_append_printf (lines, "user %s\n", spec->user);
  if (spec->port != 0)
    g_string_append_printf (lines, "port %u\n", spec->port);
  if (!hookrun_ssh_config_read_file (spec, file != NULL ? file : users, lines, error) ||
      (file == NULL && !hookrun_ssh_config_read_file (spec, SYSTEM_CONFIG, lines, error)))
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (defaults); i++)
    if (strstr (lines->str, defaults[i].keyword) == NULL)
      g_string_append (lines, defaults[i].lines);
  return hookrun_ssh_config_parse (spec, lines->str, error);
}

static void
on_output (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const HookrunSshSpec *spec = g_task_get_task_data (task);
  GSubprocess *ssh = G_SUBPROCESS (source);
  g_autofree char *text = NULL;
  g_autofree char *complaint = NULL;
  GError *error = NULL;
  HookrunSshConfig *config;

  if (!g_subprocess_communicate_utf8_finish (ssh, result, &text, &complaint, &error)) {
    g_subprocess_force_exit (ssh);
    if (!g_task_return_error_if_cancelled (task))
      g_task_return_new_error (task, HOOKRUN_ERROR, HOOKRUN_ERROR_IO,
                               "host \"%s\": cannot read what ssh -G says: %s", spec->host,
                               error->message);
    g_error_free (error);
    return;
  }
  if (!g_subprocess_get_successful (ssh)) {
    g_task_return_new_error (task, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                             "host \"%s\": ssh cannot read its configuration: %s", spec->host,
                             g_strstrip (complaint));
    return;
  }
  config = hookrun_ssh_config_parse (spec, text, &error);
  if (config == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, config, (GDestroyNotify)hookrun_ssh_config_free);
}

static GSubprocess *
spawn (const HookrunSshSpec *spec, const char *program)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree char *port = g_strdup_printf ("%u", spec->port);
  const char *file = g_getenv ("HOOKRUN_SSH_CONFIG");

  g_ptr_array_add (argv, (gpointer)program);
  g_ptr_array_add (argv, (gpointer) "-G");
  if (file != NULL) {
    g_ptr_array_add (argv, (gpointer) "-F");
    g_ptr_array_add (argv, (gpointer)file);
  }
  if (spec->port != 0) {
    g_ptr_array_add (argv, (gpointer) "-p");
    g_ptr_array_add (argv, port);
  }
  if (spec->user != NULL) {
    g_ptr_array_add (argv, (gpointer) "-l");
    g_ptr_array_add (argv, spec->user);
  }
  g_ptr_array_add (argv, (gpointer) "--");
  g_ptr_array_add (argv, spec->host);
  g_ptr_array_add (argv, NULL);
  return g_subprocess_newv ((const char *const *)argv->pdata,
                            G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, NULL);
}

void
hookrun_ssh_config_resolve_async (const HookrunSshSpec *spec, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autofree char *program = g_find_program_in_path ("ssh");
  g_autoptr (GSubprocess) ssh = NULL;
  GError *error = NULL;
  HookrunSshConfig *config;

  g_task_set_source_tag (task, hookrun_ssh_config_resolve_async);
  g_task_set_task_data (task, hookrun_ssh_spec_copy (spec), (GDestroyNotify)hookrun_ssh_spec_free);
  if (program != NULL)
    ssh = spawn (spec, program);
  if (ssh != NULL) {
    g_subprocess_communicate_utf8_async (ssh, NULL, cancellable, on_output,
                                         g_steal_pointer (&task));
    return;
  }
  config = resolve_without_ssh (spec, &error);
  if (config == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, config, (GDestroyNotify)hookrun_ssh_config_free);
}

HookrunSshConfig *
hookrun_ssh_config_resolve_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
