/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host that is killed takes its running programs along, with all they have started, from whatever
 * thread they were started. What a program left behind that had ended before is nobody's.
 */
#include "hookrun-process-private.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  char *folder;
  char *name; /* where the script leaves the pids */
} Fixture;

static void
set_up (Fixture *self, gconstpointer unused)
{
  self->folder = g_dir_make_tmp ("hookrun-guard-XXXXXX", NULL);
  self->name = g_build_filename (self->folder, "pids", NULL);
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  unlink (self->name);
  rmdir (self->folder);
  g_free (self->folder);
  g_free (self->name);
}

static gpointer
start (gpointer script)
{
  const char *argv[] = {"/bin/sh", "-c", script, NULL};
  HookrunProcessSpec spec = {.argv = argv};

  return hookrun_process_start (&spec, NULL);
}

/* The script runs in the folder of the fixture; its host is killed once it wrote pids. */
static void
run_in_killed_host (Fixture *self, const char *script, gboolean until_end)
{
  g_autofree char *whole = g_strdup_printf ("cd %s; %s", self->folder, script);
  pid_t pid = fork ();

  if (pid == 0) {
    HookrunProcess *process = g_thread_join (g_thread_new ("start", start, whole));

    if (until_end)
      hookrun_process_wait (process, NULL);
    while (access (self->name, R_OK) < 0)
      g_usleep (1000);
    kill (getpid (), SIGKILL);
  }
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
}

static gboolean
lives (pid_t pid)
{
  g_autofree char *name = g_strdup_printf ("/proc/%d/stat", (int)pid);
  g_autofree char *text = NULL;

  return g_file_get_contents (name, &text, NULL, NULL) && strstr (text, ") Z ") == NULL;
}

static void
assert_gone (Fixture *self, guint n_wanted)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) words = NULL;

  g_assert_true (g_file_get_contents (self->name, &text, NULL, NULL));
  words = g_strsplit (g_strchomp (text), " ", -1);
  g_assert_cmpuint (g_strv_length (words), ==, n_wanted);
  for (guint i = 0; i < n_wanted; i++) {
    for (int k = 0; k < 200 && lives (atoi (words[i])); k++)
      g_usleep (10000);
    g_assert_false (lives (atoi (words[i])));
  }
}

static void
test_group (Fixture *self, gconstpointer unused)
{
  run_in_killed_host (
      self, "trap '' TERM HUP; sleep 100 & echo $$ $! >new; mv new pids; while :; do wait; done",
      FALSE);
  assert_gone (self, 2);
}

static void
test_daemon_stays (Fixture *self, gconstpointer unused)
{
  g_autofree char *text = NULL;

  run_in_killed_host (self, "sleep 100 >/dev/null 2>&1 & echo $! >new; mv new pids", TRUE);
  g_usleep (200000);
  g_assert_true (g_file_get_contents (self->name, &text, NULL, NULL));
  g_assert_true (lives (atoi (text)));
  kill (atoi (text), SIGKILL);
}

/* The guard goes when its work is done. */
static void
test_guard_ends (Fixture *self, gconstpointer unused)
{
  run_in_killed_host (self,
                      "until guard=$(pgrep -f \"hookrun-guard $PPID\\$\"); do sleep 0.1; done; "
                      "echo $$ $guard >new; mv new pids; sleep 100",
                      FALSE);
  assert_gone (self, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                                            \
  g_test_add ("/base/child-guard/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("whole-group", test_group);
  ADD ("daemon-stays", test_daemon_stays);
  ADD ("guard-ends-too", test_guard_ends);
#undef ADD
  return g_test_run ();
}
