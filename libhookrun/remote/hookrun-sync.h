/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tree of files brought to a folder of a target, as a difference: by the user's own rsync over
 * the connection that is open already, or by a manifest and a tar stream where there is no rsync.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-target.h"

G_BEGIN_DECLS

/**
 * HookrunSyncEngine:
 * @HOOKRUN_SYNC_ENGINE_AUTO: rsync where both sides have it, else tar
 * @HOOKRUN_SYNC_ENGINE_RSYNC: the user's rsync over the open connection
 * @HOOKRUN_SYNC_ENGINE_TAR: a manifest of the target, then a tar stream of what differs; the target
 *   needs `sh`, `find`, `xargs` and `tar`
 *
 * How the difference is found and carried.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_SYNC_ENGINE_AUTO,
  HOOKRUN_SYNC_ENGINE_RSYNC,
  HOOKRUN_SYNC_ENGINE_TAR,
} HookrunSyncEngine;

#define HOOKRUN_TYPE_SYNC_ENGINE (hookrun_sync_engine_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_sync_engine_get_type (void);

/**
 * HookrunSyncResult:
 *
 * What one run of a sync did, or would have done. Immutable; any thread may read it.
 *
 * Since: 1.0
 */
typedef struct _HookrunSyncResult HookrunSyncResult;

#define HOOKRUN_TYPE_SYNC_RESULT (hookrun_sync_result_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_sync_result_get_type (void);
HOOKRUN_AVAILABLE_IN_1_0
HookrunSyncResult *hookrun_sync_result_ref (HookrunSyncResult *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_sync_result_unref (HookrunSyncResult *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunSyncEngine hookrun_sync_result_get_engine (HookrunSyncResult *self);
HOOKRUN_AVAILABLE_IN_1_0
guint64 hookrun_sync_result_get_n_files (HookrunSyncResult *self);
HOOKRUN_AVAILABLE_IN_1_0
guint64 hookrun_sync_result_get_n_bytes (HookrunSyncResult *self);
HOOKRUN_AVAILABLE_IN_1_0
guint64 hookrun_sync_result_get_n_deleted (HookrunSyncResult *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *const *hookrun_sync_result_get_changes (HookrunSyncResult *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunSyncResult, hookrun_sync_result_unref)

/**
 * HookrunSync:
 *
 * A tree of files that is brought to a folder of a target as a difference. Set it up in one thread;
 * it may be run from any.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_SYNC (hookrun_sync_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunSync, hookrun_sync, HOOKRUN, SYNC, GObject)

HOOKRUN_AVAILABLE_IN_1_0
HookrunSync *hookrun_sync_new (void);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_sync_set_engine (HookrunSync *self, HookrunSyncEngine engine);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_sync_set_excludes (HookrunSync *self, const char *const *patterns);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_sync_set_delete (HookrunSync *self, gboolean remove);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_sync_set_checksum (HookrunSync *self, gboolean checksum);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_sync_set_compress (HookrunSync *self, gboolean compress);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_sync_set_dry_run (HookrunSync *self, gboolean dry_run);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_sync_set_rsync_options (HookrunSync *self, const char *const *options,
                                         GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunSyncResult *hookrun_sync_run (HookrunSync *self, HookrunTarget *target,
                                     const char *local_folder, const char *remote_folder,
                                     GCancellable *cancellable, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_sync_run_async (HookrunSync *self, HookrunTarget *target, const char *local_folder,
                             const char *remote_folder, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data);
HOOKRUN_AVAILABLE_IN_1_0
HookrunSyncResult *hookrun_sync_run_finish (HookrunSync *self, GAsyncResult *result,
                                            GError **error);

G_END_DECLS
