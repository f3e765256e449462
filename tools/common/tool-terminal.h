/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the terminal is and how foreign text is shown on it: colours, width, visible control bytes.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  TOOL_COLOUR_NONE,
  TOOL_COLOUR_GOOD,
  TOOL_COLOUR_BAD,
  TOOL_COLOUR_WARN,
  TOOL_COLOUR_FAINT,
  TOOL_COLOUR_STRONG,
} ToolColour;

/* Whether @fd is a terminal that moves its cursor (TERM is set and not "dumb"). */
gboolean tool_terminal_is_live (int fd);
/* Whether colours may be used on @fd: live, and NO_COLOR is not set. */
gboolean tool_terminal_has_colours (int fd);
/* Columns of @fd; 80 when it has none. */
guint tool_terminal_columns (int fd);
/* Escape sequences around coloured text; "" when @fd has no colours. */
const char *tool_terminal_colour (int fd, ToolColour colour);
/* (transfer full): @text with control characters, bytes that are not UTF-8 and characters that turn
 * the writing direction made visible, so that foreign text cannot drive the terminal. Newlines are
 * kept when @keep_newlines. */
char *tool_visible (const char *text, gboolean keep_newlines);
/* Columns that @text takes: wide characters count two, combining ones none. */
guint tool_text_columns (const char *text);

G_END_DECLS
