/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For kinds of targets: asking the person whom hookrun_target_set_question() named. */
#pragma once

#include "hookrun-target.h"

G_BEGIN_DECLS

gboolean hookrun_target_can_ask (HookrunTarget *self);

/* (transfer full) (nullable): the answer; NULL refuses, also where no function is set. */
char *hookrun_target_ask (HookrunTarget *self, const char *title, const char *text,
                          gboolean secret);

/* Lets a target inside another ask in the same way; @from must live as long as @to is used. */
void hookrun_target_share_question (HookrunTarget *from, HookrunTarget *to);

G_END_DECLS
