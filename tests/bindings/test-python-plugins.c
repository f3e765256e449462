/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plugins in Python on a real engine: hookrun's own kind and Porter's, beside handlers in C, in
 * emissions that wait in place and in a main loop.
 */
#include "hookrun-loader-worker-private.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct {
  HookrunRegistry *registry;
  HookrunSchema *schema;
  HookrunEngine *engine;
  HookrunScope *scope;
  gboolean default_notes; /* the default action leaves a note in the data */
  GString *order;         /* who ran */
  GPtrArray *calls;       /* of services */
  GPtrArray *folders;     /* temporary ones */
} Fixture;

static const HookrunField fields[] = {
    {"module", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY, NULL},
    {"destpath", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY, NULL},
    {"stagedir", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY, NULL},
    {"notes", HOOKRUN_FIELD_STRV, HOOKRUN_FIELD_NONE, NULL},
};

static const char *const signal_names[] = {"deploy.start", "source.pre-send",  "source.send",
                                           "deploy.run",   "source.post-send", "deploy.finish"};

static HookrunVerdict
default_action (HookrunEvent *event, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_string_append (fixture->order, "default ");
  if (fixture->default_notes)
    hookrun_data_slot_set_strv (hookrun_event_get_data (event), 3,
                                (const char *const[]){"default", NULL});
  return HOOKRUN_HANDLED;
}

static JsonNode *
service (HookrunEngine *engine, HookrunPlugin *caller, HookrunEvent *event, JsonNode *params,
         gpointer user_data, GError **error)
{
  Fixture *fixture = user_data;

  g_ptr_array_add (fixture->calls, json_to_string (params, FALSE));
  if (strstr (fixture->calls->pdata[fixture->calls->len - 1], "missing.py") != NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND, "there is no missing.py");
    return NULL;
  }
  return json_from_string ("{\"status\":0,\"stdout\":\"\",\"stderr\":\"\"}", NULL);
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  const HookrunHandlerOptions last = {.is_default = TRUE};
  g_autoptr (GError) error = NULL;

  fixture->registry = hookrun_registry_new ();
  fixture->schema = hookrun_schema_new (fields, G_N_ELEMENTS (fields), &error);
  fixture->engine = hookrun_engine_new (fixture->registry);
  fixture->scope = hookrun_scope_new ("host");
  fixture->order = g_string_new (NULL);
  fixture->calls = g_ptr_array_new_with_free_func (g_free);
  fixture->folders = g_ptr_array_new_with_free_func (g_free);
  for (gsize i = 0; i < G_N_ELEMENTS (signal_names); i++) {
    HookrunSignal *signal = hookrun_registry_define_with_schema (
        fixture->registry, signal_names[i], HOOKRUN_SIGNAL_NONE, fixture->schema, &error);

    hookrun_signal_connect (signal, fixture->scope, "default", &last, default_action, fixture, NULL,
                            &error);
    g_assert_no_error (error);
  }
  hookrun_engine_add_method (fixture->engine, "deploy.copy_config", service, fixture, NULL);
  hookrun_engine_add_method (fixture->engine, "deploy.run", service, fixture, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  hookrun_engine_deactivate_all (fixture->engine);
  g_assert_finalize_object (fixture->engine);
  hookrun_scope_close (fixture->scope);
  g_clear_object (&fixture->scope);
  g_clear_object (&fixture->registry);
  hookrun_schema_unref (fixture->schema);
  g_string_free (fixture->order, TRUE);
  g_ptr_array_unref (fixture->calls);
  for (guint i = 0; i < fixture->folders->len; i++) {
    g_autofree char *file = g_build_filename (fixture->folders->pdata[i], "plugin.py", NULL);

    g_remove (file);
    g_rmdir (fixture->folders->pdata[i]);
  }
  g_ptr_array_unref (fixture->folders);
}

static gboolean
add_python (Fixture *fixture, const char *id, const char *code, GError **error)
{
  g_autofree char *folder = g_dir_make_tmp ("hookrun-python-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (folder, "plugin.py", NULL);
  g_autoptr (HookrunManifest) manifest = NULL;
  g_autoptr (JsonNode) info = json_from_string (
      "{\"modulename\":\"shop\",\"moduledir\":\"/proj/shop\",\"destpath\":\"/srv/shop\","
      "\"plugins\":[\"porter.one\",\"porter.two\"]}",
      NULL);

  g_assert_true (g_file_set_contents (file, code, -1, NULL));
  g_ptr_array_add (fixture->folders, g_steal_pointer (&folder));
  manifest = hookrun_worker_python_manifest (id, file, error);
  g_assert_nonnull (manifest);
  return hookrun_engine_add_manifest (fixture->engine, manifest, error) != NULL &&
         hookrun_engine_activate_plugin (fixture->engine, id, "shop", NULL, info, error);
}

static HookrunData *
new_data (Fixture *fixture)
{
  HookrunData *data = hookrun_data_new (fixture->schema);

  hookrun_data_slot_set_string (data, 0, "shop");
  hookrun_data_slot_set_string (data, 1, "/srv/shop");
  hookrun_data_slot_set_string (data, 2, "/srv/shop/releases/1");
  return data;
}

static HookrunVerdict
emit (Fixture *fixture, const char *signal, HookrunData *data, GError **error)
{
  g_string_truncate (fixture->order, 0);
  return hookrun_signal_emit_for (hookrun_registry_lookup (fixture->registry, signal), "shop", data,
                                  NULL, error);
}

static void
got_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static HookrunVerdict
emit_in_loop (Fixture *fixture, const char *signal, HookrunData *data, GError **error)
{
  HookrunSignal *object = hookrun_registry_lookup (fixture->registry, signal);
  g_autoptr (GAsyncResult) result = NULL;

  g_string_truncate (fixture->order, 0);
  hookrun_signal_emit_async (object, "shop", data, NULL, got_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return hookrun_signal_emit_finish (object, result, error);
}

/* ---- hookrun's own kind ---- */

static const char own_code[] = "import hookrun_worker as hookrun\n"
                               "@hookrun.on('source.pre-send', id='second', after=['first'])\n"
                               "def second(event):\n"
                               "    event.data['notes'] = event.data['notes'] + ['second']\n"
                               "@hookrun.on('source.pre-send', id='first')\n"
                               "def first(event):\n"
                               "    event.data['notes'] = ['first']\n"
                               "@hookrun.on('source.send', id='wrapper')\n"
                               "def wrapper(event):\n"
                               "    event.data['notes'] = ['before']\n"
                               "    verdict = event.proceed()\n"
                               "    event.data['notes'] += ['after']\n"
                               "    event.emit('source.pre-send', subject=event.subject)\n"
                               "    event.data['notes'] += ['end']\n"
                               "    return verdict\n";

static void
check_notes (HookrunData *data, const char *expected)
{
  g_autofree char *notes =
      g_strjoinv (" ", (char **)(gpointer)hookrun_data_get_strv (data, "notes"));

  g_assert_cmpstr (notes, ==, expected);
}

static void
check_own (Fixture *fixture,
           HookrunVerdict (*func) (Fixture *, const char *, HookrunData *, GError **))
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunData) data = new_data (fixture);

  g_assert_cmpint (func (fixture, "source.pre-send", data, &error), ==, HOOKRUN_HANDLED);
  g_assert_no_error (error);
  check_notes (data, "first second");
  g_assert_cmpint (func (fixture, "source.send", data, &error), ==, HOOKRUN_HANDLED);
  g_assert_no_error (error);
  check_notes (data, "first second end");
  g_assert_cmpstr (fixture->order->str, ==, "default default ");
}

static void
test_own (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (add_python (fixture, "own", own_code, &error));
  check_own (fixture, emit);
  check_own (fixture, emit_in_loop);
}

static HookrunVerdict
fail_with_no_space (HookrunEvent *event, gpointer user_data)
{
  return hookrun_event_fail (event, HOOKRUN_ERROR_NO_SPACE, "the disk is full");
}

/* A wrapper that passes a failure on leaves its code and its words as they are. */
static void
test_failure_behind_wrapper (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunData) data = new_data (fixture);

  g_assert_true (add_python (fixture, "own",
                             "import hookrun_worker as hookrun\n"
                             "@hookrun.on('source.send')\n"
                             "def wrapper(event):\n"
                             "    return event.proceed()\n",
                             &error));
  hookrun_registry_connect (fixture->registry, "source.send", fixture->scope, "full", NULL,
                            fail_with_no_space, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (emit (fixture, "source.send", data, &error), ==, HOOKRUN_FAILED);
  g_test_message ("%s", error->message);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NO_SPACE);
  g_assert_nonnull (strstr (error->message, "the disk is full"));
}

static const char failing_code[] = "import hookrun_worker as hookrun\n"
                                   "@hookrun.on('source.pre-send')\n"
                                   "def check(event):\n"
                                   "    raise ValueError('no good')\n";

static void
test_exception (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunData) data = new_data (fixture);

  g_assert_true (add_python (fixture, "check", failing_code, &error));
  g_assert_cmpint (emit (fixture, "source.pre-send", data, &error), ==, HOOKRUN_FAILED);
  g_test_message ("%s", error->message);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_HANDLER);
  g_assert_nonnull (strstr (error->message, "plugin \"check\""));
  g_assert_nonnull (strstr (error->message, "ValueError: no good ("));
  g_assert_nonnull (strstr (error->message, "plugin.py line 4 in check)"));
  g_assert_cmpstr (fixture->order->str, ==, "");
}

static void
test_syntax_error (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (add_python (fixture, "bad", "x = 1\ndef f(:\n", &error));
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, "plugin.py line 2"));
}

/* ---- Porter's kind ---- */

static const char porter_code[] =
    "from porter.core.module import *\n"
    "from porter.core.module import SIG_SOURCE_SEND, SIG_DEPLOY, SIG_SOURCE_POST_SEND\n"
    "from porter.tools.scp import copy_config_file\n"
    "def command_line_args(group):\n"
    "    group.add_argument('--fast', action='store_true', help='Go fast')\n"
    "def register_signal_handlers(module):\n"
    "    module.push_signal_handler(SIG_SOURCE_POST_SEND, post_send)\n"
    "    module.replace_signal_handler(SIG_SOURCE_SEND, send)\n"
    "    module.push_signal_handler(SIG_SOURCE_SEND, sent)\n"
    "    module.push_signal_handler(SIG_DEPLOY, first)\n"
    "    module.push_signal_handler(SIG_DEPLOY, second)\n"
    "    module.push_signal_handler('my-own', mine)\n"
    "def post_send(module, *args, **kwargs):\n"
    "    copy_config_file(module, 'local_settings.py')\n"
    "    module.signal('my-own', value=7)\n"
    "def note(module, text):\n"
    "    module.event.data['notes'] = (module.event.data.get('notes') or []) + [text]\n"
    "def send(module): note(module, 'send')\n"
    "def sent(module): note(module, 'sent')\n"
    "def first(module): note(module, 'first')\n"
    "def second(module): note(module, 'second')\n"
    "def mine(module, value):\n"
    "    copy_config_file(module, 'value%d' % value)\n"
    "    copy_config_file(module, 'missing.py')\n";

static void
test_porter_order (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunData) data = new_data (fixture);
  g_autoptr (HookrunData) again = new_data (fixture);

  g_assert_true (add_python (fixture, "shop.deployment.py", porter_code, &error));
  g_assert_cmpint (emit (fixture, "source.send", data, &error), !=, HOOKRUN_FAILED);
  g_assert_no_error (error);
  check_notes (data, "send sent");
  g_assert_cmpstr (fixture->order->str, ==, "");
  g_assert_cmpint (emit_in_loop (fixture, "deploy.run", again, &error), ==, HOOKRUN_HANDLED);
  g_assert_no_error (error);
  check_notes (again, "first second");
  g_assert_cmpstr (fixture->order->str, ==, "default ");
}

/* Porter ran the built-in handler, then what deployment.py pushed, then the plugins in the order of
 * the ini, each in the order of its pushes; the order of activation has no say. */
static void
test_porter_order_among_plugins (Fixture *fixture, gconstpointer unused)
{
  static const char *const ids[] = {"porter.two", "shop.deployment.py", "porter.one"};
  static const char *const signals[] = {"source.send", "deploy.run"};
  g_autoptr (GError) error = NULL;

  fixture->default_notes = TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (ids); i++) {
    g_autofree char *code = g_strdup_printf (
        "from porter.core.module import SIG_SOURCE_SEND, SIG_DEPLOY\n"
        "def register_signal_handlers(module):\n"
        "    for signal in (SIG_SOURCE_SEND, SIG_DEPLOY):\n"
        "        for n in (1, 2):\n"
        "            module.push_signal_handler(signal, lambda module, n=n: note(module, n))\n"
        "def note(module, n):\n"
        "    module.event.data['notes'] = module.event.data['notes'] + ['%s-%%d' %% n]\n",
        ids[i]);

    g_assert_true (add_python (fixture, ids[i], code, &error));
    g_assert_no_error (error);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++) {
    g_autoptr (HookrunData) data = new_data (fixture);

    g_assert_cmpint (emit (fixture, signals[i], data, &error), !=, HOOKRUN_FAILED);
    g_assert_no_error (error);
    check_notes (data, "default shop.deployment.py-1 shop.deployment.py-2 porter.one-1 "
                       "porter.one-2 porter.two-1 porter.two-2");
  }
}

static void
test_porter_services (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunData) data = new_data (fixture);

  g_assert_true (add_python (fixture, "shop.deployment.py", porter_code, &error));
  g_assert_cmpint (emit (fixture, "source.post-send", data, &error), ==, HOOKRUN_FAILED);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, "there is no missing.py"));
  g_assert_nonnull (strstr (error->message, "signal \"my-own\""));
  g_assert_cmpuint (fixture->calls->len, >=, 3);
  g_assert_nonnull (strstr (fixture->calls->pdata[0], "local_settings.py"));
  g_assert_nonnull (strstr (fixture->calls->pdata[1], "value7"));
}

static void
test_describe (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunManifest) manifest =
      hookrun_worker_python_manifest ("porter.plugins.crontab", NULL, &error);
  g_autoptr (HookrunManifest) described = NULL;

  g_assert_no_error (error);
  described = hookrun_worker_describe (fixture->engine, manifest, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hookrun_manifest_get_n_options (described), ==, 1);
  g_assert_cmpstr (hookrun_manifest_get_option (described, 0)->name, ==, "update-crontab");
  g_assert_cmpint (hookrun_manifest_get_option (described, 0)->type, ==, HOOKRUN_FIELD_BOOLEAN);
  g_assert_cmpstr (hookrun_manifest_get_description (described), ==,
                   "Installs the module's crontab.");
}

static void
test_unknown_plugin (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunManifest) manifest =
      hookrun_worker_python_manifest ("no.such.plugin", NULL, &error);

  hookrun_engine_add_manifest (fixture->engine, manifest, &error);
  g_assert_no_error (error);
  g_assert_false (
      hookrun_engine_activate_plugin (fixture->engine, "no.such.plugin", NULL, NULL, NULL, &error));
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, "no Python module \"no.such.plugin\""));
  g_assert_nonnull (strstr (error->message, "PYTHONPATH"));
}

static const char once_code[] = "import os\n"
                                "import hookrun_worker as hookrun\n"
                                "if os.path.exists(\n"
                                "        os.path.join(os.path.dirname(__file__), 'once')):\n"
                                "    raise RuntimeError('only once')\n"
                                "os.mkdir(os.path.join(os.path.dirname(__file__), 'once'))\n"
                                "@hookrun.on('source.pre-send')\n"
                                "def leave(event):\n"
                                "    os._exit(3)\n";

/* A plugin that cannot be activated again says so at each event; it is not an unknown handler. */
static void
test_not_again (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *once = NULL;

  g_assert_true (add_python (fixture, "once", once_code, &error));
  once = g_build_filename (fixture->folders->pdata[0], "once", NULL);
  g_assert_cmpint (emit (fixture, "source.pre-send", NULL, &error), ==, HOOKRUN_FAILED);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CRASHED);
  g_assert_nonnull (strstr (error->message, "exited with status 3"));
  for (int i = 0; i < 2; i++) {
    g_clear_error (&error);
    g_assert_cmpint (emit (fixture, "source.pre-send", NULL, &error), ==, HOOKRUN_FAILED);
    g_test_message ("%s", error->message);
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_HANDLER);
    g_assert_nonnull (strstr (error->message, "could not be activated again"));
    g_assert_nonnull (strstr (error->message, "RuntimeError: only once"));
  }
  g_assert_cmpint (g_rmdir (once), ==, 0);
}

/* The worker that docs/worker-protocol.md shows, as it stands there. */
static void
test_worker_of_the_manual (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("HOOKRUN_SOURCE_ROOT"), "docs", "worker-protocol.md", NULL);
  g_autofree char *text = NULL;
  g_autofree char *folder = g_dir_make_tmp ("hookrun-python-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (folder, "plugin.py", NULL);
  g_autoptr (JsonNode) node =
      json_from_string ("{\"id\":\"greeter\",\"version\":\"1\",\"kind\":\"worker\","
                        "\"command\":[\"python3\",\"{folder}/plugin.py\"]}",
                        NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunManifest) manifest = NULL;
  g_autoptr (HookrunData) data = new_data (fixture);
  char *begin;
  char *end;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  begin = strstr (text, "```python\n");
  g_assert_nonnull (begin);
  begin += strlen ("```python\n");
  end = strstr (begin, "```");
  g_assert_true (g_file_set_contents (file, begin, end - begin, NULL));
  manifest = hookrun_manifest_new_from_json (node, "manual", folder, &error);
  g_ptr_array_add (fixture->folders, g_steal_pointer (&folder));
  g_assert_no_error (error);
  hookrun_engine_add_manifest (fixture->engine, manifest, &error);
  g_assert_true (
      hookrun_engine_activate_plugin (fixture->engine, "greeter", "shop", NULL, NULL, &error));
  g_assert_cmpint (emit (fixture, "source.post-send", data, &error), ==, HOOKRUN_HANDLED);
  g_assert_no_error (error);
  g_assert_cmpstr (hookrun_data_get_string (data, "greeting"), ==, "hello");
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/python-plugins/own", test_own);
  ADD ("/python-plugins/a-failure-behind-a-wrapper-stays-itself", test_failure_behind_wrapper);
  ADD ("/python-plugins/exception-names-file-and-line", test_exception);
  ADD ("/python-plugins/syntax-error-names-file-and-line", test_syntax_error);
  ADD ("/python-plugins/porter/order", test_porter_order);
  ADD ("/python-plugins/porter/order-among-plugins", test_porter_order_among_plugins);
  ADD ("/python-plugins/porter/services", test_porter_services);
  ADD ("/python-plugins/porter/options", test_describe);
  ADD ("/python-plugins/cannot-be-activated-again", test_not_again);
  ADD ("/python-plugins/worker-of-the-manual", test_worker_of_the_manual);
  ADD ("/python-plugins/unknown", test_unknown_plugin);
  return g_test_run ();
}
