/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether the server is the one it was. The kinds of keys that are known are asked for first; a
 * changed or revoked key is always a refusal, an unknown one a question, and nothing is sent to a
 * server that was refused.
 */
#include "hookrun-ssh-session-private.h"

#include <string.h>

#include "hookrun-known-hosts-private.h"
#include "hookrun-target-question-private.h"

#define LIBSSH2_RSA_SHA2 0x010b00 /* the version that learnt RSA with SHA-2 */

/* Kinds of host keys in the library's own order, with the algorithms that show them. */
static const struct {
  const char *type;
  const char *algorithms;
  int since; /* version of libssh2 */
} kinds[] = {
    {"ssh-ed25519", "ssh-ed25519", 0},
    {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", 0},
    {"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", 0},
    {"ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521", 0},
    {"ssh-rsa", "rsa-sha2-512,rsa-sha2-256", LIBSSH2_RSA_SHA2},
};

static gboolean
is_known (GPtrArray *known, const char *type)
{
  for (guint i = 0; i < known->len; i++) {
    const HookrunKnownHost *host = known->pdata[i];

    if (host->marker == HOOKRUN_KNOWN_HOST_PLAIN && strcmp (host->type, type) == 0)
      return TRUE;
  }
  return FALSE;
}

/* Whether the configuration lets @algorithm be used; its own list may leave it out. */
static gboolean
is_configured (HookrunSshSession *self, const char *algorithm)
{
  g_auto (GStrv) names = NULL;

  if (self->config->host_key_algorithms == NULL)
    return TRUE;
  names = g_strsplit (self->config->host_key_algorithms, ",", -1);
  return g_strv_contains ((const char *const *)names, algorithm);
}

static void
add_kinds (HookrunSshSession *self, gboolean known, GPtrArray *list)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    g_auto (GStrv) names = g_strsplit (kinds[i].algorithms, ",", -1);

    if (is_known (self->known, kinds[i].type) != known || libssh2_version (kinds[i].since) == NULL)
      continue;
    for (guint j = 0; names[j] != NULL; j++)
      if (is_configured (self, names[j]))
        g_ptr_array_add (list, g_strdup (names[j]));
  }
}

static gboolean
has_plain (GPtrArray *known)
{
  for (guint i = 0; i < known->len; i++)
    if (((HookrunKnownHost *)known->pdata[i])->marker == HOOKRUN_KNOWN_HOST_PLAIN)
      return TRUE;
  return FALSE;
}

static gboolean
has_authority (GPtrArray *known)
{
  for (guint i = 0; i < known->len; i++)
    if (((HookrunKnownHost *)known->pdata[i])->marker == HOOKRUN_KNOWN_HOST_AUTHORITY)
      return TRUE;
  return FALSE;
}

static const char *
key_host (HookrunSshSession *self)
{
  return self->config->host_key_alias != NULL ? self->config->host_key_alias
                                              : self->config->host_name;
}

static guint
key_port (HookrunSshSession *self)
{
  return self->config->host_key_alias != NULL ? 22 : self->config->port;
}

gboolean
hookrun_ssh_host_key_prepare (HookrunSshSession *self)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;

  self->known =
      hookrun_known_hosts_lookup (self->config->user_known_hosts, self->config->global_known_hosts,
                                  key_host (self), key_port (self), &error);
  if (self->known == NULL) {
    hookrun_ssh_session_fail (self, (HookrunError)error->code, "%s", error->message);
    return FALSE;
  }
  add_kinds (self, TRUE, list);
  if (list->len == 0 && (has_plain (self->known) || has_authority (self->known))) {
    hookrun_ssh_session_fail (self, HOOKRUN_ERROR_UNSUPPORTED,
                              "libssh2 %s cannot check the kind of host key that is known (%s); "
                              "the ssh program can",
                              libssh2_version (0),
                              has_plain (self->known)
                                  ? ((HookrunKnownHost *)self->known->pdata[0])->type
                                  : "a certificate authority");
    return FALSE;
  }
  add_kinds (self, FALSE, list);
  g_ptr_array_add (list, NULL);
  g_free (self->config->host_key_algorithms);
  self->config->host_key_algorithms = g_strjoinv (",", (char **)list->pdata);
  return TRUE;
}

/* The lines that know the host by keys of other kinds: "; known are FILE:LINE (TYPE)". */
static char *
describe_others (HookrunSshSession *self)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < self->known->len; i++) {
    const HookrunKnownHost *host = self->known->pdata[i];

    if (host->marker == HOOKRUN_KNOWN_HOST_PLAIN)
      g_string_append_printf (text, "%s %s:%u (%s)",
                              text->len == 0 ? "; other keys are known:" : ",", host->file,
                              host->line, host->type);
    if (host->marker == HOOKRUN_KNOWN_HOST_AUTHORITY)
      g_string_append_printf (text,
                              "; %s:%u names a certificate authority, which only the ssh program "
                              "can ask",
                              host->file, host->line);
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static const char *
users_file (HookrunSshSession *self)
{
  GPtrArray *files = self->config->user_known_hosts;

  return files->len > 0 ? files->pdata[0] : NULL;
}

static void
learn (HookrunSshSession *self, const char *name, GBytes *key)
{
  g_autoptr (GError) error = NULL;
  const char *file = users_file (self);

  if (file != NULL &&
      !hookrun_known_hosts_append (file, name, key, self->config->hash_known_hosts, &error))
    hookrun_ssh_session_fail (self, (HookrunError)error->code,
                              "the host key was accepted but cannot be kept: %s", error->message);
}

static gboolean
ask (HookrunSshSession *self, const char *name, const char *type, const char *fingerprint)
{
  g_autofree char *others = describe_others (self);
  g_autofree char *title =
      g_strdup_printf ("%s: the key of host %s is not known", self->label, name);
  g_autofree char *text =
      g_strdup_printf ("%s key %s%s. Trust it from now on? (yes or no)", type, fingerprint, others);
  g_autofree char *answer = hookrun_target_ask (self->target, title, text, FALSE);

  return answer != NULL && g_ascii_strcasecmp (g_strstrip (answer), "yes") == 0;
}

static HookrunSshProgress
refuse_unknown (HookrunSshSession *self, const char *name, const char *type,
                const char *fingerprint, GBytes *key)
{
  g_autofree char *text = g_base64_encode (g_bytes_get_data (key, NULL), g_bytes_get_size (key));
  g_autofree char *others = describe_others (self);
  const char *file = users_file (self);

  return hookrun_ssh_session_fail (
      self, HOOKRUN_ERROR_HOST_KEY_UNKNOWN,
      "the key of host %s is not known%s. It shows %s key %s. Compare that with what the host's "
      "owner says; to trust it: echo '%s %s %s' >> %s",
      name, others, type, fingerprint, name, type, text,
      file != NULL ? file : "~/.ssh/known_hosts");
}

static HookrunSshProgress
judge_unknown (HookrunSshSession *self, const char *type, const char *fingerprint, GBytes *key)
{
  g_autofree char *name = hookrun_known_hosts_name (key_host (self), key_port (self));
  gboolean trusted = self->config->strict == HOOKRUN_SSH_STRICT_ACCEPT_NEW;

  if (self->config->strict == HOOKRUN_SSH_STRICT_ASK)
    trusted = ask (self, name, type, fingerprint);
  if (!trusted)
    return refuse_unknown (self, name, type, fingerprint, key);
  learn (self, name, key);
  return self->error == NULL ? HOOKRUN_SSH_MOVED : HOOKRUN_SSH_FAILED;
}

static HookrunSshProgress
refuse_bad (HookrunSshSession *self, HookrunKnownHostVerdict verdict, const HookrunKnownHost *which,
            const char *fingerprint)
{
  if (verdict == HOOKRUN_KNOWN_HOST_IS_REVOKED)
    return hookrun_ssh_session_fail (self, HOOKRUN_ERROR_HOST_KEY_REVOKED,
                                     "the key that host %s shows (%s) is marked as revoked at "
                                     "%s:%u; someone may have stolen it, do not go on",
                                     key_host (self), fingerprint, which->file, which->line);
  g_autofree char *old = hookrun_known_hosts_fingerprint (which->key);
  return hookrun_ssh_session_fail (self, HOOKRUN_ERROR_HOST_KEY_CHANGED,
                                   "host %s shows another %s key than the known one: %s instead "
                                   "of %s at %s:%u. Someone may be in the way; if the host really "
                                   "has a new key, remove that line",
                                   key_host (self), which->type, fingerprint, old, which->file,
                                   which->line);
}

HookrunSshProgress
hookrun_ssh_session_step_host_key (HookrunSshSession *self)
{
  const HookrunKnownHost *which = NULL;
  HookrunKnownHostVerdict verdict;
  g_autoptr (GBytes) key = NULL;
  g_autofree char *type = NULL;
  g_autofree char *fingerprint = NULL;
  size_t length = 0;
  int kind = 0;
  const char *data = libssh2_session_hostkey (self->ssh, &length, &kind);

  key = g_bytes_new (data, data != NULL ? length : 0);
  type = hookrun_known_hosts_key_type (key);
  if (type == NULL)
    return hookrun_ssh_session_fail (self, HOOKRUN_ERROR_PROTOCOL, "the host key is malformed");
  fingerprint = hookrun_known_hosts_fingerprint (key);
  verdict = hookrun_known_hosts_judge (self->known, key, &which);
  if (verdict == HOOKRUN_KNOWN_HOST_UNKNOWN &&
      judge_unknown (self, type, fingerprint, key) == HOOKRUN_SSH_FAILED)
    return HOOKRUN_SSH_FAILED;
  if (verdict == HOOKRUN_KNOWN_HOST_CHANGED || verdict == HOOKRUN_KNOWN_HOST_IS_REVOKED)
    return refuse_bad (self, verdict, which, fingerprint);
  return hookrun_ssh_session_enter (self, HOOKRUN_SSH_STAGE_AUTH, self->config->connect_timeout_ms);
}
