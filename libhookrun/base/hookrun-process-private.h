/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs one program: argument vector, session of its own, clean descriptors, input from memory,
 * output by lines with a limit, a result on descriptor 3, a deadline that kills the whole group.
 */
#pragma once

#include <gio/gio.h>

#include "hookrun-child-private.h"
#include "hookrun-error.h"

G_BEGIN_DECLS

#define HOOKRUN_PROCESS_RESULT_FD 3

typedef enum {
  HOOKRUN_PROCESS_OUTPUT,
  HOOKRUN_PROCESS_ERRORS,
  HOOKRUN_PROCESS_RESULT,
} HookrunProcessStream;

typedef enum {
  HOOKRUN_PROCESS_EXITED,       /* by itself: see the exit status */
  HOOKRUN_PROCESS_KILLED,       /* by a signal that we did not send: see the signal */
  HOOKRUN_PROCESS_TIMED_OUT,    /* the deadline passed, its group was killed */
  HOOKRUN_PROCESS_CANCELLED,    /* the caller cancelled, its group was killed */
  HOOKRUN_PROCESS_OUTPUT_LIMIT, /* it wrote too much, its group was killed */
  HOOKRUN_PROCESS_RESULT_LIMIT, /* the same on descriptor 3 */
  HOOKRUN_PROCESS_POLICY_LIMIT, /* a limit of its sandbox ended it */
  HOOKRUN_PROCESS_LOST,         /* the host's own SIGCHLD handling took its status away */
} HookrunProcessEnd;

typedef struct _HookrunProcess HookrunProcess;

/* @line has no newline and is valid UTF-8; longer ones than 8 KiB come in pieces. */
typedef void (*HookrunProcessLineFunc) (HookrunProcessStream stream, const char *line,
                                        gpointer user_data);

typedef void (*HookrunProcessDoneFunc) (HookrunProcess *process, gpointer user_data);

typedef struct {
  const char *const *argv;        /* argv[0] without a slash is looked up in PATH */
  const char *const *environment; /* (nullable): NULL: the host's */
  const char *folder;             /* (nullable): working folder of the program */
  const char *input;              /* (nullable): what it finds on standard input */
  gsize input_length;
  gboolean with_result; /* it gets descriptor 3 to write a result to */
  gsize max_output;     /* bytes of output and errors together; 0: 16 MiB */
  gsize max_result;     /* bytes on descriptor 3; 0: 1 MiB */
  guint timeout_ms;     /* 0: no deadline */
  guint kill_after_ms;  /* from SIGTERM to SIGKILL; 0: 2 seconds */
  guint linger_ms;      /* from its end to closing pipes that others hold; 0: 200 ms */
  HookrunProcessLineFunc line;
  gpointer user_data;
  const HookrunChildKeeper *keeper; /* (nullable): who starts and ends it instead */
  gpointer place;
} HookrunProcessSpec;

/* Starts the program; nothing of @spec but @line's user data is used afterwards. */
HookrunProcess *hookrun_process_start (const HookrunProcessSpec *spec, GError **error);

/* Waits here, without a main loop, until the program has ended. */
void hookrun_process_wait (HookrunProcess *self, GCancellable *cancellable);

/* Calls @done from @context once the program has ended. @self must live until then. */
void hookrun_process_watch (HookrunProcess *self, GMainContext *context, GCancellable *cancellable,
                            HookrunProcessDoneFunc done, gpointer user_data);

/* Kills the group if the program still runs. */
void hookrun_process_free (HookrunProcess *self);

HookrunProcessEnd hookrun_process_get_end (HookrunProcess *self);
int hookrun_process_get_exit_status (HookrunProcess *self);
int hookrun_process_get_signal (HookrunProcess *self);
/* What it wrote to descriptor 3; a NUL follows. */
const char *hookrun_process_get_result (HookrunProcess *self, gsize *length);
/* The last lines of its standard error, without the final newline; may be empty. */
const char *hookrun_process_get_error_tail (HookrunProcess *self);

/* FALSE unless it exited by itself with status 0 or one of @good (terminated by 0); @what names it:
 * "hook \"notify\" (/path/10-notify)". */
gboolean hookrun_process_check (HookrunProcess *self, const int *good, const char *what,
                                GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunProcess, hookrun_process_free)

G_END_DECLS
