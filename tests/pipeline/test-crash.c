/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The journal tells the truth: crash-child is killed at every point of its run, then resumed or
 * rolled back by a new process, which may be killed as well. What is on disk in the end is all or
 * nothing, byte for byte, and no hook that the journal calls finished ever runs again.
 */
#include "hookrun-journal.h"
#include "folder.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_KILL 0
#define FULL_LOG "first\nword-aword-bword-cword-d\n"

enum { ENDED_WELL = 0, ENDED_BADLY = 1, NOTHING_TO_DO = 4, KILLED = -1 };

static char *folder;
static int stride; /* of the second point of pairs */

static void
write_file (const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static char *
read_file (const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

static void
set_up (void)
{
  g_autofree char *tree = NULL;

  folder = make_test_folder ();
  tree = g_build_filename (folder, "tree", NULL);
  g_assert_cmpint (g_mkdir (tree, 0700), ==, 0);
  write_file ("tree/live", "old\n");
  write_file ("tree/log", "first\n");
}

static void
tear_down (void)
{
  g_clear_pointer (&folder, remove_test_folder);
}

static int
run_child (const char *goal, int point, gboolean fails)
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "pipeline", "crash-child", NULL);
  g_autofree char *number = g_strdup_printf ("%d", point);
  char *arguments[] = {program, folder, (char *)goal, number, NULL};
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (GError) error = NULL;
  int status;

  if (fails)
    environment = g_environ_setenv (environment, "VICTIM_FAILS", "1", TRUE);
  g_spawn_sync (NULL, arguments, environment, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status,
                &error);
  g_assert_no_error (error);
  if (WIFSIGNALED (status)) {
    g_assert_cmpint (WTERMSIG (status), ==, SIGKILL);
    return KILLED;
  }
  return WEXITSTATUS (status);
}

static HookrunRunState
journal_state (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunJournal) journal =
      hookrun_journal_open (folder, "victim", HOOKRUN_JOURNAL_READ_ONLY, &error);

  g_assert_no_error (error);
  g_assert_cmpint (hookrun_journal_get_holder (journal), ==, 0);
  return hookrun_journal_get_state (journal);
}

/* "SIGNAL HANDLER" of what the journal calls finished */
static GHashTable *
finished_hooks (void)
{
  g_autoptr (HookrunJournal) journal =
      hookrun_journal_open (folder, "victim", HOOKRUN_JOURNAL_READ_ONLY, NULL);
  g_autoptr (JsonNode) records = hookrun_journal_get_records (journal);
  JsonArray *array = json_node_get_array (records);
  GHashTable *finished = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonObject *record = json_array_get_object_element (array, i);
    const char *step;

    if (g_strcmp0 (json_object_get_string_member (record, "type"), "hook") != 0)
      continue;
    step = json_object_get_string_member (record, "step");
    g_hash_table_add (finished,
                      g_strdup_printf ("%s %s.%s", json_object_get_string_member (record, "id"),
                                       *step == '\0' ? "victim" : step,
                                       json_object_get_string_member (record, "phase")));
  }
  return finished;
}

/* How far the log of hooks was */
static gsize
hooks_length (void)
{
  g_autofree char *text = read_file ("hooks");

  return text == NULL ? 0 : strlen (text);
}

static void
assert_none_again (GHashTable *finished, gsize since)
{
  g_autofree char *text = read_file ("hooks");
  g_auto (GStrv) lines = NULL;

  if (text == NULL)
    return;
  lines = g_strsplit (text + since, "\n", -1);
  for (gsize i = 0; lines[i] != NULL && *lines[i] != '\0'; i++) {
    const char *hook = strchr (lines[i], ' ') + 1;

    if (g_hash_table_contains (finished, hook))
      g_error ("finished hook ran again: %s", hook);
  }
}

/* As run_child, and no finished hook runs again. */
static int
go_on (const char *goal, int point, gboolean fails)
{
  g_autoptr (GHashTable) finished = finished_hooks ();
  gsize since = hooks_length ();
  int result = run_child (goal, point, fails);

  assert_none_again (finished, since);
  return result;
}

static gboolean
is_text (const char *name, const char *expected)
{
  g_autofree char *text = read_file (name);

  return g_strcmp0 (text, expected) == 0;
}

static void
assert_full (void)
{
  g_assert_true (is_text ("tree/created", "created\n"));
  g_assert_true (is_text ("tree/live", "new\n"));
  g_assert_true (is_text ("tree/live.old", "old\n"));
  g_assert_true (is_text ("tree/live.new", NULL));
  g_assert_true (is_text ("tree/log", FULL_LOG));
  g_assert_true (is_text ("final", "final\n"));
  g_assert_cmpint (journal_state (), ==, HOOKRUN_RUN_DONE);
}

static void
assert_initial (void)
{
  g_assert_true (is_text ("tree/created", NULL));
  g_assert_true (is_text ("tree/live", "old\n"));
  g_assert_true (is_text ("tree/live.old", NULL));
  g_assert_true (is_text ("tree/live.new", NULL));
  g_assert_true (is_text ("tree/log", "first\n"));
}

/* A process that was killed before its journal began left nothing, and a new run is due. */
static int
resume_or_start (int point, gboolean fails)
{
  int result = go_on ("resume", point, fails);

  if (result != NOTHING_TO_DO)
    return result;
  if (journal_state () != HOOKRUN_RUN_NONE) /* killed after the last record */
    return fails ? ENDED_BADLY : ENDED_WELL;
  assert_initial ();
  return run_child ("run", point, fails);
}

static void
test_resume (void)
{
  int result = KILLED;
  int point;

  for (point = 1; result == KILLED; point++) {
    set_up ();
    result = run_child ("run", point, FALSE);
    if (result == KILLED)
      g_assert_cmpint (resume_or_start (NO_KILL, FALSE), ==, ENDED_WELL);
    assert_full ();
    tear_down ();
  }
  g_test_message ("killed at %d points", point - 2);
  g_assert_cmpint (result, ==, ENDED_WELL);
  g_assert_cmpint (point, >, 80);
}

static void
test_rollback (void)
{
  int result = KILLED;
  int point;

  for (point = 1; result == KILLED; point++) {
    set_up ();
    result = run_child ("run", point, FALSE);
    if (result == KILLED && journal_state () != HOOKRUN_RUN_NONE) {
      g_assert_cmpint (go_on ("rollback", NO_KILL, FALSE), ==, ENDED_WELL);
      g_assert_cmpint (journal_state (), ==, HOOKRUN_RUN_ROLLED_BACK);
      g_assert_true (is_text ("final", "final\n"));
    }
    if (result == KILLED)
      assert_initial ();
    tear_down ();
  }
  g_assert_cmpint (result, ==, ENDED_WELL);
}

static guint
count_runs (void)
{
  g_autoptr (HookrunJournal) journal =
      hookrun_journal_open (folder, "victim", HOOKRUN_JOURNAL_READ_ONLY, NULL);
  g_autoptr (JsonNode) runs = hookrun_journal_list_runs (journal, NULL);

  return json_array_get_length (json_node_get_array (runs));
}

/* The run before is archived at its beginning, and never lost. */
static void
test_second_run (void)
{
  for (int point = 1; point < 12; point++) {
    guint runs;

    set_up ();
    g_assert_cmpint (run_child ("run", NO_KILL, TRUE), ==, ENDED_BADLY);
    assert_initial ();
    g_assert_cmpint (run_child ("run", point, FALSE), ==, KILLED);
    runs = count_runs ();
    g_assert_cmpuint (runs, >=, 1);
    if (journal_state () == HOOKRUN_RUN_UNFINISHED)
      g_assert_cmpint (go_on ("resume", NO_KILL, FALSE), ==, ENDED_WELL);
    else
      g_assert_cmpint (run_child ("run", NO_KILL, FALSE), ==, ENDED_WELL);
    assert_full ();
    g_assert_cmpuint (count_runs (), ==, 2);
    tear_down ();
  }
}

/* A step fails, the process puts everything back and is killed meanwhile. */
static void
test_failing (void)
{
  int result = KILLED;
  int point;

  for (point = 1; result == KILLED; point++) {
    set_up ();
    result = run_child ("fail", point, TRUE);
    if (result == KILLED)
      g_assert_cmpint (resume_or_start (NO_KILL, TRUE), ==, ENDED_BADLY);
    assert_initial ();
    g_assert_cmpint (journal_state (), ==, HOOKRUN_RUN_ROLLED_BACK);
    g_assert_true (is_text ("final", "final\n"));
    tear_down ();
  }
  g_test_message ("killed at %d points", point - 2);
  g_assert_cmpint (result, ==, ENDED_BADLY);
}

/* Killed at @point, then the one who goes on is killed at its 1st, 2nd, 3rd … point, each by a new
 * process that finds what the one before left. FALSE when @point is behind the end. */
static gboolean
kill_in_a_row (int point, const char *goal, gboolean fails)
{
  int result;

  set_up ();
  result = run_child ("run", point, fails);
  if (result != KILLED || journal_state () == HOOKRUN_RUN_NONE) {
    tear_down ();
    return result == KILLED;
  }
  for (int again = 1; result == KILLED; again++)
    result = go_on (goal, again, fails);
  /* Killed after the last record: there is nothing left to do. */
  g_assert_true (result == NOTHING_TO_DO || result == (fails ? ENDED_BADLY : ENDED_WELL));
  if (fails || g_str_equal (goal, "rollback"))
    assert_initial ();
  else
    assert_full ();
  tear_down ();
  return TRUE;
}

static void
test_row (gconstpointer data)
{
  const char *goal = data;
  gboolean fails = g_str_equal (goal, "fail");

  for (int point = 4; kill_in_a_row (point, fails ? "resume" : goal, fails); point += 17)
    ;
}

/* Pairs of points: the first process is killed at one, the second at the other; at each of them
 * when the stride is 1. */
static void
test_pairs (gconstpointer data)
{
  const char *goal = data;
  gboolean back = g_str_equal (goal, "rollback");
  int first = KILLED;

  for (int point = 1; first == KILLED; point++) {
    int second = KILLED;

    for (int again = 1 + point % stride; second == KILLED; again += stride) {
      set_up ();
      first = run_child ("run", point, FALSE);
      second = first == KILLED && journal_state () != HOOKRUN_RUN_NONE ? go_on (goal, again, FALSE)
                                                                       : NOTHING_TO_DO;
      if (second == KILLED && go_on (goal, NO_KILL, FALSE) == NOTHING_TO_DO)
        g_assert_cmpint (journal_state (), ==, back ? HOOKRUN_RUN_ROLLED_BACK : HOOKRUN_RUN_DONE);
      if (second != NOTHING_TO_DO && back)
        assert_initial ();
      else if (second != NOTHING_TO_DO)
        assert_full ();
      tear_down ();
    }
  }
}

static void
test_one_at_a_time (void)
{
  g_autoptr (HookrunJournal) journal = NULL;

  set_up ();
  journal = hookrun_journal_open (folder, "victim", HOOKRUN_JOURNAL_NONE, NULL);
  g_assert_nonnull (journal);
  g_assert_cmpint (run_child ("run", NO_KILL, FALSE), ==, 3);
  assert_initial ();
  tear_down ();
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  if (argc > 2 && g_str_equal (argv[1], "--pairs")) {
    stride = atoi (argv[2]);
    g_assert_cmpint (stride, >, 0);
    g_test_add_data_func ("/pipeline/crash/resume-killed-at-pairs", "resume", test_pairs);
    g_test_add_data_func ("/pipeline/crash/rollback-killed-at-pairs", "rollback", test_pairs);
    return g_test_run ();
  }
  g_test_add_func ("/pipeline/crash/resumed-to-the-full-state", test_resume);
  g_test_add_func ("/pipeline/crash/rolled-back-to-the-first-byte", test_rollback);
  g_test_add_func ("/pipeline/crash/killed-while-putting-back", test_failing);
  g_test_add_func ("/pipeline/crash/run-before-is-never-lost", test_second_run);
  g_test_add_data_func ("/pipeline/crash/resume-killed-again-and-again", "resume", test_row);
  g_test_add_data_func ("/pipeline/crash/rollback-killed-again-and-again", "rollback", test_row);
  g_test_add_data_func ("/pipeline/crash/failing-killed-again-and-again", "fail", test_row);
  g_test_add_func ("/pipeline/crash/second-process-is-refused", test_one_at_a_time);
  return g_test_run ();
}
