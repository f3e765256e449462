/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who may write a policy and where: the user's word with and against the plugin's, faults in
 * manifests and beside hooks, places that are filled in, services of the host; and what cannot be
 * promised is an error of that plugin.
 */
#include "policy-fixture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* ---- the user's word ---- */

static gboolean
activate_confined (PolicyFixture *self, const char *policy, GError **error)
{
  g_autofree char *filled = policy_fixture_fill (self, policy);
  g_autoptr (JsonNode) node = json_from_string (filled, NULL);
  g_autoptr (HookrunActivation) wish =
      hookrun_activation_new_confined ("p", "shop", NULL, NULL, node, "the user's file", error);

  return wish != NULL && hookrun_engine_activate (self->plain.engine, &wish, 1, error);
}

static void
add (PolicyFixture *self, const char *text)
{
  g_autofree char *filled = policy_fixture_fill (self, text);

  fixture_add (&self->plain, filled);
}

static void
test_user_gives (PolicyFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  policy_fixture_write (self, "attack", policy_attack_shell, 0755);
  add (self, EXECUTABLE "}");
  g_assert_true (activate_confined (self, POLICY, &error));
  policy_fixture_assert_contained (self);
}

/* All that the plugin asks for, and a link of its own into the secret. */
static void
test_user_tightens (PolicyFixture *self, gconstpointer unused)
{
  g_autofree char *secret = fixture_path (&self->plain, "secret");
  g_autofree char *link = fixture_path (&self->plain, "granted/link");
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (symlink (secret, link), ==, 0);
  policy_fixture_write (self, "attack", policy_attack_shell, 0755);
  add (self, EXECUTABLE
       ", \"policy\": {\"base\": true, \"read\": [\"/\", \"@/granted/link\"], \"write\": [\"/\","
       " \"@/granted/link\"], \"network\": \"all\","
       " \"environment\": {\"pass\": [\"SSH_AUTH_SOCK\"]}}}");
  g_assert_true (activate_confined (self, POLICY, &error));
  policy_fixture_assert_contained (self);
}

static void
test_user_does_not_widen (PolicyFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  policy_fixture_write (self, "attack", policy_attack_shell, 0755);
  add (self, EXECUTABLE ", \"policy\": " POLICY "}");
  g_assert_true (activate_confined (
      self, "{\"base\": true, \"execute\": [\"/\"], \"write\": [\"/\"], \"network\": \"all\"}",
      &error));
  policy_fixture_assert_contained (self);
}

/* A policy of the user's stays where the plugin is loaded again. */
static void
test_user_is_remembered (PolicyFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  policy_fixture_write (self, "attack", policy_attack_shell, 0755);
  add (self, EXECUTABLE "}");
  g_assert_true (activate_confined (self, POLICY, &error));
  g_assert_true (hookrun_engine_reload (self->plain.engine, "p", &error));
  policy_fixture_assert_contained (self);
}

/* Activations that are confined in different ways have a process each. */
static void
test_one_process_for_each_policy (PolicyFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  policy_fixture_write (self, "attack.py", policy_attack_python, 0644);
  add (self, PYTHON "}");
  g_assert_true (activate_confined (self, POLICY, &error));
  g_assert_true (
      hookrun_engine_activate_plugin (self->plain.engine, "p", "free", NULL, NULL, &error));
  policy_fixture_assert_contained (self);
  fixture_assert_trail (&self->plain, "free", " granted read write chmod connect variable");
}

/* ---- what cannot be promised ---- */

static const struct {
  const char *policy;
  int code;
  const char *says;
} refused[] = {
    {"{\"base\": true, \"read\": [\"@/no/such\"]}", HOOKRUN_ERROR_NOT_FOUND, "no/such"},
    {"{\"base\": true, \"read\": [\"{project}\"]}", HOOKRUN_ERROR_UNSUPPORTED,
     "{project} has no meaning here"},
    {"{\"base\": true, \"write\": [\"{state}\"]}", HOOKRUN_ERROR_UNSUPPORTED,
     "{state} has no meaning here"},
};

static void
test_refused (PolicyFixture *self, gconstpointer unused)
{
  policy_fixture_write (self, "attack", policy_attack_shell, 0755);
  add (self, EXECUTABLE "}");
  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (activate_confined (self, refused[i].policy, &error));
    g_test_message ("%s", error->message);
    g_assert_error (error, HOOKRUN_ERROR, refused[i].code);
    assert_has (error->message, "plugin \"p\"");
    assert_has (error->message, refused[i].says);
  }
}

static gboolean
linked_activate (HookrunPluginContext *context, GError **error)
{
  g_assert_not_reached ();
}

static const HookrunPluginDescriptor linked =
    HOOKRUN_PLUGIN_DESCRIPTOR ("p", "1", linked_activate, NULL, HOOKRUN_PLUGIN_FLAGS_NONE);

/* There is no file that could be opened elsewhere. */
static void
test_linked (PolicyFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (hookrun_engine_add_static (self->plain.engine, &linked, NULL, &error));
  g_assert_false (activate_confined (self, "{\"base\": true}", &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED);
  assert_has (error->message, "plugin \"p\"");
  assert_has (error->message, "make it a shared object of its own");
}

static const struct {
  const char *policy;
  const char *says;
} faults[] = {
    {"7", "\"policy\": must be an object or the name of a file"},
    {"\"none.json\"", "none.json"},
    {"{\"raed\": []}", "\"raed\""},
    {"{\"read\": \"x\"}", "\"read\""},
    {"{\"read\": [\"relative\"]}", "relative"},
    {"{\"limits\": {\"memory\": \"much\"}}", "memory"},
    {"{\"methods\": \"deploy.run\"}", "\"methods\""},
    {"{\"methods\": [1]}", "\"methods\""},
};

static void
test_manifest_faults (PolicyFixture *self, gconstpointer unused)
{
  for (gsize i = 0; i < G_N_ELEMENTS (faults); i++) {
    g_autofree char *text = g_strdup_printf (EXECUTABLE ", \"policy\": %s}", faults[i].policy);
    g_autofree char *path = fixture_path (&self->plain, "plugin.json");
    g_autoptr (GError) error = NULL;

    fixture_write (&self->plain, "plugin.json", text, 0644);
    g_assert_null (hookrun_manifest_new_from_file (path, &error));
    g_test_message ("%s", error->message);
    assert_has (error->message, "plugin.json");
    assert_has (error->message, "\"policy\"");
    assert_has (error->message, faults[i].says);
  }
}

static void
test_policy_that_others_can_write (PolicyFixture *self, gconstpointer unused)
{
  g_autofree char *path = fixture_path (&self->plain, "plugin.json");
  g_autoptr (GError) error = NULL;

  fixture_write (&self->plain, "rules.json", "{\"base\": true}", 0666);
  fixture_write (&self->plain, "plugin.json", EXECUTABLE ", \"policy\": \"rules.json\"}", 0644);
  g_assert_null (hookrun_manifest_new_from_file (path, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNTRUSTED);
}

/* ---- places and methods ---- */

static void
test_places (PolicyFixture *self, gconstpointer unused)
{
  g_autofree char *state = fixture_path (&self->plain, "state");
  g_autofree char *own = fixture_path (&self->plain, "state/p/note");
  g_autofree char *info_text = policy_fixture_fill (
      self, "{\"project\": {\"folder\": \"@/granted\"}, \"checkouts\": \"@/made/later\"}");
  g_autoptr (JsonNode) info = json_from_string (info_text, NULL);
  g_autoptr (GError) error = NULL;

  hookrun_engine_set_state_folder (self->plain.engine, state);
  policy_fixture_write (self, "attack",
                        "#!/bin/sh\nset -e\ncat @/granted/file\ncat @/attack.data\n"
                        "echo x >@/made/later/x\necho x >\"$STATE/note\"\n",
                        0755);
  fixture_write (&self->plain, "attack.data", "data\n", 0644);
  add (self, EXECUTABLE
       ", \"policy\": {\"base\": true, \"read\": [\"{project}/file\", \"{folder}/attack.data\"],"
       " \"write\": [\"{state}\", \"{checkouts}\"],"
       " \"environment\": {\"set\": {\"STATE\": \"{state}\"}}}}");
  g_assert_true (
      hookrun_engine_activate_plugin (self->plain.engine, "p", "shop", NULL, info, &error));
  fixture_assert_trail (&self->plain, "shop", "");
  assert_has (self->plain.log->str, "granted\n1 p data\n");
  g_assert_true (g_file_test (own, G_FILE_TEST_EXISTS));
}

static JsonNode *
service (HookrunEngine *engine, HookrunPlugin *caller, HookrunEvent *event, JsonNode *params,
         gpointer n_calls, GError **error)
{
  (*(guint *)n_calls)++;
  return NULL;
}

static const char caller_python[] =
    "import hookrun_worker as hookrun\n"
    "@hookrun.on('test.run')\n"
    "def run(event):\n"
    "    for what in (lambda: event.call('host.open'), lambda: event.call('host.closed'),\n"
    "                 lambda: event.emit('test.other', {})):\n"
    "        try:\n"
    "            what()\n"
    "            event.data['trail'] += 'done '\n"
    "        except hookrun.HostError as error:\n"
    "            event.data['trail'] += 'refused '\n"
    "            hookrun.log.info(str(error))\n";

static void
test_methods (PolicyFixture *self, gconstpointer unused)
{
  guint n_calls = 0;

  hookrun_engine_add_method (self->plain.engine, "host.open", service, &n_calls, NULL);
  hookrun_engine_add_method (self->plain.engine, "host.closed", service, &n_calls, NULL);
  fixture_write (&self->plain, "attack.py", caller_python, 0644);
  policy_fixture_activate (self,
                           PYTHON ", \"policy\": {\"base\": true, \"methods\": [\"host.open\"]}}");
  fixture_assert_trail (&self->plain, "shop", "done refused refused ");
  g_assert_cmpuint (n_calls, ==, 1);
  assert_has (self->plain.log->str, "add \"methods\": [\"host.closed\"]");
  assert_has (self->plain.log->str, "add \"methods\": [\"signal.emit\"]");
}

static void
test_described (PolicyFixture *self, gconstpointer unused)
{
  HookrunPluginContext *context;
  g_autofree char *granted = fixture_path (&self->plain, "granted");
  g_autofree char *words = NULL;

  policy_fixture_write (self, "attack", policy_attack_shell, 0755);
  policy_fixture_activate (self,
                           EXECUTABLE ", \"policy\": {\"base\": true, \"read\": [\"@/granted\"],"
                                      " \"methods\": [\"host.open\"]}}");
  context = g_ptr_array_index (self->plain.engine->contexts, 0);
  words = hookrun_bounds_describe (hookrun_plugin_context_get_bounds (context, 0));
  assert_has (words, "It may ask this program for: host.open.\n");
  assert_has (words, granted);
  assert_has (words, "It has no network.");
  g_assert_nonnull (hookrun_manifest_get_policy (context->plugin->manifest));
}

static const struct {
  const char *name;
  const char *text;
  const char *says;
} hook_faults[] = {
    {"10-x.policy.json", "{", "10-x.policy.json"},
    {"10-x.policy.json", "{\"raed\": []}", "10-x.policy.json: \"raed\""},
    {"20-x.policy.json", "{}", "is the policy of no hook"},
};

static void
test_hook_faults (PolicyFixture *self, gconstpointer unused)
{
  g_autofree char *folder = fixture_path (&self->plain, "hooks");

  for (gsize i = 0; i < G_N_ELEMENTS (hook_faults); i++) {
    g_autofree char *name = g_strconcat ("hooks/test.run.d/", hook_faults[i].name, NULL);
    g_autofree char *path = fixture_path (&self->plain, name);
    g_autoptr (GError) error = NULL;

    fixture_write (&self->plain, "hooks/test.run.d/10-x", "#!/bin/sh\n", 0755);
    fixture_write (&self->plain, name, hook_faults[i].text, 0644);
    g_assert_null (hookrun_engine_add_hook_folder (self->plain.engine, "hooks", folder, &error));
    g_test_message ("%s", error->message);
    assert_has (error->message, hook_faults[i].says);
    g_unlink (path);
  }
}

int
main (int argc, char **argv)
{
  policy_fixture_main (argc, argv);
#define ADD(name, func)                                                                            \
  g_test_add ("/plugin/policy-given/" name, PolicyFixture, NULL, policy_fixture_set_up, func,      \
              policy_fixture_tear_down)
  ADD ("hook-faults", test_hook_faults);
  ADD ("user-gives-one", test_user_gives);
  ADD ("user-tightens", test_user_tightens);
  ADD ("user-does-not-widen", test_user_does_not_widen);
  ADD ("user-is-remembered", test_user_is_remembered);
  ADD ("one-process-for-each-policy", test_one_process_for_each_policy);
  ADD ("refused-when-it-cannot-be-kept", test_refused);
  ADD ("linked-plugin", test_linked);
  ADD ("manifest-faults", test_manifest_faults);
  ADD ("file-that-others-can-write", test_policy_that_others_can_write);
  ADD ("places", test_places);
  ADD ("methods", test_methods);
  ADD ("in-plain-words", test_described);
#undef ADD
  return g_test_run ();
}
