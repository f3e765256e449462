/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The source that drives a connection, and its moves between main contexts. A move destroys the
 * source and makes a new one; the watches are entered again.
 */
#include "hookrun-ssh-loop-private.h"

typedef struct {
  GSource parent;
  HookrunSshLoop *loop;
} Source;

struct _HookrunSshLoop {
  void (*step) (gpointer user_data);
  gpointer user_data;
  GMainContext *home;
  GMainContext *attached;
  GPtrArray *callers; /* GMainContext of each call under way */
  GPtrArray *watches; /* HookrunSshWatch with something wanted */
  GSource *source;
  gint64 alarm_us;
  guint moves;
};

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  HookrunSshLoop *self = ((Source *)source)->loop;

  g_source_set_ready_time (source, -1);
  self->alarm_us = -1;
  self->step (self->user_data);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.dispatch = dispatch};

static void
detach (HookrunSshLoop *self)
{
  if (self->source != NULL) {
    g_source_destroy (self->source);
    g_clear_pointer (&self->source, g_source_unref);
  }
  g_clear_pointer (&self->attached, g_main_context_unref);
  for (guint i = 0; i < self->watches->len; i++)
    ((HookrunSshWatch *)self->watches->pdata[i])->tag = NULL;
}

/* After a move the step runs at once: time has passed, and data may have been read ahead. */
static void
attach (HookrunSshLoop *self, GMainContext *context)
{
  if (self->attached == context)
    return;
  detach (self);
  self->attached = g_main_context_ref (context);
  self->source = g_source_new (&source_funcs, sizeof (Source));
  ((Source *)self->source)->loop = self;
  g_source_set_name (self->source, "hookrun ssh");
  for (guint i = 0; i < self->watches->len; i++) {
    HookrunSshWatch *watch = self->watches->pdata[i];

    watch->tag = g_source_add_unix_fd (self->source, watch->fd, watch->wanted);
  }
  self->alarm_us = 0;
  g_source_set_ready_time (self->source, 0);
  g_source_attach (self->source, context);
  self->moves++;
}

HookrunSshLoop *
hookrun_ssh_loop_new (void (*step) (gpointer user_data), gpointer user_data)
{
  HookrunSshLoop *self = g_new0 (HookrunSshLoop, 1);

  self->step = step;
  self->user_data = user_data;
  self->callers = g_ptr_array_new_with_free_func ((GDestroyNotify)g_main_context_unref);
  self->watches = g_ptr_array_new ();
  self->alarm_us = -1;
  self->home = g_main_context_ref_thread_default ();
  attach (self, self->home);
  return self;
}

void
hookrun_ssh_loop_free (HookrunSshLoop *self)
{
  detach (self);
  g_ptr_array_unref (self->callers);
  g_ptr_array_unref (self->watches);
  g_main_context_unref (self->home);
  g_free (self);
}

/* The default context outlives every other, so it becomes the home once it is seen. */
GMainContext *
hookrun_ssh_loop_enter (HookrunSshLoop *self)
{
  GMainContext *context = g_main_context_ref_thread_default ();

  if (context == g_main_context_default () && context != self->home) {
    g_main_context_unref (self->home);
    self->home = g_main_context_ref (context);
  }
  g_ptr_array_add (self->callers, context);
  attach (self, context);
  hookrun_ssh_loop_wake (self);
  return context;
}

void
hookrun_ssh_loop_leave (HookrunSshLoop *self, GMainContext *context)
{
  for (guint i = self->callers->len; i > 0; i--)
    if (self->callers->pdata[i - 1] == context) {
      g_ptr_array_remove_index (self->callers, i - 1);
      break;
    }
  if (self->callers->len > 0)
    attach (self, self->callers->pdata[self->callers->len - 1]);
  else
    attach (self, self->home);
}

void
hookrun_ssh_loop_wake (HookrunSshLoop *self)
{
  hookrun_ssh_loop_set_alarm (self, 0);
}

void
hookrun_ssh_loop_set_alarm (HookrunSshLoop *self, gint64 when_us)
{
  if (when_us < 0 || (self->alarm_us >= 0 && self->alarm_us <= when_us))
    return;
  self->alarm_us = when_us;
  g_source_set_ready_time (self->source, when_us);
}

void
hookrun_ssh_loop_watch (HookrunSshLoop *self, HookrunSshWatch *watch, int fd, GIOCondition wanted)
{
  if (watch->wanted == wanted && (wanted == 0 || watch->fd == fd))
    return;
  if (watch->tag != NULL && (wanted == 0 || watch->fd != fd)) {
    g_source_remove_unix_fd (self->source, watch->tag);
    watch->tag = NULL;
  }
  if (watch->wanted == 0 && wanted != 0)
    g_ptr_array_add (self->watches, watch);
  if (wanted == 0)
    g_ptr_array_remove_fast (self->watches, watch);
  watch->fd = fd;
  watch->wanted = wanted;
  if (wanted == 0)
    return;
  if (watch->tag == NULL)
    watch->tag = g_source_add_unix_fd (self->source, fd, wanted);
  else
    g_source_modify_unix_fd (self->source, watch->tag, wanted);
}

GMainContext *
hookrun_ssh_loop_ref_context (HookrunSshLoop *self)
{
  return g_main_context_ref (self->attached);
}

guint
hookrun_ssh_loop_get_moves (HookrunSshLoop *self)
{
  return self->moves;
}

typedef struct {
  GTask *task;
  gssize value;
  GError *error;
} Return;

static gboolean
return_task (gpointer data)
{
  Return *self = data;

  if (self->error != NULL)
    g_task_return_error (self->task, g_steal_pointer (&self->error));
  else
    g_task_return_int (self->task, self->value);
  return G_SOURCE_REMOVE;
}

static void
return_free (gpointer data)
{
  Return *self = data;

  g_object_unref (self->task);
  g_clear_error (&self->error);
  g_free (self);
}

void
hookrun_ssh_loop_return (GTask *task, gssize value, GError *error)
{
  Return *self = g_new (Return, 1);
  g_autoptr (GSource) source = g_idle_source_new ();

  *self = (Return){task, value, error};
  g_source_set_priority (source, g_task_get_priority (task));
  g_source_set_callback (source, return_task, self, return_free);
  g_source_attach (source, g_task_get_context (task));
}
