/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a system lacks is named and refused, with the promise that needs it and how to turn it on;
 * what a policy promises decides the tier; and what it grants in each tier works.
 */
#include "world.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static HookrunPolicy *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  HookrunPolicy *policy = hookrun_policy_new_from_json (text, -1, "test", &error);

  g_assert_no_error (error);
  return policy;
}

static void
test_refused (void)
{
  static const struct {
    const char *policy;
    HookrunFeatures features;
    const char *names;
  } rows[] = {
      {"{\"tier\":\"fast\"}", {0, TRUE, TRUE, TRUE}, "no Landlock: set \"tier\" to \"auto\""},
      {"{\"write\":[\"/tmp\"]}", {0, TRUE, TRUE, TRUE}, "cannot read what it may only write to"},
      {"{\"network\":{\"connect\":[80]}}", {0, TRUE, TRUE, TRUE}, "Landlock's rules for TCP ports"},
      {"{\"network\":\"all\",\"sockets\":[\"/run/x\"]}", {5, TRUE, TRUE, TRUE}, "Linux 6.12"},
      {"{\"base\":true}", {7, FALSE, FALSE, TRUE}, "no system call filters (seccomp)"},
      {"{\"base\":true}", {7, TRUE, TRUE, FALSE}, "no close_range()"},
      {"{\"network\":{\"connect\":[80]}}", {3, TRUE, TRUE, TRUE}, "Linux 6.7 or newer"},
      {"{\"tier\":\"fast\",\"hide\":true}", {7, TRUE, TRUE, TRUE}, "\"hide\""},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (HookrunPolicy) policy = parse (rows[i].policy);
    g_autoptr (HookrunSandbox) sandbox = hookrun_sandbox_new (policy);
    g_autoptr (GError) error = NULL;

    hookrun_sandbox_pretend (sandbox, &rows[i].features);
    g_assert_false (hookrun_sandbox_prepare (sandbox, &error));
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED);
    g_assert_nonnull (strstr (error->message, rows[i].names));
  }
}

static void
test_chosen (void)
{
  const struct {
    const char *policy;
    HookrunTier tier;
  } rows[] = {
      {"{\"base\":true}",
       hookrun_landlock_version () > 0 ? HOOKRUN_TIER_FAST : HOOKRUN_TIER_STRONG},
      {"{\"base\":true,\"hide\":true}", HOOKRUN_TIER_STRONG},
      {"{\"base\":true,\"tier\":\"strong\"}", HOOKRUN_TIER_STRONG},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (HookrunPolicy) policy = parse (rows[i].policy);
    g_autoptr (HookrunSandbox) sandbox = hookrun_sandbox_new (policy);
    g_autoptr (GError) error = NULL;

    hookrun_sandbox_prepare (sandbox, &error);
    g_assert_no_error (error);
    g_assert_cmpint (hookrun_sandbox_get_tier (sandbox), ==, rows[i].tier);
  }
}

static HookrunSandbox *
make_bare (HookrunPolicy *policy)
{
  const HookrunFeatures bare = {0, TRUE, TRUE, TRUE};
  HookrunSandbox *sandbox = hookrun_sandbox_new (policy);

  hookrun_sandbox_pretend (sandbox, &bare);
  return sandbox;
}

/* Without Landlock the strong tier is taken, and no folder from outside comes with the program. */
static void
test_bare (void)
{
  g_autoptr (HookrunPolicy) policy = parse ("{\"base\":true,\"read\":[\"/etc/passwd\"]}");
  g_autoptr (HookrunSandbox) sandbox = make_bare (policy);
  const char *const argv[] = {"/bin/sh", "-c", "! test -e ../../etc/shadow", NULL};
  g_autoptr (HookrunLaunch) launch = hookrun_launch_new (argv);
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunConfined) confined = NULL;
  g_autoptr (HookrunOutcome) outcome = NULL;
  int outside = open ("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int granted = open ("/usr/bin", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  hookrun_launch_set_folder_fd (launch, outside);
  g_assert_null (hookrun_sandbox_spawn (sandbox, launch, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  g_assert_cmpint (hookrun_sandbox_get_tier (sandbox), ==, HOOKRUN_TIER_STRONG);
  g_clear_error (&error);
  hookrun_launch_set_folder_fd (launch, granted);
  confined = hookrun_sandbox_spawn (sandbox, launch, &error);
  g_assert_no_error (error);
  outcome = hookrun_confined_wait (confined, NULL, NULL);
  g_assert_true (outcome->exited && outcome->exit_status == 0);
  hookrun_launch_pass_fd (launch, outside, 5);
  g_assert_null (hookrun_sandbox_spawn (sandbox, launch, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED);
  close (outside);
  close (granted);
}

static void
test_missing_path (void)
{
  g_autoptr (HookrunPolicy) policy = parse ("{\"read\":[\"/nowhere/at/all\"]}");
  g_autoptr (HookrunSandbox) sandbox = hookrun_sandbox_new (policy);
  g_autoptr (GError) error = NULL;

  g_assert_false (hookrun_sandbox_prepare (sandbox, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
}

static void
test_program_not_granted (void)
{
  g_autoptr (HookrunPolicy) policy = parse ("{\"read\":[\"/usr\"]}");
  g_autoptr (HookrunSandbox) sandbox = hookrun_sandbox_new (policy);
  const char *const argv[] = {"/usr/bin/env", NULL};
  g_autoptr (HookrunLaunch) launch = hookrun_launch_new (argv);
  g_autoptr (GError) error = NULL;

  g_assert_null (hookrun_sandbox_spawn (sandbox, launch, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION);
  g_assert_nonnull (strstr (error->message, "add \"execute\": [\"/usr/bin/env\"]"));
}

/* The socket that is granted is reached, and the one beside it is not. */
static void
test_socket (void)
{
  TestWorld *world = test_world_new ();
  g_autoptr (HookrunPolicy) policy = test_world_policy (world);
  g_autofree char *path = g_build_filename (world->outside, "stream", NULL);
  g_autoptr (HookrunSandbox) sandbox = NULL;
  g_autoptr (TestTry) granted = NULL;
  g_autoptr (TestTry) other = NULL;

  g_assert_true (hookrun_policy_grant_socket (policy, path, NULL));
  sandbox = hookrun_sandbox_new (policy);
  other = test_world_try (world, sandbox, "send-unix");
  g_assert_true (test_try_is_contained (other));
  granted = test_world_try (world, sandbox, "connect-unix");
  g_assert_true (granted->says_escaped);
  test_world_free (world);
}

/* Connecting to a granted port works, and to no other. */
static void
test_ports (void)
{
  TestWorld *world = test_world_new ();

  for (guint i = 0; i < 2; i++) {
    g_autoptr (HookrunPolicy) policy = test_world_policy (world);
    g_autoptr (HookrunSandbox) sandbox = NULL;
    g_autoptr (TestTry) result = NULL;
    g_autoptr (TestTry) udp = NULL;

    hookrun_policy_grant_connect (policy, (guint16)(world->tcp_port + (int)i));
    sandbox = hookrun_sandbox_new (policy);
    if (hookrun_landlock_version () < HOOKRUN_LANDLOCK_TCP) {
      g_assert_false (hookrun_sandbox_prepare (sandbox, NULL));
      continue;
    }
    result = test_world_try (world, sandbox, i == 0 ? "connect-tcp" : "connect-while-sending");
    g_assert_cmpint (result->says_escaped, ==, i == 0);
    udp = test_world_try (world, sandbox, "send-udp");
    g_assert_false (udp->says_escaped);
  }
  test_world_free (world);
}

int
main (int argc, char **argv)
{
  int status = test_as_user (argc, argv);

  if (status >= 0)
    return status;
  test_drop_user_argument (&argc, argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sandbox/tiers/missing-feature-is-named", test_refused);
  g_test_add_func ("/sandbox/tiers/chosen-by-promises", test_chosen);
  g_test_add_func ("/sandbox/tiers/without-landlock", test_bare);
  g_test_add_func ("/sandbox/tiers/missing-path", test_missing_path);
  g_test_add_func ("/sandbox/tiers/program-not-granted", test_program_not_granted);
  g_test_add_func ("/sandbox/tiers/socket", test_socket);
  g_test_add_func ("/sandbox/tiers/ports", test_ports);
  return g_test_run ();
}
