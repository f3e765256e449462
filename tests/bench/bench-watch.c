/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watching beside the least that can be done with inotify: two threads that add watches and list
 * folders, and a loop that reads events. Time until nothing is missed, own memory, time from a
 * write to the handler.
 */
#include <dirent.h>
#include <fcntl.h>
#include <hookrun.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_FOLDERS 100000
#define ROUNDS 5
#define SAMPLES 400

static char *folder;

static void
row (const char *name, const char *unit, double ours, const char *peer, double peer_value,
     double limit, gboolean is_ratio)
{
  double ratio = peer_value > 0 ? ours / peer_value : 0;
  gboolean ok = limit <= 0 || (is_ratio ? ratio : ours) <= limit;

  printf ("{\"group\":\"watch\",\"name\":\"%s\",\"ours\":%.3f,\"unit\":\"%s\"", name, ours, unit);
  if (peer != NULL)
    printf (",\"peer\":\"%s\",\"peer_value\":%.3f,\"ratio\":%.3f", peer, peer_value, ratio);
  if (limit > 0)
    printf (",\"limit\":\"<= %.4g%s\",\"ok\":%s", limit, is_ratio ? " x" : unit,
            ok ? "true" : "false");
  printf ("}\n");
  fflush (stdout);
}

static int
compare (const void *a, const void *b)
{
  double one = *(const double *)a;
  double other = *(const double *)b;

  return one < other ? -1 : one > other;
}

static double
quantile (double *values, int n, double part)
{
  qsort (values, (size_t)n, sizeof *values, compare);
  return values[(int)(part * (n - 1))];
}

/* ---- the raw loop ---- */

typedef struct {
  GMutex lock;
  GCond more;
  GPtrArray *paths;
  guint n_busy;
  int fd;
} Raw;

static void
raw_list (Raw *raw, const char *path)
{
  DIR *stream;
  struct dirent *entry;

  inotify_add_watch (raw->fd, path, IN_CREATE | IN_DELETE | IN_MOVE | IN_MODIFY | IN_CLOSE_WRITE);
  stream = opendir (path);
  while (stream != NULL && (entry = readdir (stream)) != NULL)
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
      char *below = g_strconcat (path, "/", entry->d_name, NULL);

      g_mutex_lock (&raw->lock);
      g_ptr_array_add (raw->paths, below);
      g_cond_signal (&raw->more);
      g_mutex_unlock (&raw->lock);
    }
  if (stream != NULL)
    closedir (stream);
}

static gpointer
raw_work (gpointer data)
{
  Raw *raw = data;

  g_mutex_lock (&raw->lock);
  for (;;) {
    char *path;

    while (raw->paths->len == 0 && raw->n_busy > 0)
      g_cond_wait (&raw->more, &raw->lock);
    if (raw->paths->len == 0)
      break;
    path = g_ptr_array_steal_index (raw->paths, raw->paths->len - 1);
    raw->n_busy++;
    g_mutex_unlock (&raw->lock);
    raw_list (raw, path);
    g_free (path);
    g_mutex_lock (&raw->lock);
    raw->n_busy--;
  }
  g_cond_broadcast (&raw->more);
  g_mutex_unlock (&raw->lock);
  return NULL;
}

static double
raw_ready (void)
{
  Raw raw = {.paths = g_ptr_array_new (), .fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK)};
  gint64 began = g_get_monotonic_time ();
  GThread *thread;
  double taken;

  g_ptr_array_add (raw.paths, g_strdup (folder));
  thread = g_thread_new ("raw", raw_work, &raw);
  raw_work (&raw);
  g_thread_join (thread);
  taken = (double)(g_get_monotonic_time () - began) / 1e6;
  g_ptr_array_unref (raw.paths);
  close (raw.fd);
  return taken;
}

/* ---- ours ---- */

static HookrunWatcher *
make_watcher (void)
{
  HookrunWatcher *watcher = hookrun_watcher_new ();

  hookrun_watcher_add_root (watcher, folder, HOOKRUN_WATCH_RECURSIVE, HOOKRUN_CHANGE_ALL, NULL);
  return watcher;
}

static double
own_memory (void)
{
  g_autofree char *text = NULL;
  const char *line;

  g_file_get_contents ("/proc/self/status", &text, NULL, NULL);
  line = strstr (text, "RssAnon:");
  return line != NULL ? (double)g_ascii_strtoull (line + 8, NULL, 10) / 1024 : 0;
}

static double
own_ready (double *memory)
{
  g_autoptr (HookrunWatcher) watcher = make_watcher ();
  g_autoptr (GError) error = NULL;
  double before;
  gint64 began;
  double taken;

  malloc_trim (0);
  before = own_memory ();
  began = g_get_monotonic_time ();
  if (!hookrun_watcher_start (watcher, NULL, &error))
    g_error ("%s", error->message);
  taken = (double)(g_get_monotonic_time () - began) / 1e6;
  *memory = own_memory () - before;
  return taken;
}

static void
bench_ready (void)
{
  double ours[ROUNDS], raw[ROUNDS], memory[ROUNDS];

  raw_ready ();
  for (int i = 0; i < ROUNDS; i++) {
    ours[i] = own_ready (&memory[i]);
    raw[i] = raw_ready ();
  }
  row ("ready, 100,000 folders, warm", "s", quantile (ours, ROUNDS, 0.5), "raw, two threads",
       quantile (raw, ROUNDS, 0.5), 1.2, TRUE);
  row ("own memory, 100,000 folders", "MB", quantile (memory, ROUNDS, 0.5), NULL, 0, 8, FALSE);
}

/* ---- from a write to the handler ---- */

static gint64 written_us;

static gboolean
is_write (int fd)
{
  g_usleep (3000);
  written_us = g_get_monotonic_time ();
  return write (fd, "x", 1) == 1;
}

static gpointer
write_once (gpointer data)
{
  is_write (GPOINTER_TO_INT (data));
  return NULL;
}

static void
on_changes (HookrunWatcher *watcher, GPtrArray *changes, gpointer data)
{
  *(gint64 *)data = g_get_monotonic_time ();
}

static double
own_latency (int fd)
{
  static gint64 told_us;
  static HookrunWatcher *watcher;
  GThread *thread;

  if (watcher == NULL) {
    watcher = make_watcher ();
    g_signal_connect (watcher, "changes", G_CALLBACK (on_changes), &told_us);
    hookrun_watcher_start (watcher, NULL, NULL);
  }
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  told_us = 0;
  thread = g_thread_new ("writer", write_once, GINT_TO_POINTER (fd));
  while (told_us == 0)
    g_main_context_iteration (NULL, TRUE);
  g_thread_join (thread);
  return (double)(told_us - written_us);
}

static double
raw_latency (int fd)
{
  char events[4096];
  int raw = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  struct pollfd poll_fd = {.fd = raw, .events = POLLIN};
  gint64 told_us;
  GThread *thread;

  inotify_add_watch (raw, folder, IN_MODIFY);
  thread = g_thread_new ("writer", write_once, GINT_TO_POINTER (fd));
  while (read (raw, events, sizeof events) <= 0)
    poll (&poll_fd, 1, -1);
  told_us = g_get_monotonic_time ();
  g_thread_join (thread);
  close (raw);
  return (double)(told_us - written_us);
}

static void
bench_latency (void)
{
  double ours[SAMPLES], raw[SAMPLES];
  g_autofree char *path = g_build_filename (folder, "file", NULL);
  int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND, 0644);

  for (int i = 0; i < SAMPLES; i++) {
    ours[i] = own_latency (fd);
    raw[i] = raw_latency (fd);
  }
  close (fd);
  row ("write to handler, p50", "us", quantile (ours, SAMPLES, 0.5), "raw loop",
       quantile (raw, SAMPLES, 0.5), 0, TRUE);
  row ("write to handler, p99", "us", quantile (ours, SAMPLES, 0.99), "raw loop",
       quantile (raw, SAMPLES, 0.99), 0, TRUE);
}

static void
make_tree (void)
{
  for (int i = 0; i < N_FOLDERS / 100; i++) {
    g_autofree char *path = g_strdup_printf ("%s/%d", folder, i);

    mkdir (path, 0755);
    for (int j = 0; j < 99; j++) {
      g_autofree char *below = g_strdup_printf ("%s/folder-%d", path, j);

      mkdir (below, 0755);
    }
  }
}

int
main (void)
{
  g_autofree char *remove = NULL;
  const char *argv[] = {"rm", "-rf", NULL, NULL};

  folder = g_strdup ("/tmp/hookrun-bench-watch-XXXXXX");
  if (g_mkdtemp (folder) == NULL)
    return 1;
  bench_latency ();
  make_tree ();
  bench_ready ();
  argv[2] = folder;
  g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  return 0;
}
