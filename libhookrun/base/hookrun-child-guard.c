/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What kills the children of a process that was killed itself. The kernel's own signal for that
 * depends on the thread that started the child and reaches no grandchildren; so a shell is told
 * which groups run, and its input ends with this process, however that ends.
 */
#include "hookrun-child-private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hookrun-exit-fd-private.h"

/* In the background, so that it is no child of this process: a host may wait for all it has. */
static const char script[] = "{\n"
                             "  groups=' '\n"
                             "  while read -r word pid; do\n"
                             "    case $word in\n"
                             "    +) groups=\"$groups$pid \" ;;\n"
                             "    -) groups=\"${groups%% $pid *} ${groups#* $pid }\" ;;\n"
                             "    esac\n"
                             "  done <&3\n"
                             "  for pid in $groups; do kill -9 \"-$pid\"; done\n"
                             "} &\n";

static struct {
  GMutex mutex;
  int socket;
  pid_t owner; /* a fork without exec needs a guard of its own */
} guard;

static gboolean
spawn_shell (int input)
{
  g_autofree char *name = g_strdup_printf ("hookrun-guard %d", (int)getpid ());
  const char *const argv[] = {"sh", "-c", script, name, NULL};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t signals;
  pid_t pid;
  int problem;

  posix_spawn_file_actions_init (&actions);
  posix_spawnattr_init (&attributes);
  for (int fd = 0; fd < 3; fd++)
    posix_spawn_file_actions_addopen (&actions, fd, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_adddup2 (&actions, input, 3);
  posix_spawn_file_actions_addclosefrom_np (&actions, 4);
  posix_spawn_file_actions_addchdir_np (&actions, "/");
  sigemptyset (&signals);
  posix_spawnattr_setsigmask (&attributes, &signals);
  sigfillset (&signals);
  posix_spawnattr_setsigdefault (&attributes, &signals);
  posix_spawnattr_setflags (&attributes,
                            POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  problem =
      posix_spawn (&pid, "/bin/sh", &actions, &attributes, (char *const *)(gpointer)argv, environ);
  posix_spawn_file_actions_destroy (&actions);
  posix_spawnattr_destroy (&attributes);
  while (problem == 0 && waitpid (pid, NULL, 0) < 0 && errno == EINTR)
    continue;
  if (problem != 0)
    g_debug ("no guard for the children of this process: %s", g_strerror (problem));
  return problem == 0;
}

static void
start_guard (void)
{
  int here = -1;
  int there = -1;

  guard.owner = getpid ();
  guard.socket = -1;
  if (hookrun_child_open_pair (TRUE, &here, &there) && spawn_shell (there)) {
    guard.socket = here;
    here = -1;
  }
  hookrun_child_close_all (&here, 1);
  hookrun_child_close_all (&there, 1);
}

/* Where the guard was ended by someone, the next child gets another. */
static gboolean
tell (char word, pid_t pid)
{
  char line[32];
  int length = snprintf (line, sizeof line, "%c %d\n", word, (int)pid);

  return guard.socket >= 0 &&
         send (guard.socket, line, (gsize)length, MSG_NOSIGNAL | MSG_DONTWAIT) == length;
}

void
hookrun_child_guard_add (pid_t pid)
{
  g_mutex_lock (&guard.mutex);
  if (guard.owner != getpid () || !tell ('+', pid)) {
    if (guard.owner != 0 && guard.socket >= 0)
      close (guard.socket);
    start_guard ();
    tell ('+', pid);
  }
  g_mutex_unlock (&guard.mutex);
}

void
hookrun_child_guard_remove (pid_t pid)
{
  g_mutex_lock (&guard.mutex);
  if (guard.owner == getpid ())
    tell ('-', pid);
  g_mutex_unlock (&guard.mutex);
}
