/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of layouts share. */
#include "layout-fixture.h"

#include <fcntl.h>
#include <unistd.h>

LayoutFixture *
layout_fixture_new (RemoteKind kind, HookrunLayoutKind layout_kind)
{
  return layout_fixture_new_at (kind, layout_kind, NULL);
}

LayoutFixture *
layout_fixture_new_at (RemoteKind kind, HookrunLayoutKind layout_kind, const char *sshd_lines)
{
  LayoutFixture *self = g_new0 (LayoutFixture, 1);
  g_autoptr (GError) error = NULL;

  self->remote = remote_fixture_new (kind, sshd_lines);
  self->sync = hookrun_sync_new ();
  self->layout = hookrun_layout_new (self->remote->target, self->remote->path, layout_kind);
  hookrun_layout_set_lease_seconds (self->layout, 3);
  g_assert_true (hookrun_layout_open (self->layout, NULL, &error));
  g_assert_no_error (error);
  return self;
}

void
layout_fixture_free (LayoutFixture *self)
{
  g_object_unref (self->layout);
  g_object_unref (self->sync);
  remote_fixture_free (self->remote);
  g_free (self);
}

HookrunLayout *
layout_fixture_open_again (LayoutFixture *self, GError **error)
{
  g_autoptr (HookrunTarget) target = remote_fixture_connect_again (self->remote);
  g_autoptr (HookrunLayout) layout =
      hookrun_layout_new (target, self->remote->path, HOOKRUN_LAYOUT_RELEASES);

  hookrun_layout_set_lease_seconds (layout, 3);
  return hookrun_layout_open (layout, NULL, error) ? g_steal_pointer (&layout) : NULL;
}

void
layout_fixture_shell (LayoutFixture *self, const char *script)
{
  g_free (remote_fixture_shell (self->remote, script));
}

void
layout_fixture_assert_output (LayoutFixture *self, const char *script, const char *wanted)
{
  g_autofree char *output = remote_fixture_shell (self->remote, script);

  g_assert_cmpstr (output, ==, wanted);
}

void
layout_fixture_assert_state (LayoutFixture *self, const char *release, HookrunReleaseState wanted)
{
  g_autoptr (GError) error = NULL;
  HookrunReleaseState state;

  g_assert_true (hookrun_layout_get_state (self->layout, release, &state, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (state, ==, wanted);
}

void
layout_fixture_stage (LayoutFixture *self, const char *release)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunSyncResult) result = NULL;

  g_assert_true (hookrun_layout_begin (self->layout, release, self->sync, NULL, &error));
  g_assert_no_error (error);
  result =
      hookrun_layout_send (self->layout, release, self->sync, self->remote->source, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (hookrun_layout_verify (self->layout, release, self->sync, self->remote->source,
                                        NULL, &error));
  g_assert_no_error (error);
  g_assert_true (hookrun_layout_seal (self->layout, release, NULL, &error));
  g_assert_no_error (error);
}

void
layout_fixture_deploy (LayoutFixture *self, const char *release)
{
  g_autoptr (GError) error = NULL;

  layout_fixture_stage (self, release);
  g_assert_true (hookrun_layout_switch (self->layout, release, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (hookrun_layout_confirm (self->layout, release, NULL, NULL, &error));
  g_assert_no_error (error);
}

struct _BusyReader {
  GThread *thread;
  char *path;
  gint stop;
  guint n_opens;
  guint n_failed;
};

static gpointer
read_on (gpointer data)
{
  BusyReader *self = data;

  while (!g_atomic_int_get (&self->stop)) {
    int fd = open (self->path, O_RDONLY | O_CLOEXEC);

    self->n_opens++;
    if (fd >= 0)
      close (fd);
    else
      self->n_failed++;
  }
  return NULL;
}

BusyReader *
busy_reader_start (const char *path)
{
  BusyReader *self = g_new0 (BusyReader, 1);

  self->path = g_strdup (path);
  self->thread = g_thread_new ("reader", read_on, self);
  return self;
}

void
busy_reader_stop (BusyReader *self, guint *n_opens, guint *n_failed)
{
  g_atomic_int_set (&self->stop, TRUE);
  g_thread_join (self->thread);
  *n_opens = self->n_opens;
  *n_failed = self->n_failed;
  g_free (self->path);
  g_free (self);
}
