/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Children by posix_spawn(): it does not copy the caller's address space and runs no code of ours
 * between fork and exec, whatever locks other threads hold.
 */
#include "hookrun-spawn-private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include "hookrun-error-private.h"

extern char **environ;

/* Out of the way of the numbers that the child is to see. */
#define FIRST_SAFE_FD 10

static int
set_attributes (posix_spawnattr_t *attributes)
{
  sigset_t none;
  sigset_t defaults;
  int flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  int failed;

  sigemptyset (&none);
  sigemptyset (&defaults);
  for (int number = 1; number < NSIG; number++)
    if (number != SIGKILL && number != SIGSTOP)
      sigaddset (&defaults, number);
  failed = posix_spawnattr_setflags (attributes, (short)flags);
  if (failed == 0)
    failed = posix_spawnattr_setpgroup (attributes, 0);
  if (failed == 0)
    failed = posix_spawnattr_setsigmask (attributes, &none);
  return failed != 0 ? failed : posix_spawnattr_setsigdefault (attributes, &defaults);
}

static int
set_actions (posix_spawn_file_actions_t *actions, const HookrunSpawn *spawn, const int *safe)
{
  int failed = 0;

  for (int i = 0; i < 4 && failed == 0; i++) {
    if (safe[i] >= 0)
      failed = posix_spawn_file_actions_adddup2 (actions, safe[i], i);
    else if (i < 3)
      failed = posix_spawn_file_actions_addopen (actions, i, "/dev/null", O_RDWR, 0);
  }
  if (failed == 0 && spawn->folder != NULL)
    failed = posix_spawn_file_actions_addchdir_np (actions, spawn->folder);
  return failed;
}

static int
start (const HookrunSpawn *spawn, const int *safe, pid_t *pid)
{
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  char **envp = spawn->envp != NULL ? (char **)spawn->envp : environ;
  int failed = posix_spawn_file_actions_init (&actions);

  if (failed != 0)
    return failed;
  failed = posix_spawnattr_init (&attributes);
  if (failed != 0) {
    posix_spawn_file_actions_destroy (&actions);
    return failed;
  }
  failed = set_actions (&actions, spawn, safe);
  if (failed == 0)
    failed = set_attributes (&attributes);
  if (failed == 0)
    failed = posix_spawnp (pid, spawn->argv[0], &actions, &attributes, (char **)spawn->argv, envp);
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&actions);
  return failed;
}

pid_t
hookrun_spawn (const HookrunSpawn *spawn, GError **error)
{
  int given[4] = {spawn->fds[0], spawn->fds[1], spawn->fds[2], spawn->extra_fd};
  int safe[4] = {-1, -1, -1, -1};
  pid_t pid = -1;
  int failed = 0;

  for (int i = 0; i < 4 && failed == 0; i++) {
    if (given[i] < 0)
      continue;
    safe[i] = fcntl (given[i], F_DUPFD_CLOEXEC, FIRST_SAFE_FD);
    if (safe[i] < 0)
      failed = errno;
  }
  if (failed == 0)
    failed = start (spawn, safe, &pid);
  for (int i = 0; i < 4; i++)
    if (safe[i] >= 0)
      close (safe[i]);
  if (failed == 0)
    return pid;
  hookrun_set_error_from_errno (error, failed, "cannot start \"%s\"%s%s", spawn->argv[0],
                                spawn->folder != NULL ? " in " : "",
                                spawn->folder != NULL ? spawn->folder : "");
  return -1;
}
