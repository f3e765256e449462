/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests of a worker: handed to the host's handler and answered once, from any thread. While the
 * host works for a call, that call's clock stands: a deadline is for the worker's time, not for
 * ours.
 */
#include "hookrun-worker-private.h"

#include <string.h>

/* clang-format off */
G_DEFINE_BOXED_TYPE (HookrunWorkerRequest, hookrun_worker_request, hookrun_worker_request_ref,
                     hookrun_worker_request_unref)
/* clang-format on */

HookrunWorkerRequest *
hookrun_worker_request_new (HookrunWorker *self, HookrunRpcMessage *message, const WorkerCall *call)
{
  HookrunWorkerRequest *request = g_new0 (HookrunWorkerRequest, 1);

  g_atomic_ref_count_init (&request->ref_count);
  request->worker = self;
  request->generation = self->generation;
  request->own_id = g_steal_pointer (&message->own_id);
  request->method = g_steal_pointer (&message->method);
  request->params = g_steal_pointer (&message->value);
  request->call = call != NULL ? call->id : 0;
  request->tag = call != NULL ? call->tag : NULL;
  return request;
}

gpointer
hookrun_worker_request_get_tag (HookrunWorkerRequest *self)
{
  return self->tag;
}

/* ---- the clock of the call ---- */

static WorkerCall *
find_call (HookrunWorkerRequest *request)
{
  for (GList *item = request->worker->calls.tail; item != NULL; item = item->prev)
    if (((WorkerCall *)item->data)->id == request->call)
      return item->data;
  return NULL;
}

static void
stop_clock (HookrunWorkerRequest *request)
{
  WorkerCall *call = find_call (request);

  if (call != NULL && call->n_in_service++ == 0)
    call->paused_at = g_get_monotonic_time ();
}

static void
start_clock (HookrunWorkerRequest *request)
{
  WorkerCall *call = find_call (request);

  if (call == NULL || --call->n_in_service > 0)
    return;
  if (call->deadline != 0)
    call->deadline += g_get_monotonic_time () - call->paused_at;
  if (call->source != NULL)
    hookrun_worker_call_wake (call);
}

/* ---- serving and answering ---- */

void
hookrun_worker_serve (HookrunWorker *self, HookrunWorkerRequest *request)
{
  g_autoptr (GError) error = NULL;

  request->holds_worker = TRUE;
  g_object_ref (self);
  g_mutex_lock (&self->lock);
  stop_clock (request);
  g_mutex_unlock (&self->lock);
  if (self->request_func != NULL) {
    self->request_func (self, request, self->request_data);
    if (request->own_id == NULL)
      hookrun_worker_request_answer (request, NULL);
    return;
  }
  error = g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED, "the host serves no \"%s\"",
                       request->method);
  hookrun_worker_request_fail (request, error);
}

static void
append_answer (HookrunWorker *self, GString *text, HookrunWorkerRequest *request, JsonNode *result,
               const GError *error)
{
  g_autoptr (GError) too_long = NULL;

  if (error != NULL)
    hookrun_rpc_append_error (text, request->own_id, error);
  else
    hookrun_rpc_append_result (text, request->own_id, result);
  if (text->len <= self->max_message)
    return;
  too_long = g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                          "the answer to \"%s\" would be longer than %" G_GSIZE_FORMAT " bytes",
                          request->method, self->max_message);
  g_string_truncate (text, 0);
  hookrun_rpc_append_error (text, request->own_id, too_long);
}

static void
answer (HookrunWorkerRequest *request, JsonNode *result, const GError *error)
{
  HookrunWorker *self = request->worker;
  WorkerNews news = WORKER_NEWS_INIT;

  g_mutex_lock (&self->lock);
  if (!request->is_answered && self->is_running && request->generation == self->generation) {
    start_clock (request);
    if (request->own_id != NULL) {
      g_autoptr (GString) text = g_string_new (NULL);

      g_hash_table_remove (self->incoming, request->own_id);
      append_answer (self, text, request, result, error);
      hookrun_worker_send (self, text->str, text->len, &news);
    }
  }
  request->is_answered = TRUE;
  g_mutex_unlock (&self->lock);
  hookrun_worker_tell (self, &news);
}

/**
 * hookrun_worker_request_answer:
 * @self: a request
 * @result: (nullable): the answer; %NULL is JSON null
 *
 * Answers a request. Only the first answer counts; one for a worker that has ended meanwhile is
 * dropped. May be called from any thread.
 *
 * Since: 1.0
 */
void
hookrun_worker_request_answer (HookrunWorkerRequest *self, JsonNode *result)
{
  g_return_if_fail (self != NULL);

  answer (self, result, NULL);
}

/**
 * hookrun_worker_request_fail:
 * @self: a request
 * @error: why it is not done
 *
 * Answers a request with an error: its code becomes one of the protocol's, its message goes along.
 * May be called from any thread.
 *
 * Since: 1.0
 */
void
hookrun_worker_request_fail (HookrunWorkerRequest *self, const GError *error)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (error != NULL);

  answer (self, NULL, error);
}

/**
 * hookrun_worker_request_get_method:
 * @self: a request
 *
 * Gets the name of what is asked for; at most 256 bytes.
 *
 * Returns: (transfer none): the method
 *
 * Since: 1.0
 */
const char *
hookrun_worker_request_get_method (HookrunWorkerRequest *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->method;
}

/**
 * hookrun_worker_request_get_params:
 * @self: a request
 *
 * Gets the parameters: untrusted, within the limits of size and depth.
 *
 * Returns: (transfer none) (nullable): a JSON object
 *
 * Since: 1.0
 */
JsonNode *
hookrun_worker_request_get_params (HookrunWorkerRequest *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->params;
}

/**
 * hookrun_worker_request_is_notification:
 * @self: a request
 *
 * Tells whether no answer is expected. Answering all the same does no harm.
 *
 * Returns: whether it is a notification
 *
 * Since: 1.0
 */
gboolean
hookrun_worker_request_is_notification (HookrunWorkerRequest *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->own_id == NULL;
}

/**
 * hookrun_worker_request_ref:
 * @self: a request
 *
 * Takes a reference, to answer later.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
HookrunWorkerRequest *
hookrun_worker_request_ref (HookrunWorkerRequest *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/**
 * hookrun_worker_request_unref:
 * @self: (transfer full): a request
 *
 * Drops a reference. The last one answers with an error when nobody has answered.
 *
 * Since: 1.0
 */
void
hookrun_worker_request_unref (HookrunWorkerRequest *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  if (!self->is_answered) {
    g_autoptr (GError) error = g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED,
                                            "nobody answered \"%s\"", self->method);

    answer (self, NULL, error);
  }
  g_free (self->own_id);
  g_free (self->method);
  g_clear_pointer (&self->params, json_node_unref);
  if (self->holds_worker)
    g_object_unref (self->worker);
  g_free (self);
}
