/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes JSON that every reader takes. json-glib's generator is not used: it makes "1e+40.0" of
 * 1e40, and passes on text that is not UTF-8.
 */
#include "hookrun-json-private.h"

#include <math.h>
#include <string.h>

static void write_node (GString *out, JsonNode *node);

static void
write_escaped (GString *out, guchar c)
{
  static const char shorts[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
  const char *found = strchr (shorts, c);

  if (found && c != '\0')
    g_string_append_printf (out, "\\%c", letters[found - shorts]);
  else
    g_string_append_printf (out, "\\u%04x", c);
}

static void
write_string (GString *out, const char *text)
{
  g_autofree char *mended = g_utf8_validate (text, -1, NULL) ? NULL : g_utf8_make_valid (text, -1);
  const char *rest = mended ? mended : text;

  g_string_append_c (out, '"');
  for (const char *at = rest;; at++) {
    if ((guchar)*at >= 0x20 && *at != '"' && *at != '\\')
      continue;
    g_string_append_len (out, rest, at - rest);
    if (*at == '\0')
      break;
    write_escaped (out, (guchar)*at);
    rest = at + 1;
  }
  g_string_append_c (out, '"');
}

/* The shortest text that reads back as the same number; a whole one keeps a point, so that it stays
 * a double. What JSON has no word for is null. */
static void
write_double (GString *out, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (!isfinite (value)) {
    g_string_append (out, "null");
    return;
  }
  g_ascii_formatd (text, sizeof text, "%.15g", value);
  if (g_ascii_strtod (text, NULL) < value || g_ascii_strtod (text, NULL) > value)
    g_ascii_dtostr (text, sizeof text, value);
  g_string_append (out, text);
  if (strpbrk (text, ".e") == NULL)
    g_string_append (out, ".0");
}

static void
write_value (GString *out, JsonNode *node)
{
  GType type = json_node_get_value_type (node);

  if (type == G_TYPE_STRING)
    write_string (out, json_node_get_string (node) ? json_node_get_string (node) : "");
  else if (type == G_TYPE_BOOLEAN)
    g_string_append (out, json_node_get_boolean (node) ? "true" : "false");
  else if (type == G_TYPE_DOUBLE || type == G_TYPE_FLOAT)
    write_double (out, json_node_get_double (node));
  else
    g_string_append_printf (out, "%" G_GINT64_FORMAT, json_node_get_int (node));
}

static void
write_object (GString *out, JsonObject *object)
{
  const char *separator = "";
  JsonObjectIter iter;
  const char *name;
  JsonNode *member;

  g_string_append_c (out, '{');
  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, &member)) {
    g_string_append (out, separator);
    write_string (out, name);
    g_string_append_c (out, ':');
    write_node (out, member);
    separator = ",";
  }
  g_string_append_c (out, '}');
}

static void
write_array (GString *out, JsonArray *array)
{
  g_string_append_c (out, '[');
  for (guint i = 0; i < json_array_get_length (array); i++) {
    if (i > 0)
      g_string_append_c (out, ',');
    write_node (out, json_array_get_element (array, i));
  }
  g_string_append_c (out, ']');
}

static void
write_node (GString *out, JsonNode *node)
{
  switch (json_node_get_node_type (node)) {
  case JSON_NODE_OBJECT:
    write_object (out, json_node_get_object (node));
    break;
  case JSON_NODE_ARRAY:
    write_array (out, json_node_get_array (node));
    break;
  case JSON_NODE_VALUE:
    write_value (out, node);
    break;
  case JSON_NODE_NULL:
  default:
    g_string_append (out, "null");
  }
}

char *
hookrun_json_to_string (JsonNode *node)
{
  GString *out = g_string_new (NULL);

  write_node (out, node);
  return g_string_free (out, FALSE);
}
