/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an event costs that a worker handles: ten fields go out, two come back changed. The peer is
 * a bare echo over a socket pair, which carries the same number of bytes both ways and looks at
 * none of them. The program is its own peer and its own worker, told apart by its first argument.
 * Ours and the peer are measured in turns, once free and once on one processor, where waking costs
 * least.
 */
#include <hookrun.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS 31
#define CALLS 200
#define CHANNEL 3
#define CHANGES "{\"verdict\":\"continue\",\"patch\":{\"version\":\"1.2.4\",\"count\":13}}"

static const HookrunField fields[] = {
    {"module", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_NONE, NULL},
    {"moduledir", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_NONE, NULL},
    {"host", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_NONE, NULL},
    {"address", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_NONE, NULL},
    {"release", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_NONE, NULL},
    {"config", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_NONE, NULL},
    {"destpath", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_NONE, NULL},
    {"version", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_NONE, NULL},
    {"force", HOOKRUN_FIELD_BOOLEAN, HOOKRUN_FIELD_NONE, NULL},
    {"count", HOOKRUN_FIELD_INT, HOOKRUN_FIELD_NONE, NULL},
};

static const char *const values[] = {
    "shop",   "/srv/project/shop", "web1",      "deploy@web1.example.org",
    "stable", "production",        "/srv/shop", "1.2.3",
};

/* ---- the worker and the echo ---- */

static void
send_all (int fd, const char *data, size_t length)
{
  while (length > 0) {
    ssize_t n = send (fd, data, length, MSG_NOSIGNAL);

    if (n <= 0)
      _exit (0);
    data += n;
    length -= (size_t)n;
  }
}

static void
reply (const char *line)
{
  char text[512];
  const char *id = strstr (line, "\"id\":");
  const char *result = CHANGES;

  if (id == NULL || strncmp (line, "{\"jsonrpc\":\"2.0\",\"method\"", 25) == 0)
    return;
  if (strstr (line, "\"initialize\"") != NULL)
    result = "{\"protocol\":1}";
  else if (strstr (line, "\"plugin.activate\"") != NULL)
    result = "{\"handlers\":[{\"signal\":\"bench\",\"handler\":\"h\",\"id\":\"h\"}]}";
  snprintf (text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":%s}\n",
            strtol (id + 5, NULL, 10), result);
  send_all (CHANNEL, text, strlen (text));
}

static int
run_worker (void)
{
  static char buffer[65536];
  size_t used = 0;

  for (;;) {
    ssize_t n = recv (CHANNEL, buffer + used, sizeof buffer - used - 1, 0);
    char *end;

    if (n <= 0)
      return 0;
    used += (size_t)n;
    buffer[used] = '\0';
    while ((end = memchr (buffer, '\n', used)) != NULL) {
      *end = '\0';
      reply (buffer);
      used -= (size_t)(end + 1 - buffer);
      memmove (buffer, end + 1, used + 1);
    }
  }
}

static int
run_echo (int fd, size_t request, size_t answer)
{
  static char buffer[65536];

  for (;;) {
    size_t done = 0;

    while (done < request) {
      ssize_t n = recv (fd, buffer + done, request - done, 0);

      if (n <= 0)
        return 0;
      done += (size_t)n;
    }
    send_all (fd, buffer, answer);
  }
}

/* ---- what is measured ---- */

typedef struct {
  HookrunSignal *signal;
  HookrunSignal *python;
  HookrunSignal *native;
  HookrunData *data;
  int echo;
  size_t request;
  size_t answer;
} Bench;

static double
now_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double
measure_signal (HookrunSignal *signal, HookrunData *data)
{
  double begin = now_us ();

  for (int i = 0; i < CALLS; i++) {
    g_autoptr (GError) error = NULL;

    if (hookrun_signal_emit (signal, data, &error) == HOOKRUN_FAILED) {
      fprintf (stderr, "%s\n", error->message);
      exit (1);
    }
  }
  return (now_us () - begin) / CALLS;
}

static double
measure_echo (const Bench *bench)
{
  static char buffer[65536];
  double begin = now_us ();

  for (int i = 0; i < CALLS; i++) {
    size_t done = 0;

    send_all (bench->echo, buffer, bench->request);
    while (done < bench->answer) {
      ssize_t n = recv (bench->echo, buffer + done, bench->answer - done, 0);

      if (n <= 0)
        exit (1);
      done += (size_t)n;
    }
  }
  return (now_us () - begin) / CALLS;
}

/* ---- setting up ---- */

static HookrunData *
new_data (HookrunSignal *signal)
{
  HookrunData *data = hookrun_data_new (hookrun_signal_get_schema (signal));

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    hookrun_data_slot_set_string (data, i, values[i]);
  hookrun_data_slot_set_boolean (data, 8, FALSE);
  hookrun_data_slot_set_int (data, 9, 12);
  return data;
}

static void
activate (HookrunEngine *engine, const char *id, const char *kind, const char *code,
          const char *value)
{
  g_autofree char *text = g_strdup_printf (
      "{\"id\":\"%s\",\"version\":\"1\",\"kind\":\"%s\",\"load\":\"at-start\",\"%s\":%s}", id, kind,
      code, value);
  g_autoptr (JsonNode) node = json_from_string (text, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunManifest) manifest =
      hookrun_manifest_new_from_json (node, "bench", NULL, &error);

  if (manifest == NULL || hookrun_engine_add_manifest (engine, manifest, &error) == NULL ||
      !hookrun_engine_activate_plugin (engine, id, NULL, NULL, NULL, &error)) {
    fprintf (stderr, "%s\n", error->message);
    exit (1);
  }
}

static char *
write_python (const char *folder)
{
  char *file = g_build_filename (folder, "bench.py", NULL);
  static const char code[] = "import hookrun_worker as hookrun\n"
                             "@hookrun.on('bench-python')\n"
                             "def change(event):\n"
                             "    event.data['version'] = '1.2.4'\n"
                             "    event.data['count'] = event.data['count'] + 1\n";

  if (!g_file_set_contents (file, code, -1, NULL))
    exit (1);
  return file;
}

static void
start_echo (Bench *bench)
{
  int ends[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    exit (1);
  if (fork () == 0) {
    close (ends[0]);
    _exit (run_echo (ends[1], bench->request, bench->answer));
  }
  close (ends[1]);
  bench->echo = ends[0];
}

/* ---- results ---- */

static int
compare (gconstpointer a, gconstpointer b)
{
  double difference = *(const double *)a - *(const double *)b;

  return difference < 0 ? -1 : difference > 0;
}

/* The 10th percentile: other work on the machine only ever adds. */
static double
low (double *us)
{
  qsort (us, ROUNDS, sizeof (double), compare);
  return us[ROUNDS / 10];
}

static void
report (const char *name, const char *where, double ours, double peer, double limit)
{
  printf ("{\"group\":\"worker\",\"name\":\"%s, %s\",\"ours\":%.2f,\"unit\":\"us\",\"peer\":\"raw "
          "echo\","
          "\"peer_value\":%.2f,\"ratio\":%.2f,",
          name, where, ours, peer, ours / peer);
  if (limit > 0)
    printf ("\"limit\":\"<= %gx\",\"ok\":%s}\n", limit, ours / peer <= limit ? "true" : "false");
  else
    printf ("\"limit\":null,\"ok\":true}\n");
}

static void
measure_all (const Bench *bench, const char *where)
{
  double ours[ROUNDS];
  double python[ROUNDS];
  double native[ROUNDS];
  double echo[ROUNDS];

  for (int i = 0; i < ROUNDS; i++) {
    echo[i] = measure_echo (bench);
    ours[i] = measure_signal (bench->signal, bench->data);
    python[i] = measure_signal (bench->python, bench->data);
    native[i] = measure_signal (bench->native, bench->data);
  }
  report ("ten fields out, two back", where, low (ours), low (echo), 5);
  report ("the same, Python worker", where, low (python), low (echo), 0);
  report ("the same, native plugin with a policy", where, low (native), low (echo), 0);
}

/* From nothing to connected handlers: the process starts, opens the code and activates it. */
static double
measure_start (HookrunEngine *engine, const char *id)
{
  g_autoptr (GError) error = NULL;
  double begin;

  hookrun_engine_deactivate (engine, id, NULL);
  begin = now_us ();
  if (!hookrun_engine_activate_plugin (engine, id, NULL, NULL, NULL, &error)) {
    fprintf (stderr, "%s\n", error->message);
    exit (1);
  }
  return now_us () - begin;
}

static void
measure_starts (HookrunEngine *engine, const char *where)
{
  double native[ROUNDS];
  double python[ROUNDS];

  for (int i = 0; i < ROUNDS; i++) {
    native[i] = measure_start (engine, "bench.native");
    python[i] = measure_start (engine, "bench.python");
  }
  printf ("{\"group\":\"worker\",\"name\":\"start, native plugin with a policy, %s\",\"ours\":%.0f,"
          "\"unit\":\"us\",\"peer\":\"Python worker\",\"peer_value\":%.0f,\"ratio\":%.2f,"
          "\"limit\":null,\"ok\":true}\n",
          where, low (native), low (python), low (native) / low (python));
}

/* Children inherit it. */
static void
use_one_processor (void)
{
  cpu_set_t one;

  CPU_ZERO (&one);
  CPU_SET (0, &one);
  sched_setaffinity (0, sizeof one, &one);
}

static void
run_bench (const char *self, gboolean on_one)
{
  g_autoptr (HookrunRegistry) registry = hookrun_registry_new ();
  g_autoptr (HookrunEngine) engine = hookrun_engine_new (registry);
  g_autofree char *folder = g_dir_make_tmp ("hookrun-bench-XXXXXX", NULL);
  g_autofree char *file = write_python (folder);
  g_autofree char *command = g_strdup_printf ("[\"%s\",\"worker\"]", self);
  g_autofree char *python = g_strdup_printf ("\"%s\"", file);
  g_autofree char *here = g_path_get_dirname (self);
  g_autofree char *native = g_strdup_printf (
      "{\"base\":true,\"read\":[\"%s\"]},\"file\":\"%s/bench-native-sample.so\"", here, here);
  g_autoptr (HookrunData) data = NULL;
  Bench bench = {.answer = strlen ("{\"jsonrpc\":\"2.0\",\"id\":1000,\"result\":}\n" CHANGES)};
  g_autoptr (JsonNode) sample = NULL;
  g_autofree char *sample_text = NULL;

  if (on_one)
    use_one_processor ();
  bench.signal = hookrun_registry_define (registry, "bench", HOOKRUN_SIGNAL_NONE, fields,
                                          G_N_ELEMENTS (fields), NULL);
  bench.python =
      hookrun_registry_define_with_schema (registry, "bench-python", HOOKRUN_SIGNAL_NONE,
                                           hookrun_signal_get_schema (bench.signal), NULL);
  bench.data = data = new_data (bench.signal);
  bench.native =
      hookrun_registry_define_with_schema (registry, "bench-native", HOOKRUN_SIGNAL_NONE,
                                           hookrun_signal_get_schema (bench.signal), NULL);
  activate (engine, "bench", "worker", "command", command);
  activate (engine, "bench.python", "worker", "file", python);
  activate (engine, "bench.native", "native", "policy", native);
  sample = hookrun_data_to_json (data, TRUE);
  sample_text = json_to_string (sample, FALSE);
  bench.request = strlen (sample_text) + 180; /* with its envelope */
  start_echo (&bench);
  measure_signal (bench.python, data);
  measure_all (&bench, on_one ? "one processor" : "free");
  measure_starts (engine, on_one ? "one processor" : "free");
  hookrun_engine_deactivate_all (engine);
  close (bench.echo);
  unlink (file);
  rmdir (folder);
}

int
main (int argc, char **argv)
{
  const char *root = g_getenv ("HOOKRUN_SOURCE_ROOT");
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *worker = NULL;

  if (argc > 1 && strcmp (argv[1], "worker") == 0)
    return run_worker ();
  if (root != NULL && g_getenv ("HOOKRUN_PYTHON_WORKER") == NULL) {
    worker = g_build_filename (root, "bindings", "python", "hookrun_worker", NULL);
    g_setenv ("HOOKRUN_PYTHON_WORKER", worker, TRUE);
  }
  g_setenv ("HOOKRUN_NATIVE_WORKER", NATIVE_WORKER, FALSE);
  run_bench (self, FALSE);
  run_bench (self, TRUE);
  return 0;
}
