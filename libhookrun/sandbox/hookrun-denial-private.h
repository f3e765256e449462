/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The denials of one launch, each kept once and counted. A program can be denied what it likes as
 * often as it likes, so there is an end to what is kept. */
#pragma once

#include "hookrun-denial.h"

G_BEGIN_DECLS

#define HOOKRUN_MAX_DENIALS 2000

/* (transfer full): with count 1; texts are made valid UTF-8. */
HookrunDenial *hookrun_denial_new (HookrunDenialKind kind, const char *object, const char *call,
                                   int problem);

/* HookrunDenial, in the order of their first occurrence. */
GPtrArray *hookrun_denials_new (void);
/* Takes @denial: (transfer full); one like it is counted instead. */
void hookrun_denials_take (GPtrArray *denials, HookrunDenial *denial);

/* The denial of something that hit @limit of @policy. */
HookrunDenial *hookrun_denial_new_for_limit (HookrunPolicy *policy, HookrunLimit limit,
                                             const char *call, int problem);

G_END_DECLS
