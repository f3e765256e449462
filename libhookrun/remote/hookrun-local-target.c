/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This machine as a target: every command is a child of this process, run by /bin/sh. With a root,
 * absolute paths of copies, syncs and layouts lie below it, commands start in it and find it in the
 * variable HOOKRUN_ROOT.
 */
#include "hookrun-local-target-private.h"

#include <errno.h>
#include <signal.h>

#include "hookrun-error-private.h"
#include "hookrun-file-private.h"
#include "hookrun-spawn-private.h"
#include "hookrun-stream-private.h"
#include "hookrun-target-task-private.h"

#define GRACE_MS 500

struct _HookrunLocalTarget {
  GObject parent_instance;

  char *name;
  char *root;
  char **envp;
  GPtrArray *running; /* of GTask, not owned */
};

static void hookrun_local_target_iface_init (HookrunTargetInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HookrunLocalTarget, hookrun_local_target, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HOOKRUN_TYPE_TARGET,
                                                      hookrun_local_target_iface_init))

typedef struct {
  pid_t pid;
  GSource *ended;
  GSource *cancelled;
  GSource *force;
  GError *reason;
} Child;

static void
child_free (gpointer data)
{
  Child *child = data;

  hookrun_source_drop (&child->ended);
  hookrun_source_drop (&child->cancelled);
  hookrun_source_drop (&child->force);
  g_clear_error (&child->reason);
  g_free (child);
}

static const char *
get_name (HookrunTarget *target)
{
  return HOOKRUN_LOCAL_TARGET (target)->name;
}

static const char *
get_root (HookrunTarget *target)
{
  return HOOKRUN_LOCAL_TARGET (target)->root;
}

static void
connect_async (HookrunTarget *target, GCancellable *cancellable, GAsyncReadyCallback callback,
               gpointer user_data)
{
  HookrunLocalTarget *self = HOOKRUN_LOCAL_TARGET (target);
  g_autoptr (GTask) task =
      hookrun_target_task_new (self, connect_async, cancellable, callback, user_data);

  g_task_return_boolean (task, TRUE);
}

static void
on_ended (GPid pid, int status, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  HookrunLocalTarget *self = g_task_get_source_object (task);
  Child *child = g_task_get_task_data (task);

  g_ptr_array_remove_fast (self->running, task);
  hookrun_source_drop (&child->cancelled);
  hookrun_source_drop (&child->force);
  if (child->reason != NULL)
    g_task_return_error (task, g_steal_pointer (&child->reason));
  else
    g_task_return_int (task, status);
}

static gboolean
end_by_force (gpointer user_data)
{
  Child *child = user_data;

  kill (-child->pid, SIGKILL);
  return G_SOURCE_REMOVE;
}

/* The call ends when the child was reaped, so that nothing of it runs on unseen. */
static void
end_child (GTask *task, HookrunError code, const char *why)
{
  HookrunTarget *target = g_task_get_source_object (task);
  Child *child = g_task_get_task_data (task);

  if (child->reason != NULL)
    return;
  child->reason =
      g_error_new (HOOKRUN_ERROR, (int)code, "target \"%s\": %s", get_name (target), why);
  kill (-child->pid, SIGTERM);
  child->force = g_timeout_source_new (GRACE_MS);
  g_source_set_callback (child->force, end_by_force, child, NULL);
  g_source_attach (child->force, g_task_get_context (task));
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer task)
{
  end_child (task, HOOKRUN_ERROR_CANCELLED, "the command was cancelled");
  return G_SOURCE_REMOVE;
}

static void
watch_child (HookrunLocalTarget *self, GTask *task, pid_t pid)
{
  Child *child = g_new0 (Child, 1);
  GCancellable *cancellable = g_task_get_cancellable (task);

  child->pid = pid;
  g_task_set_task_data (task, child, child_free);
  g_ptr_array_add (self->running, task);
  child->ended = g_child_watch_source_new (pid);
  g_source_set_callback (child->ended, G_SOURCE_FUNC (on_ended), task, NULL);
  g_source_attach (child->ended, g_task_get_context (task));
  if (cancellable == NULL)
    return;
  child->cancelled = g_cancellable_source_new (cancellable);
  g_source_set_callback (child->cancelled, G_SOURCE_FUNC (on_cancelled), task, NULL);
  g_source_attach (child->cancelled, g_task_get_context (task));
}

static void
execute_async (HookrunTarget *target, const char *command_line, int stdin_fd, int stdout_fd,
               int stderr_fd, GCancellable *cancellable, GAsyncReadyCallback callback,
               gpointer user_data)
{
  HookrunLocalTarget *self = HOOKRUN_LOCAL_TARGET (target);
  g_autoptr (GTask) task =
      hookrun_target_task_new (self, execute_async, cancellable, callback, user_data);
  const char *argv[] = {"/bin/sh", "-c", command_line, NULL};
  HookrunSpawn spawn = {
      argv, (const char *const *)self->envp, self->root, {stdin_fd, stdout_fd, stderr_fd}, -1};
  GError *error = NULL;
  pid_t pid = -1;

  /* Made for the first command and not on connecting: who only looks changes nothing. */
  if (self->root == NULL || hookrun_file_make_folders (self->root, &error))
    pid = hookrun_spawn (&spawn, &error);
  hookrun_target_task_close (stdin_fd, stdout_fd, stderr_fd);
  if (pid < 0)
    g_task_return_error (task, error);
  else
    watch_child (self, g_steal_pointer (&task), pid);
}

static void
disconnect_all (HookrunTarget *target)
{
  HookrunLocalTarget *self = HOOKRUN_LOCAL_TARGET (target);

  for (guint i = 0; i < self->running->len; i++)
    end_child (self->running->pdata[i], HOOKRUN_ERROR_CONNECTION, "it was disconnected");
}

static void
hookrun_local_target_finalize (GObject *object)
{
  HookrunLocalTarget *self = HOOKRUN_LOCAL_TARGET (object);

  g_free (self->name);
  g_free (self->root);
  g_strfreev (self->envp);
  g_ptr_array_unref (self->running);
  G_OBJECT_CLASS (hookrun_local_target_parent_class)->finalize (object);
}

static void
hookrun_local_target_class_init (HookrunLocalTargetClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hookrun_local_target_finalize;
}

static void
hookrun_local_target_init (HookrunLocalTarget *self)
{
  self->running = g_ptr_array_new ();
}

static void
hookrun_local_target_iface_init (HookrunTargetInterface *iface)
{
  iface->get_name = get_name;
  iface->get_root = get_root;
  iface->connect_async = connect_async;
  iface->connect_finish = hookrun_target_task_finish_connect;
  iface->execute_async = execute_async;
  iface->execute_finish = hookrun_target_task_finish_execute;
  iface->disconnect = disconnect_all;
}

HookrunTarget *
hookrun_local_target_new (const char *name, const char *root)
{
  HookrunLocalTarget *self = g_object_new (HOOKRUN_TYPE_LOCAL_TARGET, NULL);

  self->name = g_strdup (name);
  self->root = g_strdup (root);
  self->envp = g_get_environ ();
  self->envp = g_environ_setenv (self->envp, "HOOKRUN_ROOT", root != NULL ? root : "", TRUE);
  return HOOKRUN_TARGET (self);
}
