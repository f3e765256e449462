/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Untrusted JSON: what is accepted, what is refused, and where the message points. */
#include "hookrun-json-private.h"

#include <string.h>

static void
test_accepts (void)
{
  static const char *const texts[] = {
      "{}",
      "[]",
      "null",
      "true",
      " -0.5e+10 ",
      "\"\\u00e9\\n\"",
      "{\"a\":[1,2,{\"b\":null}],\"c\":\"\"}",
      "[[],{},[{}]]",
      "0",
      "1E5",
      "9223372036854775807",
      "-9223372036854775808",
      "1e308",
      "\"\\ud83d\\ude00\"",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_true (hookrun_json_check (texts[i], strlen (texts[i]), NULL, &error));
    g_assert_no_error (error);
  }
}

static void
test_refuses (void)
{
  static const char *const texts[] = {
      "",
      " ",
      "{",
      "[1,]",
      "{\"a\":1,}",
      "{a:1}",
      "'a'",
      "01",
      "1.",
      ".5",
      "[1 2]",
      "{\"a\" 1}",
      "nul",
      "\"\\x\"",
      "\"\n\"",
      "\"",
      "1 2",
      "[1]]",
      "/* c */ 1",
      "\"\\u12g4\"",
      "-",
      "{\"a\":}",
      "[}",
      "\xff",
      "+1",
      "NaN",
      "[1,,2]",
      "{,}",
      "true false",
      "\"\\ud83d\"",
      "\"\\ude00\"",
      "\"\\ud83dx\"",
      "\"\\ud83d\\u0041\"",
      "\"\\u0000\"",
      "9223372036854775808",
      "-9223372036854775809",
      "1e400",
      "-1e400",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (hookrun_json_check (texts[i], strlen (texts[i]), NULL, &error));
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  }
}

static void
test_million_deep (void)
{
  g_autofree char *text = g_malloc (1000001);
  g_autoptr (GError) error = NULL;

  memset (text, '[', 1000000);
  text[1000000] = '\0';
  g_assert_null (hookrun_json_parse (text, 1000000, NULL, "worker x", &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
  g_assert_nonnull (strstr (error->message, "worker x: "));
}

static void
test_limits (void)
{
  const HookrunJsonLimits small = {.max_size = 4, .max_depth = 2};
  g_autoptr (GError) size_error = NULL;
  g_autoptr (GError) depth_error = NULL;

  g_assert_true (hookrun_json_check ("[[]]", 4, &small, NULL));
  g_assert_false (hookrun_json_check ("[[] ]", 5, &small, &size_error));
  g_assert_error (size_error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
  g_assert_false (hookrun_json_check ("[[[", 3, &small, &depth_error));
  g_assert_error (depth_error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
}

static void
test_names_the_place (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (hookrun_json_check ("{\n  \"a\": x\n}", 12, NULL, &error));
  g_assert_cmpstr (error->message, ==, "line 2, byte 8: value expected");
}

static void
test_writes (void)
{
  static const char *const rows[][2] = {
      {"{ \"a\" : [1, -2, true, null] }", "{\"a\":[1,-2,true,null]}"},
      {"[0.1,1e40,5.0,-1.5e-7,1E5]", "[0.1,1e+40,5.0,-1.5e-07,100000.0]"},
      {"\"\\u0001\\n\\\"\\\\ \\u00e9\"", "\"\\u0001\\n\\\"\\\\ \303\251\""},
      {"{}", "{}"},
      {"[]", "[]"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonNode) node =
        hookrun_json_parse (rows[i][0], strlen (rows[i][0]), NULL, "row", &error);
    g_autofree char *text = NULL;

    g_assert_no_error (error);
    text = hookrun_json_to_string (node);
    g_assert_cmpstr (text, ==, rows[i][1]);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/json/accepts", test_accepts);
  g_test_add_func ("/base/json/refuses", test_refuses);
  g_test_add_func ("/base/json/million-deep", test_million_deep);
  g_test_add_func ("/base/json/writes", test_writes);
  g_test_add_func ("/base/json/limits", test_limits);
  g_test_add_func ("/base/json/names-the-place", test_names_the_place);
  return g_test_run ();
}
