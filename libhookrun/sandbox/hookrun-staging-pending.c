/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes that wait for an answer, across programs; and what the user wants always and never. */
#include "hookrun-staging-private.h"
#include "hookrun-error-private.h"
#include "hookrun-file-private.h"

#include <string.h>
#include <unistd.h>

static char *
kept_name (guint64 id, const char *which)
{
  return g_strdup_printf ("p%" G_GUINT64_FORMAT "-%s", id, which);
}

static gboolean
store_version (HookrunStaging *self, const HookrunStagedVersion *version, guint64 id,
               const char *which, GError **error)
{
  g_autofree char *name = kept_name (id, which);
  gsize size;
  const char *data;

  if (version->kind != HOOKRUN_STAGED_KIND_FILE)
    return TRUE;
  data = g_bytes_get_data (version->content, &size);
  return hookrun_file_replace_at (self->kept_fd, name, data != NULL ? data : "", size, 0600, error);
}

static void
remove_versions (HookrunStaging *self, guint64 id)
{
  g_autofree char *old = kept_name (id, "old");
  g_autofree char *new = kept_name (id, "new");

  unlinkat (self->kept_fd, old, 0);
  unlinkat (self->kept_fd, new, 0);
}

gboolean
hookrun_staging_drop_pending (HookrunStaging *self, guint64 id, GError **error)
{
  if (!hookrun_staging_ledger_append (self->ledger, hookrun_staging_record_new ("drop", id), TRUE,
                                      error))
    return FALSE;
  remove_versions (self, id);
  return TRUE;
}

/* A module that ran again wants its newer version, not both. */
static gboolean
drop_older (HookrunStaging *self, HookrunStagedChange *change, GError **error)
{
  HookrunStagingBook *book = hookrun_staging_ledger_get_book (self->ledger);

  for (guint i = book->pending->len; i > 0; i--) {
    const HookrunStagingPending *other = book->pending->pdata[i - 1];

    if (other->id != change->id && g_str_equal (other->module, change->module) &&
        g_str_equal (other->path, change->path) &&
        !hookrun_staging_drop_pending (self, other->id, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
hookrun_staging_keep_change (HookrunStaging *self, HookrunStagedChange *change, GError **error)
{
  guint64 id = hookrun_staging_ledger_get_book (self->ledger)->next_id;
  const HookrunStagingPending pending = {
      .id = id,
      .time_us = change->time_us,
      .module = change->module,
      .path = change->path,
      .old = change->old,
      .new = change->new,
  };

  if (change->id != 0 && !change->merged)
    return TRUE;
  if (!store_version (self, change->old, id, "old", error) ||
      !store_version (self, change->new, id, "new", error) ||
      !hookrun_staging_ledger_append (self->ledger, hookrun_staging_pending_to_json (&pending),
                                      TRUE, error))
    return FALSE;
  change->id = id;
  change->merged = FALSE;
  return drop_older (self, change, error);
}

static HookrunStagedChange *
change_from_pending (HookrunStaging *self, const HookrunStagingPending *pending)
{
  g_autoptr (HookrunStagedVersion) old = hookrun_staged_version_copy (pending->old);
  g_autoptr (HookrunStagedVersion) new = hookrun_staged_version_copy (pending->new);
  HookrunStagedChange *change =
      hookrun_staged_change_new (self, pending->module, pending->path, old, new);

  change->id = pending->id;
  change->time_us = pending->time_us;
  hookrun_staged_change_look (change);
  /* A folder is found again when it is needed: thousands may be pending. */
  g_clear_pointer (&change->folder, hookrun_staging_folder_unref);
  return change;
}

/**
 * hookrun_staging_list_pending:
 * @self: a staging
 * @error: return location; %HOOKRUN_ERROR_BUSY, %HOOKRUN_ERROR_INVALID when the ledger is damaged,
 *   %HOOKRUN_ERROR_IO
 *
 * Lists the changes that wait for an answer, of all modules, oldest first.
 *
 * Returns: (transfer container) (element-type HookrunStagedChange): the changes, or %NULL with
 * @error set
 *
 * Since: 1.0
 */
GPtrArray *
hookrun_staging_list_pending (HookrunStaging *self, GError **error)
{
  GPtrArray *changes;
  HookrunStagingBook *book;

  if (!hookrun_staging_ledger_lock (self->ledger, self->wait_ms, NULL, error))
    return NULL;
  changes = g_ptr_array_new_with_free_func (g_object_unref);
  book = hookrun_staging_ledger_get_book (self->ledger);
  for (guint i = 0; i < book->pending->len; i++)
    g_ptr_array_add (changes, change_from_pending (self, book->pending->pdata[i]));
  hookrun_staging_ledger_unlock (self->ledger);
  return changes;
}

static gboolean
check_choice (const char *module, const char *path, HookrunStagingAnswer choice, GError **error)
{
  if (hookrun_staging_module_is_good (module) && path[0] == '/' &&
      g_utf8_validate (path, -1, NULL) &&
      (choice == HOOKRUN_STAGING_ANSWER_ASK || choice == HOOKRUN_STAGING_ANSWER_ALWAYS ||
       choice == HOOKRUN_STAGING_ANSWER_NEVER))
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "a choice needs a module, an absolute path, and one of ask, always and never");
  return FALSE;
}

/**
 * hookrun_staging_set_choice:
 * @self: a staging
 * @module: a module's name
 * @path: (type filename): an absolute path, as [method@Hookrun.StagedChange.get_path] gives it
 * @choice: %HOOKRUN_STAGING_ANSWER_ALWAYS, %HOOKRUN_STAGING_ANSWER_NEVER, or
 *   %HOOKRUN_STAGING_ANSWER_ASK to forget an earlier choice
 * @error: return location; %HOOKRUN_ERROR_INVALID, %HOOKRUN_ERROR_BUSY, %HOOKRUN_ERROR_IO
 *
 * Notes what to do with later changes of this file by this module.
 *
 * Returns: whether it is noted, on disk
 *
 * Since: 1.0
 */
gboolean
hookrun_staging_set_choice (HookrunStaging *self, const char *module, const char *path,
                            HookrunStagingAnswer choice, GError **error)
{
  g_autofree char *key = hookrun_staging_choice_key (module, path);
  gboolean ok;

  if (!check_choice (module, path, choice, error) || !hookrun_staging_begin (self, NULL, error))
    return FALSE;
  ok = hookrun_staging_ledger_append (self->ledger, hookrun_staging_choice_to_json (key, choice),
                                      TRUE, error);
  hookrun_staging_end (self);
  return ok;
}

static int
compare_keys (gconstpointer a, gconstpointer b)
{
  return strcmp (a, b);
}

static JsonArray *
choices_to_json (HookrunStagingBook *book)
{
  JsonArray *array = json_array_new ();
  g_autoptr (GList) keys = g_list_sort (g_hash_table_get_keys (book->choices), compare_keys);

  for (GList *at = keys; at != NULL; at = at->next) {
    HookrunStagingAnswer answer =
        (HookrunStagingAnswer)GPOINTER_TO_INT (g_hash_table_lookup (book->choices, at->data));
    JsonObject *object = hookrun_staging_choice_to_json (at->data, answer);

    json_object_remove_member (object, "op");
    json_array_add_object_element (array, object);
  }
  return array;
}

/**
 * hookrun_staging_list_choices:
 * @self: a staging
 * @error: return location; %HOOKRUN_ERROR_BUSY, %HOOKRUN_ERROR_INVALID when the ledger is damaged,
 *   %HOOKRUN_ERROR_IO
 *
 * Lists what the user wants always and never: an array of objects with the strings `module`,
 * `path` and `choice` (`always` or `never`), sorted by module and path.
 *
 * Returns: (transfer full): the array, or %NULL with @error set
 *
 * Since: 1.0
 */
JsonNode *
hookrun_staging_list_choices (HookrunStaging *self, GError **error)
{
  JsonNode *node;

  if (!hookrun_staging_ledger_lock (self->ledger, self->wait_ms, NULL, error))
    return NULL;
  node = json_node_new (JSON_NODE_ARRAY);
  json_node_take_array (node, choices_to_json (hookrun_staging_ledger_get_book (self->ledger)));
  hookrun_staging_ledger_unlock (self->ledger);
  return node;
}
