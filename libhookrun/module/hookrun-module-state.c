/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The folders and small files of one module between its runs. TEMP lives as long as the lock is
 * held: a run that was killed leaves one, and whoever sees it while nobody holds the lock removes
 * it.
 */
#include "hookrun-module-state-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hookrun-error-private.h"
#include "hookrun-file-private.h"

#define MAX_FILE_SIZE (64 * 1024)

#define VERSION_FILE "version"
#define FAILURE_FILE "failed-update"
#define GRANT_FILE "granted.json"

G_DEFINE_FINAL_TYPE (HookrunModuleState, hookrun_module_state, G_TYPE_OBJECT)

static void
hookrun_module_state_finalize (GObject *object)
{
  HookrunModuleState *self = HOOKRUN_MODULE_STATE (object);

  hookrun_module_state_unlock (self);
  g_free (self->name);
  g_free (self->folder);
  g_free (self->root);
  g_free (self->cache);
  g_free (self->temp);
  G_OBJECT_CLASS (hookrun_module_state_parent_class)->finalize (object);
}

static void
hookrun_module_state_class_init (HookrunModuleStateClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hookrun_module_state_finalize;
}

static void
hookrun_module_state_init (HookrunModuleState *self)
{
  self->lock_fd = -1;
}

/* ---- where things are ---- */

/* @variable names a folder for everything; root's things are the system's. */
static char *
find_folder (const char *variable, const char *of_system, const char *of_user)
{
  const char *value = g_getenv (variable);

  if (value != NULL && *value != '\0')
    return g_canonicalize_filename (value, NULL);
  return geteuid () == 0 ? g_strdup (of_system)
                         : g_build_filename (of_user, "hookrun", "modules", NULL);
}

char *
hookrun_module_state_default_folder (void)
{
  g_autofree char *fallback = g_build_filename (g_get_home_dir (), ".local", "state", NULL);
  const char *user = g_getenv ("XDG_STATE_HOME");

  return find_folder ("HOOKRUN_STATE_DIR", "/var/lib/hookrun/modules",
                      user != NULL && g_path_is_absolute (user) ? user : fallback);
}

char *
hookrun_module_state_default_cache (void)
{
  return find_folder ("HOOKRUN_CACHE_DIR", "/var/cache/hookrun/modules", g_get_user_cache_dir ());
}

/**
 * hookrun_module_state_new:
 * @name: the module's name
 * @state_folder: (nullable) (type filename): the folder of all states, or %NULL for the usual one:
 *   `$HOOKRUN_STATE_DIR`, or `/var/lib/hookrun/modules` for root and
 *   `$XDG_STATE_HOME/hookrun/modules` for others
 * @cache_folder: (nullable) (type filename): the folder of all caches, or %NULL for the usual one:
 *   `$HOOKRUN_CACHE_DIR`, or `/var/cache/hookrun/modules` for root and
 *   `$XDG_CACHE_HOME/hookrun/modules` for others
 *
 * Makes the state of a module. It touches no file. A name that begins with `@` is that of no module
 * but of a run of something else: [method@Hookrun.ModulePath.sweep] removes all of its state, not
 * only TEMP, when the run was killed.
 *
 * Returns: (transfer full): a new state
 *
 * Since: 1.0
 */
HookrunModuleState *
hookrun_module_state_new (const char *name, const char *state_folder, const char *cache_folder)
{
  HookrunModuleState *self;
  g_autofree char *state = NULL;
  g_autofree char *cache = NULL;

  g_return_val_if_fail (name != NULL && *name != '\0' && *name != '.', NULL);
  g_return_val_if_fail (strchr (name, '/') == NULL, NULL);
  self = g_object_new (HOOKRUN_TYPE_MODULE_STATE, NULL);
  state = state_folder != NULL ? g_canonicalize_filename (state_folder, NULL)
                               : hookrun_module_state_default_folder ();
  cache = cache_folder != NULL ? g_canonicalize_filename (cache_folder, NULL)
                               : hookrun_module_state_default_cache ();
  self->name = g_strdup (name);
  self->folder = g_build_filename (state, name, NULL);
  self->root = g_build_filename (self->folder, "root", NULL);
  self->temp = g_build_filename (self->folder, HOOKRUN_MODULE_STATE_TEMP, NULL);
  self->cache = g_build_filename (cache, name, NULL);
  return self;
}

/**
 * hookrun_module_state_get_name:
 * @self: a state
 *
 * Gets the name of the module whose state it is.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
hookrun_module_state_get_name (HookrunModuleState *self)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE_STATE (self), NULL);
  return self->name;
}

/**
 * hookrun_module_state_get_folder:
 * @self: a state
 *
 * Gets the folder that holds the state. The module itself sees only ROOT, CACHE and TEMP.
 *
 * Returns: (transfer none) (type filename): an absolute path
 *
 * Since: 1.0
 */
const char *
hookrun_module_state_get_folder (HookrunModuleState *self)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE_STATE (self), NULL);
  return self->folder;
}

/**
 * hookrun_module_state_get_root:
 * @self: a state
 *
 * Gets ROOT: the folder where the module keeps its files.
 *
 * Returns: (transfer none) (type filename): an absolute path
 *
 * Since: 1.0
 */
const char *
hookrun_module_state_get_root (HookrunModuleState *self)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE_STATE (self), NULL);
  return self->root;
}

/**
 * hookrun_module_state_get_cache:
 * @self: a state
 *
 * Gets CACHE: a folder that is kept between runs, but not promised.
 *
 * Returns: (transfer none) (type filename): an absolute path
 *
 * Since: 1.0
 */
const char *
hookrun_module_state_get_cache (HookrunModuleState *self)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE_STATE (self), NULL);
  return self->cache;
}

/**
 * hookrun_module_state_get_temp:
 * @self: a state
 *
 * Gets TEMP: a folder that is there, empty, while the state is locked, and gone afterwards.
 *
 * Returns: (transfer none) (type filename): an absolute path
 *
 * Since: 1.0
 */
const char *
hookrun_module_state_get_temp (HookrunModuleState *self)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE_STATE (self), NULL);
  return self->temp;
}

/* ---- small files ---- */

/* (transfer full) (nullable): the file's text; NULL when there is none. */
static char *
read_file (HookrunModuleState *self, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (self->folder, name, NULL);

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return NULL;
  return hookrun_file_read_at (AT_FDCWD, path, MAX_FILE_SIZE, NULL, error);
}

/* @text: (nullable): NULL removes the file. */
static gboolean
write_file (HookrunModuleState *self, const char *name, const char *text, GError **error)
{
  gboolean ok = TRUE;
  int fd;

  if (!hookrun_module_state_make_folder (self->folder, error))
    return FALSE;
  fd = hookrun_file_open_folder (AT_FDCWD, self->folder, error);
  if (fd < 0)
    return FALSE;
  if (text != NULL)
    ok = hookrun_file_replace_at (fd, name, text, strlen (text), 0600, error);
  else if (unlinkat (fd, name, 0) < 0 && errno != ENOENT) {
    hookrun_set_error_from_errno (error, errno, "cannot remove \"%s/%s\"", self->folder, name);
    ok = FALSE;
  }
  close (fd);
  return ok;
}

/**
 * hookrun_module_state_get_version:
 * @self: a state
 *
 * Gets VERSION: the version of the module that was installed last.
 *
 * Returns: (transfer full) (nullable): the version, or %NULL when none was installed
 *
 * Since: 1.0
 */
char *
hookrun_module_state_get_version (HookrunModuleState *self)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE_STATE (self), NULL);
  return read_file (self, VERSION_FILE, NULL);
}

/**
 * hookrun_module_state_set_version:
 * @self: a state
 * @version: the version
 * @error: return location for an error
 *
 * Remembers the version of the module that was installed.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
hookrun_module_state_set_version (HookrunModuleState *self, const char *version, GError **error)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE_STATE (self) && version != NULL, FALSE);
  return write_file (self, VERSION_FILE, version, error);
}

/**
 * hookrun_module_state_get_failure:
 * @self: a state
 *
 * Gets why the last update failed. It is tried again before the next operation of the module.
 *
 * Returns: (transfer full) (nullable): the reason, or %NULL when it did not fail
 *
 * Since: 1.0
 */
char *
hookrun_module_state_get_failure (HookrunModuleState *self)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE_STATE (self), NULL);
  return read_file (self, FAILURE_FILE, NULL);
}

/**
 * hookrun_module_state_set_failure:
 * @self: a state
 * @reason: (nullable): why an update failed, or %NULL when one succeeded
 * @error: return location for an error
 *
 * Remembers a failed update, or forgets it.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
hookrun_module_state_set_failure (HookrunModuleState *self, const char *reason, GError **error)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE_STATE (self), FALSE);
  return write_file (self, FAILURE_FILE, reason, error);
}

/**
 * hookrun_module_state_get_grant:
 * @self: a state
 * @error: return location for an error
 *
 * Gets what the user has granted the module beyond its own folders.
 *
 * Returns: (transfer full) (nullable): the policy; %NULL when nothing was granted, or with @error
 *   set when what was granted cannot be read
 *
 * Since: 1.0
 */
HookrunPolicy *
hookrun_module_state_get_grant (HookrunModuleState *self, GError **error)
{
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;

  g_return_val_if_fail (HOOKRUN_IS_MODULE_STATE (self), NULL);
  text = read_file (self, GRANT_FILE, error);
  path = g_build_filename (self->folder, GRANT_FILE, NULL);
  return text != NULL ? hookrun_policy_new_from_json (text, -1, path, error) : NULL;
}

/**
 * hookrun_module_state_grant:
 * @self: a state
 * @policy: (nullable): what the user grants, or %NULL to take everything back
 * @error: return location for an error
 *
 * Remembers what the user grants the module beyond its own folders. It holds as long as the module
 * asks for the same; when it asks for something else, it is granted nothing until the user has
 * answered again.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
hookrun_module_state_grant (HookrunModuleState *self, HookrunPolicy *policy, GError **error)
{
  g_autofree char *text = NULL;

  g_return_val_if_fail (HOOKRUN_IS_MODULE_STATE (self), FALSE);
  text = policy != NULL ? hookrun_policy_to_json (policy) : NULL;
  return write_file (self, GRANT_FILE, text, error);
}
