/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Manifests: what they say, what is refused and in which words, limits; versions and their ranges.
 */
#include "plugin-fixture.h"

#include "hookrun-version-range-private.h"

#include <string.h>

static HookrunManifest *
parse (const char *text, GError **error)
{
  g_autoptr (HookrunManifest) manifest = hookrun_manifest_alloc ("/p/shop.json", "/p");

  if (!hookrun_manifest_parse_text (manifest, text, strlen (text), error))
    return NULL;
  return g_steal_pointer (&manifest);
}

static void
test_whole (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunManifest) manifest =
      parse ("{\"id\": \"shop\", \"version\": \"1.2\", \"abi\": 1, \"kind\": \"native\","
             " \"load\": \"at-start\", \"file\": \"lib/shop.so\","
             " \"requires\": {\"db\": \">=1.2 <2\", \"hookrun\": \"*\"},"
             " \"before\": [\"x\"], \"after\": \"y\", \"timeout\": \"5s\", \"isolation\": \"none\","
             " \"permissions\": {\"network\": true}, \"description\": \"d\", \"author\": \"a\","
             " \"signals\": [\"deploy.run\", {\"name\": \"deploy.run\", \"id\": \"second\","
             "   \"before\": [\"a\", \"b\"], \"after\": [\"c\"], \"replaces\": \"r\","
             "   \"priority\": -3, \"timeout\": 70, \"all-subjects\": true}],"
             " \"options\": [{\"name\": \"restart\", \"type\": \"boolean\", \"default\": false,"
             "   \"help\": \"h\", \"arg-name\": \"X\"}, {\"name\": \"hosts\", \"type\": \"list\","
             "   \"default\": [\"a\"]}]}",
             &error);
  const HookrunManifestHandler *second;
  HookrunHandlerOptions options;

  g_assert_no_error (error);
  g_assert_cmpstr (hookrun_manifest_get_id (manifest), ==, "shop");
  g_assert_cmpstr (hookrun_manifest_get_version (manifest), ==, "1.2");
  g_assert_cmpint (hookrun_manifest_get_kind (manifest), ==, HOOKRUN_PLUGIN_NATIVE);
  g_assert_cmpint (hookrun_manifest_get_load (manifest), ==, HOOKRUN_LOAD_AT_START);
  g_assert_cmpstr (hookrun_manifest_get_file (manifest), ==, "/p/lib/shop.so");
  g_assert_cmpstr (hookrun_manifest_get_required_range (manifest, "db"), ==, ">=1.2 <2");
  g_assert_null (hookrun_manifest_get_required_range (manifest, "other"));
  g_assert_cmpstr (hookrun_manifest_get_before (manifest)[0], ==, "x");
  g_assert_cmpstr (hookrun_manifest_get_after (manifest)[0], ==, "y");
  g_assert_cmpuint (hookrun_manifest_get_timeout_ms (manifest), ==, 5000);
  g_assert_cmpuint (g_strv_length ((char **)hookrun_manifest_get_signals (manifest)), ==, 1);
  g_assert_true (json_object_has_member (
      json_node_get_object (hookrun_manifest_get_permissions (manifest)), "network"));
  g_assert_cmpuint (hookrun_manifest_get_n_options (manifest), ==, 2);
  g_assert_cmpstr (hookrun_manifest_get_option (manifest, 0)->arg_name, ==, "X");
  g_assert_cmpint (hookrun_manifest_get_option (manifest, 1)->type, ==, HOOKRUN_FIELD_STRV);
  second = g_ptr_array_index (manifest->handlers, 1);
  hookrun_manifest_handler_get_options (second, &options);
  g_assert_cmpstr (second->id, ==, "second");
  g_assert_cmpstr (options.before[1], ==, "b");
  g_assert_cmpstr (options.replaces, ==, "r");
  g_assert_cmpint (options.priority, ==, -3);
  g_assert_cmpuint (options.timeout_ms, ==, 70);
  g_assert_cmpstr (options.subject, ==, HOOKRUN_ANY_SUBJECT);
  g_assert_cmpstr (((HookrunManifestHandler *)g_ptr_array_index (manifest->handlers, 0))->id, ==,
                   "shop");
}

static void
test_commands (void)
{
  g_autoptr (HookrunManifest) found =
      parse ("{\"id\":\"a\",\"version\":\"1\",\"kind\":\"worker\",\"command\":[\"python3\","
             "\"{folder}/a.py\",\"x={folder}\"]}",
             NULL);
  g_autoptr (HookrunManifest) beside = parse (
      "{\"id\":\"a\",\"version\":\"1\",\"kind\":\"executable\",\"command\":[\"./run\",\"-v\"]}",
      NULL);
  g_autoptr (HookrunManifest) file =
      parse ("{\"id\":\"a\",\"version\":\"1\",\"kind\":\"executable\",\"file\":\"run\"}", NULL);

  g_assert_cmpstr (hookrun_manifest_get_command (found)[0], ==, "python3");
  g_assert_cmpstr (hookrun_manifest_get_command (found)[1], ==, "/p/a.py");
  g_assert_cmpstr (hookrun_manifest_get_command (found)[2], ==, "x=/p");
  g_assert_cmpstr (hookrun_manifest_get_command (beside)[0], ==, "/p/run");
  g_assert_cmpstr (hookrun_manifest_get_command (beside)[1], ==, "-v");
  g_assert_cmpstr (hookrun_manifest_get_command (file)[0], ==, "/p/run");
}

typedef struct {
  const char *text;
  int code;
  const char *says;
} Fault;

#define HEAD "{\"id\":\"a\",\"version\":\"1\",\"kind\":\"native\",\"file\":\"a.so\""

static const Fault faults[] = {
    {"[]", HOOKRUN_ERROR_INVALID, "must be an object"},
    {"{", HOOKRUN_ERROR_INVALID, "unexpected end"},
    {"{\"version\":\"1\"}", HOOKRUN_ERROR_INVALID, "\"id\" is missing"},
    {"{\"id\":\"a\"}", HOOKRUN_ERROR_INVALID, "\"version\" is missing"},
    {"{\"id\":\"a\",\"version\":\"1\"}", HOOKRUN_ERROR_INVALID, "\"kind\" is missing"},
    {"{\"id\":\"a b\"}", HOOKRUN_ERROR_INVALID, "\"id\": \"a b\" is no id"},
    {"{\"id\":3}", HOOKRUN_ERROR_INVALID, "\"id\": must be a string"},
    {"{\"version\":\"one\"}", HOOKRUN_ERROR_INVALID, "\"version\": \"one\" is no version"},
    {HEAD ",\"abi\":\"1\"}", HOOKRUN_ERROR_INVALID, "\"abi\": must be a whole number"},
    {HEAD ",\"abi\":-1}", HOOKRUN_ERROR_INVALID, "\"abi\": must be a whole number from 0 on"},
    {HEAD ",\"colour\":1}", HOOKRUN_ERROR_INVALID, "\"colour\": unknown key"},
    {HEAD ",\"load\":\"later\"}", HOOKRUN_ERROR_INVALID, "one of \"on-need\", \"at-start\""},
    {HEAD ",\"command\":[\"x\"]}", HOOKRUN_ERROR_INVALID, "\"command\": a native plugin has"},
    {HEAD ",\"requires\":[\"b\"]}", HOOKRUN_ERROR_INVALID, "\"requires\": must be an object"},
    {HEAD ",\"requires\":{\"b\":\">>1\"}}", HOOKRUN_ERROR_INVALID, "range \">>1\" is malformed"},
    {HEAD ",\"before\":[1]}", HOOKRUN_ERROR_INVALID, "\"before\": must be a list of strings"},
    {HEAD ",\"signals\":[{\"id\":\"x\"}]}", HOOKRUN_ERROR_INVALID, "an entry has no \"name\""},
    {HEAD ",\"signals\":[\"s\",\"s\"]}", HOOKRUN_ERROR_EXISTS, "two handlers of \"s\""},
    {HEAD ",\"signals\":[{\"name\":\"s\",\"when\":1}]}", HOOKRUN_ERROR_INVALID,
     "\"signals\": \"when\": unknown key"},
    {HEAD ",\"timeout\":\"5 s\"}", HOOKRUN_ERROR_INVALID, "\"5 s\" is no duration"},
    {HEAD ",\"permissions\":[]}", HOOKRUN_ERROR_INVALID, "\"permissions\": must be an object"},
    {HEAD ",\"options\":[{\"name\":\"A\"}]}", HOOKRUN_ERROR_INVALID,
     "\"A\" is no name of an option"},
    {HEAD ",\"options\":[{\"name\":\"a\",\"type\":\"int\",\"default\":\"x\"}]}",
     HOOKRUN_ERROR_INVALID, "a default of the option's type"},
    {"{\"id\":\"a\",\"version\":\"1\",\"kind\":\"native\"}", HOOKRUN_ERROR_INVALID,
     "\"file\" is missing"},
    {"{\"id\":\"a\",\"version\":\"1\",\"kind\":\"worker\"}", HOOKRUN_ERROR_INVALID,
     "\"command\" is missing"},
    {"{\"id\":\"a\",\"version\":\"1\",\"kind\":\"wasm\"}", HOOKRUN_ERROR_INVALID,
     "one of \"native\", \"worker\", \"executable\""},
};

static void
test_faults (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (faults); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (parse (faults[i].text, &error));
    g_assert_error (error, HOOKRUN_ERROR, faults[i].code);
    assert_has (error->message, faults[i].says);
    g_assert_true (g_str_has_prefix (error->message, "/p/shop.json: "));
  }
}

static void
test_no_folder (void)
{
  g_autoptr (JsonNode) node = json_from_string (HEAD "}", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (hookrun_manifest_new_from_json (node, "shop.ini [plugin:a]", NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  g_assert_true (g_str_has_prefix (error->message, "shop.ini [plugin:a]: \"file\""));
}

static void
assert_refused_fast (Fixture *fixture, const char *text, const char *says)
{
  g_autofree char *path = fixture_path (fixture, "big.json");
  g_autoptr (GError) error = NULL;
  gint64 limit_us = g_getenv ("HOOKRUN_SANITIZED") != NULL ? 10000000 : 1000000;
  gint64 start;

  fixture_write (fixture, "big.json", text, 0644);
  start = g_get_monotonic_time ();
  g_assert_null (hookrun_manifest_new_from_file (path, &error));
  g_assert_cmpint (g_get_monotonic_time () - start, <, limit_us);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
  assert_has (error->message, "big.json");
  assert_has (error->message, says);
}

static void
test_limits (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *spaces = g_strnfill (10 * 1024 * 1024, ' ');
  g_autofree char *brackets = g_strnfill (1000 * 1000, '[');
  g_autoptr (GString) handlers = g_string_new (HEAD ",\"signals\":[\"s\"");
  g_autofree char *deep = NULL;

  assert_refused_fast (fixture, spaces, "1048576 bytes");
  assert_refused_fast (fixture, brackets, "nested too deep");
  deep = g_strconcat ("{\"permissions\":{\"x\":", brackets, NULL);
  assert_refused_fast (fixture, deep, "nested too deep");
  for (int i = 0; i < 100000; i++)
    g_string_append (handlers, ",\"s\"");
  g_string_append (handlers, "]}");
  assert_refused_fast (fixture, handlers->str, "more than 256 entries");
}

static const struct {
  const char *a;
  int order;
  const char *b;
} versions[] = {
    {"1", 0, "1.0.0"},
    {"1.10", 1, "1.9"},
    {"2", -1, "10"},
    {"1.0-rc1", -1, "1.0"},
    {"1.0~a", -1, "1.0~b"},
    {"1.0-rc2", -1, "1.0-rc10"},
    {"1.0+x", 0, "1.0"},
    {"01.2", 0, "1.2"},
    {"99999999999999999999999", 1, "99999999999999999999998"},
};

static const struct {
  const char *range;
  const char *version;
  gboolean inside;
} ranges[] = {
    {">=1.2 <2", "1.2", TRUE},    {">=1.2 <2", "2", FALSE}, {">=1.2,<2", "1.9.9", TRUE},
    {">= 1.2 < 2", "1.1", FALSE}, {"*", "0", TRUE},         {"", "5", TRUE},
    {"1.0", "1", TRUE},           {"=1.0", "1.1", FALSE},   {"!=1.0", "1.1", TRUE},
    {">=2", "2.0-rc1", FALSE},    {">1", "1.0.1", TRUE},
};

static int
sign (int number)
{
  return (number > 0) - (number < 0);
}

static void
test_versions (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (versions); i++) {
    g_assert_cmpint (sign (hookrun_plugin_version_compare (versions[i].a, versions[i].b)), ==,
                     versions[i].order);
    g_assert_cmpint (sign (hookrun_plugin_version_compare (versions[i].b, versions[i].a)), ==,
                     -versions[i].order);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (ranges); i++) {
    g_assert_true (hookrun_version_range_check (ranges[i].range, NULL));
    g_assert_cmpint (hookrun_version_range_contains (ranges[i].range, ranges[i].version), ==,
                     ranges[i].inside);
  }
  g_assert_false (hookrun_version_range_check (">", NULL));
  g_assert_false (hookrun_version_range_check (">=1 &2", NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plugin/manifest/whole", test_whole);
  g_test_add_func ("/plugin/manifest/commands", test_commands);
  g_test_add_func ("/plugin/manifest/faults-name-the-key", test_faults);
  g_test_add_func ("/plugin/manifest/relative-file-without-folder", test_no_folder);
  g_test_add ("/plugin/manifest/limits", Fixture, NULL, fixture_set_up, test_limits,
              fixture_tear_down);
  g_test_add_func ("/plugin/manifest/versions", test_versions);
  return g_test_run ();
}
