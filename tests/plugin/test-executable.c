/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Executables as hooks: what they are given and may answer, where they run, and that each of their
 * faults is an error of that hook; in synchronous and in asynchronous emissions.
 */
#include "plugin-fixture.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  GMainLoop *loop;
  HookrunVerdict verdict;
  GError **error;
} Async;

static void
on_emitted (GObject *signal, GAsyncResult *result, gpointer user_data)
{
  Async *async = user_data;

  async->verdict = hookrun_signal_emit_finish (HOOKRUN_SIGNAL (signal), result, async->error);
  g_main_loop_quit (async->loop);
}

static HookrunVerdict
emit (Fixture *fixture, gboolean is_async, HookrunData *data, GCancellable *cancellable,
      GError **error)
{
  Async async = {g_main_loop_new (NULL, FALSE), HOOKRUN_PENDING, error};

  if (is_async) {
    hookrun_signal_emit_async (fixture->signal, "shop", data, cancellable, on_emitted, &async);
    g_main_loop_run (async.loop);
  } else {
    async.verdict = hookrun_signal_emit_for (fixture->signal, "shop", data, cancellable, error);
  }
  g_main_loop_unref (async.loop);
  return async.verdict;
}

static void
test_gets_the_data (Fixture *fixture, gconstpointer is_async)
{
  const char *const names[] = {"x", "y z", NULL};
  g_autoptr (HookrunData) data = fixture_data (fixture);
  g_autoptr (JsonNode) given = NULL;
  g_autofree char *input_path = fixture_path (fixture, "input");
  g_autofree char *env_path = fixture_path (fixture, "env");
  g_autofree char *input = NULL;
  g_autofree char *env = NULL;
  g_autofree char *script =
      g_strdup_printf ("#!/bin/sh\ncat > %s\nenv > %s\n", input_path, env_path);
  g_autoptr (GError) error = NULL;
  JsonObject *object;

  g_setenv ("HOOKRUN_TEST_LEAK", "no", TRUE);
  g_setenv ("SECRET_OF_HOST", "no", TRUE);
  g_setenv ("LC_TIME", "C", TRUE);
  hookrun_data_set_string (data, "trail", "it's \"so\"", NULL);
  hookrun_data_set_int (data, "count", 42, NULL);
  hookrun_data_set_boolean (data, "flag", TRUE, NULL);
  hookrun_data_set_strv (data, "names", names, NULL);
  hookrun_data_set_string (data, "secret", "hush", NULL);
  hookrun_data_set_string (data, "more-data", "extra", NULL);
  hookrun_data_set_string (data, "signal", "not this", NULL);
  hookrun_data_set_string (data, "_private", "p", NULL);
  fixture_add_hooks (fixture, HOOKS ("10-look.sh", script));
  g_assert_cmpint (emit (fixture, is_async != NULL, data, NULL, &error), ==, HOOKRUN_CONTINUE);
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (input_path, &input, NULL, NULL));
  given = json_from_string (input, NULL);
  object = json_node_get_object (given);
  g_assert_cmpstr (json_object_get_string_member (object, "trail"), ==, "it's \"so\"");
  g_assert_cmpint (json_object_get_int_member (object, "count"), ==, 42);
  g_assert_cmpstr (json_object_get_string_member (object, "secret"), ==, "hush");
  g_assert_false (json_object_has_member (object, "_private"));
  g_assert_true (g_file_get_contents (env_path, &env, NULL, NULL));
  assert_has (env, "HOOKRUN_COUNT=42\n");
  assert_has (env, "HOOKRUN_FLAG=true\n");
  assert_has (env, "HOOKRUN_HANDLER=look\n");
  assert_has (env, "HOOKRUN_MORE_DATA=extra\n");
  assert_has (env, "HOOKRUN_NAMES=x\ny z\n");
  assert_has (env, "HOOKRUN_SIGNAL=test.run\n");
  assert_has (env, "HOOKRUN_SUBJECT=shop\n");
  assert_has (env, "HOOKRUN_TRAIL=it's \"so\"\n");
  assert_has (env, "LC_TIME=C\n");
  assert_has (env, "PATH=");
  g_assert_null (strstr (env, "hush"));
  g_assert_null (strstr (env, "LEAK"));
  g_assert_null (strstr (env, "SECRET_OF_HOST"));
  g_assert_null (strstr (env, "PRIVATE"));
}

static void
test_large_data (Fixture *fixture, gconstpointer is_async)
{
  g_autoptr (HookrunData) data = fixture_data (fixture);
  g_autofree char *large = g_strnfill (1 << 20, 'x');
  g_autoptr (GError) error = NULL;

  hookrun_data_set_string (data, "large", large, NULL);
  fixture_add_hooks (fixture,
                     HOOKS ("10-ignores", "#!/bin/sh\ntest -z \"$HOOKRUN_LARGE\"\n", "20-reads",
                            "#!/bin/sh\ntest $(wc -c) -gt 1048576 && echo all here\n"));
  g_assert_cmpint (emit (fixture, is_async != NULL, data, NULL, &error), ==, HOOKRUN_CONTINUE);
  g_assert_no_error (error);
  assert_has (fixture->log->str, "1 hooks all here\n");
}

static void
test_changes_the_data (Fixture *fixture, gconstpointer is_async)
{
  g_autoptr (HookrunData) data = fixture_data (fixture);
  g_autoptr (GError) error = NULL;

  hookrun_data_set_int (data, "count", 1, NULL);
  hookrun_data_set_string (data, "gone", "x", NULL);
  fixture_add_hooks (fixture,
                     HOOKS ("10-patch",
                            "#!/bin/sh\necho '{\"count\": 2, \"gone\": null, \"new\": {\"a\": [1]},"
                            " \"names\": [\"n\"]}' >&3\n"));
  g_assert_cmpint (emit (fixture, is_async != NULL, data, NULL, &error), ==, HOOKRUN_CONTINUE);
  g_assert_no_error (error);
  g_assert_cmpint (hookrun_data_get_int (data, "count"), ==, 2);
  g_assert_false (hookrun_data_has (data, "gone"));
  g_assert_cmpstr (hookrun_data_get_strv (data, "names")[0], ==, "n");
  g_assert_true (hookrun_data_has (data, "new"));
}

static void
test_handled (Fixture *fixture, gconstpointer is_async)
{
  g_autoptr (HookrunData) data = fixture_data (fixture);
  g_autoptr (GError) error = NULL;

  fixture_add_hooks (fixture,
                     HOOKS ("10-mine", HOOK_APPENDS "exit 100\n", "20-never", HOOK_APPENDS));
  g_assert_cmpint (emit (fixture, is_async != NULL, data, NULL, &error), ==, HOOKRUN_HANDLED);
  g_assert_no_error (error);
  g_assert_cmpstr (hookrun_data_get_string (data, "trail"), ==, "mine ");
}

typedef struct {
  const char *text;
  int code;
  const char *says;
} Fault;

static const Fault faults[] = {
    {"#!/bin/sh\necho one >&2; echo two >&2; exit 7\n", HOOKRUN_ERROR_COMMAND,
     "exited with status 7; it said last: one\ntwo"},
    {"#!/bin/sh\nkill -SEGV $$\n", HOOKRUN_ERROR_CRASHED, "was killed by signal 11"},
    {"#!/bin/sh\n# hookrun: timeout=300ms\nsleep 60\n", HOOKRUN_ERROR_TIMED_OUT,
     "did not end within 300 ms"},
    {"#!/bin/sh\nyes 0123456789012345678901234567890123456789012345678901234567890123456789\n",
     HOOKRUN_ERROR_LIMIT, "bytes of output"},
    {"#!/bin/sh\nyes >&3\n", HOOKRUN_ERROR_LIMIT, "bytes to descriptor 3"},
    {"#!/bin/sh\necho nonsense >&3\n", HOOKRUN_ERROR_INVALID,
     "what it wrote to descriptor 3: line 1"},
    {"#!/bin/sh\necho '[1]' >&3\n", HOOKRUN_ERROR_INVALID, "must be one JSON object"},
    {"#!/bin/sh\nhead -c 100000 /dev/zero | tr '\\0' '[' >&3\n", HOOKRUN_ERROR_LIMIT,
     "nested too deep"},
    {"#!/bin/sh\necho '{\"fixed\": \"x\"}' >&3\n", HOOKRUN_ERROR_PERMISSION, "fixed"},
    {"#!/bin/sh\necho '{\"count\": \"x\"}' >&3\n", HOOKRUN_ERROR_INVALID, "count"},
    {"#!/no/such/interpreter\n", HOOKRUN_ERROR_NOT_FOUND, "interpreter"},
    {"echo no first line\n", HOOKRUN_ERROR_IO, "#!"},
};

static void
test_faults (Fixture *fixture, gconstpointer is_async)
{
  g_autofree char *folder = fixture_path (fixture, "hooks");

  for (gsize i = 0; i < G_N_ELEMENTS (faults); i++) {
    /* valgrind's posix_spawn() does not tell that the child could not become the program. */
    if (!g_str_has_prefix (faults[i].text, "#!/bin/sh") &&
        g_strcmp0 (g_getenv ("HOOKRUN_SANITIZED"), "valgrind") == 0)
      continue;
    g_autoptr (HookrunData) data = fixture_data (fixture);
    g_autoptr (GError) error = NULL;
    g_autofree char *id = g_strdup_printf ("hooks%" G_GSIZE_FORMAT, i);

    fixture_write (fixture, "hooks/test.run.d/10-bad", faults[i].text, 0755);
    g_assert_nonnull (hookrun_engine_add_hook_folder (fixture->engine, id, folder, &error));
    g_assert_true (hookrun_engine_activate_plugin (fixture->engine, id, NULL, NULL, NULL, &error));
    g_assert_cmpint (emit (fixture, is_async != NULL, data, NULL, &error), ==, HOOKRUN_FAILED);
    g_test_message ("%s", error->message);
    g_assert_error (error, HOOKRUN_ERROR, faults[i].code);
    assert_has (error->message, faults[i].says);
    assert_has (error->message, "hook \"bad\" (/");
    g_assert_cmpstr (hookrun_data_get_string (data, "trail"), ==, "");
    hookrun_engine_deactivate_all (fixture->engine);
  }
}

/* A failed hook changes nothing, and those after it do not run. */
static void
test_veto (Fixture *fixture, gconstpointer is_async)
{
  g_autoptr (HookrunData) data = fixture_data (fixture);
  g_autoptr (GError) error = NULL;

  fixture_add_hooks (
      fixture, HOOKS ("10-veto", HOOK_APPENDS "exit 1\n", "20-never", "#!/bin/sh\necho never\n"));
  g_assert_cmpint (emit (fixture, is_async != NULL, data, NULL, &error), ==, HOOKRUN_FAILED);
  g_assert_cmpstr (hookrun_data_get_string (data, "trail"), ==, "");
  g_assert_null (strstr (fixture->log->str, "never"));
}

static void
test_daemon (Fixture *fixture, gconstpointer is_async)
{
  g_autoptr (HookrunData) data = fixture_data (fixture);
  g_autoptr (GError) error = NULL;
  g_autofree char *path = fixture_path (fixture, "pid");
  g_autofree char *script = g_strdup_printf ("#!/bin/sh\nsleep 60 &\necho $! > %s\n", path);
  g_autofree char *pid = NULL;
  gint64 start = g_get_monotonic_time ();

  fixture_add_hooks (fixture, HOOKS ("10-daemon", script));
  g_assert_cmpint (emit (fixture, is_async != NULL, data, NULL, &error), ==, HOOKRUN_CONTINUE);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 5 * G_USEC_PER_SEC);
  g_assert_true (g_file_get_contents (path, &pid, NULL, NULL));
  g_assert_cmpint (kill ((pid_t)g_ascii_strtoll (pid, NULL, 10), SIGKILL), ==, 0);
}

static gpointer
cancel_soon (gpointer cancellable)
{
  g_usleep (200000);
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_cancel (Fixture *fixture, gconstpointer is_async)
{
  g_autoptr (HookrunData) data = fixture_data (fixture);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *path = fixture_path (fixture, "pid");
  g_autofree char *script = g_strdup_printf (
      "#!/bin/sh\necho $$ > %s\necho '{\"trail\":\"late\"}' >&3\nsleep 60\n", path);
  g_autofree char *pid = NULL;
  gint64 start = g_get_monotonic_time ();
  GThread *thread;

  fixture_add_hooks (fixture, HOOKS ("10-slow", script));
  thread = g_thread_new ("cancel", cancel_soon, cancellable);
  g_assert_cmpint (emit (fixture, is_async != NULL, data, cancellable, &error), ==, HOOKRUN_FAILED);
  g_thread_join (thread);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 5 * G_USEC_PER_SEC);
  g_assert_true (g_file_get_contents (path, &pid, NULL, NULL));
  while (kill ((pid_t)g_ascii_strtoll (pid, NULL, 10), 0) == 0)
    g_main_context_iteration (NULL, FALSE);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_assert_cmpstr (hookrun_data_get_string (data, "trail"), ==, "");
}

/* A hook that answers its end with a patch and success: "late" in the folder proves that it did. */
static char *
stubborn_hook (Fixture *fixture, const char *comment)
{
  g_autofree char *late = fixture_path (fixture, "late");

  return g_strdup_printf (
      "#!/bin/sh\n%s"
      "trap 'echo \"{\\\"trail\\\": \\\"late\\\"}\" >&3; touch %s; exit 0' TERM\n"
      "sleep 60 & wait\n",
      comment, late);
}

static void
wait_for_file (const char *path)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  while (!g_file_test (path, G_FILE_TEST_EXISTS) && g_get_monotonic_time () < deadline)
    g_main_context_iteration (NULL, FALSE);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  deadline = g_get_monotonic_time () + G_USEC_PER_SEC / 2;
  while (g_get_monotonic_time () < deadline)
    g_main_context_iteration (NULL, FALSE);
}

static void
test_cancelled_merges_nothing (Fixture *fixture, gconstpointer is_async)
{
  g_autoptr (HookrunData) data = fixture_data (fixture);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *late = fixture_path (fixture, "late");
  g_autofree char *script = stubborn_hook (fixture, "");
  GThread *thread;

  fixture_add_hooks (fixture, HOOKS ("10-slow", script));
  thread = g_thread_new ("cancel", cancel_soon, cancellable);
  g_assert_cmpint (emit (fixture, is_async != NULL, data, cancellable, &error), ==, HOOKRUN_FAILED);
  g_thread_join (thread);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  wait_for_file (late);
  g_assert_cmpstr (hookrun_data_get_string (data, "trail"), ==, "");
}

static void
test_timed_out_merges_nothing (Fixture *fixture, gconstpointer is_async)
{
  g_autoptr (HookrunData) data = fixture_data (fixture);
  g_autoptr (GError) error = NULL;
  g_autofree char *late = fixture_path (fixture, "late");
  g_autofree char *script = stubborn_hook (fixture, "# hookrun: timeout=500ms\n");

  fixture_add_hooks (fixture, HOOKS ("10-slow", script));
  g_assert_cmpint (emit (fixture, is_async != NULL, data, NULL, &error), ==, HOOKRUN_FAILED);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_TIMED_OUT);
  wait_for_file (late);
  g_assert_cmpstr (hookrun_data_get_string (data, "trail"), ==, "");
}

/* Deactivation ends what is under way in an asynchronous emission. */
static gboolean
deactivate_soon (gpointer user_data)
{
  hookrun_engine_deactivate_all (((Fixture *)user_data)->engine);
  return G_SOURCE_REMOVE;
}

static void
test_deactivated_while_running (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (HookrunData) data = fixture_data (fixture);
  g_autoptr (GError) error = NULL;
  g_autofree char *path = fixture_path (fixture, "pid");
  g_autofree char *script = g_strdup_printf (
      "#!/bin/sh\necho '{\"trail\":\"late\"}' >&3\necho $$ > %s\nexec sleep 60\n", path);
  g_autofree char *pid = NULL;

  fixture_add_hooks (fixture, HOOKS ("10-slow", script));
  g_timeout_add (300, deactivate_soon, fixture);
  g_assert_cmpint (emit (fixture, TRUE, data, NULL, &error), ==, HOOKRUN_FAILED);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_assert_true (g_file_get_contents (path, &pid, NULL, NULL));
  while (kill ((pid_t)g_ascii_strtoll (pid, NULL, 10), 0) == 0)
    g_main_context_iteration (NULL, FALSE);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_assert_cmpstr (hookrun_data_get_string (data, "trail"), ==, "");
}

/* The loop of an asynchronous emission turns while a hook runs. */
static gboolean
count (gpointer user_data)
{
  (*(guint *)user_data)++;
  return G_SOURCE_CONTINUE;
}

static void
test_does_not_block (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (HookrunData) data = fixture_data (fixture);
  guint turns = 0;
  guint source;

  fixture_add_hooks (fixture, HOOKS ("10-slow", "#!/bin/sh\nsleep 0.3\n"));
  source = g_timeout_add (10, count, &turns);
  g_assert_cmpint (emit (fixture, TRUE, data, NULL, NULL), ==, HOOKRUN_CONTINUE);
  g_source_remove (source);
  g_assert_cmpuint (turns, >, 5);
}

static void
test_manifest (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (JsonNode) settings = json_from_string ("{\"file\": \"x\"}", NULL);
  g_autoptr (JsonNode) info = json_from_string ("{\"folder\": \"/usr\"}", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) none = NULL;

  fixture_write (fixture, "run.sh", "echo \"$1 $HOOKRUN_SETTINGS $HOOKRUN_INFO $(pwd)\"\n", 0644);
  fixture_add (fixture,
               "{\"id\":\"e\",\"version\":\"1\",\"kind\":\"executable\",\"timeout\":\"20s\","
               "\"command\":[\"sh\",\"{folder}/run.sh\",\"word\"],\"signals\":[\"test.run\"]}");
  fixture_add (fixture, "{\"id\":\"n\",\"version\":\"1\",\"kind\":\"executable\","
                        "\"command\":[\"true\"]}");
  hookrun_engine_activate_plugin (fixture->engine, "e", "shop", settings, info, &error);
  g_assert_no_error (error);
  fixture_assert_trail (fixture, "blog", "");
  g_assert_cmpstr (fixture->log->str, ==, "");
  fixture_assert_trail (fixture, "shop", "");
  g_assert_cmpstr (fixture->log->str, ==, "1 e word {\"file\":\"x\"} {\"folder\":\"/usr\"} /usr\n");
  g_assert_false (hookrun_engine_activate_plugin (fixture->engine, "n", NULL, NULL, NULL, &none));
  g_assert_error (none, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  assert_has (none->message, "\"signals\" is missing");
}

static void
test_without_data (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fixture_add_hooks (fixture, HOOKS ("10-reads", "#!/bin/sh\ntest \"$(cat)\" = '{}'\n", "20-writes",
                                     "#!/bin/sh\necho '{\"a\":1}' >&3\n"));
  g_assert_cmpint (hookrun_signal_emit (fixture->signal, NULL, &error), ==, HOOKRUN_FAILED);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  assert_has (error->message, "carries no data");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define PATH "/plugin/executable/"
#define ONE(name, data, func)                                                                      \
  g_test_add (PATH name, Fixture, data, fixture_set_up, func, fixture_tear_down)
#define BOTH(name, func)                                                                           \
  ONE ("sync/" name, NULL, func);                                                                  \
  ONE ("async/" name, "", func)
  BOTH ("gets-the-data", test_gets_the_data);
  BOTH ("large-data", test_large_data);
  BOTH ("changes-the-data", test_changes_the_data);
  BOTH ("handled", test_handled);
  BOTH ("faults-are-the-hooks", test_faults);
  BOTH ("veto", test_veto);
  BOTH ("daemon-left-behind", test_daemon);
  BOTH ("cancel", test_cancel);
  BOTH ("cancelled-merges-nothing", test_cancelled_merges_nothing);
  BOTH ("timed-out-merges-nothing", test_timed_out_merges_nothing);
  ONE ("async/deactivated-while-running", NULL, test_deactivated_while_running);
  ONE ("async/does-not-block", NULL, test_does_not_block);
  ONE ("manifest-and-settings", NULL, test_manifest);
  ONE ("without-data", NULL, test_without_data);
  return g_test_run ();
}
