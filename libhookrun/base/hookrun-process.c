/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The life of one program after its start: a small state machine that is driven either by poll in
 * place or by a source of a main context. How it ended and what it said is read afterwards.
 */
#include "hookrun-child-private.h"
#include "hookrun-process-core-private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_SIZE 65536
#define MAX_LINE 8192
#define MAX_TAIL 2048
/* What a line costs beside its bytes: a flood of short ones takes longer to be told. */
#define LINE_COST 64

static gint64
after_ms (guint ms)
{
  return g_get_monotonic_time () + (gint64)ms * 1000;
}

/* ---- ending it ---- */

/* The group is signalled while its leader is not reaped yet: the number cannot belong to others. */
static void
stop (HookrunProcess *self, HookrunProcessEnd reason)
{
  if (self->phase != HOOKRUN_PROCESS_RUNNING)
    return;
  self->end = reason;
  self->phase = HOOKRUN_PROCESS_TERMINATING;
  self->phase_until = after_ms (self->kill_after_ms);
  hookrun_child_signal (&self->child, SIGTERM);
  hookrun_child_signal (&self->child, SIGCONT);
}

/* ---- what it says ---- */

static void
remember_error_line (HookrunProcess *self, const char *line)
{
  g_string_append (self->tail, line);
  g_string_append_c (self->tail, '\n');
  if (self->tail->len > MAX_TAIL) {
    const char *cut = self->tail->str + (self->tail->len - MAX_TAIL);
    const char *newline = strchr (cut, '\n');

    if (newline != NULL && newline[1] != '\0')
      cut = newline + 1;
    g_string_erase (self->tail, 0, cut - self->tail->str);
  }
}

static void
give_line (HookrunProcess *self, HookrunProcessStream stream, const char *text, gsize length)
{
  g_autofree char *line = NULL;

  if (length > 0 && text[length - 1] == '\r')
    length--;
  line = g_utf8_make_valid (text, (gssize)length);
  if (stream == HOOKRUN_PROCESS_ERRORS)
    remember_error_line (self, line);
  if (self->line != NULL)
    self->line (stream, line, self->user_data);
}

static void
give_lines (HookrunProcess *self, HookrunProcessStream stream, gboolean at_end)
{
  GString *buffer = self->buffers[stream];
  gsize start = 0;

  while (start < buffer->len) {
    const char *text = buffer->str + start;
    gsize left = buffer->len - start;
    const char *newline = memchr (text, '\n', left);
    gsize length = newline != NULL ? (gsize)(newline - text) : left;

    if (newline == NULL && left < MAX_LINE && !at_end)
      break;
    length = MIN (length, MAX_LINE);
    self->line_total += newline != NULL ? LINE_COST : 0;
    if (self->output_total + self->line_total > self->max_output) {
      self->is_flood = self->output_total <= self->max_output;
      stop (self, HOOKRUN_PROCESS_OUTPUT_LIMIT);
      start = buffer->len;
      break;
    }
    give_line (self, stream, text, length);
    start += length;
    if (start < buffer->len && buffer->str[start] == '\n')
      start++;
  }
  g_string_erase (buffer, 0, (gssize)start);
}

static void
close_stream (HookrunProcess *self, HookrunProcessStream stream)
{
  if (self->streams[stream] < 0)
    return;
  if (stream != HOOKRUN_PROCESS_RESULT)
    give_lines (self, stream, TRUE);
  close (self->streams[stream]);
  self->streams[stream] = -1;
}

static void
read_stream (HookrunProcess *self, HookrunProcessStream stream)
{
  gboolean is_result = stream == HOOKRUN_PROCESS_RESULT;
  gsize *total = is_result ? &self->result_total : &self->output_total;
  gsize limit = is_result ? self->max_result : self->max_output;
  gssize n = read (self->streams[stream], self->chunk, READ_SIZE);

  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return;
  if (n <= 0) {
    close_stream (self, stream);
    return;
  }
  *total += (gsize)n;
  if (*total > limit) {
    stop (self, is_result ? HOOKRUN_PROCESS_RESULT_LIMIT : HOOKRUN_PROCESS_OUTPUT_LIMIT);
    return;
  }
  g_string_append_len (self->buffers[stream], self->chunk, n);
  if (!is_result)
    give_lines (self, stream, FALSE);
}

static void
reap (HookrunProcess *self)
{
  siginfo_t info;

  if (!hookrun_child_reap (&self->child, FALSE, &info, &self->limit)) {
    if (self->end == HOOKRUN_PROCESS_EXITED)
      self->end = HOOKRUN_PROCESS_LOST;
    return;
  }
  if (self->limit != NULL && self->end == HOOKRUN_PROCESS_EXITED) {
    self->end = HOOKRUN_PROCESS_POLICY_LIMIT;
    return;
  }
  if (info.si_code == CLD_EXITED) {
    self->exit_status = info.si_status;
    return;
  }
  self->term_signal = info.si_status;
  if (self->end == HOOKRUN_PROCESS_EXITED)
    self->end = HOOKRUN_PROCESS_KILLED;
}

static void
finish (HookrunProcess *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->streams); i++)
    close_stream (self, (HookrunProcessStream)i);
  if (self->phase == HOOKRUN_PROCESS_TERMINATING || self->phase == HOOKRUN_PROCESS_KILLING)
    hookrun_child_signal (&self->child, SIGKILL);
  reap (self);
  self->phase = HOOKRUN_PROCESS_DONE;
}

static gboolean
all_streams_closed (const HookrunProcess *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->streams); i++)
    if (self->streams[i] >= 0)
      return FALSE;
  return TRUE;
}

static void
check_time (HookrunProcess *self, gint64 now)
{
  if (self->phase == HOOKRUN_PROCESS_RUNNING && !self->has_ended && self->deadline != 0 &&
      now >= self->deadline) {
    stop (self, HOOKRUN_PROCESS_TIMED_OUT);
  } else if (self->phase == HOOKRUN_PROCESS_TERMINATING && now >= self->phase_until) {
    hookrun_child_signal (&self->child, SIGKILL);
    self->phase = HOOKRUN_PROCESS_KILLING;
    self->phase_until = after_ms (self->kill_after_ms);
  } else if (self->phase == HOOKRUN_PROCESS_KILLING && now >= self->phase_until) {
    /* It runs as another user or hangs in the kernel: nobody is made to wait for it. */
    finish (self);
  }
}

/* Once the program has ended, what is still in its pipes is read; who else holds them open (a
 * daemon it left) is given a moment only. */
static void
check_end (HookrunProcess *self, gint64 now)
{
  if (!self->has_ended || self->phase == HOOKRUN_PROCESS_DONE)
    return;
  if (self->phase != HOOKRUN_PROCESS_RUNNING || all_streams_closed (self) ||
      now >= self->linger_until)
    finish (self);
}

static void
notice_end (HookrunProcess *self)
{
  if (self->has_ended)
    return;
  self->has_ended = TRUE;
  self->linger_until = after_ms (self->linger_ms);
}

/* One turn: @ready has a bit for each stream and, at bit 3, for the program's end. */
gboolean
hookrun_process_turn (HookrunProcess *self, guint ready, gboolean is_cancelled)
{
  gint64 now;

  for (guint i = 0; i < G_N_ELEMENTS (self->streams); i++)
    if ((ready & (1u << i)) != 0 && self->streams[i] >= 0)
      read_stream (self, (HookrunProcessStream)i);
  if ((ready & HOOKRUN_PROCESS_READY_END) != 0)
    notice_end (self);
  if (is_cancelled && !self->has_ended)
    stop (self, HOOKRUN_PROCESS_CANCELLED);
  now = g_get_monotonic_time ();
  check_time (self, now);
  check_end (self, now);
  return self->phase == HOOKRUN_PROCESS_DONE;
}

/* When the next turn is due although nothing is ready; -1: never. */
gint64
hookrun_process_next_turn (const HookrunProcess *self)
{
  if (self->has_ended)
    return self->linger_until;
  if (self->phase == HOOKRUN_PROCESS_RUNNING)
    return self->deadline != 0 ? self->deadline : -1;
  return self->phase_until;
}

static int
poll_timeout (const HookrunProcess *self)
{
  gint64 next = hookrun_process_next_turn (self);
  gint64 left;

  if (next < 0)
    return -1;
  left = (next - g_get_monotonic_time () + 999) / 1000;
  return (int)CLAMP (left, 0, G_MAXINT);
}

void
hookrun_process_wait (HookrunProcess *self, GCancellable *cancellable)
{
  GPollFD cancel = {.fd = -1};
  gboolean has_cancel = g_cancellable_make_pollfd (cancellable, &cancel);

  while (self->phase != HOOKRUN_PROCESS_DONE) {
    struct pollfd fds[] = {
        {self->streams[0], POLLIN, 0},
        {self->streams[1], POLLIN, 0},
        {self->streams[2], POLLIN, 0},
        {self->has_ended ? -1 : self->child.exit_fd, POLLIN, 0},
        {has_cancel && self->phase == HOOKRUN_PROCESS_RUNNING ? cancel.fd : -1, POLLIN, 0},
    };
    guint ready = 0;

    if (poll (fds, G_N_ELEMENTS (fds), poll_timeout (self)) < 0 && errno != EINTR)
      break;
    for (guint i = 0; i < 4; i++)
      if (fds[i].revents != 0)
        ready |= 1u << i;
    hookrun_process_turn (self, ready, g_cancellable_is_cancelled (cancellable));
  }
  if (has_cancel)
    g_cancellable_release_fd (cancellable);
}

void
hookrun_process_free (HookrunProcess *self)
{
  if (self->phase != HOOKRUN_PROCESS_DONE) {
    hookrun_child_signal (&self->child, SIGKILL);
    hookrun_child_reap (&self->child, TRUE, &(siginfo_t){0}, &self->limit);
  }
  for (guint i = 0; i < G_N_ELEMENTS (self->streams); i++) {
    if (self->streams[i] >= 0)
      close (self->streams[i]);
    g_string_free (self->buffers[i], TRUE);
  }
  hookrun_child_clear (&self->child);
  g_free (self->limit);
  g_string_free (self->tail, TRUE);
  g_free (self->chunk);
  g_free (self);
}

/* ---- reading how it went ---- */

HookrunProcessEnd
hookrun_process_get_end (HookrunProcess *self)
{
  return self->end;
}

int
hookrun_process_get_exit_status (HookrunProcess *self)
{
  return self->exit_status;
}

int
hookrun_process_get_signal (HookrunProcess *self)
{
  return self->term_signal;
}

const char *
hookrun_process_get_result (HookrunProcess *self, gsize *length)
{
  if (length != NULL)
    *length = self->buffers[HOOKRUN_PROCESS_RESULT]->len;
  return self->buffers[HOOKRUN_PROCESS_RESULT]->str;
}

const char *
hookrun_process_get_error_tail (HookrunProcess *self)
{
  if (self->tail->len > 0 && self->tail->str[self->tail->len - 1] == '\n')
    g_string_truncate (self->tail, self->tail->len - 1);
  return self->tail->str;
}

static gboolean
is_good (const HookrunProcess *self, const int *good)
{
  if (self->end != HOOKRUN_PROCESS_EXITED)
    return FALSE;
  if (self->exit_status == 0)
    return TRUE;
  for (; good != NULL && *good != 0; good++)
    if (*good == self->exit_status)
      return TRUE;
  return FALSE;
}

static char *
describe_end (const HookrunProcess *self, HookrunError *code)
{
  switch (self->end) {
  case HOOKRUN_PROCESS_KILLED:
    *code = HOOKRUN_ERROR_CRASHED;
    return g_strdup_printf ("was killed by signal %d (%s)", self->term_signal,
                            g_strsignal (self->term_signal));
  case HOOKRUN_PROCESS_TIMED_OUT:
    *code = HOOKRUN_ERROR_TIMED_OUT;
    return g_strdup_printf ("did not end within %u ms and was stopped", self->timeout_ms);
  case HOOKRUN_PROCESS_CANCELLED:
    *code = HOOKRUN_ERROR_CANCELLED;
    return g_strdup ("was stopped because the operation was cancelled");
  case HOOKRUN_PROCESS_OUTPUT_LIMIT:
    *code = HOOKRUN_ERROR_LIMIT;
    if (self->is_flood)
      return g_strdup_printf ("wrote more than %" G_GSIZE_FORMAT
                              " bytes of output, each line counted as %d more, and was stopped",
                              self->max_output, LINE_COST);
    return g_strdup_printf ("wrote more than %" G_GSIZE_FORMAT " bytes of output and was stopped",
                            self->max_output);
  case HOOKRUN_PROCESS_RESULT_LIMIT:
    *code = HOOKRUN_ERROR_LIMIT;
    return g_strdup_printf ("wrote more than %" G_GSIZE_FORMAT
                            " bytes to descriptor 3 and was stopped",
                            self->max_result);
  case HOOKRUN_PROCESS_POLICY_LIMIT:
    *code = HOOKRUN_ERROR_LIMIT;
    return g_strdup (self->limit);
  case HOOKRUN_PROCESS_LOST:
    *code = HOOKRUN_ERROR_IO;
    return g_strdup ("ended, but its exit status was lost: the host ignores SIGCHLD or waits for "
                     "any child");
  case HOOKRUN_PROCESS_EXITED:
  default:
    *code = HOOKRUN_ERROR_COMMAND;
    return g_strdup_printf ("exited with status %d", self->exit_status);
  }
}

gboolean
hookrun_process_check (HookrunProcess *self, const int *good, const char *what, GError **error)
{
  g_autofree char *how = NULL;
  const char *tail = hookrun_process_get_error_tail (self);
  HookrunError code = HOOKRUN_ERROR_COMMAND;

  if (is_good (self, good))
    return TRUE;
  how = describe_end (self, &code);
  g_set_error (error, HOOKRUN_ERROR, (int)code, "%s %s%s%s", what, how,
               *tail != '\0' ? "; it said last: " : "", tail);
  return FALSE;
}
