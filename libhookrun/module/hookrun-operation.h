/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One operation that a module file offers: its name, what it does, and the options it takes.
 * Nothing here runs code of a module.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include <json-glib/json-glib.h>

#include "hookrun-error.h"

G_BEGIN_DECLS

/**
 * HookrunOperation:
 *
 * One operation of a module file, as the file describes it. It never changes, so any thread may
 * read it.
 *
 * Since: 1.0
 */
typedef struct _HookrunOperation HookrunOperation;

#define HOOKRUN_TYPE_OPERATION (hookrun_operation_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_operation_get_type (void);

HOOKRUN_AVAILABLE_IN_1_0
HookrunOperation *hookrun_operation_ref (HookrunOperation *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_operation_unref (HookrunOperation *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_operation_get_name (HookrunOperation *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_operation_get_description (HookrunOperation *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *const *hookrun_operation_get_options (HookrunOperation *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_operation_get_option_description (HookrunOperation *self, const char *option);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_operation_is_required (HookrunOperation *self, const char *option);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_operation_takes_words (HookrunOperation *self);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_operation_bind (HookrunOperation *self, const char *const *words, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_operation_check (HookrunOperation *self, JsonNode *arguments, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_operation_to_json (HookrunOperation *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunOperation, hookrun_operation_unref)

G_END_DECLS
