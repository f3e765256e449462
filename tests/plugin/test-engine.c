/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine: discovery, resolution that names every fault, activation that is whole or not at all.
 */
#include "plugin-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

/* ---- plugins of the program, told by their settings what to do ---- */

static HookrunVerdict
add_id (HookrunEvent *event, gpointer user_data)
{
  HookrunData *data = hookrun_event_get_data (event);
  g_autofree char *trail =
      g_strdup_printf ("%s%s ", hookrun_data_get_string (data, "trail"),
                       hookrun_plugin_get_id (hookrun_plugin_context_get_plugin (user_data)));

  hookrun_data_set_string (data, "trail", trail, NULL);
  return HOOKRUN_CONTINUE;
}

static gboolean
sample_activate (HookrunPluginContext *context, GError **error)
{
  const char *signal = hookrun_plugin_context_get_setting (context, "signal");
  const char *before = hookrun_plugin_context_get_setting (context, "before");
  const char *defines = hookrun_plugin_context_get_setting (context, "defines");
  const char *const ids[] = {before, NULL};
  HookrunHandlerOptions options = {.before = before != NULL ? ids : NULL};
  const HookrunField field = {"x", HOOKRUN_FIELD_INT, HOOKRUN_FIELD_NONE, NULL};

  hookrun_plugin_context_log (context, HOOKRUN_LOG_DEBUG, "activate");
  if (hookrun_plugin_context_get_setting (context, "fail") != NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_IO, "told to fail");
    return FALSE;
  }
  if (defines != NULL && !hookrun_plugin_context_define_signal (
                             context, defines, HOOKRUN_SIGNAL_NONE, &field, 1, error))
    return FALSE;
  return hookrun_plugin_context_connect (context, signal != NULL ? signal : "test.run", NULL,
                                         &options, add_id, g_object_ref (context), g_object_unref,
                                         error);
}

static void
sample_deactivate (HookrunPluginContext *context)
{
  hookrun_plugin_context_log (context, HOOKRUN_LOG_DEBUG, "deactivate");
}

static const HookrunPluginDescriptor samples[] = {
    HOOKRUN_PLUGIN_DESCRIPTOR ("a", "1.0", sample_activate, sample_deactivate, 0),
    HOOKRUN_PLUGIN_DESCRIPTOR ("b", "1.0", sample_activate, sample_deactivate, 0),
    HOOKRUN_PLUGIN_DESCRIPTOR ("c", "1.0", sample_activate, sample_deactivate, 0),
    HOOKRUN_PLUGIN_DESCRIPTOR ("d", "1.0", sample_activate, sample_deactivate, 0),
};

/* Adds sample @index; @more are further keys of its manifest, each with a comma before it. */
static HookrunPlugin *
add_sample (Fixture *fixture, guint index, const char *more)
{
  g_autofree char *json = g_strdup_printf (
      "{\"id\": \"%s\", \"version\": \"1.0\", \"kind\": \"native\", \"file\": \"/linked\"%s}",
      samples[index].id, more);
  g_autoptr (JsonNode) node = json_from_string (json, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunManifest) manifest =
      hookrun_manifest_new_from_json (node, "test", NULL, &error);
  HookrunPlugin *plugin;

  g_assert_no_error (error);
  plugin = hookrun_engine_add_static (fixture->engine, &samples[index], manifest, &error);
  g_assert_no_error (error);
  return plugin;
}

/* Activates "id" or "id {settings}", all for @subject, as one transaction. */
static gboolean
activate (Fixture *fixture, const char *subject, const char *const *wishes, GError **error)
{
  g_autoptr (GPtrArray) list =
      g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_activation_free);

  for (; *wishes != NULL; wishes++) {
    g_auto (GStrv) parts = g_strsplit (*wishes, " ", 2);
    g_autoptr (JsonNode) settings = parts[1] != NULL ? json_from_string (parts[1], NULL) : NULL;

    g_ptr_array_add (list, hookrun_activation_new (parts[0], subject, settings, NULL));
  }
  return hookrun_engine_activate (fixture->engine, (HookrunActivation *const *)list->pdata,
                                  list->len, error);
}

#define WISHES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- discovery ---- */

#define ON_DISK(id) "{\"id\":\"" id "\",\"version\":\"1\",\"kind\":\"native\",\"file\":\"none.so\"}"

static void
test_discover (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *first = fixture_path (fixture, "first");
  g_autofree char *second = fixture_path (fixture, "second");
  g_autofree char *none = fixture_path (fixture, "none");
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) faults = NULL;
  g_autoptr (HookrunPlugin) item = NULL;

  fixture_write (fixture, "first/a.json", ON_DISK ("a"), 0644);
  fixture_write (fixture, "first/b.json", ON_DISK ("b"), 0644);
  fixture_write (fixture, "first/.hidden.json", "nonsense", 0644);
  fixture_write (fixture, "first/readme.txt", "nonsense", 0644);
  fixture_write (fixture, "second/a.json", ON_DISK ("a"), 0644);
  fixture_write (fixture, "second/c.json", ON_DISK ("c"), 0644);
  hookrun_engine_add_search_path (fixture->engine, none);
  hookrun_engine_add_search_path (fixture->engine, first);
  hookrun_engine_add_search_path (fixture->engine, second);
  hookrun_engine_discover (fixture->engine, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (fixture->engine)), ==, 3);
  item = g_list_model_get_item (G_LIST_MODEL (fixture->engine), 0);
  g_assert_cmpstr (hookrun_plugin_get_id (item), ==, "a");
  assert_has (hookrun_manifest_get_origin (hookrun_plugin_get_manifest (item)), first);
  g_assert_null (g_list_model_get_item (G_LIST_MODEL (fixture->engine), 3));
  g_assert_true (hookrun_engine_discover (fixture->engine, &error));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (fixture->engine)), ==, 3);
  fixture_write (fixture, "second/d.json", "nonsense", 0644);
  fixture_write (fixture, "second/e.json", ON_DISK ("c"), 0644);
  fixture_write (fixture, "second/f.json", ON_DISK ("f"), 0644);
  g_assert_false (hookrun_engine_discover (fixture->engine, &faults));
  assert_has (faults->message, "second/d.json");
  assert_has (faults->message, "second/e.json");
  g_assert_cmpuint (hookrun_engine_get_faults (fixture->engine)->len, ==, 2);
  g_assert_nonnull (hookrun_engine_lookup (fixture->engine, "f"));
}

/* ---- resolution ---- */

static void
test_all_faults_at_once (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  HookrunPlugin *a = add_sample (
      fixture, 0, ", \"requires\": {\"missing\": \">=1\", \"b\": \">=2\", \"datbase\": \"*\"}");

  add_sample (fixture, 1, ", \"requires\": {\"c\": \"*\", \"hookrun\": \">=99\"}");
  add_sample (
      fixture, 2,
      ", \"requires\": {\"b\": \"*\"}, \"permissions\": {\"network\": true, \"files\": []}");
  add_sample (fixture, 3, ", \"isolation\": \"vm\", \"abi\": 9");
  fixture_add (
      fixture,
      "{\"id\":\"database\",\"version\":\"1\",\"kind\":\"executable\",\"command\":[\"true\"]}");
  g_assert_false (hookrun_engine_resolve (fixture->engine, NULL, &error));
  assert_has (error->message, "plugin \"a\" (test) requires \"missing\" >=1, which was not found");
  assert_has (error->message, "requires \"b\" >=2, but version 1.0 was found (test)");
  assert_has (error->message, "did you mean \"database\"?");
  assert_has (error->message, "plugin \"b\" (test) requires \"hookrun\" >=99, but version");
  assert_has (error->message, "\"b\" needs \"c\" needs \"b\"");
  assert_has (error->message, "the permission \"network\", which this build cannot enforce");
  assert_has (error->message, "the permission \"files\"");
  assert_has (error->message, "the isolation \"vm\"");
  assert_has (error->message, "plugin ABI 9, this library has 1");
  g_assert_cmpint (hookrun_plugin_get_state (a), ==, HOOKRUN_PLUGIN_FAILED);
  assert_has (hookrun_plugin_get_error (a)->message, "missing");
}

static void
test_one_kind_of_fault (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) missing = NULL;
  g_autoptr (GError) cycle = NULL;
  g_autoptr (GError) unknown = NULL;

  add_sample (fixture, 0, ", \"requires\": {\"x\": \"*\", \"y\": \"*\"}");
  add_sample (fixture, 1, ", \"before\": [\"c\"]");
  add_sample (fixture, 2, ", \"before\": [\"b\"]");
  g_assert_false (hookrun_engine_resolve (fixture->engine, WISHES ("a"), &missing));
  g_assert_error (missing, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  g_assert_false (hookrun_engine_resolve (fixture->engine, WISHES ("b", "c"), &cycle));
  g_assert_error (cycle, HOOKRUN_ERROR, HOOKRUN_ERROR_CYCLE);
  g_assert_true (hookrun_engine_resolve (fixture->engine, WISHES ("b"), NULL));
  g_assert_false (hookrun_engine_resolve (fixture->engine, WISHES ("nobody"), &unknown));
  g_assert_error (unknown, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
}

static void
test_order (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  add_sample (fixture, 0, ", \"requires\": {\"d\": \"*\"}");
  add_sample (fixture, 1, ", \"before\": [\"a\"]");
  add_sample (fixture, 2, "");
  add_sample (fixture, 3, ", \"after\": [\"c\", \"nobody\"]");
  activate (fixture, "s", WISHES ("a", "b", "c"), &error);
  g_assert_no_error (error);
  fixture_assert_trail (fixture, "s", "c d b a ");
  hookrun_engine_deactivate_all (fixture->engine);
  activate (fixture, "s", WISHES ("c", "b"), &error);
  g_assert_no_error (error);
  fixture_assert_trail (fixture, "s", "c b ");
}

/* ---- transactions ---- */

static void
assert_nothing_stays (Fixture *fixture)
{
  g_autoptr (JsonNode) handlers = hookrun_signal_list_handlers (fixture->signal, "s");

  g_assert_cmpuint (json_array_get_length (json_node_get_array (handlers)), ==, 0);
  for (guint i = 0; i < 4; i++) {
    HookrunPlugin *plugin = hookrun_engine_lookup (fixture->engine, samples[i].id);

    g_assert_cmpint (hookrun_plugin_get_state (plugin), !=, HOOKRUN_PLUGIN_ACTIVE);
  }
}

typedef struct {
  const char *wishes[5];
  int code;
  const char *says;
  const char *log;
} Failure;

#define STARTED "0 a activate\n0 b activate\n0 c activate\n"
#define ENDED "0 c deactivate\n0 b deactivate\n0 a deactivate\n"

static const Failure failures[] = {
    {{"a", "b {\"defines\":\"new.one\"}", "c {\"fail\":\"1\"}"},
     HOOKRUN_ERROR_IO,
     "plugin \"c\": told to fail",
     STARTED "0 b deactivate\n0 a deactivate\n"},
    {{"a", "b {\"signal\":\"test.rum\",\"defines\":\"new.one\"}",
      "c {\"signal\":\"nothing.such\"}"},
     HOOKRUN_ERROR_NOT_FOUND,
     "there is no signal \"test.rum\"; did you mean \"test.run\"?",
     STARTED ENDED},
    {{"a {\"before\":\"b\"}", "b {\"before\":\"c\"}", "c {\"before\":\"a\"}"},
     HOOKRUN_ERROR_CYCLE,
     "\"c\" before \"a\" before \"b\"",
     STARTED ENDED},
    {{"a {\"defines\":\"new.one\"}", "b {\"defines\":\"test.other\"}", "c"},
     HOOKRUN_ERROR_EXISTS,
     "\"test.other\" is defined already with other fields",
     STARTED ENDED},
    {{"a {\"defines\":\"new.one\"}", "b {\"defines\":\"bad name\"}", "c"},
     HOOKRUN_ERROR_INVALID,
     "bad name",
     STARTED ENDED},
    {{"a", "b", "c", "c"}, HOOKRUN_ERROR_EXISTS, "\"c\"", NULL},
    {{"a", "b", "c", "nobody"}, HOOKRUN_ERROR_NOT_FOUND, "there is no plugin \"nobody\"", ""},
};

static void
test_whole_or_nothing (Fixture *fixture, gconstpointer unused)
{
  for (guint i = 0; i < 4; i++)
    add_sample (fixture, i, "");
  for (gsize i = 0; i < G_N_ELEMENTS (failures); i++) {
    g_autoptr (GError) error = NULL;

    g_string_truncate (fixture->log, 0);
    g_assert_false (activate (fixture, "s", failures[i].wishes, &error));
    g_assert_error (error, HOOKRUN_ERROR, failures[i].code);
    assert_has (error->message, failures[i].says);
    if (failures[i].log != NULL)
      g_assert_cmpstr (fixture->log->str, ==, failures[i].log);
    g_assert_null (hookrun_registry_lookup (fixture->registry, "new.one"));
    assert_nothing_stays (fixture);
  }
}

/* What only shows when the handlers are connected: handlers of the program are in the way. */
static void
test_taken_id (Fixture *fixture, gconstpointer unused)
{
  HookrunHandlerOptions options = {.subject = "s"};
  g_autoptr (HookrunScope) scope = hookrun_scope_new ("program");
  g_autoptr (GError) taken = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 3; i++)
    add_sample (fixture, i, "");
  hookrun_signal_connect (fixture->other, scope, "c", &options, add_id, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (
      activate (fixture, "s", WISHES ("a", "b", "c {\"signal\":\"test.other\"}"), &taken));
  g_assert_error (taken, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS);
  assert_has (taken->message, "signal \"test.other\"");
  fixture_assert_trail (fixture, "s", "");
  hookrun_scope_close (scope);
  g_assert_true (
      activate (fixture, "s", WISHES ("a", "b", "c {\"signal\":\"test.other\"}"), &error));
  fixture_assert_trail (fixture, "s", "a b ");
}

static void
test_all_unknown_signals (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  add_sample (fixture, 0, "");
  add_sample (fixture, 1, "");
  g_assert_false (activate (
      fixture, NULL, WISHES ("a {\"signal\":\"x.one\"}", "b {\"signal\":\"x.two\"}"), &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  assert_has (error->message, "x.one");
  assert_has (error->message, "x.two");
}

/* One plugin's signal is another's to handle, in one transaction and in any order. */
static void
test_defined_signal (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  add_sample (fixture, 0, "");
  add_sample (fixture, 1, "");
  activate (fixture, NULL, WISHES ("a {\"signal\":\"new.one\"}", "b {\"defines\":\"new.one\"}"),
            &error);
  g_assert_no_error (error);
  g_assert_nonnull (hookrun_registry_lookup (fixture->registry, "new.one"));
}

static void
test_required (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  HookrunPlugin *c;

  add_sample (fixture, 0, ", \"requires\": {\"b\": \"*\"}");
  add_sample (fixture, 1, ", \"requires\": {\"c\": \"*\"}");
  c = add_sample (fixture, 2, "");
  g_assert_true (activate (fixture, "one", WISHES ("a"), &error));
  g_assert_true (activate (fixture, "two", WISHES ("b"), &error));
  fixture_assert_trail (fixture, "one", "c b a ");
  fixture_assert_trail (fixture, "two", "c b ");
  g_assert_true (hookrun_engine_deactivate (fixture->engine, "c", "one"));
  fixture_assert_trail (fixture, "one", "");
  fixture_assert_trail (fixture, "two", "c b ");
  g_assert_cmpint (hookrun_plugin_get_state (c), ==, HOOKRUN_PLUGIN_ACTIVE);
  hookrun_engine_deactivate_all (fixture->engine);
  g_assert_cmpint (hookrun_plugin_get_state (c), ==, HOOKRUN_PLUGIN_RESOLVED);
  g_assert_true (activate (fixture, NULL, WISHES ("c"), &error));
  g_assert_true (activate (fixture, "one", WISHES ("b"), &error));
  fixture_assert_trail (fixture, "one", "c b ");
}

static HookrunPluginContext *kept_context;

static gboolean
keep_activate (HookrunPluginContext *context, GError **error)
{
  kept_context = g_object_ref (context);
  hookrun_plugin_context_set_data (context, g_strdup ("mine"), g_free);
  return TRUE;
}

static void
keep_deactivate (HookrunPluginContext *context)
{
  g_assert_cmpstr (hookrun_plugin_context_get_data (context), ==, "mine");
  g_assert_true (hookrun_scope_is_closed (hookrun_plugin_context_get_scope (context)));
}

static void
test_context_live_and_closed (Fixture *fixture, gconstpointer unused)
{
  static const HookrunPluginDescriptor keeper =
      HOOKRUN_PLUGIN_DESCRIPTOR ("keeper", "1", keep_activate, keep_deactivate, 0);
  g_autoptr (JsonNode) info = json_from_string ("{\"host\": \"h\"}", NULL);
  HookrunHandlerOptions any = {.subject = HOOKRUN_ANY_SUBJECT};
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) closed = NULL;

  hookrun_engine_add_static (fixture->engine, &keeper, NULL, &error);
  hookrun_engine_activate_plugin (fixture->engine, "keeper", "s", NULL, info, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (hookrun_plugin_context_get_subject (kept_context), ==, "s");
  g_assert_true (hookrun_plugin_context_get_info (kept_context) == info);
  g_assert_null (hookrun_plugin_context_get_setting (kept_context, "x"));
  g_assert_true (hookrun_plugin_context_get_engine (kept_context) == fixture->engine);
  g_assert_true (hookrun_plugin_context_connect (kept_context, "test.run", "late", &any, add_id,
                                                 kept_context, NULL, &error));
  g_assert_false (hookrun_plugin_context_connect (kept_context, "no.such", NULL, NULL, add_id,
                                                  kept_context, NULL, NULL));
  fixture_assert_trail (fixture, "another", "keeper ");
  hookrun_engine_deactivate_all (fixture->engine);
  g_assert_null (hookrun_plugin_context_get_engine (kept_context));
  g_assert_null (hookrun_plugin_context_get_data (kept_context));
  g_assert_false (hookrun_plugin_context_connect (kept_context, "test.run", NULL, NULL, add_id,
                                                  g_object_ref (kept_context), g_object_unref,
                                                  &closed));
  g_assert_error (closed, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  g_assert_finalize_object (g_steal_pointer (&kept_context));
}

/* ---- methods ---- */

static JsonNode *
answer (HookrunEngine *engine, HookrunPlugin *caller, HookrunEvent *event, JsonNode *params,
        gpointer user_data, GError **error)
{
  if (params == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "no params");
    return NULL;
  }
  return json_node_get_int (params) == 0 ? NULL : json_node_copy (params);
}

static void
test_methods (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (JsonNode) one = json_from_string ("1", NULL);
  g_autoptr (JsonNode) zero = json_from_string ("0", NULL);
  g_autoptr (JsonNode) back = NULL;
  g_autoptr (JsonNode) null = NULL;
  g_autoptr (GError) unknown = NULL;
  g_autoptr (GError) failed = NULL;
  HookrunEngine *engine = fixture->engine;

  hookrun_engine_add_method (engine, "deploy.run", answer, NULL, NULL);
  back = hookrun_engine_call_method (engine, NULL, NULL, "deploy.run", one, NULL);
  g_assert_cmpint (json_node_get_int (back), ==, 1);
  null = hookrun_engine_call_method (engine, NULL, NULL, "deploy.run", zero, NULL);
  g_assert_true (JSON_NODE_HOLDS_NULL (null));
  g_assert_null (hookrun_engine_call_method (engine, NULL, NULL, "deploy.run", NULL, &failed));
  g_assert_error (failed, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  g_assert_null (hookrun_engine_call_method (engine, NULL, NULL, "deploy.rum", one, &unknown));
  g_assert_error (unknown, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  assert_has (unknown->message, "did you mean \"deploy.run\"?");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                                            \
  g_test_add ("/plugin/engine/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
  ADD ("discover", test_discover);
  ADD ("resolve/all-faults-at-once", test_all_faults_at_once);
  ADD ("resolve/one-kind-keeps-its-code", test_one_kind_of_fault);
  ADD ("resolve/order", test_order);
  ADD ("activate/whole-or-nothing", test_whole_or_nothing);
  ADD ("activate/taken-id", test_taken_id);
  ADD ("activate/all-unknown-signals", test_all_unknown_signals);
  ADD ("activate/signal-of-another", test_defined_signal);
  ADD ("activate/required-with-it", test_required);
  ADD ("context/live-and-closed", test_context_live_and_closed);
  ADD ("methods", test_methods);
#undef ADD
  return g_test_run ();
}
