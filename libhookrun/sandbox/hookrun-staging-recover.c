/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ending a commit that was begun and not ended, by what lies on disk: each file is in one of a few
 * known positions, and the positions together say forward or back. Anything else stops, and every
 * version stays where it is. A failed commit takes itself back by the same way.
 */
#include "hookrun-staging-private.h"
#include "hookrun-error-private.h"
#include "hookrun-file-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef enum {
  WAY_STOP,
  WAY_FORWARD,
  WAY_BACK,
} Way;

static gboolean
locate_all (HookrunStaging *self, HookrunStagingCommit *commit, HookrunStagingPosition *positions,
            GError **error)
{
  for (guint i = 0; i < commit->entries->len; i++) {
    g_autofree char *kept_name = hookrun_staging_commit_kept_name (commit, i);

    if (!hookrun_staging_entry_locate (self, commit->entries->pdata[i], kept_name, &positions[i],
                                       error))
      return FALSE;
  }
  return TRUE;
}

static guint
count (const HookrunStagingPosition *positions, guint n, HookrunStagingPosition wanted)
{
  guint found = 0;

  for (guint i = 0; i < n; i++)
    found += positions[i] == wanted ? 1 : 0;
  return found;
}

/* Versions move to the state folder only after all files have been exchanged and looked at; new
 * versions are removed only after all have been exchanged back. */
static Way
choose_way (const HookrunStagingPosition *positions, guint n, gboolean forward)
{
  guint after = count (positions, n, HOOKRUN_STAGING_AFTER);
  guint before = count (positions, n, HOOKRUN_STAGING_BEFORE);
  guint kept = count (positions, n, HOOKRUN_STAGING_KEPT);
  guint neutral = count (positions, n, HOOKRUN_STAGING_NEUTRAL);

  if (count (positions, n, HOOKRUN_STAGING_UNKNOWN) > 0)
    return WAY_STOP;
  if (kept > 0)
    return kept + after + neutral == n ? WAY_FORWARD : WAY_STOP;
  if (!forward || after + before + neutral < n)
    return WAY_BACK;
  return after + before > 0 ? WAY_FORWARD : WAY_BACK;
}

static gboolean
stop (HookrunStagingCommit *commit, const HookrunStagingPosition *positions, GError **error)
{
  g_autoptr (GString) paths = g_string_new (NULL);

  for (guint i = 0; i < commit->entries->len; i++) {
    const HookrunStagingEntry *entry = commit->entries->pdata[i];

    if (positions[i] == HOOKRUN_STAGING_UNKNOWN)
      g_string_append_printf (paths, "%s\"%s\" (beside it: \"%s\")", paths->len > 0 ? ", " : "",
                              entry->path, entry->temporary);
  }
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
               "commit %" G_GUINT64_FORMAT " of module \"%s\" was cut off, and files were changed "
               "since: %s; every version is kept. Put the wanted ones in place, then abandon the "
               "commit",
               commit->id, commit->module, paths->len > 0 ? paths->str : "its files");
  return FALSE;
}

/* A folder that is gone took what lay in it along; that is the user's to know. */
static gboolean
cannot_look (HookrunStagingCommit *commit, const GError *problem, GError **error)
{
  if (!g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_error_copy (problem));
    return FALSE;
  }
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
               "commit %" G_GUINT64_FORMAT
               " of module \"%s\" was cut off, and cannot be ended: %s; "
               "every version is kept where it was. Put the folder back, or abandon the commit",
               commit->id, commit->module, problem->message);
  return FALSE;
}

/* ---- back ---- */

static gboolean
swap_all_back (HookrunStagingCommit *commit, const HookrunStagingPosition *positions,
               GError **error)
{
  for (guint i = commit->entries->len; i > 0; i--)
    if ((positions[i - 1] == HOOKRUN_STAGING_AFTER || positions[i - 1] == HOOKRUN_STAGING_WRONG) &&
        !hookrun_staging_entry_swap_back (commit->entries->pdata[i - 1], error))
      return FALSE;
  return TRUE;
}

static gboolean
remove_all_new (HookrunStagingCommit *commit, const HookrunStagingPosition *positions,
                GError **error)
{
  for (guint i = 0; i < commit->entries->len; i++)
    if (positions[i] != HOOKRUN_STAGING_CLEAN && positions[i] != HOOKRUN_STAGING_NEUTRAL &&
        !hookrun_staging_entry_remove_temporary (commit->entries->pdata[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
go_back (HookrunStaging *self, HookrunStagingCommit *commit,
         const HookrunStagingPosition *positions, GError **error)
{
  /* All old versions are in place, and on disk, before the first new one goes. */
  return swap_all_back (commit, positions, error) && hookrun_staging_sync_folders (commit, error) &&
         remove_all_new (commit, positions, error) &&
         hookrun_staging_sync_folders (commit, error) &&
         hookrun_staging_ledger_append (
             self->ledger, hookrun_staging_record_new ("back", commit->id), FALSE, error);
}

/* ---- forward ---- */

static gboolean
swap_rest (HookrunStagingCommit *commit, const HookrunStagingPosition *positions, GError **error)
{
  for (guint i = 0; i < commit->entries->len; i++)
    if (positions[i] == HOOKRUN_STAGING_BEFORE &&
        !hookrun_staging_entry_swap (commit->entries->pdata[i], error))
      return FALSE;
  return hookrun_staging_sync_folders (commit, error);
}

static gboolean
end_as_found (HookrunStaging *self, HookrunStagingCommit *commit, gboolean forward,
              gboolean *applied, GError **error)
{
  guint n = commit->entries->len;
  g_autofree HookrunStagingPosition *positions = g_new0 (HookrunStagingPosition, n);
  g_autoptr (GError) problem = NULL;
  Way way;

  if (!locate_all (self, commit, positions, &problem))
    return cannot_look (commit, problem, error);
  way = choose_way (positions, n, forward);
  *applied = way == WAY_FORWARD;
  if (way == WAY_STOP)
    return stop (commit, positions, error);
  if (way == WAY_BACK)
    return go_back (self, commit, positions, error);
  return swap_rest (commit, positions, error) &&
         hookrun_staging_finish_forward (self, commit, error);
}

gboolean
hookrun_staging_end_open (HookrunStaging *self, gboolean forward, gboolean *applied, GError **error)
{
  HookrunStagingBook *book = hookrun_staging_ledger_get_book (self->ledger);
  g_autoptr (HookrunStagingCommit) commit = NULL;
  g_autoptr (GError) problem = NULL;

  if (book == NULL || book->open == NULL)
    return TRUE;
  commit = hookrun_staging_commit_ref (book->open);
  if (end_as_found (self, commit, forward, applied, &problem))
    return TRUE;
  /* On the way forward a file turned out to be changed: then all go back. */
  if (forward && *applied && g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT) &&
      end_as_found (self, commit, FALSE, applied, NULL))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/* ---- what is left over ---- */

static gboolean
remove_early (HookrunStaging *self, const char *path, GError **error)
{
  g_autofree char *name = g_path_get_basename (path);
  g_autoptr (GError) problem = NULL;
  g_autoptr (HookrunStagingFolder) folder = hookrun_staging_find_folder (self, path, &problem);

  if (folder == NULL && g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND))
    return TRUE;
  if (folder == NULL) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  if (unlinkat (folder->fd, name, 0) == 0 || errno == ENOENT)
    return TRUE;
  hookrun_set_error_from_errno (error, errno, "cannot remove \"%s\"", path);
  return FALSE;
}

gboolean
hookrun_staging_sweep_early (HookrunStaging *self, GError **error)
{
  HookrunStagingBook *book = hookrun_staging_ledger_get_book (self->ledger);

  if (book == NULL || book->early == NULL)
    return TRUE;
  for (guint i = 0; book->early[i] != NULL; i++)
    if (!remove_early (self, book->early[i], error))
      return FALSE;
  return hookrun_staging_ledger_append (self->ledger, hookrun_staging_record_new ("swept", 0),
                                        FALSE, error);
}

static GHashTable *
list_named (HookrunStagingBook *book)
{
  GHashTable *named = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < book->commits->len; i++) {
    HookrunStagingCommit *commit = book->commits->pdata[i];

    for (guint j = 0; j < commit->entries->len; j++)
      g_hash_table_add (named, hookrun_staging_commit_kept_name (commit, j));
  }
  for (guint i = 0; i < book->pending->len; i++) {
    const HookrunStagingPending *pending = book->pending->pdata[i];

    g_hash_table_add (named, g_strdup_printf ("p%" G_GUINT64_FORMAT "-old", pending->id));
    g_hash_table_add (named, g_strdup_printf ("p%" G_GUINT64_FORMAT "-new", pending->id));
  }
  return named;
}

gboolean
hookrun_staging_sweep_kept (HookrunStaging *self, GError **error)
{
  HookrunStagingBook *book = hookrun_staging_ledger_get_book (self->ledger);
  g_autoptr (GHashTable) named = list_named (book);
  int fd = openat (self->kept_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd < 0 ? NULL : fdopendir (fd);
  const struct dirent *entry;

  if (dir == NULL) {
    hookrun_set_error_from_errno (
        error, errno, "cannot list \"%s/" HOOKRUN_STAGING_KEPT_FOLDER "\"", self->folder);
    if (fd >= 0)
      close (fd);
    return FALSE;
  }
  while ((entry = readdir (dir)) != NULL)
    if (entry->d_name[0] != '.' && !g_hash_table_contains (named, entry->d_name))
      unlinkat (self->kept_fd, entry->d_name, 0);
  closedir (dir);
  return TRUE;
}
