/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that speaks JSON-RPC 2.0, one message a line, on an inherited socket. What it sends is
 * untrusted; whatever it does, its host sees an error of this worker and nothing else.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-plugin.h"
#include "hookrun-sandbox.h"

G_BEGIN_DECLS

/**
 * HookrunWorker:
 *
 * A process that speaks JSON-RPC 2.0, one message a line, on an inherited socket. What it sends is
 * untrusted: whatever it does is an error of this worker and nothing else. Calls may come from any
 * thread.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_WORKER (hookrun_worker_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunWorker, hookrun_worker, HOOKRUN, WORKER, GObject)

/**
 * HookrunWorkerRequest:
 *
 * A request or notification of a worker that waits for its answer. It may be answered from any
 * thread.
 *
 * Since: 1.0
 */
typedef struct _HookrunWorkerRequest HookrunWorkerRequest;

#define HOOKRUN_TYPE_WORKER_REQUEST (hookrun_worker_request_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_worker_request_get_type (void);

/**
 * HookrunWorkerRequestFunc:
 * @worker: the worker
 * @request: what it asks for; keep a reference to answer later
 * @user_data: what was given to hookrun_worker_set_request_handler()
 *
 * Serves a request of a worker: while a call waits, in the thread of that call; otherwise in the
 * main context that was the thread's default where the worker was made.
 *
 * Since: 1.0
 */
typedef void (*HookrunWorkerRequestFunc) (HookrunWorker *worker, HookrunWorkerRequest *request,
                                          gpointer user_data);

HOOKRUN_AVAILABLE_IN_1_0
HookrunWorker *hookrun_worker_new (const char *name, const char *const *argv, const char *folder,
                                   const char *const *environment);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_worker_get_name (HookrunWorker *self);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_worker_is_running (HookrunWorker *self);
/* 0 when it does not run */
HOOKRUN_AVAILABLE_IN_1_0
int hookrun_worker_get_pid (HookrunWorker *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_worker_set_max_message (HookrunWorker *self, gsize max_message);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_worker_set_grace_ms (HookrunWorker *self, guint grace_ms);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_worker_set_request_handler (HookrunWorker *self, HookrunWorkerRequestFunc func,
                                         gpointer user_data, GDestroyNotify destroy);

HOOKRUN_AVAILABLE_IN_1_0
void hookrun_worker_set_sandbox (HookrunWorker *self, HookrunSandbox *sandbox);

/* Starts it when it does not run; calls do that by themselves. */
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_worker_start (HookrunWorker *self, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_worker_call (HookrunWorker *self, const char *method, JsonNode *params,
                               guint timeout_ms, GCancellable *cancellable, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_worker_call_async (HookrunWorker *self, const char *method, JsonNode *params,
                                guint timeout_ms, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_worker_call_finish (HookrunWorker *self, GAsyncResult *result, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_worker_notify (HookrunWorker *self, const char *method, JsonNode *params,
                                GError **error);
/* Begins the end and returns at once. */
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_worker_terminate (HookrunWorker *self);
/* Waits until the process of the last terminate is gone: at most twice the grace. */
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_worker_wait (HookrunWorker *self);

HOOKRUN_AVAILABLE_IN_1_0
HookrunWorkerRequest *hookrun_worker_request_ref (HookrunWorkerRequest *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_worker_request_unref (HookrunWorkerRequest *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_worker_request_get_method (HookrunWorkerRequest *self);
/* (nullable) (transfer none): an object */
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_worker_request_get_params (HookrunWorkerRequest *self);
/* Whether nobody waits for an answer. */
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_worker_request_is_notification (HookrunWorkerRequest *self);
/* One of these, once. @result: (nullable): NULL is JSON null. */
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_worker_request_answer (HookrunWorkerRequest *self, JsonNode *result);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_worker_request_fail (HookrunWorkerRequest *self, const GError *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunWorkerRequest, hookrun_worker_request_unref)

/* ---- the other end ---- */

/* Serves the protocol with native plugins until the host closes @fd. */
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_worker_serve_native (int fd, GError **error);

G_END_DECLS
