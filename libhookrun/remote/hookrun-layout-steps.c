/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps that bring a release to life and take it back: begin, send, verify, seal, switch,
 * confirm; undo and prune. Repeating a step that has happened does nothing.
 */
#include "hookrun-layout-private.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "hookrun-error-private.h"
#include "hookrun-json-private.h"
#include "hookrun-sync-private.h"
#include "hookrun-target-private.h"

static gboolean
do_step (HookrunLayout *self, const char *step, const char *release, const char *word, char **notes,
         GCancellable *cancellable, GError **error)
{
  const char *words[] = {step, release, word, NULL};
  g_autofree char *text = NULL;

  if (!hookrun_layout_check_release (release, error))
    return FALSE;
  text = hookrun_layout_ask (self, cancellable, error, words);
  if (text == NULL)
    return FALSE;
  if (notes != NULL) {
    g_free (*notes);
    *notes = g_steal_pointer (&text);
  }
  return TRUE;
}

/* A pattern of a sync as words of find: what matches is not entered. */
static void
add_pattern (GPtrArray *words, const char *pattern)
{
  gsize length = strlen (pattern);
  gboolean folders_only = length > 1 && pattern[length - 1] == '/';
  g_autofree char *name = g_strndup (pattern, folders_only ? length - 1 : length);
  gboolean is_path = strchr (name, '/') != NULL;

  if (folders_only) {
    g_ptr_array_add (words, g_strdup ("-type"));
    g_ptr_array_add (words, g_strdup ("d"));
  }
  g_ptr_array_add (words, g_strdup (is_path ? "-path" : "-name"));
  if (name[0] == '/')
    g_ptr_array_add (words, g_strconcat (".", name, NULL));
  else
    g_ptr_array_add (words, g_strconcat (is_path ? "*/" : "", name, NULL));
  g_ptr_array_add (words, g_strdup ("-prune"));
  g_ptr_array_add (words, g_strdup ("-o"));
}

/**
 * hookrun_layout_begin:
 * @self: an open layout
 * @release: a new name, for example of [func@Hookrun.Layout.make_release_name]
 * @sync: (nullable): the sync that will send it; what it excludes an in-place layout leaves alone
 *   when it goes back
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Starts a release. Its folder begins as a copy of the live release, so that only differences are
 * sent: by clones where the file system has them, else by hard links or, after
 * [method@Hookrun.Layout.set_hard_links], by copies. Leftovers of interrupted runs are removed. In
 * place, the present tree is kept by hard links; unless the release is confirmed, what its send
 * wrote goes and what it replaced comes back. Errors: %HOOKRUN_ERROR_NO_SPACE,
 * %HOOKRUN_ERROR_PERMISSION, %HOOKRUN_ERROR_COMMAND; those of [method@Hookrun.Layout.get_state].
 *
 * Returns: %TRUE when the folder is there
 *
 * Since: 1.0
 */
gboolean
hookrun_layout_begin (HookrunLayout *self, const char *release, HookrunSync *sync,
                      GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (HookrunSyncOptions) options = NULL;
  g_autofree char *reply = NULL;

  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), FALSE);
  g_return_val_if_fail (sync == NULL || HOOKRUN_IS_SYNC (sync), FALSE);

  if (!hookrun_layout_check_release (release, error))
    return FALSE;
  g_ptr_array_add (words, g_strdup ("begin"));
  g_ptr_array_add (words, g_strdup (release));
  g_ptr_array_add (words, g_strdup (self->may_link ? "linked" : "apart"));
  options = sync != NULL ? hookrun_sync_copy_options (sync) : NULL;
  if (options != NULL && options->excludes != NULL && self->kind == HOOKRUN_LAYOUT_IN_PLACE)
    for (gsize i = 0; options->excludes[i] != NULL; i++)
      add_pattern (words, options->excludes[i]);
  g_ptr_array_add (words, NULL);
  reply = hookrun_layout_ask (self, cancellable, error, (const char *const *)words->pdata);
  if (reply == NULL)
    return FALSE;
  self->shares_files = g_str_equal (reply, "shared");
  return TRUE;
}

static gboolean
check_state (HookrunLayout *self, const char *release, HookrunReleaseState wanted, const char *step,
             GCancellable *cancellable, GError **error)
{
  HookrunReleaseState state;

  if (!hookrun_layout_get_state (self, release, &state, cancellable, error))
    return FALSE;
  if (state == wanted)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
               "target \"%s\": cannot %s release %s: it is %s",
               hookrun_target_get_name (self->target), step, release,
               state < wanted ? "not begun" : "sealed already");
  return FALSE;
}

/* The top of the tree is none of its entries, so its mode is sent by itself. */
static gboolean
send_mode (HookrunLayout *self, const char *release, const char *local_folder,
           GCancellable *cancellable, GError **error)
{
  g_autofree char *mode = NULL;
  struct stat st;

  if (stat (local_folder, &st) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot look at folder \"%s\"", local_folder);
    return FALSE;
  }
  mode = g_strdup_printf ("%o", (guint)st.st_mode & 0777);
  return do_step (self, "set_mode", release, mode, NULL, cancellable, error);
}

/**
 * hookrun_layout_send:
 * @self: an open layout
 * @release: a release that was begun and is not sealed
 * @sync: how to send it; its setting of a dry run is obeyed
 * @local_folder: (type filename): the tree, a folder of this machine
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Brings a tree into the folder of a release. May be repeated until the release is sealed. Files
 * that older releases share are never changed. Errors: %HOOKRUN_ERROR_CONFLICT when the release is
 * not begun, or sealed; those of [method@Hookrun.Sync.run] and [method@Hookrun.Layout.get_state].
 *
 * Returns: (transfer full): what was done
 *
 * Since: 1.0
 */
HookrunSyncResult *
hookrun_layout_send (HookrunLayout *self, const char *release, HookrunSync *sync,
                     const char *local_folder, GCancellable *cancellable, GError **error)
{
  g_autoptr (HookrunSyncOptions) options = NULL;
  g_autoptr (HookrunSyncResult) result = NULL;
  g_autofree char *path = NULL;
  g_autofree char *mapped = NULL;

  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), NULL);
  g_return_val_if_fail (HOOKRUN_IS_SYNC (sync), NULL);

  if (!check_state (self, release, HOOKRUN_RELEASE_STARTED, "send to", cancellable, error) ||
      !hookrun_layout_expect (self, release, sync, local_folder, cancellable, error))
    return NULL;
  options = hookrun_sync_copy_options (sync);
  options->has_hard_links = self->shares_files;
  options->guard_state = self->kind == HOOKRUN_LAYOUT_IN_PLACE;
  path = hookrun_layout_get_release_path (self, release);
  mapped = hookrun_target_map_path (self->target, self->folder);
  options->writers = g_build_filename (mapped, ".hookrun", "writers", NULL);
  result = hookrun_sync_run_options (options, self->target, local_folder, path, cancellable, error);
  if (result == NULL || !send_mode (self, release, local_folder, cancellable, error))
    return NULL;
  return g_steal_pointer (&result);
}

/**
 * hookrun_layout_share:
 * @self: an open layout
 * @release: a release that was begun and is not sealed
 * @path: (type filename): a relative path in the release
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Makes @path a link to the same path below `shared`, where data lives that outlasts releases. The
 * first time the release's own file or folder is copied there. In place nothing happens: exclude
 * such paths from the sync instead. Errors: %HOOKRUN_ERROR_INVALID for an unsafe path; those of
 * [method@Hookrun.Layout.begin].
 *
 * Returns: %TRUE when the link is there
 *
 * Since: 1.0
 */
gboolean
hookrun_layout_share (HookrunLayout *self, const char *release, const char *path,
                      GCancellable *cancellable, GError **error)
{
  g_auto (GStrv) parts = NULL;

  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), FALSE);
  g_return_val_if_fail (path != NULL, FALSE);

  parts = g_strsplit (path, "/", -1);
  if (parts[0] == NULL || g_strv_contains ((const char *const *)parts, "") ||
      g_strv_contains ((const char *const *)parts, ".") ||
      g_strv_contains ((const char *const *)parts, "..")) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "cannot share \"%s\": it must be a path inside the release", path);
    return FALSE;
  }
  return do_step (self, "share", release, path, NULL, cancellable, error);
}

/**
 * hookrun_layout_verify:
 * @self: an open layout
 * @release: a release that was sent
 * @sync: the sync that sent it
 * @local_folder: (type filename): the tree that was sent
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Compares the release with the tree again. What is there beside the tree, such as configuration
 * and links to shared data, does not count. Errors: %HOOKRUN_ERROR_CONFLICT names the first
 * difference; those of [method@Hookrun.Layout.send].
 *
 * Returns: %TRUE when the release is what was to be sent
 *
 * Since: 1.0
 */
gboolean
hookrun_layout_verify (HookrunLayout *self, const char *release, HookrunSync *sync,
                       const char *local_folder, GCancellable *cancellable, GError **error)
{
  g_autoptr (HookrunSyncOptions) options = NULL;
  g_autoptr (HookrunSyncResult) result = NULL;
  g_autofree char *path = NULL;

  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), FALSE);
  g_return_val_if_fail (HOOKRUN_IS_SYNC (sync), FALSE);

  if (!hookrun_layout_check_release (release, error))
    return FALSE;
  options = hookrun_sync_copy_options (sync);
  options->dry_run = TRUE;
  options->remove = FALSE;
  options->guard_state = self->kind == HOOKRUN_LAYOUT_IN_PLACE;
  path = hookrun_layout_get_release_path (self, release);
  result = hookrun_sync_run_options (options, self->target, local_folder, path, cancellable, error);
  if (result == NULL)
    return FALSE;
  if (hookrun_sync_result_get_changes (result)[0] == NULL)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
               "target \"%s\": release %s is not what was sent: \"%s\" differs; send it again",
               hookrun_target_get_name (self->target), release,
               hookrun_sync_result_get_changes (result)[0] + 2);
  return FALSE;
}

/**
 * hookrun_layout_seal:
 * @self: an open layout
 * @release: a release that is complete
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Declares a release complete: brings it onto the disk and keeps a list of what is in it. Only a
 * sealed release can become live, and only while it is as the list says. Errors: those of
 * [method@Hookrun.Layout.begin].
 *
 * Returns: %TRUE when the release is sealed
 *
 * Since: 1.0
 */
gboolean
hookrun_layout_seal (HookrunLayout *self, const char *release, GCancellable *cancellable,
                     GError **error)
{
  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), FALSE);

  return do_step (self, "seal", release, NULL, NULL, cancellable, error);
}

/**
 * hookrun_layout_switch:
 * @self: an open layout
 * @release: a sealed release; an older one for a rollback
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Makes a release live, by one rename. Until it is confirmed it goes back by itself when the
 * layout is closed, this process ends, or the connection dies. In place, a release that was sent is
 * live already, and a rollback puts back what that send had replaced. Errors:
 * %HOOKRUN_ERROR_CONFLICT when the release was changed after it was sealed; %HOOKRUN_ERROR_COMMAND
 * when it is not sealed; those of [method@Hookrun.Layout.begin].
 *
 * Returns: %TRUE when the release is live
 *
 * Since: 1.0
 */
gboolean
hookrun_layout_switch (HookrunLayout *self, const char *release, GCancellable *cancellable,
                       GError **error)
{
  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), FALSE);

  return do_step (self, "go_live", release, NULL, &self->recovered, cancellable, error);
}

/**
 * hookrun_layout_confirm:
 * @self: an open layout
 * @release: the release that is live
 * @record: (nullable): what to record as deployed, together with the confirmation
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Makes a switch final. Errors: %HOOKRUN_ERROR_COMMAND when @release is not live; those of
 * [method@Hookrun.Layout.begin].
 *
 * Returns: %TRUE when the release is confirmed
 *
 * Since: 1.0
 */
gboolean
hookrun_layout_confirm (HookrunLayout *self, const char *release, JsonNode *record,
                        GCancellable *cancellable, GError **error)
{
  g_autofree char *text = NULL;

  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), FALSE);

  text = record != NULL ? hookrun_json_to_string (record) : g_strdup ("");
  return do_step (self, "confirm", release, text, NULL, cancellable, error);
}

/**
 * hookrun_layout_undo:
 * @self: an open layout
 * @release: a release that is not confirmed
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Takes a release back: if it is live, what was live before is live again; its folder is removed.
 * In place, only what was sent is undone, file by file. What somebody else made meanwhile stays;
 * what somebody else changed and the old tree needs the name of goes to `.hookrun/set-aside`, which
 * [method@Hookrun.Layout.get_recovered] tells.
 * Does nothing to a release that was confirmed once, or is missing. Errors: %HOOKRUN_ERROR_COMMAND
 * when the release is confirmed and live; those of [method@Hookrun.Layout.begin].
 *
 * Returns: %TRUE when nothing of it is left
 *
 * Since: 1.0
 */
gboolean
hookrun_layout_undo (HookrunLayout *self, const char *release, GCancellable *cancellable,
                     GError **error)
{
  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), FALSE);

  return do_step (self, "undo", release, NULL, &self->recovered, cancellable, error);
}

/**
 * hookrun_layout_prune:
 * @self: an open layout
 * @keep: how many releases to keep beside the live one
 * @n_removed: (out) (optional): how many were removed
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Removes the oldest releases. Only releases that were confirmed once and are not live are removed.
 * Errors: those of [method@Hookrun.Layout.begin].
 *
 * Returns: %TRUE when it is done
 *
 * Since: 1.0
 */
gboolean
hookrun_layout_prune (HookrunLayout *self, guint keep, guint *n_removed, GCancellable *cancellable,
                      GError **error)
{
  g_autofree char *count = g_strdup_printf ("%u", keep);
  g_autofree char *reply = NULL;

  g_return_val_if_fail (HOOKRUN_IS_LAYOUT (self), FALSE);

  reply =
      hookrun_layout_ask (self, cancellable, error, (const char *const[]){"prune", count, NULL});
  if (reply == NULL)
    return FALSE;
  if (n_removed != NULL)
    *n_removed = (guint)g_ascii_strtoull (reply, NULL, 10);
  return TRUE;
}
