/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The run's data as the journal keeps it: snapshot, difference, and the way back. */
#include "hookrun-patch-private.h"
#include "hookrun-json-private.h"
#include "hookrun-record-private.h"

static gboolean
is_secret (HookrunData *data, const char *name)
{
  HookrunSchema *schema = hookrun_data_get_schema (data);
  int slot = schema == NULL ? -1 : hookrun_schema_find (schema, name);

  return slot >= 0 &&
         (hookrun_schema_get_field (schema, (guint)slot)->flags & HOOKRUN_FIELD_SECRET) != 0;
}

/* json_node_copy shares what is inside. */
JsonNode *
hookrun_patch_copy_node (JsonNode *node)
{
  g_autofree char *text = hookrun_json_to_string (node);

  return json_from_string (text, NULL);
}

JsonObject *
hookrun_patch_copy (JsonObject *object)
{
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);
  g_autoptr (JsonNode) copy = hookrun_patch_copy_node (node);

  return copy == NULL ? json_object_new () : json_node_dup_object (copy);
}

JsonObject *
hookrun_patch_snapshot (HookrunData *data)
{
  g_autoptr (JsonNode) node = hookrun_data_to_json (data, FALSE);

  return hookrun_patch_copy (json_node_get_object (node));
}

GHashTable *
hookrun_patch_secrets (HookrunData *data)
{
  GHashTable *secrets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (JsonNode) node = hookrun_data_to_json (data, TRUE);
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init (&iter, json_node_get_object (node));
  while (json_object_iter_next (&iter, &name, &value)) {
    g_autofree char *text = NULL;

    if (!is_secret (data, name))
      continue;
    text = hookrun_json_to_string (value);
    g_hash_table_insert (secrets, g_strdup (name),
                         g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1));
  }
  return secrets;
}

static JsonObject *
collect_set (JsonObject *old, JsonObject *new)
{
  JsonObject *set = json_object_new ();
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init (&iter, new);
  while (json_object_iter_next (&iter, &name, &value)) {
    JsonNode *before = json_object_get_member (old, name);

    if (before == NULL || !json_node_equal (before, value))
      json_object_set_member (set, name, json_node_copy (value));
  }
  return set;
}

static JsonArray *
collect_unset (JsonObject *old, JsonObject *new)
{
  JsonArray *unset = json_array_new ();
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init (&iter, old);
  while (json_object_iter_next (&iter, &name, &value))
    if (!json_object_has_member (new, name))
      json_array_add_string_element (unset, name);
  return unset;
}

void
hookrun_patch_diff (JsonObject *old, JsonObject *new, JsonObject *record)
{
  JsonObject *set = collect_set (old, new);
  JsonArray *unset = collect_unset (old, new);

  if (json_object_get_size (set) > 0)
    json_object_set_object_member (record, "set", json_object_ref (set));
  if (json_array_get_length (unset) > 0)
    json_object_set_array_member (record, "unset", json_array_ref (unset));
  json_object_unref (set);
  json_array_unref (unset);
}

void
hookrun_patch_apply (JsonObject *data, GHashTable *secrets, JsonObject *record)
{
  JsonObject *set = hookrun_record_get_object (record, "set");
  JsonArray *unset = hookrun_record_get_array (record, "unset");
  JsonArray *names = hookrun_record_get_array (record, "secrets");
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  if (set != NULL) {
    json_object_iter_init (&iter, set);
    while (json_object_iter_next (&iter, &name, &value))
      json_object_set_member (data, name, json_node_copy (value));
  }
  for (guint i = 0; unset != NULL && i < json_array_get_length (unset); i++)
    if ((name = hookrun_record_get_element (unset, i)) != NULL)
      json_object_remove_member (data, name);
  for (guint i = 0; names != NULL && i < json_array_get_length (names); i++)
    if ((name = hookrun_record_get_element (names, i)) != NULL)
      g_hash_table_add (secrets, g_strdup (name));
}

static char **
get_strv (JsonNode *value)
{
  GStrvBuilder *builder = g_strv_builder_new ();
  JsonArray *array = json_node_get_array (value);
  char **strv;

  for (guint i = 0; i < json_array_get_length (array); i++)
    if (hookrun_record_get_element (array, i) != NULL)
      g_strv_builder_add (builder, hookrun_record_get_element (array, i));
  strv = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);
  return strv;
}

/* What a field of the type is written as; G_TYPE_INVALID for what is not a plain value. */
static GType
plain_type (HookrunFieldType type)
{
  static const GType types[] = {
      [HOOKRUN_FIELD_STRING] = G_TYPE_STRING,
      [HOOKRUN_FIELD_BOOLEAN] = G_TYPE_BOOLEAN,
      [HOOKRUN_FIELD_INT] = G_TYPE_INT64,
      [HOOKRUN_FIELD_DOUBLE] = G_TYPE_DOUBLE,
  };

  return (gsize)type < G_N_ELEMENTS (types) ? types[type] : G_TYPE_INVALID;
}

static gboolean
fits (HookrunFieldType type, JsonNode *value)
{
  if (type == HOOKRUN_FIELD_STRV)
    return JSON_NODE_HOLDS_ARRAY (value);
  if (plain_type (type) == G_TYPE_INVALID)
    return TRUE;
  if (!JSON_NODE_HOLDS_VALUE (value))
    return FALSE;
  return json_node_get_value_type (value) == plain_type (type) ||
         (type == HOOKRUN_FIELD_DOUBLE && json_node_get_value_type (value) == G_TYPE_INT64);
}

/* By slot, since the emitter's own fields are read-only by name. */
static void
restore_slot (HookrunData *data, guint slot, HookrunFieldType type, JsonNode *value)
{
  g_auto (GStrv) strv = NULL;

  switch (type) {
  case HOOKRUN_FIELD_STRING:
    hookrun_data_slot_set_string (data, slot, json_node_get_string (value));
    break;
  case HOOKRUN_FIELD_BOOLEAN:
    hookrun_data_slot_set_boolean (data, slot, json_node_get_boolean (value));
    break;
  case HOOKRUN_FIELD_INT:
    hookrun_data_slot_set_int (data, slot, json_node_get_int (value));
    break;
  case HOOKRUN_FIELD_DOUBLE:
    hookrun_data_slot_set_double (data, slot, json_node_get_double (value));
    break;
  case HOOKRUN_FIELD_STRV:
    strv = get_strv (value);
    hookrun_data_slot_set_strv (data, slot, (const char *const *)strv);
    break;
  case HOOKRUN_FIELD_JSON:
    hookrun_data_slot_set_json (data, slot, value);
    break;
  case HOOKRUN_FIELD_OBJECT:
    break;
  }
}

/* As it came: an object whole, anything else as the type that it has in JSON. */
static gboolean
restore_extra (HookrunData *data, const char *name, JsonNode *value, GError **error)
{
  g_autoptr (JsonNode) patch = NULL;
  JsonObject *object;

  if (JSON_NODE_HOLDS_OBJECT (value))
    return hookrun_data_set_json (data, name, value, error);
  object = json_object_new ();
  json_object_set_member (object, name, json_node_copy (value));
  patch = json_node_init_object (json_node_alloc (), object);
  json_object_unref (object);
  return hookrun_data_merge_json (data, patch, error);
}

static gboolean
restore_member (HookrunData *data, const char *name, JsonNode *value, GError **error)
{
  HookrunSchema *schema = hookrun_data_get_schema (data);
  int slot = schema == NULL ? -1 : hookrun_schema_find (schema, name);
  HookrunFieldType type;

  if (slot < 0)
    return restore_extra (data, name, value, error);
  if (JSON_NODE_HOLDS_NULL (value))
    return TRUE;
  type = hookrun_schema_get_field (schema, (guint)slot)->type;
  if (!fits (type, value)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
                 "the journal's value of \"%s\" is of another type than the field has now; resume "
                 "with the version of the program that began the run",
                 name);
    return FALSE;
  }
  restore_slot (data, (guint)slot, type, value);
  return TRUE;
}

gboolean
hookrun_patch_restore (HookrunData *data, JsonObject *wanted, GError **error)
{
  g_autoptr (JsonObject) present = hookrun_patch_snapshot (data);
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init (&iter, present);
  while (json_object_iter_next (&iter, &name, &value))
    if (!json_object_has_member (wanted, name))
      hookrun_data_unset (data, name, NULL); /* what is the emitter's own stays */
  json_object_iter_init (&iter, wanted);
  while (json_object_iter_next (&iter, &name, &value))
    if (!restore_member (data, name, value, error))
      return FALSE;
  return TRUE;
}
