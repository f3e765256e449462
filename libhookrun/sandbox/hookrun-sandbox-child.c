/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What runs between the host and the confined program. The child shares the host's memory until it
 * executes the program, so it only makes system calls and writes to its report; everything it needs
 * was made before. The order matters: what a later layer would forbid is done before it.
 */
#include "hookrun-sandbox-child-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Descriptors are moved above this number before they are put into their places. */
#define FIRST_HIGH_FD 256

/* What sanitizers add would keep books about a stack that is not the thread's. */
#define PLAIN __attribute__ ((no_sanitize ("address", "thread", "undefined")))

typedef struct {
  HookrunSandboxChildPlan plan; /* descriptors as the child has them */
  int sources[HOOKRUN_SANDBOX_CHILD_MAX_FDS];
} Child;

/* Every signal does what it does by default, whatever the host handles or ignores. */
PLAIN static gboolean
reset_signals (void)
{
  struct sigaction action;

  memset (&action, 0, sizeof action);
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; number++)
    sigaction (number, &action, NULL);
  return TRUE;
}

/* The filter that the launcher has already lets those do this who know the secret. */
PLAIN static gboolean
enter_group (const HookrunSandboxChildPlan *plan)
{
  const guint32 *secret = plan->secret;

  return syscall (SYS_setsid, secret[0], secret[1], secret[2], secret[3]) >= 0;
}

/* Where it was not born into its group: it starts nobody before it is there. */
PLAIN static gboolean
enter_cgroup (const HookrunSandboxChildPlan *plan)
{
  return plan->cgroup_entry_fd < 0 || plan->uses_clone3 ||
         write (plan->cgroup_entry_fd, "0", 1) == 1;
}

PLAIN static gboolean
enter_folder (const HookrunSandboxChildPlan *plan)
{
  if (plan->folder != NULL)
    return chdir (plan->folder) == 0;
  return plan->folder_fd < 0 || fchdir (plan->folder_fd) == 0;
}

PLAIN static int
lift (int fd)
{
  return fd < 0 ? -1 : fcntl (fd, F_DUPFD_CLOEXEC, FIRST_HIGH_FD);
}

/* First out of the way, then into place, so that no number is overwritten before it is used. */
PLAIN static gboolean
place_descriptors (Child *child)
{
  HookrunSandboxChildPlan *plan = &child->plan;

  plan->ruleset_fd = lift (plan->ruleset_fd);
  plan->broker_fd = lift (plan->broker_fd);
  plan->null_fd = lift (plan->null_fd);
  plan->gate_fd = lift (plan->gate_fd);
  for (guint i = 0; i < plan->n_passed; i++) {
    child->sources[i] = lift (plan->passed[i].fd);
    if (child->sources[i] < 0)
      return FALSE;
  }
  if ((plan->layers & HOOKRUN_LAYER_DESCRIPTORS) != 0 &&
      syscall (SYS_close_range, 0, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
    return FALSE;
  for (int fd = 0; fd <= STDERR_FILENO; fd++)
    if (dup2 (plan->null_fd, fd) < 0)
      return FALSE;
  for (guint i = 0; i < plan->n_passed; i++)
    if (dup2 (child->sources[i], plan->passed[i].target) < 0)
      return FALSE;
  return TRUE;
}

PLAIN static gboolean
set_limits (const HookrunSandboxChildPlan *plan)
{
  for (guint i = 0; i < plan->n_limits; i++)
    if (syscall (SYS_prlimit64, 0, plan->limits[i].resource, &plan->limits[i].value, NULL) < 0)
      return FALSE;
  return TRUE;
}

PLAIN static gboolean
has_capabilities (void)
{
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];

  memset (data, 0, sizeof data);
  return syscall (SYS_capget, &header, data) < 0 || (data[0].permitted | data[1].permitted) != 0 ||
         geteuid () == 0;
}

/* No capability can come back: not by what programs' files carry, not by the number 0 of the user.
 * Without CAP_SETPCAP this fails, and no_new_privs alone sees to it. */
PLAIN static void
lock_capabilities (void)
{
  const unsigned long bits = SECBIT_NOROOT | SECBIT_NO_CAP_AMBIENT_RAISE;

  prctl (PR_SET_SECUREBITS, bits | bits << 1, 0, 0, 0);
  for (unsigned long capability = 0; prctl (PR_CAPBSET_DROP, capability, 0, 0, 0) == 0;)
    capability++;
}

PLAIN static gboolean
drop_capabilities (void)
{
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2];

  memset (none, 0, sizeof none);
  prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return syscall (SYS_capset, &header, none) == 0;
}

/* The one message over the broker's socket: the listener that the new filter gave. */
PLAIN static gboolean
send_listener (int socket_fd, int listener)
{
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE (sizeof (int))];
  } control;
  char byte = 0;
  struct iovec data = {&byte, 1};
  struct msghdr message;
  struct cmsghdr *header;

  memset (&message, 0, sizeof message);
  memset (&control, 0, sizeof control);
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control;
  header = CMSG_FIRSTHDR (&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN (sizeof (int));
  memcpy (CMSG_DATA (header), &listener, sizeof listener);
  return sendmsg (socket_fd, &message, MSG_NOSIGNAL) == 1;
}

PLAIN static gboolean
set_filter (const HookrunSandboxChildPlan *plan, int *listener)
{
  *listener = -1;
  if (plan->filter.len == 0)
    return TRUE;
  *listener =
      (int)syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, plan->filter_flags, &plan->filter);
  return *listener >= 0;
}

PLAIN static gboolean
report (const HookrunSandboxChildPlan *plan, HookrunStage stage)
{
  plan->report->stage = (int)stage;
  plan->report->problem = errno != 0 ? errno : EIO;
  return FALSE;
}

PLAIN gboolean
hookrun_sandbox_child_confine (const HookrunSandboxChildPlan *plan, int *listener)
{
  *listener = -1;
  if ((plan->layers & HOOKRUN_LAYER_CAPABILITIES) != 0 && has_capabilities ())
    lock_capabilities ();
  if ((plan->layers & HOOKRUN_LAYER_NO_NEW_PRIVILEGES) != 0 &&
      prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    return report (plan, HOOKRUN_STAGE_NO_NEW_PRIVILEGES);
  if (plan->ruleset_fd >= 0 && syscall (SYS_landlock_restrict_self, plan->ruleset_fd, 0) < 0)
    return report (plan, HOOKRUN_STAGE_LANDLOCK);
  return set_filter (plan, listener) || report (plan, HOOKRUN_STAGE_FILTER);
}

PLAIN static gboolean
prepare (Child *child)
{
  HookrunSandboxChildPlan *plan = &child->plan;
  int listener;

  reset_signals ();
  if (!enter_cgroup (plan))
    return report (plan, HOOKRUN_STAGE_CGROUP);
  if (!enter_group (plan))
    return report (plan, HOOKRUN_STAGE_GROUP);
  if (plan->namespaces != NULL && !hookrun_namespaces_enter (plan->namespaces))
    return report (plan, HOOKRUN_STAGE_NAMESPACES);
  if (!enter_folder (plan))
    return report (plan, HOOKRUN_STAGE_FOLDER);
  if (!place_descriptors (child))
    return report (plan, HOOKRUN_STAGE_STREAMS);
  if (!set_limits (plan))
    return report (plan, HOOKRUN_STAGE_LIMITS);
  if (!plan->is_confined && !hookrun_sandbox_child_confine (plan, &listener))
    return FALSE;
  if ((plan->layers & HOOKRUN_LAYER_CAPABILITIES) != 0 && !drop_capabilities ())
    return report (plan, HOOKRUN_STAGE_CAPABILITIES);
  return plan->is_confined || plan->broker_fd < 0 || send_listener (plan->broker_fd, listener) ||
         report (plan, HOOKRUN_STAGE_BROKER);
}

/* Says that it is here, and waits for a word; the end of the gate is none. */
PLAIN static gboolean
pass_gate (const HookrunSandboxChildPlan *plan)
{
  char byte = 0;

  if (plan->gate_fd < 0)
    return TRUE;
  errno = 0;
  return (write (plan->gate_fd, &byte, 1) == 1 && read (plan->gate_fd, &byte, 1) == 1) ||
         report (plan, HOOKRUN_STAGE_OBSERVE);
}

PLAIN int
hookrun_sandbox_child_main (gpointer data)
{
  Child child;
  const HookrunSandboxChildPlan *plan = &child.plan;
  sigset_t none;

  memcpy (&child.plan, data, sizeof child.plan);
  if (!prepare (&child) || !pass_gate (plan))
    _exit (HOOKRUN_EXIT_NOT_CONFINED);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  if (plan->only_tries)
    _exit (0);
  execve (plan->program, plan->argv, plan->environment);
  report (plan, HOOKRUN_STAGE_EXECUTE);
  _exit (HOOKRUN_EXIT_NOT_CONFINED);
}
