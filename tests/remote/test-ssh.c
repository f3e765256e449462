/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands over the libssh2 transport: their descriptors, their end, many at a time. */
#include "ssh-client.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  SshdFixture *server;
  HookrunTarget *target;
} Fixture;

static void
set_up (Fixture *self, gconstpointer server_lines)
{
  self->server = sshd_fixture_new (server_lines);
  sshd_fixture_use (self->server, NULL);
  self->target = ssh_client_connected ("host");
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  g_object_unref (self->target);
  sshd_fixture_free (self->server);
}

static void
test_output_and_input (Fixture *self, gconstpointer unused)
{
  g_autoptr (SshRun) echo = ssh_client_run (self->target, "echo out; echo err >&2", NULL);
  g_autoptr (SshRun) cat = ssh_client_run (self->target, "tr a-z A-Z", "hello\n");

  g_assert_no_error (echo->error);
  g_assert_cmpstr (echo->output, ==, "out\n");
  g_assert_cmpstr (echo->errors, ==, "err\n");
  g_assert_cmpint (echo->status, ==, 0);
  g_assert_no_error (cat->error);
  g_assert_cmpstr (cat->output, ==, "HELLO\n");
}

static void
test_status (Fixture *self, gconstpointer unused)
{
  g_autoptr (SshRun) three = ssh_client_run (self->target, "exit 3", NULL);
  g_autoptr (SshRun) missing = ssh_client_run (self->target, "/no/such/program", NULL);
  g_autoptr (SshRun) killed = ssh_client_run (self->target, "kill -TERM $$", NULL);

  g_assert_true (WIFEXITED (three->status));
  g_assert_cmpint (WEXITSTATUS (three->status), ==, 3);
  g_assert_cmpint (WEXITSTATUS (missing->status), ==, 127);
  g_assert_true (WIFSIGNALED (killed->status));
  g_assert_cmpint (WTERMSIG (killed->status), ==, SIGTERM);
}

static void
test_eight_at_once (Fixture *self, gconstpointer unused)
{
  SshRun *runs[8];

  for (guint i = 0; i < G_N_ELEMENTS (runs); i++) {
    g_autofree char *command = g_strdup_printf ("sleep 0.%u; cat; exit %u", 8 - i, i);
    g_autofree char *input = g_strdup_printf ("input %u", i);

    runs[i] = ssh_client_start (self->target, command, input, NULL);
  }
  for (guint i = 0; i < G_N_ELEMENTS (runs); i++) {
    g_autofree char *expected = g_strdup_printf ("input %u", i);

    ssh_client_wait (runs[i]);
    g_assert_no_error (runs[i]->error);
    g_assert_cmpstr (runs[i]->output, ==, expected);
    g_assert_cmpint (WEXITSTATUS (runs[i]->status), ==, (int)i);
    ssh_run_free (runs[i]);
  }
}

typedef struct {
  gboolean done;
  int status;
  GError *error;
} Run;

static void
on_executed (GObject *target, GAsyncResult *result, gpointer user_data)
{
  Run *run = user_data;

  HOOKRUN_TARGET_GET_IFACE (target)->execute_finish (HOOKRUN_TARGET (target), result, &run->status,
                                                     &run->error);
  run->done = TRUE;
}

static Run
run_with (HookrunTarget *target, const char *command, int in, int out)
{
  Run run = {FALSE, 0, NULL};

  HOOKRUN_TARGET_GET_IFACE (target)->execute_async (target, command, in, out, -1, NULL, on_executed,
                                                    &run);
  ssh_client_until (&run.done, 20);
  return run;
}

/* As a local command would die of SIGPIPE; a pipe and a socket pair alike. */
static void
test_reader_goes_away (Fixture *self, gconstpointer unused)
{
  HookrunTarget *target = self->target;
  int pipes[2];
  int sockets[2];
  Run run;

  g_assert_cmpint (pipe2 (pipes, O_CLOEXEC), ==, 0);
  close (pipes[0]);
  run = run_with (target, "yes", -1, pipes[1]);
  g_assert_no_error (run.error);
  g_assert_true (WIFSIGNALED (run.status) && WTERMSIG (run.status) == SIGPIPE);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), ==, 0);
  close (sockets[0]);
  run = run_with (target, "yes", -1, sockets[1]);
  g_assert_no_error (run.error);
  g_assert_true (WIFSIGNALED (run.status) && WTERMSIG (run.status) == SIGPIPE);
}

static void
test_files_as_descriptors (Fixture *self, gconstpointer unused)
{
  HookrunTarget *target = self->target;
  g_autofree char *in_name = g_build_filename (self->server->folder, "in", NULL);
  g_autofree char *out_name = g_build_filename (self->server->folder, "out", NULL);
  g_autofree char *text = g_strnfill (500000, 'z');
  g_autofree char *copy = NULL;
  Run run;

  g_assert_true (g_file_set_contents (in_name, text, -1, NULL));
  run = run_with (target, "cat", open (in_name, O_RDONLY | O_CLOEXEC),
                  open (out_name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  g_assert_no_error (run.error);
  g_assert_true (g_file_get_contents (out_name, &copy, NULL, NULL));
  g_assert_cmpstr (copy, ==, text);
  run = run_with (target, "cat; echo x", open ("/dev/null", O_RDONLY | O_CLOEXEC),
                  open ("/dev/full", O_WRONLY | O_CLOEXEC));
  g_assert_error (run.error, HOOKRUN_ERROR, HOOKRUN_ERROR_NO_SPACE);
  g_clear_error (&run.error);
}

/* The flags of a pipe that others hold are left alone. */
static void
test_shared_pipe_stays_blocking (Fixture *self, gconstpointer unused)
{
  HookrunTarget *target = self->target;
  int pipes[2];
  Run run;
  char byte = 0;

  g_assert_cmpint (pipe2 (pipes, O_CLOEXEC), ==, 0);
  run = run_with (target, "echo", -1, dup (pipes[1]));
  g_assert_no_error (run.error);
  g_assert_cmpint (fcntl (pipes[1], F_GETFL) & O_NONBLOCK, ==, 0);
  g_assert_cmpint (read (pipes[0], &byte, 1), ==, 1);
  close (pipes[0]);
  close (pipes[1]);
}

/* The command closes its output long before it ends; the status is still that of the command. */
static void
test_status_after_early_eof (Fixture *self, gconstpointer unused)
{
  HookrunTarget *target = self->target;
  g_autoptr (SshRun) run = ssh_client_run (target, "exec >&- 2>&- <&-; sleep 0.5; exit 9", NULL);

  g_assert_no_error (run->error);
  g_assert_cmpint (WEXITSTATUS (run->status), ==, 9);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, lines, func)                                                                     \
  g_test_add ("/remote/ssh/" name, Fixture, lines, set_up, func, tear_down)
  ADD ("output-and-input", NULL, test_output_and_input);
  ADD ("status", NULL, test_status);
  ADD ("eight-at-once", NULL, test_eight_at_once);
  ADD ("reader-goes-away", NULL, test_reader_goes_away);
  ADD ("files-as-descriptors", NULL, test_files_as_descriptors);
  ADD ("shared-pipe-stays-blocking", NULL, test_shared_pipe_stays_blocking);
  ADD ("status-after-early-eof", NULL, test_status_after_early_eof);
  ADD ("one-session-at-a-time-queues", "MaxSessions 1\n", test_eight_at_once);
#undef ADD
  return g_test_run ();
}
