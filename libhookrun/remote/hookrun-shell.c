/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Quoting for the POSIX shell of a target. Words are bytes: they need not be UTF-8 and may hold
 * newlines; nothing inside single quotes means anything to the shell but the quote itself.
 */
#include "hookrun-shell-private.h"

static void
append_quoted (GString *out, const char *word)
{
  g_string_append_c (out, '\'');
  for (const char *at = word; *at != '\0'; at++)
    if (*at == '\'')
      g_string_append (out, "'\\''");
    else
      g_string_append_c (out, *at);
  g_string_append_c (out, '\'');
}

char *
hookrun_shell_quote (const char *word)
{
  GString *out = g_string_new (NULL);

  append_quoted (out, word);
  return g_string_free (out, FALSE);
}

char *
hookrun_shell_quote_argv (const char *const *argv)
{
  GString *out = g_string_new (NULL);

  for (gsize i = 0; argv[i] != NULL; i++) {
    if (i > 0)
      g_string_append_c (out, ' ');
    append_quoted (out, argv[i]);
  }
  return g_string_free (out, FALSE);
}
