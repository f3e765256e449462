/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting a program. Everything is prepared in the parent, and posix_spawn shares its memory until
 * the exec, so that the cost hardly depends on the size of the host. Input comes from an anonymous
 * file: a program that never reads it blocks nobody, and there is no SIGPIPE to fear.
 */
#include "hookrun-process-core-private.h"
#include "hookrun-error-private.h"
#include "hookrun-exit-fd-private.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEFAULT_MAX_OUTPUT (16 * 1024 * 1024)
#define DEFAULT_MAX_RESULT (1024 * 1024)
#define DEFAULT_KILL_AFTER_MS 2000
#define DEFAULT_LINGER_MS 200
#define CHUNK_SIZE 65536

/* What the program inherits as 0, 1, 2 and 3, and the ends that stay here. */
typedef struct {
  int child[4];
  int parent[3];
} Ends;

static void
close_ends (int *fds, guint n)
{
  for (guint i = 0; i < n; i++) {
    if (fds[i] >= 0)
      close (fds[i]);
    fds[i] = -1;
  }
}

/* A host that closed its standard descriptors gets low numbers for new ones; those would collide
 * with the numbers that they are to have in the program. */
static int
above_standard (int fd)
{
  int moved;

  if (fd < 0 || fd > HOOKRUN_PROCESS_RESULT_FD)
    return fd;
  moved = fcntl (fd, F_DUPFD_CLOEXEC, HOOKRUN_PROCESS_RESULT_FD + 1);
  close (fd);
  return moved;
}

static int
open_input (const char *input, gsize length)
{
  gsize done = 0;
  int fd;

  if (input == NULL || length == 0)
    return above_standard (open ("/dev/null", O_RDONLY | O_CLOEXEC));
  fd = above_standard (memfd_create ("hookrun-input", MFD_CLOEXEC));
  while (fd >= 0 && done < length) {
    /* pwrite leaves the offset, which the program shares, at the start. */
    gssize n = pwrite (fd, input + done, length - done, (off_t)done);

    if (n < 0 && errno != EINTR) {
      int saved_errno = errno;

      close (fd);
      errno = saved_errno;
      return -1;
    }
    if (n > 0)
      done += (gsize)n;
  }
  return fd;
}

static gboolean
open_pipe (int *parent, int *child)
{
  int ends[2];

  if (pipe2 (ends, O_CLOEXEC) < 0)
    return FALSE;
  *parent = above_standard (ends[0]);
  *child = above_standard (ends[1]);
  return *parent >= 0 && *child >= 0 && fcntl (*parent, F_SETFL, O_NONBLOCK) == 0;
}

static gboolean
open_ends (Ends *ends, const HookrunProcessSpec *spec)
{
  ends->child[0] = open_input (spec->input, spec->input_length);
  return ends->child[0] >= 0 && open_pipe (&ends->parent[0], &ends->child[1]) &&
         open_pipe (&ends->parent[1], &ends->child[2]) &&
         (!spec->with_result || open_pipe (&ends->parent[2], &ends->child[3]));
}

static int
fill_actions (posix_spawn_file_actions_t *actions, const Ends *ends, const char *folder)
{
  int first_closed = 0;
  int problem = 0;

  for (int fd = 0; fd <= HOOKRUN_PROCESS_RESULT_FD && problem == 0; fd++)
    if (ends->child[fd] >= 0) {
      problem = posix_spawn_file_actions_adddup2 (actions, ends->child[fd], fd);
      first_closed = fd + 1;
    }
  if (problem == 0)
    problem = posix_spawn_file_actions_addclosefrom_np (actions, first_closed);
  if (problem == 0 && folder != NULL)
    problem = posix_spawn_file_actions_addchdir_np (actions, folder);
  return problem;
}

/* No signal is blocked or ignored in the program, whatever the host does with its own. A session of
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
spawn (const HookrunProcessSpec *spec, const Ends *ends, pid_t *pid)
{
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  char *const *environment =
      spec->environment != NULL ? (char *const *)(gpointer)spec->environment : environ;
  int problem;

  posix_spawn_file_actions_init (&actions);
  posix_spawnattr_init (&attributes);
  problem = fill_actions (&actions, ends, spec->folder);
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
explain_failure (const HookrunProcessSpec *spec, int problem, GError **error)
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

static HookrunProcess *
process_new (const HookrunProcessSpec *spec, const Ends *ends, pid_t pid, int exit_fd)
{
  HookrunProcess *self = g_new0 (HookrunProcess, 1);

  self->pid = pid;
  self->exit_fd = exit_fd;
  for (guint i = 0; i < G_N_ELEMENTS (self->streams); i++) {
    self->streams[i] = ends->parent[i];
    self->buffers[i] = g_string_new (NULL);
  }
  self->chunk = g_malloc (CHUNK_SIZE);
  self->tail = g_string_new (NULL);
  self->max_output = spec->max_output > 0 ? spec->max_output : DEFAULT_MAX_OUTPUT;
  self->max_result = spec->max_result > 0 ? spec->max_result : DEFAULT_MAX_RESULT;
  self->timeout_ms = spec->timeout_ms;
  self->kill_after_ms = spec->kill_after_ms > 0 ? spec->kill_after_ms : DEFAULT_KILL_AFTER_MS;
  self->linger_ms = spec->linger_ms > 0 ? spec->linger_ms : DEFAULT_LINGER_MS;
  if (spec->timeout_ms > 0)
    self->deadline = g_get_monotonic_time () + (gint64)spec->timeout_ms * 1000;
  self->line = spec->line;
  self->user_data = spec->user_data;
  return self;
}

HookrunProcess *
hookrun_process_start (const HookrunProcessSpec *spec, GError **error)
{
  Ends ends = {{-1, -1, -1, -1}, {-1, -1, -1}};
  pid_t pid = 0;
  int exit_fd = -1;
  int problem;

  if (!open_ends (&ends, spec)) {
    hookrun_set_error_from_errno (error, errno, "cannot prepare to run \"%s\"", spec->argv[0]);
    close_ends (ends.child, G_N_ELEMENTS (ends.child));
    close_ends (ends.parent, G_N_ELEMENTS (ends.parent));
    return NULL;
  }
  problem = spawn (spec, &ends, &pid);
  close_ends (ends.child, G_N_ELEMENTS (ends.child));
  if (problem == 0) {
    exit_fd = hookrun_exit_fd_open (pid);
    if (exit_fd >= 0)
      return process_new (spec, &ends, pid, exit_fd);
    problem = errno;
    kill (-pid, SIGKILL);
  }
  explain_failure (spec, problem, error);
  close_ends (ends.parent, G_N_ELEMENTS (ends.parent));
  return NULL;
}
