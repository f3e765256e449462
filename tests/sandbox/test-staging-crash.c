/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A commit is killed at every call to the kernel, and every call is made to fail in turn; then the
 * next program must find each file whole, old or new, and all files on the same side. Content,
 * mode, owner and attributes are compared. Usage: test-staging-crash [--pairs N | --faults]
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "hookrun-file-private.h"
#include "staging-fixture.h"
#include "staging-victim.h"
#include "tracer.h"

static const char *const names[] = {"replaced", "sub/created", "twice", "link", "sub/removed"};

#define N_NAMES G_N_ELEMENTS (names)

typedef struct {
  char *lines[N_NAMES];
} Picture;

typedef struct {
  const char *job;
  gboolean elsewhere; /* the state folder lies on another filesystem */
  gboolean named;     /* the filesystem has no files without names */
} Case;

typedef struct {
  StagingFixture f;
  Picture before;
  Picture after;
} World;

static guint pairs; /* of kills; 0: single ones */

static void
take_picture (World *world, Picture *picture)
{
  for (guint i = 0; i < N_NAMES; i++) {
    g_autofree char *path = staging_fixture_target (&world->f, names[i]);

    g_free (picture->lines[i]);
    picture->lines[i] = staging_fixture_describe (path);
  }
}

static void
clear_picture (Picture *picture)
{
  for (guint i = 0; i < N_NAMES; i++)
    g_clear_pointer (&picture->lines[i], g_free);
}

static gboolean
same_picture (const Picture *a, const Picture *b)
{
  for (guint i = 0; i < N_NAMES; i++)
    if (!g_str_equal (a->lines[i], b->lines[i]))
      return FALSE;
  return TRUE;
}

static void
run_child (World *world, const char *job, TracerPlan *plan)
{
  StagingJob order = {job, world->f.state, world->f.targets, world->f.stages};

  g_assert_true (hookrun_file_remove_tree_at (-1, world->f.stages, NULL));
  g_assert_cmpint (g_mkdir (world->f.stages, 0700), ==, 0);
  tracer_run (staging_victim_run, &order, plan);
  g_assert_cmpint (plan->status, !=, 2);
  g_assert_cmpint (plan->status, !=, 99);
}

static void
run_whole (World *world, const char *job)
{
  TracerPlan plan = {0};

  run_child (world, job, &plan);
  g_assert_cmpint (plan.status, ==, 0);
}

static void
set_special (World *world, const char *name, uid_t uid, gid_t gid)
{
  g_autofree char *path = staging_fixture_target (&world->f, name);

  g_assert_cmpint (setxattr (path, "user.note", "noted", 5, 0), ==, 0);
  if (geteuid () == 0)
    g_assert_cmpint (chown (path, uid, gid), ==, 0);
}

static void
make_targets (World *world)
{
  g_autofree char *sub = staging_fixture_target (&world->f, "sub");
  g_autofree char *twice = staging_fixture_target (&world->f, "twice");
  g_autofree char *other = staging_fixture_target (&world->f, "second-name");

  g_assert_cmpint (g_mkdir (sub, 0755), ==, 0);
  staging_fixture_write (&world->f, "replaced", "replaced, old\n", 0640);
  set_special (world, "replaced", 12, 34);
  staging_fixture_write (&world->f, "twice", "twice, old\n", 0604);
  g_assert_cmpint (link (twice, other), ==, 0);
  staging_fixture_link (&world->f, "link", "old");
  staging_fixture_write (&world->f, "sub/removed", "removed, old\n", 0600);
  set_special (world, "sub/removed", 56, 78);
}

/* /dev/shm is a filesystem of its own wherever tests run. */
static void
move_state (World *world)
{
  g_free (world->f.state);
  world->f.state =
      g_strdup_printf ("/dev/shm/hookrun-staging-%d-%08x", (int)getpid (), g_random_int ());
}

static void
world_set_up (World *world, const Case *kind)
{
  *world = (World){0};
  staging_fixture_set_up (&world->f);
  g_clear_object (&world->f.stage);
  g_clear_object (&world->f.staging);
  if (kind->elsewhere)
    move_state (world);
  make_targets (world);
  take_picture (world, &world->before);
  if (g_str_equal (kind->job, "undo")) {
    run_whole (world, "apply");
    take_picture (world, &world->after);
  }
}

static void
world_tear_down (World *world)
{
  clear_picture (&world->before);
  clear_picture (&world->after);
  g_assert_true (hookrun_file_remove_tree_at (-1, world->f.state, NULL));
  staging_fixture_tear_down (&world->f);
}

/* Before anybody has tidied up: no single file is torn or without its owner. */
static void
check_each_file (World *world, const Picture *from, const Picture *to)
{
  Picture now = {{NULL}};

  take_picture (world, &now);
  for (guint i = 0; i < N_NAMES; i++)
    if (!g_str_equal (now.lines[i], from->lines[i]) && !g_str_equal (now.lines[i], to->lines[i]))
      g_error ("%s is neither old nor new: %s", names[i], now.lines[i]);
  clear_picture (&now);
}

/* Traced, too, which spares the waiting for the disk. */
static void
recover (World *world)
{
  run_whole (world, "recover");
  staging_fixture_reopen (&world->f);
}

/* TRUE when all is new. */
static gboolean
check_whole (World *world, const Picture *from, const Picture *to)
{
  Picture now = {{NULL}};
  gboolean is_new, is_old;

  take_picture (world, &now);
  is_new = same_picture (&now, to);
  is_old = same_picture (&now, from);
  if (!is_new && !is_old)
    for (guint i = 0; i < N_NAMES; i++)
      g_printerr ("# %s: %s\n", names[i], now.lines[i]);
  g_assert_true (is_new || is_old);
  staging_fixture_assert_clean (&world->f);
  staging_fixture_assert (&world->f, "second-name", "twice, old\n");
  clear_picture (&now);
  return is_new;
}

/* What was done can be taken back; what was not done can be done now. */
static void
check_goes_on (World *world, gboolean done)
{
  g_autoptr (GPtrArray) commits = hookrun_staging_list_commits (world->f.staging, NULL);
  Picture now = {{NULL}};

  g_assert_cmpuint (commits->len, ==, done ? 1 : 0);
  g_clear_object (&world->f.staging);
  run_whole (world, done ? "undo" : "apply");
  take_picture (world, &now);
  g_assert_true (same_picture (&now, done ? &world->before : &world->after));
  clear_picture (&now);
}

static guint
count_calls (const Case *kind, Picture *after)
{
  TracerPlan plan = {.no_tmpfile = kind->named};
  World world;

  world_set_up (&world, kind);
  run_child (&world, kind->job, &plan);
  g_assert_cmpint (plan.status, ==, 0);
  take_picture (&world, after);
  world_tear_down (&world);
  g_assert_cmpuint (plan.n_calls, >, 10);
  g_test_message ("%s: %u calls", kind->job, plan.n_calls);
  return plan.n_calls;
}

/* After the job was ended at one call, recovery is ended at each of its calls. */
static void
recover_under_fire (World *world, const Picture *from, const Picture *to)
{
  for (guint at = 1;; at++) {
    TracerPlan plan = {.kill_at = at};

    run_child (world, "recover", &plan);
    check_each_file (world, from, to);
    if (!plan.killed)
      return;
  }
}

/* FALSE when the job was done before that call. */
static gboolean
kill_at (const Case *kind, guint at, const Picture *applied)
{
  gboolean undoes = g_str_equal (kind->job, "undo");
  TracerPlan plan = {.kill_at = at, .no_tmpfile = kind->named};
  Picture *from, *to;
  gboolean done;
  World world;

  world_set_up (&world, kind);
  for (guint i = 0; i < N_NAMES && !undoes; i++)
    world.after.lines[i] = g_strdup (applied->lines[i]);
  from = undoes ? &world.after : &world.before;
  to = undoes ? &world.before : &world.after;
  run_child (&world, kind->job, &plan);
  check_each_file (&world, from, to);
  if (pairs > 0)
    recover_under_fire (&world, from, to);
  recover (&world);
  done = check_whole (&world, from, to);
  if (!undoes && at % 5 == 0)
    check_goes_on (&world, done);
  world_tear_down (&world);
  return plan.killed;
}

static void
test_killed (gconstpointer data)
{
  const Case *kind = data;
  Picture after = {{NULL}};
  guint at = 1;

  /* The number of calls differs by a few from run to run: the end is where no call is left. */
  count_calls (kind, &after);
  while (kill_at (kind, at, &after))
    at += MAX (pairs, 1);
  g_assert_cmpuint (at, >, 50);
  clear_picture (&after);
}

/* ---- calls that fail ---- */

static void
fail_at (const Case *kind, TracerPlan *plan, const Picture *applied)
{
  gboolean undoes = g_str_equal (kind->job, "undo");
  Picture *from, *to;
  gboolean done;
  World world;

  world_set_up (&world, kind);
  for (guint i = 0; i < N_NAMES && !undoes; i++)
    world.after.lines[i] = g_strdup (applied->lines[i]);
  from = undoes ? &world.after : &world.before;
  to = undoes ? &world.before : &world.after;
  run_child (&world, kind->job, plan);
  g_assert_cmpint (plan->status, <=, 1);
  check_each_file (&world, from, to);
  recover (&world);
  done = check_whole (&world, from, to);
  if (plan->status == 0)
    g_assert_true (done);
  world_tear_down (&world);
}

static void
fail_everywhere (const Case *kind, int code, gboolean go_on)
{
  Picture after = {{NULL}};
  guint n = count_calls (kind, &after);

  for (guint at = 1; at <= n; at++) {
    TracerPlan plan = {.fail_at = at, .fail_errno = code, .go_on = go_on};

    fail_at (kind, &plan, &after);
  }
  clear_picture (&after);
}

static void
test_read_only (gconstpointer data)
{
  fail_everywhere (data, EROFS, FALSE);
}

static void
test_read_only_from_here (gconstpointer data)
{
  fail_everywhere (data, EROFS, TRUE);
}

static void
test_no_space (gconstpointer data)
{
  fail_everywhere (data, ENOSPC, FALSE);
}

static void
test_no_space_from_here (gconstpointer data)
{
  fail_everywhere (data, ENOSPC, TRUE);
}

static void
test_denied (gconstpointer data)
{
  fail_everywhere (data, EACCES, FALSE);
}

static void
test_io_error (gconstpointer data)
{
  fail_everywhere (data, EIO, FALSE);
}

/* As on a filesystem that lacks what is asked of it. */
static void
test_unknown (gconstpointer data)
{
  fail_everywhere (data, EINVAL, FALSE);
}

/* ---- keeping pending ---- */

/* All kept changes are whole, whatever their number. */
static void
check_pending (World *world)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) changes = hookrun_staging_list_pending (world->f.staging, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (changes->len, <=, N_NAMES);
  for (guint i = 0; i < changes->len; i++) {
    g_autoptr (GBytes) content = hookrun_staged_change_load_new (changes->pdata[i], &error);

    g_assert_no_error (error);
    g_assert_false (hookrun_staged_change_get_conflict (changes->pdata[i]));
  }
}

static void
test_keep_killed (gconstpointer data)
{
  Picture after = {{NULL}};
  guint n = count_calls (data, &after);

  clear_picture (&after);
  for (guint at = 1; at <= n; at++) {
    TracerPlan plan = {.kill_at = at};
    World world;

    world_set_up (&world, data);
    run_child (&world, "keep", &plan);
    recover (&world);
    check_pending (&world);
    check_whole (&world, &world.before, &world.before);
    world_tear_down (&world);
  }
}

int
main (int argc, char **argv)
{
  static const Case apply = {"apply", FALSE};
  static const Case apply_elsewhere = {"apply", TRUE};
  static const Case apply_named = {"apply", FALSE, TRUE};
  static const Case undo = {"undo", FALSE};
  static const Case keep = {"keep", FALSE};

  g_test_init (&argc, &argv, NULL);
  if (argc == 3 && g_str_equal (argv[1], "--pairs")) {
    pairs = (guint)atoi (argv[2]);
    g_test_add_data_func ("/staging/crash/killed-twice/apply", &apply, test_killed);
    g_test_add_data_func ("/staging/crash/killed-twice/undo", &undo, test_killed);
    return g_test_run ();
  }
  if (argc == 2 && g_str_equal (argv[1], "--faults")) {
    g_test_add_data_func ("/staging/fault/read-only", &apply, test_read_only);
    g_test_add_data_func ("/staging/fault/no-space", &apply, test_no_space);
    g_test_add_data_func ("/staging/fault/no-space-from-here", &apply_elsewhere,
                          test_no_space_from_here);
    g_test_add_data_func ("/staging/fault/denied", &apply, test_denied);
    g_test_add_data_func ("/staging/fault/unknown-call", &apply, test_unknown);
    g_test_add_data_func ("/staging/fault/io-error", &apply_elsewhere, test_io_error);
    g_test_add_data_func ("/staging/fault/undo-read-only", &undo, test_read_only);
    return g_test_run ();
  }
  g_test_add_data_func ("/staging/crash/killed/apply", &apply, test_killed);
  g_test_add_data_func ("/staging/crash/killed/apply-across-filesystems", &apply_elsewhere,
                        test_killed);
  g_test_add_data_func ("/staging/crash/killed/apply-without-nameless-files", &apply_named,
                        test_killed);
  g_test_add_data_func ("/staging/crash/killed/undo", &undo, test_killed);
  g_test_add_data_func ("/staging/crash/killed/keep", &keep, test_keep_killed);
  g_test_add_data_func ("/staging/fault/read-only-from-here", &apply, test_read_only_from_here);
  return g_test_run ();
}
