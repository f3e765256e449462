/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a target lives. The sources of a connection sit in one main context for good: that of the
 * caller who connected asynchronously, else one with a thread of its own, so that heartbeats flow
 * between two blocking calls, too. Blocking calls send their work there and wait.
 */
#include "hookrun-target-private.h"

typedef struct {
  GMainContext *context;
  GMainLoop *loop; /* NULL: the context is a caller's */
  GThread *thread;
} Home;

G_LOCK_DEFINE_STATIC (homes);

static GQuark
home_quark (void)
{
  return g_quark_from_static_string ("hookrun-target-home");
}

static gboolean
quit_loop (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static void
attach_idle (GMainContext *context, GSourceFunc func, gpointer data, GDestroyNotify destroy)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, data, destroy);
  g_source_attach (source, context);
}

/* The loop is ended from inside, because ending it before it runs would be forgotten. */
static void
home_free (gpointer data)
{
  Home *home = data;

  if (home->loop != NULL) {
    attach_idle (home->context, quit_loop, home->loop, NULL);
    if (home->thread == g_thread_self ())
      g_thread_unref (home->thread);
    else
      g_thread_join (home->thread);
    g_main_loop_unref (home->loop);
  }
  g_main_context_unref (home->context);
  g_free (home);
}

static gpointer
run_home (gpointer data)
{
  g_autoptr (GMainLoop) loop = data;
  GMainContext *context = g_main_loop_get_context (loop);

  g_main_context_push_thread_default (context);
  g_main_loop_run (loop);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static Home *
ensure_home (HookrunTarget *self, gboolean adopt)
{
  Home *home;

  G_LOCK (homes);
  home = g_object_get_qdata (G_OBJECT (self), home_quark ());
  if (home == NULL) {
    home = g_new0 (Home, 1);
    if (adopt) {
      home->context = g_main_context_ref_thread_default ();
    } else {
      home->context = g_main_context_new ();
      home->loop = g_main_loop_new (home->context, FALSE);
      home->thread = g_thread_new ("hookrun-target", run_home, g_main_loop_ref (home->loop));
    }
    g_object_set_qdata_full (G_OBJECT (self), home_quark (), home, home_free);
  }
  G_UNLOCK (homes);
  return home;
}

GMainContext *
hookrun_target_get_context (HookrunTarget *self)
{
  return ensure_home (self, FALSE)->context;
}

void
hookrun_target_adopt_context (HookrunTarget *self)
{
  ensure_home (self, TRUE);
}

static gboolean
disconnect_inner (gpointer inner)
{
  hookrun_target_disconnect (inner);
  return G_SOURCE_REMOVE;
}

void
hookrun_target_release_inner (HookrunTarget *self, HookrunTarget *inner)
{
  Home *home = g_object_get_qdata (G_OBJECT (self), home_quark ());

  if (home != NULL && home->thread != NULL && home->thread != g_thread_self ()) {
    attach_idle (home->context, disconnect_inner, inner, g_object_unref);
    return;
  }
  hookrun_target_disconnect (inner);
  g_object_unref (inner);
}

typedef struct {
  HookrunTarget *target;
  HookrunTargetStart start;
  gpointer data;
  GCancellable *cancellable;
  GMainContext *context;
  GMutex mutex;
  GCond cond;
  GAsyncResult *result;
} Wait;

static void
wait_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Wait *wait = user_data;

  g_mutex_lock (&wait->mutex);
  wait->result = g_object_ref (result);
  g_cond_signal (&wait->cond);
  g_mutex_unlock (&wait->mutex);
}

static gboolean
wait_start (gpointer data)
{
  Wait *wait = data;

  g_main_context_push_thread_default (wait->context);
  wait->start (wait->target, wait->data, wait->cancellable, wait_done, wait);
  g_main_context_pop_thread_default (wait->context);
  return G_SOURCE_REMOVE;
}

/* This thread may iterate the context: nobody else does. */
static void
wait_by_iterating (Wait *wait)
{
  wait_start (wait);
  g_main_context_push_thread_default (wait->context);
  while (wait->result == NULL)
    g_main_context_iteration (wait->context, TRUE);
  g_main_context_pop_thread_default (wait->context);
}

static void
wait_for_other_thread (Wait *wait)
{
  attach_idle (wait->context, wait_start, wait, NULL);
  g_mutex_lock (&wait->mutex);
  while (wait->result == NULL)
    g_cond_wait (&wait->cond, &wait->mutex);
  g_mutex_unlock (&wait->mutex);
}

GAsyncResult *
hookrun_target_wait (HookrunTarget *self, HookrunTargetStart start, gpointer data,
                     GCancellable *cancellable)
{
  Home *home = ensure_home (self, FALSE);
  Wait wait = {.target = self,
               .start = start,
               .data = data,
               .cancellable = cancellable,
               .context = home->context};
  gboolean elsewhere = home->thread != NULL && home->thread != g_thread_self ();

  g_mutex_init (&wait.mutex);
  g_cond_init (&wait.cond);
  if (!elsewhere && g_main_context_acquire (wait.context)) {
    wait_by_iterating (&wait);
    g_main_context_release (wait.context);
  } else {
    wait_for_other_thread (&wait);
  }
  g_mutex_clear (&wait.mutex);
  g_cond_clear (&wait.cond);
  return wait.result;
}
