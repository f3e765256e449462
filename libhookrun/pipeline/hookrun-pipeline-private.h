/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a pipeline consists of, for the files that plan and run it. */
#pragma once

#include "hookrun-pipeline.h"
#include "hookrun-step-private.h"

G_BEGIN_DECLS

typedef enum {
  HOOKRUN_TURN_FAILED,
  HOOKRUN_TURN_ROLLBACK_START,
  HOOKRUN_TURN_ROLLBACK_FINISH,
  HOOKRUN_N_TURNS,
} HookrunTurn;

extern const char *const hookrun_turn_names[HOOKRUN_N_TURNS];

struct _HookrunPipeline {
  GObject parent_instance;
  HookrunRegistry *registry;
  char *name;
  char *subject;         /* (nullable) */
  HookrunSchema *schema; /* (nullable) */
  char *turns[HOOKRUN_N_TURNS];
  HookrunOnFailure on_failure;
  GPtrArray *steps; /* HookrunStep */

  GMutex lock; /* guards what follows */
  gboolean running;
  HookrunRunState state;
  JsonNode *status; /* of the last run */
};

HookrunSignal *hookrun_pipeline_signal (HookrunPipeline *self, const char *name);

/* (transfer full): the plan without descriptions: what a journal keeps and a resume compares */
JsonObject *hookrun_plan_new (HookrunPipeline *self);
/* CONFLICT, naming the first difference */
gboolean hookrun_plan_check (HookrunPipeline *self, JsonObject *journaled, GError **error);

void hookrun_pipeline_announce (HookrunPipeline *self, const char *step, HookrunStepState state);

G_END_DECLS
