/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files: limits, odd kinds, whole replacement, removal that follows no link, trust. */
#include "hookrun-file-private.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  char *path;
  int fd;
} Folder;

static void
set_up (Folder *folder, gconstpointer unused)
{
  folder->path = g_dir_make_tmp ("hookrun-XXXXXX", NULL);
  folder->fd = hookrun_file_open_folder (AT_FDCWD, folder->path, NULL);
  g_assert_cmpint (folder->fd, >=, 0);
}

static void
tear_down (Folder *folder, gconstpointer unused)
{
  g_assert_true (hookrun_file_remove_tree_at (AT_FDCWD, folder->path, NULL));
  g_assert_false (g_file_test (folder->path, G_FILE_TEST_EXISTS));
  close (folder->fd);
  g_free (folder->path);
}

static void
test_replace_and_read (Folder *folder, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  gsize length = 0;
  struct stat st;

  g_assert_true (hookrun_file_replace_at (folder->fd, "a", "old", 3, 0644, &error));
  g_assert_true (hookrun_file_replace_at (folder->fd, "a", "newer", 5, 0600, &error));
  text = hookrun_file_read_at (folder->fd, "a", 5, &length, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (text, ==, "newer");
  g_assert_cmpuint (length, ==, 5);
  g_assert_cmpint (fstatat (folder->fd, "a", &st, 0), ==, 0);
  g_assert_cmpuint (st.st_mode & 07777, ==, 0600);
}

static void
test_refuses_to_read (Folder *folder, gconstpointer unused)
{
  g_autoptr (GError) large = NULL;
  g_autoptr (GError) fifo = NULL;
  g_autoptr (GError) missing = NULL;

  g_assert_true (hookrun_file_replace_at (folder->fd, "a", "12345", 5, 0644, NULL));
  g_assert_null (hookrun_file_read_at (folder->fd, "a", 4, NULL, &large));
  g_assert_error (large, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
  g_assert_cmpint (mkfifoat (folder->fd, "fifo", 0600), ==, 0);
  g_assert_null (hookrun_file_read_at (folder->fd, "fifo", 4, NULL, &fifo));
  g_assert_error (fifo, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  g_assert_null (hookrun_file_read_at (folder->fd, "none", 4, NULL, &missing));
  g_assert_error (missing, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
}

static void
test_failed_replace_keeps_the_old (Folder *folder, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = NULL;

  g_assert_cmpint (mkdirat (folder->fd, "a", 0755), ==, 0);
  g_assert_false (hookrun_file_replace_at (folder->fd, "a", "x", 1, 0644, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_IO);
  dir = g_dir_open (folder->path, 0, NULL);
  g_assert_cmpstr (g_dir_read_name (dir), ==, "a");
  g_assert_null (g_dir_read_name (dir));
}

static void
test_replaces_files_only (Folder *folder, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  struct stat st;

  g_assert_cmpint (mkfifoat (folder->fd, "pipe", 0600), ==, 0);
  g_assert_false (hookrun_file_replace_at (folder->fd, "pipe", "x", 1, 0644, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS);
  g_assert_nonnull (strstr (error->message, "\"pipe\" is there and is not a regular file"));
  g_assert_cmpint (fstatat (folder->fd, "pipe", &st, AT_SYMLINK_NOFOLLOW), ==, 0);
  g_assert_true (S_ISFIFO (st.st_mode));
  g_assert_cmpint (symlinkat ("/none", folder->fd, "link"), ==, 0);
  g_assert_true (hookrun_file_replace_at (folder->fd, "link", "x", 1, 0644, NULL));
  g_assert_cmpint (fstatat (folder->fd, "link", &st, AT_SYMLINK_NOFOLLOW), ==, 0);
  g_assert_true (S_ISREG (st.st_mode));
}

static void
test_remove_follows_no_link (Folder *folder, gconstpointer unused)
{
  g_autofree char *outside = g_dir_make_tmp ("hookrun-XXXXXX", NULL);
  g_autofree char *inside = g_build_filename (folder->path, "deep", "er", NULL);
  g_autofree char *link = g_build_filename (inside, "link", NULL);
  g_autofree char *kept = g_build_filename (outside, "kept", NULL);

  g_assert_true (g_file_set_contents (kept, "x", 1, NULL));
  g_assert_true (hookrun_file_make_folders (inside, NULL));
  g_assert_cmpint (symlink (outside, link), ==, 0);
  g_assert_true (hookrun_file_remove_tree_at (folder->fd, "deep", NULL));
  g_assert_true (g_file_test (kept, G_FILE_TEST_EXISTS));
  g_assert_true (hookrun_file_remove_tree_at (AT_FDCWD, outside, NULL));
}

static void
test_trust (Folder *folder, gconstpointer unused)
{
  struct stat st = {.st_uid = geteuid (), .st_mode = S_IFREG | 0644};
  g_autoptr (GError) writable = NULL;
  g_autoptr (GError) foreign = NULL;

  g_assert_true (hookrun_file_check_trust (&st, "x", NULL));
  st.st_mode |= S_IWOTH;
  g_assert_false (hookrun_file_check_trust (&st, "x", &writable));
  g_assert_error (writable, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED);
  st.st_mode = S_IFREG | 0644;
  st.st_uid = geteuid () + 12345;
  g_assert_false (hookrun_file_check_trust (&st, "x", &foreign));
  g_assert_error (foreign, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/base/file/" name, Folder, NULL, set_up, func, tear_down)
  ADD ("replace-and-read", test_replace_and_read);
  ADD ("refuses-to-read", test_refuses_to_read);
  ADD ("failed-replace-keeps-the-old", test_failed_replace_keeps_the_old);
  ADD ("replaces-files-only", test_replaces_files_only);
  ADD ("remove-follows-no-link", test_remove_follows_no_link);
  ADD ("trust", test_trust);
  return g_test_run ();
}
