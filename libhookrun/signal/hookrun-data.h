/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one payload of all signals: declared fields in typed slots, anything else as extras beside
 * them. The same object is live for all handlers of a run.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include <json-glib/json-glib.h>

#include "hookrun-error.h"

G_BEGIN_DECLS

/**
 * HookrunFieldType:
 * @HOOKRUN_FIELD_STRING: UTF-8 text; may be unset
 * @HOOKRUN_FIELD_BOOLEAN: true or false
 * @HOOKRUN_FIELD_INT: a signed 64-bit integer
 * @HOOKRUN_FIELD_DOUBLE: a floating point number
 * @HOOKRUN_FIELD_STRV: a list of UTF-8 texts
 * @HOOKRUN_FIELD_JSON: any JSON value
 * @HOOKRUN_FIELD_OBJECT: a #GObject of the host; never leaves the process
 *
 * The type of a declared field.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_FIELD_STRING,
  HOOKRUN_FIELD_BOOLEAN,
  HOOKRUN_FIELD_INT,
  HOOKRUN_FIELD_DOUBLE,
  HOOKRUN_FIELD_STRV,
  HOOKRUN_FIELD_JSON,
  HOOKRUN_FIELD_OBJECT,
} HookrunFieldType;

#define HOOKRUN_TYPE_FIELD_TYPE (hookrun_field_type_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_field_type_get_type (void);

/**
 * HookrunFieldFlags:
 * @HOOKRUN_FIELD_NONE: nothing special
 * @HOOKRUN_FIELD_REQUIRED: an emission without it is an error
 * @HOOKRUN_FIELD_READ_ONLY: only the emitter writes it; handlers that try get an error, and what a
 *   process outside sends back for it is refused
 * @HOOKRUN_FIELD_TEMPLATE: text whose places are filled when it is read expanded
 * @HOOKRUN_FIELD_SECRET: never written into traces, logs or JSON made for people
 *
 * Properties of a declared field.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_FIELD_NONE = 0,
  HOOKRUN_FIELD_REQUIRED = 1 << 0,
  HOOKRUN_FIELD_READ_ONLY = 1 << 1,
  HOOKRUN_FIELD_TEMPLATE = 1 << 2,
  HOOKRUN_FIELD_SECRET = 1 << 3,
} HookrunFieldFlags;

#define HOOKRUN_TYPE_FIELD_FLAGS (hookrun_field_flags_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_field_flags_get_type (void);

/**
 * HookrunField:
 * @name: the key; letters, digits, `_`, `-`, `.`; `-` and `_` are alike in look-ups
 * @type: its type
 * @flags: its properties
 * @doc: (nullable): one sentence for people
 *
 * One declared field of a signal. Tables of fields are constants.
 *
 * Since: 1.0
 */
typedef struct {
  const char *name;
  HookrunFieldType type;
  HookrunFieldFlags flags;
  const char *doc;
} HookrunField;

/**
 * HookrunSchema:
 *
 * An immutable, reference counted table of fields. Signals of one run share one, so that one
 * [struct@Hookrun.Data] is the payload of all of them.
 *
 * Since: 1.0
 */
typedef struct _HookrunSchema HookrunSchema;

#define HOOKRUN_TYPE_SCHEMA (hookrun_schema_get_type ())

HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_schema_get_type (void);
HOOKRUN_AVAILABLE_IN_1_0
HookrunSchema *hookrun_schema_new (const HookrunField *fields, gsize n_fields, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunSchema *hookrun_schema_ref (HookrunSchema *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_schema_unref (HookrunSchema *self);
HOOKRUN_AVAILABLE_IN_1_0
guint hookrun_schema_get_n_fields (HookrunSchema *self);
HOOKRUN_AVAILABLE_IN_1_0
const HookrunField *hookrun_schema_get_field (HookrunSchema *self, guint slot);
/* -1 when there is none */
HOOKRUN_AVAILABLE_IN_1_0
int hookrun_schema_find (HookrunSchema *self, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunSchema, hookrun_schema_unref)

/**
 * HookrunData:
 *
 * A reference counted payload. One thread at a time may use it; the emission hands it on.
 *
 * Since: 1.0
 */
typedef struct _HookrunData HookrunData;

#define HOOKRUN_TYPE_DATA (hookrun_data_get_type ())

HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_data_get_type (void);
/* @schema: (nullable): NULL for extras only */
HOOKRUN_AVAILABLE_IN_1_0
HookrunData *hookrun_data_new (HookrunSchema *schema);
HOOKRUN_AVAILABLE_IN_1_0
HookrunData *hookrun_data_ref (HookrunData *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_data_unref (HookrunData *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunSchema *hookrun_data_get_schema (HookrunData *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunData, hookrun_data_unref)

/* By slot: O(1), for code that knows the schema. A wrong slot or type is a programming error. */
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_data_slot_get_string (HookrunData *self, guint slot);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_data_slot_get_boolean (HookrunData *self, guint slot);
HOOKRUN_AVAILABLE_IN_1_0
gint64 hookrun_data_slot_get_int (HookrunData *self, guint slot);
HOOKRUN_AVAILABLE_IN_1_0
double hookrun_data_slot_get_double (HookrunData *self, guint slot);
HOOKRUN_AVAILABLE_IN_1_0
const char *const *hookrun_data_slot_get_strv (HookrunData *self, guint slot);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_data_slot_get_json (HookrunData *self, guint slot);
HOOKRUN_AVAILABLE_IN_1_0
GObject *hookrun_data_slot_get_object (HookrunData *self, guint slot);
/* The setters by slot are the emitter's: they also write read-only fields. */
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_data_slot_set_string (HookrunData *self, guint slot, const char *value);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_data_slot_set_boolean (HookrunData *self, guint slot, gboolean value);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_data_slot_set_int (HookrunData *self, guint slot, gint64 value);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_data_slot_set_double (HookrunData *self, guint slot, double value);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_data_slot_set_strv (HookrunData *self, guint slot, const char *const *value);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_data_slot_set_json (HookrunData *self, guint slot, JsonNode *value);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_data_slot_set_object (HookrunData *self, guint slot, GObject *value);

/* By name: slots and extras alike. Getters give NULL, FALSE or 0 for what is unset or of another
 * type. Setters check type and write permission. Extras are strings, booleans, numbers or JSON. */
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_data_has (HookrunData *self, const char *name);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_data_get_string (HookrunData *self, const char *name);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_data_get_boolean (HookrunData *self, const char *name);
HOOKRUN_AVAILABLE_IN_1_0
gint64 hookrun_data_get_int (HookrunData *self, const char *name);
HOOKRUN_AVAILABLE_IN_1_0
double hookrun_data_get_double (HookrunData *self, const char *name);
HOOKRUN_AVAILABLE_IN_1_0
const char *const *hookrun_data_get_strv (HookrunData *self, const char *name);
/* (transfer full) (nullable): any field but an object, as JSON */
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_data_get_json (HookrunData *self, const char *name);
HOOKRUN_AVAILABLE_IN_1_0
GObject *hookrun_data_get_object (HookrunData *self, const char *name);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_data_set_string (HookrunData *self, const char *name, const char *value,
                                  GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_data_set_boolean (HookrunData *self, const char *name, gboolean value,
                                   GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_data_set_int (HookrunData *self, const char *name, gint64 value, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_data_set_double (HookrunData *self, const char *name, double value,
                                  GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_data_set_strv (HookrunData *self, const char *name, const char *const *value,
                                GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_data_set_json (HookrunData *self, const char *name, JsonNode *value,
                                GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_data_unset (HookrunData *self, const char *name, GError **error);

/* The text of @name with its places filled from this data; (transfer full). */
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_data_expand (HookrunData *self, const char *name, GError **error);
/* @text with its places filled from this data; (transfer full). */
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_data_expand_text (HookrunData *self, const char *text, GError **error);

/* One JSON object with all fields and extras but objects; (transfer full). Keys that start with
 * "_" are private to the process and left out, as are secrets unless @with_secrets. */
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_data_to_json (HookrunData *self, gboolean with_secrets);
/* The same as text on one line. */
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_data_to_text (HookrunData *self, gboolean with_secrets);
/* Applies an RFC 7396 merge patch as a handler would write it: all of it or, on error, nothing. */
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_data_merge_json (HookrunData *self, JsonNode *patch, GError **error);
/* The same for untrusted text: checked against size and depth limits first. */
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_data_merge_text (HookrunData *self, const char *text, gssize length,
                                  GError **error);

G_END_DECLS
