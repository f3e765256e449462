/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting a program. Input comes from an anonymous file: a program that never reads it blocks
 * nobody, and there is no SIGPIPE to fear.
 */
#include "hookrun-child-private.h"
#include "hookrun-error-private.h"
#include "hookrun-process-core-private.h"

#include <errno.h>
#include <fcntl.h>
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

static int
open_input (const char *input, gsize length)
{
  gsize done = 0;
  int fd;

  if (input == NULL || length == 0)
    return hookrun_child_lift (open ("/dev/null", O_RDONLY | O_CLOEXEC));
  fd = hookrun_child_lift (memfd_create ("hookrun-input", MFD_CLOEXEC));
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
open_ends (Ends *ends, const HookrunProcessSpec *spec)
{
  ends->child[0] = open_input (spec->input, spec->input_length);
  return ends->child[0] >= 0 &&
         hookrun_child_open_pair (FALSE, &ends->parent[0], &ends->child[1]) &&
         hookrun_child_open_pair (FALSE, &ends->parent[1], &ends->child[2]) &&
         (!spec->with_result || hookrun_child_open_pair (FALSE, &ends->parent[2], &ends->child[3]));
}

static HookrunProcess *
process_new (const HookrunProcessSpec *spec, const Ends *ends, const HookrunChild *child)
{
  HookrunProcess *self = g_new0 (HookrunProcess, 1);

  self->child = *child;
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
  HookrunChildSpec wanted = {spec->argv, spec->environment,         spec->folder,
                             ends.child, G_N_ELEMENTS (ends.child), spec->keeper,
                             spec->place};
  HookrunChild child;
  gboolean ok = FALSE;

  if (open_ends (&ends, spec)) {
    ok = hookrun_child_spawn (&wanted, &child, error);
  } else {
    hookrun_set_error_from_errno (error, errno, "cannot prepare to run \"%s\"", spec->argv[0]);
    hookrun_child_close_all (ends.child, G_N_ELEMENTS (ends.child));
  }
  if (ok)
    return process_new (spec, &ends, &child);
  hookrun_child_close_all (ends.parent, G_N_ELEMENTS (ends.parent));
  return NULL;
}
