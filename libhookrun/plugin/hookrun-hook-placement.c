/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a script says about its place, in a comment that works in any language, and what the name of
 * its file says.
 */
#include "hookrun-hook-private.h"

#include <string.h>

#define MARK "hookrun:"

static const char *const comment_starts[] = {"#", "//", "--", ";"};

static const char *const ignored_endings[] = {
    "~",         ".bak",      ".orig",    ".rej",      ".swp",      ".tmp",
    ".rpmsave",  ".rpmnew",   ".rpmorig", ".dpkg-old", ".dpkg-new", ".dpkg-dist",
    ".dpkg-bak", ".dpkg-tmp", ".ucf-old", ".ucf-new",  ".ucf-dist",
};

gboolean
hookrun_hook_name_is_ignored (const char *name)
{
  if (name[0] == '.' || name[0] == '#')
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (ignored_endings); i++)
    if (g_str_has_suffix (name, ignored_endings[i]))
      return TRUE;
  return FALSE;
}

/* A final ".sh", ".py", ".pl": a dot, a letter, at most three more letters or digits. */
static gsize
length_without_ending (const char *name)
{
  const char *dot = strrchr (name, '.');

  if (dot == NULL || dot == name || !g_ascii_isalpha (dot[1]) || strlen (dot) > 5)
    return strlen (name);
  for (const char *p = dot + 1; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p))
      return strlen (name);
  return (gsize)(dot - name);
}

char *
hookrun_hook_id_from_name (const char *name)
{
  gsize digits = strspn (name, "0123456789");
  g_autofree char *id = NULL;

  if (digits > 0 && (name[digits] == '-' || name[digits] == '_') && name[digits + 1] != '\0')
    name += digits + 1;
  id = g_strndup (name, length_without_ending (name));
  return hookrun_id_is_valid (id) ? g_steal_pointer (&id) : NULL;
}

/* ---- words ---- */

static void
add_ids (char ***list, const char *value)
{
  g_auto (GStrv) ids = g_strsplit (value, ",", -1);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  if (*list != NULL)
    g_strv_builder_addv (builder, (const char **)(gpointer)*list);
  for (guint i = 0; ids[i] != NULL; i++)
    if (*ids[i] != '\0')
      g_strv_builder_add (builder, ids[i]);
  g_strfreev (*list);
  *list = g_strv_builder_end (builder);
}

static gboolean
read_before (HookrunManifestHandler *handler, const char *value, GError **error)
{
  add_ids (&handler->before, value);
  return TRUE;
}

static gboolean
read_after (HookrunManifestHandler *handler, const char *value, GError **error)
{
  add_ids (&handler->after, value);
  return TRUE;
}

static gboolean
read_replaces (HookrunManifestHandler *handler, const char *value, GError **error)
{
  g_free (handler->replaces);
  handler->replaces = g_strdup (value);
  return TRUE;
}

static gboolean
read_id (HookrunManifestHandler *handler, const char *value, GError **error)
{
  if (!hookrun_id_is_valid (value)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "\"%s\" is no id", value);
    return FALSE;
  }
  g_free (handler->id);
  handler->id = g_strdup (value);
  return TRUE;
}

static gboolean
read_priority (HookrunManifestHandler *handler, const char *value, GError **error)
{
  gint64 number = 0;

  if (!g_ascii_string_to_signed (value, 10, -G_MAXINT, G_MAXINT, &number, NULL)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "\"%s\" is no whole number", value);
    return FALSE;
  }
  handler->priority = (int)number;
  return TRUE;
}

static gboolean
read_timeout (HookrunManifestHandler *handler, const char *value, GError **error)
{
  return hookrun_parse_duration (value, &handler->timeout_ms, error);
}

/* The name starts at the script's folder. */
static gboolean
read_policy (HookrunManifestHandler *handler, const char *value, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (handler->program);
  g_autofree char *path = g_canonicalize_filename (value, folder);

  g_clear_pointer (&handler->policy, hookrun_plugin_policy_unref);
  handler->policy = hookrun_plugin_policy_new_from_file (path, error);
  return handler->policy != NULL;
}

static const struct {
  const char *key;
  gboolean (*read) (HookrunManifestHandler *handler, const char *value, GError **error);
} words[] = {
    {"before", read_before}, {"after", read_after},       {"replaces", read_replaces},
    {"id", read_id},         {"priority", read_priority}, {"timeout", read_timeout},
    {"policy", read_policy},
};

static gboolean
read_word (HookrunManifestHandler *handler, const char *word, GError **error)
{
  const char *equals = strchr (word, '=');

  for (gsize i = 0; equals != NULL && equals[1] != '\0' && i < G_N_ELEMENTS (words); i++)
    if (strlen (words[i].key) == (gsize)(equals - word) &&
        strncmp (word, words[i].key, (gsize)(equals - word)) == 0) {
      if (words[i].read (handler, equals + 1, error))
        return TRUE;
      g_prefix_error (error, "\"%s\": ", words[i].key);
      return FALSE;
    }
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "unknown word \"%s\"; write before=ID, after=ID, replaces=ID, id=ID, priority=N, "
               "timeout=5s or policy=FILE",
               word);
  return FALSE;
}

/* The words of a line "# hookrun: …"; NULL when it is another line. */
static const char *
find_words (const char *line)
{
  line += strspn (line, " \t");
  for (gsize i = 0; i < G_N_ELEMENTS (comment_starts); i++)
    if (g_str_has_prefix (line, comment_starts[i])) {
      line += strlen (comment_starts[i]);
      line += strspn (line, " \t");
      return g_str_has_prefix (line, MARK) ? line + strlen (MARK) : NULL;
    }
  return NULL;
}

static gboolean
read_line (HookrunManifestHandler *handler, const char *line, GError **error)
{
  const char *text = find_words (line);
  g_auto (GStrv) parts = text != NULL ? g_strsplit_set (text, " \t\r", -1) : NULL;

  for (guint i = 0; parts != NULL && parts[i] != NULL; i++)
    if (*parts[i] != '\0' && !read_word (handler, parts[i], error))
      return FALSE;
  return TRUE;
}

gboolean
hookrun_hook_parse_placement (HookrunManifestHandler *handler, const char *head, gsize length,
                              const char *path, GError **error)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  /* Programs that were compiled have no comments. */
  if (length < 2 || head[0] != '#' || head[1] != '!')
    return TRUE;
  text = g_utf8_make_valid (head, (gssize)length);
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (!read_line (handler, lines[i], error)) {
      g_prefix_error (error, "\"%s\" line %u: ", path, i + 1);
      return FALSE;
    }
  return TRUE;
}
