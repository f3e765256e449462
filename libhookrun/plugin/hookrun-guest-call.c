/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call of a handler in the guest. It is an emission of two: the handler, and a second one that
 * stands for all that the host has behind it. Proceeding runs that one, which asks the host.
 */
#include "hookrun-data-private.h"
#include "hookrun-event-private.h"
#include "hookrun-guest-private.h"
#include "hookrun-json-private.h"
#include "hookrun-loader-worker-private.h"

#include <stdlib.h>

/* ---- open calls ---- */

gint64
hookrun_guest_get_open_call (Guest *self)
{
  const GuestInvocation *innermost = g_queue_peek_tail (&self->invocations);

  return innermost != NULL ? innermost->call : 0;
}

GuestInvocation *
hookrun_guest_find_invocation (Guest *self, HookrunData *data)
{
  for (GList *item = self->invocations.tail; data != NULL && item != NULL; item = item->prev)
    if (((GuestInvocation *)item->data)->data == data)
      return item->data;
  return NULL;
}

static GuestInvocation *
find_by_list (Guest *self, const HookrunList *list)
{
  for (GList *item = self->invocations.tail; item != NULL; item = item->prev)
    if (((GuestInvocation *)item->data)->list == list)
      return item->data;
  return NULL;
}

void
hookrun_guest_cancel (Guest *self, gint64 call)
{
  for (GList *item = self->invocations.tail; item != NULL; item = item->prev) {
    GuestInvocation *invocation = item->data;

    if (invocation->call == call)
      g_cancellable_cancel (invocation->cancellable);
  }
}

static void
invocation_free (GuestInvocation *self)
{
  g_queue_remove (&self->guest->invocations, self);
  hookrun_list_unref (self->list);
  g_clear_pointer (&self->data, hookrun_data_unref);
  g_clear_pointer (&self->before, json_node_unref);
  g_object_unref (self->cancellable);
  g_free (self->own_id);
  g_free (self->behind);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GuestInvocation, invocation_free)

/* ---- data ---- */

JsonNode *
hookrun_guest_get_patch (GuestInvocation *self, GError **error)
{
  g_autoptr (JsonNode) now = NULL;

  if (self->data == NULL) {
    JsonNode *nothing = json_node_new (JSON_NODE_OBJECT);

    json_node_take_object (nothing, json_object_new ());
    return nothing;
  }
  now = hookrun_data_to_json (self->data, TRUE);
  return hookrun_json_diff (self->before, now, error);
}

gboolean
hookrun_guest_take_data (GuestInvocation *self, JsonNode *values, GError **error)
{
  if (self->data == NULL || values == NULL)
    return TRUE;
  if (!hookrun_data_replace_json (self->data, values, error)) {
    g_prefix_error (error, "what the host sent: ");
    return FALSE;
  }
  g_clear_pointer (&self->before, json_node_unref);
  self->before = hookrun_data_to_json (self->data, TRUE);
  return TRUE;
}

/* ---- what the host has behind the handler ---- */

HookrunVerdict
hookrun_guest_read_verdict (JsonNode *answer, GError **error)
{
  const char *name = hookrun_worker_get_text (answer, "verdict");

  if (g_strcmp0 (name, "continue") == 0)
    return HOOKRUN_CONTINUE;
  if (g_strcmp0 (name, "handled") == 0)
    return HOOKRUN_HANDLED;
  g_propagate_error (error,
                     hookrun_worker_read_error (hookrun_worker_get_member (answer, "error")));
  return HOOKRUN_FAILED;
}

static JsonNode *
ask_to_proceed (GuestInvocation *invocation, GError **error)
{
  g_autoptr (JsonNode) patch = hookrun_guest_get_patch (invocation, error);
  g_autofree char *text = patch != NULL ? hookrun_json_to_string (patch) : NULL;
  g_autofree char *params = patch != NULL ? g_strdup_printf ("{\"patch\":%s}", text) : NULL;

  return params != NULL ? hookrun_guest_ask (invocation->guest, invocation->call, "event.proceed",
                                             params, error)
                        : NULL;
}

static HookrunVerdict
proceed (GuestInvocation *invocation, GError **error)
{
  g_autoptr (JsonNode) answer = ask_to_proceed (invocation, error);
  HookrunVerdict verdict = HOOKRUN_FAILED;

  if (answer == NULL ||
      !hookrun_guest_take_data (invocation, hookrun_worker_get_member (answer, "data"), error))
    return HOOKRUN_FAILED;
  verdict = hookrun_guest_read_verdict (answer, error);
  if (verdict == HOOKRUN_FAILED && error != NULL && *error != NULL) {
    g_free (invocation->behind);
    invocation->behind = g_strdup ((*error)->message);
  }
  return verdict;
}

HookrunVerdict
hookrun_guest_run_rest (HookrunEvent *event, gpointer data)
{
  GuestInvocation *invocation = find_by_list (data, event->run->list);
  GError *error = NULL;
  HookrunVerdict verdict;

  if (event->run == invocation->run) {
    invocation->fell_through = TRUE;
    return HOOKRUN_CONTINUE;
  }
  verdict = proceed (invocation, &error);
  return verdict != HOOKRUN_FAILED ? verdict : hookrun_event_take_error (event, error);
}

HookrunVerdict
hookrun_guest_run_handler (HookrunEvent *event, gpointer data)
{
  GuestHandler *self = data;
  GuestInvocation *invocation = find_by_list (self->guest, event->run->list);

  invocation->run = event->run;
  return self->func (event, self->user_data);
}

/* ---- the answer ---- */

static JsonNode *
describe_end (GuestInvocation *self, HookrunVerdict verdict, const GError *error)
{
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (GError) problem = NULL;
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonNode *patch = NULL;

  if (verdict != HOOKRUN_FAILED) {
    patch = hookrun_guest_get_patch (self, &problem);
    if (patch == NULL) {
      verdict = HOOKRUN_FAILED;
      error = problem;
    }
  }
  json_object_set_string_member (object, "verdict", hookrun_worker_verdict_name (verdict));
  if (patch != NULL)
    json_object_set_member (object, "patch", patch);
  /* What failed behind the handler is the host's own to tell. */
  else if (error != NULL && g_strcmp0 (self->behind, error->message) != 0)
    json_object_set_object_member (object, "error", hookrun_worker_error_to_json (error));
  json_node_set_object (node, object);
  return node;
}

/* Takes @self and @error (nullable). */
static void
answer (GuestInvocation *self, HookrunVerdict verdict, GError *error)
{
  g_autoptr (GuestInvocation) invocation = self;
  g_autoptr (GError) owned = error;
  g_autoptr (GString) text = g_string_sized_new (256);
  g_autoptr (JsonNode) node = describe_end (invocation, verdict, error);

  hookrun_rpc_append_result (text, invocation->own_id, node);
  hookrun_guest_send (invocation->guest, text);
}

static void
on_emitted (GObject *signal, GAsyncResult *result, gpointer invocation)
{
  GError *error = NULL;
  HookrunVerdict verdict = hookrun_signal_emit_finish (HOOKRUN_SIGNAL (signal), result, &error);

  answer (invocation, verdict, error);
}

/* ---- the call ---- */

static gboolean
read_data (GuestInvocation *self, JsonNode *params, GError **error)
{
  JsonNode *values = hookrun_worker_get_member (params, "data");

  if (values == NULL)
    return TRUE;
  self->data = hookrun_data_new (hookrun_signal_get_schema (self->signal));
  return hookrun_guest_take_data (self, values, error);
}

static HookrunList *
make_list (Guest *self, GuestHandler *handler)
{
  HookrunList *list = g_malloc0 (sizeof (HookrunList) + 2 * sizeof (HookrunHandler *));

  list->ref_count = 1;
  list->n_handlers = 2;
  list->handlers[0] = hookrun_handler_ref (handler->handler);
  list->handlers[1] = hookrun_handler_ref (self->rest);
  return list;
}

static GuestHandler *
find_handler (Guest *self, JsonNode *params, GError **error)
{
  const char *signal = hookrun_worker_get_text (params, "signal");
  const char *name = hookrun_worker_get_text (params, "handler");
  GuestActivation *activation =
      hookrun_guest_find_activation (self, hookrun_guest_get_int (params, "activation"));
  GuestHandler *handler = activation != NULL && signal != NULL && name != NULL
                              ? hookrun_guest_find_handler (activation, signal, name)
                              : NULL;

  if (handler == NULL)
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
                 "there is no handler \"%s\" of signal \"%s\"", name != NULL ? name : "",
                 signal != NULL ? signal : "");
  return handler;
}

static void
set_timeout (GuestHandler *handler, JsonNode *params)
{
  JsonNode *emission = hookrun_worker_get_member (params, "emission");

  handler->handler->timeout_ms =
      (guint)CLAMP (hookrun_guest_get_int (emission, "timeout_ms"), 0, G_MAXINT);
}

static GuestInvocation *
invocation_new (Guest *self, HookrunRpcMessage *message, GError **error)
{
  GuestHandler *handler = find_handler (self, message->value, error);
  HookrunSignal *signal =
      handler != NULL ? hookrun_registry_lookup (self->registry, handler->signal) : NULL;
  g_autoptr (GuestInvocation) invocation = NULL;

  if (handler == NULL)
    return NULL;
  set_timeout (handler, message->value);
  invocation = g_new0 (GuestInvocation, 1);
  invocation->guest = self;
  invocation->call = g_ascii_strtoll (message->own_id, NULL, 10);
  invocation->own_id = g_strdup (message->own_id);
  invocation->cancellable = g_cancellable_new ();
  invocation->list = make_list (self, handler);
  g_queue_push_tail (&self->invocations, invocation);
  /* One that was defined after this plugin was activated is looked up on behalf of this call. */
  if (signal == NULL)
    signal = hookrun_guest_mirror.find (handler->signal, self);
  invocation->signal = signal;
  if (signal == NULL)
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
                 "the host does not describe its signal \"%s\"", handler->signal);
  if (signal == NULL || !read_data (invocation, message->value, error))
    return NULL;
  return g_steal_pointer (&invocation);
}

/* A handler that is called while another one waits must end before that goes on; else the main loop
 * goes on while one is pending. */
void
hookrun_guest_call (Guest *self, HookrunRpcMessage *message, gboolean is_nested)
{
  const char *subject = hookrun_worker_get_text (message->value, "subject");
  GError *error = NULL;
  GuestInvocation *invocation = invocation_new (self, message, &error);
  HookrunVerdict verdict;

  if (invocation == NULL) {
    g_autoptr (GString) text = g_string_new (NULL);

    hookrun_rpc_append_error (text, message->own_id, error);
    hookrun_guest_send (self, text);
    g_error_free (error);
    return;
  }
  if (!is_nested) {
    hookrun_signal_emit_list_async (invocation->signal, invocation->list, subject, invocation->data,
                                    invocation->cancellable, on_emitted, invocation);
    return;
  }
  verdict = hookrun_signal_emit_list (invocation->signal, invocation->list, subject,
                                      invocation->data, invocation->cancellable, &error);
  answer (invocation, verdict, error);
}
