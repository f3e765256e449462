/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A folder with targets, a stage and a state folder, for tests of staged files. */
#include "staging-fixture.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "hookrun-file-private.h"

void
staging_fixture_set_up (StagingFixture *fixture)
{
  g_autoptr (GError) error = NULL;

  *fixture = (StagingFixture){0};
  fixture->root = g_dir_make_tmp ("hookrun-staging-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->targets = g_build_filename (fixture->root, "targets", NULL);
  fixture->stages = g_build_filename (fixture->root, "stage", NULL);
  fixture->state = g_build_filename (fixture->root, "state", NULL);
  g_assert_cmpint (g_mkdir (fixture->targets, 0755), ==, 0);
  staging_fixture_reopen (fixture);
  staging_fixture_new_stage (fixture, "shop");
}

void
staging_fixture_tear_down (StagingFixture *fixture)
{
  g_clear_object (&fixture->stage);
  g_clear_object (&fixture->staging);
  g_assert_true (hookrun_file_remove_tree_at (-1, fixture->root, NULL));
  g_free (fixture->root);
  g_free (fixture->targets);
  g_free (fixture->stages);
  g_free (fixture->state);
}

void
staging_fixture_reopen (StagingFixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_clear_object (&fixture->stage);
  g_clear_object (&fixture->staging);
  fixture->staging = hookrun_staging_new (fixture->state, &error);
  g_assert_no_error (error);
}

void
staging_fixture_new_stage (StagingFixture *fixture, const char *module)
{
  g_autoptr (GError) error = NULL;

  g_clear_object (&fixture->stage);
  g_assert_true (hookrun_file_remove_tree_at (-1, fixture->stages, NULL));
  g_assert_cmpint (g_mkdir (fixture->stages, 0700), ==, 0);
  fixture->stage = hookrun_stage_new (fixture->staging, module, fixture->stages, &error);
  g_assert_no_error (error);
}

char *
staging_fixture_target (StagingFixture *fixture, const char *name)
{
  return g_build_filename (fixture->targets, name, NULL);
}

void
staging_fixture_write (StagingFixture *fixture, const char *name, const char *text, guint mode)
{
  g_autofree char *path = staging_fixture_target (fixture, name);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_cmpint (g_chmod (path, mode), ==, 0);
}

void
staging_fixture_link (StagingFixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = staging_fixture_target (fixture, name);

  g_assert_cmpint (symlink (text, path), ==, 0);
}

char *
staging_fixture_describe (const char *path)
{
  g_autofree char *text = NULL;
  g_autofree char *link = NULL;
  char note[64] = "";
  struct stat st;

  if (lstat (path, &st) < 0)
    return g_strdup (errno == ENOENT ? "none" : g_strerror (errno));
  if (S_ISLNK (st.st_mode)) {
    link = g_file_read_link (path, NULL);
    return g_strdup_printf ("link %u:%u %s", st.st_uid, st.st_gid, link);
  }
  if (!S_ISREG (st.st_mode) || !g_file_get_contents (path, &text, NULL, NULL))
    return g_strdup ("unreadable");
  if (lgetxattr (path, "user.note", note, sizeof note - 1) < 0)
    note[0] = '\0';
  return g_strdup_printf ("file %04o %u:%u [%s] %s", st.st_mode & 07777, st.st_uid, st.st_gid, note,
                          text);
}

void
staging_fixture_assert (StagingFixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = staging_fixture_target (fixture, name);
  g_autofree char *found = NULL;

  if (text == NULL) {
    g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
    return;
  }
  g_assert_true (g_file_get_contents (path, &found, NULL, NULL));
  g_assert_cmpstr (found, ==, text);
}

static void
assert_folder_clean (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);

    if (g_str_has_prefix (name, ".hookrun"))
      g_error ("\"%s\" was left behind", path);
    if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
      assert_folder_clean (path);
  }
}

void
staging_fixture_assert_clean (StagingFixture *fixture)
{
  assert_folder_clean (fixture->targets);
}

char *
staging_fixture_declare (StagingFixture *fixture, const char *name)
{
  g_autofree char *path = staging_fixture_target (fixture, name);
  g_autoptr (GError) error = NULL;
  char *staged = hookrun_stage_declare (fixture->stage, path, &error);

  g_assert_no_error (error);
  return staged;
}

void
staging_fixture_stage (StagingFixture *fixture, const char *name, const char *text)
{
  g_autofree char *staged = staging_fixture_declare (fixture, name);
  FILE *file = fopen (staged, "w");

  g_assert_nonnull (file);
  g_assert_cmpint (fputs (text, file), >=, 0);
  fclose (file);
}

GPtrArray *
staging_fixture_freeze (StagingFixture *fixture)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *changes = hookrun_stage_freeze (fixture->stage, &error);

  g_assert_no_error (error);
  return changes;
}

void
staging_fixture_answer (GPtrArray *changes, HookrunStagingAnswer answer)
{
  for (guint i = 0; i < changes->len; i++)
    hookrun_staged_change_set_answer (changes->pdata[i], answer);
}

guint64
staging_fixture_settle (StagingFixture *fixture, GPtrArray *changes, HookrunStagingAnswer answer)
{
  g_autoptr (HookrunStagingCommit) commit = NULL;
  g_autoptr (GError) error = NULL;

  staging_fixture_answer (changes, answer);
  g_assert_true (hookrun_staging_settle (fixture->staging, changes, &commit, &error));
  g_assert_no_error (error);
  return commit == NULL ? 0 : hookrun_staging_commit_get_id (commit);
}

guint64
staging_fixture_apply (StagingFixture *fixture, const char *name, const char *text)
{
  g_autoptr (GPtrArray) changes = NULL;

  staging_fixture_new_stage (fixture, "shop");
  staging_fixture_stage (fixture, name, text);
  changes = staging_fixture_freeze (fixture);
  return staging_fixture_settle (fixture, changes, HOOKRUN_STAGING_ANSWER_APPLY);
}

/* ---- other circumstances ---- */

void
staging_fixture_in_child (void (*test) (void))
{
  pid_t pid = fork ();
  int status;

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0) {
    test ();
    _exit (0);
  }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
}

void
staging_fixture_become_ordinary (void)
{
  const guint user = STAGING_ORDINARY_USER;

  if (geteuid () != 0)
    return;
  g_assert_cmpint (setresgid (user, user, user), ==, 0);
  g_assert_cmpint (setresuid (user, user, user), ==, 0);
}

void
staging_fixture_own_namespace (void)
{
  g_autofree char *map = g_strdup_printf ("0 %u 1", geteuid ());
  gboolean ordinary = geteuid () != 0;

  g_assert_cmpint (unshare (CLONE_NEWNS | (ordinary ? CLONE_NEWUSER : 0)), ==, 0);
  if (ordinary)
    g_assert_true (g_file_set_contents ("/proc/self/uid_map", map, -1, NULL));
  g_assert_cmpint (mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), ==, 0);
}
