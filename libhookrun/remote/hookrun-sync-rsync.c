/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rsync engine: which words rsync gets. It is the user's own program, so its options, filters
 * and delta algorithm are as ever; its connection is the one that the target has already.
 */
#include "hookrun-sync-private.h"

#include <dlfcn.h>

#include "hookrun-shell-private.h"
#include "hookrun-target-private.h"

/* Links, modes, times; owners and devices are the target's own affair, and the times of folders
 * say nothing. Times are compared to the nanosecond: a file may be written twice in a second. Words
 * go through the protocol, where no shell reads them. */
static const char *const common_words[] = {
    "rsync",
    "--recursive",
    "--links",
    "--perms",
    "--times",
    "--omit-dir-times",
    "--modify-window=-1",
    "--no-human-readable",
    "--stats",
    "--8-bit-output",
    "--secluded-args",
};

/* In a tree that was built and not installed the helper lies in a folder beside the library. */
static char *
find_beside_library (void)
{
  Dl_info info;
  g_autofree char *folder = NULL;

  if (dladdr (common_words, &info) == 0 || info.dli_fname == NULL)
    return NULL;
  folder = g_path_get_dirname (info.dli_fname);
  return g_build_filename (folder, "remote", "hookrun-remote-helper", NULL);
}

char *
hookrun_rsync_find_helper (void)
{
  g_autofree char *beside = find_beside_library ();
  const char *const paths[] = {g_getenv ("HOOKRUN_REMOTE_HELPER"),
                               HOOKRUN_LIBEXECDIR "/hookrun-remote-helper", beside};

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    if (paths[i] != NULL && g_file_test (paths[i], G_FILE_TEST_IS_EXECUTABLE))
      return g_canonicalize_filename (paths[i], NULL);
  return NULL;
}

static void
add (GPtrArray *argv, const char *word)
{
  g_ptr_array_add (argv, g_strdup (word));
}

static GPtrArray *
make_argv (const HookrunSyncOptions *options, gboolean dry_run, const char *helper,
           const char *local_folder, const char *remote_folder)
{
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);

  for (gsize i = 0; i < G_N_ELEMENTS (common_words); i++)
    add (argv, common_words[i]);
  if (options->remove)
    add (argv, "--delete");
  if (options->checksum)
    add (argv, "--checksum");
  if (options->compress)
    add (argv, "--compress");
  if (dry_run) {
    add (argv, "--dry-run");
    add (argv, "--out-format=%i %n%L");
  }
  if (options->guard_state) {
    add (argv, "--exclude=/.hookrun");
    /* What a send that is cut short leaves must not lie in the live tree. */
    if (!dry_run)
      add (argv, "--temp-dir=.hookrun/incoming");
  }
  for (gsize i = 0; options->excludes != NULL && options->excludes[i] != NULL; i++)
    g_ptr_array_add (argv, g_strconcat ("--exclude=", options->excludes[i], NULL));
  for (gsize i = 0; options->rsync_options != NULL && options->rsync_options[i] != NULL; i++)
    add (argv, options->rsync_options[i]);
  g_ptr_array_add (argv, g_strdup_printf ("--rsh='%s'", helper));
  add (argv, "--");
  g_ptr_array_add (argv, g_strconcat (local_folder, "/", NULL));
  g_ptr_array_add (argv, g_strconcat ("hookrun:", remote_folder, "/", NULL));
  g_ptr_array_add (argv, NULL);
  return argv;
}

static HookrunSyncResult *
run_once (const HookrunSyncOptions *options, gboolean dry_run, HookrunTarget *target,
          const char *local_folder, const char *remote_folder, GPtrArray *attributes_only,
          GCancellable *cancellable, GError **error)
{
  g_autoptr (HookrunSyncResult) result = hookrun_sync_result_new (HOOKRUN_SYNC_ENGINE_RSYNC);
  g_autoptr (GPtrArray) argv = NULL;
  g_autoptr (GBytes) output = NULL;
  g_autofree char *helper = hookrun_rsync_find_helper ();
  g_autofree char *prepare = hookrun_sync_prepare_writer (options, dry_run ? NULL : remote_folder);

  if (helper == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED,
                 "cannot use rsync: the helper program %s is missing; install it, or choose the "
                 "tar engine",
                 HOOKRUN_LIBEXECDIR "/hookrun-remote-helper");
    return NULL;
  }
  argv = make_argv (options, dry_run, helper, local_folder, remote_folder);
  if (!hookrun_rsync_spawn (target, (const char *const *)argv->pdata, prepare, &output, cancellable,
                            error))
    return NULL;
  hookrun_rsync_parse (result, g_bytes_get_data (output, NULL), attributes_only);
  return g_steal_pointer (&result);
}

/* rsync sets mode and time of an unchanged file in place, and with it those of the same file of an
 * older release. Such files are removed first, so that they are sent as new ones. */
static gboolean
break_links (const HookrunSyncOptions *options, HookrunTarget *target, const char *remote_folder,
             GPtrArray *names, GCancellable *cancellable, GError **error)
{
  g_autoptr (GString) list = g_string_new (NULL);
  g_autofree char *quoted = hookrun_shell_quote (remote_folder);
  g_autofree char *prepare = hookrun_sync_prepare_writer (options, NULL);
  g_autofree char *command_line = g_strdup_printf (
      "LC_ALL=C; export LC_ALL; %scd -- %s && exec xargs -0 rm -f --", prepare, quoted);
  g_auto (HookrunCommandResult) result = {0};
  HookrunCommand command = {command_line, "rm (before rsync)", -1, 0, 0};

  for (guint i = 0; i < names->len; i++)
    g_string_append_printf (list, "./%s%c", (const char *)names->pdata[i], '\0');
  command.stdin_fd = hookrun_target_open_memory (list->str, list->len, error);
  return command.stdin_fd >= 0 &&
         hookrun_target_run_command (target, &command, &result, cancellable, error) &&
         hookrun_target_check_status (target, command.label, result.status, result.errors, TRUE,
                                      error);
}

HookrunSyncResult *
hookrun_sync_run_rsync (const HookrunSyncOptions *options, HookrunTarget *target,
                        const char *local_folder, const char *remote_folder,
                        GCancellable *cancellable, GError **error)
{
  g_autoptr (HookrunSyncResult) result = NULL;
  g_autoptr (GPtrArray) attributes_only = g_ptr_array_new_with_free_func (g_free);

  if (options->has_hard_links && !options->dry_run) {
    result = run_once (options, TRUE, target, local_folder, remote_folder, attributes_only,
                       cancellable, error);
    if (result == NULL)
      return NULL;
    if (attributes_only->len > 0 &&
        !break_links (options, target, remote_folder, attributes_only, cancellable, error))
      return NULL;
    g_clear_pointer (&result, hookrun_sync_result_unref);
  }
  result = run_once (options, options->dry_run, target, local_folder, remote_folder, NULL,
                     cancellable, error);
  if (result == NULL)
    return NULL;
  hookrun_sync_result_seal (result);
  return g_steal_pointer (&result);
}
