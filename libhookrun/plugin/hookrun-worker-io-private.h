/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a worker is made of below its messages: a process in a group of its own, a socket that is
 * read and written by lines without ever blocking, and the lines that it prints.
 */
#pragma once

#include <sys/types.h>

#include "hookrun-sandbox.h"

G_BEGIN_DECLS

/* ---- process ---- */

#define HOOKRUN_WORKER_FD 3

typedef struct _HookrunWorkerProcess HookrunWorkerProcess;

/* Starts @argv with one end of a socket pair as descriptor 3; @socket gets the other end, @output
 * the reading ends of its standard output and error. @sandbox: (nullable): where it runs. All are
 * close-on-exec and do not block. */
HookrunWorkerProcess *hookrun_worker_process_start (const char *const *argv, const char *folder,
                                                    const char *const *environment,
                                                    HookrunSandbox *sandbox, int *socket,
                                                    int output[2], GError **error);
int hookrun_worker_process_get_pid (HookrunWorkerProcess *self);
/* Readable once the process has ended; -1 without one (@self may be NULL). */
int hookrun_worker_process_get_fd (HookrunWorkerProcess *self);
/* Kills what is left of the group at once. (transfer full): how it ended, for a message. */
char *hookrun_worker_process_kill (HookrunWorkerProcess *self);
/* Begins the end in a thread of its own: @grace_ms to end by itself, then SIGTERM, the same again,
 * then SIGKILL, always to the whole group. */
void hookrun_worker_process_end (HookrunWorkerProcess *self, guint grace_ms);
/* Returns when the group is gone after one of the two above. */
void hookrun_worker_process_wait (HookrunWorkerProcess *self);
HookrunWorkerProcess *hookrun_worker_process_ref (HookrunWorkerProcess *self);
void hookrun_worker_process_unref (HookrunWorkerProcess *self);

/* ---- channel ---- */

typedef enum {
  HOOKRUN_CHANNEL_DATA,
  HOOKRUN_CHANNEL_EMPTY,
  HOOKRUN_CHANNEL_CLOSED,
} HookrunChannelState;

typedef struct {
  int fd;
  gsize max_message;
  gsize max_queue;
  GByteArray *in;
  gsize start;   /* of what was not taken yet in @in */
  gsize scanned; /* bytes after @start known to hold no newline */
  GByteArray *out;
  gsize sent;        /* bytes of @out that are gone */
  gboolean was_full; /* the last read took a whole chunk: there may be more */
  gboolean broken;   /* the other end does not take anything any more */
} HookrunChannel;

/* Takes ownership of @fd. */
void hookrun_channel_init (HookrunChannel *self, int fd, gsize max_message, gsize max_queue);
void hookrun_channel_clear (HookrunChannel *self);
/* Sends or queues; LIMIT when the queue is full. A broken connection is no error here: reading
 * tells. */
gboolean hookrun_channel_send (HookrunChannel *self, const char *data, gsize length,
                               GError **error);
void hookrun_channel_flush (HookrunChannel *self);
gboolean hookrun_channel_wants_write (const HookrunChannel *self);
/* Reads once. */
HookrunChannelState hookrun_channel_fill (HookrunChannel *self);
/* The next whole line without its newline, valid until the next fill; NULL without @error: there is
 * none yet. LIMIT when a line grows too long. */
const char *hookrun_channel_next_line (HookrunChannel *self, gsize *length, GError **error);

/* ---- printed lines ---- */

#define HOOKRUN_WORKER_MAX_LOG_LINE 8192
#define HOOKRUN_WORKER_MAX_LOG_RATE 2000 /* lines a second; more are counted, not kept */

typedef void (*HookrunLogLineFunc) (guint level, const char *line, gpointer user_data);

typedef struct {
  int fds[2];
  GString *partial[2];
  gint64 window; /* start of the current second */
  guint n_lines; /* in it */
  guint n_dropped;
  char *last_words; /* (nullable): the last line of standard error that was not empty */
} HookrunWorkerLog;

/* Takes ownership of both descriptors. */
void hookrun_worker_log_init (HookrunWorkerLog *self, const int fds[2]);
void hookrun_worker_log_clear (HookrunWorkerLog *self);
/* Reads what is there, at most one chunk of each; TRUE when something was closed. */
gboolean hookrun_worker_log_read (HookrunWorkerLog *self, HookrunLogLineFunc func,
                                  gpointer user_data);
/* Whether one more line may pass now; tells through @func how many did not. */
gboolean hookrun_worker_log_admit (HookrunWorkerLog *self, HookrunLogLineFunc func,
                                   gpointer user_data);
/* What was printed without a newline at the end. */
void hookrun_worker_log_finish (HookrunWorkerLog *self, HookrunLogLineFunc func,
                                gpointer user_data);

G_END_DECLS
