/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A list of steps with before, middle and after signals, an action and an undo. Dry run, resuming
 * and rolling back after kill -9, and status are written here once for all kinds of jobs.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-journal.h"
#include "hookrun-step.h"

G_BEGIN_DECLS

/**
 * HookrunOnFailure:
 * @HOOKRUN_ON_FAILURE_ROLLBACK: undo what was done, unless the commit point is passed
 * @HOOKRUN_ON_FAILURE_STOP: leave everything as it is, to be resumed or rolled back
 *
 * What follows when a step fails, a hook vetoes or the caller cancels.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_ON_FAILURE_ROLLBACK,
  HOOKRUN_ON_FAILURE_STOP,
} HookrunOnFailure;

/**
 * HookrunPipeline:
 *
 * Steps that run one after the other. Each emits its before, middle and after signal; the action is
 * the middle signal's default handler. Each hook that finished and each effect, before it happens,
 * goes into the journal.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_PIPELINE (hookrun_pipeline_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunPipeline, hookrun_pipeline, HOOKRUN, PIPELINE, GObject)

HOOKRUN_AVAILABLE_IN_1_0
HookrunPipeline *hookrun_pipeline_new (HookrunRegistry *registry, const char *name,
                                       HookrunSchema *schema);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_pipeline_get_name (HookrunPipeline *self);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_pipeline_set_signals (HookrunPipeline *self, const char *failed,
                                       const char *rollback_start, const char *rollback_finish,
                                       GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_pipeline_set_subject (HookrunPipeline *self, const char *subject);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_pipeline_set_on_failure (HookrunPipeline *self, HookrunOnFailure on_failure);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_pipeline_add_step (HookrunPipeline *self, HookrunStep *step, GError **error);

/* What would happen */
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_pipeline_plan (HookrunPipeline *self, HookrunData *data, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_pipeline_plan_text (JsonNode *plan);

/* Make it happen: these block; the asynchronous forms below do the same in a thread of their own */
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_pipeline_run (HookrunPipeline *self, const char *title, HookrunData *data,
                               HookrunJournal *journal, GCancellable *cancellable, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_pipeline_resume (HookrunPipeline *self, HookrunData *data, HookrunJournal *journal,
                                  GCancellable *cancellable, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_pipeline_rollback (HookrunPipeline *self, HookrunData *data,
                                    HookrunJournal *journal, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_pipeline_run_async (HookrunPipeline *self, const char *title, HookrunData *data,
                                 HookrunJournal *journal, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_pipeline_run_finish (HookrunPipeline *self, GAsyncResult *result, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_pipeline_resume_async (HookrunPipeline *self, HookrunData *data,
                                    HookrunJournal *journal, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_pipeline_resume_finish (HookrunPipeline *self, GAsyncResult *result,
                                         GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_pipeline_rollback_async (HookrunPipeline *self, HookrunData *data,
                                      HookrunJournal *journal, GAsyncReadyCallback callback,
                                      gpointer user_data);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_pipeline_rollback_finish (HookrunPipeline *self, GAsyncResult *result,
                                           GError **error);

/* What became of it */
HOOKRUN_AVAILABLE_IN_1_0
HookrunRunState hookrun_pipeline_get_state (HookrunPipeline *self);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_pipeline_get_status (HookrunPipeline *self);

G_END_DECLS
