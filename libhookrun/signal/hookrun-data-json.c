/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The payload as JSON: one object out, and a merge patch (RFC 7396) in. A patch is worked out in
 * full before the first value is stored, so that a bad one changes nothing.
 */
#include "hookrun-data-private.h"

#include <math.h>
#include <string.h>

#include "hookrun-json-private.h"

#define MAX_EXACT_DOUBLE 9007199254740992.0 /* 2^53: integers up to here survive as a double */

/* One member of a patch that passed all checks. */
typedef struct {
  char *name;
  int slot;
  HookrunValue value;
} Change;

static void
free_change (gpointer data)
{
  Change *change = data;

  hookrun_value_clear (&change->value);
  g_free (change->name);
  g_free (change);
}

static JsonNode *
strv_to_json (const char *const *strv)
{
  g_autoptr (JsonArray) array = json_array_new ();
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  for (gsize i = 0; strv[i] != NULL; i++)
    json_array_add_string_element (array, strv[i]);
  json_node_set_array (node, array);
  return node;
}

JsonNode *
hookrun_value_to_json (const HookrunValue *value)
{
  JsonNode *node = NULL;

  switch (value->type) {
  case HOOKRUN_FIELD_STRING:
    node = json_node_init_string (json_node_alloc (), value->as.string);
    break;
  case HOOKRUN_FIELD_BOOLEAN:
    node = json_node_init_boolean (json_node_alloc (), value->as.boolean);
    break;
  case HOOKRUN_FIELD_INT:
    node = json_node_init_int (json_node_alloc (), value->as.integer);
    break;
  case HOOKRUN_FIELD_DOUBLE:
    node = isfinite (value->as.number)
               ? json_node_init_double (json_node_alloc (), value->as.number)
               : json_node_init_null (json_node_alloc ());
    break;
  case HOOKRUN_FIELD_STRV:
    node = strv_to_json ((const char *const *)value->as.strv);
    break;
  case HOOKRUN_FIELD_JSON:
    return json_node_ref (value->as.json);
  case HOOKRUN_FIELD_OBJECT:
    return NULL;
  }
  json_node_seal (node);
  return node;
}

static void
add_member (JsonObject *object, const char *name, const HookrunValue *value)
{
  JsonNode *node = value->is_set && name[0] != '_' ? hookrun_value_to_json (value) : NULL;

  if (node != NULL)
    json_object_set_member (object, name, node);
}

/**
 * hookrun_data_to_json:
 * @self: a payload
 * @with_secrets: whether fields with %HOOKRUN_FIELD_SECRET are included
 *
 * Gives one JSON object: the fields that are set in the order of the schema, then the extras sorted
 * by name. Objects of the host and keys that start with `_` are left out: they do not leave the
 * process.
 *
 * Returns: (transfer full): the object
 *
 * Since: 1.0
 */
JsonNode *
hookrun_data_to_json (HookrunData *self, gboolean with_secrets)
{
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (GList) names = NULL;
  JsonNode *node;

  g_return_val_if_fail (self != NULL, NULL);
  for (guint i = 0; self->schema != NULL && i < self->schema->n_fields; i++) {
    const HookrunField *field = &self->schema->fields[i];

    if (with_secrets || (field->flags & HOOKRUN_FIELD_SECRET) == 0)
      add_member (object, field->name, &self->slots[i]);
  }
  names = self->extras != NULL ? g_hash_table_get_keys (self->extras) : NULL;
  names = g_list_sort (names, (GCompareFunc)strcmp);
  for (GList *l = names; l != NULL; l = l->next)
    add_member (object, l->data, g_hash_table_lookup (self->extras, l->data));
  node = json_node_new (JSON_NODE_OBJECT);
  json_node_set_object (node, object);
  return node;
}

/**
 * hookrun_data_to_text:
 * @self: a payload
 * @with_secrets: whether fields with %HOOKRUN_FIELD_SECRET are included
 *
 * Gives what hookrun_data_to_json() gives as JSON text on one line.
 *
 * Returns: (transfer full): the text
 *
 * Since: 1.0
 */
char *
hookrun_data_to_text (HookrunData *self, gboolean with_secrets)
{
  g_autoptr (JsonNode) node = NULL;

  g_return_val_if_fail (self != NULL, NULL);
  node = hookrun_data_to_json (self, with_secrets);
  return hookrun_json_to_string (node);
}

/* ---- merge ---- */

static JsonNode *merge_node (JsonNode *target, JsonNode *patch);

/* The recursion is bounded by the depth of the patch, which its reader limits. Members keep their
 * order: the same values are the same text. */
static JsonNode *
merge_object (JsonNode *target, JsonObject *patch)
{
  g_autoptr (JsonObject) merged = json_object_new ();
  JsonObject *old =
      target != NULL && JSON_NODE_HOLDS_OBJECT (target) ? json_node_get_object (target) : NULL;
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObjectIter iter;
  const char *name;
  JsonNode *member;

  if (old != NULL) {
    json_object_iter_init_ordered (&iter, old);
    while (json_object_iter_next_ordered (&iter, &name, &member))
      if (!json_object_has_member (patch, name))
        json_object_set_member (merged, name, json_node_ref (member));
  }
  json_object_iter_init_ordered (&iter, patch);
  while (json_object_iter_next_ordered (&iter, &name, &member))
    if (!JSON_NODE_HOLDS_NULL (member))
      json_object_set_member (
          merged, name,
          merge_node (old != NULL ? json_object_get_member (old, name) : NULL, member));
  json_node_set_object (node, merged);
  return node;
}

static JsonNode *
merge_node (JsonNode *target, JsonNode *patch)
{
  if (JSON_NODE_HOLDS_OBJECT (patch))
    return merge_object (target, json_node_get_object (patch));
  return json_node_ref (patch);
}

static gboolean
is_string (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING;
}

static gboolean
take_string (JsonNode *node, HookrunValue *value)
{
  if (!is_string (node) || !g_utf8_validate (json_node_get_string (node), -1, NULL))
    return FALSE;
  value->as.string = json_node_dup_string (node);
  return TRUE;
}

static gboolean
take_boolean (JsonNode *node, HookrunValue *value)
{
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    return FALSE;
  value->as.boolean = json_node_get_boolean (node);
  return TRUE;
}

/* 3.0 is an integer too: many writers of JSON know one kind of number only. */
static gboolean
take_int (JsonNode *node, HookrunValue *value)
{
  GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;
  double number;

  if (type == G_TYPE_INT64) {
    value->as.integer = json_node_get_int (node);
    return TRUE;
  }
  if (type != G_TYPE_DOUBLE)
    return FALSE;
  number = json_node_get_double (node);
  if (!(fabs (number) <= MAX_EXACT_DOUBLE) || floor (number) < number)
    return FALSE;
  value->as.integer = (gint64)number;
  return TRUE;
}

static gboolean
take_double (JsonNode *node, HookrunValue *value)
{
  GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;

  if (type == G_TYPE_INT64)
    value->as.number = (double)json_node_get_int (node);
  else if (type == G_TYPE_DOUBLE)
    value->as.number = json_node_get_double (node);
  else
    return FALSE;
  return isfinite (value->as.number);
}

static gboolean
take_strv (JsonNode *node, HookrunValue *value)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  JsonArray *array;

  if (!JSON_NODE_HOLDS_ARRAY (node))
    return FALSE;
  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *element = json_array_get_element (array, i);

    if (!is_string (element) || !g_utf8_validate (json_node_get_string (element), -1, NULL))
      return FALSE;
    g_strv_builder_add (builder, json_node_get_string (element));
  }
  value->as.strv = g_strv_builder_end (builder);
  return TRUE;
}

static gboolean
take_json (JsonNode *node, HookrunValue *value)
{
  value->as.json = json_node_ref (node);
  json_node_seal (value->as.json);
  return TRUE;
}

static gboolean
take_object (JsonNode *node, HookrunValue *value)
{
  return FALSE;
}

typedef gboolean (*TakeFunc) (JsonNode *node, HookrunValue *value);

static const TakeFunc takers[] = {
    [HOOKRUN_FIELD_STRING] = take_string, [HOOKRUN_FIELD_BOOLEAN] = take_boolean,
    [HOOKRUN_FIELD_INT] = take_int,       [HOOKRUN_FIELD_DOUBLE] = take_double,
    [HOOKRUN_FIELD_STRV] = take_strv,     [HOOKRUN_FIELD_JSON] = take_json,
    [HOOKRUN_FIELD_OBJECT] = take_object,
};

static gboolean
take (HookrunValue *value, HookrunFieldType type, JsonNode *node)
{
  value->type = type;
  value->is_set = takers[type](node, value);
  return value->is_set;
}

/* The type that an extra gets: the narrowest that holds it. */
static HookrunFieldType
natural_type (JsonNode *node)
{
  static const HookrunFieldType order[] = {HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_BOOLEAN,
                                           HOOKRUN_FIELD_STRV};
  GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;

  if (type == G_TYPE_INT64)
    return HOOKRUN_FIELD_INT;
  if (type == G_TYPE_DOUBLE && isfinite (json_node_get_double (node)))
    return HOOKRUN_FIELD_DOUBLE;
  for (gsize i = 0; i < G_N_ELEMENTS (order); i++) {
    HookrunValue probe = {0};
    gboolean fits = take (&probe, order[i], node);

    hookrun_value_clear (&probe);
    if (fits)
      return order[i];
  }
  return HOOKRUN_FIELD_JSON;
}

gboolean
hookrun_value_from_json (HookrunValue *value, const HookrunField *field, JsonNode *node)
{
  return take (value, field != NULL ? field->type : natural_type (node), node);
}

/* What @node makes of the value of @change; an error names the key, never the value. */
static gboolean
work_out (HookrunData *self, Change *change, JsonNode *node, GError **error)
{
  HookrunValue *old = hookrun_data_peek (self, change->name, NULL);
  const HookrunField *field = change->slot >= 0 ? &self->schema->fields[change->slot] : NULL;
  g_autoptr (JsonNode) before = old != NULL ? hookrun_value_to_json (old) : NULL;
  g_autoptr (JsonNode) merged = NULL;

  change->value.type = field != NULL ? field->type : HOOKRUN_FIELD_JSON;
  if (JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  merged = merge_node (before, node);
  if (take (&change->value, field != NULL ? field->type : natural_type (merged), merged))
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "field \"%s\" is of type %s; the JSON value for it is not", change->name,
               hookrun_field_type_to_string (change->value.type));
  return FALSE;
}

/* Whether a handler may do that. A value that stays as it is, is no write. */
static gboolean
check_change (HookrunData *self, const Change *change, GError **error)
{
  static const HookrunValue nothing = {0};
  const HookrunField *field = change->slot >= 0 ? &self->schema->fields[change->slot] : NULL;
  const HookrunValue *old;

  if (field == NULL)
    return hookrun_data_check_key (change->name, error);
  old = &self->slots[change->slot];
  if (hookrun_value_equal (old->is_set ? old : &nothing,
                           change->value.is_set ? &change->value : &nothing))
    return TRUE;
  if ((field->flags & HOOKRUN_FIELD_READ_ONLY) != 0) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION,
                 "field \"%s\" is read-only: only the emitter writes it", field->name);
    return FALSE;
  }
  if (!change->value.is_set && (field->flags & HOOKRUN_FIELD_REQUIRED) != 0) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "field \"%s\" is required: it can be changed, not unset", field->name);
    return FALSE;
  }
  return TRUE;
}

static Change *
change_new (HookrunData *self, const char *name, JsonNode *node, GError **error)
{
  Change *change;

  if (name[0] == '_') {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION,
                 "key \"%.64s\" is private to the process (it starts with \"_\") and cannot be set "
                 "from JSON",
                 name);
    return NULL;
  }
  change = g_new0 (Change, 1);
  change->name = g_strdup (name);
  change->slot = self->schema != NULL ? hookrun_schema_find (self->schema, name) : -1;
  if (work_out (self, change, node, error) && check_change (self, change, error))
    return change;
  free_change (change);
  return NULL;
}

static gboolean
check_count (HookrunData *self, GPtrArray *changes, GError **error)
{
  guint count = self->extras != NULL ? g_hash_table_size (self->extras) : 0;

  for (guint i = 0; i < changes->len; i++) {
    const Change *change = g_ptr_array_index (changes, i);

    if (change->slot < 0 && change->value.is_set &&
        hookrun_data_peek (self, change->name, NULL) == NULL)
      count++;
  }
  if (count <= HOOKRUN_DATA_MAX_EXTRAS)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
               "the data would have %u keys beyond the declared ones, more than the limit of %d",
               count, HOOKRUN_DATA_MAX_EXTRAS);
  return FALSE;
}

/**
 * hookrun_data_merge_json:
 * @self: a payload
 * @patch: (transfer none): a JSON object; what of it is stored is sealed
 * @error: return location for an error
 *
 * Applies an RFC 7396 merge patch as a handler would write it: `null` unsets, objects are merged
 * into JSON values, anything else replaces. Either all of it is applied or, on error, nothing. A
 * read-only field is refused unless the patch leaves its value as it is; keys that start with `_`
 * are always refused. An extra becomes a text, boolean, number or list of texts where it fits, else
 * JSON.
 *
 * Returns: %FALSE with %HOOKRUN_ERROR_INVALID for a value of another type, a malformed key, `null`
 *   for a required field or a patch that is no object, %HOOKRUN_ERROR_PERMISSION for a write that
 *   is not allowed, or %HOOKRUN_ERROR_LIMIT for too many extras
 *
 * Since: 1.0
 */
gboolean
hookrun_data_merge_json (HookrunData *self, JsonNode *patch, GError **error)
{
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func (free_change);
  JsonObjectIter iter;
  const char *name;
  JsonNode *member;

  g_return_val_if_fail (self != NULL && patch != NULL, FALSE);
  if (!JSON_NODE_HOLDS_OBJECT (patch)) {
    g_set_error_literal (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                         "data can be merged from a JSON object only");
    return FALSE;
  }
  json_object_iter_init (&iter, json_node_get_object (patch));
  while (json_object_iter_next (&iter, &name, &member)) {
    Change *change = change_new (self, name, member, error);

    if (change == NULL)
      return FALSE;
    g_ptr_array_add (changes, change);
  }
  if (!check_count (self, changes, error))
    return FALSE;
  for (guint i = 0; i < changes->len; i++) {
    Change *change = g_ptr_array_index (changes, i);

    hookrun_data_store (self, change->slot, change->name, &change->value);
  }
  return TRUE;
}

/**
 * hookrun_data_merge_text:
 * @self: a payload
 * @text: JSON text, not trusted
 * @length: its bytes; -1 when it ends with a NUL
 * @error: return location for an error
 *
 * Checks @text (RFC 8259, at most 16 MiB, nested at most 64 deep) and applies it as
 * hookrun_data_merge_json() does.
 *
 * Returns: %FALSE with %HOOKRUN_ERROR_INVALID for malformed text, %HOOKRUN_ERROR_LIMIT for a large
 *   or deep one, or an error as for hookrun_data_merge_json()
 *
 * Since: 1.0
 */
gboolean
hookrun_data_merge_text (HookrunData *self, const char *text, gssize length, GError **error)
{
  gsize size;
  g_autoptr (JsonNode) patch = NULL;

  g_return_val_if_fail (self != NULL && (text != NULL || length == 0), FALSE);
  size = length >= 0 ? (gsize)length : strlen (text);
  patch = hookrun_json_parse (size > 0 ? text : "", size, NULL, "data", error);
  return patch != NULL && hookrun_data_merge_json (self, patch, error);
}
