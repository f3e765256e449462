/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsync over the open connection. rsync starts a tiny helper where it would start ssh; the helper
 * hands us rsync's own ends of the stream, and they are given to the command at the target as its
 * standard input and output.
 */
#include "hookrun-sync-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hookrun-child-private.h"
#include "hookrun-error-private.h"
#include "hookrun-spawn-private.h"
#include "hookrun-stream-private.h"
#include "hookrun-target-private.h"
#include "hookrun-target-task-private.h"

#define MAX_OUTPUT (64u * 1024 * 1024)
#define MAX_COMMAND 65536
#define EXIT_VANISHED 24

enum { OUTPUT, ERRORS, REMOTE_ERRORS, N_STREAMS };

typedef struct {
  HookrunTarget *target;
  const char *const *argv; /* borrowed from the caller, who waits */
  const char *prepare;     /* borrowed: shell that comes before rsync's own command there */
  HookrunStream streams[N_STREAMS];
  int socket;
  pid_t pid;
  GSource *request;
  GSource *ended;
  GSource *cancelled;
  GCancellable *stop;
  gboolean local_runs;
  gboolean remote_runs;
  int local_status;
  GError *reason; /* the first thing that went wrong, other than a status */
} Relay;

static void
relay_free (gpointer data)
{
  Relay *relay = data;

  for (gsize i = 0; i < N_STREAMS; i++)
    hookrun_stream_clear (&relay->streams[i]);
  hookrun_source_drop (&relay->request);
  hookrun_source_drop (&relay->ended);
  hookrun_source_drop (&relay->cancelled);
  if (relay->socket >= 0)
    close (relay->socket);
  g_clear_object (&relay->stop);
  g_clear_error (&relay->reason);
  g_free (relay);
}

static void
stop_with (Relay *relay, GError *error)
{
  if (relay->reason == NULL)
    relay->reason = error;
  else
    g_error_free (error);
  if (relay->local_runs)
    kill (-relay->pid, SIGTERM);
  g_cancellable_cancel (relay->stop);
}

static void
on_overflow (gpointer user_data, gpointer unused)
{
  Relay *relay = user_data;

  stop_with (relay, g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                                 "target \"%s\": rsync printed more than the limit",
                                 hookrun_target_get_name (relay->target)));
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer relay)
{
  stop_with (relay, g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
                                 "target \"%s\": the sync was cancelled",
                                 hookrun_target_get_name (((Relay *)relay)->target)));
  return G_SOURCE_REMOVE;
}

static GError *
describe_failure (Relay *relay)
{
  GError *error = NULL;
  g_autoptr (GBytes) local = hookrun_stream_take (&relay->streams[ERRORS]);
  g_autoptr (GBytes) remote = hookrun_stream_take (&relay->streams[REMOTE_ERRORS]);
  g_autofree char *text =
      g_strconcat (g_bytes_get_data (remote, NULL), g_bytes_get_data (local, NULL), NULL);
  g_autoptr (GBytes) both = g_bytes_new (text, strlen (text) + 1);

  hookrun_target_check_status (relay->target, "rsync", relay->local_status, both, FALSE, &error);
  error->code = (int)hookrun_target_code_of_text (text);
  if (WIFEXITED (relay->local_status) && WEXITSTATUS (relay->local_status) == EXIT_VANISHED)
    error->code = HOOKRUN_ERROR_CONFLICT;
  hookrun_target_add_remedy (error);
  return error;
}

/* Takes over the reference that the caller owns. */
static void
end_if_done (GTask *task)
{
  g_autoptr (GTask) owned = task;
  Relay *relay = g_task_get_task_data (task);

  if (relay->local_runs || relay->remote_runs)
    return;
  hookrun_source_drop (&relay->request);
  hookrun_source_drop (&relay->cancelled);
  for (gsize i = 0; i < N_STREAMS; i++)
    hookrun_stream_drain (&relay->streams[i]);
  if (relay->reason != NULL)
    g_task_return_error (task, g_steal_pointer (&relay->reason));
  else if (relay->local_status != 0)
    g_task_return_error (task, describe_failure (relay));
  else
    g_task_return_pointer (task, hookrun_stream_take (&relay->streams[OUTPUT]),
                           (GDestroyNotify)g_bytes_unref);
}

static void
on_local_ended (GPid pid, int status, gpointer user_data)
{
  Relay *relay = g_task_get_task_data (user_data);

  hookrun_child_guard_remove (pid);
  relay->local_runs = FALSE;
  relay->local_status = status;
  end_if_done (user_data);
}

static void
on_remote_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Relay *relay = g_task_get_task_data (user_data);
  GError *error = NULL;
  int status = 0;
  guint8 code = 255;

  relay->remote_runs = FALSE;
  if (!hookrun_target_execute_finish (relay->target, result, &status, &error))
    stop_with (relay, error);
  else if (WIFEXITED (status))
    code = (guint8)WEXITSTATUS (status);
  if (send (relay->socket, &code, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && relay->local_runs)
    g_debug ("rsync's helper has gone before its status came");
  end_if_done (user_data);
}

/* The command and the two descriptors; FALSE when something else came. */
static gboolean
receive_request (Relay *relay, char *command, int *ends)
{
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE (2 * sizeof (int))];
  } control;
  struct iovec data = {command, MAX_COMMAND};
  struct msghdr message = {.msg_iov = &data,
                           .msg_iovlen = 1,
                           .msg_control = control.space,
                           .msg_controllen = sizeof control.space};
  gssize n = recvmsg (relay->socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR (&message) : NULL;

  if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
      header->cmsg_len != CMSG_LEN (2 * sizeof (int)))
    return FALSE;
  command[n] = '\0';
  memcpy (ends, CMSG_DATA (header), 2 * sizeof (int));
  return TRUE;
}

static gboolean
on_request (int fd, GIOCondition condition, gpointer user_data)
{
  Relay *relay = g_task_get_task_data (user_data);
  g_autofree char *command = g_malloc (MAX_COMMAND + 1);
  g_autofree char *command_line = NULL;
  GError *error = NULL;
  int ends[2];
  int errors_end;

  g_clear_pointer (&relay->request, g_source_unref);
  if (!receive_request (relay, command, ends))
    return G_SOURCE_REMOVE; /* rsync ended before it wanted a connection */
  errors_end = hookrun_stream_open (&relay->streams[REMOTE_ERRORS], &error);
  if (errors_end < 0) {
    close (ends[0]);
    close (ends[1]);
    stop_with (relay, error);
    return G_SOURCE_REMOVE;
  }
  command_line = g_strconcat ("LC_ALL=C; export LC_ALL; ", relay->prepare, command, NULL);
  relay->remote_runs = TRUE;
  hookrun_target_execute_async (relay->target, command_line, ends[0], ends[1], errors_end,
                                relay->stop, on_remote_ended, g_object_ref (user_data));
  return G_SOURCE_REMOVE;
}

static gboolean
spawn_rsync (Relay *relay, GError **error)
{
  g_auto (GStrv) envp = g_environ_setenv (g_get_environ (), "LC_ALL", "C", TRUE);
  HookrunSpawn spawn = {relay->argv, (const char *const *)envp, NULL, {-1, -1, -1}, -1};
  int sockets[2];

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot make a pair of sockets");
    return FALSE;
  }
  relay->socket = sockets[0];
  spawn.extra_fd = sockets[1];
  spawn.fds[1] = hookrun_stream_open (&relay->streams[OUTPUT], error);
  if (spawn.fds[1] >= 0)
    spawn.fds[2] = hookrun_stream_open (&relay->streams[ERRORS], error);
  if (spawn.fds[2] >= 0)
    relay->pid = hookrun_spawn (&spawn, error);
  for (gsize i = 1; i < G_N_ELEMENTS (spawn.fds); i++)
    if (spawn.fds[i] >= 0)
      close (spawn.fds[i]);
  close (sockets[1]);
  relay->local_runs = relay->pid > 0;
  if (relay->local_runs)
    hookrun_child_guard_add (relay->pid);
  return relay->local_runs;
}

static void
watch (GTask *task, Relay *relay)
{
  GMainContext *context = g_main_context_get_thread_default ();
  GCancellable *cancellable = g_task_get_cancellable (task);

  relay->request = g_unix_fd_source_new (relay->socket, G_IO_IN | G_IO_HUP);
  g_source_set_callback (relay->request, G_SOURCE_FUNC (on_request), task, NULL);
  g_source_attach (relay->request, context);
  relay->ended = g_child_watch_source_new (relay->pid);
  g_source_set_callback (relay->ended, G_SOURCE_FUNC (on_local_ended), g_object_ref (task), NULL);
  g_source_attach (relay->ended, context);
  if (cancellable == NULL)
    return;
  relay->cancelled = g_cancellable_source_new (cancellable);
  g_source_set_callback (relay->cancelled, G_SOURCE_FUNC (on_cancelled), relay, NULL);
  g_source_attach (relay->cancelled, context);
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Relay *relay = g_task_get_task_data (task);
  GError *error = NULL;

  if (!hookrun_target_connect_finish (relay->target, result, &error) ||
      !spawn_rsync (relay, &error))
    g_task_return_error (task, error);
  else
    watch (task, relay);
}

typedef struct {
  const char *const *argv;
  const char *prepare;
} Request;

static void
start_relay (HookrunTarget *target, gpointer data, GCancellable *cancellable,
             GAsyncReadyCallback callback, gpointer user_data)
{
  const Request *request = data;
  GTask *task = hookrun_target_task_new (target, start_relay, cancellable, callback, user_data);
  Relay *relay = g_new0 (Relay, 1);

  relay->target = target;
  relay->argv = request->argv;
  relay->prepare = request->prepare;
  relay->socket = -1;
  relay->stop = g_cancellable_new ();
  for (gsize i = 0; i < N_STREAMS; i++)
    hookrun_stream_init (&relay->streams[i], MAX_OUTPUT, on_overflow, relay);
  g_task_set_task_data (task, relay, relay_free);
  hookrun_target_connect_async (target, cancellable, on_connected, task);
}

gboolean
hookrun_rsync_spawn (HookrunTarget *target, const char *const *argv, const char *prepare,
                     GBytes **output, GCancellable *cancellable, GError **error)
{
  Request request = {argv, prepare};
  g_autoptr (GAsyncResult) result =
      hookrun_target_wait (target, start_relay, &request, cancellable);

  *output = g_task_propagate_pointer (G_TASK (result), error);
  return *output != NULL;
}
