/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One of the three descriptors of a command: a buffer, and reading and writing without waiting. */
#pragma once

#include <glib.h>

#include "hookrun-ssh-loop-private.h"

G_BEGIN_DECLS

#define HOOKRUN_SSH_STREAM_SIZE (128 * 1024)

typedef enum {
  HOOKRUN_SSH_STREAM_FILE,     /* never waits: a regular file, /dev/null */
  HOOKRUN_SSH_STREAM_SOCKET,   /* asked not to wait with each call */
  HOOKRUN_SSH_STREAM_OWN,      /* a description of our own, not blocking */
  HOOKRUN_SSH_STREAM_BLOCKING, /* looked at with poll() before each call */
} HookrunSshStreamKind;

typedef struct {
  int fd; /* -1: none, or closed */
  HookrunSshStreamKind kind;
  HookrunSshWatch watch;
  guint8 *buffer;
  gsize start;
  gsize end;
  int saved_errno; /* of the failure that closed it; 0: none */
} HookrunSshStream;

/* Takes @fd over (-1: none); @writing says in which direction it is used. */
void hookrun_ssh_stream_open (HookrunSshStream *self, int fd, gboolean writing);
void hookrun_ssh_stream_close (HookrunSshStream *self, HookrunSshLoop *loop);
void hookrun_ssh_stream_clear (HookrunSshStream *self);

static inline gsize
hookrun_ssh_stream_used (const HookrunSshStream *self)
{
  return self->end - self->start;
}

/* The empty buffer, made when first needed. */
guint8 *hookrun_ssh_stream_get_buffer (HookrunSshStream *self);

/* Reads into the empty buffer. TRUE if bytes came; otherwise @ended tells whether none will. */
gboolean hookrun_ssh_stream_fill (HookrunSshStream *self, gboolean *ended);

/* Writes from the buffer. TRUE if bytes went; a failure sets saved_errno. */
gboolean hookrun_ssh_stream_drain (HookrunSshStream *self);

G_END_DECLS
