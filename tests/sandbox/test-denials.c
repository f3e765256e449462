/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a policy denied is told with the one line that allows it, and that line does allow it; what
 * would have failed anyway is not told; and what cannot be allowed says so. Each in both tiers, as
 * root and as an ordinary user.
 */
#include "seen.h"

#include <string.h>

static TestWorld *world;

/* ---- paths ---- */

/* Each script does one thing that is denied; the remedy is put into the policy, and nothing is
 * denied any more. */
static const struct {
  const char *name;
  const char *script;
  const char *object; /* below outside */
  const char *key;    /* of the line */
  const char *grant;  /* below outside */
  HookrunAccess access;
} paths[] = {
    {"read", "cat $OUT/file", "file", "read", "file", HOOKRUN_ACCESS_READ},
    {"list", "ls $OUT/folder", "folder", "read", "folder", HOOKRUN_ACCESS_READ},
    {"write", "exec 5>>$OUT/file", "file", "write", "file", HOOKRUN_ACCESS_WRITE},
    {"make", ": >$OUT/folder/new && rm $OUT/folder/new", "folder/new", "write", "folder",
     HOOKRUN_ACCESS_WRITE},
    {"make-folder", "mkdir $OUT/folder/new && rmdir $OUT/folder/new", "folder/new", "write",
     "folder", HOOKRUN_ACCESS_WRITE},
    {"change", "chmod 644 $OUT/file", "file", "write", "file", HOOKRUN_ACCESS_WRITE},
    {"execute", "$OUT/program", "program", "execute", "program", HOOKRUN_ACCESS_EXECUTE},
    {"relative", "cd / && cat .$OUT/../outside/file", "file", "read", "file", HOOKRUN_ACCESS_READ},
    {"link", "ln -s $OUT link && cat link/file; rm link", "file", "read", "file",
     HOOKRUN_ACCESS_READ},
    {"child-of-child", "(sh -c '(cat $OUT/file) & wait') & wait", "file", "read", "file",
     HOOKRUN_ACCESS_READ},
};

static HookrunDenial *
find_path (const TestSeen *seen, guint i)
{
  g_autofree char *object = g_build_filename (world->outside, paths[i].object, NULL);
  HookrunDenial *denial = test_seen_find (seen, HOOKRUN_DENIAL_PATH, object);

  test_seen_count (seen);
  g_assert_nonnull (denial);
  g_assert_null (denial->reason);
  return denial;
}

static void
test_path_fast (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (HookrunPolicy) policy = test_policy_of_tier (world, HOOKRUN_TIER_FAST);
  g_autoptr (TestSeen) before = test_observe (world, policy, paths[i].script);
  g_autofree char *expected =
      g_strdup_printf ("\"%s\":[\"%s/%s\"]", paths[i].key, world->outside, paths[i].grant);
  HookrunDenial *denial = find_path (before, i);
  g_autofree char *line = hookrun_denial_get_line (denial);
  g_autoptr (TestSeen) after = NULL;

  g_assert_cmpstr (line, ==, expected);
  g_assert_true ((denial->access & paths[i].access) == paths[i].access);
  hookrun_policy_add (policy, denial->remedy);
  after = test_observe (world, policy, paths[i].script);
  g_assert_cmpuint (test_seen_count (after), ==, 0);
  g_assert_cmpint (after->outcome->exit_status, ==, 0);
}

/* Where it is hidden, a program that looks before it acts is told twice. */
static void
test_path_strong (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (HookrunPolicy) policy = test_policy_of_tier (world, HOOKRUN_TIER_STRONG);
  g_autoptr (TestSeen) seen = test_observe (world, policy, paths[i].script);

  for (guint round = 0; round < 2 && test_seen_count (seen) > 0; round++) {
    hookrun_policy_add (policy, find_path (seen, i)->remedy);
    g_clear_pointer (&seen, test_seen_free);
    seen = test_observe (world, policy, paths[i].script);
  }
  g_assert_cmpuint (test_seen_count (seen), ==, 0);
  g_assert_cmpint (seen->outcome->exit_status, ==, 0);
}

/* What is not there, and what its mode refuses, is nobody's denial. */
static void
test_ordinary (void)
{
  static const char script[] = "cat $OUT/missing; cat $IN/foreign; mkdir $IN; rmdir $IN/x; cat "
                               "/; $IN/missing; ls $OUT/missing/folder; true";
  static const HookrunTier tiers[] = {HOOKRUN_TIER_FAST, HOOKRUN_TIER_STRONG};

  for (gsize i = 0; i < G_N_ELEMENTS (tiers); i++) {
    g_autoptr (HookrunPolicy) policy = test_policy_of_tier (world, tiers[i]);
    g_autoptr (TestSeen) seen = NULL;

    hookrun_policy_grant (policy, "/proc/version", HOOKRUN_ACCESS_READ, NULL);
    seen = test_observe (world, policy, script);
    g_assert_null (test_seen_find (seen, HOOKRUN_DENIAL_PATH, world->inside));
    for (guint j = 0; j < seen->denials->len; j++) {
      const HookrunDenial *denial = g_ptr_array_index (seen->denials, j);

      g_assert_null (strstr (denial->object, "missing"));
      g_assert_null (strstr (denial->object, "foreign"));
    }
  }
}

/* An ordinary user who may not write there anyway is not sent to the policy. */
static void
test_refused_anyway (void)
{
  g_autoptr (HookrunPolicy) policy = test_policy_of_tier (world, HOOKRUN_TIER_FAST);
  g_autoptr (TestSeen) seen = test_observe (world, policy, ": >>/etc/passwd; cat /etc/shadow");

  if (geteuid () == 0)
    g_assert_nonnull (test_seen_find (seen, HOOKRUN_DENIAL_PATH, "/etc/passwd"));
  else
    g_assert_cmpuint (test_seen_count (seen), ==, 0);
}

/* Root without capabilities is refused by modes like anybody. */
static void
test_refused_by_mode (void)
{
  g_autoptr (HookrunPolicy) policy = hookrun_policy_new_base ();
  g_autoptr (TestSeen) seen = test_observe (world, policy, "cat $IN/foreign");

  g_assert_cmpint (seen->outcome->exit_status, ==, 1);
  g_assert_cmpuint (test_seen_count (seen), ==, 0);
}

static void
test_nothing (void)
{
  g_autoptr (HookrunPolicy) policy = test_policy_of_tier (world, HOOKRUN_TIER_FAST);
  g_autoptr (TestSeen) seen =
      test_observe (world, policy, "echo text >file && cat file && rm file");

  g_assert_cmpuint (test_seen_count (seen), ==, 0);
  g_assert_cmpint (seen->outcome->exit_status, ==, 0);
}

/* One thing is told once. */
static void
test_counted (void)
{
  g_autoptr (HookrunPolicy) policy = test_policy_of_tier (world, HOOKRUN_TIER_FAST);
  g_autoptr (TestSeen) seen = test_observe (
      world, policy, "for i in 1 2 3 4 5; do true <$OUT/file; done 2>/dev/null; true");
  g_autofree char *object = g_build_filename (world->outside, "file", NULL);
  HookrunDenial *denial = test_seen_find (seen, HOOKRUN_DENIAL_PATH, object);

  g_assert_nonnull (denial);
  g_assert_cmpuint (denial->count, ==, 5);
  g_assert_cmpstr (denial->program, ==, "sh");
  g_assert_cmpuint (test_seen_count (seen), ==, 1);
}

/* ---- what never is allowed ---- */

static void
test_never (void)
{
  static const struct {
    const char *script;
    HookrunDenialKind kind;
    const char *object;
  } rows[] = {
      {"setsid true; true", HOOKRUN_DENIAL_CALL, "setsid"},
      {"unshare -U true", HOOKRUN_DENIAL_CALL, "unshare"},
      {"touch f; chown 1 f", HOOKRUN_DENIAL_CALL, "fchownat"},
      {"touch f; chmod u+s f", HOOKRUN_DENIAL_CALL, "fchmodat"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (HookrunPolicy) policy = test_policy_of_tier (world, HOOKRUN_TIER_FAST);
    g_autoptr (TestSeen) seen = test_observe (world, policy, rows[i].script);
    HookrunDenial *denial = test_seen_find (seen, rows[i].kind, rows[i].object);

    test_seen_count (seen);
    g_assert_nonnull (denial);
    g_assert_null (denial->remedy);
    g_assert_nonnull (denial->reason);
  }
}

static void
test_process_files (void)
{
  g_autoptr (HookrunPolicy) policy = test_policy_of_tier (world, HOOKRUN_TIER_FAST);
  g_autoptr (TestSeen) seen = test_observe (world, policy, "cat /proc/self/environ");
  const HookrunDenial *denial = g_ptr_array_index (seen->denials, 0);

  g_assert_cmpuint (seen->denials->len, ==, 1);
  g_assert_null (denial->remedy);
  g_assert_nonnull (strstr (denial->reason, "/proc"));
}

/* ---- network, services, limits ---- */

static const char connect_script[] = "import os, socket\n"
                                     "s = socket.socket()\n"
                                     "s.connect(('127.0.0.1', int(os.environ['PORT'])))\n";

/* Step by step: first sockets, then the port. */
static void
test_port (void)
{
  g_autoptr (HookrunPolicy) policy = test_policy_of_tier (world, HOOKRUN_TIER_FAST);
  g_autofree char *object = g_strdup_printf ("tcp:%d", world->tcp_port);
  g_autoptr (TestSeen) first = NULL;
  g_autoptr (TestSeen) second = NULL;
  g_autoptr (TestSeen) third = NULL;
  HookrunDenial *denial;

  if (hookrun_landlock_version () < HOOKRUN_LANDLOCK_TCP) {
    g_test_message ("this kernel has no rules for ports");
    return;
  }
  first = test_observe_with (world, policy, NULL, "/usr/bin/python3", connect_script);
  denial = test_seen_find (first, HOOKRUN_DENIAL_NETWORK, "tcp");
  g_assert_nonnull (denial);
  hookrun_policy_add (policy, denial->remedy);
  second = test_observe_with (world, policy, NULL, "/usr/bin/python3", connect_script);
  denial = test_seen_find (second, HOOKRUN_DENIAL_NETWORK, object);
  g_assert_nonnull (denial);
  hookrun_policy_add (policy, denial->remedy);
  third = test_observe_with (world, policy, NULL, "/usr/bin/python3", connect_script);
  g_assert_cmpint (third->outcome->exit_status, ==, 0);
  g_assert_cmpuint (test_seen_count (third), ==, 0);
}

static const char unix_script[] = "import os, socket\n"
                                  "s = socket.socket(socket.AF_UNIX)\n"
                                  "s.connect(os.environ['OUT'] + '/stream')\n";

/* With some socket granted the tier hides the others: which one is meant is known then. */
static void
test_service (void)
{
  g_autoptr (HookrunPolicy) policy = test_policy_of_tier (world, HOOKRUN_TIER_AUTO);
  g_autofree char *path = g_build_filename (world->outside, "stream", NULL);
  g_autofree char *other = g_build_filename (world->outside, "datagram", NULL);
  g_autoptr (TestSeen) first =
      test_observe_with (world, policy, NULL, "/usr/bin/python3", unix_script);
  g_autoptr (TestSeen) second = NULL;
  g_autoptr (TestSeen) third = NULL;
  HookrunDenial *denial = test_seen_find (first, HOOKRUN_DENIAL_SOCKET, "unix socket");

  g_assert_nonnull (denial);
  g_assert_nonnull (denial->reason);
  hookrun_policy_grant_socket (policy, other, NULL);
  second = test_observe_with (world, policy, NULL, "/usr/bin/python3", unix_script);
  denial = test_seen_find (second, HOOKRUN_DENIAL_SOCKET, path);
  g_assert_nonnull (denial);
  hookrun_policy_add (policy, denial->remedy);
  third = test_observe_with (world, policy, NULL, "/usr/bin/python3", unix_script);
  g_assert_cmpint (third->outcome->exit_status, ==, 0);
}

static void
test_limits (void)
{
  g_autoptr (HookrunPolicy) policy = test_policy_of_tier (world, HOOKRUN_TIER_FAST);
  g_autoptr (TestSeen) seen = NULL;
  HookrunDenial *denial;

  hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_DESCRIPTORS, 6);
  hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_WALL, 700);
  seen = test_observe_with (world, policy, NULL, "/bin/bash",
                            "exec 3<. 4<. 5<.; exec 6<.; while :; do sleep 0.1; done");
  denial = test_seen_find (seen, HOOKRUN_DENIAL_LIMIT, "descriptors");
  g_assert_nonnull (denial);
  g_assert_cmpuint (hookrun_policy_get_limit (denial->remedy, HOOKRUN_LIMIT_DESCRIPTORS), ==, 12);
  denial = test_seen_find (seen, HOOKRUN_DENIAL_LIMIT, "wall");
  g_assert_nonnull (denial);
  g_assert_cmpint (seen->outcome->limit, ==, HOOKRUN_LIMIT_WALL);
}

/* ---- the program is none the wiser ---- */

/* Children that are killed, stopped and continued are what they are without an observer. */
static void
test_undisturbed (void)
{
  static const char script[] = "import os, signal, subprocess, threading, time\n"
                               "a = subprocess.Popen(['sleep', '60'])\n"
                               "a.kill()\n"
                               "assert a.wait() == -9\n"
                               "b = subprocess.Popen(['sleep', '0.2'])\n"
                               "b.send_signal(signal.SIGSTOP)\n"
                               "_, status = os.waitpid(b.pid, os.WUNTRACED)\n"
                               "assert os.WIFSTOPPED(status)\n"
                               "b.send_signal(signal.SIGCONT)\n"
                               "assert b.wait() == 0\n"
                               "c = subprocess.Popen(['sh', '-c', 'kill -TERM $$'])\n"
                               "assert c.wait() == -15\n"
                               "got = []\n"
                               "signal.signal(signal.SIGUSR1, lambda *_: got.append(1))\n"
                               "os.kill(os.getpid(), signal.SIGUSR1)\n"
                               "assert got == [1]\n"
                               "t = [threading.Thread(target=time.sleep, args=(0.05,)) for _ in "
                               "range(8)]\n"
                               "[x.start() for x in t]\n"
                               "[x.join() for x in t]\n"
                               "threading.Thread(target=os.execv, args=('/bin/sh', ['sh', '-c', "
                               "'exit 7'])).start()\n"
                               "time.sleep(5)\n";
  static const HookrunTier tiers[] = {HOOKRUN_TIER_FAST, HOOKRUN_TIER_STRONG};

  for (gsize i = 0; i < G_N_ELEMENTS (tiers); i++) {
    g_autoptr (HookrunPolicy) policy = test_policy_of_tier (world, tiers[i]);
    g_autoptr (TestSeen) seen = test_observe_with (world, policy, NULL, "/usr/bin/python3", script);

    test_seen_count (seen);
    g_assert_true (seen->outcome->exited);
    g_assert_cmpint (seen->outcome->exit_status, ==, 7);
    g_assert_cmpuint (seen->outcome->left_behind, ==, 0);
  }
}

/* What is left behind is killed, as ever. */
static void
test_left_behind (void)
{
  g_autoptr (HookrunPolicy) policy = test_policy_of_tier (world, HOOKRUN_TIER_FAST);
  gint64 begun = g_get_monotonic_time ();
  g_autoptr (TestSeen) seen = test_observe (world, policy, "sleep 60 & exit 3");

  g_assert_cmpint (seen->outcome->exit_status, ==, 3);
  g_assert_cmpuint (seen->outcome->left_behind, ==, 1);
  g_assert_cmpint (g_get_monotonic_time () - begun, <, 20 * G_USEC_PER_SEC);
}

/* Nonsense in the program's memory, and more names than anybody wants to read. */
static void
test_hostile (void)
{
  static const char script[] =
      "import ctypes, os\n"
      "c = ctypes.CDLL(None)\n"
      "for p in (1, -1, 1 << 47, 0): c.open(ctypes.c_void_p(p), 0)\n"
      "c.open(b'a' * 5000, 0)\n"
      "c.open(b'/\\xff\\xfe' + os.environb[b'OUT'], 0)\n"
      "c.connect(0, ctypes.c_void_p(1), 1 << 30)\n"
      "c.connect(0, b'\\x01', 1)\n"
      "for i in range(3000):\n"
      "  c.open(os.environb[b'OUT'] + b'/folder/\\xff\\n%d' % i, os.O_CREAT, 0o600)\n";
  g_autoptr (HookrunPolicy) policy = test_policy_of_tier (world, HOOKRUN_TIER_FAST);
  g_autoptr (TestSeen) seen = test_observe_with (world, policy, NULL, "/usr/bin/python3", script);

  g_assert_cmpint (seen->outcome->exit_status, ==, 0);
  g_assert_cmpuint (seen->denials->len, <=, 2000);
  for (guint i = 0; i < seen->denials->len; i++) {
    const HookrunDenial *denial = g_ptr_array_index (seen->denials, i);
    g_autoptr (JsonNode) node = hookrun_denial_to_json (denial);
    g_autofree char *text = json_to_string (node, FALSE);

    g_assert_true (g_utf8_validate (denial->object, -1, NULL));
    g_assert_nonnull (text);
  }
}

/* ---- measuring ---- */

/* What a wide policy allowed and a narrow one would not have is told; what both allow is not. */
static void
test_measured (void)
{
  g_autoptr (HookrunPolicy) wide = test_policy_of_tier (world, HOOKRUN_TIER_FAST);
  g_autoptr (HookrunPolicy) narrow = test_policy_of_tier (world, HOOKRUN_TIER_FAST);
  g_autofree char *file = g_build_filename (world->outside, "file", NULL);
  g_autofree char *made = g_build_filename (world->outside, "folder", "made", NULL);
  g_autofree char *folder = g_build_filename (world->outside, "folder", NULL);
  g_autoptr (TestSeen) seen = NULL;
  HookrunDenial *denial;

  hookrun_policy_grant (wide, world->outside, HOOKRUN_ACCESS_ALL, NULL);
  seen = test_observe_with (world, wide, narrow, "/bin/sh",
                            "cat $OUT/file; echo x >$OUT/folder/made; rm $OUT/folder/made; : >own");
  g_assert_cmpuint (test_seen_count (seen), ==, 2);
  denial = test_seen_find (seen, HOOKRUN_DENIAL_PATH, file);
  g_assert_nonnull (denial);
  g_assert_cmpint (denial->problem, ==, 0);
  denial = test_seen_find (seen, HOOKRUN_DENIAL_PATH, made);
  g_assert_nonnull (denial);
  g_assert_cmpint (hookrun_policy_get_access (denial->remedy, folder), ==, HOOKRUN_ACCESS_WRITE);
}

static void
test_unobserved (void)
{
  g_autoptr (HookrunPolicy) policy = test_policy_of_tier (world, HOOKRUN_TIER_FAST);
  g_autoptr (HookrunSandbox) sandbox = hookrun_sandbox_new (policy);
  const char *const argv[] = {"/bin/cat", "/etc/hosts", NULL};
  g_autoptr (HookrunLaunch) launch = hookrun_launch_new (argv);
  g_autoptr (HookrunConfined) confined = hookrun_sandbox_spawn (sandbox, launch, NULL);
  g_autoptr (HookrunOutcome) outcome = hookrun_confined_wait (confined, NULL, NULL);
  g_autoptr (GPtrArray) denials = hookrun_confined_list_denials (confined);

  g_assert_cmpint (outcome->exit_status, ==, 1);
  g_assert_cmpuint (denials->len, ==, 0);
}

/* A program that cannot be run says so, and leaves nobody waiting. */
static void
test_not_run (void)
{
  g_autoptr (HookrunPolicy) policy = test_policy_of_tier (world, HOOKRUN_TIER_FAST);
  g_autoptr (HookrunSandbox) sandbox = hookrun_sandbox_new (policy);
  g_autofree char *program = g_build_filename (world->outside, "program", NULL);
  const char *const argv[] = {program, NULL};
  g_autoptr (HookrunLaunch) launch = hookrun_launch_new (argv);
  g_autoptr (GError) error = NULL;

  hookrun_launch_observe (launch, NULL);
  g_assert_null (hookrun_sandbox_spawn (sandbox, launch, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION);
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *name;
    GTestFunc test;
  } tests[] = {
      {"ordinary-errors-are-none", test_ordinary},
      {"refused-anyway", test_refused_anyway},
      {"refused-by-mode", test_refused_by_mode},
      {"nothing-denied", test_nothing},
      {"counted", test_counted},
      {"never", test_never},
      {"process-files", test_process_files},
      {"port", test_port},
      {"service", test_service},
      {"limits", test_limits},
      {"undisturbed", test_undisturbed},
      {"left-behind", test_left_behind},
      {"hostile", test_hostile},
      {"measured", test_measured},
      {"unobserved", test_unobserved},
      {"not-run", test_not_run},
  };
  int status = test_as_user (argc, argv);

  if (status >= 0)
    return status;
  test_drop_user_argument (&argc, argv);
  g_test_init (&argc, &argv, NULL);
  world = test_world_new ();
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autofree char *fast = g_strconcat ("/sandbox/denials/path/fast/", paths[i].name, NULL);
    g_autofree char *strong = g_strconcat ("/sandbox/denials/path/strong/", paths[i].name, NULL);

    g_test_add_data_func (fast, GUINT_TO_POINTER (i), test_path_fast);
    g_test_add_data_func (strong, GUINT_TO_POINTER (i), test_path_strong);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++) {
    g_autofree char *path = g_strconcat ("/sandbox/denials/", tests[i].name, NULL);

    g_test_add_func (path, tests[i].test);
  }
  status = g_test_run ();
  test_world_free (world);
  return status;
}
