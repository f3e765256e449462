/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A matcher of its own, because libssh2's takes revoked keys for known ones and knows neither
 * wildcards nor authorities. The format is the section "SSH_KNOWN_HOSTS FILE FORMAT" of sshd(8).
 */
#include "hookrun-known-hosts-private.h"

#include <fcntl.h>
#include <string.h>

#include "hookrun-file-private.h"
#include "hookrun-ssh-pattern-private.h"

#define MAX_FILE (32 * 1024 * 1024)
#define MAX_LINE (64 * 1024)
#define DIGEST_LENGTH 20 /* of SHA-1, which hashed names use */

static void
known_host_free (gpointer data)
{
  HookrunKnownHost *self = data;

  g_free (self->file);
  g_free (self->type);
  g_bytes_unref (self->key);
  g_free (self);
}

GPtrArray *
hookrun_known_hosts_new (void)
{
  return g_ptr_array_new_with_free_func (known_host_free);
}

char *
hookrun_known_hosts_name (const char *host, guint port)
{
  g_autofree char *lower = g_ascii_strdown (host, -1);

  if (port == 0 || port == 22)
    return g_steal_pointer (&lower);
  return g_strdup_printf ("[%s]:%u", lower, port);
}

char *
hookrun_known_hosts_key_type (GBytes *key)
{
  gsize size = 0;
  const guint8 *data = g_bytes_get_data (key, &size);
  gsize length;

  if (size < 4)
    return NULL;
  length = (gsize)data[0] << 24 | (gsize)data[1] << 16 | (gsize)data[2] << 8 | data[3];
  if (length == 0 || length > 64 || length > size - 4)
    return NULL;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isgraph ((char)data[4 + i]))
      return NULL;
  return g_strndup ((const char *)data + 4, length);
}

char *
hookrun_known_hosts_fingerprint (GBytes *key)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize length = sizeof digest;
  g_autofree char *text = NULL;

  g_checksum_update (checksum, g_bytes_get_data (key, NULL), (gssize)g_bytes_get_size (key));
  g_checksum_get_digest (checksum, digest, &length);
  text = g_base64_encode (digest, length);
  text[strcspn (text, "=")] = '\0';
  return g_strconcat ("SHA256:", text, NULL);
}

static void
hash_name (const guint8 *salt, const char *name, guint8 digest[DIGEST_LENGTH])
{
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA1, salt, DIGEST_LENGTH);
  gsize length = DIGEST_LENGTH;

  g_hmac_update (hmac, (const guchar *)name, (gssize)strlen (name));
  g_hmac_get_digest (hmac, digest, &length);
}

/* "|1|salt|digest", both in base64. */
static gboolean
match_hashed (const char *field, const char *name)
{
  g_auto (GStrv) parts = g_strsplit (field, "|", 5);
  g_autofree guchar *salt = NULL;
  g_autofree guchar *digest = NULL;
  gsize salt_length = 0;
  gsize digest_length = 0;
  guint8 ours[DIGEST_LENGTH];

  if (g_strv_length (parts) != 4 || strcmp (parts[1], "1") != 0)
    return FALSE;
  salt = g_base64_decode (parts[2], &salt_length);
  digest = g_base64_decode (parts[3], &digest_length);
  if (salt_length != DIGEST_LENGTH || digest_length != DIGEST_LENGTH)
    return FALSE;
  hash_name (salt, name, ours);
  return memcmp (ours, digest, DIGEST_LENGTH) == 0;
}

static gboolean
match_field (const char *field, const char *name)
{
  g_autofree char *patterns = NULL;

  if (*field == '|')
    return match_hashed (field, name);
  patterns = g_ascii_strdown (field, -1);
  return hookrun_ssh_pattern_match_list (patterns, name) > 0;
}

/* Cuts the next word off @line. */
static char *
next_word (char **line)
{
  char *word = *line + strspn (*line, " \t");
  gsize length = strcspn (word, " \t\r");

  *line = word + length;
  if (**line != '\0')
    *(*line)++ = '\0';
  return word;
}

static gboolean
parse_marker (const char *word, HookrunKnownHostMarker *marker)
{
  if (strcmp (word, "@revoked") == 0)
    *marker = HOOKRUN_KNOWN_HOST_REVOKED;
  else if (strcmp (word, "@cert-authority") == 0)
    *marker = HOOKRUN_KNOWN_HOST_AUTHORITY;
  else
    return FALSE;
  return TRUE;
}

/* The host that a line describes, if that is @name; the line is taken apart. */
static HookrunKnownHost *
parse_line (char *line, const char *name)
{
  HookrunKnownHostMarker marker = HOOKRUN_KNOWN_HOST_PLAIN;
  g_autoptr (GBytes) key = NULL;
  g_autofree char *inner_type = NULL;
  HookrunKnownHost *self;
  char *field = next_word (&line);
  char *type;
  char *text;
  guchar *data;
  gsize length = 0;

  if (*field == '@') {
    if (!parse_marker (field, &marker))
      return NULL;
    field = next_word (&line);
  }
  if (*field == '\0' || *field == '#' || !match_field (field, name))
    return NULL;
  type = next_word (&line);
  text = next_word (&line);
  data = g_base64_decode (text, &length);
  key = g_bytes_new_take (data, length);
  inner_type = hookrun_known_hosts_key_type (key);
  if (inner_type == NULL || strcmp (inner_type, type) != 0)
    return NULL;
  self = g_new0 (HookrunKnownHost, 1);
  self->marker = marker;
  self->type = g_steal_pointer (&inner_type);
  self->key = g_steal_pointer (&key);
  return self;
}

void
hookrun_known_hosts_scan (const char *text, gsize length, const char *file, const char *name,
                          gboolean without_port, GPtrArray *found)
{
  const char *end = text + length;
  guint number = 0;

  while (text < end) {
    const char *newline = memchr (text, '\n', (gsize)(end - text));
    gsize size = (gsize)((newline != NULL ? newline : end) - text);
    g_autofree char *line = size <= MAX_LINE ? g_strndup (text, size) : NULL;
    HookrunKnownHost *host = line != NULL ? parse_line (line, name) : NULL;

    number++;
    text += size + 1;
    if (host == NULL)
      continue;
    host->file = g_strdup (file);
    host->line = number;
    host->without_port = without_port;
    g_ptr_array_add (found, host);
  }
}

/* A known_hosts that is no regular file, /dev/null above all, knows nobody. */
static gboolean
scan_file (const char *file, const char *name, const char *plain, GPtrArray *found, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *text = NULL;
  gsize length = 0;

  if (!g_file_test (file, G_FILE_TEST_IS_REGULAR))
    return TRUE;
  text = hookrun_file_read_at (AT_FDCWD, file, MAX_FILE, &length, &local);
  if (text == NULL && g_error_matches (local, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND))
    return TRUE;
  if (text == NULL) {
    g_propagate_prefixed_error (error, g_steal_pointer (&local), "known hosts: ");
    return FALSE;
  }
  hookrun_known_hosts_scan (text, length, file, name, FALSE, found);
  if (strcmp (name, plain) != 0)
    hookrun_known_hosts_scan (text, length, file, plain, TRUE, found);
  return TRUE;
}

GPtrArray *
hookrun_known_hosts_lookup (GPtrArray *user_files, GPtrArray *global_files, const char *host,
                            guint port, GError **error)
{
  g_autoptr (GPtrArray) found = hookrun_known_hosts_new ();
  g_autofree char *name = hookrun_known_hosts_name (host, port);
  g_autofree char *plain = hookrun_known_hosts_name (host, 22);
  GPtrArray *lists[] = {user_files, global_files};

  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    for (guint j = 0; j < lists[i]->len; j++)
      if (!scan_file (lists[i]->pdata[j], name, plain, found, error))
        return NULL;
  return g_steal_pointer (&found);
}

/* A line for the bare name of a host vouches for its other ports, too, but does not contradict. */
HookrunKnownHostVerdict
hookrun_known_hosts_judge (GPtrArray *found, GBytes *key, const HookrunKnownHost **which)
{
  g_autofree char *type = hookrun_known_hosts_key_type (key);
  HookrunKnownHostVerdict verdict = HOOKRUN_KNOWN_HOST_UNKNOWN;

  for (guint i = 0; i < found->len; i++) {
    const HookrunKnownHost *host = found->pdata[i];
    gboolean same = g_bytes_equal (host->key, key);
    HookrunKnownHostVerdict says = HOOKRUN_KNOWN_HOST_UNKNOWN;

    if (host->marker == HOOKRUN_KNOWN_HOST_REVOKED && same)
      says = HOOKRUN_KNOWN_HOST_IS_REVOKED;
    else if (host->marker == HOOKRUN_KNOWN_HOST_PLAIN && same)
      says = HOOKRUN_KNOWN_HOST_MATCH;
    else if (host->marker == HOOKRUN_KNOWN_HOST_PLAIN && !host->without_port &&
             g_strcmp0 (host->type, type) == 0)
      says = HOOKRUN_KNOWN_HOST_CHANGED;
    if (says == HOOKRUN_KNOWN_HOST_UNKNOWN ||
        (says == HOOKRUN_KNOWN_HOST_CHANGED && verdict == HOOKRUN_KNOWN_HOST_MATCH))
      continue;
    verdict = says;
    if (which != NULL)
      *which = host;
    if (says == HOOKRUN_KNOWN_HOST_IS_REVOKED)
      break;
  }
  return verdict;
}
