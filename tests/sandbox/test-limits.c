/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs that behave badly: each is ended by the limit that it exceeds, which is named, soon, and
 * nothing of it is left. Without the layer that enforces a limit it is not.
 */
#include "world.h"

#include "hookrun-file-private.h"
#include "hookrun-totals-private.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;
static char *program;

typedef struct {
  const char *path;
  const char *way;
  const char *limit; /* NULL: none */
  HookrunLimit ended_by;
  int exit_status;    /* when no limit ended it */
  HookrunLayer layer; /* what enforces it: without, the limit is not what ends it */
  gboolean
      is_told_by_signal; /* which the first process of a namespace does not get: writing fails */
} Row;

static const Row rows[] = {
    {"/sandbox/limits/wall", "ignore", "wall=200ms", HOOKRUN_LIMIT_WALL, 0, HOOKRUN_LAYER_TOTALS},
    {"/sandbox/limits/cpu", "loop", "cpu=1s", HOOKRUN_LIMIT_CPU, 0,
     HOOKRUN_LAYER_TOTALS | HOOKRUN_LAYER_RLIMITS},
    {"/sandbox/limits/cpu-of-children", "loop-in-children", "cpu=500ms", HOOKRUN_LIMIT_CPU, 0,
     HOOKRUN_LAYER_TOTALS},
    {"/sandbox/limits/processes", "fork", "processes=20", HOOKRUN_LIMIT_PROCESSES},
    {"/sandbox/limits/threads", "threads", "processes=20", HOOKRUN_LIMIT_PROCESSES, 0,
     HOOKRUN_LAYER_TOTALS},
    {"/sandbox/limits/memory-of-children", "memory-in-children", "memory=64M", HOOKRUN_LIMIT_MEMORY,
     0, HOOKRUN_LAYER_TOTALS},
    {"/sandbox/limits/shared-memory-counts-once", "memory-shared", "memory=64M",
     HOOKRUN_LIMIT_NONE},
    {"/sandbox/limits/file-size", "file", "file-size=1M", HOOKRUN_LIMIT_FILE_SIZE, 0,
     HOOKRUN_LAYER_RLIMITS, TRUE},
    {"/sandbox/limits/disk", "disk", "disk=8M", HOOKRUN_LIMIT_DISK, 0, HOOKRUN_LAYER_TOTALS},
    {"/sandbox/limits/disk-of-removed-files", "disk-unseen", "disk=8M", HOOKRUN_LIMIT_DISK, 0,
     HOOKRUN_LAYER_TOTALS},
    {"/sandbox/limits/disk-deep-down", "disk-deep", "disk=8M", HOOKRUN_LIMIT_DISK, 0, 0, TRUE},
    {"/sandbox/limits/descriptors", "descriptors", "descriptors=32", HOOKRUN_LIMIT_NONE, 0,
     HOOKRUN_LAYER_RLIMITS},
    {"/sandbox/limits/crash", "crash", NULL, HOOKRUN_LIMIT_NONE},
};

static HookrunSandbox *
make_sandbox (const char *limit)
{
  g_autoptr (HookrunPolicy) policy = hookrun_policy_new_base ();
  HookrunLimit which;
  guint64 value;

  g_assert_true (hookrun_policy_grant (policy, folder, HOOKRUN_ACCESS_ALL, NULL));
  hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_WALL, 30 * 1000);
  if (limit != NULL) {
    g_assert_true (hookrun_limit_parse (limit, &which, &value, NULL));
    hookrun_policy_set_limit (policy, which, value);
  }
  return hookrun_sandbox_new (policy);
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
wait_for (HookrunConfined *confined)
{
  g_autoptr (GError) error = NULL;
  HookrunOutcome *outcome = hookrun_confined_wait (confined, NULL, &error);

  g_assert_no_error (error);
  g_assert_false (hookrun_totals_group_lives (hookrun_confined_get_pid (confined)));
  return outcome;
}

static void
clean (void)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);

    if (g_strcmp0 (path, program) != 0)
      g_assert_true (hookrun_file_remove_tree_at (AT_FDCWD, path, NULL));
  }
}

static void
test_limit (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (HookrunSandbox) sandbox = make_sandbox (row->limit);
  g_autoptr (HookrunConfined) confined = start (sandbox, row->way);
  g_autoptr (HookrunOutcome) outcome = wait_for (confined);
  g_autofree char *words = hookrun_outcome_describe (outcome);

  g_test_message ("%s; %u left", words, outcome->left_behind);
  if (row->is_told_by_signal && hookrun_landlock_version () == 0 && outcome->exited) {
    g_assert_cmpint (outcome->exit_status, ==, 9);
    clean ();
    return;
  }
  g_assert_cmpint (outcome->limit, ==, row->ended_by);
  if (row->ended_by == HOOKRUN_LIMIT_NONE && outcome->exited)
    g_assert_cmpint (outcome->exit_status, ==, row->exit_status);
  clean ();
}

static void
test_without_layer (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (HookrunSandbox) sandbox = make_sandbox (row->limit);
  g_autoptr (HookrunConfined) confined = NULL;
  g_autoptr (HookrunOutcome) outcome = NULL;

  hookrun_sandbox_leave_out (sandbox, row->layer);
  confined = start (sandbox, row->way);
  g_usleep (1500 * 1000);
  hookrun_confined_kill (confined);
  outcome = wait_for (confined);
  g_assert_true (outcome->limit != row->ended_by || outcome->exit_status != row->exit_status);
  clean ();
}

/* Without a control group a bomb is bounded by how soon somebody looks: as root, whom the kernel's
 * own limit does not bind, and as anybody. */
static void
test_bomb (void)
{
  g_autoptr (HookrunSandbox) sandbox = make_sandbox ("processes=20");
  g_autofree char *path = g_build_filename (folder, "count", NULL);
  g_autoptr (HookrunConfined) confined = NULL;
  g_autoptr (HookrunOutcome) outcome = NULL;
  GStatBuf st;

  hookrun_sandbox_leave_out (sandbox, HOOKRUN_LAYER_CGROUPS);
  confined = start (sandbox, "fork-counted");
  outcome = wait_for (confined);
  g_assert_cmpint (outcome->limit, ==, HOOKRUN_LIMIT_PROCESSES);
  g_assert_cmpint (g_stat (path, &st), ==, 0);
  g_test_message ("%d of 20 were born", (int)st.st_size);
  clean ();
}

/* Whoever has few at a time may have any number one after another, and signals do no harm. */
static void
test_one_by_one (void)
{
  g_autoptr (HookrunSandbox) sandbox = make_sandbox ("processes=8");
  g_autoptr (HookrunConfined) confined = start (sandbox, "work-among-alarms");
  g_autoptr (HookrunOutcome) outcome = wait_for (confined);

  g_assert_cmpint (outcome->limit, ==, HOOKRUN_LIMIT_NONE);
  g_assert_true (outcome->exited);
  g_assert_cmpint (outcome->exit_status, ==, 0);
}

/* One process that takes much at once runs into its own bound or into the total; either way it does
 * not get the memory. */
static void
test_memory (void)
{
  g_autoptr (HookrunSandbox) sandbox = make_sandbox ("memory=64M");
  g_autoptr (HookrunConfined) confined = start (sandbox, "memory");
  g_autoptr (HookrunOutcome) outcome = wait_for (confined);

  g_assert_true (outcome->limit == HOOKRUN_LIMIT_MEMORY || outcome->exit_status == 9);
  g_assert_cmpuint (outcome->max_memory, <, 90 << 20);
}

static void
test_ignores_term (void)
{
  g_autoptr (HookrunSandbox) sandbox = make_sandbox (NULL);
  g_autoptr (HookrunConfined) confined = start (sandbox, "ignore");
  g_autoptr (HookrunOutcome) outcome = NULL;

  g_usleep (500 * 1000);
  hookrun_confined_stop (confined, 200);
  outcome = wait_for (confined);
  g_assert_true (outcome->stopped);
  g_assert_cmpint (outcome->term_signal, ==, SIGKILL);
  g_assert_cmpuint (outcome->wall_us, >, 200 * 1000);
  g_assert_cmpuint (outcome->wall_us, <, 3000 * 1000);
}

static void
test_ends_politely (void)
{
  g_autoptr (HookrunSandbox) sandbox = make_sandbox (NULL);
  g_autoptr (HookrunConfined) confined = start (sandbox, "polite");
  g_autoptr (HookrunOutcome) outcome = NULL;

  g_usleep (500 * 1000);
  hookrun_confined_stop (confined, 4000);
  outcome = wait_for (confined);
  g_assert_true (outcome->stopped && outcome->exited);
  g_assert_cmpint (outcome->exit_status, ==, 3);
}

/* Whatever it leaves goes with it. */
static void
test_leaves_daemon (void)
{
  g_autoptr (HookrunSandbox) sandbox = make_sandbox (NULL);
  g_autoptr (HookrunConfined) confined = start (sandbox, "children");
  g_autoptr (HookrunOutcome) outcome = wait_for (confined);

  g_assert_true (outcome->exited);
  g_assert_cmpuint (outcome->wall_us, <, 2000 * 1000);
}

/* The same when nobody waits: the descriptor tells when all are gone. */
static void
test_end_descriptor (void)
{
  g_autoptr (HookrunSandbox) sandbox = make_sandbox (NULL);
  g_autoptr (HookrunConfined) confined = start (sandbox, "children");
  struct pollfd ready = {hookrun_confined_get_end_fd (confined), POLLIN, 0};

  g_assert_cmpint (poll (&ready, 1, 5000), ==, 1);
  g_assert_false (hookrun_totals_group_lives (hookrun_confined_get_pid (confined)));
}

static void
test_unref_kills (void)
{
  g_autoptr (HookrunSandbox) sandbox = make_sandbox (NULL);
  HookrunConfined *confined = start (sandbox, "ignore");
  pid_t pid = hookrun_confined_get_pid (confined);

  g_object_unref (confined);
  for (int i = 0; i < 1000 && hookrun_totals_group_lives (pid); i++)
    g_usleep (1000);
  g_assert_false (hookrun_totals_group_lives (pid));
}

/* The sandbox may go while programs run in it. */
static void
test_sandbox_goes_first (void)
{
  HookrunSandbox *sandbox = make_sandbox ("wall=300ms");
  g_autoptr (HookrunConfined) confined = start (sandbox, "ignore");
  g_autoptr (HookrunOutcome) outcome = NULL;

  g_object_unref (sandbox);
  outcome = wait_for (confined);
  g_assert_cmpint (outcome->limit, ==, HOOKRUN_LIMIT_WALL);
}

static void
on_waited (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  HookrunOutcome **outcome = user_data;

  *outcome = hookrun_confined_wait_finish (HOOKRUN_CONFINED (object), result, &error);
  if (*outcome == NULL)
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_object_set_data (object, "done", GINT_TO_POINTER (1));
}

static void
test_async (void)
{
  g_autoptr (HookrunSandbox) sandbox = make_sandbox ("wall=300ms");
  g_autoptr (HookrunConfined) confined = start (sandbox, "ignore");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (HookrunOutcome) outcome = NULL;
  HookrunOutcome *none = NULL;

  hookrun_confined_wait_async (confined, cancellable, on_waited, &none);
  g_cancellable_cancel (cancellable);
  while (g_object_get_data (G_OBJECT (confined), "done") == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (none);
  g_object_set_data (G_OBJECT (confined), "done", NULL);
  hookrun_confined_wait_async (confined, NULL, on_waited, &outcome);
  while (g_object_get_data (G_OBJECT (confined), "done") == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (outcome->limit, ==, HOOKRUN_LIMIT_WALL);
}

/* Until it is killed. */
static void
be_host (void)
{
  g_autoptr (HookrunSandbox) sandbox = make_sandbox ("wall=60s");
  g_autoptr (HookrunConfined) confined = start (sandbox, "memory-shared");
  g_autoptr (HookrunConfined) other = start (sandbox, "ignore");

  printf ("%d %d\n", hookrun_confined_get_pid (confined), hookrun_confined_get_pid (other));
  fflush (stdout);
  for (;;)
    pause ();
}

static void
test_host_is_killed (void)
{
  const char *const argv[] = {"/proc/self/exe", "--host", folder, program, NULL};
  int pids[2] = {0, 0};
  int output = -1;
  GPid host;
  FILE *stream;

  g_assert_true (g_spawn_async_with_pipes (NULL, (char **)(gpointer)argv, NULL,
                                           G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &host, NULL,
                                           &output, NULL, NULL));
  stream = fdopen (output, "r");
  g_assert_cmpint (fscanf (stream, "%d %d", &pids[0], &pids[1]), ==, 2);
  fclose (stream);
  g_assert_true (hookrun_totals_group_lives (pids[1]));
  kill (host, SIGKILL);
  waitpid (host, NULL, 0);
  for (int i = 0; i < 2; i++) {
    for (int j = 0; j < 5000 && hookrun_totals_group_lives (pids[i]); j++)
      g_usleep (1000);
    g_assert_false (hookrun_totals_group_lives (pids[i]));
  }
}

static void
add_rows (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *path = g_strconcat (rows[i].path, "/without", NULL);

    g_test_add_data_func (rows[i].path, &rows[i], test_limit);
    if (rows[i].layer != 0)
      g_test_add_data_func (path, &rows[i], test_without_layer);
  }
}

int
main (int argc, char **argv)
{
  int status = test_as_user (argc, argv);

  if (status >= 0)
    return status;
  test_drop_user_argument (&argc, argv);
  if (argc == 4 && strcmp (argv[1], "--host") == 0) {
    folder = argv[2];
    program = argv[3];
    be_host ();
  }
  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("hookrun-limits-XXXXXX", NULL);
  program = test_copy_program ("misbehave", folder);
  add_rows ();
  g_test_add_func ("/sandbox/limits/memory", test_memory);
  g_test_add_func ("/sandbox/limits/bomb", test_bomb);
  g_test_add_func ("/sandbox/limits/one-by-one", test_one_by_one);
  g_test_add_func ("/sandbox/limits/ignores-term", test_ignores_term);
  g_test_add_func ("/sandbox/limits/ends-politely", test_ends_politely);
  g_test_add_func ("/sandbox/limits/leaves-daemon", test_leaves_daemon);
  g_test_add_func ("/sandbox/limits/end-descriptor", test_end_descriptor);
  g_test_add_func ("/sandbox/limits/unref-kills", test_unref_kills);
  g_test_add_func ("/sandbox/limits/sandbox-goes-first", test_sandbox_goes_first);
  g_test_add_func ("/sandbox/limits/host-is-killed", test_host_is_killed);
  g_test_add_func ("/sandbox/limits/async", test_async);
  status = g_test_run ();
  g_assert_true (hookrun_file_remove_tree_at (AT_FDCWD, folder, NULL));
  return status;
}
