/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Descriptions of operations, the binding of words to their options, and a whole run through the
 * library: signals, arguments that a handler changes, and what is refused.
 */
#include <hookrun.h>

#include <string.h>

#include "fixture.h"
#include "hookrun-operation-private.h"

#define DESCRIPTION                                                                                \
  "{\"description\":\"Test\",\"version\":\"2\",\"operations\":["                                   \
  "{\"name\":\"copy\",\"options\":[{\"name\":\"from\"},{\"name\":\"to\",\"description\":\"t\"},"   \
  "{\"name\":\"--dry-run\"}]},"                                                                    \
  "{\"name\":\"any\",\"words\":true}]}"

static HookrunOperation *
parse_operation (const char *text, guint index)
{
  g_autoptr (GVariant) description = hookrun_description_parse (text, strlen (text), "test", NULL);
  g_autoptr (GVariant) operations = NULL;
  g_autoptr (GVariant) row = NULL;

  g_assert_nonnull (description);
  operations = g_variant_get_child_value (description, 2);
  row = g_variant_get_child_value (operations, index);
  return hookrun_operation_new (row);
}

static void
assert_bound (HookrunOperation *operation, const char *words, const char *expected)
{
  g_auto (GStrv) argv = g_strsplit (words, " ", -1);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = hookrun_operation_bind (operation, (const char *const *)argv, &error);
  g_autofree char *text = node != NULL ? json_to_string (node, FALSE) : NULL;

  if (expected != NULL) {
    g_assert_no_error (error);
    g_assert_cmpstr (text, ==, expected);
  } else {
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
    g_assert_null (node);
  }
}

static void
test_bind_by_place_and_name (void)
{
  g_autoptr (HookrunOperation) copy = parse_operation (DESCRIPTION, 0);

  assert_bound (copy, "a b", "{\"from\":\"a\",\"to\":\"b\"}");
  assert_bound (copy, "--to b a", "{\"to\":\"b\",\"from\":\"a\"}");
  assert_bound (copy, "--to=b --from=a", "{\"to\":\"b\",\"from\":\"a\"}");
  assert_bound (copy, "a b c", "{\"from\":\"a\",\"to\":\"b\",\"dry-run\":\"c\"}");
  assert_bound (copy, "a b --dry_run=1", "{\"from\":\"a\",\"to\":\"b\",\"dry-run\":\"1\"}");
  assert_bound (copy, "-- --from --to", "{\"from\":\"--from\",\"to\":\"--to\"}");
}

static void
test_bind_refuses (void)
{
  g_autoptr (HookrunOperation) copy = parse_operation (DESCRIPTION, 0);
  static const char *const wrong[] = {"a",         "a b c d", "a b --to=c",    "--form=a b",
                                      "a b --dry", "--to b",  "a b --dry-run", "--=x a b"};

  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    assert_bound (copy, wrong[i], NULL);
}

static void
test_words_are_handed_on (void)
{
  g_autoptr (HookrunOperation) any = parse_operation (DESCRIPTION, 1);
  g_autoptr (HookrunOperation) copy = parse_operation (DESCRIPTION, 0);
  const char *const words[] = {"--x", "a b", NULL};
  const char *const named[] = {"--dry-run=1", "f", "t", NULL};
  g_autoptr (JsonNode) node = hookrun_operation_bind (any, words, NULL);
  g_autoptr (JsonNode) other = hookrun_operation_bind (copy, named, NULL);
  g_auto (GStrv) given = hookrun_operation_to_words (any, node);
  g_auto (GStrv) placed = hookrun_operation_to_words (copy, other);
  g_autofree char *line = g_strjoinv (" ", placed);

  g_assert_cmpstrv (given, words);
  g_assert_cmpstr (line, ==, "f t --dry-run=1");
}

static void
test_description_limits (void)
{
  static const char *const wrong[] = {
      "",
      "[]",
      "{}",
      "{\"operations\":{}}",
      "{\"operations\":[3]}",
      "{\"operations\":[{\"name\":\"\"}]}",
      "{\"operations\":[{\"name\":\"a/b\"}]}",
      "{\"operations\":[{\"name\":\"-a\"}]}",
      "{\"operations\":[{\"name\":\"a\"},{\"name\":\"a\"}]}",
      "{\"operations\":[{\"name\":\"a\",\"description\":[]}]}",
      "{\"operations\":[{\"name\":\"a\",\"options\":[{\"name\":\"b\"},{\"name\":\"--b\"}]}]}",
      "{\"version\":2,\"operations\":[{\"name\":\"a\"}]}",
      "{\"operations\":[{\"name\":\"a\",\"options\":[[[[[[[[[]]]]]]]]]}]}",
  };
  g_autoptr (GString) text = g_string_new ("{\"operations\":[");

  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (hookrun_description_parse (wrong[i], strlen (wrong[i]), "test", &error));
    g_assert_nonnull (error);
    g_assert_nonnull (strstr (error->message, "test"));
  }
  for (guint i = 0; i <= HOOKRUN_OPERATION_MAX_COUNT; i++)
    g_string_append_printf (text, "%s{\"name\":\"o%u\"}", i > 0 ? "," : "", i);
  g_string_append (text, "]}");
  g_assert_null (hookrun_description_parse (text->str, text->len, "test", NULL));
}

/* ---- a run through the library ---- */

static void
write_module (Fixture *self, const char *name, const char *text)
{
  g_autofree char *file = g_build_filename ("modules", name, NULL);

  fixture_write (self, file, text);
}

static HookrunModulePath *
open_path (Fixture *self)
{
  g_autofree char *modules = fixture_path (self, "modules");
  g_autofree char *state = fixture_path (self, "state");
  g_autofree char *cache = fixture_path (self, "cache");
  const char *const folders[] = {modules, NULL};

  return hookrun_module_path_new (folders, state, cache);
}

static void
take_line (HookrunOperationRun *run, gboolean is_error, const char *line, gpointer user_data)
{
  g_string_append_printf (user_data, "%s|", line);
}

static HookrunVerdict
shout (HookrunEvent *event, gpointer user_data)
{
  g_autoptr (JsonNode) node = json_from_string ("{\"args\":[\"loud\"]}", NULL);

  g_assert_true (hookrun_data_set_json (hookrun_event_get_data (event), "arguments", node, NULL));
  return HOOKRUN_CONTINUE;
}

static HookrunVerdict
forbid (HookrunEvent *event, gpointer user_data)
{
  return hookrun_event_fail (event, HOOKRUN_ERROR_PERMISSION, "not today");
}

static gboolean
run_say (HookrunModulePath *path, HookrunRegistry *registry, GString *out, GError **error)
{
  g_autoptr (HookrunOperationSet) set = hookrun_module_path_find (path, "say", NULL, error);
  g_autoptr (HookrunOperationRun) run = NULL;

  g_assert_nonnull (set);
  run = hookrun_operation_run_new (path, set, "it", registry, error);
  g_assert_nonnull (run);
  g_signal_connect (run, "output", G_CALLBACK (take_line), out);
  return hookrun_operation_run_execute (run, NULL, error);
}

static void
test_handlers_in_c_take_part (Fixture *self, gconstpointer unused)
{
  g_autoptr (HookrunModulePath) path = NULL;
  g_autoptr (HookrunRegistry) registry = hookrun_registry_new ();
  g_autoptr (HookrunScope) scope = hookrun_scope_new ("test");
  g_autoptr (GString) out = g_string_new (NULL);
  GError *error = NULL;

  write_module (self, "say.sh", "do_it() { echo \"said ${1:-nothing}\"; }\n");
  path = open_path (self);
  g_assert_true (run_say (path, registry, out, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (out->str, ==, "said nothing|");
  hookrun_registry_connect (registry, "module.say.it.before", scope, "shout", NULL, shout, NULL,
                            NULL, &error);
  g_assert_no_error (error);
  g_assert_true (run_say (path, registry, out, &error));
  g_assert_cmpstr (out->str, ==, "said nothing|said loud|");
  hookrun_registry_connect (registry, "module.say.it", scope, "forbid", NULL, forbid, NULL, NULL,
                            &error);
  g_assert_false (run_say (path, registry, out, &error));
  g_assert_nonnull (strstr (error->message, "not today"));
  g_assert_cmpstr (out->str, ==, "said nothing|said loud|");
  g_clear_error (&error);
  hookrun_scope_close (scope);
}

static void
test_lock_is_held_by_one (Fixture *self, gconstpointer unused)
{
  g_autofree char *state_folder = fixture_path (self, "state");
  g_autofree char *cache_folder = fixture_path (self, "cache");
  g_autoptr (HookrunModuleState) first = hookrun_module_state_new ("m", state_folder, cache_folder);
  g_autoptr (HookrunModuleState) second =
      hookrun_module_state_new ("m", state_folder, cache_folder);
  GError *error = NULL;

  g_assert_true (hookrun_module_state_lock (first, &error));
  g_assert_true (g_file_test (hookrun_module_state_get_temp (first), G_FILE_TEST_IS_DIR));
  g_assert_false (hookrun_module_state_lock (second, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_BUSY);
  g_clear_error (&error);
  hookrun_module_state_unlock (first);
  g_assert_false (g_file_test (hookrun_module_state_get_temp (first), G_FILE_TEST_EXISTS));
  g_assert_true (hookrun_module_state_lock (second, &error));
  g_assert_true (hookrun_module_state_set_failure (second, "it failed", &error));
  g_assert_true (hookrun_module_state_remove (second, &error));
  g_assert_false (g_file_test (hookrun_module_state_get_folder (second), G_FILE_TEST_EXISTS));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/module/operation/bind-by-place-and-name", test_bind_by_place_and_name);
  g_test_add_func ("/module/operation/bind-refuses", test_bind_refuses);
  g_test_add_func ("/module/operation/words-are-handed-on", test_words_are_handed_on);
  g_test_add_func ("/module/operation/description-limits", test_description_limits);
  g_test_add ("/module/run/handlers-in-c-take-part", Fixture, NULL, fixture_set_up,
              test_handlers_in_c_take_part, fixture_tear_down);
  g_test_add ("/module/state/lock-is-held-by-one", Fixture, NULL, fixture_set_up,
              test_lock_is_held_by_one, fixture_tear_down);
  return g_test_run ();
}
