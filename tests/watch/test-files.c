/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happens to single files: each way of writing, replacing and naming them is told. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "watch-fixture.h"

static void
test_plain (void)
{
  g_autoptr (WatchPlace) place = watch_place_new ();

  watch_write (place, "w/f", "one");
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/f", NULL);
  watch_expect (place, HOOKRUN_CHANGE_CHANGED, "w/f", NULL);
  watch_forget (place);
  watch_append (place, "w/f", "two");
  watch_expect (place, HOOKRUN_CHANGE_CHANGED, "w/f", NULL);
  watch_remove (place, "w/f");
  watch_expect (place, HOOKRUN_CHANGE_REMOVED, "w/f", NULL);
  watch_settle (place);
  watch_compare (place);
}

static void
test_gone_at_once (void)
{
  g_autoptr (WatchPlace) place = watch_place_new ();

  watch_write (place, "w/f", "");
  watch_remove (place, "w/f");
  watch_settle (place);
  g_assert_cmpuint (watch_index (place, HOOKRUN_CHANGE_CREATED, "w/f"), <,
                    watch_index (place, HOOKRUN_CHANGE_REMOVED, "w/f"));
  g_assert_cmpuint (watch_count (place, HOOKRUN_CHANGE_REMOVED, "w/f"), ==, 1);
  watch_compare (place);
}

static void
test_atomic_save (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();

  watch_write (place, "w/f", "old");
  watch_place_start (place);
  watch_write (place, "w/.f.tmp", "new");
  watch_move (place, "w/.f.tmp", "w/f");
  watch_expect (place, HOOKRUN_CHANGE_MOVED, "w/f", "w/.f.tmp");
  watch_settle (place);
  g_assert_cmpuint (watch_count (place, HOOKRUN_CHANGE_REMOVED, "w/f"), ==, 0);
  watch_compare (place);
}

static void
test_backup_save (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();

  watch_write (place, "w/f", "old");
  watch_place_start (place);
  watch_move (place, "w/f", "w/f~");
  watch_write (place, "w/f", "new");
  watch_remove (place, "w/f~");
  watch_settle (place);
  g_assert_cmpuint (watch_index (place, HOOKRUN_CHANGE_MOVED, "w/f~"), <,
                    watch_index (place, HOOKRUN_CHANGE_CREATED, "w/f"));
  watch_compare (place);
}

static void
test_linked_temporary (void)
{
  g_autoptr (WatchPlace) place = watch_place_new ();
  g_autofree char *path = watch_path (place, "w/f");
  g_autofree char *from = NULL;
  int fd = open (place->folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint ((int)write (fd, "x", 1), ==, 1);
  from = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_assert_cmpint (linkat (AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW), ==, 0);
  close (fd);
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/f", NULL);
  watch_settle (place);
  watch_compare (place);
}

static void
test_attributes (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  g_autofree char *path = watch_path (place, "w/f");

  watch_write (place, "w/f", "text");
  watch_place_start (place);
  g_assert_cmpint (chmod (path, 0600), ==, 0);
  watch_expect (place, HOOKRUN_CHANGE_ATTRIBUTES, "w/f", NULL);
  watch_forget (place);
  g_assert_cmpint (utimes (path, NULL), ==, 0);
  watch_expect (place, HOOKRUN_CHANGE_ATTRIBUTES, "w/f", NULL);
  g_assert_cmpint (truncate (path, 1), ==, 0);
  watch_expect (place, HOOKRUN_CHANGE_CHANGED, "w/f", NULL);
}

/* Writes through memory are told when the file is closed. */
static void
test_mapped (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  g_autofree char *path = watch_path (place, "w/f");
  char *memory;
  int fd;

  watch_write (place, "w/f", "text");
  watch_place_start (place);
  fd = open (path, O_RDWR | O_CLOEXEC);
  memory = mmap (NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  g_assert_true (memory != MAP_FAILED);
  memory[0] = 'T';
  munmap (memory, 4);
  close (fd);
  watch_expect (place, HOOKRUN_CHANGE_CHANGED, "w/f", NULL);
}

/* A file that stays open is told at each write, too. */
static void
test_stays_open (void)
{
  g_autoptr (WatchPlace) place = watch_place_new ();
  g_autofree char *path = watch_path (place, "w/log");
  int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

  for (int i = 0; i < 3; i++) {
    watch_settle (place);
    watch_forget (place);
    g_assert_cmpint ((int)write (fd, "x", 1), ==, 1);
    watch_expect (place, HOOKRUN_CHANGE_CHANGED, "w/log", NULL);
  }
  close (fd);
}

static void
test_exchanged (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  g_autofree char *one = watch_path (place, "w/one");
  g_autofree char *other = watch_path (place, "w/other");

  watch_write (place, "w/one", "1");
  watch_mkdir (place, "w/other");
  watch_write (place, "w/other/f", "2");
  watch_place_start (place);
  g_assert_cmpint (renameat2 (AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE), ==, 0);
  watch_expect (place, HOOKRUN_CHANGE_MOVED, "w/other", "w/one");
  watch_expect (place, HOOKRUN_CHANGE_MOVED, "w/one", "w/other");
  watch_write (place, "w/one/g", "3");
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/one/g", NULL);
  watch_settle (place);
  watch_compare (place);
}

/* There and back again looks like an exchange, and is none. */
static void
test_there_and_back (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();

  watch_write (place, "w/one", "1");
  watch_write (place, "w/other", "2");
  watch_place_start (place);
  for (int i = 0; i < 50; i++) {
    watch_move (place, "w/one", "w/other");
    watch_move (place, "w/other", "w/one");
    watch_settle (place);
    watch_compare (place);
    watch_write (place, "w/other", "2");
  }
}

static void
test_names (void)
{
  g_autoptr (WatchPlace) place = watch_place_new ();
  g_autofree char *longest = g_strnfill (255, 'x');
  const char *names[] = {"new\nline", "tab\ttab", "\xff\xfe\x80", " ", "-f", "\"quoted\\", NULL};
  g_autofree char *path = g_build_filename ("w", longest, NULL);

  names[5] = path + 2;
  watch_mkdir (place, "w/d");
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/d", NULL);
  for (int i = 0; names[i] != NULL; i++) {
    g_autofree char *name = g_build_filename ("w", names[i], NULL);
    g_autofree char *moved = g_build_filename ("w/d", names[i], NULL);

    watch_write (place, name, "x");
    watch_expect (place, HOOKRUN_CHANGE_CREATED, name, NULL);
    watch_move (place, name, moved);
    watch_expect (place, HOOKRUN_CHANGE_MOVED, moved, name);
  }
  watch_settle (place);
  watch_compare (place);
}

/* Links are told and not followed. */
static void
test_links (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  g_autofree char *link = watch_path (place, "w/link");
  g_autofree char *loop = watch_path (place, "w/loop");

  watch_mkdir (place, "outside");
  watch_place_start (place);
  g_assert_cmpint (symlink ("../outside", link), ==, 0);
  g_assert_cmpint (symlink (".", loop), ==, 0);
  watch_expect (place, HOOKRUN_CHANGE_CREATED, "w/link", NULL);
  watch_write (place, "outside/f", "x");
  watch_settle (place);
  g_assert_cmpuint (watch_count (place, HOOKRUN_CHANGE_CREATED, "w/link/f"), ==, 0);
  watch_compare (place);
}

/* As a mounted configuration is changed: a link is replaced by another. */
static void
test_swapped_data (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  g_autofree char *data = watch_path (place, "w/..data");
  g_autofree char *next = watch_path (place, "w/..data_tmp");

  watch_mkdir (place, "w/..1");
  watch_write (place, "w/..1/key", "1");
  g_assert_cmpint (symlink ("..1", data), ==, 0);
  watch_place_start (place);
  watch_mkdir (place, "w/..2");
  watch_write (place, "w/..2/key", "2");
  g_assert_cmpint (symlink ("..2", next), ==, 0);
  watch_move (place, "w/..data_tmp", "w/..data");
  watch_remove (place, "w/..1");
  watch_expect (place, HOOKRUN_CHANGE_MOVED, "w/..data", "w/..data_tmp");
  watch_settle (place);
  g_assert_cmpuint (watch_count (place, HOOKRUN_CHANGE_CREATED, "w/..2/key"), ==, 1);
  watch_compare (place);
}

/* 10,000 renames of one name. On a busy machine the halves of one may be told apart by more than
 * the watcher's patience; then it is told as a removal and a creation. */
static void
test_renamed_often (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  guint n_moved;
  guint n_apart;

  watch_write (place, "w/a", "x");
  watch_place_start (place);
  for (int i = 0; i < 5000; i++) {
    watch_move (place, "w/a", "w/b");
    watch_move (place, "w/b", "w/a");
  }
  watch_settle (place);
  n_moved = watch_count (place, HOOKRUN_CHANGE_MOVED, "w/a");
  n_apart = watch_count (place, HOOKRUN_CHANGE_CREATED, "w/a");
  g_assert_cmpuint (n_moved + n_apart, ==, 5000);
  g_assert_cmpuint (n_apart, <=, 50);
  watch_compare (place);
}

int
main (int argc, char **argv)
{
  watch_fixture_init (&argc, &argv);
  g_test_add_func ("/watch/files/plain", test_plain);
  g_test_add_func ("/watch/files/made-and-removed-at-once", test_gone_at_once);
  g_test_add_func ("/watch/files/atomic-save", test_atomic_save);
  g_test_add_func ("/watch/files/backup-save", test_backup_save);
  g_test_add_func ("/watch/files/linked-temporary-file", test_linked_temporary);
  g_test_add_func ("/watch/files/truncate-chmod-utime", test_attributes);
  g_test_add_func ("/watch/files/written-through-memory", test_mapped);
  g_test_add_func ("/watch/files/stays-open", test_stays_open);
  g_test_add_func ("/watch/files/exchanged", test_exchanged);
  g_test_add_func ("/watch/files/there-and-back", test_there_and_back);
  g_test_add_func ("/watch/files/names", test_names);
  g_test_add_func ("/watch/files/links-are-not-followed", test_links);
  g_test_add_func ("/watch/files/swapped-data", test_swapped_data);
  g_test_add_func ("/watch/files/renamed-often", test_renamed_often);
  return g_test_run ();
}
