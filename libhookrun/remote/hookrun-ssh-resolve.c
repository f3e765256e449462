/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asks the user's ssh program for the configuration of a host: it alone knows all of its own
 * language. Without the program the small reader gets the user's and the system's file.
 */
#include "hookrun-ssh-config-private.h"

#include <string.h>

#include "hookrun-process-private.h"

/* A "Match exec" of the configuration may hang. */
#define TIMEOUT_MS 30000
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

HookrunSshConfig *
hookrun_ssh_config_read (const HookrunSshSpec *spec, GError **error)
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

/* ssh -G at work. */
typedef struct {
  GTask *task;
  HookrunSshSpec *spec;
  HookrunProcess *process;
  GString *output;
} Question;

static void
on_line (HookrunProcessStream stream, const char *line, gpointer user_data)
{
  Question *self = user_data;

  if (stream == HOOKRUN_PROCESS_OUTPUT)
    g_string_append_printf (self->output, "%s\n", line);
}

static void
question_free (Question *self)
{
  g_clear_pointer (&self->process, hookrun_process_free);
  g_object_unref (self->task);
  hookrun_ssh_spec_free (self->spec);
  g_string_free (self->output, TRUE);
  g_free (self);
}

static void
answer (GTask *task, HookrunSshConfig *config, GError *error)
{
  if (config == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, config, (GDestroyNotify)hookrun_ssh_config_free);
}

static void
on_ended (HookrunProcess *process, gpointer user_data)
{
  Question *self = user_data;
  g_autofree char *what = g_strdup_printf ("ssh -G %s", self->spec->host);
  HookrunSshConfig *config = NULL;
  GError *error = NULL;

  if (hookrun_process_check (process, NULL, what, &error))
    config = hookrun_ssh_config_parse (self->spec, self->output->str, &error);
  answer (self->task, config, error);
  question_free (self);
}

static HookrunProcess *
start (Question *self, GError **error)
{
  const HookrunSshSpec *spec = self->spec;
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree char *port = g_strdup_printf ("%u", spec->port);
  const char *file = g_getenv ("HOOKRUN_SSH_CONFIG");
  HookrunProcessSpec process = {.line = on_line, .user_data = self, .timeout_ms = TIMEOUT_MS};

  g_ptr_array_add (argv, (gpointer) "ssh");
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
  process.argv = (const char *const *)argv->pdata;
  return hookrun_process_start (&process, error);
}

static gboolean
has_ssh (void)
{
  g_autofree char *program = g_find_program_in_path ("ssh");

  return program != NULL;
}

void
hookrun_ssh_config_resolve_async (const HookrunSshSpec *spec, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  GError *error = NULL;
  HookrunSshConfig *config;
  Question *question;

  g_task_set_source_tag (task, hookrun_ssh_config_resolve_async);
  if (!has_ssh ()) {
    config = hookrun_ssh_config_read (spec, &error);
    answer (task, config, error);
    return;
  }
  question = g_new0 (Question, 1);
  question->task = g_steal_pointer (&task);
  question->spec = hookrun_ssh_spec_copy (spec);
  question->output = g_string_new (NULL);
  question->process = start (question, &error);
  if (question->process != NULL) {
    hookrun_process_watch (question->process, g_task_get_context (question->task), cancellable,
                           on_ended, question);
    return;
  }
  answer (question->task, NULL, error);
  question_free (question);
}

HookrunSshConfig *
hookrun_ssh_config_resolve_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
