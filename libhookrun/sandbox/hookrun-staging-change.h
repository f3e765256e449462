/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One change of a file that a confined program wants to make: what was there, what shall be there,
 * the difference as text that is safe to show, and the user's answer.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include <gio/gio.h>

#include "hookrun-error.h"

G_BEGIN_DECLS

/**
 * HookrunStagedKind:
 * @HOOKRUN_STAGED_KIND_NONE: nothing is there
 * @HOOKRUN_STAGED_KIND_FILE: a regular file
 * @HOOKRUN_STAGED_KIND_LINK: a symbolic link
 *
 * What a version of a file is.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_STAGED_KIND_NONE,
  HOOKRUN_STAGED_KIND_FILE,
  HOOKRUN_STAGED_KIND_LINK,
} HookrunStagedKind;

#define HOOKRUN_TYPE_STAGED_KIND (hookrun_staged_kind_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_staged_kind_get_type (void);

/**
 * HookrunStagingAnswer:
 * @HOOKRUN_STAGING_ANSWER_ASK: not answered; settled, it stays pending
 * @HOOKRUN_STAGING_ANSWER_APPLY: `y`: apply it
 * @HOOKRUN_STAGING_ANSWER_ALWAYS: `a`: apply it, and later ones of this module and file too
 * @HOOKRUN_STAGING_ANSWER_KEEP: `s`: keep it pending
 * @HOOKRUN_STAGING_ANSWER_DISCARD: `n`: discard it
 * @HOOKRUN_STAGING_ANSWER_NEVER: `N`: discard it, and later ones of this module and file too
 *
 * What the user wants done with a change.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_STAGING_ANSWER_ASK,
  HOOKRUN_STAGING_ANSWER_APPLY,
  HOOKRUN_STAGING_ANSWER_ALWAYS,
  HOOKRUN_STAGING_ANSWER_KEEP,
  HOOKRUN_STAGING_ANSWER_DISCARD,
  HOOKRUN_STAGING_ANSWER_NEVER,
} HookrunStagingAnswer;

#define HOOKRUN_TYPE_STAGING_ANSWER (hookrun_staging_answer_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_staging_answer_get_type (void);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_staging_answer_parse (const char *text, HookrunStagingAnswer *answer);

/**
 * HookrunStagedChange:
 *
 * One change of one file. It comes from [method@Hookrun.Stage.freeze] or
 * [method@Hookrun.Staging.list_pending]; what it changes is fixed, only the answer and a merge
 * alter it. Use it from one thread at a time.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_STAGED_CHANGE (hookrun_staged_change_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunStagedChange, hookrun_staged_change, HOOKRUN, STAGED_CHANGE, GObject)

HOOKRUN_AVAILABLE_IN_1_0
guint64 hookrun_staged_change_get_id (HookrunStagedChange *self);
HOOKRUN_AVAILABLE_IN_1_0
gint64 hookrun_staged_change_get_time (HookrunStagedChange *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_staged_change_get_module (HookrunStagedChange *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_staged_change_get_path (HookrunStagedChange *self);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_staged_change_get_conflict (HookrunStagedChange *self);

HOOKRUN_AVAILABLE_IN_1_0
HookrunStagedKind hookrun_staged_change_get_old_kind (HookrunStagedChange *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunStagedKind hookrun_staged_change_get_new_kind (HookrunStagedChange *self);
HOOKRUN_AVAILABLE_IN_1_0
guint hookrun_staged_change_get_old_mode (HookrunStagedChange *self);
HOOKRUN_AVAILABLE_IN_1_0
guint hookrun_staged_change_get_new_mode (HookrunStagedChange *self);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_staged_change_get_old_owner (HookrunStagedChange *self, guint *uid, guint *gid);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_staged_change_get_new_owner (HookrunStagedChange *self, guint *uid, guint *gid);
HOOKRUN_AVAILABLE_IN_1_0
guint64 hookrun_staged_change_get_old_size (HookrunStagedChange *self);
HOOKRUN_AVAILABLE_IN_1_0
guint64 hookrun_staged_change_get_new_size (HookrunStagedChange *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_staged_change_get_old_link (HookrunStagedChange *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_staged_change_get_new_link (HookrunStagedChange *self);
HOOKRUN_AVAILABLE_IN_1_0
GBytes *hookrun_staged_change_load_old (HookrunStagedChange *self, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
GBytes *hookrun_staged_change_load_new (HookrunStagedChange *self, GError **error);

HOOKRUN_AVAILABLE_IN_1_0
HookrunStagingAnswer hookrun_staged_change_get_answer (HookrunStagedChange *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_staged_change_set_answer (HookrunStagedChange *self, HookrunStagingAnswer answer);
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_staged_change_show (HookrunStagedChange *self, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_staged_change_show_async (HookrunStagedChange *self, GCancellable *cancellable,
                                       GAsyncReadyCallback callback, gpointer user_data);
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_staged_change_show_finish (HookrunStagedChange *self, GAsyncResult *result,
                                         GError **error);

HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_staged_change_export_merge (HookrunStagedChange *self, char **orig,
                                             char **new_version, char **merged, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_staged_change_import_merge (HookrunStagedChange *self, GError **error);

G_END_DECLS
