/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Connect to a real sshd on the loopback and run `true`: the library against the user's ssh
 * program with the same key and host, once as ssh comes and once with the key exchange and the
 * cipher that the library uses. Ours includes its `ssh -G`; ssh's includes starting a process,
 * which is what a tool without the library would do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ssh-client.h"

#define ROUNDS 31

static double
ours (void)
{
  gint64 start = g_get_monotonic_time ();
  g_autoptr (HookrunTarget) target = ssh_client_connected ("host");
  SshRun run = {0};

  ssh_client_execute (target, "true", &run);
  if (run.error != NULL || run.status != 0)
    g_error ("true: %s", run.error != NULL ? run.error->message : "failed");
  return (double)(g_get_monotonic_time () - start) / 1000;
}

static double
theirs (const char *const *options)
{
  gint64 start = g_get_monotonic_time ();
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  int status = 0;

  g_ptr_array_add (argv, (gpointer) "ssh");
  g_ptr_array_add (argv, (gpointer) "-F");
  g_ptr_array_add (argv, (gpointer)g_getenv ("HOOKRUN_SSH_CONFIG"));
  for (guint i = 0; options[i] != NULL; i++)
    g_ptr_array_add (argv, (gpointer)options[i]);
  g_ptr_array_add (argv, (gpointer) "host");
  g_ptr_array_add (argv, (gpointer) "true");
  g_ptr_array_add (argv, NULL);
  if (!g_spawn_sync (NULL, (char **)argv->pdata, NULL,
                     G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, NULL,
                     &status, &error) ||
      status != 0)
    g_error ("ssh failed");
  return (double)(g_get_monotonic_time () - start) / 1000;
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *)a;
  double y = *(const double *)b;

  return (x > y) - (x < y);
}

static double
median (double *values)
{
  qsort (values, ROUNDS, sizeof *values, compare);
  return values[ROUNDS / 2];
}

static void
report (const char *peer, double us, double them, double limit)
{
  printf ("{\"group\":\"remote\",\"name\":\"connect and run true\",\"ours\":%.1f,\"unit\":\"ms\","
          "\"peer\":\"%s\",\"peer_value\":%.1f,\"ratio\":%.2f,\"limit\":\"<= %.1f x\","
          "\"ok\":%s}\n",
          us, peer, them, us / them, limit, us / them <= limit ? "true" : "false");
}

int
main (void)
{
  const char *const defaults[] = {NULL};
  const char *const same[] = {"-oKexAlgorithms=curve25519-sha256", "-oCiphers=aes128-ctr",
                              "-oMACs=hmac-sha2-256", NULL};
  double a[ROUNDS], b[ROUNDS], c[ROUNDS];
  double us;

  {
    g_autoptr (SshdFixture) server = sshd_fixture_new (NULL);

    sshd_fixture_use (server, NULL);
    for (guint i = 0; i < ROUNDS; i++) {
      a[i] = ours ();
      b[i] = theirs (defaults);
      c[i] = theirs (same);
    }
  }
  us = median (a);
  report ("ssh", us, median (b), 0.4);
  report ("ssh, same kex and cipher", us, median (c), 0.4);
  return EXIT_SUCCESS;
}
