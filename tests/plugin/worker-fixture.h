/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A worker of the evil program with the lines it logged and how often it failed. */
#pragma once

#include "hookrun-worker-private.h"

typedef struct {
  HookrunWorker *worker;
  GPtrArray *lines;
  guint n_failures;
  guint n_requests;
  gboolean call_back; /* the host calls the worker while it serves it */
} WorkerFixture;

void worker_fixture_set_up (WorkerFixture *fixture, gconstpointer mode);
/* Waits for the end and makes sure that no zombie is left. */
void worker_fixture_tear_down (WorkerFixture *fixture, gconstpointer mode);
/* The worker answers, from the process that it has now. */
void worker_fixture_expect_good (WorkerFixture *fixture);
/* "LEVEL:TEXT" */
gboolean worker_fixture_has_line (WorkerFixture *fixture, const char *line);
