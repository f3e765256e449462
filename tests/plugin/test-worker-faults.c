/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Everything that a stranger's process can do wrong. After each fault the same worker object must
 * serve again.
 */
#include "worker-fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

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
test_fault (WorkerFixture *fixture, gsize row)
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
    WorkerFixture fixture = {0};

    worker_fixture_set_up (&fixture, NULL);
    test_fault (&fixture, i);
    if (faults[i].code == HOOKRUN_ERROR_TIMED_OUT)
      g_usleep (250000); /* the grace, after which it counts as hung */
    worker_fixture_expect_good (&fixture);
    g_assert_cmpuint (fixture.lines->len, <, 2 * HOOKRUN_WORKER_MAX_LOG_RATE + 10);
    worker_fixture_tear_down (&fixture, NULL);
  }
}

static void
test_duplicate_answer (WorkerFixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer =
      hookrun_worker_call (fixture->worker, "duplicate-id", NULL, 5000, NULL, &error);

  /* The second answer may be read together with the first, which counts, or a turn later. */
  g_assert_no_error (error);
  g_assert_nonnull (answer);
  while (fixture->n_failures == 0)
    g_main_context_iteration (NULL, TRUE);
  worker_fixture_expect_good (fixture);
}

static void
test_late (WorkerFixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  int pid;

  hookrun_worker_set_grace_ms (fixture->worker, 2000);
  g_assert_null (hookrun_worker_call (fixture->worker, "late", NULL, 100, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_TIMED_OUT);
  pid = hookrun_worker_get_pid (fixture->worker);
  worker_fixture_expect_good (fixture);
  g_assert_cmpint (hookrun_worker_get_pid (fixture->worker), ==, pid);
  g_assert_cmpuint (fixture->n_failures, ==, 0);
  g_assert_true (
      worker_fixture_has_line (fixture, "2:the answer to call 1 came too late and was dropped"));
}

static void
test_answer_and_exit (WorkerFixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer =
      hookrun_worker_call (fixture->worker, "answer-and-exit", NULL, 5000, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (answer);
  while (hookrun_worker_is_running (fixture->worker))
    g_main_context_iteration (NULL, TRUE);
  worker_fixture_expect_good (fixture);
}

/* Requests without an end: the host serves some, never reads without a limit, and goes on when
 * there were too many or the time is over, whichever is first on this machine. */
static void
test_flood_requests (WorkerFixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (hookrun_worker_call (fixture->worker, "flood-requests", NULL, 5000, NULL, &error));
  g_test_message ("%s", error->message);
  g_assert_true (g_error_matches (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT) ||
                 g_error_matches (error, HOOKRUN_ERROR, HOOKRUN_ERROR_TIMED_OUT));
  g_assert_cmpuint (fixture->n_requests, <=, HOOKRUN_WORKER_MAX_CALL_REQUESTS);
  if (error->code == HOOKRUN_ERROR_TIMED_OUT)
    g_usleep (250000); /* the grace, after which it counts as hung */
  worker_fixture_expect_good (fixture);
}

static void
test_requests_at_once (void)
{
  static const char request[] = "{\"jsonrpc\":\"2.0\",\"method\":\"ask\"}\n";
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  HookrunWorker *worker;
  int ends[2];

  for (int i = 0; i <= HOOKRUN_WORKER_MAX_REQUESTS; i++)
    g_string_append (text, request);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  g_assert_cmpint (send (ends[1], text->str, text->len, MSG_NOSIGNAL), ==, (gssize)text->len);
  worker = hookrun_worker_new_for_socket ("burst", ends[0]);
  g_assert_null (hookrun_worker_call (worker, "echo", NULL, 5000, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
  g_assert_nonnull (strstr (error->message, "more than 1000 requests at once"));
  close (ends[1]);
  g_assert_finalize_object (worker);
}

/* It never reads: our sending must end at the deadline, and what waits for it is limited. */
static void
test_deaf (WorkerFixture *fixture, gconstpointer mode)
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
test_too_long (WorkerFixture *fixture, gconstpointer mode)
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
  worker_fixture_expect_good (fixture);
  g_assert_cmpuint (fixture->n_failures, ==, 0);
}

/* It ignores SIGTERM and so does a child of its; nothing of the group may survive. */
static void
test_stubborn (WorkerFixture *fixture, gconstpointer mode)
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
test_back_off (WorkerFixture *fixture, gconstpointer mode)
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
  worker_fixture_expect_good (fixture);
}

static void
test_exits_at_once (WorkerFixture *fixture, gconstpointer mode)
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

/* A host that is killed leaves nothing behind: the worker reads the end of its connection, or is
 * killed where it does not. */
static void
test_host_dies (gconstpointer mode)
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "plugin", "evil-worker", NULL);
  const char *argv[] = {program, mode, NULL};
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

#define ADD(path, mode, func)                                                                      \
  g_test_add (path, WorkerFixture, mode, worker_fixture_set_up, func, worker_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker/faults", test_faults);
  ADD ("/worker/second-answer", NULL, test_duplicate_answer);
  ADD ("/worker/late-answer-is-dropped", NULL, test_late);
  ADD ("/worker/answer-and-exit", NULL, test_answer_and_exit);
  ADD ("/worker/flood-of-requests", NULL, test_flood_requests);
  g_test_add_func ("/worker/too-many-requests-at-once", test_requests_at_once);
  ADD ("/worker/deaf", "deaf", test_deaf);
  ADD ("/worker/our-own-message-too-long", NULL, test_too_long);
  ADD ("/worker/stubborn-group-is-killed", NULL, test_stubborn);
  ADD ("/worker/back-off", NULL, test_back_off);
  ADD ("/worker/exits-at-once", "at-once", test_exits_at_once);
  g_test_add_func ("/worker/missing-program", test_missing_program);
  g_test_add_data_func ("/worker/host-dies", NULL, test_host_dies);
  g_test_add_data_func ("/worker/host-dies-and-worker-is-deaf", "deaf", test_host_dies);
  return g_test_run ();
}
