/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine, or a folder of this one, where commands run. Every target is one primitive: start a
 * shell command with three descriptors and tell how it ended. Copies, syncs and releases are built
 * on that alone, so a new kind of target is one small class.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include <gio/gio.h>

#include "hookrun-error.h"

G_BEGIN_DECLS

/**
 * HookrunTarget:
 *
 * A machine, or a folder of this one, where commands run. All that is done there is built on one
 * primitive: start a shell command with three descriptors and tell how it ended. Blocking calls may
 * come from any thread.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_TARGET (hookrun_target_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_INTERFACE (HookrunTarget, hookrun_target, HOOKRUN, TARGET, GObject)

/**
 * HookrunTargetQuestion:
 * @target: the target
 * @title: what is asked, one line
 * @text: the details: a fingerprint, a prompt
 * @secret: whether the answer must not be shown while it is typed
 * @user_data: what was given with the function
 *
 * Asks a person: whether to trust an unknown host key (the answer is "yes"), or for a passphrase.
 * Without such a function every question is answered by refusing.
 *
 * Returns: (transfer full) (nullable): the answer; %NULL refuses
 *
 * Since: 1.0
 */
typedef char *(*HookrunTargetQuestion) (HookrunTarget *target, const char *title, const char *text,
                                        gboolean secret, gpointer user_data);

/**
 * HookrunTargetInterface:
 * @g_iface: the parent interface
 * @get_name: the target as the user named it, for messages
 * @connect_async: connects and logs in; at once when that has happened
 * @connect_finish: ends @connect_async
 * @execute_async: runs a command line of the POSIX shell; owns and closes the descriptors, -1 is
 *   /dev/null; ends when the command has ended and all its output was delivered
 * @execute_finish: ends @execute_async; @status is that of waitpid()
 * @disconnect: drops the connection at once; pending calls fail with CONNECTION
 * @get_root: (nullable): the folder that stands for `/` in the paths of copies, syncs and layouts
 *
 * What a kind of target implements. All calls are made in the thread-default main context of the
 * caller and never block it.
 *
 * Since: 1.0
 */
struct _HookrunTargetInterface {
  GTypeInterface g_iface;

  const char *(*get_name) (HookrunTarget *self);
  void (*connect_async) (HookrunTarget *self, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*connect_finish) (HookrunTarget *self, GAsyncResult *result, GError **error);
  void (*execute_async) (HookrunTarget *self, const char *command_line, int stdin_fd, int stdout_fd,
                         int stderr_fd, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data);
  gboolean (*execute_finish) (HookrunTarget *self, GAsyncResult *result, int *status,
                              GError **error);
  void (*disconnect) (HookrunTarget *self);
  const char *(*get_root) (HookrunTarget *self);

  gpointer padding[7];
};

HOOKRUN_AVAILABLE_IN_1_0
HookrunTarget *hookrun_target_new_for_spec (const char *spec, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_target_get_name (HookrunTarget *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_target_set_question (HookrunTarget *self, HookrunTargetQuestion func,
                                  gpointer user_data, GDestroyNotify destroy);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_target_connect_async (HookrunTarget *self, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_target_connect_finish (HookrunTarget *self, GAsyncResult *result, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_target_connect (HookrunTarget *self, GCancellable *cancellable, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_target_execute_async (HookrunTarget *self, const char *command_line, int stdin_fd,
                                   int stdout_fd, int stderr_fd, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_target_execute_finish (HookrunTarget *self, GAsyncResult *result, int *status,
                                        GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_target_disconnect (HookrunTarget *self);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_target_run (HookrunTarget *self, const char *const *argv, GBytes *input,
                             guint timeout_ms, char **stdout_text, char **stderr_text,
                             GCancellable *cancellable, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_target_run_script (HookrunTarget *self, const char *script, GBytes *input,
                                    guint timeout_ms, char **stdout_text, char **stderr_text,
                                    GCancellable *cancellable, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_target_copy_file (HookrunTarget *self, const char *local_path,
                                   const char *remote_path, guint mode, GCancellable *cancellable,
                                   GError **error);

G_END_DECLS
