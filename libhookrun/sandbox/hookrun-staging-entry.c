/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One file of a commit: prepared without a name, linked, exchanged, looked at, taken back. Each
 * function is one or two calls to the kernel on names below the folder that was pinned, so a crash
 * between any two leaves one of the positions that locate() tells apart.
 */
#include "hookrun-staging-private.h"
#include "hookrun-error-private.h"
#include "hookrun-file-private.h"
#include "hookrun-staging-xattr-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static HookrunStagingSpot
target_spot (const HookrunStagingEntry *entry)
{
  return (HookrunStagingSpot){entry->folder->fd, entry->name, entry->path};
}

static HookrunStagingSpot
temporary_spot (const HookrunStagingEntry *entry)
{
  return (HookrunStagingSpot){entry->folder->fd, entry->temporary, entry->temporary};
}

gboolean
hookrun_staging_entry_open (HookrunStaging *self, HookrunStagingEntry *entry, GError **error)
{
  if (entry->folder == NULL)
    entry->folder = hookrun_staging_find_folder (self, entry->path, error);
  return entry->folder != NULL;
}

/* ---- prepare ---- */

static gboolean
conflict (GError **error, const char *path)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
               "\"%s\" is no longer the file that was shown; nothing was changed", path);
  return FALSE;
}

static gboolean
written_conflict (GError **error, const char *path)
{
  g_set_error (
      error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
      "another program has \"%s\" open for writing; nothing was changed; try again when it "
      "has closed the file",
      path);
  return FALSE;
}

/* A file that has no name yet, or where the filesystem lacks those, one with its name. */
static int
open_temporary (HookrunStagingEntry *entry)
{
  int fd;

  if (entry->made_early)
    return openat (entry->folder->fd, entry->temporary,
                   O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  fd = openat (entry->folder->fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  entry->needs_name = fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL);
  return fd;
}

/* Filesystems that ignore modes or owners must be found out before anything is in place. */
static gboolean
check_prepared (HookrunStagingEntry *entry, GError **error)
{
  const HookrunStagedVersion *new = entry->new;
  struct stat st;

  if (fstat (entry->fd, &st) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot examine the new \"%s\"", entry->path);
    return FALSE;
  }
  if ((guint)(st.st_mode & 07777) == new->mode && (guint)st.st_uid == new->uid &&
      (guint)st.st_gid == new->gid)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED,
               "the filesystem of \"%s\" does not keep mode %04o and owner %u:%u", entry->path,
               new->mode, new->uid, new->gid);
  return FALSE;
}

/* What a new file inherits from its folder is known only once it is there. */
static gboolean
note_inherited (HookrunStagingEntry *entry, GError **error)
{
  g_autoptr (GError) problem = NULL;
  HookrunStagedVersion *copy;
  GBytes *inherited;

  if (!entry->new->inherits)
    return TRUE;
  inherited = hookrun_staging_xattr_read (entry->fd, entry->path, &problem);
  if (problem != NULL) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  copy = hookrun_staged_version_copy (entry->new);
  copy->inherits = FALSE;
  copy->xattrs = inherited;
  hookrun_staged_version_unref (entry->new);
  entry->new = copy;
  return TRUE;
}

static gboolean
prepare_file (HookrunStagingEntry *entry, GError **error)
{
  entry->fd = open_temporary (entry);
  if (entry->fd < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot make a file beside \"%s\"", entry->path);
    return FALSE;
  }
  return hookrun_staged_version_fill (entry->new, entry->fd, entry->path, error) &&
         check_prepared (entry, error) && note_inherited (entry, error);
}

/* What cannot be renamed into the state folder is copied there now, while nothing has happened. */
static gboolean
copy_old (HookrunStaging *self, HookrunStagingEntry *entry, const HookrunStagedVersion *there,
          const char *kept_name, GError **error)
{
  g_autofree char *copy = g_strconcat (kept_name, ".copy", NULL);
  const char *data = there->kind == HOOKRUN_STAGED_KIND_LINK
                         ? there->link
                         : g_bytes_get_data (there->content, NULL);

  return hookrun_file_replace_at (self->kept_fd, copy, data != NULL ? data : "", there->size, 0600,
                                  error);
}

static gboolean
needs_copy (HookrunStaging *self, HookrunStagingEntry *entry)
{
  struct stat st;

  if (entry->old->kind == HOOKRUN_STAGED_KIND_NONE)
    return FALSE;
  return entry->folder->st.st_dev != self->kept_st.st_dev ||
         fstatat (entry->folder->fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_nlink > 1;
}

gboolean
hookrun_staging_entry_prepare (HookrunStaging *self, HookrunStagingEntry *entry,
                               const char *kept_name, GError **error)
{
  HookrunStagingSpot spot = target_spot (entry);
  g_autoptr (HookrunStagedVersion) there = NULL;
  g_autoptr (GError) problem = NULL;

  if (!hookrun_staged_version_lies_at (entry->old, &spot, &problem)) {
    if (problem == NULL)
      return conflict (error, entry->path);
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  entry->must_copy = needs_copy (self, entry);
  if (entry->must_copy) {
    there = hookrun_staged_version_read (&spot, entry->old->size, error);
    if (there == NULL)
      return FALSE;
    if (!hookrun_staged_version_equal (there, entry->old))
      return conflict (error, entry->path);
    if (!copy_old (self, entry, there, kept_name, error))
      return FALSE;
  }
  return entry->new->kind != HOOKRUN_STAGED_KIND_FILE || prepare_file (entry, error);
}

/* ---- link ---- */

static gboolean
link_file (HookrunStagingEntry *entry)
{
  char own[64];

  /* By the descriptor alone where the kernel allows it, which needs no /proc. */
  if (linkat (entry->fd, "", entry->folder->fd, entry->temporary, AT_EMPTY_PATH) == 0)
    return TRUE;
  g_snprintf (own, sizeof own, "/proc/self/fd/%d", entry->fd);
  return linkat (AT_FDCWD, own, entry->folder->fd, entry->temporary, AT_SYMLINK_FOLLOW) == 0;
}

static gboolean
make_link (HookrunStagingEntry *entry)
{
  struct stat st;

  if (symlinkat (entry->new->link, entry->folder->fd, entry->temporary) < 0 ||
      fstatat (entry->folder->fd, entry->temporary, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return FALSE;
  return (st.st_uid == entry->new->uid &&st.st_gid == entry->new->gid) ||
         fchownat (entry->folder->fd, entry->temporary, (uid_t)entry->new->uid,
                   (gid_t)entry->new->gid, AT_SYMLINK_NOFOLLOW) == 0;
}

gboolean
hookrun_staging_entry_link (HookrunStagingEntry *entry, GError **error)
{
  gboolean ok = TRUE;

  if (entry->new->kind == HOOKRUN_STAGED_KIND_FILE && !entry->made_early)
    ok = link_file (entry);
  else if (entry->new->kind == HOOKRUN_STAGED_KIND_LINK)
    ok = make_link (entry);
  if (!ok)
    hookrun_set_error_from_errno (error, errno, "cannot put the new version beside \"%s\"",
                                  entry->path);
  return ok;
}

/* ---- exchange ---- */

/* There and back are the same call for an exchange; else a plain rename that replaces nothing. */
static gboolean
rename_entry (HookrunStagingEntry *entry, gboolean forward)
{
  int folder = entry->folder->fd;
  const char *from = entry->temporary;
  const char *to = entry->name;

  if (entry->old->kind != HOOKRUN_STAGED_KIND_NONE && entry->new->kind != HOOKRUN_STAGED_KIND_NONE)
    return renameat2 (folder, from, folder, to, RENAME_EXCHANGE) == 0;
  if (forward == (entry->new->kind == HOOKRUN_STAGED_KIND_NONE)) {
    from = entry->name;
    to = entry->temporary;
  }
  return renameat2 (folder, from, folder, to, RENAME_NOREPLACE) == 0;
}

static gboolean
explain_rename (HookrunStagingEntry *entry, int problem, GError **error)
{
  if (problem == EEXIST || problem == ENOENT)
    return conflict (error, entry->path);
  if (problem == EINVAL || problem == ENOSYS) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED,
                 "the filesystem of \"%s\" cannot exchange two files in one step", entry->path);
    return FALSE;
  }
  hookrun_set_error_from_errno (error, problem, "cannot put the new \"%s\" into place",
                                entry->path);
  return FALSE;
}

gboolean
hookrun_staging_entry_swap (HookrunStagingEntry *entry, GError **error)
{
  HookrunStagingSpot spot = temporary_spot (entry);
  g_autoptr (GError) problem = NULL;

  if (!rename_entry (entry, TRUE))
    return explain_rename (entry, errno, error);
  /* Only under our name can it be reached now; who has it open could still write to it. */
  if (hookrun_staging_spot_is_written (&spot))
    return written_conflict (error, entry->path);
  if (hookrun_staged_version_lies_at (entry->old, &spot, &problem))
    return TRUE;
  if (problem != NULL)
    g_propagate_error (error, g_steal_pointer (&problem));
  else
    conflict (error, entry->path);
  return FALSE;
}

static gboolean
third_state (GError **error, const char *path)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
               "\"%s\" was changed while it was taken back; every version is kept as it is", path);
  return FALSE;
}

gboolean
hookrun_staging_entry_swap_back (HookrunStagingEntry *entry, GError **error)
{
  HookrunStagingSpot spot = temporary_spot (entry);
  g_autoptr (GError) problem = NULL;

  if (!rename_entry (entry, FALSE)) {
    if (errno == EEXIST || errno == ENOENT)
      return third_state (error, entry->path);
    hookrun_set_error_from_errno (error, errno, "cannot put the old \"%s\" back", entry->path);
    return FALSE;
  }
  if (!hookrun_staging_spot_is_written (&spot) &&
      hookrun_staged_version_lies_at (entry->new, &spot, &problem))
    return TRUE;
  /* Somebody wrote to the new version, or is about to: it is theirs, and it was in place. */
  if (!rename_entry (entry, TRUE) || problem == NULL)
    return third_state (error, entry->path);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/* ---- keep ---- */

static gboolean
remove_name (HookrunStagingEntry *entry, GError **error)
{
  if (unlinkat (entry->folder->fd, entry->temporary, 0) == 0 || errno == ENOENT)
    return TRUE;
  hookrun_set_error_from_errno (error, errno, "cannot remove \"%s\" beside \"%s\"",
                                entry->temporary, entry->path);
  return FALSE;
}

gboolean
hookrun_staging_entry_remove_temporary (HookrunStagingEntry *entry, GError **error)
{
  return remove_name (entry, error);
}

static gboolean
rename_copy (HookrunStaging *self, const char *kept_name)
{
  g_autofree char *copy = g_strconcat (kept_name, ".copy", NULL);

  return renameat (self->kept_fd, copy, self->kept_fd, kept_name) == 0;
}

/* The copy of before may be missing after a crash, or not have been thought necessary. */
static gboolean
copy_displaced (HookrunStaging *self, HookrunStagingEntry *entry, const char *kept_name,
                GError **error)
{
  HookrunStagingSpot spot = temporary_spot (entry);
  g_autoptr (HookrunStagedVersion) displaced = NULL;

  if (faccessat (self->kept_fd, kept_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    return TRUE;
  if (rename_copy (self, kept_name))
    return TRUE;
  displaced = hookrun_staged_version_read (&spot, entry->old->size, error);
  if (displaced == NULL || displaced->kind == HOOKRUN_STAGED_KIND_NONE)
    return displaced != NULL;
  return copy_old (self, entry, displaced, kept_name, error) &&
         (rename_copy (self, kept_name) ||
          (hookrun_set_error_from_errno (error, errno, "cannot keep the old \"%s\"", entry->path),
           FALSE));
}

gboolean
hookrun_staging_entry_keep (HookrunStaging *self, HookrunStagingEntry *entry, const char *kept_name,
                            GError **error)
{
  if (entry->old->kind == HOOKRUN_STAGED_KIND_NONE)
    return TRUE;
  if (!entry->must_copy && renameat2 (entry->folder->fd, entry->temporary, self->kept_fd, kept_name,
                                      RENAME_NOREPLACE) == 0)
    return TRUE;
  if (!entry->must_copy && errno == ENOENT)
    return TRUE; /* moved before a crash */
  /* Its content must be on disk over there before its last name here goes. */
  if (!copy_displaced (self, entry, kept_name, error))
    return FALSE;
  if (fsync (self->kept_fd) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot sync \"%s\"", self->folder);
    return FALSE;
  }
  return remove_name (entry, error);
}

/* ---- where it stands ---- */

typedef struct {
  gboolean kept;      /* the state folder has the displaced version */
  gboolean has_old;   /* in place: the old version, or nothing when that was it */
  gboolean has_new;   /* in place: the new version, or nothing when that is it */
  gboolean empty;     /* nothing under the temporary name */
  gboolean aside_old; /* under the temporary name: the old version, which nobody is writing to */
  gboolean aside_new; /* under the temporary name: the new version */
} Sight;

/* A link that crashed before it got its owner is ours all the same. */
static gboolean
is_half_made_link (HookrunStagingEntry *entry)
{
  HookrunStagingSpot spot = temporary_spot (entry);
  g_autoptr (HookrunStagedVersion) there = NULL;

  if (entry->new->kind != HOOKRUN_STAGED_KIND_LINK)
    return FALSE;
  there = hookrun_staged_version_read (&spot, entry->new->size, NULL);
  return there != NULL && there->kind == HOOKRUN_STAGED_KIND_LINK &&
         g_str_equal (there->sum, entry->new->sum);
}

static gboolean
look (HookrunStaging *self, HookrunStagingEntry *entry, const char *kept_name, Sight *sight,
      GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (HookrunStagedVersion) nothing = hookrun_staged_version_new_none ();
  HookrunStagingSpot target = target_spot (entry);
  HookrunStagingSpot aside = temporary_spot (entry);

  sight->kept = entry->old->kind != HOOKRUN_STAGED_KIND_NONE &&
                faccessat (self->kept_fd, kept_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  sight->has_old = hookrun_staged_version_lies_at (entry->old, &target, &problem);
  if (problem == NULL)
    sight->has_new = hookrun_staged_version_lies_at (entry->new, &target, &problem);
  if (problem == NULL)
    sight->empty = hookrun_staged_version_lies_at (nothing, &aside, &problem);
  if (problem == NULL && !sight->empty)
    sight->aside_old = (sight->kept || !hookrun_staging_spot_is_written (&aside)) &&
                       hookrun_staged_version_lies_at (entry->old, &aside, &problem);
  if (problem == NULL && !sight->empty)
    sight->aside_new = hookrun_staged_version_lies_at (entry->new, &aside, &problem);
  if (problem != NULL) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  if (sight->has_old && !sight->empty && !sight->aside_new)
    sight->aside_new = is_half_made_link (entry);
  return TRUE;
}

static HookrunStagingPosition
judge_replacement (const Sight *s)
{
  if (s->aside_new && s->has_old)
    return HOOKRUN_STAGING_BEFORE;
  if (s->aside_new)
    return HOOKRUN_STAGING_CHANGED;
  if (s->has_new && s->aside_old)
    return HOOKRUN_STAGING_AFTER;
  if (s->has_new && !s->empty)
    return HOOKRUN_STAGING_WRONG;
  if (s->empty && !s->has_new)
    return HOOKRUN_STAGING_CLEAN;
  return HOOKRUN_STAGING_UNKNOWN;
}

static HookrunStagingPosition
judge_creation (const Sight *s)
{
  if (s->has_new && s->empty)
    return HOOKRUN_STAGING_AFTER;
  if (s->aside_new)
    return s->has_old ? HOOKRUN_STAGING_BEFORE : HOOKRUN_STAGING_CHANGED;
  if (s->empty)
    return s->has_old ? HOOKRUN_STAGING_CLEAN : HOOKRUN_STAGING_NEUTRAL;
  return HOOKRUN_STAGING_UNKNOWN;
}

static HookrunStagingPosition
judge_removal (const Sight *s)
{
  if (s->empty)
    return s->has_old ? HOOKRUN_STAGING_BEFORE : HOOKRUN_STAGING_CHANGED;
  if (!s->has_new)
    return HOOKRUN_STAGING_UNKNOWN;
  return s->aside_old ? HOOKRUN_STAGING_AFTER : HOOKRUN_STAGING_WRONG;
}

gboolean
hookrun_staging_entry_locate (HookrunStaging *self, HookrunStagingEntry *entry,
                              const char *kept_name, HookrunStagingPosition *position,
                              GError **error)
{
  Sight sight = {0};

  if (!hookrun_staging_entry_open (self, entry, error) ||
      !look (self, entry, kept_name, &sight, error))
    return FALSE;
  if (sight.kept)
    *position = sight.empty || sight.aside_old ? HOOKRUN_STAGING_KEPT : HOOKRUN_STAGING_UNKNOWN;
  else if (entry->old->kind == HOOKRUN_STAGED_KIND_NONE)
    *position = judge_creation (&sight);
  else if (entry->new->kind == HOOKRUN_STAGED_KIND_NONE)
    *position = judge_removal (&sight);
  else
    *position = judge_replacement (&sight);
  return TRUE;
}
