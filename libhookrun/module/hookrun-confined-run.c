/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs one confined program to its end in the calling thread. What it writes and calls is a
 * stranger's: sizes are limited, and a program that goes beyond them is killed.
 */
#include "hookrun-confined-run-private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hookrun-error-private.h"

#define DEFAULT_MAX_OUTPUT (16 * 1024 * 1024)
#define MAX_LINE 8192
#define MAX_CALL (64 * 1024)
/* Answers that it does not read. */
#define MAX_UNSENT (1024 * 1024)
/* After its end: what is still in the pipes. */
#define DRAIN_MS 500

enum { OUTPUT, ERRORS, CONTROL, N_STREAMS };

typedef struct {
  const HookrunConfinedSpec *spec;
  HookrunConfinedResult *result;
  HookrunConfined *confined;
  int fds[N_STREAMS]; /* -1: closed */
  GString *lines[N_STREAMS];
  GString *unsent;
  gsize total;
  gboolean is_ended;
  gint64 drain_until;
  GError *problem;
} Run;

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static void
run_clear (Run *self)
{
  for (guint i = 0; i < N_STREAMS; i++) {
    close_fd (&self->fds[i]);
    g_string_free (self->lines[i], TRUE);
  }
  g_string_free (self->unsent, TRUE);
  g_clear_object (&self->confined);
  g_clear_error (&self->problem);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

/* It goes beyond what it may: it and all its processes end. */
G_GNUC_PRINTF (3, 4)
static void
stop (Run *self, HookrunError code, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  if (self->problem == NULL)
    g_set_error (&self->problem, HOOKRUN_ERROR, code, "%s %s", self->spec->what, text);
  hookrun_confined_kill (self->confined);
}

/* ---- starting ---- */

static gboolean
open_stream (int ends[2], gboolean is_socket, GError **error)
{
  int status = is_socket ? socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)
                         : pipe2 (ends, O_CLOEXEC);

  if (status == 0 && fcntl (ends[0], F_SETFL, O_NONBLOCK | fcntl (ends[0], F_GETFL)) == 0)
    return TRUE;
  hookrun_set_error_from_errno (error, errno, "cannot make a channel to a confined program");
  return FALSE;
}

static gboolean
start (Run *self, GError **error)
{
  static const int targets[] = {STDOUT_FILENO, STDERR_FILENO, HOOKRUN_CONTROL_FD};
  int theirs[N_STREAMS] = {-1, -1, -1};
  guint n_streams = self->spec->call != NULL ? N_STREAMS : CONTROL;
  gboolean ok = TRUE;

  for (guint i = 0; ok && i < n_streams; i++) {
    int ends[2] = {-1, -1};

    ok = open_stream (ends, i == CONTROL, error);
    self->fds[i] = ends[0];
    theirs[i] = ends[1];
    if (ok)
      hookrun_launch_pass_fd (self->spec->launch, ends[1], targets[i]);
  }
  if (ok)
    self->confined = hookrun_sandbox_spawn (self->spec->sandbox, self->spec->launch, error);
  for (guint i = 0; i < N_STREAMS; i++)
    close_fd (&theirs[i]);
  return self->confined != NULL;
}

/* ---- what it writes ---- */

static void
hand_on (Run *self, guint stream, const char *text, gsize length)
{
  g_autofree char *line = g_utf8_make_valid (text, (gssize)length);

  if (stream == ERRORS && *line != '\0') {
    g_free (self->result->last_error_line);
    self->result->last_error_line = g_strdup (line);
  }
  if (self->spec->line != NULL)
    self->spec->line (stream == ERRORS, line, self->spec->user_data);
}

static void
take_lines (Run *self, guint stream, gboolean is_last)
{
  GString *text = self->lines[stream];
  gsize begin = 0;

  while (begin < text->len) {
    const char *end = memchr (text->str + begin, '\n', text->len - begin);
    gsize length = end != NULL ? (gsize)(end - text->str) - begin : text->len - begin;

    if (end == NULL && !is_last && length < MAX_LINE)
      break;
    length = MIN (length, MAX_LINE);
    hand_on (self, stream, text->str + begin, length);
    begin += length;
    if (begin < text->len && text->str[begin] == '\n')
      begin++;
  }
  g_string_erase (text, 0, (gssize)begin);
}

static void
answer (Run *self, const HookrunRpcMessage *message)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (JsonNode) value =
      self->spec->call (message->method, message->value, self->spec->user_data, &problem);

  if (message->kind != HOOKRUN_RPC_REQUEST)
    return;
  if (problem != NULL)
    hookrun_rpc_append_error (self->unsent, message->own_id, problem);
  else
    hookrun_rpc_append_result (self->unsent, message->own_id, value);
}

static void
take_call (Run *self, const char *line, gsize length)
{
  g_auto (HookrunRpcMessage) message = {0};
  g_autoptr (GError) problem = NULL;

  if (!hookrun_rpc_parse (line, length, MAX_CALL, &message, &problem))
    stop (self, HOOKRUN_ERROR_PROTOCOL, "broke the protocol of its control channel: %s",
          problem->message);
  else if (message.kind != HOOKRUN_RPC_REQUEST && message.kind != HOOKRUN_RPC_NOTIFICATION)
    stop (self, HOOKRUN_ERROR_PROTOCOL, "sent an answer over its control channel to no question");
  else
    answer (self, &message);
}

static void
take_calls (Run *self)
{
  GString *text = self->lines[CONTROL];
  const char *end;

  while (self->problem == NULL && (end = memchr (text->str, '\n', text->len)) != NULL) {
    gsize length = (gsize)(end - text->str);

    take_call (self, text->str, length);
    g_string_erase (text, 0, (gssize)length + 1);
  }
  if (text->len > MAX_CALL)
    stop (self, HOOKRUN_ERROR_LIMIT, "sent a message of more than %d bytes", MAX_CALL);
  if (self->unsent->len > MAX_UNSENT)
    stop (self, HOOKRUN_ERROR_LIMIT, "does not read the answers on its control channel");
}

static void
take (Run *self, guint stream, const char *data, gsize length)
{
  gsize max = self->spec->max_output > 0 ? self->spec->max_output : DEFAULT_MAX_OUTPUT;

  if (stream == CONTROL) {
    g_string_append_len (self->lines[CONTROL], data, (gssize)length);
    take_calls (self);
    return;
  }
  self->total += length;
  if (self->total > max) {
    if (self->problem == NULL)
      stop (self, HOOKRUN_ERROR_LIMIT, "wrote more than the limit of %" G_GSIZE_FORMAT " bytes",
            max);
    return;
  }
  if (stream == OUTPUT && self->spec->keep_output) {
    g_string_append_len (self->result->output, data, (gssize)length);
    return;
  }
  g_string_append_len (self->lines[stream], data, (gssize)length);
  take_lines (self, stream, FALSE);
}

static void
read_stream (Run *self, guint stream)
{
  char data[16384];
  gssize n = read (self->fds[stream], data, sizeof data);

  if (n > 0) {
    take (self, stream, data, (gsize)n);
  } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
    close_fd (&self->fds[stream]);
    if (stream != CONTROL)
      take_lines (self, stream, TRUE);
  }
}

static void
send_answers (Run *self)
{
  gssize n =
      send (self->fds[CONTROL], self->unsent->str, self->unsent->len, MSG_NOSIGNAL | MSG_DONTWAIT);

  if (n > 0)
    g_string_erase (self->unsent, 0, n);
  else if (n < 0 && errno != EAGAIN && errno != EINTR)
    g_string_truncate (self->unsent, 0);
}

/* ---- the loop ---- */

static gboolean
is_drained (const Run *self)
{
  return self->fds[OUTPUT] < 0 && self->fds[ERRORS] < 0;
}

static void
take_end (Run *self)
{
  self->is_ended = TRUE;
  self->drain_until = g_get_monotonic_time () + DRAIN_MS * 1000;
}

static void
turn (Run *self, GCancellable *cancellable)
{
  enum { END = N_STREAMS, CANCEL, N_POLLED };
  struct pollfd polled[N_POLLED] = {0};
  int timeout = self->is_ended ? 50 : -1;

  for (guint i = 0; i < N_STREAMS; i++) {
    polled[i].fd = self->fds[i];
    polled[i].events = POLLIN;
  }
  if (self->unsent->len > 0)
    polled[CONTROL].events |= POLLOUT;
  polled[END].fd = self->is_ended ? -1 : hookrun_confined_get_end_fd (self->confined);
  polled[END].events = POLLIN;
  polled[CANCEL].fd = self->problem == NULL ? g_cancellable_get_fd (cancellable) : -1;
  polled[CANCEL].events = POLLIN;
  poll (polled, N_POLLED, timeout);
  if (polled[CANCEL].fd >= 0)
    g_cancellable_release_fd (cancellable);
  if (polled[CANCEL].revents != 0)
    stop (self, HOOKRUN_ERROR_CANCELLED, "was stopped");
  for (guint i = 0; i < N_STREAMS; i++)
    if ((polled[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
      read_stream (self, i);
  if (self->fds[CONTROL] >= 0 && (polled[CONTROL].revents & POLLOUT) != 0)
    send_answers (self);
  if (polled[END].revents != 0)
    take_end (self);
}

static void
finish (Run *self)
{
  while (self->fds[CONTROL] >= 0 && self->problem == NULL) {
    gsize before = self->lines[CONTROL]->len;

    /* Its last words may have come after its end was seen. */
    read_stream (self, CONTROL);
    if (self->lines[CONTROL]->len == before)
      break;
  }
  for (guint i = 0; i < CONTROL; i++)
    if (self->fds[i] >= 0)
      take_lines (self, i, TRUE);
}

gboolean
hookrun_confined_run (const HookrunConfinedSpec *spec, HookrunConfinedResult *result,
                      GCancellable *cancellable, GError **error)
{
  g_auto (Run) run = {.spec = spec, .result = result, .fds = {-1, -1, -1}};

  run.unsent = g_string_new (NULL);
  for (guint i = 0; i < N_STREAMS; i++)
    run.lines[i] = g_string_new (NULL);
  result->output = g_string_new (NULL);
  if (!start (&run, error)) {
    g_prefix_error (error, "%s: ", spec->what);
    return FALSE;
  }
  while (!run.is_ended || (!is_drained (&run) && g_get_monotonic_time () < run.drain_until))
    turn (&run, cancellable);
  finish (&run);
  result->outcome = hookrun_confined_wait (run.confined, NULL, error);
  if (result->outcome == NULL)
    return FALSE;
  result->denials = hookrun_confined_list_denials (run.confined);
  if (run.problem == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&run.problem));
  return FALSE;
}

void
hookrun_confined_result_clear (HookrunConfinedResult *result)
{
  g_clear_pointer (&result->outcome, hookrun_outcome_free);
  g_clear_pointer (&result->last_error_line, g_free);
  g_clear_pointer (&result->denials, g_ptr_array_unref);
  if (result->output != NULL)
    g_string_free (result->output, TRUE);
  result->output = NULL;
}

gboolean
hookrun_confined_result_check (const HookrunConfinedResult *result, const char *what,
                               const char *stage, GError **error)
{
  const HookrunOutcome *outcome = result->outcome;
  g_autofree char *words = hookrun_outcome_describe (outcome);
  const char *last = result->last_error_line;
  HookrunError code = outcome->limit != HOOKRUN_LIMIT_NONE ? HOOKRUN_ERROR_LIMIT
                      : outcome->exited                    ? HOOKRUN_ERROR_COMMAND
                                                           : HOOKRUN_ERROR_CRASHED;

  if (outcome->exited && outcome->exit_status == 0 && outcome->limit == HOOKRUN_LIMIT_NONE)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, code, "%s%s%s: %s%s%s", what, stage != NULL ? ", " : "",
               stage != NULL ? stage : "", words, last != NULL ? ": " : "",
               last != NULL ? last : "");
  return FALSE;
}
