/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The user's ssh program as a target. The master connection runs a command of its own that ends
 * when its standard input does, so nothing of it outlives this process, however that ends.
 */
#include "hookrun-ssh-program-target-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hookrun-error-private.h"
#include "hookrun-file-private.h"
#include "hookrun-local-target-private.h"
#include "hookrun-shell-private.h"
#include "hookrun-ssh-config-private.h"
#include "hookrun-stream-private.h"
#include "hookrun-sync-private.h"
#include "hookrun-target-private.h"
#include "hookrun-target-question-private.h"
#include "hookrun-target-task-private.h"

#define MARK "\036hookrun-master\n"
#define MASTER_COMMAND "printf '\\036hookrun-master\\n'; exec cat >/dev/null"
#define MAX_TEXT 65536
/* More than sshd's own LoginGraceTime: whoever is asked for a password has that long. */
#define CONNECT_LIMIT_MS 150000
#define EXIT_OF_SSH 255

typedef enum { STATE_OFF, STATE_CONNECTING, STATE_ON } State;

struct _HookrunSshProgramTarget {
  GObject parent_instance;

  char *name;
  HookrunSshSpec *spec;
  HookrunTarget *runner; /* runs ssh itself, here */
  State state;
  guint generation; /* of the master; an earlier one's end means nothing */
  char *folder;     /* holds the control socket; mode 0700 */
  int master_stdin;
  int master_stdout;
  GSource *ready;
  GSource *late;
  gboolean is_late;
  GSource *cancelled;
  GByteArray *greeting;
  HookrunStream errors;
  HookrunAskpass *askpass;
  GCancellable *stop;
  GPtrArray *waiters; /* of GTask */
};

static void hookrun_ssh_program_target_iface_init (HookrunTargetInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HookrunSshProgramTarget, hookrun_ssh_program_target, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HOOKRUN_TYPE_TARGET,
                                                      hookrun_ssh_program_target_iface_init))

static void
add (GPtrArray *argv, const char *word)
{
  g_ptr_array_add (argv, g_strdup (word));
}

static void
add_common (HookrunSshProgramTarget *self, GPtrArray *argv)
{
  const char *config = g_getenv ("HOOKRUN_SSH_CONFIG");

  add (argv, "ssh");
  if (config != NULL && config[0] != '\0') {
    add (argv, "-F");
    add (argv, config);
  }
  add (argv, "-Tx");
  g_ptr_array_add (argv, g_strdup_printf ("-oControlPath=%s/socket", self->folder));
  add (argv, "-oRemoteCommand=none");
  add (argv, "-oClearAllForwardings=yes");
}

static void
add_destination (HookrunSshProgramTarget *self, GPtrArray *argv, const char *command)
{
  if (self->spec->port != 0)
    g_ptr_array_add (argv, g_strdup_printf ("-p%u", self->spec->port));
  if (self->spec->user != NULL)
    g_ptr_array_add (argv, g_strdup_printf ("-l%s", self->spec->user));
  add (argv, "--");
  add (argv, self->spec->host);
  if (command != NULL)
    add (argv, command);
  g_ptr_array_add (argv, NULL);
}

/* "exec env … ssh …" for the shell that runs it here. */
static char *
make_master_line (HookrunSshProgramTarget *self)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *helper = hookrun_rsync_find_helper ();
  g_autofree char *quoted = NULL;

  add (argv, "env");
  if (self->askpass != NULL && helper != NULL) {
    g_ptr_array_add (argv, g_strconcat ("SSH_ASKPASS=", helper, NULL));
    add (argv, "SSH_ASKPASS_REQUIRE=force");
    g_ptr_array_add (argv, g_strconcat ("HOOKRUN_ASKPASS_SOCKET=",
                                        hookrun_askpass_get_socket (self->askpass), NULL));
  }
  add_common (self, argv);
  add (argv, "-oControlMaster=yes");
  add (argv, "-oControlPersist=no");
  add (argv, self->askpass != NULL ? "-oBatchMode=no" : "-oBatchMode=yes");
  add (argv, "-oServerAliveInterval=5");
  add (argv, "-oServerAliveCountMax=3");
  add_destination (self, argv, MASTER_COMMAND);
  quoted = hookrun_shell_quote_argv ((const char *const *)argv->pdata);
  return g_strconcat ("exec ", quoted, NULL);
}

/* A client of the master; @control is an order to the master itself, instead of a command. */
static char *
make_client_line (HookrunSshProgramTarget *self, const char *control, const char *command)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *quoted = NULL;

  add_common (self, argv);
  add (argv, "-oControlMaster=no");
  add (argv, "-oBatchMode=yes");
  if (control != NULL)
    add (argv, control);
  add_destination (self, argv, command);
  quoted = hookrun_shell_quote_argv ((const char *const *)argv->pdata);
  return g_strconcat ("exec ", quoted, NULL);
}

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static void
clean_up (HookrunSshProgramTarget *self)
{
  self->state = STATE_OFF;
  self->generation++;
  hookrun_source_drop (&self->ready);
  hookrun_source_drop (&self->late);
  hookrun_source_drop (&self->cancelled);
  self->is_late = FALSE;
  close_fd (&self->master_stdin);
  close_fd (&self->master_stdout);
  hookrun_stream_clear (&self->errors);
  g_clear_pointer (&self->greeting, g_byte_array_unref);
  g_clear_pointer (&self->askpass, hookrun_askpass_free);
  g_clear_object (&self->stop);
  if (self->folder != NULL)
    hookrun_file_remove_tree_at (AT_FDCWD, self->folder, NULL);
  g_clear_pointer (&self->folder, g_free);
}

static void
end_waiters (HookrunSshProgramTarget *self, const GError *error)
{
  g_autoptr (GPtrArray) waiters = g_steal_pointer (&self->waiters);

  self->waiters = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < waiters->len; i++)
    if (error != NULL)
      g_task_return_error (waiters->pdata[i], g_error_copy (error));
    else
      g_task_return_boolean (waiters->pdata[i], TRUE);
}

typedef struct {
  HookrunSshProgramTarget *target;
  guint generation;
} Master;

static void
on_master_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Master *master = user_data;
  g_autoptr (HookrunSshProgramTarget) self = master->target;
  g_autoptr (GBytes) errors = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *lines = NULL;

  hookrun_target_execute_finish (self->runner, result, NULL, &error);
  if (master->generation != self->generation)
    return;
  hookrun_stream_drain (&self->errors);
  errors = hookrun_stream_take (&self->errors);
  lines = hookrun_target_last_lines (g_bytes_get_data (errors, NULL));
  if (self->is_late) {
    g_clear_error (&error);
    error = g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_TIMED_OUT,
                         "target \"%s\": ssh has not logged in, or the login shell has not begun, "
                         "within %d s; see there what its start-up files do (such as ~/.bashrc), "
                         "and whether the machine hangs; then run it again",
                         self->name, CONNECT_LIMIT_MS / 1000);
  }
  if (error == NULL)
    error = g_error_new (HOOKRUN_ERROR,
                         (int)hookrun_ssh_program_code_of_text (g_bytes_get_data (errors, NULL)),
                         "target \"%s\": ssh cannot connect: %s", self->name,
                         lines[0] != '\0' ? lines : "it gave no reason");
  clean_up (self);
  end_waiters (self, error);
}

static gboolean
on_master_output (int fd, GIOCondition condition, gpointer user_data)
{
  HookrunSshProgramTarget *self = user_data;
  guint8 buffer[4096];
  gssize n = read (fd, buffer, sizeof buffer);

  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;
  if (n > 0 && self->greeting->len + (guint)n <= MAX_TEXT)
    g_byte_array_append (self->greeting, buffer, (guint)n);
  else if (n > 0)
    g_cancellable_cancel (self->stop);
  if (n > 0 && memmem (self->greeting->data, self->greeting->len, MARK, strlen (MARK)) == NULL)
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&self->ready, g_source_unref);
  if (n <= 0)
    return G_SOURCE_REMOVE;
  hookrun_source_drop (&self->late);
  hookrun_source_drop (&self->cancelled);
  self->state = STATE_ON;
  end_waiters (self, NULL);
  return G_SOURCE_REMOVE;
}

static void
ignore_overflow (gpointer user_data, gpointer unused)
{
}

static gboolean
on_late (gpointer user_data)
{
  HookrunSshProgramTarget *self = user_data;

  self->is_late = TRUE;
  g_cancellable_cancel (self->stop);
  return G_SOURCE_REMOVE;
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer stop)
{
  g_cancellable_cancel (stop);
  return G_SOURCE_REMOVE;
}

/* Our ends go into the object; the master's are returned. */
static gboolean
open_ends (HookrunSshProgramTarget *self, int *ends, GError **error)
{
  int in[2];
  int out[2];

  hookrun_stream_init (&self->errors, MAX_TEXT, ignore_overflow, NULL);
  self->folder = g_dir_make_tmp ("hookrun-XXXXXX", NULL);
  if (self->folder != NULL && pipe2 (in, O_CLOEXEC) == 0) {
    ends[0] = in[0];
    self->master_stdin = in[1];
    if (pipe2 (out, O_CLOEXEC) == 0) {
      ends[1] = out[1];
      self->master_stdout = out[0];
      g_unix_set_fd_nonblocking (out[0], TRUE, NULL);
      ends[2] = hookrun_stream_open (&self->errors, error);
      return ends[2] >= 0;
    }
  }
  hookrun_set_error_from_errno (error, errno, "cannot prepare a connection");
  return FALSE;
}

static gboolean
prepare (HookrunSshProgramTarget *self, int *ends, GError **error)
{
  if (!open_ends (self, ends, error))
    return FALSE;
  if (!hookrun_target_can_ask (HOOKRUN_TARGET (self)))
    return TRUE;
  self->askpass = hookrun_askpass_new (HOOKRUN_TARGET (self), self->folder, error);
  return self->askpass != NULL;
}

static gboolean
start_master (HookrunSshProgramTarget *self, GCancellable *cancellable, GError **error)
{
  g_autofree char *line = NULL;
  Master *master;
  int ends[3] = {-1, -1, -1};

  if (!prepare (self, ends, error)) {
    for (gsize i = 0; i < G_N_ELEMENTS (ends); i++)
      close_fd (&ends[i]);
    return FALSE;
  }
  self->state = STATE_CONNECTING;
  self->greeting = g_byte_array_new ();
  self->stop = g_cancellable_new ();
  hookrun_source_add (&self->ready, g_unix_fd_source_new (self->master_stdout, G_IO_IN | G_IO_HUP),
                      G_SOURCE_FUNC (on_master_output), self);
  hookrun_source_add (&self->late, g_timeout_source_new (CONNECT_LIMIT_MS), on_late, self);
  if (cancellable != NULL)
    hookrun_source_add (&self->cancelled, g_cancellable_source_new (cancellable),
                        G_SOURCE_FUNC (on_cancelled), self->stop);
  line = make_master_line (self);
  master = g_new (Master, 1);
  *master = (Master){g_object_ref (self), self->generation};
  hookrun_target_execute_async (self->runner, line, ends[0], ends[1], ends[2], self->stop,
                                on_master_ended, master);
  return TRUE;
}

static void
connect_async (HookrunTarget *target, GCancellable *cancellable, GAsyncReadyCallback callback,
               gpointer user_data)
{
  HookrunSshProgramTarget *self = HOOKRUN_SSH_PROGRAM_TARGET (target);
  g_autoptr (GTask) task =
      hookrun_target_task_new (self, connect_async, cancellable, callback, user_data);
  g_autoptr (GError) error = NULL;

  if (self->state == STATE_ON) {
    g_task_return_boolean (task, TRUE);
    return;
  }
  g_ptr_array_add (self->waiters, g_object_ref (task));
  if (self->state == STATE_CONNECTING || start_master (self, cancellable, &error))
    return;
  clean_up (self);
  end_waiters (self, error);
}

/* ssh's own failures and a command's status 255 look the same; the master tells them apart. */
static void
on_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  HookrunSshProgramTarget *self = g_task_get_source_object (task);
  GError *error = NULL;
  int status = 0;

  if (!hookrun_target_execute_finish (self->runner, result, &status, &error))
    g_task_return_error (task, error);
  else if (status != 0)
    g_task_return_new_error (task, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION,
                             "target \"%s\": the connection broke", self->name);
  else
    g_task_return_int (task, W_EXITCODE (EXIT_OF_SSH, 0));
}

static void
on_client_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  HookrunSshProgramTarget *self = g_task_get_source_object (task);
  g_autofree char *line = NULL;
  GError *error = NULL;
  int status = 0;

  if (!hookrun_target_execute_finish (self->runner, result, &status, &error)) {
    g_task_return_error (task, error);
    return;
  }
  if (!WIFEXITED (status) || WEXITSTATUS (status) != EXIT_OF_SSH) {
    g_task_return_int (task, status);
    return;
  }
  line = make_client_line (self, "-Ocheck", NULL);
  hookrun_target_execute_async (self->runner, line, -1, -1, -1, NULL, on_checked,
                                g_steal_pointer (&task));
}

static void
execute_async (HookrunTarget *target, const char *command_line, int stdin_fd, int stdout_fd,
               int stderr_fd, GCancellable *cancellable, GAsyncReadyCallback callback,
               gpointer user_data)
{
  HookrunSshProgramTarget *self = HOOKRUN_SSH_PROGRAM_TARGET (target);
  g_autoptr (GTask) task =
      hookrun_target_task_new (self, execute_async, cancellable, callback, user_data);
  g_autofree char *line = NULL;

  if (self->state != STATE_ON) {
    hookrun_target_task_close (stdin_fd, stdout_fd, stderr_fd);
    g_task_return_new_error (task, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION,
                             "target \"%s\": there is no connection", self->name);
    return;
  }
  line = make_client_line (self, NULL, command_line);
  hookrun_target_execute_async (self->runner, line, stdin_fd, stdout_fd, stderr_fd, cancellable,
                                on_client_ended, g_steal_pointer (&task));
}

static void
disconnect (HookrunTarget *target)
{
  HookrunSshProgramTarget *self = HOOKRUN_SSH_PROGRAM_TARGET (target);
  g_autoptr (GError) error = g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION,
                                          "target \"%s\": it was disconnected", self->name);

  if (self->state == STATE_OFF)
    return;
  hookrun_target_disconnect (self->runner);
  clean_up (self);
  end_waiters (self, error);
}

static const char *
get_name (HookrunTarget *target)
{
  return HOOKRUN_SSH_PROGRAM_TARGET (target)->name;
}

static void
hookrun_ssh_program_target_finalize (GObject *object)
{
  HookrunSshProgramTarget *self = HOOKRUN_SSH_PROGRAM_TARGET (object);

  disconnect (HOOKRUN_TARGET (self));
  g_object_unref (self->runner);
  g_ptr_array_unref (self->waiters);
  hookrun_ssh_spec_free (self->spec);
  g_free (self->name);
  G_OBJECT_CLASS (hookrun_ssh_program_target_parent_class)->finalize (object);
}

static void
hookrun_ssh_program_target_class_init (HookrunSshProgramTargetClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hookrun_ssh_program_target_finalize;
}

static void
hookrun_ssh_program_target_init (HookrunSshProgramTarget *self)
{
  self->master_stdin = -1;
  self->master_stdout = -1;
  self->waiters = g_ptr_array_new_with_free_func (g_object_unref);
}

static void
hookrun_ssh_program_target_iface_init (HookrunTargetInterface *iface)
{
  iface->get_name = get_name;
  iface->connect_async = connect_async;
  iface->connect_finish = hookrun_target_task_finish_connect;
  iface->execute_async = execute_async;
  iface->execute_finish = hookrun_target_task_finish_execute;
  iface->disconnect = disconnect;
}

HookrunTarget *
hookrun_ssh_program_target_new (const char *name, const char *spec, GError **error)
{
  g_autoptr (HookrunSshSpec) parsed = hookrun_ssh_spec_parse (spec, error);
  HookrunSshProgramTarget *self;

  if (parsed == NULL)
    return NULL;
  self = g_object_new (HOOKRUN_TYPE_SSH_PROGRAM_TARGET, NULL);
  self->name = g_strdup (name);
  self->spec = g_steal_pointer (&parsed);
  self->runner = hookrun_local_target_new (name, NULL);
  return HOOKRUN_TARGET (self);
}
