/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks of single values. Each gives the end of a sentence that begins with the key: what is wrong
 * with the value and what it may be.
 */
#include "hookrun-values-private.h"

#include <string.h>

#include "hookrun-faults-private.h"

static const struct {
  const char *word;
  gboolean value;
} boolean_words[] = {
    {"1", TRUE},  {"yes", TRUE}, {"true", TRUE},   {"on", TRUE},
    {"0", FALSE}, {"no", FALSE}, {"false", FALSE}, {"off", FALSE},
};

G_GNUC_PRINTF (2, 3)
static char *
fault (const char *value, const char *format, ...)
{
  g_autofree char *excerpt = hookrun_excerpt (value);
  g_autofree char *why = NULL;
  va_list args;

  va_start (args, format);
  why = g_strdup_vprintf (format, args);
  va_end (args);
  g_strdelimit (excerpt, "\n", ' ');
  return g_strdup_printf ("is \"%s\", %s", excerpt, why);
}

char *
hookrun_value_check_boolean (const char *value)
{
  for (gsize i = 0; i < G_N_ELEMENTS (boolean_words); i++)
    if (g_ascii_strcasecmp (value, boolean_words[i].word) == 0)
      return NULL;
  return fault (value, "which is neither yes nor no");
}

gboolean
hookrun_value_to_boolean (const char *value)
{
  for (gsize i = 0; i < G_N_ELEMENTS (boolean_words); i++)
    if (g_ascii_strcasecmp (value, boolean_words[i].word) == 0)
      return boolean_words[i].value;
  return FALSE;
}

/* Text on one line, not empty. */
char *
hookrun_value_check_text (const char *value)
{
  if (*value == '\0')
    return g_strdup ("has no value");
  if (strchr (value, '\n') != NULL)
    return fault (value, "which spans lines; write it on one");
  return NULL;
}

/* Nothing fills a template here: taken as it stands it would become part of a name. */
static gboolean
has_template (const char *value)
{
  const char *open = strstr (value, "%(");
  const char *brace = strchr (value, '{');

  return (open != NULL && strchr (open, ')') != NULL) ||
         (brace != NULL && strchr (brace, '}') != NULL);
}

static gboolean
has_parent_part (const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);

  return g_strv_contains ((const char *const *)parts, "..");
}

char *
hookrun_value_check_destination (const char *value)
{
  char *why = hookrun_value_check_text (value);

  if (why != NULL)
    return why;
  if (has_template (value))
    return fault (value,
                  "a template, which nothing fills here; write the path out (a key path-ALIAS "
                  "holds for one host)");
  if (value[strspn (value, "~/.")] == '\0')
    return fault (value, "which is not a folder of the module's own; name one below it");
  if (*value == '~' && value[1] != '/')
    return fault (value, "the home of another user; write the whole path");
  if (has_parent_part (value))
    return fault (value, "which goes up with \"..\"; write the path it leads to");
  if (*value != '/' && *value != '~')
    return fault (value, "which is relative; write the whole path, or ~/ before it when it lies in "
                         "the home of the user who logs in");
  return NULL;
}

char *
hookrun_value_check_keep (const char *value)
{
  guint64 number;

  if (g_ascii_string_to_unsigned (value, 10, 1, 1000, &number, NULL))
    return NULL;
  return fault (value, "which is not a number from 1 to 1000");
}

char *
hookrun_value_check_layout (const char *value)
{
  if (g_str_equal (value, "releases") || g_str_equal (value, "in-place"))
    return NULL;
  return fault (value, "which is neither releases nor in-place");
}

static char *
check_shared_path (const char *path)
{
  if (has_template (path))
    return fault (path, "a template, which nothing fills here; write the path out");
  if (*path == '/' || has_parent_part (path) || path[strspn (path, "/.")] == '\0')
    return fault (path, "which is not a path inside the module; write it relative, without \"..\"");
  return NULL;
}

static char *
check_each (char **items, HookrunValueCheck check)
{
  for (char **item = items; *item != NULL; item++) {
    char *why = check (*item);

    if (why != NULL)
      return why;
  }
  return NULL;
}

char *
hookrun_value_check_version (const char *value)
{
  if (*value != '\0' && has_template (value))
    return fault (value, "a template, which nothing fills here; write the version out");
  return hookrun_value_check_text (value);
}

char *
hookrun_value_check_shared (const char *value)
{
  g_auto (GStrv) items = hookrun_value_to_list (value);

  return check_each (items, check_shared_path);
}

/* Names of modules and hosts become parts of file names, options and messages. */
char *
hookrun_value_check_name (const char *value)
{
  const char *c = value;

  if (*c == '\0')
    return g_strdup ("is an empty name");
  if (*c == '-' || *c == '.')
    return fault (value, "a name that begins with \"%c\"; begin it with a letter or digit", *c);
  for (; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("_-.", *c) == NULL && (guchar)*c < 0x80)
      return fault (value, "a name with \"%c\" in it; use letters, digits, \"_\", \"-\" and \".\"",
                    *c);
  return NULL;
}

char *
hookrun_value_check_names (const char *value)
{
  g_auto (GStrv) items = hookrun_value_to_list (value);

  return check_each (items, hookrun_value_check_name);
}

/* What git itself refuses as a name of a tag or branch, and what a program would take as an option
 * (the rules of git-check-ref-format(1)). */
char *
hookrun_value_check_ref (const char *value)
{
  const char *c;

  if (*value == '\0')
    return g_strdup ("has no value");
  if (*value == '-' || *value == '/' || *value == '.')
    return fault (value, "which begins with \"%c\"; no tag or branch does", *value);
  for (c = value; *c != '\0'; c++)
    if ((guchar)*c <= ' ' || strchr ("~^:?*[\\", *c) != NULL)
      return fault (value, "which no tag or branch can be named");
  if (strstr (value, "%(") != NULL)
    return fault (value, "a template, which nothing fills here; write the name out");
  if (strstr (value, "..") != NULL || strstr (value, "//") != NULL ||
      strstr (value, "/.") != NULL || strstr (value, "@{") != NULL || c[-1] == '/' ||
      c[-1] == '.' || g_str_equal (value, "@") || g_str_has_suffix (value, ".lock"))
    return fault (value, "which no tag or branch can be named");
  return NULL;
}

char **
hookrun_value_to_list (const char *value)
{
  g_auto (GStrv) parts = g_strsplit_set (value, ",\n", -1);
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();

  for (char **part = parts; *part != NULL; part++)
    if (*g_strstrip (*part) != '\0')
      g_strv_builder_add (list, *part);
  return g_strv_builder_end (list);
}

char **
hookrun_value_to_names (const char *value)
{
  g_auto (GStrv) items = hookrun_value_to_list (value);
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (char **item = items; *item != NULL; item++) {
    for (char *c = *item; *c != '\0'; c++)
      *c = g_ascii_tolower (*c);
    if (g_hash_table_add (seen, *item))
      g_strv_builder_add (list, *item);
  }
  return g_strv_builder_end (list);
}
