/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fixture of the worker's tests: an object whose program does on command what hosts must
 * survive. */
#include "worker-fixture.h"

#include <sys/wait.h>

static void
note_line (HookrunWorker *worker, HookrunLogLevel level, const char *text, gpointer user_data)
{
  WorkerFixture *fixture = user_data;

  g_ptr_array_add (fixture->lines, g_strdup_printf ("%d:%s", (int)level, text));
}

static void
note_failure (HookrunWorker *worker, GError *error, gpointer user_data)
{
  WorkerFixture *fixture = user_data;

  g_test_message ("failed: %s", error->message);
  fixture->n_failures++;
}

static void
serve (HookrunWorker *worker, HookrunWorkerRequest *request, gpointer user_data)
{
  WorkerFixture *fixture = user_data;
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

void
worker_fixture_set_up (WorkerFixture *fixture, gconstpointer mode)
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

void
worker_fixture_tear_down (WorkerFixture *fixture, gconstpointer mode)
{
  hookrun_worker_terminate (fixture->worker);
  hookrun_worker_wait (fixture->worker);
  g_assert_finalize_object (fixture->worker);
  g_ptr_array_unref (fixture->lines);
  /* No zombie is left. */
  g_assert_cmpint (waitpid (-1, NULL, WNOHANG), ==, -1);
}

void
worker_fixture_expect_good (WorkerFixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer =
      hookrun_worker_call (fixture->worker, "echo", NULL, 5000, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (JSON_NODE_HOLDS_OBJECT (answer));
  g_assert_cmpint (json_object_get_int_member (json_node_get_object (answer), "pid"), ==,
                   hookrun_worker_get_pid (fixture->worker));
}

gboolean
worker_fixture_has_line (WorkerFixture *fixture, const char *line)
{
  return g_ptr_array_find_with_equal_func (fixture->lines, line, g_str_equal, NULL);
}
