/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lock that keeps the runs of one module apart. TEMP lives as long as it is held: a run that
 * was killed leaves one, and whoever sees it while nobody holds the lock removes it.
 */
#include "hookrun-module-state-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "hookrun-error-private.h"
#include "hookrun-file-private.h"

#define LOCK_FILE "lock"

gboolean
hookrun_module_state_make_folder (const char *path, GError **error)
{
  struct stat st;

  if (g_mkdir_with_parents (path, 0700) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot make folder \"%s\"", path);
    return FALSE;
  }
  if (lstat (path, &st) == 0 && S_ISDIR (st.st_mode))
    return hookrun_file_check_trust (&st, path, error);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED,
               "\"%s\" is no folder but a link or file; remove it", path);
  return FALSE;
}

static gboolean
fail_busy (HookrunModuleState *self, int fd, GError **error)
{
  char text[32] = "";
  gssize n = pread (fd, text, sizeof text - 1, 0);
  gint64 pid = n > 0 ? g_ascii_strtoll (text, NULL, 10) : 0;

  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_BUSY,
               "module \"%s\" is in use by another run (process %" G_GINT64_FORMAT
               "); wait until it has ended",
               self->name, pid);
  return FALSE;
}

static gboolean
take_lock (HookrunModuleState *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->folder, LOCK_FILE, NULL);
  g_autofree char *pid = g_strdup_printf ("%d\n", (int)getpid ());
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  gboolean ok = fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) == 0;

  if (fd < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open \"%s\"", path);
    return FALSE;
  }
  if (!ok && errno == EWOULDBLOCK)
    fail_busy (self, fd, error);
  else if (!ok)
    hookrun_set_error_from_errno (error, errno, "cannot lock \"%s\"", path);
  /* The number is for the message of others only. */
  if (ok && (ftruncate (fd, 0) < 0 || pwrite (fd, pid, strlen (pid), 0) < 0)) {
    hookrun_set_error_from_errno (error, errno, "cannot write \"%s\"", path);
    ok = FALSE;
  }
  if (ok)
    self->lock_fd = fd;
  else
    close (fd);
  return ok;
}

/**
 * hookrun_module_state_lock:
 * @self: a state
 * @error: return location for an error
 *
 * Takes the state for one run: makes ROOT and CACHE where they are missing, and TEMP anew and
 * empty. The lock ends with this process, whatever becomes of it.
 *
 * Returns: %TRUE on success; %FALSE with %HOOKRUN_ERROR_BUSY naming the process that holds it,
 *   %HOOKRUN_ERROR_UNTRUSTED when a folder belongs to another user or can be written by others, or
 *   with the error of the file that cannot be made
 *
 * Since: 1.0
 */
gboolean
hookrun_module_state_lock (HookrunModuleState *self, GError **error)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE_STATE (self), FALSE);
  g_return_val_if_fail (self->lock_fd < 0, FALSE);
  if (!hookrun_module_state_make_folder (self->folder, error) || !take_lock (self, error))
    return FALSE;
  if (hookrun_module_state_make_folder (self->root, error) &&
      hookrun_module_state_make_folder (self->cache, error) &&
      hookrun_file_remove_tree_at (AT_FDCWD, self->temp, error) &&
      hookrun_module_state_make_folder (self->temp, error))
    return TRUE;
  hookrun_module_state_unlock (self);
  return FALSE;
}

/**
 * hookrun_module_state_unlock:
 * @self: a state
 *
 * Removes TEMP and gives the lock back. Does nothing when the state is not locked.
 *
 * Since: 1.0
 */
void
hookrun_module_state_unlock (HookrunModuleState *self)
{
  g_return_if_fail (HOOKRUN_IS_MODULE_STATE (self));
  if (self->lock_fd < 0)
    return;
  /* What cannot be removed now is swept by the next start. */
  hookrun_file_remove_tree_at (AT_FDCWD, self->temp, NULL);
  close (self->lock_fd);
  self->lock_fd = -1;
}

/**
 * hookrun_module_state_remove:
 * @self: a locked state
 * @error: return location for an error
 *
 * Removes all that the module has: ROOT, CACHE, TEMP, what is remembered of it and what it was
 * granted. The lock is given back.
 *
 * Returns: %TRUE on success; %FALSE with the error of the file that cannot be removed
 *
 * Since: 1.0
 */
gboolean
hookrun_module_state_remove (HookrunModuleState *self, GError **error)
{
  gboolean ok;

  g_return_val_if_fail (HOOKRUN_IS_MODULE_STATE (self), FALSE);
  g_return_val_if_fail (self->lock_fd >= 0, FALSE);
  ok = hookrun_file_remove_tree_at (AT_FDCWD, self->cache, error) &&
       hookrun_file_remove_tree_at (AT_FDCWD, self->folder, error);
  hookrun_module_state_unlock (self);
  return ok;
}

/* While the lock is held nobody else uses it. */
static void
sweep_one (const char *state_folder, const char *cache_folder, const char *name)
{
  g_autofree char *folder = g_build_filename (state_folder, name, NULL);
  g_autofree char *lock = g_build_filename (folder, LOCK_FILE, NULL);
  g_autofree char *temp = g_build_filename (folder, HOOKRUN_MODULE_STATE_TEMP, NULL);
  g_autofree char *cache = g_build_filename (cache_folder, name, NULL);
  gboolean is_no_module = *name == '@';
  struct stat st;
  int fd;

  if (!is_no_module && lstat (temp, &st) < 0)
    return;
  fd = open (lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return;
  if (flock (fd, LOCK_EX | LOCK_NB) == 0 && hookrun_file_remove_tree_at (AT_FDCWD, temp, NULL) &&
      is_no_module && hookrun_file_remove_tree_at (AT_FDCWD, cache, NULL))
    hookrun_file_remove_tree_at (AT_FDCWD, folder, NULL);
  close (fd);
}

void
hookrun_module_state_sweep (const char *state_folder, const char *cache_folder)
{
  g_autoptr (GDir) dir = g_dir_open (state_folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    sweep_one (state_folder, cache_folder, name);
}
