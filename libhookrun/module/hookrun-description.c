/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads what a module says of itself. The text comes from a stranger: its size, depth, counts,
 * names and lengths are limited, and what does not pass is an error of that module.
 */
#include "hookrun-operation-private.h"

#include <string.h>

#include "hookrun-json-private.h"

#define MAX_DEPTH 8

typedef struct {
  const char *what;
  GError **error;
} Reader;

G_GNUC_PRINTF (3, 4)
static gboolean
refuse (const Reader *self, HookrunError code, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (self->error, HOOKRUN_ERROR, code, "the description that %s gives: %s", self->what,
               text);
  return FALSE;
}

gboolean
hookrun_operation_name_is_valid (const char *name)
{
  gsize length = strlen (name);

  if (length == 0 || length > HOOKRUN_OPERATION_MAX_NAME || !g_ascii_isalnum (*name))
    return FALSE;
  for (; *name != '\0'; name++)
    if (!g_ascii_isalnum (*name) && *name != '_' && *name != '-')
      return FALSE;
  return TRUE;
}

/* (nullable): with the error set; "" when there is none. */
static const char *
read_text (const Reader *self, JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);
  const char *text;

  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return "";
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING) {
    refuse (self, HOOKRUN_ERROR_INVALID, "\"%s\" is no text", member);
    return NULL;
  }
  text = json_node_get_string (node);
  if (strlen (text) > HOOKRUN_OPERATION_MAX_TEXT) {
    refuse (self, HOOKRUN_ERROR_LIMIT, "\"%s\" is longer than %d bytes", member,
            HOOKRUN_OPERATION_MAX_TEXT);
    return NULL;
  }
  return text;
}

/* (nullable): the objects of an array; an empty one is made where there is none. */
static JsonArray *
read_array (const Reader *self, JsonObject *object, const char *member, guint max)
{
  JsonNode *node = json_object_get_member (object, member);
  JsonArray *array;

  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return json_array_new ();
  if (!JSON_NODE_HOLDS_ARRAY (node)) {
    refuse (self, HOOKRUN_ERROR_INVALID, "\"%s\" is no array", member);
    return NULL;
  }
  array = json_node_get_array (node);
  if (json_array_get_length (array) > max) {
    refuse (self, HOOKRUN_ERROR_LIMIT, "\"%s\" has more than %u entries", member, max);
    return NULL;
  }
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (!JSON_NODE_HOLDS_OBJECT (json_array_get_element (array, i))) {
      refuse (self, HOOKRUN_ERROR_INVALID, "an entry of \"%s\" is no object", member);
      return NULL;
    }
  return json_array_ref (array);
}

/* The dashes of an option say that it need not be given; they are no part of its name. */
static gboolean
read_option (const Reader *self, JsonObject *object, GHashTable *seen, GVariantBuilder *out)
{
  const char *text = read_text (self, object, "name");
  const char *description = text != NULL ? read_text (self, object, "description") : NULL;
  const char *name = text;

  if (description == NULL)
    return FALSE;
  while (*name == '-')
    name++;
  if (!hookrun_operation_name_is_valid (name))
    return refuse (self, HOOKRUN_ERROR_INVALID,
                   "an option's name must be a letter or digit, then letters, digits, \"_\" and "
                   "\"-\", at most %d",
                   HOOKRUN_OPERATION_MAX_NAME);
  if (!g_hash_table_add (seen, g_strdup (name)))
    return refuse (self, HOOKRUN_ERROR_INVALID, "the option \"%s\" is there twice", name);
  g_variant_builder_add (
      out, "(ssb)", name, description,
      name == text && !json_object_get_boolean_member_with_default (object, "optional", FALSE));
  return TRUE;
}

static gboolean
read_options (const Reader *self, JsonObject *operation, GVariantBuilder *out)
{
  g_autoptr (JsonArray) array =
      read_array (self, operation, "options", HOOKRUN_OPERATION_MAX_OPTIONS);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    if (!read_option (self, json_array_get_object_element (array, i), seen, out))
      return FALSE;
  return array != NULL;
}

static gboolean
read_operation (const Reader *self, JsonObject *object, GHashTable *seen, GVariantBuilder *out)
{
  const char *name = read_text (self, object, "name");
  const char *description = name != NULL ? read_text (self, object, "description") : NULL;
  gboolean takes_words = json_object_get_boolean_member_with_default (object, "words", FALSE);

  if (description == NULL)
    return FALSE;
  if (!hookrun_operation_name_is_valid (name))
    return refuse (self, HOOKRUN_ERROR_INVALID,
                   "an operation's name must be a letter or digit, then letters, digits, \"_\" "
                   "and \"-\", at most %d",
                   HOOKRUN_OPERATION_MAX_NAME);
  if (!g_hash_table_add (seen, g_strdup (name)))
    return refuse (self, HOOKRUN_ERROR_INVALID, "the operation \"%s\" is there twice", name);
  g_variant_builder_open (out, G_VARIANT_TYPE ("(ssba(ssb))"));
  g_variant_builder_add (out, "s", name);
  g_variant_builder_add (out, "s", description);
  g_variant_builder_add (out, "b", takes_words);
  g_variant_builder_open (out, G_VARIANT_TYPE ("a(ssb)"));
  if (!read_options (self, object, out))
    return FALSE;
  g_variant_builder_close (out);
  g_variant_builder_close (out);
  return TRUE;
}

static gboolean
read_all (const Reader *self, JsonObject *object, GVariantBuilder *out)
{
  const char *version = read_text (self, object, "version");
  const char *description = version != NULL ? read_text (self, object, "description") : NULL;
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (JsonArray) array = NULL;

  if (description == NULL)
    return FALSE;
  array = read_array (self, object, "operations", HOOKRUN_OPERATION_MAX_COUNT);
  if (array == NULL)
    return FALSE;
  if (json_array_get_length (array) == 0)
    return refuse (self, HOOKRUN_ERROR_INVALID, "there are no operations");
  g_variant_builder_add (out, "s", version);
  g_variant_builder_add (out, "s", description);
  g_variant_builder_open (out, G_VARIANT_TYPE ("a(ssba(ssb))"));
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (!read_operation (self, json_array_get_object_element (array, i), seen, out))
      return FALSE;
  g_variant_builder_close (out);
  return TRUE;
}

GVariant *
hookrun_description_parse (const char *text, gsize length, const char *what, GError **error)
{
  const HookrunJsonLimits limits = {HOOKRUN_DESCRIPTION_MAX_SIZE, MAX_DEPTH};
  g_autofree char *source = g_strdup_printf ("the description that %s gives", what);
  g_autoptr (JsonNode) node = hookrun_json_parse (text, length, &limits, source, error);
  const Reader reader = {what, error};
  GVariantBuilder builder;

  if (node == NULL)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT (node)) {
    refuse (&reader, HOOKRUN_ERROR_INVALID, "it is no JSON object");
    return NULL;
  }
  g_variant_builder_init (&builder, HOOKRUN_DESCRIPTION_TYPE);
  if (!read_all (&reader, json_node_get_object (node), &builder)) {
    g_variant_builder_clear (&builder);
    return NULL;
  }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}
