/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happens to folders: new ones, filled ones that are moved in, moved ones, unreadable ones,
 * deep ones, and mounts. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watch-fixture.h"

/* Five files in each of many folders, right after the folder is made. */
static void
test_fresh (void)
{
  g_autoptr (WatchPlace) place = watch_place_new ();

  for (int i = 0; i < 1000; i++) {
    g_autofree char *folder = g_strdup_printf ("w/d%d", i);

    watch_mkdir (place, folder);
    for (int j = 0; j < 5; j++) {
      g_autofree char *file = g_strdup_printf ("%s/f%d", folder, j);

      watch_write (place, file, "x");
    }
  }
  watch_settle (place);
  watch_compare (place);
  g_assert_cmpuint (watch_count_kind (place, HOOKRUN_CHANGE_CREATED), ==, 6001);
}

static void
test_deep_at_once (void)
{
  g_autoptr (WatchPlace) place = watch_place_new ();
  g_autofree char *path = watch_path (place, "w/a/b/c/d/e/f/g");

  g_assert_cmpint (g_mkdir_with_parents (path, 0755), ==, 0);
  watch_write (place, "w/a/b/c/d/e/f/g/file", "x");
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/a/b/c/d/e/f/g/file", NULL);
  watch_settle (place);
  g_assert_cmpuint (watch_index (place, HOOKRUN_CHANGE_CREATED, "w/a/b/c"), <,
                    watch_index (place, HOOKRUN_CHANGE_CREATED, "w/a/b/c/d"));
  watch_compare (place);
}

static void
fill (WatchPlace *place, const char *folder)
{
  for (int i = 0; i < 10; i++) {
    g_autofree char *sub = g_strdup_printf ("%s/s%d", folder, i);
    g_autofree char *file = g_strdup_printf ("%s/f", sub);

    watch_mkdir (place, sub);
    watch_write (place, file, "x");
  }
}

static void
test_moved_in (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();

  watch_mkdir (place, "out");
  fill (place, "out");
  watch_place_start (place);
  watch_move (place, "out", "w/in");
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/in/s9/f", NULL);
  watch_append (place, "w/in/s3/f", "more");
  watch_expect (place, HOOKRUN_CHANGE_CHANGED, "w/in/s3/f", NULL);
  watch_settle (place);
  watch_compare (place);
}

static void
test_moved_out (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();

  watch_mkdir (place, "w/in");
  fill (place, "w/in");
  watch_place_start (place);
  watch_move (place, "w/in", "out");
  watch_expect (place, HOOKRUN_CHANGE_REMOVED, "w/in", NULL);
  watch_settle (place);
  watch_forget (place);
  watch_append (place, "out/s1/f", "more");
  watch_write (place, "out/s1/g", "x");
  watch_remove (place, "out/s2");
  watch_settle (place);
  /* The sentinel is all that was told. */
  g_assert_cmpuint (watch_count_kind (place, HOOKRUN_CHANGE_REMOVED), ==, 0);
  g_assert_cmpuint (watch_count_kind (place, HOOKRUN_CHANGE_CREATED), ==, 1);
  watch_compare (place);
  g_assert_cmpuint (hookrun_watcher_get_n_folders (place->watcher), ==, 1);
}

static void
test_moved_within (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();

  watch_mkdir (place, "w/a");
  watch_mkdir (place, "w/z");
  fill (place, "w/a");
  watch_place_start (place);
  watch_move (place, "w/a", "w/z/b");
  watch_append (place, "w/z/b/s1/f", "more");
  watch_write (place, "w/z/b/s2/new", "x");
  watch_expect (place, HOOKRUN_CHANGE_MOVED, "w/z/b", "w/a");
  watch_expect (place, HOOKRUN_CHANGE_CHANGED, "w/z/b/s1/f", NULL);
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/z/b/s2/new", NULL);
  watch_settle (place);
  watch_compare (place);
}

/* A folder is renamed while its files change: every path is the one it had at that time. */
static void
test_renamed_meanwhile (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();

  watch_mkdir (place, "w/d0");
  watch_write (place, "w/d0/f", "x");
  watch_place_start (place);
  for (int i = 0; i < 500; i++) {
    g_autofree char *from = g_strdup_printf ("w/d%d", i);
    g_autofree char *to = g_strdup_printf ("w/d%d", i + 1);
    g_autofree char *file = g_strdup_printf ("%s/f", to);
    g_autofree char *fresh = g_strdup_printf ("%s/g%d", to, i);

    watch_move (place, from, to);
    watch_append (place, file, "y");
    watch_write (place, fresh, "z");
  }
  watch_settle (place);
  watch_compare (place);
  g_assert_cmpuint (watch_count_kind (place, HOOKRUN_CHANGE_MOVED), ==, 500);
  watch_expect (place, HOOKRUN_CHANGE_CHANGED, "w/d500/f", NULL);
}

static void
test_exchanged (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  g_autofree char *one = watch_path (place, "w/one");
  g_autofree char *other = watch_path (place, "w/other");

  watch_mkdir (place, "w/one");
  watch_mkdir (place, "w/other");
  watch_write (place, "w/one/1", "1");
  watch_write (place, "w/other/2", "2");
  watch_place_start (place);
  for (int i = 0; i < 51; i++)
    g_assert_cmpint (renameat2 (AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE), ==, 0);
  watch_append (place, "w/one/2", "more");
  watch_append (place, "w/other/1", "more");
  watch_expect (place, HOOKRUN_CHANGE_CHANGED, "w/one/2", NULL);
  watch_expect (place, HOOKRUN_CHANGE_CHANGED, "w/other/1", NULL);
  watch_settle (place);
  watch_compare (place);
}

/* Removed and made again while nobody looks at the events. */
static void
test_made_again (void)
{
  g_autoptr (WatchPlace) place = watch_place_new ();

  for (int i = 0; i < 200; i++) {
    watch_mkdir (place, "w/d");
    watch_mkdir (place, "w/d/e");
    watch_write (place, "w/d/e/f", "x");
    watch_remove (place, "w/d");
  }
  watch_mkdir (place, "w/d");
  watch_write (place, "w/d/last", "x");
  watch_settle (place);
  watch_compare (place);
  watch_append (place, "w/d/last", "y");
  watch_forget (place);
  watch_expect (place, HOOKRUN_CHANGE_CHANGED, "w/d/last", NULL);
}

/* A folder takes the place of another while both names are in the queue. */
static void
test_names_change_hands (void)
{
  g_autoptr (WatchPlace) place = watch_place_new ();

  for (int i = 0; i < 200; i++) {
    g_autofree char *kept = g_strdup_printf ("w/kept%d", i);
    g_autofree char *file = g_strdup_printf ("%s/f", kept);
    g_autofree char *next = g_strdup_printf ("w/x/n%d", i);

    watch_mkdir (place, "w/x");
    watch_mkdir (place, "w/x/y");
    watch_move (place, "w/x", kept);
    watch_mkdir (place, "w/x");
    watch_write (place, next, "x");
    watch_write (place, file, "x");
    watch_remove (place, "w/x");
  }
  watch_settle (place);
  watch_compare (place);
  watch_write (place, "w/kept100/y/late", "x");
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/kept100/y/late", NULL);
}

/* Paths that are longer than the kernel takes at once. */
static void
test_long_path (void)
{
  g_autoptr (WatchPlace) place = watch_place_new ();
  g_autofree char *name = g_strnfill (250, 'n');
  g_autoptr (GString) path = g_string_new ("w");
  int fd = open (place->folder, O_PATH | O_CLOEXEC);
  int file;

  for (int i = 0; i < 20; i++) {
    int next;

    g_assert_cmpint (mkdirat (fd, name, 0755), ==, 0);
    next = openat (fd, name, O_PATH | O_CLOEXEC);
    close (fd);
    fd = next;
    g_string_append_printf (path, "/%s", name);
  }
  g_string_append (path, "/file");
  file = openat (fd, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  g_assert_cmpint (file, >=, 0);
  watch_expect (place, HOOKRUN_CHANGE_CREATED, path->str, NULL);
  watch_forget (place);
  g_assert_cmpint ((int)write (file, "x", 1), ==, 1);
  watch_expect (place, HOOKRUN_CHANGE_CHANGED, path->str, NULL);
  close (file);
  g_assert_cmpint (mkdirat (fd, "late", 0755), ==, 0);
  close (fd);
  g_string_truncate (path, path->len - 4);
  g_string_append (path, "late");
  watch_expect (place, HOOKRUN_CHANGE_CREATED, path->str, NULL);
  g_assert_cmpuint (hookrun_watcher_get_n_folders (place->watcher), ==, 22);
}

/* One that may not be read is watched once it may; root may read all. */
static void
test_denied (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  g_autofree char *path = watch_path (place, "w/secret");

  watch_mkdir (place, "w/secret");
  watch_write (place, "w/secret/f", "x");
  g_assert_cmpint (chmod (path, 0000), ==, 0);
  watch_place_start (place);
  g_assert_cmpint (chmod (path, 0755), ==, 0);
  if (geteuid () != 0)
    watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/secret/f", NULL);
  watch_write (place, "w/secret/g", "x");
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/secret/g", NULL);
}

static void
test_shallow (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  g_autoptr (GError) error = NULL;

  watch_mkdir (place, "w/d");
  hookrun_watcher_add_root (place->watcher, place->folder, HOOKRUN_WATCH_NONE,
                            HOOKRUN_CHANGE_CREATED, &error);
  place->believed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  hookrun_watcher_start (place->watcher, NULL, &error);
  g_assert_no_error (error);
  watch_write (place, "w/d/f", "x");
  watch_write (place, "w/f", "x");
  watch_settle (place);
  g_assert_cmpuint (watch_count_kind (place, HOOKRUN_CHANGE_CREATED), ==, 2);
  g_assert_cmpuint (watch_count_kind (place, HOOKRUN_CHANGE_ALL), ==, 0);
  g_assert_cmpuint (watch_count (place, HOOKRUN_CHANGE_CREATED, "w/f"), ==, 1);
}

/* What is mounted over a folder hides it, and shows it again when it goes. */
static void
test_mounts (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  g_autofree char *path = watch_path (place, "w/m");

  watch_mkdir (place, "w/m");
  watch_write (place, "w/m/below", "x");
  watch_place_start (place);
  g_assert_cmpint (mount ("none", path, "tmpfs", 0, NULL), ==, 0);
  watch_expect (place, HOOKRUN_CHANGE_REMOVED, "w/m/below", NULL);
  watch_write (place, "w/m/above", "x");
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/m/above", NULL);
  watch_settle (place);
  watch_compare (place);
  g_assert_cmpint (umount (path), ==, 0);
  watch_expect (place, HOOKRUN_CHANGE_REMOVED, "w/m/above", NULL);
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/m/below", NULL);
  watch_forget (place);
  watch_append (place, "w/m/below", "y");
  watch_expect (place, HOOKRUN_CHANGE_CHANGED, "w/m/below", NULL);
  watch_settle (place);
  watch_compare (place);
}

int
main (int argc, char **argv)
{
  watch_fixture_init (&argc, &argv);
  g_test_add_func ("/watch/folders/fresh-with-files", test_fresh);
  g_test_add_func ("/watch/folders/deep-at-once", test_deep_at_once);
  g_test_add_func ("/watch/folders/filled-moved-in", test_moved_in);
  g_test_add_func ("/watch/folders/moved-out-then-changed", test_moved_out);
  g_test_add_func ("/watch/folders/moved-within", test_moved_within);
  g_test_add_func ("/watch/folders/renamed-while-files-change", test_renamed_meanwhile);
  g_test_add_func ("/watch/folders/exchanged", test_exchanged);
  g_test_add_func ("/watch/folders/removed-and-made-again", test_made_again);
  g_test_add_func ("/watch/folders/names-change-hands", test_names_change_hands);
  g_test_add_func ("/watch/folders/path-over-4096-bytes", test_long_path);
  g_test_add_func ("/watch/folders/denied-then-granted", test_denied);
  g_test_add_func ("/watch/folders/shallow", test_shallow);
  if (watch_fixture_may_mount ())
    g_test_add_func ("/watch/folders/mount-and-unmount", test_mounts);
  return g_test_run ();
}
