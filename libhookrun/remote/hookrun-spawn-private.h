/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A child with an argument vector, three descriptors and a process group of its own. */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct {
  const char *const *argv; /* argv[0] is looked up in PATH */
  const char *const *envp; /* NULL: that of this process */
  const char *folder;      /* NULL: that of this process */
  int fds[3];              /* borrowed; -1: /dev/null */
  int extra_fd;            /* borrowed; -1: none; appears as descriptor 3 */
} HookrunSpawn;

/* The child's process number, -1 and @error on failure. The child leads its own process group, has
 * the default signals and no other descriptors. */
pid_t hookrun_spawn (const HookrunSpawn *spawn, GError **error);

G_END_DECLS
