/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A sync: its choices, and which engine serves a target. The engines block; the asynchronous form
 * runs them in a thread of its own.
 */
#include "hookrun-sync-private.h"

#include <string.h>

#include "hookrun-shell-private.h"
#include "hookrun-target-private.h"

struct _HookrunSync {
  GObject parent_instance;

  GMutex mutex;
  HookrunSyncOptions options;
};

G_DEFINE_FINAL_TYPE (HookrunSync, hookrun_sync, G_TYPE_OBJECT)

/* What would change files under other names, lose the connection, or be taken for a source. */
static const char *const refused_options[] = {
    "--inplace", "--append", "--append-verify", "--write-devices", "--rsh", "--daemon", "--server",
};

static void
clear_options (HookrunSyncOptions *options)
{
  g_strfreev (options->excludes);
  g_strfreev (options->rsync_options);
  g_free (options->writers);
}

void
hookrun_sync_options_free (HookrunSyncOptions *self)
{
  clear_options (self);
  g_free (self);
}

/* Descriptor 8 and with it the lock goes to whatever the command starts, and ends with the last. */
char *
hookrun_sync_prepare_writer (const HookrunSyncOptions *options, const char *make_folder)
{
  g_autofree char *writers =
      options->writers != NULL ? hookrun_shell_quote (options->writers) : NULL;
  g_autofree char *folder = make_folder != NULL ? hookrun_shell_quote (make_folder) : NULL;

  return g_strconcat (writers != NULL ? "exec 8<>" : "", writers != NULL ? writers : "",
                      writers != NULL ? " && flock -s 8 && " : "",
                      folder != NULL ? "mkdir -p -- " : "", folder != NULL ? folder : "",
                      folder != NULL ? " && " : "", NULL);
}

HookrunSyncOptions *
hookrun_sync_copy_options (HookrunSync *self)
{
  HookrunSyncOptions *copy = g_new (HookrunSyncOptions, 1);

  g_mutex_lock (&self->mutex);
  *copy = self->options;
  copy->excludes = g_strdupv (self->options.excludes);
  copy->rsync_options = g_strdupv (self->options.rsync_options);
  g_mutex_unlock (&self->mutex);
  return copy;
}

static void
hookrun_sync_finalize (GObject *object)
{
  HookrunSync *self = HOOKRUN_SYNC (object);

  clear_options (&self->options);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (hookrun_sync_parent_class)->finalize (object);
}

static void
hookrun_sync_class_init (HookrunSyncClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hookrun_sync_finalize;
}

static void
hookrun_sync_init (HookrunSync *self)
{
  g_mutex_init (&self->mutex);
  self->options.remove = TRUE;
}

/**
 * hookrun_sync_new:
 *
 * Makes a sync: engine auto, nothing excluded, what is gone here is removed there.
 *
 * Returns: (transfer full): a new sync
 *
 * Since: 1.0
 */
HookrunSync *
hookrun_sync_new (void)
{
  return g_object_new (HOOKRUN_TYPE_SYNC, NULL);
}

/**
 * hookrun_sync_set_engine:
 * @self: a sync
 * @engine: the engine
 *
 * Sets how the difference is found and carried; %HOOKRUN_SYNC_ENGINE_AUTO by default.
 *
 * Since: 1.0
 */
void
hookrun_sync_set_engine (HookrunSync *self, HookrunSyncEngine engine)
{
  g_return_if_fail (HOOKRUN_IS_SYNC (self));

  g_mutex_lock (&self->mutex);
  self->options.engine = engine;
  g_mutex_unlock (&self->mutex);
}

/**
 * hookrun_sync_set_excludes:
 * @self: a sync
 * @patterns: (array zero-terminated=1) (nullable): patterns as of rsync's `--exclude`, for example
 *   `.git*`, `/build/`, `*.pyc`
 *
 * Sets what is neither sent nor removed. The tar engine knows `*`, `**`, `?`, `[…]`, a slash in
 * front (from the top), inside (the end of the path) and behind (folders only).
 *
 * Since: 1.0
 */
void
hookrun_sync_set_excludes (HookrunSync *self, const char *const *patterns)
{
  g_return_if_fail (HOOKRUN_IS_SYNC (self));

  g_mutex_lock (&self->mutex);
  g_strfreev (self->options.excludes);
  self->options.excludes = g_strdupv ((char **)patterns);
  g_mutex_unlock (&self->mutex);
}

/**
 * hookrun_sync_set_delete:
 * @self: a sync
 * @remove: whether what is gone here is removed there; %TRUE by default
 *
 * Sets whether the target ends as an exact copy.
 *
 * Since: 1.0
 */
void
hookrun_sync_set_delete (HookrunSync *self, gboolean remove)
{
  g_return_if_fail (HOOKRUN_IS_SYNC (self));

  g_mutex_lock (&self->mutex);
  self->options.remove = remove;
  g_mutex_unlock (&self->mutex);
}

/**
 * hookrun_sync_set_checksum:
 * @self: a sync
 * @checksum: whether files are compared by their contents, rather than by size and time
 *
 * Sets how a file is told to be unchanged; by size and time of change by default.
 *
 * Since: 1.0
 */
void
hookrun_sync_set_checksum (HookrunSync *self, gboolean checksum)
{
  g_return_if_fail (HOOKRUN_IS_SYNC (self));

  g_mutex_lock (&self->mutex);
  self->options.checksum = checksum;
  g_mutex_unlock (&self->mutex);
}

/**
 * hookrun_sync_set_compress:
 * @self: a sync
 * @compress: whether what is sent is compressed; %FALSE by default
 *
 * Sets compression, which pays on slow lines only.
 *
 * Since: 1.0
 */
void
hookrun_sync_set_compress (HookrunSync *self, gboolean compress)
{
  g_return_if_fail (HOOKRUN_IS_SYNC (self));

  g_mutex_lock (&self->mutex);
  self->options.compress = compress;
  g_mutex_unlock (&self->mutex);
}

/**
 * hookrun_sync_set_dry_run:
 * @self: a sync
 * @dry_run: whether nothing is changed
 *
 * Sets whether a run only tells what it would do; the result has the changes one by one then.
 *
 * Since: 1.0
 */
void
hookrun_sync_set_dry_run (HookrunSync *self, gboolean dry_run)
{
  g_return_if_fail (HOOKRUN_IS_SYNC (self));

  g_mutex_lock (&self->mutex);
  self->options.dry_run = dry_run;
  g_mutex_unlock (&self->mutex);
}

static gboolean
check_rsync_option (const char *option, GError **error)
{
  gsize length = strcspn (option, "=");
  gboolean refused = option[0] != '-' || option[1] == '\0' || g_str_equal (option, "--") ||
                     (option[1] != '-' && strchr (option, 'e') != NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (refused_options) && !refused; i++)
    refused =
        strlen (refused_options[i]) == length && strncmp (option, refused_options[i], length) == 0;
  if (!refused)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "rsync option \"%s\" cannot be used here: a word that is no option, another shell, "
               "and writing into existing files are refused; write values as --name=value",
               option);
  return FALSE;
}

/**
 * hookrun_sync_set_rsync_options:
 * @self: a sync
 * @options: (array zero-terminated=1) (nullable): options for rsync beside the sync's own, each one
 *   word, for example `--chmod=Dg+s`, `--rsync-path=sudo rsync`, `--bwlimit=2m`
 * @error: return location
 *
 * Sets what the user wants of rsync; the tar engine ignores it. Refused with %HOOKRUN_ERROR_INVALID
 * is what names another shell or writes into existing files, because older releases share them.
 *
 * Returns: %TRUE when the options were taken
 *
 * Since: 1.0
 */
gboolean
hookrun_sync_set_rsync_options (HookrunSync *self, const char *const *options, GError **error)
{
  g_return_val_if_fail (HOOKRUN_IS_SYNC (self), FALSE);

  for (gsize i = 0; options != NULL && options[i] != NULL; i++)
    if (!check_rsync_option (options[i], error))
      return FALSE;
  g_mutex_lock (&self->mutex);
  g_strfreev (self->options.rsync_options);
  self->options.rsync_options = g_strdupv ((char **)options);
  g_mutex_unlock (&self->mutex);
  return TRUE;
}

static gboolean
has_rsync_here (void)
{
  g_autofree char *rsync = g_find_program_in_path ("rsync");
  g_autofree char *helper = hookrun_rsync_find_helper ();

  return rsync != NULL && helper != NULL;
}

/* Whether a failure of rsync may mean that the target has none, or a login shell that prints. */
static gboolean
may_be_unusable (const GError *error)
{
  return g_error_matches (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED) ||
         g_error_matches (error, HOOKRUN_ERROR, HOOKRUN_ERROR_COMMAND);
}

/* rsync where it can work on both sides, else tar. The target is asked only when rsync has failed,
 * and once a connection, so that it costs nothing where it works. */
static HookrunSyncResult *
run_auto (const HookrunSyncOptions *options, HookrunTarget *target, const char *source,
          const char *destination, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) failed = NULL;
  HookrunSyncResult *result;
  HookrunTargetFacts facts = {0};

  if (!has_rsync_here ())
    return hookrun_sync_run_tar (options, target, source, destination, cancellable, error);
  if (!hookrun_target_knows_facts (target)) {
    result = hookrun_sync_run_rsync (options, target, source, destination, cancellable, &failed);
    if (result != NULL)
      return result;
    if (!may_be_unusable (failed)) {
      g_propagate_error (error, g_steal_pointer (&failed));
      return NULL;
    }
  }
  if (!hookrun_target_probe (target, &facts, cancellable, error))
    return NULL;
  if (!facts.has_rsync || facts.is_noisy)
    return hookrun_sync_run_tar (options, target, source, destination, cancellable, error);
  if (failed == NULL)
    return hookrun_sync_run_rsync (options, target, source, destination, cancellable, error);
  g_propagate_error (error, g_steal_pointer (&failed));
  return NULL;
}

HookrunSyncResult *
hookrun_sync_run_options (const HookrunSyncOptions *options, HookrunTarget *target,
                          const char *local_folder, const char *remote_folder,
                          GCancellable *cancellable, GError **error)
{
  g_autofree char *source = g_canonicalize_filename (local_folder, NULL);
  g_autofree char *mapped = hookrun_target_map_path (target, remote_folder);
  HookrunSyncResult *(*run) (const HookrunSyncOptions *, HookrunTarget *, const char *,
                             const char *, GCancellable *, GError **) = run_auto;

  if (!g_file_test (source, G_FILE_TEST_IS_DIR)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
                 "cannot send \"%s\" to target \"%s\": there is no such folder", source,
                 hookrun_target_get_name (target));
    return NULL;
  }
  if (options->engine == HOOKRUN_SYNC_ENGINE_RSYNC)
    run = hookrun_sync_run_rsync;
  if (options->engine == HOOKRUN_SYNC_ENGINE_TAR)
    run = hookrun_sync_run_tar;
  return run (options, target, source, mapped, cancellable, error);
}

/**
 * hookrun_sync_run:
 * @self: a sync
 * @target: a target; it is connected if need be
 * @local_folder: (type filename): a folder of this machine
 * @remote_folder: (type filename): the folder there that becomes its copy; made if it is missing
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Brings the tree to the target, and blocks meanwhile. Links are kept as links and never followed,
 * on neither side; modes and times are kept, owners are not. Any thread may call. Errors:
 * %HOOKRUN_ERROR_NOT_FOUND without a @local_folder; %HOOKRUN_ERROR_NO_SPACE,
 * %HOOKRUN_ERROR_PERMISSION, %HOOKRUN_ERROR_COMMAND for what fails at the target;
 * %HOOKRUN_ERROR_CONFLICT when @local_folder changes meanwhile; %HOOKRUN_ERROR_PROTOCOL and
 * %HOOKRUN_ERROR_LIMIT when the target answers nonsense; %HOOKRUN_ERROR_UNSUPPORTED when the chosen
 * engine cannot work; those of [method@Hookrun.Target.connect_finish].
 *
 * Returns: (transfer full): what was done
 *
 * Since: 1.0
 */
HookrunSyncResult *
hookrun_sync_run (HookrunSync *self, HookrunTarget *target, const char *local_folder,
                  const char *remote_folder, GCancellable *cancellable, GError **error)
{
  g_autoptr (HookrunSyncOptions) options = NULL;

  g_return_val_if_fail (HOOKRUN_IS_SYNC (self), NULL);
  g_return_val_if_fail (HOOKRUN_IS_TARGET (target), NULL);
  g_return_val_if_fail (local_folder != NULL && remote_folder != NULL, NULL);

  options = hookrun_sync_copy_options (self);
  return hookrun_sync_run_options (options, target, local_folder, remote_folder, cancellable,
                                   error);
}

typedef struct {
  HookrunTarget *target;
  char *local_folder;
  char *remote_folder;
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_object_unref (job->target);
  g_free (job->local_folder);
  g_free (job->remote_folder);
  g_free (job);
}

static void
run_in_thread (GTask *task, gpointer self, gpointer task_data, GCancellable *cancellable)
{
  Job *job = task_data;
  GError *error = NULL;
  HookrunSyncResult *result = hookrun_sync_run (self, job->target, job->local_folder,
                                                job->remote_folder, cancellable, &error);

  if (result == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, result, (GDestroyNotify)hookrun_sync_result_unref);
}

/**
 * hookrun_sync_run_async:
 * @self: a sync
 * @target: a target
 * @local_folder: (type filename): a folder of this machine
 * @remote_folder: (type filename): the folder there that becomes its copy
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when done
 * @user_data: for @callback
 *
 * Starts [method@Hookrun.Sync.run] without blocking. A target that is not connected yet is made to
 * live in the caller's thread-default main context.
 *
 * Since: 1.0
 */
void
hookrun_sync_run_async (HookrunSync *self, HookrunTarget *target, const char *local_folder,
                        const char *remote_folder, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Job *job;

  g_return_if_fail (HOOKRUN_IS_SYNC (self));
  g_return_if_fail (HOOKRUN_IS_TARGET (target));

  hookrun_target_adopt_context (target);
  job = g_new (Job, 1);
  *job = (Job){g_object_ref (target), g_strdup (local_folder), g_strdup (remote_folder)};
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, hookrun_sync_run_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, job, job_free);
  g_task_run_in_thread (task, run_in_thread);
}

/**
 * hookrun_sync_run_finish:
 * @self: a sync
 * @result: the result of [method@Hookrun.Sync.run_async]
 * @error: return location
 *
 * Ends a run. Errors: those of [method@Hookrun.Sync.run].
 *
 * Returns: (transfer full): what was done
 *
 * Since: 1.0
 */
HookrunSyncResult *
hookrun_sync_run_finish (HookrunSync *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
