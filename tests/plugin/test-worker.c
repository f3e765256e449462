/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The transport of workers: calls both ways at once, and everything that a stranger's process can
 * do wrong. After each fault the same worker object must serve again.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hookrun-worker-private.h"

typedef struct {
  HookrunWorker *worker;
  GPtrArray *lines;
  guint n_failures;
  guint n_requests;
  gboolean call_back; /* the host calls the worker while it serves it */
} Fixture;

static void
note_line (HookrunWorker *worker, HookrunLogLevel level, const char *text, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_ptr_array_add (fixture->lines, g_strdup_printf ("%d:%s", (int)level, text));
}

static void
note_failure (HookrunWorker *worker, GError *error, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_test_message ("failed: %s", error->message);
  fixture->n_failures++;
}

static void
serve (HookrunWorker *worker, HookrunWorkerRequest *request, gpointer user_data)
{
  Fixture *fixture = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (hookrun_worker_request_get_method (request), ==, "ask");
  fixture->n_requests++;
  if (fixture->call_back && fixture->n_requests < 5) {
    g_autoptr (JsonNode) answer = hookrun_worker_call (worker, "ask", NULL, 5000, NULL, &error);

    g_assert_no_error (error);
    g_assert_nonnull (answer);
  }
  hookrun_worker_request_answer (request, NULL);
}

static void
set_up (Fixture *fixture, gconstpointer mode)
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "plugin", "evil-worker", NULL);
  const char *argv[] = {program, mode, NULL};

  fixture->worker = hookrun_worker_new ("evil", argv, NULL, NULL);
  fixture->lines = g_ptr_array_new_with_free_func (g_free);
  hookrun_worker_set_grace_ms (fixture->worker, 200);
  hookrun_worker_set_request_handler (fixture->worker, serve, fixture, NULL);
  g_signal_connect (fixture->worker, "log", G_CALLBACK (note_line), fixture);
  g_signal_connect (fixture->worker, "failed", G_CALLBACK (note_failure), fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer mode)
{
  hookrun_worker_terminate (fixture->worker);
  hookrun_worker_wait (fixture->worker);
  g_assert_finalize_object (fixture->worker);
  g_ptr_array_unref (fixture->lines);
  /* No zombie is left. */
  g_assert_cmpint (waitpid (-1, NULL, WNOHANG), ==, -1);
}

static void
expect_good (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer =
      hookrun_worker_call (fixture->worker, "echo", NULL, 5000, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (JSON_NODE_HOLDS_OBJECT (answer));
  g_assert_cmpint (json_object_get_int_member (json_node_get_object (answer), "pid"), ==,
                   hookrun_worker_get_pid (fixture->worker));
}

static gboolean
has_line (Fixture *fixture, const char *line)
{
  return g_ptr_array_find_with_equal_func (fixture->lines, line, g_str_equal, NULL);
}

/* ---- what works ---- */

static void
test_answer (Fixture *fixture, gconstpointer mode)
{
  int first;

  g_assert_false (hookrun_worker_is_running (fixture->worker));
  expect_good (fixture);
  first = hookrun_worker_get_pid (fixture->worker);
  expect_good (fixture);
  g_assert_cmpint (hookrun_worker_get_pid (fixture->worker), ==, first);
  g_assert_cmpint (getpgid (first), ==, first);
  g_assert_cmpuint (fixture->n_failures, ==, 0);
}

static void
test_error (Fixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (hookrun_worker_call (fixture->worker, "error", NULL, 5000, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  g_assert_cmpstr (error->message, ==, "not \xef\xbf\xbd[31mhere");
  expect_good (fixture);
  g_assert_cmpuint (fixture->n_failures, ==, 0);
}

static void
test_nested (Fixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer = NULL;

  fixture->call_back = TRUE;
  answer = hookrun_worker_call (fixture->worker, "ask", NULL, 5000, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (json_object_get_boolean_member (json_node_get_object (answer), "answered"));
  g_assert_cmpuint (fixture->n_requests, ==, 5);
}

static void
test_print (Fixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer =
      hookrun_worker_call (fixture->worker, "print", NULL, 5000, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (has_line (fixture, "1:to output"));
  g_assert_true (has_line (fixture, "2:to errors \xef\xbf\xbd[2J"));
  g_assert_true (has_line (fixture, "3:to log"));
  hookrun_worker_terminate (fixture->worker);
  g_assert_true (has_line (fixture, "2:and \xef\xbf\xbd"));
}

static void
got_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static GAsyncResult *
call_in_loop (Fixture *fixture, const char *method, guint timeout_ms, GCancellable *cancellable)
{
  GAsyncResult *result = NULL;

  hookrun_worker_call_async (fixture->worker, method, NULL, timeout_ms, cancellable, got_answer,
                             &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return result;
}

static void
test_async (Fixture *fixture, gconstpointer mode)
{
  static const struct {
    const char *method;
    int code;
  } rows[] = {{"ask", -1},
              {"echo", -1},
              {"error", HOOKRUN_ERROR_NOT_FOUND},
              {"exit", HOOKRUN_ERROR_CRASHED},
              {"late", HOOKRUN_ERROR_TIMED_OUT},
              {"hang", HOOKRUN_ERROR_TIMED_OUT}};

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GAsyncResult) result = call_in_loop (fixture, rows[i].method, 100, NULL);
    g_autoptr (JsonNode) answer = hookrun_worker_call_finish (fixture->worker, result, &error);

    if (rows[i].code < 0)
      g_assert_no_error (error);
    else
      g_assert_error (error, HOOKRUN_ERROR, rows[i].code);
    g_assert_true ((answer != NULL) == (rows[i].code < 0));
  }
  while (hookrun_worker_is_running (fixture->worker))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fixture->n_failures, ==, 2);
}

static gboolean
cancel (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

static gpointer
cancel_soon (gpointer cancellable)
{
  g_usleep (50000);
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_cancel (Fixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  GThread *thread;

  g_timeout_add (50, cancel, cancellable);
  result = call_in_loop (fixture, "hang", 0, cancellable);
  g_assert_null (hookrun_worker_call_finish (fixture->worker, result, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_clear_error (&error);
  hookrun_worker_terminate (fixture->worker);

  g_cancellable_reset (cancellable);
  thread = g_thread_new ("cancel", cancel_soon, cancellable);
  g_assert_null (hookrun_worker_call (fixture->worker, "hang", NULL, 0, cancellable, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_thread_join (thread);
}

static gpointer
call_many (gpointer data)
{
  for (int i = 0; i < 200; i++)
    expect_good (data);
  return NULL;
}

static void
test_threads (Fixture *fixture, gconstpointer mode)
{
  GThread *threads[4];

  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("caller", call_many, fixture);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

/* ---- what goes wrong ---- */

static const struct {
  const char *method;
  int code;
  const char *words; /* of the message */
} faults[] = {
    {"unknown-id", HOOKRUN_ERROR_PROTOCOL, "which is not open"},
    {"duplicate-request", HOOKRUN_ERROR_PROTOCOL, "used the id 5 for two open requests"},
    {"not-json", HOOKRUN_ERROR_PROTOCOL, "value expected"},
    {"not-utf8", HOOKRUN_ERROR_PROTOCOL, "not UTF-8"},
    {"no-version", HOOKRUN_ERROR_PROTOCOL, "\"jsonrpc\" must be \"2.0\""},
    {"batch", HOOKRUN_ERROR_PROTOCOL, "an object is expected"},
    {"wrong-id-type", HOOKRUN_ERROR_PROTOCOL, "\"id\" of an answer"},
    {"wrong-params", HOOKRUN_ERROR_PROTOCOL, "\"params\" must be an object"},
    {"result-and-error", HOOKRUN_ERROR_PROTOCOL, "needs one of"},
    {"huge", HOOKRUN_ERROR_LIMIT, "message of more than 16777216 bytes"},
    {"deep", HOOKRUN_ERROR_LIMIT, "nested too deep"},
    {"partial", HOOKRUN_ERROR_TIMED_OUT, "did not answer \"partial\" within 300 ms"},
    {"hang", HOOKRUN_ERROR_TIMED_OUT, "did not answer \"hang\" within 300 ms"},
    {"stubborn-hang", HOOKRUN_ERROR_UNSUPPORTED, "no such method"},
    {"exit", HOOKRUN_ERROR_CRASHED, "exited with status 3"},
    {"segv", HOOKRUN_ERROR_CRASHED, "signal 11"},
    {"close", HOOKRUN_ERROR_CRASHED, "closed its connection; it went on running and was killed"},
    {"leave-child", HOOKRUN_ERROR_CRASHED, "exited with status 4"},
    {"flood-log", HOOKRUN_ERROR_TIMED_OUT, "did not answer"},
    {"flood-log-messages", HOOKRUN_ERROR_TIMED_OUT, "did not answer"},
};

static void
test_fault (Fixture *fixture, gsize row)
{
  g_autoptr (GError) error = NULL;
  int timeout = faults[row].code == HOOKRUN_ERROR_TIMED_OUT ? 300 : 5000;
  gint64 begin = g_get_monotonic_time ();

  g_assert_null (hookrun_worker_call (fixture->worker, faults[row].method, NULL, (guint)timeout,
                                      NULL, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, HOOKRUN_ERROR, faults[row].code);
  g_assert_nonnull (strstr (error->message, faults[row].words));
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 3 * G_USEC_PER_SEC);
}

/* Each in turn on a worker of its own; then the next call is served by a new process. */
static void
test_faults (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (faults); i++) {
    Fixture fixture = {0};

    set_up (&fixture, NULL);
    test_fault (&fixture, i);
    if (faults[i].code == HOOKRUN_ERROR_TIMED_OUT)
      g_usleep (250000); /* the grace, after which it counts as hung */
    expect_good (&fixture);
    g_assert_cmpuint (fixture.lines->len, <, 2 * HOOKRUN_WORKER_MAX_LOG_RATE + 10);
    tear_down (&fixture, NULL);
  }
}

static void
test_duplicate_answer (Fixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer =
      hookrun_worker_call (fixture->worker, "duplicate-id", NULL, 5000, NULL, &error);

  /* The second answer may be read together with the first, which counts, or a turn later. */
  g_assert_no_error (error);
  g_assert_nonnull (answer);
  while (fixture->n_failures == 0)
    g_main_context_iteration (NULL, TRUE);
  expect_good (fixture);
}

static void
test_late (Fixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  int pid;

  hookrun_worker_set_grace_ms (fixture->worker, 2000);
  g_assert_null (hookrun_worker_call (fixture->worker, "late", NULL, 100, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_TIMED_OUT);
  pid = hookrun_worker_get_pid (fixture->worker);
  expect_good (fixture);
  g_assert_cmpint (hookrun_worker_get_pid (fixture->worker), ==, pid);
  g_assert_cmpuint (fixture->n_failures, ==, 0);
  g_assert_true (has_line (fixture, "2:the answer to call 1 came too late and was dropped"));
}

static void
test_answer_and_exit (Fixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer =
      hookrun_worker_call (fixture->worker, "answer-and-exit", NULL, 5000, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (answer);
  while (hookrun_worker_is_running (fixture->worker))
    g_main_context_iteration (NULL, TRUE);
  expect_good (fixture);
}

/* Requests without an end: the host serves some, never reads without a limit, and stops it. */
static void
test_flood_requests (Fixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (
      hookrun_worker_call (fixture->worker, "flood-requests", NULL, 20000, NULL, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
  g_assert_cmpuint (fixture->n_requests, <=, HOOKRUN_WORKER_MAX_CALL_REQUESTS);
  expect_good (fixture);
}

/* It never reads: our sending must end at the deadline, and what waits for it is limited. */
static void
test_deaf (Fixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strnfill (4 * 1024 * 1024, 'x');
  g_autoptr (JsonNode) params = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "text", text);
  json_node_take_object (params, object);
  hookrun_worker_set_grace_ms (fixture->worker, 20000);
  for (int i = 0; i < 40 && error == NULL; i++) {
    g_assert_null (hookrun_worker_call (fixture->worker, "echo", params, 20, NULL, &error));
    if (error->code == HOOKRUN_ERROR_TIMED_OUT)
      g_clear_error (&error);
  }
  g_test_message ("%s", error->message);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
  g_assert_nonnull (strstr (error->message, "does not read"));
}

static void
test_too_long (Fixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strnfill (2000, 'x');
  g_autoptr (JsonNode) params = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "text", text);
  json_node_take_object (params, object);
  hookrun_worker_set_max_message (fixture->worker, 1000);
  g_assert_null (hookrun_worker_call (fixture->worker, "echo", params, 5000, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
  expect_good (fixture);
  g_assert_cmpuint (fixture->n_failures, ==, 0);
}

/* It ignores SIGTERM and so does a child of its; nothing of the group may survive. */
static void
test_stubborn (Fixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer =
      hookrun_worker_call (fixture->worker, "stubborn", NULL, 5000, NULL, &error);
  int pid = hookrun_worker_get_pid (fixture->worker);
  gint64 begin = g_get_monotonic_time ();

  g_assert_no_error (error);
  g_assert_nonnull (answer);
  hookrun_worker_terminate (fixture->worker);
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 100000);
  hookrun_worker_wait (fixture->worker);
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 2 * G_USEC_PER_SEC);
  while (kill (-pid, 0) == 0)
    g_usleep (1000); /* until init has reaped the child */
}

static void
test_back_off (Fixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;

  /* The first restart is free, the second has to wait. */
  for (int i = 0; i < 2; i++) {
    g_assert_null (hookrun_worker_call (fixture->worker, "exit", NULL, 5000, NULL, &error));
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CRASHED);
    g_assert_nonnull (strstr (error->message, "status 3"));
    g_clear_error (&error);
  }
  g_assert_null (hookrun_worker_call (fixture->worker, "echo", NULL, 5000, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CRASHED);
  g_assert_nonnull (strstr (error->message, "failed 2 times in a row"));
  g_usleep ((HOOKRUN_WORKER_FIRST_BACK_OFF_MS + 20) * 1000);
  expect_good (fixture);
}

static void
test_exits_at_once (Fixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (hookrun_worker_call (fixture->worker, "echo", NULL, 5000, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CRASHED);
  g_assert_nonnull (strstr (error->message, "status 7"));
}

static void
test_missing_program (void)
{
  const char *argv[] = {"/nonexistent/worker", NULL};
  g_autoptr (HookrunWorker) worker = hookrun_worker_new ("none", argv, NULL, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (hookrun_worker_call (worker, "echo", NULL, 5000, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "/nonexistent/worker"));
}

/* A host that is killed leaves nothing behind: the worker reads the end of its connection. */
static void
test_host_dies (void)
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "plugin", "evil-worker", NULL);
  const char *argv[] = {program, NULL};
  int ends[2];
  int pid = 0;
  pid_t host;

  g_assert_cmpint (pipe (ends), ==, 0);
  host = fork ();
  if (host == 0) {
    g_autoptr (HookrunWorker) worker = hookrun_worker_new ("orphan", argv, NULL, NULL);

    hookrun_worker_start (worker, NULL);
    pid = hookrun_worker_get_pid (worker);
    if (write (ends[1], &pid, sizeof pid) == sizeof pid)
      kill (getpid (), SIGKILL);
    _exit (1);
  }
  g_assert_cmpint (read (ends[0], &pid, sizeof pid), ==, sizeof pid);
  waitpid (host, NULL, 0);
  for (int i = 0; i < 500 && kill (pid, 0) == 0; i++)
    g_usleep (10000);
  g_assert_cmpint (kill (pid, 0), ==, -1);
  close (ends[0]);
  close (ends[1]);
}

#define ADD(path, mode, func) g_test_add (path, Fixture, mode, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/worker/answer", NULL, test_answer);
  ADD ("/worker/error-keeps-its-code-and-is-cleaned", NULL, test_error);
  ADD ("/worker/calls-both-ways-at-once", NULL, test_nested);
  ADD ("/worker/printed-lines", NULL, test_print);
  ADD ("/worker/async", NULL, test_async);
  ADD ("/worker/cancel", NULL, test_cancel);
  ADD ("/worker/threads", NULL, test_threads);
  g_test_add_func ("/worker/faults", test_faults);
  ADD ("/worker/second-answer", NULL, test_duplicate_answer);
  ADD ("/worker/late-answer-is-dropped", NULL, test_late);
  ADD ("/worker/answer-and-exit", NULL, test_answer_and_exit);
  ADD ("/worker/flood-of-requests", NULL, test_flood_requests);
  ADD ("/worker/deaf", "deaf", test_deaf);
  ADD ("/worker/our-own-message-too-long", NULL, test_too_long);
  ADD ("/worker/stubborn-group-is-killed", NULL, test_stubborn);
  ADD ("/worker/back-off", NULL, test_back_off);
  ADD ("/worker/exits-at-once", "at-once", test_exits_at_once);
  g_test_add_func ("/worker/missing-program", test_missing_program);
  g_test_add_func ("/worker/host-dies", test_host_dies);
  return g_test_run ();
}
