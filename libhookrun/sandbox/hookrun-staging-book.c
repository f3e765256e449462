/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Replays the records of a ledger. One table says what each kind of record does; a record that
 * does not fit what came before it is an error, never a guess.
 */
#include "hookrun-staging-book-private.h"
#include "hookrun-record-private.h"

#include <string.h>

typedef gboolean (*ApplyFunc) (HookrunStagingBook *self, JsonObject *record, guint64 id,
                               GError **error);

HookrunStagingBook *
hookrun_staging_book_new (void)
{
  HookrunStagingBook *self = g_new0 (HookrunStagingBook, 1);

  self->next_id = 1;
  self->choices = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->pending = g_ptr_array_new_with_free_func (hookrun_staging_pending_free);
  self->commits =
      g_ptr_array_new_with_free_func ((GDestroyNotify)(gpointer)hookrun_staging_commit_unref);
  return self;
}

void
hookrun_staging_book_free (HookrunStagingBook *self)
{
  g_hash_table_unref (self->choices);
  g_ptr_array_unref (self->pending);
  g_ptr_array_unref (self->commits);
  g_clear_pointer (&self->open, hookrun_staging_commit_unref);
  g_strfreev (self->early);
  g_free (self);
}

void
hookrun_staging_pending_free (gpointer data)
{
  HookrunStagingPending *self = data;

  g_free (self->module);
  g_free (self->path);
  g_clear_pointer (&self->old, hookrun_staged_version_unref);
  g_clear_pointer (&self->new, hookrun_staged_version_unref);
  g_free (self);
}

HookrunStagingPending *
hookrun_staging_book_find_pending (HookrunStagingBook *self, guint64 id)
{
  for (guint i = 0; i < self->pending->len; i++)
    if (((HookrunStagingPending *)self->pending->pdata[i])->id == id)
      return self->pending->pdata[i];
  return NULL;
}

HookrunStagingCommit *
hookrun_staging_book_find_commit (HookrunStagingBook *self, guint64 id)
{
  for (guint i = 0; i < self->commits->len; i++)
    if (((HookrunStagingCommit *)self->commits->pdata[i])->id == id)
      return self->commits->pdata[i];
  return NULL;
}

static void
remove_pending (HookrunStagingBook *self, guint64 id)
{
  HookrunStagingPending *pending = hookrun_staging_book_find_pending (self, id);

  if (pending != NULL)
    g_ptr_array_remove (self->pending, pending);
}

char *
hookrun_staging_choice_key (const char *module, const char *path)
{
  return g_strconcat (module, "\n", path, NULL);
}

static gboolean
fail (GError **error, const char *why)
{
  g_set_error_literal (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, why);
  return FALSE;
}

/* ---- what each record does ---- */

static gboolean
apply_next (HookrunStagingBook *self, JsonObject *record, guint64 id, GError **error)
{
  return TRUE; /* that its number is used is all it says */
}

static gboolean
apply_choice (HookrunStagingBook *self, JsonObject *record, guint64 id, GError **error)
{
  const char *module = hookrun_record_get_string (record, "module");
  const char *path = hookrun_record_get_string (record, "path");
  const char *choice = hookrun_record_get_string (record, "choice");
  g_autofree char *key = NULL;

  if (!hookrun_staging_module_is_good (module) || path == NULL || choice == NULL)
    return fail (error, "a choice lacks its module, path or answer");
  key = hookrun_staging_choice_key (module, path);
  if (g_str_equal (choice, "ask"))
    g_hash_table_remove (self->choices, key);
  else if (g_str_equal (choice, "always"))
    g_hash_table_replace (self->choices, g_steal_pointer (&key),
                          GINT_TO_POINTER (HOOKRUN_STAGING_ANSWER_ALWAYS));
  else if (g_str_equal (choice, "never"))
    g_hash_table_replace (self->choices, g_steal_pointer (&key),
                          GINT_TO_POINTER (HOOKRUN_STAGING_ANSWER_NEVER));
  else
    return fail (error, "a choice is none of always, never and ask");
  return TRUE;
}

/* A pending change has the form of a commit with one entry, so that one reader checks both. */
static gboolean
apply_keep (HookrunStagingBook *self, JsonObject *record, guint64 id, GError **error)
{
  g_autoptr (HookrunStagingCommit) commit = hookrun_staging_commit_from_json (record, error);
  HookrunStagingPending *pending;
  HookrunStagingEntry *entry;

  if (commit == NULL)
    return FALSE;
  entry = commit->entries->pdata[0];
  pending = g_new0 (HookrunStagingPending, 1);
  pending->id = id;
  pending->time_us = commit->time_us;
  pending->module = g_strdup (commit->module);
  pending->path = g_strdup (entry->path);
  pending->old = hookrun_staged_version_ref (entry->old);
  pending->new = hookrun_staged_version_ref (entry->new);
  remove_pending (self, id);
  g_ptr_array_add (self->pending, pending);
  return TRUE;
}

static gboolean
apply_drop (HookrunStagingBook *self, JsonObject *record, guint64 id, GError **error)
{
  remove_pending (self, id);
  return TRUE;
}

static gboolean
apply_early (HookrunStagingBook *self, JsonObject *record, guint64 id, GError **error)
{
  g_autoptr (HookrunStagingCommit) commit = hookrun_staging_commit_from_json (record, error);
  char **paths;

  if (commit == NULL)
    return FALSE;
  paths = g_new0 (char *, commit->entries->len + 1);
  for (guint i = 0; i < commit->entries->len; i++) {
    const HookrunStagingEntry *entry = commit->entries->pdata[i];
    g_autofree char *folder = g_path_get_dirname (entry->path);

    paths[i] = g_build_filename (folder, entry->temporary, NULL);
  }
  g_strfreev (self->early);
  self->early = paths;
  return TRUE;
}

static gboolean
apply_begin (HookrunStagingBook *self, JsonObject *record, guint64 id, GError **error)
{
  if (self->open != NULL)
    return fail (error, "a commit begins before the one before it has ended");
  self->open = hookrun_staging_commit_from_json (record, error);
  g_clear_pointer (&self->early, g_strfreev);
  return self->open != NULL;
}

static void
link_undo (HookrunStagingBook *self, HookrunStagingCommit *commit)
{
  HookrunStagingCommit *undone = hookrun_staging_book_find_commit (self, commit->undoes);

  if (undone == NULL)
    return;
  __atomic_store_n (&undone->undone_by, commit->id, __ATOMIC_RELAXED);
  /* What was undone is undone no more when its undoing is: it may be taken back again. */
  if (undone->undoes != 0) {
    HookrunStagingCommit *first = hookrun_staging_book_find_commit (self, undone->undoes);

    if (first != NULL)
      __atomic_store_n (&first->undone_by, 0, __ATOMIC_RELAXED);
  }
}

static gboolean
end_open (HookrunStagingBook *self, guint64 id, HookrunStagingCommitState state, GError **error)
{
  g_autoptr (HookrunStagingCommit) commit = NULL;

  if (self->open == NULL || self->open->id != id)
    return fail (error, "a commit ends that was not begun");
  commit = g_steal_pointer (&self->open);
  commit->state = state;
  if (state == HOOKRUN_STAGING_COMMIT_BACK)
    return TRUE;
  /* Its files are found by their paths from now on. */
  for (guint i = 0; i < commit->entries->len; i++)
    g_clear_pointer (&((HookrunStagingEntry *)commit->entries->pdata[i])->folder,
                     hookrun_staging_folder_unref);
  if (state == HOOKRUN_STAGING_COMMIT_DONE) {
    for (guint i = 0; i < commit->entries->len; i++)
      remove_pending (self, ((HookrunStagingEntry *)commit->entries->pdata[i])->pending);
    link_undo (self, commit);
  }
  g_ptr_array_add (self->commits, g_steal_pointer (&commit));
  return TRUE;
}

static gboolean
apply_done (HookrunStagingBook *self, JsonObject *record, guint64 id, GError **error)
{
  return end_open (self, id, HOOKRUN_STAGING_COMMIT_DONE, error);
}

static gboolean
apply_back (HookrunStagingBook *self, JsonObject *record, guint64 id, GError **error)
{
  return end_open (self, id, HOOKRUN_STAGING_COMMIT_BACK, error);
}

static gboolean
apply_abandon (HookrunStagingBook *self, JsonObject *record, guint64 id, GError **error)
{
  return end_open (self, id, HOOKRUN_STAGING_COMMIT_ABANDONED, error);
}

/* Early temporary files are gone. */
static gboolean
apply_swept (HookrunStagingBook *self, JsonObject *record, guint64 id, GError **error)
{
  g_clear_pointer (&self->early, g_strfreev);
  return TRUE;
}

static const struct {
  const char *op;
  gboolean has_id;
  ApplyFunc apply;
} rows[] = {
    {"next", TRUE, apply_next},   {"choice", FALSE, apply_choice},
    {"keep", TRUE, apply_keep},   {"drop", TRUE, apply_drop},
    {"early", TRUE, apply_early}, {"swept", FALSE, apply_swept},
    {"begin", TRUE, apply_begin}, {"done", TRUE, apply_done},
    {"back", TRUE, apply_back},   {"abandon", TRUE, apply_abandon},
};

gboolean
hookrun_staging_book_apply (HookrunStagingBook *self, JsonObject *record, GError **error)
{
  const char *op = hookrun_record_get_string (record, "op");
  gint64 id = hookrun_record_get_int (record, "id");

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    if (g_strcmp0 (rows[i].op, op) != 0)
      continue;
    if (rows[i].has_id && (id < 1 || id >= G_MAXINT64))
      return fail (error, "a record has no valid id");
    if (rows[i].has_id)
      self->next_id = MAX (self->next_id, (guint64)id + 1);
    return rows[i].apply (self, record, (guint64)id, error);
  }
  return fail (error, "a record is of a kind that this version does not know");
}

/* ---- the same book in few records ---- */

JsonObject *
hookrun_staging_pending_to_json (const HookrunStagingPending *self)
{
  g_autoptr (HookrunStagingCommit) commit = hookrun_staging_commit_new (self->module);
  HookrunStagingEntry *entry = hookrun_staging_entry_new (self->path, self->old, self->new);
  JsonObject *record;

  commit->id = self->id;
  commit->time_us = self->time_us;
  entry->temporary = g_strdup (HOOKRUN_STAGING_TEMPORARY_PREFIX);
  g_ptr_array_add (commit->entries, entry);
  record = hookrun_staging_commit_to_json (commit);
  json_object_set_string_member (record, "op", "keep");
  return record;
}

JsonObject *
hookrun_staging_choice_to_json (const char *key, HookrunStagingAnswer answer)
{
  g_auto (GStrv) parts = g_strsplit (key, "\n", 2);
  JsonObject *record = hookrun_staging_record_new ("choice", 0);

  json_object_set_string_member (record, "module", parts[0]);
  json_object_set_string_member (record, "path", parts[1]);
  json_object_set_string_member (record, "choice",
                                 answer == HOOKRUN_STAGING_ANSWER_ALWAYS  ? "always"
                                 : answer == HOOKRUN_STAGING_ANSWER_NEVER ? "never"
                                                                          : "ask");
  return record;
}

static void
add_commits (HookrunStagingBook *self, GPtrArray *records)
{
  guint first = self->commits->len > HOOKRUN_STAGING_KEEP_COMMITS
                    ? self->commits->len - HOOKRUN_STAGING_KEEP_COMMITS
                    : 0;

  for (guint i = first; i < self->commits->len; i++) {
    HookrunStagingCommit *commit = self->commits->pdata[i];
    gboolean done = commit->state == HOOKRUN_STAGING_COMMIT_DONE;

    g_ptr_array_add (records, hookrun_staging_commit_to_json (commit));
    g_ptr_array_add (records, hookrun_staging_record_new (done ? "done" : "abandon", commit->id));
  }
}

GPtrArray *
hookrun_staging_book_records (HookrunStagingBook *self)
{
  GPtrArray *records = g_ptr_array_new_with_free_func ((GDestroyNotify)json_object_unref);
  GHashTableIter iter;
  gpointer key, value;

  add_commits (self, records);
  for (guint i = 0; i < self->pending->len; i++)
    g_ptr_array_add (records, hookrun_staging_pending_to_json (self->pending->pdata[i]));
  g_hash_table_iter_init (&iter, self->choices);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_ptr_array_add (records, hookrun_staging_choice_to_json (
                                  key, (HookrunStagingAnswer)GPOINTER_TO_INT (value)));
  if (self->next_id > 1)
    g_ptr_array_add (records, hookrun_staging_record_new ("next", self->next_id - 1));
  if (self->open != NULL)
    g_ptr_array_add (records, hookrun_staging_commit_to_json (self->open));
  return records;
}
