/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Real limits and real company: a full filesystem, an ordinary user, a second program on the same
 * state folder, files changed after a crash, a damaged ledger.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "staging-fixture.h"
#include "staging-victim.h"
#include "tracer.h"

/* ---- a full filesystem ---- */

static void
fill (const char *folder, gsize leave)
{
  g_autofree char *path = g_build_filename (folder, "filler", NULL);
  g_autofree char *zeros = g_malloc0 (4096);
  int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  off_t size = 0;

  while (write (fd, zeros, 4096) == 4096)
    size += 4096;
  g_assert_cmpint (errno, ==, ENOSPC);
  g_assert_cmpint (ftruncate (fd, size - (off_t)leave), ==, 0);
  close (fd);
}

static void
check_full (StagingFixture *f, GPtrArray *changes)
{
  g_autoptr (GError) error = NULL;

  staging_fixture_answer (changes, HOOKRUN_STAGING_ANSWER_APPLY);
  g_assert_false (hookrun_staging_settle (f->staging, changes, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NO_SPACE);
  staging_fixture_assert (f, "small.conf", "old\n");
  staging_fixture_assert (f, "large.conf", "old\n");
  staging_fixture_assert_clean (f);
}

static void
full_filesystem (void)
{
  StagingFixture f;
  g_autofree char *large = g_strnfill (100 * 1024, 'x');
  g_autofree char *filler = NULL;
  g_autoptr (GPtrArray) changes = NULL;

  staging_fixture_own_namespace ();
  staging_fixture_set_up (&f);
  g_assert_cmpint (mount ("none", f.targets, "tmpfs", 0, "size=256k"), ==, 0);
  staging_fixture_write (&f, "small.conf", "old\n", 0644);
  staging_fixture_write (&f, "large.conf", "old\n", 0644);
  staging_fixture_stage (&f, "small.conf", "new\n");
  staging_fixture_stage (&f, "large.conf", large);
  changes = staging_fixture_freeze (&f);
  for (gsize leave = 0; leave <= 100 * 1024; leave += 20 * 1024) {
    fill (f.targets, leave);
    check_full (&f, changes);
  }
  filler = staging_fixture_target (&f, "filler");
  g_assert_cmpint (g_unlink (filler), ==, 0);
  staging_fixture_settle (&f, changes, HOOKRUN_STAGING_ANSWER_APPLY);
  staging_fixture_assert (&f, "small.conf", "new\n");
  staging_fixture_assert (&f, "large.conf", large);
  g_assert_cmpint (umount2 (f.targets, MNT_DETACH), ==, 0);
  staging_fixture_tear_down (&f);
}

static void
full_state (void)
{
  StagingFixture f;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GError) error = NULL;

  staging_fixture_own_namespace ();
  staging_fixture_set_up (&f);
  g_clear_object (&f.stage);
  g_clear_object (&f.staging);
  g_assert_cmpint (mount ("none", f.state, "tmpfs", 0, "size=64k,mode=0700"), ==, 0);
  staging_fixture_reopen (&f);
  staging_fixture_new_stage (&f, "shop");
  staging_fixture_write (&f, "small.conf", "old\n", 0644);
  staging_fixture_stage (&f, "small.conf", "new\n");
  changes = staging_fixture_freeze (&f);
  fill (f.state, 0);
  staging_fixture_answer (changes, HOOKRUN_STAGING_ANSWER_APPLY);
  g_assert_false (hookrun_staging_settle (f.staging, changes, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NO_SPACE);
  staging_fixture_assert (&f, "small.conf", "old\n");
  staging_fixture_assert_clean (&f);
  fill (f.state, 40960);
  staging_fixture_settle (&f, changes, HOOKRUN_STAGING_ANSWER_APPLY);
  staging_fixture_assert (&f, "small.conf", "new\n");
  g_clear_object (&f.stage);
  g_ptr_array_set_size (changes, 0);
  g_clear_object (&f.staging);
  g_assert_cmpint (umount2 (f.state, MNT_DETACH), ==, 0);
  staging_fixture_tear_down (&f);
}

static void
test_full_filesystem (void)
{
  staging_fixture_in_child (full_filesystem);
}

static void
test_full_state (void)
{
  staging_fixture_in_child (full_state);
}

/* ---- an ordinary user ---- */

static void
assert_denied (StagingFixture *f, const char *target)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *staged = hookrun_stage_declare (f->stage, target, &error);

  g_assert_null (staged);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION);
}

static void
ordinary_user (void)
{
  StagingFixture f;
  g_autofree char *locked = NULL;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GError) error = NULL;

  staging_fixture_become_ordinary ();
  staging_fixture_set_up (&f);
  assert_denied (&f, "/etc/hookrun-test.conf");
  assert_denied (&f, "/etc/shadow");
  staging_fixture_apply (&f, "own.conf", "mine\n");
  staging_fixture_assert (&f, "own.conf", "mine\n");
  /* The folder is closed between question and commit. */
  staging_fixture_new_stage (&f, "shop");
  staging_fixture_stage (&f, "own.conf", "changed\n");
  changes = staging_fixture_freeze (&f);
  g_assert_cmpint (g_chmod (f.targets, 0555), ==, 0);
  staging_fixture_answer (changes, HOOKRUN_STAGING_ANSWER_APPLY);
  g_assert_false (hookrun_staging_settle (f.staging, changes, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION);
  staging_fixture_assert (&f, "own.conf", "mine\n");
  locked = staging_fixture_target (&f, "other.conf");
  staging_fixture_new_stage (&f, "shop");
  assert_denied (&f, locked);
  g_assert_cmpint (g_chmod (f.targets, 0755), ==, 0);
  staging_fixture_assert_clean (&f);
  staging_fixture_tear_down (&f);
}

/* A file of somebody else's in a folder of one's own: its owner could not be kept. */
static StagingFixture foreign;

static void
foreign_file (void)
{
  g_autofree char *path = staging_fixture_target (&foreign, "root.conf");
  g_autofree char *state = g_build_filename (foreign.root, "mine", "state", NULL);
  g_autofree char *stage_folder = g_build_filename (foreign.root, "mine", "stage", NULL);
  g_autoptr (HookrunStaging) staging = NULL;
  g_autoptr (HookrunStage) stage = NULL;
  g_autoptr (GError) error = NULL;

  staging_fixture_become_ordinary ();
  staging = hookrun_staging_new (state, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_mkdir (stage_folder, 0700), ==, 0);
  stage = hookrun_stage_new (staging, "shop", stage_folder, &error);
  g_assert_no_error (error);
  g_assert_null (hookrun_stage_declare (
      stage, geteuid () == STAGING_ORDINARY_USER ? path : "/etc/passwd", &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION);
}

static void
test_ordinary_user (void)
{
  g_autofree char *mine = NULL;

  staging_fixture_in_child (ordinary_user);
  staging_fixture_set_up (&foreign);
  staging_fixture_write (&foreign, "root.conf", "root's\n", 0644);
  mine = g_build_filename (foreign.root, "mine", NULL);
  g_assert_cmpint (g_chmod (foreign.root, 0755), ==, 0);
  g_assert_cmpint (g_chmod (foreign.targets, 0777), ==, 0);
  g_assert_cmpint (g_mkdir (mine, 0700), ==, 0);
  if (geteuid () == 0)
    g_assert_cmpint (chown (mine, STAGING_ORDINARY_USER, STAGING_ORDINARY_USER), ==, 0);
  staging_fixture_in_child (foreign_file);
  staging_fixture_tear_down (&foreign);
}

static void
test_state_of_others (void)
{
  StagingFixture f;
  g_autoptr (HookrunStaging) staging = NULL;
  g_autoptr (GError) error = NULL;

  staging_fixture_set_up (&f);
  g_assert_cmpint (g_chmod (f.state, 0777), ==, 0);
  staging = hookrun_staging_new (f.state, &error);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED);
  staging_fixture_tear_down (&f);
}

/* ---- two programs ---- */

static void
test_busy (void)
{
  StagingFixture f;
  g_autoptr (HookrunStaging) other = NULL;
  g_autoptr (GPtrArray) pending = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  int fd;

  staging_fixture_set_up (&f);
  path = g_build_filename (f.state, "lock", NULL);
  fd = open (path, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (fcntl (fd, F_OFD_SETLK, &lock), ==, 0);
  hookrun_staging_set_lock_wait (f.staging, 30);
  g_assert_null (hookrun_staging_list_pending (f.staging, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_BUSY);
  close (fd);
  pending = hookrun_staging_list_pending (f.staging, NULL);
  g_assert_nonnull (pending);
  staging_fixture_tear_down (&f);
}

/* Four programs apply their own changes at once, over and over; each one's are all there. */
static void
test_many_programs (void)
{
  const guint n_programs = 4;
  const guint n_rounds = 15;
  StagingFixture f;
  g_autoptr (GPtrArray) commits = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  staging_fixture_set_up (&f);
  for (guint i = 0; i < n_programs; i++) {
    if (fork () != 0)
      continue;
    f.stages = g_strdup_printf ("%s/stage-%u", f.root, i);
    staging_fixture_reopen (&f);
    hookrun_staging_set_lock_wait (f.staging, 60000);
    for (guint round = 0; round < n_rounds; round++) {
      g_autofree char *name = g_strdup_printf ("%u.conf", i);
      g_autofree char *text = g_strdup_printf ("round %u\n", round);

      staging_fixture_apply (&f, name, text);
    }
    _exit (0);
  }
  for (guint i = 0; i < n_programs; i++) {
    g_assert_cmpint (wait (&status), >, 0);
    g_assert_cmpint (status, ==, 0);
  }
  for (guint i = 0; i < n_programs; i++) {
    g_autofree char *name = g_strdup_printf ("%u.conf", i);

    staging_fixture_assert (&f, name, "round 14\n");
  }
  commits = hookrun_staging_list_commits (f.staging, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (commits->len, ==, n_programs * n_rounds);
  staging_fixture_assert_clean (&f);
  staging_fixture_tear_down (&f);
}

/* The ledger is rewritten when it has grown, and what is no longer named goes. */
static void
test_ledger_is_rewritten (void)
{
  StagingFixture f;
  g_autofree char *path = NULL;
  g_autofree char *kept = NULL;
  g_autofree char *long_name = g_strnfill (200, 'x');
  g_autoptr (GPtrArray) commits = NULL;
  g_autoptr (GDir) dir = NULL;
  gint64 largest = 0;
  guint n_kept = 0;
  guint64 last = 0;
  GStatBuf st = {0};

  staging_fixture_set_up (&f);
  path = g_build_filename (f.state, "ledger", NULL);
  kept = g_build_filename (f.state, "kept", NULL);
  for (guint i = 0; i < 4000 && st.st_size >= largest; i++) {
    g_autofree char *module = g_strdup_printf ("%s%u", long_name, i % 10);

    largest = st.st_size;
    g_assert_true (hookrun_staging_set_choice (f.staging, module, "/a/path/of/some/length",
                                               HOOKRUN_STAGING_ANSWER_NEVER, NULL));
    if (i % 20 == 0) {
      g_autofree char *text = g_strdup_printf ("round %u\n", i);

      last = staging_fixture_apply (&f, "a.conf", text);
    }
    g_assert_cmpint (g_stat (path, &st), ==, 0);
  }
  g_assert_cmpint (largest, >, 1000000);
  g_assert_cmpint (st.st_size, <, 200000);
  staging_fixture_reopen (&f);
  commits = hookrun_staging_list_commits (f.staging, NULL);
  /* One may have come after the rewriting. */
  g_assert_cmpuint (commits->len, >=, 100);
  g_assert_cmpuint (commits->len, <=, 101);
  g_assert_cmpuint (hookrun_staging_commit_get_id (commits->pdata[commits->len - 1]), ==, last);
  dir = g_dir_open (kept, 0, NULL);
  while (g_dir_read_name (dir) != NULL)
    n_kept++;
  g_assert_cmpuint (n_kept, ==, commits->len);
  staging_fixture_tear_down (&f);
}

/* ---- after a crash ---- */

static guint
calls_of_apply (StagingFixture *f, TracerPlan *plan)
{
  g_autofree char *sub = NULL;
  StagingJob job = {"apply", NULL, NULL, NULL};

  staging_fixture_set_up (f);
  job.state = f->state;
  job.targets = f->targets;
  job.stage = f->stages;
  sub = staging_fixture_target (f, "sub");
  g_clear_object (&f->stage);
  g_assert_cmpint (g_mkdir (sub, 0755), ==, 0);
  staging_fixture_write (f, "replaced", "old\n", 0644);
  staging_fixture_write (f, "twice", "old\n", 0644);
  staging_fixture_write (f, "sub/removed", "old\n", 0644);
  staging_fixture_link (f, "link", "old");
  tracer_run (staging_victim_run, &job, plan);
  g_assert_cmpint (plan->status, !=, 2);
  return plan->n_calls;
}

/* Killed anywhere, and then the user edits the file: both versions stay, and nothing goes on until
 * the user has said so; or all is whole on one side, with the edit in place. */
static void
test_third_state (void)
{
  TracerPlan whole = {0};
  StagingFixture f;
  guint n = calls_of_apply (&f, &whole);
  guint stopped = 0;

  staging_fixture_tear_down (&f);
  for (guint at = 1; at <= n; at++) {
    TracerPlan plan = {.kill_at = at};
    g_autoptr (GError) error = NULL;

    calls_of_apply (&f, &plan);
    staging_fixture_write (&f, "replaced", "edited\n", 0600);
    staging_fixture_reopen (&f);
    if (!hookrun_staging_recover (f.staging, &error)) {
      g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT);
      g_assert_nonnull (strstr (error->message, "/replaced\" (beside it: \".hookrun-"));
      g_assert_true (hookrun_staging_abandon (f.staging, NULL));
      g_clear_error (&error);
      g_assert_true (hookrun_staging_recover (f.staging, &error));
      stopped++;
    } else {
      staging_fixture_assert_clean (&f);
    }
    staging_fixture_assert (&f, "replaced", "edited\n");
    staging_fixture_tear_down (&f);
  }
  g_assert_cmpuint (stopped, >, 0);
  g_test_message ("%u of %u stopped", stopped, n);
}

static void
test_damaged_ledger (void)
{
  StagingFixture f;
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) commits = NULL;
  gsize length;

  staging_fixture_set_up (&f);
  staging_fixture_apply (&f, "a.conf", "one\n");
  staging_fixture_apply (&f, "a.conf", "two\n");
  path = g_build_filename (f.state, "ledger", NULL);
  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  /* A torn end is cut off; what it said is found out again. */
  g_assert_true (g_file_set_contents (path, text, (gssize)length - 5, NULL));
  staging_fixture_reopen (&f);
  g_assert_true (hookrun_staging_recover (f.staging, &error));
  commits = hookrun_staging_list_commits (f.staging, &error);
  g_assert_cmpuint (commits->len, ==, 2);
  /* A changed byte stops everything. */
  text[length / 2] ^= 1;
  g_assert_true (g_file_set_contents (path, text, (gssize)length, NULL));
  staging_fixture_reopen (&f);
  g_assert_false (hookrun_staging_recover (f.staging, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  staging_fixture_assert (&f, "a.conf", "two\n");
  staging_fixture_tear_down (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/staging/limits/full-filesystem", test_full_filesystem);
  g_test_add_func ("/staging/limits/full-state", test_full_state);
  g_test_add_func ("/staging/limits/ordinary-user", test_ordinary_user);
  g_test_add_func ("/staging/limits/state-of-others", test_state_of_others);
  g_test_add_func ("/staging/company/busy", test_busy);
  g_test_add_func ("/staging/company/many-programs", test_many_programs);
  g_test_add_func ("/staging/ledger/rewritten", test_ledger_is_rewritten);
  g_test_add_func ("/staging/ledger/damaged", test_damaged_ledger);
  g_test_add_func ("/staging/crash/edited-before-recovery", test_third_state);
  return g_test_run ();
}
