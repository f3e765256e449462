/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The layout in place: a plain folder, and the way back from every step. */
#include <string.h>

#include "layout-fixture.h"

static void
set_up (LayoutFixture **fixture, gconstpointer unused)
{
  static const char *const excludes[] = {"*.log", "/data", "cache/", NULL};

  *fixture = layout_fixture_new (REMOTE_LOCAL, HOOKRUN_LAYOUT_IN_PLACE);
  hookrun_sync_set_excludes ((*fixture)->sync, excludes);
  layout_fixture_shell (*fixture, "mkdir -p source/a source/gone && echo 1 >source/a/file && "
                                  "echo old >source/gone/x && ln -s a source/link && "
                                  "echo $'odd\\n' >$'source/odd\\nname'");
}

static void
tear_down (LayoutFixture **fixture, gconstpointer unused)
{
  layout_fixture_free (*fixture);
}

/* Everything but the state folder. */
static char *
list (LayoutFixture *self)
{
  return remote_fixture_shell (
      self->remote,
      "cd root/there && find . -path ./.hookrun -prune -o -printf '%p %y %m %l\\n' | sort;"
      "find . -path ./.hookrun -prune -o -type f -print0 | sort -z | xargs -0 cat");
}

static void
change_source (LayoutFixture *self)
{
  layout_fixture_shell (self, "cd source && echo 2 >a/file && rm -r gone link && mkdir link new && "
                              "echo n >new/n && chmod 700 a");
}

static void
test_first_and_second (LayoutFixture **fixture, gconstpointer unused)
{
  LayoutFixture *self = *fixture;
  g_autofree char *current = NULL;

  layout_fixture_deploy (self, "r1");
  layout_fixture_assert_state (self, "r1", HOOKRUN_RELEASE_CONFIRMED);
  change_source (self);
  layout_fixture_deploy (self, "r2");
  layout_fixture_assert_output (self, "cat root/there/a/file; ls root/there | tr '\\n' ' '",
                                "2\na link new odd name ");
  current = hookrun_layout_get_current (self->layout, NULL, NULL);
  g_assert_cmpstr (current, ==, "r2");
  layout_fixture_assert_state (self, "r1", HOOKRUN_RELEASE_RETIRED);
  layout_fixture_assert_state (self, "r0", HOOKRUN_RELEASE_MISSING);
}

static void
test_goes_back (LayoutFixture **fixture, gconstpointer unused)
{
  LayoutFixture *self = *fixture;
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunSyncResult) result = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  layout_fixture_deploy (self, "r1");
  layout_fixture_shell (self, "cd root/there && mkdir -p data a/cache && echo 1 >data/db && "
                              "echo 1 >a/cache/c && echo 1 >x.log");
  change_source (self);
  before = list (self);
  g_assert_true (hookrun_layout_begin (self->layout, "r2", self->sync, NULL, &error));
  result = hookrun_layout_send (self->layout, "r2", self->sync, self->remote->source, NULL, &error);
  g_assert_no_error (error);
  layout_fixture_assert_output (self, "cat root/there/a/file", "2\n");
  hookrun_layout_close (self->layout);
  after = list (self);
  g_assert_cmpstr (before, ==, after);
}

/* What the sync leaves out is the application's: going back does not touch it. */
static void
test_data_stays (LayoutFixture **fixture, gconstpointer unused)
{
  LayoutFixture *self = *fixture;
  g_autoptr (GError) error = NULL;

  layout_fixture_deploy (self, "r1");
  layout_fixture_shell (self, "cd root/there && mkdir data && echo 1 >data/db && echo 1 >x.log");
  change_source (self);
  layout_fixture_stage (self, "r2");
  g_assert_true (hookrun_layout_switch (self->layout, "r2", NULL, &error));
  layout_fixture_assert_state (self, "r2", HOOKRUN_RELEASE_SWITCHED);
  layout_fixture_shell (self, "cd root/there && echo 2 >data/new && mv data/new data/db && "
                              "echo 2 >>x.log && : >y.log");
  g_assert_true (hookrun_layout_undo (self->layout, "r2", NULL, &error));
  g_assert_no_error (error);
  layout_fixture_assert_output (self, "cd root/there && cat data/db x.log a/file && ls y.log",
                                "2\n1\n2\n1\ny.log\n");
}

static void
test_rollback (LayoutFixture **fixture, gconstpointer unused)
{
  LayoutFixture *self = *fixture;
  g_autoptr (GError) error = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *undone = NULL;
  g_autofree char *rolled = NULL;
  g_autofree char *previous = NULL;

  layout_fixture_deploy (self, "r1");
  first = list (self);
  change_source (self);
  layout_fixture_deploy (self, "r2");
  second = list (self);
  g_assert_true (hookrun_layout_switch (self->layout, "r1", NULL, &error));
  g_assert_no_error (error);
  hookrun_layout_close (self->layout);
  undone = list (self);
  g_assert_cmpstr (undone, ==, second);
  g_assert_true (hookrun_layout_open (self->layout, NULL, &error));
  previous = hookrun_layout_get_previous (self->layout, NULL, &error);
  g_assert_cmpstr (previous, ==, "r1");
  g_assert_true (hookrun_layout_switch (self->layout, "r1", NULL, &error));
  g_assert_true (hookrun_layout_confirm (self->layout, "r1", NULL, NULL, &error));
  g_assert_no_error (error);
  rolled = list (self);
  g_assert_cmpstr (rolled, ==, first);
  layout_fixture_assert_state (self, "r2", HOOKRUN_RELEASE_RETIRED);
}

/* A folder that was there before the first deployment comes back, too. */
static void
test_takes_over (LayoutFixture **fixture, gconstpointer unused)
{
  LayoutFixture *self = *fixture;
  g_autoptr (GError) error = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  layout_fixture_shell (self,
                        "cd root/there && mkdir -p old/empty && echo old >old/file && echo x >a");
  before = list (self);
  layout_fixture_stage (self, "r1");
  layout_fixture_assert_output (self, "ls -A root/there/a", "file\n");
  g_assert_true (hookrun_layout_undo (self->layout, "r1", NULL, &error));
  g_assert_no_error (error);
  after = list (self);
  g_assert_cmpstr (before, ==, after);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                                            \
  g_test_add ("/remote/layout-in-place/" name, LayoutFixture *, NULL, set_up, func, tear_down)
  ADD ("two-releases", test_first_and_second);
  ADD ("unconfirmed-goes-back", test_goes_back);
  ADD ("data-of-the-application-stays", test_data_stays);
  ADD ("rollback-can-be-undone", test_rollback);
  ADD ("takes-over-a-folder", test_takes_over);
  return g_test_run ();
}
