/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The layout in place: a plain folder, and the way back from every step. */
#include <glob.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "layout-fixture.h"

static void
set_up_at (LayoutFixture **fixture, RemoteKind kind)
{
  static const char *const excludes[] = {"*.log", "/data", "cache/", NULL};

  *fixture = layout_fixture_new (kind, HOOKRUN_LAYOUT_IN_PLACE);
  hookrun_sync_set_excludes ((*fixture)->sync, excludes);
  layout_fixture_shell (*fixture, "mkdir -p source/a source/gone && echo 1 >source/a/file && "
                                  "echo old >source/gone/x && ln -s a source/link && "
                                  "echo $'odd\\n' >$'source/odd\\nname'");
}

static void
set_up (LayoutFixture **fixture, gconstpointer unused)
{
  set_up_at (fixture, REMOTE_LOCAL);
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

/* Counts the files of the live tree, again and again, until told to stop. */
typedef struct {
  char *folder;
  gint stop;
  guint least;
  guint n_looks;
} Counter;

static gpointer
count_on (gpointer data)
{
  Counter *self = data;

  self->least = G_MAXUINT;
  while (!g_atomic_int_get (&self->stop)) {
    guint n = 0;

    for (guint i = 0; i < 600; i++) {
      g_autofree char *path = g_strdup_printf ("%s/many/%u", self->folder, i);

      n += g_file_test (path, G_FILE_TEST_EXISTS) ? 1 : 0;
    }
    self->least = MIN (self->least, n);
    self->n_looks++;
  }
  return NULL;
}

/* File by file, each by one rename: at no moment is one missing. */
static void
test_never_empty (LayoutFixture **fixture, gconstpointer unused)
{
  LayoutFixture *self = *fixture;
  g_autoptr (GError) error = NULL;
  Counter counter = {.folder = self->remote->there};
  GThread *thread;

  layout_fixture_shell (
      self, "mkdir source/many && for i in $(seq 0 599); do echo 1 >source/many/$i; done");
  layout_fixture_deploy (self, "r1");
  layout_fixture_shell (self, "for i in $(seq 0 599); do echo 22 >source/many/$i; done; "
                              "for i in $(seq 600 900); do echo 3 >source/many/$i; done");
  layout_fixture_stage (self, "r2");
  layout_fixture_assert_output (self, "cat root/there/many/* | sort | uniq -c | tr -s ' '",
                                " 600 22\n 301 3\n");
  thread = g_thread_new ("count", count_on, &counter);
  g_assert_true (hookrun_layout_undo (self->layout, "r2", NULL, &error));
  g_assert_no_error (error);
  g_atomic_int_set (&counter.stop, TRUE);
  g_thread_join (thread);
  g_test_message ("%u looks, at least %u files", counter.n_looks, counter.least);
  g_assert_cmpuint (counter.n_looks, >, 1);
  g_assert_cmpuint (counter.least, ==, 600);
  layout_fixture_assert_output (self, "cat root/there/many/* | sort | uniq -c | tr -s ' '",
                                " 600 1\n");
}

/* What somebody else did between two releases outlives a rollback to the first, and the way back.
 */
static void
test_rollback_keeps_data (LayoutFixture **fixture, gconstpointer unused)
{
  LayoutFixture *self = *fixture;
  g_autoptr (GError) error = NULL;
  static const char look[] = "cd root/there && cat up/photo a/file 'it\\s' && ls -d new gone up "
                             "2>/dev/null | tr '\\n' ' '";

  layout_fixture_deploy (self, "r1");
  change_source (self);
  layout_fixture_deploy (self, "r2");
  layout_fixture_shell (self, "cd root/there && mkdir up && echo mine >up/photo && "
                              "echo $'odd' >$'it\\\\s' && echo n2 >new/more");
  g_assert_true (hookrun_layout_switch (self->layout, "r1", NULL, &error));
  g_assert_no_error (error);
  layout_fixture_assert_output (self, look, "mine\n1\nodd\ngone new up ");
  layout_fixture_assert_output (self, "ls root/there/new", "more\n");
  hookrun_layout_close (self->layout);
  layout_fixture_assert_output (self, look, "mine\n2\nodd\nnew up ");
  g_assert_true (hookrun_layout_open (self->layout, NULL, &error));
  g_assert_true (hookrun_layout_switch (self->layout, "r1", NULL, &error));
  g_assert_true (hookrun_layout_confirm (self->layout, "r1", NULL, NULL, &error));
  layout_fixture_assert_output (self, look, "mine\n1\nodd\ngone new up ");
  g_assert_true (hookrun_layout_switch (self->layout, "r2", NULL, &error));
  g_assert_no_error (error);
  layout_fixture_assert_output (self, look, "mine\n2\nodd\nnew up ");
}

/* What stands in the way of an old file or folder is set aside, and told. */
static void
test_set_aside (LayoutFixture **fixture, gconstpointer unused)
{
  LayoutFixture *self = *fixture;
  g_autoptr (GError) error = NULL;

  layout_fixture_deploy (self, "r1");
  change_source (self);
  layout_fixture_stage (self, "r2");
  layout_fixture_shell (self, "cd root/there && rm a/file && mkdir a/file && echo x >a/file/x && "
                              "echo y >gone && echo z >link/z");
  g_assert_true (hookrun_layout_undo (self->layout, "r2", NULL, &error));
  g_assert_no_error (error);
  layout_fixture_assert_output (self, "cd root/there && cat a/file gone/x && readlink link",
                                "1\nold\na\n");
  layout_fixture_assert_output (
      self, "cd root/there/.hookrun/set-aside/*/ && cat a/file/x gone link/z", "x\ny\nz\n");
  g_test_message ("%s", hookrun_layout_get_recovered (self->layout));
  g_assert_nonnull (strstr (hookrun_layout_get_recovered (self->layout), "/.hookrun/set-aside: "));
  g_assert_nonnull (strstr (hookrun_layout_get_recovered (self->layout), "a/file"));
}

/* What a hook sends in its own way is not known to be a release's: it stays, and is told. What the
 * application changed is its own, too. */
static void
test_what_stays_is_told (LayoutFixture **fixture, gconstpointer unused)
{
  LayoutFixture *self = *fixture;
  g_autoptr (GError) error = NULL;

  hookrun_sync_set_delete (self->sync, FALSE);
  layout_fixture_deploy (self, "r1");
  layout_fixture_shell (self, "cd root/there && mkdir up && echo 1 >up/before && echo 1 >state");
  change_source (self);
  layout_fixture_stage (self, "r2");
  layout_fixture_shell (self, "cd root/there && mkdir -p built/deep && echo x >built/deep/x && "
                              "echo x >up/photo && echo 2 >state.new && mv state.new state && "
                              "echo x >x.log && echo x >a/added");
  g_assert_true (hookrun_layout_undo (self->layout, "r2", NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (hookrun_layout_get_recovered (self->layout), ==,
                   "what a hook or somebody else made or changed meanwhile stays: a/added, built, "
                   "state, up/photo");
  layout_fixture_assert_output (self, "cd root/there && cat built/deep/x state a/file",
                                "x\n2\n1\n");
  layout_fixture_stage (self, "r3");
  g_assert_true (hookrun_layout_undo (self->layout, "r3", NULL, &error));
  g_assert_null (hookrun_layout_get_recovered (self->layout));
}

typedef struct {
  LayoutFixture *fixture;
  gint stop;
  gboolean was_cut;
} Cutter;

/* Whether a part of the large file has arrived, in the tree or beside it. */
static gboolean
has_begun (LayoutFixture *self)
{
  static const char *const patterns[] = {"new/large", ".hookrun/incoming/tar/new/large",
                                         ".hookrun/incoming/*large*", ".hookrun/incoming/.*large*"};
  glob_t found = {0};
  gboolean begun = FALSE;

  for (gsize i = 0; i < G_N_ELEMENTS (patterns); i++) {
    g_autofree char *pattern = g_build_filename (self->remote->there, patterns[i], NULL);

    glob (pattern, i > 0 ? GLOB_APPEND : 0, NULL, &found);
  }
  for (gsize i = 0; i < found.gl_pathc; i++) {
    struct stat st;

    begun |= stat (found.gl_pathv[i], &st) == 0 && st.st_size > 0;
  }
  globfree (&found);
  return begun;
}

/* Cuts all connections as soon as a part of the large file has arrived. */
static gpointer
cut_on (gpointer data)
{
  Cutter *self = data;

  while (!g_atomic_int_get (&self->stop) && !has_begun (self->fixture))
    g_usleep (500);
  self->was_cut = sshd_fixture_signal (self->fixture->remote->sshd, SIGKILL, FALSE) > 0;
  return NULL;
}

/* A connection that is cut in the middle of one large new file leaves nothing of it. */
static void
cut_in_large_file (HookrunSyncEngine engine)
{
  LayoutFixture *self;
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunSyncResult) result = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  Cutter cutter = {NULL};
  GThread *thread;

  set_up_at (&self, REMOTE_SSH);
  layout_fixture_deploy (self, "r1");
  change_source (self);
  layout_fixture_shell (self, "truncate -s 400M source/new/large && echo changed >source/a/file");
  before = list (self);
  hookrun_sync_set_engine (self->sync, engine);
  g_assert_true (hookrun_layout_begin (self->layout, "r2", self->sync, NULL, &error));
  cutter.fixture = self;
  thread = g_thread_new ("cut", cut_on, &cutter);
  result = hookrun_layout_send (self->layout, "r2", self->sync, self->remote->source, NULL, &error);
  g_atomic_int_set (&cutter.stop, TRUE);
  g_thread_join (thread);
  g_assert_null (result);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONNECTION);
  g_assert_true (cutter.was_cut);
  g_clear_error (&error);
  while (hookrun_layout_is_open (self->layout))
    g_usleep (10000);
  g_assert_true (hookrun_layout_open (self->layout, NULL, &error));
  g_assert_no_error (error);
  g_test_message ("%s", hookrun_layout_get_recovered (self->layout));
  after = list (self);
  g_assert_cmpstr (before, ==, after);
  layout_fixture_assert_output (self, "find root/there -name '*large*' -o -name incoming", "");
  layout_fixture_shell (self, "truncate -s 1M source/new/large");
  layout_fixture_deploy (self, "r3");
  layout_fixture_assert_output (self, "stat -c %s root/there/new/large; cat root/there/a/file",
                                "1048576\nchanged\n");
  layout_fixture_free (self);
}

static void
test_cut_tar (void)
{
  cut_in_large_file (HOOKRUN_SYNC_ENGINE_TAR);
}

static void
test_cut_rsync (void)
{
  cut_in_large_file (HOOKRUN_SYNC_ENGINE_RSYNC);
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
  ADD ("never-less-than-either-tree", test_never_empty);
  ADD ("rollback-keeps-what-others-made", test_rollback_keeps_data);
  ADD ("what-is-in-the-way-is-set-aside", test_set_aside);
  ADD ("what-stays-is-told", test_what_stays_is_told);
  g_test_add_func ("/remote/layout-in-place/cut-in-a-large-file-by-tar", test_cut_tar);
  g_test_add_func ("/remote/layout-in-place/cut-in-a-large-file-by-rsync", test_cut_rsync);
  return g_test_run ();
}
