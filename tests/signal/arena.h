/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads that emit, connect, disconnect and close scopes at one signal for a while. What is
 * promised is checked while it happens: a handler that was destroyed never runs, and none runs when
 * the close of its scope has returned.
 */
#pragma once

#include "fixture.h"

#define N_THREADS 4
#define RUN_US (G_USEC_PER_SEC / 2)
#define MAGIC 0x5ca1ab1e

/* What a handler is given; each is connected once. */
typedef struct {
  guint magic; /* gone when it was destroyed */
  int *alive;  /* atomic: counts those that were not destroyed */
  int *closed; /* atomic (nullable): set when the close of its scope has returned */
} Token;

typedef struct {
  HookrunSignal *signal;
  gint64 until;
  int alive;
} Arena;

static inline HookrunVerdict
check_token (HookrunEvent *event, gpointer user_data)
{
  Token *token = user_data;

  g_assert_cmpuint (__atomic_load_n (&token->magic, __ATOMIC_ACQUIRE), ==, MAGIC);
  if (token->closed != NULL)
    g_assert_cmpint (__atomic_load_n (token->closed, __ATOMIC_ACQUIRE), ==, 0);
  return HOOKRUN_CONTINUE;
}

static inline void
destroy_token (gpointer data)
{
  Token *token = data;

  g_assert_cmpuint (token->magic, ==, MAGIC);
  __atomic_store_n (&token->magic, 0, __ATOMIC_RELEASE);
  __atomic_sub_fetch (token->alive, 1, __ATOMIC_ACQ_REL);
  g_free (token);
}

static inline guint64
connect_token (Arena *arena, HookrunScope *scope, const char *subject, int *closed)
{
  Token *token = g_new (Token, 1);
  guint64 number;

  *token = (Token){MAGIC, &arena->alive, closed};
  __atomic_add_fetch (&arena->alive, 1, __ATOMIC_ACQ_REL);
  number = hookrun_signal_connect (arena->signal, scope, NULL, options (.subject = subject),
                                   check_token, token, destroy_token, NULL);
  g_assert_cmpuint (number, !=, 0);
  return number;
}

/* ---- the parts that threads play ---- */

static inline gpointer
emitter (gpointer data)
{
  Arena *arena = data;

  while (g_get_monotonic_time () < arena->until)
    for (guint i = 0; i < 50; i++) {
      g_assert_cmpint (hookrun_signal_emit (arena->signal, NULL, NULL), ==, HOOKRUN_CONTINUE);
      g_assert_cmpint (hookrun_signal_emit_for (arena->signal, "shop", NULL, NULL, NULL), ==,
                       HOOKRUN_CONTINUE);
    }
  return NULL;
}

static inline gpointer
connecter (gpointer data)
{
  Arena *arena = data;
  guint64 kept[8] = {0};
  guint turn = 0;

  for (; g_get_monotonic_time () < arena->until; turn++) {
    guint64 *slot = &kept[turn % G_N_ELEMENTS (kept)];

    if (*slot != 0)
      g_assert_true (hookrun_signal_disconnect (arena->signal, *slot));
    *slot = connect_token (arena, NULL, turn % 3 == 0 ? "shop" : NULL, NULL);
  }
  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    if (kept[i] != 0)
      g_assert_true (hookrun_signal_disconnect (arena->signal, kept[i]));
  return NULL;
}

static inline gpointer
closer (gpointer data)
{
  Arena *arena = data;
  GPtrArray *flags = g_ptr_array_new_with_free_func (g_free);

  while (g_get_monotonic_time () < arena->until) {
    g_autoptr (HookrunScope) scope = hookrun_scope_new ("brief");
    int *closed = g_new0 (int, 1);

    g_ptr_array_add (flags, closed);
    for (guint i = 0; i < 4; i++)
      connect_token (arena, scope, i == 3 ? "shop" : NULL, closed);
    hookrun_signal_emit (arena->signal, NULL, NULL);
    hookrun_scope_close (scope);
    __atomic_store_n (closed, 1, __ATOMIC_RELEASE);
  }
  return flags;
}

static inline void
run_threads (Arena *arena, const GThreadFunc *parts)
{
  GThread *threads[N_THREADS];

  arena->until = g_get_monotonic_time () + RUN_US;
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("part", parts[i], arena);
  for (guint i = 0; i < N_THREADS; i++) {
    GPtrArray *flags = g_thread_join (threads[i]);

    if (flags != NULL)
      g_ptr_array_unref (flags);
  }
  hookrun_signal_emit (arena->signal, NULL, NULL);
  g_assert_cmpint (__atomic_load_n (&arena->alive, __ATOMIC_ACQUIRE), ==, 0);
}
