/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host reached by ssh, whichever way works. */
#pragma once

#include "hookrun-target.h"

G_BEGIN_DECLS

#define HOOKRUN_TYPE_REMOTE_TARGET (hookrun_remote_target_get_type ())
G_DECLARE_FINAL_TYPE (HookrunRemoteTarget, hookrun_remote_target, HOOKRUN, REMOTE_TARGET, GObject)

/* @spec: "[user@]host[:port]" or "ssh://…". With @program_only the library's own ssh is not tried.
 * @name is for messages. */
HookrunTarget *hookrun_remote_target_new (const char *name, const char *spec, gboolean program_only,
                                          GError **error);

/* The target that is in use. (transfer none) */
HookrunTarget *hookrun_remote_target_get_inner (HookrunRemoteTarget *self);

G_END_DECLS
