/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a program under ptrace and ends it, or lets calls to the kernel fail, at the Nth call after
 * the program has said that it begins (by raising SIGUSR2).
 */
#pragma once

#include <glib.h>

typedef struct {
  guint kill_at;   /* ended by SIGKILL instead of the Nth call; 0: never */
  guint fail_at;   /* the Nth call fails, if it is one that works on files; 0: never */
  int fail_errno;  /* with this error */
  gboolean go_on;  /* and so do all later calls that would change a file */
  guint n_calls;   /* out: calls seen */
  gboolean failed; /* out: a call was made to fail */
  gboolean killed; /* out: it was ended by us */
  int status;      /* out: its exit status */
} TracerPlan;

void tracer_run (const char *const *argv, TracerPlan *plan);
