/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One run of one operation of a module, in the sandbox: its signals, its output, and the changes of
 * files that it asks for.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-engine.h"
#include "hookrun-module-path.h"
#include "hookrun-sandbox.h"
#include "hookrun-staging.h"

G_BEGIN_DECLS

/**
 * HookrunOperationRun:
 *
 * One run of one operation. Three signals of the registry tell of it, and anything that is
 * connected to them takes part: `module.NAME.OP.before`; `module.NAME.OP`, whose default handler
 * runs the operation in the sandbox; `module.NAME.OP.after`. A run may be executed once. One thread
 * at a time may use it.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_OPERATION_RUN (hookrun_operation_run_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunOperationRun, hookrun_operation_run, HOOKRUN, OPERATION_RUN, GObject)

HOOKRUN_AVAILABLE_IN_1_0
HookrunOperationRun *hookrun_operation_run_new (HookrunModulePath *path, HookrunOperationSet *set,
                                                const char *operation, HookrunRegistry *registry,
                                                GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_operation_run_set_arguments (HookrunOperationRun *self, JsonNode *arguments,
                                              GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_operation_run_observe (HookrunOperationRun *self, HookrunPolicy *trial,
                                    gboolean measures);
HOOKRUN_AVAILABLE_IN_1_0
GPtrArray *hookrun_operation_run_list_denials (HookrunOperationRun *self);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_operation_run_execute (HookrunOperationRun *self, GCancellable *cancellable,
                                        GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunOutcome *hookrun_operation_run_get_outcome (HookrunOperationRun *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunStaging *hookrun_operation_run_get_staging (HookrunOperationRun *self);
HOOKRUN_AVAILABLE_IN_1_0
GPtrArray *hookrun_operation_run_get_changes (HookrunOperationRun *self);

HOOKRUN_AVAILABLE_IN_1_0
HookrunStaging *hookrun_module_path_open_staging (HookrunModulePath *self, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunPolicy *hookrun_module_path_make_policy (HookrunModulePath *self, HookrunOperationSet *set,
                                                GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_module_path_load_hooks (HookrunModulePath *self, HookrunEngine *engine,
                                         const char *folder, GError **error);

G_END_DECLS
