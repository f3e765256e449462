/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text that cannot deceive: what a terminal would obey, what reorders the text, what looks like
 * nothing or like a space is written as an escape; so are bytes that are no UTF-8.
 */
#include "hookrun-staging-change-private.h"

static gboolean
is_blank_letter (gunichar c)
{
  /* Letters, marks and symbols of those categories that draw nothing: joiner, Hangul and Khmer
   * fillers, blank braille, variation selectors. */
  return c == 0x034f || c == 0x115f || c == 0x1160 || c == 0x17b4 || c == 0x17b5 || c == 0x2800 ||
         c == 0x3164 || c == 0xffa0 || (c >= 0x180b && c <= 0x180f) ||
         (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0100 && c <= 0xe01ef);
}

static gboolean
is_harmless (gunichar c)
{
  switch (g_unichar_type (c)) {
  case G_UNICODE_CONTROL:
    return c == '\t';
  case G_UNICODE_SPACE_SEPARATOR:
    return c == ' ';
  case G_UNICODE_FORMAT:
  case G_UNICODE_SURROGATE:
  case G_UNICODE_PRIVATE_USE:
  case G_UNICODE_UNASSIGNED:
  case G_UNICODE_LINE_SEPARATOR:
  case G_UNICODE_PARAGRAPH_SEPARATOR:
    return FALSE;
  default:
    return !is_blank_letter (c);
  }
}

static void
append_escaped (GString *out, gunichar c)
{
  if (c == '\r')
    g_string_append (out, "\\r");
  else if (c == '\n')
    g_string_append (out, "\\n");
  else if (c < 0x80)
    g_string_append_printf (out, "\\x%02x", c);
  else if (c <= 0xffff)
    g_string_append_printf (out, "\\u%04x", c);
  else
    g_string_append_printf (out, "\\U%08x", c);
}

char *
hookrun_staging_make_visible (const char *text, gsize length, gboolean lines)
{
  GString *out = g_string_sized_new (length + 1);
  const char *end = text + length;

  while (text < end) {
    gunichar c = g_utf8_get_char_validated (text, end - text);

    if (c == 0 || c == (gunichar)-1 || c == (gunichar)-2) {
      g_string_append_printf (out, "\\x%02x", (guchar)*text++);
      continue;
    }
    if ((lines && c == '\n') || is_harmless (c))
      g_string_append_unichar (out, c);
    else
      append_escaped (out, c);
    text = g_utf8_next_char (text);
  }
  return g_string_free (out, FALSE);
}
