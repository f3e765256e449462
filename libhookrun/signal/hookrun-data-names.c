/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The payload read by name, as handlers do it: slots and extras look alike. */
#include "hookrun-data-private.h"

#include <string.h>

static HookrunValue *
find_extra (HookrunData *self, const char *name)
{
  return self->extras != NULL ? g_hash_table_lookup (self->extras, name) : NULL;
}

HookrunValue *
hookrun_data_peek (HookrunData *self, const char *name, int *slot)
{
  int found = self->schema != NULL ? hookrun_schema_find (self->schema, name) : -1;

  if (slot != NULL)
    *slot = found;
  if (found < 0)
    return find_extra (self, name);
  return self->slots[found].is_set ? &self->slots[found] : NULL;
}

gboolean
hookrun_data_check_key (const char *name, GError **error)
{
  gsize length = strlen (name);
  gboolean valid = length > 0 && length <= HOOKRUN_DATA_MAX_KEY && g_utf8_validate (name, -1, NULL);

  for (gsize i = 0; valid && i < length; i++)
    valid = !g_ascii_iscntrl (name[i]);
  if (!valid)
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "a key of data is text of 1 to %d bytes without control characters",
                 HOOKRUN_DATA_MAX_KEY);
  return valid;
}

static HookrunValue *
typed_value (HookrunData *self, const char *name, HookrunFieldType type)
{
  HookrunValue *value;

  g_return_val_if_fail (self != NULL && name != NULL, NULL);
  value = hookrun_data_peek (self, name, NULL);
  return value != NULL && value->type == type ? value : NULL;
}

/**
 * hookrun_data_has:
 * @self: a payload
 * @name: a key; `-` and `_` are alike
 *
 * Tells whether a field or extra is set.
 *
 * Returns: whether it is
 *
 * Since: 1.0
 */
gboolean
hookrun_data_has (HookrunData *self, const char *name)
{
  g_return_val_if_fail (self != NULL && name != NULL, FALSE);
  return hookrun_data_peek (self, name, NULL) != NULL;
}

/**
 * hookrun_data_get_string:
 * @self: a payload
 * @name: a key; `-` and `_` are alike
 *
 * Reads a text. Templates are given as they are; see hookrun_data_expand().
 *
 * Returns: (transfer none) (nullable): the text, until it changes; %NULL when it is unset or not a
 *   text
 *
 * Since: 1.0
 */
const char *
hookrun_data_get_string (HookrunData *self, const char *name)
{
  HookrunValue *value = typed_value (self, name, HOOKRUN_FIELD_STRING);

  return value != NULL ? value->as.string : NULL;
}

/**
 * hookrun_data_get_boolean:
 * @self: a payload
 * @name: a key; `-` and `_` are alike
 *
 * Reads a boolean.
 *
 * Returns: the value; %FALSE when it is unset or not a boolean
 *
 * Since: 1.0
 */
gboolean
hookrun_data_get_boolean (HookrunData *self, const char *name)
{
  HookrunValue *value = typed_value (self, name, HOOKRUN_FIELD_BOOLEAN);

  return value != NULL && value->as.boolean;
}

/**
 * hookrun_data_get_int:
 * @self: a payload
 * @name: a key; `-` and `_` are alike
 *
 * Reads an integer.
 *
 * Returns: the value; 0 when it is unset or not an integer
 *
 * Since: 1.0
 */
gint64
hookrun_data_get_int (HookrunData *self, const char *name)
{
  HookrunValue *value = typed_value (self, name, HOOKRUN_FIELD_INT);

  return value != NULL ? value->as.integer : 0;
}

/**
 * hookrun_data_get_double:
 * @self: a payload
 * @name: a key; `-` and `_` are alike
 *
 * Reads a number; integers count as numbers, because JSON writers do not keep them apart.
 *
 * Returns: the value; 0.0 when it is unset or not a number
 *
 * Since: 1.0
 */
double
hookrun_data_get_double (HookrunData *self, const char *name)
{
  HookrunValue *value = typed_value (self, name, HOOKRUN_FIELD_DOUBLE);

  return value != NULL ? value->as.number : (double)hookrun_data_get_int (self, name);
}

/**
 * hookrun_data_get_strv:
 * @self: a payload
 * @name: a key; `-` and `_` are alike
 *
 * Reads a list of texts.
 *
 * Returns: (transfer none) (nullable) (array zero-terminated=1): the list, until it changes; %NULL
 *   when it is unset or not a list of texts
 *
 * Since: 1.0
 */
const char *const *
hookrun_data_get_strv (HookrunData *self, const char *name)
{
  HookrunValue *value = typed_value (self, name, HOOKRUN_FIELD_STRV);

  return value != NULL ? (const char *const *)value->as.strv : NULL;
}

/**
 * hookrun_data_get_json:
 * @self: a payload
 * @name: a key; `-` and `_` are alike
 *
 * Reads any field or extra but an object of the host as JSON.
 *
 * Returns: (transfer full) (nullable): the value, sealed; %NULL when it is unset or an object
 *
 * Since: 1.0
 */
JsonNode *
hookrun_data_get_json (HookrunData *self, const char *name)
{
  HookrunValue *value;

  g_return_val_if_fail (self != NULL && name != NULL, NULL);
  value = hookrun_data_peek (self, name, NULL);
  return value != NULL ? hookrun_value_to_json (value) : NULL;
}

/**
 * hookrun_data_get_object:
 * @self: a payload
 * @name: a key; `-` and `_` are alike
 *
 * Reads an object of the host.
 *
 * Returns: (transfer none) (nullable): the object, until it changes; %NULL when it is unset or not
 *   an object
 *
 * Since: 1.0
 */
GObject *
hookrun_data_get_object (HookrunData *self, const char *name)
{
  HookrunValue *value = typed_value (self, name, HOOKRUN_FIELD_OBJECT);

  return value != NULL ? value->as.object : NULL;
}
