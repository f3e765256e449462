/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One command of a target from start to end: its output collected within limits, its time limited,
 * and what the login shell prints before it separated from what it prints itself.
 */
#include "hookrun-target-private.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hookrun-error-private.h"
#include "hookrun-file-private.h"
#include "hookrun-stream-private.h"
#include "hookrun-target-task-private.h"

#define MAX_OUTPUT (16u * 1024 * 1024)

/* Printed ahead of every command: what comes before it is the login shell's. */
#define MARK "\036hookrun\036\n"
/* How long a login shell may take until it runs a command. */
#define BEGIN_LIMIT_MS 30000
#define PRINT_MARK "printf '\\036hookrun\\036\\n'; "

typedef struct {
  HookrunTarget *target;
  char *command_line;
  char *label;
  int stdin_fd;
  guint timeout_ms;
  HookrunStream streams[2];
  GSource *timeout;
  GSource *begin;     /* when the mark must be there */
  GCancellable *stop; /* ends the command for whatever reason */
  GSource *cancelled;
  GError *reason; /* why it was stopped by us */
  int status;
} Run;

void
hookrun_command_result_clear (HookrunCommandResult *self)
{
  g_clear_pointer (&self->output, g_bytes_unref);
  g_clear_pointer (&self->errors, g_bytes_unref);
}

int
hookrun_target_open_memory (const void *data, gsize length, GError **error)
{
  int fd = memfd_create ("hookrun-input", MFD_CLOEXEC);

  if (fd < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot make a file in memory");
    return -1;
  }
  if (!hookrun_file_write_all (fd, data, length, "a file in memory", error)) {
    close (fd);
    return -1;
  }
  lseek (fd, 0, SEEK_SET);
  return fd;
}

static void
run_free (gpointer data)
{
  Run *run = data;

  for (gsize i = 0; i < G_N_ELEMENTS (run->streams); i++)
    hookrun_stream_clear (&run->streams[i]);
  if (run->stdin_fd >= 0)
    close (run->stdin_fd);
  hookrun_source_drop (&run->timeout);
  hookrun_source_drop (&run->begin);
  hookrun_source_drop (&run->cancelled);
  g_clear_error (&run->reason);
  g_clear_object (&run->stop);
  g_free (run->command_line);
  g_free (run->label);
  g_free (run);
}

static void
stop_for (Run *run, HookrunError code, const char *what)
{
  if (run->reason == NULL)
    run->reason = g_error_new (HOOKRUN_ERROR, (int)code, "target \"%s\": command \"%s\" %s",
                               hookrun_target_get_name (run->target), run->label, what);
  g_cancellable_cancel (run->stop);
}

static void
on_overflow (gpointer user_data, gpointer unused)
{
  stop_for (user_data, HOOKRUN_ERROR_LIMIT, "printed more than the limit; it was ended");
}

static gboolean
on_timeout (gpointer user_data)
{
  Run *run = g_task_get_task_data (user_data);
  g_autofree char *what = g_strdup_printf ("did not end within %u ms", run->timeout_ms);

  stop_for (run, HOOKRUN_ERROR_TIMED_OUT, what);
  return G_SOURCE_REMOVE;
}

static gboolean
has_mark (Run *run)
{
  GByteArray *bytes = run->streams[0].bytes;

  return memmem (bytes->data, bytes->len, MARK, strlen (MARK)) != NULL;
}

static gboolean
on_begin_limit (gpointer user_data)
{
  g_autofree char *what = g_strdup_printf (
      "was not begun by the login shell within %d s; see there what its start-up files do (such "
      "as ~/.bashrc), and whether the machine hangs; then run it again",
      BEGIN_LIMIT_MS / 1000);

  if (!has_mark (user_data))
    stop_for (user_data, HOOKRUN_ERROR_TIMED_OUT, what);
  return G_SOURCE_REMOVE;
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer stop)
{
  g_cancellable_cancel (stop);
  return G_SOURCE_REMOVE;
}

/* Takes the login shell's noise away from the front of the output. */
static gboolean
split_noise (Run *run, gsize *n_noise, GError **error)
{
  GByteArray *bytes = run->streams[0].bytes;
  const guint8 *mark = memmem (bytes->data, bytes->len, MARK, strlen (MARK));
  g_autoptr (GBytes) output = NULL;
  g_autoptr (GBytes) errors = NULL;
  g_autofree char *what = NULL;

  if (mark != NULL) {
    *n_noise = (gsize)(mark - bytes->data);
    g_byte_array_remove_range (bytes, 0, (guint)(*n_noise + strlen (MARK)));
    return TRUE;
  }
  output = hookrun_stream_take (&run->streams[0]);
  errors = hookrun_stream_take (&run->streams[1]);
  what = g_strdup_printf ("command \"%s\"", run->label);
  *error = hookrun_target_describe_shell (run->target, what, run->status,
                                          g_bytes_get_data (output, NULL),
                                          g_bytes_get_data (errors, NULL));
  return FALSE;
}

static void
result_free (gpointer data)
{
  hookrun_command_result_clear (data);
  g_free (data);
}

static void
on_executed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Run *run = g_task_get_task_data (task);
  g_autofree HookrunCommandResult *out = g_new0 (HookrunCommandResult, 1);
  GError *error = NULL;
  gboolean ok = hookrun_target_execute_finish (run->target, result, &run->status, &error);

  hookrun_source_drop (&run->timeout);
  hookrun_source_drop (&run->begin);
  hookrun_source_drop (&run->cancelled);
  for (gsize i = 0; i < G_N_ELEMENTS (run->streams); i++)
    hookrun_stream_drain (&run->streams[i]);
  if (run->reason != NULL) {
    g_clear_error (&error);
    g_task_return_error (task, g_steal_pointer (&run->reason));
    return;
  }
  if (!ok || !split_noise (run, &out->n_noise, &error)) {
    g_task_return_error (task, error);
    return;
  }
  out->status = run->status;
  out->output = hookrun_stream_take (&run->streams[0]);
  out->errors = hookrun_stream_take (&run->streams[1]);
  g_task_return_pointer (task, g_steal_pointer (&out), result_free);
}

/* A source rather than a handler: a target may end the call while its cancellable is triggered. */
static void
watch_limits (GTask *task, Run *run)
{
  GMainContext *context = g_main_context_get_thread_default ();
  GCancellable *cancellable = g_task_get_cancellable (task);

  hookrun_source_add (&run->begin, g_timeout_source_new (BEGIN_LIMIT_MS), on_begin_limit, run);
  if (run->timeout_ms > 0) {
    run->timeout = g_timeout_source_new (run->timeout_ms);
    g_source_set_callback (run->timeout, on_timeout, task, NULL);
    g_source_attach (run->timeout, context);
  }
  if (cancellable != NULL) {
    run->cancelled = g_cancellable_source_new (cancellable);
    g_source_set_callback (run->cancelled, G_SOURCE_FUNC (on_cancelled), run->stop, NULL);
    g_source_attach (run->cancelled, context);
  }
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Run *run = g_task_get_task_data (task);
  GError *error = NULL;
  int ends[2] = {-1, -1};
  int stdin_fd = run->stdin_fd;

  if (!hookrun_target_connect_finish (run->target, result, &error)) {
    g_task_return_error (task, error);
    return;
  }
  if (g_cancellable_is_cancelled (g_task_get_cancellable (task))) {
    g_task_return_new_error (task, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
                             "target \"%s\": command \"%s\" was cancelled",
                             hookrun_target_get_name (run->target), run->label);
    return;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (ends); i++) {
    ends[i] = hookrun_stream_open (&run->streams[i], &error);
    if (ends[i] >= 0)
      continue;
    if (i > 0)
      close (ends[0]);
    g_task_return_error (task, error);
    return;
  }
  watch_limits (task, run);
  run->stdin_fd = -1;
  hookrun_target_execute_async (run->target, run->command_line, stdin_fd, ends[0], ends[1],
                                run->stop, on_executed, g_steal_pointer (&task));
}

void
hookrun_target_run_command_async (HookrunTarget *self, const HookrunCommand *command,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  GTask *task = hookrun_target_task_new (self, hookrun_target_run_command_async, cancellable,
                                         callback, user_data);
  Run *run = g_new0 (Run, 1);

  run->target = self;
  run->command_line = g_strconcat (PRINT_MARK, command->command_line, NULL);
  run->label = g_strdup (command->label);
  run->stdin_fd = command->stdin_fd;
  run->timeout_ms = command->timeout_ms;
  run->stop = g_cancellable_new ();
  for (gsize i = 0; i < G_N_ELEMENTS (run->streams); i++)
    hookrun_stream_init (&run->streams[i],
                         command->max_output > 0 ? command->max_output : MAX_OUTPUT, on_overflow,
                         run);
  g_task_set_task_data (task, run, run_free);
  hookrun_target_connect_async (self, cancellable, on_connected, task);
}

gboolean
hookrun_target_run_command_finish (HookrunTarget *self, GAsyncResult *async_result,
                                   HookrunCommandResult *result, GError **error)
{
  g_autofree HookrunCommandResult *out = g_task_propagate_pointer (G_TASK (async_result), error);

  if (out == NULL)
    return FALSE;
  *result = *out;
  return TRUE;
}

static void
start_run (HookrunTarget *self, gpointer data, GCancellable *cancellable,
           GAsyncReadyCallback callback, gpointer user_data)
{
  hookrun_target_run_command_async (self, data, cancellable, callback, user_data);
}

gboolean
hookrun_target_run_command (HookrunTarget *self, const HookrunCommand *command,
                            HookrunCommandResult *result, GCancellable *cancellable, GError **error)
{
  g_autoptr (GAsyncResult) async_result =
      hookrun_target_wait (self, start_run, (gpointer)command, cancellable);

  return hookrun_target_run_command_finish (self, async_result, result, error);
}
