/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The life of a confined program and of all processes that it starts. They are one process group
 * that nobody can leave. While the program is not reaped its number names that group and nothing
 * else, so the group is killed first and the program reaped afterwards.
 */
#include "hookrun-totals-private.h"
#include "hookrun-broker-private.h"
#include "hookrun-child-private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Killed processes are gone within microseconds, unless they hang in the kernel: nobody is made to
 * wait for those longer than this. */
#define GROUP_PATIENCE_US (10 * G_USEC_PER_SEC)
#define GROUP_RETRY_US 500

HookrunTree *
hookrun_tree_ref (HookrunTree *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
hookrun_tree_unref (HookrunTree *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  if (self->pidfd >= 0)
    close (self->pidfd);
  if (self->listener >= 0)
    close (self->listener);
  if (self->end_fd >= 0)
    close (self->end_fd);
  g_clear_pointer (&self->totals, hookrun_totals_free);
  if (self->cgroup != NULL)
    hookrun_cgroup_give_back (self->cgroup, G_MAXUINT32);
  g_clear_pointer (&self->broker, hookrun_broker_unref);
  g_clear_pointer (&self->follower, hookrun_follower_unref);
  g_clear_pointer (&self->policy, hookrun_policy_unref);
  g_clear_pointer (&self->supervisor, hookrun_supervisor_unref);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* ---- under the lock ---- */

static guint64
microseconds (const struct timeval *time)
{
  return (guint64)time->tv_sec * G_USEC_PER_SEC + (guint64)time->tv_usec;
}

/* What the kernel says about limits that it enforced by itself. */
static HookrunLimit
limit_of_signal (const HookrunTree *self)
{
  const guint64 *limits = self->policy->limits;
  guint64 cpu_us = limits[HOOKRUN_LIMIT_CPU] * 1000;

  if (self->outcome.term_signal == SIGXFSZ)
    return limits[HOOKRUN_LIMIT_FILE_SIZE] != 0 ? HOOKRUN_LIMIT_FILE_SIZE : HOOKRUN_LIMIT_DISK;
  if (self->outcome.term_signal == SIGXCPU ||
      (self->outcome.term_signal == SIGKILL && cpu_us > 0 && self->outcome.cpu_us >= cpu_us))
    return HOOKRUN_LIMIT_CPU;
  return HOOKRUN_LIMIT_NONE;
}

/* A program that failed and met a limit failed for that: when the kernel ended it or refused it
 * something, or when it once occupied more than all were allowed together. */
static HookrunLimit
limit_of_failure (const HookrunTree *self)
{
  guint64 memory = self->policy->limits[HOOKRUN_LIMIT_MEMORY];
  HookrunLimit limit = HOOKRUN_LIMIT_NONE;

  if (self->totals == NULL || (self->outcome.exited && self->outcome.exit_status == 0))
    return HOOKRUN_LIMIT_NONE;
  limit = hookrun_totals_kept (self->totals);
  if (limit == HOOKRUN_LIMIT_NONE && memory != 0 && self->outcome.max_memory > memory)
    limit = HOOKRUN_LIMIT_MEMORY;
  return limit;
}

static void
kill_all (HookrunTree *self)
{
  if (self->cgroup != NULL)
    hookrun_cgroup_kill (self->cgroup);
  kill (-self->pid, SIGKILL);
}

static void
reap (HookrunTree *self, gint64 now)
{
  struct rusage usage;
  int status = 0;
  pid_t reaped;

  self->is_reaped = TRUE;
  self->outcome.wall_us = (guint64)MAX (now - self->started, 0);
  memset (&usage, 0, sizeof usage);
  do
    reaped = wait4 (self->pid, &status, __WALL, &usage);
  while (reaped < 0 && errno == EINTR);
  if (reaped < 0)
    return; /* the host waits for any child, or ignores SIGCHLD: nobody can say how it ended */
  self->outcome.exited = WIFEXITED (status);
  self->outcome.exit_status = self->outcome.exited ? WEXITSTATUS (status) : 0;
  self->outcome.term_signal = WIFSIGNALED (status) ? WTERMSIG (status) : 0;
  self->outcome.cpu_us = microseconds (&usage.ru_utime) + microseconds (&usage.ru_stime);
  self->outcome.max_memory = (guint64)usage.ru_maxrss * 1024;
  if (self->outcome.limit == HOOKRUN_LIMIT_NONE && !self->outcome.stopped)
    self->outcome.limit = limit_of_signal (self);
  if (self->outcome.limit == HOOKRUN_LIMIT_NONE && !self->outcome.stopped)
    self->outcome.limit = limit_of_failure (self);
}

static gboolean
group_is_gone (HookrunTree *self, gint64 now)
{
  if (kill (-self->pid, 0) < 0)
    return TRUE;
  if (self->outcome.left_behind == 0)
    self->outcome.left_behind = MAX (hookrun_totals_count_group (self->pid), 1);
  kill (-self->pid, SIGKILL);
  /* The dead are for the system's first process to bury, which may take its time in a container. */
  if (self->group_until != 0 && !hookrun_totals_group_lives (self->pid))
    return TRUE;
  if (self->group_until == 0)
    self->group_until = now + GROUP_PATIENCE_US;
  if (now < self->group_until)
    return FALSE;
  kill_all (self);
  return TRUE;
}

static void
finish (HookrunTree *self)
{
  guint64 one = 1;

  hookrun_child_guard_remove (self->pid);
  g_clear_pointer (&self->totals, hookrun_totals_free);
  if (self->cgroup != NULL)
    hookrun_cgroup_give_back (g_steal_pointer (&self->cgroup), self->outcome.wall_us);
  self->is_finished = TRUE;
  if (self->end_fd >= 0 && write (self->end_fd, &one, sizeof one) < 0)
    g_assert (errno == EAGAIN);
}

static void
end (HookrunTree *self, gint64 now)
{
  if (self->end_since == 0) {
    self->end_since = now;
    kill (-self->pid, SIGKILL);
  }
  if (!self->is_reaped)
    reap (self, now);
  if (group_is_gone (self, now))
    finish (self);
}

static void
kill_for (HookrunTree *self, HookrunLimit limit)
{
  if (self->end_since != 0)
    return;
  if (limit != HOOKRUN_LIMIT_NONE && self->outcome.limit == HOOKRUN_LIMIT_NONE &&
      !self->outcome.stopped)
    self->outcome.limit = limit;
  if (limit == HOOKRUN_LIMIT_NONE)
    self->outcome.stopped = TRUE;
  kill_all (self);
}

static void
check_limits (HookrunTree *self, gint64 now)
{
  HookrunLimit limit = HOOKRUN_LIMIT_NONE;

  if (self->outcome.limit != HOOKRUN_LIMIT_NONE)
    return;
  if (self->wall_until != 0 && now >= self->wall_until)
    limit = HOOKRUN_LIMIT_WALL;
  else if (self->totals != NULL)
    limit = hookrun_totals_check (self->totals, now);
  if (limit != HOOKRUN_LIMIT_NONE)
    kill_for (self, limit);
  else if (self->kill_at != 0 && now >= self->kill_at)
    kill_for (self, HOOKRUN_LIMIT_NONE);
}

/* ---- from any thread ---- */

gboolean
hookrun_tree_turn (HookrunTree *self, gboolean has_ended, gint64 now)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->is_finished)
    return TRUE;
  if (has_ended || self->end_since != 0)
    end (self, now);
  else
    check_limits (self, now);
  return self->is_finished;
}

gint64
hookrun_tree_next_turn (HookrunTree *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  gint64 next = G_MAXINT64;

  if (self->is_finished)
    return next;
  if (self->end_since != 0)
    return g_get_monotonic_time () + GROUP_RETRY_US;
  if (self->outcome.limit != HOOKRUN_LIMIT_NONE)
    return next;
  if (self->wall_until != 0)
    next = self->wall_until;
  if (self->kill_at != 0)
    next = MIN (next, self->kill_at);
  if (self->totals != NULL)
    next = MIN (next, hookrun_totals_next (self->totals));
  return next;
}

void
hookrun_tree_kill (HookrunTree *self, HookrunLimit limit)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (!self->is_finished)
    kill_for (self, limit);
}

void
hookrun_tree_stop (HookrunTree *self, guint grace_ms)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->is_finished || self->end_since != 0 || self->kill_at != 0)
    return;
  self->outcome.stopped = TRUE;
  self->kill_at = g_get_monotonic_time () + (gint64)grace_ms * 1000;
  kill (-self->pid, SIGTERM);
  kill (-self->pid, SIGCONT);
  hookrun_supervisor_hurry (self->supervisor, self->kill_at);
}

int
hookrun_tree_end_fd (HookrunTree *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->end_fd < 0)
    self->end_fd = eventfd (self->is_finished ? 1 : 0, EFD_CLOEXEC | EFD_NONBLOCK);
  return self->end_fd;
}

gboolean
hookrun_tree_is_finished (HookrunTree *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->is_finished;
}
