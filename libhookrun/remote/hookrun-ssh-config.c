/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From lines "keyword value" to a HookrunSshConfig. One table says which keyword goes where; one
 * more lists what only the user's ssh program can do, so that it is used instead.
 */
#include "hookrun-ssh-config-private.h"

#include <string.h>
#include <sys/socket.h>

#include "hookrun-ssh-expand-private.h"

#define DEFAULT_CONNECT_TIMEOUT_MS 30000
#define DEFAULT_ALIVE_INTERVAL_MS 15000
#define DEFAULT_ALIVE_COUNT_MAX 3
/* What Debian's ssh makes of BatchMode; nobody chose these twenty minutes until a peer is dead. */
#define BATCH_ALIVE_INTERVAL_MS 300000

typedef void (*Setter) (HookrunSshConfig *self, gsize offset, const char *value);

typedef struct {
  const char *keyword;
  Setter set;
  gsize offset;
} Row;

static void
set_text (HookrunSshConfig *self, gsize offset, const char *value)
{
  char **field = (char **)G_STRUCT_MEMBER_P (self, offset);

  if (*field == NULL && g_ascii_strcasecmp (value, "none") != 0)
    *field = g_strdup (value);
}

/* Like set_text(), but "none" is kept: it tells that nothing else shall be taken. */
static void
set_raw (HookrunSshConfig *self, gsize offset, const char *value)
{
  char **field = (char **)G_STRUCT_MEMBER_P (self, offset);

  if (*field == NULL)
    *field = g_strdup (value);
}

static void
set_flag (HookrunSshConfig *self, gsize offset, const char *value)
{
  gboolean *field = (gboolean *)G_STRUCT_MEMBER_P (self, offset);

  *field = g_ascii_strcasecmp (value, "yes") == 0 || g_ascii_strcasecmp (value, "true") == 0 ||
           g_ascii_strcasecmp (value, "unbound") == 0 ||
           g_ascii_strcasecmp (value, "host-bound") == 0;
}

static void
set_number (HookrunSshConfig *self, gsize offset, const char *value)
{
  guint64 number = 0;

  if (g_ascii_string_to_unsigned (value, 10, 0, G_MAXUINT16, &number, NULL))
    G_STRUCT_MEMBER (guint, self, offset) = (guint)number;
}

/* Zero means "never" to ssh; the library always gives up in the end, so its own default stays. */
static void
set_seconds (HookrunSshConfig *self, gsize offset, const char *value)
{
  guint64 number = 0;

  if (g_ascii_string_to_unsigned (value, 10, 1, 24 * 3600, &number, NULL))
    G_STRUCT_MEMBER (guint, self, offset) = (guint)number * 1000;
}

static void
add_files (HookrunSshConfig *self, gsize offset, const char *value)
{
  GPtrArray *files = G_STRUCT_MEMBER (GPtrArray *, self, offset);
  g_auto (GStrv) words = hookrun_ssh_config_split (value);

  for (guint i = 0; words[i] != NULL; i++)
    if (g_ascii_strcasecmp (words[i], "none") != 0)
      g_ptr_array_add (files, g_strdup (words[i]));
}

static void
add_file (HookrunSshConfig *self, gsize offset, const char *value)
{
  if (g_ascii_strcasecmp (value, "none") != 0)
    g_ptr_array_add (G_STRUCT_MEMBER (GPtrArray *, self, offset), g_strdup (value));
}

static void
set_strict (HookrunSshConfig *self, gsize offset, const char *value)
{
  if (g_ascii_strcasecmp (value, "ask") == 0)
    self->strict = HOOKRUN_SSH_STRICT_ASK;
  else if (g_ascii_strcasecmp (value, "accept-new") == 0 || g_ascii_strcasecmp (value, "no") == 0 ||
           g_ascii_strcasecmp (value, "false") == 0 || g_ascii_strcasecmp (value, "off") == 0)
    self->strict = HOOKRUN_SSH_STRICT_ACCEPT_NEW;
  else
    self->strict = HOOKRUN_SSH_STRICT_YES;
}

static void
set_family (HookrunSshConfig *self, gsize offset, const char *value)
{
  if (g_ascii_strcasecmp (value, "inet") == 0)
    self->address_family = AF_INET;
  else if (g_ascii_strcasecmp (value, "inet6") == 0)
    self->address_family = AF_INET6;
}

#define AT(member) G_STRUCT_OFFSET (HookrunSshConfig, member)

static const Row rows[] = {
    {"hostname", set_text, AT (host_name)},
    {"user", set_text, AT (user)},
    {"port", set_number, AT (port)},
    {"hostkeyalias", set_text, AT (host_key_alias)},
    {"identityagent", set_raw, AT (identity_agent)},
    {"identityfile", add_file, AT (identity_files)},
    {"identitiesonly", set_flag, AT (identities_only)},
    {"pubkeyauthentication", set_flag, AT (public_key)},
    {"batchmode", set_flag, AT (batch_mode)},
    {"gssapiauthentication", set_flag, AT (gssapi)},
    {"proxyjump", set_text, AT (proxy_jump)},
    {"userknownhostsfile", add_files, AT (user_known_hosts)},
    {"globalknownhostsfile", add_files, AT (global_known_hosts)},
    {"stricthostkeychecking", set_strict, 0},
    {"hashknownhosts", set_flag, AT (hash_known_hosts)},
    {"connecttimeout", set_seconds, AT (connect_timeout_ms)},
    {"serveraliveinterval", set_seconds, AT (alive_interval_ms)},
    {"serveralivecountmax", set_number, AT (alive_count_max)},
    {"hostkeyalgorithms", set_text, AT (host_key_algorithms)},
    {"kexalgorithms", set_text, AT (kex_algorithms)},
    {"ciphers", set_text, AT (ciphers)},
    {"macs", set_text, AT (macs)},
    {"addressfamily", set_family, 0},
};

/* Keywords that this transport does not know how to honour, and the values that ask nothing. */
static const struct {
  const char *keyword;
  const char *harmless;
} beyond[] = {
    {"proxycommand", "none"},         {"pkcs11provider", "none"},  {"bindaddress", "none"},
    {"bindinterface", "none"},        {"revokedhostkeys", "none"}, {"knownhostscommand", "none"},
    {"verifyhostkeydns", "false no"}, {"certificatefile", "none"},
};

static void
note_unsupported (HookrunSshConfig *self, const char *keyword, const char *value)
{
  for (guint i = 0; i < G_N_ELEMENTS (beyond); i++) {
    g_auto (GStrv) harmless = NULL;

    if (g_ascii_strcasecmp (keyword, beyond[i].keyword) != 0)
      continue;
    harmless = g_strsplit (beyond[i].harmless, " ", -1);
    if (self->unsupported == NULL && !g_strv_contains ((const char *const *)harmless, value))
      self->unsupported = g_strdup_printf ("the configuration sets %s", keyword);
  }
}

static void
apply_line (HookrunSshConfig *self, const char *line)
{
  g_autofree char *keyword = NULL;
  const char *value = strchr (line, ' ');

  if (value == NULL)
    return;
  keyword = g_strndup (line, (gsize)(value - line));
  value += strspn (value, " ");
  note_unsupported (self, keyword, value);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (g_ascii_strcasecmp (keyword, rows[i].keyword) == 0)
      rows[i].set (self, rows[i].offset, value);
}

static gboolean
check_resolved (const HookrunSshSpec *spec, HookrunSshConfig *self, GError **error)
{
  for (const guchar *p = (const guchar *)self->host_name; *p != '\0'; p++)
    if (*p <= ' ' || *p == 0x7f || *p == ',') {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                   "host \"%s\": HostName of the ssh configuration holds a blank, a comma or a "
                   "control character; correct the configuration",
                   spec->host);
      return FALSE;
    }
  if (self->port == 0) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "host \"%s\": Port of the ssh configuration is not a number from 1 to 65535",
                 spec->host);
    return FALSE;
  }
  return TRUE;
}

HookrunSshConfig *
hookrun_ssh_config_parse (const HookrunSshSpec *spec, const char *text, GError **error)
{
  g_autoptr (HookrunSshConfig) self = g_new0 (HookrunSshConfig, 1);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  self->identity_files = g_ptr_array_new_with_free_func (g_free);
  self->user_known_hosts = g_ptr_array_new_with_free_func (g_free);
  self->global_known_hosts = g_ptr_array_new_with_free_func (g_free);
  self->connect_timeout_ms = DEFAULT_CONNECT_TIMEOUT_MS;
  self->alive_interval_ms = DEFAULT_ALIVE_INTERVAL_MS;
  self->alive_count_max = DEFAULT_ALIVE_COUNT_MAX;
  self->strict = HOOKRUN_SSH_STRICT_ASK;
  self->public_key = TRUE;
  self->port = 22;
  for (guint i = 0; lines[i] != NULL; i++)
    apply_line (self, lines[i]);
  if (self->batch_mode && self->alive_interval_ms == BATCH_ALIVE_INTERVAL_MS)
    self->alive_interval_ms = DEFAULT_ALIVE_INTERVAL_MS;
  if (self->host_name == NULL)
    self->host_name = g_strdup (spec->host);
  if (self->user == NULL)
    self->user = g_strdup (spec->user != NULL ? spec->user : g_get_user_name ());
  if (!check_resolved (spec, self, error))
    return NULL;
  hookrun_ssh_config_expand (spec, self);
  return g_steal_pointer (&self);
}

void
hookrun_ssh_config_free (HookrunSshConfig *self)
{
  g_free (self->host_name);
  g_free (self->user);
  g_free (self->host_key_alias);
  g_free (self->identity_agent);
  g_free (self->proxy_jump);
  g_free (self->host_key_algorithms);
  g_free (self->kex_algorithms);
  g_free (self->ciphers);
  g_free (self->macs);
  g_free (self->unsupported);
  g_ptr_array_unref (self->identity_files);
  g_ptr_array_unref (self->user_known_hosts);
  g_ptr_array_unref (self->global_known_hosts);
  g_free (self);
}
