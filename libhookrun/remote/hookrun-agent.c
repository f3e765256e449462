/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Speaks with the agent at a target. The channel lives in the target's main context, where the
 * heartbeat is sent from, also between two requests; what a caller waits for is a task there.
 */
#include "hookrun-agent-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hookrun-error-private.h"
#include "hookrun-shell-private.h"
#include "hookrun-stream-private.h"
#include "hookrun-target-private.h"
#include "hookrun-target-script-private.h"

#define MAX_REPLY (16u * 1024 * 1024)
#define MAX_ERRORS 65536
#define CLOSE_GRACE_MS 10000

struct _HookrunAgent {
  HookrunTarget *target;
  char *command_line;
  guint lease_ms;
  int socket;
  HookrunStream errors;
  GByteArray *input;
  gsize searched; /* bytes of @input without a line of status */
  GSource *readable;
  GSource *beat;
  GSource *grace;
  GSource *cancelled;
  GSource *late;    /* when @pending is given up */
  const char *step; /* what @pending asked for; NULL: the opening */
  guint limit_ms;   /* of @late */
  GCancellable *stop;
  GTask *pending; /* who waits for a reply */
  GTask *closing; /* who waits for the end */
  guint n_signs;  /* of its life */
  gboolean runs;
  gboolean lost; /* atomic */
};

static void
agent_free (gpointer data)
{
  HookrunAgent *self = data;

  hookrun_source_drop (&self->readable);
  hookrun_source_drop (&self->beat);
  hookrun_source_drop (&self->grace);
  hookrun_source_drop (&self->cancelled);
  hookrun_source_drop (&self->late);
  if (self->socket >= 0)
    close (self->socket);
  hookrun_stream_clear (&self->errors);
  g_byte_array_unref (self->input);
  g_object_unref (self->stop);
  g_object_unref (self->target);
  g_free (self->command_line);
}

static void
agent_unref (gpointer self)
{
  g_atomic_rc_box_release_full (self, agent_free);
}

gboolean
hookrun_agent_is_lost (HookrunAgent *self)
{
  return g_atomic_int_get (&self->lost);
}

static void
hang_up (HookrunAgent *self)
{
  g_atomic_int_set (&self->lost, TRUE);
  hookrun_source_drop (&self->readable);
  hookrun_source_drop (&self->beat);
  if (self->socket >= 0)
    close (self->socket);
  self->socket = -1;
}

static void
fail_pending (HookrunAgent *self, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->pending);

  hookrun_source_drop (&self->cancelled);
  hookrun_source_drop (&self->late);
  if (task != NULL)
    g_task_return_error (task, error);
  else
    g_error_free (error);
}

/* ---- what never comes ---- */

/* Whoever gives up a request gives up the lock: the agent then undoes what nobody confirmed. */
static gboolean
on_late (gpointer user_data)
{
  HookrunAgent *self = user_data;
  GError *error = hookrun_agent_describe_silence (self->target, self->n_signs > 0, self->step,
                                                  self->limit_ms / 1000);

  hang_up (self);
  fail_pending (self, error);
  return G_SOURCE_REMOVE;
}

/* Gives up what is pending after @limit_ms; 0 waits as long as it takes. */
static void
limit_wait (HookrunAgent *self, guint limit_ms)
{
  hookrun_source_drop (&self->late);
  self->limit_ms = limit_ms;
  if (limit_ms > 0)
    hookrun_source_add (&self->late, g_timeout_source_new (limit_ms), on_late, self);
}

/* An agent that is alive, and has the lock, says so soon. */
static guint
answer_limit_ms (HookrunAgent *self)
{
  return 2 * self->lease_ms;
}

/* ---- replies ---- */

typedef struct {
  int status;
  char *text;
} Reply;

static void
reply_free (gpointer reply)
{
  g_free (((Reply *)reply)->text);
  g_free (reply);
}

static void
notice_signs (HookrunAgent *self)
{
  guint n_signs = hookrun_agent_count_signs (self->input->data, self->input->len);

  if (self->pending != NULL && self->step == NULL && n_signs > self->n_signs)
    limit_wait (self, n_signs > 1 ? HOOKRUN_AGENT_UNDO_LIMIT_MS : answer_limit_ms (self));
  self->n_signs = MAX (self->n_signs, n_signs);
}

/* A reply ends with a line "\036 status". Ahead of the first one is what the login shell prints, up
 * to the mark. TRUE when a reply was there. */
static gboolean
take_reply (HookrunAgent *self)
{
  const char *data = (const char *)self->input->data;
  gsize from = self->searched > 0 ? self->searched - 1 : 0;
  const char *mark = memmem (data + from, self->input->len - from, "\036 ", 2);
  const char *end =
      mark != NULL ? memchr (mark, '\n', self->input->len - (gsize)(mark - data)) : NULL;
  g_autoptr (GTask) task = NULL;
  Reply *reply;

  if (end == NULL) {
    notice_signs (self);
    self->searched = mark != NULL ? (gsize)(mark - data) + 1 : self->input->len;
    return FALSE;
  }
  self->n_signs = MAX (self->n_signs, 1);
  reply = g_new0 (Reply, 1);
  reply->text = g_strchomp (g_strndup (data, (gsize)(mark - data)));
  reply->status = (int)g_ascii_strtoll (mark + 1, NULL, 10);
  g_byte_array_remove_range (self->input, 0, (guint)(end + 1 - data));
  self->searched = 0;
  task = g_steal_pointer (&self->pending);
  hookrun_source_drop (&self->cancelled);
  hookrun_source_drop (&self->late);
  if (task != NULL)
    g_task_return_pointer (task, reply, reply_free);
  else
    reply_free (reply);
  return TRUE;
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer user_data)
{
  HookrunAgent *self = user_data;
  guint8 buffer[16384];

  for (;;) {
    gssize n = recv (fd, buffer, sizeof buffer, MSG_DONTWAIT);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno == EAGAIN)
      return G_SOURCE_CONTINUE;
    if (n <= 0 || self->input->len + (gsize)n > MAX_REPLY)
      break;
    g_byte_array_append (self->input, buffer, (guint)n);
    while (self->input->len > 0 && take_reply (self))
      continue;
  }
  /* The end of the command tells why. */
  g_atomic_int_set (&self->lost, TRUE);
  if (self->input->len > MAX_REPLY / 2)
    g_cancellable_cancel (self->stop);
  g_clear_pointer (&self->readable, g_source_unref);
  return G_SOURCE_REMOVE;
}

static gboolean
send_text (HookrunAgent *self, const char *text, int flags)
{
  gsize length = strlen (text);

  while (length > 0) {
    gssize n = self->socket >= 0 ? send (self->socket, text, length, MSG_NOSIGNAL | flags) : -1;

    if (n < 0 && errno == EINTR && self->socket >= 0)
      continue;
    if (n < 0)
      return FALSE;
    text += n;
    length -= (gsize)n;
  }
  return TRUE;
}

static gboolean
on_beat (gpointer user_data)
{
  HookrunAgent *self = user_data;

  /* While a request is worked on, the agent reads nothing and its lease does not run. */
  if (self->pending == NULL)
    send_text (self, "beat\n", MSG_DONTWAIT);
  return G_SOURCE_CONTINUE;
}

static void
on_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  HookrunAgent *self = user_data;
  g_autoptr (GTask) closing = g_steal_pointer (&self->closing);
  g_autoptr (GBytes) errors = NULL;
  GError *error = NULL;
  int status = 0;

  hookrun_target_execute_finish (self->target, result, &status, &error);
  self->runs = FALSE;
  hookrun_source_drop (&self->grace);
  if (self->readable != NULL)
    on_readable (self->socket, G_IO_IN, self);
  hang_up (self);
  hookrun_stream_drain (&self->errors);
  errors = hookrun_stream_take (&self->errors);
  g_byte_array_append (self->input, (const guint8 *)"", 1);
  fail_pending (self, hookrun_agent_describe_loss (self->target, self->n_signs > 0, status,
                                                   (const char *)self->input->data,
                                                   g_bytes_get_data (errors, NULL), error));
  if (closing != NULL)
    g_task_return_boolean (closing, TRUE);
  agent_unref (self);
}

static gboolean
start_command (HookrunAgent *self, GError **error)
{
  int ends[2];
  int output;
  int errors_end;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot make a pair of sockets");
    return FALSE;
  }
  self->socket = ends[0];
  output = fcntl (ends[1], F_DUPFD_CLOEXEC, 0);
  errors_end = hookrun_stream_open (&self->errors, error);
  if (output < 0 || errors_end < 0) {
    close (ends[1]);
    return FALSE;
  }
  self->runs = TRUE;
  hookrun_source_add (&self->readable, g_unix_fd_source_new (ends[0], G_IO_IN | G_IO_HUP),
                      G_SOURCE_FUNC (on_readable), self);
  hookrun_source_add (&self->beat, g_timeout_source_new (self->lease_ms / 3), on_beat, self);
  hookrun_target_execute_async (self->target, self->command_line, ends[1], output, errors_end,
                                self->stop, on_ended, g_atomic_rc_box_acquire (self));
  return TRUE;
}

/* The agent cannot leave a request half done; it loses the lock instead, and undoes. */
static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  HookrunAgent *self = user_data;

  hang_up (self);
  fail_pending (self,
                g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED, "target \"%s\": %s",
                             hookrun_target_get_name (self->target),
                             self->step != NULL ? "the step was cancelled, the lock given back"
                                                : "taking the lock was cancelled"));
  return G_SOURCE_REMOVE;
}

/* @task waits for a reply from now on. */
static void
await_reply (HookrunAgent *self, GTask *task, const char *step, guint limit_ms)
{
  GCancellable *cancellable = g_task_get_cancellable (task);

  self->pending = task;
  self->step = step;
  limit_wait (self, limit_ms);
  if (cancellable != NULL)
    hookrun_source_add (&self->cancelled, g_cancellable_source_new (cancellable),
                        G_SOURCE_FUNC (on_cancelled), self);
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  HookrunAgent *self = g_task_get_task_data (task);
  GError *error = NULL;

  if (!hookrun_target_connect_finish (self->target, result, &error) ||
      !start_command (self, &error))
    g_task_return_error (task, error);
  else
    await_reply (self, g_steal_pointer (&task), NULL, answer_limit_ms (self));
}

/* What cancelling means is ours to say, so the task does not look at it. */
static GTask *
new_task (HookrunAgent *self, GCancellable *cancellable, GAsyncReadyCallback callback,
          gpointer user_data)
{
  GTask *task = g_task_new (self->target, cancellable, callback, user_data);

  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, g_atomic_rc_box_acquire (self), agent_unref);
  return task;
}

static void
start_open (HookrunTarget *target, gpointer data, GCancellable *cancellable,
            GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = new_task (data, cancellable, callback, user_data);

  hookrun_target_connect_async (target, cancellable, on_connected, task);
}

typedef struct {
  HookrunAgent *agent;
  const char *step;
  const char *line;
} Request;

static void
start_ask (HookrunTarget *target, gpointer data, GCancellable *cancellable,
           GAsyncReadyCallback callback, gpointer user_data)
{
  const Request *request = data;
  HookrunAgent *self = request->agent;
  g_autoptr (GTask) task = new_task (self, cancellable, callback, user_data);

  if (!self->runs || self->socket < 0) {
    g_task_return_new_error (
        task, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION,
        "target \"%s\": the connection that held the lock is lost, and the lock with it; "
        "run it again",
        hookrun_target_get_name (target));
    return;
  }
  await_reply (self, g_steal_pointer (&task), request->step,
               hookrun_agent_limit_ms (request->step, self->lease_ms));
  /* Where this fails, the end of the command tells why. */
  send_text (self, request->line, 0);
}

static gboolean
on_grace_over (gpointer user_data)
{
  HookrunAgent *self = user_data;

  g_cancellable_cancel (self->stop);
  return G_SOURCE_REMOVE;
}

static void
start_close (HookrunTarget *target, gpointer data, GCancellable *cancellable,
             GAsyncReadyCallback callback, gpointer user_data)
{
  HookrunAgent *self = data;
  g_autoptr (GTask) task = new_task (self, cancellable, callback, user_data);

  hang_up (self);
  if (!self->runs) {
    g_task_return_boolean (task, TRUE);
    return;
  }
  self->closing = g_steal_pointer (&task);
  /* What did not even begin holds no lock. */
  hookrun_source_add (&self->grace, g_timeout_source_new (self->n_signs > 0 ? CLOSE_GRACE_MS : 0),
                      on_grace_over, self);
}

static HookrunAgent *
agent_new (HookrunTarget *target, const char *folder, const char *kind, guint lease_seconds)
{
  HookrunAgent *self = g_atomic_rc_box_new0 (HookrunAgent);
  g_autofree char *mapped = hookrun_target_map_path (target, folder);
  g_autofree char *lease = g_strdup_printf ("%u", lease_seconds);
  g_autofree char *holder = hookrun_agent_describe_holder ();
  g_autofree char *command = hookrun_target_script_command (
      "agent", (const char *const[]){mapped, kind, lease, holder, NULL});

  self->target = g_object_ref (target);
  self->command_line = g_strconcat ("printf '\\036hookrun\\n'; exec ", command, NULL);
  self->lease_ms = lease_seconds * 1000;
  self->socket = -1;
  self->input = g_byte_array_new ();
  self->stop = g_cancellable_new ();
  hookrun_stream_init (&self->errors, MAX_ERRORS, NULL, NULL);
  return self;
}

HookrunAgent *
hookrun_agent_open (HookrunTarget *target, const char *folder, const char *kind,
                    guint lease_seconds, char **greeting, GCancellable *cancellable, GError **error)
{
  HookrunAgent *self = agent_new (target, folder, kind, lease_seconds);
  g_autoptr (GAsyncResult) result = hookrun_target_wait (target, start_open, self, cancellable);
  Reply *reply = g_task_propagate_pointer (G_TASK (result), error);
  const char *text = reply != NULL ? hookrun_agent_text_of_opening (reply->text) : "";
  gboolean ok = reply != NULL && reply->status == 0;

  if (ok)
    *greeting = g_strdup (text);
  else if (reply != NULL)
    hookrun_agent_set_open_error (target, folder, reply->status, text, error);
  if (reply != NULL)
    reply_free (reply);
  if (ok)
    return self;
  hookrun_agent_close (self);
  return NULL;
}

char *
hookrun_agent_ask (HookrunAgent *self, const char *const *words, GCancellable *cancellable,
                   GError **error)
{
  g_autofree char *quoted = hookrun_shell_quote_argv (words);
  g_autofree char *line = g_strconcat (quoted, "\n", NULL);
  Request request = {self, words[0], line};
  g_autoptr (GAsyncResult) result = NULL;
  char *text = NULL;
  Reply *reply;

  if (strchr (quoted, '\n') != NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "target \"%s\": a name with a newline cannot be used here",
                 hookrun_target_get_name (self->target));
    return NULL;
  }
  result = hookrun_target_wait (self->target, start_ask, &request, cancellable);
  reply = g_task_propagate_pointer (G_TASK (result), error);
  if (reply == NULL)
    return NULL;
  if (reply->status == 0)
    text = g_steal_pointer (&reply->text);
  else
    hookrun_agent_set_step_error (self->target, words[0], reply->text, error);
  reply_free (reply);
  return text;
}

void
hookrun_agent_close (HookrunAgent *self)
{
  g_autoptr (GAsyncResult) result = hookrun_target_wait (self->target, start_close, self, NULL);

  g_task_propagate_boolean (G_TASK (result), NULL);
  agent_unref (self);
}
