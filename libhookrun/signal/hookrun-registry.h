/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signals by name, the handlers connected to them, and the scopes that own those connections.
 * Whatever happens is an emission of a signal; whatever reacts is a handler.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include <gio/gio.h>

#include "hookrun-data.h"

G_BEGIN_DECLS

/**
 * HookrunVerdict:
 * @HOOKRUN_CONTINUE: go on with the next handler
 * @HOOKRUN_HANDLED: done; the handlers after this one, the default among them, do not run
 * @HOOKRUN_FAILED: a veto or failure; the reason was set with [method@Hookrun.Event.fail]
 * @HOOKRUN_PENDING: the handler goes on elsewhere and will call [method@Hookrun.Event.complete]
 *
 * What a handler says, and what a whole emission came to.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_CONTINUE,
  HOOKRUN_HANDLED,
  HOOKRUN_FAILED,
  HOOKRUN_PENDING,
} HookrunVerdict;

#define HOOKRUN_TYPE_VERDICT (hookrun_verdict_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_verdict_get_type (void);

/**
 * HookrunSignalFlags:
 * @HOOKRUN_SIGNAL_NONE: stop at the first failure
 * @HOOKRUN_SIGNAL_COLLECT_ERRORS: run all handlers, then fail with all their errors
 *
 * How a signal behaves.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_SIGNAL_NONE = 0,
  HOOKRUN_SIGNAL_COLLECT_ERRORS = 1 << 0,
} HookrunSignalFlags;

#define HOOKRUN_TYPE_SIGNAL_FLAGS (hookrun_signal_flags_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_signal_flags_get_type (void);

/**
 * HookrunRegistry:
 *
 * Holds signals by their names. All its functions may be called from any thread.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_REGISTRY (hookrun_registry_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunRegistry, hookrun_registry, HOOKRUN, REGISTRY, GObject)

/**
 * HookrunSignal:
 *
 * Something that happens, with its declared fields and the handlers that react, in order.
 * Connecting, disconnecting and emitting are safe from any thread and from inside handlers.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_SIGNAL (hookrun_signal_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunSignal, hookrun_signal, HOOKRUN, SIGNAL, GObject)

/**
 * HookrunScope:
 *
 * Owns connections: closing it, or its last unref, disconnects all of them and returns when none of
 * their handlers runs in another thread any more. A scope may be closed from any thread.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_SCOPE (hookrun_scope_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunScope, hookrun_scope, HOOKRUN, SCOPE, GObject)

/**
 * HookrunEvent:
 *
 * One handler's view of one emission: the data, and the ways to fail, to wrap the handlers after it
 * and to finish later. It is valid while the handler runs; a handler that finishes later keeps a
 * reference.
 *
 * Since: 1.0
 */
typedef struct _HookrunEvent HookrunEvent;
#define HOOKRUN_TYPE_EVENT (hookrun_event_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_event_get_type (void);

/**
 * HookrunHandlerFunc:
 * @event: the event
 * @user_data: what was given when the handler was connected
 *
 * A handler. It runs in the thread of the emission. It may change the data, emit, connect and
 * disconnect, close scopes, and call [method@Hookrun.Event.proceed] to run the handlers after it.
 *
 * Returns: what became of it
 *
 * Since: 1.0
 */
typedef HookrunVerdict (*HookrunHandlerFunc) (HookrunEvent *event, gpointer user_data);

/**
 * HookrunHandlerOptions:
 * @before: (nullable) (array zero-terminated=1): ids of handlers that this one runs before
 * @after: (nullable) (array zero-terminated=1): ids of handlers that this one runs after
 * @replaces: (nullable): id of the handler whose place this one takes
 * @subject: (nullable): runs only in emissions for this subject (a package or module)
 * @priority: coarse order where names decide nothing; lower runs earlier; 0 is usual
 * @timeout_ms: milliseconds that a pending or out-of-process handler may take; 0: no limit but the
 *   one that the loader of an out-of-process handler has
 * @is_default: this is the signal's default action: it runs after all others
 *
 * How a handler is placed. All zero is a plain handler.
 *
 * Since: 1.0
 */
typedef struct {
  const char *const *before;
  const char *const *after;
  const char *replaces;
  const char *subject;
  int priority;
  guint timeout_ms;
  gboolean is_default;
} HookrunHandlerOptions;

#define HOOKRUN_TYPE_HANDLER_OPTIONS (hookrun_handler_options_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_handler_options_get_type (void);
HOOKRUN_AVAILABLE_IN_1_0
HookrunHandlerOptions *hookrun_handler_options_new (const char *const *before,
                                                    const char *const *after, const char *replaces,
                                                    const char *subject);
HOOKRUN_AVAILABLE_IN_1_0
HookrunHandlerOptions *hookrun_handler_options_copy (const HookrunHandlerOptions *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_handler_options_free (HookrunHandlerOptions *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunHandlerOptions, hookrun_handler_options_free)

/* ---- registry ---- */

HOOKRUN_AVAILABLE_IN_1_0
HookrunRegistry *hookrun_registry_new (void);
/* (transfer none); EXISTS when the name is taken with other fields or flags; the same definition
 * again gives the same signal. INVALID for a malformed name or field. */
HOOKRUN_AVAILABLE_IN_1_0
HookrunSignal *hookrun_registry_define (HookrunRegistry *self, const char *name,
                                        HookrunSignalFlags flags, const HookrunField *fields,
                                        gsize n_fields, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunSignal *hookrun_registry_define_with_schema (HookrunRegistry *self, const char *name,
                                                    HookrunSignalFlags flags, HookrunSchema *schema,
                                                    GError **error);
/* (transfer none) (nullable) */
HOOKRUN_AVAILABLE_IN_1_0
HookrunSignal *hookrun_registry_lookup (HookrunRegistry *self, const char *name);
/* (transfer full): sorted names */
HOOKRUN_AVAILABLE_IN_1_0
char **hookrun_registry_list_signals (HookrunRegistry *self);
/* Connects to a signal by name; NOT_FOUND names the nearest one. 0 on error. */
HOOKRUN_AVAILABLE_IN_1_0
guint64 hookrun_registry_connect (HookrunRegistry *self, const char *signal, HookrunScope *owner,
                                  const char *id, const HookrunHandlerOptions *options,
                                  HookrunHandlerFunc func, gpointer user_data,
                                  GDestroyNotify destroy, GError **error);
/* All emissions of this registry are recorded until stop; the JSON is the Trace Event Format. */
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_registry_start_trace (HookrunRegistry *self);
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_registry_stop_trace (HookrunRegistry *self);

/* ---- signal ---- */

HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_signal_get_name (HookrunSignal *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunSchema *hookrun_signal_get_schema (HookrunSignal *self);
HOOKRUN_AVAILABLE_IN_1_0
guint64 hookrun_signal_connect (HookrunSignal *self, HookrunScope *owner, const char *id,
                                const HookrunHandlerOptions *options, HookrunHandlerFunc func,
                                gpointer user_data, GDestroyNotify destroy, GError **error);
/* Honoured by emissions that are under way. FALSE when @handler is not connected. */
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_signal_disconnect (HookrunSignal *self, guint64 handler);
/* (transfer full): one JSON array: id, owner, subject, priority, reason of its place */
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_signal_list_handlers (HookrunSignal *self, const char *subject);
/* @data may be NULL. CONTINUE (nobody claimed it), HANDLED, or FAILED with @error. */
HOOKRUN_AVAILABLE_IN_1_0
HookrunVerdict hookrun_signal_emit (HookrunSignal *self, HookrunData *data, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunVerdict hookrun_signal_emit_for (HookrunSignal *self, const char *subject, HookrunData *data,
                                        GCancellable *cancellable, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_signal_emit_async (HookrunSignal *self, const char *subject, HookrunData *data,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data);
HOOKRUN_AVAILABLE_IN_1_0
HookrunVerdict hookrun_signal_emit_finish (HookrunSignal *self, GAsyncResult *result,
                                           GError **error);

/* ---- event: one emission as its handler sees it ---- */

HOOKRUN_AVAILABLE_IN_1_0
HookrunEvent *hookrun_event_ref (HookrunEvent *event);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_event_unref (HookrunEvent *event);
HOOKRUN_AVAILABLE_IN_1_0
HookrunSignal *hookrun_event_get_signal (HookrunEvent *event);
HOOKRUN_AVAILABLE_IN_1_0
HookrunData *hookrun_event_get_data (HookrunEvent *event);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_event_get_subject (HookrunEvent *event);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_event_get_handler_id (HookrunEvent *event);
/* Milliseconds that this handler has; 0: no limit. */
HOOKRUN_AVAILABLE_IN_1_0
guint hookrun_event_get_timeout_ms (HookrunEvent *event);
/* (nullable): follow it in long work. */
HOOKRUN_AVAILABLE_IN_1_0
GCancellable *hookrun_event_get_cancellable (HookrunEvent *event);
/* The context where a handler that returns PENDING attaches its sources: the emitter's in an
 * asynchronous emission, a private one that the emission iterates in a synchronous one. */
HOOKRUN_AVAILABLE_IN_1_0
GMainContext *hookrun_event_get_context (HookrunEvent *event);
/* Runs the handlers after this one now and gives their verdict: the caller wraps them. They do not
 * run again when it returns. */
HOOKRUN_AVAILABLE_IN_1_0
HookrunVerdict hookrun_event_proceed (HookrunEvent *event);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_event_proceed_async (HookrunEvent *event, GAsyncReadyCallback callback,
                                  gpointer user_data);
HOOKRUN_AVAILABLE_IN_1_0
HookrunVerdict hookrun_event_proceed_finish (HookrunEvent *event, GAsyncResult *result);
/* Sets the reason and gives FAILED: `return hookrun_event_fail (event, CODE, "…");`. */
HOOKRUN_AVAILABLE_IN_1_0
HookrunVerdict hookrun_event_fail (HookrunEvent *event, HookrunError code, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
HOOKRUN_AVAILABLE_IN_1_0
HookrunVerdict hookrun_event_fail_literal (HookrunEvent *event, HookrunError code,
                                           const char *message);
/* The same with an error of your own; takes ownership of @error. */
HOOKRUN_AVAILABLE_IN_1_0
HookrunVerdict hookrun_event_take_error (HookrunEvent *event, GError *error);
/* The error that the handlers after a wrapper left, after proceed gave FAILED; (transfer none). */
HOOKRUN_AVAILABLE_IN_1_0
const GError *hookrun_event_get_error (HookrunEvent *event);
/* Ends a PENDING handler with any verdict but PENDING. Once; from any thread. */
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_event_complete (HookrunEvent *event, HookrunVerdict verdict);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunEvent, hookrun_event_unref)

/* ---- scope ---- */

/* @name: who owns the connections, for messages and list_handlers (a plugin's id). */
HOOKRUN_AVAILABLE_IN_1_0
HookrunScope *hookrun_scope_new (const char *name);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_scope_get_name (HookrunScope *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_scope_close (HookrunScope *self);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_scope_is_closed (HookrunScope *self);

G_END_DECLS
