/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Connections that break, hang or are no longer wanted, at every moment from the first packet to
 * the last: each call ends once, in bounded time, with the right code.
 */
#include <signal.h>
#include <string.h>

#include "ssh-client.h"

typedef struct {
  SshdFixture *server;
} Fixture;

static void
set_up (Fixture *self, gconstpointer client_lines)
{
  self->server = sshd_fixture_new (NULL);
  sshd_fixture_use (self->server, client_lines);
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  sshd_fixture_free (self->server);
}

typedef struct {
  gboolean done;
  GError *error;
} End;

static void
on_connected (GObject *target, GAsyncResult *result, gpointer user_data)
{
  End *end = user_data;

  g_assert_false (end->done);
  HOOKRUN_TARGET_GET_IFACE (target)->connect_finish (HOOKRUN_TARGET (target), result, &end->error);
  end->done = TRUE;
}

static gboolean
cancel (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

static guint
count_open_files (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint count = 0;

  while (g_dir_read_name (dir) != NULL)
    count++;
  return count;
}

static gboolean
set_flag (gpointer flag)
{
  *(gboolean *)flag = TRUE;
  return G_SOURCE_REMOVE;
}

static void
iterate_for (guint milliseconds)
{
  gboolean late = FALSE;

  g_timeout_add (milliseconds, set_flag, &late);
  ssh_client_until (&late, 60);
}

/* From "before anything" to "nearly connected". */
static void
test_cancel_while_connecting (Fixture *self, gconstpointer unused)
{
  guint cancelled = 0;
  guint files = 0;

  for (guint delay_ms = 0; delay_ms < 100; delay_ms += delay_ms < 40 ? 2 : 10) {
    g_autoptr (HookrunTarget) target = ssh_client_new ("host");
    g_autoptr (GCancellable) cancellable = g_cancellable_new ();
    End end = {FALSE, NULL};

    if (delay_ms == 0)
      g_cancellable_cancel (cancellable);
    HOOKRUN_TARGET_GET_IFACE (target)->connect_async (target, cancellable, on_connected, &end);
    if (delay_ms > 0)
      g_timeout_add_full (G_PRIORITY_HIGH, delay_ms, cancel, g_object_ref (cancellable),
                          g_object_unref);
    ssh_client_until (&end.done, 10);
    if (end.error != NULL) {
      g_assert_error (end.error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
      cancelled++;
    }
    g_clear_error (&end.error);
    iterate_for (20);
    if (delay_ms == 20)
      files = count_open_files ();
  }
  g_assert_cmpuint (cancelled, >, 5);
  g_assert_cmpuint (count_open_files (), <=, files + 2);
}

static gboolean
kill_sessions (gpointer server)
{
  sshd_fixture_signal (server, SIGKILL, FALSE);
  return G_SOURCE_REMOVE;
}

static void
test_server_dies_while_connecting (Fixture *self, gconstpointer unused)
{
  for (guint delay_ms = 1; delay_ms < 60; delay_ms += 3) {
    g_autoptr (HookrunTarget) target = ssh_client_new ("host");
    End end = {FALSE, NULL};

    g_timeout_add_full (G_PRIORITY_HIGH, delay_ms, kill_sessions, self->server, NULL);
    HOOKRUN_TARGET_GET_IFACE (target)->connect_async (target, NULL, on_connected, &end);
    ssh_client_until (&end.done, 10);
    if (end.error != NULL)
      g_assert_error (end.error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION);
    g_clear_error (&end.error);
    iterate_for (delay_ms);
  }
}

static void
assert_unreachable (const char *host, HookrunError code)
{
  g_autoptr (HookrunTarget) target = ssh_client_new (host);
  g_autoptr (GError) error = NULL;

  g_assert_false (ssh_client_connect (target, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, HOOKRUN_ERROR, (int)code);
}

static void
test_nobody_listens (Fixture *self, gconstpointer unused)
{
  sshd_fixture_stop (self->server);
  assert_unreachable ("host", HOOKRUN_ERROR_CONNECTION);
}

/* The kernel takes the connection, but nobody speaks. */
static void
test_silent_server (Fixture *self, gconstpointer unused)
{
  gint64 start = g_get_monotonic_time ();

  sshd_fixture_signal (self->server, SIGSTOP, TRUE);
  assert_unreachable ("host", HOOKRUN_ERROR_CONNECTION);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 4 * G_USEC_PER_SEC);
  sshd_fixture_signal (self->server, SIGCONT, TRUE);
}

static SshRun *
start_and_wait_for_output (HookrunTarget *target)
{
  SshRun *run = ssh_client_start (target, "sleep 30", NULL, NULL);

  iterate_for (200);
  return run;
}

static void
test_black_hole (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunTarget) target = ssh_client_connected ("host");
  g_autoptr (SshRun) run = start_and_wait_for_output (target);
  gint64 start = g_get_monotonic_time ();

  g_assert_cmpuint (sshd_fixture_signal (self->server, SIGSTOP, TRUE), >, 1);
  ssh_client_wait (run);
  g_test_message ("%s", run->error->message);
  g_assert_error (run->error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION);
  g_assert_nonnull (strstr (run->error->message, "sign of life"));
  g_assert_cmpint (g_get_monotonic_time () - start, <, 6 * G_USEC_PER_SEC);
}

/* Silence of a command is not silence of the server. */
static void
test_quiet_command_lives (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunTarget) target = ssh_client_connected ("host");
  g_autoptr (SshRun) run = ssh_client_run (target, "sleep 5; echo done", NULL);

  g_assert_no_error (run->error);
  g_assert_cmpstr (run->output, ==, "done\n");
}

static void
test_server_dies_while_running (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunTarget) target = ssh_client_connected ("host");
  g_autoptr (SshRun) run = start_and_wait_for_output (target);
  g_autoptr (SshRun) second = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (sshd_fixture_signal (self->server, SIGKILL, FALSE), >, 0);
  ssh_client_wait (run);
  g_assert_error (run->error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION);
  second = ssh_client_run (target, "true", NULL);
  g_assert_error (second->error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION);
  ssh_client_connect (target, &error);
  g_assert_no_error (error);
  g_autoptr (SshRun) third = ssh_client_run (target, "echo again", NULL);
  g_assert_cmpstr (third->output, ==, "again\n");
}

/* What the server sent before it died is delivered. */
static void
test_output_before_death (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunTarget) target = ssh_client_connected ("host");
  g_autoptr (SshRun) run =
      ssh_client_run (target, "head -c 1000000 /dev/zero; kill -9 $PPID", NULL);

  g_assert_error (run->error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION);
  g_assert_cmpuint (run->output_length, >, 0);
}

static void
test_server_dies_at_any_byte (Fixture *self, gconstpointer unused)
{
  g_autofree char *input = g_strnfill (2 * 1024 * 1024, 'x');

  for (guint delay_ms = 1; delay_ms < 40; delay_ms += 4) {
    g_autoptr (HookrunTarget) target = ssh_client_connected ("host");
    SshRun *run;

    g_timeout_add_full (G_PRIORITY_HIGH, delay_ms, kill_sessions, self->server, NULL);
    run = ssh_client_start (target, "cat; cat; sleep 1", input, NULL);
    ssh_client_wait (run);
    g_assert_error (run->error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION);
    ssh_run_free (run);
  }
}

/* At each moment of a command; the connection stays good for the next. */
static void
test_cancel_a_command (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunTarget) target = ssh_client_connected ("host");
  g_autofree char *input = g_strnfill (1024 * 1024, 'x');

  for (guint delay_ms = 0; delay_ms < 30; delay_ms++) {
    g_autoptr (GCancellable) cancellable = g_cancellable_new ();
    SshRun *run;
    SshRun *next;

    if (delay_ms == 0)
      g_cancellable_cancel (cancellable);
    run = ssh_client_start (target, "cat; sleep 0.1", input, cancellable);
    if (delay_ms > 0)
      g_timeout_add_full (G_PRIORITY_HIGH, delay_ms, cancel, g_object_ref (cancellable),
                          g_object_unref);
    ssh_client_wait (run);
    g_assert_error (run->error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
    ssh_run_free (run);
    next = ssh_client_run (target, "echo next", NULL);
    g_assert_no_error (next->error);
    g_assert_cmpstr (next->output, ==, "next\n");
    ssh_run_free (next);
  }
}

static void
test_disconnect_while_running (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunTarget) target = ssh_client_connected ("host");
  g_autoptr (SshRun) run = start_and_wait_for_output (target);

  hookrun_target_disconnect (target);
  ssh_client_wait (run);
  g_assert_error (run->error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION);
}

static void
on_executed_disconnect (GObject *target, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  HOOKRUN_TARGET_GET_IFACE (target)->execute_finish (HOOKRUN_TARGET (target), result, NULL, &error);
  g_assert_no_error (error);
  hookrun_target_disconnect (HOOKRUN_TARGET (target));
  *(gboolean *)user_data = TRUE;
}

/* A callback may do anything: here it drops the connection, and the last reference goes. */
static void
test_disconnect_in_a_callback (Fixture *self, gconstpointer unused)
{
  HookrunTarget *target = ssh_client_connected ("host");
  gboolean done = FALSE;

  HOOKRUN_TARGET_GET_IFACE (target)->execute_async (target, "true", -1, -1, -1, NULL,
                                                    on_executed_disconnect, &done);
  g_object_unref (target);
  ssh_client_until (&done, 10);
}

static void
on_executed_nest (GObject *target, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SshRun) run = ssh_client_run (HOOKRUN_TARGET (target), "echo nested", NULL);

  g_assert_cmpstr (run->output, ==, "nested\n");
  HOOKRUN_TARGET_GET_IFACE (target)->execute_finish (HOOKRUN_TARGET (target), result, NULL, NULL);
  *(gboolean *)user_data = TRUE;
}

/* ... or runs the main loop for another command. */
static void
test_nested_main_loop (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunTarget) target = ssh_client_connected ("host");
  gboolean done = FALSE;

  HOOKRUN_TARGET_GET_IFACE (target)->execute_async (target, "true", -1, -1, -1, NULL,
                                                    on_executed_nest, &done);
  ssh_client_until (&done, 10);
}

/* A call from a context of its own gets on while the first context is not run at all. */
static void
test_another_context (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunTarget) target = ssh_client_connected ("host");
  SshRun *outer = ssh_client_start (target, "sleep 0.5; echo outer", NULL, NULL);
  GMainContext *context = g_main_context_new ();
  SshRun *inner;

  g_main_context_push_thread_default (context);
  inner = ssh_client_run (target, "echo inner", NULL);
  g_assert_cmpstr (inner->output, ==, "inner\n");
  ssh_run_free (inner);
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);
  ssh_client_wait (outer);
  g_assert_no_error (outer->error);
  g_assert_cmpstr (outer->output, ==, "outer\n");
  ssh_run_free (outer);
}

static void
test_noisy_login (Fixture *self, gconstpointer unused)
{
  g_autofree char *name = g_build_filename (self->server->home, ".bashrc", NULL);
  g_autoptr (HookrunTarget) target = NULL;
  g_autoptr (SshRun) run = NULL;

  g_assert_true (g_file_set_contents (name, "echo noise; echo noise >&2\n", -1, NULL));
  target = ssh_client_connected ("host");
  run = ssh_client_run (target, "echo text", NULL);
  g_assert_no_error (run->error);
  g_assert_true (g_str_has_suffix (run->output, "text\n"));
}

static void
test_banner (void)
{
  g_autoptr (SshdFixture) server = sshd_fixture_new ("Banner /etc/passwd\n");
  g_autoptr (HookrunTarget) target = NULL;

  sshd_fixture_use (server, NULL);
  target = ssh_client_connected ("host");
  g_autoptr (SshRun) run = ssh_client_run (target, "echo text", NULL);
  g_assert_cmpstr (run->output, ==, "text\n");
}

static void
test_no_sessions_at_all (void)
{
  g_autoptr (SshdFixture) server = sshd_fixture_new ("MaxSessions 0\n");
  g_autoptr (HookrunTarget) target = NULL;

  sshd_fixture_use (server, NULL);
  target = ssh_client_connected ("host");
  g_autoptr (SshRun) run = ssh_client_run (target, "true", NULL);
  g_test_message ("%s", run->error->message);
  g_assert_error (run->error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
}

static void
test_unknown_host (void)
{
  g_autoptr (HookrunTarget) target = ssh_client_new ("no-such-host.invalid");
  g_autoptr (GError) error = NULL;

  g_assert_false (ssh_client_connect (target, &error));
  g_assert_nonnull (strstr (error->message, "cannot connect to no-such-host.invalid"));
  /* a machine without a name server cannot know that the name does not exist */
  if (!g_error_matches (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION))
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
}

int
main (int argc, char **argv)
{
  static const char impatient[] =
      "ServerAliveInterval 1\nServerAliveCountMax 2\nConnectTimeout 2\n";

  g_test_init (&argc, &argv, NULL);
#define ADD(name, lines, func)                                                                     \
  g_test_add ("/remote/ssh-faults/" name, Fixture, lines, set_up, func, tear_down)
  ADD ("cancel-while-connecting", NULL, test_cancel_while_connecting);
  ADD ("cancel-a-command", NULL, test_cancel_a_command);
  ADD ("server-dies-while-connecting", NULL, test_server_dies_while_connecting);
  ADD ("server-dies-while-running", NULL, test_server_dies_while_running);
  ADD ("server-dies-at-any-byte", NULL, test_server_dies_at_any_byte);
  ADD ("output-before-death", NULL, test_output_before_death);
  ADD ("nobody-listens", NULL, test_nobody_listens);
  ADD ("silent-server", impatient, test_silent_server);
  ADD ("black-hole", impatient, test_black_hole);
  ADD ("quiet-command-lives", impatient, test_quiet_command_lives);
  ADD ("disconnect-while-running", NULL, test_disconnect_while_running);
  ADD ("disconnect-in-a-callback", NULL, test_disconnect_in_a_callback);
  ADD ("nested-main-loop", NULL, test_nested_main_loop);
  ADD ("another-context", NULL, test_another_context);
  ADD ("noisy-login", NULL, test_noisy_login);
#undef ADD
  g_test_add_func ("/remote/ssh-faults/banner", test_banner);
  g_test_add_func ("/remote/ssh-faults/no-sessions-at-all", test_no_sessions_at_all);
  g_test_add_func ("/remote/ssh-faults/unknown-host", test_unknown_host);
  return g_test_run ();
}
