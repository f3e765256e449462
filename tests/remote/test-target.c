/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every kind of target promises, tried on this machine: run, scripts, copies, limits, ends. */
#include <hookrun.h>

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "hookrun-file-private.h"
#include "hookrun-shell-private.h"
#include "hookrun-target-private.h"

typedef struct {
  char *folder;
  HookrunTarget *target;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *spec = NULL;

  fixture->folder = g_dir_make_tmp ("hookrun-target-XXXXXX", NULL);
  spec = g_strconcat ("local:", fixture->folder, "/root", NULL);
  fixture->target = hookrun_target_new_for_spec (spec, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (hookrun_target_get_name (fixture->target), ==, spec);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  g_object_unref (fixture->target);
  g_assert_true (hookrun_file_remove_tree_at (-1, fixture->folder, NULL));
  g_free (fixture->folder);
}

static char *
read_below (Fixture *fixture, const char *name)
{
  g_autofree char *path = g_build_filename (fixture->folder, name, NULL);
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

static char *
write_below (Fixture *fixture, const char *name, const char *text)
{
  char *path = g_build_filename (fixture->folder, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

static void
test_spec (void)
{
  static const char *const bad[] = {"local:relative", "", "local:x/y"};

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (hookrun_target_new_for_spec (bad[i], &error));
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  }
}

static void
test_quote (Fixture *fixture, gconstpointer unused)
{
  static const char word[] = "it's \"$HOME\" `x` \\ * \n\t \xff -n";
  const char *argv[] = {"printf", "%s", word, NULL};
  g_autoptr (GError) error = NULL;
  g_autofree char *out = NULL;

  g_assert_true (hookrun_target_run (fixture->target, argv, NULL, 0, &out, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (out, ==, word);
}

static void
test_run (Fixture *fixture, gconstpointer unused)
{
  const char *argv[] = {"cat", NULL};
  g_autoptr (GBytes) input = g_bytes_new_static ("hello", 5);
  g_autoptr (GError) error = NULL;
  g_autofree char *out = NULL;
  g_autofree char *err = NULL;

  g_assert_true (hookrun_target_run (fixture->target, argv, input, 0, &out, &err, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (out, ==, "hello");
  g_assert_cmpstr (err, ==, "");
}

static void
test_large_output (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *out = NULL;

  g_assert_true (hookrun_target_run_script (fixture->target,
                                            "head -c 3000000 /dev/zero | tr '\\0' x", NULL, 0, &out,
                                            NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (strlen (out), ==, 3000000);
}

static void
test_starts_in_root (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *out = NULL;
  g_autofree char *wanted =
      g_strdup_printf ("%s/root\n%s/root\n", fixture->folder, fixture->folder);

  g_assert_true (hookrun_target_run_script (fixture->target, "pwd\necho \"$HOOKRUN_ROOT\"", NULL, 0,
                                            &out, NULL, NULL, &error));
  g_assert_cmpstr (out, ==, wanted);
}

static void
test_status (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) failed = NULL;
  g_autoptr (GError) killed = NULL;
  g_autofree char *out = NULL;

  g_assert_false (hookrun_target_run_script (fixture->target,
                                             "echo partly; echo one >&2; echo two >&2; exit 3",
                                             NULL, 0, &out, NULL, NULL, &failed));
  g_assert_error (failed, HOOKRUN_ERROR, HOOKRUN_ERROR_COMMAND);
  g_assert_nonnull (strstr (failed->message, "status 3"));
  g_assert_nonnull (strstr (failed->message, "one\ntwo"));
  g_assert_nonnull (strstr (failed->message, "local:"));
  g_assert_cmpstr (out, ==, "partly\n");
  g_assert_false (hookrun_target_run_script (fixture->target, "kill -9 $$", NULL, 0, NULL, NULL,
                                             NULL, &killed));
  g_assert_error (killed, HOOKRUN_ERROR, HOOKRUN_ERROR_COMMAND);
  g_assert_nonnull (strstr (killed->message, "signal 9"));
}

static void
test_limit (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (
      hookrun_target_run_script (fixture->target, "yes", NULL, 0, NULL, NULL, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
}

static void
test_timeout (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();

  g_assert_false (hookrun_target_run_script (fixture->target, "trap '' TERM; sleep 60; sleep 60",
                                             NULL, 100, NULL, NULL, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_TIMED_OUT);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 5 * G_USEC_PER_SEC);
}

static gpointer
cancel_soon (gpointer cancellable)
{
  g_usleep (100000);
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_cancel (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) running = NULL;
  g_autoptr (GError) before = NULL;
  GThread *thread = g_thread_new ("cancel", cancel_soon, cancellable);

  g_assert_false (hookrun_target_run_script (fixture->target, "sleep 60", NULL, 0, NULL, NULL,
                                             cancellable, &running));
  g_assert_error (running, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_thread_join (thread);
  g_assert_false (hookrun_target_run_script (fixture->target, "touch ran", NULL, 0, NULL, NULL,
                                             cancellable, &before));
  g_assert_error (before, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_assert_null (read_below (fixture, "root/ran"));
}

/* A daemon that keeps the output open does not keep the caller waiting. */
static void
test_background_child (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *out = NULL;
  gint64 start = g_get_monotonic_time ();

  g_assert_true (hookrun_target_run_script (fixture->target, "sleep 5 & echo started", NULL, 0,
                                            &out, NULL, NULL, &error));
  g_assert_cmpstr (out, ==, "started\n");
  g_assert_cmpint (g_get_monotonic_time () - start, <, 3 * G_USEC_PER_SEC);
}

static void
test_copy (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = write_below (fixture, "source", "secret");
  g_autofree char *copied = g_build_filename (fixture->folder, "root/etc/it's", NULL);
  g_autofree char *text = NULL;
  struct stat st;

  g_assert_true (hookrun_target_run_script (fixture->target, "mkdir etc; echo old >\"etc/it's\"",
                                            NULL, 0, NULL, NULL, NULL, &error));
  g_assert_true (hookrun_target_copy_file (fixture->target, path, "/etc/it's", 0600, NULL, &error));
  g_assert_no_error (error);
  text = read_below (fixture, "root/etc/it's");
  g_assert_cmpstr (text, ==, "secret");
  g_assert_cmpint (g_stat (copied, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 07777, ==, 0600);
}

static void
test_copy_faults (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) missing = NULL;
  g_autoptr (GError) folder = NULL;
  g_autoptr (GError) nowhere = NULL;
  g_autofree char *path = write_below (fixture, "source", "x");
  g_autofree char *left = NULL;

  g_assert_false (
      hookrun_target_copy_file (fixture->target, "/nonexistent", "/x", 0600, NULL, &missing));
  g_assert_error (missing, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  g_assert_true (
      hookrun_target_run_script (fixture->target, "mkdir f", NULL, 0, NULL, NULL, NULL, NULL));
  g_assert_false (hookrun_target_copy_file (fixture->target, path, "/f", 0600, NULL, &folder));
  g_assert_error (folder, HOOKRUN_ERROR, HOOKRUN_ERROR_COMMAND);
  g_assert_nonnull (strstr (folder->message, "is a folder"));
  g_assert_false (hookrun_target_copy_file (fixture->target, path, "/no/x", 0600, NULL, &nowhere));
  g_assert_true (hookrun_target_run_script (fixture->target, "find . -type f", NULL, 0, &left, NULL,
                                            NULL, NULL));
  g_assert_cmpstr (left, ==, "");
}

static gpointer
run_in_thread (gpointer target)
{
  const char *argv[] = {"echo", "thread", NULL};
  char *out = NULL;

  g_assert_true (hookrun_target_run (target, argv, NULL, 0, &out, NULL, NULL, NULL));
  return out;
}

static void
test_threads (Fixture *fixture, gconstpointer unused)
{
  GThread *threads[8];

  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("run", run_in_thread, fixture->target);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++) {
    g_autofree char *out = g_thread_join (threads[i]);

    g_assert_cmpstr (out, ==, "thread\n");
  }
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer done)
{
  g_assert_true (hookrun_target_connect_finish (HOOKRUN_TARGET (source), result, NULL));
  *(gboolean *)done = TRUE;
}

static void
on_thread_done (GObject *source, GAsyncResult *result, gpointer done)
{
  *(gboolean *)done = TRUE;
}

static void
run_as_task (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_task_return_pointer (task, run_in_thread (source), g_free);
}

/* Connected in the main loop: blocking calls work here and from a thread beside the loop. */
static void
test_adopted_context (Fixture *fixture, gconstpointer unused)
{
  gboolean connected = FALSE;
  gboolean done = FALSE;
  g_autoptr (GTask) task = g_task_new (fixture->target, NULL, on_thread_done, &done);
  g_autofree char *here = NULL;
  g_autofree char *there = NULL;

  hookrun_target_connect_async (fixture->target, NULL, on_connected, &connected);
  while (!connected)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (hookrun_target_get_context (fixture->target) == g_main_context_default ());
  here = run_in_thread (fixture->target);
  g_assert_cmpstr (here, ==, "thread\n");
  g_task_run_in_thread (task, run_as_task);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  there = g_task_propagate_pointer (task, NULL);
  g_assert_cmpstr (there, ==, "thread\n");
}

static void
test_disconnect (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) again = NULL;

  g_assert_true (hookrun_target_connect (fixture->target, NULL, &error));
  hookrun_target_disconnect (fixture->target);
  g_assert_true (
      hookrun_target_run_script (fixture->target, ":", NULL, 0, NULL, NULL, NULL, &again));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/remote/target/spec/names-what-is-wrong", test_spec);
#define ADD(name, func) g_test_add ("/remote/target/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("run/words-arrive-as-they-are", test_quote);
  ADD ("run/input-and-output", test_run);
  ADD ("run/large-output", test_large_output);
  ADD ("run/starts-in-the-root", test_starts_in_root);
  ADD ("run/status-names-command-and-cause", test_status);
  ADD ("run/output-is-limited", test_limit);
  ADD ("run/time-is-limited", test_timeout);
  ADD ("run/cancel", test_cancel);
  ADD ("run/background-child-does-not-hold", test_background_child);
  ADD ("run/from-many-threads", test_threads);
  ADD ("run/in-an-adopted-context", test_adopted_context);
  ADD ("run/again-after-disconnect", test_disconnect);
  ADD ("copy/replaces-whole", test_copy);
  ADD ("copy/faults-leave-nothing", test_copy_faults);
  return g_test_run ();
}
