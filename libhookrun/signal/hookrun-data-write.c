/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The payload written by name, as handlers do it: types, permission and limits are checked. */
#include "hookrun-data-private.h"

/* An extra may be new, but there is a limit to them: handlers are not trusted with our memory. */
static gboolean
check_new_extra (HookrunData *self, const char *name, GError **error)
{
  if (!hookrun_data_check_key (name, error))
    return FALSE;
  if (self->extras == NULL || g_hash_table_size (self->extras) < HOOKRUN_DATA_MAX_EXTRAS ||
      hookrun_data_peek (self, name, NULL) != NULL)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
               "cannot add \"%s\": the data has %d keys beyond the declared ones already", name,
               HOOKRUN_DATA_MAX_EXTRAS);
  return FALSE;
}

static gboolean
check_writable (const HookrunField *field, gboolean unsets, GError **error)
{
  if ((field->flags & HOOKRUN_FIELD_READ_ONLY) != 0) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION,
                 "field \"%s\" is read-only: only the emitter writes it", field->name);
    return FALSE;
  }
  if (unsets && (field->flags & HOOKRUN_FIELD_REQUIRED) != 0) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "field \"%s\" is required: it can be changed, not unset", field->name);
    return FALSE;
  }
  return TRUE;
}

/* Stores @value under @name; always consumes it. */
static gboolean
store (HookrunData *self, const char *name, HookrunValue value, GError **error)
{
  int slot = self->schema != NULL ? hookrun_schema_find (self->schema, name) : -1;
  const HookrunField *field = slot >= 0 ? &self->schema->fields[slot] : NULL;
  gboolean allowed;

  if (field == NULL)
    allowed = check_new_extra (self, name, error);
  else
    allowed = check_writable (field, !value.is_set, error);
  if (allowed && field != NULL && field->type != value.type) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "field \"%s\" is of type %s and cannot hold a %s", field->name,
                 hookrun_field_type_to_string (field->type),
                 hookrun_field_type_to_string (value.type));
    allowed = FALSE;
  }
  if (allowed)
    hookrun_data_store (self, slot, name, &value);
  hookrun_value_clear (&value);
  return allowed;
}

/**
 * hookrun_data_set_string:
 * @self: a payload
 * @name: a key; `-` and `_` are alike
 * @value: (nullable): UTF-8 text; copied; %NULL unsets
 * @error: return location for an error
 *
 * Writes a text as a handler: a field of that type or an extra.
 *
 * Returns: %FALSE with %HOOKRUN_ERROR_PERMISSION for a read-only field, %HOOKRUN_ERROR_INVALID for
 *   one of another type, a malformed key or text, or %NULL for a required field, and
 *   %HOOKRUN_ERROR_LIMIT for too many extras
 *
 * Since: 1.0
 */
gboolean
hookrun_data_set_string (HookrunData *self, const char *name, const char *value, GError **error)
{
  g_return_val_if_fail (self != NULL && name != NULL, FALSE);
  if (value != NULL && !g_utf8_validate (value, -1, NULL)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "the text for \"%s\" is not UTF-8",
                 name);
    return FALSE;
  }
  return store (self, name,
                (HookrunValue){HOOKRUN_FIELD_STRING, value != NULL, {.string = g_strdup (value)}},
                error);
}

/**
 * hookrun_data_set_boolean:
 * @self: a payload
 * @name: a key; `-` and `_` are alike
 * @value: the value
 * @error: return location for an error
 *
 * Writes a boolean as a handler: a field of that type or an extra.
 *
 * Returns: %FALSE with an error as for hookrun_data_set_string()
 *
 * Since: 1.0
 */
gboolean
hookrun_data_set_boolean (HookrunData *self, const char *name, gboolean value, GError **error)
{
  g_return_val_if_fail (self != NULL && name != NULL, FALSE);
  return store (self, name,
                (HookrunValue){HOOKRUN_FIELD_BOOLEAN, TRUE, {.boolean = value != FALSE}}, error);
}

/**
 * hookrun_data_set_int:
 * @self: a payload
 * @name: a key; `-` and `_` are alike
 * @value: the value
 * @error: return location for an error
 *
 * Writes an integer as a handler: a field of that type or an extra.
 *
 * Returns: %FALSE with an error as for hookrun_data_set_string()
 *
 * Since: 1.0
 */
gboolean
hookrun_data_set_int (HookrunData *self, const char *name, gint64 value, GError **error)
{
  g_return_val_if_fail (self != NULL && name != NULL, FALSE);
  return store (self, name, (HookrunValue){HOOKRUN_FIELD_INT, TRUE, {.integer = value}}, error);
}

/**
 * hookrun_data_set_double:
 * @self: a payload
 * @name: a key; `-` and `_` are alike
 * @value: the value
 * @error: return location for an error
 *
 * Writes a number as a handler: a field of that type or an extra.
 *
 * Returns: %FALSE with an error as for hookrun_data_set_string()
 *
 * Since: 1.0
 */
gboolean
hookrun_data_set_double (HookrunData *self, const char *name, double value, GError **error)
{
  g_return_val_if_fail (self != NULL && name != NULL, FALSE);
  return store (self, name, (HookrunValue){HOOKRUN_FIELD_DOUBLE, TRUE, {.number = value}}, error);
}

/**
 * hookrun_data_set_strv:
 * @self: a payload
 * @name: a key; `-` and `_` are alike
 * @value: (nullable) (array zero-terminated=1): UTF-8 texts; copied; %NULL unsets
 * @error: return location for an error
 *
 * Writes a list of texts as a handler: a field of that type or an extra.
 *
 * Returns: %FALSE with an error as for hookrun_data_set_string()
 *
 * Since: 1.0
 */
gboolean
hookrun_data_set_strv (HookrunData *self, const char *name, const char *const *value,
                       GError **error)
{
  g_return_val_if_fail (self != NULL && name != NULL, FALSE);
  for (gsize i = 0; value != NULL && value[i] != NULL; i++)
    if (!g_utf8_validate (value[i], -1, NULL)) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                   "text %" G_GSIZE_FORMAT " of the list for \"%s\" is not UTF-8", i, name);
      return FALSE;
    }
  return store (
      self, name,
      (HookrunValue){HOOKRUN_FIELD_STRV, value != NULL, {.strv = g_strdupv ((char **)value)}},
      error);
}

/**
 * hookrun_data_set_json:
 * @self: a payload
 * @name: a key; `-` and `_` are alike
 * @value: (nullable) (transfer none): any JSON value; it is sealed; %NULL unsets
 * @error: return location for an error
 *
 * Writes a JSON value as a handler: a field of that type or an extra, which then is JSON whatever
 * the value is.
 *
 * Returns: %FALSE with an error as for hookrun_data_set_string()
 *
 * Since: 1.0
 */
gboolean
hookrun_data_set_json (HookrunData *self, const char *name, JsonNode *value, GError **error)
{
  g_return_val_if_fail (self != NULL && name != NULL, FALSE);
  if (value != NULL)
    json_node_seal (value);
  return store (self, name,
                (HookrunValue){HOOKRUN_FIELD_JSON,
                               value != NULL,
                               {.json = value != NULL ? json_node_ref (value) : NULL}},
                error);
}

/**
 * hookrun_data_unset:
 * @self: a payload
 * @name: a key; `-` and `_` are alike
 * @error: return location for an error
 *
 * Unsets a field or removes an extra. One that is not set is no error.
 *
 * Returns: %FALSE with %HOOKRUN_ERROR_PERMISSION for a read-only field or %HOOKRUN_ERROR_INVALID
 *   for a required one
 *
 * Since: 1.0
 */
gboolean
hookrun_data_unset (HookrunData *self, const char *name, GError **error)
{
  int slot;
  HookrunValue nothing = {.is_set = FALSE};

  g_return_val_if_fail (self != NULL && name != NULL, FALSE);
  slot = self->schema != NULL ? hookrun_schema_find (self->schema, name) : -1;
  if (slot >= 0) {
    if (!check_writable (&self->schema->fields[slot], TRUE, error))
      return FALSE;
    nothing.type = self->schema->fields[slot].type;
  }
  hookrun_data_store (self, slot, name, &nothing);
  return TRUE;
}
