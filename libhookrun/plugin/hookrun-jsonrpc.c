/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads and writes envelopes of JSON-RPC 2.0. Batches are not part of the protocol; members that
 * are unknown are passed over, so that later versions can add some.
 */
#include "hookrun-jsonrpc-private.h"
#include "hookrun-json-private.h"

#include <string.h>

/* The codes that JSON-RPC reserves, and where the library's own begin, counting down. */
#define CODE_PARSE -32700
#define CODE_INVALID_REQUEST -32600
#define CODE_NO_METHOD -32601
#define CODE_INVALID_PARAMS -32602
#define CODE_INTERNAL -32603
#define CODE_FIRST_OWN -32000
#define MAX_ERROR_TEXT 16384

static const struct {
  gint64 code;
  HookrunError error;
} standard_codes[] = {
    {CODE_PARSE, HOOKRUN_ERROR_PROTOCOL},        {CODE_INVALID_REQUEST, HOOKRUN_ERROR_PROTOCOL},
    {CODE_NO_METHOD, HOOKRUN_ERROR_UNSUPPORTED}, {CODE_INVALID_PARAMS, HOOKRUN_ERROR_INVALID},
    {CODE_INTERNAL, HOOKRUN_ERROR_HANDLER},
};

/* ---- reading ---- */

static gboolean
malformed (GError **error, const char *what)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "not a JSON-RPC 2.0 message: %s", what);
  return FALSE;
}

static const char *
get_string (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) ||
      json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  return json_node_get_string (node);
}

static gboolean
is_integer (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_VALUE (node) &&
         json_node_get_value_type (node) == G_TYPE_INT64;
}

static HookrunError
code_to_error (gint64 code)
{
  for (gsize i = 0; i < G_N_ELEMENTS (standard_codes); i++)
    if (standard_codes[i].code == code)
      return standard_codes[i].error;
  if (code <= CODE_FIRST_OWN && code >= CODE_FIRST_OWN - HOOKRUN_ERROR_CONFLICT)
    return (HookrunError)(CODE_FIRST_OWN - code);
  return HOOKRUN_ERROR_HANDLER;
}

static gboolean
read_error (JsonNode *node, HookrunRpcMessage *message, GError **error)
{
  JsonObject *object;
  const char *text;
  g_autofree char *clean = NULL;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return malformed (error, "\"error\" must be an object");
  object = json_node_get_object (node);
  text = get_string (object, "message");
  if (text == NULL || !is_integer (json_object_get_member (object, "code")))
    return malformed (error, "\"error\" needs an integer \"code\" and a text \"message\"");
  clean = hookrun_rpc_clean_text (text, (gssize)MIN (strlen (text), MAX_ERROR_TEXT), TRUE);
  message->kind = HOOKRUN_RPC_ERROR;
  message->error = g_error_new_literal (
      HOOKRUN_ERROR, (int)code_to_error (json_object_get_int_member (object, "code")), clean);
  return TRUE;
}

static gboolean
read_answer (JsonObject *object, HookrunRpcMessage *message, GError **error)
{
  JsonNode *id = json_object_get_member (object, "id");
  JsonNode *result = json_object_get_member (object, "result");
  JsonNode *problem = json_object_get_member (object, "error");

  if ((result == NULL) == (problem == NULL))
    return malformed (error, "it needs one of \"method\", \"result\" and \"error\"");
  if (problem != NULL && !read_error (problem, message, error))
    return FALSE;
  if (!is_integer (id)) {
    if (message->error != NULL)
      g_prefix_error (&message->error, "the answer has no usable \"id\"; it says: ");
    return malformed (error, message->error != NULL ? message->error->message
                                                    : "\"id\" of an answer must be our number");
  }
  message->id = json_node_get_int (id);
  if (result != NULL) {
    message->kind = HOOKRUN_RPC_RESULT;
    message->value = json_node_ref (result);
  }
  return TRUE;
}

static gboolean
read_own_id (JsonNode *id, HookrunRpcMessage *message, GError **error)
{
  message->kind = HOOKRUN_RPC_NOTIFICATION;
  if (id == NULL)
    return TRUE;
  if (!is_integer (id) &&
      (!JSON_NODE_HOLDS_VALUE (id) || json_node_get_value_type (id) != G_TYPE_STRING ||
       strlen (json_node_get_string (id)) > HOOKRUN_RPC_MAX_NAME))
    return malformed (error, "\"id\" of a request must be an integer or a short text");
  message->kind = HOOKRUN_RPC_REQUEST;
  message->own_id = hookrun_json_to_string (id);
  return TRUE;
}

static gboolean
read_request (JsonObject *object, HookrunRpcMessage *message, GError **error)
{
  const char *method = get_string (object, "method");
  JsonNode *params = json_object_get_member (object, "params");
  JsonNode *call = json_object_get_member (object, "call");

  if (method == NULL || *method == '\0' || strlen (method) > HOOKRUN_RPC_MAX_NAME)
    return malformed (error, "\"method\" must be a short text");
  if (params != NULL && !JSON_NODE_HOLDS_OBJECT (params) && !JSON_NODE_HOLDS_NULL (params))
    return malformed (error, "\"params\" must be an object");
  if (call != NULL && !is_integer (call) && !JSON_NODE_HOLDS_NULL (call))
    return malformed (error, "\"call\" must be the number of a call");
  if (!read_own_id (json_object_get_member (object, "id"), message, error))
    return FALSE;
  message->method = g_strdup (method);
  message->value =
      params != NULL && JSON_NODE_HOLDS_OBJECT (params) ? json_node_ref (params) : NULL;
  message->has_call = call != NULL;
  message->call = is_integer (call) ? json_node_get_int (call) : 0;
  return TRUE;
}

gboolean
hookrun_rpc_parse (const char *line, gsize length, gsize max_size, HookrunRpcMessage *message,
                   GError **error)
{
  const HookrunJsonLimits limits = {max_size, HOOKRUN_JSON_MAX_DEPTH};
  g_autoptr (JsonNode) node = hookrun_json_parse (line, length, &limits, "message", error);
  JsonObject *object;

  if (node == NULL)
    return FALSE;
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return malformed (error, "an object is expected");
  object = json_node_get_object (node);
  if (g_strcmp0 (get_string (object, "jsonrpc"), "2.0") != 0)
    return malformed (error, "\"jsonrpc\" must be \"2.0\"");
  if (json_object_has_member (object, "method"))
    return read_request (object, message, error);
  return read_answer (object, message, error);
}

void
hookrun_rpc_message_clear (HookrunRpcMessage *message)
{
  g_clear_pointer (&message->own_id, g_free);
  g_clear_pointer (&message->method, g_free);
  g_clear_pointer (&message->value, json_node_unref);
  g_clear_error (&message->error);
}

/* ---- writing ---- */

static void
append_escaped (GString *out, const char *text)
{
  const char *plain = text;

  g_string_append_c (out, '"');
  for (const char *at = text;; at++) {
    guchar c = (guchar)*at;

    if (c >= 0x20 && c != '"' && c != '\\')
      continue;
    g_string_append_len (out, plain, at - plain);
    plain = at + 1;
    if (c == '\0')
      break;
    if (c == '"' || c == '\\')
      g_string_append_printf (out, "\\%c", c);
    else
      g_string_append_printf (out, "\\u%04x", c);
  }
  g_string_append_c (out, '"');
}

void
hookrun_rpc_append_string (GString *out, const char *text)
{
  g_autofree char *valid = NULL;

  if (!g_utf8_validate (text, -1, NULL))
    text = valid = g_utf8_make_valid (text, -1);
  append_escaped (out, text);
}

void
hookrun_rpc_append_call (GString *out, gint64 id, const char *method, const char *params)
{
  g_string_append (out, "{\"jsonrpc\":\"2.0\",");
  if (id != 0)
    g_string_append_printf (out, "\"id\":%" G_GINT64_FORMAT ",", id);
  g_string_append (out, "\"method\":");
  hookrun_rpc_append_string (out, method);
  if (params != NULL) {
    g_string_append (out, ",\"params\":");
    g_string_append (out, params);
  }
  g_string_append (out, "}\n");
}

void
hookrun_rpc_append_result (GString *out, const char *own_id, JsonNode *result)
{
  g_autofree char *text = result != NULL ? hookrun_json_to_string (result) : g_strdup ("null");

  g_string_append (out, "{\"jsonrpc\":\"2.0\",\"id\":");
  g_string_append (out, own_id);
  g_string_append (out, ",\"result\":");
  g_string_append (out, text);
  g_string_append (out, "}\n");
}

void
hookrun_rpc_append_error (GString *out, const char *own_id, const GError *error)
{
  gboolean is_ours = error->domain == HOOKRUN_ERROR;
  int code = is_ours ? CODE_FIRST_OWN - error->code : CODE_INTERNAL;
  g_autoptr (GEnumClass) codes = g_type_class_ref (HOOKRUN_TYPE_ERROR);
  GEnumValue *value = is_ours ? g_enum_get_value (codes, error->code) : NULL;

  g_string_append (out, "{\"jsonrpc\":\"2.0\",\"id\":");
  g_string_append (out, own_id);
  g_string_append_printf (out, ",\"error\":{\"code\":%d,\"message\":", code);
  hookrun_rpc_append_string (out, error->message);
  if (value != NULL)
    g_string_append_printf (out, ",\"data\":{\"code\":\"%s\"}", value->value_nick);
  g_string_append (out, "}}\n");
}

/* ---- for people ---- */

char *
hookrun_rpc_clean_text (const char *text, gssize length, gboolean keep_newlines)
{
  g_autofree char *valid = g_utf8_make_valid (text, length);
  GString *out = g_string_sized_new (strlen (valid));

  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at)) {
    gunichar c = g_utf8_get_char (at);
    gboolean is_kept = c == '\t' || (c == '\n' && keep_newlines);

    g_string_append_unichar (out, g_unichar_iscntrl (c) && !is_kept ? 0xFFFD : c);
  }
  return g_string_free (out, FALSE);
}
