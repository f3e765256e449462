/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A line more for a known_hosts file. The file is appended to with one write, never replaced: it
 * may be a link, and other programs append to it, too.
 */
#include "hookrun-known-hosts-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hookrun-error-private.h"

#define SALT_LENGTH 20

static char *
hashed_name (const char *name, GError **error)
{
  guint8 salt[SALT_LENGTH];
  guint8 digest[SALT_LENGTH];
  gsize length = sizeof digest;
  g_autoptr (GHmac) hmac = NULL;
  g_autofree char *salt_text = NULL;
  g_autofree char *digest_text = NULL;

  if (getrandom (salt, sizeof salt, 0) != (ssize_t)sizeof salt) {
    hookrun_set_error_from_errno (error, errno, "known hosts: no random numbers");
    return NULL;
  }
  hmac = g_hmac_new (G_CHECKSUM_SHA1, salt, sizeof salt);
  g_hmac_update (hmac, (const guchar *)name, (gssize)strlen (name));
  g_hmac_get_digest (hmac, digest, &length);
  salt_text = g_base64_encode (salt, sizeof salt);
  digest_text = g_base64_encode (digest, length);
  return g_strdup_printf ("|1|%s|%s", salt_text, digest_text);
}

/* A last line without its end must not swallow the new one. */
static gboolean
ends_with_newline (int fd, off_t size)
{
  char last = '\n';

  return size == 0 || pread (fd, &last, 1, size - 1) != 1 || last == '\n';
}

static gboolean
append_text (int fd, const char *file, const char *line, GError **error)
{
  struct stat st;
  g_autofree char *text = NULL;
  ssize_t written;

  if (flock (fd, LOCK_EX) != 0 || fstat (fd, &st) != 0) {
    hookrun_set_error_from_errno (error, errno, "%s: cannot lock it", file);
    return FALSE;
  }
  text = g_strconcat (S_ISREG (st.st_mode) && !ends_with_newline (fd, st.st_size) ? "\n" : "", line,
                      NULL);
  written = write (fd, text, strlen (text));
  if (written == (ssize_t)strlen (text) && (!S_ISREG (st.st_mode) || fsync (fd) == 0))
    return TRUE;
  hookrun_set_error_from_errno (error, written >= 0 && errno == 0 ? ENOSPC : errno,
                                "%s: cannot add a host", file);
  if (S_ISREG (st.st_mode) && ftruncate (fd, st.st_size) != 0)
    g_prefix_error (error, "(the line is torn, remove it) ");
  return FALSE;
}

gboolean
hookrun_known_hosts_append (const char *file, const char *name, GBytes *key, gboolean hashed,
                            GError **error)
{
  g_autofree char *folder = g_path_get_dirname (file);
  g_autofree char *type = hookrun_known_hosts_key_type (key);
  g_autofree char *shown = hashed ? hashed_name (name, error) : g_strdup (name);
  g_autofree char *text = NULL;
  g_autofree char *line = NULL;
  gboolean good;
  int fd;

  if (shown == NULL)
    return FALSE;
  text = g_base64_encode (g_bytes_get_data (key, NULL), g_bytes_get_size (key));
  line = g_strdup_printf ("%s %s %s\n", shown, type, text);
  g_mkdir_with_parents (folder, 0700);
  fd = open (file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
  if (fd < 0) {
    hookrun_set_error_from_errno (error, errno, "%s: cannot add a host", file);
    return FALSE;
  }
  errno = 0;
  good = append_text (fd, file, line, error);
  close (fd);
  return good;
}
