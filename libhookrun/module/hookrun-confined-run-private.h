/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs one confined program to its end: its output by lines and with a limit, and the calls that it
 * makes over its control channel.
 */
#pragma once

#include "hookrun-jsonrpc-private.h"
#include "hookrun-sandbox.h"

G_BEGIN_DECLS

/* The descriptor of the control channel in the program; docs/module-protocol.md. */
#define HOOKRUN_CONTROL_FD 3

/* @is_error: it came from standard error. @line is valid UTF-8 without its newline. */
typedef void (*HookrunConfinedLineFunc) (gboolean is_error, const char *line, gpointer user_data);

/* Answers a request: (transfer full), or NULL with @error. For a notification the answer is thrown
 * away. @params: (nullable). */
typedef JsonNode *(*HookrunConfinedCallFunc) (const char *method, JsonNode *params,
                                              gpointer user_data, GError **error);

typedef struct {
  HookrunSandbox *sandbox;
  HookrunLaunch *launch;        /* its standard output and errors are set here */
  const char *what;             /* "module \"shopping\"", for messages */
  gsize max_output;             /* bytes of output and errors together; 0: 16 MiB */
  gboolean keep_output;         /* standard output is kept whole instead of handed on by lines */
  HookrunConfinedLineFunc line; /* (nullable) */
  HookrunConfinedCallFunc call; /* (nullable): NULL: it has no control channel */
  gpointer user_data;
} HookrunConfinedSpec;

typedef struct {
  HookrunOutcome *outcome;
  GString *output; /* when it was kept */
  char *last_error_line;
  GPtrArray *denials; /* HookrunDenial; when it was observed */
} HookrunConfinedResult;

/* FALSE when it could not be started, was cancelled, wrote too much or broke the protocol; how it
 * ended by itself is in @result. Fill with zeros before, clear after. */
gboolean hookrun_confined_run (const HookrunConfinedSpec *spec, HookrunConfinedResult *result,
                               GCancellable *cancellable, GError **error);
void hookrun_confined_result_clear (HookrunConfinedResult *result);

/* FALSE unless it exited with status 0. @stage: (nullable): what it was doing. */
gboolean hookrun_confined_result_check (const HookrunConfinedResult *result, const char *what,
                                        const char *stage, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HookrunConfinedResult, hookrun_confined_result_clear)

G_END_DECLS
