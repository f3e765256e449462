/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a signal is, as the worker protocol says it. What the other side wrote is untrusted. A field
 * for objects of the host is told, so that its name is known, and never carries anything.
 */
#include "hookrun-loader-worker-private.h"

static const struct {
  const char *name;
  HookrunFieldType type;
} field_types[] = {
    {"string", HOOKRUN_FIELD_STRING}, {"boolean", HOOKRUN_FIELD_BOOLEAN},
    {"int", HOOKRUN_FIELD_INT},       {"double", HOOKRUN_FIELD_DOUBLE},
    {"list", HOOKRUN_FIELD_STRV},     {"json", HOOKRUN_FIELD_JSON},
    {"object", HOOKRUN_FIELD_OBJECT},
};

static const struct {
  const char *name;
  HookrunFieldFlags flag;
} field_flags[] = {
    {"required", HOOKRUN_FIELD_REQUIRED},
    {"read-only", HOOKRUN_FIELD_READ_ONLY},
    {"template", HOOKRUN_FIELD_TEMPLATE},
    {"secret", HOOKRUN_FIELD_SECRET},
};

/* ---- to JSON ---- */

static JsonObject *
field_to_json (const HookrunField *field)
{
  JsonObject *object = json_object_new ();
  JsonArray *flags = json_array_new ();

  json_object_set_string_member (object, "name", field->name);
  for (gsize i = 0; i < G_N_ELEMENTS (field_types); i++)
    if (field_types[i].type == field->type)
      json_object_set_string_member (object, "type", field_types[i].name);
  for (gsize i = 0; i < G_N_ELEMENTS (field_flags); i++)
    if ((field->flags & field_flags[i].flag) != 0)
      json_array_add_string_element (flags, field_flags[i].name);
  json_object_set_array_member (object, "flags", flags);
  if (field->doc != NULL)
    json_object_set_string_member (object, "doc", field->doc);
  return object;
}

JsonNode *
hookrun_signal_to_json (const char *name, HookrunSignalFlags flags, HookrunSchema *schema)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  JsonArray *fields = json_array_new ();

  for (guint i = 0; i < hookrun_schema_get_n_fields (schema); i++)
    json_array_add_object_element (fields, field_to_json (hookrun_schema_get_field (schema, i)));
  json_object_set_string_member (object, "name", name);
  json_object_set_boolean_member (object, "collect_errors",
                                  (flags & HOOKRUN_SIGNAL_COLLECT_ERRORS) != 0);
  json_object_set_array_member (object, "fields", fields);
  json_node_take_object (node, object);
  return node;
}

/* ---- from JSON ---- */

static gboolean
wrong (GError **error, const char *name, const char *type)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL, "\"%s\" must be %s", name, type);
  return FALSE;
}

static gboolean
read_flags (JsonNode *node, HookrunFieldFlags *flags, GError **error)
{
  JsonArray *array =
      node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  const char *one = node != NULL && JSON_NODE_HOLDS_VALUE (node) &&
                            json_node_get_value_type (node) == G_TYPE_STRING
                        ? json_node_get_string (node)
                        : NULL;

  if (node != NULL && array == NULL && one == NULL)
    return wrong (error, "flags", "a list of texts");
  for (guint i = 0; i < (array != NULL ? json_array_get_length (array) : one != NULL); i++) {
    JsonNode *element = array != NULL ? json_array_get_element (array, i) : node;

    if (!JSON_NODE_HOLDS_VALUE (element) || json_node_get_value_type (element) != G_TYPE_STRING)
      return wrong (error, "flags", "a list of texts");
    for (gsize j = 0; j < G_N_ELEMENTS (field_flags); j++)
      if (g_str_equal (json_node_get_string (element), field_flags[j].name))
        *flags |= field_flags[j].flag;
  }
  return TRUE;
}

static gboolean
read_field (JsonNode *node, HookrunField *field, GError **error)
{
  const char *type = hookrun_worker_get_text (node, "type");
  gboolean is_known = FALSE;

  field->name = hookrun_worker_get_text (node, "name");
  field->doc = hookrun_worker_get_text (node, "doc");
  if (field->name == NULL)
    return wrong (error, "name", "the name of a field");
  for (gsize i = 0; i < G_N_ELEMENTS (field_types); i++)
    if (g_strcmp0 (type, field_types[i].name) == 0) {
      field->type = field_types[i].type;
      is_known = TRUE;
    }
  if (!is_known)
    return wrong (error, "type", "one of string, boolean, int, double, list and json");
  return read_flags (hookrun_worker_get_member (node, "flags"), &field->flags, error);
}

static gboolean
read_fields (const char *signal, JsonArray *array, HookrunField *fields, guint n_fields,
             GError **error)
{
  for (guint i = 0; i < n_fields; i++)
    if (!read_field (json_array_get_element (array, i), &fields[i], error)) {
      g_prefix_error (error, "signal \"%.64s\", field %u: ", signal, i + 1);
      return FALSE;
    }
  return TRUE;
}

gboolean
hookrun_signal_from_json (JsonNode *node, char **name, HookrunSignalFlags *flags,
                          HookrunSchema **schema, GError **error)
{
  const char *text = hookrun_worker_get_text (node, "name");
  JsonNode *list = hookrun_worker_get_member (node, "fields");
  JsonNode *collects = hookrun_worker_get_member (node, "collect_errors");
  JsonArray *array =
      list != NULL && JSON_NODE_HOLDS_ARRAY (list) ? json_node_get_array (list) : NULL;
  guint n_fields = array != NULL ? json_array_get_length (array) : 0;
  g_autofree HookrunField *fields = NULL;

  if (text == NULL)
    return wrong (error, "name", "the name of a signal");
  if (n_fields > HOOKRUN_WORKER_MAX_FIELDS)
    return wrong (error, "fields", "shorter");
  fields = g_new0 (HookrunField, n_fields + 1);
  if (!read_fields (text, array, fields, n_fields, error))
    return FALSE;
  *schema = hookrun_schema_new (fields, n_fields, error);
  if (*schema == NULL) {
    g_prefix_error (error, "signal \"%.64s\": ", text);
    return FALSE;
  }
  *name = g_strdup (text);
  *flags = collects != NULL && JSON_NODE_HOLDS_VALUE (collects) &&
                   json_node_get_value_type (collects) == G_TYPE_BOOLEAN &&
                   json_node_get_boolean (collects)
               ? HOOKRUN_SIGNAL_COLLECT_ERRORS
               : HOOKRUN_SIGNAL_NONE;
  return TRUE;
}
