/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The outside of private key files. OpenSSH's own format (PROTOCOL.key of its sources) carries the
 * public key in the clear, so a passphrase is asked for only if the server wants that key; for
 * PEM files FILE.pub is looked at.
 */
#include "hookrun-ssh-key-private.h"

#include <fcntl.h>
#include <errno.h>
#include <libssh2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hookrun-error-private.h"
#include "hookrun-file-private.h"
#include "hookrun-known-hosts-private.h"

#define MAX_KEY (64 * 1024)
#define MAGIC "openssh-key-v1"
#define BEGIN "-----BEGIN "
#define OPENSSH_BEGIN BEGIN "OPENSSH PRIVATE KEY-----"
#define RSA_SHA2_SINCE 0x010b00

typedef struct {
  const guint8 *data;
  gsize left;
} Reader;

static gboolean
read_number (Reader *self, guint32 *number)
{
  if (self->left < 4)
    return FALSE;
  *number = (guint32)self->data[0] << 24 | (guint32)self->data[1] << 16 |
            (guint32)self->data[2] << 8 | self->data[3];
  self->data += 4;
  self->left -= 4;
  return TRUE;
}

static gboolean
read_string (Reader *self, Reader *string)
{
  guint32 length = 0;

  if (!read_number (self, &length) || length > self->left)
    return FALSE;
  *string = (Reader){self->data, length};
  self->data += length;
  self->left -= length;
  return TRUE;
}

static void
set_public (HookrunSshKey *self, const guint8 *data, gsize length)
{
  g_clear_pointer (&self->public, g_bytes_unref);
  self->public = g_bytes_new (data, length);
  g_free (self->type);
  self->type = hookrun_known_hosts_key_type (self->public);
  if (self->type == NULL)
    g_clear_pointer (&self->public, g_bytes_unref);
}

static void
parse_openssh (HookrunSshKey *self)
{
  const char *begin = strstr (self->text, OPENSSH_BEGIN) + strlen (OPENSSH_BEGIN);
  const char *end = strstr (begin, "-----END");
  g_autofree char *body = g_strndup (begin, end != NULL ? (gsize)(end - begin) : strlen (begin));
  gsize length = 0;
  guint8 *data = g_base64_decode (body, &length);
  Reader reader = {data, length};
  Reader cipher, kdf, options, public;
  guint32 count = 0;

  explicit_bzero (body, strlen (body));
  if (length > sizeof MAGIC && memcmp (data, MAGIC, sizeof MAGIC) == 0) {
    reader = (Reader){data + sizeof MAGIC, length - sizeof MAGIC};
    if (read_string (&reader, &cipher) && read_string (&reader, &kdf) &&
        read_string (&reader, &options) && read_number (&reader, &count) && count == 1 &&
        read_string (&reader, &public)) {
      self->encrypted = cipher.left != 4 || memcmp (cipher.data, "none", 4) != 0;
      set_public (self, public.data, public.left);
    }
  }
  explicit_bzero (data, length);
  g_free (data);
}

/* What the first line of a PEM file says. */
static const struct {
  const char *begin;
  const char *type;
} pem_types[] = {
    {BEGIN "RSA PRIVATE KEY-----", "ssh-rsa"},
    {BEGIN "DSA PRIVATE KEY-----", "ssh-dss"},
};

static void
parse_pem (HookrunSshKey *self)
{
  self->encrypted = strstr (self->text, "ENCRYPTED") != NULL;
  for (guint i = 0; i < G_N_ELEMENTS (pem_types); i++)
    if (self->type == NULL && strstr (self->text, pem_types[i].begin) != NULL)
      self->type = g_strdup (pem_types[i].type);
}

HookrunSshKey *
hookrun_ssh_key_parse (const char *path, const char *text, gsize length)
{
  g_autoptr (HookrunSshKey) self = g_new0 (HookrunSshKey, 1);

  self->path = g_strdup (path);
  self->text = g_strndup (text, length);
  self->length = strlen (self->text);
  if (strstr (self->text, BEGIN) == NULL || strstr (self->text, "PRIVATE KEY-----") == NULL)
    return NULL;
  if (strstr (self->text, OPENSSH_BEGIN) != NULL)
    parse_openssh (self);
  else
    parse_pem (self);
  return g_steal_pointer (&self);
}

static void
read_public_file (HookrunSshKey *self)
{
  g_autofree char *name = g_strconcat (self->path, ".pub", NULL);
  g_autofree char *text = hookrun_file_read_at (AT_FDCWD, name, MAX_KEY, NULL, NULL);
  g_auto (GStrv) words = text != NULL ? g_strsplit (text, " ", 3) : NULL;
  g_autofree guchar *data = NULL;
  gsize length = 0;

  if (words == NULL || words[0] == NULL || words[1] == NULL)
    return;
  data = g_base64_decode (words[1], &length);
  set_public (self, data, length);
}

static gboolean
check_mode (const char *path, GError **error)
{
  struct stat st;

  if (stat (path, &st) != 0) {
    hookrun_set_error_from_errno (error, errno, "%s", path);
    return FALSE;
  }
  if (st.st_uid != getuid () || (st.st_mode & 077) == 0)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED,
               "%s: others may read it; chmod 600 it", path);
  return FALSE;
}

HookrunSshKey *
hookrun_ssh_key_load (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize length = 0;
  HookrunSshKey *self;

  if (!check_mode (path, error))
    return NULL;
  text = hookrun_file_read_at (AT_FDCWD, path, MAX_KEY, &length, error);
  if (text == NULL)
    return NULL;
  self = hookrun_ssh_key_parse (path, text, length);
  explicit_bzero (text, length);
  if (self == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "%s: it is no private key", path);
    return NULL;
  }
  if (self->public == NULL)
    read_public_file (self);
  return self;
}

void
hookrun_ssh_key_free (HookrunSshKey *self)
{
  if (self->text != NULL)
    explicit_bzero (self->text, self->length);
  g_free (self->text);
  g_free (self->path);
  g_free (self->type);
  g_clear_pointer (&self->public, g_bytes_unref);
  g_free (self);
}

static const char *const usable[] = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
                                     "ecdsa-sha2-nistp521", NULL};

const char *
hookrun_ssh_key_unsupported (const char *type)
{
  if (type == NULL || g_strv_contains (usable, type))
    return NULL;
  if (strcmp (type, "ssh-rsa") == 0)
    return libssh2_version (RSA_SHA2_SINCE) != NULL ? NULL : "libssh2 knows RSA with SHA-1 only";
  if (g_str_has_prefix (type, "sk-"))
    return "libssh2 does not know security keys";
  if (strstr (type, "-cert-v01@") != NULL)
    return "libssh2 does not know certificates";
  return "libssh2 does not know this type of key";
}

char *
hookrun_ssh_key_public_line (const HookrunSshKey *self)
{
  g_autofree char *text = NULL;

  if (self->public == NULL)
    return NULL;
  text = g_base64_encode (g_bytes_get_data (self->public, NULL), g_bytes_get_size (self->public));
  return g_strdup_printf ("%s %s", self->type, text);
}
