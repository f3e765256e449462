/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The start of a child. Everything is prepared in the parent, and posix_spawn shares its memory
 * until the exec, so that the cost hardly depends on the size of the host.
 */
#include "hookrun-child-private.h"
#include "hookrun-error-private.h"
#include "hookrun-exit-fd-private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

void
hookrun_child_close_all (int *fds, guint n)
{
  for (guint i = 0; i < n; i++) {
    if (fds[i] >= 0)
      close (fds[i]);
    fds[i] = -1;
  }
}

/* A host that closed its standard descriptors gets low numbers for new ones. */
int
hookrun_child_lift (int fd)
{
  int lifted;

  if (fd < 0 || fd >= HOOKRUN_CHILD_MAX_FDS)
    return fd;
  lifted = fcntl (fd, F_DUPFD_CLOEXEC, HOOKRUN_CHILD_MAX_FDS);
  close (fd);
  return lifted;
}

gboolean
hookrun_child_open_pair (gboolean is_socket, int *here, int *there)
{
  int ends[2];
  int result = is_socket ? socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)
                         : pipe2 (ends, O_CLOEXEC);

  if (result < 0)
    return FALSE;
  *here = hookrun_child_lift (ends[0]);
  *there = hookrun_child_lift (ends[1]);
  return *here >= 0 && *there >= 0 && fcntl (*here, F_SETFL, O_NONBLOCK) == 0;
}

static int
fill_actions (posix_spawn_file_actions_t *actions, const HookrunChildSpec *spec)
{
  int first_closed = 0;
  int problem = 0;

  for (guint i = 0; i < spec->n_fds && problem == 0; i++)
    if (spec->fds[i] >= 0) {
      problem = posix_spawn_file_actions_adddup2 (actions, spec->fds[i], (int)i);
      first_closed = (int)i + 1;
    }
  if (problem == 0)
    problem = posix_spawn_file_actions_addclosefrom_np (actions, first_closed);
  if (problem == 0 && spec->folder != NULL)
    problem = posix_spawn_file_actions_addchdir_np (actions, spec->folder);
  return problem;
}

/* No signal is blocked or ignored in the child, whatever the host does with its own. A session of
 * its own: a program that asks on the terminal fails at once instead of being stopped for good. */
static int
fill_attributes (posix_spawnattr_t *attributes)
{
  sigset_t none;
  sigset_t all;

  sigemptyset (&none);
  sigfillset (&all);
  posix_spawnattr_setsigmask (attributes, &none);
  posix_spawnattr_setsigdefault (attributes, &all);
  return posix_spawnattr_setflags (attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                   POSIX_SPAWN_SETSIGDEF);
}

static int
spawn (const HookrunChildSpec *spec, pid_t *pid)
{
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  char *const *environment =
      spec->environment != NULL ? (char *const *)(gpointer)spec->environment : environ;
  int problem;

  posix_spawn_file_actions_init (&actions);
  posix_spawnattr_init (&attributes);
  problem = fill_actions (&actions, spec);
  if (problem == 0)
    problem = fill_attributes (&attributes);
  if (problem == 0)
    problem = posix_spawnp (pid, spec->argv[0], &actions, &attributes,
                            (char *const *)(gpointer)spec->argv, environment);
  posix_spawn_file_actions_destroy (&actions);
  posix_spawnattr_destroy (&attributes);
  return problem;
}

static void
explain_failure (const HookrunChildSpec *spec, int problem, GError **error)
{
  const char *program = spec->argv[0];
  const char *remedy = "";

  if (spec->folder != NULL && !g_file_test (spec->folder, G_FILE_TEST_IS_DIR)) {
    hookrun_set_error_from_errno (error, problem, "cannot run \"%s\" in folder \"%s\"", program,
                                  spec->folder);
    return;
  }
  if (problem == ENOENT && g_file_test (program, G_FILE_TEST_EXISTS))
    remedy = " (the file is there, the interpreter that its first line names is not)";
  else if (problem == ENOEXEC)
    remedy = " (neither a program nor a script whose first line starts with #!)";
  else if (problem == EACCES)
    remedy = " (it needs execute permission: chmod +x)";
  else if (problem == E2BIG)
    remedy = " (its arguments and environment are too large)";
  hookrun_set_error_from_errno (error, problem, "cannot run \"%s\"%s", program, remedy);
}

/* Where the child shares no memory with us (under some debuggers) it cannot tell this itself. */
static int
check_program (const char *program)
{
  return program[0] == '/' && access (program, X_OK) < 0 ? errno : 0;
}

static gboolean
start_freely (const HookrunChildSpec *spec, HookrunChild *child, GError **error)
{
  int problem = check_program (spec->argv[0]);

  if (problem == 0)
    problem = spawn (spec, &child->pid);
  if (problem == 0) {
    child->exit_fd = hookrun_exit_fd_open (child->pid);
    if (child->exit_fd >= 0) {
      hookrun_child_guard_add (child->pid);
      return TRUE;
    }
    problem = errno;
    kill (-child->pid, SIGKILL);
    waitpid (child->pid, NULL, 0);
  }
  explain_failure (spec, problem, error);
  return FALSE;
}

gboolean
hookrun_child_spawn (const HookrunChildSpec *spec, HookrunChild *child, GError **error)
{
  gboolean ok;

  *child = (HookrunChild){.pid = -1, .exit_fd = -1, .keeper = spec->keeper};
  ok = spec->keeper != NULL ? spec->keeper->start (spec, child, error)
                            : start_freely (spec, child, error);
  hookrun_child_close_all (spec->fds, spec->n_fds);
  return ok;
}

/* The child is at worst a zombie that was not reaped yet, so the number is that of its group. */
void
hookrun_child_signal (HookrunChild *self, int signal)
{
  if (self->keeper != NULL)
    self->keeper->signal (self, signal);
  else
    kill (-self->pid, signal);
}

gboolean
hookrun_child_reap (HookrunChild *self, gboolean waits, siginfo_t *info, char **limit)
{
  int options = waits ? WEXITED : WEXITED | WNOHANG;

  *info = (siginfo_t){0};
  if (self->keeper != NULL)
    return self->keeper->reap (self, waits, info, limit);
  /* Its number may be another's afterwards. */
  hookrun_child_guard_remove (self->pid);
  while (waitid (P_PID, (id_t)self->pid, info, options) < 0)
    if (errno != EINTR)
      return FALSE;
  return info->si_pid != 0;
}

void
hookrun_child_clear (HookrunChild *self)
{
  if (self->keeper != NULL)
    self->keeper->clear (self);
  else if (self->exit_fd >= 0)
    close (self->exit_fd);
  self->exit_fd = -1;
}
