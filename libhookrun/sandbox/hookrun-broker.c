/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The broker: changes of modes and times come here, because Landlock does not look at them. What a
 * question points to is copied once; the file is found by walking below a granted folder and
 * nowhere else; and what was found is what is changed. The program itself is never told to go on
 * with its own call, whose arguments it could have changed meanwhile.
 */
#include "hookrun-broker-private.h"
#include "hookrun-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utime.h>

#define DELETED " (deleted)"

typedef struct {
  char *path; /* as the kernel names the folder or file */
  int fd;
  gboolean is_folder;
} Place;

struct _HookrunBroker {
  gatomicrefcount references;
  HookrunLayer layers;
  GArray *places;
};

/* Newer kernels may write more than the header here knows. */
typedef union {
  struct seccomp_notif call;
  struct seccomp_notif_resp response;
  char space[HOOKRUN_BROKER_MESSAGE_SIZE];
} Buffer;

/* One question, with what it is about. */
typedef struct {
  HookrunBroker *broker;
  int listener;
  pid_t group;
  const struct seccomp_notif *call;
} Question;

static void
place_clear (gpointer data)
{
  Place *place = data;

  g_free (place->path);
  close (place->fd);
}

/* (nullable): where the kernel says that a descriptor leads. */
static char *
name_of_link (const char *link)
{
  char name[PATH_MAX];
  ssize_t length = readlink (link, name, sizeof name - 1);

  if (length <= 0 || name[0] != '/')
    return NULL;
  return g_strndup (name, (gsize)length);
}

HookrunBroker *
hookrun_broker_new (GPtrArray *grants, HookrunLayer layers, GError **error)
{
  HookrunBroker *self = g_new0 (HookrunBroker, 1);

  g_atomic_ref_count_init (&self->references);
  self->layers = layers;
  self->places = g_array_new (FALSE, FALSE, sizeof (Place));
  g_array_set_clear_func (self->places, place_clear);
  for (guint i = 0; i < grants->len; i++) {
    const HookrunOpenGrant *grant = g_ptr_array_index (grants, i);
    g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", grant->fd);
    Place place = {NULL, -1, grant->is_folder};

    if ((grant->grant->access & HOOKRUN_ACCESS_WRITE) == 0)
      continue;
    place.path = name_of_link (link);
    place.fd = fcntl (grant->fd, F_DUPFD_CLOEXEC, 0);
    if (place.path != NULL && place.fd >= 0) {
      g_array_append_val (self->places, place);
      continue;
    }
    hookrun_set_error_from_errno (error, errno,
                                  "cannot find out where \"%s\" lies (is /proc "
                                  "mounted?)",
                                  grant->grant->path);
    g_free (place.path);
    hookrun_broker_unref (self);
    return NULL;
  }
  return self;
}

HookrunBroker *
hookrun_broker_ref (HookrunBroker *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
hookrun_broker_unref (HookrunBroker *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_array_unref (self->places);
  g_free (self);
}

/* ---- what the program meant ---- */

/* Copies @length bytes from the program's memory, all or nothing. */
static gboolean
copy_bytes (const Question *question, guint64 address, gpointer buffer, gsize length)
{
  struct iovec local = {buffer, length};
  struct iovec remote = {(gpointer)(gsize)address, length};

  return process_vm_readv ((pid_t)question->call->pid, &local, 1, &remote, 1, 0) == (ssize_t)length;
}

/* A string may end right before a page that is not there: never read across one in one go. */
static int
copy_string (const Question *question, guint64 address, char *buffer)
{
  gsize page = (gsize)sysconf (_SC_PAGESIZE);
  gsize done = 0;

  while (done < PATH_MAX) {
    gsize part = MIN (page - (address + done) % page, PATH_MAX - done);

    if (!copy_bytes (question, address + done, buffer + done, part))
      return EFAULT;
    if (memchr (buffer + done, '\0', part) != NULL)
      return 0;
    done += part;
  }
  return ENAMETOOLONG;
}

/* The question is still the one that was asked: its process was not replaced by another one. */
static gboolean
is_current (const Question *question)
{
  guint64 id = question->call->id;

  return ioctl (question->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/* A descriptor (O_PATH) of what lies at @rest below @place, without leaving it. */
static int
open_below (const Place *place, const char *rest, gboolean follow)
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
rest_below (const Place *place, const char *path)
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
open_granted (const Question *question, const char *path, gboolean follow)
{
  GArray *places = question->broker->places;

  if ((question->broker->layers & HOOKRUN_LAYER_BENEATH) == 0)
    return open (path, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
  errno = EPERM;
  for (guint i = places->len; i > 0; i--) {
    const Place *place = &g_array_index (places, Place, i - 1);
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
name_of_start (const Question *question, int folder_fd)
{
  char link[64];

  if (folder_fd == AT_FDCWD)
    g_snprintf (link, sizeof link, "/proc/%u/cwd", question->call->pid);
  else
    g_snprintf (link, sizeof link, "/proc/%u/fd/%d", question->call->pid, folder_fd);
  return name_of_link (link);
}

static int
open_path (const Question *question, int folder_fd, guint64 address, gboolean follow)
{
  char path[PATH_MAX];
  g_autofree char *start = NULL;
  g_autofree char *whole = NULL;
  int problem = copy_string (question, address, path);

  if (problem == 0 && *path == '\0')
    problem = ENOENT;
  if (problem != 0) {
    errno = problem;
    return -1;
  }
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

/* For a descriptor of the program: the file that it leads to, found again by its name and compared.
 * Nothing inside the sandbox can give a file outside a name inside. */
static int
open_descriptor (const Question *question, int fd)
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
    return granted;
  if (granted >= 0)
    close (granted);
  errno = EPERM;
  return -1;
}

/* ---- doing it ---- */

/* The host may be more than the program: what an ordinary user may not change is not changed. */
static int
check_owner (int fd)
{
  struct stat st;

  if (fstat (fd, &st) < 0)
    return errno;
  return st.st_uid == geteuid () ? 0 : EPERM;
}

static int
change_mode (int fd, mode_t mode)
{
  char path[64];
  int problem = check_owner (fd);
  struct stat st;

  if (problem != 0 || fstat (fd, &st) < 0)
    return problem != 0 ? problem : errno;
  if (S_ISLNK (st.st_mode))
    return EOPNOTSUPP;
  g_snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  return chmod (path, mode & 01777) < 0 ? errno : 0;
}

static int
change_times (int fd, const struct timespec times[2])
{
  int problem = check_owner (fd);

  if (problem != 0)
    return problem;
  return utimensat (fd, "", times, AT_EMPTY_PATH) < 0 ? errno : 0;
}

static int
change_size (int fd, off_t size)
{
  char path[64];
  struct stat st;

  if (fstat (fd, &st) < 0)
    return errno;
  if (!S_ISREG (st.st_mode))
    return EINVAL;
  /* A descriptor that was opened for writing checks permissions as the program's own would. */
  g_snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  return check_owner (fd) != 0 ? EPERM : truncate (path, size) < 0 ? errno : 0;
}

/* Whether the process is one of the tree. */
static gboolean
is_in_group (const Question *question, pid_t pid)
{
  return pid > 0 && getpgid (pid) == question->group;
}

/* ---- the calls ---- */

typedef int (*AnswerFunc) (const Question *question, const __u64 *args);

static int
done (const Question *question, int fd, int problem)
{
  if (fd < 0)
    return errno;
  close (fd);
  return problem;
}

static int
answer_fchmod (const Question *question, const __u64 *args)
{
  int fd = open_descriptor (question, (int)args[0]);

  return done (question, fd, fd >= 0 ? change_mode (fd, (mode_t)args[1]) : 0);
}

static int
chmod_at (const Question *question, int folder_fd, guint64 path, mode_t mode)
{
  int fd = open_path (question, folder_fd, path, TRUE);

  return done (question, fd, fd >= 0 ? change_mode (fd, mode) : 0);
}

static int
answer_fchmodat (const Question *question, const __u64 *args)
{
  return chmod_at (question, (int)args[0], args[1], (mode_t)args[2]);
}

/* @path 0 is the descriptor itself. */
static int
times_at (const Question *question, int folder_fd, guint64 path, const struct timespec times[2],
          gboolean follow)
{
  int fd = path != 0 ? open_path (question, folder_fd, path, follow)
                     : open_descriptor (question, folder_fd);

  return done (question, fd, fd >= 0 ? change_times (fd, times) : 0);
}

static const struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};

static int
answer_utimensat (const Question *question, const __u64 *args)
{
  struct timespec times[2];
  guint64 flags = args[3];

  if (args[2] != 0 && !copy_bytes (question, args[2], times, sizeof times))
    return EFAULT;
  if ((flags & ~(guint64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
    return EINVAL;
  return times_at (question, (int)args[0], args[1], args[2] != 0 ? times : now,
                   (flags & AT_SYMLINK_NOFOLLOW) == 0);
}

#ifdef __x86_64__
static int
answer_chmod (const Question *question, const __u64 *args)
{
  return chmod_at (question, AT_FDCWD, args[0], (mode_t)args[1]);
}

static int
times_from_timevals (const Question *question, int folder_fd, guint64 path, guint64 address)
{
  struct timeval values[2];
  struct timespec times[2];

  if (address == 0)
    return times_at (question, folder_fd, path, now, TRUE);
  if (!copy_bytes (question, address, values, sizeof values))
    return EFAULT;
  for (int i = 0; i < 2; i++) {
    if (values[i].tv_usec < 0 || values[i].tv_usec >= G_USEC_PER_SEC)
      return EINVAL;
    times[i] = (struct timespec){values[i].tv_sec, values[i].tv_usec * 1000};
  }
  return times_at (question, folder_fd, path, times, TRUE);
}

static int
answer_utimes (const Question *question, const __u64 *args)
{
  return times_from_timevals (question, AT_FDCWD, args[0], args[1]);
}

static int
answer_futimesat (const Question *question, const __u64 *args)
{
  return times_from_timevals (question, (int)args[0], args[1], args[2]);
}

static int
answer_utime (const Question *question, const __u64 *args)
{
  struct utimbuf values;
  struct timespec times[2];

  if (args[1] == 0)
    return times_at (question, AT_FDCWD, args[0], now, TRUE);
  if (!copy_bytes (question, args[1], &values, sizeof values))
    return EFAULT;
  times[0] = (struct timespec){values.actime, 0};
  times[1] = (struct timespec){values.modtime, 0};
  return times_at (question, AT_FDCWD, args[0], times, TRUE);
}
#endif

static int
answer_truncate (const Question *question, const __u64 *args)
{
  int fd = open_path (question, AT_FDCWD, args[0], TRUE);

  return done (question, fd, fd >= 0 ? change_size (fd, (off_t)args[1]) : 0);
}

/* The process is held by a descriptor while its group is looked at: its number may be another's a
 * moment later. A group is the tree's own or nobody's. */
static int
answer_kill (const Question *question, const __u64 *args)
{
  pid_t pid = (pid_t)args[0];
  int problem = EPERM;
  int fd;

  if (pid < 0)
    return pid != -question->group ? EPERM : kill (pid, (int)args[1]) < 0 ? errno : 0;
  fd = (int)syscall (SYS_pidfd_open, pid, 0);
  if (fd < 0)
    return errno;
  if (is_in_group (question, pid))
    problem = syscall (SYS_pidfd_send_signal, fd, (int)args[1], NULL, 0) < 0 ? errno : 0;
  close (fd);
  return problem;
}

static int
answer_tgkill (const Question *question, const __u64 *args)
{
  if (!is_in_group (question, (pid_t)args[0]))
    return EPERM;
  return syscall (SYS_tgkill, (pid_t)args[0], (pid_t)args[1], (int)args[2]) < 0 ? errno : 0;
}

static int
answer_tkill (const Question *question, const __u64 *args)
{
  if (!is_in_group (question, (pid_t)args[0]))
    return EPERM;
  return syscall (SYS_tkill, (pid_t)args[0], (int)args[1]) < 0 ? errno : 0;
}

static const struct {
  int call;
  AnswerFunc answer;
} answers[] = {
    {SYS_fchmod, answer_fchmod},       {SYS_fchmodat, answer_fchmodat},
    {SYS_utimensat, answer_utimensat}, {SYS_truncate, answer_truncate},
    {SYS_kill, answer_kill},           {SYS_tgkill, answer_tgkill},
    {SYS_tkill, answer_tkill},
#ifdef __x86_64__
    {SYS_chmod, answer_chmod},         {SYS_utimes, answer_utimes},
    {SYS_futimesat, answer_futimesat}, {SYS_utime, answer_utime},
#endif
};

static int
judge (const Question *question)
{
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    if (answers[i].call == question->call->data.nr)
      return is_current (question) ? answers[i].answer (question, question->call->data.args)
                                   : EINTR;
  return ENOSYS;
}

gboolean
hookrun_broker_answer (HookrunBroker *self, int listener, pid_t group)
{
  struct pollfd ready = {listener, POLLIN, 0};
  Buffer call;
  Buffer response;
  Question question = {self, listener, group, &call.call};

  if (poll (&ready, 1, 0) < 1)
    return TRUE;
  if ((ready.revents & POLLIN) == 0)
    return FALSE;
  memset (&call, 0, sizeof call);
  if (ioctl (listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
    return TRUE; /* who asked is gone */
  memset (&response, 0, sizeof response);
  response.response.id = call.call.id;
  response.response.error = -judge (&question);
  ioctl (listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
  return TRUE;
}
