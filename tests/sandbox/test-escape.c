/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every attempt to escape is contained, as root and as an ordinary user (--user): by what the
 * attempt says, and by a look from outside at all that it could have touched. The argument says
 * under which circumstances: fast, strong, old (as on a kernel whose gaps the broker fills), bare
 * (as on one without Landlock), or while somebody observes: fast-observed, strong-observed.
 */
#include "world.h"

#include <string.h>

static TestWorld *world;
static HookrunSandbox *sandbox;

static void
test_attempt (gconstpointer name)
{
  g_autoptr (TestTry) result = test_world_try (world, sandbox, name);

  if (!test_try_is_contained (result))
    g_test_message ("%s: says \"%s\"; outside: %s; signal %d", (const char *)name, result->output,
                    result->damage, result->outcome->term_signal);
  g_assert_true (test_try_is_contained (result));
}

static HookrunSandbox *
make_sandbox (const char *circumstances)
{
  const HookrunFeatures old = {1, TRUE, TRUE, TRUE};
  const HookrunFeatures bare = {0, TRUE, TRUE, TRUE};
  g_autoptr (HookrunPolicy) policy = test_world_policy (world);
  HookrunSandbox *made;

  world->observes = g_str_has_suffix (circumstances, "-observed");
  if (g_str_has_prefix (circumstances, "strong"))
    hookrun_policy_set_tier (policy, HOOKRUN_TIER_STRONG);
  made = hookrun_sandbox_new (policy);
  if (strcmp (circumstances, "old") == 0)
    hookrun_sandbox_pretend (made, &old);
  if (strcmp (circumstances, "bare") == 0)
    hookrun_sandbox_pretend (made, &bare);
  return made;
}

static char **
list_attempts (void)
{
  const char *const argv[] = {world->escape, "list", NULL};
  g_autofree char *output = NULL;

  g_assert_true (
      g_spawn_sync (NULL, (char **)(gpointer)argv, NULL, 0, NULL, NULL, &output, NULL, NULL, NULL));
  return g_strsplit (g_strchomp (output), "\n", -1);
}

int
main (int argc, char **argv)
{
  const char *circumstances = argc > 1 ? argv[argc - 1] : "fast";
  g_auto (GStrv) names = NULL;
  int status = test_as_user (argc, argv);

  if (status >= 0)
    return status;
  test_drop_user_argument (&argc, argv);
  g_test_init (&argc, &argv, NULL);
  world = test_world_new ();
  sandbox = make_sandbox (circumstances);
  names = list_attempts ();
  g_assert_cmpuint (g_strv_length (names), >=, 60);
  for (char **name = names; *name != NULL; name++) {
    g_autofree char *path = g_strconcat ("/sandbox/escape/", circumstances, "/", *name, NULL);

    g_test_add_data_func (path, *name, test_attempt);
  }
  status = g_test_run ();
  g_object_unref (sandbox);
  test_world_free (world);
  return status;
}
