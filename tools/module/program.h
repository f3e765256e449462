/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any program in the sandbox of modules: where it runs, what it may do, and how its end becomes an
 * exit status. Shared by the commands that run, explain and learn. */
#pragma once

#include "commands.h"

G_BEGIN_DECLS

enum { PROGRAM_ROOT, PROGRAM_CACHE, PROGRAM_TEMP, PROGRAM_N_FOLDERS };

/* The folders that were not given belong to a state of this run's own, which is thrown away. */
typedef struct {
  HookrunModuleState *state;
  char *folders[PROGRAM_N_FOLDERS];
} ProgramPlace;

gboolean program_place_make (ProgramPlace *self, ModuleContext *context, GError **error);
void program_place_clear (ProgramPlace *self);

/* (transfer full) (nullable): what it may do without --policy. */
HookrunPolicy *program_make_base (const ProgramPlace *place, const ModuleOptions *options,
                                  GError **error);
/* The same with --policy. */
HookrunPolicy *program_make_policy (const ProgramPlace *place, const ModuleOptions *options,
                                    GError **error);
/* (transfer full): with the user's own streams; its output goes to the descriptor @output. */
HookrunLaunch *program_make_launch (const ProgramPlace *place, char **argv, int output);

/* Waits for it; what it ended with. FALSE: it was cut off, and is being killed. */
gboolean program_wait (ModuleContext *context, HookrunConfined *confined, HookrunOutcome **outcome,
                       GError **error);

ToolExit program_exit_for_spawn (const GError *problem);
/* Says it when a limit ended it. */
ToolExit program_exit_for_outcome (const HookrunOutcome *outcome);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ProgramPlace, program_place_clear)

G_END_DECLS
