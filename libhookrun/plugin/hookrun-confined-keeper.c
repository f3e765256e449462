/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Children in a sandbox. The sandbox reaps them itself, together with all that they started, so
 * their end is read from it, and signals go through it: the number of a child may be another's.
 */
#include "hookrun-confined-keeper-private.h"

#include <sys/wait.h>

/* Who asks for a polite end sets the time for it himself and sends SIGKILL afterwards. */
#define GRACE_MS (24 * 60 * 60 * 1000)

static gboolean
keeper_start (const HookrunChildSpec *spec, HookrunChild *child, GError **error)
{
  g_autoptr (HookrunLaunch) launch = hookrun_launch_new (spec->argv);
  HookrunConfined *confined;

  if (spec->environment != NULL)
    hookrun_launch_set_environment (launch, spec->environment);
  hookrun_launch_set_folder (launch, spec->folder);
  for (guint i = 0; i < spec->n_fds; i++)
    if (spec->fds[i] >= 0)
      hookrun_launch_pass_fd (launch, spec->fds[i], (int)i);
  confined = hookrun_sandbox_spawn (spec->place, launch, error);
  if (confined == NULL)
    return FALSE;
  child->pid = hookrun_confined_get_pid (confined);
  child->exit_fd = hookrun_confined_get_end_fd (confined);
  if (child->exit_fd >= 0) {
    child->kept = confined;
    return TRUE;
  }
  g_object_unref (confined);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_IO,
               "cannot watch \"%s\": no more descriptors can be opened", spec->argv[0]);
  return FALSE;
}

static void
keeper_signal (HookrunChild *child, int signal)
{
  if (signal == SIGKILL)
    hookrun_confined_kill (child->kept);
  else if (signal == SIGTERM)
    hookrun_confined_stop (child->kept, GRACE_MS);
}

static gboolean
keeper_reap (HookrunChild *child, gboolean waits, siginfo_t *info, char **limit)
{
  HookrunOutcome *outcome = waits ? hookrun_confined_wait (child->kept, NULL, NULL)
                                  : hookrun_confined_get_outcome (child->kept);
  gboolean is_known;

  if (outcome == NULL)
    return FALSE;
  is_known = outcome->exited || outcome->term_signal != 0;
  info->si_pid = is_known ? child->pid : 0;
  info->si_code = outcome->exited ? CLD_EXITED : CLD_KILLED;
  info->si_status = outcome->exited ? outcome->exit_status : outcome->term_signal;
  if (outcome->limit != HOOKRUN_LIMIT_NONE && *limit == NULL)
    *limit = hookrun_outcome_describe (outcome);
  hookrun_outcome_free (outcome);
  return is_known;
}

/* The last reference: what still runs is killed. */
static void
keeper_clear (HookrunChild *child)
{
  g_clear_object (&child->kept);
}

const HookrunChildKeeper hookrun_confined_keeper = {
    .start = keeper_start,
    .signal = keeper_signal,
    .reap = keeper_reap,
    .clear = keeper_clear,
};
