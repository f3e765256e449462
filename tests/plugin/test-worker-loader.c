/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plugins that live in a worker: their handlers take part in emissions like any other, and whatever
 * their process does is an error of that plugin and harms nothing else.
 */
#include "hookrun-loader-worker-private.h"
#include "hookrun-plugin-private.h"

#include <signal.h>
#include <string.h>
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

static const HookrunField fields[] = {
    {"text", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_NONE, NULL},
    {"count", HOOKRUN_FIELD_INT, HOOKRUN_FIELD_NONE, NULL},
    {"fixed", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY, NULL},
};

typedef struct {
  HookrunRegistry *registry;
  HookrunSignal *signal;
  HookrunEngine *engine;
  HookrunScope *scope;
  guint n_own;  /* runs of the host's own handler */
  guint n_asks; /* calls of the host's method */
} Fixture;

static HookrunVerdict
own_handler (HookrunEvent *event, gpointer user_data)
{
  ((Fixture *)user_data)->n_own++;
  return HOOKRUN_CONTINUE;
}

/* A service that emits the signal again, so that the worker is called while it waits for us. */
static JsonNode *
method_ask (HookrunEngine *engine, HookrunPlugin *caller, HookrunEvent *event, JsonNode *params,
            gpointer user_data, GError **error)
{
  Fixture *fixture = user_data;

  g_assert_cmpstr (hookrun_plugin_get_id (caller), ==, "evil");
  /* A flood goes on when nobody waits for the handler any more. */
  if (event == NULL)
    return NULL;
  if (++fixture->n_asks < 4)
    hookrun_signal_emit (fixture->signal, hookrun_event_get_data (event), error);
  return NULL;
}

static HookrunPlugin *
add_plugin (Fixture *fixture, const char *id, const char *more)
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "plugin", "evil-worker", NULL);
  g_autofree char *path = g_canonicalize_filename (program, NULL);
  g_autofree char *text = g_strdup_printf (
      "{\"id\":\"%s\",\"version\":\"1\",\"kind\":\"worker\",\"command\":[\"%s\"]%s}", id, path,
      more);
  g_autoptr (JsonNode) node = json_from_string (text, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunManifest) manifest =
      hookrun_manifest_new_from_json (node, "test", NULL, &error);
  HookrunPlugin *plugin;

  g_assert_no_error (error);
  plugin = hookrun_engine_add_manifest (fixture->engine, manifest, &error);
  g_assert_no_error (error);
  return plugin;
}

static gboolean
activate (Fixture *fixture, const char *id, const char *handler, GError **error)
{
  g_autofree char *text = g_strdup_printf ("{\"handler\":\"%s\"}", handler);
  g_autoptr (JsonNode) settings = json_from_string (text, NULL);

  return hookrun_engine_activate_plugin (fixture->engine, id, NULL, settings, NULL, error);
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fixture->registry = hookrun_registry_new ();
  fixture->signal = hookrun_registry_define (fixture->registry, "test.signal", HOOKRUN_SIGNAL_NONE,
                                             fields, G_N_ELEMENTS (fields), &error);
  g_assert_no_error (error);
  fixture->engine = hookrun_engine_new (fixture->registry);
  fixture->scope = hookrun_scope_new ("host");
  hookrun_signal_connect (fixture->signal, fixture->scope, "own", NULL, own_handler, fixture, NULL,
                          &error);
  g_assert_no_error (error);
  hookrun_engine_add_method (fixture->engine, "ask", method_ask, fixture, NULL);
}

static gboolean
has_no_child (void)
{
  siginfo_t info;

  return waitid (P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  hookrun_engine_deactivate_all (fixture->engine);
  g_assert_finalize_object (fixture->engine);
  hookrun_scope_close (fixture->scope);
  g_clear_object (&fixture->scope);
  g_clear_object (&fixture->registry);
  /* Neither a zombie nor a process is left, once a worker had the time to end. */
  for (int i = 0; i < 1000 && !has_no_child (); i++)
    g_usleep (10000);
  g_assert_true (has_no_child ());
}

static HookrunData *
new_data (Fixture *fixture)
{
  HookrunData *data = hookrun_data_new (hookrun_signal_get_schema (fixture->signal));

  hookrun_data_slot_set_string (data, 0, "as it was");
  hookrun_data_slot_set_int (data, 1, 1);
  hookrun_data_slot_set_string (data, 2, "stays");
  return data;
}

static HookrunVerdict
emit (Fixture *fixture, HookrunData *data, GError **error)
{
  fixture->n_own = 0;
  return hookrun_signal_emit (fixture->signal, data, error);
}

/* ---- what works ---- */

static void
test_patch (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunData) data = new_data (fixture);
  g_autoptr (JsonNode) extra = NULL;

  add_plugin (fixture, "evil", "");
  g_assert_true (activate (fixture, "evil", "patch", &error));
  g_assert_cmpint (emit (fixture, data, &error), ==, HOOKRUN_CONTINUE);
  g_assert_no_error (error);
  g_assert_cmpstr (hookrun_data_get_string (data, "text"), ==, "changed");
  extra = hookrun_data_get_json (data, "extra");
  g_assert_true (JSON_NODE_HOLDS_ARRAY (extra));
  g_assert_cmpint (hookrun_data_get_int (data, "count"), ==, 1);
  g_assert_cmpuint (fixture->n_own, ==, 1);
}

static void
test_veto (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunData) data = new_data (fixture);

  add_plugin (fixture, "evil", "");
  g_assert_true (activate (fixture, "evil", "fail", &error));
  g_assert_cmpint (emit (fixture, data, &error), ==, HOOKRUN_FAILED);
  g_test_message ("%s", error->message);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_HANDLER);
  g_assert_nonnull (strstr (error->message, "evil"));
  g_assert_nonnull (strstr (error->message, "test.signal"));
  g_assert_nonnull (strstr (error->message, "not today"));
}

static void
test_nested (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunData) data = new_data (fixture);

  add_plugin (fixture, "evil", "");
  g_assert_true (activate (fixture, "evil", "ask", &error));
  g_assert_cmpint (emit (fixture, data, &error), ==, HOOKRUN_CONTINUE);
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->n_asks, ==, 4);
  g_assert_cmpuint (fixture->n_own, ==, 4);
}

static void
got_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static HookrunVerdict
emit_in_loop (Fixture *fixture, HookrunData *data, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  fixture->n_own = 0;
  hookrun_signal_emit_async (fixture->signal, NULL, data, NULL, got_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return hookrun_signal_emit_finish (fixture->signal, result, error);
}

static void
test_async (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunData) data = new_data (fixture);

  add_plugin (fixture, "evil", "");
  add_plugin (fixture, "patcher", "");
  g_assert_true (activate (fixture, "evil", "ask", &error));
  g_assert_true (activate (fixture, "patcher", "patch", &error));
  g_assert_cmpint (emit_in_loop (fixture, data, &error), ==, HOOKRUN_CONTINUE);
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->n_asks, ==, 4);
  g_assert_cmpstr (hookrun_data_get_string (data, "text"), ==, "changed");
}

static void
test_on_need (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunData) data = new_data (fixture);
  HookrunPlugin *plugin =
      add_plugin (fixture, "evil", ",\"signals\":[{\"name\":\"test.signal\",\"id\":\"patch\"}]");
  WorkerHost *host;

  g_assert_true (activate (fixture, "evil", "patch", &error));
  host = g_ptr_array_index (plugin->workers, 0);
  g_assert_false (hookrun_worker_is_running (host->worker));
  g_assert_cmpint (emit (fixture, data, &error), ==, HOOKRUN_CONTINUE);
  g_assert_no_error (error);
  g_assert_true (hookrun_worker_is_running (host->worker));
  g_assert_cmpstr (hookrun_data_get_string (data, "text"), ==, "changed");
}

/* It ends after each answer; each event finds it started and activated again. */
static void
test_restart (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  HookrunPlugin *plugin = add_plugin (fixture, "evil", "");
  WorkerHost *host;
  int first;

  g_assert_true (activate (fixture, "evil", "answer-and-exit", &error));
  host = g_ptr_array_index (plugin->workers, 0);
  first = hookrun_worker_get_pid (host->worker);
  g_assert_cmpint (emit (fixture, NULL, &error), ==, HOOKRUN_CONTINUE);
  g_assert_no_error (error);
  while (hookrun_worker_is_running (host->worker))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (hookrun_plugin_get_state (plugin), ==, HOOKRUN_PLUGIN_FAILED);
  g_assert_error (hookrun_plugin_get_error (plugin), HOOKRUN_ERROR, HOOKRUN_ERROR_CRASHED);
  g_assert_cmpint (emit (fixture, NULL, &error), ==, HOOKRUN_CONTINUE);
  g_assert_no_error (error);
  /* the state is not looked at: the new one may be gone by now, having answered too */
  g_assert_cmpint (hookrun_worker_get_pid (host->worker), !=, first);
}

static void
test_deactivate (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  HookrunPlugin *plugin = add_plugin (fixture, "evil", "");
  WorkerHost *host;
  int pid;

  g_assert_true (activate (fixture, "evil", "fail", &error));
  host = g_ptr_array_index (plugin->workers, 0);
  pid = hookrun_worker_get_pid (host->worker);
  g_assert_true (hookrun_engine_deactivate (fixture->engine, "evil", NULL));
  hookrun_worker_wait (host->worker);
  g_assert_cmpint (kill (pid, 0), ==, -1);
  g_assert_cmpint (emit (fixture, NULL, &error), ==, HOOKRUN_CONTINUE);
  g_assert_no_error (error);
}

/* ---- activation that fails ---- */

static void
test_unknown_signal (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) settings = json_from_string ("{\"signal\":\"no.such\"}", NULL);
  HookrunPlugin *plugin = add_plugin (fixture, "evil", "");
  WorkerHost *host;

  g_assert_false (
      hookrun_engine_activate_plugin (fixture->engine, "evil", NULL, settings, NULL, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "no.such"));
  host = g_ptr_array_index (plugin->workers, 0);
  g_assert_false (hookrun_worker_is_running (host->worker));
  g_assert_cmpint (emit (fixture, NULL, NULL), ==, HOOKRUN_CONTINUE);
}

static void
test_bad_description (Fixture *fixture, gconstpointer unused)
{
  static const char *const rows[][2] = {
      {"bad-result", "\"result\" must be an object"},
      {"bad-list", "\"handlers\" must be a list"},
      {"bad-entry", "\"handlers\", entry 1: an object is expected"},
      {"bad-priority", "\"priority\" must be an integer"},
      {"bad-id", "\"id\" must be an id"},
      {"bad-signal", "signal \"a.b\", field 1: \"type\" must be one of"},
  };

  add_plugin (fixture, "evil", "");
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (activate (fixture, "evil", rows[i][0], &error));
    g_test_message ("%s", error->message);
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL);
    g_assert_nonnull (strstr (error->message, rows[i][1]));
    g_assert_nonnull (strstr (error->message, "plugin \"evil\""));
  }
}

/* ---- what goes wrong in a handler ---- */

static const struct {
  const char *handler;
  int code;
  const char *words;
} faults[] = {
    {"unknown-id", HOOKRUN_ERROR_PROTOCOL, "which is not open"},
    {"not-json", HOOKRUN_ERROR_PROTOCOL, "value expected"},
    {"deep", HOOKRUN_ERROR_LIMIT, "nested too deep"},
    {"huge", HOOKRUN_ERROR_LIMIT, "more than"},
    {"exit", HOOKRUN_ERROR_CRASHED, "status 3"},
    {"segv", HOOKRUN_ERROR_CRASHED, "signal 11"},
    {"close", HOOKRUN_ERROR_CRASHED, "closed its connection"},
    {"hang", HOOKRUN_ERROR_TIMED_OUT, "within 200 ms"},
    {"partial", HOOKRUN_ERROR_TIMED_OUT, "within 200 ms"},
    {"flood-log", HOOKRUN_ERROR_TIMED_OUT, "within 200 ms"},
    {"flood-requests", -1, ""},
    {"unknown-verdict", HOOKRUN_ERROR_PROTOCOL, "perhaps"},
    {"no-verdict", HOOKRUN_ERROR_PROTOCOL, "instead of the verdict"},
    {"read-only", HOOKRUN_ERROR_PROTOCOL, "fixed"},
    {"wrong-patch", HOOKRUN_ERROR_PROTOCOL, "must be an object"},
};

static void
check_fault (Fixture *fixture, gsize row, gboolean in_loop)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunData) data = new_data (fixture);
  HookrunVerdict verdict =
      in_loop ? emit_in_loop (fixture, data, &error) : emit (fixture, data, &error);

  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  g_assert_cmpint (verdict, ==, HOOKRUN_FAILED);
  if (faults[row].code >= 0)
    g_assert_error (error, HOOKRUN_ERROR, faults[row].code);
  g_assert_nonnull (strstr (error->message, faults[row].words));
  g_assert_nonnull (strstr (error->message, "plugin \"evil\""));
  g_assert_nonnull (strstr (error->message, "handler \"evil\""));
  g_assert_nonnull (strstr (error->message, "\"test.signal\""));
  /* Nothing of what it sent is in the data; all but one of its changes would have been allowed. */
  g_assert_cmpint (hookrun_data_get_int (data, "count"), ==, 1);
  g_assert_cmpstr (hookrun_data_get_string (data, "fixed"), ==, "stays");
}

/* The evil plugin comes first and fails; once it is gone, the other one and the host go on. */
static void
check_faults (gboolean in_loop)
{
  for (gsize i = 0; i < G_N_ELEMENTS (faults); i++) {
    Fixture fixture = {0};
    g_autoptr (GError) error = NULL;
    g_autoptr (HookrunData) data = NULL;
    /* A fault that is not one of time must not run into a limit on a busy machine. */
    gboolean is_timed = faults[i].code == HOOKRUN_ERROR_TIMED_OUT || faults[i].code < 0;
    g_autofree char *handler =
        g_strconcat (faults[i].handler, is_timed ? "\",\"x\":\"short-time" : "", NULL);

    set_up (&fixture, NULL);
    add_plugin (&fixture, "evil", "");
    add_plugin (&fixture, "good", "");
    g_assert_true (activate (&fixture, "evil", handler, &error));
    g_assert_true (activate (&fixture, "good", "patch", &error));
    check_fault (&fixture, i, in_loop);
    g_assert_true (hookrun_engine_deactivate (fixture.engine, "evil", NULL));
    data = new_data (&fixture);
    g_assert_cmpint (emit (&fixture, data, &error), ==, HOOKRUN_CONTINUE);
    g_assert_no_error (error);
    g_assert_cmpstr (hookrun_data_get_string (data, "text"), ==, "changed");
    g_assert_cmpuint (fixture.n_own, ==, 1);
    tear_down (&fixture, NULL);
  }
}

static void
test_faults (void)
{
  check_faults (FALSE);
}

static void
test_faults_async (void)
{
  check_faults (TRUE);
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/worker-loader/changes-come-back", test_patch);
  ADD ("/worker-loader/veto", test_veto);
  ADD ("/worker-loader/called-again-while-it-waits", test_nested);
  ADD ("/worker-loader/async", test_async);
  ADD ("/worker-loader/starts-on-need", test_on_need);
  ADD ("/worker-loader/restart-activates-again", test_restart);
  ADD ("/worker-loader/deactivate-ends-it", test_deactivate);
  ADD ("/worker-loader/unknown-signal-undoes-all", test_unknown_signal);
  ADD ("/worker-loader/bad-description", test_bad_description);
  g_test_add_func ("/worker-loader/faults", test_faults);
  g_test_add_func ("/worker-loader/faults-async", test_faults_async);
  return g_test_run ();
}
