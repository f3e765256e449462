/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A run is a walk over a list of handlers from some place to the end: a whole emission, or what
 * a wrapper lets proceed. It lies in a frame of its thread or in an asynchronous run.
 */
#pragma once

#include "hookrun-observer-private.h"
#include "hookrun-signal-private.h"

G_BEGIN_DECLS

typedef struct _HookrunAsync HookrunAsync;
typedef struct _HookrunRun HookrunRun;

struct _HookrunRun {
  HookrunSignal *signal;
  HookrunData *data;
  const char *subject;
  GCancellable *cancellable;
  const HookrunList *list;
  HookrunHandler *const *next; /* handler in the list */

  gboolean traced;                 /* this and what follows is zero between the runs of a frame */
  const HookrunObserver *observer; /* (nullable) */
  gpointer observer_data;
  gboolean is_bare; /* errors stay as handlers gave them: who asked describes them */
  gboolean drains;  /* something was aborted that still has to learn about it */
  HookrunVerdict verdict;
  GError *error;
  GPtrArray *errors;      /* (nullable): those that were collected */
  GMainContext *context;  /* (nullable): for sources of pending handlers */
  HookrunEvent *pending;  /* (nullable) (owned) */
  GSource *timeout;       /* (nullable): of the pending handler */
  GSource *cancel_source; /* (nullable): likewise */
  HookrunAsync *async;    /* (nullable): the run is a part of it */
};

static inline HookrunHandler *const *
hookrun_run_end (const HookrunRun *self)
{
  return self->list->handlers + self->list->n_handlers;
}

G_END_DECLS
