/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Readers of single JSON values, for the tables of keys that a manifest is made of. */
#include "hookrun-manifest-reader-private.h"
#include "hookrun-version-range-private.h"

#include <string.h>

#define MAX_ID 128

gboolean
hookrun_id_is_valid (const char *id)
{
  gsize length = strlen (id);

  return length > 0 && length <= MAX_ID && g_ascii_isalnum (id[0]) &&
         strspn (id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/@") ==
             length;
}

gboolean
hookrun_manifest_wrong_type (JsonNode *value, const char *wanted, GError **error)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "must be %s, not %s", wanted,
               json_node_type_name (value));
  return FALSE;
}

gboolean
hookrun_manifest_is_string (JsonNode *value)
{
  return JSON_NODE_HOLDS_VALUE (value) && json_node_get_value_type (value) == G_TYPE_STRING;
}

gboolean
hookrun_manifest_is_int (JsonNode *value)
{
  return JSON_NODE_HOLDS_VALUE (value) && json_node_get_value_type (value) == G_TYPE_INT64;
}

/* ---- readers of single values; @place is where the value goes ---- */

gboolean
hookrun_manifest_read_string (HookrunManifest *self, JsonNode *value, gpointer place,
                              GError **error)
{
  char **string = place;

  if (!hookrun_manifest_is_string (value))
    return hookrun_manifest_wrong_type (value, "a string", error);
  g_free (*string);
  *string = json_node_dup_string (value);
  return TRUE;
}

gboolean
hookrun_manifest_read_id (HookrunManifest *self, JsonNode *value, gpointer place, GError **error)
{
  if (!hookrun_manifest_read_string (self, value, place, error))
    return FALSE;
  if (hookrun_id_is_valid (*(char **)place))
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "\"%s\" is no id: write at most %d letters, digits, \"_\", \"-\", \".\", \":\", "
               "\"/\" and \"@\", the first a letter or digit",
               *(char **)place, MAX_ID);
  return FALSE;
}

gboolean
hookrun_manifest_read_version (HookrunManifest *self, JsonNode *value, gpointer place,
                               GError **error)
{
  if (!hookrun_manifest_read_string (self, value, place, error))
    return FALSE;
  if (hookrun_plugin_version_is_valid (*(char **)place))
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "\"%s\" is no version: write numbers with dots, for example \"1.2\"",
               *(char **)place);
  return FALSE;
}

gboolean
hookrun_manifest_read_strv (HookrunManifest *self, JsonNode *value, gpointer place, GError **error)
{
  g_autoptr (GPtrArray) strings = g_ptr_array_new_with_free_func (g_free);
  JsonArray *array;

  if (hookrun_manifest_is_string (value)) {
    g_ptr_array_add (strings, json_node_dup_string (value));
  } else if (JSON_NODE_HOLDS_ARRAY (value)) {
    array = json_node_get_array (value);
    for (guint i = 0; i < json_array_get_length (array); i++) {
      JsonNode *element = json_array_get_element (array, i);

      if (!hookrun_manifest_is_string (element))
        return hookrun_manifest_wrong_type (element, "a list of strings", error);
      g_ptr_array_add (strings, json_node_dup_string (element));
    }
  } else {
    return hookrun_manifest_wrong_type (value, "a list of strings", error);
  }
  g_ptr_array_add (strings, NULL);
  g_strfreev (*(char ***)place);
  *(char ***)place = (char **)g_ptr_array_free (g_steal_pointer (&strings), FALSE);
  return TRUE;
}

gboolean
hookrun_manifest_read_guint (HookrunManifest *self, JsonNode *value, gpointer place, GError **error)
{
  if (!hookrun_manifest_is_int (value) || json_node_get_int (value) < 0 ||
      json_node_get_int (value) > G_MAXINT)
    return hookrun_manifest_wrong_type (value, "a whole number from 0 on", error);
  *(guint *)place = (guint)json_node_get_int (value);
  return TRUE;
}

gboolean
hookrun_manifest_read_int (HookrunManifest *self, JsonNode *value, gpointer place, GError **error)
{
  if (!hookrun_manifest_is_int (value) || ABS (json_node_get_int (value)) > G_MAXINT)
    return hookrun_manifest_wrong_type (value, "a whole number", error);
  *(int *)place = (int)json_node_get_int (value);
  return TRUE;
}

gboolean
hookrun_manifest_read_boolean (HookrunManifest *self, JsonNode *value, gpointer place,
                               GError **error)
{
  if (!JSON_NODE_HOLDS_VALUE (value) || json_node_get_value_type (value) != G_TYPE_BOOLEAN)
    return hookrun_manifest_wrong_type (value, "true or false", error);
  *(gboolean *)place = json_node_get_boolean (value);
  return TRUE;
}

gboolean
hookrun_manifest_read_duration (HookrunManifest *self, JsonNode *value, gpointer place,
                                GError **error)
{
  if (hookrun_manifest_is_string (value))
    return hookrun_parse_duration (json_node_get_string (value), place, error);
  return hookrun_manifest_read_guint (self, value, place, error);
}

gboolean
hookrun_manifest_read_word (JsonNode *value, const char *const *words, guint n_words, guint *index,
                            GError **error)
{
  g_autofree char *list = NULL;

  if (!hookrun_manifest_is_string (value))
    return hookrun_manifest_wrong_type (value, "a string", error);
  for (guint i = 0; i < n_words; i++)
    if (g_strcmp0 (json_node_get_string (value), words[i]) == 0) {
      *index = i;
      return TRUE;
    }
  list = g_strjoinv ("\", \"", (char **)(gpointer)words);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "is \"%s\"; write one of \"%s\"",
               json_node_get_string (value), list);
  return FALSE;
}

gboolean
hookrun_manifest_read_object (HookrunManifest *self, JsonNode *value, gpointer place,
                              GError **error)
{
  if (!JSON_NODE_HOLDS_OBJECT (value))
    return hookrun_manifest_wrong_type (value, "an object", error);
  g_clear_pointer ((JsonNode **)place, json_node_unref);
  *(JsonNode **)place = json_node_ref (value);
  return TRUE;
}

gboolean
hookrun_manifest_read_members (HookrunManifest *self, JsonObject *object,
                               const HookrunManifestKey *keys, gsize n_keys, gpointer base,
                               GError **error)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &name, &value)) {
    gsize i = 0;

    while (i < n_keys && !g_str_equal (keys[i].key, name))
      i++;
    if (i == n_keys) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                   "\"%s\": unknown key; correct or remove it", name);
      return FALSE;
    }
    if (!keys[i].read (self, value, (char *)base + keys[i].offset, error)) {
      g_prefix_error (error, "\"%s\": ", name);
      return FALSE;
    }
  }
  return TRUE;
}

static const struct {
  const char *unit;
  guint64 ms;
} duration_units[] = {{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};

gboolean
hookrun_parse_duration (const char *text, guint *ms, GError **error)
{
  char *unit = NULL;
  guint64 number = g_ascii_strtoull (text, &unit, 10);

  for (gsize i = 0; g_ascii_isdigit (text[0]) && i < G_N_ELEMENTS (duration_units); i++)
    if (g_str_equal (unit, duration_units[i].unit) &&
        number <= (guint64)G_MAXINT / duration_units[i].ms) {
      *ms = (guint)(number * duration_units[i].ms);
      return TRUE;
    }
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "\"%s\" is no duration: write for example \"500ms\", \"5s\", \"2m\" or \"1h\"",
               text);
  return FALSE;
}
