/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Emitting a signal: checks, the table of handlers made safe to read, and the run over them; and
 * the part of a wrapper, which starts such a run in the middle of another.
 */
#include "hookrun-data-private.h"
#include "hookrun-event-private.h"
#include "hookrun-trace-private.h"

#include <gio/gio.h>
#include <string.h>

static HookrunList no_handlers = {1, 0}; /* only its reference count changes */

/* ---- errors ---- */

/* Code for code where the cause is ours or has its like with us. */
static HookrunError
code_of (const GError *cause)
{
  if (cause->domain == HOOKRUN_ERROR)
    return (HookrunError)cause->code;
  if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return HOOKRUN_ERROR_CANCELLED;
  if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return HOOKRUN_ERROR_TIMED_OUT;
  return HOOKRUN_ERROR_HANDLER;
}

/* Of a handler that is in its own way, many emissions deep, the message tells once. */
GError *
hookrun_emission_describe_error (HookrunSignal *signal, const HookrunHandler *handler,
                                 GError *cause)
{
  g_autoptr (GError) owned = cause;
  g_autofree char *who = hookrun_handler_describe (handler);
  g_autofree char *where = g_strdup_printf ("%s, signal \"%s\": ", who, signal->name);
  const char *why = cause != NULL ? cause->message : "it failed and gave no reason";

  return g_error_new (HOOKRUN_ERROR, (int)(cause != NULL ? code_of (cause) : HOOKRUN_ERROR_HANDLER),
                      "%s%s", strstr (why, where) == NULL ? where : "", why);
}

gboolean
hookrun_emission_check_data (HookrunSignal *signal, HookrunData *data, GError **error)
{
  HookrunSchema *schema = signal->schema;
  const HookrunField *missing;

  if (data != NULL && schema->n_fields > 0 &&
      (data->schema == NULL || !hookrun_schema_equal (data->schema, schema))) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "signal \"%s\": the data was made with another schema; make it with the signal's",
                 signal->name);
    return FALSE;
  }
  missing = hookrun_schema_find_missing (schema, data);
  if (missing == NULL)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "signal \"%s\": required field \"%s\" is not set; set it before emitting",
               signal->name, missing->name);
  return FALSE;
}

/* ---- synchronous ---- */

/* The handlers for @subject, safe to read until the frame is popped. */
static inline void
set_up (HookrunFrame *frame, HookrunSignal *signal, const char *subject, HookrunData *data,
        GCancellable *cancellable, gboolean fast)
{
  HookrunTable *table = hookrun_frame_protect (frame, &signal->table, fast);
  HookrunRun *run = &frame->run;

  run->data = data;
  run->subject = subject;
  run->cancellable = cancellable;
  if (G_UNLIKELY (table == NULL))
    run->list = &no_handlers;
  else
    run->list = subject == NULL ? table->base : hookrun_table_find (table, subject);
  run->next = run->list->handlers;
}

/* FALSE when a handler did anything but say CONTINUE; what it said is in @verdict. */
static inline gboolean
walk (HookrunRun *run, HookrunFrame *frame, HookrunVerdict *verdict)
{
  HookrunEvent *event = frame->event;
  HookrunHandler *const *next = run->next;
  HookrunHandler *const *end = hookrun_run_end (run);

  while (G_LIKELY (next != end)) {
    HookrunHandler *handler = *next++;

    run->next = next;
    hookrun_frame_show_handler (frame, handler, TRUE);
    if (G_LIKELY (!hookrun_handler_is_removed (handler))) {
      *verdict = handler->func (event, handler->user_data);
      if (G_UNLIKELY (((guint)*verdict | (guint)event->touched) != 0))
        return FALSE;
    }
  }
  return TRUE;
}

HookrunVerdict
hookrun_signal_emit_observed (HookrunSignal *self, const char *subject, HookrunData *data,
                              GCancellable *cancellable, const HookrunObserver *observer,
                              gpointer user_data, GError **error)
{
  guint attention = __atomic_load_n (&self->attention, __ATOMIC_RELAXED);
  HookrunThread *thread = hookrun_thread_get ();
  gint64 started_us = (attention & HOOKRUN_ATTENTION_TRACE) != 0 ? g_get_monotonic_time () : 0;
  HookrunVerdict verdict;
  HookrunFrame *frame;
  HookrunRun *run;

  if (!hookrun_emission_check_data (self, data, error))
    return HOOKRUN_FAILED;
  frame = hookrun_thread_push (thread, self, error);
  if (frame == NULL)
    return HOOKRUN_FAILED;
  set_up (frame, self, subject, data, cancellable, FALSE);
  run = &frame->run;
  run->traced = started_us > 0;
  run->observer = observer;
  run->observer_data = user_data;
  verdict = hookrun_run_sync (run, frame, hookrun_run_step (run, frame), error);
  if (started_us > 0)
    hookrun_tracer_add (self->tracer, self, NULL, subject, started_us, verdict, FALSE);
  hookrun_thread_pop (thread, frame, FALSE);
  return verdict;
}

/* An emission with anything that is not usual: a thread's first, one that is checked, cancellable,
 * recorded or deeply nested. */
static G_GNUC_NO_INLINE HookrunVerdict
emit_with_care (HookrunSignal *self, const char *subject, HookrunData *data,
                GCancellable *cancellable, GError **error)
{
  return hookrun_signal_emit_observed (self, subject, data, cancellable, NULL, NULL, error);
}

/* The path that has to be fast: no lock, no allocation, and nothing in it that only some need. */
static inline __attribute__ ((always_inline)) HookrunVerdict
emit (HookrunSignal *self, const char *subject, HookrunData *data, GCancellable *cancellable,
      guint attention, GError **error)
{
  HookrunThread *thread = hookrun_thread_fast;
  HookrunVerdict verdict = HOOKRUN_CONTINUE;
  HookrunFrame *frame;

  if (G_UNLIKELY (attention != 0 || cancellable != NULL || thread == NULL))
    return emit_with_care (self, subject, data, cancellable, error);
  frame = thread->top;
  if (G_UNLIKELY (frame == NULL || frame->level >= HOOKRUN_MAX_NESTED ||
                  (data != NULL && data->schema != self->schema)))
    return emit_with_care (self, subject, data, cancellable, error);
  hookrun_thread_enter (thread, frame, self);
  set_up (frame, self, subject, data, NULL, TRUE);
  if (G_UNLIKELY (!walk (&frame->run, frame, &verdict)))
    verdict = hookrun_run_sync (&frame->run, frame,
                                hookrun_run_take_over (&frame->run, frame, verdict), error);
  hookrun_thread_pop (thread, frame, TRUE);
  return verdict;
}

/* A function of its own, so that an idle signal saves no registers. */
static G_GNUC_NO_INLINE HookrunVerdict
emit_to_all (HookrunSignal *self, HookrunData *data, guint attention, GError **error)
{
  return emit (self, NULL, data, NULL, attention, error);
}

/* TRUE when nobody listens and nothing is to be checked or recorded. */
static inline gboolean
is_idle (HookrunSignal *self, guint *attention)
{
  *attention = __atomic_load_n (&self->attention, __ATOMIC_RELAXED);
  return *attention == 0 && __atomic_load_n (&self->table, __ATOMIC_RELAXED) == NULL;
}

/**
 * hookrun_signal_emit:
 * @self: a signal
 * @data: (nullable): the payload, made with the signal's schema
 * @error: return location for an error
 *
 * Runs the handlers without a subject in their order and waits for those that are pending, whose
 * sources are run meanwhile in a private context. From any thread; handlers run in this one.
 * Handlers may emit, connect, disconnect and close scopes. The caller keeps a reference of @self.
 *
 * Returns: %HOOKRUN_CONTINUE when nobody claimed it, %HOOKRUN_HANDLED, or %HOOKRUN_FAILED with the
 *   code and message of the handler's error (with plugin, handler and signal named before it),
 *   %HOOKRUN_ERROR_HANDLER when it gave none, %HOOKRUN_ERROR_TIMED_OUT when it took too long,
 *   %HOOKRUN_ERROR_INVALID when @data lacks a required field or has another schema, or
 *   %HOOKRUN_ERROR_LIMIT when emissions of the signal are nested more than 64 deep
 *
 * Since: 1.0
 */
HookrunVerdict
hookrun_signal_emit (HookrunSignal *self, HookrunData *data, GError **error)
{
  guint attention;

  g_return_val_if_fail (self != NULL, HOOKRUN_FAILED);
  if (G_LIKELY (is_idle (self, &attention)))
    return HOOKRUN_CONTINUE;
  return emit_to_all (self, data, attention, error);
}

/**
 * hookrun_signal_emit_for:
 * @self: a signal
 * @subject: (nullable): what it is about: a package or module
 * @data: (nullable): the payload, made with the signal's schema
 * @cancellable: (nullable): cancels what is pending and what comes after it
 * @error: return location for an error
 *
 * As hookrun_signal_emit(), and runs the handlers that are limited to @subject, too.
 *
 * Returns: as hookrun_signal_emit(); %HOOKRUN_ERROR_CANCELLED when it was cancelled
 *
 * Since: 1.0
 */
HookrunVerdict
hookrun_signal_emit_for (HookrunSignal *self, const char *subject, HookrunData *data,
                         GCancellable *cancellable, GError **error)
{
  guint attention;

  g_return_val_if_fail (self != NULL, HOOKRUN_FAILED);
  if (is_idle (self, &attention))
    return HOOKRUN_CONTINUE;
  return emit (self, subject, data, cancellable, attention, error);
}

/* ---- asynchronous ---- */

/**
 * hookrun_signal_emit_async:
 * @self: a signal
 * @subject: (nullable): what it is about, as for hookrun_signal_emit_for()
 * @data: (nullable): the payload; not to be used before @callback
 * @cancellable: (nullable): cancels what is pending and what comes after it
 * @callback: (scope async) (nullable): called in the thread-default context of the caller
 * @user_data: passed to @callback
 *
 * Emits without waiting: handlers run at once up to the first that is pending, the others later in
 * the thread-default context of the caller.
 *
 * Since: 1.0
 */
void
hookrun_signal_emit_async (HookrunSignal *self, const char *subject, HookrunData *data,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GMainContext) context = NULL;
  GError *error = NULL;
  HookrunThread *thread;
  HookrunFrame *frame;
  HookrunList *list;
  HookrunRun run = {0};
  GTask *task;

  g_return_if_fail (HOOKRUN_IS_SIGNAL (self));
  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, hookrun_signal_emit_async);
  thread = hookrun_thread_get ();
  frame = hookrun_emission_check_data (self, data, &error)
              ? hookrun_thread_push (thread, self, &error)
              : NULL;
  if (frame == NULL) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  context = g_main_context_ref_thread_default ();
  set_up (frame, self, subject, data, cancellable, FALSE);
  run = frame->run;
  run.traced =
      (__atomic_load_n (&self->attention, __ATOMIC_RELAXED) & HOOKRUN_ATTENTION_TRACE) != 0;
  list = hookrun_list_ref ((HookrunList *)run.list);
  hookrun_thread_pop (thread, frame, FALSE);
  hookrun_async_unref (hookrun_async_start (&run, context, NULL, task));
  hookrun_list_unref (list);
}

/**
 * hookrun_signal_emit_finish:
 * @self: a signal
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets what an asynchronous emission came to.
 *
 * Returns: as hookrun_signal_emit_for()
 *
 * Since: 1.0
 */
HookrunVerdict
hookrun_signal_emit_finish (HookrunSignal *self, GAsyncResult *result, GError **error)
{
  gssize verdict;

  g_return_val_if_fail (g_task_is_valid (result, self), HOOKRUN_FAILED);
  verdict = g_task_propagate_int (G_TASK (result), error);
  return verdict >= 0 ? (HookrunVerdict)verdict : HOOKRUN_FAILED;
}

/* ---- wrappers ---- */

/* What is left of the run of @event, for the one who wraps it. FALSE when that was taken already or
 * the handler is over. */
static gboolean
take_rest (HookrunEvent *event, HookrunRun *rest)
{
  HookrunRun *run = event->run;
  const char *id;

  if (run == NULL || event->proceeded)
    return FALSE;
  *rest = (HookrunRun){
      .signal = run->signal,
      .data = run->data,
      .subject = run->subject,
      .cancellable = run->cancellable,
      .list = run->list,
      .next = run->next,
      .traced = run->traced,
      .observer = run->observer,
      .observer_data = run->observer_data,
      .is_bare = run->is_bare,
  };
  id = hookrun_event_get_handler (event)->id;
  event->touched = TRUE;
  event->proceeded = TRUE;
  event->rest = HOOKRUN_FAILED;
  event->rest_error = g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_HANDLER,
                                   "signal \"%s\": handler \"%s\" ended before what it wraps",
                                   run->signal->name, id != NULL ? id : "");
  return TRUE;
}

/**
 * hookrun_event_proceed:
 * @event: an event
 *
 * Runs the handlers after this one now: this one wraps them. They do not run again when it returns.
 * If it then returns %HOOKRUN_CONTINUE, their verdict stands; any other verdict replaces theirs. A
 * second call gives the same verdict again. Inside the handler, or while it is pending in the
 * thread of the context; there it blocks the context when one of them is pending, see
 * hookrun_event_proceed_async().
 *
 * Returns: their verdict; the error of %HOOKRUN_FAILED is in hookrun_event_get_error()
 *
 * Since: 1.0
 */
HookrunVerdict
hookrun_event_proceed (HookrunEvent *event)
{
  HookrunThread *thread = hookrun_thread_get ();
  HookrunFrame *frame;
  HookrunRun rest;

  g_return_val_if_fail (event != NULL, HOOKRUN_FAILED);
  if (!take_rest (event, &rest))
    return event->proceeded ? event->rest : HOOKRUN_FAILED;
  g_clear_error (&event->rest_error);
  frame = hookrun_thread_push (thread, rest.signal, &event->rest_error);
  if (frame == NULL)
    return HOOKRUN_FAILED;
  frame->run = rest;
  event->rest = hookrun_run_sync (&frame->run, frame, hookrun_run_step (&frame->run, frame),
                                  &event->rest_error);
  hookrun_thread_pop (thread, frame, FALSE);
  return event->rest;
}

/* A task that returns in @context: for a private one, which is nobody's default now. */
static GTask *
task_for (GMainContext *context, gboolean is_private, GAsyncReadyCallback callback,
          gpointer user_data)
{
  GTask *task;

  if (is_private)
    g_main_context_push_thread_default (context);
  task = g_task_new (NULL, NULL, callback, user_data);
  if (is_private)
    g_main_context_pop_thread_default (context);
  g_task_set_source_tag (task, hookrun_event_proceed_async);
  return task;
}

/**
 * hookrun_event_proceed_async:
 * @event: an event
 * @callback: (scope async): called in the context of hookrun_event_get_context()
 * @user_data: passed to @callback
 *
 * As hookrun_event_proceed(), without waiting. The handler keeps a reference, returns
 * %HOOKRUN_PENDING and completes the event in @callback. If it ends earlier, what it wraps is
 * cancelled.
 *
 * Since: 1.0
 */
void
hookrun_event_proceed_async (HookrunEvent *event, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  GMainContext *context;
  gboolean is_private;
  HookrunRun rest;

  g_return_if_fail (event != NULL);
  is_private = event->run != NULL && event->run->async == NULL;
  context = event->run != NULL ? hookrun_run_ensure_context (event->run) : NULL;
  task = task_for (context, is_private, callback, user_data);
  if (!take_rest (event, &rest)) {
    g_task_return_int (task, (gssize)(event->proceeded ? event->rest : HOOKRUN_FAILED));
    return;
  }
  hookrun_async_unref (hookrun_async_start (&rest, context, event, g_steal_pointer (&task)));
}

/**
 * hookrun_event_proceed_finish:
 * @event: an event
 * @result: what the callback got
 *
 * Gets what the handlers after this one came to.
 *
 * Returns: their verdict; the error of %HOOKRUN_FAILED is in hookrun_event_get_error()
 *
 * Since: 1.0
 */
HookrunVerdict
hookrun_event_proceed_finish (HookrunEvent *event, GAsyncResult *result)
{
  gssize verdict;

  g_return_val_if_fail (event != NULL && g_task_is_valid (result, NULL), HOOKRUN_FAILED);
  verdict = g_task_propagate_int (G_TASK (result), NULL);
  return verdict >= 0 ? (HookrunVerdict)verdict : HOOKRUN_FAILED;
}
