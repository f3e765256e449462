/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Several programs that want the same target, commits of many files, names that are long or
 * strange, and undoing back and forth.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "staging-fixture.h"

/* ---- two programs, one target ---- */

#define N_ROUNDS 30

typedef struct {
  StagingFixture f;
  gboolean own_states; /* each program has a state folder of its own */
  int start[2];
} Race;

/* Stages its own version of "a.conf" from what is there, waits for the start, and settles. */
static int
race (Race *self, guint number)
{
  StagingFixture *f = &self->f;
  g_autofree char *text = g_strdup_printf ("of program %u\n", number);
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GError) error = NULL;
  char byte;

  f->stages = g_strdup_printf ("%s/stage-%u", f->root, number);
  if (self->own_states)
    f->state = g_strdup_printf ("%s/state-%u", f->root, number);
  staging_fixture_reopen (f);
  hookrun_staging_set_lock_wait (f->staging, 60000);
  staging_fixture_new_stage (f, "shop");
  staging_fixture_stage (f, "a.conf", text);
  changes = staging_fixture_freeze (f);
  staging_fixture_answer (changes, HOOKRUN_STAGING_ANSWER_APPLY);
  close (self->start[1]);
  g_assert_cmpint (read (self->start[0], &byte, 1), ==, 0);
  if (hookrun_staging_settle (f->staging, changes, NULL, &error))
    return 0;
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT);
  return 1;
}

/* The numbers of the programs that were told that theirs is in place. */
static guint
run_race (Race *self, guint n_programs, guint *winner)
{
  pid_t pids[4];
  guint n_winners = 0;
  int status;

  g_assert_cmpint (pipe (self->start), ==, 0);
  for (guint i = 0; i < n_programs; i++) {
    pids[i] = fork ();
    if (pids[i] == 0)
      _exit (race (self, i));
  }
  close (self->start[0]);
  g_usleep (20000);
  close (self->start[1]);
  for (guint i = 0; i < n_programs; i++) {
    g_assert_cmpint (waitpid (pids[i], &status, 0), ==, pids[i]);
    g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) <= 1);
    if (WEXITSTATUS (status) != 0)
      continue;
    n_winners++;
    *winner = i;
  }
  return n_winners;
}

/* One wins, and its version is in place; the others are told of a conflict. Programs that do not
 * know of each other may also all lose, and then the old version is in place. */
static void
test_same_target (gconstpointer data)
{
  Race self = {.own_states = GPOINTER_TO_INT (data) != 0};
  guint n_won = 0;

  staging_fixture_set_up (&self.f);
  for (guint i = 0; i < N_ROUNDS; i++) {
    g_autofree char *text = NULL;
    guint winner = 0;
    guint n_winners;

    staging_fixture_write (&self.f, "a.conf", "old\n", 0644);
    n_winners = run_race (&self, 3, &winner);
    g_assert_cmpuint (n_winners, <=, 1);
    if (!self.own_states)
      g_assert_cmpuint (n_winners, ==, 1);
    n_won += n_winners;
    text = n_winners == 1 ? g_strdup_printf ("of program %u\n", winner) : g_strdup ("old\n");
    staging_fixture_assert (&self.f, "a.conf", text);
    staging_fixture_assert_clean (&self.f);
  }
  g_assert_cmpuint (n_won, >, N_ROUNDS / 2);
  staging_fixture_tear_down (&self.f);
}

/* ---- many files ---- */

#define N_FILES 200

static void
check_all (StagingFixture *f, const char *text)
{
  for (guint i = 0; i < N_FILES; i++) {
    g_autofree char *name = g_strdup_printf ("d%u/%u.conf", i % 5, i);

    if (i != 111)
      staging_fixture_assert (f, name, text);
  }
}

static void
test_many_files (void)
{
  StagingFixture f;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GPtrArray) pending = NULL;
  g_autoptr (HookrunStagingCommit) commit = NULL;
  g_autoptr (HookrunStagingCommit) undo = NULL;
  g_autoptr (GError) error = NULL;

  staging_fixture_set_up (&f);
  for (guint i = 0; i < N_FILES; i++) {
    g_autofree char *folder = g_strdup_printf ("%s/d%u", f.targets, i % 5);
    g_autofree char *name = g_strdup_printf ("d%u/%u.conf", i % 5, i);

    g_mkdir (folder, 0755);
    staging_fixture_write (&f, name, "old\n", 0644);
    staging_fixture_stage (&f, name, "new\n");
  }
  changes = staging_fixture_freeze (&f);
  g_assert_cmpuint (changes->len, ==, N_FILES);
  staging_fixture_write (&f, "d1/111.conf", "edited\n", 0644);
  staging_fixture_answer (changes, HOOKRUN_STAGING_ANSWER_APPLY);
  g_assert_false (hookrun_staging_settle (f.staging, changes, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT);
  g_assert_nonnull (strstr (error->message, "d1/111.conf"));
  g_clear_error (&error);
  check_all (&f, "old\n");
  staging_fixture_assert (&f, "d1/111.conf", "edited\n");
  /* All are pending, and the one in conflict says so. */
  staging_fixture_reopen (&f);
  pending = hookrun_staging_list_pending (f.staging, NULL);
  g_assert_cmpuint (pending->len, ==, N_FILES);
  for (guint i = 0; i < pending->len; i++)
    g_assert_true (hookrun_staged_change_get_conflict (pending->pdata[i]) == (i == 111));
  staging_fixture_answer (pending, HOOKRUN_STAGING_ANSWER_APPLY);
  hookrun_staged_change_set_answer (pending->pdata[111], HOOKRUN_STAGING_ANSWER_DISCARD);
  g_assert_true (hookrun_staging_settle (f.staging, pending, &commit, &error));
  check_all (&f, "new\n");
  staging_fixture_assert (&f, "d1/111.conf", "edited\n");
  undo = hookrun_staging_undo (f.staging, hookrun_staging_commit_get_id (commit), &error);
  g_assert_no_error (error);
  check_all (&f, "old\n");
  staging_fixture_assert_clean (&f);
  staging_fixture_tear_down (&f);
}

/* ---- names ---- */

static void
test_names (void)
{
  g_autofree char *longest = g_strnfill (255, 'n');
  const char *const names[] = {longest,
                               "a\nb",
                               "\x1b[31mred",
                               " ",
                               "-rf",
                               "\"quoted\\\"",
                               "*",
                               "\xe2\x80\xaetxt.exe",
                               ".hookrun-00000000"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    StagingFixture f;
    g_autoptr (GPtrArray) pending = NULL;
    g_autoptr (HookrunStagingCommit) undo = NULL;
    g_autoptr (GPtrArray) changes = NULL;
    g_autoptr (GError) error = NULL;
    guint64 id;

    staging_fixture_set_up (&f);
    staging_fixture_new_stage (&f, "shop");
    staging_fixture_stage (&f, names[i], "fresh\n");
    changes = staging_fixture_freeze (&f);
    staging_fixture_settle (&f, changes, HOOKRUN_STAGING_ANSWER_KEEP);
    staging_fixture_reopen (&f);
    pending = hookrun_staging_list_pending (f.staging, &error);
    g_assert_no_error (error);
    id = staging_fixture_settle (&f, pending, HOOKRUN_STAGING_ANSWER_APPLY);
    staging_fixture_assert (&f, names[i], "fresh\n");
    id = staging_fixture_apply (&f, names[i], "second\n");
    staging_fixture_assert (&f, names[i], "second\n");
    staging_fixture_reopen (&f);
    undo = hookrun_staging_undo (f.staging, id, &error);
    g_assert_no_error (error);
    staging_fixture_assert (&f, names[i], "fresh\n");
    staging_fixture_tear_down (&f);
  }
}

static void
test_names_refused (void)
{
  g_autofree char *too_long = g_strnfill (256, 'n');
  static const char latin[] = "gr\xfc\xdf";
  StagingFixture f;
  g_autofree char *long_path = NULL;
  g_autofree char *latin_path = NULL;
  g_autoptr (GError) error = NULL;

  staging_fixture_set_up (&f);
  long_path = staging_fixture_target (&f, too_long);
  latin_path = staging_fixture_target (&f, latin);
  g_assert_null (hookrun_stage_declare (f.stage, long_path, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "name too long"));
  g_clear_error (&error);
  /* JSON could not say it, so the ledger could not. */
  g_assert_null (hookrun_stage_declare (f.stage, latin_path, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  staging_fixture_tear_down (&f);
}

/* ---- back and forth ---- */

/* An undoing that was refused can be done when the file is again what the change put there. */
static void
test_undo_refused_then_done (void)
{
  StagingFixture f;
  g_autoptr (HookrunStagingCommit) undo = NULL;
  g_autoptr (GError) error = NULL;
  guint64 id;

  staging_fixture_set_up (&f);
  staging_fixture_write (&f, "a.conf", "old\n", 0640);
  id = staging_fixture_apply (&f, "a.conf", "new\n");
  staging_fixture_write (&f, "a.conf", "edited\n", 0640);
  g_assert_null (hookrun_staging_undo (f.staging, id, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT);
  g_clear_error (&error);
  staging_fixture_write (&f, "a.conf", "new\n", 0640);
  undo = hookrun_staging_undo (f.staging, id, &error);
  g_assert_no_error (error);
  staging_fixture_assert (&f, "a.conf", "old\n");
  staging_fixture_tear_down (&f);
}

/* Undo, undo of that, and so on: each takes back the one before, and no other can be. */
static void
test_undo_of_undo (void)
{
  StagingFixture f;
  g_autoptr (GError) error = NULL;
  guint64 ids[6];

  staging_fixture_set_up (&f);
  staging_fixture_write (&f, "a.conf", "old\n", 0640);
  ids[0] = staging_fixture_apply (&f, "a.conf", "new\n");
  for (guint i = 1; i < G_N_ELEMENTS (ids); i++) {
    g_autoptr (HookrunStagingCommit) undo = NULL;

    staging_fixture_reopen (&f);
    undo = hookrun_staging_undo (f.staging, ids[i - 1], &error);
    g_assert_no_error (error);
    ids[i] = hookrun_staging_commit_get_id (undo);
    staging_fixture_assert (&f, "a.conf", i % 2 == 0 ? "new\n" : "old\n");
    g_assert_null (hookrun_staging_undo (f.staging, ids[i - 1], &error));
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS);
    g_clear_error (&error);
  }
  staging_fixture_assert_clean (&f);
  staging_fixture_tear_down (&f);
}

/* Changes of one file are taken back from the last one on. */
static void
test_undo_out_of_order (void)
{
  StagingFixture f;
  g_autoptr (HookrunStagingCommit) second = NULL;
  g_autoptr (HookrunStagingCommit) first = NULL;
  g_autoptr (GError) error = NULL;
  guint64 one, two;

  staging_fixture_set_up (&f);
  one = staging_fixture_apply (&f, "a.conf", "one\n");
  two = staging_fixture_apply (&f, "a.conf", "two\n");
  g_assert_null (hookrun_staging_undo (f.staging, one, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT);
  g_clear_error (&error);
  staging_fixture_assert (&f, "a.conf", "two\n");
  second = hookrun_staging_undo (f.staging, two, &error);
  g_assert_no_error (error);
  first = hookrun_staging_undo (f.staging, one, &error);
  g_assert_no_error (error);
  staging_fixture_assert (&f, "a.conf", NULL);
  staging_fixture_tear_down (&f);
}

/* What was displaced and is kept was damaged: the undoing is refused, nothing is touched. */
static void
test_undo_of_damaged (void)
{
  StagingFixture f;
  g_autofree char *kept = NULL;
  g_autoptr (GError) error = NULL;
  guint64 id;

  staging_fixture_set_up (&f);
  staging_fixture_write (&f, "a.conf", "old\n", 0640);
  id = staging_fixture_apply (&f, "a.conf", "new\n");
  kept = g_strdup_printf ("%s/kept/c%" G_GUINT64_FORMAT "-0", f.state, id);
  g_assert_true (g_file_set_contents (kept, "evil\n", -1, NULL));
  g_assert_null (hookrun_staging_undo (f.staging, id, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_cmpint (g_unlink (kept), ==, 0);
  g_assert_null (hookrun_staging_undo (f.staging, id, &error));
  g_assert_nonnull (error);
  staging_fixture_assert (&f, "a.conf", "new\n");
  staging_fixture_assert_clean (&f);
  staging_fixture_tear_down (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/staging/company/same-target/one-state", GINT_TO_POINTER (0),
                        test_same_target);
  g_test_add_data_func ("/staging/company/same-target/own-states", GINT_TO_POINTER (1),
                        test_same_target);
  g_test_add_func ("/staging/commit/many-files-one-conflict", test_many_files);
  g_test_add_func ("/staging/names/long-and-strange", test_names);
  g_test_add_func ("/staging/names/refused", test_names_refused);
  g_test_add_func ("/staging/undo/refused-then-done", test_undo_refused_then_done);
  g_test_add_func ("/staging/undo/of-undo-of-undo", test_undo_of_undo);
  g_test_add_func ("/staging/undo/out-of-order", test_undo_out_of_order);
  g_test_add_func ("/staging/undo/of-damaged", test_undo_of_damaged);
  return g_test_run ();
}
