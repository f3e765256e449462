/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host keys of real servers: known, unknown, changed, revoked, and kinds that libssh2 cannot. */
#include <string.h>

#include "hookrun-known-hosts-private.h"
#include "ssh-client.h"

typedef struct {
  SshdFixture *server;
  HookrunTarget *target;
} Fixture;

static void
set_up (Fixture *self, gconstpointer client_lines)
{
  self->server = sshd_fixture_new ("LogLevel DEBUG1\n");
  sshd_fixture_use (self->server, client_lines);
  self->target = ssh_client_new ("host");
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  g_object_unref (self->target);
  sshd_fixture_free (self->server);
}

static char *
contents (const char *path)
{
  char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return text;
}

static char *
fingerprint (SshdFixture *server)
{
  g_autofree char *name = g_strconcat (server->host_key, ".pub", NULL);
  g_autofree char *text = contents (name);
  g_auto (GStrv) words = g_strsplit (text, " ", 3);
  gsize length = 0;
  guchar *data = g_base64_decode (words[1], &length);
  g_autoptr (GBytes) key = g_bytes_new_take (data, length);

  return hookrun_known_hosts_fingerprint (key);
}

/* A refused server has not even been told who wants in. */
static void
assert_refused (Fixture *self, HookrunError code, const char *needle)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_build_filename (self->server->folder, "sshd.log", NULL);
  g_autofree char *log = NULL;

  g_assert_false (ssh_client_connect (self->target, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, HOOKRUN_ERROR, (int)code);
  g_assert_nonnull (strstr (error->message, needle));
  log = contents (name);
  g_assert_nonnull (strstr (log, "SSH2_MSG_KEXINIT sent"));
  g_assert_null (strstr (log, "userauth-request"));
}

static void
test_unknown_is_refused (Fixture *self, gconstpointer unused)
{
  g_autofree char *print = fingerprint (self->server);

  g_assert_true (g_file_set_contents (self->server->known_hosts, "", 0, NULL));
  assert_refused (self, HOOKRUN_ERROR_HOST_KEY_UNKNOWN, print);
}

typedef struct {
  const char *answer;
  char *title;
  char *text;
  guint asked;
} Person;

static char *
on_question (HookrunTarget *target, const char *title, const char *text, gboolean secret,
             gpointer user_data)
{
  Person *person = user_data;

  g_assert_false (secret);
  person->asked++;
  person->title = g_strdup (title);
  person->text = g_strdup (text);
  return g_strdup (person->answer);
}

static void
test_unknown_is_asked (Fixture *self, gconstpointer unused)
{
  g_autofree char *print = fingerprint (self->server);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  Person person = {"yes", NULL, NULL, 0};

  g_assert_true (g_file_set_contents (self->server->known_hosts, "", 0, NULL));
  hookrun_target_set_question (self->target, on_question, &person, NULL);
  g_assert_true (ssh_client_connect (self->target, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (person.asked, ==, 1);
  g_assert_nonnull (strstr (person.text, print));
  g_assert_nonnull (strstr (person.title, "host"));
  text = contents (self->server->known_hosts);
  g_assert_nonnull (strstr (text, "[127.0.0.1]:"));
  hookrun_target_disconnect (self->target);
  g_assert_true (ssh_client_connect (self->target, &error));
  g_assert_cmpuint (person.asked, ==, 1);
  g_free (person.title);
  g_free (person.text);
}

static void
test_no_is_no (Fixture *self, gconstpointer unused)
{
  Person person = {"no", NULL, NULL, 0};
  g_autofree char *text = NULL;

  g_assert_true (g_file_set_contents (self->server->known_hosts, "", 0, NULL));
  hookrun_target_set_question (self->target, on_question, &person, NULL);
  assert_refused (self, HOOKRUN_ERROR_HOST_KEY_UNKNOWN, "not known");
  g_assert_cmpuint (person.asked, ==, 1);
  text = contents (self->server->known_hosts);
  g_assert_cmpstr (text, ==, "");
  g_free (person.title);
  g_free (person.text);
}

static void
test_accept_new_learns (Fixture *self, gconstpointer unused)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (self->server->known_hosts, "", 0, NULL));
  g_assert_true (ssh_client_connect (self->target, &error));
  g_assert_no_error (error);
  text = contents (self->server->known_hosts);
  g_assert_true (g_str_has_prefix (text, "|1|"));
}

/* The same line, but with the key of another server. */
static void
know_another_key (SshdFixture *server, const char *prefix)
{
  g_autofree char *other = sshd_fixture_make_key (server, "other", "ed25519", NULL, FALSE);
  g_autofree char *name = g_strconcat (other, ".pub", NULL);
  g_autofree char *key = contents (name);
  g_autofree char *text =
      g_strdup_printf ("# first\n%s[127.0.0.1]:%u %s", prefix, server->port, key);

  g_assert_true (g_file_set_contents (server->known_hosts, text, -1, NULL));
}

static void
test_changed_is_refused (Fixture *self, gconstpointer unused)
{
  Person person = {"yes", NULL, NULL, 0};
  g_autofree char *place = g_strdup_printf ("%s:2", self->server->known_hosts);

  know_another_key (self->server, "");
  hookrun_target_set_question (self->target, on_question, &person, NULL);
  assert_refused (self, HOOKRUN_ERROR_HOST_KEY_CHANGED, place);
  g_assert_cmpuint (person.asked, ==, 0);
}

static void
test_revoked_is_refused (Fixture *self, gconstpointer unused)
{
  g_autofree char *known = contents (self->server->known_hosts);
  g_autofree char *text = g_strconcat (known, "@revoked ", known, NULL);
  g_autofree char *place = g_strdup_printf ("%s:2", self->server->known_hosts);
  Person person = {"yes", NULL, NULL, 0};

  g_assert_true (g_file_set_contents (self->server->known_hosts, text, -1, NULL));
  hookrun_target_set_question (self->target, on_question, &person, NULL);
  assert_refused (self, HOOKRUN_ERROR_HOST_KEY_REVOKED, place);
  g_assert_cmpuint (person.asked, ==, 0);
}

static void
test_authority_needs_ssh (Fixture *self, gconstpointer unused)
{
  g_autofree char *known = contents (self->server->known_hosts);
  g_autofree char *text = g_strconcat ("@cert-authority ", known, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (self->server->known_hosts, text, -1, NULL));
  g_assert_false (ssh_client_connect (self->target, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "certificate authority"));
}

/* The server has two keys; the one that is known is asked for, though ed25519 comes first else. */
static void
test_known_kind_is_asked_for (void)
{
  g_autoptr (SshdFixture) server = sshd_fixture_new (NULL);
  g_autofree char *ecdsa = sshd_fixture_make_key (server, "ecdsa", "ecdsa", NULL, FALSE);
  g_autofree char *name = g_strconcat (ecdsa, ".pub", NULL);
  g_autofree char *key = contents (name);
  g_autofree char *line = NULL;
  g_autofree char *config = contents (server->config);
  g_autofree char *more = g_strdup_printf ("%sHostKey %s\n", config, ecdsa);
  g_autoptr (HookrunTarget) target = NULL;

  sshd_fixture_stop (server);
  g_assert_true (g_file_set_contents (server->config, more, -1, NULL));
  sshd_fixture_start (server);
  line = g_strdup_printf ("[127.0.0.1]:%u %s", server->port, key);
  g_assert_true (g_file_set_contents (server->known_hosts, line, -1, NULL));
  sshd_fixture_use (server, NULL);
  target = ssh_client_connected ("host");
}

static void
test_key_of_type (gconstpointer type)
{
  g_autoptr (SshdFixture) server = sshd_fixture_new_with_host_key (type, NULL);
  g_autoptr (HookrunTarget) target = NULL;

  sshd_fixture_use (server, NULL);
  target = ssh_client_connected ("host");
}

/* libssh2 1.10 cannot; later versions can. Either is told apart from a wrong key. */
static void
test_rsa_only (gconstpointer known)
{
  g_autoptr (SshdFixture) server = sshd_fixture_new_with_host_key ("rsa", NULL);
  g_autoptr (HookrunTarget) target = NULL;
  g_autoptr (GError) error = NULL;

  if (known == NULL)
    g_assert_true (g_file_set_contents (server->known_hosts, "", 0, NULL));
  sshd_fixture_use (server, "StrictHostKeyChecking accept-new\n");
  target = ssh_client_new ("host");
  if (ssh_client_connect (target, &error))
    return;
  g_test_message ("%s", error->message);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED);
}

static void
test_no_common_cipher (void)
{
  g_autoptr (SshdFixture) server = sshd_fixture_new ("Ciphers chacha20-poly1305@openssh.com\n");
  g_autoptr (HookrunTarget) target = NULL;
  g_autoptr (GError) error = NULL;

  sshd_fixture_use (server, NULL);
  target = ssh_client_new ("host");
  if (ssh_client_connect (target, &error))
    return;
  g_test_message ("%s", error->message);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, lines, func)                                                                     \
  g_test_add ("/remote/ssh-trust/" name, Fixture, lines, set_up, func, tear_down)
  ADD ("unknown-is-refused", "StrictHostKeyChecking yes\n", test_unknown_is_refused);
  ADD ("unknown-without-a-person-is-refused", "StrictHostKeyChecking ask\n",
       test_unknown_is_refused);
  ADD ("unknown-is-asked", "StrictHostKeyChecking ask\n", test_unknown_is_asked);
  ADD ("no-is-no", "StrictHostKeyChecking ask\n", test_no_is_no);
  ADD ("accept-new-learns-hashed", "StrictHostKeyChecking accept-new\nHashKnownHosts yes\n",
       test_accept_new_learns);
  ADD ("changed-is-refused", "StrictHostKeyChecking ask\n", test_changed_is_refused);
  ADD ("changed-is-refused-without-checking", "StrictHostKeyChecking no\n",
       test_changed_is_refused);
  ADD ("revoked-is-refused", "StrictHostKeyChecking no\n", test_revoked_is_refused);
  ADD ("authority-needs-ssh", "StrictHostKeyChecking ask\n", test_authority_needs_ssh);
#undef ADD
  g_test_add_func ("/remote/ssh-trust/known-kind-is-asked-for", test_known_kind_is_asked_for);
  g_test_add_data_func ("/remote/ssh-trust/ecdsa", "ecdsa", test_key_of_type);
  g_test_add_data_func ("/remote/ssh-trust/rsa-only-known", "known", test_rsa_only);
  g_test_add_data_func ("/remote/ssh-trust/rsa-only-unknown", NULL, test_rsa_only);
  g_test_add_func ("/remote/ssh-trust/no-common-cipher", test_no_common_cipher);
  return g_test_run ();
}
