/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What events, runs and the emission share. A run is a walk over a list of handlers from some
 * position to the end: a whole emission, or what a wrapper lets proceed. An event is what one
 * handler of a run sees; runs use the same one again for the next handler unless somebody kept it.
 */
#pragma once

#include "hookrun-observer-private.h"
#include "hookrun-reclaim-private.h"
#include "hookrun-signal-private.h"

G_BEGIN_DECLS

typedef struct _HookrunRun HookrunRun;
typedef struct _HookrunAsync HookrunAsync;

typedef enum {
  HOOKRUN_EVENT_RUNNING,  /* inside its handler */
  HOOKRUN_EVENT_PENDING,  /* the handler returned PENDING */
  HOOKRUN_EVENT_COMPLETE, /* the verdict is known */
  HOOKRUN_EVENT_OVER,     /* the run has gone on; whatever comes is ignored */
} HookrunEventState;

struct _HookrunEvent {
  int ref_count;         /* atomic */
  gboolean touched;      /* there is more to look at than the returned verdict */
  gboolean owns;         /* holds references of what follows */
  HookrunSignal *signal; /* these five do not change while somebody else has a reference */
  HookrunData *data;
  const char *subject;
  GCancellable *cancellable;
  HookrunHandler *handler;

  HookrunLock lock; /* guards what follows: any thread may complete */
  HookrunEventState state;
  HookrunVerdict verdict;
  GError *error;
  GMainContext *context; /* (nullable): where it is waited for */
  HookrunAsync *async;   /* (nullable): the run to go on with */

  HookrunRun *run; /* of the emission's thread only; NULL when over */
  gboolean proceeded;
  HookrunVerdict rest; /* what the handlers after this one came to */
  GError *rest_error;
  HookrunAsync *rest_async; /* (nullable): they are still under way */
  gint64 started_us;        /* when traced */
  gboolean observed;        /* the observer waits for its end */
};

struct _HookrunRun {
  HookrunSignal *signal;
  HookrunData *data;
  const char *subject;
  GCancellable *cancellable;
  const HookrunList *list;
  guint position; /* of the next handler */
  gboolean collects;
  gboolean traced;
  gboolean watched; /* traced or observed: the one question of the fast path */
  const HookrunObserver *observer; /* (nullable) */
  gpointer observer_data;
  gboolean drains; /* something was aborted that still has to learn about it */
  HookrunVerdict verdict;
  GError *error;
  GPtrArray *errors;      /* (nullable): those that were collected */
  GMainContext *context;  /* (nullable): for sources of pending handlers */
  HookrunEvent *pending;  /* (nullable) (owned) */
  GSource *timeout;       /* (nullable): of the pending handler */
  GSource *cancel_source; /* (nullable): likewise */
  HookrunAsync *async;    /* (nullable): the run is a part of it */
};

/* ---- event ---- */

HookrunEvent *hookrun_event_new (void);

/* A reference for the emission itself, from any thread; what the event is about stays borrowed. */
HookrunEvent *hookrun_event_hold (HookrunEvent *self);

/* The first of complete, timeout, cancellation and closing of a scope wins. Takes ownership of
 * @error. */
void hookrun_event_settle (HookrunEvent *self, HookrunVerdict verdict, GError *error);
/* The handler is over with its return value; whatever comes from others now is too late. */
void hookrun_event_close (HookrunEvent *self);
/* FALSE when it is complete already: then the verdict is in @verdict. */
gboolean hookrun_event_suspend (HookrunEvent *self, GMainContext *context, HookrunAsync *async);
gboolean hookrun_event_is_complete (HookrunEvent *self, HookrunVerdict *verdict);

/* Consumes @self: gives it back as new or, when somebody kept it, NULL. */
HookrunEvent *hookrun_event_recycle (HookrunEvent *self);

/* ---- run ---- */

/* Calls handlers until the run is over (TRUE) or one is pending (FALSE). A pending run that is part
 * of an asynchronous one may go on in another thread at once: do not touch it after FALSE. */
gboolean hookrun_run_step (HookrunRun *self, HookrunFrame *frame);
/* Goes on when @pending is complete, until the run is over or pending again. */
gboolean hookrun_run_resume (HookrunRun *self, HookrunFrame *frame);
/* The verdict of a run that is over; its error moves to @error. */
HookrunVerdict hookrun_run_finish (HookrunRun *self, GError **error);
/* Runs to the end in this thread, waiting for pending handlers. @frame is pushed. */
HookrunVerdict hookrun_run_sync (HookrunRun *self, HookrunFrame *frame, GError **error);
GMainContext *hookrun_run_ensure_context (HookrunRun *self);

/* ---- asynchronous run ---- */

/* Starts a run like @start, where it stands. With @wraps (nullable) the verdict is left in that
 * event for its wrapper. @task (transfer full) returns the verdict or, unless @wraps, an error. */
HookrunAsync *hookrun_async_start (const HookrunRun *start, GMainContext *context,
                                   HookrunEvent *wraps, GTask *task);
HookrunAsync *hookrun_async_ref (HookrunAsync *self);
void hookrun_async_unref (HookrunAsync *self);
/* Goes on in @context; takes the reference. */
void hookrun_async_wake (HookrunAsync *self, GMainContext *context);
/* Tells which event a run waits for, so that it can be aborted. */
void hookrun_async_set_pending (HookrunAsync *self, HookrunEvent *event);
/* Ends it early, from any thread: its pending handler counts as cancelled, no other runs. */
void hookrun_async_abort (HookrunAsync *self);
gboolean hookrun_async_is_aborted (HookrunAsync *self);

/* ---- emission ---- */

/* (transfer full): @cause (transfer full) (nullable) with plugin, handler and signal before it. */
GError *hookrun_emission_describe_error (HookrunSignal *signal, const HookrunHandler *handler,
                                         GError *cause);
/* Whether @data has the signal's schema and all that it requires. */
gboolean hookrun_emission_check_data (HookrunSignal *signal, HookrunData *data, GError **error);

G_END_DECLS
