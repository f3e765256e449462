/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The broker finds what a question is about, and only for whoever asked: when the question is no
 * longer waited for, what was copied may be of another process that got the number.
 */
#include "hookrun-broker-question-private.h"
#include "hookrun-file-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  char *folder;
  char *file;
  HookrunPolicy *policy;
  GPtrArray *grants;
  GPtrArray *open_grants;
  HookrunBroker *broker;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  self->folder = g_dir_make_tmp ("hookrun-broker-XXXXXX", NULL);
  self->file = g_build_filename (self->folder, "file", NULL);
  g_assert_true (g_file_set_contents (self->file, "", 0, NULL));
  g_assert_cmpint (chmod (self->file, 0644), ==, 0);
  self->policy = hookrun_policy_new ();
  g_assert_true (hookrun_policy_grant (self->policy, self->folder, HOOKRUN_ACCESS_ALL, NULL));
  self->grants = hookrun_policy_collect_grants (self->policy);
  self->open_grants = hookrun_open_grants (self->grants, &error);
  g_assert_no_error (error);
  self->broker = hookrun_broker_new (self->open_grants, HOOKRUN_LAYER_ALL, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  hookrun_broker_unref (self->broker);
  g_ptr_array_unref (self->open_grants);
  g_ptr_array_unref (self->grants);
  hookrun_policy_unref (self->policy);
  g_assert_true (hookrun_file_remove_tree_at (AT_FDCWD, self->folder, NULL));
  g_free (self->folder);
  g_free (self->file);
}

/* A filter that leaves chmod to whoever has the descriptor that is returned. */
static int
ask_for_chmod (void)
{
  struct sock_filter code[] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_fchmodat},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  struct sock_fprog program = {G_N_ELEMENTS (code), code};

  return (int)syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                       &program);
}

/* An asker lends its descriptors for the listener, asks, and is killed while it waits. */
static void
ask_and_wait (const char *path, int socket_fd)
{
  int listener;

  prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  listener = ask_for_chmod ();
  if (listener < 0 || write (socket_fd, &listener, sizeof listener) < 0)
    _exit (1);
  syscall (SYS_fchmodat, AT_FDCWD, path, 0600);
  _exit (0);
}

static pid_t
start_asker (const char *path, int *listener)
{
  int sockets[2];
  int number = -1;
  int pidfd;
  pid_t pid;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), ==, 0);
  pid = fork ();
  if (pid == 0)
    ask_and_wait (path, sockets[1]);
  g_assert_cmpint (read (sockets[0], &number, sizeof number), ==, sizeof number);
  pidfd = (int)syscall (SYS_pidfd_open, pid, 0);
  *listener = (int)syscall (SYS_pidfd_getfd, pidfd, number, 0);
  g_assert_cmpint (*listener, >=, 0);
  close (pidfd);
  close (sockets[0]);
  close (sockets[1]);
  return pid;
}

/* While the asker waits its file is found. Once it is gone, the same arguments, readable as ever
 * (they are this process's own), are nobody's. */
static void
test_withdrawn (Fixture *self, gconstpointer data)
{
  union {
    struct seccomp_notif call;
    char space[HOOKRUN_BROKER_MESSAGE_SIZE];
  } message = {0};
  int listener = -1;
  pid_t pid = start_asker (self->file, &listener);
  HookrunQuestion question = {self->broker, listener, pid, &message.call};
  int fd;

  g_assert_cmpint (ioctl (listener, SECCOMP_IOCTL_NOTIF_RECV, &message), ==, 0);
  fd = hookrun_question_open_path (&question, AT_FDCWD, message.call.data.args[1], TRUE);
  g_assert_cmpint (fd, >=, 0);
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  message.call.pid = (guint32)getpid ();
  g_assert_cmpint (
      hookrun_question_open_path (&question, AT_FDCWD, (guint64)(gsize)self->file, TRUE), ==, -1);
  g_assert_cmpint (errno, ==, EINTR);
  g_assert_cmpint (hookrun_question_open_descriptor (&question, fd), ==, -1);
  g_assert_cmpint (errno, ==, EINTR);
  close (fd);
  close (listener);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/sandbox/broker/withdrawn-question", Fixture, NULL, set_up, test_withdrawn,
              tear_down);
  return g_test_run ();
}
