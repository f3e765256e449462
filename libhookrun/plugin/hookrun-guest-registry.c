/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host's registry as the guest sees it: its signals are mirrored by description, an emission is
 * a request to the host, and so is the call of a service.
 */
#include "hookrun-data-private.h"
#include "hookrun-guest-private.h"
#include "hookrun-json-private.h"
#include "hookrun-loader-worker-private.h"

/* ---- mirrored signals ---- */

static HookrunSignal *
mirror_signal (Guest *self, JsonNode *node, GError **error)
{
  g_autoptr (HookrunSchema) schema = NULL;
  g_autofree char *name = NULL;
  HookrunSignalFlags flags;

  if (!hookrun_signal_from_json (node, &name, &flags, &schema, error))
    return NULL;
  return hookrun_registry_add_mirrored (self->registry, name, flags, schema, self->scope, error);
}

gboolean
hookrun_guest_mirror_signals (Guest *self, JsonNode *list, GError **error)
{
  JsonArray *array =
      list != NULL && JSON_NODE_HOLDS_ARRAY (list) ? json_node_get_array (list) : NULL;

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    if (mirror_signal (self, json_array_get_element (array, i), error) == NULL)
      return FALSE;
  return TRUE;
}

/* Signals that were defined after the activation. */
static HookrunSignal *
find (const char *name, gpointer data)
{
  Guest *self = data;
  gint64 call = hookrun_guest_get_open_call (self);
  g_autoptr (GString) params = g_string_new ("{\"signal\":");
  g_autoptr (JsonNode) answer = NULL;

  if (call == 0 || !hookrun_guest_check_thread (self, name, NULL))
    return NULL;
  hookrun_rpc_append_string (params, name);
  g_string_append_c (params, '}');
  answer = hookrun_guest_ask (self, call, "signal.describe", params->str, NULL);
  return answer != NULL ? mirror_signal (self, answer, NULL) : NULL;
}

/* ---- emissions ---- */

static void
add_json (GString *text, const char *name, JsonNode *node)
{
  g_autofree char *json = hookrun_json_to_string (node);

  g_string_append_printf (text, ",\"%s\":%s", name, json);
}

static char *
compose_emission (HookrunEvent *event, JsonNode *patch, gboolean is_shared)
{
  HookrunData *data = hookrun_event_get_data (event);
  const char *subject = hookrun_event_get_subject (event);
  g_autoptr (JsonNode) values = NULL;
  g_autoptr (GString) text = g_string_new ("{\"signal\":");

  hookrun_rpc_append_string (text, hookrun_signal_get_name (hookrun_event_get_signal (event)));
  g_string_append (text, ",\"subject\":");
  if (subject != NULL)
    hookrun_rpc_append_string (text, subject);
  else
    g_string_append (text, "null");
  g_string_append (text, is_shared ? ",\"share\":true" : ",\"share\":false");
  if (patch != NULL)
    add_json (text, "patch", patch);
  if (data != NULL && !is_shared) {
    values = hookrun_data_to_json (data, TRUE);
    add_json (text, "data", values);
  }
  g_string_append_c (text, '}');
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* @shared: (nullable): the open call whose data goes along, as it is now. */
static HookrunVerdict
emit_at_host (Guest *self, HookrunEvent *event, GuestInvocation *shared, GError **error)
{
  HookrunData *data = hookrun_event_get_data (event);
  gint64 call = shared != NULL ? shared->call : hookrun_guest_get_open_call (self);
  g_autoptr (JsonNode) patch = shared != NULL ? hookrun_guest_get_patch (shared, error) : NULL;
  g_autofree char *params = NULL;
  g_autoptr (JsonNode) answer = NULL;
  JsonNode *values;

  if (shared != NULL && patch == NULL)
    return HOOKRUN_FAILED;
  params = compose_emission (event, patch, shared != NULL);
  answer = hookrun_guest_ask (self, call, "signal.emit", params, error);
  if (answer == NULL)
    return HOOKRUN_FAILED;
  values = hookrun_worker_get_member (answer, "data");
  if (values != NULL && data != NULL &&
      !(shared != NULL ? hookrun_guest_take_data (shared, values, error)
                       : hookrun_data_replace_json (data, values, error)))
    return HOOKRUN_FAILED;
  return hookrun_guest_read_verdict (answer, error);
}

static HookrunVerdict
emit (HookrunEvent *event, gpointer data)
{
  Guest *self = data;
  const char *name = hookrun_signal_get_name (hookrun_event_get_signal (event));
  GError *error = NULL;
  HookrunVerdict verdict;

  if (!hookrun_guest_check_thread (self, name, &error))
    return hookrun_event_take_error (event, error);
  verdict = emit_at_host (
      self, event, hookrun_guest_find_invocation (self, hookrun_event_get_data (event)), &error);
  return verdict != HOOKRUN_FAILED ? verdict : hookrun_event_take_error (event, error);
}

const HookrunMirror hookrun_guest_mirror = {
    .find = find,
    .emit = emit,
    .no_connections = "the plugin is confined in a process of its own; connect with "
                      "hookrun_plugin_context_connect()",
    .no_definitions = "the plugin is confined in a process of its own; define signals with "
                      "hookrun_plugin_context_define_signal() while it is activated",
};

/* ---- services of the host ---- */

JsonNode *
hookrun_guest_call_method (HookrunEngine *engine, HookrunEvent *event, const char *name,
                           JsonNode *params, gpointer guest, GError **error)
{
  Guest *self = guest;
  GuestInvocation *invocation =
      event != NULL ? hookrun_guest_find_invocation (self, hookrun_event_get_data (event)) : NULL;
  g_autofree char *text = params != NULL ? hookrun_json_to_string (params) : g_strdup ("{}");

  return hookrun_guest_ask (
      self, invocation != NULL ? invocation->call : hookrun_guest_get_open_call (self), name, text,
      error);
}
