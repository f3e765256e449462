/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lines over a socket. Nothing here blocks and nothing raises SIGPIPE: what the other end does not
 * take is queued up to a limit, and a line that does not end is refused at its limit.
 */
#include "hookrun-worker-io-private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK 65536

void
hookrun_channel_init (HookrunChannel *self, int fd, gsize max_message, gsize max_queue)
{
  memset (self, 0, sizeof *self);
  self->fd = fd;
  self->max_message = max_message;
  self->max_queue = max_queue;
  self->in = g_byte_array_sized_new (CHUNK);
  self->out = g_byte_array_new ();
}

void
hookrun_channel_clear (HookrunChannel *self)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
  g_clear_pointer (&self->in, g_byte_array_unref);
  g_clear_pointer (&self->out, g_byte_array_unref);
}

/* Bytes that were taken; 0 when the other end takes none now. */
static gsize
send_some (HookrunChannel *self, const guint8 *data, gsize length)
{
  gsize done = 0;

  while (done < length && !self->broken) {
    gssize n = send (self->fd, data + done, length - done, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n >= 0)
      done += (gsize)n;
    else if (errno == EAGAIN || errno == EWOULDBLOCK)
      break;
    else if (errno != EINTR)
      self->broken = TRUE;
  }
  return done;
}

gboolean
hookrun_channel_wants_write (const HookrunChannel *self)
{
  return self->out->len > self->sent;
}

void
hookrun_channel_flush (HookrunChannel *self)
{
  if (!hookrun_channel_wants_write (self))
    return;
  self->sent += send_some (self, self->out->data + self->sent, self->out->len - self->sent);
  if (self->sent == self->out->len || self->broken) {
    g_byte_array_set_size (self->out, 0);
    self->sent = 0;
  }
}

gboolean
hookrun_channel_send (HookrunChannel *self, const char *data, gsize length, GError **error)
{
  gsize done = 0;

  if (!hookrun_channel_wants_write (self))
    done = send_some (self, (const guint8 *)data, length);
  if (done == length || self->broken)
    return TRUE;
  if (self->sent > self->max_queue / 2) {
    g_byte_array_remove_range (self->out, 0, (guint)self->sent);
    self->sent = 0;
  }
  if (self->out->len - self->sent + length - done > self->max_queue) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                 "does not read: more than %" G_GSIZE_FORMAT " bytes wait for it", self->max_queue);
    return FALSE;
  }
  g_byte_array_append (self->out, (const guint8 *)data + done, (guint)(length - done));
  return TRUE;
}

HookrunChannelState
hookrun_channel_fill (HookrunChannel *self)
{
  guint used;
  gssize n;

  if (self->start > 0) {
    g_byte_array_remove_range (self->in, 0, (guint)self->start);
    self->start = 0;
  }
  used = self->in->len;
  g_byte_array_set_size (self->in, used + CHUNK);
  do
    n = recv (self->fd, self->in->data + used, CHUNK, MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  g_byte_array_set_size (self->in, used + (n > 0 ? (guint)n : 0));
  self->was_full = n == CHUNK;
  if (n > 0)
    return HOOKRUN_CHANNEL_DATA;
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? HOOKRUN_CHANNEL_EMPTY
                                                            : HOOKRUN_CHANNEL_CLOSED;
}

const char *
hookrun_channel_next_line (HookrunChannel *self, gsize *length, GError **error)
{
  const guint8 *line = self->in->data + self->start;
  gsize available = self->in->len - self->start;
  const guint8 *end = available > self->scanned
                          ? memchr (line + self->scanned, '\n', available - self->scanned)
                          : NULL;

  if ((end != NULL ? (gsize)(end - line) : available) > self->max_message) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                 "sent a message of more than %" G_GSIZE_FORMAT " bytes", self->max_message);
    return NULL;
  }
  if (end == NULL) {
    self->scanned = available;
    return NULL;
  }
  *length = (gsize)(end - line);
  self->start += *length + 1;
  self->scanned = 0;
  return (const char *)line;
}
