/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layouts: the steps of a release one by one, their repetition, the way back, what is kept. */
#include <string.h>

#include "layout-fixture.h"

static const struct {
  const char *name;
  RemoteKind kind;
} cases[] = {
    {"local", REMOTE_LOCAL},
    {"ssh", REMOTE_SSH},
    {"ssh-program", REMOTE_SSH_PROGRAM},
};

static void
set_up (LayoutFixture **fixture, gconstpointer index)
{
  *fixture = layout_fixture_new (cases[GPOINTER_TO_SIZE (index)].kind, HOOKRUN_LAYOUT_RELEASES);
}

static void
tear_down (LayoutFixture **fixture, gconstpointer index)
{
  layout_fixture_free (*fixture);
}

static void
test_steps (LayoutFixture **fixture, gconstpointer index)
{
  LayoutFixture *self = *fixture;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) record = json_from_string ("{\"module\":\"it's\\n\"}", NULL);
  g_autoptr (JsonNode) read = NULL;
  g_autofree char *current = NULL;

  layout_fixture_assert_state (self, "r1", HOOKRUN_RELEASE_MISSING);
  remote_fixture_make_odd_tree (self->remote);
  g_assert_true (hookrun_layout_begin (self->layout, "r1", NULL, NULL, &error));
  layout_fixture_assert_state (self, "r1", HOOKRUN_RELEASE_STARTED);
  g_assert_false (hookrun_layout_switch (self->layout, "r1", NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_COMMAND);
  g_clear_error (&error);
  layout_fixture_stage (self, "r1");
  layout_fixture_assert_state (self, "r1", HOOKRUN_RELEASE_SEALED);
  g_assert_null (hookrun_layout_get_current (self->layout, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_true (hookrun_layout_switch (self->layout, "r1", NULL, &error));
  layout_fixture_assert_state (self, "r1", HOOKRUN_RELEASE_SWITCHED);
  g_assert_true (hookrun_layout_confirm (self->layout, "r1", record, NULL, &error));
  layout_fixture_assert_state (self, "r1", HOOKRUN_RELEASE_CONFIRMED);
  current = hookrun_layout_get_current (self->layout, NULL, &error);
  g_assert_cmpstr (current, ==, "r1");
  read = hookrun_layout_read_record (self->layout, NULL, &error);
  g_assert_true (json_node_equal (read, record));
  layout_fixture_assert_output (self, "readlink root/there/current", "releases/r1\n");
  remote_fixture_assert_same (self->remote, "source", "root/there/releases/r1");
}

/* Twice each: a journal that does not know whether a step happened repeats it. */
static void
test_repeated (LayoutFixture **fixture, gconstpointer index)
{
  LayoutFixture *self = *fixture;
  g_autoptr (GError) error = NULL;
  g_autofree char *history = NULL;

  layout_fixture_shell (self, "echo 1 >source/file");
  for (int round = 0; round < 2; round++) {
    g_autoptr (HookrunSyncResult) result = NULL;

    g_assert_true (hookrun_layout_begin (self->layout, "r1", NULL, NULL, &error));
    result =
        hookrun_layout_send (self->layout, "r1", self->sync, self->remote->source, NULL, &error);
    g_assert_no_error (error);
  }
  for (int round = 0; round < 2; round++)
    g_assert_true (hookrun_layout_seal (self->layout, "r1", NULL, &error));
  for (int round = 0; round < 2; round++)
    g_assert_true (hookrun_layout_switch (self->layout, "r1", NULL, &error));
  for (int round = 0; round < 2; round++)
    g_assert_true (hookrun_layout_confirm (self->layout, "r1", NULL, NULL, &error));
  g_assert_no_error (error);
  layout_fixture_assert_output (self, "cat root/there/.hookrun/history", "r1\n");
  g_assert_null (
      hookrun_layout_send (self->layout, "r1", self->sync, self->remote->source, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT);
}

static void
test_second_release (LayoutFixture **fixture, gconstpointer index)
{
  LayoutFixture *self = *fixture;
  g_autoptr (GError) error = NULL;
  g_autofree char *previous = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  static const char list[] = "cd root/there/releases/r1; find . ! -type d -printf '%p %m %T@\\n' | "
                             "sort; find . -type f -print0 | sort -z | xargs -0 cat | cksum";

  remote_fixture_make_odd_tree (self->remote);
  layout_fixture_deploy (self, "r1");
  before = remote_fixture_shell (self->remote, list);
  layout_fixture_shell (self,
                        "cd source && echo changed >a/one && chmod 700 a/zero && rm -r empty && "
                        "touch large");
  layout_fixture_deploy (self, "r2");
  after = remote_fixture_shell (self->remote, list);
  g_assert_cmpstr (before, ==, after);
  remote_fixture_assert_same (self->remote, "source", "root/there/releases/r2");
  layout_fixture_shell (self, "cd root/there/releases && test r1/program -ef r2/program");
  layout_fixture_assert_state (self, "r1", HOOKRUN_RELEASE_RETIRED);
  previous = hookrun_layout_get_previous (self->layout, NULL, &error);
  g_assert_cmpstr (previous, ==, "r1");
}

static void
test_rollback (LayoutFixture **fixture, gconstpointer index)
{
  LayoutFixture *self = *fixture;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) changed = NULL;

  layout_fixture_shell (self, "echo 1 >source/file");
  layout_fixture_deploy (self, "r1");
  layout_fixture_shell (self, "echo 2 >source/file");
  layout_fixture_deploy (self, "r2");
  g_assert_true (hookrun_layout_switch (self->layout, "r1", NULL, &error));
  layout_fixture_assert_state (self, "r1", HOOKRUN_RELEASE_SWITCHED);
  g_assert_true (hookrun_layout_confirm (self->layout, "r1", NULL, NULL, &error));
  layout_fixture_assert_output (self, "cat root/there/current/file", "1\n");
  layout_fixture_assert_state (self, "r2", HOOKRUN_RELEASE_RETIRED);
  g_assert_null (hookrun_layout_get_previous (self->layout, NULL, &error));
  g_clear_error (&error);
  layout_fixture_shell (self, "echo tampered >root/there/releases/r2/file");
  g_assert_false (hookrun_layout_switch (self->layout, "r2", NULL, &changed));
  g_assert_error (changed, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT);
  layout_fixture_assert_output (self, "cat root/there/current/file", "1\n");
}

static void
test_unconfirmed (LayoutFixture **fixture, gconstpointer index)
{
  LayoutFixture *self = *fixture;
  g_autoptr (GError) error = NULL;

  layout_fixture_shell (self, "echo 1 >source/file");
  layout_fixture_stage (self, "r1");
  g_assert_true (hookrun_layout_switch (self->layout, "r1", NULL, &error));
  hookrun_layout_close (self->layout);
  layout_fixture_shell (self, "test ! -e root/there/current -a ! -h root/there/current");
  g_assert_true (hookrun_layout_open (self->layout, NULL, &error));
  layout_fixture_assert_state (self, "r1", HOOKRUN_RELEASE_SEALED);
  g_assert_true (hookrun_layout_switch (self->layout, "r1", NULL, &error));
  g_assert_true (hookrun_layout_confirm (self->layout, "r1", NULL, NULL, &error));
  layout_fixture_shell (self, "echo 2 >source/file");
  layout_fixture_stage (self, "r2");
  g_assert_true (hookrun_layout_switch (self->layout, "r2", NULL, &error));
  layout_fixture_assert_output (self, "cat root/there/current/file", "2\n");
  hookrun_layout_close (self->layout);
  layout_fixture_assert_output (self, "cat root/there/current/file", "1\n");
  g_assert_false (hookrun_layout_confirm (self->layout, "r2", NULL, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
}

static void
test_undo (LayoutFixture **fixture, gconstpointer index)
{
  LayoutFixture *self = *fixture;
  g_autoptr (GError) error = NULL;

  layout_fixture_shell (self, "echo 1 >source/file");
  layout_fixture_deploy (self, "r1");
  layout_fixture_stage (self, "r2");
  g_assert_true (hookrun_layout_switch (self->layout, "r2", NULL, &error));
  for (int round = 0; round < 2; round++)
    g_assert_true (hookrun_layout_undo (self->layout, "r2", NULL, &error));
  layout_fixture_assert_output (self, "readlink root/there/current; ls root/there/releases",
                                "releases/r1\nr1\n");
  g_assert_false (hookrun_layout_undo (self->layout, "r1", NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_COMMAND);
  layout_fixture_assert_state (self, "r1", HOOKRUN_RELEASE_CONFIRMED);
}

static void
test_leftovers (LayoutFixture **fixture, gconstpointer index)
{
  LayoutFixture *self = *fixture;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) releases = NULL;

  layout_fixture_shell (self, "echo 1 >source/file");
  layout_fixture_deploy (self, "r1");
  g_assert_true (hookrun_layout_begin (self->layout, "r2", NULL, NULL, &error));
  layout_fixture_shell (self, "mkdir root/there/releases/.r9.new");
  g_assert_true (hookrun_layout_begin (self->layout, "r3", NULL, NULL, &error));
  releases = hookrun_layout_list_releases (self->layout, NULL, &error);
  g_assert_cmpuint (g_strv_length (releases), ==, 2);
  layout_fixture_assert_output (self, "ls -A root/there/releases", "r1\nr3\n");
}

static void
test_prune (LayoutFixture **fixture, gconstpointer index)
{
  LayoutFixture *self = *fixture;
  g_autoptr (GError) error = NULL;
  guint n_removed = 0;

  for (int i = 1; i <= 5; i++) {
    g_autofree char *name = g_strdup_printf ("r%d", i);

    layout_fixture_shell (self, "echo $RANDOM >source/file");
    layout_fixture_deploy (self, name);
  }
  layout_fixture_stage (self, "r6");
  g_assert_true (hookrun_layout_prune (self->layout, 2, &n_removed, NULL, &error));
  g_assert_cmpuint (n_removed, ==, 2);
  layout_fixture_assert_output (self, "ls root/there/releases | tr '\\n' ' '", "r3 r4 r5 r6 ");
  g_assert_true (hookrun_layout_prune (self->layout, 0, &n_removed, NULL, &error));
  layout_fixture_assert_output (self, "ls root/there/releases | tr '\\n' ' '", "r5 r6 ");
}

static void
test_share (LayoutFixture **fixture, gconstpointer index)
{
  static const char *const unsafe[] = {"../x", "/x", "a/../../x", "", "a//b", "."};
  LayoutFixture *self = *fixture;
  g_autoptr (GError) error = NULL;

  layout_fixture_shell (self, "mkdir -p source/var/uploads && echo first >source/var/uploads/a");
  for (int i = 1; i <= 2; i++) {
    g_autofree char *name = g_strdup_printf ("r%d", i);
    g_autoptr (HookrunSyncResult) result = NULL;

    g_assert_true (hookrun_layout_begin (self->layout, name, self->sync, NULL, &error));
    result =
        hookrun_layout_send (self->layout, name, self->sync, self->remote->source, NULL, &error);
    for (int round = 0; round < 2; round++)
      g_assert_true (hookrun_layout_share (self->layout, name, "var/uploads", NULL, &error));
    g_assert_true (hookrun_layout_share (self->layout, name, "log", NULL, &error));
    g_assert_true (hookrun_layout_seal (self->layout, name, NULL, &error));
    g_assert_true (hookrun_layout_switch (self->layout, name, NULL, &error));
    g_assert_true (hookrun_layout_confirm (self->layout, name, NULL, NULL, &error));
    layout_fixture_shell (self,
                          "cd root/there/current && echo $RANDOM >>var/uploads/a && test -d log");
  }
  layout_fixture_assert_output (self, "wc -l <root/there/shared/var/uploads/a", "3\n");
  for (gsize i = 0; i < G_N_ELEMENTS (unsafe); i++) {
    g_autoptr (GError) why = NULL;

    g_assert_false (hookrun_layout_share (self->layout, "r2", unsafe[i], NULL, &why));
    g_assert_error (why, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  }
}

static void
test_names (LayoutFixture **fixture, gconstpointer index)
{
  static const char *const bad[] = {"", "../x", "a/b", ".hidden", "-x", "a b", "a\nb", "$x"};
  g_autofree char *made = hookrun_layout_make_release_name ("v1/ä $x");
  LayoutFixture *self = *fixture;

  g_assert_true (g_str_has_suffix (made, "Z-v1------x") || g_str_has_suffix (made, "Z-v1-----x"));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (hookrun_layout_begin (self->layout, bad[i], NULL, NULL, &error));
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  }
}

static void
test_busy_reader (LayoutFixture **fixture, gconstpointer index)
{
  LayoutFixture *self = *fixture;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (self->remote->there, "current", "file", NULL);
  BusyReader *reader;
  guint n_opens;
  guint n_failed;

  layout_fixture_shell (self, "echo 1 >source/file");
  layout_fixture_deploy (self, "r1");
  layout_fixture_deploy (self, "r2");
  reader = busy_reader_start (path);
  for (int i = 0; i < 20; i++) {
    const char *release = i % 2 == 0 ? "r1" : "r2";

    g_assert_true (hookrun_layout_switch (self->layout, release, NULL, &error));
    g_assert_true (hookrun_layout_confirm (self->layout, release, NULL, NULL, &error));
  }
  busy_reader_stop (reader, &n_opens, &n_failed);
  g_test_message ("%u opens, %u failed", n_opens, n_failed);
  g_assert_cmpuint (n_opens, >, 1000);
  g_assert_cmpuint (n_failed, ==, 0);
}

static void
add_cases (const char *name, void (*func) (LayoutFixture **, gconstpointer))
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strdup_printf ("/remote/layout/%s/%s", cases[i].name, name);

    g_test_add (path, LayoutFixture *, GSIZE_TO_POINTER (i), set_up, func, tear_down);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_cases ("steps-tell-how-far-it-is", test_steps);
  add_cases ("steps-can-be-repeated", test_repeated);
  add_cases ("second-release-leaves-the-first-alone", test_second_release);
  add_cases ("rollback-verifies-first", test_rollback);
  add_cases ("unconfirmed-goes-back", test_unconfirmed);
  add_cases ("undo", test_undo);
  add_cases ("leftovers-are-removed", test_leftovers);
  add_cases ("prune-keeps-what-is-live", test_prune);
  add_cases ("shared-data-outlasts-releases", test_share);
  add_cases ("names-are-checked", test_names);
  add_cases ("switch-under-a-busy-reader", test_busy_reader);
  return g_test_run ();
}
