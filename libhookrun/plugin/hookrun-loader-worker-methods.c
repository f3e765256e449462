/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a worker may ask of its host: a row of the table for each method of the protocol; any other
 * name is looked up among the services that the host added to the engine.
 */
#include "hookrun-data-private.h"
#include "hookrun-event-private.h"
#include "hookrun-json-private.h"
#include "hookrun-loader-worker-private.h"
#include "hookrun-plugin-private.h"

#include <string.h>

/* One request that is being served. */
typedef struct {
  WorkerHost *host;
  HookrunWorkerRequest *request;
  JsonNode *params;
  WorkerInvocation *invocation; /* (nullable): the handler on whose behalf it comes */
  WorkerActivation *activation; /* (nullable) */
} Task;

/* An answer that comes later, from the context of the emission. */
typedef struct {
  HookrunWorkerRequest *request;
  HookrunEvent *event;
  HookrunData *data;
  gboolean is_shared;
} Later;

/* ---- answers ---- */

static void
answer_with (HookrunWorkerRequest *request, HookrunVerdict verdict, const GError *error,
             HookrunData *data, gboolean is_shared)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "verdict", hookrun_worker_verdict_name (verdict));
  json_object_set_boolean_member (object, "shared", is_shared);
  if (data != NULL)
    json_object_set_member (object, "data", hookrun_data_to_json (data, TRUE));
  if (error != NULL)
    json_object_set_object_member (object, "error", hookrun_worker_error_to_json (error));
  json_node_take_object (node, object);
  hookrun_worker_request_answer (request, node);
}

static Later *
later_new (Task *task, HookrunEvent *event, HookrunData *data, gboolean is_shared)
{
  Later *later = g_new0 (Later, 1);

  later->request = hookrun_worker_request_ref (task->request);
  later->event = event != NULL ? hookrun_event_ref (event) : NULL;
  later->data = data != NULL ? hookrun_data_ref (data) : NULL;
  later->is_shared = is_shared;
  return later;
}

static void
later_free (Later *later)
{
  hookrun_worker_request_unref (later->request);
  g_clear_pointer (&later->event, hookrun_event_unref);
  g_clear_pointer (&later->data, hookrun_data_unref);
  g_free (later);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Later, later_free)

static gboolean
refuse (GError **error, HookrunError code, const char *text)
{
  g_set_error_literal (error, HOOKRUN_ERROR, (int)code, text);
  return FALSE;
}

/* ---- event.proceed ---- */

static void
on_proceeded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Later) later = user_data;
  HookrunVerdict verdict = hookrun_event_proceed_finish (later->event, result);

  answer_with (later->request, verdict, hookrun_event_get_error (later->event),
               hookrun_event_get_data (later->event), TRUE);
}

static gboolean
method_proceed (Task *task, GError **error)
{
  WorkerInvocation *invocation = task->invocation;
  HookrunEvent *event;
  HookrunVerdict verdict;

  if (invocation == NULL)
    return refuse (error, HOOKRUN_ERROR_INVALID, "only a handler that is being called can proceed");
  if (invocation->has_proceeded)
    return refuse (error, HOOKRUN_ERROR_INVALID, "the handler has proceeded already");
  event = invocation->event;
  if (!hookrun_worker_apply_patch (event, hookrun_worker_get_member (task->params, "patch"), error))
    return FALSE;
  invocation->has_proceeded = TRUE;
  if (invocation->is_async) {
    hookrun_event_proceed_async (event, on_proceeded,
                                 later_new (task, event, hookrun_event_get_data (event), TRUE));
    return TRUE;
  }
  verdict = hookrun_event_proceed (event);
  answer_with (task->request, verdict, hookrun_event_get_error (event),
               hookrun_event_get_data (event), TRUE);
  return TRUE;
}

/* ---- signal.emit ---- */

static void
on_emitted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Later) later = user_data;
  g_autoptr (GError) error = NULL;
  HookrunVerdict verdict = hookrun_signal_emit_finish (HOOKRUN_SIGNAL (source), result, &error);

  answer_with (later->request, verdict, error, later->data, later->is_shared);
}

/* A signal of the same run as the handler's gets the same live payload unless the worker wants none
 * of it; any other one gets its own. */
static HookrunData *
choose_data (Task *task, HookrunSignal *signal, gboolean *is_shared)
{
  JsonNode *share = hookrun_worker_get_member (task->params, "share");
  gboolean is_unwanted = share != NULL && JSON_NODE_HOLDS_VALUE (share) &&
                         json_node_get_value_type (share) == G_TYPE_BOOLEAN &&
                         !json_node_get_boolean (share);
  HookrunData *data = task->invocation != NULL && !is_unwanted
                          ? hookrun_event_get_data (task->invocation->event)
                          : NULL;

  *is_shared = data != NULL && hookrun_data_get_schema (data) == hookrun_signal_get_schema (signal);
  return *is_shared ? hookrun_data_ref (data)
                    : hookrun_data_new (hookrun_signal_get_schema (signal));
}

static HookrunSignal *
find_signal (Task *task, GError **error)
{
  const char *name = hookrun_worker_get_text (task->params, "signal");
  HookrunSignal *signal = name != NULL && task->activation != NULL
                              ? hookrun_registry_lookup (task->activation->context->registry, name)
                              : NULL;

  if (signal == NULL)
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND, "there is no signal \"%s\"",
                 name != NULL ? name : "");
  return signal;
}

static gboolean
method_emit (Task *task, GError **error)
{
  HookrunSignal *signal = find_signal (task, error);
  const char *subject = hookrun_worker_get_text (task->params, "subject");
  JsonNode *values = hookrun_worker_get_member (task->params, "data");
  HookrunEvent *event = task->invocation != NULL ? task->invocation->event : NULL;
  GCancellable *cancellable = event != NULL ? hookrun_event_get_cancellable (event) : NULL;
  g_autoptr (HookrunData) data = NULL;
  g_autoptr (GError) problem = NULL;
  gboolean is_shared = FALSE;
  HookrunVerdict verdict;

  if (signal == NULL)
    return FALSE;
  if (event != NULL &&
      !hookrun_worker_apply_patch (event, hookrun_worker_get_member (task->params, "patch"), error))
    return FALSE;
  data = choose_data (task, signal, &is_shared);
  /* Of data of its own the worker is the emitter, who also writes what is read-only. */
  if (values != NULL && !(is_shared ? hookrun_data_merge_json (data, values, error)
                                    : hookrun_data_replace_json (data, values, error)))
    return FALSE;
  if (event != NULL && task->invocation->is_async) {
    hookrun_signal_emit_async (signal, subject, data, cancellable, on_emitted,
                               later_new (task, event, data, is_shared));
    return TRUE;
  }
  verdict = hookrun_signal_emit_for (signal, subject, data, cancellable, &problem);
  answer_with (task->request, verdict, problem, data, is_shared);
  return TRUE;
}

/* ---- signal.describe ---- */

static gboolean
method_describe (Task *task, GError **error)
{
  HookrunSignal *signal = find_signal (task, error);
  g_autoptr (JsonNode) node = NULL;

  if (signal == NULL)
    return FALSE;
  node = hookrun_signal_to_json (hookrun_signal_get_name (signal), signal->flags, signal->schema);
  hookrun_worker_request_answer (task->request, node);
  return TRUE;
}

/* ---- handler.connect, handler.disconnect ---- */

static gboolean
method_connect (Task *task, GError **error)
{
  if (task->activation == NULL)
    return refuse (error, HOOKRUN_ERROR_NOT_FOUND, "there is no such activation");
  if (!hookrun_worker_register_handler (task->activation, task->params, error))
    return FALSE;
  hookrun_worker_request_answer (task->request, NULL);
  return TRUE;
}

static gboolean
method_disconnect (Task *task, GError **error)
{
  if (task->activation == NULL)
    return refuse (error, HOOKRUN_ERROR_NOT_FOUND, "there is no such activation");
  if (!hookrun_worker_unregister_handler (task->activation,
                                          hookrun_worker_get_text (task->params, "handler"), error))
    return FALSE;
  hookrun_worker_request_answer (task->request, NULL);
  return TRUE;
}

/* ---- services of the host ---- */

static gboolean
method_of_engine (Task *task, GError **error)
{
  HookrunEngine *engine = task->activation != NULL ? task->activation->context->engine : NULL;
  g_autoptr (GError) problem = NULL;
  g_autoptr (JsonNode) answer = NULL;

  if (engine == NULL)
    return refuse (error, HOOKRUN_ERROR_UNSUPPORTED, "the plugin is not active");
  answer = hookrun_engine_call_method (
      engine, task->host->plugin, task->invocation != NULL ? task->invocation->event : NULL,
      hookrun_worker_request_get_method (task->request), task->params, &problem);
  if (problem != NULL) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  hookrun_worker_request_answer (task->request, answer);
  return TRUE;
}

/* ---- the table ---- */

typedef struct {
  const char *name;
  gboolean (*func) (Task *task, GError **error);
  gboolean is_granted; /* a worker that is confined needs the policy's leave */
} Method;

static const Method methods[] = {
    {"event.proceed", method_proceed, FALSE},         {"signal.emit", method_emit, TRUE},
    {"signal.describe", method_describe, FALSE},      {"handler.connect", method_connect, FALSE},
    {"handler.disconnect", method_disconnect, FALSE},
};
static const Method other_methods = {NULL, method_of_engine, TRUE};

/* Only the host sends these. */
static const char *const host_methods[] = {
    "initialize",   "plugin.activate", "plugin.deactivate", "plugin.describe",
    "handler.call", "cancel",          "shutdown",          NULL,
};

static WorkerActivation *
find_activation (WorkerHost *host, WorkerInvocation *invocation, JsonNode *params)
{
  JsonNode *number = hookrun_worker_get_member (params, "activation");

  if (number != NULL && JSON_NODE_HOLDS_VALUE (number) &&
      json_node_get_value_type (number) == G_TYPE_INT64)
    return hookrun_worker_host_find (host, MAX (json_node_get_int (number), 1));
  return invocation != NULL ? hookrun_worker_activation_ref (invocation->handler->activation)
                            : hookrun_worker_host_find (host, 0);
}

void
hookrun_worker_serve_request (HookrunWorker *worker, HookrunWorkerRequest *request,
                              gpointer user_data)
{
  WorkerHost *host = user_data;
  const char *name = hookrun_worker_request_get_method (request);
  JsonNode *params = hookrun_worker_request_get_params (request);
  WorkerInvocation *invocation = hookrun_worker_request_get_tag (request);
  g_autoptr (WorkerActivation) activation = find_activation (host, invocation, params);
  Task task = {host, request, params, invocation, activation};
  const Method *method = &other_methods;
  g_autoptr (GError) error = NULL;

  if (g_strv_contains (host_methods, name)) {
    hookrun_worker_stop (worker, HOOKRUN_ERROR_PROTOCOL,
                         "broke the protocol: it sent \"%s\", which is the host's to send (does it "
                         "send back what it reads?)",
                         name);
    return;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (methods); i++)
    if (g_str_equal (methods[i].name, name))
      method = &methods[i];
  if ((method->is_granted && !hookrun_bounds_check_method (host->bounds, name, &error)) ||
      !method->func (&task, &error))
    hookrun_worker_request_fail (request, error);
}
