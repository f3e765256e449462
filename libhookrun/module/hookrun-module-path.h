/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * MODULEPATH: the folders that hold module files. Modules are found, described, installed and
 * removed here; none of their code runs outside the sandbox.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include <gio/gio.h>

#include "hookrun-module-state.h"
#include "hookrun-operation-set.h"

G_BEGIN_DECLS

/**
 * HookrunModulePath:
 *
 * The folders that hold module files, the first one winning where two hold a module of one name,
 * and where the states of the modules are. One thread at a time may use it.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_MODULE_PATH (hookrun_module_path_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunModulePath, hookrun_module_path, HOOKRUN, MODULE_PATH, GObject)

HOOKRUN_AVAILABLE_IN_1_0
HookrunModulePath *hookrun_module_path_new (const char *const *folders, const char *state_folder,
                                            const char *cache_folder);
HOOKRUN_AVAILABLE_IN_1_0
const char *const *hookrun_module_path_get_folders (HookrunModulePath *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_module_path_get_state_folder (HookrunModulePath *self);
HOOKRUN_AVAILABLE_IN_1_0
char **hookrun_module_path_list_names (HookrunModulePath *self);
HOOKRUN_AVAILABLE_IN_1_0
GPtrArray *hookrun_module_path_list (HookrunModulePath *self, GCancellable *cancellable,
                                     GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunOperationSet *hookrun_module_path_find (HookrunModulePath *self, const char *name,
                                               GCancellable *cancellable, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunModuleState *hookrun_module_path_get_state (HookrunModulePath *self, const char *name);
HOOKRUN_AVAILABLE_IN_1_0
HookrunOperationSet *hookrun_module_path_install (HookrunModulePath *self, const char *file,
                                                  GCancellable *cancellable, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_module_path_remove (HookrunModulePath *self, const char *name, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_module_path_sweep (HookrunModulePath *self);

G_END_DECLS
