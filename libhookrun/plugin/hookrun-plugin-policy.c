/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A plugin's policy as somebody wrote it. It is checked when it is read, with any folder in the
 * places that are filled in later, so that its faults are found before anything is activated.
 */
#include "hookrun-plugin-policy-private.h"
#include "hookrun-file-private.h"
#include "hookrun-json-private.h"
#include "hookrun-manifest-private.h"
#include "hookrun-trust-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MAX_SIZE (256 * 1024)
#define MAX_DEPTH 8

struct _HookrunPluginPolicy {
  gatomicrefcount ref_count;
  char *origin;
  JsonNode *node;
};

/* ---- placeholders ---- */

static const struct {
  const char *text;
  gsize offset;
  gboolean is_made;
} placeholders[] = {
    {"{folder}", G_STRUCT_OFFSET (HookrunPolicyPlaces, folder), FALSE},
    {"{project}", G_STRUCT_OFFSET (HookrunPolicyPlaces, project), FALSE},
    {"{module}", G_STRUCT_OFFSET (HookrunPolicyPlaces, module), FALSE},
    {"{checkouts}", G_STRUCT_OFFSET (HookrunPolicyPlaces, checkouts), TRUE},
    {"{state}", G_STRUCT_OFFSET (HookrunPolicyPlaces, state), TRUE},
};

/* Any folder at all: to check what cannot be filled in yet. */
static const HookrunPolicyPlaces no_places = {"/", "/", "/", NULL, NULL};

/* (transfer full) (nullable) */
static char *
fill_text (const char *text, const HookrunPolicyPlaces *places, GError **error)
{
  g_autofree char *filled = g_strdup (text);

  for (gsize i = 0; i < G_N_ELEMENTS (placeholders); i++) {
    const char *place = G_STRUCT_MEMBER (const char *, places, placeholders[i].offset);
    g_auto (GStrv) parts = NULL;

    if (strstr (filled, placeholders[i].text) == NULL)
      continue;
    if (places == &no_places)
      place = "/";
    if (place == NULL) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED,
                   "%s has no meaning here: this host does not say which folder that is",
                   placeholders[i].text);
      return NULL;
    }
    if (placeholders[i].is_made && places != &no_places &&
        !hookrun_file_make_folders (place, error))
      return NULL;
    parts = g_strsplit (filled, placeholders[i].text, -1);
    g_free (filled);
    filled = g_strjoinv (place, parts);
  }
  return g_steal_pointer (&filled);
}

static JsonNode *fill_node (JsonNode *node, const HookrunPolicyPlaces *places, GError **error);

static JsonNode *
fill_array (JsonArray *array, const HookrunPolicyPlaces *places, GError **error)
{
  g_autoptr (JsonArray) filled = json_array_new ();
  JsonNode *node;

  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *element = fill_node (json_array_get_element (array, i), places, error);

    if (element == NULL)
      return NULL;
    json_array_add_element (filled, element);
  }
  node = json_node_new (JSON_NODE_ARRAY);
  json_node_set_array (node, filled);
  return node;
}

static JsonNode *
fill_object (JsonObject *object, const HookrunPolicyPlaces *places, GError **error)
{
  g_autoptr (JsonObject) filled = json_object_new ();
  JsonObjectIter iter;
  const char *name;
  JsonNode *member;
  JsonNode *node;

  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, &member)) {
    JsonNode *value = fill_node (member, places, error);

    if (value == NULL) {
      g_prefix_error (error, "\"%.40s\": ", name);
      return NULL;
    }
    json_object_set_member (filled, name, value);
  }
  node = json_node_new (JSON_NODE_OBJECT);
  json_node_set_object (node, filled);
  return node;
}

/* The depth was limited when the text was parsed. */
static JsonNode *
fill_node (JsonNode *node, const HookrunPolicyPlaces *places, GError **error)
{
  g_autofree char *text = NULL;
  JsonNode *filled;

  if (JSON_NODE_HOLDS_OBJECT (node))
    return fill_object (json_node_get_object (node), places, error);
  if (JSON_NODE_HOLDS_ARRAY (node))
    return fill_array (json_node_get_array (node), places, error);
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
    return json_node_copy (node);
  text = fill_text (json_node_get_string (node), places, error);
  if (text == NULL)
    return NULL;
  filled = json_node_new (JSON_NODE_VALUE);
  json_node_set_string (filled, text);
  return filled;
}

/* ---- methods ---- */

/* The one key that is about the host and not about the system. Takes it out of @object. */
static gboolean
take_methods (JsonObject *object, char ***methods, GError **error)
{
  JsonNode *value = json_object_get_member (object, "methods");
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  JsonArray *array =
      value != NULL && JSON_NODE_HOLDS_ARRAY (value) ? json_node_get_array (value) : NULL;

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++) {
    JsonNode *element = json_array_get_element (array, i);

    if (!JSON_NODE_HOLDS_VALUE (element) || json_node_get_value_type (element) != G_TYPE_STRING) {
      array = NULL;
      break;
    }
    g_strv_builder_add (builder, json_node_get_string (element));
  }
  if (value != NULL && array == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "\"methods\": must be a list of names such as \"deploy.copy\"");
    return FALSE;
  }
  json_object_remove_member (object, "methods");
  *methods = g_strv_builder_end (builder);
  return TRUE;
}

gboolean
hookrun_plugin_policy_fill (HookrunPluginPolicy *self, const HookrunPolicyPlaces *places,
                            HookrunPolicy **policy, char ***methods, GError **error)
{
  g_autoptr (JsonNode) filled = NULL;
  g_auto (GStrv) taken = NULL;

  if (!JSON_NODE_HOLDS_OBJECT (self->node)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "%s: must be an object, not %s",
                 self->origin, json_node_type_name (self->node));
    return FALSE;
  }
  filled = fill_node (self->node, places, error);
  if (filled == NULL || !take_methods (json_node_get_object (filled), &taken, error)) {
    g_prefix_error (error, "%s: ", self->origin);
    return FALSE;
  }
  *policy = hookrun_policy_new_from_node (filled, self->origin, error);
  if (*policy == NULL)
    return FALSE;
  *methods = g_steal_pointer (&taken);
  return TRUE;
}

/* ---- the object ---- */

HookrunPluginPolicy *
hookrun_plugin_policy_new (JsonNode *node, const char *origin, GError **error)
{
  g_autoptr (HookrunPluginPolicy) self = g_new0 (HookrunPluginPolicy, 1);
  g_autoptr (HookrunPolicy) policy = NULL;
  g_auto (GStrv) methods = NULL;

  g_atomic_ref_count_init (&self->ref_count);
  self->origin = g_strdup (origin);
  self->node = json_node_copy (node);
  if (!hookrun_plugin_policy_fill (self, &no_places, &policy, &methods, error))
    return NULL;
  return g_steal_pointer (&self);
}

HookrunPluginPolicy *
hookrun_plugin_policy_ref (HookrunPluginPolicy *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
hookrun_plugin_policy_unref (HookrunPluginPolicy *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_clear_pointer (&self->node, json_node_unref);
  g_free (self->origin);
  g_free (self);
}

JsonNode *
hookrun_plugin_policy_get_node (HookrunPluginPolicy *self)
{
  return self->node;
}

const char *
hookrun_plugin_policy_get_origin (HookrunPluginPolicy *self)
{
  return self->origin;
}

/* ---- files ---- */

static gboolean
read_text (const char *path, char **text, gsize *length, GError **error)
{
  struct stat st;
  gboolean ok = FALSE;
  int fd = hookrun_trust_open (path, O_RDONLY, &st, error);

  if (fd < 0)
    return FALSE;
  if (!S_ISREG (st.st_mode))
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "\"%s\" is not a regular file", path);
  else if (st.st_size > MAX_SIZE)
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                 "\"%s\" is larger than the limit of %d bytes for a policy", path, MAX_SIZE);
  else
    ok = hookrun_manifest_read_text (fd, (gsize)st.st_size, path, text, length, error);
  close (fd);
  return ok;
}

HookrunPluginPolicy *
hookrun_plugin_policy_new_from_file (const char *path, GError **error)
{
  const HookrunJsonLimits limits = {MAX_SIZE, MAX_DEPTH};
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) node = NULL;
  gsize length = 0;

  if (!read_text (path, &text, &length, error))
    return NULL;
  node = hookrun_json_parse (text, length, &limits, path, error);
  return node != NULL ? hookrun_plugin_policy_new (node, path, error) : NULL;
}

HookrunPluginPolicy *
hookrun_plugin_policy_new_beside (const char *path, GError **error)
{
  g_autofree char *name = g_strconcat (path, HOOKRUN_POLICY_SUFFIX, NULL);
  struct stat st;

  if (lstat (name, &st) < 0 && errno == ENOENT)
    return NULL;
  return hookrun_plugin_policy_new_from_file (name, error);
}
