/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where to log in, as a user types it. Names are refused that a command line or a shell could take
 * for something else: they travel to `ssh -G` and, in the user's configuration, into commands.
 */
#include "hookrun-ssh-config-private.h"

#include <string.h>

#define MAX_NAME 255

static gboolean
check_name (const char *what, const char *name, const char *spec, GError **error)
{
  const char *reason = NULL;

  if (*name == '\0')
    reason = "is empty";
  else if (*name == '-')
    reason = "begins with \"-\"";
  else if (strlen (name) > MAX_NAME)
    reason = "is too long";
  for (const guchar *p = (const guchar *)name; reason == NULL && *p != '\0'; p++)
    if (*p <= ' ' || *p == 0x7f || strchr ("'`\"$\\;&<>|(){}", *p) != NULL)
      reason = "holds a blank, a control character or one with a meaning for the shell";
  if (reason == NULL)
    return TRUE;
  g_autofree char *shown = g_strescape (spec, NULL);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "target \"%s\": the %s %s; write it as [user@]host[:port]", shown, what, reason);
  return FALSE;
}

/* Takes ":port" or "[host]:port" apart. A bare IPv6 address has no port. */
static gboolean
split_port (const char *text, const char *spec, HookrunSshSpec *self, GError **error)
{
  const char *end = *text == '[' ? strchr (text, ']') : NULL;
  const char *colon = end != NULL ? end + 1 : strchr (text, ':');
  guint64 port = 0;

  if (end == NULL && colon != NULL && strchr (colon + 1, ':') != NULL)
    colon = NULL;
  if (end != NULL)
    self->host = g_strndup (text + 1, (gsize)(end - text - 1));
  else
    self->host = colon != NULL ? g_strndup (text, (gsize)(colon - text)) : g_strdup (text);
  if (colon == NULL || *colon == '\0')
    return TRUE;
  if (*colon != ':' || !g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, &port, NULL)) {
    g_autofree char *shown = g_strescape (spec, NULL);

    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "target \"%s\": the port must be a number from 1 to 65535", shown);
    return FALSE;
  }
  self->port = (guint)port;
  return TRUE;
}

HookrunSshSpec *
hookrun_ssh_spec_parse (const char *text, GError **error)
{
  g_autoptr (HookrunSshSpec) self = g_new0 (HookrunSshSpec, 1);
  g_autofree char *plain = NULL;
  const char *rest = text;
  const char *at;

  if (g_str_has_prefix (rest, "ssh://")) {
    plain = g_strdup (rest + strlen ("ssh://"));
    if (g_str_has_suffix (plain, "/"))
      plain[strlen (plain) - 1] = '\0';
    rest = plain;
  }
  at = strrchr (rest, '@');
  if (at != NULL) {
    self->user = g_strndup (rest, (gsize)(at - rest));
    rest = at + 1;
    if (!check_name ("user", self->user, text, error))
      return NULL;
  }
  if (!split_port (rest, text, self, error) || !check_name ("host", self->host, text, error))
    return NULL;
  if (strpbrk (self->host, "/@[]") != NULL) {
    g_set_error (
        error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
        "target \"%s\": a folder or a stray bracket is in the host; write it as [user@]host[:port]",
        text);
    return NULL;
  }
  return g_steal_pointer (&self);
}

HookrunSshSpec *
hookrun_ssh_spec_copy (const HookrunSshSpec *self)
{
  HookrunSshSpec *copy = g_new (HookrunSshSpec, 1);

  *copy = (HookrunSshSpec){g_strdup (self->user), g_strdup (self->host), self->port};
  return copy;
}

void
hookrun_ssh_spec_free (HookrunSshSpec *self)
{
  g_free (self->user);
  g_free (self->host);
  g_free (self);
}
