/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Moves: the kernel tells them in two halves that belong together by a number. A half without the
 * other is a move out of the watched folders, or into them.
 */
#include "hookrun-inotify-private.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* How far ahead the second half is looked for. */
#define LOOK_AHEAD 512u
/* How long it is waited for: while nothing else has happened since, and when something has. */
#define WAIT_ALONE_MS 10
#define WAIT_MS 1

/* One end of a move. */
typedef struct {
  guint32 folder;
  char name[256];
  gsize length;
} Place;

static void
set_place (Place *place, guint32 folder, const struct inotify_event *event)
{
  place->folder = folder;
  place->length = event->len > 0 ? strlen (event->name) : 0;
  memcpy (place->name, event->len > 0 ? event->name : "", place->length);
  place->name[place->length] = '\0';
}

static guint32
find_at (HookrunInotify *self, const Place *place)
{
  return place->folder == HOOKRUN_NODE_NONE
             ? HOOKRUN_NODE_NONE
             : hookrun_node_table_find (&self->table, place->folder, place->name, place->length);
}

/* The other half of the first event of the queue; waits for it a little if it may be on its way. */
static struct inotify_event *
find_other_half (HookrunInotify *self, guint32 cookie)
{
  gint64 began = g_get_monotonic_time ();

  for (;;) {
    guint n_passed;
    struct inotify_event *other =
        hookrun_raw_queue_find (&self->raw, cookie, LOOK_AHEAD, &n_passed);
    int wait_ms = n_passed > 0 ? WAIT_MS : WAIT_ALONE_MS;
    struct pollfd poll_fd = {.fd = self->fd, .events = POLLIN};
    gint64 now = g_get_monotonic_time ();

    if (other != NULL || n_passed >= LOOK_AHEAD)
      return other;
    if (hookrun_inotify_read (self) != HOOKRUN_READ_NOTHING)
      continue;
    if (now - self->read_us >= (gint64)wait_ms * 1000 ||
        now - began >= (gint64)WAIT_ALONE_MS * 1000)
      return NULL;
    if (poll (&poll_fd, 1, wait_ms) <= 0)
      return NULL;
  }
}

/* Whether something is at @place now; @ends_moves: all moves in its folder that began before are
 * told when this returns, because the kernel lists no folder while it moves something there. */
static gboolean
is_there (HookrunInotify *self, const Place *place, gboolean ends_moves)
{
  int fd = hookrun_inotify_open (self, place->folder);
  struct stat st;
  gboolean found = fd >= 0 && fstatat (fd, place->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
  char entries[512];

  if (found && ends_moves)
    syscall (SYS_getdents64, fd, entries, sizeof entries);
  if (fd >= 0)
    close (fd);
  return found;
}

/* The two halves that would make an exchange of the first move of the queue may be on their way:
 * then they are read. Whether the queue is another now. */
static gboolean
read_exchange (HookrunInotify *self, struct inotify_event *to_event, const Place *from)
{
  struct inotify_event *next = hookrun_raw_queue_next (&self->raw, to_event);

  if (next != NULL && hookrun_raw_queue_next (&self->raw, next) != NULL)
    return FALSE;
  return is_there (self, from, TRUE) && hookrun_inotify_read (self) != HOOKRUN_READ_NOTHING;
}

/* Whether the two halves that follow lead from @to to @from: an exchange is told as two moves. A
 * move there and back again is told alike, but leaves nothing at @to. */
static gboolean
is_exchange (HookrunInotify *self, struct inotify_event *from_event, struct inotify_event *to_event,
             const Place *from, const Place *to)
{
  struct inotify_event *next = hookrun_raw_queue_next (&self->raw, from_event);
  const HookrunNode *target = hookrun_node_table_get (&self->table, find_at (self, to));
  struct inotify_event *last;

  if (next != to_event)
    return FALSE;
  next = hookrun_raw_queue_next (&self->raw, next);
  last = next != NULL ? hookrun_raw_queue_next (&self->raw, next) : NULL;
  if (last == NULL || !(next->mask & IN_MOVED_FROM) || !(last->mask & IN_MOVED_TO) ||
      next->cookie != last->cookie || next->wd != to_event->wd || last->wd != from_event->wd)
    return FALSE;
  if (strcmp (next->name, to->name) != 0 || strcmp (last->name, from->name) != 0)
    return FALSE;
  /* A watched folder that was replaced would have told of itself in between. */
  if (hookrun_node_is_folder (target) && target->watch != 0)
    return TRUE;
  return is_there (self, to, FALSE) && is_there (self, from, FALSE);
}

static void
tell_move (HookrunInotify *self, const Place *from, const Place *to, guint8 type)
{
  g_autofree char *old_path = hookrun_inotify_path (self, from->folder, from->name, from->length);
  const HookrunTold told = {.kind = HOOKRUN_CHANGE_MOVED, .type = type, .old_path = old_path};

  hookrun_inotify_tell (self, to->folder, to->name, to->length, &told);
  /* What changes under its new path is told again. */
  self->batch++;
}

static void
remember_move (HookrunInotify *self, const Place *from, const Place *to, gboolean has_replaced)
{
  const HookrunLateMove own = {.from = from->folder,
                               .to = to->folder,
                               .from_name = g_str_hash (from->name),
                               .to_name = g_str_hash (to->name),
                               .has_replaced = has_replaced,
                               .n_told = self->n_told};

  self->late_moves[self->n_moves++ % HOOKRUN_N_LATE_MOVES] = own;
}

/* The last move that this one undoes, if there was one lately. */
static const HookrunLateMove *
find_undone (HookrunInotify *self, const Place *from, const Place *to)
{
  guint from_name = g_str_hash (from->name);
  guint to_name = g_str_hash (to->name);

  for (guint i = 0; i < MIN (self->n_moves, HOOKRUN_N_LATE_MOVES); i++) {
    const HookrunLateMove *other =
        &self->late_moves[(self->n_moves - 1 - i) % HOOKRUN_N_LATE_MOVES];

    if (other->from == to->folder && other->to == from->folder && other->from_name == to_name &&
        other->to_name == from_name)
      return other;
  }
  return NULL;
}

/* A folder that has no watch gets one; one that is now where only files are told loses its own. */
static void
settle_folder (HookrunInotify *self, guint32 node, guint32 folder)
{
  HookrunNode *own = hookrun_node_table_get (&self->table, node);

  if (!hookrun_node_is_folder (own))
    return;
  if (hookrun_inotify_enter (self, folder)->flags & HOOKRUN_WATCH_RECURSIVE) {
    if (own->watch == 0)
      hookrun_inotify_await (self, node);
    return;
  }
  hookrun_inotify_release (self, node);
  while (hookrun_node_table_get (&self->table, node)->child != HOOKRUN_NODE_NONE)
    hookrun_inotify_drop (self, hookrun_node_table_get (&self->table, node)->child,
                          HOOKRUN_DROP_SILENT, 0);
}

/* @node cannot have gone to the place of a folder that it was in: the table is behind or ahead.
 * What is there now is looked at, and looked at again when the rest has been told. */
static void
replace_outer (HookrunInotify *self, guint32 node, guint32 outer, const Place *to)
{
  guint8 type = hookrun_node_table_get (&self->table, node)->type;

  hookrun_inotify_drop (self, outer, HOOKRUN_DROP_TOLD, HOOKRUN_CHANGE_SYNTHETIC);
  hookrun_inotify_created (self, to->folder, to->name, to->length, type == DT_DIR);
  hookrun_inotify_look_later (self, to->folder);
}

static void
exchange (HookrunInotify *self, guint32 one, guint32 other, const Place *from, const Place *to)
{
  HookrunNodeTable *table = &self->table;

  if (hookrun_node_table_is_within (table, one, other)) {
    replace_outer (self, one, other, to);
    return;
  }
  hookrun_node_table_exchange (table, one, other);
  tell_move (self, from, to, hookrun_node_table_get (table, one)->type);
  tell_move (self, to, from, hookrun_node_table_get (table, other)->type);
  settle_folder (self, one, to->folder);
  settle_folder (self, other, from->folder);
  hookrun_inotify_look_later (self, from->folder);
  hookrun_inotify_look_later (self, to->folder);
}

/* What is told depends on which of the two places is shown. */
static void
move (HookrunInotify *self, guint32 node, const Place *from, const Place *to)
{
  HookrunNodeTable *table = &self->table;
  guint8 type = hookrun_node_table_get (table, node)->type;
  guint32 replaced = find_at (self, to);
  const HookrunLateMove *undone = find_undone (self, from, to);
  /* Two such moves in a row would say that they were exchanged. */
  const HookrunTold between = {.kind = type == DT_DIR ? HOOKRUN_CHANGE_ATTRIBUTES
                                                      : HOOKRUN_CHANGE_CHANGED,
                               .flags = HOOKRUN_CHANGE_SYNTHETIC,
                               .type = type};
  const HookrunTold created = {.kind = replaced != HOOKRUN_NODE_NONE && type != DT_DIR
                                           ? HOOKRUN_CHANGE_CHANGED
                                           : HOOKRUN_CHANGE_CREATED,
                               .type = type};
  const HookrunTold removed = {.kind = HOOKRUN_CHANGE_REMOVED, .type = type};

  if (replaced == node)
    return;
  if (replaced != HOOKRUN_NODE_NONE && hookrun_node_table_is_within (table, node, replaced)) {
    replace_outer (self, node, replaced, to);
    return;
  }
  if (replaced != HOOKRUN_NODE_NONE)
    hookrun_inotify_drop (self, replaced, HOOKRUN_DROP_REPLACED, 0);
  hookrun_node_table_move (table, node, to->folder, to->name, to->length);
  if (undone != NULL && undone->has_replaced && undone->n_told == self->n_told)
    hookrun_inotify_tell (self, from->folder, from->name, from->length, &between);
  if (!hookrun_inotify_is_shown (self, to->folder, to->name, to->length))
    hookrun_inotify_tell (self, from->folder, from->name, from->length, &removed);
  else if (!hookrun_inotify_is_shown (self, from->folder, from->name, from->length))
    hookrun_inotify_tell (self, to->folder, to->name, to->length, &created);
  else
    tell_move (self, from, to, type);
  /* It may have been an exchange, between whose halves lay other events, or of which one side was
   * not known: then something is still there. */
  if (undone != NULL)
    hookrun_inotify_look_later (self, from->folder);
  remember_move (self, from, to, replaced != HOOKRUN_NODE_NONE);
  settle_folder (self, node, to->folder);
}

static void
take_halves (HookrunInotify *self, struct inotify_event *other)
{
  other->mask = 0;
  hookrun_raw_queue_drop (&self->raw);
}

/* Only the first half says something: what was at @from is nowhere that is known. If the second
 * half of another move led here a moment ago, the two may be an exchange, and something is here. */
static void
move_out (HookrunInotify *self, guint32 node, const Place *from, const Place *to)
{
  if (from->folder != HOOKRUN_NODE_NONE && find_undone (self, from, to) != NULL)
    hookrun_inotify_look_later (self, from->folder);
  remember_move (self, from, to, FALSE);
  hookrun_raw_queue_drop (&self->raw);
  if (node != HOOKRUN_NODE_NONE)
    hookrun_inotify_drop (self, node, HOOKRUN_DROP_TOLD, 0);
}

/* Whether the two halves can be told as one move of @node. */
static gboolean
is_whole (HookrunInotify *self, guint32 node, const Place *to, gboolean is_folder)
{
  return node != HOOKRUN_NODE_NONE &&
         hookrun_node_is_folder (hookrun_node_table_get (&self->table, node)) == is_folder &&
         to->folder != HOOKRUN_NODE_NONE &&
         !hookrun_node_table_is_within (&self->table, to->folder, node);
}

void
hookrun_inotify_moved (HookrunInotify *self, struct inotify_event *event)
{
  guint64 position = self->raw.position;
  struct inotify_event *other = find_other_half (self, event->cookie);
  struct inotify_event *first = hookrun_raw_queue_peek (&self->raw);
  guint32 node, second;
  guint n_passed;
  Place from;
  Place to = {.folder = HOOKRUN_NODE_NONE};

  /* The queue may have been thrown away while the other half was waited for. */
  if (first == NULL || self->raw.position != position)
    return;
  set_place (&from, hookrun_watch_map_get (&self->map, first->wd), first);
  node = find_at (self, &from);
  if (other != NULL)
    set_place (&to, hookrun_watch_map_get (&self->map, other->wd), other);
  /* If a listing has seen it at its new place, the second half says no more than that. */
  if (other == NULL || !is_whole (self, node, &to, (other->mask & IN_ISDIR) != 0)) {
    move_out (self, node, &from, &to);
    return;
  }
  second = find_at (self, &to);
  if (second != HOOKRUN_NODE_NONE && read_exchange (self, other, &from)) {
    first = hookrun_raw_queue_peek (&self->raw);
    if (first == NULL || self->raw.position != position)
      return;
    other = hookrun_raw_queue_find (&self->raw, first->cookie, LOOK_AHEAD, &n_passed);
  }
  if (second != HOOKRUN_NODE_NONE && is_exchange (self, first, other, &from, &to)) {
    take_halves (self, other);
    for (int i = 0; i < 3; i++)
      hookrun_raw_queue_drop (&self->raw);
    exchange (self, node, second, &from, &to);
    return;
  }
  take_halves (self, other);
  move (self, node, &from, &to);
}

/* Moved here from where nobody watches, or a listing was faster. */
void
hookrun_inotify_moved_in (HookrunInotify *self, struct inotify_event *event)
{
  gboolean is_folder = (event->mask & IN_ISDIR) != 0;
  HookrunTold told = {.kind = HOOKRUN_CHANGE_CHANGED};
  const Place nowhere = {.folder = HOOKRUN_NODE_NONE};
  guint32 node;
  Place to;

  set_place (&to, hookrun_watch_map_get (&self->map, event->wd), event);
  node = find_at (self, &to);
  remember_move (self, &nowhere, &to, FALSE);
  if (node == HOOKRUN_NODE_NONE ||
      hookrun_node_is_folder (hookrun_node_table_get (&self->table, node)) != is_folder) {
    hookrun_inotify_created (self, to.folder, to.name, to.length, is_folder);
    return;
  }
  if (!is_folder) {
    told.type = hookrun_node_table_get (&self->table, node)->type;
    hookrun_inotify_tell (self, to.folder, to.name, to.length, &told);
  } else if (hookrun_inotify_enter (self, to.folder)->flags & HOOKRUN_WATCH_RECURSIVE) {
    const HookrunScanOptions options = {
        .tells = TRUE, .replaced = TRUE, .flags = HOOKRUN_CHANGE_SYNTHETIC};

    hookrun_inotify_scan (self, &node, 1, &options);
  }
}
