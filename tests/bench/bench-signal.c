/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an emission costs, in nanoseconds, through the shared library as a program uses it: idle,
 * with 1 and 8 handlers, and from two threads at once; beside a plain indirect call, GHook and
 * g_signal_emit doing the same. Ours and peers are measured in turns; the 10th percentile counts,
 * because other work on the machine only ever adds.
 */
#include <hookrun.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 41
#define CALLS 100000
#define THREADED_CALLS 100000

typedef struct Case Case;
typedef void (*LoopFunc) (const Case *self, guint calls);

struct Case {
  const char *name;
  LoopFunc loop;
  gpointer object;  /* what is called */
  gpointer object2; /* by the second thread; NULL: one thread only */
  guint id;
  double ns[ROUNDS];
};

typedef struct {
  const Case *self;
  gpointer object;
  int *ready;
} Racer;

/* ---- what is called ---- */

static HookrunVerdict
on_event (HookrunEvent *event, gpointer user_data)
{
  return HOOKRUN_CONTINUE;
}

static void
on_hook (gpointer data)
{
}

static void
on_gsignal (GObject *object, gpointer user_data)
{
}

static HookrunVerdict (*volatile plain) (HookrunEvent *, gpointer) = on_event;

static HookrunSignal *
make_signal (HookrunRegistry *registry, const char *name, guint n_handlers)
{
  HookrunSignal *signal =
      hookrun_registry_define (registry, name, HOOKRUN_SIGNAL_NONE, NULL, 0, NULL);

  for (guint i = 0; i < n_handlers; i++)
    if (hookrun_signal_connect (signal, NULL, NULL, NULL, on_event, NULL, NULL, NULL) == 0)
      abort ();
  return signal;
}

static GObject *
make_object (guint id, guint n_handlers)
{
  GObject *object = g_object_new (G_TYPE_OBJECT, NULL);

  for (guint i = 0; i < n_handlers; i++)
    g_signal_connect (object, g_signal_name (id), G_CALLBACK (on_gsignal), NULL);
  return object;
}

static GHookList *
make_hooks (guint n_handlers)
{
  GHookList *list = g_new0 (GHookList, 1);

  g_hook_list_init (list, sizeof (GHook));
  for (guint i = 0; i < n_handlers; i++) {
    GHook *hook = g_hook_alloc (list);

    hook->func = (gpointer)on_hook;
    g_hook_append (list, hook);
  }
  return list;
}

/* ---- the loops ---- */

static void
loop_plain (const Case *self, guint calls)
{
  for (guint i = 0; i < calls; i++)
    plain (NULL, NULL);
}

static void
loop_hookrun (const Case *self, guint calls)
{
  HookrunSignal *signal = self->object;

  for (guint i = 0; i < calls; i++)
    hookrun_signal_emit (signal, NULL, NULL);
}

static void
loop_gsignal (const Case *self, guint calls)
{
  for (guint i = 0; i < calls; i++)
    g_signal_emit (self->object, self->id, 0);
}

static void
loop_hooks (const Case *self, guint calls)
{
  for (guint i = 0; i < calls; i++)
    g_hook_list_invoke (self->object, FALSE);
}

/* ---- measuring ---- */

static double
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static gpointer
race (gpointer data)
{
  Racer *racer = data;
  Case own = {.object = racer->object, .id = racer->self->id};
  double *result = g_new (double, 1);
  double start;

  racer->self->loop (&own, 1000);
  __atomic_sub_fetch (racer->ready, 1, __ATOMIC_SEQ_CST);
  while (__atomic_load_n (racer->ready, __ATOMIC_SEQ_CST) > 0)
    continue;
  start = now_ns ();
  racer->self->loop (&own, THREADED_CALLS);
  *result = (now_ns () - start) / THREADED_CALLS;
  return result;
}

static double
measure_two_threads (const Case *self)
{
  int ready = 2;
  Racer racers[2] = {{self, self->object, &ready}, {self, self->object2, &ready}};
  GThread *other = g_thread_new ("bench", race, &racers[1]);
  g_autofree double *mine = race (&racers[0]);
  g_autofree double *theirs = g_thread_join (other);

  return MAX (*mine, *theirs);
}

static double
measure (const Case *self)
{
  double start;

  if (self->object2 != NULL)
    return measure_two_threads (self);
  start = now_ns ();
  self->loop (self, CALLS);
  return (now_ns () - start) / CALLS;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  double difference = *(const double *)a - *(const double *)b;

  return difference < 0 ? -1 : difference > 0;
}

static double
result (Case *self)
{
  qsort (self->ns, ROUNDS, sizeof (double), compare);
  return self->ns[ROUNDS / 10];
}

static gboolean
report (const char *name, double ours, const char *peer, double peer_value, double limit)
{
  printf ("{\"group\":\"signal\",\"name\":\"%s\",\"ours\":%.2f,\"unit\":\"ns\",\"peer\":\"%s\","
          "\"peer_value\":%.2f,\"ratio\":%.3f,",
          name, ours, peer, peer_value, ours / peer_value);
  if (limit > 0)
    printf ("\"limit\":\"<= %g ns\",\"ok\":%s}\n", limit, ours <= limit ? "true" : "false");
  else
    printf ("\"limit\":null,\"ok\":true}\n");
  return limit <= 0 || ours <= limit;
}

enum {
  PLAIN,
  IDLE,
  ONE,
  EIGHT,
  SAME,
  DISTINCT,
  HOOK_ONE,
  HOOK_EIGHT,
  G_IDLE,
  G_ONE,
  G_EIGHT,
  G_SAME,
  G_DISTINCT,
  N_CASES
};

static void
report_all (Case *cases)
{
  double ns[N_CASES];

  for (guint i = 0; i < N_CASES; i++)
    ns[i] = result (&cases[i]);
  report ("emit, idle", ns[IDLE], "plain call", ns[PLAIN], 3);
  report ("emit, 1 handler", ns[ONE], "plain call", ns[PLAIN], 8);
  report ("emit, each further handler", (ns[EIGHT] - ns[ONE]) / 7, "plain call", ns[PLAIN], 4);
  report ("emit, 8 handlers", ns[EIGHT], "8 plain calls", 8 * ns[PLAIN], 0);
  report ("emit, 1 handler, to GHook", ns[ONE], "GHook", ns[HOOK_ONE], 0);
  report ("emit, 8 handlers, to GHook", ns[EIGHT], "GHook", ns[HOOK_EIGHT], 0);
  report ("emit, idle, to GSignal", ns[IDLE], "g_signal_emit", ns[G_IDLE], 0);
  report ("emit, 1 handler, to GSignal", ns[ONE], "g_signal_emit", ns[G_ONE], 0);
  report ("emit, 8 handlers, to GSignal", ns[EIGHT], "g_signal_emit", ns[G_EIGHT], 0);
  report ("two threads, one signal", ns[SAME], "g_signal_emit", ns[G_SAME], 40);
  report ("two threads, two signals", ns[DISTINCT], "g_signal_emit", ns[G_DISTINCT], 40);
}

int
main (void)
{
  g_autoptr (HookrunRegistry) registry = hookrun_registry_new ();
  guint id = g_signal_new ("bench", G_TYPE_OBJECT, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                           g_cclosure_marshal_VOID__VOID, G_TYPE_NONE, 0);
  HookrunSignal *one = make_signal (registry, "one", 1);
  HookrunSignal *other = make_signal (registry, "other", 1);
  GObject *object = make_object (id, 1);
  GObject *object2 = make_object (id, 1);
  Case cases[N_CASES] = {
      [PLAIN] = {.loop = loop_plain},
      [IDLE] = {.loop = loop_hookrun, .object = make_signal (registry, "idle", 0)},
      [ONE] = {.loop = loop_hookrun, .object = one},
      [EIGHT] = {.loop = loop_hookrun, .object = make_signal (registry, "eight", 8)},
      [SAME] = {.loop = loop_hookrun, .object = one, .object2 = one},
      [DISTINCT] = {.loop = loop_hookrun, .object = one, .object2 = other},
      [HOOK_ONE] = {.loop = loop_hooks, .object = make_hooks (1)},
      [HOOK_EIGHT] = {.loop = loop_hooks, .object = make_hooks (8)},
      [G_IDLE] = {.loop = loop_gsignal, .object = make_object (id, 0), .id = id},
      [G_ONE] = {.loop = loop_gsignal, .object = object, .id = id},
      [G_EIGHT] = {.loop = loop_gsignal, .object = make_object (id, 8), .id = id},
      [G_SAME] = {.loop = loop_gsignal, .object = object, .object2 = object, .id = id},
      [G_DISTINCT] = {.loop = loop_gsignal, .object = object, .object2 = object2, .id = id},
  };

  for (guint round = 0; round < ROUNDS; round++)
    for (guint i = 0; i < N_CASES; i++)
      cases[i].ns[round] = measure (&cases[i]);
  report_all (cases);
  return 0;
}
