/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies as values: what is refused, what comes back from JSON as it went in, and what the words
 * say. */
#include "hookrun-policy-private.h"

#include <string.h>

static HookrunPolicy *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  HookrunPolicy *policy = hookrun_policy_new_from_json (text, -1, "p.json", &error);

  g_assert_no_error (error);
  return policy;
}

static void
assert_refused (const char *text, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (hookrun_policy_new_from_json (text, -1, "p.json", &error));
  g_assert_nonnull (error);
  g_assert_cmpstr (error->message, ==, message);
}

static const char whole[] = "{\"base\":true,\"hide\":true,\"tier\":\"strong\","
                            "\"read\":[\"/a\",\"/b\"],\"write\":[\"/b\",\"/c\"],"
                            "\"execute\":[\"/c\"],"
                            "\"network\":{\"connect\":[80,443],\"bind\":[0]},"
                            "\"sockets\":[\"/run/x\"],"
                            "\"environment\":{\"pass\":[\"EDITOR\"],\"set\":{\"A\":\"1\"}},"
                            "\"limits\":{\"wall\":\"30s\",\"memory\":\"512M\","
                            "\"processes\":\"20\",\"disk\":\"1G\"}}";

static void
test_round_trip (void)
{
  g_autoptr (HookrunPolicy) policy = parse (whole);
  g_autoptr (HookrunPolicy) copy = hookrun_policy_copy (policy);
  g_autofree char *text = hookrun_policy_to_json (policy);

  g_assert_cmpstr (text, ==, whole);
  g_assert_true (hookrun_policy_equal (policy, copy));
  g_assert_cmpuint (hookrun_policy_get_limit (policy, HOOKRUN_LIMIT_WALL), ==, 30000);
  g_assert_cmpuint (hookrun_policy_get_limit (policy, HOOKRUN_LIMIT_MEMORY), ==, 512 << 20);
  hookrun_policy_grant_connect (copy, 22);
  g_assert_false (hookrun_policy_equal (policy, copy));
}

/* The order in which it was filled does not show. */
static void
test_equal (void)
{
  g_autoptr (HookrunPolicy) one = parse ("{\"read\":[\"/a\",\"/b/./c/\"],\"write\":[\"/a\"]}");
  g_autoptr (HookrunPolicy) other = parse ("{\"write\":[\"/a\"],\"read\":[\"/b//c\",\"/a\"]}");

  g_assert_true (hookrun_policy_equal (one, other));
}

static void
test_refused (void)
{
  static const struct {
    const char *text;
    const char *message;
  } rows[] = {
      {"{\n  \"read\": [\"/a\"],\n  \"wriet\": []\n}",
       "p.json line 3: \"wriet\": unknown key; did you mean \"write\"?"},
      {"{\n \"limits\": {\n  \"wall\": \"1s\",\n  \"memroy\": \"1M\"}}",
       "p.json line 4: \"limits.memroy\": unknown key; did you mean \"memory\"?"},
      {"{\"limits\": {\n\n\"wall\": \"5 s\"}}",
       "p.json line 3: \"limits.wall\": \"5 s\" is no value for the limit \"wall\": write a whole "
       "number from 1 on and a unit of h, min, s, ms, for example \"30s\""},
      {"{\"read\": [\n\"/a\",\n\"b\"]}",
       "p.json line 3: \"read\": \"b\" cannot be granted: write a path that begins with \"/\" or "
       "\"~/\" and has no \"..\""},
      {"{\"write\": [\"/a/../b\"]}",
       "p.json line 1: \"write\": \"/a/../b\" cannot be granted: write a path that begins with "
       "\"/\" or \"~/\" and has no \"..\""},
      {"{\"network\": \"al\"}",
       "p.json line 1: \"network\": unknown value \"al\"; did you mean \"all\"?"},
      {"{\"network\": {\"connect\": [0]}}",
       "p.json line 1: \"network.connect\": 0 is no TCP port: write 1 to 65535"},
      {"{\"tier\": 3}", "p.json line 1: \"tier\": must be a string, not Integer"},
      {"{\"base\": \"yes\"}", "p.json line 1: \"base\": must be true or false, not String"},
      {"{\"environment\": {\"pass\": [\"A=B\"]}}",
       "p.json line 1: \"environment.pass\": \"A=B\" is no name of an environment variable: write "
       "letters, digits and \"_\""},
      {"[]", "p.json line 1: must be an object, not JsonArray"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    assert_refused (rows[i].text, rows[i].message);
}

static void
test_access (void)
{
  g_autoptr (HookrunPolicy) policy =
      parse ("{\"base\":true,\"read\":[\"/a\"],\"write\":[\"/a/b\"]}");

  g_assert_cmpuint (hookrun_policy_get_access (policy, "/a/x"), ==, HOOKRUN_ACCESS_READ);
  g_assert_cmpuint (hookrun_policy_get_access (policy, "/a/b"), ==,
                    HOOKRUN_ACCESS_READ | HOOKRUN_ACCESS_WRITE);
  g_assert_cmpuint (hookrun_policy_get_access (policy, "/ab"), ==, HOOKRUN_ACCESS_NONE);
  g_assert_cmpuint (hookrun_policy_get_access (policy, "/usr/bin/env"), ==,
                    HOOKRUN_ACCESS_READ | HOOKRUN_ACCESS_EXECUTE);
  g_assert_cmpuint (hookrun_policy_get_access (policy, "/etc/shadow"), ==, HOOKRUN_ACCESS_NONE);
}

/* Of two policies the grants are put together, the limits not. */
static void
test_add (void)
{
  g_autoptr (HookrunPolicy) one =
      parse ("{\"read\":[\"/a\"],\"limits\":{\"wall\":\"10s\",\"cpu\":\"1s\"}}");
  g_autoptr (HookrunPolicy) other = parse (
      "{\"tier\":\"strong\",\"write\":[\"/a\"],\"limits\":{\"wall\":\"5s\",\"disk\":\"1M\"}}");
  g_autofree char *text = NULL;

  hookrun_policy_add (one, other);
  text = hookrun_policy_to_json (one);
  g_assert_cmpstr (text, ==,
                   "{\"tier\":\"strong\",\"read\":[\"/a\"],\"write\":[\"/a\"],"
                   "\"limits\":{\"wall\":\"5s\",\"cpu\":\"1s\",\"disk\":\"1M\"}}");
}

static void
test_words (void)
{
  g_autoptr (HookrunPolicy) policy =
      parse ("{\"base\":true,\"read\":[\"/a\\u001b[2J\"],\"write\":[\"/c\"],\"execute\":[\"/c\"],"
             "\"network\":{\"connect\":[80,443]},\"limits\":{\"memory\":\"64M\"}}");
  g_autofree char *text = hookrun_policy_describe (policy);

  g_assert_cmpstr (text, ==,
                   "It may run the programs of the system and read what they need: /usr, a few "
                   "files of /etc and /proc.\n"
                   "It may read:\n  /a\\x1b[2J\n"
                   "It may read, change and run:\n  /c\n"
                   "It may use the network for TCP only, to connect to ports 80 and 443.\n"
                   "It may use no more than 64M of memory.\n"
                   "Everything else is denied; it can see that other files exist.\n");
}

static void
test_environment (void)
{
  static const char *const host[] = {"LANG=de_DE.UTF-8", "SECRET=x", "EDITOR=ed", "PATH=/evil",
                                     NULL};
  g_autoptr (HookrunPolicy) policy = parse (
      "{\"base\":true,\"environment\":{\"pass\":[\"EDITOR\",\"NONE\"],\"set\":{\"A\":\"1\"}}}");
  g_auto (GStrv) environment = hookrun_policy_make_environment (policy, host);
  g_autofree char *text = g_strjoinv (" ", environment);

  g_assert_cmpstr (text, ==, "PATH=/usr/local/bin:/usr/bin:/bin LANG=de_DE.UTF-8 A=1 EDITOR=ed");
}

static void
test_limits (void)
{
  static const struct {
    const char *text;
    const char *formatted; /* NULL: refused */
  } rows[] = {
      {"wall=90s", "90s"},       {"wall=120s", "2min"},
      {"wall=1500ms", "1500ms"}, {"memory=1024K", "1M"},
      {"memory=1000B", "1000B"}, {"processes=7", "7"},
      {"wall=30", NULL},         {"wall=-1s", NULL},
      {"wall=0s", NULL},         {"memory=1M5", NULL},
      {"disk=99999999T", NULL},  {"descriptors=1K", NULL},
      {"none=1", NULL},          {"wall", NULL},
      {"walll=1s", NULL},        {"=1s", NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *text = NULL;
    HookrunLimit limit = HOOKRUN_LIMIT_NONE;
    guint64 value = 0;

    if (rows[i].formatted == NULL) {
      g_assert_false (hookrun_limit_parse (rows[i].text, &limit, &value, &error));
      g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
      continue;
    }
    g_assert_true (hookrun_limit_parse (rows[i].text, &limit, &value, &error));
    text = hookrun_limit_format (limit, value);
    g_assert_cmpstr (text, ==, rows[i].formatted);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sandbox/policy/round-trip", test_round_trip);
  g_test_add_func ("/sandbox/policy/order-does-not-matter", test_equal);
  g_test_add_func ("/sandbox/policy/refused-with-line-and-hint", test_refused);
  g_test_add_func ("/sandbox/policy/access", test_access);
  g_test_add_func ("/sandbox/policy/add", test_add);
  g_test_add_func ("/sandbox/policy/words", test_words);
  g_test_add_func ("/sandbox/policy/environment", test_environment);
  g_test_add_func ("/sandbox/policy/limits", test_limits);
  return g_test_run ();
}
