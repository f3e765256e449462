/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals by name, scopes, and what a trace shows. */
#include "fixture.h"

#include <string.h>
#include <unistd.h>

static const HookrunField two_fields[] = {
    {"a", HOOKRUN_FIELD_INT, HOOKRUN_FIELD_NONE, "first"},
    {"b", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_NONE, NULL},
};

static HookrunSignal *
define (Fixture *fixture, const char *name, gsize n_fields, GError **error)
{
  return hookrun_registry_define (fixture->registry, name, HOOKRUN_SIGNAL_NONE, two_fields,
                                  n_fields, error);
}

static void
test_define (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  HookrunSignal *signal = define (fixture, "deploy.start", 2, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (hookrun_signal_get_name (signal), ==, "deploy.start");
  g_assert_cmpuint (hookrun_schema_get_n_fields (hookrun_signal_get_schema (signal)), ==, 2);
  g_assert_true (define (fixture, "deploy.start", 2, &error) == signal);
  g_assert_true (hookrun_registry_lookup (fixture->registry, "deploy.start") == signal);
  g_assert_null (hookrun_registry_lookup (fixture->registry, "deploy"));
  g_assert_null (define (fixture, "deploy.start", 1, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_null (hookrun_registry_define (fixture->registry, "deploy.start",
                                          HOOKRUN_SIGNAL_COLLECT_ERRORS, two_fields, 2, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS);
}

static void
test_define_refuses (Fixture *fixture, gconstpointer unused)
{
  static const HookrunField bad = {"a b", HOOKRUN_FIELD_INT, HOOKRUN_FIELD_NONE, NULL};
  static const char *const names[] = {"", "a b", "a\n", "\xff", "a/b"};
  g_autoptr (GError) field = NULL;
  g_autoptr (GError) flags = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (define (fixture, names[i], 0, &error));
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  }
  g_assert_null (
      hookrun_registry_define (fixture->registry, "x", HOOKRUN_SIGNAL_NONE, &bad, 1, &field));
  g_assert_error (field, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  g_assert_nonnull (strstr (field->message, "signal \"x\""));
  g_assert_null (
      hookrun_registry_define (fixture->registry, "x", (HookrunSignalFlags)8, NULL, 0, &flags));
  g_assert_error (flags, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
}

static HookrunVerdict
add_one (HookrunEvent *event, gpointer user_data)
{
  HookrunData *data = hookrun_event_get_data (event);

  hookrun_data_slot_set_int (data, 0, hookrun_data_slot_get_int (data, 0) + 1);
  return HOOKRUN_CONTINUE;
}

static void
test_shared_schema (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (HookrunSchema) schema = hookrun_schema_new (two_fields, 2, NULL);
  g_autoptr (HookrunData) data = hookrun_data_new (schema);
  g_autoptr (GError) error = NULL;
  static const char *const names[] = {"run.before", "run.after", "run.alike"};

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    HookrunSignal *signal =
        i < 2 ? hookrun_registry_define_with_schema (fixture->registry, names[i],
                                                     HOOKRUN_SIGNAL_NONE, schema, &error)
              : define (fixture, names[i], 2, &error);

    g_assert_no_error (error);
    g_assert_true (i == 2 || hookrun_signal_get_schema (signal) == schema);
    hookrun_signal_connect (signal, fixture->scope, NULL, NULL, add_one, NULL, NULL, NULL);
    g_assert_cmpint (hookrun_signal_emit (signal, data, &error), ==, HOOKRUN_CONTINUE);
    g_assert_no_error (error);
  }
  g_assert_cmpint (hookrun_data_slot_get_int (data, 0), ==, 3);
}

static void
test_list (Fixture *fixture, gconstpointer unused)
{
  g_auto (GStrv) names = NULL;

  define (fixture, "b", 0, NULL);
  define (fixture, "a", 0, NULL);
  names = hookrun_registry_list_signals (fixture->registry);
  g_assert_cmpuint (g_strv_length (names), ==, 3);
  g_assert_cmpstr (names[0], ==, "a");
  g_assert_cmpstr (names[1], ==, "b");
  g_assert_cmpstr (names[2], ==, "test.signal");
}

static void
test_connect_by_name (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  Script *script = g_memdup2 (&(Script){fixture, HOOKRUN_HANDLED, NULL, NULL}, sizeof (Script));

  g_assert_cmpuint (hookrun_registry_connect (fixture->registry, "test.signal", fixture->scope, "a",
                                              NULL, run_script, script, g_free, &error),
                    !=, 0);
  fixture_expect (fixture, HOOKRUN_HANDLED, "a");
  script = g_memdup2 (script, sizeof (Script));
  g_assert_cmpuint (hookrun_registry_connect (fixture->registry, "test.singal", fixture->scope, "b",
                                              NULL, run_script, script, g_free, &error),
                    ==, 0);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "\"test.signal\""));
}

static void
count_down (gpointer counter)
{
  (*(guint *)counter)--;
}

static HookrunVerdict
do_nothing (HookrunEvent *event, gpointer user_data)
{
  return HOOKRUN_CONTINUE;
}

static void
test_registry_goes (void)
{
  HookrunRegistry *registry = hookrun_registry_new ();
  g_autoptr (HookrunSignal) signal =
      g_object_ref (hookrun_registry_define (registry, "x", HOOKRUN_SIGNAL_NONE, NULL, 0, NULL));
  g_autoptr (HookrunScope) scope = hookrun_scope_new ("s");
  guint left = 2;

  hookrun_signal_connect (signal, scope, NULL, NULL, do_nothing, &left, count_down, NULL);
  hookrun_signal_connect (signal, NULL, NULL, NULL, do_nothing, &left, count_down, NULL);
  g_object_unref (registry);
  g_assert_cmpuint (left, ==, 0);
  g_assert_cmpint (hookrun_signal_emit (signal, NULL, NULL), ==, HOOKRUN_CONTINUE);
}

/* ---- scopes ---- */

static void
test_scope (Fixture *fixture, gconstpointer unused)
{
  guint left = 3;
  HookrunScope *scope = hookrun_scope_new ("brief");
  HookrunSignal *other = define (fixture, "other", 0, NULL);

  g_assert_cmpstr (hookrun_scope_get_name (scope), ==, "brief");
  g_assert_false (hookrun_scope_is_closed (scope));
  hookrun_signal_connect (fixture->signal, scope, NULL, NULL, do_nothing, &left, count_down, NULL);
  hookrun_signal_connect (fixture->signal, scope, NULL, NULL, do_nothing, &left, count_down, NULL);
  hookrun_signal_connect (other, scope, NULL, NULL, do_nothing, &left, count_down, NULL);
  fixture_connect (fixture, "stays", NULL);
  hookrun_scope_close (scope);
  g_assert_cmpuint (left, ==, 0);
  g_assert_true (hookrun_scope_is_closed (scope));
  hookrun_scope_close (scope);
  g_object_unref (scope);
  fixture_expect (fixture, HOOKRUN_CONTINUE, "stays");
}

static void
test_scope_last_unref (Fixture *fixture, gconstpointer unused)
{
  guint left = 1;
  HookrunScope *scope = hookrun_scope_new ("brief");

  hookrun_signal_connect (fixture->signal, scope, NULL, NULL, do_nothing, &left, count_down, NULL);
  g_object_unref (scope);
  g_assert_cmpuint (left, ==, 0);
}

/* ---- traces ---- */

static JsonObject *
find_event (JsonNode *trace, const char *name, const char *phase)
{
  JsonArray *events = json_object_get_array_member (json_node_get_object (trace), "traceEvents");

  for (guint i = 0; i < json_array_get_length (events); i++) {
    JsonObject *event = json_array_get_object_element (events, i);

    if (g_str_equal (json_object_get_string_member (event, "name"), name) &&
        g_str_equal (json_object_get_string_member (event, "ph"), phase))
      return event;
  }
  return NULL;
}

static JsonNode *
stop_trace (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = hookrun_registry_stop_trace (fixture->registry);
  JsonNode *trace = json_from_string (text, &error);

  g_assert_no_error (error);
  return trace;
}

static void
test_trace (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (JsonNode) trace = NULL;
  g_autoptr (JsonNode) empty = NULL;
  JsonObject *handler, *emission, *arguments;

  fixture_connect_full (fixture, "quote\"\\\xc3\xa9", NULL, HOOKRUN_FAILED, "secret", NULL);
  g_assert_cmpint (hookrun_signal_emit (fixture->signal, NULL, NULL), ==, HOOKRUN_FAILED);
  hookrun_registry_start_trace (fixture->registry);
  g_assert_cmpint (hookrun_signal_emit_for (fixture->signal, "shop", NULL, NULL, NULL), ==,
                   HOOKRUN_FAILED);
  hookrun_signal_emit (define (fixture, "idle", 0, NULL), NULL, NULL);
  trace = stop_trace (fixture);
  handler = find_event (trace, "quote\"\\\xc3\xa9", "X");
  emission = find_event (trace, "test.signal", "X");
  g_assert_nonnull (find_event (trace, "idle", "X"));
  arguments = json_object_get_object_member (handler, "args");
  g_assert_cmpstr (json_object_get_string_member (arguments, "verdict"), ==, "failed");
  g_assert_cmpstr (json_object_get_string_member (arguments, "signal"), ==, "test.signal");
  g_assert_cmpstr (json_object_get_string_member (arguments, "subject"), ==, "shop");
  g_assert_cmpstr (json_object_get_string_member (arguments, "owner"), ==, "tester");
  g_assert_cmpint (json_object_get_int_member (handler, "tid"), ==, gettid ());
  g_assert_cmpint (json_object_get_int_member (handler, "pid"), ==, getpid ());
  g_assert_cmpint (json_object_get_int_member (handler, "ts"), >=,
                   json_object_get_int_member (emission, "ts"));
  g_assert_cmpint (json_object_get_int_member (handler, "dur"), <=,
                   json_object_get_int_member (emission, "dur"));
  g_assert_cmpint (hookrun_signal_emit (fixture->signal, NULL, NULL), ==, HOOKRUN_FAILED);
  empty = stop_trace (fixture);
  g_assert_null (find_event (empty, "test.signal", "X"));
}

static HookrunVerdict
pend (HookrunEvent *event, gpointer user_data)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_callback (source, user_data, hookrun_event_ref (event),
                         (GDestroyNotify)hookrun_event_unref);
  g_source_attach (source, hookrun_event_get_context (event));
  return HOOKRUN_PENDING;
}

static gboolean
end (gpointer event)
{
  hookrun_event_complete (event, HOOKRUN_HANDLED);
  return G_SOURCE_REMOVE;
}

static void
note_done (GObject *source, GAsyncResult *result, gpointer done)
{
  *(gboolean *)done = TRUE;
}

static void
test_trace_async (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (JsonNode) trace = NULL;
  gboolean done = FALSE;
  JsonObject *begin, *finish;

  hookrun_signal_connect (fixture->signal, fixture->scope, "pend", NULL, pend, end, NULL, NULL);
  hookrun_registry_start_trace (fixture->registry);
  hookrun_signal_emit_async (fixture->signal, NULL, NULL, NULL, note_done, &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  trace = stop_trace (fixture);
  begin = find_event (trace, "pend", "b");
  finish = find_event (trace, "pend", "e");
  g_assert_cmpstr (json_object_get_string_member (begin, "id"), ==,
                   json_object_get_string_member (finish, "id"));
  g_assert_cmpstr (
      json_object_get_string_member (json_object_get_object_member (finish, "args"), "verdict"), ==,
      "handled");
  g_assert_nonnull (find_event (trace, "test.signal", "b"));
  g_assert_nonnull (find_event (trace, "test.signal", "e"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  fixture_add ("/signal/registry/define", test_define);
  fixture_add ("/signal/registry/define-refuses", test_define_refuses);
  fixture_add ("/signal/registry/shared-schema", test_shared_schema);
  fixture_add ("/signal/registry/list", test_list);
  fixture_add ("/signal/registry/connect-by-name", test_connect_by_name);
  g_test_add_func ("/signal/registry/goes", test_registry_goes);
  fixture_add ("/signal/scope/close", test_scope);
  fixture_add ("/signal/scope/last-unref", test_scope_last_unref);
  fixture_add ("/signal/trace/emission", test_trace);
  fixture_add ("/signal/trace/async", test_trace_async);
  return g_test_run ();
}
