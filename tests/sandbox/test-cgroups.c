/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Totals that the kernel keeps. What is tested depends on which control groups this process may
 * make; HOOKRUN_TEST_CGROUPS names the limits that they must keep ("memory processes cpu"), not to
 * be content with less.
 */
#include "world.h"

#include "hookrun-cgroup-private.h"
#include "hookrun-file-private.h"

#include <dirent.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FEW_PROCESSES 20
#define MANY_PROCESSES 1000 /* the dead among them, until they are buried */

static char *folder;
static char *program;

static gboolean keeps_all;

/* Where the kernel keeps nothing but the time, the policy must limit nothing else. */
static HookrunPolicy *
make_policy (guint64 processes, guint64 cpu_ms)
{
  HookrunPolicy *policy = hookrun_policy_new_base ();

  g_assert_true (hookrun_policy_grant (policy, folder, HOOKRUN_ACCESS_ALL, NULL));
  hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_WALL, 30 * 1000);
  hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_CPU, cpu_ms);
  if (keeps_all) {
    hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_MEMORY, 64 << 20);
    hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_PROCESSES, processes);
  }
  return policy;
}

static HookrunConfined *
start (HookrunSandbox *sandbox, const char *way)
{
  const char *const argv[] = {program, way, NULL};
  g_autoptr (HookrunLaunch) launch = hookrun_launch_new (argv);
  g_autoptr (GError) error = NULL;
  HookrunConfined *confined;

  hookrun_launch_set_folder (launch, folder);
  confined = hookrun_sandbox_spawn (sandbox, launch, &error);
  g_assert_no_error (error);
  return confined;
}

static HookrunOutcome *
run (HookrunSandbox *sandbox, const char *way)
{
  g_autoptr (HookrunConfined) confined = start (sandbox, way);
  g_autoptr (GError) error = NULL;
  HookrunOutcome *outcome = hookrun_confined_wait (confined, NULL, &error);
  g_autofree char *words = NULL;

  g_assert_no_error (error);
  words = hookrun_outcome_describe (outcome);
  g_test_message ("%s: %s", way, words);
  return outcome;
}

static gsize
count_born (void)
{
  g_autofree char *path = g_build_filename (folder, "count", NULL);
  GStatBuf st;

  g_assert_cmpint (g_stat (path, &st), ==, 0);
  g_unlink (path);
  return (gsize)st.st_size;
}

/* How many groups of ours are in the place. */
static guint
count_groups (void)
{
  const char *const controllers[] = {"memory", "pids", NULL};
  gboolean has[2];
  int place = hookrun_cgroup_find_place (controllers, has);
  DIR *entries = fdopendir (place);
  struct dirent *entry;
  guint count = 0;

  g_assert_nonnull (entries);
  while ((entry = readdir (entries)) != NULL)
    if (g_str_has_prefix (entry->d_name, "hookrun-"))
      count++;
  closedir (entries);
  return count;
}

typedef struct {
  const char *path;
  const char *way;
  HookrunLimit limit;
  gboolean is_missed_without; /* a look now and then does not see it */
} Row;

static const Row rows[] = {
    {"/sandbox/cgroups/cpu-of-orphans", "loop-in-orphans", HOOKRUN_LIMIT_CPU, FALSE},
    {"/sandbox/cgroups/cpu-of-children", "loop-in-children", HOOKRUN_LIMIT_CPU, FALSE},
    {"/sandbox/cgroups/processes", "fork-counted", HOOKRUN_LIMIT_PROCESSES, FALSE},
    {"/sandbox/cgroups/memory", "memory", HOOKRUN_LIMIT_MEMORY, FALSE},
    {"/sandbox/cgroups/memory-at-once", "memory-at-once", HOOKRUN_LIMIT_MEMORY, TRUE},
    {"/sandbox/cgroups/memory-of-children", "memory-in-children", HOOKRUN_LIMIT_MEMORY, FALSE},
};

static void
check_row (const Row *row, HookrunTier tier, gboolean by_entering)
{
  gboolean counts = row->limit == HOOKRUN_LIMIT_PROCESSES;
  g_autoptr (HookrunPolicy) policy = make_policy (
      counts ? FEW_PROCESSES : MANY_PROCESSES, row->limit == HOOKRUN_LIMIT_CPU ? 500 : 20 * 1000);
  g_autoptr (HookrunSandbox) sandbox = NULL;
  HookrunFeatures features;

  hookrun_policy_set_tier (policy, tier);
  sandbox = hookrun_sandbox_new (policy);
  hookrun_features_probe (&features);
  features.has_clone3 = features.has_clone3 && !by_entering;
  hookrun_sandbox_pretend (sandbox, &features);
  /* The second tree is counted from nothing again. */
  for (int i = 0; i < 2; i++) {
    g_autoptr (HookrunOutcome) outcome = run (sandbox, row->way);

    g_assert_cmpint (outcome->limit, ==, row->limit);
    if (counts)
      g_assert_cmpuint (count_born (), <=, FEW_PROCESSES);
  }
}

static void
test_row (gconstpointer data)
{
  check_row (data, HOOKRUN_TIER_AUTO, FALSE);
  g_assert_cmpuint (count_groups (), ==, 0);
}

static void
test_strong (gconstpointer data)
{
  check_row (data, HOOKRUN_TIER_STRONG, FALSE);
}

static void
test_by_entering (gconstpointer data)
{
  check_row (data, HOOKRUN_TIER_AUTO, TRUE);
}

static void
test_without (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (HookrunPolicy) policy = make_policy (MANY_PROCESSES, 20 * 1000);
  g_autoptr (HookrunSandbox) sandbox = hookrun_sandbox_new (policy);
  g_autoptr (HookrunOutcome) outcome = NULL;

  hookrun_sandbox_leave_out (sandbox, HOOKRUN_LAYER_CGROUPS);
  outcome = run (sandbox, row->way);
  g_assert_cmpint (outcome->limit, ==, HOOKRUN_LIMIT_NONE);
}

/* A program that ends well has met no limit; its group serves the next one, and goes with the
 * sandbox. */
static void
test_reuse (void)
{
  g_autoptr (HookrunPolicy) policy = make_policy (MANY_PROCESSES, 20 * 1000);
  HookrunSandbox *sandbox = hookrun_sandbox_new (policy);

  for (int i = 0; i < 3; i++) {
    g_autoptr (HookrunOutcome) outcome = run (sandbox, "nothing-bad");

    g_assert_true (outcome->exited);
    g_assert_cmpint (outcome->limit, ==, HOOKRUN_LIMIT_NONE);
    g_assert_cmpuint (count_groups (), ==, 1);
  }
  g_object_unref (sandbox);
  g_assert_cmpuint (count_groups (), ==, 0);
}

static void
test_at_the_same_time (void)
{
  g_autoptr (HookrunPolicy) policy = make_policy (MANY_PROCESSES, 20 * 1000);
  HookrunSandbox *sandbox = hookrun_sandbox_new (policy);
  HookrunConfined *confined[8];

  for (guint i = 0; i < G_N_ELEMENTS (confined); i++)
    confined[i] = start (sandbox, "ignore");
  g_assert_cmpuint (count_groups (), ==, G_N_ELEMENTS (confined));
  g_object_unref (sandbox);
  for (guint i = 0; i < G_N_ELEMENTS (confined); i++) {
    g_autoptr (HookrunOutcome) outcome = NULL;

    hookrun_confined_kill (confined[i]);
    outcome = hookrun_confined_wait (confined[i], NULL, NULL);
    g_assert_true (outcome->stopped);
    g_object_unref (confined[i]);
  }
  for (int i = 0; i < 1000 && count_groups () > 0; i++)
    g_usleep (1000);
  g_assert_cmpuint (count_groups (), ==, 0);
}

/* Until it is killed. */
static void
be_host (void)
{
  g_autoptr (HookrunPolicy) policy = make_policy (MANY_PROCESSES, 20 * 1000);
  g_autoptr (HookrunSandbox) sandbox = hookrun_sandbox_new (policy);
  g_autoptr (HookrunConfined) confined = start (sandbox, "ignore");

  printf ("running\n");
  fflush (stdout);
  for (;;)
    pause ();
}

/* What a killed host left goes when the next one starts; what a living one has stays. */
static void
test_sweep (void)
{
  const char *const argv[] = {"/proc/self/exe",           "--host", folder, program,
                              keeps_all ? "all" : "time", NULL};
  g_autoptr (HookrunPolicy) policy = make_policy (MANY_PROCESSES, 20 * 1000);
  HookrunSandbox *living = hookrun_sandbox_new (policy);
  g_autoptr (HookrunSandbox) next = hookrun_sandbox_new (policy);
  char word[16] = "";
  int output = -1;
  GPid host;

  g_assert_true (hookrun_sandbox_prepare (living, NULL));
  g_assert_true (g_spawn_async_with_pipes (NULL, (char **)(gpointer)argv, NULL,
                                           G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &host, NULL,
                                           &output, NULL, NULL));
  g_assert_cmpint (read (output, word, sizeof word), >, 0);
  close (output);
  g_assert_cmpuint (count_groups (), ==, 2);
  kill (host, SIGKILL);
  waitpid (host, NULL, 0);
  g_assert_cmpuint (count_groups (), ==, 2);
  g_assert_true (hookrun_sandbox_prepare (next, NULL));
  g_assert_cmpuint (count_groups (), ==, 2);
  g_object_unref (living);
  g_assert_cmpuint (count_groups (), ==, 1);
}

static void
add_row (const Row *row)
{
  static const struct {
    const char *suffix;
    GTestDataFunc test;
  } ways[] = {{"", test_row}, {"/strong", test_strong}, {"/by-entering", test_by_entering}};

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++) {
    g_autofree char *path = g_strconcat (row->path, ways[i].suffix, NULL);

    g_test_add_data_func (path, row, ways[i].test);
  }
  if (row->is_missed_without) {
    g_autofree char *path = g_strconcat (row->path, "/without", NULL);

    g_test_add_data_func (path, row, test_without);
  }
}

/* Where there is no place nothing else is to be had, and nothing is pretended. */
static void
test_none (void)
{
  g_autoptr (HookrunPolicy) policy = make_policy (MANY_PROCESSES, 20 * 1000);
  g_autoptr (HookrunCgroups) cgroups = hookrun_cgroups_new (policy);

  g_assert_null (cgroups);
}

static HookrunCgroups *
try_cgroups (gboolean all)
{
  g_autoptr (HookrunPolicy) policy = NULL;

  keeps_all = all;
  policy = make_policy (MANY_PROCESSES, 1000);
  return hookrun_cgroups_new (policy);
}

static void
add_tests (void)
{
  g_autoptr (HookrunCgroups) cgroups = try_cgroups (TRUE);
  const char *needed = g_getenv ("HOOKRUN_TEST_CGROUPS");

  if (cgroups == NULL)
    cgroups = try_cgroups (FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    gboolean is_kept = cgroups != NULL && hookrun_cgroups_keeps (cgroups, rows[i].limit);

    if (needed != NULL && strstr (needed, hookrun_limit_get_name (rows[i].limit)) != NULL)
      g_assert_true (is_kept);
    if (is_kept)
      add_row (&rows[i]);
  }
  if (cgroups == NULL) {
    g_test_add_func ("/sandbox/cgroups/none", test_none);
    return;
  }
  g_test_add_func ("/sandbox/cgroups/reuse", test_reuse);
  g_test_add_func ("/sandbox/cgroups/at-the-same-time", test_at_the_same_time);
  g_test_add_func ("/sandbox/cgroups/killed-host", test_sweep);
}

int
main (int argc, char **argv)
{
  int status = test_as_user (argc, argv);

  if (status >= 0)
    return status;
  test_drop_user_argument (&argc, argv);
  if (argc == 5 && strcmp (argv[1], "--host") == 0) {
    folder = argv[2];
    program = argv[3];
    keeps_all = strcmp (argv[4], "all") == 0;
    be_host ();
  }
  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("hookrun-cgroups-XXXXXX", NULL);
  program = test_copy_program ("misbehave", folder);
  add_tests ();
  status = g_test_run ();
  g_assert_true (hookrun_file_remove_tree_at (AT_FDCWD, folder, NULL));
  return status;
}
