/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a function under ptrace, and ends it or lets its calls fail where the test says. */
#include "tracer.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK SIGUSR2

/* Calls that change files; without those of old that arm64 never had. */
static const long changing[] = {
    SYS_write,    SYS_pwrite64,  SYS_fsync,        SYS_fdatasync, SYS_linkat,    SYS_symlinkat,
    SYS_renameat, SYS_renameat2, SYS_unlinkat,     SYS_mkdirat,   SYS_fchmod,    SYS_fchown,
    SYS_fchownat, SYS_fsetxattr, SYS_fremovexattr, SYS_ftruncate, SYS_utimensat,
};

/* Calls that only look. */
static const long looking[] = {
    SYS_openat,    SYS_read,       SYS_pread64,    SYS_newfstatat, SYS_fstat,
    SYS_statx,     SYS_fcntl,      SYS_flistxattr, SYS_fgetxattr,  SYS_readlinkat,
    SYS_faccessat, SYS_faccessat2, SYS_fstatfs,    SYS_getdents64, SYS_lseek,
};

static gboolean
contains (const long *calls, gsize n, long call)
{
  for (gsize i = 0; i < n; i++)
    if (calls[i] == call)
      return TRUE;
  return FALSE;
}

static gboolean
changes_files (const struct __ptrace_syscall_info *info)
{
  long call = (long)info->entry.nr;

  if (call == SYS_openat)
    return (info->entry.args[2] & (O_CREAT | O_TMPFILE)) != 0 &&
           (info->entry.args[2] & O_ACCMODE) != O_RDONLY;
  return contains (changing, G_N_ELEMENTS (changing), call);
}

static gboolean
works_on_files (const struct __ptrace_syscall_info *info)
{
  long call = (long)info->entry.nr;

  return contains (changing, G_N_ELEMENTS (changing), call) ||
         contains (looking, G_N_ELEMENTS (looking), call);
}

static void
skip_call (pid_t pid)
{
#if defined(__x86_64__)
  g_assert_cmpint (ptrace (PTRACE_POKEUSER, pid, offsetof (struct user_regs_struct, orig_rax), -1L),
                   ==, 0);
#elif defined(__aarch64__)
  int none = -1;
  struct iovec part = {&none, sizeof none};

  g_assert_cmpint (ptrace (PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &part), ==, 0);
#else
#error "Teach this test how a call is skipped on this machine."
#endif
}

static void
set_result (pid_t pid, long result)
{
#if defined(__x86_64__)
  g_assert_cmpint (ptrace (PTRACE_POKEUSER, pid, offsetof (struct user_regs_struct, rax), result),
                   ==, 0);
#elif defined(__aarch64__)
  struct user_regs_struct regs;
  struct iovec part = {&regs, sizeof regs};

  g_assert_cmpint (ptrace (PTRACE_GETREGSET, pid, NT_PRSTATUS, &part), ==, 0);
  regs.regs[0] = (unsigned long)result;
  g_assert_cmpint (ptrace (PTRACE_SETREGSET, pid, NT_PRSTATUS, &part), ==, 0);
#endif
}

static gboolean
is_to_fail (TracerPlan *plan, const struct __ptrace_syscall_info *info)
{
  if (plan->fail_at == 0 || plan->n_calls < plan->fail_at)
    return FALSE;
  if (plan->go_on)
    return changes_files (info);
  return plan->n_calls == plan->fail_at && works_on_files (info);
}

/* At the entry of a call. TRUE: its result is to be replaced at its end. */
static gboolean
on_entry (pid_t pid, TracerPlan *plan, const struct __ptrace_syscall_info *info, long *result)
{
  plan->n_calls++;
  if (plan->n_calls == plan->kill_at) {
    plan->killed = TRUE;
    kill (pid, SIGKILL);
    return FALSE;
  }
  if (plan->n_calls == plan->act_at) {
    plan->acted = TRUE;
    plan->act (plan->user_data);
  }
  *result = 0;
  if (is_to_fail (plan, info)) {
    plan->failed = TRUE;
    *result = -(long)plan->fail_errno;
  } else if (plan->no_tmpfile && info->entry.nr == SYS_openat &&
             (info->entry.args[2] & O_TMPFILE) == O_TMPFILE) {
    *result = -EOPNOTSUPP;
  } else if (info->entry.nr != SYS_fsync && info->entry.nr != SYS_fdatasync) {
    return FALSE;
  }
  /* No power is lost here: waiting for the disk would only make the tests slow. */
  skip_call (pid);
  return TRUE;
}

static pid_t
start (int (*run) (gpointer data), gpointer data)
{
  pid_t pid = fork ();

  if (pid != 0)
    return pid;
  if (ptrace (PTRACE_TRACEME, 0, NULL, NULL) < 0)
    _exit (99);
  raise (SIGSTOP); /* until the options are set */
  _exit (run (data));
}

static void
go_on (pid_t pid, gboolean counting, int number)
{
  /* Killed in the meantime, it cannot be told to go on; wait says so. */
  if (ptrace (counting ? PTRACE_SYSCALL : PTRACE_CONT, pid, NULL, (long)number) < 0)
    g_assert_cmpint (errno, ==, ESRCH);
}

void
tracer_run (int (*run) (gpointer data), gpointer data, TracerPlan *plan)
{
  pid_t pid = start (run, data);
  gboolean counting = FALSE;
  gboolean replace = FALSE;
  long result = 0;
  int status;

  g_assert_cmpint (pid, >, 0);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSTOPPED (status));
  ptrace (PTRACE_SETOPTIONS, pid, NULL, (long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
  while (WIFSTOPPED (status)) {
    struct __ptrace_syscall_info info = {0};
    int number = 0;

    if (WSTOPSIG (status) == MARK) {
      counting = !counting;
    } else if (WSTOPSIG (status) != (SIGTRAP | 0x80)) {
      number = WSTOPSIG (status) == SIGSTOP ? 0 : WSTOPSIG (status);
    } else if (ptrace (PTRACE_GET_SYSCALL_INFO, pid, (long)sizeof info, &info) > 0) {
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        replace = on_entry (pid, plan, &info, &result);
      } else if (replace) {
        set_result (pid, result);
        replace = FALSE;
      }
    }
    go_on (pid, counting, number);
    g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  }
  plan->status = WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}
