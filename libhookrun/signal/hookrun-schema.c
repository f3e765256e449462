/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The immutable table of fields that the signals of one run share. Names are hashed so that "-" and
 * "_" are alike, because configuration files write the one and programs the other.
 */
#include "hookrun-data-private.h"

#include <string.h>

#define MAX_FIELDS 4096

G_DEFINE_BOXED_TYPE (HookrunSchema, hookrun_schema, hookrun_schema_ref, hookrun_schema_unref)

static guchar
fold (char c)
{
  return c == '-' ? (guchar)'_' : (guchar)c;
}

guint
hookrun_name_hash (gconstpointer name)
{
  guint hash = 5381;

  for (const char *p = name; *p != '\0'; p++)
    hash = hash * 33 + fold (*p);
  return hash;
}

gboolean
hookrun_name_equal (gconstpointer a, gconstpointer b)
{
  const char *p = a;
  const char *q = b;

  while (*p != '\0' && fold (*p) == fold (*q)) {
    p++;
    q++;
  }
  return fold (*p) == fold (*q);
}

const char *
hookrun_field_type_to_string (HookrunFieldType type)
{
  static const char *const names[] = {
      [HOOKRUN_FIELD_STRING] = "string", [HOOKRUN_FIELD_BOOLEAN] = "boolean",
      [HOOKRUN_FIELD_INT] = "int",       [HOOKRUN_FIELD_DOUBLE] = "double",
      [HOOKRUN_FIELD_STRV] = "strv",     [HOOKRUN_FIELD_JSON] = "JSON",
      [HOOKRUN_FIELD_OBJECT] = "object",
  };

  return (gsize)type < G_N_ELEMENTS (names) ? names[type] : "unknown";
}

static gboolean
is_name (const char *name)
{
  gsize length = name != NULL ? strlen (name) : 0;

  if (length == 0 || length > HOOKRUN_DATA_MAX_KEY)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (name[i]) && strchr ("_-.", name[i]) == NULL)
      return FALSE;
  return TRUE;
}

static gboolean
check_field (HookrunSchema *self, const HookrunField *field, gsize index, GError **error)
{
  const guint known_flags = HOOKRUN_FIELD_REQUIRED | HOOKRUN_FIELD_READ_ONLY |
                            HOOKRUN_FIELD_TEMPLATE | HOOKRUN_FIELD_SECRET;
  const char *problem = NULL;

  if (!is_name (field->name))
    problem = "a name consists of letters, digits, \"_\", \"-\" and \".\"";
  else if ((guint)field->type > HOOKRUN_FIELD_OBJECT)
    problem = "its type is unknown";
  else if (((guint)field->flags & ~known_flags) != 0)
    problem = "it has unknown flags";
  else if ((field->flags & HOOKRUN_FIELD_TEMPLATE) != 0 && field->type != HOOKRUN_FIELD_STRING)
    problem = "only a string can be a template";
  else if (g_hash_table_contains (self->slots, field->name))
    problem = "another field has the same name (\"-\" and \"_\" are alike)";
  if (problem == NULL)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "field %" G_GSIZE_FORMAT " \"%s\": %s",
               index, field->name != NULL ? field->name : "", problem);
  return FALSE;
}

/**
 * hookrun_schema_new:
 * @fields: (array length=n_fields) (nullable): the fields; copied
 * @n_fields: their number
 * @error: return location for an error
 *
 * Makes a table of fields. The position of a field is its slot.
 *
 * Returns: (transfer full): the schema; %NULL with %HOOKRUN_ERROR_INVALID for a malformed field or
 *   one that is there twice, or %HOOKRUN_ERROR_LIMIT for more than 4096
 *
 * Since: 1.0
 */
HookrunSchema *
hookrun_schema_new (const HookrunField *fields, gsize n_fields, GError **error)
{
  g_autoptr (HookrunSchema) self = NULL;

  g_return_val_if_fail (fields != NULL || n_fields == 0, NULL);
  if (n_fields > MAX_FIELDS) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                 "a schema of %" G_GSIZE_FORMAT " fields exceeds the limit of %d", n_fields,
                 MAX_FIELDS);
    return NULL;
  }
  self = g_new0 (HookrunSchema, 1);
  self->ref_count = 1;
  self->fields = g_new0 (HookrunField, n_fields);
  self->slots = g_hash_table_new (hookrun_name_hash, hookrun_name_equal);
  for (gsize i = 0; i < n_fields; i++) {
    HookrunField *field = &self->fields[i];

    if (!check_field (self, &fields[i], i, error))
      return NULL;
    *field = fields[i];
    field->name = g_strdup (fields[i].name);
    field->doc = g_strdup (fields[i].doc);
    self->n_fields++;
    if ((field->flags & HOOKRUN_FIELD_REQUIRED) != 0)
      self->n_required++;
    g_hash_table_insert (self->slots, (gpointer)field->name, GSIZE_TO_POINTER (i + 1));
  }
  return g_steal_pointer (&self);
}

/**
 * hookrun_schema_ref:
 * @self: a schema
 *
 * Takes a reference. From any thread.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
HookrunSchema *
hookrun_schema_ref (HookrunSchema *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  __atomic_fetch_add (&self->ref_count, 1, __ATOMIC_RELAXED);
  return self;
}

/**
 * hookrun_schema_unref:
 * @self: (transfer full): a schema
 *
 * Drops a reference. From any thread.
 *
 * Since: 1.0
 */
void
hookrun_schema_unref (HookrunSchema *self)
{
  g_return_if_fail (self != NULL);
  if (__atomic_sub_fetch (&self->ref_count, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  for (guint i = 0; i < self->n_fields; i++) {
    g_free ((char *)self->fields[i].name);
    g_free ((char *)self->fields[i].doc);
  }
  g_hash_table_unref (self->slots);
  g_free (self->fields);
  g_free (self);
}

/**
 * hookrun_schema_get_n_fields:
 * @self: a schema
 *
 * Gets the number of fields.
 *
 * Returns: the number; slots run from 0 to one less
 *
 * Since: 1.0
 */
guint
hookrun_schema_get_n_fields (HookrunSchema *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return self->n_fields;
}

/**
 * hookrun_schema_get_field:
 * @self: a schema
 * @slot: less than the number of fields
 *
 * Gets one field.
 *
 * Returns: (transfer none): the field; valid as long as @self
 *
 * Since: 1.0
 */
const HookrunField *
hookrun_schema_get_field (HookrunSchema *self, guint slot)
{
  g_return_val_if_fail (self != NULL && slot < self->n_fields, NULL);
  return &self->fields[slot];
}

/**
 * hookrun_schema_find:
 * @self: a schema
 * @name: a field's name; `-` and `_` are alike
 *
 * Finds the slot of a field.
 *
 * Returns: the slot, or -1 when there is no such field
 *
 * Since: 1.0
 */
int
hookrun_schema_find (HookrunSchema *self, const char *name)
{
  g_return_val_if_fail (self != NULL && name != NULL, -1);
  return GPOINTER_TO_INT (g_hash_table_lookup (self->slots, name)) - 1;
}

/* Whether the same slots have the same names, types and flags; the documentation does not count. */
gboolean
hookrun_schema_equal (HookrunSchema *a, HookrunSchema *b)
{
  if (a == b)
    return TRUE;
  if (a->n_fields != b->n_fields)
    return FALSE;
  for (guint i = 0; i < a->n_fields; i++)
    if (!hookrun_name_equal (a->fields[i].name, b->fields[i].name) ||
        a->fields[i].type != b->fields[i].type || a->fields[i].flags != b->fields[i].flags)
      return FALSE;
  return TRUE;
}

const HookrunField *
hookrun_schema_find_missing (HookrunSchema *schema, HookrunData *data)
{
  if (schema->n_required == 0)
    return NULL;
  for (guint i = 0; i < schema->n_fields; i++)
    if ((schema->fields[i].flags & HOOKRUN_FIELD_REQUIRED) != 0 &&
        (data == NULL || !data->slots[i].is_set))
      return &schema->fields[i];
  return NULL;
}
