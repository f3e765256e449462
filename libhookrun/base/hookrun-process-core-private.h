/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of a running program, shared by the files that start, drive and watch it. */
#pragma once

#include "hookrun-process-private.h"

G_BEGIN_DECLS

#define HOOKRUN_PROCESS_READY_END (1u << 3)

typedef enum {
  HOOKRUN_PROCESS_RUNNING,
  HOOKRUN_PROCESS_TERMINATING, /* SIGTERM was sent */
  HOOKRUN_PROCESS_KILLING,     /* SIGKILL was sent */
  HOOKRUN_PROCESS_DONE,
} HookrunProcessPhase;

struct _HookrunProcess {
  HookrunChild child;
  int streams[3]; /* by HookrunProcessStream; -1: closed */
  GString *buffers[3];
  char *chunk;
  GString *tail;
  gsize output_total;
  gsize line_total; /* what the lines cost beside their bytes */
  gboolean is_flood;
  gsize result_total;
  gsize max_output;
  gsize max_result;
  guint timeout_ms;
  guint kill_after_ms;
  guint linger_ms;
  gint64 deadline; /* monotonic microseconds; 0: none */
  gint64 phase_until;
  gint64 linger_until;
  HookrunProcessPhase phase;
  gboolean has_ended;
  HookrunProcessEnd end;
  int exit_status;
  int term_signal;
  char *limit; /* (nullable): which limit of its sandbox ended it, in words */
  HookrunProcessLineFunc line;
  gpointer user_data;
};

gboolean hookrun_process_turn (HookrunProcess *self, guint ready, gboolean is_cancelled);
gint64 hookrun_process_next_turn (const HookrunProcess *self);

G_END_DECLS
