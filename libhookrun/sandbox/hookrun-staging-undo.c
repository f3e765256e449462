/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taking an applied commit back: a commit like any other, whose new versions are the ones that were
 * displaced, and which is refused when a file is no longer what the first one put there.
 */
#include "hookrun-staging-private.h"

static HookrunStagingCommit *
find_undoable (HookrunStaging *self, guint64 id, GError **error)
{
  HookrunStagingCommit *commit =
      hookrun_staging_book_find_commit (hookrun_staging_ledger_get_book (self->ledger), id);

  if (commit == NULL || commit->state != HOOKRUN_STAGING_COMMIT_DONE) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
                 "there is no applied change %" G_GUINT64_FORMAT "; the last %d are kept", id,
                 HOOKRUN_STAGING_KEEP_COMMITS);
    return NULL;
  }
  if (commit->undone_by == 0)
    return commit;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS,
               "change %" G_GUINT64_FORMAT " was undone already, by %" G_GUINT64_FORMAT, id,
               commit->undone_by);
  return NULL;
}

static gboolean
add_reverse (HookrunStaging *self, HookrunStagingCommit *undo, HookrunStagingCommit *commit,
             guint index, GError **error)
{
  const HookrunStagingEntry *entry = commit->entries->pdata[index];
  g_autoptr (HookrunStagedVersion) wanted = hookrun_staged_version_copy (entry->old);
  g_autofree char *name = hookrun_staging_commit_kept_name (commit, index);
  g_autofree char *what = g_build_filename (self->folder, HOOKRUN_STAGING_KEPT_FOLDER, name, NULL);
  HookrunStagingSpot spot = {self->kept_fd, name, what};

  if (!hookrun_staged_version_load (wanted, &spot, error))
    return FALSE;
  g_ptr_array_add (undo->entries, hookrun_staging_entry_new (entry->path, entry->new, wanted));
  return TRUE;
}

static HookrunStagingCommit *
undo_locked (HookrunStaging *self, guint64 id, GError **error)
{
  HookrunStagingCommit *commit = find_undoable (self, id, error);
  g_autoptr (HookrunStagingCommit) undo = NULL;

  if (commit == NULL)
    return NULL;
  undo = hookrun_staging_commit_new (commit->module);
  undo->undoes = id;
  for (guint i = 0; i < commit->entries->len; i++)
    if (!add_reverse (self, undo, commit, i, error))
      return NULL;
  if (!hookrun_staging_run_commit (self, undo, error)) {
    g_prefix_error (error, "change %" G_GUINT64_FORMAT " cannot be undone: ", id);
    return NULL;
  }
  return hookrun_staging_commit_ref (
      hookrun_staging_book_find_commit (hookrun_staging_ledger_get_book (self->ledger), undo->id));
}

HookrunStagingCommit *
hookrun_staging_run_undo (HookrunStaging *self, guint64 id, GCancellable *cancellable,
                          GError **error)
{
  HookrunStagingCommit *undo;

  if (!hookrun_staging_begin (self, cancellable, error))
    return NULL;
  undo = undo_locked (self, id, error);
  hookrun_staging_end (self);
  return undo;
}

/**
 * hookrun_staging_undo:
 * @self: a staging
 * @id: number of an applied commit
 * @error: return location; %HOOKRUN_ERROR_NOT_FOUND for an unknown number, %HOOKRUN_ERROR_EXISTS
 * when it was undone already, %HOOKRUN_ERROR_CONFLICT when a file was changed since, and those of
 *   [method@Hookrun.Staging.settle]
 *
 * Takes an applied commit back, whole: each file becomes what it was, with mode, owner, attributes
 * and time; what had been new is gone, what had been removed is there again. It is a commit of its
 * own, so it can be undone too. Blocks for disk.
 *
 * Returns: (transfer full): the commit that undid it, or %NULL with @error set
 *
 * Since: 1.0
 */
HookrunStagingCommit *
hookrun_staging_undo (HookrunStaging *self, guint64 id, GError **error)
{
  return hookrun_staging_run_undo (self, id, NULL, error);
}

/**
 * hookrun_staging_list_commits:
 * @self: a staging
 * @error: return location; %HOOKRUN_ERROR_BUSY, %HOOKRUN_ERROR_INVALID when the ledger is damaged,
 *   %HOOKRUN_ERROR_IO
 *
 * Lists what was applied, oldest first, undoings and undone ones too. At least the last hundred are
 * kept.
 *
 * Returns: (transfer container) (element-type HookrunStagingCommit): the commits, or %NULL with
 *   @error set
 *
 * Since: 1.0
 */
GPtrArray *
hookrun_staging_list_commits (HookrunStaging *self, GError **error)
{
  GPtrArray *commits;
  HookrunStagingBook *book;

  if (!hookrun_staging_ledger_lock (self->ledger, self->wait_ms, NULL, error))
    return NULL;
  commits = g_ptr_array_new_with_free_func ((GDestroyNotify)(gpointer)hookrun_staging_commit_unref);
  book = hookrun_staging_ledger_get_book (self->ledger);
  for (guint i = 0; i < book->commits->len; i++) {
    HookrunStagingCommit *commit = book->commits->pdata[i];

    if (commit->state == HOOKRUN_STAGING_COMMIT_DONE)
      g_ptr_array_add (commits, hookrun_staging_commit_ref (commit));
  }
  hookrun_staging_ledger_unlock (self->ledger);
  return commits;
}

/**
 * hookrun_staging_abandon:
 * @self: a staging
 * @error: return location; %HOOKRUN_ERROR_NOT_FOUND when no commit is open, %HOOKRUN_ERROR_BUSY,
 *   %HOOKRUN_ERROR_IO
 *
 * Gives up a commit that [method@Hookrun.Staging.recover] refuses to end because files were changed
 * since. Nothing is touched: what lies in place stays, and so do the versions beside it, whose
 * names the error of recover told.
 *
 * Returns: whether new changes can be applied again
 *
 * Since: 1.0
 */
gboolean
hookrun_staging_abandon (HookrunStaging *self, GError **error)
{
  HookrunStagingBook *book;
  gboolean ok = FALSE;

  if (!hookrun_staging_ledger_lock (self->ledger, self->wait_ms, NULL, error))
    return FALSE;
  book = hookrun_staging_ledger_get_book (self->ledger);
  if (book->open != NULL)
    ok = hookrun_staging_ledger_append (
        self->ledger, hookrun_staging_record_new ("abandon", book->open->id), TRUE, error);
  else
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND, "no commit was cut off");
  hookrun_staging_ledger_unlock (self->ledger);
  return ok;
}
