/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The payload: one tagged value for each declared field, in an array of slots behind the header,
 * and a hash table for extras that is made when the first one comes. Access by name is in
 * hookrun-data-names.c, JSON in hookrun-data-json.c.
 */
#include "hookrun-data-private.h"

#include <string.h>

G_DEFINE_BOXED_TYPE (HookrunData, hookrun_data, hookrun_data_ref, hookrun_data_unref)

void
hookrun_value_clear (HookrunValue *value)
{
  if (!value->is_set)
    return;
  value->is_set = FALSE;
  switch (value->type) {
  case HOOKRUN_FIELD_STRING:
    g_clear_pointer (&value->as.string, g_free);
    break;
  case HOOKRUN_FIELD_STRV:
    g_clear_pointer (&value->as.strv, g_strfreev);
    break;
  case HOOKRUN_FIELD_JSON:
    g_clear_pointer (&value->as.json, json_node_unref);
    break;
  case HOOKRUN_FIELD_OBJECT:
    g_clear_object (&value->as.object);
    break;
  case HOOKRUN_FIELD_BOOLEAN:
  case HOOKRUN_FIELD_INT:
  case HOOKRUN_FIELD_DOUBLE:
    break;
  }
}

gboolean
hookrun_value_equal (const HookrunValue *a, const HookrunValue *b)
{
  if (a->is_set != b->is_set || a->type != b->type)
    return FALSE;
  if (!a->is_set)
    return TRUE;
  switch (a->type) {
  case HOOKRUN_FIELD_STRING:
    return g_str_equal (a->as.string, b->as.string);
  case HOOKRUN_FIELD_BOOLEAN:
    return a->as.boolean == b->as.boolean;
  case HOOKRUN_FIELD_INT:
    return a->as.integer == b->as.integer;
  case HOOKRUN_FIELD_DOUBLE:
    return memcmp (&a->as.number, &b->as.number, sizeof (double)) == 0;
  case HOOKRUN_FIELD_STRV:
    return g_strv_equal ((const char *const *)a->as.strv, (const char *const *)b->as.strv);
  case HOOKRUN_FIELD_JSON:
    return json_node_equal (a->as.json, b->as.json);
  case HOOKRUN_FIELD_OBJECT:
    return a->as.object == b->as.object;
  }
  return FALSE;
}

static void
free_extra (gpointer data)
{
  hookrun_value_clear (data);
  g_free (data);
}

/**
 * hookrun_data_new:
 * @schema: (nullable): the declared fields; %NULL for extras only
 *
 * Makes a payload in which nothing is set.
 *
 * Returns: (transfer full): the payload
 *
 * Since: 1.0
 */
HookrunData *
hookrun_data_new (HookrunSchema *schema)
{
  guint n_slots = schema != NULL ? schema->n_fields : 0;
  HookrunData *self = g_malloc0 (sizeof (HookrunData) + n_slots * sizeof (HookrunValue));

  self->ref_count = 1;
  self->schema = schema != NULL ? hookrun_schema_ref (schema) : NULL;
  for (guint i = 0; i < n_slots; i++)
    self->slots[i].type = schema->fields[i].type;
  return self;
}

/**
 * hookrun_data_ref:
 * @self: a payload
 *
 * Takes a reference. From any thread; the payload itself is used by one thread at a time.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
HookrunData *
hookrun_data_ref (HookrunData *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  __atomic_fetch_add (&self->ref_count, 1, __ATOMIC_RELAXED);
  return self;
}

/**
 * hookrun_data_unref:
 * @self: (transfer full): a payload
 *
 * Drops a reference. From any thread.
 *
 * Since: 1.0
 */
void
hookrun_data_unref (HookrunData *self)
{
  g_return_if_fail (self != NULL);
  if (__atomic_sub_fetch (&self->ref_count, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  for (guint i = 0; self->schema != NULL && i < self->schema->n_fields; i++)
    hookrun_value_clear (&self->slots[i]);
  g_clear_pointer (&self->extras, g_hash_table_unref);
  g_clear_pointer (&self->schema, hookrun_schema_unref);
  g_free (self);
}

/**
 * hookrun_data_get_schema:
 * @self: a payload
 *
 * Gets the schema it was made with.
 *
 * Returns: (transfer none) (nullable): the schema, or %NULL when there are extras only
 *
 * Since: 1.0
 */
HookrunSchema *
hookrun_data_get_schema (HookrunData *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->schema;
}

void
hookrun_data_store (HookrunData *self, int slot, const char *name, HookrunValue *value)
{
  if (slot >= 0) {
    hookrun_value_clear (&self->slots[slot]);
    self->slots[slot] = *value;
  } else if (!value->is_set) {
    if (self->extras != NULL)
      g_hash_table_remove (self->extras, name);
  } else {
    if (self->extras == NULL)
      self->extras =
          g_hash_table_new_full (hookrun_name_hash, hookrun_name_equal, g_free, free_extra);
    g_hash_table_insert (self->extras, g_strdup (name), g_memdup2 (value, sizeof *value));
  }
  value->is_set = FALSE;
}

/* The slot, or NULL (with a message: it is a programming error) when it has another type. */
static HookrunValue *
typed_slot (HookrunData *self, guint slot, HookrunFieldType type)
{
  g_return_val_if_fail (self != NULL && self->schema != NULL, NULL);
  g_return_val_if_fail (slot < self->schema->n_fields, NULL);
  g_return_val_if_fail (self->slots[slot].type == type, NULL);
  return &self->slots[slot];
}

/**
 * hookrun_data_slot_get_string:
 * @self: a payload
 * @slot: the slot of a field of type %HOOKRUN_FIELD_STRING
 *
 * Reads a text in constant time. Templates are given as they are; see hookrun_data_expand().
 *
 * Returns: (transfer none) (nullable): the text, until the field changes; %NULL when it is unset
 *
 * Since: 1.0
 */
const char *
hookrun_data_slot_get_string (HookrunData *self, guint slot)
{
  HookrunValue *value = typed_slot (self, slot, HOOKRUN_FIELD_STRING);

  return value != NULL ? value->as.string : NULL;
}

/**
 * hookrun_data_slot_get_boolean:
 * @self: a payload
 * @slot: the slot of a field of type %HOOKRUN_FIELD_BOOLEAN
 *
 * Reads a boolean in constant time.
 *
 * Returns: the value; %FALSE when it is unset
 *
 * Since: 1.0
 */
gboolean
hookrun_data_slot_get_boolean (HookrunData *self, guint slot)
{
  HookrunValue *value = typed_slot (self, slot, HOOKRUN_FIELD_BOOLEAN);

  return value != NULL && value->is_set && value->as.boolean;
}

/**
 * hookrun_data_slot_get_int:
 * @self: a payload
 * @slot: the slot of a field of type %HOOKRUN_FIELD_INT
 *
 * Reads an integer in constant time.
 *
 * Returns: the value; 0 when it is unset
 *
 * Since: 1.0
 */
gint64
hookrun_data_slot_get_int (HookrunData *self, guint slot)
{
  HookrunValue *value = typed_slot (self, slot, HOOKRUN_FIELD_INT);

  return value != NULL && value->is_set ? value->as.integer : 0;
}

/**
 * hookrun_data_slot_get_double:
 * @self: a payload
 * @slot: the slot of a field of type %HOOKRUN_FIELD_DOUBLE
 *
 * Reads a number in constant time.
 *
 * Returns: the value; 0.0 when it is unset
 *
 * Since: 1.0
 */
double
hookrun_data_slot_get_double (HookrunData *self, guint slot)
{
  HookrunValue *value = typed_slot (self, slot, HOOKRUN_FIELD_DOUBLE);

  return value != NULL && value->is_set ? value->as.number : 0.0;
}

/**
 * hookrun_data_slot_get_strv:
 * @self: a payload
 * @slot: the slot of a field of type %HOOKRUN_FIELD_STRV
 *
 * Reads a list of texts in constant time.
 *
 * Returns: (transfer none) (nullable) (array zero-terminated=1): the list, until the field changes;
 *   %NULL when it is unset
 *
 * Since: 1.0
 */
const char *const *
hookrun_data_slot_get_strv (HookrunData *self, guint slot)
{
  HookrunValue *value = typed_slot (self, slot, HOOKRUN_FIELD_STRV);

  return value != NULL ? (const char *const *)value->as.strv : NULL;
}

/**
 * hookrun_data_slot_get_json:
 * @self: a payload
 * @slot: the slot of a field of type %HOOKRUN_FIELD_JSON
 *
 * Reads a JSON value in constant time. It is sealed: copy it to change it.
 *
 * Returns: (transfer none) (nullable): the value, until the field changes; %NULL when it is unset
 *
 * Since: 1.0
 */
JsonNode *
hookrun_data_slot_get_json (HookrunData *self, guint slot)
{
  HookrunValue *value = typed_slot (self, slot, HOOKRUN_FIELD_JSON);

  return value != NULL ? value->as.json : NULL;
}

/**
 * hookrun_data_slot_get_object:
 * @self: a payload
 * @slot: the slot of a field of type %HOOKRUN_FIELD_OBJECT
 *
 * Reads an object of the host in constant time.
 *
 * Returns: (transfer none) (nullable): the object, until the field changes; %NULL when it is unset
 *
 * Since: 1.0
 */
GObject *
hookrun_data_slot_get_object (HookrunData *self, guint slot)
{
  HookrunValue *value = typed_slot (self, slot, HOOKRUN_FIELD_OBJECT);

  return value != NULL ? value->as.object : NULL;
}

static void
store_slot (HookrunData *self, guint slot, HookrunValue value)
{
  if (typed_slot (self, slot, value.type) == NULL)
    hookrun_value_clear (&value);
  else
    hookrun_data_store (self, (int)slot, NULL, &value);
}

/**
 * hookrun_data_slot_set_string:
 * @self: a payload
 * @slot: the slot of a field of type %HOOKRUN_FIELD_STRING
 * @value: (nullable): UTF-8 text; copied; %NULL unsets the field
 *
 * Writes a text. This is the emitter's way: it writes read-only fields too.
 *
 * Since: 1.0
 */
void
hookrun_data_slot_set_string (HookrunData *self, guint slot, const char *value)
{
  g_return_if_fail (value == NULL || g_utf8_validate (value, -1, NULL));
  store_slot (self, slot,
              (HookrunValue){HOOKRUN_FIELD_STRING, value != NULL, {.string = g_strdup (value)}});
}

/**
 * hookrun_data_slot_set_boolean:
 * @self: a payload
 * @slot: the slot of a field of type %HOOKRUN_FIELD_BOOLEAN
 * @value: the value
 *
 * Writes a boolean. This is the emitter's way: it writes read-only fields too.
 *
 * Since: 1.0
 */
void
hookrun_data_slot_set_boolean (HookrunData *self, guint slot, gboolean value)
{
  store_slot (self, slot, (HookrunValue){HOOKRUN_FIELD_BOOLEAN, TRUE, {.boolean = value != FALSE}});
}

/**
 * hookrun_data_slot_set_int:
 * @self: a payload
 * @slot: the slot of a field of type %HOOKRUN_FIELD_INT
 * @value: the value
 *
 * Writes an integer. This is the emitter's way: it writes read-only fields too.
 *
 * Since: 1.0
 */
void
hookrun_data_slot_set_int (HookrunData *self, guint slot, gint64 value)
{
  store_slot (self, slot, (HookrunValue){HOOKRUN_FIELD_INT, TRUE, {.integer = value}});
}

/**
 * hookrun_data_slot_set_double:
 * @self: a payload
 * @slot: the slot of a field of type %HOOKRUN_FIELD_DOUBLE
 * @value: the value
 *
 * Writes a number. This is the emitter's way: it writes read-only fields too. Infinities and what
 * is not a number are kept, but JSON has no word for them: there they read as `null`.
 *
 * Since: 1.0
 */
void
hookrun_data_slot_set_double (HookrunData *self, guint slot, double value)
{
  store_slot (self, slot, (HookrunValue){HOOKRUN_FIELD_DOUBLE, TRUE, {.number = value}});
}

/**
 * hookrun_data_slot_set_strv:
 * @self: a payload
 * @slot: the slot of a field of type %HOOKRUN_FIELD_STRV
 * @value: (nullable) (array zero-terminated=1): UTF-8 texts; copied; %NULL unsets the field
 *
 * Writes a list of texts. This is the emitter's way: it writes read-only fields too.
 *
 * Since: 1.0
 */
void
hookrun_data_slot_set_strv (HookrunData *self, guint slot, const char *const *value)
{
  for (gsize i = 0; value != NULL && value[i] != NULL; i++)
    g_return_if_fail (g_utf8_validate (value[i], -1, NULL));
  store_slot (
      self, slot,
      (HookrunValue){HOOKRUN_FIELD_STRV, value != NULL, {.strv = g_strdupv ((char **)value)}});
}

/**
 * hookrun_data_slot_set_json:
 * @self: a payload
 * @slot: the slot of a field of type %HOOKRUN_FIELD_JSON
 * @value: (nullable) (transfer none): any JSON value; it is sealed; %NULL unsets the field
 *
 * Writes a JSON value. This is the emitter's way: it writes read-only fields too.
 *
 * Since: 1.0
 */
void
hookrun_data_slot_set_json (HookrunData *self, guint slot, JsonNode *value)
{
  if (value != NULL)
    json_node_seal (value);
  store_slot (self, slot,
              (HookrunValue){HOOKRUN_FIELD_JSON,
                             value != NULL,
                             {.json = value != NULL ? json_node_ref (value) : NULL}});
}

/**
 * hookrun_data_slot_set_object:
 * @self: a payload
 * @slot: the slot of a field of type %HOOKRUN_FIELD_OBJECT
 * @value: (nullable) (transfer none): an object; %NULL unsets the field
 *
 * Writes an object of the host. This is the emitter's way: it writes read-only fields too.
 *
 * Since: 1.0
 */
void
hookrun_data_slot_set_object (HookrunData *self, guint slot, GObject *value)
{
  g_return_if_fail (value == NULL || G_IS_OBJECT (value));
  store_slot (self, slot,
              (HookrunValue){HOOKRUN_FIELD_OBJECT,
                             value != NULL,
                             {.object = value != NULL ? g_object_ref (value) : NULL}});
}
