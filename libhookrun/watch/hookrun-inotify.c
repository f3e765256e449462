/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The thread that watches with inotify: sleeps until the kernel has something, takes all of it,
 * looks at it, and publishes what it means. While nobody takes what was published, it only empties
 * the kernel's queue.
 */
#include "hookrun-inotify-private.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "hookrun-error-private.h"

/* So many events are looked at before what they mean is published. */
#define EVENTS_AT_ONCE 4096u
/* After several events at once more are on their way: a pause lets them gather, which saves most of
 * the work of watcher and writer, and single events never wait. */
#define PAUSE_NS 1000000l
/* So often what is in doubt is looked at in a row: once for each level of folders, mostly. */
#define MAX_DOUBTS 64u
#define FIRST_PATIENCE_MS 5
#define LAST_PATIENCE_MS 2000

enum { POLL_EVENTS, POLL_SENTRY, POLL_MOUNTS, POLL_WAKE, POLL_ROOM, N_POLLS };

static gboolean
fail_to_begin (int saved_errno, GError **error)
{
  if (saved_errno == EMFILE)
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                 "cannot begin to watch: too many inotify instances of this user, or open files of "
                 "this process; raise fs.inotify.max_user_instances with sysctl, or the limit of "
                 "open files");
  else
    hookrun_set_error_from_errno (error, saved_errno, "cannot begin to watch");
  return FALSE;
}

static gint64
wall_clock_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static void
add_root_nodes (HookrunInotify *self)
{
  for (guint i = 0; i < self->roots->len; i++) {
    HookrunWatchRoot *root = g_ptr_array_index (self->roots, i);

    root->node = hookrun_node_table_add_root (&self->table, i);
  }
}

HookrunInotify *
hookrun_inotify_new (GPtrArray *roots, HookrunOutbox *outbox, GError **error)
{
  HookrunInotify *self = g_new0 (HookrunInotify, 1);

  self->roots = g_ptr_array_ref (roots);
  self->outbox = outbox;
  hookrun_node_table_init (&self->table);
  g_mutex_init (&self->lock);
  self->raw.budget = HOOKRUN_RAW_BUDGET;
  self->pending = g_array_new (FALSE, FALSE, sizeof (guint32));
  self->later = g_array_new (FALSE, FALSE, sizeof (guint32));
  self->prefix = g_string_new (NULL);
  self->scratch = g_string_new (NULL);
  self->sentry_fd = self->mounts_fd = -1;
  self->batch = 1;
  self->last_read_ns = wall_clock_ns ();
  self->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  self->fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  add_root_nodes (self);
  if (self->fd >= 0 && self->wake_fd >= 0)
    return self;
  fail_to_begin (errno, error);
  hookrun_inotify_free (self);
  return NULL;
}

void
hookrun_inotify_free (HookrunInotify *self)
{
  const int fds[] = {self->fd, self->sentry_fd, self->mounts_fd, self->wake_fd};

  for (gsize i = 0; i < G_N_ELEMENTS (fds); i++)
    if (fds[i] >= 0)
      close (fds[i]);
  hookrun_node_table_clear (&self->table);
  hookrun_watch_map_clear (&self->map);
  hookrun_raw_queue_clear (&self->raw);
  g_clear_pointer (&self->mounts, g_hash_table_unref);
  g_array_unref (self->pending);
  g_array_unref (self->later);
  g_string_free (self->prefix, TRUE);
  g_string_free (self->scratch, TRUE);
  g_clear_error (&self->limit);
  g_ptr_array_unref (self->roots);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
hookrun_inotify_stop (HookrunInotify *self)
{
  guint64 one = 1;

  g_atomic_int_set (&self->quit, 1);
  while (write (self->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
    continue;
}

HookrunReadResult
hookrun_inotify_read (HookrunInotify *self)
{
  HookrunReadResult result;

  if (hookrun_raw_queue_peek (&self->raw) == NULL)
    self->drained_ns = self->last_read_ns;
  self->last_read_ns = wall_clock_ns ();
  result = hookrun_raw_queue_read (&self->raw, self->fd);
  if (result != HOOKRUN_READ_NOTHING) {
    self->read_us = g_get_monotonic_time ();
    self->now_us = g_get_real_time ();
  }
  return result;
}

void
hookrun_inotify_publish (HookrunInotify *self)
{
  g_atomic_int_set (&self->n_folders, (gint)self->map.n_watches);
  self->batch++;
  hookrun_outbox_publish (self->outbox);
}

static gboolean
check_first (HookrunInotify *self, GError **error)
{
  if (self->limit != NULL) {
    g_propagate_error (error, g_steal_pointer (&self->limit));
    return FALSE;
  }
  for (guint i = 0; i < self->roots->len; i++) {
    const HookrunWatchRoot *root = g_ptr_array_index (self->roots, i);

    if (!(hookrun_node_table_get (&self->table, root->node)->flags & HOOKRUN_NODE_DENIED))
      continue;
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION,
                 "cannot watch %s: this user may not read it; allow it, or watch as another user",
                 root->given);
    return FALSE;
  }
  return TRUE;
}

gboolean
hookrun_inotify_prepare (HookrunInotify *self, GError **error)
{
  self->owns_folder = hookrun_inotify_own_folder ();
  self->now_us = g_get_real_time ();
  hookrun_inotify_open_mounts (self);
  hookrun_inotify_check_roots (self, TRUE);
  if (self->sentry_fd < 0)
    return fail_to_begin (errno, error);
  if (!check_first (self, error))
    return FALSE;
  hookrun_inotify_publish (self);
  return TRUE;
}

/* Looks at what was read, as long as what it means is taken. */
static void
look_at_events (HookrunInotify *self)
{
  while (!hookrun_inotify_is_stopped (self) && hookrun_outbox_has_room (self->outbox)) {
    struct inotify_event *event = hookrun_raw_queue_peek (&self->raw);

    if (self->raw.is_lost)
      hookrun_inotify_overflow (self);
    else if (event == NULL && self->pending->len == 0)
      break;
    for (guint i = 0; i < EVENTS_AT_ONCE; i++) {
      event = hookrun_raw_queue_peek (&self->raw);
      if (event == NULL || self->raw.is_lost)
        break;
      hookrun_inotify_handle (self, event);
    }
    for (guint i = 0; i < MAX_DOUBTS && hookrun_raw_queue_peek (&self->raw) == NULL &&
                      self->pending->len > 0 && (i == 0 || self->is_in_doubt);
         i++)
      hookrun_inotify_retry (self);
    hookrun_inotify_publish (self);
    if (event == NULL)
      break;
  }
}

static void
pause_a_little (void)
{
  const struct timespec pause = {.tv_nsec = PAUSE_NS};

  nanosleep (&pause, NULL);
}

/* What keeps the thread from sleeping: nothing but what is in @polls. */
static void
work_once (HookrunInotify *self, const struct pollfd *polls)
{
  HookrunReadResult result = HOOKRUN_READ_NOTHING;

  if (polls[POLL_ROOM].revents != 0)
    hookrun_outbox_clear_room (self->outbox);
  if (polls[POLL_SENTRY].revents != 0)
    hookrun_inotify_silence_sentry (self);
  if (polls[POLL_EVENTS].revents != 0 || self->check_roots)
    result = hookrun_inotify_read (self);
  look_at_events (self);
  if (polls[POLL_MOUNTS].revents != 0)
    hookrun_inotify_check_mounts (self);
  /* What happened in a root is told before what happened to it. */
  if (self->check_roots && hookrun_raw_queue_peek (&self->raw) == NULL)
    hookrun_inotify_check_roots (self, FALSE);
  hookrun_inotify_publish (self);
  if (result == HOOKRUN_READ_MANY)
    pause_a_little ();
}

/* Nothing has happened for a while. */
static void
look_at_later (HookrunInotify *self)
{
  for (guint i = 0; i < self->later->len; i++) {
    guint32 node = g_array_index (self->later, guint32, i);
    HookrunNode *own = hookrun_node_table_get (&self->table, node);

    /* It may have been dropped, and its place be another's by now. */
    if (!(own->flags & HOOKRUN_NODE_LATER))
      continue;
    own->flags &= (guint8)~HOOKRUN_NODE_LATER;
    hookrun_inotify_doubt (self, node);
  }
  g_array_set_size (self->later, 0);
}

void
hookrun_inotify_run (HookrunInotify *self)
{
  int patience_ms = FIRST_PATIENCE_MS;

  look_at_events (self);
  while (!hookrun_inotify_is_stopped (self)) {
    struct pollfd polls[N_POLLS] = {
        [POLL_EVENTS] = {.fd = self->fd, .events = POLLIN},
        [POLL_SENTRY] = {.fd = self->sentry_fd, .events = POLLIN},
        [POLL_MOUNTS] = {.fd = self->mounts_fd, .events = POLLPRI},
        [POLL_WAKE] = {.fd = self->wake_fd, .events = POLLIN},
        [POLL_ROOM] = {.fd = hookrun_outbox_get_room_fd (self->outbox), .events = POLLIN},
    };
    gboolean waits = self->pending->len > 0 || self->later->len > 0;
    int n_ready;

    /* What is read already needs no event of the kernel, but room. What is not found though
     * nothing more is told of it is looked for again, ever more rarely. */
    patience_ms =
        self->pending->len == 0 ? FIRST_PATIENCE_MS : MIN (patience_ms * 2, LAST_PATIENCE_MS);
    n_ready = poll (polls, N_POLLS, waits ? patience_ms : -1);
    if (n_ready == 0)
      look_at_later (self);
    if (n_ready >= 0)
      work_once (self, polls);
  }
}
