/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commands of hookrun-module, each a row of a table, and what they share. */
#pragma once

#include "options.h"
#include "tool-exit.h"

G_BEGIN_DECLS

/* Of learn.h: a run that is learned from. */
typedef struct _LearnTrial LearnTrial;

typedef struct {
  const ModuleOptions *options;
  HookrunModulePath *path;
  HookrunRegistry *registry;
  HookrunEngine *engine; /* (nullable): made when an operation is to be run */
  GCancellable *cancellable;
  char **argv;             /* the whole command line */
  const LearnTrial *trial; /* (nullable) */
} ModuleContext;

typedef ToolExit (*ModuleCommandFunc) (ModuleContext *context, GError **error);

typedef struct {
  const char *name;
  gboolean takes_program;
  guint min_words;
  guint max_words; /* G_MAXUINT: any number */
  const char *usage;
  ModuleCommandFunc run;
} ModuleCommand;

/* NULL: there is none of that name. */
const ModuleCommand *module_command_lookup (const char *name);

/* ---- list.c ---- */

ToolExit module_list (ModuleContext *context, GError **error);
/* What a module offers. */
ToolExit module_show (ModuleContext *context, GError **error);

/* ---- operate.c ---- */

/* MODULE OP [ARGS…] */
ToolExit module_operate (ModuleContext *context, GError **error);
ToolExit module_update (ModuleContext *context, GError **error);
/* Runs one operation and settles what it wants to change. @arguments: (nullable). */
ToolExit module_run_operation (ModuleContext *context, HookrunOperationSet *set, const char *name,
                               JsonNode *arguments, GError **error);
/* The update of every module that has one. Faults are printed; gives the worst status. */
ToolExit module_update_all (ModuleContext *context, GError **error);

/* ---- install.c ---- */

ToolExit module_install (ModuleContext *context, GError **error);
ToolExit module_remove (ModuleContext *context, GError **error);

/* ---- pending.c ---- */

ToolExit module_pending (ModuleContext *context, GError **error);
ToolExit module_undo (ModuleContext *context, GError **error);
/* Goes on without ending what was cut off. */
ToolExit module_abandon (ModuleContext *context, GError **error);
/* Shows @changes of one module, asks for an answer to each where there is somebody to ask, and
 * carries the answers out. */
gboolean module_settle (ModuleContext *context, HookrunStaging *staging, GPtrArray *changes,
                        GError **error);

/* ---- run.c ---- */

ToolExit module_run (ModuleContext *context, GError **error);

/* ---- explain.c ---- */

ToolExit module_explain (ModuleContext *context, GError **error);

/* ---- learn.c ---- */

ToolExit module_learn (ModuleContext *context, GError **error);

/* ---- state.c ---- */

ToolExit module_state (ModuleContext *context, GError **error);
ToolExit module_policy (ModuleContext *context, GError **error);
/* Asks whether @set may have what it asks for, unless it has it already; FALSE with @error only
 * when the answer cannot be kept. */
gboolean module_ask_grant (ModuleContext *context, HookrunOperationSet *set, GError **error);

G_END_DECLS
