/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Handlers that are pending: waited for by synchronous emissions on a private context, by
 * asynchronous ones on the caller's; their time, cancellation, and completion by anybody, any time.
 */
#include "fixture.h"

#include <string.h>

/* How a pending handler ends. */
typedef struct {
  Fixture *fixture;
  guint delay_ms;
  HookrunVerdict verdict;
  const char *failure;
  gboolean in_thread;
  guint times;
  GMainContext *context;
} Plan;

static void
end (HookrunEvent *event)
{
  Plan *plan = g_object_get_data (G_OBJECT (hookrun_event_get_signal (event)),
                                  hookrun_event_get_handler_id (event));

  if (plan->failure != NULL)
    hookrun_event_fail (event, HOOKRUN_ERROR_IO, "%s", plan->failure);
  for (guint i = 0; i < plan->times; i++)
    hookrun_event_complete (event, i == 0 ? plan->verdict : HOOKRUN_FAILED);
}

static gboolean
end_in_context (gpointer event)
{
  end (event);
  return G_SOURCE_REMOVE;
}

static gpointer
end_in_thread (gpointer data)
{
  g_autoptr (HookrunEvent) event = data;
  Plan *plan = g_object_get_data (G_OBJECT (hookrun_event_get_signal (event)),
                                  hookrun_event_get_handler_id (event));

  g_usleep (plan->delay_ms * 1000UL);
  end (event);
  return NULL;
}

static HookrunVerdict
begin (HookrunEvent *event, gpointer user_data)
{
  Plan *plan = user_data;

  fixture_log (plan->fixture, hookrun_event_get_handler_id (event));
  if (plan->in_thread) {
    g_thread_unref (g_thread_new ("ender", end_in_thread, hookrun_event_ref (event)));
    return HOOKRUN_PENDING;
  }
  if (plan->times > 0) {
    g_autoptr (GSource) source = g_timeout_source_new (plan->delay_ms);

    g_source_set_callback (source, end_in_context, hookrun_event_ref (event),
                           (GDestroyNotify)hookrun_event_unref);
    plan->context = hookrun_event_get_context (event);
    g_source_attach (source, plan->context);
  }
  return HOOKRUN_PENDING;
}

static Plan *
connect_plan (Fixture *fixture, const char *id, guint timeout_ms, Plan plan)
{
  Plan *own = g_memdup2 (&plan, sizeof plan);

  own->fixture = fixture;
  g_object_set_data_full (G_OBJECT (fixture->signal), id, own, g_free);
  g_assert_cmpuint (hookrun_signal_connect (fixture->signal, fixture->scope, id,
                                            options (.timeout_ms = timeout_ms), begin, own, NULL,
                                            NULL),
                    !=, 0);
  return own;
}

/* ---- synchronous ---- */

static void
test_sync (Fixture *fixture, gconstpointer unused)
{
  Plan *plan = connect_plan (fixture, "a", 0, (Plan){.delay_ms = 1, .times = 1});

  connect_plan (fixture, "b", 5000, (Plan){.delay_ms = 1, .verdict = HOOKRUN_HANDLED, .times = 1});
  fixture_connect (fixture, "c", NULL);
  fixture_expect (fixture, HOOKRUN_HANDLED, "a b");
  g_assert_true (plan->context != g_main_context_default ());
  fixture_expect (fixture, HOOKRUN_HANDLED, "a b");
}

static void
test_sync_from_thread (Fixture *fixture, gconstpointer unused)
{
  connect_plan (fixture, "slow", 0, (Plan){.delay_ms = 5, .in_thread = TRUE, .times = 1});
  connect_plan (fixture, "fast", 0, (Plan){.in_thread = TRUE, .times = 1});
  for (guint i = 0; i < 20; i++)
    fixture_expect (fixture, HOOKRUN_CONTINUE, "slow fast");
}

static void
complete_now (Fixture *fixture, HookrunEvent *event)
{
  hookrun_event_complete (event, HOOKRUN_HANDLED);
}

static void
test_complete_before_pending (Fixture *fixture, gconstpointer unused)
{
  fixture_connect_full (fixture, "a", NULL, HOOKRUN_PENDING, NULL, complete_now);
  fixture_connect (fixture, "b", NULL);
  fixture_expect (fixture, HOOKRUN_HANDLED, "a");
}

/* What it returns counts; that it completed before does not leak into the next handler. */
static void
test_complete_but_continue (Fixture *fixture, gconstpointer unused)
{
  fixture_connect_full (fixture, "a", NULL, HOOKRUN_CONTINUE, NULL, complete_now);
  connect_plan (fixture, "b", 0, (Plan){.delay_ms = 1, .times = 1});
  fixture_connect (fixture, "c", NULL);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a b c");
}

static void
test_double_completion (Fixture *fixture, gconstpointer unused)
{
  connect_plan (fixture, "a", 0, (Plan){.delay_ms = 1, .times = 3});
  connect_plan (fixture, "b", 0, (Plan){.in_thread = TRUE, .times = 3});
  fixture_connect (fixture, "c", NULL);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a b c");
}

static void
test_failure (Fixture *fixture, gconstpointer unused)
{
  connect_plan (fixture, "a", 0,
                (Plan){.verdict = HOOKRUN_FAILED, .failure = "refused", .times = 1});
  fixture_expect_failure (fixture, HOOKRUN_ERROR_IO,
                          "plugin \"tester\", handler \"a\", signal \"test.signal\": refused", "a");
}

static void
test_timeout (Fixture *fixture, gconstpointer unused)
{
  connect_plan (fixture, "never", 20, (Plan){.times = 0});
  fixture_expect_failure (fixture, HOOKRUN_ERROR_TIMED_OUT,
                          "*handler \"never\"*no answer within 20 ms*", "never");
}

static void
set_up_collecting (Fixture *fixture, gconstpointer unused)
{
  fixture_set_up_with (fixture, HOOKRUN_SIGNAL_COLLECT_ERRORS, NULL, 0);
}

/* The late completion of the first comes while the second is pending. */
static void
test_late_completion_hits_nobody (Fixture *fixture, gconstpointer unused)
{
  connect_plan (fixture, "late", 10,
                (Plan){.delay_ms = 40, .verdict = HOOKRUN_HANDLED, .in_thread = TRUE, .times = 1});
  connect_plan (fixture, "next", 0, (Plan){.delay_ms = 100, .times = 1});
  fixture_connect (fixture, "last", NULL);
  fixture_expect_failure (fixture, HOOKRUN_ERROR_TIMED_OUT, "*\"late\"*10 ms*", "late next last");
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
  g_usleep (20000);
  cancel (cancellable);
  return NULL;
}

static void
test_cancel_sync (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_new ("cancel", cancel_soon, cancellable);

  connect_plan (fixture, "never", 0, (Plan){.times = 0});
  fixture_connect (fixture, "next", NULL);
  g_assert_cmpint (hookrun_signal_emit_for (fixture->signal, NULL, NULL, cancellable, &error), ==,
                   HOOKRUN_FAILED);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_assert_nonnull (strstr (error->message, "handler \"never\""));
  g_assert_cmpstr (fixture->log->str, ==, "never");
  g_thread_join (thread);
}

static gpointer
close_soon (gpointer scope)
{
  g_usleep (20000);
  hookrun_scope_close (scope);
  return NULL;
}

static void
test_scope_closed_while_pending (Fixture *fixture, gconstpointer unused)
{
  GThread *thread = g_thread_new ("close", close_soon, fixture->scope);

  connect_plan (fixture, "never", 0, (Plan){.times = 0});
  fixture_expect_failure (fixture, HOOKRUN_ERROR_CANCELLED,
                          "plugin \"tester\", handler \"never\"*scope was closed*", "never");
  g_thread_join (thread);
}

static void
close_own (Fixture *fixture, HookrunEvent *event)
{
  hookrun_scope_close (fixture->scope);
}

static void
test_scope_closed_before_pending (Fixture *fixture, gconstpointer unused)
{
  fixture_connect_full (fixture, "a", NULL, HOOKRUN_PENDING, NULL, close_own);
  fixture_expect_failure (fixture, HOOKRUN_ERROR_CANCELLED, "*scope was closed*", "a");
}

/* ---- asynchronous ---- */

typedef struct {
  gboolean done;
  HookrunVerdict verdict;
  GError *error;
} Result;

static void
on_emitted (GObject *source, GAsyncResult *async, gpointer user_data)
{
  Result *result = user_data;

  result->verdict = hookrun_signal_emit_finish (HOOKRUN_SIGNAL (source), async, &result->error);
  result->done = TRUE;
}

static void
run_until (Result *result)
{
  while (!result->done)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
}

static void
test_async (Fixture *fixture, gconstpointer unused)
{
  Result result = {FALSE};
  Plan *plan = connect_plan (fixture, "a", 1000, (Plan){.delay_ms = 1, .times = 1});

  fixture_connect (fixture, "b", NULL);
  connect_plan (fixture, "c", 0, (Plan){.in_thread = TRUE, .times = 1});
  connect_plan (fixture, "d", 0, (Plan){.verdict = HOOKRUN_HANDLED, .times = 1});
  fixture_connect (fixture, "e", NULL);
  hookrun_signal_emit_async (fixture->signal, NULL, NULL, NULL, on_emitted, &result);
  g_assert_cmpstr (fixture->log->str, ==, "a");
  g_assert_true (plan->context == g_main_context_default ());
  g_assert_false (result.done);
  run_until (&result);
  g_assert_no_error (result.error);
  g_assert_cmpint (result.verdict, ==, HOOKRUN_HANDLED);
  g_assert_cmpstr (fixture->log->str, ==, "a b c d");
}

static void
test_async_nobody (Fixture *fixture, gconstpointer unused)
{
  Result result = {FALSE};

  hookrun_signal_emit_async (fixture->signal, "shop", NULL, NULL, on_emitted, &result);
  g_assert_false (result.done);
  run_until (&result);
  g_assert_no_error (result.error);
  g_assert_cmpint (result.verdict, ==, HOOKRUN_CONTINUE);
  hookrun_signal_emit_async (fixture->signal, NULL, NULL, NULL, NULL, NULL);
}

static void
test_async_failures (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Result timed = {FALSE};
  Result cancelled = {FALSE};

  connect_plan (fixture, "never", 50, (Plan){.times = 0});
  hookrun_signal_emit_async (fixture->signal, NULL, NULL, NULL, on_emitted, &timed);
  hookrun_signal_emit_async (fixture->signal, NULL, NULL, cancellable, on_emitted, &cancelled);
  g_timeout_add (5, cancel, cancellable);
  run_until (&cancelled);
  g_assert_false (timed.done);
  g_assert_error (cancelled.error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  run_until (&timed);
  g_assert_error (timed.error, HOOKRUN_ERROR, HOOKRUN_ERROR_TIMED_OUT);
  g_assert_cmpint (timed.verdict, ==, HOOKRUN_FAILED);
  g_clear_error (&timed.error);
  g_clear_error (&cancelled.error);
}

static void
test_async_closed (Fixture *fixture, gconstpointer unused)
{
  Result result = {FALSE};

  connect_plan (fixture, "never", 0, (Plan){.times = 0});
  hookrun_signal_emit_async (fixture->signal, NULL, NULL, NULL, on_emitted, &result);
  hookrun_scope_close (fixture->scope);
  run_until (&result);
  g_assert_error (result.error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_clear_error (&result.error);
}

static void
test_async_in_own_context (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Result result = {FALSE};
  Plan *plan = connect_plan (fixture, "a", 0, (Plan){.delay_ms = 1, .times = 1});

  g_main_context_push_thread_default (context);
  hookrun_signal_emit_async (fixture->signal, NULL, NULL, NULL, on_emitted, &result);
  run_until (&result);
  g_main_context_pop_thread_default (context);
  g_assert_true (plan->context == context);
  g_assert_cmpint (result.verdict, ==, HOOKRUN_CONTINUE);
}

/* The emission keeps what it needs when its subject, data and handlers go. */
static void
test_async_keeps (Fixture *fixture, gconstpointer unused)
{
  Result result = {FALSE};
  g_autofree char *subject = g_strdup ("shop");
  HookrunData *data = hookrun_data_new (NULL);
  guint64 b;

  connect_plan (fixture, "a", 0, (Plan){.delay_ms = 1, .times = 1});
  b = fixture_connect (fixture, "b", NULL);
  fixture_connect (fixture, "c", options (.subject = "shop"));
  hookrun_signal_emit_async (fixture->signal, subject, data, NULL, on_emitted, &result);
  subject[0] = 'x';
  hookrun_data_unref (data);
  hookrun_signal_disconnect (fixture->signal, b);
  fixture_connect (fixture, "too-late", NULL);
  run_until (&result);
  g_assert_cmpstr (fixture->log->str, ==, "a c");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  fixture_add ("/signal/pending/sync", test_sync);
  fixture_add ("/signal/pending/sync-from-thread", test_sync_from_thread);
  fixture_add ("/signal/pending/complete-before-pending", test_complete_before_pending);
  fixture_add ("/signal/pending/complete-but-continue", test_complete_but_continue);
  fixture_add ("/signal/pending/double-completion", test_double_completion);
  fixture_add ("/signal/pending/failure", test_failure);
  fixture_add ("/signal/pending/timeout", test_timeout);
  g_test_add ("/signal/pending/late-completion-hits-nobody", Fixture, NULL, set_up_collecting,
              test_late_completion_hits_nobody, fixture_tear_down);
  fixture_add ("/signal/pending/cancel", test_cancel_sync);
  fixture_add ("/signal/pending/scope-closed", test_scope_closed_while_pending);
  fixture_add ("/signal/pending/scope-closed-before", test_scope_closed_before_pending);
  fixture_add ("/signal/async/runs", test_async);
  fixture_add ("/signal/async/nobody", test_async_nobody);
  fixture_add ("/signal/async/failures", test_async_failures);
  fixture_add ("/signal/async/scope-closed", test_async_closed);
  fixture_add ("/signal/async/own-context", test_async_in_own_context);
  fixture_add ("/signal/async/keeps-what-it-needs", test_async_keeps);
  return g_test_run ();
}
