/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host reached by ssh: by the library's own connection where that can do what the host or the
 * user's configuration wants, by the user's ssh program where it cannot. Only UNSUPPORTED makes it
 * change: a refused key or login is never tried in another way.
 */
#include "hookrun-remote-target-private.h"

#include "hookrun-ssh-program-target-private.h"
#include "hookrun-ssh-target-private.h"
#include "hookrun-target-private.h"
#include "hookrun-target-question-private.h"
#include "hookrun-target-task-private.h"

struct _HookrunRemoteTarget {
  GObject parent_instance;

  char *name;
  char *spec;
  HookrunTarget *inner;
  gboolean is_program;
};

static void hookrun_remote_target_iface_init (HookrunTargetInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HookrunRemoteTarget, hookrun_remote_target, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HOOKRUN_TYPE_TARGET,
                                                      hookrun_remote_target_iface_init))

static void connect_inner (HookrunRemoteTarget *self, GTask *task);

static const char *
get_name (HookrunTarget *target)
{
  return HOOKRUN_REMOTE_TARGET (target)->name;
}

/* The way changes for good; where ssh cannot connect either, both reasons are told. */
static gboolean
change_to_program (HookrunRemoteTarget *self, GError **error)
{
  HookrunTarget *program = hookrun_ssh_program_target_new (self->name, self->spec, error);

  if (program == NULL)
    return FALSE;
  g_object_unref (self->inner);
  self->inner = program;
  self->is_program = TRUE;
  return TRUE;
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  HookrunRemoteTarget *self = g_task_get_source_object (task);
  GError *error = NULL;
  GError *failed = NULL;

  if (hookrun_target_connect_finish (HOOKRUN_TARGET (source), result, &error)) {
    g_task_return_boolean (task, TRUE);
    return;
  }
  if (self->is_program || !g_error_matches (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED)) {
    if (g_task_get_task_data (task) != NULL)
      g_prefix_error (&error, "%s; the ssh program: ", (char *)g_task_get_task_data (task));
    g_task_return_error (task, error);
    return;
  }
  g_task_set_task_data (task, g_strdup (error->message), g_free);
  g_error_free (error);
  if (change_to_program (self, &failed))
    connect_inner (self, g_steal_pointer (&task));
  else
    g_task_return_error (task, failed);
}

/* Owns @task. */
static void
connect_inner (HookrunRemoteTarget *self, GTask *task)
{
  hookrun_target_share_question (HOOKRUN_TARGET (self), self->inner);
  hookrun_target_connect_async (self->inner, g_task_get_cancellable (task), on_connected, task);
}

static void
connect_async (HookrunTarget *target, GCancellable *cancellable, GAsyncReadyCallback callback,
               gpointer user_data)
{
  GTask *task = hookrun_target_task_new (target, connect_async, cancellable, callback, user_data);

  connect_inner (HOOKRUN_REMOTE_TARGET (target), task);
}

static void
on_executed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  int status = 0;

  if (hookrun_target_execute_finish (HOOKRUN_TARGET (source), result, &status, &error))
    g_task_return_int (task, status);
  else
    g_task_return_error (task, error);
}

static void
execute_async (HookrunTarget *target, const char *command_line, int stdin_fd, int stdout_fd,
               int stderr_fd, GCancellable *cancellable, GAsyncReadyCallback callback,
               gpointer user_data)
{
  GTask *task = hookrun_target_task_new (target, execute_async, cancellable, callback, user_data);

  hookrun_target_execute_async (HOOKRUN_REMOTE_TARGET (target)->inner, command_line, stdin_fd,
                                stdout_fd, stderr_fd, cancellable, on_executed, task);
}

static void
disconnect (HookrunTarget *target)
{
  hookrun_target_disconnect (HOOKRUN_REMOTE_TARGET (target)->inner);
}

static void
hookrun_remote_target_dispose (GObject *object)
{
  HookrunRemoteTarget *self = HOOKRUN_REMOTE_TARGET (object);

  if (self->inner != NULL) {
    hookrun_target_set_question (self->inner, NULL, NULL, NULL);
    hookrun_target_release_inner (HOOKRUN_TARGET (self), g_steal_pointer (&self->inner));
  }
  G_OBJECT_CLASS (hookrun_remote_target_parent_class)->dispose (object);
}

static void
hookrun_remote_target_finalize (GObject *object)
{
  HookrunRemoteTarget *self = HOOKRUN_REMOTE_TARGET (object);

  g_free (self->name);
  g_free (self->spec);
  G_OBJECT_CLASS (hookrun_remote_target_parent_class)->finalize (object);
}

static void
hookrun_remote_target_class_init (HookrunRemoteTargetClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = hookrun_remote_target_dispose;
  G_OBJECT_CLASS (klass)->finalize = hookrun_remote_target_finalize;
}

static void
hookrun_remote_target_init (HookrunRemoteTarget *self)
{
}

static void
hookrun_remote_target_iface_init (HookrunTargetInterface *iface)
{
  iface->get_name = get_name;
  iface->connect_async = connect_async;
  iface->connect_finish = hookrun_target_task_finish_connect;
  iface->execute_async = execute_async;
  iface->execute_finish = hookrun_target_task_finish_execute;
  iface->disconnect = disconnect;
}

HookrunTarget *
hookrun_remote_target_get_inner (HookrunRemoteTarget *self)
{
  return self->inner;
}

HookrunTarget *
hookrun_remote_target_new (const char *name, const char *spec, gboolean program_only,
                           GError **error)
{
  HookrunTarget *inner = program_only ? hookrun_ssh_program_target_new (name, spec, error)
                                      : hookrun_ssh_target_new (spec, error);
  HookrunRemoteTarget *self;

  if (inner == NULL)
    return NULL;
  self = g_object_new (HOOKRUN_TYPE_REMOTE_TARGET, NULL);
  self->name = g_strdup (name);
  self->spec = g_strdup (spec);
  self->inner = inner;
  self->is_program = program_only;
  return HOOKRUN_TARGET (self);
}
