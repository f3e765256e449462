/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ssh -G` prints most file names as they were written. What a "%" letter means is ssh_config(5)'s
 * table; a letter that is not in it stays as it is.
 */
#include "hookrun-ssh-expand-private.h"

#include <string.h>
#include <unistd.h>

static char *
place_value (const HookrunSshSpec *spec, const HookrunSshConfig *self, char letter)
{
  switch (letter) {
  case '%':
    return g_strdup ("%");
  case 'd':
    return g_strdup (g_get_home_dir ());
  case 'h':
    return g_strdup (self->host_name);
  case 'i':
    return g_strdup_printf ("%u", (guint)getuid ());
  case 'k':
    return g_strdup (self->host_key_alias != NULL ? self->host_key_alias : spec->host);
  case 'L':
  case 'l':
    return letter == 'l' ? g_strdup (g_get_host_name ())
                         : g_strndup (g_get_host_name (), strcspn (g_get_host_name (), "."));
  case 'n':
    return g_strdup (spec->host);
  case 'p':
    return g_strdup_printf ("%u", self->port);
  case 'r':
    return g_strdup (self->user);
  case 'u':
    return g_strdup (g_get_user_name ());
  default:
    return g_strdup_printf ("%%%c", letter);
  }
}

/* Appends the value of "${NAME}" at @text; returns what follows it. */
static const char *
expand_variable (const char *text, GString *result)
{
  const char *end = strchr (text, '}');
  g_autofree char *name = NULL;
  const char *value;

  if (end == NULL) {
    g_string_append (result, text);
    return text + strlen (text);
  }
  name = g_strndup (text + 2, (gsize)(end - text - 2));
  value = g_getenv (name);
  g_string_append (result, value != NULL ? value : "");
  return end + 1;
}

static char *
expand (const HookrunSshSpec *spec, const HookrunSshConfig *self, const char *text)
{
  g_autoptr (GString) result = g_string_new (NULL);

  if (text[0] == '~' && (text[1] == '/' || text[1] == '\0')) {
    g_string_append (result, g_get_home_dir ());
    text++;
  }
  while (*text != '\0') {
    if (text[0] == '%' && text[1] != '\0') {
      g_autofree char *value = place_value (spec, self, text[1]);

      g_string_append (result, value);
      text += 2;
    } else if (text[0] == '$' && text[1] == '{') {
      text = expand_variable (text, result);
    } else {
      g_string_append_c (result, *text++);
    }
  }
  return g_string_free (g_steal_pointer (&result), FALSE);
}

static void
expand_all (const HookrunSshSpec *spec, const HookrunSshConfig *self, GPtrArray *names)
{
  for (guint i = 0; i < names->len; i++) {
    char *old = names->pdata[i];

    names->pdata[i] = expand (spec, self, old);
    g_free (old);
  }
}

/* IdentityAgent: a path, "none", "SSH_AUTH_SOCK" or "$VARIABLE"; unset is the first variable. */
static void
expand_agent (const HookrunSshSpec *spec, HookrunSshConfig *self)
{
  g_autofree char *value = g_steal_pointer (&self->identity_agent);

  if (value != NULL && g_ascii_strcasecmp (value, "none") == 0)
    return;
  if (value == NULL || strcmp (value, "SSH_AUTH_SOCK") == 0)
    self->identity_agent = g_strdup (g_getenv ("SSH_AUTH_SOCK"));
  else if (value[0] == '$' && value[1] != '{')
    self->identity_agent = g_strdup (g_getenv (value + 1));
  else
    self->identity_agent = expand (spec, self, value);
  if (self->identity_agent != NULL && *self->identity_agent == '\0')
    g_clear_pointer (&self->identity_agent, g_free);
}

void
hookrun_ssh_config_expand (const HookrunSshSpec *spec, HookrunSshConfig *self)
{
  expand_all (spec, self, self->identity_files);
  expand_all (spec, self, self->user_known_hosts);
  expand_all (spec, self, self->global_known_hosts);
  expand_agent (spec, self);
}
