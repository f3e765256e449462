/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The target's object: it holds the session while there is one, and the calls that wait for it to
 * be ready. Calls end from a source of their own, never from inside the pump, so their callbacks
 * may do anything, even run a main loop.
 */
#include "hookrun-ssh-target-private.h"

#include "hookrun-ssh-session-private.h"
#include "hookrun-ssh-spares-private.h"
#include "hookrun-target-task-private.h"

/* A call of connect_async(). */
typedef struct {
  HookrunSshTarget *target;
  GTask *task;
  GMainContext *context;
  GSource *cancel_source;
} Waiter;

struct _HookrunSshTarget {
  GObject parent;
  char *name;
  HookrunSshSpec *spec;
  HookrunSshLoop *loop;
  HookrunSshSession *session; /* NULL: not connected, and nobody connects */
  HookrunSshSpares *spares;
  GPtrArray *waiters;
  GError *last_error; /* how the last connection ended */
  int send_buffer;
  gboolean pumping;
  gboolean drop; /* disconnect() was called by something in the pump */
};

static void hookrun_ssh_target_interface_init (HookrunTargetInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HookrunSshTarget, hookrun_ssh_target, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HOOKRUN_TYPE_TARGET,
                                                      hookrun_ssh_target_interface_init))

static void
end_waiter (Waiter *waiter, GError *error)
{
  if (waiter->cancel_source != NULL) {
    g_source_destroy (waiter->cancel_source);
    g_source_unref (waiter->cancel_source);
  }
  hookrun_ssh_loop_leave (waiter->target->loop, waiter->context);
  hookrun_ssh_loop_return (waiter->task, error == NULL, error);
  g_free (waiter);
}

static void
end_waiters (HookrunSshTarget *self, const GError *error)
{
  while (self->waiters->len > 0)
    end_waiter (g_ptr_array_steal_index (self->waiters, 0),
                error != NULL ? g_error_copy (error) : NULL);
}

static void
drop_session (HookrunSshTarget *self)
{
  g_autoptr (HookrunSshSession) session = g_steal_pointer (&self->session);

  self->drop = FALSE;
  if (session == NULL)
    return;
  hookrun_ssh_session_close (session);
  g_clear_error (&self->last_error);
  self->last_error = g_error_copy (session->error);
  hookrun_ssh_spares_close (self->spares, self->last_error);
  end_waiters (self, self->last_error);
}

/* The step of the loop. Callbacks that run meanwhile may let go of the target. */
static void
step (gpointer user_data)
{
  g_autoptr (HookrunSshTarget) self = g_object_ref (user_data);

  if (self->session == NULL)
    return;
  self->pumping = TRUE;
  hookrun_ssh_session_pump (self->session);
  if (self->session->stage == HOOKRUN_SSH_STAGE_READY)
    hookrun_ssh_spares_pump (self->spares, self->session);
  self->pumping = FALSE;
  if (self->drop || self->session->stage == HOOKRUN_SSH_STAGE_DEAD)
    drop_session (self);
  else if (self->session->stage == HOOKRUN_SSH_STAGE_READY)
    end_waiters (self, NULL);
}

static void
hookrun_ssh_target_disconnect (HookrunTarget *target)
{
  HookrunSshTarget *self = HOOKRUN_SSH_TARGET (target);

  if (self->pumping)
    self->drop = TRUE;
  else
    drop_session (self);
}

/* The one who cancels is told at once; the connection is dropped when nobody waits for it. */
static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  Waiter *waiter = user_data;
  HookrunSshTarget *self = waiter->target;

  g_ptr_array_remove (self->waiters, waiter);
  end_waiter (waiter, g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
                                   "target \"%s\": connecting was cancelled", self->name));
  if (self->waiters->len == 0 && self->session != NULL &&
      self->session->stage != HOOKRUN_SSH_STAGE_READY)
    hookrun_ssh_target_disconnect (HOOKRUN_TARGET (self));
  return G_SOURCE_REMOVE;
}

static const char *
hookrun_ssh_target_get_name (HookrunTarget *target)
{
  return HOOKRUN_SSH_TARGET (target)->name;
}

static void
wait_for_session (HookrunSshTarget *self, GTask *task)
{
  Waiter *waiter = g_new0 (Waiter, 1);
  GCancellable *cancellable = g_task_get_cancellable (task);

  waiter->target = self;
  waiter->task = task;
  waiter->context = hookrun_ssh_loop_enter (self->loop);
  if (cancellable != NULL) {
    waiter->cancel_source = g_cancellable_source_new (cancellable);
    g_source_set_callback (waiter->cancel_source, G_SOURCE_FUNC (on_cancelled), waiter, NULL);
    g_source_attach (waiter->cancel_source, waiter->context);
  }
  g_ptr_array_add (self->waiters, waiter);
}

static void
hookrun_ssh_target_connect_async (HookrunTarget *target, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  HookrunSshTarget *self = HOOKRUN_SSH_TARGET (target);
  g_autoptr (GTask) task = hookrun_target_task_new (self, hookrun_ssh_target_connect_async,
                                                    cancellable, callback, user_data);

  if (self->loop == NULL)
    self->loop = hookrun_ssh_loop_new (step, self);
  if (self->session == NULL)
    self->session = hookrun_ssh_session_new (target, self->loop, self->spec, self->send_buffer);
  wait_for_session (self, g_steal_pointer (&task));
}

static gboolean
hookrun_ssh_target_connect_finish (HookrunTarget *target, GAsyncResult *result, GError **error)
{
  return g_task_propagate_int (G_TASK (result), error) == 1;
}

static void
hookrun_ssh_target_execute_async (HookrunTarget *target, const char *command_line, int stdin_fd,
                                  int stdout_fd, int stderr_fd, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  HookrunSshTarget *self = HOOKRUN_SSH_TARGET (target);
  g_autoptr (GTask) task = hookrun_target_task_new (self, hookrun_ssh_target_execute_async,
                                                    cancellable, callback, user_data);
  HookrunSshSession *session;

  if (self->session == NULL || self->session->stage != HOOKRUN_SSH_STAGE_READY) {
    hookrun_target_task_close (stdin_fd, stdout_fd, stderr_fd);
    g_task_return_new_error (task, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION,
                             "target \"%s\" is not connected%s%s", self->name,
                             self->last_error != NULL ? "; it ended with: " : "",
                             self->last_error != NULL ? self->last_error->message : "");
    return;
  }
  session = hookrun_ssh_spares_choose (self->spares, self->session);
  g_ptr_array_add (session->channels,
                   hookrun_ssh_channel_new (session, command_line, stdin_fd, stdout_fd, stderr_fd,
                                            g_steal_pointer (&task)));
}

static void
hookrun_ssh_target_finalize (GObject *object)
{
  HookrunSshTarget *self = HOOKRUN_SSH_TARGET (object);

  drop_session (self);
  hookrun_ssh_spares_free (self->spares);
  g_clear_pointer (&self->loop, hookrun_ssh_loop_free);
  g_ptr_array_unref (self->waiters);
  g_clear_pointer (&self->spec, hookrun_ssh_spec_free);
  g_clear_error (&self->last_error);
  g_free (self->name);
  G_OBJECT_CLASS (hookrun_ssh_target_parent_class)->finalize (object);
}

static void
hookrun_ssh_target_class_init (HookrunSshTargetClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hookrun_ssh_target_finalize;
}

static void
hookrun_ssh_target_init (HookrunSshTarget *self)
{
  self->waiters = g_ptr_array_new ();
  self->spares = hookrun_ssh_spares_new ();
}

static void
hookrun_ssh_target_interface_init (HookrunTargetInterface *iface)
{
  iface->get_name = hookrun_ssh_target_get_name;
  iface->connect_async = hookrun_ssh_target_connect_async;
  iface->connect_finish = hookrun_ssh_target_connect_finish;
  iface->execute_async = hookrun_ssh_target_execute_async;
  iface->execute_finish = hookrun_target_task_finish_execute;
  iface->disconnect = hookrun_ssh_target_disconnect;
}

HookrunTarget *
hookrun_ssh_target_new (const char *spec, GError **error)
{
  HookrunSshSpec *parsed = hookrun_ssh_spec_parse (spec, error);
  HookrunSshTarget *self;

  if (parsed == NULL)
    return NULL;
  self = g_object_new (HOOKRUN_TYPE_SSH_TARGET, NULL);
  self->name = g_strdup (spec);
  self->spec = parsed;
  return HOOKRUN_TARGET (self);
}

void
hookrun_ssh_target_set_send_buffer (HookrunSshTarget *self, int bytes)
{
  self->send_buffer = bytes;
}
