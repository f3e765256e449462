/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a step consists of, for the pipeline that runs it. */
#pragma once

#include "hookrun-ledger-private.h"
#include "hookrun-step.h"

G_BEGIN_DECLS

typedef struct _HookrunJob HookrunJob;
typedef struct _HookrunActionPoint HookrunActionPoint;

typedef enum {
  HOOKRUN_PHASE_BEFORE,
  HOOKRUN_PHASE_MIDDLE,
  HOOKRUN_PHASE_AFTER,
  HOOKRUN_PHASE_UNDO,
  HOOKRUN_N_PHASES,
} HookrunPhase;

extern const char *const hookrun_phase_names[HOOKRUN_N_PHASES];

typedef enum {
  HOOKRUN_STEP_EXECUTE,
  HOOKRUN_STEP_UNDO,
  HOOKRUN_STEP_PROBE,
  HOOKRUN_STEP_DESCRIBE,
  HOOKRUN_STEP_N_FUNCS,
} HookrunStepFuncKind;

typedef struct {
  gpointer func; /* of the type that its kind has */
  gpointer user_data;
  GDestroyNotify destroy;
} HookrunStepCallback;

struct _HookrunStep {
  GObject parent_instance;
  char *name;
  HookrunStepFlags flags;
  char *signals[HOOKRUN_N_PHASES];
  char *action_id;
  char *subject;
  HookrunStepCallback funcs[HOOKRUN_STEP_N_FUNCS];
  gpointer shared; /* of set_funcs */
  GDestroyNotify shared_destroy;

  /* by the pipeline, when it is added */
  HookrunActionPoint *points[HOOKRUN_N_PHASES]; /* middle and undo only */

  /* while a run is under way */
  HookrunJob *job;
  HookrunLedgerStep *entry;
  gboolean begin_recorded; /* by this process, in this attempt */
  gboolean undo_recorded;
};

/* (transfer full): the id of the default handler of the middle or the undo signal */
char *hookrun_step_default_id (HookrunStep *self, HookrunPhase phase);

gboolean hookrun_step_has_func (HookrunStep *self, HookrunStepFuncKind kind);
gboolean hookrun_step_call (HookrunStep *self, HookrunStepFuncKind kind, GError **error);
/* Without a probe: not done */
gboolean hookrun_step_probe (HookrunStep *self, gboolean *done, GError **error);
/* (transfer full) */
char *hookrun_step_describe (HookrunStep *self, GError **error);

G_END_DECLS
