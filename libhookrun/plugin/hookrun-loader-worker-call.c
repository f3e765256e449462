/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A handler that lives in a worker: the event goes out as one call, its verdict and the changes of
 * the data come back. In a synchronous emission the answer is waited for in place, in an
 * asynchronous one in the context of the event.
 */
#include "hookrun-event-private.h"
#include "hookrun-json-private.h"
#include "hookrun-loader-worker-private.h"

#include <string.h>

static const char *const verdict_names[] = {
    [HOOKRUN_CONTINUE] = "continue",
    [HOOKRUN_HANDLED] = "handled",
    [HOOKRUN_FAILED] = "failed",
};

const char *
hookrun_worker_verdict_name (HookrunVerdict verdict)
{
  return verdict_names[MIN (verdict, HOOKRUN_FAILED)];
}

char *
hookrun_worker_data_text (HookrunData *data)
{
  g_autoptr (JsonNode) node = data != NULL ? hookrun_data_to_json (data, TRUE) : NULL;

  return node != NULL ? hookrun_json_to_string (node) : g_strdup ("null");
}

static void
append_member (GString *text, const char *name, const char *value)
{
  g_string_append_printf (text, ",\"%s\":", name);
  if (value != NULL)
    hookrun_rpc_append_string (text, value);
  else
    g_string_append (text, "null");
}

static char *
compose_params (HookrunEvent *event, WorkerHandler *handler)
{
  GString *text = g_string_sized_new (512);
  g_autofree char *data = hookrun_worker_data_text (hookrun_event_get_data (event));

  g_string_append_printf (text, "{\"activation\":%u", handler->activation->number);
  append_member (text, "handler", handler->name);
  append_member (text, "signal", hookrun_signal_get_name (hookrun_event_get_signal (event)));
  append_member (text, "subject", hookrun_event_get_subject (event));
  g_string_append_printf (text, ",\"data\":%s,\"emission\":{\"timeout_ms\":%u}}", data,
                          handler->timeout_ms);
  return g_string_free (text, FALSE);
}

/* ---- the answer ---- */

gboolean
hookrun_worker_apply_patch (HookrunEvent *event, JsonNode *patch, GError **error)
{
  HookrunData *data = hookrun_event_get_data (event);
  g_autoptr (GError) problem = NULL;

  if (patch == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_OBJECT (patch))
    g_set_error (&problem, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL, "it must be an object");
  else if (json_object_get_size (json_node_get_object (patch)) == 0)
    return TRUE;
  else if (data == NULL)
    g_set_error (&problem, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL, "the event carries no data");
  else if (hookrun_data_merge_json (data, patch, &problem))
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL,
               "its changes of the data were refused: %s", problem->message);
  return FALSE;
}

static gboolean
read_verdict (JsonNode *answer, HookrunVerdict *verdict, GError **error)
{
  const char *name = hookrun_worker_get_text (answer, "verdict");

  for (gsize i = 0; i < G_N_ELEMENTS (verdict_names); i++)
    if (g_strcmp0 (name, verdict_names[i]) == 0) {
      *verdict = (HookrunVerdict)i;
      return TRUE;
    }
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL,
               "it answered with %s%.64s%s instead of the verdict continue, handled or failed",
               name != NULL ? "\"" : "", name != NULL ? name : "none", name != NULL ? "\"" : "");
  return FALSE;
}

static GError *
read_reason (JsonNode *answer)
{
  const char *reason =
      hookrun_worker_get_text (hookrun_worker_get_member (answer, "error"), "message");
  g_autofree char *clean = hookrun_rpc_clean_text (
      reason != NULL && *reason != '\0' ? reason : "it gave no reason", -1, TRUE);

  return g_error_new_literal (HOOKRUN_ERROR, HOOKRUN_ERROR_HANDLER, clean);
}

/* What a handler that failed had changed is dropped. */
static HookrunVerdict
take_answer (HookrunEvent *event, JsonNode *answer, GError **error)
{
  HookrunVerdict verdict = HOOKRUN_FAILED;

  if (answer == NULL || !read_verdict (answer, &verdict, error))
    return HOOKRUN_FAILED;
  if (verdict == HOOKRUN_FAILED)
    g_propagate_error (error, read_reason (answer));
  else if (!hookrun_worker_apply_patch (event, hookrun_worker_get_member (answer, "patch"), error))
    return HOOKRUN_FAILED;
  return verdict;
}

/* ---- the call ---- */

static HookrunVerdict
call_in_place (HookrunEvent *event, WorkerHandler *handler, const WorkerCallSpec *spec)
{
  GError *error = NULL;
  g_autoptr (JsonNode) answer =
      hookrun_worker_call_full (handler->activation->host->worker, spec, &error);
  HookrunVerdict verdict = take_answer (event, answer, &error);

  return error != NULL ? hookrun_event_take_error (event, error) : verdict;
}

static void
on_answer (HookrunWorker *worker, JsonNode *result, GError *error, gpointer user_data)
{
  g_autofree WorkerInvocation *invocation = user_data;
  g_autoptr (HookrunEvent) event = invocation->event;
  g_autoptr (JsonNode) answer = result;
  HookrunVerdict verdict = take_answer (event, answer, &error);

  if (error != NULL)
    hookrun_event_take_error (event, error);
  hookrun_event_complete (event, verdict);
}

static HookrunVerdict
call_in_context (HookrunEvent *event, WorkerHandler *handler, WorkerCallSpec *spec)
{
  WorkerInvocation *invocation = g_new0 (WorkerInvocation, 1);

  invocation->event = hookrun_event_ref (event);
  invocation->handler = handler;
  invocation->is_async = TRUE;
  spec->tag = invocation;
  hookrun_worker_call_full_async (handler->activation->host->worker, spec,
                                  hookrun_event_get_context (event), on_answer, invocation);
  return HOOKRUN_PENDING;
}

/* Why the worker, started anew, could not activate the plugin again. */
static HookrunVerdict
fail_with_problem (HookrunEvent *event, WorkerActivation *activation)
{
  g_autofree char *problem = NULL;

  g_mutex_lock (&activation->lock);
  problem = g_strdup (activation->problem);
  g_mutex_unlock (&activation->lock);
  return problem == NULL
             ? HOOKRUN_CONTINUE
             : hookrun_event_fail (event, HOOKRUN_ERROR_HANDLER,
                                   "the plugin could not be activated again: %s", problem);
}

HookrunVerdict
hookrun_worker_handle (HookrunEvent *event, gpointer user_data)
{
  WorkerHandler *handler = user_data;
  WorkerInvocation invocation = {.event = event, .handler = handler};
  g_autofree char *params = NULL;
  WorkerCallSpec spec = {.method = "handler.call",
                         .timeout_ms = handler->timeout_ms,
                         .cancellable = hookrun_event_get_cancellable (event),
                         .tag = &invocation};

  if (g_atomic_int_get (&handler->is_disconnected))
    return HOOKRUN_CONTINUE;
  if (hookrun_worker_is_running (handler->activation->host->worker) &&
      fail_with_problem (event, handler->activation) == HOOKRUN_FAILED)
    return HOOKRUN_FAILED;
  spec.params = params = compose_params (event, handler);
  if (event->run != NULL && event->run->async != NULL)
    return call_in_context (event, handler, &spec);
  return call_in_place (event, handler, &spec);
}
