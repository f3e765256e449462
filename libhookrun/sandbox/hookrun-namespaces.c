/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The strong tier: the program sees a file system of its own in which there is nothing but what it
 * is granted, no process but its own, and no network if it has none. The host writes down each
 * step, because the child, which shares its memory, must not allocate anything.
 */
#include "hookrun-namespaces-private.h"
#include "hookrun-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PLAIN __attribute__ ((no_sanitize ("address", "thread", "undefined")))

/* The new root is made in a memory file system here; the old one is at OLD meanwhile. */
#define PLACE "/tmp"
#define OLD "/old"
#define NEW "/new"

typedef enum {
  STEP_FOLDER, /* make it, unless it is there */
  STEP_FILE,   /* the same, empty, for a file to be mounted on */
  STEP_MOUNT,  /* show what lies at source */
} StepKind;

typedef struct {
  StepKind kind;
  char *path;
  char *source;
  guint64 attributes;
} Step;

struct _HookrunNamespaces {
  int flags;
  GArray *steps;
  char uid_map[64];
  char gid_map[64];
};

/* As in the kernel's interface; the header's name for it collides with that of the C library. */
typedef struct {
  guint64 set;
  guint64 clear;
  guint64 propagation;
  guint64 userns_fd;
} MountAttributes;

/* ---- the plan, in the host ---- */

static void
step_clear (gpointer data)
{
  Step *step = data;

  g_free (step->path);
  g_free (step->source);
}

static void
add_step (GArray *steps, StepKind kind, char *path, char *source, guint64 attributes)
{
  Step step = {kind, path, source, attributes};

  g_array_append_val (steps, step);
}

static void
add_parents (GArray *steps, const char *path)
{
  for (const char *slash = strchr (path + 1, '/'); slash != NULL; slash = strchr (slash + 1, '/'))
    add_step (steps, STEP_FOLDER, g_strdup_printf (NEW "%.*s", (int)(slash - path), path), NULL, 0);
}

static guint64
attributes_of (const HookrunOpenGrant *grant)
{
  HookrunAccess access = grant->grant->access;
  guint64 attributes = MOUNT_ATTR_NOSUID;

  if ((access & HOOKRUN_ACCESS_WRITE) == 0)
    attributes |= MOUNT_ATTR_RDONLY;
  if ((access & HOOKRUN_ACCESS_EXECUTE) == 0)
    attributes |= MOUNT_ATTR_NOEXEC;
  if (grant->is_folder)
    attributes |= MOUNT_ATTR_NODEV;
  return attributes;
}

/* The kernel's own name of the place: links are followed in the host's file system, not in the new
 * one. */
static gboolean
add_grant (GArray *steps, const char *path, int fd, gboolean is_folder, guint64 attributes,
           GError **error)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autofree char *name = g_file_read_link (link, error);

  if (name == NULL)
    return FALSE;
  if (strcmp (path, "/") != 0) {
    add_parents (steps, path);
    add_step (steps, is_folder ? STEP_FOLDER : STEP_FILE, g_strconcat (NEW, path, NULL), NULL, 0);
  }
  add_step (steps, STEP_MOUNT, g_strconcat (NEW, path, NULL), g_strconcat (OLD, name, NULL),
            attributes);
  return TRUE;
}

static gboolean
add_socket (GArray *steps, const char *path, GError **error)
{
  int fd = open (path, O_PATH | O_CLOEXEC);
  gboolean is_added;

  if (fd < 0) {
    hookrun_set_error_from_errno (
        error, errno, "the policy grants the socket \"%s\", which cannot be opened", path);
    return FALSE;
  }
  is_added = add_grant (steps, path, fd, FALSE, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, error);
  close (fd);
  return is_added;
}

HookrunNamespaces *
hookrun_namespaces_new (HookrunPolicy *policy, GPtrArray *open_grants, GError **error)
{
  HookrunNamespaces *self = g_new0 (HookrunNamespaces, 1);
  gboolean is_complete = TRUE;

  self->flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
  if (policy->network == HOOKRUN_NETWORK_NONE)
    self->flags |= CLONE_NEWNET;
  if (geteuid () != 0)
    self->flags |= CLONE_NEWUSER;
  g_snprintf (self->uid_map, sizeof self->uid_map, "%u %u 1", geteuid (), geteuid ());
  g_snprintf (self->gid_map, sizeof self->gid_map, "%u %u 1", getegid (), getegid ());
  self->steps = g_array_new (FALSE, FALSE, sizeof (Step));
  g_array_set_clear_func (self->steps, step_clear);
  for (guint i = 0; i < open_grants->len && is_complete; i++) {
    const HookrunOpenGrant *grant = g_ptr_array_index (open_grants, i);

    is_complete = add_grant (self->steps, grant->grant->path, grant->fd, grant->is_folder,
                             attributes_of (grant), error);
  }
  for (guint i = 0; i < policy->sockets->len && is_complete; i++)
    is_complete = add_socket (self->steps, g_ptr_array_index (policy->sockets, i), error);
  if (is_complete)
    return self;
  hookrun_namespaces_free (self);
  return NULL;
}

void
hookrun_namespaces_free (HookrunNamespaces *self)
{
  g_array_unref (self->steps);
  g_free (self);
}

int
hookrun_namespaces_flags (const HookrunNamespaces *self)
{
  return self->flags;
}

/* ---- the child ---- */

PLAIN static gboolean
write_file (const char *path, const char *text)
{
  size_t length = strlen (text);
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  gboolean is_written = fd >= 0 && write (fd, text, length) == (ssize_t)length;

  if (fd >= 0)
    close (fd);
  return is_written;
}

/* The user stays who it is; in the new namespace there is nobody else. */
PLAIN static gboolean
map_user (const HookrunNamespaces *self)
{
  return write_file ("/proc/self/setgroups", "deny") &&
         write_file ("/proc/self/uid_map", self->uid_map) &&
         write_file ("/proc/self/gid_map", self->gid_map);
}

PLAIN static gboolean
take_step (const Step *step)
{
  MountAttributes attributes;
  int fd;

  if (step->kind == STEP_FOLDER)
    return mkdir (step->path, 0755) == 0 || errno == EEXIST || errno == EROFS;
  if (step->kind == STEP_FILE) {
    fd = open (step->path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444);
    if (fd >= 0)
      close (fd);
    return fd >= 0 || errno == EEXIST || errno == EROFS;
  }
  memset (&attributes, 0, sizeof attributes);
  attributes.set = step->attributes;
  return mount (step->source, step->path, NULL, MS_BIND | MS_REC, NULL) == 0 &&
         syscall (SYS_mount_setattr, AT_FDCWD, step->path, AT_RECURSIVE, &attributes,
                  sizeof attributes) == 0;
}

/* Twice: first the old root goes below the new place, where the grants are taken from it; then it
 * goes altogether. */
PLAIN static gboolean
change_root (const HookrunNamespaces *self)
{
  MountAttributes read_only;

  if (mount (NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
      mount ("hookrun", PLACE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m") < 0 ||
      mkdir (PLACE OLD, 0755) < 0 || mkdir (PLACE NEW, 0755) < 0 ||
      mount (PLACE NEW, PLACE NEW, NULL, MS_BIND, NULL) < 0 ||
      syscall (SYS_pivot_root, PLACE, PLACE OLD) < 0 || chdir ("/") < 0)
    return FALSE;
  for (guint i = 0; i < self->steps->len; i++)
    if (!take_step (&g_array_index (self->steps, Step, i)))
      return FALSE;
  memset (&read_only, 0, sizeof read_only);
  read_only.set = MOUNT_ATTR_RDONLY;
  return syscall (SYS_mount_setattr, AT_FDCWD, NEW, 0, &read_only, sizeof read_only) == 0 &&
         chdir (NEW) == 0 && syscall (SYS_pivot_root, ".", ".") == 0 &&
         umount2 (".", MNT_DETACH) == 0 && chdir ("/") == 0;
}

PLAIN gboolean
hookrun_namespaces_enter (const HookrunNamespaces *self)
{
  return ((self->flags & CLONE_NEWUSER) == 0 || map_user (self)) && change_root (self);
}
