/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Layouts when something dies: the controller, the agent, the connection, the disk. In all cases
 * the old release stays live or comes back, and the next run needs no unlock. With the argument
 * --controller this program is the controller that is killed.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "layout-fixture.h"

static const RemoteKind kinds[] = {REMOTE_LOCAL, REMOTE_SSH};

/* Deploys r1; the source then has other contents. */
static LayoutFixture *
new_with_release (RemoteKind kind)
{
  LayoutFixture *self = layout_fixture_new (kind, HOOKRUN_LAYOUT_RELEASES);

  layout_fixture_shell (self, "echo 1 >source/file");
  layout_fixture_deploy (self, "r1");
  layout_fixture_shell (self, "echo 2 >source/file");
  return self;
}

static void
assert_live (LayoutFixture *self, const char *text)
{
  layout_fixture_assert_output (self, "cat root/there/current/file", text);
}

static void
switch_to (LayoutFixture *self, const char *release)
{
  g_autoptr (GError) error = NULL;

  layout_fixture_stage (self, release);
  g_assert_true (hookrun_layout_switch (self->layout, release, NULL, &error));
  g_assert_no_error (error);
}

static void
test_busy (gconstpointer kind)
{
  g_autoptr (LayoutFixture) self = new_with_release (*(const RemoteKind *)kind);
  g_autoptr (HookrunLayout) second = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (layout_fixture_open_again (self, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, g_get_user_name ()));
  g_assert_nonnull (strstr (error->message, g_get_host_name ()));
  g_clear_error (&error);
  hookrun_layout_close (self->layout);
  second = layout_fixture_open_again (self, &error);
  g_assert_no_error (error);
  g_assert_true (hookrun_layout_is_open (second));
}

static gpointer
try_to_open (gpointer self)
{
  return layout_fixture_open_again (self, NULL);
}

static void
test_race (gconstpointer kind)
{
  g_autoptr (LayoutFixture) self = new_with_release (*(const RemoteKind *)kind);
  GThread *threads[4];
  guint n_open = 0;
  HookrunLayout *winners[4];

  hookrun_layout_close (self->layout);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("open", try_to_open, self);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++) {
    winners[i] = g_thread_join (threads[i]);
    n_open += winners[i] != NULL;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_clear_object (&winners[i]);
  g_assert_cmpuint (n_open, ==, 1);
}

static void
wait_until_lost (HookrunLayout *layout)
{
  for (int i = 0; i < 100 && hookrun_layout_is_open (layout); i++)
    g_usleep (50000);
  g_assert_false (hookrun_layout_is_open (layout));
}

static void
test_agent_killed (gconstpointer kind)
{
  g_autoptr (LayoutFixture) self = new_with_release (*(const RemoteKind *)kind);
  g_autoptr (GError) error = NULL;

  switch_to (self, "r2");
  assert_live (self, "2\n");
  layout_fixture_shell (self, "kill -9 $(sed 's/.*process \\([0-9]*\\) there.*/\\1/' "
                              "root/there/.hookrun/lock)");
  wait_until_lost (self->layout);
  g_assert_false (hookrun_layout_confirm (self->layout, "r2", NULL, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION);
  g_clear_error (&error);
  g_assert_true (hookrun_layout_open (self->layout, NULL, &error));
  g_assert_no_error (error);
  g_assert_nonnull (strstr (hookrun_layout_get_recovered (self->layout), "r1 is live again"));
  assert_live (self, "1\n");
  layout_fixture_assert_state (self, "r2", HOOKRUN_RELEASE_SEALED);
}

static pid_t
start_controller (LayoutFixture *self, const char *until)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  const char *argv[] = {
      program, "--controller", self->remote->spec, self->remote->path, self->remote->source, until,
      NULL};
  g_autoptr (GError) error = NULL;
  char word[5] = "";
  GPid pid = 0;
  int out = -1;

  hookrun_layout_close (self->layout);
  g_spawn_async_with_pipes (NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid,
                            NULL, &out, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (read (out, word, 4), ==, 4);
  g_assert_cmpstr (word, ==, "live");
  close (out);
  return pid;
}

static int
be_controller (char **argv)
{
  g_autoptr (HookrunTarget) target = hookrun_target_new_for_spec (argv[0], NULL);
  g_autoptr (HookrunLayout) layout = hookrun_layout_new (target, argv[1], HOOKRUN_LAYOUT_RELEASES);
  g_autoptr (HookrunSync) sync = hookrun_sync_new ();
  g_autoptr (HookrunSyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  hookrun_layout_set_lease_seconds (layout, 3);
  if (!hookrun_layout_open (layout, NULL, &error) ||
      !hookrun_layout_begin (layout, "r2", sync, NULL, &error) ||
      (g_str_equal (argv[3], "send") && write (STDOUT_FILENO, "live", 4) != 4) ||
      (result = hookrun_layout_send (layout, "r2", sync, argv[2], NULL, &error)) == NULL ||
      !hookrun_layout_seal (layout, "r2", NULL, &error) ||
      !hookrun_layout_switch (layout, "r2", NULL, &error))
    g_error ("%s", error->message);
  if (write (STDOUT_FILENO, "live", 4) == 4)
    for (;;)
      pause ();
  return 1;
}

static void
wait_until_live (LayoutFixture *self, const char *text, guint seconds)
{
  for (guint i = 0; i < seconds * 20; i++) {
    g_autofree char *now = remote_fixture_shell (self->remote, "cat root/there/current/file");

    if (g_str_equal (now, text))
      return;
    g_usleep (50000);
  }
  assert_live (self, text);
}

static void
test_controller_killed (gconstpointer kind)
{
  g_autoptr (LayoutFixture) self = new_with_release (*(const RemoteKind *)kind);
  g_autoptr (GError) error = NULL;
  pid_t pid = start_controller (self, "switch");

  assert_live (self, "2\n");
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  wait_until_live (self, "1\n", 2);
  g_assert_true (hookrun_layout_open (self->layout, NULL, &error));
  g_assert_no_error (error);
  layout_fixture_deploy (self, "r3");
  assert_live (self, "2\n");
}

/* A writer of a run that is over, such as rsync with data left to write, is waited for. */
static void
test_late_writer (gconstpointer kind)
{
  g_autoptr (LayoutFixture) self = new_with_release (*(const RemoteKind *)kind);
  g_autoptr (GError) error = NULL;

  g_assert_true (hookrun_layout_begin (self->layout, "r2", self->sync, NULL, &error));
  layout_fixture_shell (self, "cd root/there; exec 8<>.hookrun/writers && flock -s 8; "
                              "(for i in $(seq 150); do mkdir -p releases/r2; "
                              "echo x >releases/r2/late$i; sleep 0.01; done) >/dev/null 2>&1 &");
  g_assert_true (hookrun_layout_undo (self->layout, "r2", NULL, &error));
  g_assert_no_error (error);
  layout_fixture_assert_output (self, "sleep 0.1; ls -A root/there/releases", "r1\n");
}

/* Killed in the middle of a send: nothing of it writes on, and the next run clears up. */
static void
test_sender_killed (gconstpointer kind)
{
  g_autoptr (LayoutFixture) self = new_with_release (*(const RemoteKind *)kind);
  g_autoptr (GError) error = NULL;
  pid_t pid;

  layout_fixture_shell (self, "for i in $(seq 8); do head -c 60000000 /dev/zero >source/l$i; done");
  pid = start_controller (self, "send");
  layout_fixture_shell (self, "until [ -e root/there/releases/r2/l2 ]; do sleep 0.01; done");
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  g_assert_true (hookrun_layout_open (self->layout, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (hookrun_layout_undo (self->layout, "r2", NULL, &error));
  g_assert_no_error (error);
  layout_fixture_assert_output (self,
                                "ls -A root/there/releases; pgrep -f \"rsync.*$PWD/\"; "
                                "sleep 0.5; ls -A root/there/releases",
                                "r1\nr1\n");
  assert_live (self, "1\n");
}

/* A controller that is stopped is like one behind a line that went dead: the heartbeat is missing.
 */
static void
test_controller_silent (gconstpointer kind)
{
  g_autoptr (LayoutFixture) self = new_with_release (*(const RemoteKind *)kind);
  g_autoptr (GError) error = NULL;
  pid_t pid = start_controller (self, "switch");

  kill (pid, SIGSTOP);
  g_assert_false (hookrun_layout_open (self->layout, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_BUSY);
  g_clear_error (&error);
  wait_until_live (self, "1\n", 6);
  g_assert_true (hookrun_layout_open (self->layout, NULL, &error));
  g_assert_no_error (error);
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
}

/* A lock that is held is kept, however long nothing is asked. */
static void
test_heartbeat (gconstpointer kind)
{
  g_autoptr (LayoutFixture) self = new_with_release (*(const RemoteKind *)kind);

  g_usleep (5 * G_USEC_PER_SEC);
  g_assert_true (hookrun_layout_is_open (self->layout));
  layout_fixture_deploy (self, "r2");
  assert_live (self, "2\n");
}

static gpointer
cut_soon (gpointer sshd)
{
  g_usleep (150000);
  g_assert_cmpuint (sshd_fixture_signal (sshd, SIGKILL, FALSE), >, 0);
  return NULL;
}

static void
cut_in_send (HookrunSyncEngine engine)
{
  g_autoptr (LayoutFixture) self = new_with_release (REMOTE_SSH);
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunSyncResult) result = NULL;
  GThread *thread;

  layout_fixture_shell (self,
                        "for i in 1 2 3 4; do head -c 100000000 /dev/urandom >source/l$i; done");
  hookrun_sync_set_engine (self->sync, engine);
  g_assert_true (hookrun_layout_begin (self->layout, "r2", self->sync, NULL, &error));
  thread = g_thread_new ("cut", cut_soon, self->remote->sshd);
  result = hookrun_layout_send (self->layout, "r2", self->sync, self->remote->source, NULL, &error);
  g_thread_join (thread);
  g_assert_null (result);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION);
  g_clear_error (&error);
  assert_live (self, "1\n");
  layout_fixture_shell (self, "rm source/l*");
  wait_until_lost (self->layout);
  g_assert_true (hookrun_layout_open (self->layout, NULL, &error));
  g_assert_no_error (error);
  layout_fixture_assert_state (self, "r2", HOOKRUN_RELEASE_STARTED);
  g_assert_false (hookrun_layout_switch (self->layout, "r2", NULL, &error));
  g_clear_error (&error);
  layout_fixture_deploy (self, "r3");
  assert_live (self, "2\n");
  layout_fixture_assert_output (self, "ls -A root/there/releases", "r1\nr3\n");
}

static void
test_cut_rsync (void)
{
  cut_in_send (HOOKRUN_SYNC_ENGINE_RSYNC);
}

static void
test_cut_tar (void)
{
  cut_in_send (HOOKRUN_SYNC_ENGINE_TAR);
}

static void
test_full_disk (gconstpointer kind)
{
  g_autoptr (RemoteFixture) remote = remote_fixture_new (*(const RemoteKind *)kind, NULL);
  g_autoptr (HookrunLayout) layout = NULL;
  g_autoptr (HookrunSync) sync = hookrun_sync_new ();
  g_autoptr (HookrunSyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_free (remote_fixture_shell (remote,
                                "mkdir root/there && mount -t tmpfs -o size=2m none root/there"
                                "&& head -c 5000000 /dev/urandom >source/large"));
  layout = hookrun_layout_new (remote->target, remote->path, HOOKRUN_LAYOUT_RELEASES);
  g_assert_true (hookrun_layout_open (layout, NULL, &error));
  g_assert_true (hookrun_layout_begin (layout, "r1", sync, NULL, &error));
  result = hookrun_layout_send (layout, "r1", sync, remote->source, NULL, &error);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NO_SPACE);
  g_clear_error (&error);
  g_assert_true (hookrun_layout_undo (layout, "r1", NULL, &error));
  g_assert_no_error (error);
  hookrun_layout_close (layout);
  g_free (remote_fixture_shell (remote,
                                "test ! -h root/there/current -a ! -e root/there/releases/r1 "
                                "&& umount -l root/there"));
}

static void
test_read_only (void)
{
  g_autoptr (RemoteFixture) remote = remote_fixture_new (REMOTE_LOCAL, NULL);
  g_autoptr (HookrunLayout) layout = NULL;
  g_autoptr (GError) error = NULL;

  g_free (
      remote_fixture_shell (remote, "mkdir root/there && mount -t tmpfs -o ro none root/there"));
  layout = hookrun_layout_new (remote->target, remote->path, HOOKRUN_LAYOUT_RELEASES);
  g_assert_false (hookrun_layout_open (layout, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION);
  g_free (remote_fixture_shell (remote, "umount -l root/there"));
}

static void
test_missing_program (void)
{
  g_autoptr (RemoteFixture) remote = remote_fixture_new (REMOTE_LOCAL, NULL);
  g_autofree char *path = g_strdup (g_getenv ("PATH"));
  g_autofree char *poor = g_build_filename (remote->folder, "bin", NULL);
  g_autoptr (HookrunTarget) target = NULL;
  g_autoptr (HookrunLayout) layout = NULL;
  g_autoptr (GError) error = NULL;

  g_free (remote_fixture_shell (remote, "mkdir bin && ln -s $(command -v sh) bin/sh"));
  g_setenv ("PATH", poor, TRUE);
  target = remote_fixture_connect_again (remote);
  g_setenv ("PATH", path, TRUE);
  layout = hookrun_layout_new (target, remote->path, HOOKRUN_LAYOUT_RELEASES);
  g_assert_false (hookrun_layout_open (layout, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "flock"));
}

/* A login shell that prints, as a .bashrc may. */
static void
test_noisy_shell (void)
{
  g_autoptr (RemoteFixture) remote = remote_fixture_new (
      REMOTE_SSH, "ForceCommand echo Welcome; eval \"$SSH_ORIGINAL_COMMAND\"\n");
  g_autoptr (HookrunLayout) layout =
      hookrun_layout_new (remote->target, remote->path, HOOKRUN_LAYOUT_RELEASES);
  g_autoptr (HookrunSync) sync = hookrun_sync_new ();
  g_autoptr (HookrunSyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *output = NULL;

  g_assert_true (hookrun_target_run_script (remote->target, "echo clean", NULL, 0, &output, NULL,
                                            NULL, &error));
  g_assert_cmpstr (output, ==, "clean\n");
  remote_fixture_make_odd_tree (remote);
  g_assert_true (hookrun_layout_open (layout, NULL, &error));
  g_assert_true (hookrun_layout_begin (layout, "r1", sync, NULL, &error));
  result = hookrun_layout_send (layout, "r1", sync, remote->source, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (hookrun_sync_result_get_engine (result), ==, HOOKRUN_SYNC_ENGINE_TAR);
  remote_fixture_assert_same (remote, "source", "root/there/releases/r1");
}

/* An account that runs nothing: what it prints is told, and what to do; nothing of it steers the
 * terminal. */
static void
test_no_shell (void)
{
  g_autoptr (RemoteFixture) remote = remote_fixture_new (
      REMOTE_SSH, "ForceCommand printf 'This account\\033[31m is not available.\\r\\n'; exit 1\n");
  g_autoptr (HookrunLayout) layout =
      hookrun_layout_new (remote->target, remote->path, HOOKRUN_LAYOUT_RELEASES);

  for (guint i = 0; i < 2; i++) {
    g_autoptr (GError) error = NULL;

    if (i == 0)
      g_assert_false (hookrun_layout_open (layout, NULL, &error));
    else
      g_assert_false (
          hookrun_target_run_script (remote->target, "true", NULL, 0, NULL, NULL, NULL, &error));
    g_test_message ("%s", error->message);
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL);
    g_assert_nonnull (strstr (error->message, "This account?[31m is not available."));
    g_assert_nonnull (strstr (error->message, "status 1"));
    g_assert_nonnull (strstr (error->message, "forced command"));
  }
}

static void
test_cancelled (gconstpointer kind)
{
  g_autoptr (LayoutFixture) self = new_with_release (*(const RemoteKind *)kind);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  switch_to (self, "r2");
  g_cancellable_cancel (cancellable);
  g_assert_false (hookrun_layout_confirm (self->layout, "r2", NULL, cancellable, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_assert_false (hookrun_layout_is_open (self->layout));
}

static void
add_cases (const char *name, GTestDataFunc func)
{
  static const char *const names[] = {"local", "ssh"};

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++) {
    g_autofree char *path = g_strdup_printf ("/remote/layout-faults/%s/%s", names[i], name);

    g_test_add_data_func (path, &kinds[i], func);
  }
}

int
main (int argc, char **argv)
{
  if (argc == 6 && g_str_equal (argv[1], "--controller"))
    return be_controller (argv + 2);
  g_test_init (&argc, &argv, NULL);
  add_cases ("busy-names-the-holder", test_busy);
  add_cases ("one-of-many-wins", test_race);
  add_cases ("agent-killed", test_agent_killed);
  add_cases ("controller-killed", test_controller_killed);
  add_cases ("late-writer", test_late_writer);
  add_cases ("sender-killed", test_sender_killed);
  add_cases ("controller-silent", test_controller_silent);
  add_cases ("heartbeat-keeps-the-lock", test_heartbeat);
  add_cases ("full-disk", test_full_disk);
  add_cases ("cancelled", test_cancelled);
  g_test_add_func ("/remote/layout-faults/ssh/cut-in-a-send-by-rsync", test_cut_rsync);
  g_test_add_func ("/remote/layout-faults/ssh/cut-in-a-send-by-tar", test_cut_tar);
  g_test_add_func ("/remote/layout-faults/ssh/login-shell-that-prints", test_noisy_shell);
  g_test_add_func ("/remote/layout-faults/ssh/no-shell", test_no_shell);
  g_test_add_func ("/remote/layout-faults/local/read-only", test_read_only);
  g_test_add_func ("/remote/layout-faults/local/missing-program", test_missing_program);
  return g_test_run ();
}
