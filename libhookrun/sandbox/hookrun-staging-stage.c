/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stage of one run. The confined program can do what it likes with the files in the folder; so
 * nothing in there is believed: what stands for what is remembered here, and each file is opened as
 * what it is, read once into memory of our own, and never looked at again.
 */
#include "hookrun-staging-stage.h"
#include "hookrun-error-private.h"
#include "hookrun-faults-private.h"
#include "hookrun-file-private.h"
#include "hookrun-staging-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_DECLARED 512
#define MAX_NAME_LENGTH 128
#define TOTAL_FACTOR 4

typedef struct {
  char *path;  /* of the target */
  char *name;  /* of the target in its folder */
  char *stage; /* name in the stage */
  guint mode;  /* given to the staged file */
  HookrunStagingFolder *folder;
  HookrunStagedVersion *old;
} Declared;

struct _HookrunStage {
  GObject parent_instance;
  HookrunStaging *staging;
  char *module;
  char *folder;
  int fd;
  struct stat refused[2]; /* the state folder and this one */
  GPtrArray *distrusted;  /* NULL at its end */
  GPtrArray *declared;
  guint64 total;
  gboolean frozen;
};

G_DEFINE_FINAL_TYPE (HookrunStage, hookrun_stage, G_TYPE_OBJECT)

static void
declared_free (gpointer data)
{
  Declared *declared = data;

  g_free (declared->path);
  g_free (declared->name);
  g_free (declared->stage);
  g_clear_pointer (&declared->folder, hookrun_staging_folder_unref);
  g_clear_pointer (&declared->old, hookrun_staged_version_unref);
  g_free (declared);
}

static void
hookrun_stage_finalize (GObject *object)
{
  HookrunStage *self = HOOKRUN_STAGE (object);

  if (self->fd >= 0)
    close (self->fd);
  g_clear_object (&self->staging);
  g_ptr_array_unref (self->distrusted);
  g_ptr_array_unref (self->declared);
  g_free (self->module);
  g_free (self->folder);
  G_OBJECT_CLASS (hookrun_stage_parent_class)->finalize (object);
}

static void
hookrun_stage_class_init (HookrunStageClass *class)
{
  G_OBJECT_CLASS (class)->finalize = hookrun_stage_finalize;
}

static void
hookrun_stage_init (HookrunStage *self)
{
  self->fd = -1;
  self->distrusted = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (self->distrusted, NULL);
  self->declared = g_ptr_array_new_with_free_func (declared_free);
}

/**
 * hookrun_stage_new:
 * @staging: where the changes go
 * @module: the module's name, for the user and for what is wanted always and never
 * @folder: (type filename): an existing empty folder that the confined program may write to
 * @error: return location; %HOOKRUN_ERROR_INVALID for a bad name, %HOOKRUN_ERROR_NOT_FOUND,
 *   %HOOKRUN_ERROR_IO
 *
 * Begins the stage of one run. The folder stays the caller's, who removes it afterwards.
 *
 * Returns: (transfer full): the stage, or %NULL with @error set
 *
 * Since: 1.0
 */
HookrunStage *
hookrun_stage_new (HookrunStaging *staging, const char *module, const char *folder, GError **error)
{
  g_autoptr (HookrunStage) self = g_object_new (HOOKRUN_TYPE_STAGE, NULL);

  if (!hookrun_staging_module_is_good (module)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "a module's name must have 1 to 255 characters and no control characters");
    return NULL;
  }
  self->staging = g_object_ref (staging);
  self->module = g_strdup (module);
  self->fd = open (folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (self->fd < 0 || fstat (self->fd, &self->refused[1]) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open stage \"%s\"", folder);
    return NULL;
  }
  self->refused[0] = staging->st;
  self->folder = g_strdup (folder);
  return hookrun_stage_add_distrusted (self, folder, error) ? g_steal_pointer (&self) : NULL;
}

/**
 * hookrun_stage_add_distrusted:
 * @self: a stage
 * @folder: (type filename): a folder that the confined program can write to
 * @error: return location; %HOOKRUN_ERROR_NOT_FOUND, %HOOKRUN_ERROR_IO
 *
 * Says where the program could put symbolic links: a target whose path leads through a link in such
 * a folder is refused. The stage itself counts as one.
 *
 * Returns: whether the folder was found
 *
 * Since: 1.0
 */
gboolean
hookrun_stage_add_distrusted (HookrunStage *self, const char *folder, GError **error)
{
  char *real = realpath (folder, NULL);

  if (real == NULL) {
    hookrun_set_error_from_errno (error, errno, "cannot find folder \"%s\"", folder);
    return FALSE;
  }
  g_ptr_array_insert (self->distrusted, 0, g_strdup (real));
  free (real);
  return TRUE;
}

/* ---- declare ---- */

static const Declared *
find_declared (HookrunStage *self, const char *path)
{
  for (guint i = 0; i < self->declared->len; i++) {
    const Declared *declared = self->declared->pdata[i];

    if (g_str_equal (declared->path, path))
      return declared;
  }
  return NULL;
}

static gboolean
check_room (HookrunStage *self, const char *target, GError **error)
{
  if (self->frozen) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "\"%s\" cannot be staged: the run is over", target);
    return FALSE;
  }
  if (self->declared->len < MAX_DECLARED)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
               "\"%s\" cannot be staged: one run may stage %d files", target, MAX_DECLARED);
  return FALSE;
}

static gboolean
count_size (HookrunStage *self, guint64 size, const char *what, GError **error)
{
  self->total += size;
  if (self->total <= TOTAL_FACTOR * self->staging->max_size)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
               "\"%s\": all files of the run together are larger than %" G_GUINT64_FORMAT " bytes",
               what, TOTAL_FACTOR * self->staging->max_size);
  return FALSE;
}

/* A new version could not be given to another user. */
static gboolean
check_owner (const Declared *declared, GError **error)
{
  if (declared->old->kind == HOOKRUN_STAGED_KIND_NONE || geteuid () == 0 ||
      declared->old->uid == (guint)geteuid ())
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION,
               "\"%s\" cannot be staged: it belongs to user %u, and only root could keep that",
               declared->path, declared->old->uid);
  return FALSE;
}

static char *
stage_name (HookrunStage *self, const char *name)
{
  const char *end = strlen (name) > MAX_NAME_LENGTH ? name + strlen (name) - MAX_NAME_LENGTH : name;

  while (((guchar)*end & 0xc0) == 0x80)
    end++; /* not in the middle of a character */
  return g_strdup_printf ("%u-%s", self->declared->len, end);
}

static gboolean
copy_to_stage (HookrunStage *self, Declared *declared, GError **error)
{
  const HookrunStagedVersion *old = declared->old;
  gboolean ok = TRUE;
  gsize size;
  const void *data;
  int fd;

  if (old->kind == HOOKRUN_STAGED_KIND_NONE)
    return TRUE;
  if (old->kind == HOOKRUN_STAGED_KIND_LINK) {
    ok = symlinkat (old->link, self->fd, declared->stage) == 0;
    if (!ok)
      hookrun_set_error_from_errno (error, errno, "cannot make \"%s\" in the stage",
                                    declared->stage);
    return ok;
  }
  declared->mode = (old->mode & 0777) | 0600;
  fd = openat (self->fd, declared->stage, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
               0600);
  if (fd < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot make \"%s\" in the stage", declared->stage);
    return FALSE;
  }
  data = g_bytes_get_data (old->content, &size);
  ok = hookrun_file_write_all (fd, data, size, declared->stage, error);
  if (ok && fchmod (fd, (mode_t)declared->mode) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot set the mode of \"%s\"", declared->stage);
    ok = FALSE;
  }
  close (fd);
  return ok;
}

static gboolean
read_old (HookrunStage *self, Declared *declared, GError **error)
{
  const HookrunStagingSpot spot = {declared->folder->fd, declared->name, declared->path};

  declared->old = hookrun_staged_version_read (&spot, self->staging->max_size, error);
  return declared->old != NULL && check_owner (declared, error) &&
         count_size (self, declared->old->size, declared->path, error);
}

static char *
declare_found (HookrunStage *self, HookrunStagingFolder *folder, const char *name, GError **error)
{
  Declared *declared = g_new0 (Declared, 1);

  declared->path = g_build_filename (folder->path, name, NULL);
  declared->name = g_strdup (name);
  declared->folder = hookrun_staging_folder_ref (folder);
  declared->stage = stage_name (self, name);
  if (!read_old (self, declared, error) || !copy_to_stage (self, declared, error)) {
    declared_free (declared);
    return NULL;
  }
  g_ptr_array_add (self->declared, declared);
  return g_build_filename (self->folder, declared->stage, NULL);
}

/**
 * hookrun_stage_declare:
 * @self: a stage
 * @target: (type filename): absolute path of the file that shall change
 * @error: return location; %HOOKRUN_ERROR_INVALID for what is no file, link or free name,
 *   %HOOKRUN_ERROR_PERMISSION for the kernel's own files, hookrun's state, a folder that cannot be
 *   written and a file whose owner could not be kept, %HOOKRUN_ERROR_UNTRUSTED for a path through a
 *   link in a folder of the program's, %HOOKRUN_ERROR_NOT_FOUND for a missing folder,
 *   %HOOKRUN_ERROR_LIMIT, %HOOKRUN_ERROR_IO
 *
 * Notes that the program wants to change @target, and copies what is there to the stage. The
 * program may then write to the copy, replace it, make a symbolic link in its place, or remove it,
 * which removes the target. A target that is a symbolic link is changed itself, not what it points
 * to. The mode, owner and attributes of the target are kept, unless the program changes the
 * permissions of the copy. A second call for the same target gives the same path.
 *
 * Returns: (transfer full) (type filename): the path in the stage, or %NULL with @error set
 *
 * Since: 1.0
 */
char *
hookrun_stage_declare (HookrunStage *self, const char *target, GError **error)
{
  const HookrunStagingRules rules = {self->refused, G_N_ELEMENTS (self->refused),
                                     (const char *const *)self->distrusted->pdata};
  g_autoptr (HookrunStagingFolder) folder = NULL;
  g_autofree char *path = NULL;
  g_autofree char *name = NULL;
  const Declared *declared;

  if (!check_room (self, target, error))
    return NULL;
  folder = hookrun_staging_folder_find (target, &rules, &name, error);
  if (folder == NULL)
    return NULL;
  path = g_build_filename (folder->path, name, NULL);
  declared = find_declared (self, path);
  return declared != NULL ? g_build_filename (self->folder, declared->stage, NULL)
                          : declare_found (self, folder, name, error);
}

/* ---- freeze ---- */

static gboolean
has_one_name (HookrunStage *self, const Declared *declared, GError **error)
{
  struct stat st;

  if (fstatat (self->fd, declared->stage, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG (st.st_mode) ||
      st.st_nlink == 1)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "what was staged for \"%s\" has %u names (hard links); it must have one",
               declared->path, (guint)st.st_nlink);
  return FALSE;
}

/* The group of a new file, as the kernel would choose it. */
static guint
group_in (const HookrunStagingFolder *folder)
{
  return (folder->st.st_mode & S_ISGID) != 0 ? (guint)folder->st.st_gid : (guint)getegid ();
}

/* Mode, owner and attributes as they are to be in place, from those of the stage. */
static void
set_metadata (const Declared *declared, HookrunStagedVersion *new)
{
  const HookrunStagedVersion *old = declared->old;
  gboolean exists = old->kind != HOOKRUN_STAGED_KIND_NONE;

  new->uid = exists ? old->uid : (guint)geteuid ();
  new->gid = exists ? old->gid : group_in (declared->folder);
  new->mtime_ns = 0;
  g_clear_pointer (&new->xattrs, g_bytes_unref);
  if (new->kind != HOOKRUN_STAGED_KIND_FILE)
    return;
  new->inherits = old->kind != HOOKRUN_STAGED_KIND_FILE;
  new->mode &= 0777;
  if (new->inherits)
    return;
  new->xattrs = old->xattrs != NULL ? g_bytes_ref (old->xattrs) : NULL;
  if (new->mode == declared->mode)
    new->mode = old->mode;
  if (g_str_equal (new->sum, old->sum))
    new->mtime_ns = old->mtime_ns;
}

static HookrunStagingAnswer
recall (HookrunStage *self, HookrunStagedChange *change)
{
  HookrunStagingBook *book = hookrun_staging_ledger_get_book (self->staging->ledger);
  g_autofree char *key = hookrun_staging_choice_key (self->module, change->path);
  HookrunStagingAnswer answer =
      (HookrunStagingAnswer)GPOINTER_TO_INT (g_hash_table_lookup (book->choices, key));

  if (answer == HOOKRUN_STAGING_ANSWER_ALWAYS &&
      (change->old->kind != change->new->kind || change->old->mode != change->new->mode))
    return HOOKRUN_STAGING_ANSWER_ASK;
  return answer;
}

static gboolean
freeze_one (HookrunStage *self, const Declared *declared, GPtrArray *changes, GError **error)
{
  g_autofree char *what = g_strdup_printf ("what was staged for \"%s\"", declared->path);
  const HookrunStagingSpot spot = {self->fd, declared->stage, what};
  g_autoptr (HookrunStagedVersion) new = NULL;
  HookrunStagedChange *change;

  if (!has_one_name (self, declared, error))
    return FALSE;
  new = hookrun_staged_version_read (&spot, self->staging->max_size, error);
  if (new == NULL || !count_size (self, new->size, declared->path, error))
    return FALSE;
  set_metadata (declared, new);
  if (hookrun_staged_version_equal (declared->old, new))
    return TRUE;
  change =
      hookrun_staged_change_new (self->staging, self->module, declared->path, declared->old, new);
  change->folder = hookrun_staging_folder_ref (declared->folder);
  hookrun_staged_change_look (change);
  change->answer = recall (self, change);
  g_ptr_array_add (changes, change);
  return TRUE;
}

/**
 * hookrun_stage_freeze:
 * @self: a stage
 * @error: return location; %HOOKRUN_ERROR_INVALID when a staged file is a folder, a FIFO, a device
 *   or has a second hard link, %HOOKRUN_ERROR_LIMIT, %HOOKRUN_ERROR_BUSY, %HOOKRUN_ERROR_IO; the
 *   message names all faults
 *
 * Reads what the program staged, once, into memory that only this process can reach. Call it when
 * all processes of the run are dead. What ended as it was is left out. Answers that the user gave
 * for good are filled in. Nothing can be declared afterwards.
 *
 * Returns: (transfer container) (element-type HookrunStagedChange): the changes in the order of
 * their declaration, or %NULL with @error set
 *
 * Since: 1.0
 */
GPtrArray *
hookrun_stage_freeze (HookrunStage *self, GError **error)
{
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (HookrunFaults) faults = hookrun_faults_new ();

  self->frozen = TRUE;
  if (!hookrun_staging_ledger_lock (self->staging->ledger, self->staging->wait_ms, NULL, error))
    return NULL;
  for (guint i = 0; i < self->declared->len; i++) {
    g_autoptr (GError) problem = NULL;

    if (!freeze_one (self, self->declared->pdata[i], changes, &problem))
      hookrun_faults_add (faults, (HookrunError)problem->code, "%s", problem->message);
  }
  hookrun_staging_ledger_unlock (self->staging->ledger);
  return hookrun_faults_check (faults, self->module, error) ? g_steal_pointer (&changes) : NULL;
}
