/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls as hosts and bindings make them: JSON values in, JSON values out. */
#include "hookrun-worker-private.h"
#include "hookrun-json-private.h"

#include <string.h>

static char *
params_to_text (JsonNode *params)
{
  return params != NULL ? hookrun_json_to_string (params) : NULL;
}

/**
 * hookrun_worker_start:
 * @self: a worker
 * @error: return location for an error
 *
 * Starts the process when it does not run. Calls do this by themselves.
 *
 * Returns: %TRUE, or %FALSE with %HOOKRUN_ERROR_NOT_FOUND and the like when it cannot be started,
 *   %HOOKRUN_ERROR_CRASHED while it may not be started again yet
 *
 * Since: 1.0
 */
gboolean
hookrun_worker_start (HookrunWorker *self, GError **error)
{
  WorkerNews news = WORKER_NEWS_INIT;
  gboolean ok;

  g_return_val_if_fail (HOOKRUN_IS_WORKER (self), FALSE);

  g_mutex_lock (&self->lock);
  ok = hookrun_worker_ensure_running (self, &news, error);
  g_mutex_unlock (&self->lock);
  hookrun_worker_tell (self, &news);
  return ok;
}

/**
 * hookrun_worker_call:
 * @self: a worker
 * @method: what to do
 * @params: (nullable): a JSON object
 * @timeout_ms: milliseconds that the worker may take, without the time that the host takes to serve
 *   its requests meanwhile; 0: no limit
 * @cancellable: (nullable): ends the waiting
 * @error: return location for an error
 *
 * Calls a method and waits in place; no main loop is needed and none runs. Requests that the worker
 * makes meanwhile are served in this thread. May be called from any thread, from several at once,
 * and from inside a request handler.
 *
 * Returns: (transfer full): the answer; %NULL on error: that of the worker,
 *   %HOOKRUN_ERROR_TIMED_OUT, %HOOKRUN_ERROR_CANCELLED, or one with which the worker failed:
 *   %HOOKRUN_ERROR_CRASHED, %HOOKRUN_ERROR_PROTOCOL, %HOOKRUN_ERROR_LIMIT
 *
 * Since: 1.0
 */
JsonNode *
hookrun_worker_call (HookrunWorker *self, const char *method, JsonNode *params, guint timeout_ms,
                     GCancellable *cancellable, GError **error)
{
  g_autofree char *text = params_to_text (params);
  const WorkerCallSpec spec = {method, text, timeout_ms, cancellable, NULL};

  g_return_val_if_fail (HOOKRUN_IS_WORKER (self), NULL);
  g_return_val_if_fail (method != NULL, NULL);

  return hookrun_worker_call_full (self, &spec, error);
}

static void
return_to_task (HookrunWorker *worker, JsonNode *result, GError *error, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, result, (GDestroyNotify)json_node_unref);
}

/**
 * hookrun_worker_call_async:
 * @self: a worker
 * @method: what to do
 * @params: (nullable): a JSON object
 * @timeout_ms: milliseconds that the worker may take; 0: no limit
 * @cancellable: (nullable): ends the waiting
 * @callback: (scope async) (closure user_data): called in the thread-default main context of the
 * caller
 * @user_data: for @callback
 *
 * Calls a method without waiting. Requests that the worker makes meanwhile are served in the same
 * main context.
 *
 * Since: 1.0
 */
void
hookrun_worker_call_async (HookrunWorker *self, const char *method, JsonNode *params,
                           guint timeout_ms, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  g_autofree char *text = params_to_text (params);
  const WorkerCallSpec spec = {method, text, timeout_ms, cancellable, NULL};
  GTask *task;

  g_return_if_fail (HOOKRUN_IS_WORKER (self));
  g_return_if_fail (method != NULL);

  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, hookrun_worker_call_async);
  hookrun_worker_call_full_async (self, &spec, g_task_get_context (task), return_to_task, task);
}

/**
 * hookrun_worker_call_finish:
 * @self: a worker
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the answer of hookrun_worker_call_async().
 *
 * Returns: (transfer full): the answer; %NULL on error, see hookrun_worker_call()
 *
 * Since: 1.0
 */
JsonNode *
hookrun_worker_call_finish (HookrunWorker *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * hookrun_worker_notify:
 * @self: a worker
 * @method: what to tell
 * @params: (nullable): a JSON object
 * @error: return location for an error
 *
 * Sends a message that has no answer, without waiting until it is read.
 *
 * Returns: %TRUE, or %FALSE when the worker cannot be started or the message is too long
 *
 * Since: 1.0
 */
gboolean
hookrun_worker_notify (HookrunWorker *self, const char *method, JsonNode *params, GError **error)
{
  g_autofree char *params_text = params_to_text (params);
  g_autoptr (GString) text = g_string_new (NULL);
  WorkerNews news = WORKER_NEWS_INIT;
  gboolean ok;

  g_return_val_if_fail (HOOKRUN_IS_WORKER (self), FALSE);
  g_return_val_if_fail (method != NULL, FALSE);

  hookrun_rpc_append_call (text, 0, method, params_text);
  g_mutex_lock (&self->lock);
  ok = hookrun_worker_ensure_running (self, &news, error);
  if (ok && text->len > self->max_message) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                 "worker \"%s\": the message \"%s\" is longer than %" G_GSIZE_FORMAT " bytes",
                 self->name, method, self->max_message);
    ok = FALSE;
  }
  if (ok)
    hookrun_worker_send (self, text->str, text->len, &news);
  g_mutex_unlock (&self->lock);
  hookrun_worker_tell (self, &news);
  return ok;
}
