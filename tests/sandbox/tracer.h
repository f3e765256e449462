/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a function in a process of its own under ptrace and ends it, lets calls to the kernel fail,
 * or does something else, at the Nth call after it has said that it begins (by raising SIGUSR2).
 */
#pragma once

#include <glib.h>

typedef struct {
  guint kill_at;       /* ended by SIGKILL instead of the Nth call; 0: never */
  guint fail_at;       /* the Nth call fails, if it is one that works on files; 0: never */
  int fail_errno;      /* with this error */
  gboolean go_on;      /* and so do all later calls that would change a file */
  gboolean no_tmpfile; /* as on a filesystem without files that have no name */
  guint act_at;        /* before the Nth call this is done in the test's own process; 0: never */
  void (*act) (gpointer user_data);
  gpointer user_data;
  guint n_calls;   /* out: calls seen */
  gboolean failed; /* out: a call was made to fail */
  gboolean acted;  /* act was called */
  gboolean killed; /* out: it was ended by us */
  int status;      /* out: its exit status */
} TracerPlan;

/* @run's result is the status; it may not use threads. */
void tracer_run (int (*run) (gpointer data), gpointer data, TracerPlan *plan);
