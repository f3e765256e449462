/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listings, kept whole until they are printed so that the columns can be aligned. */
#include "tool-table.h"

#include <stdio.h>

#include "tool-terminal.h"

#define GAP 2

struct _ToolTable {
  char **columns;
  guint n_columns;
  GPtrArray *rows; /* of char *[n_columns] */
};

static void
row_free (gpointer data)
{
  g_ptr_array_unref (data);
}

ToolTable *
tool_table_new (const char *const *columns)
{
  ToolTable *table = g_new0 (ToolTable, 1);

  table->columns = g_strdupv ((char **)columns);
  table->n_columns = g_strv_length (table->columns);
  table->rows = g_ptr_array_new_with_free_func (row_free);
  return table;
}

void
tool_table_free (ToolTable *table)
{
  g_strfreev (table->columns);
  g_ptr_array_unref (table->rows);
  g_free (table);
}

void
tool_table_add (ToolTable *table, const char *const *cells)
{
  GPtrArray *row = g_ptr_array_new_full (table->n_columns, g_free);

  for (guint i = 0; i < table->n_columns; i++)
    g_ptr_array_add (row, g_strdup (cells[i]));
  g_ptr_array_add (table->rows, row);
}

static void
append_json_row (ToolTable *table, GPtrArray *row, GString *out)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  g_autofree char *line = NULL;

  json_node_take_object (node, object);
  for (guint i = 0; i < table->n_columns; i++) {
    const char *cell = g_ptr_array_index (row, i);
    g_autofree char *valid = cell != NULL ? g_utf8_make_valid (cell, -1) : NULL;

    if (valid != NULL)
      json_object_set_string_member (object, table->columns[i], valid);
    else
      json_object_set_null_member (object, table->columns[i]);
  }
  line = json_to_string (node, FALSE);
  g_string_append_printf (out, "%s\n", line);
}

/* The last column is not filled up with blanks. */
static void
append_text_row (ToolTable *table, const guint *widths, char **cells, GString *out)
{
  for (guint i = 0; i < table->n_columns; i++) {
    g_string_append (out, cells[i]);
    for (guint n = tool_text_columns (cells[i]); i + 1 < table->n_columns && n < widths[i] + GAP;
         n++)
      g_string_append_c (out, ' ');
  }
  while (out->len > 0 && out->str[out->len - 1] == ' ')
    g_string_truncate (out, out->len - 1);
  g_string_append_c (out, '\n');
}

/* (transfer full): the cells as they are shown. */
static char **
visible_row (ToolTable *table, GPtrArray *row, guint *widths)
{
  char **cells = g_new0 (char *, table->n_columns + 1);

  for (guint i = 0; i < table->n_columns; i++) {
    const char *cell = row != NULL ? g_ptr_array_index (row, i) : table->columns[i];

    cells[i] = tool_visible (cell != NULL ? cell : "-", FALSE);
    widths[i] = MAX (widths[i], tool_text_columns (cells[i]));
  }
  return cells;
}

char *
tool_table_to_text (ToolTable *table, gboolean json)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_autoptr (GPtrArray) shown = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  g_autofree guint *widths = g_new0 (guint, table->n_columns + 1);

  for (guint i = 0; json && i < table->rows->len; i++)
    append_json_row (table, g_ptr_array_index (table->rows, i), out);
  if (!json && table->rows->len > 0)
    g_ptr_array_add (shown, visible_row (table, NULL, widths));
  for (guint i = 0; !json && i < table->rows->len; i++)
    g_ptr_array_add (shown, visible_row (table, g_ptr_array_index (table->rows, i), widths));
  for (guint i = 0; i < shown->len; i++)
    append_text_row (table, widths, g_ptr_array_index (shown, i), out);
  return g_string_free (g_steal_pointer (&out), FALSE);
}

void
tool_table_print (ToolTable *table, gboolean json)
{
  g_autofree char *text = tool_table_to_text (table, json);

  fputs (text, stdout);
  fflush (stdout);
}

void
tool_print_json (JsonNode *node)
{
  g_autofree char *text = json_to_string (node, FALSE);

  puts (text);
  fflush (stdout);
}
