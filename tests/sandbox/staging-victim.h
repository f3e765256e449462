/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A job on staged files that a test watches, ends or disturbs from outside. */
#pragma once

#include <hookrun.h>

typedef struct {
  const char *name; /* apply, keep, undo or recover */
  const char *state;
  const char *targets;
  const char *stage;
} StagingJob;

/* For tracer_run(): 0 done, 1 failed, 2 no such job. */
int staging_victim_run (gpointer data);
