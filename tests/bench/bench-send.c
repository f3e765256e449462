/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sends 10,000 files and 200 MB, half text and half incompressible, to a real sshd on the loopback:
 * first, unchanged, and with 1 % of the files changed. The peer is rsync with ssh, with the key
 * exchange, cipher and MAC that the library uses. Each measurement makes its own connection, takes
 * its turn with the peer's, and has a copy at the target of its own.
 */
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hookrun.h>

#include "sshd-fixture.h"

#define ROUNDS 5
#define N_FOLDERS 100
#define N_FILES 100
#define FILE_SIZE 20000

typedef enum { FIRST, UNCHANGED, CHANGED, N_CASES } Case;

static const struct {
  const char *name;
  double limit;
} cases[N_CASES] = {
    [FIRST] = {"send 10,000 files, 200 MB", 1.1},
    [UNCHANGED] = {"send again, unchanged", 0.9},
    [CHANGED] = {"send again, 1 % changed", 0.9},
};

static void G_GNUC_PRINTF (1, 2) shell (const char *format, ...)
{
  va_list args;
  g_autofree char *script = NULL;
  const char *argv[] = {"/bin/sh", "-c", NULL, NULL};
  int status = 1;

  va_start (args, format);
  script = g_strdup_vprintf (format, args);
  va_end (args);
  argv[2] = script;
  if (!g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status,
                     NULL) ||
      status != 0)
    g_error ("failed: %s", script);
}

/* Contents that depend on the number and the round alone. */
static void
write_file (const char *folder, guint number, guint32 round)
{
  static const char *const words[] = {"signal ", "handler ", "release ", "target\n", "module "};
  g_autofree char *path =
      g_strdup_printf ("%s/d%u/f%u", folder, number / N_FILES, number % N_FILES);
  g_autoptr (GRand) rand = g_rand_new_with_seed (number + round * 1000003u);
  g_autoptr (GString) text = g_string_sized_new (FILE_SIZE + 16);

  while (text->len < FILE_SIZE)
    if (number % 2 == 0) {
      guint32 value = g_rand_int (rand);

      g_string_append_len (text, (const char *)&value, sizeof value);
    } else {
      g_string_append (text, words[g_rand_int_range (rand, 0, G_N_ELEMENTS (words))]);
    }
  if (!g_file_set_contents_full (path, text->str, FILE_SIZE, G_FILE_SET_CONTENTS_NONE, 0644, NULL))
    g_error ("cannot write %s", path);
}

static double
ours (const char *source, const char *destination)
{
  gint64 start = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunTarget) target = hookrun_target_new_for_spec ("host", &error);
  g_autoptr (HookrunSync) sync = hookrun_sync_new ();
  g_autoptr (HookrunSyncResult) result =
      hookrun_sync_run (sync, target, source, destination, NULL, &error);

  if (result == NULL || hookrun_sync_result_get_engine (result) != HOOKRUN_SYNC_ENGINE_RSYNC)
    g_error ("sync: %s", error != NULL ? error->message : "rsync was not used");
  return (double)(g_get_monotonic_time () - start) / 1000;
}

static double
theirs (const char *source, const char *destination)
{
  gint64 start = g_get_monotonic_time ();

  shell ("rsync -a --delete -e 'ssh -F %s -oKexAlgorithms=curve25519-sha256 -oCiphers=aes128-ctr "
         "-oMACs=hmac-sha2-256' %s/ host:%s/",
         g_getenv ("HOOKRUN_SSH_CONFIG"), source, destination);
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

/* One turn each; who is first changes from round to round. */
static void
measure (guint round, const char *folder, double *us, double *them)
{
  g_autofree char *source = g_build_filename (folder, "source", NULL);
  g_autofree char *mine = g_build_filename (folder, "ours", NULL);
  g_autofree char *yours = g_build_filename (folder, "theirs", NULL);

  if (round % 2 == 0)
    *us = ours (source, mine);
  *them = theirs (source, yours);
  if (round % 2 == 1)
    *us = ours (source, mine);
}

static void
report (Case which, double us, double them)
{
  printf ("{\"group\":\"remote\",\"name\":\"%s\",\"ours\":%.0f,\"unit\":\"ms\","
          "\"peer\":\"rsync -e ssh, same kex and cipher\",\"peer_value\":%.0f,\"ratio\":%.2f,"
          "\"limit\":\"<= %.1f x\",\"ok\":%s}\n",
          cases[which].name, us, them, us / them, cases[which].limit,
          us / them <= cases[which].limit ? "true" : "false");
}

static void
make_tree (const char *folder)
{
  for (guint i = 0; i < N_FOLDERS; i++) {
    g_autofree char *path = g_strdup_printf ("%s/source/d%u", folder, i);

    if (g_mkdir_with_parents (path, 0755) < 0)
      g_error ("cannot make %s", path);
  }
  for (guint i = 0; i < N_FOLDERS * N_FILES; i++) {
    g_autofree char *source = g_build_filename (folder, "source", NULL);

    write_file (source, i, 0);
  }
}

static void
run_rounds (const char *folder)
{
  double us[N_CASES][ROUNDS];
  double them[N_CASES][ROUNDS];
  g_autofree char *source = g_build_filename (folder, "source", NULL);

  for (guint round = 0; round < ROUNDS; round++) {
    shell ("rm -rf %s/ours %s/theirs", folder, folder);
    measure (round, folder, &us[FIRST][round], &them[FIRST][round]);
    measure (round, folder, &us[UNCHANGED][round], &them[UNCHANGED][round]);
    for (guint i = 0; i < N_FOLDERS * N_FILES / 100; i++)
      write_file (source, i * 100 + round, round + 1);
    measure (round, folder, &us[CHANGED][round], &them[CHANGED][round]);
  }
  shell ("diff -r %s/source %s/ours && diff -r %s/source %s/theirs", folder, folder, folder,
         folder);
  for (guint i = 0; i < N_CASES; i++)
    report (i, median (us[i]), median (them[i]));
}

/* In memory where that is possible: a disk that is slow for both hides what is measured. */
static char *
make_folder (void)
{
  char *folder = g_strdup ("/dev/shm/hookrun-bench-XXXXXX");

  if (g_mkdtemp (folder) != NULL)
    return folder;
  g_free (folder);
  return g_dir_make_tmp ("hookrun-bench-XXXXXX", NULL);
}

int
main (void)
{
  g_autofree char *folder = make_folder ();
  g_autoptr (SshdFixture) server = sshd_fixture_new (NULL);
  const char *build = g_getenv ("HOOKRUN_BUILD_ROOT");

  if (build != NULL) {
    g_autofree char *helper =
        g_build_filename (build, "libhookrun", "remote", "hookrun-remote-helper", NULL);

    g_setenv ("HOOKRUN_REMOTE_HELPER", helper, FALSE);
  }
  sshd_fixture_use (server, NULL);
  make_tree (folder);
  run_rounds (folder);
  shell ("rm -rf %s", folder);
  return EXIT_SUCCESS;
}
