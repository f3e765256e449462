/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What may happen to targets and their folders while a commit is under way, each at every call to
 * the kernel: something else takes the place of the target, the folder is moved or removed. No
 * version of a file may be lost, nothing foreign may be touched.
 */
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "hookrun-file-private.h"
#include "staging-disturb.h"

/* Something else was put in the place of "replaced": there it stays. */
static void
check_foreign (StagingWorld *world, int status)
{
  staging_disturb_recover (world);
  staging_disturb_check_side (world, "sub", status == 0);
  staging_fixture_assert_clean (&world->f);
}

static mode_t
type_of (const char *path)
{
  struct stat st;

  return lstat (path, &st) == 0 ? st.st_mode & S_IFMT : 0;
}

/* ---- the target becomes something else ---- */

static void
put_fifo (gpointer data)
{
  StagingWorld *world = data;

  g_assert_cmpint (g_unlink (world->target), ==, 0);
  g_assert_cmpint (mkfifo (world->target, 0600), ==, 0);
}

static void
check_fifo (StagingWorld *world, int status)
{
  check_foreign (world, status);
  g_assert_cmpuint (type_of (world->target), ==, S_IFIFO);
}

/* Only root makes devices; for others a socket stands for them. */
static void
put_device (gpointer data)
{
  StagingWorld *world = data;
  mode_t kind = geteuid () == 0 ? S_IFCHR : S_IFSOCK;

  g_assert_cmpint (g_unlink (world->target), ==, 0);
  g_assert_cmpint (mknod (world->target, kind | 0600, makedev (1, 7)), ==, 0);
}

static void
check_device (StagingWorld *world, int status)
{
  check_foreign (world, status);
  g_assert_cmpuint (type_of (world->target), ==, geteuid () == 0 ? S_IFCHR : S_IFSOCK);
}

static void
put_folder (gpointer data)
{
  StagingWorld *world = data;

  g_assert_cmpint (g_unlink (world->target), ==, 0);
  g_assert_cmpint (g_mkdir (world->target, 0700), ==, 0);
  staging_fixture_write (&world->f, "replaced/inside", "inside\n", 0600);
}

static void
check_folder (StagingWorld *world, int status)
{
  check_foreign (world, status);
  staging_fixture_assert (&world->f, "replaced/inside", "inside\n");
}

static void
put_link (gpointer data)
{
  StagingWorld *world = data;

  g_assert_cmpint (g_unlink (world->target), ==, 0);
  staging_fixture_link (&world->f, "replaced", "victim/removed");
}

static void
check_link (StagingWorld *world, int status)
{
  check_foreign (world, status);
  g_assert_cmpuint (type_of (world->target), ==, S_IFLNK);
}

/* Another file of the same user's, by a second name of it. */
static void
put_hard_link (gpointer data)
{
  StagingWorld *world = data;
  g_autofree char *foreign = g_build_filename (world->victim, "removed", NULL);

  g_assert_cmpint (g_unlink (world->target), ==, 0);
  g_assert_cmpint (link (foreign, world->target), ==, 0);
}

static void
check_hard_link (StagingWorld *world, int status)
{
  check_foreign (world, status);
  staging_fixture_assert (&world->f, "replaced", "foreign\n");
}

static void
remove_target (gpointer data)
{
  StagingWorld *world = data;

  g_assert_cmpint (g_unlink (world->target), ==, 0);
}

static void
check_removed (StagingWorld *world, int status)
{
  check_foreign (world, status);
  g_assert_cmpuint (type_of (world->target), ==, 0);
}

static void
change_mode (gpointer data)
{
  StagingWorld *world = data;

  g_assert_cmpint (g_chmod (world->target, 0601), ==, 0);
}

static void
check_mode (StagingWorld *world, int status)
{
  struct stat st;

  check_foreign (world, status);
  g_assert_cmpint (lstat (world->target, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 07777, ==, 0601);
}

/* ---- the folder ---- */

static void
move_folder (gpointer data)
{
  StagingWorld *world = data;

  g_assert_cmpint (rename (world->folder, world->moved), ==, 0);
}

/* The folder that was pinned gets the change, under whatever name. */
static void
check_moved (StagingWorld *world, int status)
{
  staging_disturb_recover (world);
  staging_disturb_check_side (world, "moved", status == 0);
  staging_fixture_assert_clean (&world->f);
}

static void
move_folder_and_put_link (gpointer data)
{
  StagingWorld *world = data;

  move_folder (world);
  g_assert_cmpint (symlink ("victim", world->folder), ==, 0);
}

static void
move_folder_and_edit (gpointer data)
{
  StagingWorld *world = data;

  move_folder (world);
  staging_fixture_write (&world->f, "replaced", "edited\n", 0600);
}

static void
check_moved_and_edited (StagingWorld *world, int status)
{
  check_moved (world, status);
  staging_fixture_assert (&world->f, "replaced", "edited\n");
}

static void
remove_folder (gpointer data)
{
  StagingWorld *world = data;

  g_assert_true (hookrun_file_remove_tree_at (-1, world->folder, NULL));
}

/* What was in it is gone with it; all the rest is on one side. */
static void
check_folder_removed (StagingWorld *world, int status)
{
  staging_disturb_recover (world);
  staging_fixture_assert (&world->f, "replaced",
                          status == 0 ? "replaced, new\n" : "replaced, old\n");
  staging_fixture_assert (&world->f, "twice", status == 0 ? "twice, new\n" : "twice, old\n");
  staging_fixture_assert (&world->f, "victim/removed", "foreign\n");
  g_assert_cmpuint (type_of (world->folder), ==, 0);
  staging_fixture_assert_clean (&world->f);
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *name;
    StagingDisturbance disturbance;
  } rows[] = {
      {"target/fifo", {put_fifo, check_fifo}},
      {"target/device", {put_device, check_device}},
      {"target/folder", {put_folder, check_folder}},
      {"target/link", {put_link, check_link}},
      {"target/hard-link", {put_hard_link, check_hard_link}},
      {"target/removed", {remove_target, check_removed}},
      {"target/mode", {change_mode, check_mode}},
      {"folder/moved", {move_folder, check_moved}},
      {"folder/link-in-its-place", {move_folder_and_put_link, check_moved}},
      {"folder/moved-and-file-edited", {move_folder_and_edit, check_moved_and_edited}},
      {"folder/removed", {remove_folder, check_folder_removed}},
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *path = g_strconcat ("/staging/disturbed/", rows[i].name, NULL);

    g_test_add_data_func (path, &rows[i].disturbance, staging_disturb);
  }
  return g_test_run ();
}
