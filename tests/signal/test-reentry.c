/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Handlers that change the signal they handle, or emit it again. */
#include "fixture.h"

#include <string.h>

static guint64 other_handler;

static void
disconnect_other (Fixture *fixture, HookrunEvent *event)
{
  hookrun_signal_disconnect (fixture->signal, other_handler);
}

static void
test_removal_is_honoured (Fixture *fixture, gconstpointer unused)
{
  fixture_connect_full (fixture, "a", NULL, HOOKRUN_CONTINUE, NULL, disconnect_other);
  other_handler = fixture_connect (fixture, "b", NULL);
  fixture_connect (fixture, "c", NULL);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a c");
  g_assert_false (hookrun_signal_disconnect (fixture->signal, other_handler));
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a c");
}

static void
test_self_disconnect (Fixture *fixture, gconstpointer unused)
{
  other_handler =
      fixture_connect_full (fixture, "once", NULL, HOOKRUN_CONTINUE, NULL, disconnect_other);
  fixture_connect (fixture, "b", NULL);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "once b");
  fixture_expect (fixture, HOOKRUN_CONTINUE, "b");
}

static void
connect_late (Fixture *fixture, HookrunEvent *event)
{
  g_autofree char *id = g_strdup_printf ("late%u", (guint)fixture->log->len);

  fixture_connect (fixture, id, NULL);
}

static void
test_addition_waits (Fixture *fixture, gconstpointer unused)
{
  fixture_connect_full (fixture, "a", NULL, HOOKRUN_CONTINUE, NULL, connect_late);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a");
  hookrun_scope_close (fixture->scope);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "");
}

static void
close_scope (Fixture *fixture, HookrunEvent *event)
{
  hookrun_scope_close (fixture->scope);
  g_assert_true (hookrun_scope_is_closed (fixture->scope));
  g_assert_cmpstr (hookrun_event_get_handler_id (event), ==, "a");
}

static void
test_scope_closed_inside (Fixture *fixture, gconstpointer unused)
{
  fixture_connect_full (fixture, "a", NULL, HOOKRUN_CONTINUE, NULL, close_scope);
  fixture_connect (fixture, "b", NULL);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a");
  fixture_expect (fixture, HOOKRUN_CONTINUE, "");
  fixture_refuse (fixture, "c", NULL, HOOKRUN_ERROR_INVALID, "*scope \"tester\" is closed*");
}

static gboolean was_destroyed;

static void
note_destroy (gpointer user_data)
{
  was_destroyed = TRUE;
}

static HookrunVerdict
leave_and_look (HookrunEvent *event, gpointer user_data)
{
  g_assert_true (hookrun_signal_disconnect (hookrun_event_get_signal (event), other_handler));
  g_assert_false (was_destroyed);
  return HOOKRUN_CONTINUE;
}

static void
check_not_destroyed (Fixture *fixture, HookrunEvent *event)
{
  g_assert_false (was_destroyed);
}

static void
test_destroy_after_the_last_emission (Fixture *fixture, gconstpointer unused)
{
  was_destroyed = FALSE;
  other_handler = hookrun_signal_connect (fixture->signal, NULL, NULL, NULL, leave_and_look, NULL,
                                          note_destroy, NULL);
  fixture_connect_full (fixture, "after", NULL, HOOKRUN_CONTINUE, NULL, check_not_destroyed);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "after");
  g_assert_true (was_destroyed);
  was_destroyed = FALSE;
  other_handler = hookrun_signal_connect (fixture->signal, NULL, NULL, NULL, leave_and_look, NULL,
                                          note_destroy, NULL);
  g_assert_true (hookrun_signal_disconnect (fixture->signal, other_handler));
  g_assert_true (was_destroyed);
}

static void
test_destroy_when_connecting_fails (Fixture *fixture, gconstpointer unused)
{
  was_destroyed = FALSE;
  g_assert_cmpuint (hookrun_signal_connect (fixture->signal, NULL, "", NULL, leave_and_look, NULL,
                                            note_destroy, NULL),
                    ==, 0);
  g_assert_true (was_destroyed);
}

static void
disconnect_in_destroy (gpointer user_data)
{
  hookrun_signal_disconnect (((Fixture *)user_data)->signal, other_handler);
}

static HookrunVerdict
do_nothing (HookrunEvent *event, gpointer user_data)
{
  return HOOKRUN_CONTINUE;
}

static void
test_destroy_may_change_the_signal (Fixture *fixture, gconstpointer unused)
{
  guint64 number = hookrun_signal_connect (fixture->signal, fixture->scope, NULL, NULL, do_nothing,
                                           fixture, disconnect_in_destroy, NULL);

  other_handler = fixture_connect (fixture, "b", NULL);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "b");
  hookrun_signal_disconnect (fixture->signal, number);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "");
}

/* ---- nesting ---- */

static guint nested;

static void
emit_again (Fixture *fixture, HookrunEvent *event)
{
  if (nested-- > 0)
    g_assert_cmpint (hookrun_signal_emit (fixture->signal, NULL, NULL), ==, HOOKRUN_CONTINUE);
}

static void
test_nested (Fixture *fixture, gconstpointer unused)
{
  nested = 2;
  fixture_connect_full (fixture, "a", NULL, HOOKRUN_CONTINUE, NULL, emit_again);
  fixture_connect (fixture, "b", NULL);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "a a a b b b");
  nested = 63;
  g_assert_cmpint (hookrun_signal_emit (fixture->signal, NULL, NULL), ==, HOOKRUN_CONTINUE);
}

static HookrunVerdict
recurse (HookrunEvent *event, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  nested++;
  if (hookrun_signal_emit (user_data, NULL, &error) == HOOKRUN_FAILED)
    return hookrun_event_take_error (event, g_steal_pointer (&error));
  return HOOKRUN_CONTINUE;
}

static void
test_recursion_limit (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  for (guint round = 0; round < 2; round++) {
    guint64 number = hookrun_signal_connect (fixture->signal, NULL, "loop", NULL, recurse,
                                             fixture->signal, NULL, NULL);

    nested = 0;
    fixture_expect_failure (fixture, HOOKRUN_ERROR_LIMIT, "*signal \"test.signal\"*64 deep*", "");
    g_assert_cmpuint (nested, ==, 64);
    hookrun_signal_disconnect (fixture->signal, number);
  }
  fixture_expect (fixture, HOOKRUN_CONTINUE, "");
}

static void
test_recursion_is_told_once (Fixture *fixture, gconstpointer unused)
{
  HookrunSignal *other =
      hookrun_registry_define (fixture->registry, "test.other", HOOKRUN_SIGNAL_NONE, NULL, 0, NULL);
  g_autoptr (GError) error = NULL;
  const char *first;

  hookrun_signal_connect (fixture->signal, NULL, "there", NULL, recurse, other, NULL, NULL);
  hookrun_signal_connect (other, NULL, "back", NULL, recurse, fixture->signal, NULL, NULL);
  nested = 0;
  g_assert_cmpint (hookrun_signal_emit (other, NULL, &error), ==, HOOKRUN_FAILED);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
  first = strstr (error->message, "handler \"there\", signal \"test.signal\": ");
  g_assert_nonnull (first);
  g_assert_null (strstr (first + 1, "handler \"there\""));
  g_assert_cmpuint (strlen (error->message), <, 400);
}

static void
test_malformed_ids (Fixture *fixture, gconstpointer unused)
{
  static const char *const ids[] = {"bad id",      "bad\n", "bad\tid",
                                    "bad\x1b[31m", "\x7f",  "bad\xc2\xa0id",
                                    "bad\xc2\x85", "",      "\xff"};

  for (gsize i = 0; i < G_N_ELEMENTS (ids); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_cmpuint (
        hookrun_signal_connect (fixture->signal, NULL, ids[i], NULL, recurse, NULL, NULL, &error),
        ==, 0);
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
    g_assert_null (strchr (error->message, '\n'));
    g_assert_null (strchr (error->message, '\x1b'));
  }
  g_assert_cmpuint (hookrun_signal_connect (fixture->signal, NULL, "größe/1@2:3", NULL, recurse,
                                            NULL, NULL, NULL),
                    !=, 0);
}

/* A loop over several signals stops as well. */
static void
test_recursion_of_many_signals (Fixture *fixture, gconstpointer unused)
{
  HookrunSignal *signals[20];

  for (guint i = 0; i < G_N_ELEMENTS (signals); i++) {
    g_autofree char *name = g_strdup_printf ("ring.%u", i);

    signals[i] =
        hookrun_registry_define (fixture->registry, name, HOOKRUN_SIGNAL_NONE, NULL, 0, NULL);
  }
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    hookrun_signal_connect (signals[i], fixture->scope, NULL, NULL, recurse,
                            signals[(i + 1) % G_N_ELEMENTS (signals)], NULL, NULL);
  nested = 0;
  g_assert_cmpint (hookrun_signal_emit (signals[0], NULL, NULL), ==, HOOKRUN_FAILED);
  g_assert_cmpuint (nested, <=, 1024);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  fixture_add ("/signal/recursion/told-once", test_recursion_is_told_once);
  fixture_add ("/signal/connect/malformed-ids", test_malformed_ids);
  fixture_add ("/signal/change/removal-is-honoured", test_removal_is_honoured);
  fixture_add ("/signal/change/self-disconnect", test_self_disconnect);
  fixture_add ("/signal/change/addition-waits", test_addition_waits);
  fixture_add ("/signal/change/scope-closed-inside", test_scope_closed_inside);
  fixture_add ("/signal/change/destroy-after-the-last-emission",
               test_destroy_after_the_last_emission);
  fixture_add ("/signal/change/destroy-when-connecting-fails", test_destroy_when_connecting_fails);
  fixture_add ("/signal/change/destroy-may-change-the-signal", test_destroy_may_change_the_signal);
  fixture_add ("/signal/nesting/works", test_nested);
  fixture_add ("/signal/nesting/limit", test_recursion_limit);
  fixture_add ("/signal/nesting/limit-of-many-signals", test_recursion_of_many_signals);
  return g_test_run ();
}
