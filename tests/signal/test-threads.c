/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several threads at one signal: emissions beside connects, disconnects, closing scopes, traces. */
#include "arena.h"

static void
test_stress (Fixture *fixture, gconstpointer unused)
{
  static const GThreadFunc casts[][N_THREADS] = {
      {emitter, emitter, connecter, closer},
      {emitter, connecter, connecter, connecter},
      {emitter, closer, closer, closer},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (casts); i++) {
    Arena arena = {.signal = fixture->signal};

    run_threads (&arena, casts[i]);
  }
}

/* ---- close waits, and does not wait for ever ---- */

typedef struct {
  int entered; /* atomic */
  int left;    /* atomic */
  gulong pause_us;
  HookrunScope *other;
} Visit;

static HookrunVerdict
dawdle (HookrunEvent *event, gpointer user_data)
{
  Visit *visit = user_data;

  __atomic_store_n (&visit->entered, 1, __ATOMIC_RELEASE);
  g_usleep (visit->pause_us);
  if (visit->other != NULL)
    hookrun_scope_close (visit->other);
  __atomic_store_n (&visit->left, 1, __ATOMIC_RELEASE);
  return HOOKRUN_CONTINUE;
}

static gpointer
emit_once (gpointer signal)
{
  hookrun_signal_emit (signal, NULL, NULL);
  return NULL;
}

static void
await (int *flag)
{
  while (!__atomic_load_n (flag, __ATOMIC_ACQUIRE))
    g_usleep (100);
}

static void
test_close_waits (Fixture *fixture, gconstpointer unused)
{
  Visit visit = {.pause_us = 50000};
  GThread *thread;

  hookrun_signal_connect (fixture->signal, fixture->scope, "slow", NULL, dawdle, &visit, NULL,
                          NULL);
  thread = g_thread_new ("emit", emit_once, fixture->signal);
  await (&visit.entered);
  hookrun_scope_close (fixture->scope);
  g_assert_cmpint (__atomic_load_n (&visit.left, __ATOMIC_ACQUIRE), ==, 1);
  g_thread_join (thread);
}

/* Also for a handler that was disconnected by itself before. */
static void
test_close_waits_after_disconnect (Fixture *fixture, gconstpointer unused)
{
  Visit visit = {.pause_us = 50000};
  GThread *thread;
  guint64 number = hookrun_signal_connect (fixture->signal, fixture->scope, "slow", NULL, dawdle,
                                           &visit, NULL, NULL);

  thread = g_thread_new ("emit", emit_once, fixture->signal);
  await (&visit.entered);
  g_assert_true (hookrun_signal_disconnect (fixture->signal, number));
  hookrun_scope_close (fixture->scope);
  g_assert_cmpint (__atomic_load_n (&visit.left, __ATOMIC_ACQUIRE), ==, 1);
  hookrun_scope_close (fixture->scope);
  g_thread_join (thread);
}

/* Only for handlers of the scope: another one that runs for long is none of its business. */
static void
test_close_does_not_wait_for_others (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (HookrunScope) other = hookrun_scope_new ("other");
  Visit visit = {.pause_us = 200000};
  GThread *thread;

  hookrun_signal_connect (fixture->signal, other, "slow", NULL, dawdle, &visit, NULL, NULL);
  thread = g_thread_new ("emit", emit_once, fixture->signal);
  await (&visit.entered);
  hookrun_scope_close (fixture->scope);
  g_assert_cmpint (__atomic_load_n (&visit.left, __ATOMIC_ACQUIRE), ==, 0);
  g_thread_join (thread);
}

/* Handlers in two threads that close their own scope, and each other's. */
static void
test_close_from_inside_in_two_threads (Fixture *fixture, gconstpointer unused)
{
  HookrunSignal *second =
      hookrun_registry_define (fixture->registry, "second", HOOKRUN_SIGNAL_NONE, NULL, 0, NULL);

  for (guint crossed = 0; crossed < 2; crossed++) {
    g_autoptr (HookrunScope) a = hookrun_scope_new ("a");
    g_autoptr (HookrunScope) b = hookrun_scope_new ("b");
    Visit visits[2] = {{.pause_us = 20000, .other = crossed ? b : a},
                       {.pause_us = 20000, .other = a}};
    GThread *threads[2];

    hookrun_signal_connect (fixture->signal, a, "a", NULL, dawdle, &visits[0], NULL, NULL);
    hookrun_signal_connect (second, crossed ? b : a, "b", NULL, dawdle, &visits[1], NULL, NULL);
    threads[0] = g_thread_new ("a", emit_once, fixture->signal);
    threads[1] = g_thread_new ("b", emit_once, second);
    g_thread_join (threads[0]);
    g_thread_join (threads[1]);
    g_assert_cmpint (visits[0].left + visits[1].left, ==, 2);
  }
}

/* ---- emissions that go from thread to thread ---- */

static gpointer
complete_soon (gpointer data)
{
  g_autoptr (HookrunEvent) event = data;

  g_usleep (200);
  hookrun_event_complete (event, HOOKRUN_CONTINUE);
  hookrun_event_complete (event, HOOKRUN_FAILED);
  return NULL;
}

static HookrunVerdict
hand_over (HookrunEvent *event, gpointer user_data)
{
  g_thread_unref (g_thread_new ("complete", complete_soon, hookrun_event_ref (event)));
  return HOOKRUN_PENDING;
}

static gpointer
emit_pending (gpointer data)
{
  Arena *arena = data;

  while (g_get_monotonic_time () < arena->until)
    g_assert_cmpint (hookrun_signal_emit (arena->signal, NULL, NULL), ==, HOOKRUN_CONTINUE);
  return NULL;
}

static void
test_pending_across_threads (Fixture *fixture, gconstpointer unused)
{
  static const GThreadFunc parts[N_THREADS] = {emit_pending, emit_pending, connecter, closer};
  Arena arena = {.signal = fixture->signal};

  hookrun_signal_connect (fixture->signal, fixture->scope, "p1", options (.timeout_ms = 30000),
                          hand_over, NULL, NULL, NULL);
  hookrun_signal_connect (fixture->signal, NULL, "p2", NULL, hand_over, NULL, NULL, NULL);
  run_threads (&arena, parts);
}

/* Emitted in threads that have no context of their own; the rest runs in this one's. */
static void
count_down (GObject *source, GAsyncResult *result, gpointer left)
{
  g_assert_cmpint (hookrun_signal_emit_finish (HOOKRUN_SIGNAL (source), result, NULL), ==,
                   HOOKRUN_CONTINUE);
  (*(guint *)left)--;
}

typedef struct {
  HookrunSignal *signal;
  guint left;
} Batch;

static gpointer
emit_batch (gpointer data)
{
  Batch *batch = data;

  for (guint i = 0; i < 50; i++)
    hookrun_signal_emit_async (batch->signal, NULL, NULL, NULL, count_down, &batch->left);
  return NULL;
}

static void
test_async_from_threads (Fixture *fixture, gconstpointer unused)
{
  Batch batch = {fixture->signal, 100};
  GThread *threads[2];

  hookrun_signal_connect (fixture->signal, fixture->scope, "p1", NULL, hand_over, NULL, NULL, NULL);
  hookrun_signal_connect (fixture->signal, fixture->scope, "p2", NULL, hand_over, NULL, NULL, NULL);
  for (guint i = 0; i < 2; i++)
    threads[i] = g_thread_new ("batch", emit_batch, &batch);
  while (batch.left > 0)
    g_main_context_iteration (NULL, TRUE);
  for (guint i = 0; i < 2; i++)
    g_thread_join (threads[i]);
}

/* A trace is started and stopped while others emit. */
static gpointer
tracer (gpointer data)
{
  Arena *arena = data;
  HookrunRegistry *registry = g_object_get_data (G_OBJECT (arena->signal), "registry");

  while (g_get_monotonic_time () < arena->until) {
    g_autofree char *text = NULL;
    g_autoptr (JsonNode) node = NULL;

    hookrun_registry_start_trace (registry);
    g_usleep (1000);
    text = hookrun_registry_stop_trace (registry);
    node = json_from_string (text, NULL);
    g_assert_nonnull (node);
  }
  return NULL;
}

static void
test_trace_beside_emissions (Fixture *fixture, gconstpointer unused)
{
  static const GThreadFunc parts[N_THREADS] = {emitter, emitter, tracer, connecter};
  Arena arena = {.signal = fixture->signal};

  g_object_set_data (G_OBJECT (fixture->signal), "registry", fixture->registry);
  run_threads (&arena, parts);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  fixture_add ("/signal/threads/stress", test_stress);
  fixture_add ("/signal/threads/close-waits", test_close_waits);
  fixture_add ("/signal/threads/close-waits-after-disconnect", test_close_waits_after_disconnect);
  fixture_add ("/signal/threads/close-does-not-wait-for-others",
               test_close_does_not_wait_for_others);
  fixture_add ("/signal/threads/close-from-inside-in-two-threads",
               test_close_from_inside_in_two_threads);
  fixture_add ("/signal/threads/pending", test_pending_across_threads);
  fixture_add ("/signal/threads/async", test_async_from_threads);
  fixture_add ("/signal/threads/trace", test_trace_beside_emissions);
  return g_test_run ();
}
