/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * More at once than anybody can keep up with: nothing is lost in bursts, behind a slow handler,
 * after overflows, and while folders are renamed; what is believed in the end is what is there.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hookrun-watcher-private.h"
#include "watch-fixture.h"

static void
make_folders (WatchPlace *place, int n)
{
  for (int i = 0; i < n; i++) {
    g_autofree char *path = g_strdup_printf ("w/%d", i);

    watch_mkdir (place, path);
  }
}

/* ---- other processes at work; they only use what is safe after a fork ---- */

typedef void (*Work) (const char *folder, int n);

static void
create_files (const char *folder, int n)
{
  char path[512];

  for (int i = 0; i < n; i++) {
    g_snprintf (path, sizeof path, "%s/%d/f%d", folder, i % 50, i);
    close (open (path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  }
}

static void
change_files (const char *folder, int n)
{
  char path[512];

  for (int i = 0; i < n; i++) {
    int fd;

    g_snprintf (path, sizeof path, "%s/%d/f%d", folder, i % 50, i);
    fd = open (path, O_WRONLY | O_CLOEXEC);
    if (write (fd, "x", 1) != 1)
      _exit (1);
    close (fd);
  }
}

static void
remove_files (const char *folder, int n)
{
  char path[512];

  for (int i = 0; i < n; i++) {
    g_snprintf (path, sizeof path, "%s/%d/f%d", folder, i % 50, i);
    unlink (path);
  }
}

/* Renames, makes, fills and removes folders at random. */
static void
shuffle (const char *folder, int n)
{
  unsigned int seed = (unsigned int)getpid ();
  char from[512];
  char to[512];

  for (int i = 0; i < n; i++) {
    int a = rand_r (&seed) % 30;
    int b = rand_r (&seed) % 30;
    int c = rand_r (&seed) % 30;

    g_snprintf (from, sizeof from, rand_r (&seed) % 2 ? "%s/%d" : "%s/%d/%d", folder, a, c);
    g_snprintf (to, sizeof to, rand_r (&seed) % 2 ? "%s/%d" : "%s/%d/%d", folder, b, c);
    switch (rand_r (&seed) % 8) {
    case 0:
    case 1:
      mkdir (to, 0755);
      break;
    case 2:
      close (open (to, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
      break;
    case 3:
      if (rmdir (from) != 0)
        unlink (from);
      break;
    case 4:
      renameat2 (AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE);
      break;
    default:
      if (rename (from, to) != 0)
        continue;
    }
  }
}

static pid_t
begin (Work work, const char *folder, int n)
{
  pid_t pid = fork ();

  if (pid == 0) {
    work (folder, n);
    _exit (0);
  }
  return pid;
}

static void
finish (WatchPlace *place, pid_t pid)
{
  int status;

  while (waitpid (pid, &status, WNOHANG) == 0)
    watch_run (place, 5);
  g_assert_cmpint (status, ==, 0);
}

/* ---- the tests ---- */

static void
storm (WatchPlace *place, int n)
{
  finish (place, begin (create_files, place->folder, n));
  finish (place, begin (change_files, place->folder, n));
  finish (place, begin (remove_files, place->folder, n));
  watch_settle (place);
}

static void
test_burst (gconstpointer data)
{
  int n = GPOINTER_TO_INT (data);
  g_autoptr (WatchPlace) place = watch_place_prepare ();

  make_folders (place, 50);
  watch_place_start (place);
  storm (place, n);
  g_assert_cmpint ((int)watch_count_kind (place, HOOKRUN_CHANGE_CREATED), ==, n + 1);
  g_assert_cmpint ((int)watch_count_kind (place, HOOKRUN_CHANGE_REMOVED), ==, n);
  g_assert_cmpint ((int)watch_count_kind (place, HOOKRUN_CHANGE_CHANGED), >=, n);
  g_assert_cmpuint (watch_count_kind (place, HOOKRUN_CHANGE_OVERFLOW_BEGIN), ==, 0);
  watch_compare (place);
}

/* The handler sleeps at every batch; the kernel's queue holds far less than what comes. */
static void
test_slow_handler (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();

  make_folders (place, 50);
  watch_place_start (place);
  place->handler_delay_us = 100000;
  storm (place, 20000);
  g_assert_cmpuint (watch_count_kind (place, HOOKRUN_CHANGE_CREATED), ==, 20001);
  g_assert_cmpuint (watch_count_kind (place, HOOKRUN_CHANGE_REMOVED), ==, 20000);
  g_assert_cmpuint (watch_count_kind (place, HOOKRUN_CHANGE_OVERFLOW_BEGIN), ==, 0);
  watch_compare (place);
}

static guint
kernel_limit (void)
{
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents ("/proc/sys/fs/inotify/max_queued_events", &text, NULL, NULL));
  return (guint)g_ascii_strtoull (text, NULL, 10);
}

/* Runs this program's other half: a watcher that is stopped while the kernel's queue overflows. */
static pid_t
start_half (const char *folder, int *output)
{
  char *argv[] = {(char *)"/proc/self/exe", (char *)"--half", (char *)folder, NULL};
  int pid;
  g_autoptr (GError) error = NULL;

  g_spawn_async_with_pipes (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL,
                            output, NULL, &error);
  g_assert_no_error (error);
  return pid;
}

static void
print_changes (HookrunWatcher *watcher, GPtrArray *changes, gpointer data)
{
  for (guint i = 0; i < changes->len; i++)
    fprintf (
        stdout, "%s %s\n",
        hookrun_change_kind_get_name (hookrun_change_get_kind (g_ptr_array_index (changes, i))),
        hookrun_change_get_path (g_ptr_array_index (changes, i)));
  fflush (stdout);
}

static int
run_half (const char *folder)
{
  g_autoptr (HookrunWatcher) watcher = hookrun_watcher_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);

  g_signal_connect (watcher, "changes", G_CALLBACK (print_changes), NULL);
  if (!hookrun_watcher_add_root (watcher, folder, HOOKRUN_WATCH_RECURSIVE, HOOKRUN_CHANGE_ALL,
                                 NULL) ||
      !hookrun_watcher_start (watcher, NULL, NULL))
    return 1;
  fprintf (stdout, "ready\n");
  fflush (stdout);
  g_main_loop_run (loop);
  return 0;
}

/* Reads lines until @last; counts each line that begins with one of the words. */
static void
read_until (FILE *stream, const char *last, GHashTable *lines)
{
  char line[1024];

  while (fgets (line, sizeof line, stream) != NULL) {
    g_strchomp (line);
    if (lines != NULL)
      g_hash_table_add (lines, g_strdup (line));
    if (strcmp (line, last) == 0)
      return;
  }
  g_error ("the watcher ended before it said: %s", last);
}

static void
expect_line (GHashTable *lines, const char *kind, const char *folder, int directory, int number)
{
  g_autofree char *line = g_strdup_printf ("%s %s/%d/f%d", kind, folder, directory, number);

  if (!g_hash_table_contains (lines, line))
    g_error ("not told: %s", line);
}

/* Stopped while more happens than the kernel keeps: all of it is told, and nothing that is not so.
 */
static void
test_stopped (gconstpointer data)
{
  int n = GPOINTER_TO_INT (data);
  g_autoptr (WatchPlace) place = watch_place_prepare ();
  g_autoptr (GHashTable) lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *last = g_strdup_printf ("created %s/last", place->folder);
  FILE *stream;
  int output, status;
  pid_t pid;

  make_folders (place, 50);
  create_files (place->folder, 1000);
  g_usleep (50000);
  pid = start_half (place->folder, &output);
  stream = fdopen (output, "r");
  read_until (stream, "ready", NULL);
  kill (pid, SIGSTOP);
  create_files (place->folder, n);
  g_assert_cmpint ((int)kernel_limit (), <, n);
  change_files (place->folder, 500);
  for (int i = 500; i < 1000; i++) {
    g_autofree char *path = g_strdup_printf ("w/%d/f%d", i % 50, i);

    watch_remove (place, path);
  }
  kill (pid, SIGCONT);
  g_usleep (200000);
  watch_write (place, "w/last", "");
  read_until (stream, last, lines);
  kill (pid, SIGKILL);
  waitpid (pid, &status, 0);
  fclose (stream);
  g_assert_true (g_hash_table_contains (lines, "overflow-begin"));
  g_assert_true (g_hash_table_contains (lines, "overflow-end"));
  for (int i = 0; i < 500; i++)
    expect_line (lines, "changed", place->folder, i % 50, i);
  for (int i = 500; i < 1000; i++)
    expect_line (lines, "removed", place->folder, i % 50, i);
  for (int i = 1000; i < n; i++)
    expect_line (lines, "created", place->folder, i % 50, i);
}

/* Folders wander about in two processes; paths are never stale in the end. */
static void
test_shuffled (gconstpointer data)
{
  int n = GPOINTER_TO_INT (data);

  for (int round = 0; round < 3; round++) {
    g_autoptr (WatchPlace) place = watch_place_prepare ();
    pid_t pids[2];

    watch_place_start (place);
    for (int i = 0; i < 2; i++)
      pids[i] = begin (shuffle, place->folder, n);
    for (int i = 0; i < 2; i++)
      finish (place, pids[i]);
    watch_settle (place);
    watch_settle (place);
    watch_compare (place);
  }
}

/* The handler sleeps so long that events are thrown away. */
static void
test_thrown_away (void)
{
  g_autoptr (WatchPlace) place = watch_place_prepare ();

  hookrun_watcher_set_budget (place->watcher, 1000, 512 << 10);
  make_folders (place, 50);
  watch_place_start (place);
  place->handler_delay_us = 4 * G_USEC_PER_SEC;
  watch_write (place, "w/first", "");
  finish (place, begin (create_files, place->folder, 40000));
  finish (place, begin (remove_files, place->folder, 20000));
  place->handler_delay_us = 0;
  watch_settle (place);
  watch_compare (place);
  g_assert_cmpuint (watch_count_kind (place, HOOKRUN_CHANGE_OVERFLOW_BEGIN), >, 0);
  g_assert_cmpuint (watch_count_kind (place, HOOKRUN_CHANGE_OVERFLOW_BEGIN), ==,
                    watch_count_kind (place, HOOKRUN_CHANGE_OVERFLOW_END));
}

int
main (int argc, char **argv)
{
  gboolean is_slow = FALSE;

  if (argc == 3 && strcmp (argv[1], "--half") == 0)
    return run_half (argv[2]);
  for (int i = 1; i < argc; i++)
    is_slow |= strcmp (argv[i], "--slow") == 0;
  watch_fixture_init (&argc, &argv);
  if (is_slow) {
    g_test_add_data_func ("/watch/storms/200000-files", GINT_TO_POINTER (200000), test_burst);
    g_test_add_data_func ("/watch/storms/stopped-300000", GINT_TO_POINTER (300000), test_stopped);
    g_test_add_data_func ("/watch/storms/shuffled-long", GINT_TO_POINTER (10000), test_shuffled);
    return g_test_run ();
  }
  g_test_add_data_func ("/watch/storms/burst", GINT_TO_POINTER (20000), test_burst);
  g_test_add_func ("/watch/storms/slow-handler", test_slow_handler);
  g_test_add_data_func ("/watch/storms/stopped", GINT_TO_POINTER (30000), test_stopped);
  g_test_add_data_func ("/watch/storms/shuffled", GINT_TO_POINTER (3000), test_shuffled);
  g_test_add_func ("/watch/storms/events-thrown-away", test_thrown_away);
  return g_test_run ();
}
