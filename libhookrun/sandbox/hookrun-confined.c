/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A confined program as callers see it: waiting for it, with and without a main loop, and ending
 * it. */
#include "hookrun-tree-private.h"
#include "hookrun-error-private.h"
#include "hookrun-follower-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>

struct _HookrunConfined {
  GObject parent_instance;
  HookrunTree *tree;
};

G_DEFINE_FINAL_TYPE (HookrunConfined, hookrun_confined, G_TYPE_OBJECT)

static void
hookrun_confined_finalize (GObject *object)
{
  HookrunConfined *self = HOOKRUN_CONFINED (object);

  if (self->tree != NULL)
    hookrun_tree_kill (self->tree, HOOKRUN_LIMIT_NONE);
  g_clear_pointer (&self->tree, hookrun_tree_unref);
  G_OBJECT_CLASS (hookrun_confined_parent_class)->finalize (object);
}

static void
hookrun_confined_class_init (HookrunConfinedClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hookrun_confined_finalize;
}

static void
hookrun_confined_init (HookrunConfined *self)
{
}

HookrunConfined *
hookrun_confined_new (HookrunTree *tree)
{
  HookrunConfined *self = g_object_new (HOOKRUN_TYPE_CONFINED, NULL);

  self->tree = hookrun_tree_ref (tree);
  return self;
}

/**
 * hookrun_confined_get_pid:
 * @self: a confined program
 *
 * Gets the number of its process, which is also that of its process group. It is not reused before
 * the program counts as finished.
 *
 * Returns: a process number
 *
 * Since: 1.0
 */
int
hookrun_confined_get_pid (HookrunConfined *self)
{
  g_return_val_if_fail (HOOKRUN_IS_CONFINED (self), -1);
  return self->tree->pid;
}

/**
 * hookrun_confined_get_end_fd:
 * @self: a confined program
 *
 * Gets a descriptor for poll(): it is ready to be read from once the program and all that it
 * started are gone. It belongs to @self; nothing is to be read from it.
 *
 * Returns: a descriptor, or -1 when no more can be opened
 *
 * Since: 1.0
 */
int
hookrun_confined_get_end_fd (HookrunConfined *self)
{
  g_return_val_if_fail (HOOKRUN_IS_CONFINED (self), -1);
  return hookrun_tree_end_fd (self->tree);
}

/**
 * hookrun_confined_get_outcome:
 * @self: a confined program
 *
 * Gets how it ended.
 *
 * Returns: (transfer full) (nullable): how, or %NULL while it runs; free it with
 *   [method@Hookrun.Outcome.free]
 *
 * Since: 1.0
 */
HookrunOutcome *
hookrun_confined_get_outcome (HookrunConfined *self)
{
  g_return_val_if_fail (HOOKRUN_IS_CONFINED (self), NULL);
  if (!hookrun_tree_is_finished (self->tree))
    return NULL;
  return hookrun_outcome_copy (&self->tree->outcome);
}

/**
 * hookrun_confined_list_denials:
 * @self: a confined program
 *
 * Lists what the policy has denied it so far, each thing once, in the order in which they came up;
 * and the limit that ended it. Only of a program whose launch said hookrun_launch_observe(). What
 * would have failed without a policy is not among it. At most 2000 things are kept.
 *
 * Returns: (transfer full) (element-type HookrunDenial): what was denied; empty when it was not
 *   observed
 *
 * Since: 1.0
 */
GPtrArray *
hookrun_confined_list_denials (HookrunConfined *self)
{
  HookrunTree *tree;
  GPtrArray *denials;

  g_return_val_if_fail (HOOKRUN_IS_CONFINED (self), NULL);
  tree = self->tree;
  if (tree->follower == NULL)
    return hookrun_denials_new ();
  denials = hookrun_follower_list (tree->follower);
  if (hookrun_tree_is_finished (tree) && tree->outcome.limit != HOOKRUN_LIMIT_NONE)
    hookrun_denials_take (denials, hookrun_denial_new_for_limit (tree->policy, tree->outcome.limit,
                                                                 "all together", 0));
  return denials;
}

/**
 * hookrun_confined_kill:
 * @self: a confined program
 *
 * Kills it and all processes that it started. Returns at once; wait to know that they are gone.
 *
 * Since: 1.0
 */
void
hookrun_confined_kill (HookrunConfined *self)
{
  g_return_if_fail (HOOKRUN_IS_CONFINED (self));
  hookrun_tree_kill (self->tree, HOOKRUN_LIMIT_NONE);
}

/**
 * hookrun_confined_stop:
 * @self: a confined program
 * @grace_ms: milliseconds until it is killed
 *
 * Asks it and all processes that it started to end (`SIGTERM`), and kills what is left after the
 * grace. Returns at once.
 *
 * Since: 1.0
 */
void
hookrun_confined_stop (HookrunConfined *self, guint grace_ms)
{
  g_return_if_fail (HOOKRUN_IS_CONFINED (self));
  hookrun_tree_stop (self->tree, grace_ms);
}

/* ---- waiting ---- */

/* The end is looked after here instead of in the supervisor's thread, so that nobody who waits is
 * made to wait for another thread. */
static gboolean
wait_for_end (HookrunTree *tree, int cancel_fd)
{
  struct pollfd fds[] = {{tree->pidfd, POLLIN, 0}, {cancel_fd, POLLIN, 0}};

  while (!hookrun_tree_turn (tree, fds[0].revents != 0, g_get_monotonic_time ())) {
    gboolean is_ending = fds[0].revents != 0;

    if (fds[1].revents != 0)
      return FALSE;
    if (is_ending)
      g_usleep (100);
    else if (poll (fds, G_N_ELEMENTS (fds), -1) < 0 && errno != EINTR)
      return FALSE;
  }
  return TRUE;
}

/**
 * hookrun_confined_wait:
 * @self: a confined program
 * @cancellable: (nullable): ends the waiting, not the program
 *
 * Waits until the program has ended and nothing is left of what it started. Needs no main loop.
 *
 * Returns: (transfer full): how it ended, or %NULL with %HOOKRUN_ERROR_CANCELLED
 *
 * Since: 1.0
 */
HookrunOutcome *
hookrun_confined_wait (HookrunConfined *self, GCancellable *cancellable, GError **error)
{
  GPollFD cancel = {.fd = -1};
  gboolean has_cancel;
  gboolean is_finished;

  g_return_val_if_fail (HOOKRUN_IS_CONFINED (self), NULL);
  has_cancel = g_cancellable_make_pollfd (cancellable, &cancel);
  hookrun_supervisor_leave_end (self->tree->supervisor, self->tree);
  is_finished = wait_for_end (self->tree, cancel.fd);
  if (has_cancel)
    g_cancellable_release_fd (cancellable);
  if (is_finished) {
    hookrun_supervisor_forget (self->tree->supervisor, self->tree);
    return hookrun_outcome_copy (&self->tree->outcome);
  }
  hookrun_supervisor_take_end (self->tree->supervisor, self->tree);
  g_set_error_literal (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
                       "waiting for a confined program was cancelled; it goes on");
  return NULL;
}

typedef struct {
  GSource *end;
  GSource *cancel;
} Wait;

static void
wait_free (gpointer data)
{
  Wait *wait = data;

  if (wait->cancel != NULL) {
    g_source_destroy (wait->cancel);
    g_source_unref (wait->cancel);
  }
  g_source_destroy (wait->end);
  g_source_unref (wait->end);
  g_free (wait);
}

static gboolean
on_end (int fd, GIOCondition condition, gpointer user_data)
{
  g_autoptr (GTask) task = g_object_ref (G_TASK (user_data));
  HookrunConfined *self = g_task_get_source_object (task);

  g_task_set_task_data (task, NULL, NULL);
  g_task_return_pointer (task, hookrun_confined_get_outcome (self),
                         (GDestroyNotify)hookrun_outcome_free);
  return G_SOURCE_REMOVE;
}

static gboolean
on_cancel (GCancellable *cancellable, gpointer user_data)
{
  g_autoptr (GTask) task = g_object_ref (G_TASK (user_data));

  g_task_set_task_data (task, NULL, NULL);
  g_task_return_new_error (task, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
                           "waiting for a confined program was cancelled; it goes on");
  return G_SOURCE_REMOVE;
}

/**
 * hookrun_confined_wait_async:
 * @self: a confined program
 * @cancellable: (nullable): ends the waiting, not the program
 * @callback: (scope async): called once the program and all that it started are gone
 * @user_data: for @callback
 *
 * The same as [method@Hookrun.Confined.wait] on the main context that is the thread's default.
 *
 * Since: 1.0
 */
void
hookrun_confined_wait_async (HookrunConfined *self, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Wait *wait;
  int end_fd;

  g_return_if_fail (HOOKRUN_IS_CONFINED (self));
  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, hookrun_confined_wait_async);
  end_fd = hookrun_tree_end_fd (self->tree);
  if (end_fd < 0) {
    GError *problem = NULL;

    hookrun_set_error_from_errno (&problem, errno, "cannot wait for a confined program");
    g_task_return_error (task, problem);
    return;
  }
  wait = g_new0 (Wait, 1);
  wait->end = g_unix_fd_source_new (end_fd, G_IO_IN);
  g_source_set_callback (wait->end, (GSourceFunc)(gpointer)on_end, g_object_ref (task),
                         g_object_unref);
  if (cancellable != NULL) {
    wait->cancel = g_cancellable_source_new (cancellable);
    g_source_set_callback (wait->cancel, (GSourceFunc)(gpointer)on_cancel, g_object_ref (task),
                           g_object_unref);
  }
  g_task_set_task_data (task, wait, wait_free);
  g_source_attach (wait->end, g_task_get_context (task));
  if (wait->cancel != NULL)
    g_source_attach (wait->cancel, g_task_get_context (task));
}

/**
 * hookrun_confined_wait_finish:
 * @self: a confined program
 * @result: what the callback was given
 *
 * Ends [method@Hookrun.Confined.wait_async].
 *
 * Returns: (transfer full): how it ended, or %NULL with %HOOKRUN_ERROR_CANCELLED or
 *   %HOOKRUN_ERROR_IO
 *
 * Since: 1.0
 */
HookrunOutcome *
hookrun_confined_wait_finish (HookrunConfined *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
