/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an emission comes to: verdicts, errors, wrappers, checks, and changes from inside handlers.
 */
#include "fixture.h"

#include <string.h>

/* ---- verdicts ---- */

static void
test_nobody (Fixture *fixture, gconstpointer unused)
{
  fixture_expect (fixture, HOOKRUN_CONTINUE, "");
}

static void
test_handled_ends_it (Fixture *fixture, gconstpointer unused)
{
  fixture_connect (fixture, "a", NULL);
  fixture_connect_full (fixture, "b", NULL, HOOKRUN_HANDLED, NULL, NULL);
  fixture_connect (fixture, "c", options (.is_default = TRUE));
  fixture_expect (fixture, HOOKRUN_HANDLED, "a b");
  fixture_expect (fixture, HOOKRUN_HANDLED, "a b");
}

static void
test_veto_names_all (Fixture *fixture, gconstpointer unused)
{
  fixture_connect_full (fixture, "a", NULL, HOOKRUN_FAILED, "the disk is full", NULL);
  fixture_connect (fixture, "b", NULL);
  fixture_expect_failure (fixture, HOOKRUN_ERROR_CONFLICT,
                          "plugin \"tester\", handler \"a\", signal \"test.signal\": the disk is "
                          "full",
                          "a");
}

static void
test_veto_without_reason (Fixture *fixture, gconstpointer unused)
{
  fixture_connect_full (fixture, "a", NULL, HOOKRUN_FAILED, NULL, NULL);
  fixture_expect_failure (fixture, HOOKRUN_ERROR_HANDLER, "*gave no reason", "a");
}

static void
test_unknown_verdict (Fixture *fixture, gconstpointer unused)
{
  fixture_connect_full (fixture, "a", NULL, (HookrunVerdict)42, NULL, NULL);
  fixture_connect (fixture, "b", NULL);
  fixture_expect_failure (fixture, HOOKRUN_ERROR_HANDLER, "*42*no verdict", "a");
}

static HookrunVerdict
fail_with_io_error (HookrunEvent *event, gpointer code)
{
  return hookrun_event_take_error (
      event, g_error_new (G_IO_ERROR, GPOINTER_TO_INT (code), "from elsewhere"));
}

static void
test_foreign_errors (Fixture *fixture, gconstpointer unused)
{
  static const struct {
    GIOErrorEnum theirs;
    HookrunError ours;
  } rows[] = {
      {G_IO_ERROR_CANCELLED, HOOKRUN_ERROR_CANCELLED},
      {G_IO_ERROR_TIMED_OUT, HOOKRUN_ERROR_TIMED_OUT},
      {G_IO_ERROR_NOT_FOUND, HOOKRUN_ERROR_HANDLER},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    guint64 number = hookrun_signal_connect (fixture->signal, NULL, NULL, NULL, fail_with_io_error,
                                             GINT_TO_POINTER (rows[i].theirs), NULL, NULL);

    fixture_expect_failure (fixture, rows[i].ours,
                            "handler #*, signal \"test.signal\": from elsewhere", "");
    g_assert_true (hookrun_signal_disconnect (fixture->signal, number));
  }
}

static void
fail_but_go_on (Fixture *fixture, HookrunEvent *event)
{
  hookrun_event_fail_literal (event, HOOKRUN_ERROR_IO, "changed my mind");
}

static void
test_error_without_failure_is_dropped (Fixture *fixture, gconstpointer unused)
{
  fixture_connect_full (fixture, "a", NULL, HOOKRUN_CONTINUE, NULL, fail_but_go_on);
  fixture_connect_full (fixture, "b", NULL, HOOKRUN_FAILED, NULL, NULL);
  fixture_expect_failure (fixture, HOOKRUN_ERROR_HANDLER, "*handler \"b\"*gave no reason", "a b");
}

static void
set_up_collecting (Fixture *fixture, gconstpointer unused)
{
  fixture_set_up_with (fixture, HOOKRUN_SIGNAL_COLLECT_ERRORS, NULL, 0);
}

static void
test_collect (Fixture *fixture, gconstpointer unused)
{
  guint64 c;

  fixture_connect_full (fixture, "a", NULL, HOOKRUN_FAILED, "one", NULL);
  fixture_connect (fixture, "b", NULL);
  fixture_expect_failure (fixture, HOOKRUN_ERROR_CONFLICT, "plugin*\"a\"*: one", "a b");
  c = fixture_connect_full (fixture, "c", NULL, HOOKRUN_FAILED, "two", NULL);
  fixture_expect_failure (fixture, HOOKRUN_ERROR_CONFLICT,
                          "2 handlers failed: *\"a\"*: one; *\"c\"*: two", "a b c");
  hookrun_signal_disconnect (fixture->signal, c);
  fixture_connect_full (fixture, "c", NULL, HOOKRUN_FAILED, NULL, NULL);
  fixture_connect_full (fixture, "d", NULL, HOOKRUN_HANDLED, NULL, NULL);
  fixture_connect (fixture, "e", NULL);
  fixture_expect_failure (fixture, HOOKRUN_ERROR_HANDLER, "2 handlers failed*", "a b c d");
}

/* ---- wrappers ---- */

static HookrunVerdict
wrap (HookrunEvent *event, gpointer user_data)
{
  Script *script = user_data;
  HookrunVerdict rest;

  fixture_log (script->fixture, "[");
  rest = hookrun_event_proceed (event);
  g_assert_cmpstr (hookrun_event_get_handler_id (event), ==, "wrap");
  g_assert_cmpint (hookrun_event_proceed (event), ==, rest);
  g_assert_true ((rest == HOOKRUN_FAILED) == (hookrun_event_get_error (event) != NULL));
  fixture_log (script->fixture, "]");
  if (script->failure != NULL)
    return hookrun_event_fail_literal (event, HOOKRUN_ERROR_IO, script->failure);
  return script->verdict;
}

static guint64
connect_wrapper (Fixture *fixture, HookrunVerdict verdict, const char *failure)
{
  Script script = {fixture, verdict, failure, NULL};

  return hookrun_signal_connect (fixture->signal, fixture->scope, "wrap", options (.priority = -1),
                                 wrap, g_memdup2 (&script, sizeof script), g_free, NULL);
}

static void
test_wrapper_continue_keeps_the_verdict (Fixture *fixture, gconstpointer unused)
{
  guint64 b;

  connect_wrapper (fixture, HOOKRUN_CONTINUE, NULL);
  fixture_connect (fixture, "a", NULL);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "[ a ]");
  b = fixture_connect_full (fixture, "b", NULL, HOOKRUN_HANDLED, NULL, NULL);
  fixture_connect (fixture, "c", NULL);
  fixture_expect (fixture, HOOKRUN_HANDLED, "[ a b ]");
  hookrun_signal_disconnect (fixture->signal, b);
  fixture_connect_full (fixture, "d", NULL, HOOKRUN_FAILED, "inside", NULL);
  fixture_expect_failure (fixture, HOOKRUN_ERROR_CONFLICT,
                          "plugin \"tester\", handler \"d\", signal \"test.signal\": inside",
                          "[ a c d ]");
}

static void
test_wrapper_recovers (Fixture *fixture, gconstpointer unused)
{
  connect_wrapper (fixture, HOOKRUN_HANDLED, NULL);
  fixture_connect_full (fixture, "a", NULL, HOOKRUN_FAILED, "inside", NULL);
  fixture_connect (fixture, "b", NULL);
  fixture_expect (fixture, HOOKRUN_HANDLED, "[ a ]");
}

static void
test_wrapper_passes_failure_on (Fixture *fixture, gconstpointer unused)
{
  connect_wrapper (fixture, HOOKRUN_FAILED, NULL);
  fixture_connect_full (fixture, "a", NULL, HOOKRUN_FAILED, "inside", NULL);
  fixture_expect_failure (fixture, HOOKRUN_ERROR_CONFLICT, "*handler \"a\"*: inside", "[ a ]");
}

static void
test_wrapper_vetoes_afterwards (Fixture *fixture, gconstpointer unused)
{
  connect_wrapper (fixture, HOOKRUN_FAILED, "not like that");
  fixture_connect_full (fixture, "a", NULL, HOOKRUN_FAILED, "inside", NULL);
  fixture_expect_failure (fixture, HOOKRUN_ERROR_IO, "*handler \"wrap\"*: not like that", "[ a ]");
}

static void
test_wrapper_collects (Fixture *fixture, gconstpointer unused)
{
  fixture_connect_full (fixture, "first", options (.priority = -5), HOOKRUN_FAILED, "zero", NULL);
  connect_wrapper (fixture, HOOKRUN_CONTINUE, NULL);
  fixture_connect_full (fixture, "a", NULL, HOOKRUN_FAILED, "one", NULL);
  fixture_connect_full (fixture, "b", NULL, HOOKRUN_FAILED, "two", NULL);
  fixture_expect_failure (fixture, HOOKRUN_ERROR_CONFLICT,
                          "2 handlers failed: *: zero; 2 handlers failed: *: one; *: two",
                          "first [ a b ]");
}

/* ---- data and events ---- */

static const HookrunField shop_fields[] = {
    {"name", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_REQUIRED, "which one"},
    {"count", HOOKRUN_FIELD_INT, HOOKRUN_FIELD_NONE, NULL},
};

static HookrunVerdict
add_one (HookrunEvent *event, gpointer user_data)
{
  HookrunData *data = hookrun_event_get_data (event);

  hookrun_data_slot_set_int (data, 1, hookrun_data_slot_get_int (data, 1) + 1);
  return HOOKRUN_CONTINUE;
}

static void
test_data (void)
{
  Fixture fixture;
  g_autoptr (HookrunData) data = NULL;
  g_autoptr (HookrunData) foreign = hookrun_data_new (NULL);
  g_autoptr (GError) missing = NULL;
  g_autoptr (GError) none = NULL;
  g_autoptr (GError) other = NULL;
  g_autoptr (GError) error = NULL;

  fixture_set_up_with (&fixture, HOOKRUN_SIGNAL_NONE, shop_fields, G_N_ELEMENTS (shop_fields));
  data = hookrun_data_new (hookrun_signal_get_schema (fixture.signal));
  g_assert_cmpint (hookrun_signal_emit (fixture.signal, data, &missing), ==, HOOKRUN_FAILED);
  g_assert_error (missing, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  g_assert_nonnull (strstr (missing->message, "required field \"name\""));
  g_assert_cmpint (hookrun_signal_emit (fixture.signal, NULL, &none), ==, HOOKRUN_FAILED);
  g_assert_error (none, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  g_assert_cmpint (hookrun_signal_emit (fixture.signal, foreign, &other), ==, HOOKRUN_FAILED);
  g_assert_error (other, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  g_assert_nonnull (strstr (other->message, "another schema"));
  hookrun_data_slot_set_string (data, 0, "shop");
  for (guint i = 0; i < 2; i++)
    hookrun_signal_connect (fixture.signal, fixture.scope, NULL, NULL, add_one, NULL, NULL, NULL);
  g_assert_cmpint (hookrun_signal_emit (fixture.signal, data, &error), ==, HOOKRUN_CONTINUE);
  g_assert_no_error (error);
  g_assert_cmpint (hookrun_data_slot_get_int (data, 1), ==, 2);
  fixture_tear_down (&fixture, NULL);
}

static HookrunVerdict
keep_event (HookrunEvent *event, gpointer user_data)
{
  HookrunEvent **kept = user_data;

  *kept = hookrun_event_ref (event);
  return HOOKRUN_CONTINUE;
}

static void
test_kept_event (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (HookrunEvent) kept = NULL;
  g_autoptr (HookrunData) data = hookrun_data_new (NULL);
  g_autofree char *subject = g_strdup ("shop");

  hookrun_signal_connect (fixture->signal, fixture->scope, "keeper", options (.timeout_ms = 7),
                          keep_event, &kept, NULL, NULL);
  fixture_connect (fixture, "b", NULL);
  g_assert_cmpint (hookrun_signal_emit_for (fixture->signal, subject, data, NULL, NULL), ==,
                   HOOKRUN_CONTINUE);
  subject[0] = 'x';
  hookrun_scope_close (fixture->scope);
  g_assert_cmpstr (hookrun_event_get_handler_id (kept), ==, "keeper");
  g_assert_cmpstr (hookrun_event_get_subject (kept), ==, "shop");
  g_assert_cmpuint (hookrun_event_get_timeout_ms (kept), ==, 7);
  g_assert_true (hookrun_event_get_signal (kept) == fixture->signal);
  g_assert_true (hookrun_event_get_data (kept) == data);
  g_assert_null (hookrun_event_get_cancellable (kept));
  hookrun_event_complete (kept, HOOKRUN_HANDLED);
  g_assert_cmpint (hookrun_event_fail_literal (kept, HOOKRUN_ERROR_IO, "late"), ==, HOOKRUN_FAILED);
  g_assert_cmpint (hookrun_event_proceed (kept), ==, HOOKRUN_FAILED);
}

static void
test_cancelled_before (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  fixture_connect (fixture, "a", NULL);
  g_cancellable_cancel (cancellable);
  g_assert_cmpint (hookrun_signal_emit_for (fixture->signal, NULL, NULL, cancellable, &error), ==,
                   HOOKRUN_FAILED);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_assert_nonnull (strstr (error->message, "before handler \"a\""));
  g_assert_cmpstr (fixture->log->str, ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  fixture_add ("/signal/emission/nobody", test_nobody);
  fixture_add ("/signal/emission/handled-ends-it", test_handled_ends_it);
  fixture_add ("/signal/emission/veto-names-all", test_veto_names_all);
  fixture_add ("/signal/emission/veto-without-reason", test_veto_without_reason);
  fixture_add ("/signal/emission/unknown-verdict", test_unknown_verdict);
  fixture_add ("/signal/emission/foreign-errors", test_foreign_errors);
  fixture_add ("/signal/emission/error-without-failure-is-dropped",
               test_error_without_failure_is_dropped);
  g_test_add ("/signal/emission/collect", Fixture, NULL, set_up_collecting, test_collect,
              fixture_tear_down);
  fixture_add ("/signal/wrapper/continue-keeps-the-verdict",
               test_wrapper_continue_keeps_the_verdict);
  fixture_add ("/signal/wrapper/recovers", test_wrapper_recovers);
  fixture_add ("/signal/wrapper/passes-failure-on", test_wrapper_passes_failure_on);
  fixture_add ("/signal/wrapper/vetoes-afterwards", test_wrapper_vetoes_afterwards);
  g_test_add ("/signal/wrapper/collects", Fixture, NULL, set_up_collecting, test_wrapper_collects,
              fixture_tear_down);
  g_test_add_func ("/signal/emission/data", test_data);
  fixture_add ("/signal/event/kept", test_kept_event);
  fixture_add ("/signal/emission/cancelled-before", test_cancelled_before);
  return g_test_run ();
}
