/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Extended attributes are read into one sorted value, so that two files compare at once and the
 * value travels in a record. Access lists are attributes, too.
 */
#include "hookrun-staging-xattr-private.h"
#include "hookrun-error-private.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

/* The kernel's own limits for the names of a file, and for a value. */
#define MAX_NAMES 65536
#define MAX_VALUE 65536
#define MAX_BLOB (256 * 1024)

/* Signatures of the content: the kernel makes new ones for new content. */
static const char *const not_copied[] = {"security.evm", "security.ima", NULL};

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* Filesystems without attributes have none. */
static gboolean
list_names (int fd, GPtrArray *names, const char *what, GError **error)
{
  g_autofree char *list = g_malloc (MAX_NAMES);
  gssize length = flistxattr (fd, list, MAX_NAMES);

  if (length < 0 && errno != ENOTSUP) {
    hookrun_set_error_from_errno (error, errno, "cannot list the attributes of %s", what);
    return FALSE;
  }
  for (gssize at = 0; at < length; at += (gssize)strlen (list + at) + 1)
    if (!g_strv_contains (not_copied, list + at))
      g_ptr_array_add (names, g_strdup (list + at));
  g_ptr_array_sort (names, compare_names);
  return TRUE;
}

static gboolean
append_attribute (GByteArray *out, int fd, const char *name, guint8 *buffer, const char *what,
                  GError **error)
{
  gssize length = fgetxattr (fd, name, buffer, MAX_VALUE);
  guint32 size;

  if (length < 0 && (errno == ENODATA || errno == EPERM || errno == EACCES))
    return TRUE; /* gone, or not for us to see: nothing that we could keep */
  if (length < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot read attribute \"%s\" of %s", name, what);
    return FALSE;
  }
  size = GUINT32_TO_LE ((guint32)length);
  g_byte_array_append (out, (const guint8 *)name, (guint)strlen (name) + 1);
  g_byte_array_append (out, (const guint8 *)&size, sizeof size);
  g_byte_array_append (out, buffer, (guint)length);
  if (out->len <= MAX_BLOB)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
               "the attributes of %s are larger than the limit of %d bytes", what, MAX_BLOB);
  return FALSE;
}

GBytes *
hookrun_staging_xattr_read (int fd, const char *what, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GByteArray) out = NULL;
  g_autofree guint8 *buffer = NULL;

  if (!list_names (fd, names, what, error) || names->len == 0)
    return NULL;
  out = g_byte_array_new ();
  buffer = g_malloc (MAX_VALUE);
  for (guint i = 0; i < names->len; i++)
    if (!append_attribute (out, fd, names->pdata[i], buffer, what, error))
      return NULL;
  return out->len == 0 ? NULL : g_byte_array_free_to_bytes (g_steal_pointer (&out));
}

/* FALSE at a wrong form, too. */
gboolean
hookrun_staging_xattr_next (GBytes *bytes, gsize *offset, HookrunStagingAttribute *attribute)
{
  gsize size = 0;
  const guint8 *data = bytes == NULL ? NULL : g_bytes_get_data (bytes, &size);
  const guint8 *end = *offset < size ? memchr (data + *offset, '\0', size - *offset) : NULL;
  guint32 length;
  gsize rest;

  if (end == NULL || end == data + *offset)
    return FALSE;
  rest = size - (gsize)(end + 1 - data);
  if (rest < sizeof length)
    return FALSE;
  memcpy (&length, end + 1, sizeof length);
  length = GUINT32_FROM_LE (length);
  if (length > rest - sizeof length || length > MAX_VALUE)
    return FALSE;
  *attribute =
      (HookrunStagingAttribute){(const char *)data + *offset, end + 1 + sizeof length, length};
  *offset = (gsize)(end + 1 - data) + sizeof length + length;
  return TRUE;
}

gboolean
hookrun_staging_xattr_check (GBytes *bytes)
{
  gsize size = g_bytes_get_size (bytes);
  const char *last = "";
  HookrunStagingAttribute attribute;
  gsize offset = 0;

  if (size > MAX_BLOB)
    return FALSE;
  while (hookrun_staging_xattr_next (bytes, &offset, &attribute)) {
    if (strcmp (last, attribute.name) >= 0)
      return FALSE;
    last = attribute.name;
  }
  return offset == size && size > 0;
}

gboolean
hookrun_staging_xattr_find (GBytes *bytes, const char *name, HookrunStagingAttribute *attribute)
{
  gsize offset = 0;

  while (hookrun_staging_xattr_next (bytes, &offset, attribute))
    if (strcmp (attribute->name, name) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
remove_others (int fd, GBytes *present, GBytes *wanted, const char *what, GError **error)
{
  HookrunStagingAttribute attribute, ignored;
  gsize offset = 0;

  while (hookrun_staging_xattr_next (present, &offset, &attribute)) {
    if (hookrun_staging_xattr_find (wanted, attribute.name, &ignored))
      continue;
    if (fremovexattr (fd, attribute.name) < 0 && errno != ENODATA) {
      hookrun_set_error_from_errno (error, errno, "cannot remove attribute \"%s\" of %s",
                                    attribute.name, what);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
set_wanted (int fd, GBytes *present, GBytes *wanted, const char *what, GError **error)
{
  HookrunStagingAttribute attribute, there;
  gsize offset = 0;

  while (hookrun_staging_xattr_next (wanted, &offset, &attribute)) {
    if (hookrun_staging_xattr_find (present, attribute.name, &there) &&
        there.length == attribute.length &&
        memcmp (there.value, attribute.value, there.length) == 0)
      continue;
    if (fsetxattr (fd, attribute.name, attribute.value, attribute.length, 0) < 0) {
      hookrun_set_error_from_errno (error, errno, "cannot keep attribute \"%s\" of %s",
                                    attribute.name, what);
      return FALSE;
    }
  }
  return TRUE;
}

gboolean
hookrun_staging_xattr_apply (int fd, GBytes *wanted, const char *what, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (GBytes) present = hookrun_staging_xattr_read (fd, what, &problem);

  if (problem != NULL) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  return (present == NULL || remove_others (fd, present, wanted, what, error)) &&
         (wanted == NULL || set_wanted (fd, present, wanted, what, error));
}

gboolean
hookrun_staging_xattr_equal (GBytes *a, GBytes *b)
{
  return a == NULL || b == NULL ? a == b : g_bytes_equal (a, b);
}
