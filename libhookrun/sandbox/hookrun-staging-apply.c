/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A commit from end to end. Every new version is on disk without a name before the record is; the
 * record is on disk before any name appears; so what a crash leaves beside a target is always named
 * by a record, and no record means that nothing happened.
 */
#include "hookrun-staging-private.h"
#include "hookrun-error-private.h"

#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

static gboolean
is_first_of_its_folder (HookrunStagingCommit *commit, guint index)
{
  const HookrunStagingEntry *entry = commit->entries->pdata[index];

  for (guint i = 0; i < index; i++) {
    const HookrunStagingEntry *other = commit->entries->pdata[i];

    if (other->folder->st.st_dev == entry->folder->st.st_dev &&
        other->folder->st.st_ino == entry->folder->st.st_ino)
      return FALSE;
  }
  return TRUE;
}

guint
hookrun_staging_count_folders (HookrunStagingCommit *commit)
{
  guint n = 0;

  for (guint i = 0; i < commit->entries->len; i++)
    n += is_first_of_its_folder (commit, i) ? 1 : 0;
  return n;
}

gboolean
hookrun_staging_sync_folders (HookrunStagingCommit *commit, GError **error)
{
  for (guint i = 0; i < commit->entries->len; i++) {
    const HookrunStagingEntry *entry = commit->entries->pdata[i];

    if (!is_first_of_its_folder (commit, i) || fsync (entry->folder->fd) == 0)
      continue;
    hookrun_set_error_from_errno (error, errno, "cannot sync folder \"%s\"", entry->folder->path);
    return FALSE;
  }
  return TRUE;
}

/* ---- before the record ---- */

/* A name must be nobody else's, or another commit's file beside the same target would be taken for
 * ours. So it is the kernel's chance: GLib's is the same in two processes after a fork. */
static gboolean
choose_names (HookrunStagingCommit *commit, GError **error)
{
  guint64 chance;

  if (getrandom (&chance, sizeof chance, 0) != sizeof chance) {
    hookrun_set_error_from_errno (error, errno, "cannot choose a name for a new file");
    return FALSE;
  }
  for (guint i = 0; i < commit->entries->len; i++) {
    HookrunStagingEntry *entry = commit->entries->pdata[i];

    g_free (entry->temporary);
    entry->temporary = g_strdup_printf (
        HOOKRUN_STAGING_TEMPORARY_PREFIX "%016" G_GINT64_MODIFIER "x-%u", chance, i);
  }
  return TRUE;
}

static gboolean
announce_names (HookrunStaging *self, HookrunStagingCommit *commit, GError **error)
{
  JsonObject *record;

  if (hookrun_staging_ledger_get_book (self->ledger)->early != NULL)
    return TRUE;
  record = hookrun_staging_commit_to_json (commit);
  json_object_set_string_member (record, "op", "early");
  return hookrun_staging_ledger_append (self->ledger, record, TRUE, error);
}

static gboolean
prepare_one (HookrunStaging *self, HookrunStagingCommit *commit, guint index, GError **error)
{
  HookrunStagingEntry *entry = commit->entries->pdata[index];
  g_autofree char *kept_name = hookrun_staging_commit_kept_name (commit, index);
  g_autoptr (GError) problem = NULL;

  if (!hookrun_staging_entry_open (self, entry, error))
    return FALSE;
  if (hookrun_staging_entry_prepare (self, entry, kept_name, &problem))
    return TRUE;
  if (!entry->needs_name || entry->made_early) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  /* A file that must have its name from the start is announced, so that no crash leaves it. */
  if (!announce_names (self, commit, error))
    return FALSE;
  entry->made_early = TRUE;
  return hookrun_staging_entry_prepare (self, entry, kept_name, error);
}

static gboolean
prepare_all (HookrunStaging *self, HookrunStagingCommit *commit, GError **error)
{
  for (guint i = 0; i < commit->entries->len; i++)
    if (hookrun_staging_is_cancelled (self, error) || !prepare_one (self, commit, i, error))
      return FALSE;
  return !hookrun_staging_is_cancelled (self, error);
}

/* ---- after the record ---- */

static void
close_prepared (HookrunStagingCommit *commit)
{
  for (guint i = 0; i < commit->entries->len; i++) {
    HookrunStagingEntry *entry = commit->entries->pdata[i];

    if (entry->fd >= 0)
      close (entry->fd);
    entry->fd = -1;
  }
}

static gboolean
link_and_swap (HookrunStagingCommit *commit, GError **error)
{
  for (guint i = 0; i < commit->entries->len; i++)
    if (!hookrun_staging_entry_link (commit->entries->pdata[i], error))
      return FALSE;
  for (guint i = 0; i < commit->entries->len; i++)
    if (!hookrun_staging_entry_swap (commit->entries->pdata[i], error))
      return FALSE;
  /* In one folder the names below are changed in order; across folders only a sync says so. */
  return hookrun_staging_count_folders (commit) == 1 ||
         hookrun_staging_sync_folders (commit, error);
}

/* A displaced version that was renamed needs no sync of its own: moving it out of the folder that
 * is synced and into the other one is one change of the filesystem. One that was copied was synced.
 */
gboolean
hookrun_staging_finish_forward (HookrunStaging *self, HookrunStagingCommit *commit, GError **error)
{
  for (guint i = 0; i < commit->entries->len; i++) {
    HookrunStagingEntry *entry = commit->entries->pdata[i];
    g_autofree char *kept_name = hookrun_staging_commit_kept_name (commit, i);

    if (!hookrun_staging_entry_keep (self, entry, kept_name, error))
      return FALSE;
  }
  if (!hookrun_staging_sync_folders (commit, error))
    return FALSE;
  /* Not synced: without this record the next start finds all done, and says so again. */
  return hookrun_staging_ledger_append (
      self->ledger, hookrun_staging_record_new ("done", commit->id), FALSE, error);
}

/* The folders that were pinned are the ones to tidy up, by whatever name they go now. */
static void
pin_folders (HookrunStaging *self, HookrunStagingCommit *commit)
{
  HookrunStagingCommit *open = hookrun_staging_ledger_get_book (self->ledger)->open;

  for (guint i = 0; i < commit->entries->len; i++) {
    const HookrunStagingEntry *entry = commit->entries->pdata[i];
    HookrunStagingEntry *noted = open->entries->pdata[i];

    if (noted->folder == NULL)
      noted->folder = hookrun_staging_folder_ref (entry->folder);
  }
}

/* Back to where all was. When even that fails the commit stays open, and the error says so. */
static gboolean
take_back (HookrunStaging *self, const GError *why, GError **error)
{
  g_autoptr (GError) problem = NULL;
  gboolean applied = FALSE;

  if (hookrun_staging_end_open (self, FALSE, &applied, &problem)) {
    g_propagate_error (error, g_error_copy (why));
    return FALSE;
  }
  g_set_error (error, HOOKRUN_ERROR, why->code,
               "%s; and it could not be taken back: %s; the next start tries again", why->message,
               problem->message);
  return FALSE;
}

gboolean
hookrun_staging_run_commit (HookrunStaging *self, HookrunStagingCommit *commit, GError **error)
{
  g_autoptr (GArray) locks = NULL;
  g_autoptr (GError) problem = NULL;

  commit->id = hookrun_staging_ledger_get_book (self->ledger)->next_id;
  if (!choose_names (commit, error))
    return FALSE;
  if (!prepare_all (self, commit, error) ||
      !hookrun_staging_ledger_append (self->ledger, hookrun_staging_commit_to_json (commit), TRUE,
                                      error)) {
    close_prepared (commit);
    hookrun_staging_sweep_early (self, NULL); /* else the next start does */
    return FALSE;
  }
  pin_folders (self, commit);
  locks = hookrun_staging_lock_folders (commit);
  if (!link_and_swap (commit, &problem)) {
    close_prepared (commit);
    return take_back (self, problem, error);
  }
  close_prepared (commit);
  if (hookrun_staging_finish_forward (self, commit, error))
    return TRUE;
  g_prefix_error (error, "the change is in place, and could not be finished: ");
  return FALSE;
}
