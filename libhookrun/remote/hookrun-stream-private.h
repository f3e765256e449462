/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reading end of a pipe whose contents are collected in memory, up to a limit. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  int fd;
  GByteArray *bytes;
  GSource *source;
  gsize max_size;
  GFunc on_overflow; /* (nullable) (user_data, NULL), once; reading ends with it */
  gpointer user_data;
} HookrunStream;

/* Zeroes @self; nothing is open. */
void hookrun_stream_init (HookrunStream *self, gsize max_size, GFunc on_overflow,
                          gpointer user_data);
/* Makes the pipe and collects in the thread-default main context. The writing end, for a child;
 * -1 and @error on failure. */
int hookrun_stream_open (HookrunStream *self, GError **error);
/* Takes what is there now and closes the pipe; who still writes to it is not waited for. */
void hookrun_stream_drain (HookrunStream *self);
/* The collected bytes, followed by a NUL that is not counted. (transfer full) */
GBytes *hookrun_stream_take (HookrunStream *self);
void hookrun_stream_clear (HookrunStream *self);

/* Attaches a new source to the thread-default main context; @slot owns it. */
void hookrun_source_add (GSource **slot, GSource *source, GSourceFunc func, gpointer data);
/* Destroys and releases a source, if there is one. */
void hookrun_source_drop (GSource **source);

G_END_DECLS
