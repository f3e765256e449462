/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A descriptor that tells when a child has ended: a pidfd where the kernel has them, else (before
 * Linux 5.3, in some containers, under valgrind) a pipe that a thread closes when waitid() returns.
 */
#include "hookrun-exit-fd-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  pid_t pid;
  int end;
} Wait;

static gpointer
wait_in_thread (gpointer data)
{
  g_autofree Wait *wait = data;
  siginfo_t info;

  while (waitid (P_PID, (id_t)wait->pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
    continue;
  close (wait->end);
  return NULL;
}

int
hookrun_exit_fd_open_in_thread (pid_t pid)
{
  Wait *wait;
  int ends[2];

  if (pipe2 (ends, O_CLOEXEC) < 0)
    return -1;
  wait = g_new (Wait, 1);
  wait->pid = pid;
  wait->end = ends[1];
  g_thread_unref (g_thread_new ("hookrun-exit", wait_in_thread, wait));
  return ends[0];
}

int
hookrun_exit_fd_open (pid_t pid)
{
  int fd = (int)syscall (SYS_pidfd_open, pid, 0);

  if (fd < 0 && (errno == ENOSYS || errno == EPERM))
    return hookrun_exit_fd_open_in_thread (pid);
  return fd;
}
