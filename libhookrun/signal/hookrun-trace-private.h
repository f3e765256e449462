/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The recorder of emissions that a registry shares with its signals. */
#pragma once

#include "hookrun-signal-private.h"

G_BEGIN_DECLS

struct _HookrunTracer {
  int ref_count;    /* atomic */
  int active;       /* atomic */
  HookrunLock lock; /* guards what follows */
  GString *json;    /* the events so far */
  guint n_events;
  guint n_dropped;
};

HookrunTracer *hookrun_tracer_new (void);
HookrunTracer *hookrun_tracer_ref (HookrunTracer *self);
void hookrun_tracer_unref (HookrunTracer *self);
void hookrun_tracer_start (HookrunTracer *self);
char *hookrun_tracer_stop (HookrunTracer *self);

/* One finished span: of @handler, or with NULL of the whole emission. @overlaps says that others of
 * the same thread may lie across it, as for what was pending in an asynchronous emission. */
void hookrun_tracer_add (HookrunTracer *self, HookrunSignal *signal, const HookrunHandler *handler,
                         const char *subject, gint64 started_us, HookrunVerdict verdict,
                         gboolean overlaps);

G_END_DECLS
