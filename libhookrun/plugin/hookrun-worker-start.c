/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting a worker, and what is put in order when it broke: its group is killed, every open call
 * gets the error, and the next start waits the longer the more often that happened.
 */
#include "hookrun-worker-private.h"
#include "hookrun-error-private.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/epoll.h>

#define MAX_LAST_READS 16 /* a pipe holds less */

static gboolean
watch_fd (HookrunWorker *self, int fd, GError **error)
{
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

  if (fd < 0 || epoll_ctl (self->poll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
    return TRUE;
  hookrun_set_error_from_errno (error, errno, "worker \"%s\": cannot watch its connection",
                                self->name);
  return FALSE;
}

static gboolean
may_start (HookrunWorker *self, GError **error)
{
  gint64 rest = self->not_before - g_get_monotonic_time ();

  if (self->argv == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CRASHED,
                 "worker \"%s\" is gone and cannot be started again", self->name);
    return FALSE;
  }
  if (rest <= 0)
    return TRUE;
  g_set_error (
      error, HOOKRUN_ERROR, HOOKRUN_ERROR_CRASHED,
      "worker \"%s\" failed %u times in a row; it may be started again in %" G_GINT64_FORMAT " ms",
      self->name, self->n_crashes, rest / 1000 + 1);
  return FALSE;
}

static gboolean
start (HookrunWorker *self, GError **error)
{
  int socket = -1;
  int output[2] = {-1, -1};

  g_clear_pointer (&self->process, hookrun_worker_process_unref);
  self->process = hookrun_worker_process_start ((const char *const *)self->argv, self->folder,
                                                (const char *const *)self->environment,
                                                self->sandbox, &socket, output, error);
  if (self->process == NULL) {
    g_prefix_error (error, "worker \"%s\": ", self->name);
    return FALSE;
  }
  hookrun_channel_init (&self->channel, socket, self->max_message, HOOKRUN_WORKER_MAX_QUEUE);
  hookrun_worker_log_init (&self->log, output);
  self->is_running = TRUE;
  self->generation++;
  self->polls_write = FALSE;
  g_clear_pointer (&self->stage, g_free);
  self->started_at = g_get_monotonic_time ();
  return watch_fd (self, socket, error) && watch_fd (self, output[0], error) &&
         watch_fd (self, output[1], error) &&
         watch_fd (self, hookrun_worker_process_get_fd (self->process), error);
}

gboolean
hookrun_worker_ensure_running (HookrunWorker *self, WorkerNews *news, GError **error)
{
  gboolean is_overdue = self->hung_at != 0 && g_get_monotonic_time () >= self->hung_at;

  if (self->is_running && (is_overdue || self->closed_until != 0))
    hookrun_worker_break (self,
                          g_error_new (HOOKRUN_ERROR,
                                       is_overdue ? HOOKRUN_ERROR_TIMED_OUT : HOOKRUN_ERROR_CRASHED,
                                       is_overdue ? "still did not answer" : "ended"),
                          TRUE, news);
  if (self->is_running)
    return TRUE;
  if (!may_start (self, error))
    return FALSE;
  if (!start (self, error)) {
    if (self->is_running)
      hookrun_worker_close (self);
    return FALSE;
  }
  if (self->start_func != NULL)
    self->start_func (self, self->start_data, news);
  if (self->is_running)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CRASHED, "worker \"%s\" ended as it started",
               self->name);
  return FALSE;
}

/* Forgets the connection; the process is left to the caller. */
void
hookrun_worker_close (HookrunWorker *self)
{
  HookrunWorkerRequest *request;

  if (self->process != NULL)
    epoll_ctl (self->poll_fd, EPOLL_CTL_DEL, hookrun_worker_process_get_fd (self->process), NULL);
  hookrun_channel_clear (&self->channel);
  hookrun_worker_log_clear (&self->log);
  self->is_running = FALSE;
  self->closed_until = 0;
  self->hung_at = 0;
  g_hash_table_remove_all (self->abandoned);
  g_hash_table_remove_all (self->incoming);
  while ((request = g_queue_pop_head (&self->inbox)) != NULL) {
    self->n_waiting--;
    request->is_answered = TRUE;
    hookrun_worker_request_unref (request);
  }
}

static void
count_crash (HookrunWorker *self)
{
  gint64 now = g_get_monotonic_time ();
  gint64 delay = 0;

  if (now - self->started_at >= (gint64)HOOKRUN_WORKER_HEALTHY_MS * 1000)
    self->n_crashes = 0;
  self->n_crashes++;
  if (self->n_crashes > 1)
    delay = (gint64)HOOKRUN_WORKER_FIRST_BACK_OFF_MS << MIN (self->n_crashes - 2, 16);
  self->not_before = now + MIN (delay, HOOKRUN_WORKER_MAX_BACK_OFF_MS) * 1000;
}

/* Of what the process printed, also while it was killed, all that there is. */
static void
read_to_end (HookrunWorker *self, WorkerNews *news)
{
  for (guint i = 0; i < MAX_LAST_READS && (self->log.fds[0] >= 0 || self->log.fds[1] >= 0); i++)
    hookrun_worker_log_read (&self->log, hookrun_worker_add_line, news);
  hookrun_worker_log_finish (&self->log, hookrun_worker_add_line, news);
}

/* Takes @error; its cause is often only in what the process printed last. */
static GError *
describe_failure (HookrunWorker *self, GError *error, const char *end)
{
  int pid = self->process != NULL ? hookrun_worker_process_get_pid (self->process) : 0;
  g_autofree char *stage = g_steal_pointer (&self->stage);
  const char *words = self->log.last_words;
  g_autoptr (GString) text = g_string_new (error->message);
  GError *failure;

  if (end != NULL)
    g_string_append_printf (text, "; it %s", end);
  if (stage != NULL)
    g_string_append_printf (text, " while %s", stage);
  if (words != NULL)
    g_string_append_printf (text, "; it said last: %s", words);
  failure = g_error_new (HOOKRUN_ERROR, error->code, "worker \"%s\" (pid %d) %s", self->name, pid,
                         text->str);
  g_error_free (error);
  return failure;
}

void
hookrun_worker_break (HookrunWorker *self, GError *error, gboolean tell_end, WorkerNews *news)
{
  g_autofree char *end = NULL;
  g_autoptr (GError) failure = NULL;
  WorkerCall *call;

  if (self->process != NULL)
    end = hookrun_worker_process_kill (self->process);
  read_to_end (self, news);
  failure = describe_failure (self, error, tell_end ? end : NULL);
  hookrun_worker_close (self);
  count_crash (self);
  while ((call = g_queue_pop_head (&self->calls)) != NULL)
    hookrun_worker_call_done (call, NULL, g_error_copy (failure), news);
  g_clear_error (&news->failure);
  news->failure = g_steal_pointer (&failure);
}

void
hookrun_worker_stop (HookrunWorker *self, HookrunError code, const char *format, ...)
{
  g_autofree char *text = NULL;
  WorkerNews news = WORKER_NEWS_INIT;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_mutex_lock (&self->lock);
  if (self->is_running)
    hookrun_worker_break (self, g_error_new (HOOKRUN_ERROR, (int)code, "%s; it was stopped", text),
                          FALSE, &news);
  g_mutex_unlock (&self->lock);
  hookrun_worker_tell (self, &news);
}
