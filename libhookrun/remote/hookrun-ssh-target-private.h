/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A target on the other side of an ssh connection that the library speaks itself, on libssh2.
 * What that cannot do ends connecting with %HOOKRUN_ERROR_UNSUPPORTED and the reason: then, and
 * only then, the user's ssh program may be tried. A host key that is unknown, changed or revoked
 * has a code of its own and must not be tried otherwise.
 */
#pragma once

#include "hookrun-target.h"

G_BEGIN_DECLS

#define HOOKRUN_TYPE_SSH_TARGET (hookrun_ssh_target_get_type ())
G_DECLARE_FINAL_TYPE (HookrunSshTarget, hookrun_ssh_target, HOOKRUN, SSH_TARGET, GObject)

/* @spec: "[user@]host[:port]" or "ssh://…"; INVALID if it is not. */
HookrunTarget *hookrun_ssh_target_new (const char *spec, GError **error);

/* For tests: SO_SNDBUF of the next connection, so that the kernel takes sends in small parts. */
void hookrun_ssh_target_set_send_buffer (HookrunSshTarget *self, int bytes);

G_END_DECLS
