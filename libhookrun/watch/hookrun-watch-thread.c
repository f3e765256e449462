/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A thread of ours in somebody's program: the host's signals are for the host's own threads. */
#include "hookrun-watch-thread-private.h"

#include <signal.h>

GThread *
hookrun_watch_thread_start (GThreadFunc work, gpointer data, GError **error)
{
  g_autoptr (GError) problem = NULL;
  sigset_t all, before;
  GThread *thread;

  sigfillset (&all);
  pthread_sigmask (SIG_BLOCK, &all, &before);
  thread = g_thread_try_new ("hookrun-watch", work, data, &problem);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  if (thread == NULL)
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT, "cannot start a thread to watch: %s",
                 problem->message);
  return thread;
}
