/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A commit during which something else happens, at each call to the kernel in turn. */
#include "staging-disturb.h"

#include <glib/gstdio.h>
#include <sys/mount.h>

#include "hookrun-file-private.h"
#include "staging-victim.h"
#include "tracer.h"

static void
set_up (StagingWorld *world, const StagingDisturbance *disturbance)
{
  StagingFixture *f = &world->f;
  g_autofree char *foreign = NULL;

  staging_fixture_set_up (f);
  g_clear_object (&f->stage);
  g_clear_object (&f->staging);
  if (disturbance->prepare != NULL)
    disturbance->prepare (world);
  world->target = staging_fixture_target (f, "replaced");
  world->folder = staging_fixture_target (f, "sub");
  world->moved = staging_fixture_target (f, "moved");
  world->victim = staging_fixture_target (f, "victim");
  g_assert_cmpint (g_mkdir (world->folder, 0755), ==, 0);
  g_assert_cmpint (g_mkdir (world->victim, 0755), ==, 0);
  foreign = g_build_filename (world->victim, "removed", NULL);
  g_assert_true (g_file_set_contents (foreign, "foreign\n", -1, NULL));
  staging_fixture_write (f, "replaced", "replaced, old\n", 0640);
  staging_fixture_write (f, "twice", "twice, old\n", 0604);
  staging_fixture_write (f, "sub/removed", "removed, old\n", 0600);
  staging_fixture_link (f, "link", "old");
}

static void
tear_down (StagingWorld *world, const StagingDisturbance *disturbance)
{
  if (disturbance->prepare != NULL)
    g_assert_cmpint (umount2 (world->f.targets, MNT_DETACH), ==, 0);
  g_free (world->target);
  g_free (world->folder);
  g_free (world->moved);
  g_free (world->victim);
  staging_fixture_tear_down (&world->f);
}

static int
run_child (StagingWorld *world, const char *job, TracerPlan *plan)
{
  StagingJob order = {job, world->f.state, world->f.targets, world->f.stages};

  g_assert_true (hookrun_file_remove_tree_at (-1, world->f.stages, NULL));
  g_assert_cmpint (g_mkdir (world->f.stages, 0700), ==, 0);
  tracer_run (staging_victim_run, &order, plan);
  g_assert_cmpint (plan->status, <=, 1);
  return plan->status;
}

/* FALSE when the commit was over before that call. */
static gboolean
disturb_at (const StagingDisturbance *disturbance, guint at)
{
  StagingWorld world;
  TracerPlan plan = {.act_at = at, .act = disturbance->act, .user_data = &world};

  set_up (&world, disturbance);
  run_child (&world, "apply", &plan);
  if (plan.acted)
    disturbance->check (&world, plan.status);
  tear_down (&world, disturbance);
  return plan.acted;
}

void
staging_disturb (gconstpointer data)
{
  guint at = 1;

  while (disturb_at (data, at))
    at++;
  g_assert_cmpuint (at, >, 50);
}

void
staging_disturb_recover (StagingWorld *world)
{
  TracerPlan plan = {0};

  g_assert_cmpint (run_child (world, "recover", &plan), ==, 0);
}

void
staging_disturb_check_side (StagingWorld *world, const char *folder, gboolean done)
{
  g_autofree char *removed = g_strconcat (folder, "/removed", NULL);
  g_autofree char *created = g_strconcat (folder, "/created", NULL);

  staging_fixture_assert (&world->f, "twice", done ? "twice, new\n" : "twice, old\n");
  staging_fixture_assert (&world->f, removed, done ? NULL : "removed, old\n");
  staging_fixture_assert (&world->f, created, done ? "created\n" : NULL);
  staging_fixture_assert (&world->f, "victim/removed", "foreign\n");
  staging_fixture_assert (&world->f, "victim/created", NULL);
}
