/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The broker: changes of modes and times come here, because Landlock does not look at them. What a
 * question points to is copied once; the file is found by walking below a granted folder and
 * nowhere else; and what was found is what is changed. The program itself is never told to go on
 * with its own call, whose arguments it could have changed meanwhile.
 */
#include "hookrun-broker-question-private.h"
#include "hookrun-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

/* Newer kernels may write more than the header here knows. */
typedef union {
  struct seccomp_notif call;
  struct seccomp_notif_resp response;
  char space[HOOKRUN_BROKER_MESSAGE_SIZE];
} Buffer;

static void
place_clear (gpointer data)
{
  HookrunPlace *place = data;

  g_free (place->path);
  close (place->fd);
}

HookrunBroker *
hookrun_broker_new (GPtrArray *grants, HookrunLayer layers, GError **error)
{
  HookrunBroker *self = g_new0 (HookrunBroker, 1);

  g_atomic_ref_count_init (&self->references);
  self->layers = layers;
  self->places = g_array_new (FALSE, FALSE, sizeof (HookrunPlace));
  g_array_set_clear_func (self->places, place_clear);
  for (guint i = 0; i < grants->len; i++) {
    const HookrunOpenGrant *grant = g_ptr_array_index (grants, i);
    g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", grant->fd);
    HookrunPlace place = {NULL, -1, grant->is_folder};

    if ((grant->grant->access & HOOKRUN_ACCESS_WRITE) == 0)
      continue;
    place.path = hookrun_name_of_link (link);
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
is_in_group (const HookrunQuestion *question, pid_t pid)
{
  return pid > 0 && question->group > 0 && getpgid (pid) == question->group;
}

/* ---- the calls ---- */

typedef int (*AnswerFunc) (const HookrunQuestion *question, const __u64 *args);

static int
done (const HookrunQuestion *question, int fd, int problem)
{
  if (fd < 0)
    return errno;
  close (fd);
  return problem;
}

static int
answer_fchmod (const HookrunQuestion *question, const __u64 *args)
{
  int fd = hookrun_question_open_descriptor (question, (int)args[0]);

  return done (question, fd, fd >= 0 ? change_mode (fd, (mode_t)args[1]) : 0);
}

static int
chmod_at (const HookrunQuestion *question, int folder_fd, guint64 path, mode_t mode)
{
  int fd = hookrun_question_open_path (question, folder_fd, path, TRUE);

  return done (question, fd, fd >= 0 ? change_mode (fd, mode) : 0);
}

static int
answer_fchmodat (const HookrunQuestion *question, const __u64 *args)
{
  return chmod_at (question, (int)args[0], args[1], (mode_t)args[2]);
}

/* @path 0 is the descriptor itself. */
static int
times_at (const HookrunQuestion *question, int folder_fd, guint64 path,
          const struct timespec times[2], gboolean follow)
{
  int fd = path != 0 ? hookrun_question_open_path (question, folder_fd, path, follow)
                     : hookrun_question_open_descriptor (question, folder_fd);

  return done (question, fd, fd >= 0 ? change_times (fd, times) : 0);
}

static const struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};

static int
answer_utimensat (const HookrunQuestion *question, const __u64 *args)
{
  struct timespec times[2];
  guint64 flags = args[3];

  if (args[2] != 0 && !hookrun_question_copy_bytes (question, args[2], times, sizeof times))
    return EFAULT;
  if ((flags & ~(guint64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
    return EINVAL;
  return times_at (question, (int)args[0], args[1], args[2] != 0 ? times : now,
                   (flags & AT_SYMLINK_NOFOLLOW) == 0);
}

#ifdef __x86_64__
static int
answer_chmod (const HookrunQuestion *question, const __u64 *args)
{
  return chmod_at (question, AT_FDCWD, args[0], (mode_t)args[1]);
}

static int
times_from_timevals (const HookrunQuestion *question, int folder_fd, guint64 path, guint64 address)
{
  struct timeval values[2];
  struct timespec times[2];

  if (address == 0)
    return times_at (question, folder_fd, path, now, TRUE);
  if (!hookrun_question_copy_bytes (question, address, values, sizeof values))
    return EFAULT;
  for (int i = 0; i < 2; i++) {
    if (values[i].tv_usec < 0 || values[i].tv_usec >= G_USEC_PER_SEC)
      return EINVAL;
    times[i] = (struct timespec){values[i].tv_sec, values[i].tv_usec * 1000};
  }
  return times_at (question, folder_fd, path, times, TRUE);
}

static int
answer_utimes (const HookrunQuestion *question, const __u64 *args)
{
  return times_from_timevals (question, AT_FDCWD, args[0], args[1]);
}

static int
answer_futimesat (const HookrunQuestion *question, const __u64 *args)
{
  return times_from_timevals (question, (int)args[0], args[1], args[2]);
}

static int
answer_utime (const HookrunQuestion *question, const __u64 *args)
{
  struct utimbuf values;
  struct timespec times[2];

  if (args[1] == 0)
    return times_at (question, AT_FDCWD, args[0], now, TRUE);
  if (!hookrun_question_copy_bytes (question, args[1], &values, sizeof values))
    return EFAULT;
  times[0] = (struct timespec){values.actime, 0};
  times[1] = (struct timespec){values.modtime, 0};
  return times_at (question, AT_FDCWD, args[0], times, TRUE);
}
#endif

static int
answer_truncate (const HookrunQuestion *question, const __u64 *args)
{
  int fd = hookrun_question_open_path (question, AT_FDCWD, args[0], TRUE);

  return done (question, fd, fd >= 0 ? change_size (fd, (off_t)args[1]) : 0);
}

/* The process is held by a descriptor while its group is looked at: its number may be another's a
 * moment later. A group is the tree's own or nobody's. */
static int
answer_kill (const HookrunQuestion *question, const __u64 *args)
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
answer_tgkill (const HookrunQuestion *question, const __u64 *args)
{
  if (!is_in_group (question, (pid_t)args[0]))
    return EPERM;
  return syscall (SYS_tgkill, (pid_t)args[0], (pid_t)args[1], (int)args[2]) < 0 ? errno : 0;
}

static int
answer_tkill (const HookrunQuestion *question, const __u64 *args)
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
judge (const HookrunQuestion *question)
{
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    if (answers[i].call == question->call->data.nr)
      return hookrun_question_is_current (question)
                 ? answers[i].answer (question, question->call->data.args)
                 : EINTR;
  return ENOSYS;
}

gboolean
hookrun_broker_answer (HookrunBroker *self, int listener)
{
  struct pollfd ready = {listener, POLLIN, 0};
  Buffer call;
  Buffer response;
  HookrunQuestion question = {self, listener, 0, &call.call};

  if (poll (&ready, 1, 0) < 1)
    return TRUE;
  if ((ready.revents & POLLIN) == 0)
    return FALSE;
  memset (&call, 0, sizeof call);
  if (ioctl (listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
    return TRUE; /* who asked is gone */
  question.group = getpgid ((pid_t)call.call.pid);
  memset (&response, 0, sizeof response);
  response.response.id = call.call.id;
  response.response.error = -judge (&question);
  ioctl (listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
  return TRUE;
}
