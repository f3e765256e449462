/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A throw-away world: a file system that looks like the real one, in which whatever is written goes
 * to a scratch folder. Each folder without mounts below it is the lower layer of an overlay; others
 * are made anew. What has no content of its own (/proc, /sys) is shown as it is, and of /dev only
 * what has no memory.
 */
#include "learn.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_DEPTH 8

/* As in the kernel's interface; the header's name for it collides with that of the C library. */
typedef struct {
  guint64 set;
  guint64 clear;
  guint64 propagation;
  guint64 userns_fd;
} MountAttributes;

typedef struct {
  const char *scratch;
  char *root;        /* where the new world is made */
  GPtrArray *mounts; /* char *: where something is mounted */
  guint n_layers;
  gboolean is_user; /* in a user namespace */
  GError *problem;
} World;

static gboolean
fail (World *self, const char *what, const char *path)
{
  int saved_errno = errno;

  if (self->problem == NULL)
    g_set_error (
        &self->problem, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED,
        "cannot make a throw-away copy of the file system: %s %s: %s. It takes namespaces "
        "for this user and overlayfs (Linux 5.11); with --for-real the program is observed "
        "without one, and what it changes is changed",
        what, path, g_strerror (saved_errno));
  return FALSE;
}

/* ---- what is mounted ---- */

/* In mountinfo blanks and the like are octal. */
static GPtrArray *
list_mounts (void)
{
  GPtrArray *mounts = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents ("/proc/self/mountinfo", &text, NULL, NULL))
    return mounts;
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    g_auto (GStrv) fields = g_strsplit (*line, " ", 6);

    if (g_strv_length (fields) >= 5)
      g_ptr_array_add (mounts, g_strcompress (fields[4]));
  }
  return mounts;
}

static gboolean
has_mounts_below (const World *self, const char *path)
{
  gsize length = strcmp (path, "/") == 0 ? 0 : strlen (path);

  for (guint i = 0; i < self->mounts->len; i++) {
    const char *mount = g_ptr_array_index (self->mounts, i);

    if (strncmp (mount, path, length) == 0 && mount[length] == '/' && mount[length + 1] != '\0')
      return TRUE;
  }
  return FALSE;
}

/* ---- layers ---- */

/* Options of overlayfs are parted by commas, and layers by colons. */
static char *
escape_layer (const char *path)
{
  GString *text = g_string_new (NULL);

  for (; *path != '\0'; path++) {
    if (strchr (",:\\", *path) != NULL)
      g_string_append_c (text, '\\');
    g_string_append_c (text, *path);
  }
  return g_string_free (text, FALSE);
}

static void
copy_attributes (const World *self, const char *from, const char *to)
{
  struct stat st;

  if (stat (from, &st) < 0)
    return;
  if (!self->is_user && chown (to, st.st_uid, st.st_gid) < 0)
    return;
  chmod (to, st.st_mode & 07777);
}

/* The kernel does not copy a folder whose owner has no number in the namespace: those on the way to
 * where an ordinary user works are made beforehand. */
static void
make_way (const World *self, const char *layer, const char *path, const char *place)
{
  gsize length = strlen (path);
  g_auto (GStrv) names = NULL;
  g_autofree char *upper = g_strdup (layer);
  g_autofree char *lower = g_strdup (path);

  if (strncmp (place, path, length) != 0 || place[length] != '/')
    return;
  names = g_strsplit (place + length + 1, "/", -1);
  for (char **name = names; *name != NULL; name++) {
    char *next_upper = g_build_filename (upper, *name, NULL);
    char *next_lower = g_build_filename (lower, *name, NULL);

    g_free (upper);
    g_free (lower);
    upper = next_upper;
    lower = next_lower;
    if (!g_file_test (lower, G_FILE_TEST_IS_DIR) || g_file_test (lower, G_FILE_TEST_IS_SYMLINK) ||
        (g_mkdir (upper, 0755) < 0 && errno != EEXIST))
      return;
    copy_attributes (self, lower, upper);
  }
}

static void
make_ways (const World *self, const char *layer, const char *path)
{
  g_autofree char *folder = g_get_current_dir ();
  const char *const places[] = {folder,     g_get_home_dir (),       g_get_tmp_dir (),
                                "/var/tmp", g_get_user_state_dir (), g_get_user_cache_dir ()};

  for (gsize i = 0; self->is_user && i < G_N_ELEMENTS (places); i++)
    make_way (self, layer, path, places[i]);
}

static gboolean
add_overlay (World *self, const char *path, const char *target)
{
  g_autofree char *layer = g_strdup_printf ("%s/%u", self->scratch, self->n_layers++);
  g_autofree char *upper = g_build_filename (layer, "upper", NULL);
  g_autofree char *work = g_build_filename (layer, "work", NULL);
  g_autofree char *name = g_build_filename (layer, "name", NULL);
  g_autofree char *lower = escape_layer (path);
  g_autofree char *options = g_strdup_printf ("lowerdir=%s,upperdir=%s,workdir=%s%s", lower, upper,
                                              work, self->is_user ? ",userxattr" : "");

  if (g_mkdir (layer, 0700) < 0 || g_mkdir (upper, 0700) < 0 || g_mkdir (work, 0700) < 0 ||
      !g_file_set_contents (name, path, -1, NULL))
    return fail (self, "making", layer);
  copy_attributes (self, path, upper);
  make_ways (self, upper, path);
  if (mount ("hookrun", target, "overlay", MS_NODEV | MS_NOSUID, options) == 0)
    return TRUE;
  return fail (self, "an overlay of", path);
}

/* Shown as it is, and not to be written to. */
static gboolean
add_view (World *self, const char *path, const char *target, gboolean is_read_only)
{
  MountAttributes attributes = {.set = MOUNT_ATTR_RDONLY};

  if (mount (path, target, NULL, MS_BIND | MS_REC, NULL) < 0)
    return fail (self, "showing", path);
  if (is_read_only && syscall (SYS_mount_setattr, AT_FDCWD, target, AT_RECURSIVE, &attributes,
                               sizeof attributes) < 0)
    return fail (self, "protecting", path);
  return TRUE;
}

static gboolean
make_file (const char *path)
{
  int fd = open (path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

static gboolean
add_devices (World *self, const char *target)
{
  static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};
  static const char *const links[][2] = {{"fd", "/proc/self/fd"},
                                         {"stdin", "/proc/self/fd/0"},
                                         {"stdout", "/proc/self/fd/1"},
                                         {"stderr", "/proc/self/fd/2"}};
  g_autofree char *shared = g_build_filename (target, "shm", NULL);

  if (mount ("hookrun", target, "tmpfs", MS_NOSUID, "mode=755,size=64m") < 0)
    return fail (self, "making", "/dev");
  for (gsize i = 0; i < G_N_ELEMENTS (nodes); i++) {
    g_autofree char *from = g_build_filename ("/dev", nodes[i], NULL);
    g_autofree char *to = g_build_filename (target, nodes[i], NULL);

    if (access (from, F_OK) == 0 && (!make_file (to) || !add_view (self, from, to, FALSE)))
      return fail (self, "showing", from);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (links); i++) {
    g_autofree char *to = g_build_filename (target, links[i][0], NULL);

    if (symlink (links[i][1], to) < 0)
      return fail (self, "making", to);
  }
  return (g_mkdir (shared, 0777) == 0 && chmod (shared, 01777) == 0) ||
         fail (self, "making", shared);
}

/* ---- the tree ---- */

static gboolean add (World *self, const char *path, guint depth);

static int
compare_names (gconstpointer one, gconstpointer other)
{
  return strcmp (*(char *const *)one, *(char *const *)other);
}

static gboolean
add_children (World *self, const char *path, guint depth)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    g_ptr_array_add (names, g_build_filename (path, name, NULL));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    if (!add (self, g_ptr_array_index (names, i), depth + 1))
      return FALSE;
  return TRUE;
}

static gboolean
add_link (World *self, const char *path, const char *target)
{
  g_autofree char *leads_to = g_file_read_link (path, NULL);

  return (leads_to != NULL && symlink (leads_to, target) == 0) || fail (self, "making", path);
}

static gboolean
add (World *self, const char *path, guint depth)
{
  static const char *const shown[] = {"/proc", "/sys", NULL};
  g_autofree char *target = g_build_filename (self->root, path, NULL);
  struct stat st;

  if (lstat (path, &st) < 0)
    return TRUE;
  if (S_ISLNK (st.st_mode))
    return add_link (self, path, target);
  if (S_ISREG (st.st_mode))
    return (make_file (target) || fail (self, "making", path)) &&
           add_view (self, path, target, TRUE);
  if (!S_ISDIR (st.st_mode))
    return TRUE;
  if (depth > 0 && g_mkdir (target, 0755) < 0)
    return fail (self, "making", path);
  if (g_strv_contains (shown, path))
    return add_view (self, path, target, FALSE);
  if (strcmp (path, "/dev") == 0)
    return add_devices (self, target);
  if (!has_mounts_below (self, path) || depth >= MAX_DEPTH)
    return add_overlay (self, path, target);
  copy_attributes (self, path, target);
  return add_children (self, path, depth);
}

/* ---- entering ---- */

static gboolean
write_map (const char *path, const char *text)
{
  gsize length = strlen (text);
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  gboolean is_written = fd >= 0 && write (fd, text, length) == (gssize)length;

  if (fd >= 0)
    close (fd);
  return is_written;
}

static gboolean
make_namespaces (World *self)
{
  guint user = (guint)geteuid ();
  guint group = (guint)getegid ();
  g_autofree char *users = g_strdup_printf ("%u %u 1", user, user);
  g_autofree char *groups = g_strdup_printf ("%u %u 1", group, group);

  if (!self->is_user)
    return unshare (CLONE_NEWNS) == 0 || fail (self, "a namespace for", "mounts");
  return (unshare (CLONE_NEWNS | CLONE_NEWUSER) == 0 &&
          write_map ("/proc/self/setgroups", "deny") && write_map ("/proc/self/uid_map", users) &&
          write_map ("/proc/self/gid_map", groups)) ||
         fail (self, "namespaces for", "this user");
}

/* What the namespace gave is no longer needed; and /proc is to be our own again. */
static gboolean
become_ordinary (World *self)
{
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2];

  memset (none, 0, sizeof none);
  return !self->is_user ||
         (syscall (SYS_capset, &header, none) == 0 && prctl (PR_SET_DUMPABLE, 1, 0, 0, 0) == 0) ||
         fail (self, "giving up", "capabilities");
}

static gboolean
enter (World *self)
{
  g_autofree char *folder = g_get_current_dir ();

  if (!make_namespaces (self))
    return FALSE;
  if (mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || g_mkdir (self->root, 0755) < 0 ||
      mount ("hookrun", self->root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=16m") < 0)
    return fail (self, "mounting", self->root);
  if (!add (self, "/", 0))
    return FALSE;
  if (chdir (self->root) < 0 || syscall (SYS_pivot_root, ".", ".") < 0 ||
      umount2 (".", MNT_DETACH) < 0 || chdir ("/") < 0)
    return fail (self, "changing to", "the new root");
  if (mount ("hookrun", self->scratch, "tmpfs", MS_RDONLY, "mode=000,size=4k") < 0)
    return fail (self, "hiding", self->scratch);
  return become_ordinary (self) && (chdir (folder) == 0 || fail (self, "entering", folder));
}

gboolean
learn_world_enter (const char *scratch, GError **error)
{
  World world = {.scratch = scratch, .is_user = geteuid () != 0};
  gboolean ok;

  world.root = g_build_filename (scratch, "root", NULL);
  world.mounts = list_mounts ();
  ok = enter (&world);
  g_free (world.root);
  g_ptr_array_unref (world.mounts);
  if (!ok)
    g_propagate_error (error, world.problem);
  return ok;
}
