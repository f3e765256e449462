/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The interface of targets: checks arguments, hands the call to the kind of target, and offers
 * blocking forms of what is asynchronous.
 */
#include "hookrun-target-private.h"

#include <unistd.h>

G_DEFINE_INTERFACE (HookrunTarget, hookrun_target, G_TYPE_OBJECT)

static void
hookrun_target_default_init (HookrunTargetInterface *iface)
{
}

/**
 * hookrun_target_get_name:
 * @self: a target
 *
 * Gets the target as the user named it, for messages.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
hookrun_target_get_name (HookrunTarget *self)
{
  g_return_val_if_fail (HOOKRUN_IS_TARGET (self), NULL);

  return HOOKRUN_TARGET_GET_IFACE (self)->get_name (self);
}

/**
 * hookrun_target_connect_async:
 * @self: a target
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when done
 * @user_data: for @callback
 *
 * Connects and logs in; ends at once when that has happened. The first call makes the caller's
 * thread-default main context the one in which the connection lives: it must be iterated for
 * anything to move, and other asynchronous calls are made from it. Blocking calls may come from
 * any thread.
 *
 * Since: 1.0
 */
void
hookrun_target_connect_async (HookrunTarget *self, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (HOOKRUN_IS_TARGET (self));

  hookrun_target_adopt_context (self);
  HOOKRUN_TARGET_GET_IFACE (self)->connect_async (self, cancellable, callback, user_data);
}

/**
 * hookrun_target_connect_finish:
 * @self: a target
 * @result: the result of [method@Hookrun.Target.connect_async]
 * @error: return location
 *
 * Ends connecting. Errors: %HOOKRUN_ERROR_CONNECTION, %HOOKRUN_ERROR_AUTHENTICATION,
 * %HOOKRUN_ERROR_HOST_KEY_UNKNOWN, %HOOKRUN_ERROR_HOST_KEY_CHANGED,
 * %HOOKRUN_ERROR_HOST_KEY_REVOKED, %HOOKRUN_ERROR_UNSUPPORTED, %HOOKRUN_ERROR_TIMED_OUT,
 * %HOOKRUN_ERROR_CANCELLED.
 *
 * Returns: %TRUE when the target is connected
 *
 * Since: 1.0
 */
gboolean
hookrun_target_connect_finish (HookrunTarget *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (HOOKRUN_IS_TARGET (self), FALSE);

  return HOOKRUN_TARGET_GET_IFACE (self)->connect_finish (self, result, error);
}

static void
start_connect (HookrunTarget *self, gpointer data, GCancellable *cancellable,
               GAsyncReadyCallback callback, gpointer user_data)
{
  hookrun_target_connect_async (self, cancellable, callback, user_data);
}

/**
 * hookrun_target_connect:
 * @self: a target
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Connects and logs in, and blocks meanwhile. A target that is first used by a blocking call gets a
 * thread of its own for its connection. Errors: those of
 * [method@Hookrun.Target.connect_finish].
 *
 * Returns: %TRUE when the target is connected
 *
 * Since: 1.0
 */
gboolean
hookrun_target_connect (HookrunTarget *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  g_return_val_if_fail (HOOKRUN_IS_TARGET (self), FALSE);

  result = hookrun_target_wait (self, start_connect, NULL, cancellable);
  return hookrun_target_connect_finish (self, result, error);
}

/**
 * hookrun_target_execute_async:
 * @self: a connected target
 * @command_line: a command line of the POSIX shell
 * @stdin_fd: descriptor for standard input, owned and closed by the call; -1 is `/dev/null`
 * @stdout_fd: descriptor for standard output, in the same way
 * @stderr_fd: descriptor for standard error, in the same way
 * @cancellable: (nullable): a #GCancellable; cancelling ends the command where that is possible
 * @callback: (scope async): called when done
 * @user_data: for @callback
 *
 * Runs a command. It has ended when the command has ended and all its output was delivered to the
 * descriptors. What the user's login shell prints comes before the output of the command.
 *
 * Since: 1.0
 */
void
hookrun_target_execute_async (HookrunTarget *self, const char *command_line, int stdin_fd,
                              int stdout_fd, int stderr_fd, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (HOOKRUN_IS_TARGET (self));
  g_return_if_fail (command_line != NULL);

  HOOKRUN_TARGET_GET_IFACE (self)->execute_async (self, command_line, stdin_fd, stdout_fd,
                                                  stderr_fd, cancellable, callback, user_data);
}

/**
 * hookrun_target_execute_finish:
 * @self: a target
 * @result: the result of [method@Hookrun.Target.execute_async]
 * @status: (out) (optional): how the command ended, as of waitpid()
 * @error: return location
 *
 * Ends running a command. Errors: %HOOKRUN_ERROR_CONNECTION when the connection was lost before the
 * status arrived (whether the command ended is not known then), %HOOKRUN_ERROR_CANCELLED,
 * %HOOKRUN_ERROR_TIMED_OUT. A status other than zero is no error here.
 *
 * Returns: %TRUE when @status is known
 *
 * Since: 1.0
 */
gboolean
hookrun_target_execute_finish (HookrunTarget *self, GAsyncResult *result, int *status,
                               GError **error)
{
  int unused = 0;

  g_return_val_if_fail (HOOKRUN_IS_TARGET (self), FALSE);

  return HOOKRUN_TARGET_GET_IFACE (self)->execute_finish (self, result,
                                                          status != NULL ? status : &unused, error);
}

/**
 * hookrun_target_disconnect:
 * @self: a target
 *
 * Drops the connection at once; pending calls fail with %HOOKRUN_ERROR_CONNECTION. The target can
 * be connected again. To be called from the main context of the connection, or while no call is
 * pending.
 *
 * Since: 1.0
 */
void
hookrun_target_disconnect (HookrunTarget *self)
{
  g_return_if_fail (HOOKRUN_IS_TARGET (self));

  hookrun_target_forget_facts (self);
  HOOKRUN_TARGET_GET_IFACE (self)->disconnect (self);
}

const char *
hookrun_target_get_root (HookrunTarget *self)
{
  HookrunTargetInterface *iface = HOOKRUN_TARGET_GET_IFACE (self);
  const char *root = iface->get_root != NULL ? iface->get_root (self) : NULL;

  return root != NULL ? root : "";
}

/* A relative path is one below the folder in which commands start, with or without a root. */
char *
hookrun_target_map_path (HookrunTarget *self, const char *path)
{
  const char *root = hookrun_target_get_root (self);
  gboolean is_local = HOOKRUN_TARGET_GET_IFACE (self)->get_root != NULL;

  if (path[0] == '/')
    return root[0] != '\0' ? g_build_filename (root, path, NULL) : g_strdup (path);
  if (g_str_has_prefix (path, "~/") && is_local)
    return g_build_filename (root[0] != '\0' ? root : g_get_home_dir (), path + 2, NULL);
  if (g_str_has_prefix (path, "~/"))
    path += 2;
  return path[0] == '-' ? g_strconcat ("./", path, NULL) : g_strdup (path);
}
