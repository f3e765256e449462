/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes of one ssh session on their way: two buffers between libssh2 and a socket, or a
 * channel of another session. libssh2 itself touches memory only, so none of its sends is ever
 * partial (which breaks 1.10) and a thread may work on a session without its socket.
 */
#pragma once

#include <glib.h>
#include <libssh2.h>

G_BEGIN_DECLS

/* A session stops to take data for its channels while more than this waits to be sent. */
#define HOOKRUN_SSH_SEND_LIMIT (256 * 1024)

typedef struct {
  guint8 *data;
  gsize start;
  gsize end;
  gsize size;
} HookrunSshBuffer;

typedef struct {
  HookrunSshBuffer out;
  HookrunSshBuffer in;
  int fd;                  /* -1: none */
  LIBSSH2_CHANNEL *tunnel; /* NULL: none */
  gboolean ended;          /* nothing more comes: the peer closed, or the connection broke */
  gboolean dropped;        /* we do not want to hear or say anything more */
  int saved_errno;         /* why it broke; 0: the peer closed */
  char *goodbye;           /* what the server said when it disconnected; NULL: nothing */
  gint64 last_receipt_us;
} HookrunSshLink;

static inline gsize
hookrun_ssh_buffer_used (const HookrunSshBuffer *self)
{
  return self->end - self->start;
}

void hookrun_ssh_link_init (HookrunSshLink *self);
void hookrun_ssh_link_clear (HookrunSshLink *self);

/* Makes @ssh send and receive through the link; its abstract pointer is the link's. */
void hookrun_ssh_link_adopt (HookrunSshLink *self, LIBSSH2_SESSION *ssh);

/* Takes what has arrived, and sends what waits, as far as that goes without waiting.
 * Whether anything moved. */
gboolean hookrun_ssh_link_fill (HookrunSshLink *self);
gboolean hookrun_ssh_link_flush (HookrunSshLink *self);

G_END_DECLS
