/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of the worker loader: one process for each plugin, shared by its activations; handlers
 * that call it; and what it may ask of the host.
 */
#pragma once

#include "hookrun-loader-private.h"
#include "hookrun-worker-private.h"

G_BEGIN_DECLS

#define HOOKRUN_WORKER_CALL_TIMEOUT_MS 30000
#define HOOKRUN_WORKER_ACTIVATE_TIMEOUT_MS 30000
#define HOOKRUN_WORKER_DEACTIVATE_TIMEOUT_MS 5000
#define HOOKRUN_WORKER_MAX_HANDLERS 256 /* of one activation */
#define HOOKRUN_WORKER_MAX_SIGNALS 64
#define HOOKRUN_WORKER_MAX_FIELDS 256

/* A process of one plugin. Its activations share it as far as the same confines them. */
typedef struct {
  HookrunWorker *worker;
  HookrunBounds *bounds; /* (nullable) */
  HookrunPlugin *plugin; /* not owned: it owns this */
  GMutex lock;           /* guards what follows; never held while the worker is called */
  HookrunEngine *engine; /* (nullable): while something is active */
  GPtrArray *activations;
  guint last_number;
} WorkerHost;

/* One activation; kept by the host and by each of its handlers. */
typedef struct {
  WorkerHost *host;
  HookrunPluginContext *context; /* lets go of this when it ends */
  guint number;
  char *subject;
  char *params; /* of plugin.activate, sent again after each restart */
  GMutex lock;
  GPtrArray *handlers; /* of WorkerHandler, borrowed */
  char *problem;       /* (nullable): why the worker could not activate it again */
} WorkerActivation;

typedef struct {
  WorkerActivation *activation; /* (owned) */
  char *name;
  guint timeout_ms;
  int is_disconnected; /* atomic */
} WorkerHandler;

/* A handler that is being called: the tag of the worker's requests meanwhile. */
typedef struct {
  HookrunEvent *event;
  WorkerHandler *handler;
  gboolean is_async;
  gboolean has_proceeded;
} WorkerInvocation;

/* ---- hookrun-loader-worker.c ---- */

WorkerActivation *hookrun_worker_activation_ref (WorkerActivation *self);
void hookrun_worker_activation_unref (WorkerActivation *self);
/* (nullable) (transfer full) */
WorkerActivation *hookrun_worker_host_find (WorkerHost *self, gint64 number);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WorkerActivation, hookrun_worker_activation_unref)

/* ---- hookrun-loader-worker-register.c ---- */

/* Stages what the answer to plugin.activate names. */
gboolean hookrun_worker_register_all (WorkerActivation *self, JsonNode *answer, GError **error);
/* The handlers that the manifest names. */
gboolean hookrun_worker_register_declared (WorkerActivation *self, GError **error);
gboolean hookrun_worker_register_handler (WorkerActivation *self, JsonNode *description,
                                          GError **error);
gboolean hookrun_worker_unregister_handler (WorkerActivation *self, const char *name,
                                            GError **error);

/* ---- hookrun-loader-worker-call.c ---- */

HookrunVerdict hookrun_worker_handle (HookrunEvent *event, gpointer handler);
/* Untrusted: PROTOCOL unless it fits. @patch: (nullable). */
gboolean hookrun_worker_apply_patch (HookrunEvent *event, JsonNode *patch, GError **error);
const char *hookrun_worker_verdict_name (HookrunVerdict verdict);
/* The error of a verdict, with its code where it has a known one; @node: (nullable). */
GError *hookrun_worker_read_error (JsonNode *node);
JsonObject *hookrun_worker_error_to_json (const GError *error);

/* ---- hookrun-loader-worker-methods.c ---- */

void hookrun_worker_serve_request (HookrunWorker *worker, HookrunWorkerRequest *request,
                                   gpointer host);

/* ---- hookrun-loader-worker-python.c ---- */

/* Whether all that @manifest says of its code is a file whose name ends with ".py". */
gboolean hookrun_worker_is_python_file (HookrunManifest *manifest);
/* (transfer full): how to start the worker of @manifest. */
char **hookrun_worker_get_argv (HookrunManifest *manifest);
/* (transfer full) (nullable): the folder of the worker that hosts Python, where that is the program
 * of @manifest. */
char *hookrun_worker_get_python_folder (HookrunManifest *manifest);
/* A manifest for a Python plugin that brings none: @file is its code, or NULL for a module of the
 * name @id. */
HookrunManifest *hookrun_worker_python_manifest (const char *id, const char *file, GError **error);
/* Starts the worker of @manifest, confined as for its activation, and asks which options the plugin
 * adds to a command line: (transfer full): the manifest with them. @info, @users: (nullable): as
 * for its activation. */
HookrunManifest *hookrun_worker_describe (HookrunEngine *engine, HookrunManifest *manifest,
                                          JsonNode *info, HookrunPluginPolicy *users,
                                          GError **error);

/* ---- hookrun-signal-json.c ---- */

/* (transfer full): name, collect_errors, fields. */
JsonNode *hookrun_signal_to_json (const char *name, HookrunSignalFlags flags,
                                  HookrunSchema *schema);
/* (transfer full) all: of what the other side wrote. */
gboolean hookrun_signal_from_json (JsonNode *node, char **name, HookrunSignalFlags *flags,
                                   HookrunSchema **schema, GError **error);

/* ---- hookrun-loader-worker-native.c ---- */

/* (transfer full): the program that hosts native plugins. */
char **hookrun_worker_native_argv (void);
/* (transfer full): what its environment needs besides what the policy makes. */
char **hookrun_worker_native_environment (void);
/* What that program needs to start. */
gboolean hookrun_worker_native_grant (HookrunPolicy *policy, GError **error);
/* Members of plugin.activate for it. */
void hookrun_worker_native_append_params (GString *text, HookrunPluginContext *context);

/* ---- JSON of strangers ---- */

/* NULL when there is none of that name or type. */
const char *hookrun_worker_get_text (JsonNode *object, const char *name);
JsonNode *hookrun_worker_get_member (JsonNode *object, const char *name);

G_END_DECLS
