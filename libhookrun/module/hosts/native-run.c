/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs one operation of a module in C. This process is confined by its host already; it tells over
 * the control channel how far it has come, so that a crash can be named.
 */
#include "native-host-private.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_VALUES 64

extern char **environ;

static void
tell_stage (const char *stage)
{
  const char *number = getenv ("HOOKRUN_CONTROL_FD");
  char line[128];
  int length = snprintf (
      line, sizeof line,
      "{\"jsonrpc\":\"2.0\",\"method\":\"stage\",\"params\":{\"stage\":\"%s\"}}\n", stage);
  ssize_t unused;

  if (number == NULL)
    return;
  unused = write (atoi (number), line, (size_t)length);
  (void)unused;
}

/* Runs @argv with standard output going to @out (-1: where ours goes). */
static int
run_program (const char *const *argv, int out)
{
  posix_spawn_file_actions_t actions;
  pid_t pid;
  int status;
  int problem;

  posix_spawn_file_actions_init (&actions);
  if (out >= 0)
    posix_spawn_file_actions_adddup2 (&actions, out, STDOUT_FILENO);
  fflush (NULL);
  problem = posix_spawnp (&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
  posix_spawn_file_actions_destroy (&actions);
  if (problem != 0) {
    fprintf (stderr, "%s: %s\n", argv[0], strerror (problem));
    return 127;
  }
  while (waitpid (pid, &status, 0) < 0)
    if (errno != EINTR)
      return 127;
  return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}

static int
execute (const HookrunNativeCall *call, const char *const *argv)
{
  return run_program (argv, -1);
}

/* The command create_file does the talking; it is in the PATH of every module. */
static int
create_file (const HookrunNativeCall *call, const char *path, char *staged, size_t size)
{
  const char *const argv[] = {"create_file", path, NULL};
  size_t length = 0;
  ssize_t n = 0;
  int ends[2];
  int status;

  if (pipe (ends) < 0)
    return -1;
  status = run_program (argv, ends[1]);
  close (ends[1]);
  while (length + 1 < size && (n = read (ends[0], staged + length, size - 1 - length)) > 0)
    length += (size_t)n;
  close (ends[0]);
  if (status != 0 || length < 2 || staged[length - 1] != '\n')
    return -1;
  staged[length - 1] = '\0';
  return 0;
}

static const HookrunNativeOperation *
find_operation (const HookrunNativeModule *module, const char *name)
{
  for (guint32 i = 0; i < module->n_operations; i++)
    if (strcmp (module_operation (module, i)->name, name) == 0)
      return module_operation (module, i);
  return NULL;
}

static const char *
variable (const char *name)
{
  const char *value = getenv (name);

  return value != NULL ? value : "";
}

static int
call_operation (const HookrunNativeOperation *operation, int argc, char **argv)
{
  const char *values[MAX_VALUES + 1] = {NULL};
  guint32 n_values = 0;
  HookrunNativeCall call = {
      .size = (guint32)sizeof call,
      .root = variable ("ROOT"),
      .cache = variable ("CACHE"),
      .temp = variable ("TEMP"),
      .version = variable ("VERSION"),
      .values = values,
      .create_file = create_file,
      .execute = execute,
  };
  int status;

  for (; argc > 0 && strcmp (*argv, "--") != 0 && n_values < MAX_VALUES; argc--, argv++)
    values[n_values++] = **argv == '=' ? *argv + 1 : NULL;
  if (argc == 0 || n_values != operation->n_options) {
    fprintf (stderr, "the module takes other options than it described\n");
    return 1;
  }
  call.words = (const char *const *)argv + 1;
  tell_stage ("running");
  status = operation->run (&call);
  tell_stage ("ending");
  return status;
}

int
run_operation (int argc, char **argv)
{
  char text[1024] = "";
  Buffer problem = {.text = text, .size = sizeof text};
  const HookrunNativeModule *module;
  const HookrunNativeOperation *operation;
  volatile char stage = STAGE_NONE;

  tell_stage ("opening");
  module = module_open (argv[0], &stage, &problem);
  if (module == NULL) {
    fprintf (stderr, "%s\n", text);
    return 1;
  }
  tell_stage ("checking");
  operation = find_operation (module, argv[1]);
  if (operation == NULL || operation->run == NULL) {
    fprintf (stderr, "the module has no operation \"%s\" any more\n", argv[1]);
    return 1;
  }
  return call_operation (operation, argc - 2, argv + 2);
}
