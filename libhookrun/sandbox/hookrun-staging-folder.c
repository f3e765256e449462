/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding a target's folder: a walk from the root, one name at a time, each opened with O_NOFOLLOW
 * below the one before. A link is read and its parts take its place, if it may be there at all; so
 * the path that comes out is the one the user must see, whatever the module wrote.
 */
#include "hookrun-staging-folder-private.h"
#include "hookrun-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MAX_LINKS 40

/* Not in every linux/magic.h. */
#define CONFIGFS_SUPER_MAGIC 0x62656570

typedef struct {
  const char *target;
  const HookrunStagingRules *rules;
  GQueue parts; /* names still to be walked */
  GString *path;
  int fd;
  struct stat st;
  guint links;
} Walk;

static const char *const refused_paths[] = {"/proc", "/sys", "/dev", NULL};

static const guint32 refused_filesystems[] = {
    PROC_SUPER_MAGIC, SYSFS_MAGIC,      CGROUP_SUPER_MAGIC,   CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC,
    TRACEFS_MAGIC,    SECURITYFS_MAGIC, SELINUX_MAGIC,        DEVPTS_SUPER_MAGIC,  BPF_FS_MAGIC,
    EFIVARFS_MAGIC,   PSTOREFS_MAGIC,   CONFIGFS_SUPER_MAGIC, NSFS_MAGIC,          BINFMTFS_MAGIC,
};

HookrunStagingFolder *
hookrun_staging_folder_ref (HookrunStagingFolder *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
hookrun_staging_folder_unref (HookrunStagingFolder *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  if (self->fd >= 0)
    close (self->fd);
  g_free (self->path);
  g_free (self);
}

gboolean
hookrun_staging_path_is_below (const char *path, const char *folder)
{
  gsize length = strlen (folder);

  if (g_str_equal (folder, "/"))
    return TRUE;
  return strncmp (path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static gboolean
refuse (GError **error, HookrunError code, const char *target, const char *why)
{
  g_set_error (error, HOOKRUN_ERROR, (int)code, "\"%s\" cannot be staged: %s", target, why);
  return FALSE;
}

/* The names of @path in front of what is still to be walked. */
static void
push_parts (Walk *walk, const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);

  for (guint i = g_strv_length (parts); i > 0; i--)
    if (*parts[i - 1] != '\0' && !g_str_equal (parts[i - 1], "."))
      g_queue_push_head (&walk->parts, g_strdup (parts[i - 1]));
}

static void
move_to (Walk *walk, int fd, const struct stat *st)
{
  if (walk->fd >= 0)
    close (walk->fd);
  walk->fd = fd;
  walk->st = *st;
}

static gboolean
go_to_root (Walk *walk, GError **error)
{
  struct stat st;
  int fd = open ("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0 || fstat (fd, &st) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open \"/\"");
    if (fd >= 0)
      close (fd);
    return FALSE;
  }
  move_to (walk, fd, &st);
  g_string_assign (walk->path, "/");
  return TRUE;
}

static void
append_name (GString *path, const char *name)
{
  if (!g_str_equal (name, "..")) {
    if (path->len > 1)
      g_string_append_c (path, '/');
    g_string_append (path, name);
    return;
  }
  g_string_truncate (path, MAX ((gsize)(strrchr (path->str, '/') - path->str), 1));
}

static gboolean
check_place (Walk *walk, GError **error)
{
  for (guint i = 0; i < walk->rules->n_refused; i++)
    if (walk->st.st_dev == walk->rules->refused[i].st_dev &&
        walk->st.st_ino == walk->rules->refused[i].st_ino)
      return refuse (error, HOOKRUN_ERROR_PERMISSION, walk->target,
                     "it lies in a folder where hookrun keeps its own state");
  for (guint i = 0; refused_paths[i] != NULL; i++)
    if (hookrun_staging_path_is_below (walk->path->str, refused_paths[i]))
      return refuse (error, HOOKRUN_ERROR_PERMISSION, walk->target,
                     "the kernel's own files in /proc, /sys and /dev are no targets");
  return TRUE;
}

/* The same filesystems under another path. */
static gboolean
check_filesystem (Walk *walk, GError **error)
{
  struct statfs fs;
  struct stat root, devices;

  if (fstatfs (walk->fd, &fs) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot examine the folder of \"%s\"",
                                  walk->target);
    return FALSE;
  }
  for (guint i = 0; i < G_N_ELEMENTS (refused_filesystems); i++)
    if ((guint32)fs.f_type == refused_filesystems[i])
      return refuse (error, HOOKRUN_ERROR_PERMISSION, walk->target,
                     "it lies on a filesystem of the kernel's own files");
  if (stat ("/", &root) == 0 && stat ("/dev", &devices) == 0 && root.st_dev != devices.st_dev &&
      walk->st.st_dev == devices.st_dev)
    return refuse (error, HOOKRUN_ERROR_PERMISSION, walk->target,
                   "it lies on the filesystem of the devices");
  return TRUE;
}

static gboolean
may_follow (Walk *walk, const char *name, GError **error)
{
  const char *const *distrusted = walk->rules->distrusted;

  if (++walk->links > MAX_LINKS)
    return refuse (error, HOOKRUN_ERROR_INVALID, walk->target, "too many symbolic links");
  for (guint i = 0; distrusted != NULL && distrusted[i] != NULL; i++)
    if (hookrun_staging_path_is_below (walk->path->str, distrusted[i])) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED,
                   "\"%s\" cannot be staged: \"%s\" in \"%s\" is a symbolic link that may lead "
                   "anywhere; name the file by the path without it",
                   walk->target, name, walk->path->str);
      return FALSE;
    }
  return TRUE;
}

static gboolean
follow (Walk *walk, int link_fd, const char *name, GError **error)
{
  char text[PATH_MAX];
  gssize length;

  if (!may_follow (walk, name, error))
    return FALSE;
  length = readlinkat (link_fd, "", text, sizeof text - 1);
  if (length <= 0) {
    hookrun_set_error_from_errno (error, length < 0 ? errno : ENOENT,
                                  "cannot read link \"%s\" on the way to \"%s\"", name,
                                  walk->target);
    return FALSE;
  }
  text[length] = '\0';
  push_parts (walk, text);
  return text[0] != '/' || go_to_root (walk, error);
}

static gboolean
step (Walk *walk, const char *name, GError **error)
{
  int fd = openat (walk->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  struct stat st;

  if (fd < 0 || fstat (fd, &st) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot find the folder of \"%s\"", walk->target);
    if (fd >= 0)
      close (fd);
    return FALSE;
  }
  if (S_ISLNK (st.st_mode)) {
    gboolean ok = follow (walk, fd, name, error);

    close (fd);
    return ok;
  }
  move_to (walk, fd, &st);
  append_name (walk->path, name);
  if (S_ISDIR (st.st_mode))
    return check_place (walk, error);
  hookrun_set_error_from_errno (error, ENOTDIR, "cannot find the folder of \"%s\"", walk->target);
  return FALSE;
}

static gboolean
walk_all (Walk *walk, GError **error)
{
  while (!g_queue_is_empty (&walk->parts)) {
    g_autofree char *name = g_queue_pop_head (&walk->parts);

    if (!step (walk, name, error))
      return FALSE;
  }
  return check_filesystem (walk, error);
}

static HookrunStagingFolder *
open_found (Walk *walk, GError **error)
{
  g_autoptr (HookrunStagingFolder) self = g_new0 (HookrunStagingFolder, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->fd = -1;
  if (!g_utf8_validate (walk->path->str, -1, NULL)) {
    refuse (error, HOOKRUN_ERROR_INVALID, walk->target, "its path is not UTF-8");
    return NULL;
  }
  if (faccessat (walk->fd, ".", W_OK | X_OK, AT_EACCESS) < 0) {
    hookrun_set_error_from_errno (error, errno,
                                  "\"%s\" cannot be staged: its folder \"%s\" cannot be written",
                                  walk->target, walk->path->str);
    return NULL;
  }
  self->fd = openat (walk->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (self->fd < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open folder \"%s\"", walk->path->str);
    return NULL;
  }
  self->st = walk->st;
  self->path = g_strdup (walk->path->str);
  return g_steal_pointer (&self);
}

static gboolean
check_target (const char *target, GError **error)
{
  const char *name = strrchr (target, '/');

  if (*target != '/')
    return refuse (error, HOOKRUN_ERROR_INVALID, target, "its path is not absolute");
  if (!g_utf8_validate (target, -1, NULL))
    return refuse (error, HOOKRUN_ERROR_INVALID, "(not UTF-8)", "its path is not UTF-8");
  if (name[1] == '\0' || g_str_equal (name, "/.") || g_str_equal (name, "/.."))
    return refuse (error, HOOKRUN_ERROR_INVALID, target, "it is a folder");
  return TRUE;
}

HookrunStagingFolder *
hookrun_staging_folder_find (const char *target, const HookrunStagingRules *rules, char **name,
                             GError **error)
{
  Walk walk = {.target = target, .rules = rules, .parts = G_QUEUE_INIT, .fd = -1};
  HookrunStagingFolder *self = NULL;
  g_autofree char *folder = NULL;

  if (!check_target (target, error))
    return NULL;
  folder = g_path_get_dirname (target);
  walk.path = g_string_new (NULL);
  push_parts (&walk, folder);
  if (go_to_root (&walk, error) && walk_all (&walk, error))
    self = open_found (&walk, error);
  if (self != NULL)
    *name = g_path_get_basename (target);
  move_to (&walk, -1, &walk.st);
  g_queue_clear_full (&walk.parts, g_free);
  g_string_free (walk.path, TRUE);
  return self;
}
