/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tar engine, for targets without rsync: the target lists what it has, the lists are compared
 * here, what goes is removed by name and what differs arrives in one tar stream. Files are never
 * written over: the old name is removed first, so another hard link of it keeps its contents. In
 * place, files arrive beside the tree and take their names when they are whole, folders follow.
 */
#include "hookrun-sync-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hookrun-child-private.h"
#include "hookrun-error-private.h"
#include "hookrun-file-private.h"
#include "hookrun-shell-private.h"
#include "hookrun-spawn-private.h"
#include "hookrun-target-private.h"
#include "hookrun-target-script-private.h"

#define MAX_MANIFEST (256u * 1024 * 1024)

typedef struct {
  const HookrunSyncOptions *options;
  HookrunTarget *target;
  const char *local_folder;
  const char *remote_folder;
  GCancellable *cancellable;
  HookrunSyncResult *result;
  GString *send;           /* names for tar, each with a NUL */
  GString *send_folders;   /* in place: those of folders */
  GString *remove;         /* names of what is no folder, each with a NUL */
  GString *remove_folders; /* names, the deepest first */
  gboolean is_there;       /* the target has the folder, and something in it */
} Difference;

static HookrunTreeManifest *
list_target (Difference *self, gboolean checksum, GError **error)
{
  const HookrunSyncOptions *options = self->options;
  g_autofree char *command_line = hookrun_target_script_command (
      "manifest", (const char *const[]){self->remote_folder, options->guard_state ? ".hookrun" : "",
                                        checksum ? "checksum" : "", NULL});
  HookrunCommand command = {command_line, "list the files", -1, 0, MAX_MANIFEST};
  g_auto (HookrunCommandResult) result = {0};
  g_autofree char *what = NULL;
  gsize length;
  const char *data;

  if (!hookrun_target_run_command (self->target, &command, &result, self->cancellable, error) ||
      !hookrun_target_check_status (self->target, command.label, result.status, result.errors, TRUE,
                                    error))
    return NULL;
  what = g_strdup_printf ("target \"%s\"", hookrun_target_get_name (self->target));
  data = g_bytes_get_data (result.output, &length);
  return hookrun_tree_manifest_parse (data, length, what, error);
}

/* The SHA-256 of a file of the source, which must still be a file and not lead elsewhere. */
static char *
hash_file (const char *folder, const char *path)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *full = g_build_filename (folder, path, NULL);
  guint8 buffer[65536];
  int fd = open (full, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  gssize n = -1;

  while (fd >= 0 && (n = read (fd, buffer, sizeof buffer)) > 0)
    g_checksum_update (checksum, buffer, n);
  if (fd >= 0)
    close (fd);
  return n == 0 ? g_strdup (g_checksum_get_string (checksum)) : NULL;
}

/* Where one side knows whole seconds only, a file may have been written twice in one: its content
 * decides. */
static gboolean
is_vague (const HookrunManifestEntry *here, const HookrunManifestEntry *there)
{
  return here->type == 'f' && there->type == 'f' && here->size == there->size &&
         here->mtime == there->mtime && here->mtime_ns != there->mtime_ns &&
         (here->mtime_ns == 0 || there->mtime_ns == 0);
}

static gboolean
is_any_vague (HookrunTreeManifest *here, HookrunTreeManifest *there)
{
  for (guint i = 0; i < here->len; i++) {
    const HookrunManifestEntry *entry = here->pdata[i];
    const HookrunManifestEntry *old = hookrun_tree_manifest_find (there, entry->path);

    if (old != NULL && is_vague (entry, old))
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_same (Difference *self, const HookrunManifestEntry *here, const HookrunManifestEntry *there)
{
  g_autofree char *hash = NULL;

  if (here->type != there->type)
    return FALSE;
  if (here->type == 'l')
    return g_strcmp0 (here->link, there->link) == 0;
  if (here->mode != there->mode)
    return FALSE;
  if (here->type == 'd')
    return TRUE;
  if (here->size != there->size)
    return FALSE;
  if (!self->options->checksum && !is_vague (here, there))
    return here->mtime == there->mtime && here->mtime_ns == there->mtime_ns;
  hash = hash_file (self->local_folder, here->path);
  return hash != NULL && g_strcmp0 (hash, there->hash) == 0;
}

static void
append_name (GString *list, const char *path)
{
  g_string_append (list, "./");
  g_string_append_len (list, path, (gssize)strlen (path) + 1);
}

static void
find_what_to_send (Difference *self, HookrunTreeManifest *here, HookrunTreeManifest *there)
{
  gboolean beside = self->options->guard_state;

  for (guint i = 0; i < here->len; i++) {
    HookrunManifestEntry *entry = here->pdata[i];
    HookrunManifestEntry *old = hookrun_tree_manifest_find (there, entry->path);

    if (old != NULL && is_same (self, entry, old))
      continue;
    append_name (beside && entry->type == 'd' ? self->send_folders : self->send, entry->path);
    if (old != NULL && (beside ? (old->type == 'd') != (entry->type == 'd')
                               : old->type != 'd' || entry->type != 'd'))
      append_name (old->type == 'd' ? self->remove_folders : self->remove, entry->path);
    if (self->options->dry_run)
      hookrun_sync_result_add_change (self->result, old != NULL ? '~' : '+', entry->path);
    if (entry->type != 'f')
      continue;
    self->result->n_files++;
    self->result->n_bytes += entry->size;
  }
}

/* Whether a folder above @path there is to become something else here. */
static gboolean
lies_in_the_way (HookrunTreeManifest *here, const char *path)
{
  g_autofree char *prefix = g_strdup (path);

  for (char *slash = strchr (prefix, '/'); slash != NULL; slash = strchr (slash + 1, '/')) {
    HookrunManifestEntry *entry;

    *slash = '\0';
    entry = hookrun_tree_manifest_find (here, prefix);
    *slash = '/';
    if (entry != NULL && entry->type != 'd')
      return TRUE;
  }
  return FALSE;
}

/* Backwards, so that folders come after what is in them. */
static void
find_what_to_remove (Difference *self, HookrunTreeManifest *here, HookrunTreeManifest *there)
{
  for (guint i = there->len; i > 0; i--) {
    HookrunManifestEntry *entry = there->pdata[i - 1];
    gboolean is_folder = entry->type == 'd';

    if (hookrun_tree_manifest_find (here, entry->path) != NULL ||
        hookrun_sync_is_below_excluded (self->options, entry->path, is_folder) ||
        (!self->options->remove && !lies_in_the_way (here, entry->path)))
      continue;
    append_name (is_folder ? self->remove_folders : self->remove, entry->path);
    self->result->n_deleted++;
    if (self->options->dry_run)
      hookrun_sync_result_add_change (self->result, '-', entry->path);
  }
}

static gboolean
run_with_list (Difference *self, const char *script, GString *list, const char *label,
               GError **error)
{
  g_autofree char *quoted = hookrun_shell_quote (self->remote_folder);
  g_autofree char *prepare = hookrun_sync_prepare_writer (self->options, NULL);
  g_autofree char *command_line =
      g_strdup_printf ("LC_ALL=C; export LC_ALL; %scd -- %s && %s", prepare, quoted, script);
  g_auto (HookrunCommandResult) result = {0};
  HookrunCommand command = {command_line, label, -1, 0, 0};

  if (list->len == 0)
    return TRUE;
  command.stdin_fd = hookrun_target_open_memory (list->str, list->len, error);
  return command.stdin_fd >= 0 &&
         hookrun_target_run_command (self->target, &command, &result, self->cancellable, error) &&
         hookrun_target_check_status (self->target, label, result.status, result.errors, TRUE,
                                      error);
}

/* A folder that holds something excluded stays, as with rsync. */
static gboolean
remove_what_goes (Difference *self, GError **error)
{
  return run_with_list (self, "exec xargs -0 rm -f --", self->remove, "remove old files", error) &&
         run_with_list (self, "xargs -0 rmdir -- 2>/dev/null; :", self->remove_folders,
                        "remove old folders", error);
}

static pid_t
start_tar (Difference *self, const GString *names, int stdout_fd, int errors_fd, GError **error)
{
  const char *argv[] = {"tar",
                        "--create",
                        "--file=-",
                        "--format=posix",
                        "--pax-option=delete=atime,delete=ctime",
                        "--no-recursion",
                        "--numeric-owner",
                        "--directory",
                        self->local_folder,
                        "--null",
                        "--files-from=-",
                        self->options->compress ? "--gzip" : NULL,
                        NULL};
  g_auto (GStrv) envp = g_environ_setenv (g_get_environ (), "LC_ALL", "C", TRUE);
  HookrunSpawn spawn = {argv, (const char *const *)envp, NULL, {-1, stdout_fd, errors_fd}, -1};
  pid_t pid = -1;

  spawn.fds[0] = hookrun_target_open_memory (names->str, names->len, error);
  if (spawn.fds[0] < 0)
    return -1;
  pid = hookrun_spawn (&spawn, error);
  if (pid > 0)
    hookrun_child_guard_add (pid);
  close (spawn.fds[0]);
  return pid;
}

/* Status 1 of GNU tar: a file changed while it was read. */
static gboolean
check_local_tar (Difference *self, int status, int errors_fd, GError **error)
{
  char text[4096] = "";
  g_autofree char *lines = NULL;

  if (status == 0)
    return TRUE;
  if (pread (errors_fd, text, sizeof text - 1, 0) < 0)
    text[0] = '\0';
  lines = hookrun_target_last_lines (text);
  g_set_error (error, HOOKRUN_ERROR,
               WIFEXITED (status) && WEXITSTATUS (status) == 1 ? HOOKRUN_ERROR_CONFLICT
                                                               : HOOKRUN_ERROR_IO,
               "cannot read \"%s\" for target \"%s\": %s", self->local_folder,
               hookrun_target_get_name (self->target), lines);
  return FALSE;
}

/* A tar that cannot write may tell how much it wrote rather than why; a small file then tells. */
#define EXTRACT_SCRIPT                                                                             \
  "LC_ALL=C; export LC_ALL; %3$scd -- %1$s || exit 1\n"                                            \
  "tar -x%2$spof - && exit\n" TELL_SPACE

#define TELL_SPACE "s=$?; head -c 65536 /dev/zero >%4$s; rm -f %4$s; exit $s\n"

/* A live tree gets whole files only: they arrive beside it and are linked into it, each at once. */
#define EXTRACT_BESIDE_SCRIPT                                                                      \
  "LC_ALL=C; export LC_ALL; in=.hookrun/incoming/tar\n"                                            \
  "%3$scd -- %1$s && rm -rf $in && mkdir -p $in || exit 1\n"                                       \
  "if tar -x%2$spof - -C $in; then\n"                                                              \
  "  cd $in && find . -type d -print0 | (umask 077; cd ../../.. && xargs -0 -r mkdir -p --) &&\n"  \
  "  find . ! -type d -print0 | xargs -0 -r cp -alf --parents -t ../../.. -- &&\n"                 \
  "  cd ../../.. && rm -rf $in\n"                                                                  \
  "  exit\n"                                                                                       \
  "fi\n" TELL_SPACE

static gboolean
extract (Difference *self, gboolean beside, int stdin_fd, GError **error)
{
  g_autofree char *quoted = hookrun_shell_quote (self->remote_folder);
  g_autofree char *prepare = hookrun_sync_prepare_writer (self->options, self->remote_folder);
  const char *unpack = self->options->compress ? "z" : "";
  const char *space = self->options->guard_state ? ".hookrun/incoming/space" : ".hookrun-space";
  g_autofree char *command_line =
      beside ? g_strdup_printf (EXTRACT_BESIDE_SCRIPT, quoted, unpack, prepare, space)
             : g_strdup_printf (EXTRACT_SCRIPT, quoted, unpack, prepare, space);
  g_auto (HookrunCommandResult) result = {0};
  HookrunCommand command = {command_line, "tar -x", stdin_fd, 0, 0};

  return hookrun_target_run_command (self->target, &command, &result, self->cancellable, error) &&
         hookrun_target_check_status (self->target, command.label, result.status, result.errors,
                                      TRUE, error);
}

/* The target's failure is told rather than that of the tar here, which follows from it. */
static gboolean
send_names (Difference *self, const GString *names, gboolean beside, GError **error)
{
  int ends[2];
  int errors_fd;
  int status = 0;
  gboolean ok;
  pid_t pid;

  if (names->len == 0 && self->is_there)
    return TRUE;
  errors_fd = hookrun_target_open_memory ("", 0, error);
  if (errors_fd < 0)
    return FALSE;
  if (pipe2 (ends, O_CLOEXEC) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot make a pipe");
    close (errors_fd);
    return FALSE;
  }
  pid = start_tar (self, names, ends[1], errors_fd, error);
  close (ends[1]);
  if (pid < 0) {
    close (ends[0]);
    close (errors_fd);
    return FALSE;
  }
  ok = extract (self, beside, ends[0], error);
  hookrun_child_guard_remove (pid);
  while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
    continue;
  ok = ok && check_local_tar (self, status, errors_fd, error);
  close (errors_fd);
  return ok;
}

static gboolean
send_what_differs (Difference *self, GError **error)
{
  gboolean beside = self->options->guard_state;

  return send_names (self, self->send, beside, error) &&
         (!beside || send_names (self, self->send_folders, FALSE, error));
}

static gboolean
compare (Difference *self, GError **error)
{
  g_autoptr (GPtrArray) here =
      hookrun_tree_manifest_scan (self->local_folder, self->options, self->cancellable, error);
  gboolean checksum = self->options->checksum;
  g_autoptr (GPtrArray) there = here != NULL ? list_target (self, checksum, error) : NULL;

  if (there == NULL)
    return FALSE;
  if (!checksum && is_any_vague (here, there)) {
    g_ptr_array_unref (there);
    there = list_target (self, TRUE, error);
    if (there == NULL)
      return FALSE;
  }
  self->is_there = there->len > 0;
  find_what_to_remove (self, here, there);
  find_what_to_send (self, here, there);
  return TRUE;
}

HookrunSyncResult *
hookrun_sync_run_tar (const HookrunSyncOptions *options, HookrunTarget *target,
                      const char *local_folder, const char *remote_folder,
                      GCancellable *cancellable, GError **error)
{
  g_autoptr (HookrunSyncResult) result = hookrun_sync_result_new (HOOKRUN_SYNC_ENGINE_TAR);
  g_autoptr (GString) send = g_string_new (NULL);
  g_autoptr (GString) send_folders = g_string_new (NULL);
  g_autoptr (GString) remove = g_string_new (NULL);
  g_autoptr (GString) remove_folders = g_string_new (NULL);
  Difference self = {options, target,       local_folder, remote_folder,  cancellable, result,
                     send,    send_folders, remove,       remove_folders, FALSE};

  if (!compare (&self, error))
    return NULL;
  if (!options->dry_run && (!remove_what_goes (&self, error) || !send_what_differs (&self, error)))
    return NULL;
  hookrun_sync_result_seal (result);
  return g_steal_pointer (&result);
}
