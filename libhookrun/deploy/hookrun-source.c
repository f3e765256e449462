/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A source: its version, and its tree in a folder of this run alone. The tree is made beside its
 * place and renamed into it, so there is never half a tree; it goes with the object, and what a
 * crash left is found by its missing lock and removed by the next run.
 */
#include "hookrun-source-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hookrun-error-private.h"
#include "hookrun-file-private.h"

#define LOCK_WAIT_SECONDS 600
#define LOCK_LOOK_MS 50

G_DEFINE_FINAL_TYPE (HookrunSource, hookrun_source, G_TYPE_OBJECT)

void
hookrun_source_drop_checkout (HookrunSource *self)
{
  if (self->checkout != NULL)
    hookrun_file_remove_tree_at (AT_FDCWD, self->checkout, NULL);
  if (self->checkout_fd >= 0)
    close (self->checkout_fd);
  self->checkout_fd = -1;
  g_clear_pointer (&self->checkout, g_free);
  g_clear_pointer (&self->tree, g_free);
}

static void
hookrun_source_finalize (GObject *object)
{
  HookrunSource *self = HOOKRUN_SOURCE (object);

  hookrun_source_drop_checkout (self);
  if (self->cache_fd >= 0)
    close (self->cache_fd);
  g_clear_object (&self->module);
  g_free (self->release);
  g_free (self->host);
  g_free (self->cache);
  g_free (self->version);
  g_free (self->commit);
  g_hash_table_unref (self->hashes);
  g_hash_table_unref (self->noted);
  G_OBJECT_CLASS (hookrun_source_parent_class)->finalize (object);
}

static void
hookrun_source_class_init (HookrunSourceClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hookrun_source_finalize;
}

static void
hookrun_source_init (HookrunSource *self)
{
  self->cache_fd = -1;
  self->checkout_fd = -1;
  self->hashes = hookrun_source_new_memory ();
  self->noted = hookrun_source_new_memory ();
}

/**
 * hookrun_source_new:
 * @module: a module
 * @release: name of a release, for example `stable`
 * @host: (nullable): alias of the host whose settings count
 *
 * Makes the source of a module at a release. Nothing is read yet. One thread at a time may use it;
 * its last reference removes its tree from the disk.
 *
 * Returns: (transfer full): a source
 *
 * Since: 1.0
 */
HookrunSource *
hookrun_source_new (HookrunModule *module, const char *release, const char *host)
{
  HookrunSource *self;

  g_return_val_if_fail (HOOKRUN_IS_MODULE (module) && release != NULL, NULL);
  self = g_object_new (HOOKRUN_TYPE_SOURCE, NULL);
  self->module = g_object_ref (module);
  self->release = g_strdup (release);
  self->host = g_strdup (host);
  self->cache = g_build_filename (hookrun_module_get_folder (module), "repo", ".hookrun", NULL);
  return self;
}

/**
 * hookrun_source_get_module:
 * @self: a source
 *
 * Gets the module.
 *
 * Returns: (transfer none): the module
 *
 * Since: 1.0
 */
HookrunModule *
hookrun_source_get_module (HookrunSource *self)
{
  g_return_val_if_fail (HOOKRUN_IS_SOURCE (self), NULL);
  return self->module;
}

static gboolean
open_cache (HookrunSource *self, GError **error)
{
  if (self->cache_fd >= 0)
    return TRUE;
  if (!hookrun_file_make_folders (self->cache, error))
    return FALSE;
  self->cache_fd = hookrun_file_open_folder (AT_FDCWD, self->cache, error);
  return self->cache_fd >= 0;
}

static gboolean
wait_for_lock (HookrunSource *self, int fd, GCancellable *cancellable, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + LOCK_WAIT_SECONDS * G_USEC_PER_SEC;

  while (flock (fd, LOCK_EX | LOCK_NB) < 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      hookrun_set_error_from_errno (error, errno, "cannot lock \"%s/lock\"", self->cache);
      return FALSE;
    }
    if (g_cancellable_is_cancelled (cancellable)) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED, "cancelled");
      return FALSE;
    }
    if (g_get_monotonic_time () > deadline) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_BUSY,
                   "another process has held \"%s/lock\" for %d minutes; wait for it or end it",
                   self->cache, LOCK_WAIT_SECONDS / 60);
      return FALSE;
    }
    g_usleep (LOCK_LOOK_MS * 1000);
  }
  return TRUE;
}

int
hookrun_source_lock (HookrunSource *self, GCancellable *cancellable, GError **error)
{
  int fd;

  if (!open_cache (self, error))
    return -1;
  fd = openat (self->cache_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open \"%s/lock\"", self->cache);
    return -1;
  }
  if (wait_for_lock (self, fd, cancellable, error))
    return fd;
  close (fd);
  return -1;
}

static gboolean
resolve_locked (HookrunSource *self, GCancellable *cancellable, GError **error)
{
  int lock = hookrun_source_lock (self, cancellable, error);
  gboolean ok;

  if (lock < 0)
    return FALSE;
  ok = hookrun_source_resolve_git (self, cancellable, error);
  close (lock);
  return ok;
}

/**
 * hookrun_source_resolve:
 * @self: a source
 * @cancellable: (nullable): ends the work early
 * @error: return location for an error
 *
 * Finds out which version the release is now. From a repository its branches and tags are fetched
 * first; `tag` of the release beats `branch`, and without both the repository's default branch
 * counts. Without a repository it is the release's `version`, or the digest of the module's folder.
 * Blocks for as long as the repository takes; use a thread.
 *
 * Returns: %FALSE with %HOOKRUN_ERROR_NOT_FOUND when the repository or its tag or branch does not
 *   exist, %HOOKRUN_ERROR_CONNECTION, %HOOKRUN_ERROR_AUTHENTICATION,
 *   %HOOKRUN_ERROR_HOST_KEY_UNKNOWN, %HOOKRUN_ERROR_TIMED_OUT, %HOOKRUN_ERROR_UNSUPPORTED when
 * there is no git, %HOOKRUN_ERROR_COMMAND for any other failure of git, %HOOKRUN_ERROR_BUSY,
 *   %HOOKRUN_ERROR_CANCELLED, or a file error
 *
 * Since: 1.0
 */
gboolean
hookrun_source_resolve (HookrunSource *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) local = NULL;
  gboolean ok;

  g_return_val_if_fail (HOOKRUN_IS_SOURCE (self), FALSE);
  g_clear_pointer (&self->version, g_free);
  g_clear_pointer (&self->commit, g_free);
  ok = hookrun_module_get_scm (self->module, self->host) == HOOKRUN_MODULE_SCM_GIT
           ? resolve_locked (self, cancellable, &local)
           : hookrun_source_resolve_folder (self, cancellable, &local);
  if (ok)
    return TRUE;
  g_propagate_prefixed_error (error, g_steal_pointer (&local),
                              "module \"%s\": ", hookrun_module_get_name (self->module));
  return FALSE;
}

/**
 * hookrun_source_get_version:
 * @self: a source
 *
 * Gets the version that [method@Hookrun.Source.resolve] found: the tag, `BRANCH@COMMIT` with the
 * start of the commit's id, the `version` of the release, or `content-DIGEST`. When it differs from
 * the one that is deployed, there is something to deploy.
 *
 * Returns: (transfer none) (nullable): the version; %NULL before it was found
 *
 * Since: 1.0
 */
const char *
hookrun_source_get_version (HookrunSource *self)
{
  g_return_val_if_fail (HOOKRUN_IS_SOURCE (self), NULL);
  return self->version;
}

/**
 * hookrun_source_get_commit:
 * @self: a source
 *
 * Gets the commit that [method@Hookrun.Source.resolve] found.
 *
 * Returns: (transfer none) (nullable): its whole id; %NULL without a repository
 *
 * Since: 1.0
 */
const char *
hookrun_source_get_commit (HookrunSource *self)
{
  g_return_val_if_fail (HOOKRUN_IS_SOURCE (self), NULL);
  return self->commit;
}

/* Checkouts whose runs are gone. A run locks its folder for as long as it lives. */
static void
remove_stale_checkouts (int checkouts_fd, const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    int fd = openat (checkouts_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
      continue;
    if (flock (fd, LOCK_EX | LOCK_NB) == 0)
      hookrun_file_remove_tree_at (checkouts_fd, name, NULL);
    close (fd);
  }
}

/* Makes this run's folder and locks it; the cache's lock is held. */
static gboolean
make_checkout (HookrunSource *self, GError **error)
{
  g_autofree char *folder = g_build_filename (self->cache, "checkouts", NULL);
  g_autofree char *name = g_strdup_printf ("%08x%08x", g_random_int (), g_random_int ());
  int checkouts_fd;

  if (!hookrun_file_make_folders (folder, error))
    return FALSE;
  checkouts_fd = hookrun_file_open_folder (AT_FDCWD, folder, error);
  if (checkouts_fd < 0)
    return FALSE;
  remove_stale_checkouts (checkouts_fd, folder);
  if (mkdirat (checkouts_fd, name, 0700) == 0) {
    self->checkout = g_build_filename (folder, name, NULL);
    self->checkout_fd = hookrun_file_open_folder (checkouts_fd, name, error);
  } else {
    hookrun_set_error_from_errno (error, errno, "cannot make folder \"%s/%s\"", folder, name);
  }
  close (checkouts_fd);
  if (self->checkout_fd < 0)
    return FALSE;
  if (flock (self->checkout_fd, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  hookrun_set_error_from_errno (error, errno, "cannot lock \"%s\"", self->checkout);
  return FALSE;
}

/* The mode of the tree's top, whatever the umask: that of the folder which is the source. Ours to
 * write in and, later, to remove. */
static mode_t
get_top_mode (HookrunSource *self, gboolean is_git)
{
  struct stat st;

  if (is_git || stat (hookrun_module_get_folder (self->module), &st) < 0)
    return 0755;
  return (st.st_mode & 0777) | 0700;
}

static gboolean
export_tree (HookrunSource *self, GCancellable *cancellable, GError **error)
{
  gboolean is_git = hookrun_module_get_scm (self->module, self->host) == HOOKRUN_MODULE_SCM_GIT;

  if (mkdirat (self->checkout_fd, "new", 0700) < 0 ||
      fchmodat (self->checkout_fd, "new", get_top_mode (self, is_git), 0) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot make folder \"%s/new\"", self->checkout);
    return FALSE;
  }
  if (is_git ? !hookrun_source_export_git (self, cancellable, error)
             : !hookrun_source_export_folder (self, cancellable, error))
    return FALSE;
  if (renameat (self->checkout_fd, "new", self->checkout_fd, "tree") < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot rename \"%s/new\" to \"tree\"",
                                  self->checkout);
    return FALSE;
  }
  self->tree = g_build_filename (self->checkout, "tree", NULL);
  return hookrun_source_note_tree (self, cancellable, error);
}

static gboolean
checkout_locked (HookrunSource *self, GCancellable *cancellable, GError **error)
{
  int lock = hookrun_source_lock (self, cancellable, error);
  gboolean ok;

  if (lock < 0)
    return FALSE;
  ok = make_checkout (self, error) && export_tree (self, cancellable, error);
  close (lock);
  return ok;
}

/**
 * hookrun_source_checkout:
 * @self: a source
 * @cancellable: (nullable): ends the work early
 * @error: return location for an error
 *
 * Makes the tree of the version that was found, and finds it first when that was not done. The tree
 * is a plain folder of this object's own: handlers may change it, nobody else sees that. Files
 * whose name begins with `.git` are not in it. Without a repository it is a copy of the module's
 * folder without the module file, `config`, the deployment files and `repo`. Made again, it
 * replaces the one made before. Blocks; use a thread.
 *
 * Returns: %FALSE with the errors of [method@Hookrun.Source.resolve], %HOOKRUN_ERROR_UNSUPPORTED
 * for a repository with submodules, %HOOKRUN_ERROR_INVALID for a folder with sockets or devices,
 *   %HOOKRUN_ERROR_NO_SPACE, %HOOKRUN_ERROR_PERMISSION or %HOOKRUN_ERROR_IO
 *
 * Since: 1.0
 */
gboolean
hookrun_source_checkout (HookrunSource *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) local = NULL;

  g_return_val_if_fail (HOOKRUN_IS_SOURCE (self), FALSE);
  if (self->version == NULL && !hookrun_source_resolve (self, cancellable, error))
    return FALSE;
  hookrun_source_drop_checkout (self);
  if (checkout_locked (self, cancellable, &local))
    return TRUE;
  hookrun_source_drop_checkout (self);
  g_propagate_prefixed_error (error, g_steal_pointer (&local),
                              "module \"%s\": ", hookrun_module_get_name (self->module));
  return FALSE;
}

/**
 * hookrun_source_get_tree:
 * @self: a source
 *
 * Gets the tree that [method@Hookrun.Source.checkout] made.
 *
 * Returns: (transfer none) (nullable) (type filename): an absolute path; %NULL before it was made
 *
 * Since: 1.0
 */
const char *
hookrun_source_get_tree (HookrunSource *self)
{
  g_return_val_if_fail (HOOKRUN_IS_SOURCE (self), NULL);
  return self->tree;
}
