/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes of files that a confined program asks for: shown, answered, applied whole or not at all,
 * kept pending, taken back. The state folder holds what must outlive the program.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include <json-glib/json-glib.h>

#include "hookrun-staging-change.h"

G_BEGIN_DECLS

/**
 * HookrunStagingCommit:
 *
 * Changes that were applied together. Immutable but for being undone; any thread may read it.
 *
 * Since: 1.0
 */
typedef struct _HookrunStagingCommit HookrunStagingCommit;

#define HOOKRUN_TYPE_STAGING_COMMIT (hookrun_staging_commit_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_staging_commit_get_type (void);
HOOKRUN_AVAILABLE_IN_1_0
HookrunStagingCommit *hookrun_staging_commit_ref (HookrunStagingCommit *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_staging_commit_unref (HookrunStagingCommit *self);
HOOKRUN_AVAILABLE_IN_1_0
guint64 hookrun_staging_commit_get_id (HookrunStagingCommit *self);
HOOKRUN_AVAILABLE_IN_1_0
gint64 hookrun_staging_commit_get_time (HookrunStagingCommit *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_staging_commit_get_module (HookrunStagingCommit *self);
HOOKRUN_AVAILABLE_IN_1_0
char **hookrun_staging_commit_get_paths (HookrunStagingCommit *self);
HOOKRUN_AVAILABLE_IN_1_0
guint64 hookrun_staging_commit_get_undoes (HookrunStagingCommit *self);
HOOKRUN_AVAILABLE_IN_1_0
guint64 hookrun_staging_commit_get_undone_by (HookrunStagingCommit *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunStagingCommit, hookrun_staging_commit_unref)

/**
 * HookrunStaging:
 *
 * The state of staged changes in one folder: pending ones, applied ones, what the user wants always
 * and never. Several programs, and several threads, may use the same folder; each work on it is
 * done under a lock that lasts for that work only. Set its properties before a second thread uses
 * it. What reads or writes files has a form that does not block, too.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_STAGING (hookrun_staging_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunStaging, hookrun_staging, HOOKRUN, STAGING, GObject)

HOOKRUN_AVAILABLE_IN_1_0
HookrunStaging *hookrun_staging_new (const char *state_folder, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_staging_get_folder (HookrunStaging *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_staging_set_max_size (HookrunStaging *self, guint64 max_size);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_staging_set_lock_wait (HookrunStaging *self, guint wait_ms);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_staging_recover (HookrunStaging *self, GError **error);

HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_staging_settle (HookrunStaging *self, GPtrArray *changes,
                                 HookrunStagingCommit **commit, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_staging_recover_async (HookrunStaging *self, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_staging_recover_finish (HookrunStaging *self, GAsyncResult *result,
                                         GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_staging_settle_async (HookrunStaging *self, GPtrArray *changes,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_staging_settle_finish (HookrunStaging *self, GAsyncResult *result,
                                        HookrunStagingCommit **commit, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_staging_undo_async (HookrunStaging *self, guint64 id, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
HOOKRUN_AVAILABLE_IN_1_0
HookrunStagingCommit *hookrun_staging_undo_finish (HookrunStaging *self, GAsyncResult *result,
                                                   GError **error);
HOOKRUN_AVAILABLE_IN_1_0
GPtrArray *hookrun_staging_list_pending (HookrunStaging *self, GError **error);

HOOKRUN_AVAILABLE_IN_1_0
GPtrArray *hookrun_staging_list_commits (HookrunStaging *self, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunStagingCommit *hookrun_staging_undo (HookrunStaging *self, guint64 id, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_staging_abandon (HookrunStaging *self, GError **error);

HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_staging_set_choice (HookrunStaging *self, const char *module, const char *path,
                                     HookrunStagingAnswer choice, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_staging_list_choices (HookrunStaging *self, GError **error);

G_END_DECLS
