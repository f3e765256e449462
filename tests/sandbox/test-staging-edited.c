/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Somebody else changes a file while it is committed: at every call to the kernel, by each of the
 * ways in which programs change files. What they wrote is in place afterwards, whatever became of
 * the commit.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hookrun-file-private.h"
#include "staging-fixture.h"
#include "staging-victim.h"
#include "tracer.h"

typedef struct {
  StagingFixture f;
  int fd;    /* of somebody else's */
  char *map; /* of somebody else's */
} World;

/* Begins to change "replaced" at one call of the commit, and ends that after it. */
typedef struct {
  void (*begin) (gpointer world);
  void (*end) (World *world);
} Editor;

/* As most editors do it: another file takes the name. */
static void
replace_file (gpointer data)
{
  World *world = data;

  staging_fixture_write (&world->f, "replaced", "edited\n", 0600);
}

static void
open_to_write (gpointer data)
{
  World *world = data;
  g_autofree char *path = staging_fixture_target (&world->f, "replaced");

  world->fd = open (path, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (world->fd, >=, 0);
}

/* As those do it that keep the file: what they have open is still the file that everybody sees. */
static void
write_and_close (World *world)
{
  g_assert_cmpint (ftruncate (world->fd, 0), ==, 0);
  g_assert_cmpint (pwrite (world->fd, "edited\n", 7, 0), ==, 7);
  close (world->fd);
}

static void
map_to_write (gpointer data)
{
  World *world = data;
  g_autofree char *path = staging_fixture_target (&world->f, "replaced");
  int fd = open (path, O_RDWR | O_CLOEXEC);

  world->map = mmap (NULL, 7, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  g_assert_true (world->map != MAP_FAILED);
  close (fd);
}

static void
write_through_map (World *world)
{
  g_autofree char *path = staging_fixture_target (&world->f, "replaced");

  memcpy (world->map, "edited\n", 7);
  g_assert_cmpint (munmap (world->map, 7), ==, 0);
  g_assert_cmpint (truncate (path, 7), ==, 0);
}

static void
check_edited (World *world, int status)
{
  g_autofree char *created = staging_fixture_target (&world->f, "sub/created");
  gboolean done = g_file_test (created, G_FILE_TEST_EXISTS);

  staging_fixture_assert (&world->f, "replaced", "edited\n");
  staging_fixture_assert_clean (&world->f);
  g_assert_cmpint (status, ==, done ? 0 : 1);
  staging_fixture_assert (&world->f, "sub/removed", done ? NULL : "removed, old\n");
  staging_fixture_assert (&world->f, "twice", done ? "twice, new\n" : "twice, old\n");
}

static void
set_up (World *world)
{
  StagingFixture *f = &world->f;
  g_autofree char *sub = NULL;

  staging_fixture_set_up (f);
  g_clear_object (&f->stage);
  g_clear_object (&f->staging);
  sub = staging_fixture_target (f, "sub");
  g_assert_cmpint (g_mkdir (sub, 0755), ==, 0);
  staging_fixture_write (f, "replaced", "replaced, old\n", 0640);
  staging_fixture_write (f, "twice", "twice, old\n", 0604);
  staging_fixture_write (f, "sub/removed", "removed, old\n", 0600);
  staging_fixture_link (f, "link", "old");
}

static void
run_child (World *world, const char *job, TracerPlan *plan)
{
  StagingJob order = {job, world->f.state, world->f.targets, world->f.stages};

  g_assert_true (hookrun_file_remove_tree_at (-1, world->f.stages, NULL));
  g_assert_cmpint (g_mkdir (world->f.stages, 0700), ==, 0);
  tracer_run (staging_victim_run, &order, plan);
  g_assert_cmpint (plan->status, <=, 1);
}

/* As the next program does. */
static void
recover (World *world)
{
  TracerPlan plan = {0};

  run_child (world, "recover", &plan);
  g_assert_cmpint (plan.status, ==, 0);
}

/* FALSE when the commit was over before that call: nothing was edited then. */
static gboolean
edit_at (const Editor *editor, guint at)
{
  World world;
  TracerPlan plan = {.act_at = at, .act = editor->begin, .user_data = &world};

  set_up (&world);
  run_child (&world, "apply", &plan);
  if (plan.acted && editor->end != NULL)
    editor->end (&world);
  recover (&world);
  if (plan.acted)
    check_edited (&world, plan.status);
  else
    staging_fixture_assert (&world.f, "replaced", "replaced, new\n");
  staging_fixture_tear_down (&world.f);
  return plan.acted;
}

/* Whenever a file is changed by somebody else during a commit, that change stays. The number of
 * calls differs by a few from run to run, so the end is where no call is left. */
static void
test_edited (gconstpointer data)
{
  guint at = 1;

  while (edit_at (data, at))
    at++;
  g_assert_cmpuint (at, >, 50);
}

int
main (int argc, char **argv)
{
  static const Editor replacing = {replace_file, NULL};
  static const Editor writing = {open_to_write, write_and_close};
  static const Editor mapping = {map_to_write, write_through_map};

  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/staging/edited/by-replacing", &replacing, test_edited);
  g_test_add_data_func ("/staging/edited/through-a-descriptor", &writing, test_edited);
  g_test_add_data_func ("/staging/edited/through-a-mapping", &mapping, test_edited);
  return g_test_run ();
}
