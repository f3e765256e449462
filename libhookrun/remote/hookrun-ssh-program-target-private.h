/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A target reached by the user's own ssh program: one master connection in a private folder, and
 * every command a client of it. It can do whatever that program can: hardware keys, GSSAPI,
 * ProxyCommand, new key exchanges.
 */
#pragma once

#include "hookrun-target.h"

G_BEGIN_DECLS

#define HOOKRUN_TYPE_SSH_PROGRAM_TARGET (hookrun_ssh_program_target_get_type ())
G_DECLARE_FINAL_TYPE (HookrunSshProgramTarget, hookrun_ssh_program_target, HOOKRUN,
                      SSH_PROGRAM_TARGET, GObject)

/* @name is for messages; @spec is "[user@]host[:port]" or "ssh://…"; INVALID if it is not. */
HookrunTarget *hookrun_ssh_program_target_new (const char *name, const char *spec, GError **error);

/* What ssh means by what it prints when it cannot connect. */
HookrunError hookrun_ssh_program_code_of_text (const char *text);

/* Answers ssh's questions, which come through the helper program, from the person whom @target may
 * ask. (transfer full) */
typedef struct _HookrunAskpass HookrunAskpass;
HookrunAskpass *hookrun_askpass_new (HookrunTarget *target, const char *folder, GError **error);
const char *hookrun_askpass_get_socket (HookrunAskpass *self);
void hookrun_askpass_free (HookrunAskpass *self);

G_END_DECLS
