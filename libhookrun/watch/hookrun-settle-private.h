/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Holds changes back until their path has been quiet for a while, and makes one of several. */
#pragma once

#include "hookrun-change-private.h"

G_BEGIN_DECLS

typedef struct _HookrunSettle HookrunSettle;

HookrunSettle *hookrun_settle_new (guint settle_ms);
void hookrun_settle_free (HookrunSettle *self);

/* @now_us: monotonic */
void hookrun_settle_add (HookrunSettle *self, HookrunChange *change, gint64 now_us);
/* Moves to @settled what is quiet by now. */
void hookrun_settle_take (HookrunSettle *self, gint64 now_us, GPtrArray *settled);
/* When there will be something to take; -1: not before something is added. */
gint64 hookrun_settle_get_due_us (HookrunSettle *self);

G_END_DECLS
