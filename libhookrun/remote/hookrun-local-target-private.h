/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The target that is this machine, or a folder of it. */
#pragma once

#include "hookrun-target.h"

G_BEGIN_DECLS

#define HOOKRUN_TYPE_LOCAL_TARGET (hookrun_local_target_get_type ())
G_DECLARE_FINAL_TYPE (HookrunLocalTarget, hookrun_local_target, HOOKRUN, LOCAL_TARGET, GObject)

/* @name is what the user wrote; @root an absolute folder or NULL. */
HookrunTarget *hookrun_local_target_new (const char *name, const char *root);

G_END_DECLS
