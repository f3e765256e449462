/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs programs under observation and finds what they were denied. */
#include "seen.h"

#include <string.h>

void
test_seen_free (TestSeen *self)
{
  g_ptr_array_unref (self->denials);
  hookrun_outcome_free (self->outcome);
  g_free (self);
}

TestSeen *
test_observe_with (TestWorld *world, HookrunPolicy *policy, HookrunPolicy *measure,
                   const char *program, const char *script)
{
  const char *const argv[] = {program, "-c", script, NULL};
  g_autoptr (HookrunSandbox) sandbox = hookrun_sandbox_new (policy);
  g_autoptr (HookrunLaunch) launch = hookrun_launch_new (argv);
  g_autoptr (HookrunConfined) confined = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *port = g_strdup_printf ("%d", world->tcp_port);
  TestSeen *seen = g_new0 (TestSeen, 1);

  hookrun_launch_set_folder (launch, world->inside);
  hookrun_launch_set_variable (launch, "OUT", world->outside);
  hookrun_launch_set_variable (launch, "IN", world->inside);
  hookrun_launch_set_variable (launch, "PORT", port);
  hookrun_launch_observe (launch, measure);
  confined = hookrun_sandbox_spawn (sandbox, launch, &error);
  g_assert_no_error (error);
  seen->outcome = hookrun_confined_wait (confined, NULL, &error);
  g_assert_no_error (error);
  seen->denials = hookrun_confined_list_denials (confined);
  return seen;
}

TestSeen *
test_observe (TestWorld *world, HookrunPolicy *policy, const char *script)
{
  return test_observe_with (world, policy, NULL, "/bin/sh", script);
}

HookrunDenial *
test_seen_find (const TestSeen *self, HookrunDenialKind kind, const char *object)
{
  for (guint i = 0; i < self->denials->len; i++) {
    HookrunDenial *denial = g_ptr_array_index (self->denials, i);

    if (denial->kind == kind && strcmp (denial->object, object) == 0)
      return denial;
  }
  return NULL;
}

guint
test_seen_count (const TestSeen *self)
{
  guint n = 0;

  for (guint i = 0; i < self->denials->len; i++) {
    const HookrunDenial *denial = g_ptr_array_index (self->denials, i);
    g_autofree char *words = hookrun_denial_describe (denial);

    if (!denial->has_other_way)
      g_test_message ("%s (%s, errno %d)", words, denial->call, denial->problem);
    n += denial->has_other_way ? 0 : 1;
  }
  return n;
}

HookrunPolicy *
test_policy_of_tier (TestWorld *world, HookrunTier tier)
{
  HookrunPolicy *policy = test_world_policy (world);

  hookrun_policy_set_tier (policy, tier);
  return policy;
}
