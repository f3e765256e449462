/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A confined program with all its processes: watched, limited, served by the broker, ended whole.
 */
#pragma once

#include <sys/types.h>

#include "hookrun-cgroup-private.h"

G_BEGIN_DECLS

typedef struct _HookrunSupervisor HookrunSupervisor;
typedef struct _HookrunTotals HookrunTotals;
typedef struct _HookrunBroker HookrunBroker;
typedef struct _HookrunFollower HookrunFollower;

typedef struct {
  gatomicrefcount references;
  HookrunSupervisor *supervisor;
  guint64 id;
  HookrunPolicy *policy;
  HookrunLayer layers;
  pid_t pid;
  int pidfd;
  int listener; /* of a filter of its own; -1: none */
  HookrunBroker *broker;
  HookrunFollower *follower; /* NULL: nobody observes it */
  gint64 started;
  gint64 wall_until; /* monotonic microseconds; 0: none */

  GMutex lock; /* for what follows */
  HookrunTotals *totals;
  HookrunCgroup *cgroup; /* NULL: none */
  gint64 kill_at;        /* after a polite stop; 0: none */
  gint64 end_since;      /* when the program was found to have ended; 0: it runs */
  gint64 group_until;
  gboolean is_reaped;
  gboolean is_finished;
  int end_fd; /* -1 until somebody asks */
  HookrunOutcome outcome;
} HookrunTree;

HookrunTree *hookrun_tree_ref (HookrunTree *self);
void hookrun_tree_unref (HookrunTree *self);

/* Looks after what is due; TRUE when nothing of the tree is left. @has_ended: its program has. */
gboolean hookrun_tree_turn (HookrunTree *self, gboolean has_ended, gint64 now);
/* When the next turn is due; G_MAXINT64: never. */
gint64 hookrun_tree_next_turn (HookrunTree *self);
void hookrun_tree_kill (HookrunTree *self, HookrunLimit limit);
void hookrun_tree_stop (HookrunTree *self, guint grace_ms);
int hookrun_tree_end_fd (HookrunTree *self);
gboolean hookrun_tree_is_finished (HookrunTree *self);

/* (transfer full): a HookrunConfined around @tree. */
HookrunConfined *hookrun_confined_new (HookrunTree *tree);

/* ---- the thread that looks after trees ---- */

/* @broker: (nullable): answers what comes from @listener, which becomes the supervisor's. */
HookrunSupervisor *hookrun_supervisor_new (HookrunBroker *broker, int listener, GError **error);
HookrunSupervisor *hookrun_supervisor_ref (HookrunSupervisor *self);
void hookrun_supervisor_unref (HookrunSupervisor *self);
void hookrun_supervisor_add (HookrunSupervisor *self, HookrunTree *tree);
/* Somebody else waits for the end of the tree's program, or no longer does. */
void hookrun_supervisor_leave_end (HookrunSupervisor *self, HookrunTree *tree);
void hookrun_supervisor_take_end (HookrunSupervisor *self, HookrunTree *tree);
void hookrun_supervisor_forget (HookrunSupervisor *self, HookrunTree *tree);
/* The next turn of some tree may be due earlier than it was. */
void hookrun_supervisor_hurry (HookrunSupervisor *self, gint64 when);

/* Declared here for the tree that keeps it; see hookrun-follower-private.h. */
void hookrun_follower_unref (HookrunFollower *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunFollower, hookrun_follower_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunTree, hookrun_tree_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunSupervisor, hookrun_supervisor_unref)

G_END_DECLS
