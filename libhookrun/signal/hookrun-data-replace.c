/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The payload as another process has it: all of it at once, with the rights of who emits. What
 * never leaves a process, private keys and objects, stays as it is.
 */
#include "hookrun-data-private.h"

typedef struct {
  const char *name; /* borrowed from the JSON */
  int slot;
  HookrunValue value;
} Setting;

static void
setting_free (gpointer data)
{
  Setting *self = data;

  hookrun_value_clear (&self->value);
  g_free (self);
}

/* NULL, and slot -1, for an extra; @slot: (nullable) */
static const HookrunField *
find_field (HookrunData *data, const char *name, int *slot)
{
  int found = data->schema != NULL ? hookrun_schema_find (data->schema, name) : -1;

  if (slot != NULL)
    *slot = found;
  return found >= 0 ? &data->schema->fields[found] : NULL;
}

static Setting *
read_setting (HookrunData *data, const char *name, JsonNode *node, GError **error)
{
  g_autofree Setting *setting = g_new0 (Setting, 1);
  const HookrunField *field = find_field (data, name, &setting->slot);

  setting->name = name;
  if (name[0] == '_') {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION,
                 "key \"%.64s\" is private to the process that has it", name);
    return NULL;
  }
  if (field == NULL && !hookrun_data_check_key (name, error))
    return NULL;
  if (hookrun_value_from_json (&setting->value, field, node))
    return g_steal_pointer (&setting);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "field \"%.64s\" is of type %s; the JSON value for it is not", name,
               field != NULL ? hookrun_field_type_to_string (field->type) : "any");
  return NULL;
}

static GPtrArray *
read_settings (HookrunData *data, JsonObject *values, GError **error)
{
  g_autoptr (GPtrArray) settings = g_ptr_array_new_with_free_func (setting_free);
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  json_object_iter_init (&iter, values);
  while (json_object_iter_next (&iter, &name, &node)) {
    const HookrunField *field = find_field (data, name, NULL);
    Setting *setting;

    /* A JSON field may be null; anything else is unset by it. */
    if (JSON_NODE_HOLDS_NULL (node) && (field == NULL || field->type != HOOKRUN_FIELD_JSON))
      continue;
    setting = read_setting (data, name, node, error);
    if (setting == NULL)
      return NULL;
    g_ptr_array_add (settings, setting);
  }
  if (settings->len <= HOOKRUN_DATA_MAX_EXTRAS)
    return g_steal_pointer (&settings);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
               "the data has %u keys, more than the limit of %d", settings->len,
               HOOKRUN_DATA_MAX_EXTRAS);
  return NULL;
}

static gboolean
leaves_process (gpointer name, gpointer value, gpointer unused)
{
  return ((const char *)name)[0] != '_' && ((HookrunValue *)value)->type != HOOKRUN_FIELD_OBJECT;
}

static void
unset_all (HookrunData *data)
{
  for (guint i = 0; data->schema != NULL && i < data->schema->n_fields; i++) {
    const HookrunField *field = &data->schema->fields[i];

    if (field->type == HOOKRUN_FIELD_OBJECT || field->name[0] == '_')
      continue;
    hookrun_value_clear (&data->slots[i]);
  }
  if (data->extras != NULL)
    g_hash_table_foreach_remove (data->extras, leaves_process, NULL);
}

gboolean
hookrun_data_replace_json (HookrunData *self, JsonNode *values, GError **error)
{
  g_autoptr (GPtrArray) settings = NULL;

  if (!JSON_NODE_HOLDS_OBJECT (values)) {
    g_set_error_literal (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "data must be a JSON object");
    return FALSE;
  }
  settings = read_settings (self, json_node_get_object (values), error);
  if (settings == NULL)
    return FALSE;
  unset_all (self);
  for (guint i = 0; i < settings->len; i++) {
    Setting *setting = g_ptr_array_index (settings, i);

    hookrun_data_store (self, setting->slot, setting->name, &setting->value);
  }
  return TRUE;
}
