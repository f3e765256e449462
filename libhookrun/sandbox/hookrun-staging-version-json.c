/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Versions of files in records: written, and read back with every member checked. */
#include "hookrun-staging-version-private.h"
#include "hookrun-record-private.h"
#include "hookrun-staging-xattr-private.h"

#include <string.h>

#define SUM_LENGTH 64

static const char *const kind_words[] = {"none", "file", "link"};

JsonNode *
hookrun_staged_version_to_json (const HookrunStagedVersion *self)
{
  JsonObject *object = json_object_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_node_take_object (node, object);
  json_object_set_string_member (object, "kind", kind_words[self->kind]);
  if (self->kind == HOOKRUN_STAGED_KIND_NONE)
    return node;
  json_object_set_int_member (object, "uid", self->uid);
  json_object_set_int_member (object, "gid", self->gid);
  json_object_set_int_member (object, "mtime", self->mtime_ns);
  if (self->kind == HOOKRUN_STAGED_KIND_LINK) {
    json_object_set_string_member (object, "link", self->link);
    return node;
  }
  json_object_set_int_member (object, "mode", self->mode);
  json_object_set_int_member (object, "size", (gint64)self->size);
  json_object_set_string_member (object, "sum", self->sum);
  if (self->inherits)
    json_object_set_boolean_member (object, "inherits", TRUE);
  if (self->xattrs != NULL) {
    gsize size;
    const guint8 *data = g_bytes_get_data (self->xattrs, &size);
    g_autofree char *text = g_base64_encode (data, size);

    json_object_set_string_member (object, "xattrs", text);
  }
  return node;
}

static gboolean
fail (GError **error, const char *member)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "a version of a file has no valid \"%s\"", member);
  return FALSE;
}

static gboolean
read_number (JsonObject *object, const char *member, gint64 max, gint64 *value, GError **error)
{
  *value = hookrun_record_get_int (object, member);
  return (json_object_has_member (object, member) && *value >= 0 && *value <= max) ||
         fail (error, member);
}

static gboolean
read_owner (HookrunStagedVersion *self, JsonObject *object, GError **error)
{
  gint64 uid, gid;

  if (!read_number (object, "uid", G_MAXUINT32, &uid, error) ||
      !read_number (object, "gid", G_MAXUINT32, &gid, error))
    return FALSE;
  self->uid = (guint)uid;
  self->gid = (guint)gid;
  self->mtime_ns = hookrun_record_get_int (object, "mtime");
  return TRUE;
}

static gboolean
read_xattrs (HookrunStagedVersion *self, JsonObject *object, GError **error)
{
  const char *text = hookrun_record_get_string (object, "xattrs");
  gsize size = 0;
  guint8 *data;

  if (!json_object_has_member (object, "xattrs"))
    return TRUE;
  if (text == NULL)
    return fail (error, "xattrs");
  data = g_base64_decode (text, &size);
  self->xattrs = g_bytes_new_take (data, size);
  return hookrun_staging_xattr_check (self->xattrs) || fail (error, "xattrs");
}

static gboolean
is_sum (const char *text)
{
  return text != NULL && strlen (text) == SUM_LENGTH &&
         strspn (text, "0123456789abcdef") == SUM_LENGTH;
}

static HookrunStagedVersion *
read_file (JsonObject *object, GError **error)
{
  g_autoptr (HookrunStagedVersion) self = hookrun_staged_version_new_none ();
  const char *sum = hookrun_record_get_string (object, "sum");
  gint64 mode, size;

  self->kind = HOOKRUN_STAGED_KIND_FILE;
  if (!read_owner (self, object, error) || !read_number (object, "mode", 07777, &mode, error) ||
      !read_number (object, "size", G_MAXINT64, &size, error) || !read_xattrs (self, object, error))
    return NULL;
  if (!is_sum (sum)) {
    fail (error, "sum");
    return NULL;
  }
  self->mode = (guint)mode;
  self->size = (guint64)size;
  self->sum = g_strdup (sum);
  self->inherits = hookrun_record_get_boolean (object, "inherits");
  return g_steal_pointer (&self);
}

static HookrunStagedVersion *
read_link (JsonObject *object, GError **error)
{
  const char *text = hookrun_record_get_string (object, "link");
  g_autoptr (HookrunStagedVersion) self = NULL;

  if (text == NULL || *text == '\0') {
    fail (error, "link");
    return NULL;
  }
  self = hookrun_staged_version_new_link (text);
  return read_owner (self, object, error) ? g_steal_pointer (&self) : NULL;
}

HookrunStagedVersion *
hookrun_staged_version_from_json (JsonObject *object, GError **error)
{
  const char *kind = hookrun_record_get_string (object, "kind");

  if (g_strcmp0 (kind, "none") == 0)
    return hookrun_staged_version_new_none ();
  if (g_strcmp0 (kind, "file") == 0)
    return read_file (object, error);
  if (g_strcmp0 (kind, "link") == 0)
    return read_link (object, error);
  fail (error, "kind");
  return NULL;
}
