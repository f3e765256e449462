/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Staged files from declaration to undo, as one program sees them that nobody disturbs. */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "staging-fixture.h"

static void
test_replace (void)
{
  StagingFixture f;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autofree char *path = NULL;

  staging_fixture_set_up (&f);
  staging_fixture_write (&f, "shop.conf", "old\n", 0640);
  path = staging_fixture_target (&f, "shop.conf");
  if (geteuid () == 0)
    g_assert_cmpint (chown (path, 12, 34), ==, 0);
  g_assert_cmpint (setxattr (path, "user.note", "kept", 4, 0), ==, 0);
  before = staging_fixture_describe (path);
  staging_fixture_apply (&f, "shop.conf", "new\n");
  after = staging_fixture_describe (path);
  g_assert_true (g_str_has_suffix (before, "[kept] old\n"));
  g_assert_true (g_str_has_suffix (after, "[kept] new\n"));
  before[strlen (before) - 4] = '\0';
  g_assert_true (g_str_has_prefix (after, before));
  staging_fixture_assert_clean (&f);
  staging_fixture_tear_down (&f);
}

/* An access list: owner rw, user 77 r, group r, mask r, others none. */
static const guint8 access_list[] = {
    2, 0,  0,    0,    1,    0,    6,    0, 0xff, 0xff, 0xff, 0xff, 2,    0,    4,
    0, 77, 0,    0,    0,    4,    0,    4, 0,    0xff, 0xff, 0xff, 0xff, 0x10, 0,
    4, 0,  0xff, 0xff, 0xff, 0xff, 0x20, 0, 0,    0,    0xff, 0xff, 0xff, 0xff,
};

static void
test_access_list (void)
{
  StagingFixture f;
  g_autofree char *path = NULL;
  guint8 found[128];

  staging_fixture_set_up (&f);
  staging_fixture_write (&f, "shop.conf", "old\n", 0600);
  path = staging_fixture_target (&f, "shop.conf");
  g_assert_cmpint (setxattr (path, "system.posix_acl_access", access_list, sizeof access_list, 0),
                   ==, 0);
  staging_fixture_apply (&f, "shop.conf", "new\n");
  g_assert_cmpint (getxattr (path, "system.posix_acl_access", found, sizeof found), ==,
                   sizeof access_list);
  g_assert_true (memcmp (found, access_list, sizeof access_list) == 0);
  staging_fixture_assert (&f, "shop.conf", "new\n");
  staging_fixture_tear_down (&f);
}

static void
test_new_file (void)
{
  StagingFixture f;
  g_autofree char *path = NULL;
  struct stat st;

  staging_fixture_set_up (&f);
  path = staging_fixture_target (&f, "fresh.conf");
  staging_fixture_apply (&f, "fresh.conf", "fresh\n");
  staging_fixture_assert (&f, "fresh.conf", "fresh\n");
  g_assert_cmpint (stat (path, &st), ==, 0);
  g_assert_cmpuint (st.st_uid, ==, geteuid ());
  g_assert_cmpuint (st.st_nlink, ==, 1);
  staging_fixture_assert_clean (&f);
  staging_fixture_tear_down (&f);
}

/* What a new file gets from its folder: the group, and the default access list. */
static void
test_new_file_inherits (void)
{
  StagingFixture f;
  g_autofree char *path = NULL;
  guint8 found[128];
  struct stat st;

  staging_fixture_set_up (&f);
  g_assert_cmpint (
      setxattr (f.targets, "system.posix_acl_default", access_list, sizeof access_list, 0), ==, 0);
  if (geteuid () == 0)
    g_assert_cmpint (chown (f.targets, (uid_t)-1, 34), ==, 0);
  g_assert_cmpint (g_chmod (f.targets, 02755), ==, 0);
  staging_fixture_apply (&f, "fresh.conf", "fresh\n");
  path = staging_fixture_target (&f, "fresh.conf");
  g_assert_cmpint (stat (path, &st), ==, 0);
  if (geteuid () == 0)
    g_assert_cmpuint (st.st_gid, ==, 34);
  g_assert_cmpint (getxattr (path, "system.posix_acl_access", found, sizeof found), >, 0);
  staging_fixture_tear_down (&f);
}

static void
test_link_is_switched (void)
{
  StagingFixture f;
  g_autofree char *staged = NULL;
  g_autofree char *path = NULL;
  g_autofree char *found = NULL;
  g_autofree char *shown = NULL;
  g_autofree char *expected = NULL;
  g_autoptr (HookrunStagingCommit) undo = NULL;
  g_autoptr (GPtrArray) changes = NULL;
  guint64 id;

  staging_fixture_set_up (&f);
  staging_fixture_link (&f, "editor", "/usr/bin/vi");
  staged = staging_fixture_declare (&f, "editor");
  found = g_file_read_link (staged, NULL);
  g_assert_cmpstr (found, ==, "/usr/bin/vi");
  g_assert_cmpint (g_unlink (staged), ==, 0);
  g_assert_cmpint (symlink ("/usr/bin/ed", staged), ==, 0);
  changes = staging_fixture_freeze (&f);
  g_assert_cmpuint (changes->len, ==, 1);
  shown = hookrun_staged_change_show (changes->pdata[0], NULL);
  path = staging_fixture_target (&f, "editor");
  expected = g_strdup_printf ("--- %s\n+++ %s\n-symlink to /usr/bin/vi\n+symlink to /usr/bin/ed\n",
                              path, path);
  g_assert_cmpstr (shown, ==, expected);
  id = staging_fixture_settle (&f, changes, HOOKRUN_STAGING_ANSWER_APPLY);
  g_free (found);
  found = g_file_read_link (path, NULL);
  g_assert_cmpstr (found, ==, "/usr/bin/ed");
  undo = hookrun_staging_undo (f.staging, id, NULL);
  g_assert_nonnull (undo);
  g_free (found);
  found = g_file_read_link (path, NULL);
  g_assert_cmpstr (found, ==, "/usr/bin/vi");
  staging_fixture_assert_clean (&f);
  staging_fixture_tear_down (&f);
}

static void
test_removal (void)
{
  StagingFixture f;
  g_autofree char *staged = NULL;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (HookrunStagingCommit) undo = NULL;
  g_autoptr (GError) error = NULL;
  guint64 id;

  staging_fixture_set_up (&f);
  staging_fixture_write (&f, "gone.conf", "text\n", 0604);
  staged = staging_fixture_declare (&f, "gone.conf");
  g_assert_cmpint (g_unlink (staged), ==, 0);
  changes = staging_fixture_freeze (&f);
  g_assert_cmpint (hookrun_staged_change_get_new_kind (changes->pdata[0]), ==,
                   HOOKRUN_STAGED_KIND_NONE);
  id = staging_fixture_settle (&f, changes, HOOKRUN_STAGING_ANSWER_APPLY);
  staging_fixture_assert (&f, "gone.conf", NULL);
  undo = hookrun_staging_undo (f.staging, id, &error);
  g_assert_no_error (error);
  staging_fixture_assert (&f, "gone.conf", "text\n");
  staging_fixture_assert_clean (&f);
  staging_fixture_tear_down (&f);
}

static void
test_mode_alone (void)
{
  StagingFixture f;
  g_autofree char *staged = NULL;
  g_autofree char *path = NULL;
  g_autofree char *shown = NULL;
  g_autoptr (GPtrArray) changes = NULL;
  struct stat before, after;

  staging_fixture_set_up (&f);
  staging_fixture_write (&f, "tool", "#!/bin/sh\n", 0644);
  path = staging_fixture_target (&f, "tool");
  staged = staging_fixture_declare (&f, "tool");
  g_assert_cmpint (g_chmod (staged, 0755), ==, 0);
  changes = staging_fixture_freeze (&f);
  g_assert_cmpuint (hookrun_staged_change_get_new_mode (changes->pdata[0]), ==, 0755);
  shown = hookrun_staged_change_show (changes->pdata[0], NULL);
  g_assert_true (g_str_has_prefix (shown, "mode 0644 becomes 0755\n---"));
  g_assert_cmpint (stat (path, &before), ==, 0);
  staging_fixture_settle (&f, changes, HOOKRUN_STAGING_ANSWER_APPLY);
  g_assert_cmpint (stat (path, &after), ==, 0);
  g_assert_cmpuint (after.st_mode & 07777, ==, 0755);
  /* What did not change in content keeps its time. */
  g_assert_cmpint (after.st_mtim.tv_sec, ==, before.st_mtim.tv_sec);
  g_assert_cmpint (after.st_mtim.tv_nsec, ==, before.st_mtim.tv_nsec);
  staging_fixture_tear_down (&f);
}

static void
test_special_bits_stay (void)
{
  StagingFixture f;
  g_autofree char *path = NULL;
  struct stat st;

  staging_fixture_set_up (&f);
  staging_fixture_write (&f, "tool", "old", 04511);
  staging_fixture_apply (&f, "tool", "new");
  path = staging_fixture_target (&f, "tool");
  g_assert_cmpint (stat (path, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 07777, ==, 04511);
  staging_fixture_tear_down (&f);
}

static void
test_identical_is_dropped (void)
{
  StagingFixture f;
  g_autoptr (GPtrArray) changes = NULL;
  g_autofree char *unused = NULL;

  staging_fixture_set_up (&f);
  staging_fixture_write (&f, "same.conf", "same\n", 0444);
  staging_fixture_stage (&f, "same.conf", "same\n");
  unused = staging_fixture_declare (&f, "never-made.conf");
  changes = staging_fixture_freeze (&f);
  g_assert_cmpuint (changes->len, ==, 0);
  staging_fixture_tear_down (&f);
}

static void
test_declared_twice (void)
{
  StagingFixture f;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  staging_fixture_set_up (&f);
  staging_fixture_write (&f, "a.conf", "a\n", 0644);
  first = staging_fixture_declare (&f, "a.conf");
  second = staging_fixture_declare (&f, "../targets/./a.conf");
  g_assert_cmpstr (first, ==, second);
  staging_fixture_tear_down (&f);
}

static void
test_undo (void)
{
  StagingFixture f;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autofree char *path = NULL;
  g_autoptr (HookrunStagingCommit) undo = NULL;
  g_autoptr (HookrunStagingCommit) redo = NULL;
  g_autoptr (GPtrArray) commits = NULL;
  g_autoptr (GError) error = NULL;
  guint64 id;

  staging_fixture_set_up (&f);
  staging_fixture_write (&f, "a.conf", "old\n", 0640);
  path = staging_fixture_target (&f, "a.conf");
  g_assert_cmpint (setxattr (path, "user.note", "kept", 4, 0), ==, 0);
  before = staging_fixture_describe (path);
  id = staging_fixture_apply (&f, "a.conf", "new\n");
  staging_fixture_reopen (&f);
  undo = hookrun_staging_undo (f.staging, id, &error);
  g_assert_no_error (error);
  after = staging_fixture_describe (path);
  g_assert_cmpstr (before, ==, after);
  /* Twice is refused; the undoing can be undone. */
  g_assert_null (hookrun_staging_undo (f.staging, id, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS);
  g_clear_error (&error);
  redo = hookrun_staging_undo (f.staging, hookrun_staging_commit_get_id (undo), &error);
  g_assert_no_error (error);
  staging_fixture_assert (&f, "a.conf", "new\n");
  commits = hookrun_staging_list_commits (f.staging, &error);
  g_assert_cmpuint (commits->len, ==, 3);
  g_assert_cmpuint (hookrun_staging_commit_get_undone_by (commits->pdata[0]), ==, 0);
  g_assert_cmpuint (hookrun_staging_commit_get_undoes (commits->pdata[1]), ==, id);
  g_assert_cmpstr (hookrun_staging_commit_get_module (commits->pdata[0]), ==, "shop");
  staging_fixture_assert_clean (&f);
  staging_fixture_tear_down (&f);
}

static void
test_undo_refused (void)
{
  StagingFixture f;
  g_autoptr (GError) error = NULL;
  guint64 id;

  staging_fixture_set_up (&f);
  staging_fixture_write (&f, "a.conf", "old\n", 0640);
  id = staging_fixture_apply (&f, "a.conf", "new\n");
  staging_fixture_write (&f, "a.conf", "edited\n", 0640);
  g_assert_null (hookrun_staging_undo (f.staging, id, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT);
  staging_fixture_assert (&f, "a.conf", "edited\n");
  staging_fixture_assert_clean (&f);
  g_clear_error (&error);
  g_assert_null (hookrun_staging_undo (f.staging, 4711, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  staging_fixture_tear_down (&f);
}

/* Twelve files in three folders, half of them refused by one conflict: none is changed. */
static void
test_whole_or_not_at_all (void)
{
  StagingFixture f;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GError) error = NULL;

  staging_fixture_set_up (&f);
  for (guint i = 0; i < 12; i++) {
    g_autofree char *folder = g_strdup_printf ("%s/d%u", f.targets, i % 3);
    g_autofree char *name = g_strdup_printf ("d%u/%u.conf", i % 3, i);

    g_mkdir (folder, 0755);
    staging_fixture_write (&f, name, "old\n", 0644);
    staging_fixture_stage (&f, name, "new\n");
  }
  changes = staging_fixture_freeze (&f);
  g_assert_cmpuint (changes->len, ==, 12);
  staging_fixture_write (&f, "d1/7.conf", "edited\n", 0644);
  staging_fixture_answer (changes, HOOKRUN_STAGING_ANSWER_APPLY);
  g_assert_false (hookrun_staging_settle (f.staging, changes, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT);
  g_assert_nonnull (strstr (error->message, "d1/7.conf"));
  staging_fixture_assert (&f, "d0/0.conf", "old\n");
  staging_fixture_assert (&f, "d2/11.conf", "old\n");
  staging_fixture_assert (&f, "d1/7.conf", "edited\n");
  staging_fixture_write (&f, "d1/7.conf", "old\n", 0644);
  staging_fixture_settle (&f, changes, HOOKRUN_STAGING_ANSWER_APPLY);
  staging_fixture_assert (&f, "d0/0.conf", "new\n");
  staging_fixture_assert (&f, "d1/7.conf", "new\n");
  staging_fixture_assert_clean (&f);
  staging_fixture_tear_down (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/staging/commit/replace-keeps-mode-owner-attributes", test_replace);
  g_test_add_func ("/staging/commit/access-list-stays", test_access_list);
  g_test_add_func ("/staging/commit/new-file", test_new_file);
  g_test_add_func ("/staging/commit/new-file-inherits-from-folder", test_new_file_inherits);
  g_test_add_func ("/staging/commit/link-is-switched", test_link_is_switched);
  g_test_add_func ("/staging/commit/removal", test_removal);
  g_test_add_func ("/staging/commit/mode-alone", test_mode_alone);
  g_test_add_func ("/staging/commit/special-bits-stay", test_special_bits_stay);
  g_test_add_func ("/staging/commit/whole-or-not-at-all", test_whole_or_not_at_all);
  g_test_add_func ("/staging/freeze/identical-is-dropped", test_identical_is_dropped);
  g_test_add_func ("/staging/declare/twice-is-once", test_declared_twice);
  g_test_add_func ("/staging/undo/there-back-and-there-again", test_undo);
  g_test_add_func ("/staging/undo/refused-when-changed-since", test_undo_refused);
  return g_test_run ();
}
