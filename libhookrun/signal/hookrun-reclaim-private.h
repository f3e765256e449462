/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Safe reclamation: emissions read tables of handlers without a lock, so each thread shows in
 * frames which table it reads and whose handler it runs, and what was unpublished is freed when no
 * frame shows it any more.
 *
 * A reader shows first and then looks whether what it showed is still published; a writer
 * unpublishes first and then looks at the frames. In between both need a full fence. Readers are
 * frequent, so theirs is a compiler barrier where the writer can make all threads fence with
 * membarrier(2): such a thread is "fast". In a sandbox that denies this call no thread is.
 */
#pragma once

#include "hookrun-run-private.h"
#include "hookrun-signal-private.h"

G_BEGIN_DECLS

#if defined(__SANITIZE_THREAD__)
#define HOOKRUN_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HOOKRUN_THREAD_SANITIZER 1
#endif
#endif

/* ThreadSanitizer knows neither fences nor membarrier: there every access is ordered by itself. */
#ifdef HOOKRUN_THREAD_SANITIZER
#define HOOKRUN_SHOW_ORDER __ATOMIC_SEQ_CST
#else
#define HOOKRUN_SHOW_ORDER __ATOMIC_RELEASE
#endif

#define HOOKRUN_MAX_NESTED 64 /* emissions of one signal in one thread */

typedef struct _HookrunFrame HookrunFrame;
typedef struct _HookrunThread HookrunThread;

/* One level of nested emissions of a thread. Frames are made on first need and kept. */
struct _HookrunFrame {
  HookrunTable *table;     /* atomic, read by others: may not be freed */
  HookrunScopeCore *scope; /* atomic, read by others: a handler of it runs now */
  HookrunFrame *deeper;    /* atomic, read by others */
  guint level;             /* frames outside of it */
  HookrunEvent *event;     /* (owned): ready for use again; NULL while a handler is pending */
  HookrunRun run;
};

struct _HookrunThread {
  HookrunFrame *top;   /* the next frame to use, (nullable) */
  int wanted;          /* atomic: somebody waits for a frame of this thread to go */
  gboolean fast;       /* atomic: its fences are the writers' business */
  int closing;         /* atomic: waits in a scope's close, itself inside a handler */
  HookrunFrame *first; /* outermost frame */
  HookrunThread *next; /* guarded by the list's lock */
};

extern __thread HookrunThread *hookrun_thread_current
    __attribute__ ((tls_model ("initial-exec"), visibility ("hidden")));
/* The same, or NULL when the thread is not fast. */
extern __thread HookrunThread *hookrun_thread_fast
    __attribute__ ((tls_model ("initial-exec"), visibility ("hidden")));

HookrunThread *hookrun_thread_new (void);
gboolean hookrun_thread_add_frame (HookrunThread *self, HookrunSignal *signal, GError **error);
gboolean hookrun_thread_check_recursion (HookrunThread *self, HookrunSignal *signal,
                                         GError **error);

/* Nothing new reads @retired any more; frees it when no thread reads it. Takes no lock of others
 * and must not be called with one held: what is freed may call back. */
void hookrun_reclaim_retire (HookrunRetired *retired);
void hookrun_reclaim_collect (void);

/* Returns when no handler of @scope runs in another thread; all of them are marked as removed. */
void hookrun_reclaim_wait (HookrunScopeCore *scope);

static inline HookrunThread *
hookrun_thread_get (void)
{
  HookrunThread *self = hookrun_thread_current;

  return G_LIKELY (self != NULL) ? self : hookrun_thread_new ();
}

/* The reader's half of the pair of fences. */
static inline void
hookrun_reclaim_fence (gboolean fast)
{
#ifndef HOOKRUN_THREAD_SANITIZER
  if (fast)
    __atomic_signal_fence (__ATOMIC_SEQ_CST);
  else
    __atomic_thread_fence (__ATOMIC_SEQ_CST);
#endif
}

/* Shows that @handler is about to run; afterwards look whether it was removed. */
static inline void
hookrun_frame_show_handler (HookrunFrame *self, const HookrunHandler *handler, gboolean fast)
{
  __atomic_store_n (&self->scope, handler->scope, HOOKRUN_SHOW_ORDER);
  hookrun_reclaim_fence (fast);
}

static inline gboolean
hookrun_handler_is_removed (const HookrunHandler *handler)
{
#ifdef HOOKRUN_THREAD_SANITIZER
  return __atomic_load_n (&handler->removed, __ATOMIC_SEQ_CST);
#else
  return __atomic_load_n (&handler->removed, __ATOMIC_ACQUIRE);
#endif
}

/* The table published at @place, safe until the frame is popped. */
static inline HookrunTable *
hookrun_frame_protect (HookrunFrame *self, HookrunTable **place, gboolean fast)
{
  HookrunTable *table = __atomic_load_n (place, __ATOMIC_ACQUIRE);
  HookrunTable *seen;

  for (;;) {
    __atomic_store_n (&self->table, table, HOOKRUN_SHOW_ORDER);
    hookrun_reclaim_fence (fast);
#ifdef HOOKRUN_THREAD_SANITIZER
    seen = __atomic_load_n (place, __ATOMIC_SEQ_CST);
#else
    seen = __atomic_load_n (place, __ATOMIC_ACQUIRE);
#endif
    if (G_LIKELY (seen == table))
      return table;
    table = seen;
  }
}

static inline void
hookrun_thread_enter (HookrunThread *self, HookrunFrame *frame, HookrunSignal *signal)
{
  frame->run.signal = signal;
  self->top = frame->deeper;
}

/* NULL with LIMIT when emissions are nested too deep. */
static inline HookrunFrame *
hookrun_thread_push (HookrunThread *self, HookrunSignal *signal, GError **error)
{
  HookrunFrame *frame;

  if (G_UNLIKELY (self->top == NULL) && !hookrun_thread_add_frame (self, signal, error))
    return NULL;
  frame = self->top;
  if (G_UNLIKELY (frame->level >= HOOKRUN_MAX_NESTED) &&
      !hookrun_thread_check_recursion (self, signal, error))
    return NULL;
  hookrun_thread_enter (self, frame, signal);
  return frame;
}

static inline void
hookrun_thread_pop (HookrunThread *self, HookrunFrame *frame, gboolean fast)
{
  __atomic_store_n (&frame->scope, NULL, HOOKRUN_SHOW_ORDER);
  __atomic_store_n (&frame->table, NULL, HOOKRUN_SHOW_ORDER);
  self->top = frame;
  hookrun_reclaim_fence (fast);
#ifdef HOOKRUN_THREAD_SANITIZER
  if (__atomic_load_n (&self->wanted, __ATOMIC_SEQ_CST))
#else
  if (G_UNLIKELY (__atomic_load_n (&self->wanted, __ATOMIC_RELAXED)))
#endif
    hookrun_reclaim_collect ();
}

G_END_DECLS
