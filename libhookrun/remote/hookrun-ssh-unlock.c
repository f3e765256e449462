/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Encrypted keys. First the server is asked whether it would take the key, then a person for its
 * passphrase; a thread opens the key, which takes a tenth of a second and more by design.
 */
#include "hookrun-ssh-auth-private.h"

#include <string.h>

#include "hookrun-target-question-private.h"

#define MAX_PASSPHRASES 3

static int
refuse_to_sign (LIBSSH2_SESSION *ssh, unsigned char **signature, size_t *length,
                const unsigned char *data, size_t data_length, void **abstract)
{
  HookrunSshAuth *self = *abstract;

  self->wanted = TRUE;
  return LIBSSH2_ERROR_AUTHENTICATION_FAILED;
}

static void
forget_passphrase (HookrunSshAuth *self)
{
  if (self->passphrase != NULL)
    explicit_bzero (self->passphrase, strlen (self->passphrase));
  g_clear_pointer (&self->passphrase, g_free);
}

static HookrunSshProgress
give_up (HookrunSshAuth *self, const char *how)
{
  hookrun_ssh_auth_note (self, hookrun_ssh_auth_current (self)->label, how);
  forget_passphrase (self);
  self->phase = HOOKRUN_SSH_AUTH_NEXT;
  return HOOKRUN_SSH_MOVED;
}

static HookrunSshProgress
ask_passphrase (HookrunSshAuth *self)
{
  HookrunSshSession *session = self->session;
  HookrunSshAttempt *attempt = hookrun_ssh_auth_current (self);
  g_autofree char *title =
      g_strdup_printf ("%s: the passphrase of a key is needed", session->label);
  g_autofree char *text = g_strdup_printf (
      "%s for %s", self->passphrase_tries > 0 ? "That was wrong. Passphrase" : "Passphrase",
      attempt->label);

  forget_passphrase (self);
  if (!hookrun_target_can_ask (session->target))
    return give_up (self, "it has a passphrase and nobody can be asked; ssh-add it to an agent");
  if (self->passphrase_tries >= MAX_PASSPHRASES)
    return give_up (self, "wrong passphrase");
  self->passphrase_tries++;
  self->passphrase = hookrun_target_ask (session->target, title, text, TRUE);
  if (session->loop == NULL || session->error != NULL)
    return HOOKRUN_SSH_FAILED;
  if (self->passphrase == NULL)
    return give_up (self, "no passphrase was given");
  self->phase = HOOKRUN_SSH_AUTH_UNLOCK;
  self->unlock_started = FALSE;
  return hookrun_ssh_session_enter (session, HOOKRUN_SSH_STAGE_AUTH,
                                    session->config->connect_timeout_ms);
}

HookrunSshProgress
hookrun_ssh_auth_step_probe (HookrunSshAuth *self)
{
  HookrunSshAttempt *attempt = hookrun_ssh_auth_current (self);
  void *abstract = self;
  int rc;

  if (attempt->public == NULL)
    return ask_passphrase (self);
  rc = libssh2_userauth_publickey (self->session->ssh, self->session->config->user,
                                   g_bytes_get_data (attempt->public, NULL),
                                   g_bytes_get_size (attempt->public), refuse_to_sign, &abstract);
  if (rc == LIBSSH2_ERROR_EAGAIN || rc == 0 || !self->wanted)
    return hookrun_ssh_auth_conclude (self, rc);
  self->wanted = FALSE;
  return ask_passphrase (self);
}

/* In the thread: one call that does not wait for the network, but computes. */
static void
unlock (gpointer data)
{
  HookrunSshAuth *self = data;
  HookrunSshKey *key = hookrun_ssh_auth_current (self)->key;
  const char *user = self->session->config->user;

  self->unlock_result = libssh2_userauth_publickey_frommemory (
      self->session->ssh, user, strlen (user), self->public_line,
      self->public_line != NULL ? strlen (self->public_line) : 0, key->text, key->length,
      self->passphrase);
}

/* A wrong passphrase shows as a failure to sign, or to derive the public key. */
static gboolean
is_wrong_passphrase (HookrunSshAuth *self)
{
  char *message = NULL;

  libssh2_session_last_error (self->session->ssh, &message, NULL, 0);
  return self->unlock_result == LIBSSH2_ERROR_FILE ||
         (self->unlock_result == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED && message != NULL &&
          strstr (message, "Callback") != NULL) ||
         self->unlock_result == LIBSSH2_ERROR_KEYFILE_AUTH_FAILED;
}

HookrunSshProgress
hookrun_ssh_auth_step_unlock (HookrunSshAuth *self)
{
  HookrunSshSession *session = self->session;

  if (!self->unlock_started) {
    self->unlock_started = TRUE;
    g_free (self->public_line);
    self->public_line = hookrun_ssh_key_public_line (hookrun_ssh_auth_current (self)->key);
    hookrun_ssh_session_lend (session, unlock, self);
    return HOOKRUN_SSH_WAIT;
  }
  if (self->unlock_result == LIBSSH2_ERROR_EAGAIN) {
    if (hookrun_ssh_buffer_used (&session->link.in) > 0)
      hookrun_ssh_session_lend (session, unlock, self);
    return HOOKRUN_SSH_WAIT;
  }
  if (self->unlock_result != 0 && is_wrong_passphrase (self))
    return ask_passphrase (self);
  forget_passphrase (self);
  return hookrun_ssh_auth_conclude (self, self->unlock_result);
}
