/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Staging without blocking: a main loop goes on while another program holds the state folder;
 * cancelled works change nothing; several threads share one object.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "staging-fixture.h"

typedef struct {
  StagingFixture f;
  GMainLoop *loop;
  GCancellable *cancellable;
  GAsyncResult *result;
  guint n_pending; /* works under way */
  guint n_ticks;
  int lock_fd; /* another program's hold on the state folder; or -1 */
} World;

static void
set_up (World *world)
{
  *world = (World){.lock_fd = -1};
  staging_fixture_set_up (&world->f);
  world->loop = g_main_loop_new (NULL, FALSE);
  world->cancellable = g_cancellable_new ();
}

static void
tear_down (World *world)
{
  g_clear_object (&world->result);
  g_object_unref (world->cancellable);
  g_main_loop_unref (world->loop);
  staging_fixture_tear_down (&world->f);
}

/* As another program does it, whose descriptor is another one. */
static void
hold (World *world)
{
  g_autofree char *path = g_build_filename (world->f.state, "lock", NULL);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

  world->lock_fd = open (path, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (fcntl (world->lock_fd, F_OFD_SETLK, &lock), ==, 0);
}

static gboolean
on_tick (gpointer data)
{
  World *world = data;

  world->n_ticks++;
  return G_SOURCE_CONTINUE;
}

static gboolean
let_go (gpointer data)
{
  World *world = data;

  close (world->lock_fd);
  world->lock_fd = -1;
  return G_SOURCE_REMOVE;
}

static gboolean
cancel (gpointer data)
{
  World *world = data;

  g_cancellable_cancel (world->cancellable);
  return G_SOURCE_REMOVE;
}

static void
on_done (GObject *object, GAsyncResult *result, gpointer data)
{
  World *world = data;

  g_set_object (&world->result, result);
  if (--world->n_pending == 0)
    g_main_loop_quit (world->loop);
}

/* Runs the loop until the work is done; the result is of the last one. */
static void
await (World *world, guint n_works)
{
  guint tick = g_timeout_add (5, on_tick, world);

  world->n_pending = n_works;
  g_main_loop_run (world->loop);
  g_source_remove (tick);
}

static GPtrArray *
stage_one (World *world, const char *text)
{
  GPtrArray *changes;

  staging_fixture_new_stage (&world->f, "shop");
  staging_fixture_stage (&world->f, "a.conf", text);
  changes = staging_fixture_freeze (&world->f);
  staging_fixture_answer (changes, HOOKRUN_STAGING_ANSWER_APPLY);
  return changes;
}

static void
test_there_and_back (void)
{
  World world;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (HookrunStagingCommit) commit = NULL;
  g_autoptr (HookrunStagingCommit) undo = NULL;
  g_autofree char *shown = NULL;
  g_autoptr (GError) error = NULL;

  set_up (&world);
  staging_fixture_write (&world.f, "a.conf", "old\n", 0644);
  changes = stage_one (&world, "new\n");
  hookrun_staged_change_show_async (changes->pdata[0], NULL, on_done, &world);
  await (&world, 1);
  shown = hookrun_staged_change_show_finish (changes->pdata[0], world.result, &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (shown, "\n-old\n+new\n"));
  hookrun_staging_settle_async (world.f.staging, changes, NULL, on_done, &world);
  /* The array is the caller's own, at once. */
  g_ptr_array_set_size (changes, 0);
  await (&world, 1);
  g_assert_true (hookrun_staging_settle_finish (world.f.staging, world.result, &commit, &error));
  g_assert_no_error (error);
  staging_fixture_assert (&world.f, "a.conf", "new\n");
  hookrun_staging_undo_async (world.f.staging, hookrun_staging_commit_get_id (commit), NULL,
                              on_done, &world);
  await (&world, 1);
  undo = hookrun_staging_undo_finish (world.f.staging, world.result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hookrun_staging_commit_get_undone_by (commit), ==,
                    hookrun_staging_commit_get_id (undo));
  staging_fixture_assert (&world.f, "a.conf", "old\n");
  hookrun_staging_recover_async (world.f.staging, NULL, on_done, &world);
  await (&world, 1);
  g_assert_true (hookrun_staging_recover_finish (world.f.staging, world.result, &error));
  staging_fixture_assert_clean (&world.f);
  tear_down (&world);
}

/* Nothing accepted is a success without a commit; an error is the error of the work. */
static void
test_no_commit_and_errors (void)
{
  World world;
  g_autoptr (GPtrArray) changes = NULL;
  HookrunStagingCommit *commit = NULL;
  g_autoptr (GError) error = NULL;

  set_up (&world);
  changes = stage_one (&world, "new\n");
  staging_fixture_answer (changes, HOOKRUN_STAGING_ANSWER_KEEP);
  hookrun_staging_settle_async (world.f.staging, changes, NULL, on_done, &world);
  await (&world, 1);
  g_assert_true (hookrun_staging_settle_finish (world.f.staging, world.result, &commit, &error));
  g_assert_no_error (error);
  g_assert_null (commit);
  hookrun_staging_undo_async (world.f.staging, 4711, NULL, on_done, &world);
  await (&world, 1);
  g_assert_null (hookrun_staging_undo_finish (world.f.staging, world.result, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  g_clear_error (&error);
  staging_fixture_answer (changes, HOOKRUN_STAGING_ANSWER_APPLY);
  staging_fixture_write (&world.f, "a.conf", "edited\n", 0644);
  hookrun_staging_settle_async (world.f.staging, changes, NULL, on_done, &world);
  await (&world, 1);
  g_assert_false (hookrun_staging_settle_finish (world.f.staging, world.result, &commit, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT);
  staging_fixture_assert (&world.f, "a.conf", "edited\n");
  tear_down (&world);
}

static void
test_loop_goes_on (void)
{
  World world;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GError) error = NULL;

  set_up (&world);
  changes = stage_one (&world, "new\n");
  hold (&world);
  hookrun_staging_settle_async (world.f.staging, changes, NULL, on_done, &world);
  g_timeout_add (300, let_go, &world);
  await (&world, 1);
  g_assert_true (hookrun_staging_settle_finish (world.f.staging, world.result, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (world.n_ticks, >=, 10);
  staging_fixture_assert (&world.f, "a.conf", "new\n");
  tear_down (&world);
}

/* While another program is waited for. */
static void
test_cancelled_waiting (void)
{
  World world;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();

  set_up (&world);
  changes = stage_one (&world, "new\n");
  hold (&world);
  hookrun_staging_set_lock_wait (world.f.staging, 60000);
  hookrun_staging_settle_async (world.f.staging, changes, world.cancellable, on_done, &world);
  g_timeout_add (50, cancel, &world);
  await (&world, 1);
  g_assert_false (hookrun_staging_settle_finish (world.f.staging, world.result, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 20 * G_USEC_PER_SEC);
  let_go (&world);
  staging_fixture_assert (&world.f, "a.conf", NULL);
  /* What was wanted can still be done. */
  staging_fixture_settle (&world.f, changes, HOOKRUN_STAGING_ANSWER_APPLY);
  staging_fixture_assert (&world.f, "a.conf", "new\n");
  tear_down (&world);
}

/* From the beginning: nothing is changed, whatever was asked. */
static void
test_cancelled_before (void)
{
  World world;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GError) error = NULL;
  guint64 id;

  set_up (&world);
  id = staging_fixture_apply (&world.f, "a.conf", "first\n");
  changes = stage_one (&world, "new\n");
  g_cancellable_cancel (world.cancellable);
  hookrun_staging_settle_async (world.f.staging, changes, world.cancellable, on_done, &world);
  await (&world, 1);
  g_assert_false (hookrun_staging_settle_finish (world.f.staging, world.result, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_clear_error (&error);
  hookrun_staging_undo_async (world.f.staging, id, world.cancellable, on_done, &world);
  await (&world, 1);
  g_assert_null (hookrun_staging_undo_finish (world.f.staging, world.result, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_clear_error (&error);
  hookrun_staged_change_show_async (changes->pdata[0], world.cancellable, on_done, &world);
  await (&world, 1);
  g_assert_null (hookrun_staged_change_show_finish (changes->pdata[0], world.result, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  staging_fixture_assert (&world.f, "a.conf", "first\n");
  staging_fixture_assert_clean (&world.f);
  tear_down (&world);
}

/* At any moment, many times: all or nothing, and the answer tells which. */
static void
test_cancelled_anywhere (void)
{
  World world;
  guint n_cancelled = 0;

  set_up (&world);
  staging_fixture_apply (&world.f, "a.conf", "0\n");
  for (guint i = 0; i < 100; i++) {
    g_autofree char *old = NULL;
    g_autofree char *text = g_strdup_printf ("round %u\n", i);
    g_autofree char *path = staging_fixture_target (&world.f, "a.conf");
    g_autoptr (GPtrArray) changes = stage_one (&world, text);
    g_autoptr (GCancellable) cancellable = g_cancellable_new ();
    g_autoptr (GError) error = NULL;
    gboolean done;

    g_assert_true (g_file_get_contents (path, &old, NULL, NULL));
    hookrun_staging_settle_async (world.f.staging, changes, cancellable, on_done, &world);
    g_usleep (i * 10);
    g_cancellable_cancel (cancellable);
    await (&world, 1);
    done = hookrun_staging_settle_finish (world.f.staging, world.result, NULL, &error);
    if (!done)
      g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
    n_cancelled += done ? 0 : 1;
    staging_fixture_assert (&world.f, "a.conf", done ? text : old);
    staging_fixture_assert_clean (&world.f);
  }
  g_test_message ("%u of 100 cancelled", n_cancelled);
  g_assert_cmpuint (n_cancelled, >, 0);
  tear_down (&world);
}

/* Twenty works on one object at once, and the main thread's own between them: one after the other.
 */
static void
test_many_at_once (void)
{
  World world;
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func ((GDestroyNotify)g_ptr_array_unref);
  g_autoptr (GPtrArray) commits = NULL;
  g_autoptr (GError) error = NULL;

  set_up (&world);
  hookrun_staging_set_lock_wait (world.f.staging, 60000);
  for (guint i = 0; i < 20; i++) {
    g_autofree char *name = g_strdup_printf ("%u.conf", i);
    GPtrArray *changes;

    staging_fixture_new_stage (&world.f, "shop");
    staging_fixture_stage (&world.f, name, "text\n");
    changes = staging_fixture_freeze (&world.f);
    staging_fixture_answer (changes, HOOKRUN_STAGING_ANSWER_APPLY);
    g_ptr_array_add (all, changes);
  }
  for (guint i = 0; i < all->len; i++) {
    hookrun_staging_settle_async (world.f.staging, all->pdata[i], NULL, on_done, &world);
    g_assert_true (hookrun_staging_set_choice (world.f.staging, "other", "/a",
                                               HOOKRUN_STAGING_ANSWER_NEVER, &error));
  }
  await (&world, all->len);
  commits = hookrun_staging_list_commits (world.f.staging, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (commits->len, ==, 20);
  staging_fixture_assert (&world.f, "0.conf", "text\n");
  staging_fixture_assert (&world.f, "19.conf", "text\n");
  staging_fixture_assert_clean (&world.f);
  tear_down (&world);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/staging/async/there-and-back", test_there_and_back);
  g_test_add_func ("/staging/async/no-commit-and-errors", test_no_commit_and_errors);
  g_test_add_func ("/staging/async/loop-goes-on", test_loop_goes_on);
  g_test_add_func ("/staging/async/cancelled/waiting", test_cancelled_waiting);
  g_test_add_func ("/staging/async/cancelled/before", test_cancelled_before);
  g_test_add_func ("/staging/async/cancelled/anywhere", test_cancelled_anywhere);
  g_test_add_func ("/staging/async/many-at-once", test_many_at_once);
  return g_test_run ();
}
