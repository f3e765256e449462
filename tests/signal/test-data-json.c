/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The payload as JSON: what goes out, and merge patches that are applied whole or not at all. */
#include <hookrun.h>
#include <math.h>
#include <string.h>

#include "fields.h"

static HookrunData *
make_data (void)
{
  g_autoptr (HookrunSchema) schema =
      hookrun_schema_new (all_fields, G_N_ELEMENTS (all_fields), NULL);
  HookrunData *data = hookrun_data_new (schema);

  hookrun_data_slot_set_string (data, NAME, "shop");
  hookrun_data_slot_set_string (data, HOST, "h1");
  hookrun_data_slot_set_string (data, PASSWORD, "hush");
  return data;
}

static void
assert_text (HookrunData *data, const char *wanted)
{
  g_autofree char *text = hookrun_data_to_text (data, FALSE);

  g_assert_cmpstr (text, ==, wanted);
}

static void
merge (HookrunData *data, const char *patch)
{
  g_autoptr (GError) error = NULL;

  if (!hookrun_data_merge_text (data, patch, -1, &error))
    g_error ("%s: %s", patch, error->message);
}

static void
test_out (void)
{
  g_autoptr (HookrunData) data = make_data ();
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);
  g_autofree char *secrets = NULL;

  hookrun_data_slot_set_object (data, TARGET, object);
  hookrun_data_slot_set_boolean (data, FORCE, FALSE);
  hookrun_data_slot_set_int (data, COUNT, 3);
  hookrun_data_slot_set_double (data, RATIO, 0.25);
  hookrun_data_slot_set_strv (data, FILES, (const char *const[]){"a", "b", NULL});
  hookrun_data_set_string (data, "zeta", "z", NULL);
  hookrun_data_set_string (data, "alpha", "a", NULL);
  hookrun_data_set_string (data, "_private", "p", NULL);
  assert_text (data, "{\"name\":\"shop\",\"force\":false,\"count\":3,\"ratio\":0.25,"
                     "\"files\":[\"a\",\"b\"],\"host\":\"h1\",\"alpha\":\"a\",\"zeta\":\"z\"}");
  secrets = hookrun_data_to_text (data, TRUE);
  g_assert_nonnull (strstr (secrets, "\"password\":\"hush\""));
  g_assert_null (strstr (secrets, "private"));
  hookrun_data_slot_set_double (data, RATIO, INFINITY);
  g_clear_pointer (&secrets, g_free);
  secrets = hookrun_data_to_text (data, TRUE);
  g_assert_nonnull (strstr (secrets, "\"ratio\":null"));
}

static void
test_merge_types (void)
{
  g_autoptr (HookrunData) data = make_data ();

  merge (data, "{\"name\":\"blog\",\"force\":true,\"count\":3.0,\"ratio\":2,\"files\":[\"x\"],"
               "\"extra\":[1,{\"a\":null}],\"commit-msg\":\"m\",\"password\":\"new\"}");
  g_assert_cmpstr (hookrun_data_slot_get_string (data, NAME), ==, "blog");
  g_assert_true (hookrun_data_slot_get_boolean (data, FORCE));
  g_assert_cmpint (hookrun_data_slot_get_int (data, COUNT), ==, 3);
  g_assert_cmpfloat (hookrun_data_slot_get_double (data, RATIO), ==, 2.0);
  g_assert_cmpstr (hookrun_data_slot_get_strv (data, FILES)[0], ==, "x");
  g_assert_cmpstr (hookrun_data_slot_get_string (data, COMMIT_MSG), ==, "m");
  g_assert_cmpstr (hookrun_data_slot_get_string (data, PASSWORD), ==, "new");
  merge (data, "{\"force\":null,\"files\":null,\"extra\":null,\"password\":null}");
  assert_text (data, "{\"name\":\"blog\",\"commit_msg\":\"m\",\"count\":3,\"ratio\":2.0,"
                     "\"host\":\"h1\"}");
  merge (data, "{\"count\":-9223372036854775807}");
  g_assert_cmpint (hookrun_data_slot_get_int (data, COUNT), ==, -G_MAXINT64);
}

static void
test_merge_extras (void)
{
  g_autoptr (HookrunData) data = hookrun_data_new (NULL);

  merge (data, "{\"s\":\"t\",\"b\":true,\"i\":1,\"d\":0.5,\"l\":[\"x\",\"y\"],\"o\":{\"k\":1},"
               "\"m\":[1,\"x\"],\"e\":[]}");
  g_assert_cmpstr (hookrun_data_get_string (data, "s"), ==, "t");
  g_assert_true (hookrun_data_get_boolean (data, "b"));
  g_assert_cmpint (hookrun_data_get_int (data, "i"), ==, 1);
  g_assert_cmpfloat (hookrun_data_get_double (data, "d"), ==, 0.5);
  g_assert_cmpstr (hookrun_data_get_strv (data, "l")[1], ==, "y");
  g_assert_null (hookrun_data_get_strv (data, "m"));
  assert_text (data, "{\"b\":true,\"d\":0.5,\"e\":[],\"i\":1,\"l\":[\"x\",\"y\"],"
                     "\"m\":[1,\"x\"],\"o\":{\"k\":1},\"s\":\"t\"}");
  merge (data, "{\"s\":5,\"b\":null,\"i\":null,\"d\":null,\"l\":null,\"m\":null,\"e\":null}");
  assert_text (data, "{\"o\":{\"k\":1},\"s\":5}");
}

/* The examples of RFC 7396, appendix A, that have an object as the patch, below one key. */
static void
test_merge_is_rfc_7396 (void)
{
  static const char *const rows[][3] = {
      {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
      {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
      {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
      {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
      {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
      {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
      {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
      {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
      {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
      {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
      {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
      {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
      {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (HookrunData) data = make_data ();
    g_autoptr (JsonNode) target = json_from_string (rows[i][0], NULL);
    g_autofree char *patch = g_strdup_printf ("{\"extra\":%s}", rows[i][1]);
    g_autofree char *text = NULL;
    g_autoptr (JsonNode) wanted = json_from_string (rows[i][2], NULL);

    hookrun_data_slot_set_json (data, EXTRA, target);
    merge (data, patch);
    text = json_to_string (hookrun_data_slot_get_json (data, EXTRA), FALSE);
    g_assert_true (json_node_equal (hookrun_data_slot_get_json (data, EXTRA), wanted));
    g_assert_cmpstr (text, ==, rows[i][2]);
  }
}

static void
test_merge_refuses (void)
{
  static const struct {
    const char *patch;
    HookrunError code;
  } rows[] = {
      {"{\"force\":true,\"name\":5}", HOOKRUN_ERROR_INVALID},
      {"{\"force\":true,\"count\":0.5}", HOOKRUN_ERROR_INVALID},
      {"{\"force\":true,\"count\":1e300}", HOOKRUN_ERROR_INVALID},
      {"{\"force\":true,\"count\":\"1\"}", HOOKRUN_ERROR_INVALID},
      {"{\"force\":1}", HOOKRUN_ERROR_INVALID},
      {"{\"force\":true,\"files\":[\"a\",1]}", HOOKRUN_ERROR_INVALID},
      {"{\"force\":true,\"files\":{}}", HOOKRUN_ERROR_INVALID},
      {"{\"force\":true,\"target\":\"x\"}", HOOKRUN_ERROR_INVALID},
      {"{\"force\":true,\"name\":null}", HOOKRUN_ERROR_INVALID},
      {"{\"force\":true,\"host\":\"h2\"}", HOOKRUN_ERROR_PERMISSION},
      {"{\"force\":true,\"host\":null}", HOOKRUN_ERROR_PERMISSION},
      {"{\"force\":true,\"_x\":1}", HOOKRUN_ERROR_PERMISSION},
      {"{\"force\":true,\"\":1}", HOOKRUN_ERROR_INVALID},
      {"[]", HOOKRUN_ERROR_INVALID},
      {"", HOOKRUN_ERROR_INVALID},
      {"{\"force\":true", HOOKRUN_ERROR_INVALID},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (HookrunData) data = make_data ();
    g_autoptr (GError) error = NULL;

    g_assert_false (hookrun_data_merge_text (data, rows[i].patch, -1, &error));
    g_assert_error (error, HOOKRUN_ERROR, (int)rows[i].code);
    assert_text (data, "{\"name\":\"shop\",\"host\":\"h1\"}");
  }
}

static void
test_merge_of_what_is_unchanged (void)
{
  g_autoptr (HookrunData) data = make_data ();
  g_autofree char *text = hookrun_data_to_text (data, TRUE);

  merge (data, text);
  assert_text (data, "{\"name\":\"shop\",\"host\":\"h1\"}");
}

static void
test_merge_alike_keys (void)
{
  g_autoptr (HookrunData) data = hookrun_data_new (NULL);

  merge (data, "{\"a-b\":1}");
  merge (data, "{\"a_b\":2}");
  assert_text (data, "{\"a-b\":2}");
  merge (data, "{\"a_b\":null}");
  assert_text (data, "{}");
}

static void
test_merge_limits (void)
{
  g_autoptr (HookrunData) data = hookrun_data_new (NULL);
  g_autoptr (GString) deep = g_string_new ("{\"a\":");
  g_autoptr (GString) many = g_string_new ("{\"k\":0");
  g_autoptr (GError) depth = NULL;
  g_autoptr (GError) count = NULL;

  for (guint i = 0; i < 1000000; i++)
    g_string_append_c (deep, '[');
  g_assert_false (hookrun_data_merge_text (data, deep->str, (gssize)deep->len, &depth));
  g_assert_error (depth, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
  for (guint i = 0; i < 4096; i++)
    g_string_append_printf (many, ",\"k%u\":%u", i, i);
  g_string_append_c (many, '}');
  g_assert_false (hookrun_data_merge_text (data, many->str, -1, &count));
  g_assert_error (count, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
  assert_text (data, "{}");
}

static void
test_round_trip (void)
{
  g_autoptr (HookrunData) data = make_data ();
  g_autoptr (HookrunData) again = make_data ();
  g_autofree char *text = NULL;

  merge (data, "{\"ratio\":0.1,\"extra\":{\"x\":[1.5,\"\\u00e9\\n\\\"\"]},\"d\":1e-300,"
               "\"i\":9007199254740993}");
  text = hookrun_data_to_text (data, FALSE);
  merge (again, text);
  assert_text (again, text);
  g_assert_cmpint (hookrun_data_get_int (again, "i"), ==, 9007199254740993);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signal/json/out", test_out);
  g_test_add_func ("/signal/json/merge-types", test_merge_types);
  g_test_add_func ("/signal/json/merge-extras", test_merge_extras);
  g_test_add_func ("/signal/json/merge-is-rfc-7396", test_merge_is_rfc_7396);
  g_test_add_func ("/signal/json/merge-refuses", test_merge_refuses);
  g_test_add_func ("/signal/json/merge-of-what-is-unchanged", test_merge_of_what_is_unchanged);
  g_test_add_func ("/signal/json/merge-alike-keys", test_merge_alike_keys);
  g_test_add_func ("/signal/json/merge-limits", test_merge_limits);
  g_test_add_func ("/signal/json/round-trip", test_round_trip);
  return g_test_run ();
}
