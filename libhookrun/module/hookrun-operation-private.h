/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Descriptions of module files: what a host program printed, checked, as the value that the cache
 * keeps and that operations are made of.
 */
#pragma once

#include "hookrun-operation.h"

G_BEGIN_DECLS

/* What limits a description: it is written by a stranger. */
#define HOOKRUN_DESCRIPTION_MAX_SIZE (256 * 1024)
#define HOOKRUN_OPERATION_MAX_COUNT 256
#define HOOKRUN_OPERATION_MAX_OPTIONS 64
#define HOOKRUN_OPERATION_MAX_NAME 64
#define HOOKRUN_OPERATION_MAX_TEXT 4096
#define HOOKRUN_OPERATION_MAX_WORDS 1024

/* An option that an operation does not declare by name: words handed on as they are. */
#define HOOKRUN_OPERATION_WORDS "args"

/* (version, description, operations (name, description, takes words, options (name, description,
 * required))), all text valid UTF-8. */
#define HOOKRUN_DESCRIPTION_TYPE G_VARIANT_TYPE ("(ssa(ssba(ssb)))")

/* (transfer full), not floating; INVALID or LIMIT with @what in the message. */
GVariant *hookrun_description_parse (const char *text, gsize length, const char *what,
                                     GError **error);

/* Whether @name may name a module or an operation: a letter or digit, then those and "_", "-". */
gboolean hookrun_operation_name_is_valid (const char *name);

/* @row: one of the operations in a description. */
HookrunOperation *hookrun_operation_new (GVariant *row);

/* (transfer full): the values of @arguments as a command line: in the order of the options, those
 * that are not required as --NAME=VALUE, then the words. */
char **hookrun_operation_to_words (HookrunOperation *self, JsonNode *arguments);

G_END_DECLS
