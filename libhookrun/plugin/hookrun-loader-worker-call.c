/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A handler that lives in a worker: the event goes out as one call, its verdict and the changes of
 * the data come back. In a synchronous emission the answer is waited for in place, in an
 * asynchronous one in the context of the event.
 */
#include "hookrun-data-private.h"
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

static void
append_member (GString *text, const char *name, const char *value)
{
  g_string_append_printf (text, ",\"%s\":", name);
  if (value != NULL)
    hookrun_rpc_append_string (text, value);
  else
    g_string_append (text, "null");
}

static void
append_value (GString *text, const char *name, const HookrunValue *value, gboolean *is_first)
{
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *json = NULL;

  if (!value->is_set || name[0] == '_' || value->type == HOOKRUN_FIELD_OBJECT)
    return;
  if (!*is_first)
    g_string_append_c (text, ',');
  *is_first = FALSE;
  hookrun_rpc_append_string (text, name);
  g_string_append_c (text, ':');
  if (value->type == HOOKRUN_FIELD_STRING && value->as.string != NULL) {
    hookrun_rpc_append_string (text, value->as.string);
  } else if (value->type == HOOKRUN_FIELD_BOOLEAN) {
    g_string_append (text, value->as.boolean ? "true" : "false");
  } else {
    node = hookrun_value_to_json (value);
    json = hookrun_json_to_string (node);
    g_string_append (text, json);
  }
}

/* As hookrun_data_to_json() gives it, without the tree of nodes: this is done for each event. */
static void
append_data (GString *text, HookrunData *data)
{
  gboolean is_first = TRUE;
  GHashTableIter iter;
  gpointer name;
  gpointer value;

  if (data == NULL) {
    g_string_append (text, "null");
    return;
  }
  g_string_append_c (text, '{');
  for (guint i = 0; data->schema != NULL && i < data->schema->n_fields; i++)
    append_value (text, data->schema->fields[i].name, &data->slots[i], &is_first);
  if (data->extras != NULL) {
    g_hash_table_iter_init (&iter, data->extras);
    while (g_hash_table_iter_next (&iter, &name, &value))
      append_value (text, name, value, &is_first);
  }
  g_string_append_c (text, '}');
}

static char *
compose_params (HookrunEvent *event, WorkerHandler *handler)
{
  GString *text = g_string_sized_new (512);

  g_string_append_printf (text, "{\"activation\":%u", handler->activation->number);
  append_member (text, "handler", handler->name);
  append_member (text, "signal", hookrun_signal_get_name (hookrun_event_get_signal (event)));
  append_member (text, "subject", hookrun_event_get_subject (event));
  g_string_append (text, ",\"data\":");
  append_data (text, hookrun_event_get_data (event));
  g_string_append_printf (text, ",\"emission\":{\"timeout_ms\":%u}}", handler->timeout_ms);
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

GError *
hookrun_worker_read_error (JsonNode *node)
{
  const char *reason = hookrun_worker_get_text (node, "message");
  const char *name = hookrun_worker_get_text (node, "code");
  g_autoptr (GEnumClass) codes = g_type_class_ref (HOOKRUN_TYPE_ERROR);
  const GEnumValue *code = name != NULL ? g_enum_get_value_by_nick (codes, name) : NULL;
  g_autofree char *clean = hookrun_rpc_clean_text (
      reason != NULL && *reason != '\0' ? reason : "it gave no reason", -1, TRUE);

  return g_error_new_literal (HOOKRUN_ERROR, code != NULL ? code->value : HOOKRUN_ERROR_HANDLER,
                              clean);
}

JsonObject *
hookrun_worker_error_to_json (const GError *error)
{
  g_autoptr (GEnumClass) codes = g_type_class_ref (HOOKRUN_TYPE_ERROR);
  const GEnumValue *code =
      error->domain == HOOKRUN_ERROR ? g_enum_get_value (codes, error->code) : NULL;
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "message", error->message);
  if (code != NULL)
    json_object_set_string_member (object, "code", code->value_nick);
  return object;
}

/* A wrapper that only passes on what failed behind it gives no reason of its own: then that is the
 * error, as it is. */
static gboolean
passes_on (HookrunEvent *event, JsonNode *answer)
{
  return hookrun_event_get_error (event) != NULL &&
         hookrun_worker_get_member (answer, "error") == NULL;
}

/* What a handler that failed had changed is dropped. */
static HookrunVerdict
take_answer (HookrunEvent *event, JsonNode *answer, GError **error)
{
  HookrunVerdict verdict = HOOKRUN_FAILED;

  if (answer == NULL || !read_verdict (answer, &verdict, error))
    return HOOKRUN_FAILED;
  if (verdict != HOOKRUN_FAILED)
    return hookrun_worker_apply_patch (event, hookrun_worker_get_member (answer, "patch"), error)
               ? verdict
               : HOOKRUN_FAILED;
  if (!passes_on (event, answer))
    g_propagate_error (error,
                       hookrun_worker_read_error (hookrun_worker_get_member (answer, "error")));
  return HOOKRUN_FAILED;
}

/* ---- the call ---- */

/* (transfer full) (nullable): why the worker, started anew, could not activate the plugin again. */
static char *
get_problem (WorkerActivation *activation)
{
  char *problem;

  g_mutex_lock (&activation->lock);
  problem = g_strdup (activation->problem);
  g_mutex_unlock (&activation->lock);
  return problem;
}

/* Takes ownership of @error. A worker that could not activate the plugin knows no handler of it;
 * that is not the error that people can do something about. */
static HookrunVerdict
fail (HookrunEvent *event, WorkerHandler *handler, GError *error)
{
  g_autofree char *problem = get_problem (handler->activation);

  if (problem == NULL || error->code == HOOKRUN_ERROR_CRASHED)
    return hookrun_event_take_error (event, error);
  g_error_free (error);
  return hookrun_event_fail (event, HOOKRUN_ERROR_HANDLER,
                             "the plugin could not be activated again: %s", problem);
}

static HookrunVerdict
call_in_place (HookrunEvent *event, WorkerHandler *handler, const WorkerCallSpec *spec)
{
  GError *error = NULL;
  g_autoptr (JsonNode) answer =
      hookrun_worker_call_full (handler->activation->host->worker, spec, &error);
  HookrunVerdict verdict = take_answer (event, answer, &error);

  return error != NULL ? fail (event, handler, error) : verdict;
}

/* Whether the emission has gone on without us: it was cancelled, or the scope was closed. */
static gboolean
is_over (HookrunEvent *event)
{
  HookrunVerdict verdict;

  return event->run == NULL || hookrun_event_is_complete (event, &verdict);
}

static void
on_answer (HookrunWorker *worker, JsonNode *result, GError *error, gpointer user_data)
{
  g_autofree WorkerInvocation *invocation = user_data;
  g_autoptr (HookrunEvent) event = invocation->event;
  g_autoptr (JsonNode) answer = result;
  HookrunVerdict verdict;

  if (is_over (event)) {
    g_clear_error (&error);
    return;
  }
  verdict = take_answer (event, answer, &error);
  if (error != NULL)
    verdict = fail (event, invocation->handler, error);
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
  spec.params = params = compose_params (event, handler);
  if (event->run != NULL && event->run->async != NULL)
    return call_in_context (event, handler, &spec);
  return call_in_place (event, handler, &spec);
}
