/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's end of the connection: lines out, lines in, and waiting for the answer to one. */
#include "hookrun-guest-private.h"
#include "hookrun-worker-private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

typedef struct {
  GSource source;
  Guest *guest;
  GIOCondition wanted;
} GuestSource;

/* ---- out ---- */

void
hookrun_guest_send (Guest *self, GString *text)
{
  g_autoptr (GError) error = NULL;

  g_mutex_lock (&self->lock);
  if (!hookrun_channel_send (&self->channel, text->str, text->len, &error))
    self->channel.broken = TRUE;
  g_mutex_unlock (&self->lock);
}

void
hookrun_guest_notify (Guest *self, const char *method, const char *params)
{
  g_autoptr (GString) text = g_string_new (NULL);

  hookrun_rpc_append_call (text, 0, method, params);
  hookrun_guest_send (self, text);
}

static gboolean
wants_write (Guest *self)
{
  gboolean wants;

  g_mutex_lock (&self->lock);
  wants = hookrun_channel_wants_write (&self->channel);
  g_mutex_unlock (&self->lock);
  return wants;
}

static void
flush (Guest *self)
{
  g_mutex_lock (&self->lock);
  hookrun_channel_flush (&self->channel);
  g_mutex_unlock (&self->lock);
}

/* ---- in ---- */

static void
message_free (gpointer data)
{
  hookrun_rpc_message_clear (data);
  g_free (data);
}

static void
end (Guest *self, HookrunError fault)
{
  self->is_over = TRUE;
  self->fault = fault;
}

static void
keep_answer (Guest *self, HookrunRpcMessage *message)
{
  HookrunRpcMessage *kept = g_new (HookrunRpcMessage, 1);
  gint64 *id = g_new (gint64, 1);

  *id = message->id;
  *kept = *message;
  memset (message, 0, sizeof *message);
  g_hash_table_replace (self->answers, id, kept);
}

/* Takes one line that was read already; FALSE when there is none. */
static gboolean
take_line (Guest *self, gboolean is_nested)
{
  g_auto (HookrunRpcMessage) message = {0};
  g_autoptr (GError) error = NULL;
  gsize length = 0;
  const char *line =
      self->is_over ? NULL : hookrun_channel_next_line (&self->channel, &length, &error);

  if (line == NULL) {
    if (error != NULL)
      end (self, (HookrunError)error->code);
    return FALSE;
  }
  if (length == 0)
    return TRUE;
  if (!hookrun_rpc_parse (line, length, self->channel.max_message, &message, &error))
    end (self, (HookrunError)error->code);
  else if (message.kind == HOOKRUN_RPC_RESULT || message.kind == HOOKRUN_RPC_ERROR)
    keep_answer (self, &message);
  else
    hookrun_guest_serve (self, &message, is_nested);
  return TRUE;
}

static void
fill (Guest *self)
{
  if (hookrun_channel_fill (&self->channel) == HOOKRUN_CHANNEL_CLOSED)
    end (self, HOOKRUN_ERROR_CONNECTION);
}

/* ---- in the main loop ---- */

static gboolean
source_prepare (GSource *source, int *timeout)
{
  GuestSource *own = (GuestSource *)source;
  GIOCondition wanted = wants_write (own->guest) ? G_IO_IN | G_IO_OUT : G_IO_IN;

  *timeout = -1;
  /* Each change wakes the context, so that one a turn would be a loop without a rest. */
  if (wanted != own->wanted)
    g_source_modify_unix_fd (source, own->guest->source_tag, wanted);
  own->wanted = wanted;
  return FALSE;
}

static gboolean
source_check (GSource *source)
{
  return g_source_query_unix_fd (source, ((GuestSource *)source)->guest->source_tag) != 0;
}

static gboolean
source_dispatch (GSource *source, GSourceFunc func, gpointer unused)
{
  Guest *self = ((GuestSource *)source)->guest;

  flush (self);
  fill (self);
  while (take_line (self, FALSE))
    hookrun_guest_serve_deferred (self, FALSE);
  return G_SOURCE_CONTINUE;
}

void
hookrun_guest_open (Guest *self, int fd)
{
  static GSourceFuncs funcs = {source_prepare, source_check, source_dispatch, NULL, NULL, NULL};

  g_mutex_init (&self->lock);
  hookrun_channel_init (&self->channel, fd, HOOKRUN_WORKER_MAX_MESSAGE, HOOKRUN_WORKER_MAX_QUEUE);
  self->answers = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, message_free);
  self->source = g_source_new (&funcs, sizeof (GuestSource));
  ((GuestSource *)self->source)->guest = self;
  ((GuestSource *)self->source)->wanted = G_IO_IN;
  self->source_tag = g_source_add_unix_fd (self->source, fd, G_IO_IN);
  g_source_attach (self->source, NULL);
}

void
hookrun_guest_close (Guest *self)
{
  HookrunRpcMessage *message;

  g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  while ((message = g_queue_pop_head (&self->deferred)) != NULL)
    message_free (message);
  g_clear_pointer (&self->answers, g_hash_table_unref);
  hookrun_channel_clear (&self->channel);
  g_mutex_clear (&self->lock);
}

/* ---- in place ---- */

static void
wait_for_more (Guest *self)
{
  struct pollfd fd = {self->channel.fd, (short)(POLLIN | (wants_write (self) ? POLLOUT : 0)), 0};

  if (poll (&fd, 1, -1) < 0 && errno != EINTR)
    end (self, HOOKRUN_ERROR_IO);
  if ((fd.revents & POLLOUT) != 0)
    flush (self);
  if ((fd.revents & ~POLLOUT) != 0)
    fill (self);
}

static gboolean
is_cancelled (Guest *self, gint64 call)
{
  for (GList *item = self->invocations.tail; call != 0 && item != NULL; item = item->prev) {
    const GuestInvocation *invocation = item->data;

    if (invocation->call == call)
      return g_cancellable_is_cancelled (invocation->cancellable);
  }
  return FALSE;
}

/* NULL without @error: it has not come yet. */
static JsonNode *
take_answer (Guest *self, gint64 id, GError **error)
{
  HookrunRpcMessage *message = g_hash_table_lookup (self->answers, &id);
  JsonNode *answer = NULL;

  if (message == NULL)
    return NULL;
  if (message->error != NULL)
    g_propagate_error (error, g_steal_pointer (&message->error));
  else
    answer =
        message->value != NULL ? g_steal_pointer (&message->value) : json_node_new (JSON_NODE_NULL);
  g_hash_table_remove (self->answers, &id);
  return answer;
}

gboolean
hookrun_guest_check_thread (Guest *self, const char *what, GError **error)
{
  if (g_thread_self () == self->thread)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED,
               "%s: a native plugin that is confined does this in the thread of its handlers only",
               what);
  return FALSE;
}

static void
send_question (Guest *self, gint64 call, const char *method, const char *params)
{
  g_autoptr (GString) text = g_string_sized_new (256);

  g_string_append_printf (
      text, "{\"jsonrpc\":\"2.0\",\"id\":%" G_GINT64_FORMAT ",\"call\":", ++self->last_id);
  if (call != 0)
    g_string_append_printf (text, "%" G_GINT64_FORMAT, call);
  else
    g_string_append (text, "null");
  g_string_append (text, ",\"method\":");
  hookrun_rpc_append_string (text, method);
  g_string_append_printf (text, ",\"params\":%s}\n", params);
  hookrun_guest_send (self, text);
}

JsonNode *
hookrun_guest_ask (Guest *self, gint64 call, const char *method, const char *params, GError **error)
{
  g_autoptr (GError) problem = NULL;
  JsonNode *answer = NULL;
  gint64 id;

  if (!hookrun_guest_check_thread (self, method, error))
    return NULL;
  send_question (self, call, method, params);
  id = self->last_id;
  while (!self->is_over && !is_cancelled (self, call)) {
    answer = take_answer (self, id, &problem);
    if (answer != NULL || problem != NULL)
      break;
    hookrun_guest_serve_deferred (self, TRUE);
    if (!take_line (self, TRUE) && !self->is_over)
      wait_for_more (self);
  }
  if (answer == NULL && problem == NULL)
    g_set_error (&problem, HOOKRUN_ERROR,
                 (int)(self->is_over ? HOOKRUN_ERROR_CONNECTION : HOOKRUN_ERROR_CANCELLED),
                 self->is_over ? "\"%s\": the host is gone" : "\"%s\": the call was cancelled",
                 method);
  if (problem != NULL)
    g_propagate_error (error, g_steal_pointer (&problem));
  return answer;
}
