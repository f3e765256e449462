/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The thread of a sandbox that looks after its trees: it answers the broker's questions, enforces
 * limits, and sees to it that nothing is left when a program has ended. It sleeps in one epoll, so
 * that a launch only registers its descriptors and wakes nobody.
 */
#include "hookrun-tree-private.h"
#include "hookrun-broker-private.h"
#include "hookrun-error-private.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define N_EVENTS 16
#define SUPERVISOR_NICE (-10)

typedef enum {
  EVENT_WAKE,
  EVENT_END,
  EVENT_QUESTION,
} EventKind;

#define SHARED_ID 0 /* of no tree: of the filter that all have in common */

struct _HookrunSupervisor {
  gatomicrefcount references;
  GThread *thread;
  int epoll_fd;
  int wake_fd;
  HookrunBroker *broker; /* NULL: none */
  int listener;

  GMutex lock;       /* for what follows; never held while a tree is locked */
  GHashTable *trees; /* id -> HookrunTree */
  guint64 last_id;
  gint64 sleeps_until;
  gboolean is_ending;
  gboolean frees_itself;
};

static guint64
event_data (guint64 id, EventKind kind)
{
  return id << 2 | kind;
}

static HookrunTree *
find_tree (HookrunSupervisor *self, guint64 id)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  HookrunTree *tree = g_hash_table_lookup (self->trees, &id);

  return tree != NULL ? hookrun_tree_ref (tree) : NULL;
}

static void
answer (HookrunSupervisor *self, HookrunBroker *broker, int listener)
{
  if (!hookrun_broker_answer (broker, listener))
    epoll_ctl (self->epoll_fd, EPOLL_CTL_DEL, listener, NULL);
}

static void
handle (HookrunSupervisor *self, guint64 data)
{
  g_autoptr (HookrunTree) tree = NULL;

  if (data == event_data (SHARED_ID, EVENT_QUESTION)) {
    answer (self, self->broker, self->listener);
    return;
  }
  tree = find_tree (self, data >> 2);
  if (tree == NULL)
    return;
  if ((data & 3) == EVENT_QUESTION) {
    answer (self, tree->broker, tree->listener);
    return;
  }
  if (hookrun_tree_turn (tree, TRUE, g_get_monotonic_time ()))
    hookrun_supervisor_forget (self, tree);
  else
    epoll_ctl (self->epoll_fd, EPOLL_CTL_DEL, tree->pidfd, NULL);
}

static GPtrArray *
list_trees (HookrunSupervisor *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_tree_unref);
  GHashTableIter iter;
  gpointer tree;

  g_hash_table_iter_init (&iter, self->trees);
  while (g_hash_table_iter_next (&iter, NULL, &tree))
    g_ptr_array_add (list, hookrun_tree_ref (tree));
  return list;
}

/* Gives every tree its turn; when the next one is due. */
static gint64
run_turns (HookrunSupervisor *self)
{
  g_autoptr (GPtrArray) trees = list_trees (self);
  gint64 next = G_MAXINT64;

  for (guint i = 0; i < trees->len; i++) {
    HookrunTree *tree = g_ptr_array_index (trees, i);
    gint64 now = g_get_monotonic_time ();

    if (hookrun_tree_next_turn (tree) <= now + 1000 && hookrun_tree_turn (tree, FALSE, now))
      hookrun_supervisor_forget (self, tree);
    else
      next = MIN (next, hookrun_tree_next_turn (tree));
  }
  return next;
}

/* -1: the thread ends. */
static int
sleep_time (HookrunSupervisor *self, gint64 next)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  gint64 left;

  self->sleeps_until = next;
  if (next == G_MAXINT64)
    return -1;
  left = (next - g_get_monotonic_time () + 999) / 1000;
  return (int)CLAMP (left, 0, 60 * 60 * 1000);
}

static gboolean
is_ending (HookrunSupervisor *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->is_ending;
}

static void
supervisor_free (HookrunSupervisor *self)
{
  close (self->epoll_fd);
  close (self->wake_fd);
  if (self->listener >= 0)
    close (self->listener);
  g_clear_pointer (&self->broker, hookrun_broker_unref);
  g_hash_table_unref (self->trees);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static gpointer
run (gpointer data)
{
  HookrunSupervisor *self = data;
  struct epoll_event events[N_EVENTS];

  /* Where it may: a tree that starts processes without end must not outrun who is to end it. */
  setpriority (PRIO_PROCESS, (id_t)gettid (), SUPERVISOR_NICE);
  while (!is_ending (self)) {
    int timeout = sleep_time (self, run_turns (self));
    int n = epoll_wait (self->epoll_fd, events, N_EVENTS, timeout);
    guint64 count;

    for (int i = 0; i < n; i++)
      if (events[i].data.u64 != EVENT_WAKE)
        handle (self, events[i].data.u64);
      else if (read (self->wake_fd, &count, sizeof count) < 0 && errno != EAGAIN)
        break;
  }
  if (self->frees_itself)
    supervisor_free (self);
  return NULL;
}

static void
wake (HookrunSupervisor *self)
{
  guint64 one = 1;

  while (write (self->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
    continue;
}

/* Signals of the host are none of this thread's business. */
static GThread *
start_thread (HookrunSupervisor *self, GError **error)
{
  sigset_t all;
  sigset_t before;
  GThread *thread;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  thread = g_thread_try_new ("hookrun-sandbox", run, self, error);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return thread;
}

static gboolean
watch (HookrunSupervisor *self, int fd, guint64 data)
{
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = data};

  return fd < 0 || epoll_ctl (self->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

HookrunSupervisor *
hookrun_supervisor_new (HookrunBroker *broker, int listener, GError **error)
{
  HookrunSupervisor *self = g_new0 (HookrunSupervisor, 1);
  g_autoptr (GError) problem = NULL;

  g_atomic_ref_count_init (&self->references);
  g_mutex_init (&self->lock);
  self->trees =
      g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, (GDestroyNotify)hookrun_tree_unref);
  self->sleeps_until = G_MAXINT64;
  self->broker = broker != NULL ? hookrun_broker_ref (broker) : NULL;
  self->listener = listener;
  self->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  self->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->epoll_fd < 0 || self->wake_fd < 0 || !watch (self, self->wake_fd, EVENT_WAKE) ||
      !watch (self, listener, event_data (SHARED_ID, EVENT_QUESTION)))
    hookrun_set_error_from_errno (&problem, errno, "cannot look after confined programs");
  else
    self->thread = start_thread (self, &problem);
  if (self->thread != NULL)
    return self;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_IO, "cannot start the sandbox: %s",
               problem->message);
  supervisor_free (self);
  return NULL;
}

HookrunSupervisor *
hookrun_supervisor_ref (HookrunSupervisor *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

/* The last reference may be given back in the thread itself, which then ends by itself. */
void
hookrun_supervisor_unref (HookrunSupervisor *self)
{
  gboolean is_inside = self->thread == g_thread_self ();

  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_mutex_lock (&self->lock);
  self->is_ending = TRUE;
  self->frees_itself = is_inside;
  g_mutex_unlock (&self->lock);
  if (is_inside) {
    g_thread_unref (self->thread);
    return;
  }
  wake (self);
  g_thread_join (self->thread);
  supervisor_free (self);
}

void
hookrun_supervisor_add (HookrunSupervisor *self, HookrunTree *tree)
{
  gint64 next = hookrun_tree_next_turn (tree);

  g_mutex_lock (&self->lock);
  tree->id = ++self->last_id;
  g_hash_table_insert (self->trees, &tree->id, hookrun_tree_ref (tree));
  g_mutex_unlock (&self->lock);
  if (!watch (self, tree->pidfd, event_data (tree->id, EVENT_END)) ||
      !watch (self, tree->listener, event_data (tree->id, EVENT_QUESTION)))
    hookrun_tree_kill (tree, HOOKRUN_LIMIT_NONE);
  hookrun_supervisor_hurry (self, next);
}

void
hookrun_supervisor_leave_end (HookrunSupervisor *self, HookrunTree *tree)
{
  epoll_ctl (self->epoll_fd, EPOLL_CTL_DEL, tree->pidfd, NULL);
}

void
hookrun_supervisor_take_end (HookrunSupervisor *self, HookrunTree *tree)
{
  watch (self, tree->pidfd, event_data (tree->id, EVENT_END));
}

void
hookrun_supervisor_forget (HookrunSupervisor *self, HookrunTree *tree)
{
  g_autoptr (HookrunTree) kept = hookrun_tree_ref (tree);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (!g_hash_table_remove (self->trees, &tree->id))
    return;
  epoll_ctl (self->epoll_fd, EPOLL_CTL_DEL, tree->pidfd, NULL);
  if (tree->listener >= 0)
    epoll_ctl (self->epoll_fd, EPOLL_CTL_DEL, tree->listener, NULL);
}

void
hookrun_supervisor_hurry (HookrunSupervisor *self, gint64 when)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (when >= self->sleeps_until)
    return;
  self->sleeps_until = when;
  wake (self);
}
