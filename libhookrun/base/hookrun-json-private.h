/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Untrusted JSON. Text is checked against RFC 8259 and against limits by an iterative reader first;
 * only what passes reaches json-glib, whose parser recurses and accepts more than JSON.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "hookrun-error.h"

G_BEGIN_DECLS

#define HOOKRUN_JSON_MAX_DEPTH 64

typedef struct {
  gsize max_size;  /* bytes of text; 0: 16 MiB */
  guint max_depth; /* nested arrays and objects; 0: HOOKRUN_JSON_MAX_DEPTH */
} HookrunJsonLimits;

gboolean hookrun_json_check (const char *text, gsize length, const HookrunJsonLimits *limits,
                             GError **error);

/* (transfer full); @what names the source in messages: a file name or "worker NAME". */
JsonNode *hookrun_json_parse (const char *text, gsize length, const HookrunJsonLimits *limits,
                              const char *what, GError **error);

/* (transfer full): compact JSON text of @node on one line. */
char *hookrun_json_to_string (JsonNode *node);

/* (transfer full): the merge patch (RFC 7396) that makes @after of @before, both objects. INVALID
 * where none can: it has no way to set a member to null. */
JsonNode *hookrun_json_diff (JsonNode *before, JsonNode *after, GError **error);

G_END_DECLS
