/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding plugins: the manifests in the folders of the search path. No code is loaded, and a faulty
 * manifest does not hide the others.
 */
#include "hookrun-engine-private.h"
#include "hookrun-error-private.h"
#include "hookrun-trust-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/**
 * hookrun_engine_add_search_path:
 * @self: the engine
 * @path: (type filename): a folder, which need not exist
 *
 * Adds a folder where [method@Hookrun.Engine.discover] looks for manifests, `NAME.json`. Where two
 * folders have a plugin of the same id, the folder that was added first wins.
 *
 * Since: 1.0
 */
void
hookrun_engine_add_search_path (HookrunEngine *self, const char *path)
{
  g_return_if_fail (HOOKRUN_IS_ENGINE (self));
  g_return_if_fail (path != NULL);

  g_ptr_array_add (self->search_paths, g_canonicalize_filename (path, NULL));
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* The names in the folder @fd that end in ".json", sorted. */
static GPtrArray *
list_manifests (int fd, const char *path, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  DIR *dir = fdopendir (fd);
  const struct dirent *entry;

  if (dir == NULL) {
    hookrun_set_error_from_errno (error, errno, "cannot list folder \"%s\"", path);
    close (fd);
    return NULL;
  }
  while ((entry = readdir (dir)) != NULL)
    if (entry->d_name[0] != '.' && g_str_has_suffix (entry->d_name, ".json"))
      g_ptr_array_add (names, g_strdup (entry->d_name));
  closedir (dir);
  g_ptr_array_sort (names, compare_names);
  return g_steal_pointer (&names);
}

static gboolean
is_in_folder (HookrunPlugin *plugin, const char *folder)
{
  return g_strcmp0 (plugin->manifest->folder, folder) == 0;
}

/* An id that an earlier folder has wins silently; twice in one folder is a fault. */
static void
add_found (HookrunEngine *self, HookrunManifest *manifest, GError **error)
{
  HookrunPlugin *other = hookrun_engine_lookup (self, manifest->id);
  HookrunPlugin *plugin;

  if (other != NULL && (!is_in_folder (other, manifest->folder) ||
                        g_str_equal (other->manifest->origin, manifest->origin)))
    return;
  plugin = hookrun_engine_add_manifest (self, manifest, error);
  if (plugin != NULL)
    plugin->is_from_file = TRUE;
}

static void
discover_manifest (HookrunEngine *self, int folder_fd, const char *folder, const char *name,
                   GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (HookrunManifest) manifest = NULL;
  struct stat st;
  int fd = hookrun_trust_open_at (folder_fd, folder, name, O_RDONLY, &st, error);

  if (fd < 0)
    return;
  manifest = hookrun_manifest_new_from_fd (fd, &st, path, folder, error);
  if (manifest != NULL)
    add_found (self, manifest, error);
}

static void
take_fault (HookrunEngine *self, GError *fault)
{
  if (fault != NULL)
    g_ptr_array_add (self->faults, fault);
}

static void
discover_folder (HookrunEngine *self, const char *folder)
{
  g_autoptr (GPtrArray) names = NULL;
  g_autoptr (GError) problem = NULL;
  struct stat st;
  int fd = hookrun_trust_open (folder, O_RDONLY | O_DIRECTORY, &st, &problem);

  if (fd < 0) {
    if (!g_error_matches (problem, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND))
      take_fault (self, g_steal_pointer (&problem));
    return;
  }
  names = list_manifests (fcntl (fd, F_DUPFD_CLOEXEC, 0), folder, &problem);
  take_fault (self, g_steal_pointer (&problem));
  for (guint i = 0; names != NULL && i < names->len; i++) {
    GError *fault = NULL;

    discover_manifest (self, fd, folder, g_ptr_array_index (names, i), &fault);
    take_fault (self, fault);
  }
  close (fd);
}

/**
 * hookrun_engine_discover:
 * @self: the engine
 * @error: return location for an error
 *
 * Reads the manifests in all folders of the search path; nothing else of a plugin is touched. A
 * folder that does not exist is passed over. Plugins that are known already stay as they are.
 * Manifests, folders and all folders above them must belong to root or the user and be writable by
 * no one else.
 *
 * Returns: %TRUE when all manifests are in order; %FALSE with all faults in @error, one each in
 *   [method@Hookrun.Engine.get_faults]. What is in order has been added in either case.
 *
 * Since: 1.0
 */
gboolean
hookrun_engine_discover (HookrunEngine *self, GError **error)
{
  g_autoptr (HookrunFaults) faults = hookrun_faults_new ();

  g_return_val_if_fail (HOOKRUN_IS_ENGINE (self), FALSE);

  g_ptr_array_set_size (self->faults, 0);
  for (guint i = 0; i < self->search_paths->len; i++)
    discover_folder (self, g_ptr_array_index (self->search_paths, i));
  for (guint i = 0; i < self->faults->len; i++) {
    const GError *fault = g_ptr_array_index (self->faults, i);

    hookrun_faults_add (faults, (HookrunError)fault->code, "%s", fault->message);
  }
  return hookrun_faults_check (faults, "the search for plugins", error);
}

/**
 * hookrun_engine_get_faults:
 * @self: the engine
 *
 * Gets what was wrong with single manifests at the last [method@Hookrun.Engine.discover].
 *
 * Returns: (transfer none) (element-type GLib.Error): the errors
 *
 * Since: 1.0
 */
GPtrArray *
hookrun_engine_get_faults (HookrunEngine *self)
{
  return self->faults;
}
