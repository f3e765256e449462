/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Servers that open few sessions on a connection, while the agent of a layout holds one: nothing
 * waits for ever, a whole deployment goes well, and where it cannot, the error names MaxSessions.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "layout-fixture.h"

typedef struct {
  const char *name;
  RemoteKind kind;
  const char *lines;
  HookrunSyncEngine engine;
} Case;

static const Case cases[] = {
    {"ssh/one-by-rsync", REMOTE_SSH, "MaxSessions 1\n", HOOKRUN_SYNC_ENGINE_RSYNC},
    {"ssh/one-by-tar", REMOTE_SSH, "MaxSessions 1\n", HOOKRUN_SYNC_ENGINE_TAR},
    {"ssh/two-by-rsync", REMOTE_SSH, "MaxSessions 2\n", HOOKRUN_SYNC_ENGINE_RSYNC},
    {"ssh/two-by-tar", REMOTE_SSH, "MaxSessions 2\n", HOOKRUN_SYNC_ENGINE_TAR},
    {"ssh-program/one", REMOTE_SSH_PROGRAM, "MaxSessions 1\n", HOOKRUN_SYNC_ENGINE_RSYNC},
    {"ssh-program/two", REMOTE_SSH_PROGRAM, "MaxSessions 2\n", HOOKRUN_SYNC_ENGINE_RSYNC},
};

static void
test_deploy (gconstpointer data)
{
  const Case *with = data;
  g_autoptr (LayoutFixture) self =
      layout_fixture_new_at (with->kind, HOOKRUN_LAYOUT_RELEASES, with->lines);
  gint64 start = g_get_monotonic_time ();

  hookrun_sync_set_engine (self->sync, with->engine);
  layout_fixture_shell (self, "echo 1 >source/file; head -c 3000000 /dev/urandom >source/large");
  layout_fixture_deploy (self, "r1");
  layout_fixture_shell (self, "echo 2 >source/file");
  layout_fixture_deploy (self, "r2");
  layout_fixture_assert_output (self, "cat root/there/current/file", "2\n");
  remote_fixture_assert_same (self->remote, "source", "root/there/current/.");
  g_test_message ("two deployments in %.2f s",
                  (double)(g_get_monotonic_time () - start) / G_USEC_PER_SEC);
}

static HookrunLayout *
open_other (LayoutFixture *self, const char *name, GError **error)
{
  g_autofree char *folder = g_strconcat (self->remote->path, name, NULL);
  g_autoptr (HookrunLayout) layout =
      hookrun_layout_new (self->remote->target, folder, HOOKRUN_LAYOUT_RELEASES);

  return hookrun_layout_open (layout, NULL, error) ? g_steal_pointer (&layout) : NULL;
}

static void
assert_refused (GError *error)
{
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
  g_assert_nonnull (strstr (error->message, "MaxSessions"));
  g_test_message ("%s", error->message);
}

/* All connections that a target makes are taken by locks; one that is given back is used again. */
static void
test_all_taken (void)
{
  static const char *const names[] = {"2", "3", "4", "5"};
  g_autoptr (LayoutFixture) self =
      layout_fixture_new_at (REMOTE_SSH, HOOKRUN_LAYOUT_RELEASES, "MaxSessions 1\n");
  HookrunLayout *layouts[G_N_ELEMENTS (names)];
  g_autoptr (HookrunLayout) one_more = NULL;
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    layouts[i] = open_other (self, names[i], &error);
    g_assert_no_error (error);
  }
  g_assert_null (open_other (self, "6", &error));
  assert_refused (error);
  g_clear_error (&error);
  hookrun_layout_close (layouts[2]);
  one_more = open_other (self, "6", &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    g_object_unref (layouts[i]);
}

/* The lock is held and the server lets nobody in any more. */
static void
test_no_other_connection (void)
{
  g_autoptr (LayoutFixture) self =
      layout_fixture_new_at (REMOTE_SSH, HOOKRUN_LAYOUT_RELEASES, "MaxSessions 1\n");
  g_autofree char *keys = g_build_filename (self->remote->sshd->folder, "authorized_keys", NULL);
  g_autofree char *hidden = g_strconcat (keys, ".hidden", NULL);
  gint64 start = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_rename (keys, hidden), ==, 0);
  g_assert_false (
      hookrun_target_run_script (self->remote->target, "true", NULL, 0, NULL, NULL, NULL, &error));
  assert_refused (error);
  g_assert_nonnull (strstr (error->message, "another connection"));
  g_assert_cmpint (g_get_monotonic_time () - start, <, 10 * G_USEC_PER_SEC);
  g_clear_error (&error);
  g_assert_cmpint (g_rename (hidden, keys), ==, 0);
  g_assert_true (
      hookrun_target_run_script (self->remote->target, "true", NULL, 0, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (hookrun_layout_is_open (self->layout));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strconcat ("/remote/max-sessions/", cases[i].name, NULL);

    g_test_add_data_func (path, &cases[i], test_deploy);
  }
  if (g_test_slow ())
    g_test_add_func ("/remote/max-sessions/ssh/all-taken", test_all_taken);
  g_test_add_func ("/remote/max-sessions/ssh/no-other-connection", test_no_other_connection);
  return g_test_run ();
}
