/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A folder of hooks as a plugin: each executable file in SIGNAL.d/ is a handler of SIGNAL. Files
 * are checked and their heads read; nothing is run.
 */
#include "hookrun-engine-private.h"
#include "hookrun-error-private.h"
#include "hookrun-hook-private.h"
#include "hookrun-trust-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  HookrunEngine *engine;
  HookrunManifest *manifest;
  HookrunFaults *faults;
  GStrvBuilder *signals;
  GStrvBuilder *policies; /* files that look like one */
} Scan;

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* Sorted; without what is ignored. Closes @fd. */
static GPtrArray *
list_names (int fd)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  DIR *dir = fdopendir (fd);
  const struct dirent *entry;

  if (dir == NULL) {
    close (fd);
    return names;
  }
  while ((entry = readdir (dir)) != NULL)
    if (!hookrun_hook_name_is_ignored (entry->d_name))
      g_ptr_array_add (names, g_strdup (entry->d_name));
  closedir (dir);
  g_ptr_array_sort (names, compare_names);
  return names;
}

static void
take_fault (Scan *scan, const GError *problem)
{
  hookrun_faults_add (scan->faults, (HookrunError)problem->code, "%s", problem->message);
}

static gboolean
is_new (Scan *scan, const HookrunManifestHandler *handler, GError **error)
{
  for (guint i = 0; i < scan->manifest->handlers->len; i++) {
    const HookrunManifestHandler *other = g_ptr_array_index (scan->manifest->handlers, i);

    if (!g_str_equal (other->signal, handler->signal) || !g_str_equal (other->id, handler->id))
      continue;
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS,
                 "\"%s\" and \"%s\" are both the handler \"%s\"; rename one of them",
                 other->program, handler->program, handler->id);
    return FALSE;
  }
  return TRUE;
}

static HookrunManifestHandler *
handler_for (const char *signal, const char *name, const char *path, GError **error)
{
  g_autofree char *id = hookrun_hook_id_from_name (name);
  HookrunManifestHandler *handler;

  if (id == NULL) {
    g_set_error (
        error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
        "\"%s\": its name gives no id of letters, digits, \"_\", \"-\" and \".\"; rename it", path);
    return NULL;
  }
  handler = hookrun_manifest_handler_new (signal, id);
  handler->program = g_strdup (path);
  return handler;
}

/* The file beside a hook, which compiled programs can have, too. */
static gboolean
read_policy_beside (HookrunManifestHandler *handler, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (HookrunPluginPolicy) policy =
      hookrun_plugin_policy_new_beside (handler->program, &problem);

  if (problem != NULL) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  if (policy != NULL && handler->policy != NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "\"%s\" has two policies: its word \"policy\" and the file \"%s%s\"; remove one",
                 handler->program, handler->program, HOOKRUN_POLICY_SUFFIX);
    return FALSE;
  }
  if (policy != NULL)
    handler->policy = g_steal_pointer (&policy);
  return TRUE;
}

static gboolean
add_hook (Scan *scan, int fd, const char *signal, const char *name, const char *path,
          GError **error)
{
  HookrunManifestHandler *handler = handler_for (signal, name, path, error);
  char head[HOOKRUN_HOOK_HEAD_SIZE];
  gssize length;

  if (handler == NULL)
    return FALSE;
  length = pread (fd, head, sizeof head, 0);
  if (length < 0)
    hookrun_set_error_from_errno (error, errno, "cannot read \"%s\"", path);
  if (length >= 0 && hookrun_hook_parse_placement (handler, head, (gsize)length, path, error) &&
      read_policy_beside (handler, error) && is_new (scan, handler, error)) {
    g_ptr_array_add (scan->manifest->handlers, handler);
    return TRUE;
  }
  hookrun_manifest_handler_free (handler);
  return FALSE;
}

/* What lies in the folder and has no effect, although its author seems to think otherwise. */
G_GNUC_PRINTF (2, 3)
static void
warn (Scan *scan, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  hookrun_engine_log (scan->engine, NULL, HOOKRUN_LOG_WARNING, text);
}

static void
scan_file (Scan *scan, int folder_fd, const char *folder, const char *signal, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) problem = NULL;
  struct stat st;
  int fd = hookrun_trust_open_at (folder_fd, folder, name, O_RDONLY, &st, &problem);

  if (g_str_has_suffix (name, HOOKRUN_POLICY_SUFFIX)) {
    g_strv_builder_add (scan->policies, path);
  } else if (fd >= 0 && S_ISREG (st.st_mode) && (st.st_mode & 0111) == 0) {
    warn (scan,
          "\"%s\" is not executable and is not run; make it a hook with chmod +x, or remove it",
          path);
  } else if (fd >= 0 && S_ISREG (st.st_mode)) {
    add_hook (scan, fd, signal, name, path, &problem);
  }
  if (problem != NULL)
    take_fault (scan, problem);
  if (fd >= 0)
    close (fd);
}

static void
scan_signal (Scan *scan, int folder_fd, const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *signal = g_strndup (name, strlen (name) - strlen (".d"));
  g_autoptr (GPtrArray) names = NULL;
  g_autoptr (GError) problem = NULL;
  struct stat st;
  int fd = hookrun_trust_open_at (folder_fd, folder, name, O_RDONLY, &st, &problem);

  if (fd < 0) {
    take_fault (scan, problem);
    return;
  }
  if (S_ISDIR (st.st_mode)) {
    names = list_names (fcntl (fd, F_DUPFD_CLOEXEC, 0));
    for (guint i = 0; i < names->len; i++)
      scan_file (scan, fd, path, signal, g_ptr_array_index (names, i));
    g_strv_builder_add (scan->signals, signal);
  }
  close (fd);
}

/* An entry of the folder itself that is no SIGNAL.d. */
static void
scan_other (Scan *scan, int folder_fd, const char *folder, const char *name)
{
  struct stat st;

  if (fstatat (folder_fd, name, &st, 0) < 0)
    return;
  if (S_ISDIR (st.st_mode))
    warn (scan, "\"%s/%s\" is not read: a folder of hooks is named SIGNAL.d; rename it to %s.d",
          folder, name, name);
  else if (S_ISREG (st.st_mode) && (st.st_mode & 0111) != 0)
    warn (scan, "\"%s/%s\" is not run: hooks lie in folders SIGNAL.d; move it into one", folder,
          name);
}

static gboolean
is_used (Scan *scan, const char *policy)
{
  for (guint i = 0; i < scan->manifest->handlers->len; i++) {
    const HookrunManifestHandler *handler = g_ptr_array_index (scan->manifest->handlers, i);

    if (handler->policy != NULL &&
        g_str_equal (hookrun_plugin_policy_get_origin (handler->policy), policy))
      return TRUE;
  }
  return FALSE;
}

/* One that confines nobody is worse than none: its author believes in it. */
static void
check_policies (Scan *scan)
{
  g_auto (GStrv) policies = g_strv_builder_end (scan->policies);

  /* A hook that could not be read may be the one. */
  if (hookrun_faults_count (scan->faults) > 0)
    return;
  for (char **policy = policies; *policy != NULL; policy++)
    if (!is_used (scan, *policy))
      hookrun_faults_add (
          scan->faults, HOOKRUN_ERROR_INVALID,
          "\"%s\" is the policy of no hook; name it after one, HOOK%s, or remove it", *policy,
          HOOKRUN_POLICY_SUFFIX);
}

static HookrunManifest *
manifest_for_folder (const char *id, const char *folder)
{
  HookrunManifest *manifest = hookrun_manifest_alloc (folder, folder);

  manifest->id = g_strdup (id);
  manifest->version = g_strdup ("0");
  manifest->kind = HOOKRUN_PLUGIN_EXECUTABLE;
  return manifest;
}

/* For all hooks that have none of their own. */
static gboolean
read_policy_of_folder (HookrunManifest *manifest, const char *folder, GError **error)
{
  g_autoptr (GError) problem = NULL;

  manifest->policy = hookrun_plugin_policy_new_beside (folder, &problem);
  if (problem == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

HookrunManifest *
hookrun_hook_folder_read (HookrunEngine *self, const char *id, const char *folder, GError **error)
{
  g_autoptr (HookrunManifest) manifest = manifest_for_folder (id, folder);
  g_autoptr (HookrunFaults) faults = hookrun_faults_new ();
  g_autoptr (GPtrArray) names = NULL;
  g_autoptr (GStrvBuilder) signals = g_strv_builder_new ();
  g_autoptr (GStrvBuilder) policies = g_strv_builder_new ();
  Scan scan = {self, manifest, faults, signals, policies};
  struct stat st;
  int fd;

  if (!hookrun_id_is_valid (id)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "\"%s\" is no id of a plugin", id);
    return NULL;
  }
  fd = hookrun_trust_open (folder, O_RDONLY | O_DIRECTORY, &st, error);
  if (fd < 0)
    return NULL;
  names = list_names (fcntl (fd, F_DUPFD_CLOEXEC, 0));
  for (guint i = 0; i < names->len; i++)
    if (g_str_has_suffix (g_ptr_array_index (names, i), ".d"))
      scan_signal (&scan, fd, folder, g_ptr_array_index (names, i));
    else
      scan_other (&scan, fd, folder, g_ptr_array_index (names, i));
  close (fd);
  check_policies (&scan);
  if (!read_policy_of_folder (manifest, folder, error))
    return NULL;
  manifest->hook_signals = g_strv_builder_end (signals);
  hookrun_manifest_collect_signals (manifest);
  if (!hookrun_faults_check (faults, folder, error))
    return NULL;
  return g_steal_pointer (&manifest);
}
