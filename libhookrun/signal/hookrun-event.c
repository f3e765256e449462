/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An event: one emission as one of its handlers sees it. It costs nothing while the handler only
 * looks at it; the first reference makes it independent of the emission's stack.
 */
#include "hookrun-event-private.h"

#include "hookrun-scope-private.h"

G_DEFINE_BOXED_TYPE (HookrunEvent, hookrun_event, hookrun_event_ref, hookrun_event_unref)

HookrunEvent *
hookrun_event_new (void)
{
  HookrunEvent *self = g_new0 (HookrunEvent, 1);

  self->ref_count = 1;
  hookrun_lock_init (&self->lock);
  return self;
}

HookrunHandler *
hookrun_event_get_handler (const HookrunEvent *self)
{
  return self->owns ? self->own.handler : self->run->next[-1];
}

/* Only ever called by the first who refers to it, inside the handler: nobody else sees it yet. */
static void
own (HookrunEvent *self)
{
  HookrunRun *run = self->run;

  self->own.signal = g_object_ref (run->signal);
  self->own.data = run->data != NULL ? hookrun_data_ref (run->data) : NULL;
  self->own.subject = g_strdup (run->subject);
  self->own.cancellable = run->cancellable != NULL ? g_object_ref (run->cancellable) : NULL;
  self->own.handler = hookrun_handler_ref (hookrun_event_get_handler (self));
  self->owns = TRUE;
  self->touched = TRUE;
}

void
hookrun_event_keep (HookrunEvent *self)
{
  if (!self->owns)
    own (self);
}

static void
disown (HookrunEvent *self)
{
  if (!self->owns)
    return;
  self->owns = FALSE;
  g_clear_object (&self->own.signal);
  g_clear_pointer (&self->own.data, hookrun_data_unref);
  g_clear_pointer (&self->own.subject, g_free);
  g_clear_object (&self->own.cancellable);
  g_clear_pointer (&self->own.handler, hookrun_handler_unref);
}

static void
clear (HookrunEvent *self)
{
  disown (self);
  g_clear_error (&self->error);
  g_clear_error (&self->rest_error);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_clear_pointer (&self->async, hookrun_async_unref);
  g_clear_pointer (&self->rest_async, hookrun_async_unref);
  self->state = HOOKRUN_EVENT_RUNNING;
  self->proceeded = FALSE;
  self->started_us = 0;
  self->touched = FALSE;
  self->observed = FALSE;
}

/* Not written when it is so already: other threads that have a reference read it. */
static void
touch (HookrunEvent *self)
{
  if (!self->touched)
    self->touched = TRUE;
}

/**
 * hookrun_event_ref:
 * @event: an event
 *
 * Keeps an event beyond the return of its handler, as a handler that returns %HOOKRUN_PENDING must.
 * The first reference is taken inside the handler; after that, any thread may.
 *
 * Returns: (transfer full): @event
 *
 * Since: 1.0
 */
HookrunEvent *
hookrun_event_ref (HookrunEvent *event)
{
  g_return_val_if_fail (event != NULL, NULL);
  if (!event->owns)
    own (event);
  __atomic_fetch_add (&event->ref_count, 1, __ATOMIC_RELAXED);
  return event;
}

/**
 * hookrun_event_unref:
 * @event: (transfer full): an event
 *
 * Drops a reference. From any thread.
 *
 * Since: 1.0
 */
void
hookrun_event_unref (HookrunEvent *event)
{
  g_return_if_fail (event != NULL);
  if (__atomic_sub_fetch (&event->ref_count, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  clear (event);
  hookrun_lock_clear (&event->lock);
  g_free (event);
}

HookrunEvent *
hookrun_event_hold (HookrunEvent *self)
{
  __atomic_fetch_add (&self->ref_count, 1, __ATOMIC_RELAXED);
  return self;
}

HookrunEvent *
hookrun_event_recycle (HookrunEvent *self)
{
  if (__atomic_load_n (&self->ref_count, __ATOMIC_ACQUIRE) == 1) {
    clear (self);
    return self;
  }
  hookrun_lock (&self->lock);
  self->state = HOOKRUN_EVENT_OVER;
  self->run = NULL;
  hookrun_unlock (&self->lock);
  hookrun_event_unref (self);
  return NULL;
}

/* ---- what it is about ---- */

/**
 * hookrun_event_get_signal:
 * @event: an event
 *
 * Gets the signal that is emitted.
 *
 * Returns: (transfer none): the signal
 *
 * Since: 1.0
 */
HookrunSignal *
hookrun_event_get_signal (HookrunEvent *event)
{
  g_return_val_if_fail (event != NULL, NULL);
  return event->owns ? event->own.signal : event->run->signal;
}

/**
 * hookrun_event_get_data:
 * @event: an event
 *
 * Gets the payload, the same object for all handlers. The handler may change it until it returns
 * or, after %HOOKRUN_PENDING, until it completes.
 *
 * Returns: (transfer none) (nullable): the payload, or %NULL when the emitter gave none
 *
 * Since: 1.0
 */
HookrunData *
hookrun_event_get_data (HookrunEvent *event)
{
  g_return_val_if_fail (event != NULL, NULL);
  return event->owns ? event->own.data : event->run->data;
}

/**
 * hookrun_event_get_subject:
 * @event: an event
 *
 * Gets what the emission is for: a package or module.
 *
 * Returns: (transfer none) (nullable): the subject, valid while the handler runs or as long as a
 *   reference to @event is kept
 *
 * Since: 1.0
 */
const char *
hookrun_event_get_subject (HookrunEvent *event)
{
  g_return_val_if_fail (event != NULL, NULL);
  return event->owns ? event->own.subject : event->run->subject;
}

/**
 * hookrun_event_get_handler_id:
 * @event: an event
 *
 * Gets the id of the handler that this event belongs to.
 *
 * Returns: (transfer none) (nullable): the id
 *
 * Since: 1.0
 */
const char *
hookrun_event_get_handler_id (HookrunEvent *event)
{
  g_return_val_if_fail (event != NULL, NULL);
  return hookrun_event_get_handler (event)->id;
}

/**
 * hookrun_event_get_timeout_ms:
 * @event: an event
 *
 * Gets how long this handler may be pending, from its return of %HOOKRUN_PENDING. Then it fails
 * with %HOOKRUN_ERROR_TIMED_OUT.
 *
 * Returns: milliseconds; 0 when there is no limit
 *
 * Since: 1.0
 */
guint
hookrun_event_get_timeout_ms (HookrunEvent *event)
{
  g_return_val_if_fail (event != NULL, 0);
  return hookrun_event_get_handler (event)->timeout_ms;
}

/**
 * hookrun_event_get_cancellable:
 * @event: an event
 *
 * Gets what the emitter may cancel the emission with; a handler follows it in long work.
 *
 * Returns: (transfer none) (nullable): the cancellable
 *
 * Since: 1.0
 */
GCancellable *
hookrun_event_get_cancellable (HookrunEvent *event)
{
  g_return_val_if_fail (event != NULL, NULL);
  return event->owns ? event->own.cancellable : event->run->cancellable;
}

/**
 * hookrun_event_get_context:
 * @event: an event
 *
 * Gets the context where a handler that returns %HOOKRUN_PENDING attaches its sources: the
 * emitter's thread-default one in an asynchronous emission, a private one that the emission
 * iterates in a synchronous one (or below a wrapper that proceeds synchronously). To be called
 * inside the handler.
 *
 * Returns: (transfer none): the context
 *
 * Since: 1.0
 */
GMainContext *
hookrun_event_get_context (HookrunEvent *event)
{
  g_return_val_if_fail (event != NULL, NULL);
  touch (event);
  hookrun_lock (&event->lock);
  if (event->context == NULL && event->run != NULL)
    event->context = g_main_context_ref (hookrun_run_ensure_context (event->run));
  hookrun_unlock (&event->lock);
  return event->context;
}

/* ---- how it ends ---- */

static gboolean
is_open (const HookrunEvent *self)
{
  return self->state == HOOKRUN_EVENT_RUNNING || self->state == HOOKRUN_EVENT_PENDING;
}

/**
 * hookrun_event_take_error:
 * @event: an event
 * @error: (transfer full): why the handler fails
 *
 * Sets the reason of a failure; a later one replaces an earlier one. Ignored when the handler is
 * over already. From any thread that has a reference.
 *
 * Returns: %HOOKRUN_FAILED, to be returned or given to hookrun_event_complete()
 *
 * Since: 1.0
 */
HookrunVerdict
hookrun_event_take_error (HookrunEvent *event, GError *error)
{
  g_return_val_if_fail (event != NULL && error != NULL, HOOKRUN_FAILED);
  touch (event);
  hookrun_lock (&event->lock);
  if (is_open (event)) {
    GError *old = event->error;

    event->error = error;
    error = old;
  }
  hookrun_unlock (&event->lock);
  g_clear_error (&error);
  return HOOKRUN_FAILED;
}

/**
 * hookrun_event_fail: (skip)
 * @event: an event
 * @code: what kind of failure; the emission fails with the same code
 * @format: why, in the manner of printf(); plugin, handler and signal are added to it
 * @...: what @format asks for
 *
 * Sets the reason of a failure: `return hookrun_event_fail (event, CODE, "…");`.
 *
 * Returns: %HOOKRUN_FAILED, to be returned or given to hookrun_event_complete()
 *
 * Since: 1.0
 */
HookrunVerdict
hookrun_event_fail (HookrunEvent *event, HookrunError code, const char *format, ...)
{
  va_list args;
  GError *error;

  g_return_val_if_fail (event != NULL && format != NULL, HOOKRUN_FAILED);
  va_start (args, format);
  error = g_error_new_valist (HOOKRUN_ERROR, (int)code, format, args);
  va_end (args);
  return hookrun_event_take_error (event, error);
}

/**
 * hookrun_event_fail_literal: (rename-to hookrun_event_fail)
 * @event: an event
 * @code: what kind of failure; the emission fails with the same code
 * @message: why; plugin, handler and signal are added to it
 *
 * Sets the reason of a failure.
 *
 * Returns: %HOOKRUN_FAILED, to be returned or given to hookrun_event_complete()
 *
 * Since: 1.0
 */
HookrunVerdict
hookrun_event_fail_literal (HookrunEvent *event, HookrunError code, const char *message)
{
  g_return_val_if_fail (event != NULL && message != NULL, HOOKRUN_FAILED);
  return hookrun_event_take_error (event, g_error_new_literal (HOOKRUN_ERROR, (int)code, message));
}

/**
 * hookrun_event_get_error:
 * @event: an event
 *
 * Gets the error that the handlers after a wrapper left, after hookrun_event_proceed() or
 * hookrun_event_proceed_finish() gave %HOOKRUN_FAILED.
 *
 * Returns: (transfer none) (nullable): the error, valid until the handler is over
 *
 * Since: 1.0
 */
const GError *
hookrun_event_get_error (HookrunEvent *event)
{
  g_return_val_if_fail (event != NULL, NULL);
  return event->rest_error;
}

gboolean
hookrun_event_is_complete (HookrunEvent *self, HookrunVerdict *verdict)
{
  gboolean complete;

  hookrun_lock (&self->lock);
  complete = self->state == HOOKRUN_EVENT_COMPLETE;
  if (complete && verdict != NULL)
    *verdict = self->verdict;
  hookrun_unlock (&self->lock);
  return complete;
}

void
hookrun_event_close (HookrunEvent *self)
{
  hookrun_lock (&self->lock);
  self->state = HOOKRUN_EVENT_COMPLETE;
  hookrun_unlock (&self->lock);
}

gboolean
hookrun_event_suspend (HookrunEvent *self, GMainContext *context, HookrunAsync *async)
{
  gboolean running;

  hookrun_lock (&self->lock);
  running = self->state == HOOKRUN_EVENT_RUNNING;
  if (running) {
    self->state = HOOKRUN_EVENT_PENDING;
    if (self->context == NULL)
      self->context = g_main_context_ref (context);
    self->async = async != NULL ? hookrun_async_ref (async) : NULL;
  }
  hookrun_unlock (&self->lock);
  return running;
}

void
hookrun_event_settle (HookrunEvent *self, HookrunVerdict verdict, GError *error)
{
  g_autoptr (GMainContext) context = NULL;
  g_autoptr (GError) unused = error;
  HookrunAsync *async = NULL;

  hookrun_lock (&self->lock);
  if (is_open (self)) {
    if (self->state == HOOKRUN_EVENT_PENDING) {
      context = g_main_context_ref (self->context);
      async = g_steal_pointer (&self->async);
    }
    self->state = HOOKRUN_EVENT_COMPLETE;
    self->verdict = verdict;
    if (error != NULL) {
      unused = self->error;
      self->error = error;
    }
  }
  hookrun_unlock (&self->lock);
  if (async != NULL)
    hookrun_async_wake (async, context);
  else if (context != NULL)
    g_main_context_wakeup (context);
}

/**
 * hookrun_event_complete:
 * @event: an event whose handler returned, or is about to return, %HOOKRUN_PENDING
 * @verdict: any verdict but %HOOKRUN_PENDING
 *
 * Ends a pending handler. From any thread that has a reference; the emission goes on in its own.
 * Only the first completion counts: later ones, and those that come after the handler's time, its
 * cancellation or the closing of its scope, are ignored.
 *
 * Since: 1.0
 */
void
hookrun_event_complete (HookrunEvent *event, HookrunVerdict verdict)
{
  g_return_if_fail (event != NULL && verdict != HOOKRUN_PENDING);
  touch (event);
  hookrun_event_settle (event, verdict, NULL);
}
