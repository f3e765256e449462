/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logging in to a real sshd: key files of all kinds, a real agent, passphrases, refusals. */
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "ssh-client.h"

/* Connects with "IdentityFile @key" and nothing else. */
static gboolean
login (SshdFixture *server, const char *key, HookrunTargetQuestion question, gpointer data,
       GError **error)
{
  g_autofree char *lines = g_strdup_printf ("IdentityFile %s\n", key);
  g_autoptr (HookrunTarget) target = NULL;

  g_free (server->user_key);
  server->user_key = g_strdup (key);
  sshd_fixture_use (server, NULL);
  target = ssh_client_new ("host");
  hookrun_target_set_question (target, question, data, NULL);
  return ssh_client_connect (target, error);
}

static void
test_key_of_type (gconstpointer type)
{
  g_autoptr (SshdFixture) server = sshd_fixture_new (NULL);
  g_autofree char *key = sshd_fixture_make_key (server, "key", type, NULL, TRUE);
  g_autoptr (GError) error = NULL;

  login (server, key, NULL, NULL, &error);
  g_assert_no_error (error);
}

static void
test_pem_key (void)
{
  g_autoptr (SshdFixture) server = sshd_fixture_new (NULL);
  g_autofree char *key = sshd_fixture_make_key (server, "key", "ecdsa", NULL, TRUE);
  const char *argv[] = {"ssh-keygen", "-q", "-p", "-m", "PEM", "-N", "", "-f", key, NULL};
  g_autoptr (GError) error = NULL;
  int status = 1;

  g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
                NULL, NULL, NULL, &status, NULL);
  g_assert_cmpint (status, ==, 0);
  login (server, key, NULL, NULL, &error);
  g_assert_no_error (error);
}

static void
test_rsa_key (void)
{
  g_autoptr (SshdFixture) server = sshd_fixture_new (NULL);
  g_autofree char *key = sshd_fixture_make_key (server, "key", "rsa", NULL, TRUE);
  g_autoptr (GError) error = NULL;

  if (login (server, key, NULL, NULL, &error))
    return; /* a libssh2 that knows RSA with SHA-2 */
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, key));
}

static void
test_refused (void)
{
  g_autoptr (SshdFixture) server = sshd_fixture_new (NULL);
  g_autofree char *key = sshd_fixture_make_key (server, "key", "ed25519", NULL, FALSE);
  g_autoptr (GError) error = NULL;

  g_assert_false (login (server, key, NULL, NULL, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_AUTHENTICATION);
  g_assert_nonnull (strstr (error->message, key));
  g_assert_nonnull (strstr (error->message, "takes: publickey"));
  g_assert_nonnull (strstr (error->message, "authorized_keys"));
}

static void
test_readable_key (void)
{
  g_autoptr (SshdFixture) server = sshd_fixture_new (NULL);
  g_autofree char *key = sshd_fixture_make_key (server, "key", "ed25519", NULL, TRUE);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (chmod (key, 0644), ==, 0);
  g_assert_false (login (server, key, NULL, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_AUTHENTICATION);
  g_assert_nonnull (strstr (error->message, "chmod 600"));
}

static void
test_too_many_keys (void)
{
  g_autoptr (SshdFixture) server = sshd_fixture_new ("MaxAuthTries 2\n");
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autoptr (HookrunTarget) target = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 4; i++) {
    g_autofree char *name = g_strdup_printf ("key%u", i);
    g_autofree char *key = sshd_fixture_make_key (server, name, "ed25519", NULL, FALSE);

    g_string_append_printf (lines, "IdentityFile %s\n", key);
  }
  sshd_fixture_use (server, lines->str);
  target = ssh_client_new ("host");
  g_assert_false (ssh_client_connect (target, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_AUTHENTICATION);
  g_assert_nonnull (strstr (error->message, "IdentitiesOnly"));
}

typedef struct {
  const char *const *answers;
  guint asked;
} Person;

static char *
on_question (HookrunTarget *target, const char *title, const char *text, gboolean secret,
             gpointer user_data)
{
  Person *person = user_data;

  g_assert_true (secret);
  return g_strdup (person->answers[person->asked++]);
}

static void
test_passphrase (gconstpointer type)
{
  const char *const answers[] = {"wrong", "sesame", NULL};
  Person person = {answers, 0};
  g_autoptr (SshdFixture) server = sshd_fixture_new (NULL);
  g_autofree char *key = sshd_fixture_make_key (server, "key", type, "sesame", TRUE);
  g_autoptr (GError) error = NULL;

  login (server, key, on_question, &person, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (person.asked, ==, 2);
}

static void
test_wrong_passphrases (void)
{
  const char *const answers[] = {"a", "b", "c", "d", NULL};
  Person person = {answers, 0};
  g_autoptr (SshdFixture) server = sshd_fixture_new (NULL);
  g_autofree char *key = sshd_fixture_make_key (server, "key", "ed25519", "sesame", TRUE);
  g_autoptr (GError) error = NULL;

  g_assert_false (login (server, key, on_question, &person, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_AUTHENTICATION);
  g_assert_nonnull (strstr (error->message, "wrong passphrase"));
  g_assert_cmpuint (person.asked, ==, 3);
}

/* The server does not want the key, so nobody is bothered for its passphrase. */
static void
test_no_question_for_nothing (void)
{
  Person person = {NULL, 0};
  g_autoptr (SshdFixture) server = sshd_fixture_new (NULL);
  g_autofree char *key = sshd_fixture_make_key (server, "key", "ed25519", "sesame", FALSE);
  g_autoptr (GError) error = NULL;

  g_assert_false (login (server, key, on_question, &person, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_AUTHENTICATION);
  g_assert_cmpuint (person.asked, ==, 0);
}

static void
test_nobody_to_ask (void)
{
  g_autoptr (SshdFixture) server = sshd_fixture_new (NULL);
  g_autofree char *key = sshd_fixture_make_key (server, "key", "ed25519", "sesame", TRUE);
  g_autoptr (GError) error = NULL;

  g_assert_false (login (server, key, NULL, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_AUTHENTICATION);
  g_assert_nonnull (strstr (error->message, "ssh-add"));
}

typedef struct {
  SshdFixture *server;
  GPid pid;
  char *socket;
} Agent;

static void
agent_set_up (Agent *self, gconstpointer unused)
{
  const char *argv[] = {"ssh-agent", "-D", "-a", NULL, NULL};

  self->server = sshd_fixture_new (NULL);
  self->socket = g_build_filename (self->server->folder, "agent", NULL);
  argv[3] = self->socket;
  g_assert_true (
      g_spawn_async (NULL, (char **)argv, NULL,
                     G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_DO_NOT_REAP_CHILD,
                     NULL, NULL, &self->pid, NULL));
  for (guint i = 0; i < 500 && !g_file_test (self->socket, G_FILE_TEST_EXISTS); i++)
    g_usleep (10000);
}

static void
agent_tear_down (Agent *self, gconstpointer unused)
{
  kill (self->pid, SIGCONT);
  kill (self->pid, SIGTERM);
  g_spawn_close_pid (self->pid);
  g_free (self->socket);
  sshd_fixture_free (self->server);
}

static void
agent_add (Agent *self, const char *key)
{
  g_auto (GStrv) environment =
      g_environ_setenv (g_get_environ (), "SSH_AUTH_SOCK", self->socket, TRUE);
  const char *argv[] = {"ssh-add", "-q", key, NULL};
  int status = 1;

  g_spawn_sync (NULL, (char **)argv, environment, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                &status, NULL);
  g_assert_cmpint (status, ==, 0);
}

/* A configuration with the agent, @lines, and no key file of the fixture. */
static HookrunTarget *
agent_target (Agent *self, const char *lines)
{
  g_autofree char *all = g_strdup_printf ("IdentityAgent %s\n%s", self->socket, lines);

  g_free (self->server->user_key);
  self->server->user_key = g_strdup ("/nonexistent");
  sshd_fixture_use (self->server, all);
  return ssh_client_new ("host");
}

static void
test_agent (Agent *self, gconstpointer type)
{
  g_autofree char *useless = sshd_fixture_make_key (self->server, "a", "ed25519", NULL, FALSE);
  g_autofree char *key = sshd_fixture_make_key (self->server, "b", type, NULL, TRUE);
  g_autoptr (HookrunTarget) target = NULL;
  g_autoptr (GError) error = NULL;

  agent_add (self, useless);
  agent_add (self, key);
  target = agent_target (self, "IdentitiesOnly no\n");
  ssh_client_connect (target, &error);
  g_assert_no_error (error);
}

/* Only the public half is on disk; the agent holds the private one, and another that is not named.
 */
static void
test_agent_identities_only (Agent *self, gconstpointer unused)
{
  g_autofree char *other = sshd_fixture_make_key (self->server, "a", "ed25519", NULL, TRUE);
  g_autofree char *named = sshd_fixture_make_key (self->server, "b", "ed25519", NULL, FALSE);
  g_autofree char *lines = g_strdup_printf ("IdentitiesOnly yes\nIdentityFile %s\n", named);
  g_autoptr (HookrunTarget) target = NULL;
  g_autoptr (GError) error = NULL;

  agent_add (self, other);
  agent_add (self, named);
  target = agent_target (self, lines);
  g_assert_false (ssh_client_connect (target, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_AUTHENTICATION);
  g_assert_null (strstr (error->message, "\"a\""));
}

/* An encrypted file whose key the agent has open: no question. */
static void
test_agent_before_passphrase (Agent *self, gconstpointer unused)
{
  g_autofree char *plain = sshd_fixture_make_key (self->server, "a", "ed25519", NULL, TRUE);
  g_autofree char *lines = g_strdup_printf ("IdentityFile %s\n", plain);
  const char *argv[] = {"ssh-keygen", "-q", "-p", "-N", "sesame", "-f", plain, NULL};
  g_autoptr (HookrunTarget) target = NULL;
  g_autoptr (GError) error = NULL;
  int status = 1;

  agent_add (self, plain);
  g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
                NULL, NULL, NULL, &status, NULL);
  g_assert_cmpint (status, ==, 0);
  target = agent_target (self, lines);
  ssh_client_connect (target, &error);
  g_assert_no_error (error);
}

static void
test_agent_is_gone (Agent *self, gconstpointer unused)
{
  g_autoptr (HookrunTarget) target = NULL;
  g_autoptr (GError) error = NULL;

  sshd_fixture_use (self->server, "IdentityAgent /nonexistent/agent\n");
  target = ssh_client_new ("host");
  ssh_client_connect (target, &error);
  g_assert_no_error (error); /* by the key file */
}

static gboolean
set_flag (gpointer flag)
{
  *(gboolean *)flag = TRUE;
  return G_SOURCE_REMOVE;
}

static void
on_connected (GObject *target, GAsyncResult *result, gpointer user_data)
{
  HOOKRUN_TARGET_GET_IFACE (target)->connect_finish (HOOKRUN_TARGET (target), result, user_data);
}

/* A stopped agent keeps neither the main loop nor the one who cancels waiting. */
static void
test_agent_hangs (Agent *self, gconstpointer unused)
{
  g_autoptr (HookrunTarget) target = agent_target (self, "IdentitiesOnly no\n");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  gboolean late = FALSE;

  kill (self->pid, SIGSTOP);
  HOOKRUN_TARGET_GET_IFACE (target)->connect_async (target, cancellable, on_connected, &error);
  g_timeout_add (300, set_flag, &late);
  ssh_client_until (&late, 10);
  g_assert_no_error (error);
  g_cancellable_cancel (cancellable);
  late = FALSE;
  g_timeout_add (100, set_flag, &late);
  ssh_client_until (&late, 10);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_unsetenv ("SSH_AUTH_SOCK");
  g_test_add_data_func ("/remote/ssh-login/ed25519", "ed25519", test_key_of_type);
  g_test_add_data_func ("/remote/ssh-login/ecdsa", "ecdsa", test_key_of_type);
  g_test_add_func ("/remote/ssh-login/ecdsa-in-pem", test_pem_key);
  g_test_add_func ("/remote/ssh-login/rsa-needs-ssh", test_rsa_key);
  g_test_add_func ("/remote/ssh-login/refused", test_refused);
  g_test_add_func ("/remote/ssh-login/readable-key", test_readable_key);
  g_test_add_func ("/remote/ssh-login/too-many-keys", test_too_many_keys);
  g_test_add_data_func ("/remote/ssh-login/passphrase", "ed25519", test_passphrase);
  g_test_add_data_func ("/remote/ssh-login/passphrase-ecdsa", "ecdsa", test_passphrase);
  g_test_add_func ("/remote/ssh-login/wrong-passphrases", test_wrong_passphrases);
  g_test_add_func ("/remote/ssh-login/no-question-for-nothing", test_no_question_for_nothing);
  g_test_add_func ("/remote/ssh-login/nobody-to-ask", test_nobody_to_ask);
#define ADD(name, data, func)                                                                      \
  g_test_add ("/remote/ssh-login/agent/" name, Agent, data, agent_set_up, func, agent_tear_down)
  ADD ("ed25519", "ed25519", test_agent);
  ADD ("ecdsa", "ecdsa", test_agent);
  ADD ("identities-only", NULL, test_agent_identities_only);
  ADD ("before-passphrase", NULL, test_agent_before_passphrase);
  ADD ("gone", NULL, test_agent_is_gone);
  ADD ("hangs", NULL, test_agent_hangs);
#undef ADD
  return g_test_run ();
}
