/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One file to a target: written beside its destination, its length checked, synced, and renamed
 * over it, so that nobody ever reads half a file there.
 */
#include "hookrun-target-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hookrun-error-private.h"
#include "hookrun-shell-private.h"

/* $1 destination, $2 mode, $3 length. A connection that breaks looks like the end of the file, so
 * the length decides. */
static const char copy_script[] =
    "LC_ALL=C; export LC_ALL\n"
    "d=$1 t=$1.hookrun.$$\n"
    "if [ -d \"$d\" ]; then echo \"$d: is a folder\" >&2; exit 1; fi\n"
    "trap 'rm -f -- \"$t\"' EXIT; trap 'exit 1' HUP INT TERM\n"
    "umask 077; set -C\n"
    "cat >\"$t\" || exit 1\n"
    "n=$(wc -c <\"$t\") && [ \"$n\" -eq \"$3\" ] || { echo 'the file arrived incomplete' >&2; "
    "exit 1; }\n"
    "chmod \"$2\" -- \"$t\" && { sync -- \"$t\" 2>/dev/null || sync; } || exit 1\n"
    "mv -f -- \"$t\" \"$d\" && { sync -- \"$(dirname -- \"$d\")\" 2>/dev/null || :; }\n";

static int
open_source (const char *path, goffset *size, GError **error)
{
  struct stat st;
  int fd = open (path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

  if (fd < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open \"%s\"", path);
    return -1;
  }
  if (fstat (fd, &st) == 0 && S_ISREG (st.st_mode)) {
    *size = st.st_size;
    return fd;
  }
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "\"%s\" is not a regular file", path);
  close (fd);
  return -1;
}

/**
 * hookrun_target_copy_file:
 * @self: a target
 * @local_path: (type filename): a regular file of this machine
 * @remote_path: (type filename): where it goes; its folder must exist
 * @mode: the permissions it gets, for example 0600
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Copies one file, and blocks meanwhile; connects first if need be. It is written beside
 * @remote_path, synced, and renamed over it: whoever reads @remote_path sees the old file or the
 * whole new one. Any thread may call. Errors: %HOOKRUN_ERROR_NOT_FOUND, %HOOKRUN_ERROR_INVALID for
 * a local file that cannot be sent; %HOOKRUN_ERROR_NO_SPACE, %HOOKRUN_ERROR_PERMISSION,
 * %HOOKRUN_ERROR_COMMAND for what fails at the target; those of
 * [method@Hookrun.Target.connect_finish].
 *
 * Returns: %TRUE when the file is in place
 *
 * Since: 1.0
 */
gboolean
hookrun_target_copy_file (HookrunTarget *self, const char *local_path, const char *remote_path,
                          guint mode, GCancellable *cancellable, GError **error)
{
  g_auto (HookrunCommandResult) result = {0};
  HookrunCommand command = {.stdin_fd = -1};
  goffset size = 0;
  g_autofree char *mapped = NULL;
  g_autofree char *mode_text = NULL;
  g_autofree char *size_text = NULL;
  g_autofree char *command_line = NULL;
  g_autofree char *label = NULL;

  g_return_val_if_fail (HOOKRUN_IS_TARGET (self), FALSE);
  g_return_val_if_fail (local_path != NULL && remote_path != NULL, FALSE);

  command.stdin_fd = open_source (local_path, &size, error);
  if (command.stdin_fd < 0)
    return FALSE;
  mapped = hookrun_target_map_path (self, remote_path);
  mode_text = g_strdup_printf ("%04o", mode & 07777);
  size_text = g_strdup_printf ("%" G_GOFFSET_FORMAT, size);
  command_line = hookrun_shell_quote_argv ((const char *const[]){
      "sh", "-c", copy_script, "hookrun-copy", mapped, mode_text, size_text, NULL});
  label = g_strdup_printf ("copy %s to %s", local_path, remote_path);
  command.command_line = command_line;
  command.label = label;
  return hookrun_target_run_command (self, &command, &result, cancellable, error) &&
         hookrun_target_check_status (self, label, result.status, result.errors, TRUE, error);
}
