/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A call of a worker and how its caller waits: in place, by polling, without any main loop; or in a
 * main context. Whoever waits reads for all, serves the requests that come on behalf of its calls,
 * and keeps the deadline.
 */
#include "hookrun-worker-private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- a call ---- */

void
hookrun_worker_call_free (WorkerCall *call)
{
  HookrunWorkerRequest *request;

  while ((request = g_queue_pop_head (&call->inbox)) != NULL)
    hookrun_worker_request_unref (request);
  g_clear_pointer (&call->result, json_node_unref);
  g_clear_error (&call->error);
  g_clear_object (&call->cancellable);
  g_free (call->method);
  g_free (call);
}

void
hookrun_worker_call_wake (WorkerCall *call)
{
  if (call->source != NULL)
    g_source_set_ready_time (call->source, 0);
  else if (call->thread != NULL && call->thread != g_thread_self ())
    eventfd_write (call->wake_fd, 1);
}

/* Takes ownership of both. What still waits in the inbox is served before the caller goes on. */
void
hookrun_worker_call_done (WorkerCall *call, JsonNode *result, GError *error, WorkerNews *news)
{
  call->is_done = TRUE;
  call->error = error;
  call->result = error == NULL && result == NULL ? json_node_new (JSON_NODE_NULL) : result;
  if (call->thread == NULL && call->source == NULL)
    g_queue_push_tail (&news->done, call);
  else
    hookrun_worker_call_wake (call);
}

static WorkerCall *
call_new (HookrunWorker *self, const WorkerCallSpec *spec)
{
  WorkerCall *call = g_new0 (WorkerCall, 1);

  call->id = ++self->last_id;
  call->worker = self;
  call->method = g_strdup (spec->method);
  call->wake_fd = -1;
  if (spec->timeout_ms > 0)
    call->deadline = g_get_monotonic_time () + (gint64)spec->timeout_ms * 1000;
  call->tag = spec->tag;
  call->cancellable = spec->cancellable != NULL ? g_object_ref (spec->cancellable) : NULL;
  g_queue_init (&call->inbox);
  return call;
}

static gboolean
compose (HookrunWorker *self, const WorkerCallSpec *spec, GError **error)
{
  g_string_truncate (self->scratch, 0);
  hookrun_rpc_append_call (self->scratch, self->last_id + 1, spec->method, spec->params);
  if (self->scratch->len <= self->max_message)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
               "worker \"%s\": the message \"%s\" of %" G_GSIZE_FORMAT
               " bytes exceeds the limit of %" G_GSIZE_FORMAT,
               self->name, spec->method, self->scratch->len, self->max_message);
  return FALSE;
}

/* The message goes out with the caller's way to wait already in place. */
static void
send_call (WorkerCall *call, WorkerNews *news)
{
  HookrunWorker *self = call->worker;

  g_queue_push_tail (&self->calls, call);
  hookrun_worker_send (self, self->scratch->str, self->scratch->len, news);
}

WorkerCall *
hookrun_worker_call_begin (HookrunWorker *self, const WorkerCallSpec *spec, WorkerNews *news,
                           GError **error)
{
  if (g_cancellable_is_cancelled (spec->cancellable)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
                 "worker \"%s\": \"%s\" was cancelled", self->name, spec->method);
    return NULL;
  }
  if (!hookrun_worker_ensure_running (self, news, error) || !compose (self, spec, error))
    return NULL;
  return call_new (self, spec);
}

void
hookrun_worker_call_detached (HookrunWorker *self, const WorkerCallSpec *spec, WorkerCallFunc func,
                              gpointer user_data, WorkerNews *news)
{
  g_autoptr (GError) error = NULL;
  WorkerCall *call;

  if (!self->is_running || !compose (self, spec, &error))
    return;
  call = call_new (self, spec);
  call->func = func;
  call->user_data = user_data;
  send_call (call, news);
}

static GError *
overdue (WorkerCall *call, guint timeout_ms)
{
  if (g_cancellable_is_cancelled (call->cancellable))
    return g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
                        "worker \"%s\": \"%s\" was cancelled", call->worker->name, call->method);
  if (call->deadline == 0 || call->n_in_service > 0 || g_get_monotonic_time () < call->deadline)
    return NULL;
  return g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_TIMED_OUT,
                      "worker \"%s\" did not answer \"%s\" within %u ms", call->worker->name,
                      call->method, timeout_ms);
}

/* When the waiting has to look again though nothing came; 0: never. */
static gint64
next_look (WorkerCall *call)
{
  gint64 turn = hookrun_worker_next_turn (call->worker);
  gint64 deadline = call->n_in_service > 0 ? 0 : call->deadline;

  return turn == 0 || deadline == 0 ? MAX (turn, deadline) : MIN (turn, deadline);
}

/* What a worker that has ended since still wanted is dropped. */
static HookrunWorkerRequest *
pop_request (HookrunWorker *self, GQueue *inbox)
{
  HookrunWorkerRequest *request;

  while ((request = g_queue_pop_head (inbox)) != NULL) {
    self->n_waiting--;
    if (self->is_running && request->generation == self->generation)
      return request;
    request->is_answered = TRUE;
    hookrun_worker_request_unref (request);
  }
  return NULL;
}

/* ---- waiting in place ---- */

static int
take_wake_fd (HookrunWorker *self)
{
  int fd;

  if (self->free_wake_fds->len == 0)
    return eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  fd = g_array_index (self->free_wake_fds, int, self->free_wake_fds->len - 1);
  g_array_set_size (self->free_wake_fds, self->free_wake_fds->len - 1);
  return fd;
}

/* Requests of this call, or of another that this thread waits for further out: that one cannot
 * serve while this one waits. */
static HookrunWorkerRequest *
next_request (WorkerCall *call)
{
  HookrunWorker *self = call->worker;
  HookrunWorkerRequest *request = pop_request (self, &call->inbox);

  for (GList *item = self->calls.tail; item != NULL && request == NULL; item = item->prev) {
    WorkerCall *other = item->data;

    if (other->thread == call->thread)
      request = pop_request (self, &other->inbox);
  }
  return request;
}

static void
serve_in_place (WorkerCall *call, HookrunWorkerRequest *request)
{
  HookrunWorker *self = call->worker;
  gint64 begin = g_get_monotonic_time ();
  gint64 of_call = request->call;

  g_mutex_unlock (&self->lock);
  hookrun_worker_serve (self, request);
  hookrun_worker_request_unref (request);
  g_mutex_lock (&self->lock);
  if (call->deadline != 0 && of_call != call->id)
    call->deadline += g_get_monotonic_time () - begin;
}

enum { POLL_MESSAGES, POLL_OUTPUT, POLL_ERRORS, POLL_END, POLL_WAKE, POLL_CANCEL, N_POLLS };

/* The descriptors themselves, as that is faster than the one that stands for all of them. When one
 * of them is closed meanwhile by another thread, we wake for nothing at worst. */
static guint
poll_once (WorkerCall *call, const GPollFD *cancel)
{
  HookrunWorker *self = call->worker;
  gboolean is_open = self->is_running && self->closed_until == 0;
  short write = is_open && hookrun_channel_wants_write (&self->channel) ? POLLOUT : 0;
  struct pollfd fds[N_POLLS] = {
      [POLL_MESSAGES] = {is_open ? self->channel.fd : -1, (short)(POLLIN | write), 0},
      [POLL_OUTPUT] = {self->log.fds[0], POLLIN, 0},
      [POLL_ERRORS] = {self->log.fds[1], POLLIN, 0},
      [POLL_END] = {self->is_running ? hookrun_worker_process_get_fd (self->process) : -1, POLLIN,
                    0},
      [POLL_WAKE] = {call->wake_fd, POLLIN, 0},
      [POLL_CANCEL] = {cancel->fd, POLLIN, 0},
  };
  gint64 look = next_look (call);
  gint64 rest = look == 0 ? -1 : MAX (look - g_get_monotonic_time () + 999, 0) / 1000;
  eventfd_t count;
  int n;

  g_mutex_unlock (&self->lock);
  n = poll (fds, N_POLLS, (int)MIN (rest, G_MAXINT));
  if (n > 0 && fds[POLL_WAKE].revents != 0)
    eventfd_read (call->wake_fd, &count);
  g_mutex_lock (&self->lock);
  if (n <= 0)
    return 0;
  return (fds[POLL_MESSAGES].revents != 0 ? WORKER_READY_MESSAGES : 0) |
         (fds[POLL_OUTPUT].revents != 0 || fds[POLL_ERRORS].revents != 0 ? WORKER_READY_LOG : 0) |
         (fds[POLL_END].revents != 0 ? WORKER_READY_END : 0);
}

static void
wait_in_place (WorkerCall *call, guint timeout_ms, WorkerNews *news)
{
  HookrunWorker *self = call->worker;
  GPollFD cancel = {-1, 0, 0};
  gboolean has_cancel =
      call->cancellable != NULL && g_cancellable_make_pollfd (call->cancellable, &cancel);

  for (;;) {
    HookrunWorkerRequest *request = next_request (call);
    GError *error = NULL;
    guint ready = 0;

    if (news->lines != NULL || news->failure != NULL || news->done.length > 0) {
      g_mutex_unlock (&self->lock);
      hookrun_worker_tell (self, news);
      g_mutex_lock (&self->lock);
    }
    if (request != NULL)
      serve_in_place (call, request);
    else if (call->is_done)
      break;
    if (!call->is_done && (error = overdue (call, timeout_ms)) != NULL)
      hookrun_worker_abandon (self, call, error, news);
    else if (request == NULL)
      ready = poll_once (call, &cancel);
    if (!call->is_done)
      hookrun_worker_take_in (self, ready, news);
  }
  if (has_cancel)
    g_cancellable_release_fd (call->cancellable);
}

JsonNode *
hookrun_worker_call_full (HookrunWorker *self, const WorkerCallSpec *spec, GError **error)
{
  WorkerNews news = WORKER_NEWS_INIT;
  JsonNode *result = NULL;
  WorkerCall *call;

  g_mutex_lock (&self->lock);
  call = hookrun_worker_call_begin (self, spec, &news, error);
  if (call != NULL) {
    call->thread = g_thread_self ();
    call->wake_fd = take_wake_fd (self);
    send_call (call, &news);
    wait_in_place (call, spec->timeout_ms, &news);
    result = g_steal_pointer (&call->result);
    if (call->error != NULL)
      g_propagate_error (error, g_steal_pointer (&call->error));
    if (call->wake_fd >= 0)
      g_array_append_val (self->free_wake_fds, call->wake_fd);
    hookrun_worker_call_free (call);
  }
  g_mutex_unlock (&self->lock);
  hookrun_worker_tell (self, &news);
  return result;
}

/* ---- waiting in a main context ---- */

typedef struct {
  GSource source;
  WorkerCall *call;
  guint timeout_ms;
} CallSource;

static void
serve_inbox (WorkerCall *call, WorkerNews *news)
{
  HookrunWorker *self = call->worker;
  HookrunWorkerRequest *request;

  while ((request = pop_request (self, &call->inbox)) != NULL) {
    g_mutex_unlock (&self->lock);
    hookrun_worker_tell (self, news);
    hookrun_worker_serve (self, request);
    hookrun_worker_request_unref (request);
    g_mutex_lock (&self->lock);
  }
}

static void
finish_call (WorkerCall *call)
{
  HookrunWorker *self = call->worker;
  JsonNode *result = g_steal_pointer (&call->result);
  GError *error = g_steal_pointer (&call->error);

  call->func (self, result, error, call->user_data);
  hookrun_worker_call_free (call);
  g_object_unref (self);
}

static gboolean
call_source_dispatch (GSource *source, GSourceFunc unused, gpointer user_data)
{
  CallSource *self = (CallSource *)source;
  WorkerCall *call = self->call;
  HookrunWorker *worker = call->worker;
  WorkerNews news = WORKER_NEWS_INIT;
  GError *error = NULL;
  gboolean is_over;

  g_mutex_lock (&worker->lock);
  if (!call->is_done)
    hookrun_worker_take_in (worker, hookrun_worker_get_ready (worker), &news);
  serve_inbox (call, &news);
  if (!call->is_done && (error = overdue (call, self->timeout_ms)) != NULL)
    hookrun_worker_abandon (worker, call, error, &news);
  is_over = call->is_done && call->inbox.length == 0;
  if (is_over)
    call->source = NULL;
  else
    g_source_set_ready_time (source, next_look (call) > 0 ? next_look (call) : -1);
  g_mutex_unlock (&worker->lock);
  hookrun_worker_tell (worker, &news);
  if (!is_over)
    return G_SOURCE_CONTINUE;
  finish_call (call);
  return G_SOURCE_REMOVE;
}

static gboolean
do_nothing (GCancellable *cancellable, gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static GSource *
call_source_new (WorkerCall *call, guint timeout_ms)
{
  static GSourceFuncs funcs = {.dispatch = call_source_dispatch};
  GSource *source = g_source_new (&funcs, sizeof (CallSource));

  ((CallSource *)source)->call = call;
  ((CallSource *)source)->timeout_ms = timeout_ms;
  g_source_set_static_name (source, "hookrun worker call");
  g_source_add_unix_fd (source, call->worker->poll_fd, G_IO_IN);
  if (call->cancellable != NULL) {
    g_autoptr (GSource) cancelled = g_cancellable_source_new (call->cancellable);

    g_source_set_callback (cancelled, G_SOURCE_FUNC (do_nothing), NULL, NULL);
    g_source_add_child_source (source, cancelled);
  }
  return source;
}

typedef struct {
  HookrunWorker *worker;
  WorkerCallFunc func;
  gpointer user_data;
  GError *error;
} Refusal;

static gboolean
tell_refusal (gpointer data)
{
  Refusal *refusal = data;

  refusal->func (refusal->worker, NULL, g_steal_pointer (&refusal->error), refusal->user_data);
  return G_SOURCE_REMOVE;
}

static void
refusal_free (gpointer data)
{
  Refusal *refusal = data;

  g_clear_error (&refusal->error);
  g_object_unref (refusal->worker);
  g_free (refusal);
}

/* Callers are called back from their context, never from inside the call that starts it. */
static void
refuse_later (HookrunWorker *self, GError *error, GMainContext *context, WorkerCallFunc func,
              gpointer user_data)
{
  g_autoptr (GSource) idle = g_idle_source_new ();
  Refusal *refusal = g_new0 (Refusal, 1);

  refusal->worker = g_object_ref (self);
  refusal->func = func;
  refusal->user_data = user_data;
  refusal->error = error;
  g_source_set_priority (idle, G_PRIORITY_DEFAULT);
  g_source_set_callback (idle, tell_refusal, refusal, refusal_free);
  g_source_attach (idle, context);
}

void
hookrun_worker_call_full_async (HookrunWorker *self, const WorkerCallSpec *spec,
                                GMainContext *context, WorkerCallFunc func, gpointer user_data)
{
  WorkerNews news = WORKER_NEWS_INIT;
  GError *error = NULL;
  WorkerCall *call;

  g_mutex_lock (&self->lock);
  call = hookrun_worker_call_begin (self, spec, &news, &error);
  if (call != NULL) {
    g_autoptr (GSource) source = call_source_new (call, spec->timeout_ms);

    g_object_ref (self);
    call->func = func;
    call->user_data = user_data;
    call->source = source;
    g_source_set_ready_time (source, next_look (call) > 0 ? next_look (call) : -1);
    send_call (call, &news);
    g_source_attach (source, context);
  }
  g_mutex_unlock (&self->lock);
  hookrun_worker_tell (self, &news);
  if (call == NULL)
    refuse_later (self, error, context, func, user_data);
}
