/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Both spellings of a place, what stands for itself, and what a missing key says. */
#include "hookrun-template.h"

static char *
lookup (const char *key, gpointer user_data)
{
  return g_hash_table_contains (user_data, key) ? g_strdup (g_hash_table_lookup (user_data, key))
                                                : NULL;
}

static char *
expand (const char *text, GError **error)
{
  g_autoptr (GHashTable) values = g_hash_table_new (g_str_hash, g_str_equal);

  g_hash_table_insert (values, (gpointer) "version", (gpointer) "1.2");
  g_hash_table_insert (values, (gpointer) "odd", (gpointer) "%(version)s{version}");
  return hookrun_template_expand (text, lookup, values, error);
}

static void
test_places (void)
{
  static const char *const rows[][2] = {
      {"v%(version)s!", "v1.2!"},
      {"v{version}!", "v1.2!"},
      {"100%% {{x}}", "100% {x}"},
      {"{}{ a }{", "{}{ a }{"},
      {"50% off", "50% off"},
      {"%(odd)s", "%(version)s{version}"},
      {"", ""},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *text = expand (rows[i][0], &error);

    g_assert_no_error (error);
    g_assert_cmpstr (text, ==, rows[i][1]);
  }
}

static void
test_faults (void)
{
  g_autoptr (GError) missing = NULL;
  g_autoptr (GError) malformed = NULL;

  g_assert_null (expand ("{nope}", &missing));
  g_assert_error (missing, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  g_assert_null (expand ("%(version", &malformed));
  g_assert_error (malformed, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/template/places", test_places);
  g_test_add_func ("/base/template/faults", test_faults);
  return g_test_run ();
}
