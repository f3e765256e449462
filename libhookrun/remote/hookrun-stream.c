/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Collects what a child or a target prints, without blocking and within a limit. */
#include "hookrun-stream-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <unistd.h>

#include "hookrun-error-private.h"

void
hookrun_source_add (GSource **slot, GSource *source, GSourceFunc func, gpointer data)
{
  *slot = source;
  g_source_set_callback (source, func, data, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
}

void
hookrun_source_drop (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

void
hookrun_stream_init (HookrunStream *self, gsize max_size, GFunc on_overflow, gpointer user_data)
{
  *self = (HookrunStream){.fd = -1,
                          .bytes = g_byte_array_new (),
                          .max_size = max_size,
                          .on_overflow = on_overflow,
                          .user_data = user_data};
}

static void
stream_close (HookrunStream *self)
{
  hookrun_source_drop (&self->source);
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
}

/* Reads what there is. FALSE at the end of the stream. */
static gboolean
read_available (HookrunStream *self)
{
  guint8 buffer[65536];

  for (;;) {
    gssize n = read (self->fd, buffer, sizeof buffer);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno == EAGAIN;
    if (n == 0)
      return FALSE;
    if (self->bytes->len + (gsize)n > self->max_size) {
      if (self->on_overflow != NULL)
        self->on_overflow (self->user_data, NULL);
      return FALSE;
    }
    g_byte_array_append (self->bytes, buffer, (guint)n);
  }
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer user_data)
{
  HookrunStream *self = user_data;

  if (read_available (self))
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&self->source, g_source_unref);
  return G_SOURCE_REMOVE;
}

int
hookrun_stream_open (HookrunStream *self, GError **error)
{
  int ends[2];

  if (pipe2 (ends, O_CLOEXEC) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot make a pipe");
    return -1;
  }
  g_unix_set_fd_nonblocking (ends[0], TRUE, NULL);
  self->fd = ends[0];
  self->source = g_unix_fd_source_new (ends[0], G_IO_IN | G_IO_HUP);
  g_source_set_callback (self->source, G_SOURCE_FUNC (on_readable), self, NULL);
  g_source_attach (self->source, g_main_context_get_thread_default ());
  return ends[1];
}

void
hookrun_stream_drain (HookrunStream *self)
{
  if (self->fd >= 0)
    read_available (self);
  stream_close (self);
}

GBytes *
hookrun_stream_take (HookrunStream *self)
{
  guint length = self->bytes->len;
  guint8 *data;

  g_byte_array_append (self->bytes, (const guint8 *)"", 1);
  data = g_byte_array_free (g_steal_pointer (&self->bytes), FALSE);
  return g_bytes_new_with_free_func (data, length, g_free, data);
}

void
hookrun_stream_clear (HookrunStream *self)
{
  stream_close (self);
  g_clear_pointer (&self->bytes, g_byte_array_unref);
}
