/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The payload: schemas, slots, names, permissions and templates. JSON is in test-data-json.c. */
#include <hookrun.h>
#include <string.h>

#include "fields.h"

static HookrunSchema *
make_schema (void)
{
  g_autoptr (GError) error = NULL;
  HookrunSchema *schema = hookrun_schema_new (all_fields, G_N_ELEMENTS (all_fields), &error);

  g_assert_no_error (error);
  return schema;
}

/* ---- schema ---- */

static void
test_schema_finds (void)
{
  g_autoptr (HookrunSchema) schema = make_schema ();

  g_assert_cmpuint (hookrun_schema_get_n_fields (schema), ==, N_FIELDS);
  g_assert_cmpint (hookrun_schema_find (schema, "name"), ==, NAME);
  g_assert_cmpint (hookrun_schema_find (schema, "commit-msg"), ==, COMMIT_MSG);
  g_assert_cmpint (hookrun_schema_find (schema, "commit_msg"), ==, COMMIT_MSG);
  g_assert_cmpint (hookrun_schema_find (schema, "commit"), ==, -1);
  g_assert_cmpint (hookrun_schema_find (schema, ""), ==, -1);
  g_assert_cmpstr (hookrun_schema_get_field (schema, NAME)->name, ==, "name");
  g_assert_true (hookrun_schema_get_field (schema, NAME)->name != all_fields[NAME].name);
}

static void
test_schema_refuses (void)
{
  static const HookrunField rows[][2] = {
      {{"", HOOKRUN_FIELD_INT}, {"b", HOOKRUN_FIELD_INT}},
      {{"a b", HOOKRUN_FIELD_INT}, {"b", HOOKRUN_FIELD_INT}},
      {{NULL, HOOKRUN_FIELD_INT}, {"b", HOOKRUN_FIELD_INT}},
      {{"a_b", HOOKRUN_FIELD_INT}, {"a-b", HOOKRUN_FIELD_INT}},
      {{"a", (HookrunFieldType)7}, {"b", HOOKRUN_FIELD_INT}},
      {{"a", HOOKRUN_FIELD_INT, (HookrunFieldFlags)64}, {"b", HOOKRUN_FIELD_INT}},
      {{"a", HOOKRUN_FIELD_INT, HOOKRUN_FIELD_TEMPLATE}, {"b", HOOKRUN_FIELD_INT}},
  };
  g_autofree HookrunField *many = g_new0 (HookrunField, 4097);
  g_autoptr (GError) limit = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (hookrun_schema_new (rows[i], 2, &error));
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  }
  g_assert_null (hookrun_schema_new (many, 4097, &limit));
  g_assert_error (limit, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
}

/* ---- slots ---- */

static void
test_slots (void)
{
  g_autoptr (HookrunSchema) schema = make_schema ();
  g_autoptr (HookrunData) data = hookrun_data_new (schema);
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (JsonNode) json = json_from_string ("{\"a\":[1]}", NULL);

  g_assert_null (hookrun_data_slot_get_string (data, NAME));
  g_assert_cmpint (hookrun_data_slot_get_int (data, COUNT), ==, 0);
  hookrun_data_slot_set_string (data, NAME, "shop");
  hookrun_data_slot_set_boolean (data, FORCE, 17);
  hookrun_data_slot_set_int (data, COUNT, G_MININT64);
  hookrun_data_slot_set_double (data, RATIO, 0.5);
  hookrun_data_slot_set_strv (data, FILES, (const char *const[]){"a", "b", NULL});
  hookrun_data_slot_set_json (data, EXTRA, json);
  hookrun_data_slot_set_object (data, TARGET, object);
  hookrun_data_slot_set_string (data, HOST, "h1");
  g_assert_cmpstr (hookrun_data_slot_get_string (data, NAME), ==, "shop");
  g_assert_cmpint (hookrun_data_slot_get_boolean (data, FORCE), ==, TRUE);
  g_assert_cmpint (hookrun_data_slot_get_int (data, COUNT), ==, G_MININT64);
  g_assert_cmpfloat (hookrun_data_slot_get_double (data, RATIO), ==, 0.5);
  g_assert_cmpstr (hookrun_data_slot_get_strv (data, FILES)[1], ==, "b");
  g_assert_true (json_node_equal (hookrun_data_slot_get_json (data, EXTRA), json));
  g_assert_true (hookrun_data_slot_get_object (data, TARGET) == object);
  g_assert_cmpstr (hookrun_data_slot_get_string (data, HOST), ==, "h1");
  g_assert_true (hookrun_data_get_object (data, "target") == object);
  hookrun_data_slot_set_string (data, NAME, NULL);
  hookrun_data_slot_set_strv (data, FILES, NULL);
  g_assert_null (hookrun_data_slot_get_string (data, NAME));
  g_assert_null (hookrun_data_slot_get_strv (data, FILES));
  g_assert_false (hookrun_data_has (data, "files"));
}

static void
test_wrong_slot_is_a_programming_error (void)
{
  if (g_test_subprocess ()) {
    g_autoptr (HookrunSchema) schema = make_schema ();
    g_autoptr (HookrunData) data = hookrun_data_new (schema);

    hookrun_data_slot_get_int (data, NAME);
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*CRITICAL*");
}

/* ---- names ---- */

static void
test_names (void)
{
  g_autoptr (HookrunSchema) schema = make_schema ();
  g_autoptr (HookrunData) data = hookrun_data_new (schema);
  g_autoptr (GError) error = NULL;

  g_assert_true (hookrun_data_set_string (data, "commit-msg", "x", &error));
  g_assert_true (hookrun_data_set_string (data, "new-key", "y", &error));
  g_assert_true (hookrun_data_set_int (data, "number", 3, &error));
  g_assert_true (hookrun_data_set_double (data, "half", 0.5, &error));
  g_assert_true (hookrun_data_set_boolean (data, "flag", TRUE, &error));
  g_assert_true (hookrun_data_set_strv (data, "list", (const char *const[]){"a", NULL}, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (hookrun_data_get_string (data, "commit_msg"), ==, "x");
  g_assert_cmpstr (hookrun_data_get_string (data, "new_key"), ==, "y");
  g_assert_cmpint (hookrun_data_get_int (data, "number"), ==, 3);
  g_assert_cmpfloat (hookrun_data_get_double (data, "number"), ==, 3.0);
  g_assert_cmpfloat (hookrun_data_get_double (data, "half"), ==, 0.5);
  g_assert_cmpint (hookrun_data_get_int (data, "half"), ==, 0);
  g_assert_true (hookrun_data_get_boolean (data, "flag"));
  g_assert_cmpstr (hookrun_data_get_strv (data, "list")[0], ==, "a");
  g_assert_null (hookrun_data_get_string (data, "number"));
  g_assert_null (hookrun_data_get_json (data, "nothing"));
  g_assert_true (hookrun_data_has (data, "new_key"));
  g_assert_true (hookrun_data_unset (data, "new-key", &error));
  g_assert_true (hookrun_data_unset (data, "new-key", &error));
  g_assert_false (hookrun_data_has (data, "new_key"));
  g_assert_true (hookrun_data_set_string (data, "flag", NULL, &error));
  g_assert_false (hookrun_data_has (data, "flag"));
}

static void
assert_refused (gboolean done, GError *error, HookrunError code)
{
  g_autoptr (GError) owned = error;

  g_assert_false (done);
  g_assert_error (owned, HOOKRUN_ERROR, (int)code);
}

#define REFUSED(call, code)                                                                        \
  do {                                                                                             \
    GError *error = NULL;                                                                          \
    gboolean done = call;                                                                          \
    assert_refused (done, error, code);                                                            \
  } while (0)

static void
test_handlers_may_not (void)
{
  g_autoptr (HookrunSchema) schema = make_schema ();
  g_autoptr (HookrunData) data = hookrun_data_new (schema);
  g_autofree char *huge = g_strnfill (257, 'k');

  hookrun_data_slot_set_string (data, HOST, "h1");
  hookrun_data_slot_set_string (data, NAME, "shop");
  REFUSED (hookrun_data_set_string (data, "host", "h2", &error), HOOKRUN_ERROR_PERMISSION);
  REFUSED (hookrun_data_unset (data, "host", &error), HOOKRUN_ERROR_PERMISSION);
  REFUSED (hookrun_data_unset (data, "name", &error), HOOKRUN_ERROR_INVALID);
  REFUSED (hookrun_data_set_string (data, "name", NULL, &error), HOOKRUN_ERROR_INVALID);
  REFUSED (hookrun_data_set_int (data, "name", 1, &error), HOOKRUN_ERROR_INVALID);
  REFUSED (hookrun_data_set_string (data, "files", "a", &error), HOOKRUN_ERROR_INVALID);
  REFUSED (hookrun_data_set_string (data, "target", "a", &error), HOOKRUN_ERROR_INVALID);
  REFUSED (hookrun_data_set_string (data, "", "a", &error), HOOKRUN_ERROR_INVALID);
  REFUSED (hookrun_data_set_string (data, "a\n", "a", &error), HOOKRUN_ERROR_INVALID);
  REFUSED (hookrun_data_set_string (data, "\xff", "a", &error), HOOKRUN_ERROR_INVALID);
  REFUSED (hookrun_data_set_string (data, huge, "a", &error), HOOKRUN_ERROR_INVALID);
  REFUSED (hookrun_data_set_string (data, "a", "\xff", &error), HOOKRUN_ERROR_INVALID);
  REFUSED (hookrun_data_set_strv (data, "a", (const char *const[]){"\xff", NULL}, &error),
           HOOKRUN_ERROR_INVALID);
  g_assert_cmpstr (hookrun_data_get_string (data, "host"), ==, "h1");
  g_assert_cmpstr (hookrun_data_get_string (data, "name"), ==, "shop");
}

static void
test_extras_are_limited (void)
{
  g_autoptr (HookrunData) data = hookrun_data_new (NULL);

  for (guint i = 0; i < 4096; i++) {
    g_autofree char *name = g_strdup_printf ("key%u", i);

    g_assert_true (hookrun_data_set_int (data, name, i, NULL));
  }
  REFUSED (hookrun_data_set_int (data, "one-more", 1, &error), HOOKRUN_ERROR_LIMIT);
  g_assert_true (hookrun_data_set_int (data, "key7", 1, NULL));
}

/* ---- templates ---- */

static void
test_templates (void)
{
  static const struct {
    const char *text;
    const char *filled;
  } rows[] = {
      {"release %(name)s", "release shop"},
      {"{commit-msg}", "about %(name)s"},
      {"{force} {count} {ratio}", "true 3 0.5"},
      {"{files}", "a, b"},
      {"{extra}", "{\"k\":1}"},
      {"{later}", "yes"},
  };
  g_autoptr (HookrunSchema) schema = make_schema ();
  g_autoptr (HookrunData) data = hookrun_data_new (schema);
  g_autoptr (JsonNode) json = json_from_string ("{\"k\":1}", NULL);

  hookrun_data_slot_set_string (data, NAME, "shop");
  hookrun_data_slot_set_string (data, COMMIT_MSG, "about %(name)s");
  hookrun_data_slot_set_boolean (data, FORCE, TRUE);
  hookrun_data_slot_set_int (data, COUNT, 3);
  hookrun_data_slot_set_double (data, RATIO, 0.5);
  hookrun_data_slot_set_strv (data, FILES, (const char *const[]){"a", "b", NULL});
  hookrun_data_slot_set_json (data, EXTRA, json);
  hookrun_data_set_string (data, "later", "yes", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *filled = hookrun_data_expand_text (data, rows[i].text, &error);

    g_assert_no_error (error);
    g_assert_cmpstr (filled, ==, rows[i].filled);
  }
}

static void
test_expand (void)
{
  g_autoptr (HookrunSchema) schema = make_schema ();
  g_autoptr (HookrunData) data = hookrun_data_new (schema);
  g_autofree char *template = NULL;
  g_autofree char *plain = NULL;
  g_autofree char *extra = NULL;
  g_autofree char *later = NULL;

  hookrun_data_slot_set_string (data, NAME, "{count}");
  hookrun_data_slot_set_string (data, COMMIT_MSG, "n={count}");
  hookrun_data_slot_set_int (data, COUNT, 3);
  hookrun_data_set_string (data, "note", "c{count}", NULL);
  template = hookrun_data_expand (data, "commit_msg", NULL);
  plain = hookrun_data_expand (data, "name", NULL);
  extra = hookrun_data_expand (data, "note", NULL);
  g_assert_cmpstr (template, ==, "n=3");
  g_assert_cmpstr (plain, ==, "{count}");
  g_assert_cmpstr (extra, ==, "c3");
  hookrun_data_slot_set_int (data, COUNT, 4);
  later = hookrun_data_expand (data, "commit_msg", NULL);
  g_assert_cmpstr (later, ==, "n=4");
  hookrun_data_slot_set_string (data, COMMIT_MSG, "{nothing}");
  REFUSED (hookrun_data_expand (data, "commit_msg", &error) != NULL, HOOKRUN_ERROR_NOT_FOUND);
  REFUSED (hookrun_data_expand (data, "nothing", &error) != NULL, HOOKRUN_ERROR_NOT_FOUND);
  REFUSED (hookrun_data_expand (data, "target", &error) != NULL, HOOKRUN_ERROR_NOT_FOUND);
  REFUSED (hookrun_data_expand_text (data, "%(name", &error) != NULL, HOOKRUN_ERROR_INVALID);
}

static void
test_boxed (void)
{
  g_autoptr (HookrunSchema) schema = make_schema ();
  HookrunData *data = hookrun_data_new (schema);
  HookrunData *copy = g_boxed_copy (HOOKRUN_TYPE_DATA, data);

  g_assert_true (copy == data);
  g_assert_true (hookrun_data_get_schema (data) == schema);
  hookrun_data_unref (data);
  hookrun_data_slot_set_int (copy, COUNT, 1);
  g_boxed_free (HOOKRUN_TYPE_DATA, copy);
  g_assert_true (G_TYPE_IS_ENUM (HOOKRUN_TYPE_FIELD_TYPE));
  g_assert_true (G_TYPE_IS_FLAGS (HOOKRUN_TYPE_FIELD_FLAGS));
  g_assert_true (G_TYPE_IS_ENUM (HOOKRUN_TYPE_VERDICT));
  g_assert_true (G_TYPE_IS_FLAGS (HOOKRUN_TYPE_SIGNAL_FLAGS));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signal/schema/finds", test_schema_finds);
  g_test_add_func ("/signal/schema/refuses", test_schema_refuses);
  g_test_add_func ("/signal/data/slots", test_slots);
  g_test_add_func ("/signal/data/wrong-slot-is-a-programming-error",
                   test_wrong_slot_is_a_programming_error);
  g_test_add_func ("/signal/data/names", test_names);
  g_test_add_func ("/signal/data/handlers-may-not", test_handlers_may_not);
  g_test_add_func ("/signal/data/extras-are-limited", test_extras_are_limited);
  g_test_add_func ("/signal/data/templates", test_templates);
  g_test_add_func ("/signal/data/expand", test_expand);
  g_test_add_func ("/signal/data/boxed", test_boxed);
  return g_test_run ();
}
