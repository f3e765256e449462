/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads what rsync prints of a run: itemised changes, and the counts of --stats. */
#include "hookrun-sync-private.h"

#include <string.h>

/* "--out-format=%i %n%L": eleven letters, a space, a name; a link has " -> target" behind it. */
#define N_LETTERS 11
#define DELETING "*deleting  "

static const struct {
  const char *prefix;
  gsize offset;
} statistics[] = {
    {"Number of regular files transferred: ", G_STRUCT_OFFSET (HookrunSyncResult, n_files)},
    {"Number of files transferred: ", G_STRUCT_OFFSET (HookrunSyncResult, n_files)},
    {"Total transferred file size: ", G_STRUCT_OFFSET (HookrunSyncResult, n_bytes)},
    {"Number of deleted files: ", G_STRUCT_OFFSET (HookrunSyncResult, n_deleted)},
};

static guint64
read_count (const char *text)
{
  guint64 value = 0;

  for (; g_ascii_isdigit (*text) || *text == ',' || *text == '.'; text++)
    if (g_ascii_isdigit (*text))
      value = value * 10 + (guint64)(*text - '0');
  return value;
}

static gboolean
parse_statistic (HookrunSyncResult *result, const char *line)
{
  for (gsize i = 0; i < G_N_ELEMENTS (statistics); i++)
    if (g_str_has_prefix (line, statistics[i].prefix)) {
      guint64 *value = G_STRUCT_MEMBER_P (result, statistics[i].offset);

      *value = read_count (line + strlen (statistics[i].prefix));
      return TRUE;
    }
  return FALSE;
}

/* rsync writes what it cannot print as "\#ooo". */
static char *
unescape (const char *name)
{
  GString *out = g_string_new (NULL);

  for (const char *at = name; *at != '\0'; at++) {
    if (at[0] == '\\' && at[1] == '#' && at[2] >= '0' && at[2] <= '3' && at[3] >= '0' &&
        at[3] <= '7' && at[4] >= '0' && at[4] <= '7') {
      g_string_append_c (out, (char)((at[2] - '0') * 64 + (at[3] - '0') * 8 + (at[4] - '0')));
      at += 4;
    } else {
      g_string_append_c (out, *at);
    }
  }
  return g_string_free (out, FALSE);
}

static char *
read_name (const char *line, char type)
{
  g_autofree char *cut = g_strdup (line + N_LETTERS + 1);
  char *arrow = type == 'L' ? strstr (cut, " -> ") : NULL;
  gsize length;

  if (arrow != NULL)
    *arrow = '\0';
  length = strlen (cut);
  if (length > 0 && cut[length - 1] == '/')
    cut[length - 1] = '\0';
  return unescape (cut);
}

static void
parse_change (HookrunSyncResult *result, const char *line, GPtrArray *attributes_only)
{
  g_autofree char *name = NULL;
  char type;

  if (strlen (line) <= N_LETTERS + 1 || line[N_LETTERS] != ' ')
    return;
  type = line[1];
  name = read_name (line, type);
  if (g_str_has_prefix (line, DELETING)) {
    hookrun_sync_result_add_change (result, '-', name);
    result->n_deleted++;
    return;
  }
  if (strchr ("<>ch.", line[0]) == NULL || strchr ("fdLDS", type) == NULL ||
      g_str_equal (name, "."))
    return;
  hookrun_sync_result_add_change (result, strchr (line, '+') == line + 2 ? '+' : '~', name);
  if (attributes_only != NULL && line[0] == '.' && type == 'f')
    g_ptr_array_add (attributes_only, g_steal_pointer (&name));
}

void
hookrun_rsync_parse (HookrunSyncResult *result, const char *text, GPtrArray *attributes_only)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (gsize i = 0; lines[i] != NULL; i++)
    if (!parse_statistic (result, lines[i]))
      parse_change (result, lines[i], attributes_only);
}
