/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The writers' half of safe reclamation: the list of threads that emit, the list of tables that
 * wait to be freed, and the search of the one for the other. The scheme is hazard pointers (Michael
 * 2004) with asymmetric fences.
 */
#include "hookrun-reclaim-private.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hookrun-event-private.h"

#define MAX_NESTED_OF_ALL 1024

__thread HookrunThread *hookrun_thread_current = NULL;
__thread HookrunThread *hookrun_thread_fast = NULL;

static int denied = 0; /* atomic: membarrier does not work, or no more */
static int n_fast = 0; /* atomic: threads that are fast */

static HookrunLock lock =
    HOOKRUN_LOCK_INIT; /* guards threads, their frames against going away, and retired */
static HookrunThread *threads = NULL;
static HookrunRetired *retired_list = NULL;

/* ---- fences and forks ---- */

/* Before the first thread emits and before the first writer fences. */
static void
choose_fence (void)
{
#ifndef HOOKRUN_THREAD_SANITIZER
  if (syscall (SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0)
    __atomic_store_n (&denied, 1, __ATOMIC_SEQ_CST);
#endif
}

/* In a child of fork only the forking thread goes on; what the others showed would never go. */
static void
forget_other_threads (void)
{
  HookrunThread *own = hookrun_thread_current;

  hookrun_lock_init (&lock);
  threads = own;
  n_fast = own != NULL && own->fast;
  if (own != NULL)
    own->next = NULL;
}

static void
lock_for_fork (void)
{
  hookrun_lock (&lock);
}

static void
unlock_after_fork (void)
{
  hookrun_unlock (&lock);
}

static gpointer
prepare_once (gpointer unused)
{
  choose_fence ();
  pthread_atfork (lock_for_fork, unlock_after_fork, forget_other_threads);
  return NULL;
}

static void
prepare (void)
{
  static GOnce once = G_ONCE_INIT;

  g_once (&once, prepare_once, NULL);
}

/* Makes every thread of the process pass a full fence. When a filter was put over us meanwhile, no
 * new thread is fast, and the others cease to be when they next leave an emission; up to then give
 * them the time to drain their store buffers, which takes much less. */
static void
fence_all (void)
{
  prepare ();
#ifndef HOOKRUN_THREAD_SANITIZER
  __atomic_thread_fence (__ATOMIC_SEQ_CST);
  if (!__atomic_load_n (&denied, __ATOMIC_RELAXED) &&
      syscall (SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0)
    return;
  __atomic_store_n (&denied, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n (&n_fast, __ATOMIC_SEQ_CST) > 0)
    g_usleep (G_TIME_SPAN_MILLISECOND);
#endif
}

static void
set_fast (HookrunThread *self, gboolean fast)
{
  if (self->fast == fast)
    return;
  __atomic_store_n (&self->fast, fast, __ATOMIC_RELAXED);
  hookrun_thread_fast = fast ? self : NULL;
  __atomic_add_fetch (&n_fast, fast ? 1 : -1, __ATOMIC_SEQ_CST);
}

/* ---- threads ---- */

static void
free_thread (gpointer data)
{
  HookrunThread *self = data;
  HookrunFrame *frame = self->first;

  hookrun_lock (&lock);
  for (HookrunThread **link = &threads; *link != NULL; link = &(*link)->next)
    if (*link == self) {
      *link = self->next;
      break;
    }
  hookrun_unlock (&lock);
  set_fast (self, FALSE);
  hookrun_thread_current = NULL;
  while (frame != NULL) {
    HookrunFrame *deeper = frame->deeper;

    g_clear_pointer (&frame->event, hookrun_event_unref);
    g_free (frame);
    frame = deeper;
  }
  g_free (self);
}

HookrunThread *
hookrun_thread_new (void)
{
  static GPrivate at_exit = G_PRIVATE_INIT (free_thread);
  HookrunThread *self = g_new0 (HookrunThread, 1);

  prepare ();
  hookrun_lock (&lock);
  self->next = threads;
  threads = self;
  hookrun_unlock (&lock);
  hookrun_thread_current = self;
  set_fast (self, !__atomic_load_n (&denied, __ATOMIC_SEQ_CST));
  g_private_set (&at_exit, self);
  return self;
}

static gboolean
set_limit_error (HookrunSignal *signal, guint limit, GError **error)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
               "signal \"%s\": emissions are nested %u deep; a handler emits, directly or through "
               "others, the signal that it handles",
               signal->name, limit);
  return FALSE;
}

gboolean
hookrun_thread_add_frame (HookrunThread *self, HookrunSignal *signal, GError **error)
{
  HookrunFrame *frame;
  HookrunFrame *last = self->first;

  while (last != NULL && last->deeper != NULL)
    last = last->deeper;
  if (last != NULL && last->level + 1 >= MAX_NESTED_OF_ALL)
    return set_limit_error (signal, MAX_NESTED_OF_ALL, error);
  frame = g_new0 (HookrunFrame, 1);
  frame->level = last != NULL ? last->level + 1 : 0;
  frame->event = hookrun_event_new ();
  frame->event->run = &frame->run;
  if (last != NULL)
    __atomic_store_n (&last->deeper, frame, __ATOMIC_RELEASE);
  else
    __atomic_store_n (&self->first, frame, __ATOMIC_RELEASE);
  self->top = frame;
  return TRUE;
}

/* Only called when the thread is so deep in emissions that a single signal may be, too. */
gboolean
hookrun_thread_check_recursion (HookrunThread *self, HookrunSignal *signal, GError **error)
{
  guint same = 0;

  for (HookrunFrame *frame = self->first; frame != self->top; frame = frame->deeper)
    if (frame->run.signal == signal)
      same++;
  return same < HOOKRUN_MAX_NESTED || set_limit_error (signal, HOOKRUN_MAX_NESTED, error);
}

/* ---- tables ---- */

static HookrunFrame *
first_frame (HookrunThread *thread)
{
  return __atomic_load_n (&thread->first, __ATOMIC_ACQUIRE);
}

static HookrunFrame *
next_frame (HookrunFrame *frame)
{
  return __atomic_load_n (&frame->deeper, __ATOMIC_ACQUIRE);
}

static gboolean
shows (HookrunThread *thread, const HookrunRetired *retired)
{
  for (HookrunFrame *frame = first_frame (thread); frame != NULL; frame = next_frame (frame))
    if ((const HookrunRetired *)__atomic_load_n (&frame->table, __ATOMIC_SEQ_CST) == retired)
      return TRUE;
  return FALSE;
}

static gboolean
is_read (const HookrunRetired *retired)
{
  for (HookrunThread *thread = threads; thread != NULL; thread = thread->next)
    if (shows (thread, retired))
      return TRUE;
  return FALSE;
}

/* Asks the threads that read something retired, and those that have to learn that they cannot be
 * fast any more, to collect when they leave their emission. */
static gboolean
mark_readers (void)
{
  gboolean any = FALSE;

  for (HookrunThread *thread = threads; thread != NULL; thread = thread->next) {
    gboolean reads = FALSE;

    for (HookrunRetired *retired = retired_list; retired != NULL && !reads; retired = retired->next)
      reads = shows (thread, retired);
    if (__atomic_load_n (&denied, __ATOMIC_RELAXED) &&
        __atomic_load_n (&thread->fast, __ATOMIC_RELAXED))
      reads = TRUE;
    __atomic_store_n (&thread->wanted, reads, __ATOMIC_SEQ_CST);
    any = any || reads;
  }
  return any;
}

/* Moves what nobody reads from the list of retired tables into a list of its own. A reader either
 * finds that it was marked when it leaves, or has left when we look for the second time. */
static HookrunRetired *
take_unread (void)
{
  HookrunRetired *unread = NULL;
  HookrunRetired **link = &retired_list;

  fence_all ();
  if (mark_readers ())
    fence_all ();
  while (*link != NULL) {
    HookrunRetired *retired = *link;

    if (is_read (retired)) {
      link = &retired->next;
      continue;
    }
    *link = retired->next;
    retired->next = unread;
    unread = retired;
  }
  return unread;
}

void
hookrun_reclaim_collect (void)
{
  HookrunThread *own = hookrun_thread_current;
  HookrunRetired *unread = NULL;

  hookrun_lock (&lock);
  if (own != NULL)
    __atomic_store_n (&own->wanted, 0, __ATOMIC_SEQ_CST);
  if (retired_list != NULL)
    unread = take_unread ();
  if (own != NULL && __atomic_load_n (&denied, __ATOMIC_SEQ_CST))
    set_fast (own, FALSE);
  hookrun_unlock (&lock);
  while (unread != NULL) {
    HookrunRetired *next = unread->next;

    unread->free (unread);
    unread = next;
  }
}

void
hookrun_reclaim_retire (HookrunRetired *retired)
{
  hookrun_lock (&lock);
  retired->next = retired_list;
  retired_list = retired;
  hookrun_unlock (&lock);
  hookrun_reclaim_collect ();
}

/* ---- handlers ---- */

static gboolean
runs_any (HookrunThread *thread, const HookrunScopeCore *scope)
{
  for (HookrunFrame *frame = first_frame (thread); frame != NULL; frame = next_frame (frame))
    if (__atomic_load_n (&frame->scope, __ATOMIC_SEQ_CST) == scope)
      return TRUE;
  return FALSE;
}

static gboolean
is_emitting (const HookrunThread *own)
{
  return own != NULL && own->top != own->first;
}

static gboolean
runs_elsewhere (const HookrunScopeCore *scope, HookrunThread *own)
{
  gboolean inside = is_emitting (own);
  gboolean found = FALSE;

  hookrun_lock (&lock);
  for (HookrunThread *thread = threads; thread != NULL && !found; thread = thread->next) {
    if (thread == own)
      continue;
    /* Two handlers that close each other's scopes would wait for each other for ever. */
    if (inside && __atomic_load_n (&thread->closing, __ATOMIC_SEQ_CST))
      continue;
    found = runs_any (thread, scope);
  }
  hookrun_unlock (&lock);
  return found;
}

void
hookrun_reclaim_wait (HookrunScopeCore *scope)
{
  HookrunThread *own = hookrun_thread_current;
  gulong pause_us = 20;

  fence_all ();
  if (own != NULL)
    __atomic_store_n (&own->closing, is_emitting (own), __ATOMIC_SEQ_CST);
  while (runs_elsewhere (scope, own)) {
    g_usleep (pause_us);
    pause_us = MIN (pause_us * 2, 1000);
  }
  if (own != NULL)
    __atomic_store_n (&own->closing, 0, __ATOMIC_SEQ_CST);
}
