/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process of a worker: started without a copy of the host's memory, in a session of its own,
 * and ended as a whole group. Its pid is not given back before the group was killed, so no signal
 * can reach a stranger.
 */
#include "hookrun-confined-keeper-private.h"
#include "hookrun-error-private.h"
#include "hookrun-worker-io-private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_CHILD_FDS (HOOKRUN_WORKER_FD + 1)
#define KILL_WAIT_MS 1000

struct _HookrunWorkerProcess {
  gatomicrefcount ref_count;
  HookrunChild child;
  guint grace_ms;
  GMutex lock;
  GCond ended;
  gboolean has_ended;
};

/* ---- starting ---- */

static gboolean
open_all (int child[N_CHILD_FDS], int parent[N_CHILD_FDS])
{
  child[STDIN_FILENO] = hookrun_child_lift (open ("/dev/null", O_RDONLY | O_CLOEXEC));
  return child[STDIN_FILENO] >= 0 &&
         hookrun_child_open_pair (FALSE, &parent[STDOUT_FILENO], &child[STDOUT_FILENO]) &&
         hookrun_child_open_pair (FALSE, &parent[STDERR_FILENO], &child[STDERR_FILENO]) &&
         hookrun_child_open_pair (TRUE, &parent[HOOKRUN_WORKER_FD], &child[HOOKRUN_WORKER_FD]);
}

static HookrunWorkerProcess *
process_new (const HookrunChild *child)
{
  HookrunWorkerProcess *self = g_new0 (HookrunWorkerProcess, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->child = *child;
  g_mutex_init (&self->lock);
  g_cond_init (&self->ended);
  return self;
}

HookrunWorkerProcess *
hookrun_worker_process_start (const char *const *argv, const char *folder,
                              const char *const *environment, HookrunSandbox *sandbox, int *socket,
                              int output[2], GError **error)
{
  int child[N_CHILD_FDS] = {-1, -1, -1, -1};
  int parent[N_CHILD_FDS] = {-1, -1, -1, -1};
  HookrunChildSpec spec = {argv,   environment, folder,
                           child,  N_CHILD_FDS, sandbox != NULL ? &hookrun_confined_keeper : NULL,
                           sandbox};
  HookrunChild started;
  gboolean ok = FALSE;

  if (open_all (child, parent)) {
    ok = hookrun_child_spawn (&spec, &started, error);
  } else {
    hookrun_set_error_from_errno (error, errno, "cannot prepare to run \"%s\"", argv[0]);
    hookrun_child_close_all (child, N_CHILD_FDS);
  }
  if (!ok) {
    hookrun_child_close_all (parent, N_CHILD_FDS);
    return NULL;
  }
  *socket = parent[HOOKRUN_WORKER_FD];
  output[0] = parent[STDOUT_FILENO];
  output[1] = parent[STDERR_FILENO];
  return process_new (&started);
}

int
hookrun_worker_process_get_pid (HookrunWorkerProcess *self)
{
  return self->child.pid;
}

int
hookrun_worker_process_get_fd (HookrunWorkerProcess *self)
{
  return self != NULL ? self->child.exit_fd : -1;
}

/* ---- ending ---- */

static gboolean
wait_for_end (HookrunWorkerProcess *self, int timeout_ms)
{
  gint64 until = g_get_monotonic_time () + (gint64)timeout_ms * 1000;

  for (;;) {
    struct pollfd fd = {self->child.exit_fd, POLLIN, 0};
    gint64 rest = timeout_ms < 0 ? -1 : MAX (until - g_get_monotonic_time () + 999, 0) / 1000;
    int n = poll (&fd, 1, (int)rest);

    if (n >= 0)
      return n > 0;
    if (errno != EINTR)
      return FALSE;
  }
}

static void
set_ended (HookrunWorkerProcess *self)
{
  g_mutex_lock (&self->lock);
  self->has_ended = TRUE;
  g_cond_broadcast (&self->ended);
  g_mutex_unlock (&self->lock);
}

static void
kill_group_and_reap (HookrunWorkerProcess *self, siginfo_t *info, char **limit)
{
  hookrun_child_signal (&self->child, SIGKILL);
  hookrun_child_reap (&self->child, TRUE, info, limit);
}

static gpointer
end_in_thread (gpointer data)
{
  HookrunWorkerProcess *self = data;
  g_autofree char *limit = NULL;
  siginfo_t info;

  if (!wait_for_end (self, (int)self->grace_ms)) {
    hookrun_child_signal (&self->child, SIGTERM);
    hookrun_child_signal (&self->child, SIGCONT);
    wait_for_end (self, (int)self->grace_ms);
  }
  kill_group_and_reap (self, &info, &limit);
  set_ended (self);
  hookrun_worker_process_unref (self);
  return NULL;
}

void
hookrun_worker_process_end (HookrunWorkerProcess *self, guint grace_ms)
{
  self->grace_ms = grace_ms;
  g_thread_unref (
      g_thread_new ("hookrun-worker", end_in_thread, hookrun_worker_process_ref (self)));
}

static char *
describe_end (const siginfo_t *info, gboolean was_alive)
{
  if (info->si_pid == 0)
    return g_strdup ("ended (the host's own handling of SIGCHLD took its status away)");
  if (info->si_code == CLD_EXITED)
    return g_strdup_printf ("exited with status %d", info->si_status);
  if (was_alive && info->si_status == SIGKILL)
    return g_strdup ("went on running and was killed");
  return g_strdup_printf ("was ended by signal %d (%s)", info->si_status,
                          strsignal (info->si_status));
}

char *
hookrun_worker_process_kill (HookrunWorkerProcess *self)
{
  g_autofree char *limit = NULL;
  siginfo_t info;
  gboolean was_alive = !wait_for_end (self, 0);

  hookrun_child_signal (&self->child, SIGKILL);
  if (!wait_for_end (self, KILL_WAIT_MS)) {
    hookrun_worker_process_end (self, 0);
    return g_strdup ("cannot be killed at the moment");
  }
  kill_group_and_reap (self, &info, &limit);
  set_ended (self);
  return limit != NULL ? g_steal_pointer (&limit) : describe_end (&info, was_alive);
}

void
hookrun_worker_process_wait (HookrunWorkerProcess *self)
{
  g_mutex_lock (&self->lock);
  while (!self->has_ended)
    g_cond_wait (&self->ended, &self->lock);
  g_mutex_unlock (&self->lock);
}

HookrunWorkerProcess *
hookrun_worker_process_ref (HookrunWorkerProcess *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
hookrun_worker_process_unref (HookrunWorkerProcess *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  hookrun_child_clear (&self->child);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->ended);
  g_free (self);
}
