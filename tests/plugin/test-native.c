/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Native plugins: what is checked before code runs, loading on need, sharing, unloading, reload. */
#include "hookrun-native-module-private.h"
#include "plugin-fixture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define MANIFEST(id, version, file, more)                                                          \
  "{\"id\": \"" id "\", \"version\": \"" version "\", \"kind\": \"native\", \"file\": \"" file     \
  "\"" more "}"
#define ON_NEED ", \"signals\": [\"test.run\"]"

static gboolean
is_mapped (const char *part)
{
  g_autofree char *maps = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL));
  return strstr (maps, part) != NULL;
}

static gboolean
activate (Fixture *fixture, const char *id, const char *subject, GError **error)
{
  return hookrun_engine_activate_plugin (fixture->engine, id, subject, NULL, NULL, error);
}

static void
test_runs (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  HookrunPlugin *plugin;

  fixture_copy_module (fixture, "native-a1", "a.so");
  plugin = fixture_add (fixture, MANIFEST ("a", "1.0", "a.so", ""));
  g_assert_cmpint (hookrun_plugin_get_state (plugin), ==, HOOKRUN_PLUGIN_FOUND);
  activate (fixture, "a", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (hookrun_plugin_get_state (plugin), ==, HOOKRUN_PLUGIN_ACTIVE);
  fixture_assert_trail (fixture, NULL, "a-1.0() ");
  g_assert_true (hookrun_engine_deactivate (fixture->engine, "a", NULL));
  g_assert_false (hookrun_engine_deactivate (fixture->engine, "a", NULL));
  fixture_assert_trail (fixture, NULL, "");
  g_assert_cmpstr (fixture->log->str, ==, "0 a activate 1.0\n0 a deactivate 1.0\n");
}

static void
test_subjects (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) again = NULL;

  fixture_copy_module (fixture, "native-a1", "a.so");
  fixture_add (fixture, MANIFEST ("a", "1.0", "a.so", ""));
  g_assert_true (activate (fixture, "a", "shop", &error));
  g_assert_true (activate (fixture, "a", "blog", &error));
  g_assert_false (activate (fixture, "a", "blog", &again));
  g_assert_error (again, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS);
  fixture_assert_trail (fixture, NULL, "");
  fixture_assert_trail (fixture, "shop", "a-1.0(shop) ");
  g_assert_true (hookrun_engine_deactivate (fixture->engine, "a", "shop"));
  fixture_assert_trail (fixture, "shop", "");
  fixture_assert_trail (fixture, "blog", "a-1.0(blog) ");
}

static void
test_on_need (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fixture_copy_module (fixture, "native-b1", "b.so");
  fixture_add (fixture, MANIFEST ("b", "1.0", "b.so", ON_NEED));
  activate (fixture, "b", "shop", &error);
  g_assert_no_error (error);
  g_assert_false (is_mapped ("/b.so"));
  fixture_assert_trail (fixture, "blog", "");
  g_assert_false (is_mapped ("/b.so"));
  fixture_assert_trail (fixture, "shop", "b-1.0(shop) ");
  g_assert_true (is_mapped ("/b.so"));
  fixture_assert_trail (fixture, "shop", "b-1.0(shop) ");
  g_assert_cmpstr (fixture->log->str, ==, "0 b activate 1.0\n");
}

static void
test_on_need_places (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fixture_copy_module (fixture, "native-a1", "a.so");
  fixture_copy_module (fixture, "native-b1", "b.so");
  fixture_add (fixture, MANIFEST ("a", "1.0", "a.so", ON_NEED));
  fixture_add (fixture, MANIFEST ("b", "1.0", "b.so",
                                  ", \"signals\": [{\"name\": \"test.run\", \"before\": \"a\"}]"));
  g_assert_true (activate (fixture, "a", NULL, &error));
  g_assert_true (activate (fixture, "b", NULL, &error));
  fixture_assert_trail (fixture, NULL, "b-1.0() a-1.0() ");
}

static void
test_on_need_fails (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (JsonNode) settings = json_from_string ("{\"fail\": \"yes\"}", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *trail = NULL;
  HookrunPlugin *plugin;

  fixture_copy_module (fixture, "native-a1", "a.so");
  plugin = fixture_add (fixture, MANIFEST ("a", "1.0", "a.so", ON_NEED));
  g_assert_true (
      hookrun_engine_activate_plugin (fixture->engine, "a", NULL, settings, NULL, &error));
  trail = fixture_run (fixture, NULL, &error);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  assert_has (error->message, "plugin \"a\"");
  assert_has (error->message, "the setting \"fail\" says so");
  g_assert_cmpint (hookrun_plugin_get_state (plugin), ==, HOOKRUN_PLUGIN_FAILED);
  g_assert_nonnull (hookrun_plugin_get_error (plugin));
}

static void
test_on_need_at_odds (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) extra = NULL;
  g_autoptr (GError) lacking = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  fixture_copy_module (fixture, "native-extra", "e.so");
  fixture_copy_module (fixture, "native-a1", "a.so");
  fixture_add (fixture, MANIFEST ("extra", "1.0", "e.so", ON_NEED));
  g_assert_true (activate (fixture, "extra", "one", NULL));
  first = fixture_run (fixture, "one", &extra);
  g_assert_error (extra, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  assert_has (extra->message, "\"test.other\", which its manifest does not name");
  fixture_add (fixture,
               MANIFEST ("a", "1.0", "a.so", ", \"signals\": [\"test.run\", \"test.other\"]"));
  g_assert_true (activate (fixture, "a", "two", NULL));
  second = fixture_run (fixture, "two", &lacking);
  g_assert_error (lacking, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  assert_has (lacking->message, "which its code does not connect");
  assert_has (fixture->log->str, "0 a deactivate 1.0");
}

typedef struct {
  const char *module;
  const char *id;
  int code;
  const char *says[3];
} Fault;

static const Fault faults[] = {
    {"native-wrong-abi",
     "bad",
     HOOKRUN_ERROR_ABI,
     {"plugin ABI 99", "library has ABI 1", "rebuild"}},
    {"native-wrong-size",
     "bad",
     HOOKRUN_ERROR_ABI,
     {"descriptor of 8 bytes", "with 96 bytes", "rebuild"}},
    {"native-no-symbol",
     "bad",
     HOOKRUN_ERROR_INVALID,
     {"\"hookrun_plugin\"", "HOOKRUN_PLUGIN_DEFINE", ""}},
    {"native-a1", "other", HOOKRUN_ERROR_CONFLICT, {"is plugin \"a\" 1.0", "says \"other\"", ""}},
    {"native-undefined", "bad", HOOKRUN_ERROR_ABI, {"hookrun_of_another_age", "rebuild", ""}},
};

static void
test_faults (Fixture *fixture, gconstpointer unused)
{
  for (gsize i = 0; i < G_N_ELEMENTS (faults); i++) {
    g_autofree char *id = g_strdup_printf ("%s%" G_GSIZE_FORMAT, faults[i].id, i);
    g_autofree char *file = g_strconcat (id, ".so", NULL);
    g_autofree char *json = g_strdup_printf (
        MANIFEST ("%s", "1.0", "%s", ""), g_str_equal (faults[i].id, "other") ? "other" : id, file);
    g_autoptr (GError) error = NULL;
    HookrunPlugin *plugin;

    fixture_copy_module (fixture, faults[i].module, file);
    plugin = fixture_add (fixture, json);
    g_assert_false (activate (fixture, hookrun_plugin_get_id (plugin), NULL, &error));
    g_assert_error (error, HOOKRUN_ERROR, faults[i].code);
    assert_has (error->message, file);
    for (guint j = 0; j < 3; j++)
      assert_has (error->message, faults[i].says[j]);
    g_assert_cmpint (hookrun_plugin_get_state (plugin), ==, HOOKRUN_PLUGIN_FAILED);
  }
  fixture_assert_trail (fixture, NULL, "");
}

static void
test_missing_file (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) missing = NULL;
  g_autoptr (GError) folder = NULL;
  g_autofree char *path = fixture_path (fixture, "dir.so");

  fixture_add (fixture, MANIFEST ("a", "1.0", "none.so", ""));
  g_assert_false (activate (fixture, "a", NULL, &missing));
  g_assert_error (missing, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  assert_has (missing->message, "none.so");
  g_assert_cmpint (g_mkdir (path, 0755), ==, 0);
  fixture_add (fixture, MANIFEST ("b", "1.0", "dir.so", ON_NEED));
  g_assert_false (activate (fixture, "b", NULL, &folder));
  g_assert_error (folder, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
}

static void
assert_cut_off (Fixture *fixture, const char *whole, gsize length, gboolean is_installed)
{
  g_autofree char *path = fixture_path (fixture, "cut.so");
  HookrunNativeSession session = HOOKRUN_NATIVE_SESSION_INIT;

  g_assert_true (g_file_set_contents (path, whole, (gssize)length, NULL));
  g_assert_cmpint (g_chmod (path, 0644), ==, 0);
  for (int as_copy = 0; as_copy < 2; as_copy++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (hookrun_native_module_open (path, as_copy, is_installed, &session, &error));
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
    assert_has (error->message, "/cut.so\" is cut off");
    assert_has (error->message, "build or install it anew");
  }
  hookrun_native_session_clear (&session);
  g_assert_false (is_mapped ("/cut.so"));
}

/* The dynamic linker maps such a file, and reading behind its end is SIGBUS. */
static void
test_cut_off (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *path = fixture_path (fixture, "whole.so");
  g_autofree char *whole = NULL;
  g_autoptr (GError) error = NULL;
  gsize length = 0;

  fixture_copy_module (fixture, "native-a1", "whole.so");
  g_assert_true (g_file_get_contents (path, &whole, &length, NULL));
  for (int is_installed = 0; is_installed < 2; is_installed++) {
    for (gsize cut = 0; cut < length; cut += 4096)
      assert_cut_off (fixture, whole, cut, is_installed);
    for (gsize cut = 3001; cut < length; cut += 1460)
      assert_cut_off (fixture, whole, cut | 1, is_installed);
    assert_cut_off (fixture, whole, length - 1, is_installed);
  }
  for (gsize cut = 16; cut < 1024; cut += 16)
    assert_cut_off (fixture, whole, cut, FALSE);
  assert_cut_off (fixture, whole, 3000, FALSE);
  fixture_add (fixture, MANIFEST ("a", "1.0", "cut.so", ON_NEED));
  g_assert_false (activate (fixture, "a", NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
}

static void
test_fails_silently (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (JsonNode) settings = json_from_string ("{\"fail\": \"silently\"}", NULL);
  g_autoptr (GError) error = NULL;

  fixture_copy_module (fixture, "native-a1", "a.so");
  fixture_add (fixture, MANIFEST ("a", "1.0", "a.so", ""));
  g_assert_false (
      hookrun_engine_activate_plugin (fixture->engine, "a", NULL, settings, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_HANDLER);
}

static void
test_unloads (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fixture_copy_module (fixture, "native-unload", "gone.so");
  fixture_add (fixture, MANIFEST ("unload", "1.0", "gone.so", ""));
  g_assert_true (activate (fixture, "unload", "one", &error));
  g_assert_true (activate (fixture, "unload", "two", &error));
  g_assert_true (is_mapped ("/gone.so"));
  fixture_assert_trail (fixture, "one", "unload-1.0(one) ");
  hookrun_engine_deactivate (fixture->engine, "unload", "one");
  g_assert_true (is_mapped ("/gone.so"));
  fixture_assert_trail (fixture, "two", "unload-1.0(two) ");
  hookrun_engine_deactivate (fixture->engine, "unload", "two");
  g_assert_false (is_mapped ("/gone.so"));
}

static HookrunVerdict
deactivate_inside (HookrunEvent *event, gpointer user_data)
{
  Fixture *fixture = user_data;

  hookrun_engine_deactivate (fixture->engine, "unload", NULL);
  g_assert_true (is_mapped ("/late.so"));
  return HOOKRUN_CONTINUE;
}

static void
test_unloads_after_emission (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  const char *const before[] = {"unload", NULL};
  HookrunHandlerOptions options = {.before = before};

  fixture_copy_module (fixture, "native-unload", "late.so");
  fixture_add (fixture, MANIFEST ("unload", "1.0", "late.so", ON_NEED));
  g_assert_true (activate (fixture, "unload", NULL, &error));
  fixture_assert_trail (fixture, NULL, "unload-1.0() ");
  hookrun_signal_connect (fixture->signal, NULL, "inside", &options, deactivate_inside, fixture,
                          NULL, &error);
  fixture_assert_trail (fixture, NULL, "");
  g_assert_false (is_mapped ("/late.so"));
}

static void
test_reload (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) broken = NULL;

  fixture_copy_module (fixture, "native-a1", "a.so");
  fixture_write (fixture, "a.json", MANIFEST ("a", "1.0", "a.so", ""), 0644);
  hookrun_engine_add_search_path (fixture->engine, fixture->folder);
  g_assert_true (hookrun_engine_discover (fixture->engine, &error));
  g_assert_true (activate (fixture, "a", "shop", &error));
  g_assert_true (activate (fixture, "a", "blog", &error));
  fixture_assert_trail (fixture, "shop", "a-1.0(shop) ");
  fixture_copy_module (fixture, "native-a2", "a.so");
  fixture_write (fixture, "a.json", MANIFEST ("a", "2.0", "a.so", ""), 0644);
  hookrun_engine_reload (fixture->engine, "a", &error);
  g_assert_no_error (error);
  fixture_assert_trail (fixture, "shop", "a-2.0(shop) ");
  fixture_assert_trail (fixture, "blog", "a-2.0(blog) ");
  fixture_copy_module (fixture, "native-wrong-abi", "a.so");
  g_assert_false (hookrun_engine_reload (fixture->engine, "a", &broken));
  g_assert_error (broken, HOOKRUN_ERROR, HOOKRUN_ERROR_ABI);
  fixture_assert_trail (fixture, "shop", "a-2.0(shop) ");
  fixture_copy_module (fixture, "native-a2", "a.so");
  g_assert_true (hookrun_engine_reload (fixture->engine, "a", &error));
  fixture_assert_trail (fixture, "blog", "a-2.0(blog) ");
}

/* The dynamic linker gives an object that it has under a name without a look at the disk. */
static void
test_replaced_file (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (HookrunEngine) second = hookrun_engine_new (fixture->registry);
  g_autoptr (JsonNode) node = json_from_string (MANIFEST ("a", "2.0", "a.so", ""), NULL);
  g_autoptr (HookrunManifest) manifest =
      hookrun_manifest_new_from_json (node, "test", fixture->folder, NULL);
  g_autoptr (GError) error = NULL;

  fixture_copy_module (fixture, "native-a1", "a.so");
  fixture_add (fixture, MANIFEST ("a", "1.0", "a.so", ""));
  g_assert_true (activate (fixture, "a", "one", &error));
  fixture_copy_module (fixture, "native-a2", "a.so");
  g_assert_nonnull (hookrun_engine_add_manifest (second, manifest, &error));
  hookrun_engine_activate_plugin (second, "a", "two", NULL, NULL, &error);
  g_assert_no_error (error);
  fixture_assert_trail (fixture, "one", "a-1.0(one) ");
  fixture_assert_trail (fixture, "two", "a-2.0(two) ");
}

static HookrunVerdict
static_handler (HookrunEvent *event, gpointer user_data)
{
  HookrunData *data = hookrun_event_get_data (event);

  hookrun_data_set_string (data, "trail", "static", NULL);
  return HOOKRUN_CONTINUE;
}

static gboolean
static_activate (HookrunPluginContext *context, GError **error)
{
  return hookrun_plugin_context_connect (context, "test.run", NULL, NULL, static_handler, NULL,
                                         NULL, error);
}

static const HookrunPluginDescriptor static_plugin =
    HOOKRUN_PLUGIN_DESCRIPTOR ("linked", "3", static_activate, NULL, HOOKRUN_PLUGIN_FLAGS_NONE);

static void
test_static (Fixture *fixture, gconstpointer unused)
{
  HookrunPluginDescriptor wrong = static_plugin;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) refused = NULL;

  wrong.abi = 7;
  g_assert_nonnull (hookrun_engine_add_static (fixture->engine, &static_plugin, NULL, &error));
  g_assert_null (hookrun_engine_add_static (fixture->engine, &wrong, NULL, &refused));
  g_assert_error (refused, HOOKRUN_ERROR, HOOKRUN_ERROR_ABI);
  activate (fixture, "linked", NULL, &error);
  g_assert_no_error (error);
  fixture_assert_trail (fixture, NULL, "static");
  g_assert_true (hookrun_engine_reload (fixture->engine, "linked", &error));
  fixture_assert_trail (fixture, NULL, "static");
  hookrun_engine_deactivate_all (fixture->engine);
  fixture_assert_trail (fixture, NULL, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                                            \
  g_test_add ("/plugin/native/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
  ADD ("runs-and-leaves", test_runs);
  ADD ("subjects-are-apart", test_subjects);
  ADD ("on-need/loads-at-first-emission", test_on_need);
  ADD ("on-need/places-from-manifest", test_on_need_places);
  ADD ("on-need/failure-is-the-handlers", test_on_need_fails);
  ADD ("on-need/code-at-odds-with-manifest", test_on_need_at_odds);
  ADD ("faults-are-named", test_faults);
  ADD ("missing-file", test_missing_file);
  ADD ("cut-off-file-is-not-mapped", test_cut_off);
  ADD ("failure-without-reason", test_fails_silently);
  ADD ("unloads-when-allowed", test_unloads);
  ADD ("unloads-after-the-emission", test_unloads_after_emission);
  ADD ("reload-maps-new-code", test_reload);
  ADD ("replaced-file-is-not-the-old-code", test_replaced_file);
  ADD ("static", test_static);
#undef ADD
  return g_test_run ();
}
