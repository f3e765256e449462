/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Takes in what a worker sends and hands it to whom it is for: answers to calls, requests to the
 * call on whose behalf they come, printed lines to the log. Whatever breaks the protocol or a limit
 * breaks the worker, and only it.
 */
#include "hookrun-worker-private.h"

#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>

#define MAX_READS_A_TURN 16
#define END_WAIT_MS 200
#define MAX_WATCHED 4
#define MAX_STAGE 80

typedef struct {
  guint level;
  char *text;
} WorkerLine;

static const struct {
  const char *name;
  HookrunLogLevel level;
} level_names[] = {
    {"debug", HOOKRUN_LOG_DEBUG},
    {"info", HOOKRUN_LOG_INFO},
    {"warning", HOOKRUN_LOG_WARNING},
    {"error", HOOKRUN_LOG_ERROR},
};

/* ---- news ---- */

static void
line_free (gpointer data)
{
  WorkerLine *line = data;

  g_free (line->text);
  g_free (line);
}

void
hookrun_worker_add_line (guint level, const char *text, gpointer data)
{
  WorkerNews *news = data;
  WorkerLine *line = g_new (WorkerLine, 1);

  line->level = level;
  line->text = g_strdup (text);
  if (news->lines == NULL)
    news->lines = g_ptr_array_new_with_free_func (line_free);
  g_ptr_array_add (news->lines, line);
}

void
hookrun_worker_tell (HookrunWorker *self, WorkerNews *news)
{
  g_autoptr (GPtrArray) lines = g_steal_pointer (&news->lines);
  g_autoptr (GError) failure = g_steal_pointer (&news->failure);
  WorkerCall *call;

  for (guint i = 0; lines != NULL && i < lines->len; i++) {
    const WorkerLine *line = lines->pdata[i];

    g_signal_emit_by_name (self, "log", line->level, line->text);
  }
  while ((call = g_queue_pop_head (&news->done)) != NULL) {
    call->func (self, g_steal_pointer (&call->result), g_steal_pointer (&call->error),
                call->user_data);
    hookrun_worker_call_free (call);
  }
  if (failure != NULL)
    g_signal_emit_by_name (self, "failed", failure);
}

G_GNUC_PRINTF (4, 5)
static void
break_with (HookrunWorker *self, WorkerNews *news, HookrunError code, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  hookrun_worker_break (self, g_error_new_literal (HOOKRUN_ERROR, (int)code, text),
                        code == HOOKRUN_ERROR_CRASHED, news);
}

/* ---- answers ---- */

static WorkerCall *
find_call (HookrunWorker *self, gint64 id)
{
  for (GList *item = self->calls.tail; item != NULL; item = item->prev)
    if (((WorkerCall *)item->data)->id == id)
      return item->data;
  return NULL;
}

static void
take_late_answer (HookrunWorker *self, HookrunRpcMessage *message, WorkerNews *news)
{
  g_autofree char *text = NULL;

  if (!g_hash_table_remove (self->abandoned, &message->id)) {
    break_with (self, news, HOOKRUN_ERROR_PROTOCOL,
                "broke the protocol: it answered call %" G_GINT64_FORMAT
                ", which is not open; it was stopped",
                message->id);
    return;
  }
  if (g_hash_table_size (self->abandoned) == 0)
    self->hung_at = 0;
  text = g_strdup_printf ("the answer to call %" G_GINT64_FORMAT " came too late and was dropped",
                          message->id);
  hookrun_worker_add_line (HOOKRUN_LOG_WARNING, text, news);
}

static void
take_answer (HookrunWorker *self, HookrunRpcMessage *message, WorkerNews *news)
{
  WorkerCall *call = find_call (self, message->id);

  if (call == NULL) {
    take_late_answer (self, message, news);
    return;
  }
  g_queue_remove (&self->calls, call);
  hookrun_worker_call_done (call, message->error == NULL ? g_steal_pointer (&message->value) : NULL,
                            g_steal_pointer (&message->error), news);
}

/* ---- requests ---- */

static const char *
get_text (JsonNode *params, const char *name)
{
  JsonNode *node =
      params != NULL ? json_object_get_member (json_node_get_object (params), name) : NULL;

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) &&
                 json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

/* The lines of one message; they count like printed ones. */
static void
take_log (HookrunWorker *self, JsonNode *params, WorkerNews *news)
{
  const char *level_name = get_text (params, "level");
  const char *text = get_text (params, "message");
  HookrunLogLevel level = HOOKRUN_LOG_INFO;
  g_auto (GStrv) lines = NULL;

  if (text == NULL) {
    break_with (self, news, HOOKRUN_ERROR_PROTOCOL,
                "broke the protocol: \"log\" needs a text \"message\"; it was stopped");
    return;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (level_names); i++)
    if (g_strcmp0 (level_name, level_names[i].name) == 0)
      level = level_names[i].level;
  lines = g_strsplit (text, "\n", HOOKRUN_WORKER_MAX_LOG_RATE);
  for (char **line = lines; *line != NULL; line++) {
    g_autofree char *clean = NULL;

    if (!hookrun_worker_log_admit (&self->log, hookrun_worker_add_line, news))
      continue;
    clean =
        hookrun_rpc_clean_text (*line, (gssize)strnlen (*line, HOOKRUN_WORKER_MAX_LOG_LINE), FALSE);
    hookrun_worker_add_line (level, clean, news);
  }
}

static void
take_stage (HookrunWorker *self, JsonNode *params)
{
  const char *text = get_text (params, "stage");

  g_clear_pointer (&self->stage, g_free);
  if (text != NULL && *text != '\0')
    self->stage = hookrun_rpc_clean_text (text, (gssize)strnlen (text, MAX_STAGE), FALSE);
}

static WorkerCall *
innermost_call (HookrunWorker *self)
{
  for (GList *item = self->calls.tail; item != NULL; item = item->prev) {
    WorkerCall *call = item->data;

    if (call->thread != NULL || call->source != NULL)
      return call;
  }
  return NULL;
}

static void
refuse (HookrunWorker *self, HookrunRpcMessage *message, WorkerNews *news)
{
  g_autoptr (GError) error =
      g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
                   "call %" G_GINT64_FORMAT " is not open any more", message->call);
  g_autoptr (GString) text = g_string_new (NULL);

  if (message->own_id == NULL)
    return;
  hookrun_rpc_append_error (text, message->own_id, error);
  hookrun_worker_send (self, text->str, text->len, news);
}

static void
route (HookrunWorker *self, HookrunRpcMessage *message, WorkerNews *news)
{
  WorkerCall *call = message->has_call ? find_call (self, message->call) : innermost_call (self);
  gboolean is_for_call = !message->has_call || message->call != 0;
  HookrunWorkerRequest *request;

  if (message->has_call && message->call != 0 && call == NULL) {
    refuse (self, message, news);
    return;
  }
  /* A call that nobody waits for cannot serve; it belongs to the start of the worker. */
  if (call != NULL && call->thread == NULL && call->source == NULL)
    call = innermost_call (self);
  if (call != NULL && ++call->n_requests > HOOKRUN_WORKER_MAX_CALL_REQUESTS) {
    break_with (self, news, HOOKRUN_ERROR_LIMIT,
                "made more than %d requests during one call; it was stopped",
                HOOKRUN_WORKER_MAX_CALL_REQUESTS);
    return;
  }
  if (message->own_id != NULL)
    g_hash_table_add (self->incoming, g_strdup (message->own_id));
  request = hookrun_worker_request_new (self, message, is_for_call ? call : NULL);
  self->n_waiting++;
  if (is_for_call && call != NULL) {
    g_queue_push_tail (&call->inbox, request);
    hookrun_worker_call_wake (call);
    return;
  }
  g_queue_push_tail (&self->inbox, request);
  if (self->home != NULL)
    g_source_set_ready_time (self->home, 0);
}

static void
take_request (HookrunWorker *self, HookrunRpcMessage *message, WorkerNews *news)
{
  if (message->kind == HOOKRUN_RPC_NOTIFICATION && g_str_equal (message->method, "log"))
    take_log (self, message->value, news);
  else if (message->kind == HOOKRUN_RPC_NOTIFICATION && g_str_equal (message->method, "stage"))
    take_stage (self, message->value);
  else if (message->own_id != NULL && g_hash_table_contains (self->incoming, message->own_id))
    break_with (self, news, HOOKRUN_ERROR_PROTOCOL,
                "broke the protocol: it used the id %s for two open requests; it was stopped",
                message->own_id);
  else if (self->n_waiting >= HOOKRUN_WORKER_MAX_REQUESTS)
    break_with (self, news, HOOKRUN_ERROR_LIMIT,
                "made more than %d requests at once; it was stopped", HOOKRUN_WORKER_MAX_REQUESTS);
  else
    route (self, message, news);
}

/* ---- reading ---- */

static void
take_line (HookrunWorker *self, const char *line, gsize length, WorkerNews *news)
{
  g_auto (HookrunRpcMessage) message = {0};
  g_autoptr (GError) error = NULL;

  if (!hookrun_rpc_parse (line, length, self->max_message, &message, &error))
    break_with (self, news,
                error->code == HOOKRUN_ERROR_LIMIT ? HOOKRUN_ERROR_LIMIT : HOOKRUN_ERROR_PROTOCOL,
                "broke the protocol: %s; it was stopped", error->message);
  else if (message.kind == HOOKRUN_RPC_RESULT || message.kind == HOOKRUN_RPC_ERROR)
    take_answer (self, &message, news);
  else
    take_request (self, &message, news);
}

static void
take_lines (HookrunWorker *self, WorkerNews *news)
{
  while (self->is_running) {
    g_autoptr (GError) error = NULL;
    gsize length = 0;
    const char *line = hookrun_channel_next_line (&self->channel, &length, &error);

    if (error != NULL)
      break_with (self, news, HOOKRUN_ERROR_LIMIT, "%s; it was stopped", error->message);
    if (line == NULL)
      return;
    if (length > 0)
      take_line (self, line, length, news);
  }
}

/* A read that did not fill its chunk took all there was: asking again would only say so. */
static HookrunChannelState
read_channel (HookrunWorker *self, WorkerNews *news)
{
  HookrunChannelState state = HOOKRUN_CHANNEL_DATA;

  if (self->closed_until != 0)
    return HOOKRUN_CHANNEL_CLOSED;
  for (guint i = 0; i < MAX_READS_A_TURN && self->is_running && state == HOOKRUN_CHANNEL_DATA;
       i++) {
    state = hookrun_channel_fill (&self->channel);
    take_lines (self, news);
    if (self->is_running && !self->channel.was_full)
      break;
  }
  return state;
}

/* The connection is closed; the process has a moment to end, so that the message can say how. */
static void
note_closed (HookrunWorker *self, WorkerNews *news)
{
  if (self->process == NULL) {
    break_with (self, news, HOOKRUN_ERROR_CRASHED, "closed its connection");
    return;
  }
  epoll_ctl (self->poll_fd, EPOLL_CTL_DEL, self->channel.fd, NULL);
  self->closed_until = g_get_monotonic_time () + END_WAIT_MS * 1000;
}

/* What it sent before it ended fits into the turn's reads: a socket holds less. */
static void
take_end (HookrunWorker *self, WorkerNews *news)
{
  read_channel (self, news);
  if (self->is_running)
    break_with (self, news, HOOKRUN_ERROR_CRASHED, "ended");
}

static void
check_clock (HookrunWorker *self, WorkerNews *news)
{
  gint64 now = self->closed_until != 0 || self->hung_at != 0 ? g_get_monotonic_time () : 0;

  if (self->closed_until != 0 && now >= self->closed_until)
    break_with (self, news, HOOKRUN_ERROR_CRASHED, "closed its connection");
  else if (self->hung_at != 0 && now >= self->hung_at)
    break_with (self, news, HOOKRUN_ERROR_TIMED_OUT,
                "did not answer within %u ms after a deadline and was killed", self->grace_ms);
}

static void
watch_write (HookrunWorker *self)
{
  gboolean wants = hookrun_channel_wants_write (&self->channel);
  struct epoll_event event = {.events = EPOLLIN | (wants ? EPOLLOUT : 0u),
                              .data.fd = self->channel.fd};

  if (wants == self->polls_write || self->closed_until != 0)
    return;
  self->polls_write = wants;
  epoll_ctl (self->poll_fd, EPOLL_CTL_MOD, self->channel.fd, &event);
}

guint
hookrun_worker_get_ready (HookrunWorker *self)
{
  struct epoll_event events[MAX_WATCHED];
  int process_fd = hookrun_worker_process_get_fd (self->process);
  int n = self->is_running ? epoll_wait (self->poll_fd, events, MAX_WATCHED, 0) : 0;
  guint ready = 0;

  for (int i = 0; i < n; i++)
    ready |= events[i].data.fd == process_fd         ? WORKER_READY_END
             : events[i].data.fd == self->channel.fd ? WORKER_READY_MESSAGES
                                                     : WORKER_READY_LOG;
  return ready;
}

void
hookrun_worker_take_in (HookrunWorker *self, guint ready, WorkerNews *news)
{
  gboolean has_ended = (ready & WORKER_READY_END) != 0;

  if (!self->is_running)
    return;
  if ((ready & WORKER_READY_LOG) != 0)
    hookrun_worker_log_read (&self->log, hookrun_worker_add_line, news);
  if ((ready & WORKER_READY_MESSAGES) != 0) {
    hookrun_channel_flush (&self->channel);
    if (read_channel (self, news) == HOOKRUN_CHANNEL_CLOSED && self->is_running && !has_ended &&
        self->closed_until == 0)
      note_closed (self, news);
  }
  if (self->is_running && has_ended)
    take_end (self, news);
  if (self->is_running)
    check_clock (self, news);
  if (self->is_running)
    watch_write (self);
}

gint64
hookrun_worker_next_turn (HookrunWorker *self)
{
  if (self->closed_until == 0 || self->hung_at == 0)
    return MAX (self->closed_until, self->hung_at);
  return MIN (self->closed_until, self->hung_at);
}

/* ---- sending ---- */

void
hookrun_worker_send (HookrunWorker *self, const char *text, gsize length, WorkerNews *news)
{
  g_autoptr (GError) error = NULL;

  if (!self->is_running || self->closed_until != 0)
    return;
  if (!hookrun_channel_send (&self->channel, text, length, &error)) {
    break_with (self, news, HOOKRUN_ERROR_LIMIT, "%s; it was stopped", error->message);
    return;
  }
  watch_write (self);
}

void
hookrun_worker_abandon (HookrunWorker *self, WorkerCall *call, GError *error, WorkerNews *news)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *params = g_strdup_printf ("{\"id\":%" G_GINT64_FORMAT "}", call->id);
  gint64 *id = g_new (gint64, 1);

  *id = call->id;
  g_hash_table_add (self->abandoned, id);
  g_queue_remove (&self->calls, call);
  if (self->hung_at == 0)
    self->hung_at = g_get_monotonic_time () + (gint64)self->grace_ms * 1000;
  if (self->home != NULL)
    g_source_set_ready_time (self->home, hookrun_worker_next_turn (self));
  hookrun_rpc_append_call (text, 0, "cancel", params);
  hookrun_worker_call_done (call, NULL, error, news);
  hookrun_worker_send (self, text->str, text->len, news);
}
