/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What two policies allow both, whichever of them is asked first. */
#include "hookrun-file-private.h"
#include "hookrun-policy-private.h"

#include <fcntl.h>
#include <unistd.h>

static const struct {
  const char *name;
  const char *one;
  const char *other;
  const char *both;
} cases[] = {
    {"nothing", "{\"read\": [\"/usr\"]}", "{}", "{}"},
    {"the-same", "{\"base\": true, \"write\": [\"/srv\"]}",
     "{\"base\": true, \"write\": [\"/srv\"]}", "{\"base\": true, \"write\": [\"/srv\"]}"},
    {"the-deeper-path", "{\"read\": [\"/srv\", \"/opt/a\"]}", "{\"read\": [\"/srv/b\", \"/opt\"]}",
     "{\"read\": [\"/srv/b\", \"/opt/a\"]}"},
    {"names-that-begin-alike", "{\"read\": [\"/srv/b\"]}", "{\"read\": [\"/srv/bc\"]}", "{}"},
    {"common-access", "{\"read\": [\"/srv\"], \"write\": [\"/srv/a\"]}",
     "{\"write\": [\"/srv\"], \"read\": [\"/srv/a\"]}",
     "{\"read\": [\"/srv/a\"], \"write\": [\"/srv/a\"]}"},
    {"a-part-of-the-base", "{\"base\": true}", "{\"read\": [\"/usr/lib\"]}",
     "{\"read\": [\"/usr/lib\"]}"},
    {"base-below-a-grant", "{\"base\": true}", "{\"base\": true, \"read\": [\"/\"]}",
     "{\"base\": true}"},
    {"ports", "{\"network\": {\"connect\": [80, 443], \"bind\": [1]}}",
     "{\"network\": {\"connect\": [443, 8080]}}", "{\"network\": {\"connect\": [443]}}"},
    {"ports-of-the-whole-network", "{\"network\": \"all\"}", "{\"network\": {\"connect\": [443]}}",
     "{\"network\": {\"connect\": [443]}}"},
    {"no-network", "{\"network\": \"all\"}", "{\"network\": \"none\"}", "{}"},
    {"sockets", "{\"sockets\": [\"/run/a\", \"/run/b\"]}", "{\"sockets\": [\"/run/b\"]}",
     "{\"sockets\": [\"/run/b\"]}"},
    {"variables-of-the-host", "{\"environment\": {\"pass\": [\"A\", \"B\"]}}",
     "{\"environment\": {\"pass\": [\"B\", \"C\"]}}", "{\"environment\": {\"pass\": [\"B\"]}}"},
    {"limits", "{\"limits\": {\"memory\": \"1G\", \"processes\": 5}}",
     "{\"limits\": {\"memory\": \"1M\", \"wall\": \"1s\"}}",
     "{\"limits\": {\"memory\": \"1M\", \"processes\": 5, \"wall\": \"1s\"}}"},
    {"stricter-words", "{\"hide\": true}", "{\"tier\": \"strong\"}",
     "{\"hide\": true, \"tier\": \"strong\"}"},
};

static HookrunPolicy *
read_policy (const char *text)
{
  g_autoptr (GError) error = NULL;
  HookrunPolicy *policy = hookrun_policy_new_from_json (text, -1, "test", &error);

  g_assert_no_error (error);
  return policy;
}

static void
assert_both (const char *one, const char *other, const char *both)
{
  g_autoptr (HookrunPolicy) policy = read_policy (one);
  g_autoptr (HookrunPolicy) limits = read_policy (other);
  g_autoptr (HookrunPolicy) expected = read_policy (both);
  g_autofree char *text = NULL;
  g_autofree char *expected_text = hookrun_policy_to_json (expected);

  hookrun_policy_restrict (policy, limits);
  text = hookrun_policy_to_json (policy);
  g_assert_cmpstr (text, ==, expected_text);
}

static void
test_case (gconstpointer data)
{
  const char *one = cases[GPOINTER_TO_UINT (data)].one;
  const char *other = cases[GPOINTER_TO_UINT (data)].other;

  assert_both (one, other, cases[GPOINTER_TO_UINT (data)].both);
  assert_both (other, one, cases[GPOINTER_TO_UINT (data)].both);
}

/* Values that are written down are the second one's, and else the first one's. */
static void
test_values (void)
{
  assert_both ("{\"environment\": {\"set\": {\"A\": \"1\", \"B\": \"2\"}}}",
               "{\"environment\": {\"set\": {\"B\": \"3\"}, \"pass\": [\"C\"]}}",
               "{\"environment\": {\"set\": {\"A\": \"1\", \"B\": \"3\"}}}");
}

/* A link in what both grant leads out of what one of them grants. */
static void
test_link (void)
{
  g_autofree char *folder = g_dir_make_tmp ("hookrun-restrict-XXXXXX", NULL);
  g_autofree char *real = g_build_filename (folder, "real", NULL);
  g_autofree char *granted = g_build_filename (folder, "granted", NULL);
  g_autofree char *link = g_build_filename (granted, "link", NULL);
  g_autoptr (HookrunPolicy) users = hookrun_policy_new ();
  g_autoptr (HookrunPolicy) plugins = hookrun_policy_new ();

  g_assert_true (hookrun_file_make_folders (real, NULL));
  g_assert_true (hookrun_file_make_folders (granted, NULL));
  g_assert_cmpint (symlink (real, link), ==, 0);
  hookrun_policy_grant (users, granted, HOOKRUN_ACCESS_READ, NULL);
  hookrun_policy_grant (plugins, link, HOOKRUN_ACCESS_READ, NULL);
  hookrun_policy_restrict (plugins, users);
  g_assert_cmpuint (plugins->grants->len, ==, 0);
  g_assert_true (hookrun_file_remove_tree_at (AT_FDCWD, folder, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strconcat ("/sandbox/policy/restrict/", cases[i].name, NULL);

    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_case);
  }
  g_test_add_func ("/sandbox/policy/restrict/values", test_values);
  g_test_add_func ("/sandbox/policy/restrict/link", test_link);
  return g_test_run ();
}
