/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The victim of the crash tests of staging: does one job on the files of a test, between two marks
 * (SIGUSR2) that its tracer sees, in a process of its own.
 */
#include "staging-victim.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  HookrunStaging *staging;
  const char *targets;
  const char *stage;
} Victim;

static void
mark (void)
{
  raise (SIGUSR2);
}

static int
complain (const GError *error)
{
  if (g_getenv ("STAGING_CHILD_SAYS") != NULL)
    fprintf (stderr, "# %s\n", error->message);
  return 1;
}

static char *
declare (Victim *victim, HookrunStage *stage, const char *name)
{
  g_autofree char *path = g_build_filename (victim->targets, name, NULL);
  g_autoptr (GError) error = NULL;
  char *staged = hookrun_stage_declare (stage, path, &error);

  g_assert_no_error (error);
  return staged;
}

static void
write_staged (Victim *victim, HookrunStage *stage, const char *name, const char *text)
{
  g_autofree char *staged = declare (victim, stage, name);

  g_assert_true (g_file_set_contents (staged, text, -1, NULL));
}

/* One of each kind: replaced, new, with a second name, removed, and a link. */
static GPtrArray *
make_changes (Victim *victim)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunStage) stage =
      hookrun_stage_new (victim->staging, "shop", victim->stage, &error);
  g_autofree char *link = NULL;
  g_autofree char *removed = NULL;
  GPtrArray *changes;

  g_assert_no_error (error);
  write_staged (victim, stage, "replaced", "replaced, new\n");
  write_staged (victim, stage, "sub/created", "created\n");
  write_staged (victim, stage, "twice", "twice, new\n");
  link = declare (victim, stage, "link");
  g_assert_cmpint (unlink (link), ==, 0);
  g_assert_cmpint (symlink ("new", link), ==, 0);
  removed = declare (victim, stage, "sub/removed");
  g_assert_cmpint (unlink (removed), ==, 0);
  changes = hookrun_stage_freeze (stage, &error);
  g_assert_no_error (error);
  return changes;
}

static int
settle (Victim *victim, HookrunStagingAnswer answer)
{
  g_autoptr (GPtrArray) changes = make_changes (victim);
  g_autoptr (GError) error = NULL;
  gboolean ok;

  for (guint i = 0; i < changes->len; i++)
    hookrun_staged_change_set_answer (changes->pdata[i], answer);
  mark ();
  ok = hookrun_staging_settle (victim->staging, changes, NULL, &error);
  mark ();
  return ok ? 0 : complain (error);
}

static int
apply (Victim *victim)
{
  return settle (victim, HOOKRUN_STAGING_ANSWER_APPLY);
}

static int
keep (Victim *victim)
{
  return settle (victim, HOOKRUN_STAGING_ANSWER_KEEP);
}

static int
undo (Victim *victim)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) commits = hookrun_staging_list_commits (victim->staging, &error);
  g_autoptr (HookrunStagingCommit) commit = NULL;

  g_assert_no_error (error);
  mark ();
  commit = hookrun_staging_undo (victim->staging, hookrun_staging_commit_get_id (commits->pdata[0]),
                                 &error);
  mark ();
  return commit != NULL ? 0 : complain (error);
}

static int
recover (Victim *victim)
{
  g_autoptr (GError) error = NULL;
  gboolean ok;

  mark ();
  ok = hookrun_staging_recover (victim->staging, &error);
  mark ();
  return ok ? 0 : complain (error);
}

static const struct {
  const char *name;
  int (*run) (Victim *victim);
} jobs[] = {{"apply", apply}, {"keep", keep}, {"undo", undo}, {"recover", recover}};

int
staging_victim_run (gpointer data)
{
  const StagingJob *job = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunStaging) staging = hookrun_staging_new (job->state, &error);
  Victim victim = {staging, job->targets, job->stage};

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (jobs); i++)
    if (g_str_equal (jobs[i].name, job->name))
      return jobs[i].run (&victim);
  return 2;
}
