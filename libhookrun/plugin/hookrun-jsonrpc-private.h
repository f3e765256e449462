/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Envelopes of JSON-RPC 2.0: one line of text in, one checked message out, and the other way round.
 * What is read here was written by a stranger.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "hookrun-error.h"

G_BEGIN_DECLS

#define HOOKRUN_RPC_MAX_NAME 256

typedef enum {
  HOOKRUN_RPC_REQUEST,
  HOOKRUN_RPC_NOTIFICATION,
  HOOKRUN_RPC_RESULT,
  HOOKRUN_RPC_ERROR,
} HookrunRpcKind;

typedef struct {
  HookrunRpcKind kind;
  gint64 id;    /* of a result or error: the number that we gave */
  char *own_id; /* of a request: its id as JSON text */
  gboolean has_call;
  gint64 call;     /* of a request or notification: on behalf of which of our calls */
  char *method;    /* of a request or notification */
  JsonNode *value; /* (nullable): params or result */
  GError *error;   /* of an error */
} HookrunRpcMessage;

/* INVALID or LIMIT when @line is no message. Fill with zeros before, clear after. */
gboolean hookrun_rpc_parse (const char *line, gsize length, gsize max_size,
                            HookrunRpcMessage *message, GError **error);
void hookrun_rpc_message_clear (HookrunRpcMessage *message);

/* One line each, with its newline. @params: (nullable): JSON text on one line. @id 0: notification.
 */
void hookrun_rpc_append_call (GString *out, gint64 id, const char *method, const char *params);
void hookrun_rpc_append_result (GString *out, const char *own_id, JsonNode *result);
void hookrun_rpc_append_error (GString *out, const char *own_id, const GError *error);

/* @text as a JSON string. Text that is not UTF-8 is made so. */
void hookrun_rpc_append_string (GString *out, const char *text);

/* @text without control characters that could move a terminal's cursor; @length -1: up to NUL. */
char *hookrun_rpc_clean_text (const char *text, gssize length, gboolean keep_newlines);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HookrunRpcMessage, hookrun_rpc_message_clear)

G_END_DECLS
