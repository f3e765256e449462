/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pipes are served by threads, so the main loop under test has the transport alone. */
#include "ssh-client.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

HookrunTarget *
ssh_client_new (const char *host)
{
  g_autoptr (GError) error = NULL;
  HookrunTarget *target = hookrun_ssh_target_new (host, &error);

  g_assert_no_error (error);
  return target;
}

static gboolean
on_late (gpointer late)
{
  *(gboolean *)late = TRUE;
  return G_SOURCE_CONTINUE;
}

void
ssh_client_until (const gboolean *flag, guint seconds)
{
  gboolean late = FALSE;
  GMainContext *context = g_main_context_ref_thread_default ();
  GSource *source = g_timeout_source_new_seconds (seconds);

  g_source_set_callback (source, on_late, &late, NULL);
  g_source_attach (source, context);
  while (!*flag) {
    g_main_context_iteration (context, TRUE);
    g_assert_false (late);
  }
  g_source_destroy (source);
  g_source_unref (source);
  g_main_context_unref (context);
}

typedef struct {
  gboolean done;
  gboolean good;
  GError *error;
} Connecting;

static void
on_connected (GObject *target, GAsyncResult *result, gpointer user_data)
{
  Connecting *connecting = user_data;

  connecting->good = HOOKRUN_TARGET_GET_IFACE (target)->connect_finish (HOOKRUN_TARGET (target),
                                                                        result, &connecting->error);
  connecting->done = TRUE;
}

gboolean
ssh_client_connect (HookrunTarget *target, GError **error)
{
  Connecting connecting = {FALSE, FALSE, NULL};

  HOOKRUN_TARGET_GET_IFACE (target)->connect_async (target, NULL, on_connected, &connecting);
  ssh_client_until (&connecting.done, 60);
  g_assert_true (connecting.good == (connecting.error == NULL));
  if (connecting.error != NULL)
    g_propagate_error (error, connecting.error);
  return connecting.good;
}

HookrunTarget *
ssh_client_connected (const char *host)
{
  g_autoptr (GError) error = NULL;
  HookrunTarget *target = ssh_client_new (host);

  ssh_client_connect (target, &error);
  g_assert_no_error (error);
  return target;
}

typedef struct {
  int fd;
  char *text;
} Feed;

static gpointer
feed (gpointer data)
{
  Feed *self = data;
  gsize length = strlen (self->text);

  for (gsize done = 0; done < length;) {
    gssize count = write (self->fd, self->text + done, length - done);

    if (count <= 0)
      break;
    done += (gsize)count;
  }
  close (self->fd);
  g_free (self->text);
  g_free (self);
  return NULL;
}

typedef struct {
  SshRun run;
  GThread *threads[2];
} Run;

static gpointer
collect (gpointer data)
{
  int fd = GPOINTER_TO_INT (data);
  GString *text = g_string_new (NULL);
  char buffer[65536];
  gssize count;

  while ((count = read (fd, buffer, sizeof buffer)) > 0)
    g_string_append_len (text, buffer, count);
  close (fd);
  return text;
}

static void
on_executed (GObject *target, GAsyncResult *result, gpointer user_data)
{
  SshRun *run = user_data;

  HOOKRUN_TARGET_GET_IFACE (target)->execute_finish (HOOKRUN_TARGET (target), result, &run->status,
                                                     &run->error);
  run->done = TRUE;
}

void
ssh_client_execute (HookrunTarget *target, const char *command, SshRun *run)
{
  run->done = FALSE;
  HOOKRUN_TARGET_GET_IFACE (target)->execute_async (target, command, -1, -1, -1, NULL, on_executed,
                                                    run);
  ssh_client_until (&run->done, 60);
}

SshRun *
ssh_client_start (HookrunTarget *target, const char *command, const char *input,
                  GCancellable *cancellable)
{
  Run *self = g_new0 (Run, 1);
  int in[2] = {-1, -1};
  int out[2];
  int err[2];

  g_assert_cmpint (pipe2 (out, O_CLOEXEC), ==, 0);
  g_assert_cmpint (pipe2 (err, O_CLOEXEC), ==, 0);
  if (input != NULL) {
    Feed *data = g_new (Feed, 1);

    g_assert_cmpint (pipe2 (in, O_CLOEXEC), ==, 0);
    *data = (Feed){in[1], g_strdup (input)};
    g_thread_unref (g_thread_new ("feed", feed, data));
  }
  self->threads[0] = g_thread_new ("out", collect, GINT_TO_POINTER (out[0]));
  self->threads[1] = g_thread_new ("err", collect, GINT_TO_POINTER (err[0]));
  HOOKRUN_TARGET_GET_IFACE (target)->execute_async (target, command, in[0], out[1], err[1],
                                                    cancellable, on_executed, self);
  return &self->run;
}

void
ssh_client_wait (SshRun *run)
{
  Run *self = (Run *)run;
  char **texts[] = {&run->output, &run->errors};

  ssh_client_until (&run->done, 60);
  for (guint i = 0; i < 2; i++) {
    GString *text;

    if (self->threads[i] == NULL)
      continue;
    text = g_thread_join (g_steal_pointer (&self->threads[i]));
    if (i == 0)
      run->output_length = text->len;
    *texts[i] = g_string_free (text, FALSE);
  }
}

SshRun *
ssh_client_run (HookrunTarget *target, const char *command, const char *input)
{
  SshRun *run = ssh_client_start (target, command, input, NULL);

  ssh_client_wait (run);
  return run;
}

void
ssh_run_free (SshRun *run)
{
  ssh_client_wait (run);
  g_free (run->output);
  g_free (run->errors);
  g_clear_error (&run->error);
  g_free (run);
}
