/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A queue between two threads with two bells. What one look at the kernel's queue found is
 * published at once, so whoever handles a change sees a file that is at least as new as all of
 * them.
 */
#include "hookrun-outbox-private.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hookrun-error-private.h"

struct _HookrunOutbox {
  GMutex lock;
  GPtrArray *aside; /* the finder's alone */
  GPtrArray *problems_aside;
  GPtrArray *published;
  GPtrArray *problems;
  guint room;
  gboolean is_full; /* the finder waits */
  int fd;
  int room_fd;
};

static void
free_change (gpointer data)
{
  hookrun_change_unref (data);
}

static void
free_problem (gpointer data)
{
  g_error_free (data);
}

HookrunOutbox *
hookrun_outbox_new (GError **error)
{
  HookrunOutbox *self = g_new0 (HookrunOutbox, 1);

  g_mutex_init (&self->lock);
  self->room = HOOKRUN_OUTBOX_ROOM;
  self->aside = g_ptr_array_new_with_free_func (free_change);
  self->problems_aside = g_ptr_array_new_with_free_func (free_problem);
  self->published = g_ptr_array_new_with_free_func (free_change);
  self->problems = g_ptr_array_new_with_free_func (free_problem);
  self->fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  self->room_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->fd >= 0 && self->room_fd >= 0)
    return self;
  hookrun_set_error_from_errno (error, errno, "cannot make an event descriptor");
  hookrun_outbox_free (self);
  return NULL;
}

void
hookrun_outbox_free (HookrunOutbox *self)
{
  g_ptr_array_unref (self->aside);
  g_ptr_array_unref (self->problems_aside);
  g_ptr_array_unref (self->published);
  g_ptr_array_unref (self->problems);
  if (self->fd >= 0)
    close (self->fd);
  if (self->room_fd >= 0)
    close (self->room_fd);
  g_mutex_clear (&self->lock);
  g_free (self);
}

int
hookrun_outbox_get_fd (HookrunOutbox *self)
{
  return self->fd;
}

int
hookrun_outbox_get_room_fd (HookrunOutbox *self)
{
  return self->room_fd;
}

static void
ring (int fd)
{
  guint64 one = 1;

  while (write (fd, &one, sizeof one) < 0 && errno == EINTR)
    continue;
}

static void
silence (int fd)
{
  guint64 count;

  while (read (fd, &count, sizeof count) < 0 && errno == EINTR)
    continue;
}

void
hookrun_outbox_add (HookrunOutbox *self, HookrunChange *change)
{
  g_ptr_array_add (self->aside, change);
}

void
hookrun_outbox_add_problem (HookrunOutbox *self, GError *problem)
{
  g_ptr_array_add (self->problems_aside, problem);
}

void
hookrun_outbox_set_room (HookrunOutbox *self, guint room)
{
  self->room = room;
}

void
hookrun_outbox_publish (HookrunOutbox *self)
{
  gboolean was_empty;

  if (self->aside->len == 0 && self->problems_aside->len == 0)
    return;
  g_mutex_lock (&self->lock);
  was_empty = self->published->len == 0 && self->problems->len == 0;
  if (self->published->len == 0) {
    GPtrArray *empty = self->published;

    self->published = self->aside;
    self->aside = empty;
  } else {
    g_ptr_array_extend_and_steal (self->published, self->aside);
    self->aside = g_ptr_array_new_with_free_func (free_change);
  }
  if (self->problems_aside->len > 0) {
    g_ptr_array_extend_and_steal (self->problems, self->problems_aside);
    self->problems_aside = g_ptr_array_new_with_free_func (free_problem);
  }
  g_mutex_unlock (&self->lock);
  if (was_empty)
    ring (self->fd);
}

void
hookrun_outbox_wake (HookrunOutbox *self)
{
  ring (self->fd);
}

gboolean
hookrun_outbox_has_room (HookrunOutbox *self)
{
  gboolean has_room;

  g_mutex_lock (&self->lock);
  has_room = self->published->len < self->room;
  self->is_full = !has_room;
  g_mutex_unlock (&self->lock);
  return has_room;
}

void
hookrun_outbox_clear_room (HookrunOutbox *self)
{
  silence (self->room_fd);
}

GPtrArray *
hookrun_outbox_take (HookrunOutbox *self, GPtrArray **problems)
{
  GPtrArray *taken = NULL;
  gboolean was_full;

  *problems = NULL;
  silence (self->fd);
  g_mutex_lock (&self->lock);
  if (self->published->len > 0) {
    taken = self->published;
    self->published = g_ptr_array_new_with_free_func (free_change);
  }
  if (self->problems->len > 0) {
    *problems = self->problems;
    self->problems = g_ptr_array_new_with_free_func (free_problem);
  }
  was_full = self->is_full;
  self->is_full = FALSE;
  g_mutex_unlock (&self->lock);
  if (was_full)
    ring (self->room_fd);
  return taken;
}
