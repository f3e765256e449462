/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Observation by ptrace. Notifications of the filter would be cheaper, but they would need another
 * filter than the one that the program has otherwise, and they come before the kernel has decided;
 * a stop after the call tells what came of it. The thread seizes the child at a gate behind its
 * confinement and before its program. It reads and never writes: no register, no memory, no option
 * that takes the filter away. Each thread of the program is let go when it exits, and whoever is
 * left when this thread ends is killed.
 */
#include "hookrun-follower-private.h"
#include "hookrun-error-private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS                                                                                    \
  (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |        \
   PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL)
#define CALL_STOP (SIGTRAP | 0x80)

enum { OURS, THEIRS };

struct _HookrunFollower {
  gatomicrefcount references;
  HookrunJudge *own;
  HookrunJudge *measure; /* NULL: none */
  int gate[2];
  GHashTable *calls; /* thread -> HookrunObservedCall, of calls that are under way */
  gint problem;      /* atomic */

  GMutex lock; /* for what follows */
  GPtrArray *denials;
};

static void
call_free (gpointer data)
{
  hookrun_observed_call_clear (data);
  g_free (data);
}

HookrunFollower *
hookrun_follower_ref (HookrunFollower *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
hookrun_follower_unref (HookrunFollower *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (self->gate); i++)
    if (self->gate[i] >= 0)
      close (self->gate[i]);
  hookrun_judge_free (self->own);
  g_clear_pointer (&self->measure, hookrun_judge_free);
  g_hash_table_unref (self->calls);
  g_ptr_array_unref (self->denials);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* ---- calls ---- */

static void
note (HookrunFollower *self, HookrunDenial *denial)
{
  if (denial == NULL)
    return;
  g_mutex_lock (&self->lock);
  hookrun_denials_take (self->denials, denial);
  g_mutex_unlock (&self->lock);
}

/* What a call that will work is about is gone afterwards, or cannot be told from what was there. */
static void
enter_call (HookrunFollower *self, pid_t pid, const struct __ptrace_syscall_info *info)
{
  HookrunObservedCall *call = g_new0 (HookrunObservedCall, 1);

  call->pid = pid;
  call->number = (int)info->entry.nr;
  for (gsize i = 0; i < G_N_ELEMENTS (call->args); i++)
    call->args[i] = info->entry.args[i];
  call->row = hookrun_observed_row (call->number);
  if (self->measure != NULL)
    hookrun_observed_call_read (call);
  g_hash_table_insert (self->calls, GINT_TO_POINTER (pid), call);
}

static void
leave_call (HookrunFollower *self, pid_t pid, const struct __ptrace_syscall_info *info)
{
  HookrunObservedCall *call = g_hash_table_lookup (self->calls, GINT_TO_POINTER (pid));
  int problem = info->exit.is_error ? (int)-info->exit.rval : 0;

  if (call == NULL)
    return;
  if (problem != 0)
    note (self, hookrun_judge_failure (self->own, call, problem));
  if (self->measure != NULL && call->row != NULL && (problem == 0 || problem == EINPROGRESS))
    note (self, hookrun_judge_success (self->measure, call));
  g_hash_table_remove (self->calls, GINT_TO_POINTER (pid));
}

static void
look_at_call (HookrunFollower *self, pid_t pid)
{
  struct __ptrace_syscall_info info;

  memset (&info, 0, sizeof info);
  if (ptrace (PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0)
    return;
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
    enter_call (self, pid, &info);
  else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
    leave_call (self, pid, &info);
}

/* ---- stops ---- */

/* The call of the thread that runs the new program under another's number. */
static void
take_over (HookrunFollower *self, pid_t pid)
{
  unsigned long former = 0;
  gpointer call;

  if (ptrace (PTRACE_GETEVENTMSG, pid, NULL, &former) < 0 || (pid_t)former == pid)
    return;
  if (g_hash_table_steal_extended (self->calls, GINT_TO_POINTER ((pid_t)former), NULL, &call))
    g_hash_table_insert (self->calls, GINT_TO_POINTER (pid), call);
}

/* A call that the filter kills for has no end. */
static void
note_killed (HookrunFollower *self, pid_t pid)
{
  HookrunObservedCall *call = g_hash_table_lookup (self->calls, GINT_TO_POINTER (pid));
  unsigned long status = 0;
  g_autofree char *name = NULL;
  HookrunDenial *denial;

  if (call == NULL || ptrace (PTRACE_GETEVENTMSG, pid, NULL, &status) < 0 ||
      WTERMSIG ((int)status) != SIGSYS)
    return;
  name = hookrun_observed_name (call->number);
  denial = hookrun_denial_new (HOOKRUN_DENIAL_CALL, name, name, ENOSYS);
  denial->program = hookrun_process_name (pid);
  denial->reason = g_strdup ("calls of another architecture are killed for, whatever the policy");
  note (self, denial);
}

static void
handle_event (HookrunFollower *self, pid_t pid, int event, int number)
{
  switch (event) {
  case PTRACE_EVENT_EXIT:
    note_killed (self, pid);
    g_hash_table_remove (self->calls, GINT_TO_POINTER (pid));
    ptrace (PTRACE_DETACH, pid, NULL, NULL);
    return;
  case PTRACE_EVENT_STOP:
    /* Stopped by a signal: it stays so until another one wakes it. */
    if (number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU) {
      ptrace (PTRACE_LISTEN, pid, NULL, NULL);
      return;
    }
    break;
  case PTRACE_EVENT_EXEC:
    take_over (self, pid);
    break;
  default:
    break;
  }
  ptrace (PTRACE_SYSCALL, pid, NULL, NULL);
}

static void
handle_stop (HookrunFollower *self, pid_t pid, int status)
{
  int number = status & 0xff;
  int event = status >> 8;

  if (status == CALL_STOP) {
    look_at_call (self, pid);
    ptrace (PTRACE_SYSCALL, pid, NULL, NULL);
  } else if (event != 0) {
    handle_event (self, pid, event, number);
  } else {
    ptrace (PTRACE_SYSCALL, pid, NULL, (gpointer)(gintptr)number);
  }
}

/* Only the tree's own group is waited for: no child of the host's is ever taken, and the program
 * itself is left to who waits for it. */
static void
follow (HookrunFollower *self, pid_t group)
{
  for (;;) {
    siginfo_t info;

    memset (&info, 0, sizeof info);
    if (waitid (P_PGID, (id_t)group, &info, WEXITED | WSTOPPED | WNOWAIT | __WALL | __WNOTHREAD) <
        0) {
      if (errno == EINTR)
        continue;
      return;
    }
    if (info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED) {
      pid_t pid = info.si_pid;

      if (waitid (P_PID, (id_t)pid, &info, WSTOPPED | __WALL | __WNOTHREAD | WNOHANG) == 0 &&
          info.si_pid == pid)
        handle_stop (self, pid, info.si_status);
      continue;
    }
    if (info.si_pid == group)
      return;
    g_hash_table_remove (self->calls, GINT_TO_POINTER (info.si_pid));
    waitid (P_PID, (id_t)info.si_pid, &info, WEXITED | __WALL | __WNOTHREAD | WNOHANG);
  }
}

/* ---- the gate ---- */

/* The kernel says who is there: inside, the child may have another number. */
static pid_t
receive_child (int gate)
{
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE (sizeof (struct ucred))];
  } control;
  char byte;
  struct iovec data = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct ucred who = {0};
  struct cmsghdr *header;
  ssize_t length;

  do
    length = recvmsg (gate, &message, MSG_CMSG_CLOEXEC);
  while (length < 0 && errno == EINTR);
  header = length == 1 ? CMSG_FIRSTHDR (&message) : NULL;
  if (header == NULL || header->cmsg_type != SCM_CREDENTIALS)
    return -1;
  memcpy (&who, CMSG_DATA (header), sizeof who);
  return who.pid;
}

static gpointer
run (gpointer data)
{
  HookrunFollower *self = data;
  pid_t pid = receive_child (self->gate[OURS]);
  /* Interrupted, so that its next call is seen, too: the one that runs the program. */
  gboolean is_followed = pid > 0 && ptrace (PTRACE_SEIZE, pid, NULL, (gpointer)OPTIONS) == 0 &&
                         ptrace (PTRACE_INTERRUPT, pid, NULL, NULL) == 0;

  if (!is_followed)
    g_atomic_int_set (&self->problem, errno);
  else if (send (self->gate[OURS], "", 1, MSG_NOSIGNAL) == 1)
    follow (self, pid);
  shutdown (self->gate[OURS], SHUT_RDWR);
  hookrun_follower_unref (self);
  return NULL;
}

/* Signals of the host are none of this thread's business. */
static GThread *
start_thread (HookrunFollower *self)
{
  sigset_t all;
  sigset_t before;
  GThread *thread;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  thread = g_thread_try_new ("hookrun-observe", run, hookrun_follower_ref (self), NULL);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  if (thread == NULL)
    hookrun_follower_unref (self);
  return thread;
}

HookrunFollower *
hookrun_follower_new (HookrunJudge *own, HookrunJudge *measure, GError **error)
{
  g_autoptr (HookrunFollower) self = g_new0 (HookrunFollower, 1);
  const int on = 1;
  GThread *thread;

  g_atomic_ref_count_init (&self->references);
  g_mutex_init (&self->lock);
  self->own = own;
  self->measure = measure;
  self->calls = g_hash_table_new_full (NULL, NULL, NULL, call_free);
  self->denials = hookrun_denials_new ();
  self->gate[OURS] = -1;
  self->gate[THEIRS] = -1;
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, self->gate) < 0 ||
      setsockopt (self->gate[OURS], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot observe a program");
    return NULL;
  }
  thread = start_thread (self);
  if (thread == NULL) {
    g_set_error_literal (error, HOOKRUN_ERROR, HOOKRUN_ERROR_IO,
                         "cannot observe a program: there is no thread to be had");
    return NULL;
  }
  g_thread_unref (thread);
  return g_steal_pointer (&self);
}

int
hookrun_follower_gate (HookrunFollower *self)
{
  return self->gate[THEIRS];
}

void
hookrun_follower_close_gate (HookrunFollower *self)
{
  close (self->gate[THEIRS]);
  self->gate[THEIRS] = -1;
}

int
hookrun_follower_problem (HookrunFollower *self)
{
  return g_atomic_int_get (&self->problem);
}

GPtrArray *
hookrun_follower_list (HookrunFollower *self)
{
  GPtrArray *copy = hookrun_denials_new ();

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->denials->len; i++)
    g_ptr_array_add (copy, hookrun_denial_copy (g_ptr_array_index (self->denials, i)));
  g_mutex_unlock (&self->lock);
  return copy;
}
