/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A layout at a target, and the steps of a deployment in short. */
#pragma once

#include "remote-fixture.h"

typedef struct {
  RemoteFixture *remote;
  HookrunSync *sync;
  HookrunLayout *layout;
} LayoutFixture;

LayoutFixture *layout_fixture_new (RemoteKind kind, HookrunLayoutKind layout_kind);
/* The same with lines for the server's configuration. */
LayoutFixture *layout_fixture_new_at (RemoteKind kind, HookrunLayoutKind layout_kind,
                                      const char *sshd_lines);
void layout_fixture_free (LayoutFixture *self);

/* Another layout of the same folder, by a connection of its own. */
HookrunLayout *layout_fixture_open_again (LayoutFixture *self, GError **error);

void layout_fixture_shell (LayoutFixture *self, const char *script);
void layout_fixture_assert_output (LayoutFixture *self, const char *script, const char *wanted);
void layout_fixture_assert_state (LayoutFixture *self, const char *release,
                                  HookrunReleaseState wanted);

/* begin, send, seal. */
void layout_fixture_stage (LayoutFixture *self, const char *release);
/* The same, switch, confirm. */
void layout_fixture_deploy (LayoutFixture *self, const char *release);

/* Reads what is live, until stopped; the count of opens that failed. */
typedef struct _BusyReader BusyReader;
BusyReader *busy_reader_start (const char *path);
void busy_reader_stop (BusyReader *self, guint *n_opens, guint *n_failed);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LayoutFixture, layout_fixture_free)
