/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tests set of a watcher. */
#pragma once

#include "hookrun-watcher.h"

G_BEGIN_DECLS

/* How many changes may wait, and how many bytes of events, while handlers are slow. Before the
 * start.
 */
void hookrun_watcher_set_budget (HookrunWatcher *self, guint room, gsize budget);

G_END_DECLS
