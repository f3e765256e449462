/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every attempt to escape is contained, as root and as an ordinary user (--user): by what the
 * attempt says, and by a look from outside at all that it could have touched.
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
  g_autoptr (HookrunPolicy) policy = NULL;
  g_auto (GStrv) names = NULL;
  int status = test_as_user (argc, argv);

  if (status >= 0)
    return status;
  test_drop_user_argument (&argc, argv);
  g_test_init (&argc, &argv, NULL);
  world = test_world_new ();
  policy = test_world_policy (world);
  sandbox = hookrun_sandbox_new (policy);
  names = list_attempts ();
  g_assert_cmpuint (g_strv_length (names), >=, 60);
  for (char **name = names; *name != NULL; name++) {
    g_autofree char *path = g_strconcat ("/sandbox/escape/", *name, NULL);

    g_test_add_data_func (path, *name, test_attempt);
  }
  status = g_test_run ();
  g_object_unref (sandbox);
  test_world_free (world);
  return status;
}
