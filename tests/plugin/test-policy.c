/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Workers and executables with a policy: the same attack succeeds without one and is contained with
 * one, wherever that was written; and whatever cannot be promised is an error of that plugin.
 */
#include "policy-fixture.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* ---- contained, and only then ---- */

static void
test_executable (PolicyFixture *self, gconstpointer unused)
{
  policy_fixture_write (self, "attack", policy_attack_shell, 0755);
  policy_fixture_activate (self, EXECUTABLE ", \"policy\": " POLICY "}");
  policy_fixture_assert_contained (self);
  policy_fixture_assert_gone (self, "granted/pid");
}

static void
test_executable_free (PolicyFixture *self, gconstpointer unused)
{
  policy_fixture_write (self, "attack", policy_attack_shell, 0755);
  policy_fixture_activate (self, EXECUTABLE "}");
  policy_fixture_assert_free (self);
}

static void
test_worker (PolicyFixture *self, gconstpointer unused)
{
  policy_fixture_write (self, "attack.py", policy_attack_python, 0644);
  policy_fixture_activate (self, PYTHON ", \"policy\": " POLICY "}");
  policy_fixture_assert_contained (self);
  hookrun_engine_deactivate_all (self->plain.engine);
  policy_fixture_assert_gone (self, "granted/pid");
}

static void
test_worker_free (PolicyFixture *self, gconstpointer unused)
{
  policy_fixture_write (self, "attack.py", policy_attack_python, 0644);
  policy_fixture_activate (self, PYTHON "}");
  policy_fixture_assert_free (self);
}

static void
on_emitted (GObject *signal, GAsyncResult *result, gpointer verdict)
{
  *(HookrunVerdict *)verdict = hookrun_signal_emit_finish (HOOKRUN_SIGNAL (signal), result, NULL);
}

static void
test_async (PolicyFixture *self, gconstpointer unused)
{
  g_autoptr (HookrunData) data = fixture_data (&self->plain);
  HookrunVerdict verdict = HOOKRUN_PENDING;

  policy_fixture_write (self, "attack", policy_attack_shell, 0755);
  policy_fixture_activate (self, EXECUTABLE ", \"policy\": " POLICY "}");
  hookrun_signal_emit_async (self->plain.signal, "shop", data, NULL, on_emitted, &verdict);
  while (verdict == HOOKRUN_PENDING)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (verdict, ==, HOOKRUN_CONTINUE);
  g_assert_cmpstr (hookrun_data_get_string (data, "trail"), ==, " granted");
  policy_fixture_assert_gone (self, "granted/pid");
}

static void
test_file (PolicyFixture *self, gconstpointer unused)
{
  policy_fixture_write (self, "attack", policy_attack_shell, 0755);
  policy_fixture_write (self, "rules.json", POLICY, 0644);
  policy_fixture_activate (self, EXECUTABLE ", \"policy\": \"rules.json\"}");
  policy_fixture_assert_contained (self);
}

/* ---- hooks ---- */

static void
add_hooks (PolicyFixture *self)
{
  g_autofree char *folder = fixture_path (&self->plain, "hooks");
  g_autoptr (GError) error = NULL;

  hookrun_engine_add_hook_folder (self->plain.engine, "hooks", folder, &error);
  g_assert_no_error (error);
  hookrun_engine_activate_plugin (self->plain.engine, "hooks", NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}

static void
test_hook (PolicyFixture *self, gconstpointer unused)
{
  policy_fixture_write (self, "hooks/test.run.d/10-attack", policy_attack_shell, 0755);
  policy_fixture_write (self, "hooks/test.run.d/10-attack.policy.json", POLICY, 0644);
  add_hooks (self);
  policy_fixture_assert_contained (self);
  g_assert_cmpstr (self->plain.log->str, ==, "");
}

static void
test_hook_word (PolicyFixture *self, gconstpointer unused)
{
  g_autofree char *script = g_strconcat ("#!/bin/sh\n# hookrun: policy=all.policy.json\n",
                                         strchr (policy_attack_shell, '\n') + 1, NULL);

  policy_fixture_write (self, "hooks/test.run.d/10-attack", script, 0755);
  policy_fixture_write (self, "hooks/test.run.d/all.policy.json", POLICY, 0644);
  add_hooks (self);
  policy_fixture_assert_contained (self);
}

static void
test_hook_folder (PolicyFixture *self, gconstpointer unused)
{
  policy_fixture_write (self, "hooks/test.run.d/10-attack", policy_attack_shell, 0755);
  policy_fixture_write (self, "hooks.policy.json", POLICY, 0644);
  add_hooks (self);
  policy_fixture_assert_contained (self);
}

/* ---- limits ---- */

static void
test_fork_bomb (PolicyFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *trail = NULL;

  policy_fixture_write (self, "attack",
                        "#!/bin/sh\n"
                        "echo $$ >@/granted/pid\n"
                        "n=0\nwhile [ $n -lt 200 ]; do sleep 300 & n=$((n + 1)); done\nwait\n",
                        0755);
  policy_fixture_activate (self, EXECUTABLE
                           ", \"policy\": {\"base\": true, \"read\": [\"@/granted\"],"
                           " \"write\": [\"@/granted\"], \"limits\": {\"processes\": 20}}}");
  trail = fixture_run (&self->plain, "shop", &error);
  g_test_message ("%s", error != NULL ? error->message : "no error");
  g_assert_nonnull (error);
  policy_fixture_assert_gone (self, "granted/pid");
}

static void
test_timeout (PolicyFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *trail = NULL;

  policy_fixture_write (self, "attack",
                        "#!/bin/sh\ntrap '' TERM\nsleep 300 & echo $! >@/granted/pid\n"
                        "while :; do sleep 1; done\n",
                        0755);
  policy_fixture_activate (self, EXECUTABLE ", \"timeout\": \"300ms\", \"policy\": " POLICY "}");
  trail = fixture_run (&self->plain, "shop", &error);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_TIMED_OUT);
  assert_has (error->message, "did not end within 300 ms");
  policy_fixture_assert_gone (self, "granted/pid");
}

static void
test_limit_is_named (PolicyFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *trail = NULL;

  fixture_write (&self->plain, "attack", "#!/bin/sh\nsleep 300\n", 0755);
  policy_fixture_activate (self, EXECUTABLE
                           ", \"policy\": {\"base\": true, \"limits\": {\"wall\": \"300ms\"}}}");
  trail = fixture_run (&self->plain, "shop", &error);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
  assert_has (error->message, "\"wall\"");
}

/* A worker that its sandbox killed is started anew, and confined again. */
static void
test_worker_restarts (PolicyFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *trail = NULL;
  g_autofree char *marker = fixture_path (&self->plain, "granted/again");
  g_autofree char *code = g_strconcat (policy_attack_python,
                                       "    if not os.path.exists('@/granted/again'):\n"
                                       "        os.kill(os.getpid(), 9)\n",
                                       NULL);

  policy_fixture_write (self, "attack.py", code, 0644);
  policy_fixture_activate (self, PYTHON ", \"policy\": " POLICY "}");
  trail = fixture_run (&self->plain, "shop", &error);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CRASHED);
  assert_has (error->message, "signal 9");
  policy_fixture_assert_gone (self, "granted/pid");
  g_assert_true (g_file_set_contents (marker, "", 0, NULL));
  policy_fixture_assert_contained (self);
}

/* The worker of a host that was killed goes with it, and what that worker started. */
static void
test_host_is_killed (PolicyFixture *self, gconstpointer unused)
{
  if (g_test_subprocess ()) {
    g_autofree char *pid = fixture_path (&self->plain, "granted/pid");

    policy_fixture_write (self, "attack.py", policy_attack_python, 0644);
    policy_fixture_activate (self, PYTHON ", \"policy\": " POLICY "}");
    policy_fixture_assert_contained (self);
    g_assert_cmpint (g_rename (pid, g_getenv ("HOOKRUN_TEST_PID")), ==, 0);
    kill (getpid (), SIGKILL);
  } else {
    g_autofree char *pid = fixture_path (&self->plain, "pid");

    g_setenv ("HOOKRUN_TEST_PID", pid, TRUE);
    g_setenv ("TMPDIR", self->plain.folder, TRUE);
    g_test_trap_subprocess (NULL, 0, 0);
    g_test_trap_assert_failed ();
    g_unsetenv ("TMPDIR");
    policy_fixture_assert_gone (self, "pid");
  }
}

int
main (int argc, char **argv)
{
  policy_fixture_main (argc, argv);
#define ADD(name, func)                                                                            \
  g_test_add ("/plugin/policy/" name, PolicyFixture, NULL, policy_fixture_set_up, func,            \
              policy_fixture_tear_down)
  ADD ("executable-is-contained", test_executable);
  ADD ("executable-without-one-is-not", test_executable_free);
  ADD ("worker-is-contained", test_worker);
  ADD ("worker-without-one-is-not", test_worker_free);
  ADD ("async", test_async);
  ADD ("in-a-file", test_file);
  ADD ("hook", test_hook);
  ADD ("hook-by-its-word", test_hook_word);
  ADD ("hook-by-its-folder", test_hook_folder);
  ADD ("fork-bomb", test_fork_bomb);
  ADD ("timeout-ends-the-whole-tree", test_timeout);
  ADD ("limit-is-named", test_limit_is_named);
  ADD ("worker-restarts-confined", test_worker_restarts);
  ADD ("host-is-killed", test_host_is_killed);
#undef ADD
  return g_test_run ();
}
