/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which keys to try, in ssh's order: the agent's keys that the configuration names, the agent's
 * other keys, then the files that the agent does not hold. The server counts attempts, so no key
 * is tried twice.
 */
#include "hookrun-ssh-auth-private.h"

static void
attempt_free (gpointer data)
{
  HookrunSshAttempt *self = data;

  g_free (self->label);
  g_clear_pointer (&self->public, g_bytes_unref);
  g_free (self);
}

/* Missing files are no news: ssh's own defaults name seven. */
static void
load_keys (HookrunSshAuth *self)
{
  GPtrArray *files = self->session->config->identity_files;

  for (guint i = 0; i < files->len; i++) {
    g_autoptr (GError) error = NULL;
    HookrunSshKey *key = hookrun_ssh_key_load (files->pdata[i], &error);

    if (key != NULL)
      g_ptr_array_add (self->keys, key);
    else if (!g_error_matches (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND))
      hookrun_ssh_auth_note (self, "key", error->message);
  }
}

static HookrunSshKey *
find_key (HookrunSshAuth *self, GBytes *public)
{
  for (guint i = 0; i < self->keys->len; i++) {
    HookrunSshKey *key = self->keys->pdata[i];

    if (key->public != NULL && g_bytes_equal (key->public, public))
      return key;
  }
  return NULL;
}

static gboolean
is_planned (HookrunSshAuth *self, GBytes *public)
{
  for (guint i = 0; i < self->attempts->len; i++) {
    HookrunSshAttempt *attempt = self->attempts->pdata[i];

    if (attempt->public != NULL && g_bytes_equal (attempt->public, public))
      return TRUE;
  }
  return FALSE;
}

static void
add_attempt (HookrunSshAuth *self, const char *type, GBytes *public, HookrunSshKey *key,
             char *label)
{
  g_autofree char *owned = label;
  gboolean in_agent = key == NULL;
  const char *why = in_agent && g_strcmp0 (type, "ssh-rsa") == 0
                        ? "RSA keys of an agent are left to it"
                        : hookrun_ssh_key_unsupported (type);
  HookrunSshAttempt *attempt;

  if (public != NULL && is_planned (self, public))
    return;
  if (why != NULL) {
    hookrun_ssh_auth_note_unsupported (self, label, why);
    return;
  }
  attempt = g_new0 (HookrunSshAttempt, 1);
  attempt->label = g_steal_pointer (&owned);
  attempt->public = public != NULL ? g_bytes_ref (public) : NULL;
  attempt->key = key;
  g_ptr_array_add (self->attempts, attempt);
}

static void
add_identities (HookrunSshAuth *self, gboolean named)
{
  for (guint i = 0; self->identities != NULL && i < self->identities->len; i++) {
    HookrunSshIdentity *identity = self->identities->pdata[i];

    if ((find_key (self, identity->key) != NULL) == named)
      add_attempt (self, identity->type, identity->key, NULL,
                   g_strdup_printf ("agent's %s key \"%s\"", identity->type, identity->comment));
  }
}

void
hookrun_ssh_auth_plan (HookrunSshAuth *self)
{
  self->attempts = g_ptr_array_new_with_free_func (attempt_free);
  load_keys (self);
  add_identities (self, TRUE);
  if (!self->session->config->identities_only)
    add_identities (self, FALSE);
  for (guint i = 0; i < self->keys->len; i++) {
    HookrunSshKey *key = self->keys->pdata[i];

    add_attempt (self, key->type, key->public, key, g_strdup_printf ("key %s", key->path));
  }
}
