/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Roots that vanish, return, are files, overlap, are missing or not to be had; starting and
 * stopping. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watch-fixture.h"

static void
test_made_again (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();

  watch_write (place, "w/f", "x");
  watch_place_start (place);
  watch_remove (place, "w");
  watch_expect (place, HOOKRUN_CHANGE_ROOT_GONE, "w", NULL);
  g_assert_cmpuint (watch_count (place, HOOKRUN_CHANGE_REMOVED, "w/f"), ==, 1);
  watch_mkdir (place, "w");
  watch_write (place, "w/g", "x");
  watch_expect (place, HOOKRUN_CHANGE_ROOT_BACK, "w", NULL);
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/g", NULL);
  watch_settle (place);
  watch_compare (place);
}

/* So fast that nobody saw it gone. */
static void
test_made_again_at_once (void)
{
  g_autoptr (WatchPlace) place = watch_place_new ();

  for (int i = 0; i < 20; i++) {
    g_autofree char *file = g_strdup_printf ("w/f%d", i);

    watch_remove (place, "w");
    watch_mkdir (place, "w");
    watch_write (place, file, "x");
    watch_expect (place, HOOKRUN_CHANGE_CREATED, file, NULL);
  }
  watch_settle (place);
  watch_compare (place);
}

static void
test_renamed_and_back (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();

  watch_mkdir (place, "w/d");
  watch_write (place, "w/d/same", "x");
  watch_write (place, "w/d/other", "x");
  watch_write (place, "w/d/less", "x");
  watch_place_start (place);
  g_usleep (30000);
  watch_move (place, "w", "elsewhere");
  watch_expect (place, HOOKRUN_CHANGE_ROOT_GONE, "w", NULL);
  watch_append (place, "elsewhere/d/other", "y");
  watch_remove (place, "elsewhere/d/less");
  watch_write (place, "elsewhere/d/more", "y");
  watch_run (place, 50);
  g_assert_cmpuint (watch_count (place, HOOKRUN_CHANGE_CHANGED, "w/d/other"), ==, 0);
  watch_move (place, "elsewhere", "w");
  watch_expect (place, HOOKRUN_CHANGE_ROOT_BACK, "w", NULL);
  watch_expect (place, HOOKRUN_CHANGE_CHANGED, "w/d/other", NULL);
  watch_expect (place, HOOKRUN_CHANGE_REMOVED, "w/d/less", NULL);
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/d/more", NULL);
  watch_settle (place);
  g_assert_cmpuint (watch_count (place, HOOKRUN_CHANGE_CHANGED, "w/d/same"), ==, 0);
  watch_append (place, "w/d/same", "y");
  watch_expect (place, HOOKRUN_CHANGE_CHANGED, "w/d/same", NULL);
  watch_compare (place);
}

/* What comes back is another folder, with older files of the same names. */
static void
test_replaced (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();

  watch_write (place, "w/f", "x");
  watch_mkdir (place, "next");
  watch_write (place, "next/f", "y");
  watch_place_start (place);
  g_usleep (30000);
  watch_move (place, "w", "before");
  watch_move (place, "next", "w");
  watch_expect (place, HOOKRUN_CHANGE_CHANGED, "w/f", NULL);
  watch_settle (place);
  watch_compare (place);
}

/* A folder on the way to the root is renamed. */
static void
test_above (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  g_autofree char *root = watch_path (place, "w/a/b/root");
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (root, 0755), ==, 0);
  place->believed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  hookrun_watcher_add_root (place->watcher, root, HOOKRUN_WATCH_RECURSIVE, HOOKRUN_CHANGE_ALL,
                            &error);
  hookrun_watcher_start (place->watcher, NULL, &error);
  g_assert_no_error (error);
  watch_move (place, "w/a", "w/c");
  watch_expect (place, HOOKRUN_CHANGE_ROOT_GONE, "w/a/b/root", NULL);
  watch_mkdir (place, "w/a");
  watch_run (place, 20);
  watch_move (place, "w/c/b", "w/a/b");
  watch_expect (place, HOOKRUN_CHANGE_ROOT_BACK, "w/a/b/root", NULL);
  watch_write (place, "w/a/b/root/f", "x");
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/a/b/root/f", NULL);
}

static void
test_missing_at_first (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  g_autofree char *root = watch_path (place, "w/later/deep/root");
  g_autoptr (GError) error = NULL;

  place->believed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  hookrun_watcher_add_root (place->watcher, root, HOOKRUN_WATCH_RECURSIVE, HOOKRUN_CHANGE_ALL,
                            &error);
  hookrun_watcher_start (place->watcher, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_mkdir_with_parents (root, 0755), ==, 0);
  watch_write (place, "w/later/deep/root/f", "x");
  watch_expect (place, HOOKRUN_CHANGE_ROOT_BACK, "w/later/deep/root", NULL);
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/later/deep/root/f", NULL);
}

/* The root is a link that is turned to another folder, as a release is. */
static void
test_link (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  g_autofree char *root = watch_path (place, "w/current");
  g_autofree char *next = watch_path (place, "w/next");
  g_autoptr (GError) error = NULL;

  watch_mkdir (place, "w/1");
  watch_write (place, "w/1/old", "x");
  watch_mkdir (place, "w/2");
  watch_write (place, "w/2/new", "x");
  g_assert_cmpint (symlink ("1", root), ==, 0);
  g_assert_cmpint (symlink ("2", next), ==, 0);
  hookrun_watcher_add_root (place->watcher, root, HOOKRUN_WATCH_RECURSIVE, HOOKRUN_CHANGE_ALL,
                            &error);
  place->believed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_insert (place->believed, watch_path (place, "w/current/old"), (gpointer) "f");
  hookrun_watcher_start (place->watcher, NULL, &error);
  g_assert_no_error (error);
  watch_move (place, "w/next", "w/current");
  watch_expect (place, HOOKRUN_CHANGE_REMOVED, "w/current/old", NULL);
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/current/new", NULL);
}

static void
test_files (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  g_autofree char *one = watch_path (place, "w/one");
  g_autofree char *other = watch_path (place, "w/other");
  g_autoptr (GError) error = NULL;

  watch_write (place, "w/one", "x");
  watch_write (place, "w/other", "x");
  place->believed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_insert (place->believed, g_strdup (one), (gpointer) "f");
  g_hash_table_insert (place->believed, g_strdup (other), (gpointer) "f");
  hookrun_watcher_add_root (place->watcher, one, HOOKRUN_WATCH_RECURSIVE, HOOKRUN_CHANGE_ALL, NULL);
  hookrun_watcher_add_root (place->watcher, other, HOOKRUN_WATCH_RECURSIVE, HOOKRUN_CHANGE_ALL,
                            NULL);
  hookrun_watcher_start (place->watcher, NULL, &error);
  g_assert_no_error (error);
  watch_write (place, "w/third", "x");
  watch_append (place, "w/other", "x");
  watch_write (place, "w/one.tmp", "x");
  watch_move (place, "w/one.tmp", "w/one");
  watch_expect (place, HOOKRUN_CHANGE_CHANGED, "w/other", NULL);
  watch_expect (place, HOOKRUN_CHANGE_CHANGED, "w/one", NULL);
  watch_run (place, 50);
  g_assert_cmpuint (watch_count (place, HOOKRUN_CHANGE_CREATED, "w/third"), ==, 0);
}

/* A root within a root is watched once; a rename from one to the other is a rename. */
static void
test_several (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  g_autofree char *second = watch_path (place, "second");
  g_autofree char *within = watch_path (place, "w/within");

  watch_mkdir (place, "w/within");
  watch_mkdir (place, "second");
  hookrun_watcher_add_root (place->watcher, within, HOOKRUN_WATCH_RECURSIVE, HOOKRUN_CHANGE_ALL,
                            NULL);
  hookrun_watcher_add_root (place->watcher, second, HOOKRUN_WATCH_RECURSIVE, HOOKRUN_CHANGE_ALL,
                            NULL);
  watch_place_start (place);
  g_assert_cmpuint (hookrun_watcher_get_n_folders (place->watcher), ==, 3);
  watch_write (place, "w/within/f", "x");
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/within/f", NULL);
  watch_move (place, "w/within", "second/moved");
  watch_expect (place, HOOKRUN_CHANGE_MOVED, "second/moved", "w/within");
  watch_append (place, "second/moved/f", "y");
  watch_expect (place, HOOKRUN_CHANGE_CHANGED, "second/moved/f", NULL);
  g_assert_cmpuint (watch_count (place, HOOKRUN_CHANGE_CREATED, "w/within/f"), ==, 1);
}

/* ---- starting and stopping ---- */

static void
on_started (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (hookrun_watcher_start_finish (HOOKRUN_WATCHER (source), result, &error));
  g_assert_no_error (error);
  *(gboolean *)data = TRUE;
}

static void
test_start_async (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  gboolean is_started = FALSE;

  place->believed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  hookrun_watcher_add_root (place->watcher, place->folder, HOOKRUN_WATCH_RECURSIVE,
                            HOOKRUN_CHANGE_ALL, NULL);
  hookrun_watcher_start_async (place->watcher, NULL, on_started, &is_started);
  while (!is_started)
    g_main_context_iteration (NULL, TRUE);
  watch_write (place, "w/f", "x");
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/f", NULL);
}

static void
test_cancelled (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  hookrun_watcher_add_root (place->watcher, place->folder, HOOKRUN_WATCH_RECURSIVE,
                            HOOKRUN_CHANGE_ALL, NULL);
  g_assert_false (hookrun_watcher_start (place->watcher, cancellable, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
}

static void
test_again (void)
{
  g_autoptr (WatchPlace) place = watch_place_new ();
  g_autoptr (GError) error = NULL;

  g_assert_false (hookrun_watcher_start (place->watcher, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_BUSY);
  g_clear_error (&error);
  hookrun_watcher_stop (place->watcher);
  hookrun_watcher_stop (place->watcher);
  watch_write (place, "w/unseen", "x");
  g_assert_true (hookrun_watcher_start (place->watcher, NULL, &error));
  watch_write (place, "w/f", "x");
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/f", NULL);
  g_assert_cmpuint (watch_count (place, HOOKRUN_CHANGE_CREATED, "w/unseen"), ==, 0);
}

static void
test_errors (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  g_autoptr (GError) error = NULL;

  g_assert_false (hookrun_watcher_start (place->watcher, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (hookrun_watcher_add_root (place->watcher, "", HOOKRUN_WATCH_NONE,
                                            HOOKRUN_CHANGE_ALL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  g_clear_error (&error);
  if (geteuid () != 0) {
    g_assert_cmpint (chmod (place->folder, 0), ==, 0);
    hookrun_watcher_add_root (place->watcher, place->folder, HOOKRUN_WATCH_RECURSIVE,
                              HOOKRUN_CHANGE_ALL, NULL);
    g_assert_false (hookrun_watcher_start (place->watcher, NULL, &error));
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION);
    g_assert_cmpint (chmod (place->folder, 0755), ==, 0);
  }
}

/* It is stopped by its own handler. */
static void
stop (HookrunWatcher *watcher, GPtrArray *changes, gpointer data)
{
  hookrun_watcher_stop (watcher);
  *(gboolean *)data = TRUE;
}

static void
test_stopped_by_handler (void)
{
  g_autoptr (WatchPlace) place = watch_place_new ();
  gboolean is_stopped = FALSE;

  g_signal_connect (place->watcher, "changes", G_CALLBACK (stop), &is_stopped);
  watch_write (place, "w/f", "x");
  while (!is_stopped)
    g_main_context_iteration (NULL, TRUE);
  watch_write (place, "w/g", "x");
  watch_run (place, 50);
  g_assert_cmpuint (watch_count (place, HOOKRUN_CHANGE_CREATED, "w/g"), ==, 0);
}

int
main (int argc, char **argv)
{
  watch_fixture_init (&argc, &argv);
  g_test_add_func ("/watch/roots/removed-and-made-again", test_made_again);
  g_test_add_func ("/watch/roots/made-again-at-once", test_made_again_at_once);
  g_test_add_func ("/watch/roots/renamed-and-back", test_renamed_and_back);
  g_test_add_func ("/watch/roots/replaced", test_replaced);
  g_test_add_func ("/watch/roots/renamed-above", test_above);
  g_test_add_func ("/watch/roots/missing-at-first", test_missing_at_first);
  g_test_add_func ("/watch/roots/link-is-turned", test_link);
  g_test_add_func ("/watch/roots/files", test_files);
  g_test_add_func ("/watch/roots/several", test_several);
  g_test_add_func ("/watch/roots/start-async", test_start_async);
  g_test_add_func ("/watch/roots/start-cancelled", test_cancelled);
  g_test_add_func ("/watch/roots/start-again", test_again);
  g_test_add_func ("/watch/roots/errors", test_errors);
  g_test_add_func ("/watch/roots/stopped-by-its-handler", test_stopped_by_handler);
  return g_test_run ();
}
