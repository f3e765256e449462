/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes of one path become one while it is not quiet; a path that is quiet does not wait for
 * others. Changes are told in the order of the last thing that happened to each path, so a folder
 * comes before what is in it. A move ends the waiting of all that was said of its two paths.
 */
#include "hookrun-settle-private.h"

#include <string.h>

typedef struct {
  HookrunChange *change; /* NULL: nothing is left of it */
  gint64 due_us;
} Waiting;

struct _HookrunSettle {
  gint64 settle_us;
  GQueue waiting;      /* Waiting, the one due first at the head */
  GHashTable *by_path; /* path of the change -> GList of waiting */
};

HookrunSettle *
hookrun_settle_new (guint settle_ms)
{
  HookrunSettle *self = g_new0 (HookrunSettle, 1);

  self->settle_us = (gint64)settle_ms * 1000;
  g_queue_init (&self->waiting);
  self->by_path = g_hash_table_new (g_str_hash, g_str_equal);
  return self;
}

static void
free_waiting (gpointer data)
{
  Waiting *waiting = data;

  hookrun_change_unref (waiting->change);
  g_free (waiting);
}

void
hookrun_settle_free (HookrunSettle *self)
{
  g_hash_table_unref (self->by_path);
  g_queue_clear_full (&self->waiting, free_waiting);
  g_free (self);
}

/* What comes of two changes of one path; NONE: they cancel each other; ALL: both are told. */
static HookrunChangeKind
combine (const HookrunChange *first, const HookrunChange *second)
{
  gboolean is_new = first->kind == HOOKRUN_CHANGE_CREATED;

  switch ((HookrunChangeKind)second->kind) {
  case HOOKRUN_CHANGE_CHANGED:
    if (first->kind == HOOKRUN_CHANGE_MOVED || first->kind == HOOKRUN_CHANGE_REMOVED)
      return HOOKRUN_CHANGE_ALL;
    return is_new ? HOOKRUN_CHANGE_CREATED : HOOKRUN_CHANGE_CHANGED;
  case HOOKRUN_CHANGE_ATTRIBUTES:
    if (first->kind == HOOKRUN_CHANGE_MOVED || first->kind == HOOKRUN_CHANGE_REMOVED)
      return HOOKRUN_CHANGE_ALL;
    return (HookrunChangeKind)first->kind;
  case HOOKRUN_CHANGE_REMOVED:
    if (first->kind == HOOKRUN_CHANGE_MOVED)
      return HOOKRUN_CHANGE_ALL;
    return is_new ? HOOKRUN_CHANGE_NONE : HOOKRUN_CHANGE_REMOVED;
  case HOOKRUN_CHANGE_CREATED:
    /* A folder that was made again is another one. */
    if (first->kind != HOOKRUN_CHANGE_REMOVED || first->type == 4 || second->type == 4)
      return HOOKRUN_CHANGE_ALL;
    return HOOKRUN_CHANGE_CHANGED;
  default:
    return HOOKRUN_CHANGE_ALL;
  }
}

static void
forget_path (HookrunSettle *self, GList *link)
{
  Waiting *waiting = link->data;

  if (g_hash_table_lookup (self->by_path, waiting->change->path) == link)
    g_hash_table_remove (self->by_path, waiting->change->path);
}

static void
append (HookrunSettle *self, HookrunChange *change, gint64 due_us)
{
  Waiting *waiting = g_new0 (Waiting, 1);

  waiting->change = change;
  waiting->due_us = due_us;
  g_queue_push_tail (&self->waiting, waiting);
  g_hash_table_replace (self->by_path, change->path, self->waiting.tail);
}

static void
take_out (HookrunSettle *self, GList *link)
{
  forget_path (self, link);
  free_waiting (link->data);
  g_queue_delete_link (&self->waiting, link);
}

/* What waits becomes due: what is to be told next must not overtake it. */
static void
hurry_all (HookrunSettle *self, gint64 now_us)
{
  for (GList *link = self->waiting.head; link != NULL; link = link->next)
    ((Waiting *)link->data)->due_us = MIN (((Waiting *)link->data)->due_us, now_us);
  g_hash_table_remove_all (self->by_path);
}

void
hookrun_settle_add (HookrunSettle *self, HookrunChange *change, gint64 now_us)
{
  const HookrunChangeKind barriers = HOOKRUN_CHANGE_NOTES | HOOKRUN_CHANGE_MOVED;
  GList *link = g_hash_table_lookup (self->by_path, change->path);
  HookrunChangeKind kind = HOOKRUN_CHANGE_ALL;

  if (change->kind & barriers) {
    hurry_all (self, now_us);
    append (self, hookrun_change_ref (change),
            change->kind == HOOKRUN_CHANGE_MOVED ? now_us + self->settle_us : now_us);
    return;
  }
  if (link != NULL)
    kind = combine (((Waiting *)link->data)->change, change);
  if (kind == HOOKRUN_CHANGE_ALL) {
    append (self, hookrun_change_ref (change), now_us + self->settle_us);
    return;
  }
  take_out (self, link);
  if (kind == (HookrunChangeKind)change->kind)
    append (self, hookrun_change_ref (change), now_us + self->settle_us);
  else if (kind != HOOKRUN_CHANGE_NONE)
    append (self, hookrun_change_new_from (change, kind), now_us + self->settle_us);
}

void
hookrun_settle_take (HookrunSettle *self, gint64 now_us, GPtrArray *settled)
{
  GList *link;

  while ((link = self->waiting.head) != NULL) {
    Waiting *waiting = link->data;

    if (waiting->due_us > now_us)
      return;
    forget_path (self, link);
    g_ptr_array_add (settled, waiting->change);
    g_free (waiting);
    g_queue_delete_link (&self->waiting, link);
  }
}

gint64
hookrun_settle_get_due_us (HookrunSettle *self)
{
  return self->waiting.head == NULL ? -1 : ((Waiting *)self->waiting.head->data)->due_us;
}
