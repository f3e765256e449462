/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small reader of ssh_config(5) for machines without an ssh program: "Host", "Match" with the
 * criteria all, host, originalhost and user, and "Include". A "Match" that needs a command or the
 * network never matches here.
 */
#include "hookrun-ssh-config-private.h"

#include <fcntl.h>
#include <glob.h>
#include <string.h>

#include "hookrun-file-private.h"
#include "hookrun-ssh-pattern-private.h"

#define MAX_FILE (1024 * 1024)
#define MAX_DEPTH 16

typedef struct {
  const HookrunSshSpec *spec;
  GString *lines;
  GHashTable *seen; /* keywords whose first value was found */
  guint depth;
} Reader;

static gboolean read_file (Reader *self, const char *path, gboolean active, GError **error);

char **
hookrun_ssh_config_split (const char *line)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();

  while (*line != '\0') {
    gboolean quoted;
    gsize length;

    line += strspn (line, " \t\r");
    if (*line == '\0')
      break;
    quoted = *line == '"';
    line += quoted ? 1 : 0;
    length = strcspn (line, quoted ? "\"" : " \t\r");
    g_ptr_array_add (words, g_strndup (line, length));
    line += length;
    line += quoted && *line == '"' ? 1 : 0;
  }
  g_ptr_array_add (words, NULL);
  return (char **)g_ptr_array_free (g_steal_pointer (&words), FALSE);
}

gboolean
hookrun_ssh_config_match (const char *const *patterns, const char *name)
{
  gboolean matched = FALSE;

  for (guint i = 0; patterns[i] != NULL; i++) {
    int result = hookrun_ssh_pattern_match_list (patterns[i], name);

    if (result < 0)
      return FALSE;
    matched = matched || result > 0;
  }
  return matched;
}

/* The value that a "Match" criterion is compared with; NULL if it cannot be known here. */
static const char *
criterion_value (Reader *self, const char *criterion)
{
  const char *host_name = g_hash_table_lookup (self->seen, "hostname");
  const char *user = g_hash_table_lookup (self->seen, "user");

  if (g_ascii_strcasecmp (criterion, "originalhost") == 0)
    return self->spec->host;
  if (g_ascii_strcasecmp (criterion, "host") == 0)
    return host_name != NULL ? host_name : self->spec->host;
  if (g_ascii_strcasecmp (criterion, "localuser") == 0)
    return g_get_user_name ();
  if (g_ascii_strcasecmp (criterion, "user") == 0 && self->spec->user != NULL)
    return self->spec->user;
  if (g_ascii_strcasecmp (criterion, "user") == 0)
    return user != NULL ? user : g_get_user_name ();
  return NULL;
}

static gboolean
match_block (Reader *self, char **words)
{
  for (guint i = 0; words[i] != NULL; i += 2) {
    const char *value;
    const char *patterns[2];

    if (g_ascii_strcasecmp (words[i], "all") == 0)
      return words[i + 1] == NULL;
    value = criterion_value (self, words[i]);
    if (value == NULL || words[i + 1] == NULL)
      return FALSE;
    patterns[0] = words[i + 1];
    patterns[1] = NULL;
    if (!hookrun_ssh_config_match (patterns, value))
      return FALSE;
  }
  return TRUE;
}

static gboolean
include (Reader *self, char **words, gboolean active, GError **error)
{
  for (guint i = 0; words[i] != NULL; i++) {
    g_autofree char *pattern = NULL;
    glob_t found = {0};
    gboolean good = TRUE;

    if (words[i][0] == '/')
      pattern = g_strdup (words[i]);
    else if (words[i][0] == '~')
      pattern = g_strconcat (g_get_home_dir (), words[i] + 1, NULL);
    else
      pattern = g_build_filename (g_get_home_dir (), ".ssh", words[i], NULL);
    if (glob (pattern, 0, NULL, &found) == 0)
      for (gsize j = 0; good && j < found.gl_pathc; j++)
        good = read_file (self, found.gl_pathv[j], active, error);
    globfree (&found);
    if (!good)
      return FALSE;
  }
  return TRUE;
}

/* "HostName %h" and the like are resolved when they are read. */
static void
take (Reader *self, const char *keyword, const char *value)
{
  g_autofree char *name = g_ascii_strdown (keyword, -1);
  g_autofree char *filled = NULL;

  if (g_hash_table_contains (self->seen, name) && strcmp (name, "identityfile") != 0)
    return;
  if (strcmp (name, "hostname") == 0) {
    g_auto (GStrv) parts = g_strsplit (value, "%h", -1);

    filled = g_strjoinv (self->spec->host, parts);
    value = filled;
  }
  g_string_append_printf (self->lines, "%s %s\n", name, value);
  g_hash_table_insert (self->seen, g_steal_pointer (&name), g_strdup (value));
}

static gboolean
read_line (Reader *self, char *line, gboolean outer, gboolean *active, GError **error)
{
  g_auto (GStrv) words = NULL;
  g_autofree char *value = NULL;
  gsize length;
  char *rest;

  g_strstrip (line);
  if (*line == '\0' || *line == '#')
    return TRUE;
  length = strcspn (line, " \t=");
  rest = line + length;
  rest += strspn (rest, " \t");
  rest += *rest == '=' ? 1 : 0;
  rest += strspn (rest, " \t");
  line[length] = '\0';
  words = hookrun_ssh_config_split (rest);
  if (g_ascii_strcasecmp (line, "host") == 0)
    *active = outer && hookrun_ssh_config_match ((const char *const *)words, self->spec->host);
  else if (g_ascii_strcasecmp (line, "match") == 0)
    *active = outer && match_block (self, words);
  else if (g_ascii_strcasecmp (line, "include") == 0)
    return !*active || include (self, words, *active, error);
  else if (*active && words[0] != NULL)
    take (self, line, words[1] == NULL ? words[0] : rest);
  return TRUE;
}

static gboolean
read_file (Reader *self, const char *path, gboolean active, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  gboolean outer = active;

  if (self->depth >= MAX_DEPTH) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                 "%s: \"Include\" is nested deeper than %d; does it include itself?", path,
                 MAX_DEPTH);
    return FALSE;
  }
  text = hookrun_file_read_at (AT_FDCWD, path, MAX_FILE, NULL, &local);
  if (text == NULL && g_error_matches (local, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND))
    return TRUE;
  if (text == NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  self->depth++;
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (!read_line (self, lines[i], outer, &active, error))
      return FALSE;
  self->depth--;
  return TRUE;
}

gboolean
hookrun_ssh_config_read_file (const HookrunSshSpec *spec, const char *path, GString *lines,
                              GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_auto (GStrv) old = g_strsplit (lines->str, "\n", -1);
  Reader self = {spec, lines, seen, 0};

  for (guint i = 0; old[i] != NULL; i++) {
    const char *blank = strchr (old[i], ' ');

    if (blank != NULL)
      g_hash_table_insert (seen, g_strndup (old[i], (gsize)(blank - old[i])), g_strdup (blank + 1));
  }
  return read_file (&self, path, TRUE, error);
}
