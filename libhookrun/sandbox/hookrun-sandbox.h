/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Running programs under a policy: the sandbox that enforces it, what is launched in it, and the
 * confined program with all processes that it starts.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include <gio/gio.h>

#include "hookrun-denial.h"

G_BEGIN_DECLS

/**
 * HOOKRUN_EXIT_NOT_CONFINED:
 *
 * The exit status of programs that were asked to confine something and refuse because this system
 * cannot keep a promise of the policy.
 *
 * Since: 1.0
 */
#define HOOKRUN_EXIT_NOT_CONFINED 125

/**
 * HookrunLaunch:
 *
 * What is to be launched: a program with its arguments, environment, folder and descriptors.
 * Whatever is not said is denied: a program whose launch says no more has `/dev/null` for all three
 * standard streams, no other descriptor, and the environment that the policy makes.
 *
 * Since: 1.0
 */
typedef struct _HookrunLaunch HookrunLaunch;

#define HOOKRUN_TYPE_LAUNCH (hookrun_launch_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_launch_get_type (void);

HOOKRUN_AVAILABLE_IN_1_0
HookrunLaunch *hookrun_launch_new (const char *const *argv);
HOOKRUN_AVAILABLE_IN_1_0
HookrunLaunch *hookrun_launch_ref (HookrunLaunch *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_launch_unref (HookrunLaunch *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_launch_set_environment (HookrunLaunch *self, const char *const *environment);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_launch_set_variable (HookrunLaunch *self, const char *name, const char *value);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_launch_set_folder (HookrunLaunch *self, const char *folder);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_launch_set_folder_fd (HookrunLaunch *self, int fd);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_launch_pass_fd (HookrunLaunch *self, int fd, int target);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_launch_observe (HookrunLaunch *self, HookrunPolicy *measure);

/**
 * HookrunOutcome:
 * @exited: whether the program ended by itself, with @exit_status
 * @exit_status: its exit status; meaningful when @exited
 * @term_signal: the signal that killed it, or 0
 * @limit: the limit that ended it, or %HOOKRUN_LIMIT_NONE
 * @stopped: whether it was ended by [method@Hookrun.Confined.kill] or
 *   [method@Hookrun.Confined.stop]
 * @left_behind: how many processes it left, which were killed when it ended; as far as they were
 *   counted
 * @wall_us: microseconds from its start to its end
 * @cpu_us: microseconds of processor time, of it and of the children that it waited for
 * @max_memory: bytes; the most that it, or any child that it waited for, occupied at a time
 *
 * How a confined program ended.
 *
 * Since: 1.0
 */
typedef struct {
  gboolean exited;
  int exit_status;
  int term_signal;
  HookrunLimit limit;
  gboolean stopped;
  guint left_behind;
  guint64 wall_us;
  guint64 cpu_us;
  guint64 max_memory;
} HookrunOutcome;

#define HOOKRUN_TYPE_OUTCOME (hookrun_outcome_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_outcome_get_type (void);

HOOKRUN_AVAILABLE_IN_1_0
HookrunOutcome *hookrun_outcome_copy (const HookrunOutcome *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_outcome_free (HookrunOutcome *self);
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_outcome_describe (const HookrunOutcome *self);

/**
 * HookrunConfined:
 *
 * A confined program and all processes that it started. When the program ends, the others are
 * killed: nothing of it is left once it counts as finished. The last unref kills it. Its functions
 * may be called from any thread.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_CONFINED (hookrun_confined_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunConfined, hookrun_confined, HOOKRUN, CONFINED, GObject)

HOOKRUN_AVAILABLE_IN_1_0
int hookrun_confined_get_pid (HookrunConfined *self);
HOOKRUN_AVAILABLE_IN_1_0
int hookrun_confined_get_end_fd (HookrunConfined *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunOutcome *hookrun_confined_wait (HookrunConfined *self, GCancellable *cancellable,
                                       GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_confined_wait_async (HookrunConfined *self, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
HOOKRUN_AVAILABLE_IN_1_0
HookrunOutcome *hookrun_confined_wait_finish (HookrunConfined *self, GAsyncResult *result,
                                              GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunOutcome *hookrun_confined_get_outcome (HookrunConfined *self);
HOOKRUN_AVAILABLE_IN_1_0
GPtrArray *hookrun_confined_list_denials (HookrunConfined *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_confined_kill (HookrunConfined *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_confined_stop (HookrunConfined *self, guint grace_ms);

/**
 * HookrunSandbox:
 *
 * Enforces one policy on the programs that are launched in it. What does not change from launch to
 * launch is built once and kept, so keep the sandbox while there is more to launch. It changes
 * nothing of the process that uses it: no signal handler, no folder, no mask, no limit. Its
 * functions may be called from any thread.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_SANDBOX (hookrun_sandbox_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunSandbox, hookrun_sandbox, HOOKRUN, SANDBOX, GObject)

HOOKRUN_AVAILABLE_IN_1_0
HookrunSandbox *hookrun_sandbox_new (HookrunPolicy *policy);
HOOKRUN_AVAILABLE_IN_1_0
HookrunPolicy *hookrun_sandbox_get_policy (HookrunSandbox *self);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_sandbox_prepare (HookrunSandbox *self, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunTier hookrun_sandbox_get_tier (HookrunSandbox *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunConfined *hookrun_sandbox_spawn (HookrunSandbox *self, HookrunLaunch *launch,
                                        GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunLaunch, hookrun_launch_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunOutcome, hookrun_outcome_free)

G_END_DECLS
