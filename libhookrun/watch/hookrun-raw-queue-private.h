/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's events as they were read, in memory of ours, so that the kernel's queue stays empty.
 */
#pragma once

#include <glib.h>
#include <sys/inotify.h>

G_BEGIN_DECLS

/* As much as may wait while handlers are slow; what is more becomes an overflow. */
#define HOOKRUN_RAW_BUDGET ((gsize)64 << 20)

typedef struct {
  guint8 *data;
  gsize start;
  gsize end;
  gsize size;
  gsize budget;
  guint64 position; /* of @start, counted from the first byte ever */
  gboolean is_lost; /* events were thrown away; none of them is left */
} HookrunRawQueue;

typedef enum {
  HOOKRUN_READ_NOTHING,
  HOOKRUN_READ_ONE,
  HOOKRUN_READ_MANY,
} HookrunReadResult;

void hookrun_raw_queue_clear (HookrunRawQueue *self);
/* Reads all that there is without waiting. */
HookrunReadResult hookrun_raw_queue_read (HookrunRawQueue *self, int fd);
/* The first event, or NULL; valid until the next read. */
struct inotify_event *hookrun_raw_queue_peek (HookrunRawQueue *self);
/* The one behind @event, or NULL. */
struct inotify_event *hookrun_raw_queue_next (HookrunRawQueue *self, struct inotify_event *event);
void hookrun_raw_queue_drop (HookrunRawQueue *self);
/* The second half of a move, within the next @limit events; @n_passed: how many were looked at. */
struct inotify_event *hookrun_raw_queue_find (HookrunRawQueue *self, guint32 cookie, guint limit,
                                              guint *n_passed);

static inline guint64
hookrun_raw_queue_end (const HookrunRawQueue *self)
{
  return self->position + (self->end - self->start);
}

G_END_DECLS
