/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a worker prints: cut into lines, cleaned of what could move a terminal's cursor, and limited
 * to so many lines a second. The rest is counted and told in one line.
 */
#include "hookrun-worker-io-private.h"
#include "hookrun-jsonrpc-private.h"
#include "hookrun-plugin.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 65536
#define MAX_LAST_WORDS 500

static const HookrunLogLevel levels[2] = {HOOKRUN_LOG_INFO, HOOKRUN_LOG_WARNING};

void
hookrun_worker_log_init (HookrunWorkerLog *self, const int fds[2])
{
  memset (self, 0, sizeof *self);
  for (int i = 0; i < 2; i++) {
    self->fds[i] = fds[i];
    self->partial[i] = g_string_new (NULL);
  }
}

static void
close_stream (HookrunWorkerLog *self, int stream)
{
  if (self->fds[stream] >= 0)
    close (self->fds[stream]);
  self->fds[stream] = -1;
}

void
hookrun_worker_log_clear (HookrunWorkerLog *self)
{
  for (int i = 0; i < 2; i++) {
    close_stream (self, i);
    if (self->partial[i] != NULL)
      g_string_free (g_steal_pointer (&self->partial[i]), TRUE);
  }
  g_clear_pointer (&self->last_words, g_free);
}

static void
tell_dropped (HookrunWorkerLog *self, HookrunLogLineFunc func, gpointer user_data)
{
  g_autofree char *text = NULL;

  if (self->n_dropped == 0)
    return;
  text = g_strdup_printf ("%u more lines were dropped: no more than %d a second are kept",
                          self->n_dropped, HOOKRUN_WORKER_MAX_LOG_RATE);
  self->n_dropped = 0;
  func (HOOKRUN_LOG_WARNING, text, user_data);
}

gboolean
hookrun_worker_log_admit (HookrunWorkerLog *self, HookrunLogLineFunc func, gpointer user_data)
{
  gint64 now = g_get_monotonic_time ();

  if (now - self->window >= G_USEC_PER_SEC) {
    tell_dropped (self, func, user_data);
    self->window = now;
    self->n_lines = 0;
  }
  if (self->n_lines >= HOOKRUN_WORKER_MAX_LOG_RATE) {
    self->n_dropped++;
    return FALSE;
  }
  self->n_lines++;
  return TRUE;
}

static void
take_line (HookrunWorkerLog *self, int stream, const char *text, gsize length,
           HookrunLogLineFunc func, gpointer user_data)
{
  g_autofree char *line = hookrun_rpc_clean_text (text, (gssize)length, FALSE);

  if (levels[stream] == HOOKRUN_LOG_WARNING && line[strspn (line, " ")] != '\0') {
    g_autofree char *start = g_strndup (line, MAX_LAST_WORDS);

    g_free (self->last_words);
    self->last_words = g_utf8_make_valid (start, -1);
  }
  if (hookrun_worker_log_admit (self, func, user_data))
    func (levels[stream], line, user_data);
}

static void
take_lines (HookrunWorkerLog *self, int stream, HookrunLogLineFunc func, gpointer user_data)
{
  GString *partial = self->partial[stream];
  gsize start = 0;

  while (start < partial->len) {
    const char *newline = memchr (partial->str + start, '\n', partial->len - start);
    gsize available = partial->len - start;
    gsize length = newline != NULL ? (gsize)(newline - partial->str) - start : available;

    if (newline == NULL && available < HOOKRUN_WORKER_MAX_LOG_LINE)
      break;
    length = MIN (length, HOOKRUN_WORKER_MAX_LOG_LINE);
    take_line (self, stream, partial->str + start, length, func, user_data);
    start += length;
    if (start < partial->len && partial->str[start] == '\n')
      start++;
  }
  g_string_erase (partial, 0, (gssize)start);
}

gboolean
hookrun_worker_log_read (HookrunWorkerLog *self, HookrunLogLineFunc func, gpointer user_data)
{
  gboolean has_closed = FALSE;

  for (int i = 0; i < 2; i++) {
    char chunk[CHUNK];
    gssize n;

    if (self->fds[i] < 0)
      continue;
    n = read (self->fds[i], chunk, sizeof chunk);
    if (n > 0) {
      g_string_append_len (self->partial[i], chunk, n);
      take_lines (self, i, func, user_data);
    } else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
      close_stream (self, i);
      has_closed = TRUE;
    }
  }
  return has_closed;
}

void
hookrun_worker_log_finish (HookrunWorkerLog *self, HookrunLogLineFunc func, gpointer user_data)
{
  for (int i = 0; i < 2; i++)
    if (self->partial[i] != NULL && self->partial[i]->len > 0) {
      take_line (self, i, self->partial[i]->str, self->partial[i]->len, func, user_data);
      g_string_truncate (self->partial[i], 0);
    }
  tell_dropped (self, func, user_data);
}
