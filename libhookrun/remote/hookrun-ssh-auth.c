/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Logging in, one attempt after the other. The agent signs while the main loop goes on: libssh2
 * lets a signature say "not yet". What libssh2 cannot do is remembered, and is the error if
 * nothing else lets the user in.
 */
#include "hookrun-ssh-auth-private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A person may have to touch a key or to confirm. */
#define AGENT_TIMEOUT_MS 120000

static HookrunSshAuth *
auth_new (HookrunSshSession *session)
{
  HookrunSshAuth *self = g_new0 (HookrunSshAuth, 1);

  self->session = session;
  self->keys = g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_ssh_key_free);
  self->tried = g_string_new (NULL);
  self->unsupported = g_string_new (NULL);
  return self;
}

void
hookrun_ssh_auth_free (HookrunSshAuth *self)
{
  if (self->passphrase != NULL)
    explicit_bzero (self->passphrase, strlen (self->passphrase));
  g_free (self->passphrase);
  g_free (self->public_line);
  g_free (self->offers);
  g_clear_pointer (&self->attempts, g_ptr_array_unref);
  g_clear_pointer (&self->identities, g_ptr_array_unref);
  g_ptr_array_unref (self->keys);
  g_clear_pointer (&self->signature, g_bytes_unref);
  g_clear_error (&self->sign_error);
  g_string_free (self->tried, TRUE);
  g_string_free (self->unsupported, TRUE);
  g_free (self);
}

HookrunSshAttempt *
hookrun_ssh_auth_current (HookrunSshAuth *self)
{
  return self->attempts->pdata[self->next - 1];
}

void
hookrun_ssh_auth_note (HookrunSshAuth *self, const char *label, const char *how)
{
  g_string_append_printf (self->tried, "%s%s (%s)", self->tried->len > 0 ? ", " : "", label, how);
}

void
hookrun_ssh_auth_note_unsupported (HookrunSshAuth *self, const char *label, const char *why)
{
  g_string_append_printf (self->unsupported, "%s%s (%s)", self->unsupported->len > 0 ? ", " : "",
                          label, why);
}

/* The session of a callback, or NULL if nobody waits for it any more. */
static HookrunSshAuth *
auth_of (HookrunSshSession *session)
{
  if (session->loop == NULL || session->stage != HOOKRUN_SSH_STAGE_AUTH)
    return NULL;
  return session->auth;
}

static void
on_signed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (HookrunSshSession) session = user_data;
  HookrunSshAuth *self = auth_of (session);
  g_autoptr (GError) error = NULL;
  GBytes *signature = hookrun_ssh_agent_sign_finish (result, &error);

  if (self == NULL) {
    g_clear_pointer (&signature, g_bytes_unref);
    return;
  }
  self->signing = FALSE;
  self->signature = signature;
  self->sign_error = g_steal_pointer (&error);
  hookrun_ssh_loop_wake (session->loop);
}

/* Called by libssh2 when the server wants the key; again until it gets a signature. */
static int
sign (LIBSSH2_SESSION *ssh, unsigned char **signature, size_t *length, const unsigned char *data,
      size_t data_length, void **abstract)
{
  HookrunSshAuth *self = *abstract;
  HookrunSshSession *session = self->session;

  if (self->signature != NULL) {
    *length = g_bytes_get_size (self->signature);
    *signature = malloc (*length);
    if (*signature == NULL)
      return LIBSSH2_ERROR_ALLOC;
    memcpy (*signature, g_bytes_get_data (self->signature, NULL), *length);
    return 0;
  }
  if (self->sign_error != NULL)
    return LIBSSH2_ERROR_AUTHENTICATION_FAILED;
  if (!self->signing) {
    g_autoptr (GBytes) bytes = g_bytes_new (data, data_length);

    self->signing = TRUE;
    hookrun_ssh_session_enter (session, HOOKRUN_SSH_STAGE_AUTH, AGENT_TIMEOUT_MS);
    hookrun_ssh_agent_sign_async (
        session->config->identity_agent, hookrun_ssh_auth_current (self)->public, bytes,
        session->cancellable, on_signed, hookrun_ssh_session_ref (session));
  }
  return LIBSSH2_ERROR_EAGAIN;
}

HookrunSshProgress
hookrun_ssh_auth_conclude (HookrunSshAuth *self, int rc)
{
  HookrunSshAttempt *attempt = hookrun_ssh_auth_current (self);
  char *message = NULL;

  if (rc == LIBSSH2_ERROR_EAGAIN)
    return HOOKRUN_SSH_WAIT;
  if (rc == 0)
    return hookrun_ssh_session_enter (self->session, HOOKRUN_SSH_STAGE_READY, 0);
  libssh2_session_last_error (self->session->ssh, &message, NULL, 0);
  if (self->session->link.goodbye != NULL)
    return hookrun_ssh_session_fail (self->session, HOOKRUN_ERROR_AUTHENTICATION,
                                     "the server ended the login at %s: %s; tried before: %s. If "
                                     "these are too many keys, name the right one with "
                                     "IdentityFile and set IdentitiesOnly yes",
                                     attempt->label, self->session->link.goodbye,
                                     self->tried->len > 0 ? self->tried->str : "nothing");
  if (self->sign_error != NULL)
    hookrun_ssh_auth_note (self, attempt->label, self->sign_error->message);
  else if (rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED || rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED)
    hookrun_ssh_auth_note (self, attempt->label, "refused");
  else
    hookrun_ssh_auth_note_unsupported (self, attempt->label, message);
  self->phase = HOOKRUN_SSH_AUTH_NEXT;
  return HOOKRUN_SSH_MOVED;
}

static HookrunSshProgress
step_try (HookrunSshAuth *self)
{
  HookrunSshAttempt *attempt = hookrun_ssh_auth_current (self);
  LIBSSH2_SESSION *ssh = self->session->ssh;
  const char *user = self->session->config->user;
  g_autofree char *line = NULL;
  void *abstract = self;

  if (attempt->key == NULL)
    return hookrun_ssh_auth_conclude (
        self, libssh2_userauth_publickey (ssh, user, g_bytes_get_data (attempt->public, NULL),
                                          g_bytes_get_size (attempt->public), sign, &abstract));
  line = hookrun_ssh_key_public_line (attempt->key);
  return hookrun_ssh_auth_conclude (
      self, libssh2_userauth_publickey_frommemory (ssh, user, strlen (user), line,
                                                   line != NULL ? strlen (line) : 0,
                                                   attempt->key->text, attempt->key->length, ""));
}

/* A ticket that libssh2 cannot show, but the ssh program could. */
static void
note_gssapi (HookrunSshAuth *self)
{
  g_autofree char *usual = g_strdup_printf ("/tmp/krb5cc_%u", (guint)getuid ());

  if (self->session->config->gssapi && strstr (self->offers, "gssapi-with-mic") != NULL &&
      (g_getenv ("KRB5CCNAME") != NULL || g_file_test (usual, G_FILE_TEST_EXISTS)))
    hookrun_ssh_auth_note_unsupported (self, "Kerberos ticket", "libssh2 does not know GSSAPI");
}

static HookrunSshProgress
refuse (HookrunSshAuth *self)
{
  HookrunSshSession *session = self->session;
  const char *tried = self->tried->len > 0 ? self->tried->str : "no key was found";

  if (strstr (self->offers, "gssapi") != NULL)
    note_gssapi (self);
  if (self->unsupported->len > 0)
    return hookrun_ssh_session_fail (session, HOOKRUN_ERROR_UNSUPPORTED,
                                     "logging in as %s needs the ssh program: %s; tried: %s",
                                     session->config->user, self->unsupported->str, tried);
  return hookrun_ssh_session_fail (session, HOOKRUN_ERROR_AUTHENTICATION,
                                   "the server refused to log in %s; tried: %s; the server takes: "
                                   "%s. Add a public key to ~/.ssh/authorized_keys there, or name "
                                   "another key with IdentityFile",
                                   session->config->user, tried, self->offers);
}

/* Asking is a request to log in without anything, which a server may even grant. It comes last
 * because it costs a round trip that a good key does not need. */
static HookrunSshProgress
step_methods (HookrunSshAuth *self)
{
  HookrunSshSession *session = self->session;
  const char *user = session->config->user;
  char *list = libssh2_userauth_list (session->ssh, user, (unsigned int)strlen (user));

  if (list == NULL && libssh2_userauth_authenticated (session->ssh) == 1)
    return hookrun_ssh_session_enter (session, HOOKRUN_SSH_STAGE_READY, 0);
  if (list == NULL && libssh2_session_last_errno (session->ssh) == LIBSSH2_ERROR_EAGAIN)
    return HOOKRUN_SSH_WAIT;
  if (list == NULL)
    return hookrun_ssh_session_fail_ssh (session, "asking how to log in");
  self->offers = g_strdup (list);
  if (!session->config->public_key)
    hookrun_ssh_auth_note (self, "public keys", "switched off by PubkeyAuthentication");
  return refuse (self);
}

static void
on_identities (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (HookrunSshSession) session = user_data;
  HookrunSshAuth *self = auth_of (session);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) identities = hookrun_ssh_agent_list_finish (result, &error);

  if (self == NULL)
    return;
  self->identities = g_steal_pointer (&identities);
  if (error != NULL)
    hookrun_ssh_auth_note (self, "agent", error->message);
  self->phase = HOOKRUN_SSH_AUTH_NEXT;
  hookrun_ssh_loop_wake (session->loop);
}

static HookrunSshProgress
step_agent (HookrunSshAuth *self)
{
  HookrunSshSession *session = self->session;

  if (!session->config->public_key || session->config->identity_agent == NULL) {
    self->phase = session->config->public_key ? HOOKRUN_SSH_AUTH_NEXT : HOOKRUN_SSH_AUTH_METHODS;
    return HOOKRUN_SSH_MOVED;
  }
  if (!self->agent_asked)
    hookrun_ssh_agent_list_async (session->config->identity_agent, session->cancellable,
                                  on_identities, hookrun_ssh_session_ref (session));
  self->agent_asked = TRUE;
  return HOOKRUN_SSH_WAIT;
}

static HookrunSshProgress
step_next (HookrunSshAuth *self)
{
  HookrunSshAttempt *attempt;

  if (self->attempts == NULL)
    hookrun_ssh_auth_plan (self);
  if (self->next >= self->attempts->len) {
    self->phase = HOOKRUN_SSH_AUTH_METHODS;
    return HOOKRUN_SSH_MOVED;
  }
  self->next++;
  attempt = hookrun_ssh_auth_current (self);
  g_clear_pointer (&self->signature, g_bytes_unref);
  g_clear_error (&self->sign_error);
  self->passphrase_tries = 0;
  self->wanted = FALSE;
  self->phase = attempt->key != NULL && attempt->key->encrypted ? HOOKRUN_SSH_AUTH_PROBE
                                                                : HOOKRUN_SSH_AUTH_TRY;
  return HOOKRUN_SSH_MOVED;
}

static HookrunSshProgress (*const phases[]) (HookrunSshAuth *self) = {
    [HOOKRUN_SSH_AUTH_METHODS] = step_methods,
    [HOOKRUN_SSH_AUTH_AGENT] = step_agent,
    [HOOKRUN_SSH_AUTH_NEXT] = step_next,
    [HOOKRUN_SSH_AUTH_TRY] = step_try,
    [HOOKRUN_SSH_AUTH_PROBE] = hookrun_ssh_auth_step_probe,
    [HOOKRUN_SSH_AUTH_UNLOCK] = hookrun_ssh_auth_step_unlock,
};

/* Keys are needed once; they leave memory when the door is open. */
HookrunSshProgress
hookrun_ssh_session_step_auth (HookrunSshSession *self)
{
  HookrunSshProgress progress;

  if (self->auth == NULL)
    self->auth = auth_new (self);
  progress = phases[self->auth->phase](self->auth);
  if (self->stage == HOOKRUN_SSH_STAGE_READY)
    g_clear_pointer (&self->auth, hookrun_ssh_auth_free);
  return progress;
}
