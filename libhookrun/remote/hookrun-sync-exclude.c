/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which paths a sync leaves out, in the rules of rsync's --exclude: a pattern without a slash
 * matches the last name of a path, one that starts with a slash the whole path, one with a slash
 * elsewhere the end of the path; a slash at its end means folders only.
 */
#include "hookrun-sync-private.h"

#include <fnmatch.h>
#include <string.h>

/* With "**" a star crosses slashes. */
static gboolean
match (const char *pattern, const char *path)
{
  int flags = strstr (pattern, "**") != NULL ? 0 : FNM_PATHNAME;

  return fnmatch (pattern, path, flags) == 0;
}

static gboolean
match_ends (const char *pattern, const char *path)
{
  for (const char *at = path; at != NULL; at = strchr (at, '/')) {
    if (*at == '/')
      at++;
    if (match (pattern, at))
      return TRUE;
  }
  return FALSE;
}

static gboolean
match_pattern (const char *given, const char *path, gboolean is_folder)
{
  gsize length = strlen (given);
  g_autofree char *pattern = g_strdup (given);
  const char *name = strrchr (path, '/');

  if (length > 1 && pattern[length - 1] == '/') {
    if (!is_folder)
      return FALSE;
    pattern[length - 1] = '\0';
  }
  if (pattern[0] == '/')
    return match (pattern + 1, path);
  if (strchr (pattern, '/') != NULL || strstr (pattern, "**") != NULL)
    return match_ends (pattern, path);
  return match (pattern, name != NULL ? name + 1 : path);
}

gboolean
hookrun_sync_is_excluded (const HookrunSyncOptions *options, const char *path, gboolean is_folder)
{
  if (options->guard_state && strcmp (path, ".hookrun") == 0)
    return TRUE;
  for (gsize i = 0; options->excludes != NULL && options->excludes[i] != NULL; i++)
    if (match_pattern (options->excludes[i], path, is_folder))
      return TRUE;
  return FALSE;
}

gboolean
hookrun_sync_is_below_excluded (const HookrunSyncOptions *options, const char *path,
                                gboolean is_folder)
{
  g_autofree char *prefix = g_strdup (path);

  for (char *slash = strchr (prefix, '/'); slash != NULL; slash = strchr (slash + 1, '/')) {
    *slash = '\0';
    if (hookrun_sync_is_excluded (options, prefix, TRUE))
      return TRUE;
    *slash = '/';
  }
  return hookrun_sync_is_excluded (options, path, is_folder);
}
