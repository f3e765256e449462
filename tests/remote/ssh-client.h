/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of the libssh2 transport share: connect, run a command, look at the end of it. */
#pragma once

#include "hookrun-ssh-target-private.h"
#include "sshd-fixture.h"

/* A target of the server @host of the configuration in use. */
HookrunTarget *ssh_client_new (const char *host);

/* Connects; runs the thread-default context meanwhile. */
gboolean ssh_client_connect (HookrunTarget *target, GError **error);

/* Connects, which must go well. */
HookrunTarget *ssh_client_connected (const char *host);

typedef struct {
  char *output;
  char *errors;
  gsize output_length;
  int status;
  GError *error;
  gboolean done;
} SshRun;

/* Starts a command with @input (NULL: none) through pipes and collects what it prints. */
SshRun *ssh_client_start (HookrunTarget *target, const char *command, const char *input,
                          GCancellable *cancellable);
/* Waits for its end, at most 60 s. */
void ssh_client_wait (SshRun *run);
SshRun *ssh_client_run (HookrunTarget *target, const char *command, const char *input);
void ssh_run_free (SshRun *self);

/* Runs a command without input and output; the status and the error go to @run. */
void ssh_client_execute (HookrunTarget *target, const char *command, SshRun *run);

/* Iterates until *@flag is not 0; fails the test after @seconds. */
void ssh_client_until (const gboolean *flag, guint seconds);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SshRun, ssh_run_free)
