/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* By how much the writable folders of a policy have grown. */
#pragma once

#include <sys/types.h>

#include "hookrun-policy-private.h"

G_BEGIN_DECLS

typedef struct _HookrunDiskUse HookrunDiskUse;

HookrunDiskUse *hookrun_disk_use_new (HookrunPolicy *policy);
void hookrun_disk_use_free (HookrunDiskUse *self);
/* Bytes, with those of removed files that the processes of @group hold open. */
guint64 hookrun_disk_use_growth (HookrunDiskUse *self, pid_t group);

G_END_DECLS
