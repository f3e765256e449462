/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that was observed in the sandbox, and what it was denied. */
#pragma once

#include "world.h"

G_BEGIN_DECLS

typedef struct {
  GPtrArray *denials; /* HookrunDenial */
  HookrunOutcome *outcome;
} TestSeen;

void test_seen_free (TestSeen *self);

/* Runs "@program -c @script" with the world's folders in the variables OUT and IN and its TCP port
 * in PORT. @measure: (nullable). */
TestSeen *test_observe_with (TestWorld *world, HookrunPolicy *policy, HookrunPolicy *measure,
                             const char *program, const char *script);
/* The same in a shell. */
TestSeen *test_observe (TestWorld *world, HookrunPolicy *policy, const char *script);

/* NULL: it was not denied. */
HookrunDenial *test_seen_find (const TestSeen *self, HookrunDenialKind kind, const char *object);
/* How many that matter: harmless ones come and go with the system's own programs. */
guint test_seen_count (const TestSeen *self);

/* (transfer full): the world's policy in @tier. */
HookrunPolicy *test_policy_of_tier (TestWorld *world, HookrunTier tier);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestSeen, test_seen_free)

G_END_DECLS
