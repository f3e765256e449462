/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One module file of MODULEPATH and the operations that it offers, learned without running its code
 * in this process; or the reason why it offers none.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-operation.h"
#include "hookrun-policy.h"

G_BEGIN_DECLS

/**
 * HookrunOperationKind:
 * @HOOKRUN_OPERATION_PYTHON: `NAME.pmodule`: functions `do_OP` and `describe_OP` in Python
 * @HOOKRUN_OPERATION_SHELL: `NAME.eselect` or `NAME.sh`: the same functions in bash
 * @HOOKRUN_OPERATION_NATIVE: `NAME.so`: a shared object that exports one descriptor
 * @HOOKRUN_OPERATION_EXECUTABLE: any other executable file: it is run with `describe` or `do`
 *
 * What a module file is written in.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_OPERATION_PYTHON,
  HOOKRUN_OPERATION_SHELL,
  HOOKRUN_OPERATION_NATIVE,
  HOOKRUN_OPERATION_EXECUTABLE,
} HookrunOperationKind;

#define HOOKRUN_TYPE_OPERATION_KIND (hookrun_operation_kind_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_operation_kind_get_type (void);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_operation_kind_get_name (HookrunOperationKind kind);

/**
 * HookrunOperationSet:
 *
 * One module file and what it offers. It never changes, so any thread may read it.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_OPERATION_SET (hookrun_operation_set_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunOperationSet, hookrun_operation_set, HOOKRUN, OPERATION_SET, GObject)

HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_operation_set_get_name (HookrunOperationSet *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunOperationKind hookrun_operation_set_get_kind (HookrunOperationSet *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_operation_set_get_file (HookrunOperationSet *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_operation_set_get_version (HookrunOperationSet *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_operation_set_get_description (HookrunOperationSet *self);
HOOKRUN_AVAILABLE_IN_1_0
const GError *hookrun_operation_set_get_problem (HookrunOperationSet *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunPolicy *hookrun_operation_set_get_request (HookrunOperationSet *self);
HOOKRUN_AVAILABLE_IN_1_0
GPtrArray *hookrun_operation_set_get_operations (HookrunOperationSet *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunOperation *hookrun_operation_set_find (HookrunOperationSet *self, const char *name,
                                              GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunOperation *hookrun_operation_set_lookup (HookrunOperationSet *self, const char *name);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_operation_set_to_json (HookrunOperationSet *self);

G_END_DECLS
