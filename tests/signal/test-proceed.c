/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Wrappers over handlers that are pending, in synchronous and asynchronous emissions. */
#include "fixture.h"

#include <string.h>

static gboolean
end (gpointer event)
{
  hookrun_event_complete (event, HOOKRUN_HANDLED);
  return G_SOURCE_REMOVE;
}

static HookrunVerdict
pend (HookrunEvent *event, gpointer user_data)
{
  g_autoptr (GSource) source = g_timeout_source_new (1);

  fixture_log (user_data, hookrun_event_get_handler_id (event));
  g_source_set_callback (source, end, hookrun_event_ref (event),
                         (GDestroyNotify)hookrun_event_unref);
  g_source_attach (source, hookrun_event_get_context (event));
  return HOOKRUN_PENDING;
}

static HookrunVerdict
hang (HookrunEvent *event, gpointer user_data)
{
  fixture_log (user_data, hookrun_event_get_handler_id (event));
  return HOOKRUN_PENDING;
}

static HookrunVerdict
wrap (HookrunEvent *event, gpointer user_data)
{
  HookrunVerdict rest;

  fixture_log (user_data, "[");
  rest = hookrun_event_proceed (event);
  fixture_log (user_data, "]");
  return rest;
}

static void
on_rest (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (HookrunEvent) event = user_data;
  Fixture *fixture = g_object_get_data (G_OBJECT (hookrun_event_get_signal (event)), "fixture");
  HookrunVerdict rest = hookrun_event_proceed_finish (event, result);

  fixture_log (fixture, ")");
  g_assert_cmpint (hookrun_event_proceed (event), ==, rest);
  hookrun_event_complete (event, rest);
}

static HookrunVerdict
wrap_async (HookrunEvent *event, gpointer user_data)
{
  fixture_log (user_data, "(");
  hookrun_event_proceed_async (event, on_rest, hookrun_event_ref (event));
  return HOOKRUN_PENDING;
}

static gboolean
proceed_later (gpointer user_data)
{
  HookrunEvent *event = user_data;

  hookrun_event_proceed_async (event, on_rest, event);
  return G_SOURCE_REMOVE;
}

static HookrunVerdict
wrap_later (HookrunEvent *event, gpointer user_data)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  fixture_log (user_data, "(");
  g_source_set_callback (source, proceed_later, hookrun_event_ref (event), NULL);
  g_source_attach (source, hookrun_event_get_context (event));
  return HOOKRUN_PENDING;
}

static void
connect_with (Fixture *fixture, const char *id, guint timeout_ms, HookrunHandlerFunc func)
{
  g_object_set_data (G_OBJECT (fixture->signal), "fixture", fixture);
  g_assert_cmpuint (hookrun_signal_connect (fixture->signal, fixture->scope, id,
                                            options (.timeout_ms = timeout_ms), func, fixture, NULL,
                                            NULL),
                    !=, 0);
}

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
expect_async (Fixture *fixture, HookrunVerdict verdict, const char *log)
{
  Result result = {FALSE};

  g_string_truncate (fixture->log, 0);
  hookrun_signal_emit_async (fixture->signal, NULL, NULL, NULL, on_emitted, &result);
  while (!result.done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_no_error (result.error);
  g_assert_cmpint (result.verdict, ==, verdict);
  g_assert_cmpstr (fixture->log->str, ==, log);
}

/* Every kind of wrapper around a handler that is pending, in both kinds of emission. */
static void
test_all_kinds (Fixture *fixture, gconstpointer unused)
{
  static const struct {
    HookrunHandlerFunc func;
    const char *log;
  } rows[] = {
      {wrap, "[ pend ]"},
      {wrap_async, "( pend )"},
      {wrap_later, "( pend )"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    HookrunScope *scope = hookrun_scope_new ("round");

    g_object_unref (fixture->scope);
    fixture->scope = scope;
    connect_with (fixture, "wrap", 5000, rows[i].func);
    connect_with (fixture, "pend", 0, pend);
    fixture_connect (fixture, "unreached", NULL);
    fixture_expect (fixture, HOOKRUN_HANDLED, rows[i].log);
    expect_async (fixture, HOOKRUN_HANDLED, rows[i].log);
  }
}

static void
test_layers (Fixture *fixture, gconstpointer unused)
{
  connect_with (fixture, "w1", 0, wrap_async);
  connect_with (fixture, "w2", 0, wrap);
  connect_with (fixture, "w3", 0, wrap_later);
  fixture_connect (fixture, "a", NULL);
  connect_with (fixture, "pend", 0, pend);
  fixture_expect (fixture, HOOKRUN_HANDLED, "( [ ( a pend ) ] )");
  expect_async (fixture, HOOKRUN_HANDLED, "( [ ( a pend ) ] )");
}

static void
test_failure_inside (Fixture *fixture, gconstpointer unused)
{
  connect_with (fixture, "wrap", 0, wrap_async);
  fixture_connect_full (fixture, "a", NULL, HOOKRUN_FAILED, "inside", NULL);
  fixture_expect_failure (fixture, HOOKRUN_ERROR_CONFLICT,
                          "plugin \"tester\", handler \"a\", signal \"test.signal\": inside",
                          "( a )");
}

/* The wrapper's time ends what it wraps; its callback still comes, once. */
static void
test_timeout_outside (Fixture *fixture, gconstpointer unused)
{
  Result result = {FALSE};

  connect_with (fixture, "wrap", 20, wrap_async);
  connect_with (fixture, "hang", 0, hang);
  fixture_expect_failure (fixture, HOOKRUN_ERROR_TIMED_OUT, "*handler \"wrap\"*20 ms*", "( hang )");
  g_string_truncate (fixture->log, 0);
  hookrun_signal_emit_async (fixture->signal, NULL, NULL, NULL, on_emitted, &result);
  while (!result.done || strchr (fixture->log->str, ')') == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_error (result.error, HOOKRUN_ERROR, HOOKRUN_ERROR_TIMED_OUT);
  g_assert_cmpstr (fixture->log->str, ==, "( hang )");
  g_clear_error (&result.error);
}

static void
test_timeout_inside (Fixture *fixture, gconstpointer unused)
{
  connect_with (fixture, "wrap", 0, wrap_async);
  connect_with (fixture, "hang", 20, hang);
  fixture_expect_failure (fixture, HOOKRUN_ERROR_TIMED_OUT, "*handler \"hang\"*20 ms*", "( hang )");
}

static void
on_ignored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  HookrunEvent *event = user_data;

  g_assert_cmpint (hookrun_event_proceed_finish (event, result), ==, HOOKRUN_FAILED);
  hookrun_event_unref (event);
}

static HookrunVerdict
wrap_and_leave (HookrunEvent *event, gpointer user_data)
{
  hookrun_event_proceed_async (event, on_ignored, hookrun_event_ref (event));
  return HOOKRUN_CONTINUE;
}

static void
test_wrapper_leaves_early (Fixture *fixture, gconstpointer unused)
{
  connect_with (fixture, "wrap", 0, wrap_and_leave);
  connect_with (fixture, "hang", 0, hang);
  fixture_connect (fixture, "never", NULL);
  fixture_expect_failure (fixture, HOOKRUN_ERROR_HANDLER, "*\"wrap\" ended before what it wraps*",
                          "hang");
}

static void
on_nested (GObject *source, GAsyncResult *async, gpointer user_data)
{
  g_autoptr (HookrunEvent) event = user_data;
  g_autoptr (GError) error = NULL;

  hookrun_event_complete (event,
                          hookrun_signal_emit_finish (HOOKRUN_SIGNAL (source), async, &error));
}

static HookrunVerdict
emit_other (HookrunEvent *event, gpointer other)
{
  GMainContext *context = hookrun_event_get_context (event);

  g_main_context_push_thread_default (context);
  hookrun_signal_emit_async (other, NULL, NULL, NULL, on_nested, hookrun_event_ref (event));
  g_main_context_pop_thread_default (context);
  return HOOKRUN_PENDING;
}

static void
test_emission_in_emission (Fixture *fixture, gconstpointer unused)
{
  HookrunSignal *outer =
      hookrun_registry_define (fixture->registry, "outer", HOOKRUN_SIGNAL_NONE, NULL, 0, NULL);

  connect_with (fixture, "pend", 0, pend);
  hookrun_signal_connect (outer, fixture->scope, "both", NULL, emit_other, fixture->signal, NULL,
                          NULL);
  g_assert_cmpint (hookrun_signal_emit (outer, NULL, NULL), ==, HOOKRUN_HANDLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  fixture_add ("/signal/proceed/all-kinds", test_all_kinds);
  fixture_add ("/signal/proceed/layers", test_layers);
  fixture_add ("/signal/proceed/failure-inside", test_failure_inside);
  fixture_add ("/signal/proceed/timeout-outside", test_timeout_outside);
  fixture_add ("/signal/proceed/timeout-inside", test_timeout_inside);
  fixture_add ("/signal/proceed/wrapper-leaves-early", test_wrapper_leaves_early);
  fixture_add ("/signal/proceed/emission-in-emission", test_emission_in_emission);
  return g_test_run ();
}
