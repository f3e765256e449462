/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Landlock domains, system call filters and bounding sets belong to threads and are inherited. So a
 * thread of the sandbox confines itself once, and a launch out of it starts confined: nothing is
 * translated, merged or dropped again. The thread keeps its capabilities, which the child gives up,
 * because a change of the host's user must work in all its threads; it does nothing but launch.
 */
#include "hookrun-launcher-private.h"

#include <errno.h>
#include <signal.h>

struct _HookrunLauncher {
  GThread *thread;
  GMutex lock; /* for what follows */
  GCond asked;
  GCond answered;
  gboolean is_ending;
  gboolean is_ready;                   /* confined, or failed */
  const HookrunSandboxChildPlan *plan; /* NULL: nothing to launch */
  gpointer stack_top;
  pid_t pid;
  int pidfd;
  int problem;
  int listener;
};

static void
launch (HookrunLauncher *self)
{
  self->pid = hookrun_sandbox_child_start (self->plan, self->stack_top, &self->pidfd);
  self->problem = self->pid < 0 ? errno : 0;
  self->plan = NULL;
  g_cond_signal (&self->answered);
}

static gpointer
run (gpointer data)
{
  HookrunLauncher *self = data;

  g_mutex_lock (&self->lock);
  self->is_ending = !hookrun_sandbox_child_confine (self->plan, &self->listener);
  self->is_ready = TRUE;
  self->plan = NULL;
  g_cond_signal (&self->answered);
  while (!self->is_ending)
    if (self->plan != NULL)
      launch (self);
    else
      g_cond_wait (&self->asked, &self->lock);
  g_mutex_unlock (&self->lock);
  return NULL;
}

/* Signals of the host are none of this thread's business. */
static GThread *
start_thread (HookrunLauncher *self)
{
  sigset_t all;
  sigset_t before;
  GThread *thread;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  thread = g_thread_try_new ("hookrun-launch", run, self, NULL);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return thread;
}

HookrunLauncher *
hookrun_launcher_new (const HookrunSandboxChildPlan *plan, int *listener)
{
  HookrunLauncher *self = g_new0 (HookrunLauncher, 1);
  gboolean is_confined;

  g_mutex_init (&self->lock);
  g_cond_init (&self->asked);
  g_cond_init (&self->answered);
  self->plan = plan;
  self->listener = -1;
  g_mutex_lock (&self->lock);
  self->thread = start_thread (self);
  while (self->thread != NULL && !self->is_ready)
    g_cond_wait (&self->answered, &self->lock);
  is_confined = self->thread != NULL && !self->is_ending;
  *listener = self->listener;
  g_mutex_unlock (&self->lock);
  if (is_confined)
    return self;
  if (self->thread == NULL)
    plan->report->problem = EAGAIN;
  hookrun_launcher_free (self);
  return NULL;
}

void
hookrun_launcher_free (HookrunLauncher *self)
{
  if (self->thread != NULL) {
    g_mutex_lock (&self->lock);
    self->is_ending = TRUE;
    g_cond_signal (&self->asked);
    g_mutex_unlock (&self->lock);
    g_thread_join (self->thread);
  }
  g_cond_clear (&self->asked);
  g_cond_clear (&self->answered);
  g_mutex_clear (&self->lock);
  g_free (self);
}

pid_t
hookrun_launcher_start (HookrunLauncher *self, const HookrunSandboxChildPlan *plan,
                        gpointer stack_top, int *pidfd)
{
  pid_t pid;

  g_mutex_lock (&self->lock);
  self->plan = plan;
  self->stack_top = stack_top;
  g_cond_signal (&self->asked);
  while (self->plan != NULL)
    g_cond_wait (&self->answered, &self->lock);
  pid = self->pid;
  *pidfd = self->pidfd;
  errno = self->problem;
  g_mutex_unlock (&self->lock);
  return pid;
}
