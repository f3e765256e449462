/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of HookrunWorker, shared by the files that start it, send calls, take in what it
 * sends, and wait. All members are guarded by its lock; handlers and callbacks run without it.
 */
#pragma once

#include "hookrun-jsonrpc-private.h"
#include "hookrun-worker-io-private.h"
#include "hookrun-worker.h"

G_BEGIN_DECLS

#define HOOKRUN_WORKER_PROTOCOL 1
#define HOOKRUN_WORKER_MAX_MESSAGE (16 * 1024 * 1024)
#define HOOKRUN_WORKER_MAX_QUEUE (64 * 1024 * 1024) /* bytes that wait for a worker to read */
#define HOOKRUN_WORKER_MAX_REQUESTS 1000            /* that wait to be served */
#define HOOKRUN_WORKER_MAX_CALL_REQUESTS 100000     /* during one call */
#define HOOKRUN_WORKER_GRACE_MS 1000
#define HOOKRUN_WORKER_FIRST_BACK_OFF_MS 100
#define HOOKRUN_WORKER_MAX_BACK_OFF_MS 30000
#define HOOKRUN_WORKER_HEALTHY_MS 30000 /* of life, after which earlier crashes are forgotten */

typedef struct _WorkerCall WorkerCall;

/* @result: (nullable) (transfer full), @error: (nullable) (transfer full): one of them is set. */
typedef void (*WorkerCallFunc) (HookrunWorker *worker, JsonNode *result, GError *error,
                                gpointer user_data);

typedef struct {
  const char *method;
  const char *params; /* JSON text of an object on one line */
  guint timeout_ms;   /* 0: no deadline */
  GCancellable *cancellable;
  gpointer tag; /* given with requests that come during the call */
} WorkerCallSpec;

/* What happened under the lock and is to be told without it. */
typedef struct {
  GPtrArray *lines; /* (nullable): of WorkerLine */
  GError *failure;  /* (nullable): why it broke */
  GQueue done;      /* of WorkerCall that nobody waits for */
} WorkerNews;

#define WORKER_NEWS_INIT                                                                           \
  {                                                                                                \
    NULL, NULL, G_QUEUE_INIT                                                                       \
  }

struct _WorkerCall {
  gint64 id;
  HookrunWorker *worker;
  char *method;
  GThread *thread; /* that waits for it in place, or NULL */
  int wake_fd;     /* of a call that is waited for in place, or -1 */
  GSource *source; /* (nullable): of a call that a main context waits for */
  WorkerCallFunc func;
  gpointer user_data;
  gint64 deadline; /* 0: none */
  GCancellable *cancellable;
  gpointer tag;
  GQueue inbox; /* of HookrunWorkerRequest, to be served by who waits */
  guint n_requests;
  guint n_in_service; /* requests taken up and not answered yet: its clock stands */
  gint64 paused_at;
  gboolean is_done;
  JsonNode *result;
  GError *error;
};

struct _HookrunWorkerRequest {
  gatomicrefcount ref_count;
  HookrunWorker *worker;
  gboolean holds_worker; /* FALSE while it waits in an inbox of the worker's */
  guint generation;
  char *own_id; /* (nullable): NULL for a notification */
  char *method;
  JsonNode *params;
  gint64 call; /* 0: of none */
  gpointer tag;
  gboolean is_answered;
};

struct _HookrunWorker {
  GObject parent_instance;

  char *name;
  char **argv;
  char *folder;
  char **additions; /* to any environment */
  char **environment;
  HookrunSandbox *sandbox; /* (nullable) */
  gsize max_message;
  guint grace_ms;
  HookrunWorkerRequestFunc request_func;
  gpointer request_data;
  GDestroyNotify request_destroy;
  void (*start_func) (HookrunWorker *self, gpointer user_data, WorkerNews *news);
  gpointer start_data;

  GMutex lock;
  GMainContext *context;
  GSource *home; /* reads when no call does */
  int poll_fd;   /* epoll: readable when anything of the worker's is */
  gboolean is_running;
  guint generation;              /* counts starts */
  HookrunWorkerProcess *process; /* (nullable): stays after the end, to be waited for */
  HookrunChannel channel;
  HookrunWorkerLog log;
  char *stage; /* (nullable): what it says that it is doing */
  gboolean polls_write;
  gint64 closed_until; /* the connection ended; its process has until then to end as well */
  gint64 hung_at;      /* an answer is overdue; without one by then it is killed */

  gint64 last_id;
  GQueue calls;          /* of WorkerCall, by start; the last is the innermost */
  GHashTable *abandoned; /* ids whose answer nobody wants any more */
  GHashTable *incoming;  /* own ids of requests that were not answered yet */
  GQueue inbox;          /* requests outside of any call */
  guint n_waiting;       /* in all inboxes */
  GArray *free_wake_fds;
  GString *scratch;

  guint n_crashes;
  gint64 started_at;
  gint64 not_before;
};

/* ---- hookrun-worker-start.c: with the lock held ---- */

/* start_func is called with the lock held, too, after each start: it may send detached calls. */
gboolean hookrun_worker_ensure_running (HookrunWorker *self, WorkerNews *news, GError **error);
/* Ends the process at once and all calls with @error, whose text goes on after the worker's name.
 * Takes ownership of @error. */
void hookrun_worker_break (HookrunWorker *self, GError *error, gboolean tell_end, WorkerNews *news);
void hookrun_worker_close (HookrunWorker *self);
/* The same without the lock held, for what only its owner knows to be wrong; nothing if it ended.
 */
void hookrun_worker_stop (HookrunWorker *self, HookrunError code, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* ---- hookrun-worker-messages.c: with the lock held ---- */

#define WORKER_READY_MESSAGES (1u << 0)
#define WORKER_READY_LOG (1u << 1)
#define WORKER_READY_END (1u << 2)

/* What there is to take in, of WORKER_READY_*. */
guint hookrun_worker_get_ready (HookrunWorker *self);
/* Takes it in without waiting, and acts when a time has come. */
void hookrun_worker_take_in (HookrunWorker *self, guint ready, WorkerNews *news);
/* When something is to be done though nothing came; 0: never. */
gint64 hookrun_worker_next_turn (HookrunWorker *self);
void hookrun_worker_send (HookrunWorker *self, const char *text, gsize length, WorkerNews *news);
/* The call is over for its caller; the worker is told, and a late answer is no fault. */
void hookrun_worker_abandon (HookrunWorker *self, WorkerCall *call, GError *error,
                             WorkerNews *news);
void hookrun_worker_add_line (guint level, const char *line, gpointer news);
/* Without the lock: emits the object's signals and ends calls that nobody waits for. */
void hookrun_worker_tell (HookrunWorker *self, WorkerNews *news);

/* ---- hookrun-worker-call.c ---- */

WorkerCall *hookrun_worker_call_begin (HookrunWorker *self, const WorkerCallSpec *spec,
                                       WorkerNews *news, GError **error);
void hookrun_worker_call_done (WorkerCall *call, JsonNode *result, GError *error, WorkerNews *news);
void hookrun_worker_call_wake (WorkerCall *call);
void hookrun_worker_call_free (WorkerCall *call);

/* (transfer full): waits in place. */
JsonNode *hookrun_worker_call_full (HookrunWorker *self, const WorkerCallSpec *spec,
                                    GError **error);
/* @func is called in @context, once. */
void hookrun_worker_call_full_async (HookrunWorker *self, const WorkerCallSpec *spec,
                                     GMainContext *context, WorkerCallFunc func,
                                     gpointer user_data);
/* Sends a call whose answer is looked at by whoever reads it; with the lock held (for start_func).
 * @func is called without it. */
void hookrun_worker_call_detached (HookrunWorker *self, const WorkerCallSpec *spec,
                                   WorkerCallFunc func, gpointer user_data, WorkerNews *news);

/* ---- hookrun-worker-serve.c ---- */

HookrunWorkerRequest *hookrun_worker_request_new (HookrunWorker *self, HookrunRpcMessage *message,
                                                  const WorkerCall *call);
/* Without the lock. */
void hookrun_worker_serve (HookrunWorker *self, HookrunWorkerRequest *request);
gpointer hookrun_worker_request_get_tag (HookrunWorkerRequest *self);

/* ---- for tests and fuzzing ---- */

/* A worker without a process: the other end of @fd (taken) is its worker. */
HookrunWorker *hookrun_worker_new_for_socket (const char *name, int fd);

G_END_DECLS
