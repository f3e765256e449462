/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the transport of workers promises: calls both ways at once, in place, in a loop, in threads.
 */
#include "worker-fixture.h"

#include <unistd.h>

static void
test_answer (WorkerFixture *fixture, gconstpointer mode)
{
  int first;

  g_assert_false (hookrun_worker_is_running (fixture->worker));
  worker_fixture_expect_good (fixture);
  first = hookrun_worker_get_pid (fixture->worker);
  worker_fixture_expect_good (fixture);
  g_assert_cmpint (hookrun_worker_get_pid (fixture->worker), ==, first);
  g_assert_cmpint (getpgid (first), ==, first);
  g_assert_cmpuint (fixture->n_failures, ==, 0);
}

static void
test_error (WorkerFixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (hookrun_worker_call (fixture->worker, "error", NULL, 5000, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  g_assert_cmpstr (error->message, ==, "not \xef\xbf\xbd[31mhere");
  worker_fixture_expect_good (fixture);
  g_assert_cmpuint (fixture->n_failures, ==, 0);
}

static void
test_nested (WorkerFixture *fixture, gconstpointer mode)
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
test_print (WorkerFixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer =
      hookrun_worker_call (fixture->worker, "print", NULL, 5000, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (worker_fixture_has_line (fixture, "1:to output"));
  g_assert_true (worker_fixture_has_line (fixture, "2:to errors \xef\xbf\xbd[2J"));
  g_assert_true (worker_fixture_has_line (fixture, "3:to log"));
  hookrun_worker_terminate (fixture->worker);
  g_assert_true (worker_fixture_has_line (fixture, "2:and \xef\xbf\xbd"));
}

static void
got_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static GAsyncResult *
call_in_loop (WorkerFixture *fixture, const char *method, guint timeout_ms,
              GCancellable *cancellable)
{
  GAsyncResult *result = NULL;

  hookrun_worker_call_async (fixture->worker, method, NULL, timeout_ms, cancellable, got_answer,
                             &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return result;
}

static void
test_async (WorkerFixture *fixture, gconstpointer mode)
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
    guint timeout_ms = rows[i].code == HOOKRUN_ERROR_TIMED_OUT ? 100 : 20000;
    g_autoptr (GAsyncResult) result = call_in_loop (fixture, rows[i].method, timeout_ms, NULL);
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
test_cancel (WorkerFixture *fixture, gconstpointer mode)
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
    worker_fixture_expect_good (data);
  return NULL;
}

static void
test_threads (WorkerFixture *fixture, gconstpointer mode)
{
  GThread *threads[4];

  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("caller", call_many, fixture);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

#define ADD(path, mode, func)                                                                      \
  g_test_add (path, WorkerFixture, mode, worker_fixture_set_up, func, worker_fixture_tear_down)

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
  return g_test_run ();
}
