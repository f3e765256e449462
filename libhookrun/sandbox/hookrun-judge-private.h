/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why a call of a confined program failed: by the policy, or as it would have failed anyway. It
 * only tells; the kernel has decided.
 */
#pragma once

#include "hookrun-denial-private.h"
#include "hookrun-observed-call-private.h"

G_BEGIN_DECLS

/* What a program is measured against. */
typedef struct {
  HookrunPolicy *policy;
  GPtrArray *grants; /* HookrunGrant, by their real paths */
  GArray *filter;    /* struct sock_filter; NULL: none */
  gboolean hides;    /* what is not granted is not there */
} HookrunJudge;

/* @filter: (nullable). */
HookrunJudge *hookrun_judge_new (HookrunPolicy *policy, GArray *filter, gboolean hides);
void hookrun_judge_free (HookrunJudge *self);

/* (transfer full) (nullable): the denial, when @call failed with @problem because of the policy. */
HookrunDenial *hookrun_judge_failure (const HookrunJudge *self, HookrunObservedCall *call,
                                      int problem);
/* (transfer full) (nullable): the denial, when @call, which worked, would not have been allowed. */
HookrunDenial *hookrun_judge_success (const HookrunJudge *self, HookrunObservedCall *call);

/* What @path, a real one, is granted. */
HookrunAccess hookrun_judge_covers (const HookrunJudge *self, const char *path);

/* The parts: what is about files, and what is about the network, sockets and signals. @problem 0:
 * it worked. */
HookrunDenial *hookrun_judge_files (const HookrunJudge *self, const HookrunObservedCall *call,
                                    int problem);
HookrunDenial *hookrun_judge_sockets (const HookrunJudge *self, const HookrunObservedCall *call,
                                      int problem);
/* What the filter refused. */
HookrunDenial *hookrun_judge_filtered (const HookrunJudge *self, HookrunObservedCall *call,
                                       int problem);

G_END_DECLS
