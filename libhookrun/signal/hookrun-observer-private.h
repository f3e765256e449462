/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An emission that is watched handler by handler: a journal lets those that finished before a crash
 * be skipped, and records each that finishes.
 */
#pragma once

#include "hookrun-registry.h"

G_BEGIN_DECLS

typedef struct {
  const char *owner; /* (nullable): name of the scope */
  const char *id;    /* (nullable) */
  guint place;       /* in this emission, from 0 */
} HookrunObserved;

typedef enum {
  HOOKRUN_OBSERVER_CALL,
  HOOKRUN_OBSERVER_SKIP, /* it is not called; *verdict, set by the observer, is taken for its own */
  HOOKRUN_OBSERVER_STOP, /* with @error set: the emission fails here */
} HookrunObserverChoice;

/* Called in the thread of the emission, around each handler that would run; for one that wraps
 * others, around all of them. @verdict is never PENDING: after comes when the handler has ended. */
typedef struct {
  HookrunObserverChoice (*before) (const HookrunObserved *handler, HookrunVerdict *verdict,
                                   gpointer user_data, GError **error);
  /* FALSE, with @error set: the emission fails here. */
  gboolean (*after) (const HookrunObserved *handler, HookrunVerdict verdict, gpointer user_data,
                     GError **error);
} HookrunObserver;

HookrunVerdict hookrun_signal_emit_observed (HookrunSignal *self, const char *subject,
                                             HookrunData *data, GCancellable *cancellable,
                                             const HookrunObserver *observer, gpointer user_data,
                                             GError **error);

G_END_DECLS
