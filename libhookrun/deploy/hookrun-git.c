/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs git. Its pipes are read here rather than by GSubprocess, since a limit, a time of silence
 * and the end of the process all have to be seen at once: a credential helper that git leaves
 * behind may hold the pipes open for hours.
 */
#include "hookrun-git-private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hookrun-error-private.h"

#define MAX_OUTPUT (256U * 1024 * 1024)
#define MAX_MESSAGES 65536U
/* How often the end of the process is looked for while a pipe stays open. */
#define LOOK_MS 100
/* How long git may take to end after SIGTERM. */
#define GRACE_MS 2000

/* They would lead git to another repository or another configuration than is meant. */
static const char *const unset_variables[] = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
};

typedef struct {
  GPid pid;
  int fds[2]; /* standard output, standard error; -1 when closed */
  GByteArray *texts[2];
  int status;
  gboolean ended;
} Run;

static char **
make_environment (const HookrunGit *git)
{
  char **environment = g_get_environ ();

  for (gsize i = 0; i < G_N_ELEMENTS (unset_variables); i++)
    environment = g_environ_unsetenv (environment, unset_variables[i]);
  environment = g_environ_setenv (environment, "LC_ALL", "C", TRUE);
  environment = g_environ_setenv (environment, "GIT_TERMINAL_PROMPT", "0", TRUE);
  environment =
      g_environ_setenv (environment, "GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh", TRUE);
  if (git->git_dir != NULL)
    environment = g_environ_setenv (environment, "GIT_DIR", git->git_dir, TRUE);
  if (git->work_tree != NULL)
    environment = g_environ_setenv (environment, "GIT_WORK_TREE", git->work_tree, TRUE);
  if (git->index_file != NULL)
    environment = g_environ_setenv (environment, "GIT_INDEX_FILE", git->index_file, TRUE);
  return environment;
}

static GPtrArray *
make_arguments (const char *const *args)
{
  static const char *const first[] = {
      "git",
      /* a repository's hooks are its owner's business, not ours */
      "-c",
      "core.hooksPath=/dev/null",
      /* housekeeping ends before we go on: nothing is left running in the cache */
      "-c",
      "gc.autoDetach=false",
      "-c",
      "maintenance.autoDetach=false",
      "-c",
      "advice.detachedHead=false",
  };
  GPtrArray *argv = g_ptr_array_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (first); i++)
    g_ptr_array_add (argv, (gpointer)first[i]);
  for (; *args != NULL; args++)
    g_ptr_array_add (argv, (gpointer)*args);
  g_ptr_array_add (argv, NULL);
  return argv;
}

/* In the child, between fork and exec: a session of its own has no terminal to ask at, and is a
 * process group that can be ended whole. */
static void
leave_terminal (gpointer unused)
{
  setsid ();
}

static gboolean
start (Run *self, const HookrunGit *git, const char *const *args, GError **error)
{
  g_auto (GStrv) environment = make_environment (git);
  g_autoptr (GPtrArray) argv = make_arguments (args);
  g_autoptr (GError) local = NULL;

  if (g_spawn_async_with_pipes (NULL, (char **)argv->pdata, environment,
                                G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, leave_terminal,
                                NULL, &self->pid, NULL, &self->fds[0], &self->fds[1], &local))
    return TRUE;
  if (g_error_matches (local, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT))
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED,
                 "there is no program git on this machine; install it (package \"git\")");
  else
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_IO, "cannot start git: %s", local->message);
  return FALSE;
}

static void
close_pipe (Run *self, guint i)
{
  if (self->fds[i] >= 0)
    close (self->fds[i]);
  self->fds[i] = -1;
}

/* Of standard error the end counts, of standard output all. */
static gboolean
read_pipe (Run *self, guint i, GError **error)
{
  guint8 buffer[65536];
  gssize n = read (self->fds[i], buffer, sizeof buffer);
  GByteArray *text = self->texts[i];

  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return TRUE;
  if (n <= 0) {
    close_pipe (self, i);
    return TRUE;
  }
  if (i == 0 && text->len + (gsize)n > MAX_OUTPUT) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                 "git printed more than %u MiB; this repository is too large", MAX_OUTPUT >> 20);
    return FALSE;
  }
  g_byte_array_append (text, buffer, (guint)n);
  if (i == 1 && text->len > MAX_MESSAGES)
    g_byte_array_remove_range (text, 0, text->len - MAX_MESSAGES / 2);
  return TRUE;
}

static void
look_for_end (Run *self)
{
  pid_t pid = self->ended ? 0 : waitpid (self->pid, &self->status, WNOHANG);

  if (pid == self->pid || (pid < 0 && errno != EINTR))
    self->ended = TRUE;
}

/* Ends git and what it started. */
static void
kill_run (Run *self)
{
  gint64 deadline = g_get_monotonic_time () + GRACE_MS * 1000;

  look_for_end (self);
  if (!self->ended)
    kill (-self->pid, SIGTERM);
  while (!self->ended && g_get_monotonic_time () < deadline) {
    g_usleep (10000);
    look_for_end (self);
  }
  if (self->ended)
    return;
  kill (-self->pid, SIGKILL);
  while (waitpid (self->pid, &self->status, 0) < 0 && errno == EINTR)
    continue;
  self->ended = TRUE;
}

static gboolean
check_silence (const HookrunGit *git, gint64 last, GError **error)
{
  if (git->silence_ms == 0 || g_get_monotonic_time () - last < (gint64)git->silence_ms * 1000)
    return TRUE;
  g_set_error (
      error, HOOKRUN_ERROR, HOOKRUN_ERROR_TIMED_OUT,
      "the repository has not answered for %u seconds; see whether it can be reached from this "
      "machine, and try again",
      git->silence_ms / 1000);
  return FALSE;
}

static gboolean
check_cancelled (GCancellable *cancellable, GError **error)
{
  if (!g_cancellable_is_cancelled (cancellable))
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED, "cancelled");
  return FALSE;
}

/* Reads both pipes until git ends. */
static gboolean
follow (Run *self, const HookrunGit *git, GCancellable *cancellable, GError **error)
{
  gint64 last = g_get_monotonic_time ();

  for (;;) {
    struct pollfd polled[] = {{.fd = self->fds[0], .events = POLLIN},
                              {.fd = self->fds[1], .events = POLLIN},
                              {.fd = g_cancellable_get_fd (cancellable), .events = POLLIN}};
    gboolean open = self->fds[0] >= 0 || self->fds[1] >= 0;
    int n = poll (polled, G_N_ELEMENTS (polled), open ? LOOK_MS : 1);

    if (cancellable != NULL && polled[2].fd >= 0)
      g_cancellable_release_fd (cancellable);
    if (!check_cancelled (cancellable, error) || !check_silence (git, last, error))
      return FALSE;
    for (guint i = 0; n > 0 && i < 2; i++) {
      if (polled[i].revents == 0)
        continue;
      last = g_get_monotonic_time ();
      if (!read_pipe (self, i, error))
        return FALSE;
    }
    if (n > 0 && open)
      continue;
    look_for_end (self);
    if (self->ended)
      return TRUE;
  }
}

/* The command behind the options that stand before it. */
static const char *
command_of (const char *const *args)
{
  while (g_str_equal (args[0], "-c"))
    args += 2;
  return args[0];
}

gboolean
hookrun_git_run (const HookrunGit *git, const char *const *args, GByteArray **output,
                 GCancellable *cancellable, GError **error)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (GByteArray) messages = g_byte_array_new ();
  Run self = {.fds = {-1, -1}, .texts = {out, messages}};
  gboolean ok;

  if (!check_cancelled (cancellable, error) || !start (&self, git, args, error))
    return FALSE;
  ok = follow (&self, git, cancellable, error);
  if (!ok)
    kill_run (&self);
  close_pipe (&self, 0);
  close_pipe (&self, 1);
  g_spawn_close_pid (self.pid);
  if (!ok)
    return FALSE;
  if (self.status != 0) {
    hookrun_git_set_error (git, command_of (args), self.status, messages, error);
    return FALSE;
  }
  g_byte_array_append (out, (const guint8 *)"", 1);
  g_byte_array_set_size (out, out->len - 1);
  if (output != NULL)
    *output = g_steal_pointer (&out);
  return TRUE;
}
