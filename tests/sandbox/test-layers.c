/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each layer is needed: with that one left out, an attempt that is contained otherwise gets
 * through. That also shows that the attempts are real ones.
 */
#include "world.h"

#include <string.h>
#include <unistd.h>

static TestWorld *world;

typedef struct {
  const char *path;
  HookrunLayer layer;
  const char *attempt;
  gboolean needs_root; /* an ordinary user has nothing of it to begin with */
} Row;

static Row rows[] = {
    {"/sandbox/layers/landlock/read", HOOKRUN_LAYER_LANDLOCK, "read-secret"},
    {"/sandbox/layers/landlock/write", HOOKRUN_LAYER_LANDLOCK, "write-file"},
    {"/sandbox/layers/landlock/remove", HOOKRUN_LAYER_LANDLOCK, "remove-file"},
    {"/sandbox/layers/landlock/run", HOOKRUN_LAYER_LANDLOCK, "run-program"},
    {"/sandbox/layers/landlock/signals", HOOKRUN_LAYER_LANDLOCK, "signal-victim"},
    {"/sandbox/layers/filter/modes", HOOKRUN_LAYER_FILTER, "chmod-path"},
    {"/sandbox/layers/filter/owners", HOOKRUN_LAYER_FILTER, "chown-files"},
    {"/sandbox/layers/filter/times", HOOKRUN_LAYER_FILTER, "set-times"},
    {"/sandbox/layers/filter/udp", HOOKRUN_LAYER_FILTER, "send-udp"},
    {"/sandbox/layers/filter/unix", HOOKRUN_LAYER_FILTER, "connect-unix"},
    {"/sandbox/layers/filter/pairs", HOOKRUN_LAYER_FILTER, "send-from-pair"},
    {"/sandbox/layers/filter/set-id", HOOKRUN_LAYER_FILTER, "set-id-by-chmod"},
    {"/sandbox/layers/filter/shared-memory", HOOKRUN_LAYER_FILTER, "sysv-memory"},
    {"/sandbox/layers/filter/limits-of-others", HOOKRUN_LAYER_FILTER, "limit-victim"},
    {"/sandbox/layers/beneath/modes", HOOKRUN_LAYER_BENEATH, "chmod-path"},
    {"/sandbox/layers/beneath/links", HOOKRUN_LAYER_BENEATH, "chmod-by-link"},
    {"/sandbox/layers/beneath/times", HOOKRUN_LAYER_BENEATH, "set-times"},
    {"/sandbox/layers/group/session", HOOKRUN_LAYER_GROUP, "make-session"},
    {"/sandbox/layers/group/group", HOOKRUN_LAYER_GROUP, "make-group"},
    {"/sandbox/layers/namespaces/files", HOOKRUN_LAYER_NAMESPACES, "see-file"},
    {"/sandbox/layers/namespaces/processes", HOOKRUN_LAYER_NAMESPACES, "see-process"},
    {"/sandbox/layers/descriptors", HOOKRUN_LAYER_DESCRIPTORS, "read-leaked-descriptor"},
    {"/sandbox/layers/environment", HOOKRUN_LAYER_ENVIRONMENT, "read-environment"},
    {"/sandbox/layers/rlimits", HOOKRUN_LAYER_RLIMITS, "dump-core"},
    {"/sandbox/layers/capabilities", HOOKRUN_LAYER_CAPABILITIES, "read-foreign-file", TRUE},
    {"/sandbox/layers/no-new-privileges", HOOKRUN_LAYER_NO_NEW_PRIVILEGES, "new-privileges", TRUE},
};

static gboolean
is_contained_without (HookrunLayer layers, const Row *row)
{
  g_autoptr (HookrunPolicy) policy = test_world_policy (world);
  g_autoptr (HookrunSandbox) sandbox = NULL;
  g_autoptr (TestTry) result = NULL;
  const char *attempt = row->attempt;

  hookrun_policy_set_hides (policy, row->layer == HOOKRUN_LAYER_NAMESPACES);
  sandbox = hookrun_sandbox_new (policy);

  hookrun_sandbox_leave_out (sandbox, layers);
  result = test_world_try (world, sandbox, attempt);
  g_test_message ("%s without %x: %s, %s", attempt, (guint)layers, result->output, result->damage);
  return test_try_is_contained (result);
}

/* A world of its own for each: what got through has changed it. */
static void
test_layer (gconstpointer data)
{
  const Row *row = data;

  world = test_world_new ();
  g_assert_true (is_contained_without (0, row));
  g_assert_false (is_contained_without (row->layer, row));
  test_world_free (world);
}

/* An ordinary user cannot even be restricted without, but in a namespace of its own: the launch
 * fails instead of going on with less. */
static void
test_no_new_privileges_of_user (void)
{
  g_autoptr (HookrunPolicy) policy = NULL;
  g_autoptr (HookrunSandbox) sandbox = NULL;
  g_autoptr (GError) error = NULL;

  world = test_world_new ();
  policy = test_world_policy (world);
  sandbox = hookrun_sandbox_new (policy);
  hookrun_sandbox_leave_out (sandbox, HOOKRUN_LAYER_NO_NEW_PRIVILEGES);
  g_assert_false (hookrun_sandbox_prepare (sandbox, &error));
  g_assert_nonnull (error);
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
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    const HookrunLayer alone = HOOKRUN_LAYER_NAMESPACES | HOOKRUN_LAYER_DESCRIPTORS |
                               HOOKRUN_LAYER_ENVIRONMENT | HOOKRUN_LAYER_RLIMITS;

    /* Without Landlock namespaces do its work. They also stand behind many of the other layers. */
    if (hookrun_landlock_version () == 0 && strcmp (rows[i].attempt, "signal-victim") != 0 &&
        rows[i].layer == HOOKRUN_LAYER_LANDLOCK)
      rows[i].layer = HOOKRUN_LAYER_NAMESPACES;
    if (hookrun_landlock_version () == 0 && (rows[i].layer & alone) == 0)
      continue;
    /* Older kernels leave signals to the filter and its broker. */
    if (strcmp (rows[i].attempt, "signal-victim") == 0 &&
        hookrun_landlock_version () < HOOKRUN_LANDLOCK_SCOPES)
      rows[i].layer = HOOKRUN_LAYER_FILTER;
    if (geteuid () == 0 || !rows[i].needs_root)
      g_test_add_data_func (rows[i].path, &rows[i], test_layer);
  }
  if (geteuid () != 0 && hookrun_landlock_version () > 0)
    g_test_add_func ("/sandbox/layers/no-new-privileges", test_no_new_privileges_of_user);
  return g_test_run ();
}
