/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What events, runs and emissions share. An event is what one handler of a run sees; a run uses the
 * same one again for the next handler unless somebody kept it.
 */
#pragma once

#include "hookrun-reclaim-private.h"
#include "hookrun-signal-private.h"

G_BEGIN_DECLS

typedef enum {
  HOOKRUN_EVENT_RUNNING,  /* inside its handler */
  HOOKRUN_EVENT_PENDING,  /* the handler returned PENDING */
  HOOKRUN_EVENT_COMPLETE, /* the verdict is known */
  HOOKRUN_EVENT_OVER,     /* the run has gone on; whatever comes is ignored */
} HookrunEventState;

/* While nobody else has a reference, what the event is about is looked up in its run. The first
 * reference copies it into @own, which does not change as long as there are others. */
struct _HookrunEvent {
  int ref_count;    /* atomic */
  gboolean touched; /* there is more to look at than the returned verdict */
  HookrunRun *run;  /* of the emission's thread only; NULL when over */
  gboolean owns;
  struct {
    HookrunSignal *signal;
    HookrunData *data;
    char *subject;
    GCancellable *cancellable;
    HookrunHandler *handler;
  } own;

  HookrunLock lock; /* guards what follows: any thread may complete */
  HookrunEventState state;
  HookrunVerdict verdict;
  GError *error;
  GMainContext *context; /* (nullable): where it is waited for */
  HookrunAsync *async;   /* (nullable): the run to go on with */

  gboolean proceeded;  /* of the emission's thread only, as all below */
  HookrunVerdict rest; /* what the handlers after this one came to */
  GError *rest_error;
  HookrunAsync *rest_async; /* (nullable): they are still under way */
  gint64 started_us;        /* when traced */
  gboolean observed;        /* the observer waits for its end */
};

/* ---- event ---- */

HookrunEvent *hookrun_event_new (void);

/* A reference for the emission itself, from any thread; what the event is about stays borrowed. */
HookrunEvent *hookrun_event_hold (HookrunEvent *self);

/* Makes it independent of its run. */
void hookrun_event_keep (HookrunEvent *self);

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

/* The handler that it belongs to. */
HookrunHandler *hookrun_event_get_handler (const HookrunEvent *self);

/* ---- run ---- */

/* Calls handlers until the run is over (TRUE) or one is pending (FALSE). A pending run that is part
 * of an asynchronous one may go on in another thread at once: do not touch it after FALSE. */
gboolean hookrun_run_step (HookrunRun *self, HookrunFrame *frame);
/* Likewise, when the last handler that was called gave @verdict and that is not the end of it. */
gboolean hookrun_run_take_over (HookrunRun *self, HookrunFrame *frame, HookrunVerdict verdict);
/* Goes on when @pending is complete, until the run is over or pending again. */
gboolean hookrun_run_resume (HookrunRun *self, HookrunFrame *frame);
/* The verdict of a run that is over, its error moves to @error; the run is as new then. */
HookrunVerdict hookrun_run_finish (HookrunRun *self, GError **error);
/* Waits for pending handlers unless it is @over, to the end. @frame is pushed. */
HookrunVerdict hookrun_run_sync (HookrunRun *self, HookrunFrame *frame, gboolean over,
                                 GError **error);
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
