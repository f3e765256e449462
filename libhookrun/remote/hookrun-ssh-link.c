/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Socket to buffer, buffer to libssh2, and back. Reading acknowledges at once: ssh answers small
 * packets with small packets, and the kernel's delayed acknowledgements cost 40 ms each.
 */
#include "hookrun-ssh-link-private.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define READ_AHEAD (256 * 1024)

static void
buffer_reserve (HookrunSshBuffer *self, gsize length)
{
  gsize used = hookrun_ssh_buffer_used (self);

  if (used == 0)
    self->start = self->end = 0;
  if (self->size - self->end >= length)
    return;
  if (self->start > 0) {
    memmove (self->data, self->data + self->start, used);
    self->start = 0;
    self->end = used;
  }
  if (self->size - self->end >= length)
    return;
  self->size = MAX (used + length, self->size * 2);
  self->data = g_realloc (self->data, self->size);
}

static void
buffer_clear (HookrunSshBuffer *self)
{
  g_clear_pointer (&self->data, g_free);
  self->start = self->end = self->size = 0;
}

void
hookrun_ssh_link_init (HookrunSshLink *self)
{
  memset (self, 0, sizeof *self);
  self->fd = -1;
  self->last_receipt_us = g_get_monotonic_time ();
}

void
hookrun_ssh_link_clear (HookrunSshLink *self)
{
  buffer_clear (&self->in);
  buffer_clear (&self->out);
  g_clear_pointer (&self->goodbye, g_free);
}

static ssize_t
send_callback (libssh2_socket_t socket, const void *data, size_t length, int flags, void **abstract)
{
  HookrunSshLink *self = *abstract;

  if (self->dropped)
    return (ssize_t)length;
  buffer_reserve (&self->out, length);
  memcpy (self->out.data + self->out.end, data, length);
  self->out.end += length;
  return (ssize_t)length;
}

/* The end of the connection is not told: libssh2 would not hand out any more what it has already
 * received. The session looks at the link itself when nothing else is left to do. */
static ssize_t
receive_callback (libssh2_socket_t socket, void *data, size_t length, int flags, void **abstract)
{
  HookrunSshLink *self = *abstract;
  gsize used = hookrun_ssh_buffer_used (&self->in);

  if (self->dropped)
    return -ECONNRESET;
  if (used == 0)
    return -EAGAIN;
  length = MIN (length, used);
  memcpy (data, self->in.data + self->in.start, length);
  self->in.start += length;
  return (ssize_t)length;
}

static void
disconnect_callback (LIBSSH2_SESSION *ssh, int reason, const char *message, int length,
                     const char *language, int language_length, void **abstract)
{
  HookrunSshLink *self = *abstract;
  g_autofree char *text = g_strndup (message, message != NULL && length > 0 ? (gsize)length : 0);

  g_free (self->goodbye);
  self->goodbye = g_strescape (text, NULL);
}

void
hookrun_ssh_link_adopt (HookrunSshLink *self, LIBSSH2_SESSION *ssh)
{
  libssh2_session_set_blocking (ssh, 0);
  *libssh2_session_abstract (ssh) = self;
/* The only way to give libssh2 a function is an object pointer. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
  libssh2_session_callback_set (ssh, LIBSSH2_CALLBACK_SEND, (void *)send_callback);
  libssh2_session_callback_set (ssh, LIBSSH2_CALLBACK_RECV, (void *)receive_callback);
  libssh2_session_callback_set (ssh, LIBSSH2_CALLBACK_DISCONNECT, (void *)disconnect_callback);
#pragma GCC diagnostic pop
}

static void
acknowledge_at_once (int fd)
{
  const int on = 1;

  setsockopt (fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/* Bytes, 0 at the end, or a negative errno. */
static gssize
read_some (HookrunSshLink *self, guint8 *data, gsize length)
{
  gssize count;

  if (self->tunnel != NULL) {
    count = libssh2_channel_read (self->tunnel, (char *)data, length);
    if (count == 0)
      return libssh2_channel_eof (self->tunnel) == 1 ? 0 : -EAGAIN;
    return count == LIBSSH2_ERROR_EAGAIN ? -EAGAIN : count < 0 ? -ECONNRESET : count;
  }
  do
    count = recv (self->fd, data, length, MSG_DONTWAIT);
  while (count < 0 && errno == EINTR);
  if (count < 0)
    return -errno;
  acknowledge_at_once (self->fd);
  return count;
}

static gssize
write_some (HookrunSshLink *self, const guint8 *data, gsize length)
{
  gssize count;

  if (self->tunnel != NULL) {
    count = libssh2_channel_write (self->tunnel, (const char *)data, length);
    return count == LIBSSH2_ERROR_EAGAIN || count == 0 ? -EAGAIN : count < 0 ? -EPIPE : count;
  }
  do
    count = send (self->fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

gboolean
hookrun_ssh_link_fill (HookrunSshLink *self)
{
  gsize used = hookrun_ssh_buffer_used (&self->in);
  gssize count;

  if (self->ended || self->dropped || used > READ_AHEAD / 2 ||
      (self->fd < 0 && self->tunnel == NULL))
    return FALSE;
  buffer_reserve (&self->in, READ_AHEAD - used);
  count = read_some (self, self->in.data + self->in.end, self->in.size - self->in.end);
  if (count == -EAGAIN || count == -EWOULDBLOCK)
    return FALSE;
  if (count <= 0) {
    self->ended = TRUE;
    self->saved_errno = (int)-count;
    return TRUE;
  }
  self->in.end += (gsize)count;
  self->last_receipt_us = g_get_monotonic_time ();
  return TRUE;
}

/* What cannot be sent any more is forgotten; that the connection is gone, reading will tell. */
gboolean
hookrun_ssh_link_flush (HookrunSshLink *self)
{
  gboolean moved = FALSE;

  if (self->fd < 0 && self->tunnel == NULL)
    return FALSE;
  while (hookrun_ssh_buffer_used (&self->out) > 0) {
    gssize count =
        write_some (self, self->out.data + self->out.start, hookrun_ssh_buffer_used (&self->out));

    if (count == -EAGAIN || count == -EWOULDBLOCK)
      return moved;
    if (count < 0) {
      self->out.start = self->out.end = 0;
      self->dropped = self->ended;
      return moved;
    }
    self->out.start += (gsize)count;
    moved = TRUE;
  }
  return moved;
}
