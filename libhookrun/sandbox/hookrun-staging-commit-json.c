/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Commits and their entries as values, and as the record that begins a commit. What is read back
 * is checked so far that a damaged record can never make recovery touch a file that is not ours.
 */
#include "hookrun-record-private.h"
#include "hookrun-staging-book-private.h"

#include <string.h>
#include <unistd.h>

G_DEFINE_BOXED_TYPE (HookrunStagingCommit, hookrun_staging_commit, hookrun_staging_commit_ref,
                     hookrun_staging_commit_unref)

HookrunStagingEntry *
hookrun_staging_entry_new (const char *path, HookrunStagedVersion *old, HookrunStagedVersion *new)
{
  HookrunStagingEntry *self = g_new0 (HookrunStagingEntry, 1);

  self->path = g_strdup (path);
  self->name = g_path_get_basename (path);
  self->old = hookrun_staged_version_ref (old);
  self->new = hookrun_staged_version_ref (new);
  self->fd = -1;
  return self;
}

void
hookrun_staging_entry_free (gpointer data)
{
  HookrunStagingEntry *self = data;

  if (self->fd >= 0)
    close (self->fd);
  g_clear_pointer (&self->folder, hookrun_staging_folder_unref);
  g_clear_pointer (&self->old, hookrun_staged_version_unref);
  g_clear_pointer (&self->new, hookrun_staged_version_unref);
  g_free (self->path);
  g_free (self->name);
  g_free (self->temporary);
  g_free (self);
}

HookrunStagingCommit *
hookrun_staging_commit_new (const char *module)
{
  HookrunStagingCommit *self = g_new0 (HookrunStagingCommit, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->module = g_strdup (module);
  self->time_us = g_get_real_time ();
  self->entries = g_ptr_array_new_with_free_func (hookrun_staging_entry_free);
  return self;
}

/**
 * hookrun_staging_commit_ref:
 * @self: a commit
 *
 * Takes a reference. Thread-safe.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
HookrunStagingCommit *
hookrun_staging_commit_ref (HookrunStagingCommit *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/**
 * hookrun_staging_commit_unref:
 * @self: (transfer full): a commit
 *
 * Gives a reference back; the last one frees the commit. Thread-safe.
 *
 * Since: 1.0
 */
void
hookrun_staging_commit_unref (HookrunStagingCommit *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_ptr_array_unref (self->entries);
  g_free (self->module);
  g_free (self);
}

char *
hookrun_staging_commit_kept_name (const HookrunStagingCommit *self, guint index)
{
  return g_strdup_printf ("c%" G_GUINT64_FORMAT "-%u", self->id, index);
}

JsonObject *
hookrun_staging_record_new (const char *op, guint64 id)
{
  JsonObject *record = json_object_new ();

  json_object_set_string_member (record, "op", op);
  if (id != 0)
    json_object_set_int_member (record, "id", (gint64)id);
  return record;
}

static JsonObject *
entry_to_json (const HookrunStagingEntry *entry)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "path", entry->path);
  json_object_set_string_member (object, "temporary", entry->temporary);
  json_object_set_member (object, "old", hookrun_staged_version_to_json (entry->old));
  json_object_set_member (object, "new", hookrun_staged_version_to_json (entry->new));
  if (entry->pending != 0)
    json_object_set_int_member (object, "pending", (gint64)entry->pending);
  return object;
}

JsonObject *
hookrun_staging_commit_to_json (HookrunStagingCommit *self)
{
  JsonObject *record = hookrun_staging_record_new ("begin", self->id);
  JsonArray *entries = json_array_new ();

  json_object_set_int_member (record, "time", self->time_us);
  json_object_set_string_member (record, "module", self->module);
  if (self->undoes != 0)
    json_object_set_int_member (record, "undoes", (gint64)self->undoes);
  for (guint i = 0; i < self->entries->len; i++)
    json_array_add_object_element (entries, entry_to_json (self->entries->pdata[i]));
  json_object_set_array_member (record, "entries", entries);
  return record;
}

/* Absolute, and each part of it a name. */
static gboolean
is_good_path (const char *path)
{
  g_auto (GStrv) parts = NULL;

  if (path == NULL || path[0] != '/' || strlen (path) >= PATH_MAX)
    return FALSE;
  parts = g_strsplit (path + 1, "/", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    if (*parts[i] == '\0' || g_str_equal (parts[i], ".") || g_str_equal (parts[i], ".."))
      return FALSE;
  return TRUE;
}

static gboolean
is_good_temporary (const char *name)
{
  return name != NULL && g_str_has_prefix (name, HOOKRUN_STAGING_TEMPORARY_PREFIX) &&
         strchr (name, '/') == NULL && strlen (name) < 64;
}

gboolean
hookrun_staging_module_is_good (const char *module)
{
  if (module == NULL || *module == '\0' || strlen (module) > 255 ||
      !g_utf8_validate (module, -1, NULL))
    return FALSE;
  for (const char *at = module; *at != '\0'; at++)
    if (g_ascii_iscntrl (*at))
      return FALSE;
  return TRUE;
}

static HookrunStagedVersion *
read_version (JsonObject *object, const char *member, GError **error)
{
  JsonObject *version = hookrun_record_get_object (object, member);

  if (version != NULL)
    return hookrun_staged_version_from_json (version, error);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "no \"%s\" version", member);
  return NULL;
}

static HookrunStagingEntry *
entry_from_json (JsonObject *object, GError **error)
{
  g_autoptr (HookrunStagedVersion) old = NULL;
  g_autoptr (HookrunStagedVersion) new = NULL;
  const char *path = hookrun_record_get_string (object, "path");
  const char *temporary = hookrun_record_get_string (object, "temporary");
  HookrunStagingEntry *entry;

  if (!is_good_path (path) || !is_good_temporary (temporary)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "an entry has no valid path");
    return NULL;
  }
  old = read_version (object, "old", error);
  new = old == NULL ? NULL : read_version (object, "new", error);
  if (new == NULL)
    return NULL;
  if (old->kind == HOOKRUN_STAGED_KIND_NONE && new->kind == HOOKRUN_STAGED_KIND_NONE) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "an entry changes nothing");
    return NULL;
  }
  entry = hookrun_staging_entry_new (path, old, new);
  entry->temporary = g_strdup (temporary);
  entry->pending = (guint64)MAX (hookrun_record_get_int (object, "pending"), 0);
  return entry;
}

static gboolean
read_entries (HookrunStagingCommit *self, JsonArray *entries, GError **error)
{
  guint n = entries == NULL ? 0 : json_array_get_length (entries);

  if (n == 0 || n > HOOKRUN_STAGING_MAX_ENTRIES) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "a commit has no valid entries");
    return FALSE;
  }
  for (guint i = 0; i < n; i++) {
    JsonNode *node = json_array_get_element (entries, i);
    JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
    HookrunStagingEntry *entry = entry_from_json (object, error);

    if (entry == NULL)
      return FALSE;
    g_ptr_array_add (self->entries, entry);
  }
  return TRUE;
}

HookrunStagingCommit *
hookrun_staging_commit_from_json (JsonObject *record, GError **error)
{
  const char *module = hookrun_record_get_string (record, "module");
  gint64 id = hookrun_record_get_int (record, "id");
  gint64 undoes = hookrun_record_get_int (record, "undoes");
  g_autoptr (HookrunStagingCommit) self = NULL;

  if (!hookrun_staging_module_is_good (module) || undoes < 0 || undoes >= id) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "a commit has no valid module or id");
    return NULL;
  }
  self = hookrun_staging_commit_new (module);
  self->id = (guint64)id;
  self->undoes = (guint64)undoes;
  self->time_us = hookrun_record_get_int (record, "time");
  return read_entries (self, hookrun_record_get_array (record, "entries"), error)
             ? g_steal_pointer (&self)
             : NULL;
}

/**
 * hookrun_staging_commit_get_id:
 * @self: a commit
 *
 * Returns the number by which it can be undone. Numbers grow and are never used again.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
hookrun_staging_commit_get_id (HookrunStagingCommit *self)
{
  return self->id;
}

/**
 * hookrun_staging_commit_get_time:
 * @self: a commit
 *
 * Returns when it was begun, in microseconds since 1970-01-01 UTC.
 *
 * Returns: the time in µs
 *
 * Since: 1.0
 */
gint64
hookrun_staging_commit_get_time (HookrunStagingCommit *self)
{
  return self->time_us;
}

/**
 * hookrun_staging_commit_get_module:
 * @self: a commit
 *
 * Returns the module whose changes these are.
 *
 * Returns: (transfer none): the module's name
 *
 * Since: 1.0
 */
const char *
hookrun_staging_commit_get_module (HookrunStagingCommit *self)
{
  return self->module;
}

/**
 * hookrun_staging_commit_get_paths:
 * @self: a commit
 *
 * Returns the files that it changed.
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type filename): absolute paths
 *
 * Since: 1.0
 */
char **
hookrun_staging_commit_get_paths (HookrunStagingCommit *self)
{
  char **paths = g_new0 (char *, self->entries->len + 1);

  for (guint i = 0; i < self->entries->len; i++)
    paths[i] = g_strdup (((HookrunStagingEntry *)self->entries->pdata[i])->path);
  return paths;
}

/**
 * hookrun_staging_commit_get_undoes:
 * @self: a commit
 *
 * Returns the number of the commit that this one took back.
 *
 * Returns: the number, or 0 for a commit that undoes none
 *
 * Since: 1.0
 */
guint64
hookrun_staging_commit_get_undoes (HookrunStagingCommit *self)
{
  return self->undoes;
}

/**
 * hookrun_staging_commit_get_undone_by:
 * @self: a commit
 *
 * Returns the number of the commit that took this one back.
 *
 * Returns: the number, or 0 while it stands
 *
 * Since: 1.0
 */
guint64
hookrun_staging_commit_get_undone_by (HookrunStagingCommit *self)
{
  return __atomic_load_n (&self->undone_by, __ATOMIC_RELAXED);
}
