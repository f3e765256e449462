/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The descriptor is not ready while the child runs and is ready once it has ended, by the kernel's
 * help and without it; the child is left to be reaped. */
#include "hookrun-exit-fd-private.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int
is_ready (int fd, int timeout_ms)
{
  struct pollfd poll_fd = {fd, POLLIN, 0};

  return poll (&poll_fd, 1, timeout_ms);
}

static void
test_ready_at_the_end (gconstpointer open)
{
  int (*open_exit_fd) (pid_t) = (int (*) (pid_t))open;
  char *const argv[] = {(char *)"sleep", (char *)"60", NULL};
  siginfo_t info = {0};
  pid_t pid;
  int fd;

  g_assert_cmpint (posix_spawnp (&pid, argv[0], NULL, NULL, argv, environ), ==, 0);
  fd = open_exit_fd (pid);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (is_ready (fd, 50), ==, 0);
  g_assert_cmpint (kill (pid, SIGTERM), ==, 0);
  g_assert_cmpint (is_ready (fd, 10000), ==, 1);
  g_assert_cmpint (waitid (P_PID, (id_t)pid, &info, WEXITED | WNOHANG), ==, 0);
  g_assert_cmpint (info.si_status, ==, SIGTERM);
  close (fd);
}

/* A child that is killed and reaped at once, as when its owner goes away. */
static void
test_reaped_first (gconstpointer open)
{
  int (*open_exit_fd) (pid_t) = (int (*) (pid_t))open;
  char *const argv[] = {(char *)"true", NULL};

  for (int i = 0; i < 50; i++) {
    pid_t pid;
    int fd;

    g_assert_cmpint (posix_spawnp (&pid, argv[0], NULL, NULL, argv, environ), ==, 0);
    fd = open_exit_fd (pid);
    g_assert_cmpint (fd, >=, 0);
    while (waitid (P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED) < 0 && errno == EINTR)
      continue;
    g_assert_cmpint (is_ready (fd, 10000), ==, 1);
    close (fd);
  }
}

int
main (int argc, char **argv)
{
  gconstpointer by_kernel = (gconstpointer)hookrun_exit_fd_open;
  gconstpointer in_thread = (gconstpointer)hookrun_exit_fd_open_in_thread;

  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/base/exit-fd/kernel/ready-at-the-end", by_kernel, test_ready_at_the_end);
  g_test_add_data_func ("/base/exit-fd/kernel/reaped-first", by_kernel, test_reaped_first);
  g_test_add_data_func ("/base/exit-fd/thread/ready-at-the-end", in_thread, test_ready_at_the_end);
  g_test_add_data_func ("/base/exit-fd/thread/reaped-first", in_thread, test_reaped_first);
  return g_test_run ();
}
