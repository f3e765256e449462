/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a listing of modules costs: 500 modules in C that were never seen, the same from the cache,
 * and the program's own listing of 100 modules of all kinds. Cold, the peer is an unconfined
 * process for each module (posix_spawn of /bin/true); warm, it is `ls -l` of the same folder. Ours
 * and the peer take turns; the 10th percentile of each counts.
 */
#include <glib/gstdio.h>
#include <hookrun.h>

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_NATIVE 500
#define N_LISTED 100
#define COLD_ROUNDS 15
#define WARM_ROUNDS 31
/* A file is known by its times only once they are older than this. */
#define SETTLE_US (1200 * 1000)

extern char **environ;

static char *folder;

static double
now_ms (void)
{
  return (double)g_get_monotonic_time () / 1000;
}

static int
compare (const void *a, const void *b)
{
  const double first = *(const double *)a;
  const double second = *(const double *)b;

  return first < second ? -1 : first > second;
}

static double
tenth_percentile (double *values, gsize n)
{
  qsort (values, n, sizeof *values, compare);
  return values[n / 10];
}

static void
report (const char *name, double ours, const char *peer, double peer_value, double limit)
{
  printf ("{\"group\":\"module\",\"name\":\"%s\",\"ours\":%.1f,\"unit\":\"ms\",\"peer\":\"%s\","
          "\"peer_value\":%.1f,\"ratio\":%.2f,\"limit\":\"<= %.0f ms\",\"ok\":%s}\n",
          name, ours, peer, peer_value, ours / peer_value, limit, ours <= limit ? "true" : "false");
  fflush (stdout);
}

static char *
in_folder (const char *name)
{
  return g_build_filename (folder, name, NULL);
}

static void
must (gboolean ok, GError *error)
{
  if (!ok)
    g_error ("%s", error != NULL ? error->message : "failed");
}

/* Copies that differ: each has its number behind its end. */
static void
make_copies (const char *source, const char *place, const char *ending, guint first, guint n)
{
  g_autofree char *text = NULL;
  GError *error = NULL;
  gsize length;

  must (g_file_get_contents (source, &text, &length, &error), error);
  text = g_realloc (text, length + 32);
  for (guint i = first; i < first + n; i++) {
    g_autofree char *path = g_strdup_printf ("%s/m%03u%s", place, i, ending);
    gsize extra = (gsize)g_snprintf (text + length, 32, "\n# %u\n", i);

    must (g_file_set_contents_full (path, text, (gssize)(length + extra), G_FILE_SET_CONTENTS_NONE,
                                    *ending == '\0' ? 0755 : 0644, &error),
          error);
  }
}

static char *
make_folder (const char *name)
{
  char *path = in_folder (name);

  g_mkdir (path, 0700);
  return path;
}

/* ---- the library ---- */

static double
list (const char *modules, const char *cache, guint expected)
{
  const char *const folders[] = {modules, NULL};
  g_autofree char *state = in_folder ("state");
  g_autoptr (HookrunModulePath) path = hookrun_module_path_new (folders, state, cache);
  g_autoptr (GPtrArray) sets = NULL;
  GError *error = NULL;
  double began = now_ms ();

  sets = hookrun_module_path_list (path, NULL, &error);
  must (sets != NULL && sets->len == expected, error);
  for (guint i = 0; i < sets->len; i++)
    if (hookrun_operation_set_get_problem (sets->pdata[i]) != NULL)
      g_error ("%s", hookrun_operation_set_get_problem (sets->pdata[i])->message);
  return now_ms () - began;
}

static double
run (const char *const *argv)
{
  posix_spawn_file_actions_t actions;
  double began = now_ms ();
  pid_t pid;
  int status;

  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_addopen (&actions, 1, "/dev/null", O_WRONLY, 0);
  if (posix_spawn (&pid, argv[0], &actions, NULL, (char *const *)(gpointer)argv, environ) != 0)
    g_error ("cannot run %s", argv[0]);
  posix_spawn_file_actions_destroy (&actions);
  waitpid (pid, &status, 0);
  if (!WIFEXITED (status) || WEXITSTATUS (status) != 0)
    g_error ("%s failed", argv[0]);
  return now_ms () - began;
}

static void
measure_native (const char *source)
{
  static const char *const bare[] = {"/bin/true", NULL};
  g_autofree char *modules = make_folder ("native");
  const char *const ls[] = {"/bin/ls", "-l", modules, NULL};
  double cold[COLD_ROUNDS];
  double spawned[COLD_ROUNDS] = {0};
  double warm[WARM_ROUNDS];
  double listed[WARM_ROUNDS];
  g_autofree char *cache = NULL;

  make_copies (source, modules, ".so", 0, N_NATIVE);
  g_usleep (SETTLE_US);
  for (guint i = 0; i < COLD_ROUNDS; i++) {
    g_autofree char *name = g_strdup_printf ("cache%u", i);

    g_free (cache);
    cache = make_folder (name);
    cold[i] = list (modules, cache, N_NATIVE);
    for (guint n = 0; n < N_NATIVE; n++)
      spawned[i] += run (bare);
  }
  for (guint i = 0; i < WARM_ROUNDS; i++) {
    warm[i] = list (modules, cache, N_NATIVE);
    listed[i] = run (ls);
  }
  report ("500 modules in C, described", tenth_percentile (cold, COLD_ROUNDS), "500 processes",
          tenth_percentile (spawned, COLD_ROUNDS), 250);
  report ("the same, cached", tenth_percentile (warm, WARM_ROUNDS), "ls -l",
          tenth_percentile (listed, WARM_ROUNDS), 20);
}

/* ---- the program ---- */

static void
measure_program (const char *build, const char *source, const char *root)
{
  static const struct {
    const char *file;
    const char *ending;
  } forms[] = {
      {"python/shopping.pmodule", ".pmodule"},
      {"shell/shopping.eselect", ".eselect"},
      {"executable/shopping", ""},
  };
  g_autofree char *modules = make_folder ("all");
  g_autofree char *program = g_build_filename (build, "tools/module/hookrun-module", NULL);
  const char *const ours[] = {program, "--path", modules, "list", NULL};
  const char *const ls[] = {"/bin/ls", "-l", modules, NULL};
  double warm[WARM_ROUNDS];
  double listed[WARM_ROUNDS];
  guint each = N_LISTED / 4;

  make_copies (source, modules, ".so", 0, each);
  for (guint i = 0; i < G_N_ELEMENTS (forms); i++) {
    g_autofree char *file = g_build_filename (root, "demo/modules", forms[i].file, NULL);

    make_copies (file, modules, forms[i].ending, each * (i + 1), each);
  }
  g_usleep (SETTLE_US);
  run (ours);
  for (guint i = 0; i < WARM_ROUNDS; i++) {
    warm[i] = run (ours);
    listed[i] = run (ls);
  }
  report ("hookrun-module list, 100 modules, warm", tenth_percentile (warm, WARM_ROUNDS), "ls -l",
          tenth_percentile (listed, WARM_ROUNDS), 50);
}

int
main (void)
{
  const char *build = g_getenv ("HOOKRUN_BUILD_ROOT");
  const char *root = g_getenv ("HOOKRUN_SOURCE_ROOT");
  g_autofree char *source = g_build_filename (build, "demo/shopping.so", NULL);
  g_autofree char *hosts = g_build_filename (build, "libhookrun/module/hosts", NULL);
  g_autofree char *python = g_build_filename (root, "bindings/python/hookrun_module", NULL);
  g_autofree char *state = NULL;
  g_autofree char *cache = NULL;
  const char *rm[] = {"/bin/rm", "-rf", NULL, NULL};

  folder = g_dir_make_tmp ("hookrun-bench-XXXXXX", NULL);
  state = in_folder ("state");
  cache = in_folder ("cache");
  g_setenv ("HOOKRUN_MODULE_HOSTS", hosts, TRUE);
  g_setenv ("HOOKRUN_PYTHON_MODULE", python, TRUE);
  g_setenv ("HOOKRUN_STATE_DIR", state, TRUE);
  g_setenv ("HOOKRUN_CACHE_DIR", cache, TRUE);
  measure_native (source);
  measure_program (build, source, root);
  rm[2] = folder;
  run (rm);
  g_free (folder);
  return 0;
}
