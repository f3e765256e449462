/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A child, shared by programs and workers: argument vector, session of its own, no descriptors but
 * those it is given, and a guard that ends it when this process is killed. A keeper may stand in
 * for all of that: it starts, signals and reaps the child in another way, such as in a sandbox.
 */
#pragma once

#include <glib.h>
#include <signal.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct _HookrunChildKeeper HookrunChildKeeper;

typedef struct {
  const char *const *argv;        /* argv[0] without a slash is looked up in PATH */
  const char *const *environment; /* (nullable): NULL: this process's */
  const char *folder;             /* (nullable): working folder of the child */
  int *fds;                       /* fds[i] becomes descriptor i, -1 nothing; all are closed here */
  guint n_fds;                    /* at most HOOKRUN_CHILD_MAX_FDS */
  const HookrunChildKeeper *keeper; /* (nullable) */
  gpointer place;                   /* for @keeper: where it starts the child */
} HookrunChildSpec;

#define HOOKRUN_CHILD_MAX_FDS 4

typedef struct {
  pid_t pid;                        /* also the number of its group and session */
  int exit_fd;                      /* becomes ready at its end (see hookrun-exit-fd-private.h) */
  const HookrunChildKeeper *keeper; /* (nullable) */
  gpointer kept;                    /* of @keeper */
} HookrunChild;

struct _HookrunChildKeeper {
  /* Fills @child, @spec's descriptors stay the caller's. */
  gboolean (*start) (const HookrunChildSpec *spec, HookrunChild *child, GError **error);
  /* To the whole group; nothing once that is gone. */
  void (*signal) (HookrunChild *child, int signal);
  /* As hookrun_child_reap(). */
  gboolean (*reap) (HookrunChild *child, gboolean waits, siginfo_t *info, char **limit);
  void (*clear) (HookrunChild *child);
};

/* FALSE on failure, and then @child is empty. */
gboolean hookrun_child_spawn (const HookrunChildSpec *spec, HookrunChild *child, GError **error);

/* To its whole group, before it is reaped. */
void hookrun_child_signal (HookrunChild *self, int signal);

/* Takes the status of a child that has ended, or waits for its end when @waits; FALSE when nobody
 * can tell it, or it runs still. @limit: (nullable) (out) (transfer full): how it ended, as the
 * rest of a sentence, where a limit that it was given ended it. */
gboolean hookrun_child_reap (HookrunChild *self, gboolean waits, siginfo_t *info, char **limit);

/* Closes what tells of it. */
void hookrun_child_clear (HookrunChild *self);

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
