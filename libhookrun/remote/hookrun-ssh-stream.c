/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Descriptors that others may hold, too. O_NONBLOCK belongs to the open file and would surprise
 * them, so a pipe or a terminal is opened once more through /proc; where that is impossible,
 * poll() comes first and writes stay so small that a ready pipe takes them whole.
 */
#include "hookrun-ssh-stream-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void
reopen (HookrunSshStream *self, gboolean writing)
{
  g_autofree char *name = g_strdup_printf ("/proc/self/fd/%d", self->fd);
  int fd = open (name, (writing ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

  self->kind = HOOKRUN_SSH_STREAM_BLOCKING;
  if (fd < 0 && errno == ENXIO) {
    self->saved_errno = EPIPE; /* a pipe that nobody reads */
    return;
  }
  if (fd < 0)
    return;
  self->kind = HOOKRUN_SSH_STREAM_OWN;
  close (self->fd);
  self->fd = fd;
}

void
hookrun_ssh_stream_open (HookrunSshStream *self, int fd, gboolean writing)
{
  struct stat st;

  *self = (HookrunSshStream){.fd = fd, .kind = HOOKRUN_SSH_STREAM_FILE};
  if (fd < 0 || fstat (fd, &st) != 0)
    return;
  if (S_ISSOCK (st.st_mode))
    self->kind = HOOKRUN_SSH_STREAM_SOCKET;
  else if (S_ISFIFO (st.st_mode) || (S_ISCHR (st.st_mode) && isatty (fd)))
    reopen (self, writing);
}

void
hookrun_ssh_stream_close (HookrunSshStream *self, HookrunSshLoop *loop)
{
  if (self->fd < 0)
    return;
  hookrun_ssh_loop_watch (loop, &self->watch, self->fd, 0);
  close (self->fd);
  self->fd = -1;
  self->start = self->end = 0;
}

void
hookrun_ssh_stream_clear (HookrunSshStream *self)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
  g_clear_pointer (&self->buffer, g_free);
}

guint8 *
hookrun_ssh_stream_get_buffer (HookrunSshStream *self)
{
  if (self->buffer == NULL)
    self->buffer = g_malloc (HOOKRUN_SSH_STREAM_SIZE);
  self->start = self->end = 0;
  return self->buffer;
}

static gboolean
is_ready (int fd, short events)
{
  struct pollfd item = {fd, events, 0};

  return poll (&item, 1, 0) > 0;
}

static gssize
read_once (HookrunSshStream *self, guint8 *buffer)
{
  if (self->kind == HOOKRUN_SSH_STREAM_SOCKET)
    return recv (self->fd, buffer, HOOKRUN_SSH_STREAM_SIZE, MSG_DONTWAIT);
  if (self->kind == HOOKRUN_SSH_STREAM_BLOCKING && !is_ready (self->fd, POLLIN)) {
    errno = EAGAIN;
    return -1;
  }
  return read (self->fd, buffer, HOOKRUN_SSH_STREAM_SIZE);
}

gboolean
hookrun_ssh_stream_fill (HookrunSshStream *self, gboolean *ended)
{
  gssize count;

  *ended = FALSE;
  do
    count = read_once (self, hookrun_ssh_stream_get_buffer (self));
  while (count < 0 && errno == EINTR);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return FALSE;
  if (count <= 0) {
    *ended = TRUE;
    return FALSE;
  }
  self->end = (gsize)count;
  return TRUE;
}

/* write() without the signal that a pipe without a reader sends; errno as after write(). */
static gssize
write_quietly (int fd, const guint8 *data, gsize length)
{
  const struct timespec no_time = {0, 0};
  sigset_t pipe_signal, pending, old;
  gssize count;
  int saved_errno;

  sigemptyset (&pipe_signal);
  sigaddset (&pipe_signal, SIGPIPE);
  sigpending (&pending);
  pthread_sigmask (SIG_BLOCK, &pipe_signal, &old);
  count = write (fd, data, length);
  saved_errno = errno;
  if (count < 0 && saved_errno == EPIPE && sigismember (&pending, SIGPIPE) == 0)
    while (sigtimedwait (&pipe_signal, NULL, &no_time) < 0 && errno == EINTR)
      continue;
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  errno = saved_errno;
  return count;
}

static gssize
write_once (HookrunSshStream *self)
{
  const guint8 *data = self->buffer + self->start;
  gsize length = hookrun_ssh_stream_used (self);

  if (self->kind == HOOKRUN_SSH_STREAM_SOCKET)
    return send (self->fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (self->kind == HOOKRUN_SSH_STREAM_BLOCKING) {
    if (!is_ready (self->fd, POLLOUT)) {
      errno = EAGAIN;
      return -1;
    }
    length = MIN (length, PIPE_BUF);
  }
  return write_quietly (self->fd, data, length);
}

gboolean
hookrun_ssh_stream_drain (HookrunSshStream *self)
{
  gssize count;

  do
    count = write_once (self);
  while (count < 0 && errno == EINTR);
  if (count < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK)
      self->saved_errno = errno;
    return FALSE;
  }
  self->start += (gsize)count;
  return count > 0;
}
