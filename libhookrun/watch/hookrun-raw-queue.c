/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whole events, one behind the other, in one piece of memory that grows up to a budget. Over the
 * budget all of them are thrown away and the loss is remembered: comparing is cheaper then.
 */
#include "hookrun-raw-queue-private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE ((gsize)128 << 10)
/* The largest event: its head and a name of 255 bytes with its end. */
#define EVENT_SIZE (sizeof (struct inotify_event) + 256)

void
hookrun_raw_queue_clear (HookrunRawQueue *self)
{
  g_clear_pointer (&self->data, g_free);
  memset (self, 0, sizeof *self);
}

static void
throw_away (HookrunRawQueue *self)
{
  self->position += self->end - self->start;
  self->start = self->end = 0;
  self->is_lost = TRUE;
}

static void
make_room (HookrunRawQueue *self)
{
  if (self->start == self->end)
    self->start = self->end = 0;
  if (self->size - self->end >= READ_SIZE)
    return;
  if (self->start >= self->size / 2 && self->start > 0) {
    memmove (self->data, self->data + self->start, self->end - self->start);
    self->end -= self->start;
    self->start = 0;
  }
  if (self->size - self->end >= READ_SIZE)
    return;
  if (self->end - self->start + READ_SIZE > self->budget) {
    throw_away (self);
    return;
  }
  self->size = MAX (self->size * 2, 2 * READ_SIZE);
  self->data = g_realloc (self->data, self->size);
}

HookrunReadResult
hookrun_raw_queue_read (HookrunRawQueue *self, int fd)
{
  HookrunReadResult result = HOOKRUN_READ_NOTHING;

  for (;;) {
    gsize first;
    gssize got;

    make_room (self);
    got = read (fd, self->data + self->end, READ_SIZE);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return result;
    first = sizeof (struct inotify_event) +
            ((struct inotify_event *)(gpointer)(self->data + self->end))->len;
    result =
        result != HOOKRUN_READ_NOTHING || first < (gsize)got ? HOOKRUN_READ_MANY : HOOKRUN_READ_ONE;
    self->end += (gsize)got;
    if ((gsize)got + EVENT_SIZE <= READ_SIZE)
      return result;
  }
}

static struct inotify_event *
event_at (HookrunRawQueue *self, gsize place)
{
  return place < self->end ? (struct inotify_event *)(gpointer)(self->data + place) : NULL;
}

struct inotify_event *
hookrun_raw_queue_peek (HookrunRawQueue *self)
{
  return event_at (self, self->start);
}

struct inotify_event *
hookrun_raw_queue_next (HookrunRawQueue *self, struct inotify_event *event)
{
  gsize place = (gsize)((guint8 *)event - self->data);

  return event_at (self, place + sizeof *event + event->len);
}

void
hookrun_raw_queue_drop (HookrunRawQueue *self)
{
  struct inotify_event *event = hookrun_raw_queue_peek (self);
  gsize length;

  if (event == NULL)
    return;
  length = sizeof *event + event->len;
  self->start += length;
  self->position += length;
}

struct inotify_event *
hookrun_raw_queue_find (HookrunRawQueue *self, guint32 cookie, guint limit, guint *n_passed)
{
  struct inotify_event *event = hookrun_raw_queue_peek (self);

  *n_passed = 0;
  while (event != NULL && *n_passed < limit) {
    event = hookrun_raw_queue_next (self, event);
    if (event != NULL && event->cookie == cookie && (event->mask & IN_MOVED_TO))
      return event;
    *n_passed += event != NULL;
  }
  return NULL;
}
