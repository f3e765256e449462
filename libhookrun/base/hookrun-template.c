/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Templates: `%(key)s` as Python's string formatting writes it and `{key}` as its format method
 * does. `%%`, `{{` and `}}` stand for themselves.
 */
#include "hookrun-template.h"

#include <string.h>

static gboolean
append_value (GString *out, const char *key, gsize length, HookrunTemplateLookup lookup,
              gpointer user_data, GError **error)
{
  g_autofree char *name = g_strndup (key, length);
  g_autofree char *value = lookup (name, user_data);

  if (value == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
                 "template names \"%s\", which has no value; set it or correct the name", name);
    return FALSE;
  }
  g_string_append (out, value);
  return TRUE;
}

/* A key is made of letters, digits, "_", "-" and "."; anything else in braces is plain text. */
static gsize
key_length (const char *text)
{
  gsize length = 0;

  while (g_ascii_isalnum (text[length]) || (text[length] != '\0' && strchr ("_-.", text[length])))
    length++;
  return length;
}

/**
 * hookrun_template_expand:
 * @text: the template
 * @lookup: (scope call): gives the value of a key
 * @user_data: passed to @lookup
 * @error: return location for an error
 *
 * Fills the places `%(key)s` and `{key}` of @text. `%%`, `{{` and `}}` give `%`, `{` and `}`.
 * Braces around anything but a key (letters, digits, `_`, `-`, `.`) are left as they are. Values
 * are not expanded again. Thread-safe when @lookup is.
 *
 * Returns: (transfer full): the filled text; %NULL with %HOOKRUN_ERROR_NOT_FOUND for a key without
 *   a value or %HOOKRUN_ERROR_INVALID for a place that does not end
 *
 * Since: 1.0
 */
char *
hookrun_template_expand (const char *text, HookrunTemplateLookup lookup, gpointer user_data,
                         GError **error)
{
  g_autoptr (GString) out = g_string_new (NULL);

  while (*text != '\0') {
    gsize length;

    if ((text[0] == '%' && text[1] == '%') || (text[0] == '{' && text[1] == '{') ||
        (text[0] == '}' && text[1] == '}')) {
      g_string_append_c (out, text[0]);
      text += 2;
    } else if (text[0] == '%' && text[1] == '(') {
      length = key_length (text + 2);
      if (length == 0 || text[2 + length] != ')' || text[3 + length] != 's') {
        g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                     "template place \"%.20s\" is not of the form %%(key)s", text);
        return NULL;
      }
      if (!append_value (out, text + 2, length, lookup, user_data, error))
        return NULL;
      text += length + 4;
    } else if (text[0] == '{' && (length = key_length (text + 1)) > 0 && text[1 + length] == '}') {
      if (!append_value (out, text + 1, length, lookup, user_data, error))
        return NULL;
      text += length + 2;
    } else {
      g_string_append_c (out, *text++);
    }
  }
  return g_string_free (g_steal_pointer (&out), FALSE);
}
