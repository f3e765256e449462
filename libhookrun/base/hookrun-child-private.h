/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The start of a child, shared by programs and workers: argument vector, session of its own, no
 * descriptors but those it is given, and a guard that ends it when this process is killed.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct {
  const char *const *argv;        /* argv[0] without a slash is looked up in PATH */
  const char *const *environment; /* (nullable): NULL: this process's */
  const char *folder;             /* (nullable): working folder of the child */
  int *fds;                       /* fds[i] becomes descriptor i, -1 nothing; all are closed here */
  guint n_fds;                    /* at most HOOKRUN_CHILD_MAX_FDS */
} HookrunChildSpec;

#define HOOKRUN_CHILD_MAX_FDS 4

/* The child's pid, which is also its group and session; -1 on failure. @exit_fd becomes ready at
 * its end (see hookrun-exit-fd-private.h). */
pid_t hookrun_child_start (const HookrunChildSpec *spec, int *exit_fd, GError **error);

/* To be called before the child is reaped: its number may be another's afterwards. */
void hookrun_child_forget (pid_t pid);

/* Moves a descriptor out of the way of the numbers that the child is to see; -1 with errno. */
int hookrun_child_lift (int fd);

/* A pipe to read from here, or a pair of sockets. The end here does not block. FALSE with errno,
 * and then what is open is in @here and @there still. */
gboolean hookrun_child_open_pair (gboolean is_socket, int *here, int *there);

void hookrun_child_close_all (int *fds, guint n);

/* The guard: a process that outlives this one for a moment, and then kills the groups that are
 * still listed. Nothing is reported, children just live on where there can be no guard. */
void hookrun_child_guard_add (pid_t pid);
void hookrun_child_guard_remove (pid_t pid);

G_END_DECLS
