/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ledger of a state folder on disk: one process at a time holds it; its lines are chained by
 * their sums; what must be known after a crash is synced before it matters.
 */
#pragma once

#include <gio/gio.h>

#include "hookrun-staging-book-private.h"

G_BEGIN_DECLS

typedef struct _HookrunStagingLedger HookrunStagingLedger;

HookrunStagingLedger *hookrun_staging_ledger_open (int folder_fd, const char *folder,
                                                   GError **error);
void hookrun_staging_ledger_free (HookrunStagingLedger *self);

/* Waits at most @wait_ms for other processes and threads (BUSY, CANCELLED), then reads what they
 * wrote. Nests not. */
gboolean hookrun_staging_ledger_lock (HookrunStagingLedger *self, guint wait_ms,
                                      GCancellable *cancellable, GError **error);
void hookrun_staging_ledger_unlock (HookrunStagingLedger *self);

/* Of the time of the last lock or append. */
HookrunStagingBook *hookrun_staging_ledger_get_book (HookrunStagingLedger *self);

/* Takes @record, writes it and applies it to the book; @sync: it is on disk when this returns. */
gboolean hookrun_staging_ledger_append (HookrunStagingLedger *self, JsonObject *record,
                                        gboolean sync, GError **error);

/* Rewrites the ledger in few records if it has grown. TRUE in @rewritten when it did. */
gboolean hookrun_staging_ledger_compact (HookrunStagingLedger *self, gboolean *rewritten,
                                         GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunStagingLedger, hookrun_staging_ledger_free)

G_END_DECLS
