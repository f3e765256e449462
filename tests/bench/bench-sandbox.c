/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a launch in the sandbox costs beside posix_spawn and bwrap: /bin/true from the call to the
 * end, in rounds that take turns, with a small host and with one that occupies 300 MB.
 */
#include <hookrun.h>

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ROUNDS 2000

extern char **environ;

static double samples[3][MAX_ROUNDS];

static void
run_plain (const char *const *argv)
{
  pid_t pid;

  if (posix_spawn (&pid, argv[0], NULL, NULL, (char *const *)(gpointer)argv, environ) != 0)
    g_error ("cannot run %s", argv[0]);
  waitpid (pid, NULL, 0);
}

static void
run_confined (HookrunSandbox *sandbox, HookrunLaunch *launch)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunConfined) confined = hookrun_sandbox_spawn (sandbox, launch, &error);
  g_autoptr (HookrunOutcome) outcome = NULL;

  if (confined == NULL)
    g_error ("%s", error->message);
  outcome = hookrun_confined_wait (confined, NULL, &error);
  if (outcome == NULL || !outcome->exited || outcome->exit_status != 0)
    g_error ("/bin/true failed in the sandbox");
}

static int
compare (gconstpointer one, gconstpointer other)
{
  double difference = *(const double *)one - *(const double *)other;

  return (difference > 0) - (difference < 0);
}

static double
tenth_percentile (double *values, int n)
{
  qsort (values, (size_t)n, sizeof *values, compare);
  return values[n / 10];
}

static void
report (const char *name, double ours, const char *peer, double theirs, double ratio, double limit,
        gboolean is_ok)
{
  printf ("{\"group\":\"sandbox\",\"name\":\"%s\",\"ours\":%.1f,\"unit\":\"us\",\"peer\":\"%s\","
          "\"peer_value\":%.1f,\"ratio\":%.3f,\"limit\":\"%s %.2f\",\"ok\":%s}\n",
          name, ours, peer, theirs, ratio, limit > 2 ? ">=" : "<=", limit,
          is_ok ? "true" : "false");
  fflush (stdout);
}

static void
measure (const char *suffix, HookrunSandbox *sandbox, int rounds)
{
  static const char *const plain[] = {"/bin/true", NULL};
  static const char *const peer[] = {"/usr/bin/bwrap", "--ro-bind", "/", "/",
                                     "--unshare-all",  "/bin/true", NULL};
  HookrunLaunch *launch = hookrun_launch_new (plain);
  g_autofree char *name = NULL;
  double p10[3];
  int n_peer = rounds / 5;

  for (int i = 0; i < rounds; i++)
    for (int who = 0; who < 3; who++) {
      gint64 start;

      if (who == 2 && i % 5 != 0)
        continue;
      start = g_get_monotonic_time ();
      if (who == 0)
        run_plain (plain);
      else if (who == 1)
        run_confined (sandbox, launch);
      else
        run_plain (peer);
      samples[who][who == 2 ? i / 5 : i] = (double)(g_get_monotonic_time () - start);
    }
  hookrun_launch_unref (launch);
  for (int who = 0; who < 3; who++)
    p10[who] = tenth_percentile (samples[who], who == 2 ? n_peer : rounds);
  name = g_strconcat ("launch", suffix, NULL);
  report (name, p10[1], "posix_spawn", p10[0], p10[1] / p10[0], 1.20, p10[1] <= 1.20 * p10[0]);
  report (name, p10[1], "bwrap --ro-bind / / --unshare-all", p10[2], p10[2] / p10[1], 5,
          p10[2] >= 5 * p10[1]);
}

static HookrunSandbox *
make_sandbox (const char *folder, gboolean is_limited)
{
  g_autoptr (HookrunPolicy) policy = hookrun_policy_new_base ();

  hookrun_policy_grant (policy, folder, HOOKRUN_ACCESS_ALL, NULL);
  if (is_limited) {
    hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_WALL, 60 * 1000);
    hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_CPU, 30 * 1000);
    hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_MEMORY, 512 << 20);
    hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_PROCESSES, 64);
    hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_FILE_SIZE, 64 << 20);
    hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_DESCRIPTORS, 256);
  }
  return hookrun_sandbox_new (policy);
}

int
main (int argc, char **argv)
{
  int rounds = argc > 1 ? atoi (argv[1]) : 1000;
  g_autofree char *folder = g_dir_make_tmp ("hookrun-bench-XXXXXX", NULL);
  g_autoptr (HookrunSandbox) plain = make_sandbox (folder, FALSE);
  g_autoptr (HookrunSandbox) limited = make_sandbox (folder, TRUE);
  gsize size = (gsize)300 << 20;
  char *memory;

  rounds = CLAMP (rounds, 50, MAX_ROUNDS);
  measure ("", plain, rounds);
  measure (", with limits", limited, rounds);
  memory = g_malloc (size);
  memset (memory, 1, size);
  measure (", 300 MB in the host", plain, rounds / 2);
  g_free (memory);
  rmdir (folder);
  return 0;
}
