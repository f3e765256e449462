/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A run that goes on from the main context instead of waiting: an asynchronous emission, or what a
 * wrapper lets proceed asynchronously. It owns what it reads, so it outlives the caller's stack.
 */
#include "hookrun-event-private.h"

#include "hookrun-trace-private.h"

struct _HookrunAsync {
  int ref_count; /* atomic */
  int handed_on; /* atomic: orders what one thread left and the next one finds */
  HookrunRun run;
  GTask *task;
  HookrunEvent *wraps; /* (nullable) */
  gint64 started_us;   /* when traced as a whole emission */

  HookrunLock lock; /* guards what follows */
  gboolean aborted;
  HookrunEvent *pending; /* (nullable) (owned): as in @run */
};

HookrunAsync *
hookrun_async_ref (HookrunAsync *self)
{
  __atomic_fetch_add (&self->ref_count, 1, __ATOMIC_RELAXED);
  return self;
}

void
hookrun_async_unref (HookrunAsync *self)
{
  HookrunRun *run = &self->run;

  if (__atomic_sub_fetch (&self->ref_count, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  hookrun_run_finish (run, NULL);
  g_clear_pointer (&self->wraps, hookrun_event_unref);
  g_clear_object (&self->task);
  g_clear_pointer (&run->data, hookrun_data_unref);
  g_free ((char *)run->subject);
  g_clear_object (&run->cancellable);
  hookrun_list_unref ((HookrunList *)run->list);
  g_clear_object (&run->signal);
  hookrun_lock_clear (&self->lock);
  g_free (self);
}

static void
finish (HookrunAsync *self)
{
  g_autoptr (GError) error = NULL;
  HookrunEvent *wraps = self->wraps;
  HookrunVerdict verdict = hookrun_run_finish (&self->run, &error);

  if (self->started_us > 0)
    hookrun_tracer_add (self->run.signal->tracer, self->run.signal, NULL, self->run.subject,
                        self->started_us, verdict, TRUE);
  if (wraps != NULL) {
    wraps->rest = verdict;
    g_clear_error (&wraps->rest_error);
    wraps->rest_error = g_steal_pointer (&error);
    g_clear_pointer (&wraps->rest_async, hookrun_async_unref);
  }
  if (error != NULL)
    g_task_return_error (self->task, g_steal_pointer (&error));
  else
    g_task_return_int (self->task, (gssize)verdict);
}

/* Takes the reference. After a step that left the run pending, another thread may be on it. */
static void
advance (HookrunAsync *self, gboolean resumes)
{
  HookrunThread *thread = hookrun_thread_get ();
  HookrunFrame *frame = hookrun_thread_push (thread, self->run.signal, &self->run.error);
  gboolean over = TRUE;

  if (frame != NULL) {
    over = resumes ? hookrun_run_resume (&self->run, frame) : hookrun_run_step (&self->run, frame);
    if (frame->event == NULL)
      frame->event = hookrun_event_new ();
    frame->event->run = &frame->run;
    hookrun_thread_pop (thread, frame, FALSE);
  }
  if (over)
    finish (self);
  hookrun_async_unref (self);
}

static gboolean
on_wake (gpointer data)
{
  HookrunAsync *self = data;

  __atomic_load_n (&self->handed_on, __ATOMIC_ACQUIRE);
  advance (hookrun_async_ref (self), TRUE);
  return G_SOURCE_REMOVE;
}

void
hookrun_async_wake (HookrunAsync *self, GMainContext *context)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  __atomic_fetch_add (&self->handed_on, 1, __ATOMIC_RELEASE);
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "hookrun: emission goes on");
  g_source_set_callback (source, on_wake, self, (GDestroyNotify)hookrun_async_unref);
  g_source_attach (source, context);
}

HookrunAsync *
hookrun_async_start (const HookrunRun *start, GMainContext *context, HookrunEvent *wraps,
                     GTask *task)
{
  HookrunAsync *self = g_new0 (HookrunAsync, 1);
  HookrunRun *run = &self->run;

  self->ref_count = 1;
  hookrun_lock_init (&self->lock);
  *run = *start;
  g_object_ref (run->signal);
  if (run->data != NULL)
    hookrun_data_ref (run->data);
  run->subject = g_strdup (run->subject);
  if (run->cancellable != NULL)
    g_object_ref (run->cancellable);
  hookrun_list_ref ((HookrunList *)run->list);
  run->context = g_main_context_ref (context);
  run->async = self;
  self->task = task;
  if (wraps != NULL) {
    self->wraps = hookrun_event_hold (wraps);
    wraps->rest_async = hookrun_async_ref (self);
  } else if (run->traced) {
    self->started_us = g_get_monotonic_time ();
  }
  advance (hookrun_async_ref (self), FALSE);
  return self;
}

static GError *
aborted_error (void)
{
  return g_error_new_literal (HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
                              "the handler that wraps it has ended");
}

void
hookrun_async_set_pending (HookrunAsync *self, HookrunEvent *event)
{
  HookrunEvent *old;
  gboolean aborted;

  hookrun_lock (&self->lock);
  old = self->pending;
  self->pending = event != NULL ? hookrun_event_hold (event) : NULL;
  aborted = self->aborted;
  hookrun_unlock (&self->lock);
  if (old != NULL)
    hookrun_event_unref (old);
  if (aborted && event != NULL)
    hookrun_event_settle (event, HOOKRUN_FAILED, aborted_error ());
}

void
hookrun_async_abort (HookrunAsync *self)
{
  g_autoptr (HookrunEvent) pending = NULL;

  hookrun_lock (&self->lock);
  self->aborted = TRUE;
  pending = self->pending != NULL ? hookrun_event_hold (self->pending) : NULL;
  hookrun_unlock (&self->lock);
  if (pending != NULL)
    hookrun_event_settle (pending, HOOKRUN_FAILED, aborted_error ());
}

gboolean
hookrun_async_is_aborted (HookrunAsync *self)
{
  gboolean aborted;

  hookrun_lock (&self->lock);
  aborted = self->aborted;
  hookrun_unlock (&self->lock);
  return aborted;
}
