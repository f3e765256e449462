/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The user's ssh program behind the interface, and the change to it: where the library's own ssh
 * cannot, and never because a key or a login was refused.
 */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hookrun-remote-target-private.h"
#include "hookrun-ssh-program-target-private.h"
#include "remote-fixture.h"

static void
set_up (RemoteFixture **fixture, gconstpointer unused)
{
  *fixture = remote_fixture_new (REMOTE_SSH_PROGRAM, NULL);
}

static void
tear_down (RemoteFixture **fixture, gconstpointer unused)
{
  remote_fixture_free (*fixture);
}

static char *
run (HookrunTarget *target, const char *script, GError **error)
{
  char *output = NULL;

  if (hookrun_target_run_script (target, script, NULL, 20000, &output, NULL, NULL, error))
    return output;
  g_free (output);
  return NULL;
}

static void
assert_runs (HookrunTarget *target)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *output = run (target, "echo it\\'s; echo", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (output, ==, "it's\n\n");
}

static gboolean
uses_program (HookrunTarget *target)
{
  HookrunTarget *inner = hookrun_remote_target_get_inner (HOOKRUN_REMOTE_TARGET (target));

  return G_TYPE_CHECK_INSTANCE_TYPE (inner, HOOKRUN_TYPE_SSH_PROGRAM_TARGET);
}

static void
test_runs (RemoteFixture **fixture, gconstpointer unused)
{
  for (int i = 0; i < 3; i++)
    assert_runs ((*fixture)->target);
}

/* Many commands, one login. */
static void
test_one_connection (RemoteFixture **fixture, gconstpointer unused)
{
  g_autofree char *first = run ((*fixture)->target, "echo $SSH_CONNECTION", NULL);
  g_autofree char *second = run ((*fixture)->target, "echo $SSH_CONNECTION", NULL);

  g_assert_nonnull (first);
  g_assert_cmpstr (first, ==, second);
}

/* ssh uses the status 255 for itself; a command may, too. */
static void
test_status_255 (RemoteFixture **fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (run ((*fixture)->target, "echo why >&2; exit 255", &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_COMMAND);
  g_assert_nonnull (strstr (error->message, "status 255: why"));
}

static gpointer
kill_soon (gpointer sshd)
{
  g_usleep (300000);
  sshd_fixture_signal (sshd, SIGKILL, FALSE);
  return NULL;
}

static void
test_broken (RemoteFixture **fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  GThread *thread;

  assert_runs ((*fixture)->target);
  thread = g_thread_new ("kill", kill_soon, (*fixture)->sshd);
  g_assert_null (run ((*fixture)->target, "sleep 10", &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION);
  g_thread_join (thread);
  assert_runs ((*fixture)->target);
}

static void
test_disconnect (RemoteFixture **fixture, gconstpointer unused)
{
  assert_runs ((*fixture)->target);
  hookrun_target_disconnect ((*fixture)->target);
  assert_runs ((*fixture)->target);
}

static void
test_nobody_there (RemoteFixture **fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  sshd_fixture_stop ((*fixture)->sshd);
  g_assert_null (run ((*fixture)->target, ":", &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION);
  g_assert_nonnull (strstr (error->message, "refused"));
}

static void
change_known_hosts (SshdFixture *sshd, const char *format)
{
  g_autofree char *key = sshd_fixture_make_key (sshd, "other", "ed25519", NULL, FALSE);
  g_autofree char *path = g_strconcat (key, ".pub", NULL);
  g_autofree char *own_path = g_strconcat (sshd->host_key, ".pub", NULL);
  g_autofree char *other = NULL;
  g_autofree char *own = NULL;
  g_autofree char *host = g_strdup_printf ("[127.0.0.1]:%u", sshd->port);
  g_autoptr (GString) line = g_string_new (format);

  g_assert_true (g_file_get_contents (path, &other, NULL, NULL));
  g_assert_true (g_file_get_contents (own_path, &own, NULL, NULL));
  g_string_replace (line, "HOST", host, 0);
  g_string_replace (line, "OTHER", other, 0);
  g_string_replace (line, "OWN", own, 0);
  g_assert_true (g_file_set_contents (sshd->known_hosts, line->str, -1, NULL));
}

/* With both ways: the library's own ssh finds it, and the program is not tried. */
static void
test_host_key_refused (void)
{
  static const struct {
    const char *known_hosts;
    HookrunError code;
  } keys[] = {
      {"HOST OTHER", HOOKRUN_ERROR_HOST_KEY_CHANGED},
      {"@revoked HOST OWN\nHOST OWN", HOOKRUN_ERROR_HOST_KEY_REVOKED},
      {"", HOOKRUN_ERROR_HOST_KEY_UNKNOWN},
  };

  for (gsize i = 0; i < 2 * G_N_ELEMENTS (keys); i++) {
    RemoteKind kind = i % 2 == 0 ? REMOTE_SSH : REMOTE_SSH_PROGRAM;
    g_autoptr (RemoteFixture) remote = remote_fixture_new (kind, NULL);
    g_autoptr (GError) error = NULL;

    change_known_hosts (remote->sshd, keys[i / 2].known_hosts);
    g_assert_null (run (remote->target, "touch /tmp/never", &error));
    g_assert_error (error, HOOKRUN_ERROR, (int)keys[i / 2].code);
    g_assert_true (uses_program (remote->target) == (kind == REMOTE_SSH_PROGRAM));
  }
}

static void
test_login_refused (void)
{
  for (int i = 0; i < 2; i++) {
    g_autoptr (RemoteFixture) remote =
        remote_fixture_new (i == 0 ? REMOTE_SSH : REMOTE_SSH_PROGRAM, NULL);
    g_autoptr (GError) error = NULL;
    g_autofree char *keys = g_build_filename (remote->sshd->folder, "authorized_keys", NULL);

    g_assert_true (g_file_set_contents (keys, "", -1, NULL));
    g_assert_null (run (remote->target, ":", &error));
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_AUTHENTICATION);
  }
}

/* What libssh2 1.10 cannot: only then the program takes over, by itself. */
static void
test_takes_over (void)
{
  g_autoptr (RemoteFixture) remote =
      remote_fixture_new (REMOTE_SSH, "MACs hmac-sha2-256-etm@openssh.com\nCiphers aes128-ctr\n");

  assert_runs (remote->target);
  g_assert_true (uses_program (remote->target));
}

static void
test_one_session (void)
{
  g_autoptr (RemoteFixture) remote = remote_fixture_new (REMOTE_SSH_PROGRAM, "MaxSessions 1\n");

  assert_runs (remote->target);
}

static char *
answer (HookrunTarget *target, const char *title, const char *text, gboolean secret,
        gpointer questions)
{
  g_string_append_printf (questions, "%s %s\n", secret ? "secret" : "open", text);
  return g_strdup (secret ? "pass phrase" : "yes");
}

static void
test_questions (void)
{
  g_autoptr (RemoteFixture) remote = remote_fixture_new (REMOTE_SSH_PROGRAM, NULL);
  g_autoptr (GString) questions = g_string_new (NULL);
  g_autofree char *key =
      sshd_fixture_make_key (remote->sshd, "locked", "ed25519", "pass phrase", TRUE);
  g_autofree char *line =
      g_strdup_printf ("IdentityFile %s\nIdentitiesOnly yes\nStrictHostKeyChecking ask\n", key);
  g_autofree char *stanza = sshd_fixture_stanza (remote->sshd, "*", line);
  g_autofree char *own = g_strdup_printf ("IdentityFile %s\n", remote->sshd->user_key);
  g_autoptr (GString) config = g_string_new (stanza);

  g_string_replace (config, own, "", 0);
  sshd_fixture_use_config (remote->sshd, config->str);
  change_known_hosts (remote->sshd, "");
  hookrun_target_set_question (remote->target, answer, questions, NULL);
  assert_runs (remote->target);
  g_assert_nonnull (strstr (questions->str, "open "));
  g_assert_nonnull (strstr (questions->str, "fingerprint"));
  g_assert_nonnull (strstr (questions->str, "secret Enter passphrase"));
}

/* kill -9 of the process that holds the connection leaves nothing of it. */
static void
test_no_orphan (RemoteFixture **fixture, gconstpointer unused)
{
  pid_t pid = fork ();

  if (pid == 0) {
    g_autofree char *output = run ((*fixture)->target, "echo", NULL);

    kill (getpid (), SIGKILL);
  }
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
  for (int i = 0; i < 100 && sshd_fixture_signal ((*fixture)->sshd, 0, FALSE) > 0; i++)
    g_usleep (50000);
  g_assert_cmpuint (sshd_fixture_signal ((*fixture)->sshd, 0, FALSE), ==, 0);
}

static void
test_texts (void)
{
  static const struct {
    const char *text;
    HookrunError code;
  } texts[] = {
      {"WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\nHost key verification failed.",
       HOOKRUN_ERROR_HOST_KEY_CHANGED},
      {"No ED25519 host key is known\nHost key verification failed.",
       HOOKRUN_ERROR_HOST_KEY_UNKNOWN},
      {"u@h: Permission denied (publickey).", HOOKRUN_ERROR_AUTHENTICATION},
      {"ssh: connect to host h port 22: Connection refused", HOOKRUN_ERROR_CONNECTION},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    g_assert_cmpint (hookrun_ssh_program_code_of_text (texts[i].text), ==, texts[i].code);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                                            \
  g_test_add ("/remote/ssh-program/" name, RemoteFixture *, NULL, set_up, func, tear_down)
  ADD ("dies-with-its-process", test_no_orphan);
  ADD ("runs", test_runs);
  ADD ("one-connection-for-all", test_one_connection);
  ADD ("status-255-of-a-command", test_status_255);
  ADD ("connection-breaks", test_broken);
  ADD ("again-after-disconnect", test_disconnect);
  ADD ("nobody-there", test_nobody_there);
  g_test_add_func ("/remote/ssh-program/host-key-is-never-tried-otherwise", test_host_key_refused);
  g_test_add_func ("/remote/ssh-program/login-refused", test_login_refused);
  g_test_add_func ("/remote/ssh-program/takes-over-what-is-unsupported", test_takes_over);
  g_test_add_func ("/remote/ssh-program/one-session-a-connection", test_one_session);
  g_test_add_func ("/remote/ssh-program/questions-reach-the-person", test_questions);
  g_test_add_func ("/remote/ssh-program/causes-of-failures", test_texts);
  return g_test_run ();
}
