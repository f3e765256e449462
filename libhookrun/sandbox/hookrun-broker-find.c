/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds what a question to the broker is about: arguments are copied out of the program's memory
 * once, and a file is found by walking below a granted folder and nowhere else. */
#include "hookrun-broker-question-private.h"
#include "hookrun-process-memory-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* (nullable): where the kernel says that a descriptor leads. */
char *
hookrun_name_of_link (const char *link)
{
  char name[PATH_MAX];
  ssize_t length = readlink (link, name, sizeof name - 1);

  if (length <= 0 || name[0] != '/')
    return NULL;
  return g_strndup (name, (gsize)length);
}

/* ---- what the program meant ---- */

/* Copies @length bytes from the process's memory, all or nothing. */
gboolean
hookrun_process_copy_bytes (pid_t pid, guint64 address, gpointer buffer, gsize length)
{
  struct iovec local = {buffer, length};
  struct iovec remote = {(gpointer)(gsize)address, length};

  return process_vm_readv (pid, &local, 1, &remote, 1, 0) == (ssize_t)length;
}

gboolean
hookrun_question_copy_bytes (const HookrunQuestion *question, guint64 address, gpointer buffer,
                             gsize length)
{
  return hookrun_process_copy_bytes ((pid_t)question->call->pid, address, buffer, length);
}

/* A string may end right before a page that is not there: never read across one in one go. */
int
hookrun_process_copy_path (pid_t pid, guint64 address, char buffer[PATH_MAX])
{
  gsize page = (gsize)sysconf (_SC_PAGESIZE);
  gsize done = 0;

  while (done < PATH_MAX) {
    gsize part = MIN (page - (address + done) % page, PATH_MAX - done);

    if (!hookrun_process_copy_bytes (pid, address + done, buffer + done, part))
      return EFAULT;
    if (memchr (buffer + done, '\0', part) != NULL)
      return 0;
    done += part;
  }
  return ENAMETOOLONG;
}

/* The question is still the one that was asked: its process was not replaced by another one. */
gboolean
hookrun_question_is_current (const HookrunQuestion *question)
{
  guint64 id = question->call->id;

  return ioctl (question->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/* A descriptor (O_PATH) of what lies at @rest below @place, without leaving it. */
static int
open_below (const HookrunPlace *place, const char *rest, gboolean follow)
{
  struct open_how how = {
      .flags = (guint64)(O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)),
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
  };

  while (*rest == '/')
    rest++;
  if (*rest == '\0')
    return fcntl (place->fd, F_DUPFD_CLOEXEC, 0);
  if (!place->is_folder)
    return -1;
  return (int)syscall (SYS_openat2, place->fd, rest, &how, sizeof how);
}

static const char *
rest_below (const HookrunPlace *place, const char *path)
{
  gsize length = strlen (place->path);

  if (length == 1)
    return path;
  if (strncmp (path, place->path, length) != 0 || (path[length] != '\0' && path[length] != '/'))
    return NULL;
  return path + length;
}

/* For the absolute @path, whose folders may be links: the deepest granted folder is tried first. */
static int
open_granted (const HookrunQuestion *question, const char *path, gboolean follow)
{
  GArray *places = question->broker->places;

  if ((question->broker->layers & HOOKRUN_LAYER_BENEATH) == 0)
    return open (path, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
  errno = EPERM;
  for (guint i = places->len; i > 0; i--) {
    const HookrunPlace *place = &g_array_index (places, HookrunPlace, i - 1);
    const char *rest = rest_below (place, path);
    int fd = rest != NULL ? open_below (place, rest, follow) : -1;

    if (fd >= 0)
      return fd;
    if (rest != NULL && errno == EXDEV)
      errno = EPERM;
  }
  return -1;
}

/* (nullable): the folder that a relative path starts from, as the kernel names it. */
static char *
name_of_start (const HookrunQuestion *question, int folder_fd)
{
  char link[64];

  if (folder_fd == AT_FDCWD)
    g_snprintf (link, sizeof link, "/proc/%u/cwd", question->call->pid);
  else
    g_snprintf (link, sizeof link, "/proc/%u/fd/%d", question->call->pid, folder_fd);
  return hookrun_name_of_link (link);
}

/* What was copied and looked up was the asker's if the asker waits still: its number may have been
 * another's meanwhile. */
static int
keep_if_current (const HookrunQuestion *question, int fd)
{
  if (fd < 0 || hookrun_question_is_current (question))
    return fd;
  close (fd);
  errno = EINTR;
  return -1;
}

/* For a path of the program's, which was copied. */
static int
open_copied (const HookrunQuestion *question, int folder_fd, const char *path, gboolean follow)
{
  g_autofree char *start = NULL;
  g_autofree char *whole = NULL;

  if (*path == '/')
    return open_granted (question, path, follow);
  start = name_of_start (question, folder_fd);
  if (start == NULL) {
    errno = EPERM;
    return -1;
  }
  whole = g_strconcat (start, "/", path, NULL);
  if (strstr (path, "..") != NULL) {
    g_autofree char *canonical = g_canonicalize_filename (whole, "/");

    return open_granted (question, canonical, follow);
  }
  return open_granted (question, whole, follow);
}

int
hookrun_question_open_path (const HookrunQuestion *question, int folder_fd, guint64 address,
                            gboolean follow)
{
  char path[PATH_MAX];
  int problem = hookrun_process_copy_path ((pid_t)question->call->pid, address, path);

  if (problem == 0 && *path == '\0')
    problem = ENOENT;
  if (problem != 0) {
    errno = problem;
    return -1;
  }
  return keep_if_current (question, open_copied (question, folder_fd, path, follow));
}

/* For a descriptor of the program: the file that it leads to, found again by its name and compared.
 * Nothing inside the sandbox can give a file outside a name inside. */
int
hookrun_question_open_descriptor (const HookrunQuestion *question, int fd)
{
  g_autofree char *name = name_of_start (question, fd);
  char link[64];
  struct stat found;
  struct stat meant;
  int granted;

  errno = EPERM;
  if (name == NULL)
    return -1;
  g_snprintf (link, sizeof link, "/proc/%u/fd/%d", question->call->pid, fd);
  granted = open_granted (question, name, FALSE);
  if (granted >= 0 && fstat (granted, &found) == 0 && stat (link, &meant) == 0 &&
      found.st_dev == meant.st_dev && found.st_ino == meant.st_ino)
    return keep_if_current (question, granted);
  if (granted >= 0)
    close (granted);
  errno = EPERM;
  return -1;
}
