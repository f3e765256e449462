/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one module file has between its runs: its folders ROOT, CACHE and TEMP, its installed
 * version, what the user granted it, a failed update, and the lock that keeps its runs apart.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-policy.h"

G_BEGIN_DECLS

/**
 * HookrunModuleState:
 *
 * The state of one module file. Making one touches nothing; its folders are made when it is locked.
 * One thread at a time may use it.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_MODULE_STATE (hookrun_module_state_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunModuleState, hookrun_module_state, HOOKRUN, MODULE_STATE, GObject)

HOOKRUN_AVAILABLE_IN_1_0
HookrunModuleState *hookrun_module_state_new (const char *name, const char *state_folder,
                                              const char *cache_folder);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_module_state_get_name (HookrunModuleState *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_module_state_get_folder (HookrunModuleState *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_module_state_get_root (HookrunModuleState *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_module_state_get_cache (HookrunModuleState *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_module_state_get_temp (HookrunModuleState *self);

/* ---- the lock ---- */

HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_module_state_lock (HookrunModuleState *self, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_module_state_unlock (HookrunModuleState *self);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_module_state_remove (HookrunModuleState *self, GError **error);

/* ---- what is remembered ---- */

HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_module_state_get_version (HookrunModuleState *self);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_module_state_set_version (HookrunModuleState *self, const char *version,
                                           GError **error);
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_module_state_get_failure (HookrunModuleState *self);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_module_state_set_failure (HookrunModuleState *self, const char *reason,
                                           GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunPolicy *hookrun_module_state_get_grant (HookrunModuleState *self, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_module_state_grant (HookrunModuleState *self, HookrunPolicy *policy,
                                     GError **error);

G_END_DECLS
