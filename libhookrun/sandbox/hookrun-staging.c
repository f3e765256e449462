/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state folder of staged changes, opened and locked; answers settled: what is accepted becomes
 * one commit, what is not answered stays pending, what the user wants always and never is noted.
 */
#include "hookrun-staging-private.h"
#include "hookrun-error-private.h"
#include "hookrun-file-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_MAX_SIZE (64 * 1024 * 1024)
#define DEFAULT_WAIT_MS 5000

G_DEFINE_FINAL_TYPE (HookrunStaging, hookrun_staging, G_TYPE_OBJECT)

static void
hookrun_staging_finalize (GObject *object)
{
  HookrunStaging *self = HOOKRUN_STAGING (object);

  g_clear_pointer (&self->ledger, hookrun_staging_ledger_free);
  if (self->kept_fd >= 0)
    close (self->kept_fd);
  if (self->folder_fd >= 0)
    close (self->folder_fd);
  g_free (self->folder);
  G_OBJECT_CLASS (hookrun_staging_parent_class)->finalize (object);
}

static void
hookrun_staging_class_init (HookrunStagingClass *class)
{
  G_OBJECT_CLASS (class)->finalize = hookrun_staging_finalize;
}

static void
hookrun_staging_init (HookrunStaging *self)
{
  self->folder_fd = self->kept_fd = -1;
  self->max_size = DEFAULT_MAX_SIZE;
  self->wait_ms = DEFAULT_WAIT_MS;
}

/* ---- opening ---- */

static gboolean
open_state (HookrunStaging *self, const char *path, GError **error)
{
  g_autofree char *what = g_strdup_printf ("folder \"%s\"", path);
  char *real = NULL;

  if (g_mkdir_with_parents (path, 0700) == 0)
    real = realpath (path, NULL);
  if (real == NULL) {
    hookrun_set_error_from_errno (error, errno, "cannot make %s", what);
    return FALSE;
  }
  self->folder = g_strdup (real);
  free (real);
  self->folder_fd = hookrun_file_open_folder (AT_FDCWD, self->folder, error);
  if (self->folder_fd < 0)
    return FALSE;
  if (fstat (self->folder_fd, &self->st) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot examine %s", what);
    return FALSE;
  }
  return hookrun_file_check_trust (&self->st, what, error);
}

static gboolean
open_parts (HookrunStaging *self, GError **error)
{
  static const char *const parts[] = {HOOKRUN_STAGING_KEPT_FOLDER, HOOKRUN_STAGING_MERGE_FOLDER,
                                      NULL};

  for (guint i = 0; parts[i] != NULL; i++)
    if (mkdirat (self->folder_fd, parts[i], 0700) < 0 && errno != EEXIST) {
      hookrun_set_error_from_errno (error, errno, "cannot make \"%s/%s\"", self->folder, parts[i]);
      return FALSE;
    }
  self->kept_fd = openat (self->folder_fd, HOOKRUN_STAGING_KEPT_FOLDER,
                          O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (self->kept_fd < 0 || fstat (self->kept_fd, &self->kept_st) < 0) {
    hookrun_set_error_from_errno (
        error, errno, "cannot open \"%s/" HOOKRUN_STAGING_KEPT_FOLDER "\"", self->folder);
    return FALSE;
  }
  self->ledger = hookrun_staging_ledger_open (self->folder_fd, self->folder, error);
  return self->ledger != NULL;
}

/**
 * hookrun_staging_new:
 * @state_folder: (type filename): where pending and displaced versions and the ledger live; made,
 *   for this user alone, when it is missing
 * @error: return location; %HOOKRUN_ERROR_UNTRUSTED when others can write to the folder,
 *   %HOOKRUN_ERROR_PERMISSION, %HOOKRUN_ERROR_IO
 *
 * Opens the state of staged changes. A commit that an earlier program could not end is ended by
 * [method@Hookrun.Staging.recover], or before the next change. Keep the folder on the filesystem of
 * most targets: displaced versions then move there by a rename.
 *
 * Returns: (transfer full): the staging, or %NULL with @error set
 *
 * Since: 1.0
 */
HookrunStaging *
hookrun_staging_new (const char *state_folder, GError **error)
{
  g_autoptr (HookrunStaging) self = g_object_new (HOOKRUN_TYPE_STAGING, NULL);

  if (!open_state (self, state_folder, error) || !open_parts (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

/**
 * hookrun_staging_get_folder:
 * @self: a staging
 *
 * Returns the state folder.
 *
 * Returns: (transfer none) (type filename): its path without symbolic links
 *
 * Since: 1.0
 */
const char *
hookrun_staging_get_folder (HookrunStaging *self)
{
  return self->folder;
}

/**
 * hookrun_staging_set_max_size:
 * @self: a staging
 * @max_size: bytes, below 2 GiB; 0 for 64 MiB
 *
 * Sets how large one staged or replaced file may be. All files of one run together may be four
 * times as large. They are held in memory.
 *
 * Since: 1.0
 */
void
hookrun_staging_set_max_size (HookrunStaging *self, guint64 max_size)
{
  self->max_size = max_size > 0 ? MIN (max_size, G_MAXINT32) : DEFAULT_MAX_SIZE;
}

/**
 * hookrun_staging_set_lock_wait:
 * @self: a staging
 * @wait_ms: milliseconds; 0: not at all; 5000 at first
 *
 * Sets how long to wait for another program that works on the same state folder before
 * %HOOKRUN_ERROR_BUSY.
 *
 * Since: 1.0
 */
void
hookrun_staging_set_lock_wait (HookrunStaging *self, guint wait_ms)
{
  self->wait_ms = wait_ms;
}

HookrunStagingFolder *
hookrun_staging_find_folder (HookrunStaging *self, const char *path, GError **error)
{
  static const char *const everywhere[] = {"/", NULL};
  const HookrunStagingRules rules = {&self->st, 1, everywhere};
  g_autofree char *name = NULL;

  return hookrun_staging_folder_find (path, &rules, &name, error);
}

/* ---- locking ---- */

gboolean
hookrun_staging_begin (HookrunStaging *self, GCancellable *cancellable, GError **error)
{
  gboolean applied = FALSE;

  if (!hookrun_staging_ledger_lock (self->ledger, self->wait_ms, cancellable, error))
    return FALSE;
  self->cancellable = cancellable;
  if (hookrun_staging_end_open (self, TRUE, &applied, error) &&
      hookrun_staging_sweep_early (self, error) && !hookrun_staging_is_cancelled (self, error))
    return TRUE;
  self->cancellable = NULL;
  hookrun_staging_ledger_unlock (self->ledger);
  return FALSE;
}

void
hookrun_staging_end (HookrunStaging *self)
{
  gboolean rewritten = FALSE;

  /* What cannot be tidied up now is tidied up another time. */
  if (hookrun_staging_ledger_compact (self->ledger, &rewritten, NULL) && rewritten)
    hookrun_staging_sweep_kept (self, NULL);
  self->cancellable = NULL;
  hookrun_staging_ledger_unlock (self->ledger);
}

gboolean
hookrun_staging_is_cancelled (HookrunStaging *self, GError **error)
{
  if (!g_cancellable_is_cancelled (self->cancellable))
    return FALSE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
               "cancelled before any file was changed");
  return TRUE;
}

gboolean
hookrun_staging_run_recover (HookrunStaging *self, GCancellable *cancellable, GError **error)
{
  gboolean ok;

  if (!hookrun_staging_begin (self, cancellable, error))
    return FALSE;
  ok = hookrun_staging_sweep_kept (self, error);
  hookrun_staging_sweep_merges (self);
  hookrun_staging_end (self);
  return ok;
}

/**
 * hookrun_staging_recover:
 * @self: a staging
 * @error: return location; %HOOKRUN_ERROR_CONFLICT when files were changed since and nothing can be
 *   done without losing a version, %HOOKRUN_ERROR_BUSY, %HOOKRUN_ERROR_IO
 *
 * Ends what an earlier program could not: a commit that was cut off is completed, or taken back
 * whole where that is not possible, and left-over files are removed. Call it at the start of a
 * program; it does nothing when there is nothing to do. Blocks for disk.
 *
 * Returns: whether the state is whole
 *
 * Since: 1.0
 */
gboolean
hookrun_staging_recover (HookrunStaging *self, GError **error)
{
  return hookrun_staging_run_recover (self, NULL, error);
}

/* ---- settling ---- */

static gboolean
wants (HookrunStagedChange *change, HookrunStagingAnswer first, HookrunStagingAnswer second)
{
  return change->answer == first || change->answer == second;
}

static gboolean
is_accepted (HookrunStagedChange *change)
{
  return wants (change, HOOKRUN_STAGING_ANSWER_APPLY, HOOKRUN_STAGING_ANSWER_ALWAYS);
}

static gboolean
is_discarded (HookrunStagedChange *change)
{
  return wants (change, HOOKRUN_STAGING_ANSWER_DISCARD, HOOKRUN_STAGING_ANSWER_NEVER);
}

static gboolean
check_changes (HookrunStaging *self, GPtrArray *changes, GError **error)
{
  HookrunStagingBook *book = hookrun_staging_ledger_get_book (self->ledger);

  for (guint i = 0; i < changes->len; i++) {
    HookrunStagedChange *change = changes->pdata[i];
    HookrunStagedChange *first = changes->pdata[0];

    if (!g_str_equal (change->module, first->module) || change->staging != self) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                   "changes of modules \"%s\" and \"%s\" cannot be settled together", first->module,
                   change->module);
      return FALSE;
    }
    if (change->id != 0 && hookrun_staging_book_find_pending (book, change->id) == NULL) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
                   "change %" G_GUINT64_FORMAT " of \"%s\" is no longer pending", change->id,
                   change->path);
      return FALSE;
    }
    if (!is_discarded (change) && !hookrun_staged_change_load (change, error))
      return FALSE;
  }
  return TRUE;
}

/* (transfer full) (nullable): NULL when nothing is accepted. */
static HookrunStagingCommit *
make_commit (GPtrArray *changes)
{
  g_autoptr (HookrunStagingCommit) commit = NULL;

  for (guint i = 0; i < changes->len; i++) {
    HookrunStagedChange *change = changes->pdata[i];
    HookrunStagingEntry *entry;

    if (!is_accepted (change))
      continue;
    if (commit == NULL)
      commit = hookrun_staging_commit_new (change->module);
    entry = hookrun_staging_entry_new (change->path, change->old, change->new);
    entry->pending = change->id;
    if (change->folder != NULL)
      entry->folder = hookrun_staging_folder_ref (change->folder);
    g_ptr_array_add (commit->entries, entry);
  }
  return g_steal_pointer (&commit);
}

static gboolean
keep_all (HookrunStaging *self, GPtrArray *changes, gboolean accepted_too, GError **error)
{
  for (guint i = 0; i < changes->len; i++) {
    HookrunStagedChange *change = changes->pdata[i];

    if (!is_discarded (change) && (accepted_too || !is_accepted (change)) &&
        !hookrun_staging_keep_change (self, change, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
note_choices (HookrunStaging *self, GPtrArray *changes, GError **error)
{
  for (guint i = 0; i < changes->len; i++) {
    HookrunStagedChange *change = changes->pdata[i];
    g_autofree char *key = hookrun_staging_choice_key (change->module, change->path);
    HookrunStagingBook *book = hookrun_staging_ledger_get_book (self->ledger);

    if (is_discarded (change) && change->id != 0 &&
        !hookrun_staging_drop_pending (self, change->id, error))
      return FALSE;
    if (!wants (change, HOOKRUN_STAGING_ANSWER_ALWAYS, HOOKRUN_STAGING_ANSWER_NEVER) ||
        GPOINTER_TO_INT (g_hash_table_lookup (book->choices, key)) == (int)change->answer)
      continue;
    if (!hookrun_staging_ledger_append (
            self->ledger, hookrun_staging_choice_to_json (key, change->answer), TRUE, error))
      return FALSE;
  }
  return TRUE;
}

/* What could not be applied is kept, so that nothing the module made is lost. */
static gboolean
keep_after_failure (HookrunStaging *self, GPtrArray *changes, GError *failure, GError **error)
{
  HookrunStagingBook *book = hookrun_staging_ledger_get_book (self->ledger);
  g_autoptr (GError) problem = NULL;

  for (guint i = 0; i < changes->len; i++)
    hookrun_staged_change_look (changes->pdata[i]);
  if (book != NULL && book->open == NULL) {
    if (keep_all (self, changes, TRUE, &problem))
      g_prefix_error (&failure, "not applied, kept pending: ");
    else
      g_prefix_error (&failure, "not applied, and not kept pending (%s): ", problem->message);
  }
  g_propagate_error (error, failure);
  return FALSE;
}

static gboolean
settle_locked (HookrunStaging *self, GPtrArray *changes, HookrunStagingCommit **result,
               GError **error)
{
  g_autoptr (HookrunStagingCommit) commit = NULL;
  GError *failure = NULL;

  if (!check_changes (self, changes, error))
    return FALSE;
  commit = make_commit (changes);
  if (commit != NULL && !hookrun_staging_run_commit (self, commit, &failure))
    return keep_after_failure (self, changes, failure, error);
  if (commit != NULL && result != NULL)
    *result = hookrun_staging_commit_ref (hookrun_staging_book_find_commit (
        hookrun_staging_ledger_get_book (self->ledger), commit->id));
  return keep_all (self, changes, FALSE, error) && note_choices (self, changes, error);
}

gboolean
hookrun_staging_run_settle (HookrunStaging *self, GPtrArray *changes, GCancellable *cancellable,
                            HookrunStagingCommit **commit, GError **error)
{
  gboolean ok;

  if (commit != NULL)
    *commit = NULL;
  if (!hookrun_staging_begin (self, cancellable, error))
    return FALSE;
  ok = settle_locked (self, changes, commit, error);
  hookrun_staging_end (self);
  return ok;
}

/**
 * hookrun_staging_settle:
 * @self: a staging
 * @changes: (element-type HookrunStagedChange): changes of one module with their answers
 * @commit: (out) (transfer full) (nullable) (optional): what was applied; %NULL when nothing was
 * @error: return location; %HOOKRUN_ERROR_CONFLICT when a file is no longer what was shown,
 *   %HOOKRUN_ERROR_PERMISSION, %HOOKRUN_ERROR_NO_SPACE, %HOOKRUN_ERROR_UNSUPPORTED when a
 * filesystem cannot exchange files or keep their mode, %HOOKRUN_ERROR_NOT_FOUND when another
 * program has settled a pending one, %HOOKRUN_ERROR_BUSY, %HOOKRUN_ERROR_IO
 *
 * Carries out the answers. All accepted changes are applied, or none: then they are kept pending,
 * and every version is still there. What is applied is on disk when this returns. Unanswered
 * changes are kept pending, discarded ones are forgotten. Blocks for disk.
 *
 * Returns: whether all was done as answered
 *
 * Since: 1.0
 */
gboolean
hookrun_staging_settle (HookrunStaging *self, GPtrArray *changes, HookrunStagingCommit **commit,
                        GError **error)
{
  return hookrun_staging_run_settle (self, changes, NULL, commit, error);
}
