/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Serves the worker protocol with native plugins: what hookrun-native-worker does, inside of the
 * sandbox that its host has started it in.
 */
#include "hookrun-engine-private.h"
#include "hookrun-guest-private.h"
#include "hookrun-loader-worker-private.h"
#include "hookrun-worker-private.h"

#include <string.h>

GuestActivation *
hookrun_guest_find_activation (Guest *self, gint64 number)
{
  for (guint i = 0; i < self->activations->len; i++) {
    GuestActivation *activation = g_ptr_array_index (self->activations, i);

    if (activation->number == number)
      return activation;
  }
  return NULL;
}

void
hookrun_guest_tell_stage (Guest *self, const char *stage)
{
  g_autoptr (GString) params = g_string_new ("{\"stage\":");

  hookrun_rpc_append_string (params, stage != NULL ? stage : "");
  g_string_append_c (params, '}');
  hookrun_guest_notify (self, "stage", params->str);
}

/* ---- what the host calls ---- */

gint64
hookrun_guest_get_int (JsonNode *params, const char *name)
{
  JsonNode *node = hookrun_worker_get_member (params, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) &&
                 json_node_get_value_type (node) == G_TYPE_INT64
             ? json_node_get_int (node)
             : 0;
}

static JsonNode *
serve_initialize (Guest *self, JsonNode *params, GError **error)
{
  g_autoptr (JsonNode) node = NULL;

  if (hookrun_guest_get_int (params, "protocol") != HOOKRUN_WORKER_PROTOCOL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL,
                 "this worker speaks version %d of the protocol only", HOOKRUN_WORKER_PROTOCOL);
    return NULL;
  }
  return json_from_string ("{\"protocol\": 1, \"worker\": {\"name\": \"hookrun-native-worker\"}}",
                           NULL);
}

static JsonNode *
serve_deactivate (Guest *self, JsonNode *params, GError **error)
{
  GuestActivation *activation =
      hookrun_guest_find_activation (self, hookrun_guest_get_int (params, "activation"));

  if (activation != NULL)
    hookrun_guest_deactivate (self, activation);
  return json_node_new (JSON_NODE_NULL);
}

static JsonNode *
serve_cancel (Guest *self, JsonNode *params, GError **error)
{
  hookrun_guest_cancel (self, hookrun_guest_get_int (params, "id"));
  return json_node_new (JSON_NODE_NULL);
}

/* The connection is closed next. */
static JsonNode *
serve_shutdown (Guest *self, JsonNode *params, GError **error)
{
  return json_node_new (JSON_NODE_NULL);
}

static const struct {
  const char *name;
  JsonNode *(*func) (Guest *self, JsonNode *params, GError **error);
} methods[] = {
    {"initialize", serve_initialize}, {"plugin.activate", hookrun_guest_activate},
    {"cancel", serve_cancel},         {"plugin.deactivate", serve_deactivate},
    {"shutdown", serve_shutdown},
};

static JsonNode *
serve_by_table (Guest *self, HookrunRpcMessage *message, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (methods); i++)
    if (g_str_equal (methods[i].name, message->method))
      return methods[i].func (self, message->value, error);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
               "a worker for native plugins has no method \"%s\"", message->method);
  return NULL;
}

static gboolean
must_wait (Guest *self, HookrunRpcMessage *message)
{
  GuestActivation *activation =
      hookrun_guest_find_activation (self, hookrun_guest_get_int (message->value, "activation"));

  return self->n_activating > 0 && (activation == NULL || !activation->is_ready);
}

static void
defer (Guest *self, HookrunRpcMessage *message)
{
  HookrunRpcMessage *kept = g_new (HookrunRpcMessage, 1);

  *kept = *message;
  memset (message, 0, sizeof *message);
  g_queue_push_tail (&self->deferred, kept);
}

void
hookrun_guest_serve (Guest *self, HookrunRpcMessage *message, gboolean is_nested)
{
  g_autoptr (GString) text = NULL;
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (GError) error = NULL;

  if (g_str_equal (message->method, "handler.call") && message->own_id != NULL) {
    if (must_wait (self, message))
      defer (self, message);
    else
      hookrun_guest_call (self, message, is_nested);
    return;
  }
  answer = serve_by_table (self, message, &error);
  if (message->own_id == NULL)
    return;
  text = g_string_new (NULL);
  if (answer != NULL)
    hookrun_rpc_append_result (text, message->own_id, answer);
  else
    hookrun_rpc_append_error (text, message->own_id, error);
  hookrun_guest_send (self, text);
}

void
hookrun_guest_serve_deferred (Guest *self, gboolean is_nested)
{
  HookrunRpcMessage *message;

  while (self->n_activating == 0 && (message = g_queue_pop_head (&self->deferred)) != NULL) {
    hookrun_guest_serve (self, message, is_nested);
    hookrun_rpc_message_clear (message);
    g_free (message);
  }
}

/* ---- what the plugins say ---- */

static void
on_log (HookrunEngine *engine, HookrunPlugin *plugin, HookrunLogLevel level, const char *text,
        Guest *self)
{
  static const char *const names[] = {
      [HOOKRUN_LOG_DEBUG] = "debug",
      [HOOKRUN_LOG_INFO] = "info",
      [HOOKRUN_LOG_WARNING] = "warning",
      [HOOKRUN_LOG_ERROR] = "error",
  };
  g_autoptr (GString) params = g_string_new (NULL);

  g_string_append_printf (params,
                          "{\"level\":\"%s\",\"message\":", names[MIN (level, HOOKRUN_LOG_ERROR)]);
  hookrun_rpc_append_string (params, text);
  g_string_append_c (params, '}');
  hookrun_guest_notify (self, "log", params->str);
}

/* ---- the whole ---- */

static void
set_up (Guest *self, int fd)
{
  self->thread = g_thread_self ();
  g_queue_init (&self->deferred);
  g_queue_init (&self->invocations);
  self->registry = hookrun_registry_new ();
  hookrun_registry_set_mirror (self->registry, &hookrun_guest_mirror, self);
  self->engine = hookrun_engine_new (self->registry);
  self->engine->call_host = hookrun_guest_call_method;
  self->engine->call_host_data = self;
  g_signal_connect (self->engine, "log", G_CALLBACK (on_log), self);
  self->scope = hookrun_scope_new ("host");
  self->rest =
      hookrun_handler_new (NULL, NULL, "default", NULL, hookrun_guest_run_rest, self, NULL);
  self->modules = g_ptr_array_new_with_free_func (hookrun_guest_module_free);
  self->activations = g_ptr_array_new_with_free_func (hookrun_guest_activation_free);
  hookrun_guest_open (self, fd);
}

/* Handlers that are pending learn that nobody waits for them; it needs a few turns, never a wait.
 */
static void
end_calls (Guest *self)
{
  guint turns = 0;

  for (GList *item = self->invocations.head; item != NULL; item = item->next)
    g_cancellable_cancel (((GuestInvocation *)item->data)->cancellable);
  while (self->invocations.length > 0 && turns++ < 1000)
    g_main_context_iteration (NULL, FALSE);
  g_queue_clear (&self->invocations);
}

static void
tear_down (Guest *self)
{
  end_calls (self);
  while (self->activations->len > 0)
    hookrun_guest_deactivate (self, g_ptr_array_index (self->activations, 0));
  g_ptr_array_unref (self->activations);
  hookrun_handler_unref (self->rest);
  g_object_unref (self->scope);
  g_signal_handlers_disconnect_by_data (self->engine, self);
  g_object_unref (self->engine);
  g_object_unref (self->registry);
  g_ptr_array_unref (self->modules);
  hookrun_guest_close (self);
}

/**
 * hookrun_worker_serve_native:
 * @fd: the worker's end of the connection: a stream socket, descriptor 3 for a program that a host
 *   has started; taken
 * @error: return location for an error
 *
 * Serves the worker protocol (version 1) with native plugins until the host closes the connection:
 * opens the shared objects that it names, activates them and calls their handlers. This is all that
 * the program `hookrun-native-worker` does, which the library starts for a native plugin with a
 * policy; other programs hardly need it. It blocks and iterates the default main context; the
 * plugins run in the thread that calls it. Call it once in a process.
 *
 * Returns: %TRUE when the host has closed the connection; %FALSE with %HOOKRUN_ERROR_PROTOCOL,
 *   %HOOKRUN_ERROR_LIMIT or %HOOKRUN_ERROR_IO when that broke
 *
 * Since: 1.0
 */
gboolean
hookrun_worker_serve_native (int fd, GError **error)
{
  Guest self = {0};
  HookrunError fault;

  g_return_val_if_fail (fd >= 0, FALSE);
  set_up (&self, fd);
  while (!self.is_over)
    g_main_context_iteration (NULL, TRUE);
  fault = self.fault;
  tear_down (&self);
  if (fault == HOOKRUN_ERROR_CONNECTION)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, (int)fault, "the connection to the host broke");
  return FALSE;
}
