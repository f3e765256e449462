/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Merging: what is in place, what the module wants and what shall come of both, as three files for
 * the user's merge tool. The file in place at that moment is what the merged one replaces, so a
 * merge also resolves a conflict.
 */
#include "hookrun-staging-private.h"
#include "hookrun-error-private.h"
#include "hookrun-file-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static int
open_merges (HookrunStaging *staging, GError **error)
{
  int fd = openat (staging->folder_fd, HOOKRUN_STAGING_MERGE_FOLDER,
                   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

  if (fd < 0)
    hookrun_set_error_from_errno (
        error, errno, "cannot open \"%s/" HOOKRUN_STAGING_MERGE_FOLDER "\"", staging->folder);
  return fd;
}

void
hookrun_staged_change_drop_merge (HookrunStagedChange *self)
{
  int fd = self->merge_folder == NULL ? -1 : open_merges (self->staging, NULL);

  if (fd >= 0) {
    hookrun_file_remove_tree_at (fd, self->merge_folder, NULL);
    close (fd);
  }
  g_clear_pointer (&self->merge_folder, g_free);
  g_clear_pointer (&self->merge_base, hookrun_staged_version_unref);
}

/* Folders of programs that died in a merge; their names begin with the number of the process. */
void
hookrun_staging_sweep_merges (HookrunStaging *self)
{
  int fd = open_merges (self, NULL);
  DIR *dir = fd < 0 ? NULL : fdopendir (fd);
  const struct dirent *entry;

  while (dir != NULL && (entry = readdir (dir)) != NULL) {
    pid_t pid = (pid_t)strtol (entry->d_name, NULL, 10);

    if (pid > 0 && kill (pid, 0) < 0 && errno == ESRCH)
      hookrun_file_remove_tree_at (dirfd (dir), entry->d_name, NULL);
  }
  if (dir != NULL)
    closedir (dir);
}

static int
make_folder (HookrunStagedChange *self, GError **error)
{
  int merges = open_merges (self->staging, error);
  int fd = -1;

  if (merges < 0)
    return -1;
  self->merge_folder = g_strdup_printf ("%d-%08x", (int)getpid (), g_random_int ());
  if (mkdirat (merges, self->merge_folder, 0700) == 0)
    fd = openat (merges, self->merge_folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    hookrun_set_error_from_errno (error, errno, "cannot make a folder for the merge");
  close (merges);
  return fd;
}

static char *
file_name (HookrunStagedChange *self, const char *which)
{
  g_autofree char *name = g_path_get_basename (self->path);

  /* The tool may tell the language by the end of the name. */
  return g_strdup_printf ("%s-%s", which, g_utf8_strlen (name, -1) > 50 ? "file" : name);
}

static char *
write_file (HookrunStagedChange *self, int fd, const char *which, GBytes *content, GError **error)
{
  g_autofree char *name = file_name (self, which);
  gsize size = 0;
  const char *data = content == NULL ? NULL : g_bytes_get_data (content, &size);

  if (!hookrun_file_replace_at (fd, name, data != NULL ? data : "", size, 0600, error))
    return NULL;
  return g_build_filename (self->staging->folder, HOOKRUN_STAGING_MERGE_FOLDER, self->merge_folder,
                           name, NULL);
}

static HookrunStagedVersion *
read_in_place (HookrunStagedChange *self, GError **error)
{
  g_autofree char *name = g_path_get_basename (self->path);
  HookrunStagedVersion *version;
  HookrunStagingSpot spot;

  if (self->folder == NULL)
    self->folder = hookrun_staging_find_folder (self->staging, self->path, error);
  if (self->folder == NULL)
    return NULL;
  spot = (HookrunStagingSpot){self->folder->fd, name, self->path};
  version = hookrun_staged_version_read (&spot, self->staging->max_size, error);
  if (version == NULL || version->kind != HOOKRUN_STAGED_KIND_LINK)
    return version;
  hookrun_staged_version_unref (version);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "\"%s\" is a symbolic link; only files can be merged", self->path);
  return NULL;
}

/**
 * hookrun_staged_change_export_merge:
 * @self: a change
 * @orig: (out) (transfer full) (type filename): path of a copy of what is in place now
 * @new_version: (out) (transfer full) (type filename): path of a copy of what the module wants
 * @merged: (out) (transfer full) (type filename): path of the file to merge into; what the module
 *   wants is in it at first
 * @error: return location; %HOOKRUN_ERROR_INVALID when one of them is no file,
 *   %HOOKRUN_ERROR_NO_SPACE, %HOOKRUN_ERROR_IO
 *
 * Hands out three files for a merge tool. They lie in a folder of this user's alone and go with the
 * change, or with [method@Hookrun.StagedChange.import_merge].
 *
 * Returns: whether they are there
 *
 * Since: 1.0
 */
gboolean
hookrun_staged_change_export_merge (HookrunStagedChange *self, char **orig, char **new_version,
                                    char **merged, GError **error)
{
  int fd;

  *orig = *new_version = *merged = NULL;
  hookrun_staged_change_drop_merge (self);
  if (self->new->kind != HOOKRUN_STAGED_KIND_FILE) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "the new \"%s\" is no file; only files can be merged", self->path);
    return FALSE;
  }
  self->merge_base = read_in_place (self, error);
  if (self->merge_base == NULL || !hookrun_staged_change_load (self, error))
    return FALSE;
  fd = make_folder (self, error);
  if (fd < 0)
    return FALSE;
  *orig = write_file (self, fd, "orig", self->merge_base->content, error);
  if (*orig != NULL)
    *new_version = write_file (self, fd, "new", self->new->content, error);
  if (*new_version != NULL)
    *merged = write_file (self, fd, "merged", self->new->content, error);
  close (fd);
  if (*merged != NULL)
    return TRUE;
  g_clear_pointer (orig, g_free);
  g_clear_pointer (new_version, g_free);
  hookrun_staged_change_drop_merge (self);
  return FALSE;
}

/* The metadata that the module did not change is that of the file in place. */
static void
take_merged (HookrunStagedChange *self, GBytes *content)
{
  const HookrunStagedVersion *base = self->merge_base;
  HookrunStagedVersion *new = hookrun_staged_version_new_file (content);
  gboolean exists = base->kind == HOOKRUN_STAGED_KIND_FILE;
  gboolean had_mode = self->old->kind == HOOKRUN_STAGED_KIND_FILE;

  new->mode =
      exists &&had_mode && self->new->mode == self->old->mode ? base->mode : self->new->mode;
  new->uid = exists ? base->uid : self->new->uid;
  new->gid = exists ? base->gid : self->new->gid;
  new->inherits = !exists;
  new->xattrs = exists && base->xattrs != NULL ? g_bytes_ref (base->xattrs) : NULL;
  hookrun_staged_version_unref (self->new);
  hookrun_staged_version_unref (self->old);
  self->new = new;
  self->old = g_steal_pointer (&self->merge_base);
  self->merged = TRUE;
  self->conflict = FALSE;
  self->answer = HOOKRUN_STAGING_ANSWER_ASK;
}

static HookrunStagedVersion *
read_merged (HookrunStagedChange *self, GError **error)
{
  g_autofree char *name = file_name (self, "merged");
  g_autofree char *path =
      g_build_filename (HOOKRUN_STAGING_MERGE_FOLDER, self->merge_folder, name, NULL);
  HookrunStagingSpot spot = {self->staging->folder_fd, path, "the merged file"};
  HookrunStagedVersion *version =
      hookrun_staged_version_read (&spot, self->staging->max_size, error);

  if (version == NULL || version->kind == HOOKRUN_STAGED_KIND_FILE)
    return version;
  hookrun_staged_version_unref (version);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "the merge of \"%s\" left no file behind", self->path);
  return NULL;
}

/**
 * hookrun_staged_change_import_merge:
 * @self: a change whose merge was handed out
 * @error: return location; %HOOKRUN_ERROR_INVALID when there is no merged file,
 *   %HOOKRUN_ERROR_LIMIT, %HOOKRUN_ERROR_IO
 *
 * Takes the merged file as the new version, and what was handed out as the file in place as the old
 * one. The answer is open again: show the difference and ask.
 *
 * Returns: whether it was taken
 *
 * Since: 1.0
 */
gboolean
hookrun_staged_change_import_merge (HookrunStagedChange *self, GError **error)
{
  g_autoptr (HookrunStagedVersion) merged = NULL;

  if (self->merge_folder == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "no merge of \"%s\" was begun",
                 self->path);
    return FALSE;
  }
  merged = read_merged (self, error);
  if (merged == NULL)
    return FALSE;
  take_merged (self, merged->content);
  hookrun_staged_change_drop_merge (self);
  return TRUE;
}
