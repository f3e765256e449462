/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of HookrunData and HookrunSchema share: the table of fields with its hashed names,
 * and the tagged value that a slot or an extra holds.
 */
#pragma once

#include "hookrun-data.h"

G_BEGIN_DECLS

#define HOOKRUN_DATA_MAX_KEY 256
#define HOOKRUN_DATA_MAX_EXTRAS 4096

struct _HookrunSchema {
  int ref_count; /* atomic */
  guint n_fields;
  guint n_required;
  HookrunField *fields; /* with strings of its own */
  GHashTable *slots;    /* name (of the field) -> slot + 1 */
};

typedef struct {
  HookrunFieldType type;
  gboolean is_set;
  union {
    char *string;
    gboolean boolean;
    gint64 integer;
    double number;
    char **strv;
    JsonNode *json;
    GObject *object;
  } as;
} HookrunValue;

struct _HookrunData {
  int ref_count; /* atomic */
  HookrunSchema *schema;
  GHashTable *extras; /* (nullable): own name -> HookrunValue */
  HookrunValue slots[];
};

/* Hash and equality of names in which "-" and "_" are one character. */
guint hookrun_name_hash (gconstpointer name);
gboolean hookrun_name_equal (gconstpointer a, gconstpointer b);

gboolean hookrun_schema_equal (HookrunSchema *a, HookrunSchema *b);

const char *hookrun_field_type_to_string (HookrunFieldType type);

/* NULL when @data (nullable) has all required fields of @schema, else the first missing one. */
const HookrunField *hookrun_schema_find_missing (HookrunSchema *schema, HookrunData *data);

void hookrun_value_clear (HookrunValue *value);
gboolean hookrun_value_equal (const HookrunValue *a, const HookrunValue *b);

/* The value of @name or NULL when it is unset; @slot (nullable) gets its slot, or -1 for an extra.
 */
HookrunValue *hookrun_data_peek (HookrunData *self, const char *name, int *slot);

gboolean hookrun_data_check_key (const char *name, GError **error);

/* Takes the content of @value (and clears it): a slot's or, with @slot -1, an extra's. */
void hookrun_data_store (HookrunData *self, int slot, const char *name, HookrunValue *value);

/* FALSE when @node does not fit: of the type of @field or, without one, the narrowest. */
gboolean hookrun_value_from_json (HookrunValue *value, const HookrunField *field, JsonNode *node);

/* Makes @self what @values (an object) says, as its emitter does: read-only fields, too; what is
 * not in it is unset, but for private keys and objects of the host. All of it or, on error,
 * nothing. */
gboolean hookrun_data_replace_json (HookrunData *self, JsonNode *values, GError **error);

/* (transfer full) (nullable): NULL for an object. */
JsonNode *hookrun_value_to_json (const HookrunValue *value);

G_END_DECLS
