/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A listing: aligned columns for people, with --json one object a line. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct _ToolTable ToolTable;

/* @columns: names, NULL-terminated; they head the columns and are the keys of the objects. */
ToolTable *tool_table_new (const char *const *columns);
void tool_table_free (ToolTable *table);
/* One text a column, NULL-terminated is not needed; NULL is an empty cell (JSON null). */
void tool_table_add (ToolTable *table, const char *const *cells);
/* (transfer full) */
char *tool_table_to_text (ToolTable *table, gboolean json);
/* Prints on standard output. A table without rows prints nothing. */
void tool_table_print (ToolTable *table, gboolean json);
/* Prints @node as one line on standard output and flushes it. */
void tool_print_json (JsonNode *node);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolTable, tool_table_free)

G_END_DECLS
