/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attempts on other processes of the same user, on what was inherited from the host, and to outlive
 * the sandbox. */
#include "escape.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *
proc_file (const World *world, const char *name)
{
  char path[64];

  snprintf (path, sizeof path, "/proc/%d", (int)world->victim);
  return join (strdup (path), name);
}

static int
signal_victim (const World *world)
{
  return kill (world->victim, SIGKILL) == 0 || kill (world->victim, 0) == 0;
}

static int
signal_thread (const World *world)
{
  return syscall (SYS_tgkill, world->victim, world->victim, SIGKILL) == 0 ||
         syscall (SYS_tkill, world->victim, SIGKILL) == 0;
}

static int
signal_queue (const World *world)
{
  union sigval value = {0};

  return sigqueue (world->victim, SIGKILL, value) == 0;
}

static int
signal_descriptor (const World *world)
{
  int fd = (int)syscall (SYS_pidfd_open, world->victim, 0);

  return fd >= 0 && syscall (SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0;
}

static int
signal_parent (const World *world)
{
  return getppid () > 1 && kill (getppid (), SIGKILL) == 0;
}

static int
signal_group (const World *world)
{
  return kill (-world->victim, SIGKILL) == 0;
}

static int
signal_by_owner (const World *world)
{
  int ends[2];

  return pipe (ends) == 0 && fcntl (ends[0], F_SETOWN, world->victim) == 0;
}

static int
trace_victim (const World *world)
{
  return ptrace (PTRACE_SEIZE, world->victim, NULL, NULL) == 0 ||
         ptrace (PTRACE_ATTACH, world->victim, NULL, NULL) == 0;
}

static int
read_victim_memory (const World *world)
{
  char local[16];
  struct iovec here = {local, sizeof local};
  struct iovec there = {(void *)0x400000, sizeof local};

  return syscall (SYS_process_vm_readv, world->victim, &here, 1UL, &there, 1UL, 0UL) > 0 ||
         open (proc_file (world, "mem"), O_RDWR) >= 0;
}

static int
read_victim_environment (const World *world)
{
  return show_file (proc_file (world, "environ")) || show_file (proc_file (world, "cmdline"));
}

static int
read_parent_environment (const World *world)
{
  char path[64];

  snprintf (path, sizeof path, "/proc/%d/environ", (int)getppid ());
  return show_file (path) || show_file ("/proc/self/environ") || show_file ("/proc/1/environ");
}

static int
take_descriptor (const World *world)
{
  int fd = (int)syscall (SYS_pidfd_open, world->victim, 0);

  return fd >= 0 && syscall (SYS_pidfd_getfd, fd, 0, 0) >= 0;
}

static int
limit_victim (const World *world)
{
  struct rlimit limit = {10, 10};

  return prlimit (world->victim, RLIMIT_NOFILE, &limit, NULL) == 0 ||
         prlimit (world->victim, RLIMIT_NOFILE, NULL, &limit) == 0;
}

static int
slow_victim (const World *world)
{
  struct sched_param parameters = {0};
  cpu_set_t one;

  CPU_ZERO (&one);
  CPU_SET (0, &one);
  return setpriority (PRIO_PROCESS, (id_t)world->victim, 19) == 0 ||
         setpriority (PRIO_USER, 0, 19) == 0 ||
         sched_setaffinity (world->victim, sizeof one, &one) == 0 ||
         sched_setscheduler (world->victim, SCHED_IDLE, &parameters) == 0 ||
         syscall (SYS_ioprio_set, 1, world->victim, 3 << 13) == 0;
}

static int
move_victim_pages (const World *world)
{
  unsigned long all = 1;

  return syscall (SYS_migrate_pages, world->victim, 1UL, &all, &all) >= 0 ||
         syscall (SYS_move_pages, world->victim, 0UL, NULL, NULL, NULL, 0) >= 0 ||
         syscall (SYS_kcmp, getpid (), world->victim, 0, 0UL, 0UL) >= 0;
}

/* ---- what was inherited ---- */

static int
read_leaked_descriptor (const World *world)
{
  return show_fd (LEAKED_FD);
}

static int
find_descriptors (const World *world)
{
  for (int fd = 3; fd < 1024; fd++)
    if (fd != TERMINAL_FD && fcntl (fd, F_GETFD) >= 0 && fd < 250)
      return 1;
  return 0;
}

static int
read_environment (const World *world)
{
  const char *value = getenv (SECRET_VARIABLE);

  if (value != NULL)
    fputs (value, stdout);
  return value != NULL;
}

/* ---- outliving it ---- */

static int
make_session (const World *world)
{
  pid_t pid = fork ();
  int status;

  if (pid == 0) {
    if (setsid () < 0 && syscall (SYS_setsid, 1, 2, 3, 4) < 0)
      _exit (0);
    if (fork () == 0)
      sleep (600);
    _exit (42);
  }
  waitpid (pid, &status, 0);
  return WIFEXITED (status) && WEXITSTATUS (status) == 42;
}

static int
make_group (const World *world)
{
  pid_t pid = fork ();
  int status;

  if (pid == 0) {
    if (setpgid (0, 0) < 0)
      _exit (0);
    if (fork () == 0)
      sleep (600);
    _exit (42);
  }
  waitpid (pid, &status, 0);
  return WIFEXITED (status) && WEXITSTATUS (status) == 42;
}

/* A daemon as old books have it; whether it is left is for the test to see. */
static int
leave_daemon (const World *world)
{
  if (fork () == 0) {
    signal (SIGHUP, SIG_IGN);
    signal (SIGTERM, SIG_IGN);
    setsid ();
    if (fork () == 0)
      sleep (600);
    _exit (0);
  }
  usleep (50000);
  return 0;
}

/* ---- more than it was ---- */

static int
become_another (const World *world)
{
  return setuid (1) == 0 || setresuid (1, 1, 1) == 0 || setgroups (0, NULL) == 0;
}

/* A file of somebody else without any permission, in a folder that is granted: only the
 * capabilities of root open it. */
static int
read_foreign_file (const World *world)
{
  return show_file (join (world->inside, "foreign"));
}

static int
dump_core (const World *world)
{
  struct rlimit limit;

  return getrlimit (RLIMIT_CORE, &limit) == 0 && limit.rlim_max != 0;
}

const Attempt process_attempts[] = {
    {"signal-victim", signal_victim},
    {"signal-thread", signal_thread},
    {"signal-queue", signal_queue},
    {"signal-descriptor", signal_descriptor},
    {"signal-parent", signal_parent},
    {"signal-group", signal_group},
    {"signal-by-owner", signal_by_owner},
    {"trace-victim", trace_victim},
    {"read-victim-memory", read_victim_memory},
    {"read-victim-environment", read_victim_environment},
    {"read-parent-environment", read_parent_environment},
    {"take-descriptor", take_descriptor},
    {"limit-victim", limit_victim},
    {"slow-victim", slow_victim},
    {"move-victim-pages", move_victim_pages},
    {"read-leaked-descriptor", read_leaked_descriptor},
    {"find-descriptors", find_descriptors},
    {"read-environment", read_environment},
    {"make-session", make_session},
    {"make-group", make_group},
    {"leave-daemon", leave_daemon},
    {"become-another", become_another},
    {"read-foreign-file", read_foreign_file},
    {"dump-core", dump_core},
    {NULL, NULL},
};
