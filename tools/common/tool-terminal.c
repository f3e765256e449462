/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The terminal, and text from elsewhere made harmless for it: an escape sequence in a file name or
 * in the output of a hook must not move the cursor or hide what is printed.
 */
#include "tool-terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEFAULT_COLUMNS 80

static const char *const colours[] = {
    [TOOL_COLOUR_NONE] = "\033[0m",  [TOOL_COLOUR_GOOD] = "\033[32m",
    [TOOL_COLOUR_BAD] = "\033[31m",  [TOOL_COLOUR_WARN] = "\033[33m",
    [TOOL_COLOUR_FAINT] = "\033[2m", [TOOL_COLOUR_STRONG] = "\033[1m",
};

/* Ranges of characters that change the direction or the lines of what follows them. */
static const struct {
  gunichar first;
  gunichar last;
} odd_characters[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},     {0x61c, 0x61c},   {0x200e, 0x200f},
    {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
};

gboolean
tool_terminal_is_live (int fd)
{
  const char *term = g_getenv ("TERM");

  return isatty (fd) && term != NULL && *term != '\0' && !g_str_equal (term, "dumb");
}

gboolean
tool_terminal_has_colours (int fd)
{
  const char *no_colour = g_getenv ("NO_COLOR");

  return (no_colour == NULL || *no_colour == '\0') && tool_terminal_is_live (fd);
}

guint
tool_terminal_columns (int fd)
{
  struct winsize size;
  const char *columns = g_getenv ("COLUMNS");
  guint64 number;

  if (ioctl (fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  if (columns != NULL && g_ascii_string_to_unsigned (columns, 10, 1, 10000, &number, NULL))
    return (guint)number;
  return DEFAULT_COLUMNS;
}

const char *
tool_terminal_colour (int fd, ToolColour colour)
{
  return tool_terminal_has_colours (fd) ? colours[colour] : "";
}

static gboolean
is_odd (gunichar c)
{
  for (gsize i = 0; i < G_N_ELEMENTS (odd_characters); i++)
    if (c >= odd_characters[i].first && c <= odd_characters[i].last)
      return TRUE;
  return FALSE;
}

static void
append_visible (GString *out, gunichar c, gboolean keep_newlines)
{
  if (keep_newlines && (c == '\n' || c == '\t'))
    g_string_append_unichar (out, c);
  else if (c == '\n' || c == '\t')
    g_string_append (out, c == '\n' ? "\\n" : "\\t");
  else if (!is_odd (c))
    g_string_append_unichar (out, c);
  else if (c < 0x100)
    g_string_append_printf (out, "\\x%02x", c);
  else
    g_string_append_printf (out, "\\u%04x", c);
}

char *
tool_visible (const char *text, gboolean keep_newlines)
{
  g_autoptr (GString) out = g_string_new (NULL);

  while (*text != '\0') {
    gunichar c = g_utf8_get_char_validated (text, -1);

    if (c == (gunichar)-1 || c == (gunichar)-2) {
      g_string_append_printf (out, "\\x%02x", (guint)(guchar)*text);
      text++;
      continue;
    }
    append_visible (out, c, keep_newlines);
    text = g_utf8_next_char (text);
  }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

guint
tool_text_columns (const char *text)
{
  guint columns = 0;

  for (; *text != '\0'; text = g_utf8_next_char (text)) {
    gunichar c = g_utf8_get_char (text);

    columns += g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;
  }
  return columns;
}
