/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds a place for control groups: the group of this process, or the one above it when that was
 * delegated. A group that holds processes can have no controllers for groups in it but those that
 * count threads; the top of the hierarchy can have all. So the one above serves better where there
 * is a service manager. Other places are the service manager's, whatever root could do there.
 */
#include "hookrun-cgroup-private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* (nullable): the group of this process in the unified hierarchy. */
static char *
own_group (void)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents ("/proc/self/cgroup", &text, NULL, NULL))
    return NULL;
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    if (g_str_has_prefix (*line, "0::/") && !g_str_has_prefix (*line, "0::/.."))
      return g_strdup (*line + 3);
  return NULL;
}

/* (nullable): where a line of mountinfo shows @group, if it mounts the unified hierarchy. */
static char *
folder_in_mount (const char *line, const char *group)
{
  const char *type = strstr (line, " - ");
  g_auto (GStrv) fields = NULL;
  g_autofree char *root = NULL;
  g_autofree char *point = NULL;
  const char *rest;

  if (type == NULL || !g_str_has_prefix (type, " - cgroup2 "))
    return NULL;
  fields = g_strsplit (line, " ", 6);
  if (g_strv_length (fields) < 6)
    return NULL;
  root = g_strcompress (fields[3]);
  point = g_strcompress (fields[4]);
  if (!g_str_has_prefix (group, root))
    return NULL;
  rest = strcmp (root, "/") == 0 ? group : group + strlen (root);
  return *rest == '\0' || *rest == '/' ? g_strconcat (point, rest, NULL) : NULL;
}

/* (nullable): the folder of this process's group. */
static char *
own_folder (void)
{
  g_autofree char *group = own_group ();
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  char *folder = NULL;

  if (group == NULL || !g_file_get_contents ("/proc/self/mountinfo", &text, NULL, NULL))
    return NULL;
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL && folder == NULL; line++)
    folder = folder_in_mount (*line, group);
  return folder;
}

/* Service managers say so in an attribute. An ordinary user needs no word: what was not handed over
 * cannot be written to. */
static gboolean
is_delegated (int folder)
{
  static const char *const names[] = {"trusted.delegate", "user.delegate"};
  char value = 0;

  for (guint i = 0; geteuid () == 0 && i < G_N_ELEMENTS (names); i++)
    if (fgetxattr (folder, names[i], &value, 1) == 1 && value == '1')
      return TRUE;
  return geteuid () != 0;
}

static gboolean
has_controller (int folder, const char *controller)
{
  g_auto (GStrv) words = NULL;
  char text[512];
  ssize_t length;
  int fd = openat (folder, "cgroup.subtree_control", O_RDONLY | O_CLOEXEC);

  length = fd >= 0 ? read (fd, text, sizeof text - 1) : -1;
  if (fd >= 0)
    close (fd);
  if (length < 0)
    return FALSE;
  text[length] = '\0';
  words = g_strsplit (g_strchomp (text), " ", -1);
  return g_strv_contains ((const char *const *)(gpointer)words, controller);
}

static gboolean
enable (int folder, const char *controller)
{
  g_autofree char *word = g_strconcat ("+", controller, NULL);
  int fd;

  if (has_controller (folder, controller))
    return TRUE;
  fd = openat (folder, "cgroup.subtree_control", O_WRONLY | O_CLOEXEC);
  if (fd >= 0 && write (fd, word, strlen (word)) < 0)
    g_debug ("no controller \"%s\" for control groups here", controller);
  if (fd >= 0)
    close (fd);
  return has_controller (folder, controller);
}

/* A child comes from this process's group: it must be allowed to leave for another one. */
static gboolean
may_move (int folder)
{
  return faccessat (folder, "cgroup.procs", W_OK, AT_EACCESS) == 0;
}

/* How many of @controllers the place has; -1 when it is none. */
static int
judge (int folder, const char *const *controllers, gboolean *has)
{
  int count = 0;

  if (folder < 0 || !may_move (folder))
    return -1;
  for (guint i = 0; controllers[i] != NULL; i++) {
    has[i] = enable (folder, controllers[i]);
    count += has[i];
  }
  return count;
}

int
hookrun_cgroup_find_place (const char *const *controllers, gboolean *has)
{
  g_autofree char *folder = own_folder ();
  g_autofree gboolean *above_has =
      g_new0 (gboolean, g_strv_length ((char **)(gpointer)controllers) + 1);
  int own;
  int above = -1;
  int own_count;
  int above_count = -1;

  if (folder == NULL)
    return -1;
  own = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  own_count = judge (own, controllers, has);
  if (own >= 0 && controllers[MAX (own_count, 0)] != NULL)
    above = openat (own, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (above >= 0 && is_delegated (above))
    above_count = judge (above, controllers, above_has);
  if (above_count > own_count) {
    for (guint i = 0; controllers[i] != NULL; i++)
      has[i] = above_has[i];
    close (own);
    return above;
  }
  if (above >= 0)
    close (above);
  if (own_count < 0 && own >= 0)
    close (own);
  return own_count < 0 ? -1 : own;
}
