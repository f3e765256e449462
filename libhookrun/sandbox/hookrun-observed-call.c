/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds out which files a call of an observed program is about: paths are copied from its memory
 * once, begin where the process is, and their links are followed as they are now.
 */
#include "hookrun-observed-call-private.h"
#include "hookrun-broker-question-private.h"
#include "hookrun-process-memory-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- paths ---- */

/* (nullable): the folder that a relative path starts from, or the file of a descriptor. */
static char *
name_of_descriptor (pid_t pid, int fd)
{
  char link[64];

  if (fd == AT_FDCWD)
    g_snprintf (link, sizeof link, "/proc/%d/cwd", (int)pid);
  else
    g_snprintf (link, sizeof link, "/proc/%d/fd/%d", (int)pid, fd);
  return hookrun_name_of_link (link);
}

/* What is "self" to the process is not to us. */
static char *
translate_self (pid_t pid, const char *path)
{
  static const char *const selves[] = {"/proc/self", "/proc/thread-self"};

  for (gsize i = 0; i < G_N_ELEMENTS (selves); i++) {
    gsize length = strlen (selves[i]);

    if (strncmp (path, selves[i], length) == 0 && (path[length] == '/' || path[length] == '\0'))
      return g_strdup_printf ("/proc/%d%s", (int)pid, path + length);
  }
  return g_strdup (path);
}

static char *
real_path (const char *path)
{
  char *real = realpath (path, NULL);
  char *copy = g_strdup (real);

  free (real);
  return copy;
}

/* A name that cannot be a link, or whose link is not to be followed, stays as it is. */
static void
look_up (HookrunObservedPath *found, const char *path, gboolean follow)
{
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *dirname = g_path_get_dirname (path);
  gboolean is_dots = strcmp (name, ".") == 0 || strcmp (name, "..") == 0;
  struct stat st;

  if (follow || is_dots || g_str_has_suffix (path, "/"))
    found->real = real_path (path);
  if (found->real == NULL) {
    g_autofree char *folder = real_path (dirname);

    if (folder != NULL)
      found->real = g_build_filename (folder, name, NULL);
  }
  if (found->real == NULL)
    return;
  found->folder = g_path_get_dirname (found->real);
  found->exists = lstat (found->real, &st) == 0;
  found->is_folder = found->exists && S_ISDIR (st.st_mode);
}

static void
read_path (const HookrunObservedCall *self, HookrunObservedPath *found, int folder_fd,
           guint64 address, gboolean follow)
{
  char text[PATH_MAX];
  g_autofree char *start = NULL;
  g_autofree char *whole = NULL;

  if (address == 0 || hookrun_process_copy_path (self->pid, address, text) != 0)
    return;
  if (*text != '/') {
    start = name_of_descriptor (self->pid, folder_fd);
    if (start == NULL)
      return;
  }
  whole = *text == '/'    ? translate_self (self->pid, text)
          : *text == '\0' ? g_strdup (start)
                          : g_build_filename (start, text, NULL);
  look_up (found, whole, follow);
}

/* ---- calls ---- */

guint64
hookrun_observed_call_flags (const HookrunObservedCall *self)
{
  if (self->row->kind == HOOKRUN_OBSERVED_OPEN && self->row->flags < 0)
    return O_CREAT | O_WRONLY | O_TRUNC; /* creat() */
  return self->row->flags < 0 ? 0 : self->args[self->row->flags];
}

static gboolean
follows_links (const HookrunObservedCall *self)
{
  guint64 flags = hookrun_observed_call_flags (self);

  switch (self->row->kind) {
  case HOOKRUN_OBSERVED_OPEN:
    return (flags & O_NOFOLLOW) == 0 && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
  case HOOKRUN_OBSERVED_LOOK:
  case HOOKRUN_OBSERVED_EXECUTE:
  case HOOKRUN_OBSERVED_CHANGE:
    return (flags & AT_SYMLINK_NOFOLLOW) == 0;
  default:
    return FALSE;
  }
}

void
hookrun_observed_call_read (HookrunObservedCall *self)
{
  if (self->is_read || self->row == NULL)
    return;
  self->is_read = TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (self->paths); i++) {
    gint8 folder = self->row->folders[i];
    gint8 path = self->row->paths[i];
    int folder_fd = folder >= 0 ? (int)self->args[folder] : AT_FDCWD;

    if (path >= 0 && self->args[path] != 0) {
      read_path (self, &self->paths[i], folder_fd, self->args[path], follows_links (self));
    } else if (folder >= 0) {
      g_autofree char *name = name_of_descriptor (self->pid, folder_fd);

      if (name != NULL)
        look_up (&self->paths[i], name, FALSE);
    }
  }
}

void
hookrun_observed_call_clear (HookrunObservedCall *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (self->paths); i++) {
    g_clear_pointer (&self->paths[i].real, g_free);
    g_clear_pointer (&self->paths[i].folder, g_free);
  }
  self->is_read = FALSE;
}

char *
hookrun_process_name (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/comm", (int)pid);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return g_strdup ("a process");
  return g_utf8_make_valid (g_strchomp (text), -1);
}

/* ---- ordinary permissions ---- */

/* Root's capabilities would hide what refuses the program, which has none. They belong to threads;
 * no signal may be handled meanwhile, because a change of the host's user is carried to all of its
 * threads by one and must find them. */
gboolean
hookrun_access_is_ordinary (const char *path, int mode)
{
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct own[2];
  struct __user_cap_data_struct none[2];
  guint64 all = G_MAXUINT64;
  guint64 before = 0;
  gboolean is_allowed;

  memset (own, 0, sizeof own);
  if (syscall (SYS_capget, &header, own) < 0)
    return FALSE;
  memcpy (none, own, sizeof none);
  none[0].effective = 0;
  none[1].effective = 0;
  syscall (SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
  syscall (SYS_capset, &header, none);
  is_allowed = faccessat (AT_FDCWD, path, mode, AT_EACCESS) == 0;
  syscall (SYS_capset, &header, own);
  syscall (SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
  return is_allowed;
}
