/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands over the libssh2 transport: their descriptors, their end, many at a time. */
#include "ssh-client.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, lines, func)                                                                     \
  g_test_add ("/remote/ssh/" name, Fixture, lines, set_up, func, tear_down)
  ADD ("output-and-input", NULL, test_output_and_input);
  ADD ("status", NULL, test_status);
  ADD ("eight-at-once", NULL, test_eight_at_once);
  ADD ("one-session-at-a-time-queues", "MaxSessions 1\n", test_eight_at_once);
#undef ADD
  return g_test_run ();
}
