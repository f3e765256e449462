/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal as a file: locked, read back, full, kept. */
#include "journal-fixture.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
test_reads_back (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HookrunJournal) journal = NULL;
  g_autoptr (JsonNode) status = NULL;
  g_autoptr (JsonNode) records = NULL;
  g_autoptr (JsonNode) run_data = NULL;
  JsonArray *steps;
  struct stat st;

  write_run (fixture);
  journal = open_journal (fixture, HOOKRUN_JOURNAL_NONE);
  g_assert_cmpint (hookrun_journal_get_state (journal), ==, HOOKRUN_RUN_DONE);
  g_assert_cmpstr (hookrun_journal_get_title (journal), ==, "a → b");
  g_assert_cmpstr (hookrun_journal_get_name (journal), ==, "jobs");
  g_assert_cmpstr (hookrun_journal_get_path (journal), ==, fixture->path);
  g_assert_true (g_uuid_string_is_valid (hookrun_journal_get_run_id (journal)));
  records = hookrun_journal_get_records (journal);
  g_assert_cmpuint (json_array_get_length (json_node_get_array (records)), ==, 5);
  status = hookrun_journal_get_status (journal);
  steps = json_object_get_array_member (json_node_get_object (status), "steps");
  g_assert_cmpstr (
      json_object_get_string_member (json_array_get_object_element (steps, 0), "state"), ==,
      "done");
  run_data = hookrun_journal_get_data (journal);
  g_assert_cmpint (json_object_get_int_member (json_node_get_object (run_data), "key"), ==, 2);
  g_assert_cmpint (g_stat (fixture->path, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 0777, ==, 0600);
}

static void
test_one_holder (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HookrunJournal) first = open_journal (fixture, HOOKRUN_JOURNAL_NONE);
  g_autoptr (HookrunJournal) reader = NULL;
  g_autoptr (HookrunJournal) second = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *pid = g_strdup_printf ("process %d", (int)getpid ());

  begin (first);
  second = hookrun_journal_open (fixture->folder, "jobs", HOOKRUN_JOURNAL_NONE, &error);
  g_assert_null (second);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, pid));
  reader = open_journal (fixture, HOOKRUN_JOURNAL_READ_ONLY);
  g_assert_cmpint (hookrun_journal_get_state (reader), ==, HOOKRUN_RUN_UNFINISHED);
  g_assert_cmpint (hookrun_journal_get_holder (reader), ==, (int)getpid ());
  hookrun_journal_close (first);
  g_assert_cmpint (hookrun_journal_get_holder (reader), ==, 0);
  second = open_journal (fixture, HOOKRUN_JOURNAL_NONE);
}

/* The holder was killed while a child of it had not yet begun its program: the child has the lock,
 * and nobody to wait for has it. */
static void
test_heir_of_the_lock (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HookrunJournal) journal = NULL;
  gint64 start;
  pid_t pid = fork ();

  if (pid == 0) {
    HookrunJournal *first = open_journal (fixture, HOOKRUN_JOURNAL_NONE);

    begin (first);
    if (fork () == 0)
      g_usleep (700000);
    _exit (0);
  }
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
  start = g_get_monotonic_time ();
  journal = open_journal (fixture, HOOKRUN_JOURNAL_NONE);
  g_test_message ("waited for %d ms", (int)((g_get_monotonic_time () - start) / 1000));
  g_assert_cmpint (hookrun_journal_get_state (journal), ==, HOOKRUN_RUN_UNFINISHED);
}

static void
test_reader_changes_nothing (Fixture *fixture, gconstpointer data)
{
  g_autofree char *missing = g_build_filename (fixture->folder, "missing", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunJournal) none =
      hookrun_journal_open (missing, "jobs", HOOKRUN_JOURNAL_READ_ONLY, &error);
  g_autoptr (HookrunJournal) reader = NULL;
  g_autoptr (JsonNode) runs = NULL;

  g_assert_no_error (error);
  g_assert_cmpint (hookrun_journal_get_state (none), ==, HOOKRUN_RUN_NONE);
  g_assert_null (hookrun_journal_get_run_id (none));
  runs = hookrun_journal_list_runs (none, &error);
  g_assert_cmpuint (json_array_get_length (json_node_get_array (runs)), ==, 0);
  g_assert_false (g_file_test (missing, G_FILE_TEST_EXISTS));
  write_run (fixture);
  reader = open_journal (fixture, HOOKRUN_JOURNAL_READ_ONLY);
  g_assert_false (try_append (reader, "{\"type\":\"finals\"}", &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION);
}

static void
test_bad_names (void)
{
  static const char *const names[] = {"", ".", "..", "a/b", ".hidden", "a\nb"};

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (hookrun_journal_open ("/nonexistent", names[i], HOOKRUN_JOURNAL_NONE, &error));
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  }
}

static void
test_not_mine (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  write_run (fixture);
  g_assert_cmpint (chmod (fixture->path, 0622), ==, 0);
  g_assert_null (hookrun_journal_open (fixture->folder, "jobs", HOOKRUN_JOURNAL_NONE, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED);
  g_clear_error (&error);
  g_assert_cmpint (unlink (fixture->path), ==, 0);
  g_assert_cmpint (symlink ("/dev/null", fixture->path), ==, 0);
  g_assert_null (hookrun_journal_open (fixture->folder, "jobs", HOOKRUN_JOURNAL_NONE, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED);
}

/* ---- room ---- */

typedef struct {
  HookrunJournalPoint at;
  int code;
} Fault;

static int
fail_at (HookrunJournalPoint point, gpointer user_data)
{
  Fault *fault = user_data;

  return point == fault->at ? fault->code : 0;
}

/* A record that could not be written is not there, and the next one can be. */
static void
test_no_space (Fixture *fixture, gconstpointer data)
{
  static const HookrunJournalPoint points[] = {
      HOOKRUN_JOURNAL_POINT_RESERVE, HOOKRUN_JOURNAL_POINT_BEFORE_WRITE,
      HOOKRUN_JOURNAL_POINT_HALF_WRITTEN, HOOKRUN_JOURNAL_POINT_WRITTEN};
  g_autoptr (HookrunJournal) journal = open_journal (fixture, HOOKRUN_JOURNAL_NONE);
  g_autoptr (HookrunJournal) reader = NULL;

  begin (journal);
  for (gsize i = 0; i < G_N_ELEMENTS (points); i++) {
    g_autoptr (GError) error = NULL;
    Fault fault = {points[i], ENOSPC};

    hookrun_journal_set_fault_hook (journal, fail_at, &fault);
    journal->reserved = 0;
    g_assert_false (try_append (journal, "{\"type\":\"begin\",\"step\":\"one\"}", &error));
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NO_SPACE);
    hookrun_journal_set_fault_hook (journal, NULL, NULL);
    g_assert_cmpuint (count_records (journal), ==, i + 1);
    append (journal, "{\"type\":\"finals\"}");
  }
  reader = open_journal (fixture, HOOKRUN_JOURNAL_READ_ONLY);
  g_assert_cmpuint (count_records (reader), ==, 5);
}

static void
test_no_space_to_begin (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HookrunJournal) journal = open_journal (fixture, HOOKRUN_JOURNAL_NONE);
  g_autoptr (JsonObject) header =
      parse_object ("{\"type\":\"run\",\"data\":{},\"plan\":{\"steps\":[]}}");
  g_autoptr (GError) error = NULL;
  Fault fault = {HOOKRUN_JOURNAL_POINT_RESERVE, ENOSPC};

  hookrun_journal_set_fault_hook (journal, fail_at, &fault);
  g_assert_false (hookrun_journal_begin (journal, header, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NO_SPACE);
  g_assert_cmpint (hookrun_journal_get_state (journal), ==, HOOKRUN_RUN_NONE);
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
  hookrun_journal_set_fault_hook (journal, NULL, NULL);
  begin (journal);
}

/* Whatever goes wrong, the run before is what the journal tells of. */
static void
test_no_space_to_begin_again (Fixture *fixture, gconstpointer data)
{
  static const HookrunJournalPoint points[] = {
      HOOKRUN_JOURNAL_POINT_RESERVE, HOOKRUN_JOURNAL_POINT_BEFORE_WRITE,
      HOOKRUN_JOURNAL_POINT_HALF_WRITTEN, HOOKRUN_JOURNAL_POINT_WRITTEN};
  g_autoptr (HookrunJournal) journal = NULL;
  g_autoptr (JsonNode) runs = NULL;

  write_run (fixture);
  journal = open_journal (fixture, HOOKRUN_JOURNAL_NONE);
  for (gsize i = 0; i < G_N_ELEMENTS (points); i++) {
    g_autoptr (JsonObject) header =
        parse_object ("{\"type\":\"run\",\"data\":{},\"plan\":{\"steps\":[]}}");
    g_autoptr (HookrunJournal) reader = NULL;
    g_autoptr (GError) error = NULL;
    Fault fault = {points[i], ENOSPC};

    hookrun_journal_set_fault_hook (journal, fail_at, &fault);
    g_assert_false (hookrun_journal_begin (journal, header, &error));
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NO_SPACE);
    g_assert_null (strstr (error->message, "resume"));
    hookrun_journal_set_fault_hook (journal, NULL, NULL);
    g_assert_cmpint (hookrun_journal_get_state (journal), ==, HOOKRUN_RUN_DONE);
    reader = open_journal (fixture, HOOKRUN_JOURNAL_READ_ONLY);
    g_assert_cmpint (hookrun_journal_get_state (reader), ==, HOOKRUN_RUN_DONE);
  }
  begin (journal);
  runs = hookrun_journal_list_runs (journal, NULL);
  g_assert_cmpuint (json_array_get_length (json_node_get_array (runs)), ==, 2);
}

typedef struct {
  Fixture *fixture;
  guint n_runs;
} Look;

static int
look_at (HookrunJournalPoint point, gpointer user_data)
{
  Look *look = user_data;
  g_autoptr (HookrunJournal) reader = open_journal (look->fixture, HOOKRUN_JOURNAL_READ_ONLY);
  g_autoptr (JsonNode) runs = hookrun_journal_list_runs (reader, NULL);

  look->n_runs++;
  if (hookrun_journal_get_run_id (reader) == NULL)
    g_error ("no run is current at point %d", (int)point);
  if (json_array_get_length (json_node_get_array (runs)) != 1)
    g_error ("a run is listed twice at point %d", (int)point);
  return 0;
}

static void
test_never_without_a_run (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HookrunJournal) journal = NULL;
  g_autoptr (JsonObject) header =
      parse_object ("{\"type\":\"run\",\"data\":{},\"plan\":{\"steps\":[]}}");
  Look look = {.fixture = fixture};

  write_run (fixture);
  journal = open_journal (fixture, HOOKRUN_JOURNAL_NONE);
  hookrun_journal_set_fault_hook (journal, look_at, &look);
  g_assert_true (hookrun_journal_begin (journal, header, NULL));
  g_assert_cmpuint (look.n_runs, >=, 6);
}

/* The kernel refuses in the middle of a line; run in a child, which alone has the limit. */
static void
fill_up (Fixture *fixture)
{
  g_autoptr (HookrunJournal) journal = open_journal (fixture, HOOKRUN_JOURNAL_NONE);
  struct rlimit limit = {2000, 2000};
  g_autoptr (GError) error = NULL;
  guint n;

  begin (journal);
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  journal->reserved = 1000 * 1000;
  while (try_append (journal, "{\"type\":\"begin\",\"step\":\"one\"}", &error))
    ;
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_IO);
  n = count_records (journal);
  hookrun_journal_close (journal);
  g_clear_object (&journal);
  journal = open_journal (fixture, HOOKRUN_JOURNAL_READ_ONLY);
  g_assert_cmpuint (count_records (journal), ==, n);
  g_assert_cmpuint (n, >, 5);
}

static void
test_file_limit (Fixture *fixture, gconstpointer data)
{
  if (g_test_subprocess ()) {
    fill_up (fixture);
    return;
  }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

static void
test_limits_of_a_record (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HookrunJournal) journal = open_journal (fixture, HOOKRUN_JOURNAL_NONE);
  g_autoptr (GString) deep = g_string_new ("{\"type\":\"state\",\"step\":\"one\",\"state\":");
  g_autoptr (JsonObject) big = parse_object ("{\"type\":\"state\",\"step\":\"one\"}");
  g_autofree char *text = g_strnfill (HOOKRUN_RECORD_MAX_SIZE, 'x');
  g_autoptr (GError) error = NULL;

  begin (journal);
  for (int i = 0; i < 400; i++)
    g_string_append_c (deep, '[');
  for (int i = 0; i < 400; i++)
    g_string_append_c (deep, ']');
  g_string_append_c (deep, '}');
  g_assert_false (try_append (journal, deep->str, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
  g_clear_error (&error);
  json_object_set_string_member (big, "state", text);
  g_assert_false (hookrun_journal_append (journal, big, FALSE, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
  append (journal, "{\"type\":\"begin\",\"step\":\"one\"}");
}

/* ---- many runs ---- */

static void
test_keeps_the_last (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HookrunJournal) journal = NULL;
  g_autoptr (JsonNode) runs = NULL;
  JsonArray *array;

  for (int i = 0; i < 6; i++)
    write_run (fixture);
  journal = open_journal (fixture, HOOKRUN_JOURNAL_NONE);
  hookrun_journal_set_keep (journal, 2);
  begin (journal);
  runs = hookrun_journal_list_runs (journal, NULL);
  array = json_node_get_array (runs);
  g_assert_cmpuint (json_array_get_length (array), ==, 3);
  for (guint i = 0; i < 3; i++) {
    JsonObject *run = json_array_get_object_element (array, i);

    g_assert_cmpint (json_object_get_int_member (run, "number"), ==, 5 + i);
    g_assert_cmpstr (json_object_get_string_member (run, "state"), ==,
                     i < 2 ? "done" : "unfinished");
  }
}

static void
test_damaged_archive_is_listed (Fixture *fixture, gconstpointer data)
{
  g_autofree char *archive = g_build_filename (fixture->folder, "jobs.000001.journal", NULL);
  g_autoptr (HookrunJournal) journal = NULL;
  g_autoptr (JsonNode) runs = NULL;
  JsonObject *run;

  write_run (fixture);
  write_run (fixture);
  g_assert_true (g_file_set_contents (archive, "nonsense\nmore\n", -1, NULL));
  journal = open_journal (fixture, HOOKRUN_JOURNAL_READ_ONLY);
  runs = hookrun_journal_list_runs (journal, NULL);
  run = json_array_get_object_element (json_node_get_array (runs), 0);
  g_assert_cmpstr (json_object_get_string_member (run, "state"), ==, "damaged");
}

static void
test_abandon (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HookrunJournal) journal = open_journal (fixture, HOOKRUN_JOURNAL_NONE);
  g_autoptr (JsonObject) header =
      parse_object ("{\"type\":\"run\",\"data\":{},\"plan\":{\"steps\":[]}}");
  g_autoptr (GError) error = NULL;

  g_assert_false (hookrun_journal_abandon (journal, "nothing there", &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  g_clear_error (&error);
  begin (journal);
  g_assert_false (hookrun_journal_begin (journal, header, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT);
  g_assert_nonnull (strstr (error->message, "a → b"));
  g_clear_error (&error);
  g_assert_true (hookrun_journal_abandon (journal, "put right by hand", &error));
  g_assert_no_error (error);
  g_assert_cmpint (hookrun_journal_get_state (journal), ==, HOOKRUN_RUN_ABANDONED);
  begin (journal);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/pipeline/journal/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("reads-back-what-was-written", test_reads_back);
  ADD ("one-holder-named-to-others", test_one_holder);
  ADD ("heir-of-the-lock", test_heir_of_the_lock);
  ADD ("reader-changes-nothing", test_reader_changes_nothing);
  g_test_add_func ("/pipeline/journal/bad-names", test_bad_names);
  ADD ("others-files-are-refused", test_not_mine);
  ADD ("no-space-leaves-no-record", test_no_space);
  ADD ("no-space-to-begin", test_no_space_to_begin);
  ADD ("no-space-to-begin-keeps-the-run-before", test_no_space_to_begin_again);
  ADD ("never-without-a-run", test_never_without_a_run);
  ADD ("file-limit-in-the-middle-of-a-line", test_file_limit);
  ADD ("limits-of-a-record", test_limits_of_a_record);
  ADD ("keeps-the-last-runs", test_keeps_the_last);
  ADD ("damaged-archive-is-listed", test_damaged_archive_is_listed);
  ADD ("abandon", test_abandon);
  return g_test_run ();
}
