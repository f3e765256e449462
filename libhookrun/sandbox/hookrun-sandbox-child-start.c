/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starts the child of a launch on the host's memory. clone3() is taken where something needs it: a
 * child that is born into its control group, or a filter that counts the older calls. The C library
 * offers no way to it for a child with a stack of its own, so the call is made here.
 */
#include "hookrun-sandbox-child-private.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of the host's memory for the child, what is surely above the report. */
#define CHILD_STACK_SIZE (32 * 1024)

#ifdef __x86_64__

/* What follows the second argument is not looked at by the kernel but by the filter of the
 * launching thread: whoever knows the secret may make this call. */
__attribute__ ((noinline, no_sanitize ("address", "thread", "undefined"))) static long
call_clone3 (struct clone_args *args, const guint32 secret[4], gpointer data)
{
  register guint64 third __asm__("r10") = secret[1];
  register guint64 fourth __asm__("r8") = secret[2];
  register guint64 fifth __asm__("r9") = secret[3];
  register gpointer function __asm__("r12") = (gpointer)(gsize)hookrun_sandbox_child_main;
  register gpointer argument __asm__("r13") = data;
  long result;

  __asm__ volatile("syscall\n\t"
                   "testq %%rax, %%rax\n\t"
                   "jnz 1f\n\t"
                   "xorl %%ebp, %%ebp\n\t"
                   "movq %%r13, %%rdi\n\t"
                   "callq *%%r12\n\t"
                   "hlt\n"
                   "1:"
                   : "=a"(result)
                   : "a"(SYS_clone3), "D"(args), "S"(sizeof *args), "d"((guint64)secret[0]),
                     "r"(third), "r"(fourth), "r"(fifth), "r"(function), "r"(argument)
                   : "rcx", "r11", "memory", "cc");
  return result;
}

/* Arguments without any size are refused first, where the call is there. */
gboolean
hookrun_sandbox_child_has_clone3 (void)
{
  return syscall (SYS_clone3, NULL, 0) < 0 && errno == EINVAL;
}

#else

static long
call_clone3 (struct clone_args *args, const guint32 secret[4], gpointer data)
{
  return -ENOSYS;
}

gboolean
hookrun_sandbox_child_has_clone3 (void)
{
  return FALSE;
}

#endif

static pid_t
start_with_clone3 (const HookrunSandboxChildPlan *plan, int flags, guint8 *stack_top, int *pidfd)
{
  struct clone_args args = {.flags = (guint64)flags & ~(guint64)CSIGNAL,
                            .exit_signal = SIGCHLD,
                            .pidfd = (guint64)(gsize)pidfd,
                            .stack = (guint64)(gsize)(stack_top - CHILD_STACK_SIZE),
                            .stack_size = CHILD_STACK_SIZE};
  long result;

  if (plan->cgroup_fd >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = (__u64)plan->cgroup_fd;
  }
  result = call_clone3 (&args, plan->secret, (gpointer)plan);
  if (result >= 0)
    return (pid_t)result;
  errno = (int)-result;
  return -1;
}

pid_t
hookrun_sandbox_child_start (const HookrunSandboxChildPlan *plan, gpointer stack_top, int *pidfd)
{
  sigset_t all;
  sigset_t before;
  int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
  int saved_errno;
  pid_t pid;

  plan->report->stage = HOOKRUN_STAGE_BEGIN;
  plan->report->problem = 0;
  *pidfd = -1;
  /* No handler of the host may run in the child, on memory that is the host's. */
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  if (plan->namespaces != NULL)
    flags |= hookrun_namespaces_flags (plan->namespaces);
  if (plan->uses_clone3)
    pid = start_with_clone3 (plan, flags, stack_top, pidfd);
  else
    pid = clone (hookrun_sandbox_child_main, stack_top, flags, (gpointer)plan, pidfd);
  saved_errno = errno;
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  errno = saved_errno;
  return pid;
}
