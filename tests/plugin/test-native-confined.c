/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Native plugins with a policy: they give the same results as in the host's own process, cannot do
 * what is not granted, and whatever becomes of them is an error of theirs.
 */
#include "policy-fixture.h"

#include <string.h>

#define NATIVE                                                                                     \
  "{\"id\": \"p\", \"version\": \"1.0\", \"kind\": \"native\", \"file\": \"sample.so\","           \
  " \"load\": \"at-start\""
#define LIMITED(limits) NATIVE ", \"policy\": {\"base\": true, \"limits\": {" limits "}}}"

static gboolean
try_to_activate (PolicyFixture *self, const char *manifest, const char *deed, GError **error)
{
  g_autofree char *filled = policy_fixture_fill (self, manifest);
  g_autofree char *settings_text =
      g_strdup_printf ("{\"do\": \"%s\", \"word\": \"w\", \"port\": \"%u\"}", deed, self->port);
  g_autoptr (JsonNode) settings = json_from_string (settings_text, NULL);

  fixture_add (&self->plain, filled);
  return hookrun_engine_activate_plugin (self->plain.engine, "p", "shop", settings, NULL, error);
}

static void
activate (PolicyFixture *self, const char *manifest, const char *deed)
{
  g_autoptr (GError) error = NULL;

  fixture_copy_module (&self->plain, "native-confined", "sample.so");
  try_to_activate (self, manifest, deed, &error);
  g_assert_no_error (error);
}

/* ---- the same in both ---- */

static HookrunVerdict
host_handler (HookrunEvent *event, gpointer fails)
{
  HookrunData *data = hookrun_event_get_data (event);
  g_autofree char *trail = g_strconcat (hookrun_data_get_string (data, "trail"), "host ", NULL);

  hookrun_data_set_string (data, "trail", trail, NULL);
  if (fails != NULL)
    return hookrun_event_fail (event, HOOKRUN_ERROR_CONNECTION, "the line is dead");
  return HOOKRUN_HANDLED;
}

static JsonNode *
service (HookrunEngine *engine, HookrunPlugin *caller, HookrunEvent *event, JsonNode *params,
         gpointer unused, GError **error)
{
  g_autofree char *text = json_to_string (params, FALSE);
  g_autofree char *answer =
      g_strdup_printf ("{\"caller\": \"%s\", \"has_event\": %s, \"params\": %s}",
                       hookrun_plugin_get_id (caller), event != NULL ? "true" : "false", text);

  return json_from_string (answer, NULL);
}

typedef struct {
  const char *deed;
  gboolean fails;
  gboolean is_async;
} Case;

static void
on_emitted (GObject *signal, GAsyncResult *result, gpointer data)
{
  GError **error = data;

  if (hookrun_signal_emit_finish (HOOKRUN_SIGNAL (signal), result, error) != HOOKRUN_FAILED)
    *error = g_error_new_literal (g_quark_from_string ("none"), 0, "");
}

static HookrunVerdict
emit (PolicyFixture *self, HookrunData *data, gboolean is_async, GError **error)
{
  g_autoptr (GError) end = NULL;

  if (!is_async)
    return hookrun_signal_emit_for (self->plain.signal, "shop", data, NULL, error);
  hookrun_signal_emit_async (self->plain.signal, "shop", data, NULL, on_emitted, &end);
  while (end == NULL)
    g_main_context_iteration (NULL, TRUE);
  if (end->domain != HOOKRUN_ERROR)
    return HOOKRUN_CONTINUE;
  g_propagate_error (error, g_steal_pointer (&end));
  return HOOKRUN_FAILED;
}

/* All that can be seen of an emission, twice, as a plugin keeps what it has learnt. What a handler
 * that failed had changed is dropped when it comes from another process. */
static char *
record (PolicyFixture *self, const Case *test)
{
  GString *text = g_string_new (NULL);

  hookrun_engine_add_method (self->plain.engine, "test.service", service, NULL, NULL);
  hookrun_signal_connect (self->plain.signal, NULL, "host", NULL, host_handler,
                          test->fails ? self : NULL, NULL, NULL);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (HookrunData) data = fixture_data (&self->plain);
    g_autoptr (GError) error = NULL;
    g_autofree char *json = NULL;
    HookrunVerdict verdict;

    hookrun_data_slot_set_string (data, 5, "fixed");
    hookrun_data_set_int (data, "count", 21, NULL);
    hookrun_data_set_string (data, "extra-gone", "x", NULL);
    verdict = emit (self, data, test->is_async, &error);
    json = verdict != HOOKRUN_FAILED ? hookrun_data_to_text (data, TRUE) : g_strdup ("-");
    g_string_append_printf (text, "%d %d %s\n%s\n", verdict == HOOKRUN_FAILED,
                            error != NULL ? error->code : -1, error != NULL ? error->message : "",
                            json);
  }
  hookrun_engine_deactivate_all (self->plain.engine);
  return g_string_free (text, FALSE);
}

static void
test_same (PolicyFixture *self, gconstpointer data)
{
  const Case *test = data;
  PolicyFixture other;
  g_autofree char *in_host = NULL;
  g_autofree char *confined = NULL;

  policy_fixture_set_up (&other, NULL);
  activate (&other, NATIVE "}", test->deed);
  in_host = record (&other, test);
  policy_fixture_tear_down (&other, NULL);
  activate (self,
            NATIVE ", \"policy\": {\"base\": true,"
                   " \"methods\": [\"signal.emit\", \"test.service\"]}}",
            test->deed);
  confined = record (self, test);
  g_test_message ("%s", confined);
  g_assert_cmpstr (confined, ==, in_host);
  g_assert_nonnull (strstr (self->plain.log->str, "goodbye"));
}

/* ---- on need ---- */

static void
test_on_need (PolicyFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fixture_copy_module (&self->plain, "native-a1", "a.so");
  fixture_add (&self->plain,
               "{\"id\": \"a\", \"version\": \"1.0\", \"kind\": \"native\", \"file\": \"a.so\","
               " \"signals\": [\"test.run\"], \"policy\": {\"base\": true}}");
  hookrun_engine_activate_plugin (self->plain.engine, "a", "shop", NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (self->plain.log->str, ==, "");
  fixture_assert_trail (&self->plain, "shop", "a-1.0(shop) ");
  assert_has (self->plain.log->str, "activate 1.0");
}

static void
test_on_need_at_odds (PolicyFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *trail = NULL;

  fixture_copy_module (&self->plain, "native-extra", "a.so");
  fixture_add (&self->plain,
               "{\"id\": \"extra\", \"version\": \"1.0\", \"kind\": \"native\","
               " \"file\": \"a.so\", \"signals\": [\"test.run\"], \"policy\": {\"base\": true}}");
  hookrun_engine_activate_plugin (self->plain.engine, "extra", "shop", NULL, NULL, &error);
  g_assert_no_error (error);
  trail = fixture_run (&self->plain, "shop", &error);
  g_assert_nonnull (error);
  assert_has (error->message, "its code connects 2 handlers, its manifest names 1");
}

/* ---- life ---- */

/* One process serves all subjects; after a reload the file is opened anew, in another one. */
static void
test_reload (PolicyFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fixture_copy_module (&self->plain, "native-a1", "a.so");
  fixture_add (&self->plain, "{\"id\": \"a\", \"version\": \"1.0\", \"kind\": \"native\","
                             " \"file\": \"a.so\", \"load\": \"at-start\","
                             " \"policy\": {\"base\": true}}");
  g_assert_true (
      hookrun_engine_activate_plugin (self->plain.engine, "a", "shop", NULL, NULL, &error));
  g_assert_true (
      hookrun_engine_activate_plugin (self->plain.engine, "a", "blog", NULL, NULL, &error));
  fixture_assert_trail (&self->plain, "shop", "a-1.0(shop) ");
  fixture_assert_trail (&self->plain, "blog", "a-1.0(blog) ");
  g_assert_true (hookrun_engine_deactivate (self->plain.engine, "a", "shop"));
  fixture_assert_trail (&self->plain, "shop", "");
  fixture_copy_module (&self->plain, "native-a2", "a.so");
  g_assert_false (hookrun_engine_reload (self->plain.engine, "a", &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT);
  fixture_copy_module (&self->plain, "native-a1", "a.so");
  g_clear_error (&error);
  hookrun_engine_activate_plugin (self->plain.engine, "a", "blog", NULL, NULL, &error);
  g_assert_no_error (error);
  fixture_assert_trail (&self->plain, "blog", "a-1.0(blog) ");
  g_assert_true (hookrun_engine_reload (self->plain.engine, "a", &error));
  fixture_assert_trail (&self->plain, "blog", "a-1.0(blog) ");
}

static void
test_idle (PolicyFixture *self, gconstpointer unused)
{
  guint64 ticks;

  activate (self, NATIVE ", \"policy\": {\"base\": true}}", "handled");
  fixture_assert_trail (&self->plain, "shop", "handled ");
  ticks = policy_fixture_ticks ("(hookrun-native");
  g_assert_cmpuint (ticks, >, 0);
  g_usleep (2 * G_USEC_PER_SEC);
  g_assert_cmpuint (policy_fixture_ticks ("(hookrun-native") - ticks, <=, 2);
}

static gboolean
cancel (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

/* A handler that waits learns of it, so its process need not be killed. */
static void
test_cancel (PolicyFixture *self, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (HookrunData) data = fixture_data (&self->plain);
  g_autoptr (GError) error = NULL;

  activate (self, NATIVE ", \"policy\": {\"base\": true}}", "wait-for-ever");
  g_timeout_add (100, cancel, cancellable);
  hookrun_signal_emit_async (self->plain.signal, "shop", data, cancellable, on_emitted, &error);
  while (error == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_usleep (1500 * 1000);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_assert_cmpint (hookrun_plugin_get_state (hookrun_engine_lookup (self->plain.engine, "p")), ==,
                   HOOKRUN_PLUGIN_ACTIVE);
}

/* Namespaces and a root of its own: there is nothing but what it was given. */
static void
test_strong (PolicyFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fixture_copy_module (&self->plain, "native-confined", "sample.so");
  if (!try_to_activate (self,
                        NATIVE ", \"policy\": {\"base\": true, \"tier\": \"strong\","
                               " \"read\": [\"@/granted\"], \"write\": [\"@/granted\"]}}",
                        "attack", &error)) {
    /* Systems that keep namespaces from ordinary users say so. */
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED);
    return;
  }
  policy_fixture_assert_contained (self);
}

/* ---- contained ---- */

static void
test_contained (PolicyFixture *self, gconstpointer unused)
{
  activate (self, NATIVE ", \"policy\": " POLICY "}", "attack");
  policy_fixture_assert_contained (self);
}

static void
test_free (PolicyFixture *self, gconstpointer unused)
{
  activate (self, NATIVE "}", "attack");
  fixture_assert_trail (&self->plain, "shop",
                        " granted constructor read write chmod connect variable");
}

static void
test_users_word (PolicyFixture *self, gconstpointer unused)
{
  g_autofree char *filled = policy_fixture_fill (self, POLICY);
  g_autofree char *settings_text =
      g_strdup_printf ("{\"do\": \"attack\", \"port\": \"%u\"}", self->port);
  g_autoptr (JsonNode) settings = json_from_string (settings_text, NULL);
  g_autoptr (JsonNode) policy = json_from_string (filled, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunActivation) wish = hookrun_activation_new_confined (
      "p", "shop", settings, NULL, policy, "the user's file", &error);

  fixture_copy_module (&self->plain, "native-confined", "sample.so");
  fixture_add (&self->plain, NATIVE "}");
  hookrun_engine_activate (self->plain.engine, &wish, 1, &error);
  g_assert_no_error (error);
  policy_fixture_assert_contained (self);
}

/* ---- what cannot be done there ---- */

static const struct {
  const char *deed;
  const char *key;
  const char *says;
} refusals[] = {
    {"forbidden", "connect", "connect with hookrun_plugin_context_connect()"},
    {"forbidden", "define", "hookrun_plugin_context_define_signal()"},
    {"thread", "thread", "in the thread of its handlers only"},
    {"service", "service", "does not allow to ask the host for \"test.service\""},
    {"emit-own", "emitted", "does not allow to ask the host for \"signal.emit\""},
};

static void
test_refused (PolicyFixture *self, gconstpointer index)
{
  g_autoptr (HookrunData) data = fixture_data (&self->plain);
  g_autoptr (GError) error = NULL;
  const guint i = GPOINTER_TO_UINT (index);

  activate (self, NATIVE ", \"policy\": {\"base\": true}}", refusals[i].deed);
  hookrun_signal_emit_for (self->plain.signal, "shop", data, NULL, &error);
  g_assert_no_error (error);
  g_test_message ("%s", hookrun_data_get_string (data, refusals[i].key));
  assert_has (hookrun_data_get_string (data, refusals[i].key), refusals[i].says);
}

static void
test_null_in_object (PolicyFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *trail = NULL;

  activate (self, NATIVE ", \"policy\": {\"base\": true}}", "null-in-object");
  trail = fixture_run (&self->plain, "shop", &error);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  assert_has (error->message, "which a merge patch cannot say");
}

/* ---- ends ---- */

typedef struct {
  const char *deed;
  const char *manifest;
  int code;
  const char *says;
} End;

static const End ends[] = {
    {"crash", LIMITED (""), HOOKRUN_ERROR_CRASHED, "signal 11"},
    {"abort", LIMITED (""), HOOKRUN_ERROR_CRASHED, "signal 6"},
    {"exit", LIMITED (""), HOOKRUN_ERROR_CRASHED, "exited with status 7"},
    {"hang", LIMITED ("\"wall\": \"500ms\""), HOOKRUN_ERROR_CRASHED, "its limit \"wall\""},
    {"hang", NATIVE ", \"timeout\": \"300ms\", \"policy\": {\"base\": true}}",
     HOOKRUN_ERROR_TIMED_OUT, "300 ms"},
    {"eat", LIMITED ("\"memory\": \"128M\""), 0, ""},
};

/* The plugin that is hit is told, and comes back for the next event. */
static void
test_end (PolicyFixture *self, gconstpointer data)
{
  const End *end = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) again = NULL;
  g_autofree char *trail = NULL;
  g_autofree char *next = NULL;

  activate (self, end->manifest, end->deed);
  trail = fixture_run (&self->plain, "shop", &error);
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  if (end->code != 0)
    g_assert_error (error, HOOKRUN_ERROR, end->code);
  assert_has (error->message, "plugin \"p\", handler \"p\", signal \"test.run\"");
  assert_has (error->message, end->says);
  next = fixture_run (&self->plain, "else", &again);
  g_assert_no_error (again);
}

static const End bad_starts[] = {
    {"crash-at-start", "native-confined", HOOKRUN_ERROR_CRASHED,
     "signal 11 (Segmentation fault) while activating it"},
    {"", "native-crashes", HOOKRUN_ERROR_CRASHED,
     "signal 11 (Segmentation fault) while opening its code, whose constructors run then"},
    {"", "native-exits", HOOKRUN_ERROR_CRASHED,
     "exited with status 3 while opening its code, whose constructors run then"},
    {"", "native-hangs", HOOKRUN_ERROR_CRASHED,
     "its limit \"wall\" allows and was killed while opening"},
    {"", "native-wrong-abi", HOOKRUN_ERROR_ABI, "was built for plugin ABI 99"},
    {"", "native-wrong-size", HOOKRUN_ERROR_ABI, "with a descriptor of 8 bytes"},
    {"", "native-no-symbol", HOOKRUN_ERROR_INVALID, "does not export the symbol"},
    {"", "native-undefined", HOOKRUN_ERROR_ABI, "undefined symbol"},
    {"", "native-b1", HOOKRUN_ERROR_CONFLICT, "is plugin \"b\" 1.0, but its manifest says"},
};

static void
test_bad_start (PolicyFixture *self, gconstpointer data)
{
  const End *end = data;
  g_autoptr (GError) error = NULL;

  fixture_copy_module (&self->plain, end->manifest, "sample.so");
  g_assert_false (try_to_activate (self, LIMITED ("\"wall\": \"2s\""), end->deed, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, HOOKRUN_ERROR, end->code);
  assert_has (error->message, "plugin \"p\"");
  assert_has (error->message, end->says);
}

/* ---- all ---- */

static const Case cases[] = {
    {"data"},
    {"handled"},
    {"fail"},
    {"fail-silently"},
    {"wrap"},
    {"wrap", TRUE},
    {"forgive", TRUE},
    {"pending"},
    {"proceed-async"},
    {"emit-shared"},
    {"emit-own"},
    {"own-signal"},
    {"connect"},
    {"service"},
    {"data", FALSE, TRUE},
    {"wrap", FALSE, TRUE},
    {"pending", FALSE, TRUE},
    {"proceed-async", FALSE, TRUE},
    {"fail", FALSE, TRUE},
    {"emit-shared", FALSE, TRUE},
};

static void
add_test (const char *group, const char *name, gconstpointer data,
          void (*func) (PolicyFixture *self, gconstpointer data))
{
  g_autofree char *path = g_strdup_printf ("/plugin/native-confined/%s%s", group, name);

  g_test_add (path, PolicyFixture, data, policy_fixture_set_up, func, policy_fixture_tear_down);
}

int
main (int argc, char **argv)
{
  policy_fixture_main (argc, argv);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *name = g_strdup_printf (
        "%s%s%s", cases[i].deed, cases[i].fails ? "-fails" : "", cases[i].is_async ? "-async" : "");

    add_test ("same/", name, &cases[i], test_same);
  }
  add_test ("", "on-need", NULL, test_on_need);
  add_test ("", "on-need-at-odds", NULL, test_on_need_at_odds);
  add_test ("", "reload", NULL, test_reload);
  add_test ("", "cancel", NULL, test_cancel);
  add_test ("", "rests-when-idle", NULL, test_idle);
  add_test ("", "strong", NULL, test_strong);
  add_test ("", "is-contained", NULL, test_contained);
  add_test ("", "without-one-is-not", NULL, test_free);
  add_test ("", "by-the-users-word", NULL, test_users_word);
  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    add_test ("refused/", refusals[i].key, GUINT_TO_POINTER (i), test_refused);
  add_test ("refused/", "null-in-object", NULL, test_null_in_object);
  for (gsize i = 0; i < G_N_ELEMENTS (ends); i++) {
    g_autofree char *name = g_strdup_printf ("%s-%" G_GSIZE_FORMAT, ends[i].deed, i);

    add_test ("ends/", name, &ends[i], test_end);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (bad_starts); i++) {
    g_autofree char *name = g_strdup_printf ("%s-%" G_GSIZE_FORMAT, bad_starts[i].manifest, i);

    add_test ("bad-start/", name, &bad_starts[i], test_bad_start);
  }
  return g_test_run ();
}
