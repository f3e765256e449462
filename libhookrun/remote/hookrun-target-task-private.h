/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tasks of the kinds of targets: how they begin, and how their ends are read. */
#pragma once

#include "hookrun-target.h"

G_BEGIN_DECLS

/* A task of @target for @tag, the function that begins it. What was cancelled is told by the work
 * itself, in its own words. (transfer full) */
GTask *hookrun_target_task_new (gpointer target, gpointer tag, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);

/* The finish functions of the interface, for tasks that return a boolean and an int. */
gboolean hookrun_target_task_finish_connect (HookrunTarget *target, GAsyncResult *result,
                                             GError **error);
gboolean hookrun_target_task_finish_execute (HookrunTarget *target, GAsyncResult *result,
                                             int *status, GError **error);

/* An execute() that cannot begin still owns the descriptors. */
void hookrun_target_task_close (int stdin_fd, int stdout_fd, int stderr_fd);

G_END_DECLS
