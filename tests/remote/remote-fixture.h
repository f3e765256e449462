/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A folder for a test of syncs and layouts, with a tree to send and a target to send it to: this
 * machine, or the same folder through a real sshd.
 */
#pragma once

#include <hookrun.h>

#include "sshd-fixture.h"

typedef enum { REMOTE_LOCAL, REMOTE_SSH, REMOTE_SSH_PROGRAM } RemoteKind;

typedef struct {
  char *folder; /* holds source/ and root/ */
  char *source; /* the tree to send */
  char *there;  /* where the target has what it calls "/there" */
  char *spec;
  char *path; /* of the target: the same folder by its name there */
  SshdFixture *sshd;
  HookrunTarget *target;
} RemoteFixture;

RemoteFixture *remote_fixture_new (RemoteKind kind, const char *sshd_lines);
void remote_fixture_free (RemoteFixture *self);

/* Another connection to the same place. */
HookrunTarget *remote_fixture_connect_again (RemoteFixture *self);

/* Runs a shell script in the folder, here; its output, asserted to succeed. (transfer full) */
char *remote_fixture_shell (RemoteFixture *self, const char *script);

/* A tree with everything that is hard to send: names, links, modes. */
void remote_fixture_make_odd_tree (RemoteFixture *self);

/* Asserts that two folders (below the fixture's) have the same names, kinds, modes, links, times
 * and contents. */
void remote_fixture_assert_same (RemoteFixture *self, const char *first, const char *second);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RemoteFixture, remote_fixture_free)
