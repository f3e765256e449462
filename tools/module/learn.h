/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Learning a policy: the program runs in a throw-away copy of the file system, and again under what
 * was learned. Each run is a process of its own, so that the one that learns never changes
 * anything.
 */
#pragma once

#include "commands.h"

G_BEGIN_DECLS

/* ---- learn-world.c ---- */

/* Puts this process, which must have one thread only, into a world where what is written goes to
 * @scratch. FALSE with UNSUPPORTED where that is impossible. */
gboolean learn_world_enter (const char *scratch, GError **error);

/* ---- learn-inside.c ---- */

/* What one run is told; made from the hidden words at the front of its command line. */
struct _LearnTrial {
  HookrunPolicy *policy; /* NULL: everything that a policy can allow, measured */
};

/* Takes the hidden words out of @argv. FALSE with @error; @trial stays empty where there are none.
 */
gboolean learn_trial_take (char ***argv, LearnTrial **trial, GError **error);
void learn_trial_free (LearnTrial *trial);
/* Runs what the command line says, and reports to the process that learns. */
ToolExit learn_inside (ModuleContext *context, GError **error);

/* ---- learn-run.c ---- */

typedef struct {
  ToolExit status;
  char *problem; /* (nullable): why it was not run */
  gboolean is_unsupported;
  char *digest;        /* of what it printed */
  GHashTable *written; /* path -> digest */
  HookrunPolicy *needs;
  GPtrArray *never; /* char *: what no policy allows, in words */
} LearnRun;

void learn_run_free (LearnRun *run);
/* (transfer full) (nullable): one run under @policy, or with everything and measured. @output is a
 * descriptor of an empty file. */
LearnRun *learn_run (ModuleContext *context, HookrunPolicy *policy, int input, int output,
                     GError **error);
/* Whether @run did the same as @first, as far as @first and @second, two runs alike, did the same.
 */
gboolean learn_run_is_same (const LearnRun *run, const LearnRun *first, const LearnRun *second);

/* ---- learn-policy.c ---- */

/* (transfer full): the parts of @policy, each a HookrunPolicy that grants one thing. */
GPtrArray *learn_policy_split (HookrunPolicy *policy);
/* (transfer full): all but number @without of @parts; G_MAXUINT: all. */
HookrunPolicy *learn_policy_join (GPtrArray *parts, guint without);
/* (transfer full): @policy by paths that exist, without what it says twice. */
HookrunPolicy *learn_policy_reduce (HookrunPolicy *policy);
/* Whether @part opens what nobody should grant unasked. */
gboolean learn_policy_is_secret (HookrunPolicy *part);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LearnRun, learn_run_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LearnTrial, learn_trial_free)

G_END_DECLS
