/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every kind of target does with its tasks, whatever work they stand for. */
#include "hookrun-target-task-private.h"

#include <unistd.h>

GTask *
hookrun_target_task_new (gpointer target, gpointer tag, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (target, cancellable, callback, user_data);

  g_task_set_source_tag (task, tag);
  g_task_set_check_cancellable (task, FALSE);
  return task;
}

gboolean
hookrun_target_task_finish_connect (HookrunTarget *target, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
hookrun_target_task_finish_execute (HookrunTarget *target, GAsyncResult *result, int *status,
                                    GError **error)
{
  GError *local_error = NULL;
  gssize value = g_task_propagate_int (G_TASK (result), &local_error);

  if (local_error != NULL) {
    g_propagate_error (error, local_error);
    return FALSE;
  }
  if (status != NULL)
    *status = (int)value;
  return TRUE;
}

void
hookrun_target_task_close (int stdin_fd, int stdout_fd, int stderr_fd)
{
  const int fds[] = {stdin_fd, stdout_fd, stderr_fd};

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    if (fds[i] >= 0)
      close (fds[i]);
}
