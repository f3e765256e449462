/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What may no longer be written while a commit is under way, from each call to the kernel on: the
 * folder of a target, its filesystem, the state folder. When the obstacle is gone, the next program
 * ends the commit.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hookrun-file-private.h"
#include "staging-disturb.h"

/* With the obstacle gone the next program ends it, forward or back. */
static void
check_either (StagingWorld *world, int status)
{
  g_autofree char *created = g_build_filename (world->folder, "created", NULL);
  gboolean done;

  staging_disturb_recover (world);
  done = g_file_test (created, G_FILE_TEST_EXISTS);
  if (status == 0)
    g_assert_true (done);
  staging_disturb_check_side (world, "sub", done);
  staging_fixture_assert (&world->f, "replaced", done ? "replaced, new\n" : "replaced, old\n");
  staging_fixture_assert_clean (&world->f);
}

static void
close_folder (gpointer data)
{
  StagingWorld *world = data;

  g_assert_cmpint (g_chmod (world->folder, 0555), ==, 0);
}

static void
check_closed_folder (StagingWorld *world, int status)
{
  g_assert_cmpint (g_chmod (world->folder, 0755), ==, 0);
  check_either (world, status);
}

static void
chmod_state (StagingWorld *world, guint mode)
{
  g_autofree char *kept = g_build_filename (world->f.state, "kept", NULL);

  g_assert_cmpint (g_chmod (kept, mode), ==, 0);
  g_assert_cmpint (g_chmod (world->f.state, mode), ==, 0);
}

static void
close_state (gpointer data)
{
  chmod_state (data, 0500);
}

static void
check_closed_state (StagingWorld *world, int status)
{
  g_assert_cmpint (g_chmod (world->f.state, 0700), ==, 0);
  chmod_state (world, 0700);
  check_either (world, status);
}

/* Nothing can be recovered then, but what was there is there, if beside the target. */
static void
remove_state (gpointer data)
{
  StagingWorld *world = data;

  g_assert_true (hookrun_file_remove_tree_at (-1, world->f.state, NULL));
}

static gboolean
is_somewhere (StagingWorld *world, const char *text)
{
  g_autoptr (GDir) dir = g_dir_open (world->f.targets, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = staging_fixture_target (&world->f, name);
    g_autofree char *found = NULL;

    if (g_file_get_contents (path, &found, NULL, NULL) && g_str_equal (found, text))
      return TRUE;
  }
  return FALSE;
}

static void
check_removed_state (StagingWorld *world, int status)
{
  if (status == 0)
    staging_fixture_assert (&world->f, "replaced", "replaced, new\n");
  else
    g_assert_true (is_somewhere (world, "replaced, old\n"));
  g_assert_true (is_somewhere (world, "twice, old\n") || is_somewhere (world, "twice, new\n"));
}

/* ---- a filesystem that becomes read-only ---- */

static guint n_read_only;

static void
make_read_only (gpointer data)
{
  StagingWorld *world = data;

  /* Not while somebody has a file open to write there. */
  if (mount (NULL, world->f.targets, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0)
    n_read_only++;
  else
    g_assert_cmpint (errno, ==, EBUSY);
}

static void
check_read_only (StagingWorld *world, int status)
{
  g_assert_cmpint (mount (NULL, world->f.targets, NULL, MS_REMOUNT, NULL), ==, 0);
  check_either (world, status);
}

static const StagingDisturbance closed_folder = {close_folder, check_closed_folder, NULL};
static const StagingDisturbance closed_state = {close_state, check_closed_state, NULL};

static void
run_closed (void)
{
  staging_fixture_become_ordinary ();
  staging_disturb (&closed_folder);
  staging_disturb (&closed_state);
}

static void
test_closed (void)
{
  staging_fixture_in_child (run_closed);
}

static void
mount_targets (StagingWorld *world)
{
  g_assert_cmpint (mount ("none", world->f.targets, "tmpfs", 0, "size=1m"), ==, 0);
}

static const StagingDisturbance read_only = {make_read_only, check_read_only, mount_targets};

static void
run_read_only (void)
{
  staging_fixture_own_namespace ();
  staging_disturb (&read_only);
  g_assert_cmpuint (n_read_only, >, 20);
}

static void
test_read_only (void)
{
  staging_fixture_in_child (run_read_only);
}

int
main (int argc, char **argv)
{
  static const StagingDisturbance removed = {remove_state, check_removed_state, NULL};

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/staging/closed/folder-and-state", test_closed);
  g_test_add_func ("/staging/closed/read-only", test_read_only);
  g_test_add_data_func ("/staging/closed/state-removed", &removed, staging_disturb);
  return g_test_run ();
}
