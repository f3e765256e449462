/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The watcher as its user sees it: roots, the start, signals on the user's main context. Looking is
 * the work of a thread with hookrun-inotify.c; a source takes from its outbox.
 */
#include "hookrun-watcher-private.h"

#include <glib-unix.h>
#include <string.h>

#include "hookrun-inotify-private.h"
#include "hookrun-settle-private.h"
#include "hookrun-watch-thread-private.h"

struct _HookrunWatcher {
  GObject parent_instance;
  GPtrArray *roots; /* HookrunWatchRoot, as asked for */
  guint settle_ms;
  guint room;
  gsize budget;
  HookrunOutbox *outbox;
  HookrunSettle *settle;
  HookrunInotify *inotify;
  GThread *thread;
  GSource *source;
  GTask *starting;
  gulong cancelled_id;
  /* Between the threads: whether the first look is done, and how it went. */
  GMutex lock;
  GCond ready;
  gboolean is_ready;
  GError *problem;
};

typedef struct {
  GSource source;
  HookrunWatcher *watcher;
} WatcherSource;

enum { CHANGES, PROBLEM, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (HookrunWatcher, hookrun_watcher, G_TYPE_OBJECT)

static void
hookrun_watcher_dispose (GObject *object)
{
  hookrun_watcher_stop (HOOKRUN_WATCHER (object));
  G_OBJECT_CLASS (hookrun_watcher_parent_class)->dispose (object);
}

static void
hookrun_watcher_finalize (GObject *object)
{
  HookrunWatcher *self = HOOKRUN_WATCHER (object);

  g_ptr_array_unref (self->roots);
  g_clear_error (&self->problem);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->ready);
  G_OBJECT_CLASS (hookrun_watcher_parent_class)->finalize (object);
}

static void
hookrun_watcher_class_init (HookrunWatcherClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = hookrun_watcher_dispose;
  G_OBJECT_CLASS (klass)->finalize = hookrun_watcher_finalize;

  /**
   * HookrunWatcher::changes:
   * @self: the watcher
   * @changes: (element-type HookrunChange): what changed, in order
   *
   * Something changed. Handlers may take their time: what happens meanwhile is not lost.
   *
   * Since: 1.0
   */
  signals[CHANGES] = g_signal_new ("changes", HOOKRUN_TYPE_WATCHER, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 1, G_TYPE_PTR_ARRAY);

  /**
   * HookrunWatcher::problem:
   * @self: the watcher
   * @problem: what is wrong, and what can be done about it
   *
   * Something keeps the watcher from seeing all: %HOOKRUN_ERROR_LIMIT when the kernel allows no
   * more watches.
   *
   * Since: 1.0
   */
  signals[PROBLEM] = g_signal_new ("problem", HOOKRUN_TYPE_WATCHER, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
hookrun_watcher_init (HookrunWatcher *self)
{
  self->roots = g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_watch_root_free);
  self->budget = HOOKRUN_RAW_BUDGET;
  self->room = HOOKRUN_OUTBOX_ROOM;
  g_mutex_init (&self->lock);
  g_cond_init (&self->ready);
}

/**
 * hookrun_watcher_new:
 *
 * Makes a watcher without roots.
 *
 * Returns: (transfer full): a new watcher
 *
 * Since: 1.0
 */
HookrunWatcher *
hookrun_watcher_new (void)
{
  return g_object_new (HOOKRUN_TYPE_WATCHER, NULL);
}

/**
 * hookrun_watcher_add_root:
 * @self: a watcher that was not started
 * @path: (type filename): a folder or a file; it need not exist yet
 * @flags: how to watch it
 * @kinds: which kinds of changes are told
 * @error: return location for an error
 *
 * Adds something to watch. A file is watched by its name, whatever it is replaced by. A root within
 * another that is watched with all its folders, or the same as another, is watched once, for the
 * kinds of both, and told as within the outer one.
 *
 * Returns: %TRUE on success; %FALSE with %HOOKRUN_ERROR_INVALID for an empty path or no kinds, or
 *   %HOOKRUN_ERROR_BUSY when the watcher was started
 *
 * Since: 1.0
 */
gboolean
hookrun_watcher_add_root (HookrunWatcher *self, const char *path, HookrunWatchFlags flags,
                          HookrunChangeKind kinds, GError **error)
{
  g_return_val_if_fail (HOOKRUN_IS_WATCHER (self) && path != NULL, FALSE);
  if (self->inotify != NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_BUSY,
                 "cannot add %s: the watcher was started; stop it first, or use another", path);
    return FALSE;
  }
  if (*path == '\0' || (kinds & HOOKRUN_CHANGE_ALL) == 0) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "cannot watch \"%s\": %s", path,
                 *path == '\0' ? "the path is empty" : "no kind of change is asked for");
    return FALSE;
  }
  g_ptr_array_add (self->roots, hookrun_watch_root_new (path, flags, kinds));
  return TRUE;
}

/**
 * hookrun_watcher_set_settle_ms:
 * @self: a watcher that was not started
 * @settle_ms: milliseconds; 0, the default, tells everything as it comes
 *
 * Sets how long a path must have been quiet before its changes are told, as one: a file that is
 * written for a while is told once, and one that was made and removed again not at all.
 *
 * Since: 1.0
 */
void
hookrun_watcher_set_settle_ms (HookrunWatcher *self, guint settle_ms)
{
  g_return_if_fail (HOOKRUN_IS_WATCHER (self) && self->inotify == NULL);
  self->settle_ms = settle_ms;
}

/**
 * hookrun_watcher_get_settle_ms:
 * @self: a watcher
 *
 * Gets how long a path must be quiet.
 *
 * Returns: milliseconds
 *
 * Since: 1.0
 */
guint
hookrun_watcher_get_settle_ms (HookrunWatcher *self)
{
  g_return_val_if_fail (HOOKRUN_IS_WATCHER (self), 0);
  return self->settle_ms;
}

/**
 * hookrun_watcher_get_n_folders:
 * @self: a watcher
 *
 * Gets how many folders are watched now.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint
hookrun_watcher_get_n_folders (HookrunWatcher *self)
{
  g_return_val_if_fail (HOOKRUN_IS_WATCHER (self), 0);
  return self->inotify == NULL ? 0 : (guint)g_atomic_int_get (&self->inotify->n_folders);
}

void
hookrun_watcher_set_budget (HookrunWatcher *self, guint room, gsize budget)
{
  self->room = room;
  self->budget = budget;
}

/* ---- the source ---- */

static gint64
arm (HookrunWatcher *self)
{
  gint64 due_us = self->settle == NULL ? -1 : hookrun_settle_get_due_us (self->settle);

  g_source_set_ready_time (self->source, due_us);
  return due_us;
}

/* What was taken, or what has settled of it. (transfer full) (nullable) */
static GPtrArray *
settle (HookrunWatcher *self, GPtrArray *taken)
{
  gint64 now_us = g_get_monotonic_time ();
  GPtrArray *settled;

  if (self->settle == NULL)
    return taken;
  for (guint i = 0; taken != NULL && i < taken->len; i++)
    hookrun_settle_add (self->settle, g_ptr_array_index (taken, i), now_us);
  g_clear_pointer (&taken, g_ptr_array_unref);
  settled = g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_change_unref);
  hookrun_settle_take (self->settle, now_us, settled);
  return settled;
}

/* (transfer full) (nullable) */
static GTask *
take_start (HookrunWatcher *self)
{
  GTask *task = g_steal_pointer (&self->starting);

  if (task != NULL)
    g_cancellable_disconnect (g_task_get_cancellable (task), self->cancelled_id);
  self->cancelled_id = 0;
  return task;
}

static void
finish_start (HookrunWatcher *self)
{
  g_autoptr (GTask) task = NULL;
  GError *problem;
  gboolean is_ready;

  g_mutex_lock (&self->lock);
  is_ready = self->is_ready;
  g_mutex_unlock (&self->lock);
  if (!is_ready || self->starting == NULL)
    return;
  task = take_start (self);
  problem = g_steal_pointer (&self->problem);
  if (problem == NULL) {
    g_task_return_boolean (task, TRUE);
    return;
  }
  hookrun_watcher_stop (self);
  g_task_return_error (task, problem);
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  g_autoptr (HookrunWatcher) self = g_object_ref (((WatcherSource *)source)->watcher);
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (GPtrArray) changes = NULL;

  changes = settle (self, hookrun_outbox_take (self->outbox, &problems));
  arm (self);
  finish_start (self);
  if (changes != NULL && changes->len > 0)
    g_signal_emit (self, signals[CHANGES], 0, changes);
  for (guint i = 0; problems != NULL && i < problems->len; i++)
    g_signal_emit (self, signals[PROBLEM], 0, g_ptr_array_index (problems, i));
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.dispatch = dispatch};

static void
attach (HookrunWatcher *self)
{
  self->source = g_source_new (&source_funcs, sizeof (WatcherSource));
  ((WatcherSource *)self->source)->watcher = self;
  g_source_set_static_name (self->source, "hookrun watcher");
  g_source_add_unix_fd (self->source, hookrun_outbox_get_fd (self->outbox), G_IO_IN);
  g_source_attach (self->source, g_main_context_get_thread_default ());
}

/* ---- starting and stopping ---- */

static gpointer
watch (gpointer data)
{
  HookrunWatcher *self = data;
  GError *problem = NULL;
  gboolean goes_on = hookrun_inotify_prepare (self->inotify, &problem);

  if (goes_on && hookrun_inotify_is_stopped (self->inotify)) {
    g_set_error (&problem, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED, "starting to watch: cancelled");
    goes_on = FALSE;
  }
  g_mutex_lock (&self->lock);
  self->is_ready = TRUE;
  self->problem = problem;
  g_cond_broadcast (&self->ready);
  g_mutex_unlock (&self->lock);
  hookrun_outbox_wake (self->outbox);
  if (goes_on)
    hookrun_inotify_run (self->inotify);
  return NULL;
}

static gboolean
begin (HookrunWatcher *self, GError **error)
{
  g_autoptr (GPtrArray) roots = NULL;

  if (self->inotify != NULL || self->roots->len == 0) {
    g_set_error (
        error, HOOKRUN_ERROR, self->inotify != NULL ? HOOKRUN_ERROR_BUSY : HOOKRUN_ERROR_INVALID,
        "cannot start to watch: %s", self->inotify != NULL ? "it was started" : "there is no root");
    return FALSE;
  }
  roots = hookrun_watch_roots_settle (self->roots);
  self->outbox = hookrun_outbox_new (error);
  if (self->outbox == NULL)
    return FALSE;
  self->inotify = hookrun_inotify_new (roots, self->outbox, error);
  self->settle = self->settle_ms > 0 ? hookrun_settle_new (self->settle_ms) : NULL;
  self->is_ready = FALSE;
  g_clear_error (&self->problem);
  if (self->inotify != NULL) {
    self->inotify->raw.budget = self->budget;
    hookrun_outbox_set_room (self->outbox, self->room);
    attach (self);
    self->thread = hookrun_watch_thread_start (watch, self, error);
  }
  if (self->thread != NULL)
    return TRUE;
  hookrun_watcher_stop (self);
  return FALSE;
}

static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  hookrun_inotify_stop (user_data);
}

/**
 * hookrun_watcher_start:
 * @self: a watcher with roots
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Starts to watch and waits until nothing can be missed any more. What was there before is not
 * told. What changes is told by [signal@Hookrun.Watcher::changes] once the main loop runs.
 *
 * Returns: %TRUE on success; %FALSE with %HOOKRUN_ERROR_LIMIT when the kernel allows too few
 *   watches, %HOOKRUN_ERROR_PERMISSION when a root may not be read, %HOOKRUN_ERROR_INVALID without
 *   a root, %HOOKRUN_ERROR_BUSY when it was started, or %HOOKRUN_ERROR_CANCELLED
 *
 * Since: 1.0
 */
gboolean
hookrun_watcher_start (HookrunWatcher *self, GCancellable *cancellable, GError **error)
{
  gulong id;

  g_return_val_if_fail (HOOKRUN_IS_WATCHER (self), FALSE);
  if (!begin (self, error))
    return FALSE;
  id = cancellable == NULL
           ? 0
           : g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), self->inotify, NULL);
  g_mutex_lock (&self->lock);
  while (!self->is_ready)
    g_cond_wait (&self->ready, &self->lock);
  g_mutex_unlock (&self->lock);
  g_cancellable_disconnect (cancellable, id);
  if (self->problem == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&self->problem));
  hookrun_watcher_stop (self);
  return FALSE;
}

/**
 * hookrun_watcher_start_async:
 * @self: a watcher with roots
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called when nothing can be missed any more
 * @user_data: for @callback
 *
 * Starts to watch without waiting, as [method@Hookrun.Watcher.start] does.
 *
 * Since: 1.0
 */
void
hookrun_watcher_start_async (HookrunWatcher *self, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GError *error = NULL;

  g_return_if_fail (HOOKRUN_IS_WATCHER (self));
  g_task_set_source_tag (task, hookrun_watcher_start_async);
  g_task_set_check_cancellable (task, FALSE);
  if (!begin (self, &error)) {
    g_task_return_error (task, error);
    return;
  }
  self->starting = g_steal_pointer (&task);
  if (cancellable != NULL)
    self->cancelled_id =
        g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), self->inotify, NULL);
}

/**
 * hookrun_watcher_start_finish:
 * @self: a watcher
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Hookrun.Watcher.start_async].
 *
 * Returns: %TRUE on success; %FALSE with the errors of [method@Hookrun.Watcher.start]
 *
 * Since: 1.0
 */
gboolean
hookrun_watcher_start_finish (HookrunWatcher *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
give_up_start (HookrunWatcher *self)
{
  g_autoptr (GTask) task = take_start (self);

  if (task != NULL)
    g_task_return_new_error (task, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
                             "starting to watch: the watcher was stopped");
}

/**
 * hookrun_watcher_stop:
 * @self: a watcher
 *
 * Stops watching. Nothing is told any more, not even what has happened already. It may be started
 * again. A watcher that is not running stays as it is.
 *
 * Since: 1.0
 */
void
hookrun_watcher_stop (HookrunWatcher *self)
{
  g_return_if_fail (HOOKRUN_IS_WATCHER (self));
  if (self->inotify != NULL)
    hookrun_inotify_stop (self->inotify);
  g_clear_pointer (&self->thread, g_thread_join);
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  give_up_start (self);
  g_clear_pointer (&self->inotify, hookrun_inotify_free);
  g_clear_pointer (&self->settle, hookrun_settle_free);
  g_clear_pointer (&self->outbox, hookrun_outbox_free);
}
