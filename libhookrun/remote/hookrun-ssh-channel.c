/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A command on a channel: opened and started one at a time per session, then pumped between the
 * caller's descriptors and libssh2 until the server closes it. A cancelled command's call ends at
 * once; its channel closes behind it.
 */
#include "hookrun-ssh-session-private.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "hookrun-error-private.h"
#include "hookrun-ssh-stream-private.h"

#define WINDOW (4 * 1024 * 1024)
#define PACKET 32768
#define RETRY_US (100 * G_TIME_SPAN_MILLISECOND)
/* How long a command waits for a session on the server: while others run, and when none runs or
 * there can be no other connection. */
#define QUEUE_LIMIT_US (15 * G_TIME_SPAN_SECOND)
#define REFUSAL_LIMIT_US (2 * G_TIME_SPAN_SECOND)
#define STATUS_OF_SIGNAL(number) (number)
#define STATUS_OF_EXIT(code) (((code)&0xff) << 8)

typedef enum {
  OPEN,     /* waits for its turn, then for the server */
  START,    /* the command line is on its way */
  RUN,      /* descriptors are served */
  CLOSE,    /* the call is over, the channel not yet */
  FINISHED, /* may be freed */
} State;

struct _HookrunSshChannel {
  HookrunSshSession *session; /* not owned */
  State state;
  char *command_line;
  GTask *task;           /* NULL: the call has ended */
  GMainContext *context; /* of the call */
  GSource *cancel_source;
  LIBSSH2_CHANNEL *channel;
  HookrunSshStream in;
  HookrunSshStream out;
  HookrunSshStream err;
  gboolean opening; /* libssh2 has begun and must be asked until it is through */
  gboolean input_ended;
  gboolean eof_sent;
  gint64 retry_us;   /* the server had no session free: when to ask again */
  gint64 refused_us; /* when it first had none, or when relief was expected last */
};

static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  hookrun_ssh_channel_cancel (user_data);
  return G_SOURCE_REMOVE;
}

HookrunSshChannel *
hookrun_ssh_channel_new (HookrunSshSession *session, const char *command_line, int stdin_fd,
                         int stdout_fd, int stderr_fd, GTask *task)
{
  HookrunSshChannel *self = g_new0 (HookrunSshChannel, 1);
  GCancellable *cancellable = g_task_get_cancellable (task);

  self->session = session;
  self->command_line = g_strdup (command_line);
  self->task = task;
  hookrun_ssh_stream_open (&self->in, stdin_fd, FALSE);
  hookrun_ssh_stream_open (&self->out, stdout_fd, TRUE);
  hookrun_ssh_stream_open (&self->err, stderr_fd, TRUE);
  self->input_ended = stdin_fd < 0;
  self->context = hookrun_ssh_loop_enter (session->loop);
  if (cancellable != NULL) {
    self->cancel_source = g_cancellable_source_new (cancellable);
    g_source_set_callback (self->cancel_source, G_SOURCE_FUNC (on_cancelled), self, NULL);
    g_source_attach (self->cancel_source, self->context);
  }
  return self;
}

/* Ends the call, with @error or @status; the descriptors are closed by then. */
static void
complete (HookrunSshChannel *self, GError *error, int status)
{
  HookrunSshLoop *loop = self->session->loop;

  if (self->task == NULL) {
    g_clear_error (&error);
    return;
  }
  if (self->cancel_source != NULL) {
    g_source_destroy (self->cancel_source);
    g_clear_pointer (&self->cancel_source, g_source_unref);
  }
  hookrun_ssh_stream_close (&self->in, loop);
  hookrun_ssh_stream_close (&self->out, loop);
  hookrun_ssh_stream_close (&self->err, loop);
  hookrun_ssh_loop_leave (loop, self->context);
  hookrun_ssh_loop_return (g_steal_pointer (&self->task), status, error);
}

void
hookrun_ssh_channel_free (HookrunSshChannel *self)
{
  hookrun_ssh_stream_clear (&self->in);
  hookrun_ssh_stream_clear (&self->out);
  hookrun_ssh_stream_clear (&self->err);
  g_free (self->command_line);
  g_free (self);
}

void
hookrun_ssh_channel_abort (HookrunSshChannel *self, const GError *error)
{
  if (self->task != NULL)
    complete (self, g_error_copy (error), 0);
  self->state = FINISHED;
}

/* After the call has ended: what libssh2 has begun must be brought to its end first. */
static void
begin_to_close (HookrunSshChannel *self)
{
  if (self->state == OPEN && !self->opening)
    self->state = FINISHED;
  else if (self->state == RUN)
    self->state = CLOSE;
  hookrun_ssh_loop_wake (self->session->loop);
}

void
hookrun_ssh_channel_cancel (HookrunSshChannel *self)
{
  complete (self,
            g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED, "%s: the command was cancelled",
                         self->session->label),
            0);
  begin_to_close (self);
}

static void
fail (HookrunSshChannel *self, HookrunError code, const char *what)
{
  char *message = NULL;

  libssh2_session_last_error (self->session->ssh, &message, NULL, 0);
  complete (
      self,
      g_error_new (HOOKRUN_ERROR, (int)code, "%s: %s: %s", self->session->label, what, message), 0);
  self->state = self->channel != NULL ? CLOSE : FINISHED;
}

gboolean
hookrun_ssh_channel_is_finished (HookrunSshChannel *self)
{
  return self->state == FINISHED;
}

gboolean
hookrun_ssh_channel_is_open (HookrunSshChannel *self)
{
  return self->channel != NULL;
}

gboolean
hookrun_ssh_channel_is_waiting (HookrunSshChannel *self)
{
  return self->state == OPEN && !self->opening && self->task != NULL;
}

gint64
hookrun_ssh_channel_get_refused_us (HookrunSshChannel *self)
{
  return self->refused_us;
}

void
hookrun_ssh_channel_move (HookrunSshChannel *self, HookrunSshSession *session)
{
  guint index = 0;

  if (!g_ptr_array_find (self->session->channels, self, &index))
    return;
  g_ptr_array_add (session->channels, g_ptr_array_steal_index (self->session->channels, index));
  self->session = session;
  self->retry_us = 0;
  hookrun_ssh_loop_wake (session->loop);
}

gboolean
hookrun_ssh_channel_is_blocked (HookrunSshChannel *self)
{
  return self->state == RUN &&
         (hookrun_ssh_stream_used (&self->out) > 0 || hookrun_ssh_stream_used (&self->err) > 0);
}

/* Openings happen in the order of the calls. */
static gboolean
is_first_to_open (HookrunSshChannel *self)
{
  GPtrArray *channels = self->session->channels;

  for (guint i = 0; i < channels->len && channels->pdata[i] != self; i++)
    if (((HookrunSshChannel *)channels->pdata[i])->state < RUN)
      return FALSE;
  return TRUE;
}

static gboolean
others_run (HookrunSshChannel *self)
{
  GPtrArray *channels = self->session->channels;

  for (guint i = 0; i < channels->len; i++)
    if (((HookrunSshChannel *)channels->pdata[i])->state == RUN)
      return TRUE;
  return FALSE;
}

static void
fail_refused (HookrunSshChannel *self)
{
  g_autoptr (GError) relief_error = g_steal_pointer (&self->session->relief_error);

  complete (self,
            g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                         "%s: the server opens no further session for the command: raise "
                         "MaxSessions in its sshd_config, or run less at the same time%s%s",
                         self->session->label,
                         relief_error != NULL ? "; another connection failed, too: " : "",
                         relief_error != NULL ? relief_error->message : ""),
            0);
  self->state = FINISHED;
}

/* MaxSessions: the command waits until another one is done or another connection there. If none
 * runs, the server may still be closing one; that gets a moment. */
static gboolean
wait_for_a_session (HookrunSshChannel *self)
{
  gint64 now = g_get_monotonic_time ();
  gboolean hopes = others_run (self) && self->session->relief_error == NULL;

  self->opening = FALSE;
  if (self->task == NULL) {
    self->state = FINISHED;
    return TRUE;
  }
  if (self->refused_us == 0 || self->session->relief_comes)
    self->refused_us = now;
  if (now - self->refused_us > (hopes ? QUEUE_LIMIT_US : REFUSAL_LIMIT_US)) {
    fail_refused (self);
    return TRUE;
  }
  self->retry_us = now + RETRY_US;
  hookrun_ssh_loop_set_alarm (self->session->loop, self->retry_us);
  return FALSE;
}

static gboolean
step_open (HookrunSshChannel *self)
{
  LIBSSH2_SESSION *ssh = self->session->ssh;

  if (!is_first_to_open (self))
    return FALSE;
  if (self->retry_us > 0 && g_get_monotonic_time () < self->retry_us) {
    hookrun_ssh_loop_set_alarm (self->session->loop, self->retry_us);
    return FALSE;
  }
  self->opening = TRUE;
  self->channel =
      libssh2_channel_open_ex (ssh, "session", strlen ("session"), WINDOW, PACKET, NULL, 0);
  if (self->channel != NULL) {
    self->state = self->task != NULL ? START : CLOSE;
    return TRUE;
  }
  switch (libssh2_session_last_errno (ssh)) {
  case LIBSSH2_ERROR_EAGAIN:
    return FALSE;
  case LIBSSH2_ERROR_CHANNEL_FAILURE:
    return wait_for_a_session (self);
  default:
    hookrun_ssh_session_fail_ssh (self->session, "opening a channel");
    return TRUE;
  }
}

static gboolean
step_start (HookrunSshChannel *self)
{
  int rc =
      libssh2_channel_process_startup (self->channel, "exec", strlen ("exec"), self->command_line,
                                       (unsigned int)strlen (self->command_line));

  if (rc == LIBSSH2_ERROR_EAGAIN)
    return FALSE;
  if (rc == 0)
    self->state = self->task != NULL ? RUN : CLOSE;
  else
    fail (self, HOOKRUN_ERROR_PERMISSION, "the server does not run the command");
  return TRUE;
}

/* Input nobody wants any more: the command, or its input's other end, is gone. */
static void
end_input (HookrunSshChannel *self)
{
  hookrun_ssh_stream_close (&self->in, self->session->loop);
  self->input_ended = TRUE;
}

static gboolean
may_send (HookrunSshChannel *self)
{
  return hookrun_ssh_buffer_used (&self->session->link.out) < HOOKRUN_SSH_SEND_LIMIT;
}

static gboolean
fill_input (HookrunSshChannel *self)
{
  gboolean ended = FALSE;
  gboolean moved;

  if (self->input_ended || hookrun_ssh_stream_used (&self->in) > 0 || !may_send (self) ||
      libssh2_channel_window_write (self->channel) == 0)
    return FALSE;
  moved = hookrun_ssh_stream_fill (&self->in, &ended);
  if (ended)
    end_input (self);
  return moved || ended;
}

static gboolean
pump_input (HookrunSshChannel *self)
{
  gboolean moved = fill_input (self);

  while (hookrun_ssh_stream_used (&self->in) > 0 && may_send (self)) {
    ssize_t count =
        libssh2_channel_write (self->channel, (const char *)self->in.buffer + self->in.start,
                               hookrun_ssh_stream_used (&self->in));

    if (count == LIBSSH2_ERROR_EAGAIN || count == 0)
      return moved;
    if (count < 0)
      end_input (self);
    else
      self->in.start += (gsize)count;
    moved = TRUE;
  }
  if (self->input_ended && !self->eof_sent) {
    int rc = libssh2_channel_send_eof (self->channel);

    self->eof_sent = rc != LIBSSH2_ERROR_EAGAIN;
    moved |= self->eof_sent;
  }
  return moved;
}

/* The reader of the output is gone. A local command would die of it, so the channel is closed,
 * and the status tells the same. */
static void
break_output (HookrunSshChannel *self, int saved_errno)
{
  GError *error = NULL;

  if (saved_errno != EPIPE && saved_errno != ECONNRESET)
    hookrun_set_error_from_errno (&error, saved_errno, "%s: the command's output cannot be written",
                                  self->session->label);
  complete (self, error, STATUS_OF_SIGNAL (SIGPIPE));
  self->state = CLOSE;
}

static gboolean
pump_output (HookrunSshChannel *self, HookrunSshStream *stream, int stream_id)
{
  gboolean moved = FALSE;

  if (hookrun_ssh_stream_used (stream) == 0) {
    ssize_t count = libssh2_channel_read_ex (self->channel, stream_id,
                                             (char *)hookrun_ssh_stream_get_buffer (stream),
                                             HOOKRUN_SSH_STREAM_SIZE);

    if (count <= 0)
      return FALSE;
    stream->end = stream->fd >= 0 ? (gsize)count : 0;
    moved = TRUE;
  }
  if (hookrun_ssh_stream_used (stream) > 0 && stream->saved_errno == 0)
    moved |= hookrun_ssh_stream_drain (stream);
  if (hookrun_ssh_stream_used (stream) > 0 && stream->saved_errno != 0) {
    break_output (self, stream->saved_errno);
    return TRUE;
  }
  return moved;
}

/* Names of RFC 4254, section 6.10, and those that servers send besides. */
static const struct {
  const char *name;
  int number;
} signals[] = {
    {"ABRT", SIGABRT}, {"ALRM", SIGALRM}, {"FPE", SIGFPE},   {"HUP", SIGHUP},   {"ILL", SIGILL},
    {"INT", SIGINT},   {"KILL", SIGKILL}, {"PIPE", SIGPIPE}, {"QUIT", SIGQUIT}, {"SEGV", SIGSEGV},
    {"TERM", SIGTERM}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"BUS", SIGBUS},   {"SYS", SIGSYS},
    {"TRAP", SIGTRAP}, {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ},
};

static int
wait_status (HookrunSshChannel *self)
{
  char *name = NULL;
  size_t length = 0;

  libssh2_channel_get_exit_signal (self->channel, &name, &length, NULL, NULL, NULL, NULL);
  if (name == NULL)
    return STATUS_OF_EXIT (libssh2_channel_get_exit_status (self->channel));
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    if (strcmp (name, signals[i].name) == 0) {
      free (name);
      return STATUS_OF_SIGNAL (signals[i].number);
    }
  free (name);
  return STATUS_OF_SIGNAL (SIGKILL);
}

/* The server's close comes after the exit status and all output. */
static gboolean
notice_close (HookrunSshChannel *self)
{
  if (hookrun_ssh_stream_used (&self->out) > 0 || hookrun_ssh_stream_used (&self->err) > 0 ||
      libssh2_channel_eof (self->channel) != 1 || libssh2_channel_wait_closed (self->channel) != 0)
    return FALSE;
  complete (self, NULL, wait_status (self));
  self->state = CLOSE;
  return TRUE;
}

static gboolean
step_run (HookrunSshChannel *self)
{
  gboolean moved = pump_input (self);

  moved |= pump_output (self, &self->out, 0);
  if (self->state == RUN)
    moved |= pump_output (self, &self->err, SSH_EXTENDED_DATA_STDERR);
  if (self->state == RUN && !moved)
    moved = notice_close (self);
  return moved;
}

static gboolean
step_close (HookrunSshChannel *self)
{
  if (libssh2_channel_free (self->channel) == LIBSSH2_ERROR_EAGAIN)
    return FALSE;
  self->channel = NULL;
  self->state = FINISHED;
  return TRUE;
}

gboolean
hookrun_ssh_channel_step (HookrunSshChannel *self)
{
  static gboolean (*const steps[]) (HookrunSshChannel * self) = {
      [OPEN] = step_open, [START] = step_start, [RUN] = step_run, [CLOSE] = step_close};

  return self->state != FINISHED && steps[self->state](self);
}

void
hookrun_ssh_channel_update_watches (HookrunSshChannel *self)
{
  HookrunSshLoop *loop = self->session->loop;
  GIOCondition in = 0;

  if (self->state != RUN || self->task == NULL)
    return;
  if (!self->input_ended && hookrun_ssh_stream_used (&self->in) == 0 && may_send (self) &&
      libssh2_channel_window_write (self->channel) > 0)
    in = G_IO_IN;
  if (self->in.fd >= 0)
    hookrun_ssh_loop_watch (loop, &self->in.watch, self->in.fd, in);
  if (self->out.fd >= 0)
    hookrun_ssh_loop_watch (loop, &self->out.watch, self->out.fd,
                            hookrun_ssh_stream_used (&self->out) > 0 ? G_IO_OUT : 0);
  if (self->err.fd >= 0)
    hookrun_ssh_loop_watch (loop, &self->err.watch, self->err.fd,
                            hookrun_ssh_stream_used (&self->err) > 0 ? G_IO_OUT : 0);
}
