/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What plugins cost: 200 native ones against dlopen, dlsym and a call of the same files, discovery
 * without loading, an executable hook against posix_spawn of the same program with the same pipes.
 * Loads are measured in children of their own, in turns, as a process maps a file only once.
 */
#include <hookrun.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_PLUGINS 200
#define N_ROUNDS 31
#define N_RUNS 400
#define MARK "bench-number-000"

static double
now_us (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Time of this process alone: loading waits for nothing, and others may be busy beside it. */
static double
cpu_us (void)
{
  struct timespec t;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *)a;
  double y = *(const double *)b;

  return (x > y) - (x < y);
}

/* The 10th percentile: what else the machine does only ever adds time. */
static double
typical (double *values, gsize n)
{
  qsort (values, n, sizeof *values, compare_doubles);
  return values[n / 10];
}

static void
report (const char *name, double ours, const char *unit, const char *peer, double peer_value,
        const char *limit, gboolean ok)
{
  g_print ("{\"group\":\"plugin\",\"name\":\"%s\",\"ours\":%.2f,\"unit\":\"%s\",\"peer\":\"%s\","
           "\"peer_value\":%.2f,\"ratio\":%.3f,\"limit\":\"%s\",\"ok\":%s}\n",
           name, ours, unit, peer, peer_value, peer_value > 0 ? ours / peer_value : 0.0, limit,
           ok ? "true" : "false");
}

/* ---- the plugins ---- */

static void
write_file (const char *path, const char *data, gsize length)
{
  g_autoptr (GError) error = NULL;

  if (!g_file_set_contents (path, data, (gssize)length, &error) || g_chmod (path, 0644) < 0)
    g_error ("cannot make %s: %s", path, error != NULL ? error->message : "chmod");
}

static void
make_plugin (const char *folder, char *code, gsize length, guint number)
{
  g_autofree char *id = g_strdup_printf ("bench-number-%03u", number);
  g_autofree char *so = g_strdup_printf ("%s/%s.so", folder, id);
  g_autofree char *json = g_strdup_printf ("%s/%s.json", folder, id);
  g_autofree char *manifest = g_strdup_printf (
      "{\n  \"id\": \"%s\",\n  \"version\": \"1.0\",\n  \"abi\": %d,\n  \"kind\": \"native\",\n"
      "  \"file\": \"%s.so\",\n  \"load\": \"at-start\",\n  \"signals\": [\"bench.run\"],\n"
      "  \"description\": \"One of many\"\n}\n",
      id, HOOKRUN_PLUGIN_ABI, id);
  char *mark = memmem (code, length, MARK, strlen (MARK));

  if (mark == NULL)
    g_error ("the sample has no \"%s\"", MARK);
  memcpy (mark, id, strlen (id));
  write_file (so, code, length);
  memcpy (mark, MARK, strlen (MARK));
  write_file (json, manifest, strlen (manifest));
}

static char *
make_plugins (const char *sample)
{
  char *folder = g_dir_make_tmp ("hookrun-bench-XXXXXX", NULL);
  g_autofree char *code = NULL;
  gsize length = 0;

  if (folder == NULL || !g_file_get_contents (sample, &code, &length, NULL))
    g_error ("cannot read %s", sample);
  for (guint i = 0; i < N_PLUGINS; i++)
    make_plugin (folder, code, length, i);
  return folder;
}

static void
remove_plugins (char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);

    g_unlink (path);
  }
  g_rmdir (folder);
  g_free (folder);
}

/* ---- in children: each prints microseconds of its own time ---- */

static HookrunEngine *
new_engine (const char *folder)
{
  g_autoptr (HookrunRegistry) registry = hookrun_registry_new ();
  HookrunEngine *engine = hookrun_engine_new (registry);

  hookrun_registry_define (registry, "bench.run", HOOKRUN_SIGNAL_NONE, NULL, 0, NULL);
  if (folder != NULL)
    hookrun_engine_add_search_path (engine, folder);
  return engine;
}

static void
discover_all (HookrunEngine *engine)
{
  g_autoptr (GError) error = NULL;

  if (!hookrun_engine_discover (engine, &error))
    g_error ("%s", error->message);
}

static void
child_load (const char *folder)
{
  g_autoptr (HookrunEngine) engine = new_engine (folder);
  HookrunActivation *wishes[N_PLUGINS];
  g_autoptr (GError) error = NULL;
  double start;

  discover_all (engine);
  for (guint i = 0; i < N_PLUGINS; i++) {
    g_autofree char *id = g_strdup_printf ("bench-number-%03u", i);

    wishes[i] = hookrun_activation_new (id, NULL, NULL, NULL);
  }
  start = cpu_us ();
  if (!hookrun_engine_activate (engine, wishes, N_PLUGINS, &error))
    g_error ("%s", error->message);
  g_print ("%.3f\n", cpu_us () - start);
  _exit (0);
}

static void
child_dlopen (const char *folder)
{
  char *paths[N_PLUGINS];
  double start;

  for (guint i = 0; i < N_PLUGINS; i++)
    paths[i] = g_strdup_printf ("%s/bench-number-%03u.so", folder, i);
  /* As warm as the other child: the library is in use before the clock starts. */
  g_object_unref (new_engine (folder));
  start = cpu_us ();
  for (guint i = 0; i < N_PLUGINS; i++) {
    gpointer handle = dlopen (paths[i], RTLD_NOW | RTLD_LOCAL);
    gpointer (*entry) (void) = NULL;

    if (handle != NULL)
      *(gpointer *)&entry = dlsym (handle, "bench_start");
    if (entry == NULL || entry () == NULL)
      g_error ("%s", dlerror ());
  }
  g_print ("%.3f\n", cpu_us () - start);
  _exit (0);
}

static void
child_discover (const char *folder)
{
  double start;
  HookrunEngine *engine;

  g_object_unref (new_engine (folder));
  engine = new_engine (folder);
  discover_all (engine);
  g_object_unref (engine);
  engine = new_engine (folder);
  start = cpu_us ();
  discover_all (engine);
  g_print ("%.3f\n", cpu_us () - start);
  _exit (0);
}

/* Bare reading of the same files, for scale. */
static void
child_read (const char *folder)
{
  char buffer[4096];
  double start = cpu_us ();
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;
  int folder_fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  while ((name = g_dir_read_name (dir)) != NULL) {
    int fd;

    if (!g_str_has_suffix (name, ".json"))
      continue;
    fd = openat (folder_fd, name, O_RDONLY | O_CLOEXEC);
    if (read (fd, buffer, sizeof buffer) <= 0)
      g_error ("cannot read %s", name);
    close (fd);
  }
  g_print ("%.3f\n", cpu_us () - start);
  _exit (0);
}

static const struct {
  const char *word;
  void (*func) (const char *folder);
} children[] = {
    {"load", child_load},
    {"dlopen", child_dlopen},
    {"discover", child_discover},
    {"read", child_read},
};

static double
run_child (const char *self, const char *word, const char *folder)
{
  const char *argv[] = {self, word, folder, NULL};
  g_autofree char *output = NULL;
  int status = 0;

  if (!g_spawn_sync (NULL, (char **)(gpointer)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output,
                     NULL, &status, NULL) ||
      status != 0)
    g_error ("%s %s failed", self, word);
  return g_ascii_strtod (output, NULL);
}

static void
bench_children (const char *self, const char *folder)
{
  double values[G_N_ELEMENTS (children)][N_ROUNDS];
  double each[G_N_ELEMENTS (children)];

  for (guint round = 0; round < N_ROUNDS; round++)
    for (gsize i = 0; i < G_N_ELEMENTS (children); i++)
      values[i][round] = run_child (self, children[i].word, folder);
  for (gsize i = 0; i < G_N_ELEMENTS (children); i++)
    each[i] = typical (values[i], N_ROUNDS) / N_PLUGINS;
  report ("load 200 plugins, each", each[0], "us", "dlopen, dlsym, call", each[1], "<= 1.15x",
          each[0] <= 1.15 * each[1]);
  report ("discover without loading, each", each[2], "us", "open and read", each[3], "<= 15 us",
          each[2] <= 15.0);
}

/* ---- an executable hook ---- */

/* The same program with the same three pipes and input, and nothing else. */
static void
spawn_plainly (const char *program)
{
  char *argv[] = {(char *)program, NULL};
  posix_spawn_file_actions_t actions;
  int pipes[3][2];
  int input = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  char buffer[4096];
  pid_t pid;
  int status;

  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_adddup2 (&actions, input, 0);
  for (int i = 0; i < 3; i++) {
    if (pipe2 (pipes[i], O_CLOEXEC) < 0)
      g_error ("pipe2");
    posix_spawn_file_actions_adddup2 (&actions, pipes[i][1], i + 1);
  }
  if (posix_spawn (&pid, program, &actions, NULL, argv, environ) != 0)
    g_error ("posix_spawn %s", program);
  posix_spawn_file_actions_destroy (&actions);
  close (input);
  for (int i = 0; i < 3; i++)
    close (pipes[i][1]);
  for (int i = 0; i < 3; i++) {
    while (read (pipes[i][0], buffer, sizeof buffer) > 0)
      continue;
    close (pipes[i][0]);
  }
  waitpid (pid, &status, 0);
}

static HookrunSignal *
prepare_hook (HookrunEngine *engine, const char *program)
{
  static const HookrunField fields[] = {
      {"host", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_NONE, NULL},
      {"release", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_NONE, NULL},
  };
  HookrunRegistry *registry = hookrun_engine_get_registry (engine);
  HookrunSignal *signal = hookrun_registry_define (registry, "bench.hook", HOOKRUN_SIGNAL_NONE,
                                                   fields, G_N_ELEMENTS (fields), NULL);
  g_autofree char *json = g_strdup_printf (
      "{\"id\":\"hook\",\"version\":\"1\",\"kind\":\"executable\",\"command\":[\"%s\"],"
      "\"signals\":[\"bench.hook\"]}",
      program);
  g_autoptr (JsonNode) node = json_from_string (json, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunManifest) manifest =
      hookrun_manifest_new_from_json (node, "bench", NULL, &error);

  if (manifest == NULL || hookrun_engine_add_manifest (engine, manifest, &error) == NULL ||
      !hookrun_engine_activate_plugin (engine, "hook", NULL, NULL, NULL, &error))
    g_error ("%s", error->message);
  return signal;
}

static void
emit_hook (HookrunSignal *signal)
{
  g_autoptr (HookrunData) data = hookrun_data_new (hookrun_signal_get_schema (signal));
  g_autoptr (GError) error = NULL;

  hookrun_data_slot_set_string (data, 0, "example.org");
  hookrun_data_slot_set_string (data, 1, "stable");
  if (hookrun_signal_emit (signal, data, &error) == HOOKRUN_FAILED)
    g_error ("%s", error->message);
}

static void
bench_hook (const char *name, const char *program)
{
  g_autoptr (HookrunEngine) engine = new_engine (NULL);
  HookrunSignal *signal = prepare_hook (engine, program);
  double ours[N_RUNS];
  double peer[N_RUNS];

  for (guint i = 0; i < N_RUNS; i++) {
    double start = now_us ();

    emit_hook (signal);
    ours[i] = now_us () - start;
    start = now_us ();
    spawn_plainly (program);
    peer[i] = now_us () - start;
  }
  {
    double mine = typical (ours, N_RUNS);
    double other = typical (peer, N_RUNS);

    report (name, mine, "us", "posix_spawn", other, "<= 1.2x", mine <= 1.2 * other);
  }
}

static void
bench_shell_hook (void)
{
  g_autofree char *folder = g_dir_make_tmp ("hookrun-bench-XXXXXX", NULL);
  g_autofree char *script = g_build_filename (folder, "hook", NULL);

  g_file_set_contents (script, "#!/bin/sh\nexit 0\n", -1, NULL);
  g_chmod (script, 0755);
  bench_hook ("executable hook, shell script", script);
  g_unlink (script);
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *here = g_path_get_dirname (self);
  g_autofree char *sample = g_build_filename (here, "bench-plugin-sample.so", NULL);
  char *folder;

  for (gsize i = 0; argc == 3 && i < G_N_ELEMENTS (children); i++)
    if (g_str_equal (argv[1], children[i].word))
      children[i].func (argv[2]);
  folder = make_plugins (sample);
  /* Plugins are not installed in the moment before they are used; that moment has checks of its
   * own. */
  g_usleep (2500000);
  bench_children (self, folder);
  remove_plugins (folder);
  bench_hook ("executable hook, /bin/true", "/bin/true");
  bench_shell_hook ();
  return 0;
}
