/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of a run, shared by the files that emit its signals and that run it. */
#pragma once

#include "hookrun-module-path-private.h"
#include "hookrun-operation-run.h"
#include "hookrun-operation-set-private.h"
#include "hookrun-staging-stage.h"

G_BEGIN_DECLS

struct _HookrunOperationRun {
  GObject parent_instance;
  HookrunModulePath *path;
  HookrunOperationSet *set;
  HookrunOperation *operation;
  HookrunModuleState *state;
  HookrunRegistry *registry;
  JsonNode *arguments;
  HookrunData *data;
  HookrunStaging *staging;
  HookrunStage *stage;
  GPtrArray *changes; /* HookrunStagedChange */
  HookrunOutcome *outcome;
  GCancellable *cancellable;
  GError *problem; /* of the program, as it was before handlers wrapped it */
  char *doing;     /* (nullable): what the program said last that it is doing */
  gboolean is_done;
  gboolean is_observed;
  HookrunPolicy *trial; /* (nullable): instead of what the module asks for */
  gboolean measures;
  GPtrArray *denials; /* HookrunDenial; NULL: none yet */
};

/* The payload of the signals, in this order. */
typedef enum {
  SLOT_MODULE,
  SLOT_OPERATION,
  SLOT_FILE,
  SLOT_VERSION,
  SLOT_ROOT,
  SLOT_CACHE,
  SLOT_TEMP,
  SLOT_ARGUMENTS,
  SLOT_STATUS,
  SLOT_ERROR,
} OperationSlot;

/* Defines the signal @name in @registry; all share one schema. */
gboolean hookrun_operation_signal_define (HookrunRegistry *registry, const char *name,
                                          GError **error);
/* The payload of @self. */
HookrunData *hookrun_operation_run_make_data (HookrunOperationRun *self, GError **error);
/* Emits before, the operation itself and after; @func is the default action. */
gboolean hookrun_operation_run_emit_all (HookrunOperationRun *self, HookrunHandlerFunc func,
                                         GError **error);
/* The default action: runs the program. */
gboolean hookrun_operation_run_program (HookrunOperationRun *self, GError **error);

G_END_DECLS
