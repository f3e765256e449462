/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A durable commit of one staged file, from the answer to all of it on disk, against the least a
 * careful program can do by hand: write a file beside it, fsync, rename over, fsync the folder.
 * Then ten files in one commit, and the freezing before it. In a folder of the working folder's
 * filesystem.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <hookrun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS 300
#define SIZE 4096

typedef struct {
  char *root;
  char *targets;
  char *stage;
  HookrunStaging *staging;
  char text[SIZE];
  guint round;
} Bench;

static void
must (gboolean ok, const GError *error)
{
  if (!ok)
    g_error ("%s", error != NULL ? error->message : g_strerror (errno));
}

static void
write_file (const char *path, const char *text)
{
  g_autoptr (GError) error = NULL;
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

  must (fd >= 0 && write (fd, text, SIZE) == SIZE, NULL);
  close (fd);
}

static void
set_up (Bench *bench)
{
  g_autofree char *here = g_get_current_dir ();
  g_autofree char *state = NULL;
  g_autoptr (GError) error = NULL;

  *bench = (Bench){0};
  bench->root = g_build_filename (here, "bench-staging-XXXXXX", NULL);
  must (g_mkdtemp (bench->root) != NULL, NULL);
  bench->targets = g_build_filename (bench->root, "targets", NULL);
  bench->stage = g_build_filename (bench->root, "stage", NULL);
  state = g_build_filename (bench->root, "state", NULL);
  must (g_mkdir (bench->targets, 0755) == 0, NULL);
  bench->staging = hookrun_staging_new (state, &error);
  must (bench->staging != NULL, error);
  memset (bench->text, 'x', SIZE);
}

static void
tear_down (Bench *bench)
{
  const char *argv[] = {"rm", "-rf", bench->root, NULL};

  g_clear_object (&bench->staging);
  g_spawn_sync (NULL, (char **)(gpointer)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                NULL, NULL);
  g_free (bench->root);
  g_free (bench->targets);
  g_free (bench->stage);
}

static char *
target (Bench *bench, guint index)
{
  g_autofree char *name = g_strdup_printf ("target-%u.conf", index);

  return g_build_filename (bench->targets, name, NULL);
}

static void
next_text (Bench *bench)
{
  g_snprintf (bench->text, 16, "%014u\n", ++bench->round);
}

static double
elapsed_us (gint64 start)
{
  return (double)(g_get_monotonic_time () - start);
}

/* By hand, with the file opened, written, synced, renamed and its folder synced. */
static double
by_hand (Bench *bench)
{
  g_autofree char *path = target (bench, 100);
  g_autofree char *temporary = g_strconcat (path, ".tmp", NULL);
  gint64 start;
  int fd, folder;

  next_text (bench);
  start = g_get_monotonic_time ();
  fd = open (temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  must (fd >= 0 && write (fd, bench->text, SIZE) == SIZE && fsync (fd) == 0, NULL);
  close (fd);
  must (rename (temporary, path) == 0, NULL);
  folder = open (bench->targets, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  must (folder >= 0 && fsync (folder) == 0, NULL);
  close (folder);
  return elapsed_us (start);
}

static GPtrArray *
freeze (Bench *bench, guint n_files, double *us)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunStage) stage = NULL;
  GPtrArray *changes;
  gint64 start;

  must (g_mkdir (bench->stage, 0700) == 0, NULL);
  stage = hookrun_stage_new (bench->staging, "bench", bench->stage, &error);
  must (stage != NULL, error);
  next_text (bench);
  for (guint i = 0; i < n_files; i++) {
    g_autofree char *path = target (bench, i);
    g_autofree char *staged = hookrun_stage_declare (stage, path, &error);

    must (staged != NULL, error);
    write_file (staged, bench->text);
    g_unlink (staged);
    write_file (staged, bench->text);
  }
  start = g_get_monotonic_time ();
  changes = hookrun_stage_freeze (stage, &error);
  must (changes != NULL && changes->len == n_files, error);
  *us = elapsed_us (start);
  for (guint i = 0; i < n_files; i++) {
    g_autofree char *name = g_strdup_printf ("%s/%u-target-%u.conf", bench->stage, i, i);

    g_unlink (name);
    hookrun_staged_change_set_answer (changes->pdata[i], HOOKRUN_STAGING_ANSWER_APPLY);
  }
  must (g_rmdir (bench->stage) == 0, NULL);
  return changes;
}

static double
commit (Bench *bench, guint n_files, double *freeze_us)
{
  g_autoptr (GPtrArray) changes = freeze (bench, n_files, freeze_us);
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();

  must (hookrun_staging_settle (bench->staging, changes, NULL, &error), error);
  return elapsed_us (start);
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *)a;
  double y = *(const double *)b;

  return (x > y) - (x < y);
}

static double
tenth (double *values, guint n)
{
  qsort (values, n, sizeof *values, compare);
  return values[n / 10];
}

/* The disk decides most of it; on one where the peer's two syncs alone take the time, ours may take
 * as much more as its third sync costs. */
static void
report (const char *name, double ours, double peer, double limit, double factor)
{
  printf ("{\"group\":\"staging\",\"name\":\"%s\",\"ours\":%.1f,\"unit\":\"us\","
          "\"peer\":\"write, fsync, rename, fsync\",\"peer_value\":%.1f,\"ratio\":%.2f",
          name, ours, peer, ours / peer);
  if (limit > 0)
    printf (",\"limit\":\"<= %.0f us, or %.2f x\",\"ok\":%s", limit, factor,
            ours <= limit || ours / peer <= factor ? "true" : "false");
  printf ("}\n");
}

int
main (void)
{
  static double one[ROUNDS], ten[ROUNDS], hand[ROUNDS], frozen[ROUNDS];
  double ignored;
  double peer;
  Bench bench;

  set_up (&bench);
  for (guint i = 0; i < 10; i++) {
    g_autofree char *path = target (&bench, i);

    write_file (path, bench.text);
  }
  for (guint i = 0; i < ROUNDS; i++) {
    hand[i] = by_hand (&bench);
    one[i] = commit (&bench, 1, &frozen[i]);
    ten[i] = i % 10 == 0 ? commit (&bench, 10, &ignored) : ten[i - 1];
  }
  peer = tenth (hand, ROUNDS);
  report ("durable commit of a staged file", tenth (one, ROUNDS), peer, 600, 1.75);
  report ("ten files in one commit, each", tenth (ten, ROUNDS) / 10, peer, 0, 0);
  report ("freeze a staged file", tenth (frozen, ROUNDS), peer, 0, 0);
  tear_down (&bench);
  return 0;
}
