/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The folder of one run into which a confined program writes its wishes: it declares a target, gets
 * a path to write to, and once all its processes are dead the folder is read, never before.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-staging.h"

G_BEGIN_DECLS

/**
 * HookrunStage:
 *
 * What one run of one module stages. Which file of the stage stands for which target is known to
 * this object alone. Use it from one thread at a time.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_STAGE (hookrun_stage_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunStage, hookrun_stage, HOOKRUN, STAGE, GObject)

HOOKRUN_AVAILABLE_IN_1_0
HookrunStage *hookrun_stage_new (HookrunStaging *staging, const char *module, const char *folder,
                                 GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_stage_add_distrusted (HookrunStage *self, const char *folder, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_stage_declare (HookrunStage *self, const char *target, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
GPtrArray *hookrun_stage_freeze (HookrunStage *self, GError **error);

G_END_DECLS
