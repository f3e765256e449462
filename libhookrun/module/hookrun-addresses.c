/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks of the two kinds of addresses in project and module files: a host to deploy to and a
 * repository to take the source from. They find what can be known without a network and what could
 * turn an address into an option or a command.
 */
#include "hookrun-values-private.h"

#include <string.h>

#include "hookrun-faults-private.h"

static const char *const git_schemes[] = {"git",   "ssh",  "git+ssh", "ssh+git",
                                          "https", "http", "file",    NULL};

static char *
bad_host (const char *value, const char *why)
{
  g_autofree char *excerpt = hookrun_excerpt (value);

  g_strdelimit (excerpt, "\n", ' ');
  return g_strdup_printf ("is \"%s\", %s; a host is user@host, host:port, ssh://user@host:port, "
                          "local: or local:/folder",
                          excerpt, why);
}

static char *
bad_url (const char *value, const char *why)
{
  g_autofree char *excerpt = hookrun_excerpt (value);

  g_strdelimit (excerpt, "\n", ' ');
  return g_strdup_printf ("is \"%s\", %s; a source is none, git://host/path, https://host/path, "
                          "user@host:path, ./folder or /folder",
                          excerpt, why);
}

static gboolean
has_odd_character (const char *text)
{
  for (; *text != '\0'; text++)
    if ((guchar)*text <= ' ' || *text == 0x7f)
      return TRUE;
  return FALSE;
}

static gboolean
is_port (const char *text)
{
  return g_ascii_string_to_unsigned (text, 10, 1, 65535, NULL, NULL);
}

/* [user@]host[:port], the host a name, an address or an IPv6 address in brackets. */
static const char *
check_authority (const char *authority)
{
  const char *at = strrchr (authority, '@');
  const char *host = at != NULL ? at + 1 : authority;
  gsize length = *host == '[' ? strcspn (host, "]") + 1 : strcspn (host, ":");

  if (at == authority)
    return "which has no user before \"@\"";
  if (*authority == '-' || *host == '-')
    return "which begins with \"-\" and would be taken as an option";
  if (*host == '[' && strchr (host, ']') == NULL)
    return "whose \"[\" is not closed";
  if (length == 0)
    return "which names no host";
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (host[i]) && strchr ("._-[]:%", host[i]) == NULL && (guchar)host[i] < 0x80)
      return "whose host has a character that no host name has";
  if (host[length] == '\0')
    return NULL;
  if (host[length] != ':' || !is_port (host + length + 1))
    return "whose port is not a number from 1 to 65535";
  return NULL;
}

char *
hookrun_value_check_host (const char *value)
{
  const char *why = NULL;
  g_autofree char *authority = NULL;

  if (*value == '\0')
    return bad_host (value, "which is empty");
  if (has_odd_character (value))
    return bad_host (value, "which has blanks in it");
  if (g_str_has_prefix (value, "local:")) {
    if (value[6] == '\0' || value[6] == '/')
      return NULL;
    return bad_host (value, "whose folder is not a whole path");
  }
  authority = g_strdup (value);
  if (g_str_has_prefix (value, "ssh://")) {
    memmove (authority, authority + 6, strlen (authority) - 5);
    authority[strlen (authority) - (g_str_has_suffix (authority, "/") ? 1 : 0)] = '\0';
  } else if (strstr (value, "://") != NULL) {
    return bad_host (value, "whose kind is not known");
  }
  if (strchr (authority, '/') != NULL)
    return bad_host (value, "which has a path; paths belong into module files");
  why = check_authority (authority);
  return why != NULL ? bad_host (value, why) : NULL;
}

static char *
check_scheme_url (const char *value, const char *separator)
{
  g_autofree char *scheme = g_strndup (value, (gsize)(separator - value));
  const char *rest = separator + 3;
  const char *at;
  g_autofree char *authority = g_strndup (rest, strcspn (rest, "/"));

  if (!g_strv_contains (git_schemes, scheme))
    return bad_url (value, "whose kind is not supported");
  if (g_str_equal (scheme, "file"))
    return *rest == '/' ? NULL : bad_url (value, "whose folder is not a whole path");
  at = strrchr (authority, '@');
  if (*authority == '-' || (at != NULL && at[1] == '-'))
    return bad_url (value, "whose host begins with \"-\" and would be taken as an option");
  if (*authority == '\0' || (at != NULL && at[1] == '\0') || *authority == ':')
    return bad_url (value, "which names no host");
  if (rest[strlen (authority)] == '\0' || rest[strlen (authority) + 1] == '\0')
    return bad_url (value, "which names no repository");
  return NULL;
}

char *
hookrun_value_check_url (const char *value)
{
  const char *separator = strstr (value, "://");
  gsize colon = strcspn (value, ":/");

  if (*value == '\0')
    return g_strdup ("has no value; write the address of the repository, or none when the module's "
                     "folder itself is sent");
  if (g_str_equal (value, "none"))
    return NULL;
  if (*value == '-')
    return bad_url (value, "which begins with \"-\" and would be taken as an option");
  if (strstr (value, "%(") != NULL)
    return bad_url (value, "a template, which nothing fills here");
  if (has_odd_character (value))
    return bad_url (value, "which has blanks in it");
  if (value[colon] == ':' && value[colon + 1] == ':')
    return bad_url (value, "which would run a command of its own choice");
  if (separator != NULL)
    return check_scheme_url (value, separator);
  if (*value == '/' || g_str_has_prefix (value, "./") || g_str_has_prefix (value, "../"))
    return NULL;
  if (value[colon] != ':')
    return bad_url (value, "which is neither an address nor a folder");
  if (colon == 0 || strchr (value, ':')[1] == '\0')
    return bad_url (value, colon == 0 ? "which names no host" : "which names no repository");
  if (strstr (value, "@-") != NULL)
    return bad_url (value, "whose host begins with \"-\" and would be taken as an option");
  return NULL;
}
