/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The walk over a list of handlers, with all that can come of it: verdicts, errors, wrappers and
 * handlers that are pending. As long as handlers just say CONTINUE, the loop in hookrun-emission.c
 * does without it.
 */
#include "hookrun-event-private.h"

#include "hookrun-scope-private.h"
#include "hookrun-trace-private.h"

/* ---- context and watches of a pending handler ---- */

GMainContext *
hookrun_run_ensure_context (HookrunRun *self)
{
  if (self->context == NULL)
    self->context = g_main_context_new ();
  return self->context;
}

static gboolean
on_timeout (gpointer data)
{
  HookrunEvent *event = data;

  hookrun_event_settle (event, HOOKRUN_FAILED,
                        g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_TIMED_OUT,
                                     "no answer within %u ms; give it a longer time limit or look "
                                     "why it hangs",
                                     hookrun_event_get_handler (event)->timeout_ms));
  return G_SOURCE_REMOVE;
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer data)
{
  hookrun_event_settle (data, HOOKRUN_FAILED,
                        g_error_new_literal (HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
                                             "the emission was cancelled while it was pending"));
  return G_SOURCE_REMOVE;
}

static GSource *
attach (GSource *source, GSourceFunc func, HookrunEvent *event, GMainContext *context)
{
  g_source_set_callback (source, func, hookrun_event_hold (event),
                         (GDestroyNotify)hookrun_event_unref);
  g_source_attach (source, context);
  return source;
}

static void
watch (HookrunRun *self, HookrunEvent *event)
{
  GMainContext *context = hookrun_run_ensure_context (self);

  if (hookrun_event_get_handler (event)->timeout_ms > 0)
    self->timeout = attach (g_timeout_source_new (hookrun_event_get_handler (event)->timeout_ms),
                            on_timeout, event, context);
  if (self->cancellable != NULL)
    self->cancel_source = attach (g_cancellable_source_new (self->cancellable),
                                  (GSourceFunc)on_cancelled, event, context);
}

static void
drop_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
unwatch (HookrunRun *self, HookrunEvent *event)
{
  HookrunScopeCore *scope = hookrun_event_get_handler (event)->scope;

  drop_source (&self->timeout);
  drop_source (&self->cancel_source);
  if (scope != NULL)
    hookrun_scope_core_remove_pending (scope, event);
  if (self->async != NULL)
    hookrun_async_set_pending (self->async, NULL);
}

/* TRUE when the handler is pending now; somebody else may then go on with the run at any time. All
 * that could end the wait is in place before. */
static gboolean
suspend (HookrunRun *self, HookrunFrame *frame, HookrunEvent *event)
{
  HookrunScopeCore *scope = hookrun_event_get_handler (event)->scope;

  hookrun_event_keep (event);
  frame->event = NULL;
  self->pending = event;
  watch (self, event);
  if (self->async != NULL)
    hookrun_async_set_pending (self->async, event);
  if (scope != NULL && !hookrun_scope_core_add_pending (scope, event))
    hookrun_event_settle (event, HOOKRUN_FAILED,
                          g_error_new_literal (HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
                                               "its scope was closed while it was pending"));
  if (hookrun_event_suspend (event, self->context, self->async))
    return TRUE;
  unwatch (self, event);
  self->pending = NULL;
  frame->event = event;
  return FALSE;
}

/* ---- verdicts ---- */

static void
add_error (HookrunRun *self, GError *error)
{
  self->verdict = HOOKRUN_FAILED;
  if ((self->signal->flags & HOOKRUN_SIGNAL_COLLECT_ERRORS) == 0) {
    self->error = error;
    return;
  }
  if (self->errors == NULL)
    self->errors = g_ptr_array_new_with_free_func ((GDestroyNotify)g_error_free);
  g_ptr_array_add (self->errors, error);
}

static GError *
failure_of (HookrunRun *self, HookrunEvent *event, HookrunVerdict verdict)
{
  if (verdict == HOOKRUN_FAILED && event->error == NULL && event->rest_error != NULL)
    return g_steal_pointer (&event->rest_error);
  if (verdict != HOOKRUN_FAILED) {
    g_clear_error (&event->error);
    event->error = g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_HANDLER,
                                "it returned %d, which is no verdict", (int)verdict);
  }
  if (self->is_bare && event->error != NULL)
    return g_steal_pointer (&event->error);
  if (self->is_bare)
    return g_error_new_literal (HOOKRUN_ERROR, HOOKRUN_ERROR_HANDLER,
                                "it failed and gave no reason");
  return hookrun_emission_describe_error (self->signal, hookrun_event_get_handler (event),
                                          g_steal_pointer (&event->error));
}

/* What the verdict of a handler means for the run; FALSE when the run is over. A wrapper that says
 * CONTINUE leaves the verdict of what it wrapped as it is. */
static gboolean
judge (HookrunRun *self, HookrunEvent *event, HookrunVerdict verdict)
{
  if (verdict == HOOKRUN_CONTINUE && !event->proceeded)
    return TRUE;
  if (verdict == HOOKRUN_CONTINUE)
    verdict = event->rest;
  if (verdict == HOOKRUN_CONTINUE || verdict == HOOKRUN_HANDLED) {
    self->verdict = verdict;
    return FALSE;
  }
  add_error (self, failure_of (self, event, verdict));
  return self->error == NULL && !event->proceeded;
}

static void
trace (HookrunRun *self, HookrunEvent *event, HookrunVerdict verdict, gboolean overlaps)
{
  if (self->traced)
    hookrun_tracer_add (self->signal->tracer, self->signal, hookrun_event_get_handler (event),
                        self->subject, event->started_us, verdict, overlaps);
}

static HookrunObserved
observed (const HookrunRun *self, const HookrunHandler *handler)
{
  return (HookrunObserved){hookrun_handler_get_owner (handler), handler->id,
                           (guint)(self->next - self->list->handlers) - 1};
}

/* A wrapper that leaves the verdict to what it wrapped is finished only when that went well. */
static HookrunVerdict
observe_end (HookrunRun *self, HookrunEvent *event, HookrunVerdict verdict)
{
  const HookrunObserved who = observed (self, hookrun_event_get_handler (event));
  GError *error = NULL;

  if (self->observer->after (
          &who, verdict == HOOKRUN_CONTINUE && event->proceeded ? event->rest : verdict,
          self->observer_data, &error))
    return verdict;
  g_clear_error (&event->error);
  event->error = error;
  return HOOKRUN_FAILED;
}

/* The handler of @event is over. */
static gboolean
conclude (HookrunRun *self, HookrunFrame *frame, HookrunEvent *event, HookrunVerdict verdict)
{
  gboolean go_on;

  if (event->observed)
    verdict = observe_end (self, event, verdict);
  go_on = judge (self, event, verdict);

  if (event->rest_async != NULL) {
    hookrun_async_abort (event->rest_async);
    self->drains = TRUE;
  }
  if (frame->event != NULL && frame->event != event)
    hookrun_event_unref (frame->event);
  frame->event = hookrun_event_recycle (event);
  return go_on;
}

/* ---- the walk ---- */

static HookrunEvent *
bind (HookrunRun *self, HookrunFrame *frame)
{
  if (frame->event == NULL)
    frame->event = hookrun_event_new ();
  frame->event->run = self;
  return frame->event;
}

static gboolean
is_stopped (HookrunRun *self, const HookrunHandler *next)
{
  const char *problem = NULL;

  if (self->cancellable != NULL && g_cancellable_is_cancelled (self->cancellable))
    problem = "the emission was cancelled";
  else if (self->async != NULL && hookrun_async_is_aborted (self->async))
    problem = "the handler that wraps it has ended";
  if (problem == NULL)
    return FALSE;
  self->verdict = HOOKRUN_FAILED;
  self->error = g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
                             "signal \"%s\", before handler \"%s\": %s", self->signal->name,
                             next->id != NULL ? next->id : "", problem);
  return TRUE;
}

static HookrunVerdict
call_traced (HookrunRun *self, HookrunEvent *event, HookrunHandler *handler)
{
  HookrunVerdict verdict;

  if (self->traced)
    event->started_us = g_get_monotonic_time ();
  verdict = handler->func (event, handler->user_data);
  if (verdict != HOOKRUN_PENDING)
    trace (self, event, verdict, FALSE);
  return verdict;
}

static HookrunVerdict
call (HookrunRun *self, HookrunEvent *event, HookrunHandler *handler)
{
  const HookrunObserved who = observed (self, handler);
  HookrunVerdict verdict = HOOKRUN_CONTINUE;

  if (self->observer == NULL)
    return call_traced (self, event, handler);
  switch (self->observer->before (&who, &verdict, self->observer_data, &event->error)) {
  case HOOKRUN_OBSERVER_SKIP:
    return verdict;
  case HOOKRUN_OBSERVER_STOP:
    event->touched = TRUE;
    return HOOKRUN_FAILED;
  case HOOKRUN_OBSERVER_CALL:
    break;
  }
  event->touched = TRUE;
  event->observed = TRUE;
  return call_traced (self, event, handler);
}

typedef enum { GO_ON, OVER, PENDING } Progress;

/* What comes of the call of a handler. After PENDING the run is not ours any more. */
static Progress
weigh (HookrunRun *self, HookrunFrame *frame, HookrunVerdict verdict)
{
  HookrunEvent *event = frame->event;

  if (verdict == HOOKRUN_CONTINUE && !event->touched)
    return GO_ON;
  if (verdict != HOOKRUN_PENDING) {
    hookrun_event_close (event);
  } else {
    if (suspend (self, frame, event))
      return PENDING;
    hookrun_event_is_complete (event, &verdict);
    trace (self, event, verdict, FALSE);
  }
  return conclude (self, frame, event, verdict) ? GO_ON : OVER;
}

gboolean
hookrun_run_step (HookrunRun *self, HookrunFrame *frame)
{
  while (self->next < hookrun_run_end (self)) {
    HookrunHandler *handler = *self->next++;
    Progress progress;

    if (is_stopped (self, handler))
      return TRUE;
    hookrun_frame_show_handler (frame, handler, FALSE);
    if (hookrun_handler_is_removed (handler))
      continue;
    progress = weigh (self, frame, call (self, bind (self, frame), handler));
    if (progress != GO_ON)
      return progress == OVER;
  }
  return TRUE;
}

gboolean
hookrun_run_take_over (HookrunRun *self, HookrunFrame *frame, HookrunVerdict verdict)
{
  Progress progress = weigh (self, frame, verdict);

  return progress == GO_ON ? hookrun_run_step (self, frame) : progress == OVER;
}

gboolean
hookrun_run_resume (HookrunRun *self, HookrunFrame *frame)
{
  HookrunEvent *event = g_steal_pointer (&self->pending);
  HookrunVerdict verdict = HOOKRUN_FAILED;

  unwatch (self, event);
  hookrun_event_is_complete (event, &verdict);
  trace (self, event, verdict, self->async != NULL);
  return !conclude (self, frame, event, verdict) || hookrun_run_step (self, frame);
}

/* ---- the end ---- */

static GError *
join_errors (HookrunRun *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  int code = ((GError *)g_ptr_array_index (self->errors, 0))->code;

  if (self->errors->len == 1)
    return g_error_copy (g_ptr_array_index (self->errors, 0));
  g_string_printf (text, "%u handlers failed: ", self->errors->len);
  for (guint i = 0; i < self->errors->len; i++) {
    const GError *error = g_ptr_array_index (self->errors, i);

    g_string_append_printf (text, "%s%s", i > 0 ? "; " : "", error->message);
    if (error->code != code)
      code = HOOKRUN_ERROR_HANDLER;
  }
  return g_error_new_literal (HOOKRUN_ERROR, code, text->str);
}

HookrunVerdict
hookrun_run_finish (HookrunRun *self, GError **error)
{
  HookrunVerdict verdict = self->verdict;

  if (self->pending != NULL)
    unwatch (self, self->pending);
  g_clear_pointer (&self->pending, hookrun_event_unref);
  if (self->error == NULL && self->errors != NULL)
    self->error = join_errors (self);
  g_clear_pointer (&self->errors, g_ptr_array_unref);
  g_clear_pointer (&self->context, g_main_context_unref);
  if (self->error != NULL)
    verdict = HOOKRUN_FAILED;
  if (self->error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->error));
  self->verdict = HOOKRUN_CONTINUE;
  self->traced = FALSE;
  self->observer = NULL;
  self->is_bare = FALSE;
  self->drains = FALSE;
  return verdict;
}

/* Lets what was aborted run to its end; it needs a few turns, never a wait. */
static void
drain (GMainContext *context)
{
  guint turns = 0;

  g_main_context_push_thread_default (context);
  while (turns++ < 1000 && g_main_context_iteration (context, FALSE))
    continue;
  g_main_context_pop_thread_default (context);
}

static void
wait_for (HookrunEvent *event, GMainContext *context)
{
  g_main_context_push_thread_default (context);
  while (!hookrun_event_is_complete (event, NULL))
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
}

HookrunVerdict
hookrun_run_sync (HookrunRun *self, HookrunFrame *frame, gboolean over, GError **error)
{
  while (!over) {
    wait_for (self->pending, self->context);
    over = hookrun_run_resume (self, frame);
  }
  bind (&frame->run, frame);
  if (self->drains && self->context != NULL)
    drain (self->context);
  return hookrun_run_finish (self, error);
}
