/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guest without a sandbox, in a thread of the test: what it answers to a host that keeps to the
 * protocol, that asks nonsense, and that answers with nonsense.
 */
#include "hookrun-json-private.h"
#include "hookrun-worker-private.h"
#include "plugin-fixture.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
  GMainContext *context;
  HookrunWorker *worker;
  GThread *thread;
  int raw;            /* the host's end where there is no worker object; -1 */
  const char *answer; /* (nullable): JSON that every request of the guest gets */
  GString *asked;     /* method and params of each */
} Guest;

static gpointer
serve_in_thread (gpointer fd)
{
  GError *error = NULL;

  hookrun_worker_serve_native (GPOINTER_TO_INT (fd), &error);
  return error;
}

static void
on_request (HookrunWorker *worker, HookrunWorkerRequest *request, gpointer data)
{
  Guest *self = data;
  JsonNode *params = hookrun_worker_request_get_params (request);
  g_autofree char *text = params != NULL ? hookrun_json_to_string (params) : g_strdup ("");
  g_autoptr (JsonNode) answer = NULL;

  if (hookrun_worker_request_is_notification (request))
    return;
  g_string_append_printf (self->asked, "%s %s\n", hookrun_worker_request_get_method (request),
                          text);
  answer = self->answer != NULL ? json_from_string (self->answer, NULL) : NULL;
  hookrun_worker_request_answer (request, answer);
}

/* The guest iterates the default context, so what the host's end needs is in another. */
static void
set_up (Guest *self, gconstpointer is_raw)
{
  int ends[2];

  self->context = g_main_context_new ();
  g_main_context_push_thread_default (self->context);
  self->asked = g_string_new (NULL);
  self->raw = -1;
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  self->thread = g_thread_new ("guest", serve_in_thread, GINT_TO_POINTER (ends[1]));
  if (is_raw != NULL) {
    self->raw = ends[0];
    return;
  }
  self->worker = hookrun_worker_new_for_socket ("guest", ends[0]);
  hookrun_worker_set_request_handler (self->worker, on_request, self, NULL);
}

/* NULL when the guest ended as it should. */
static GError *
end (Guest *self)
{
  g_clear_object (&self->worker);
  if (self->raw >= 0)
    shutdown (self->raw, SHUT_WR);
  return g_thread_join (g_steal_pointer (&self->thread));
}

static void
tear_down (Guest *self, gconstpointer unused)
{
  g_autoptr (GError) error = self->thread != NULL ? end (self) : NULL;

  g_assert_no_error (error);
  if (self->raw >= 0)
    close (self->raw);
  g_main_context_pop_thread_default (self->context);
  g_main_context_unref (self->context);
  g_string_free (self->asked, TRUE);
}

/* (transfer full): the answer as text, or "CODE: MESSAGE". */
static char *
call (Guest *self, const char *method, const char *params)
{
  g_autoptr (JsonNode) node = json_from_string (params, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer = NULL;

  g_assert_nonnull (node);
  answer = hookrun_worker_call (self->worker, method, node, 5000, NULL, &error);
  return answer != NULL ? hookrun_json_to_string (answer)
                        : g_strdup_printf ("%d: %s", error->code, error->message);
}

#define SIGNALS                                                                                    \
  "[{\"name\": \"test.run\", \"fields\": [{\"name\": \"trail\", \"type\": \"string\"}, {\"name\":" \
  " \"count\", \"type\": \"int\"}, {\"name\": \"fixed\", \"type\": \"string\", \"flags\":"         \
  " [\"read-only\"]}]}, {\"name\": \"test.other\"}]"

static void
activate (Guest *self, const char *deed)
{
  g_autofree char *path =
      g_test_build_filename (G_TEST_BUILT, "plugin", "native-confined.so", NULL);
  g_autofree char *params = g_strdup_printf (
      "{\"activation\": 1, \"plugin\": \"p\", \"version\": \"1.0\", \"path\": \"%s\","
      " \"subject\": \"shop\", \"settings\": {\"do\": \"%s\"}, \"info\": {}, \"signals\": " SIGNALS
      "}",
      path, deed);
  g_autofree char *hello = call (self, "initialize", "{\"protocol\": 1}");
  g_autofree char *answer = call (self, "plugin.activate", params);

  assert_has (hello, "\"protocol\":1");
  assert_has (answer, "{\"signal\":\"test.run\",\"handler\":\"#2\",\"id\":\"p\"");
  assert_has (answer, "\"before\":[\"host\"]");
  assert_has (answer, "\"default\":true");
  assert_has (answer, "\"name\":\"sample.own\"");
}

#define CALL(data)                                                                                 \
  "{\"activation\": 1, \"handler\": \"#2\", \"signal\": \"test.run\", \"subject\": \"shop\","      \
  " \"data\": " data ", \"emission\": {\"timeout_ms\": 1000}}"

static void
test_call (Guest *self, gconstpointer unused)
{
  g_autofree char *answer = NULL;
  g_autofree char *end = NULL;

  activate (self, "handled");
  answer = call (self, "handler.call", CALL ("{\"trail\": \"a \", \"count\": 3}"));
  g_assert_cmpstr (answer, ==, "{\"verdict\":\"handled\",\"patch\":{\"trail\":\"a handled \"}}");
  end = call (self, "plugin.deactivate", "{\"activation\": 1}");
  g_assert_cmpstr (end, ==, "null");
}

static void
test_proceed (Guest *self, gconstpointer unused)
{
  g_autofree char *answer = NULL;

  activate (self, "wrap");
  self->answer = "{\"verdict\": \"handled\", \"data\": {\"trail\": \"theirs \", \"fixed\": \"f\"}}";
  answer = call (self, "handler.call", CALL ("{\"trail\": \"\", \"count\": 3}"));
  g_assert_cmpstr (self->asked->str, ==, "event.proceed {\"patch\":{\"trail\":\"before \"}}\n");
  g_assert_cmpstr (
      answer, ==,
      "{\"verdict\":\"handled\",\"patch\":{\"rest\":\"1 -\",\"trail\":\"theirs after \"}}");
}

/* ---- nonsense ---- */

static void
test_wrong_protocol (Guest *self, gconstpointer unused)
{
  g_autofree char *answer = call (self, "initialize", "{\"protocol\": 2}");

  assert_has (answer, "version 1 of the protocol only");
}

static const struct {
  const char *method;
  const char *params;
} questions[] = {
    {"initialize", "{}"},
    {"initialize", "{\"protocol\": {}}"},
    {"plugin.activate", "{}"},
    {"plugin.activate", "{\"path\": 7}"},
    {"plugin.activate", "{\"path\": \"/no/such\", \"activation\": []}"},
    {"plugin.activate", "{\"path\": \"/bin/true\"}"},
    {"plugin.deactivate", "{}"},
    {"plugin.deactivate", "{\"activation\": \"x\"}"},
    {"plugin.deactivate", "{\"activation\": [1]}"},
    {"plugin.describe", "{}"},
    {"handler.call", "{}"},
    {"handler.call", "{\"activation\": {}, \"handler\": 1, \"signal\": []}"},
    {"handler.call", "{\"activation\": 99, \"handler\": \"#1\", \"signal\": \"test.run\"}"},
    {"handler.call", "{\"activation\": 1, \"handler\": \"#1\", \"signal\": \"test.other\"}"},
    {"handler.call", CALL ("[]")},
    {"handler.call", CALL ("7")},
    {"handler.call", CALL ("{\"count\": \"three\"}")},
    {"handler.call", CALL ("{\"_own\": 1}")},
    {"handler.call", CALL ("{\"trail\": [1]}")},
    {"no.such", "{}"},
};

/* Each gets an answer, and the next call is served. */
static void
test_questions (Guest *self, gconstpointer unused)
{
  g_autofree char *sound = NULL;

  activate (self, "handled");
  for (gsize i = 0; i < G_N_ELEMENTS (questions); i++) {
    g_autofree char *answer = call (self, questions[i].method, questions[i].params);

    g_test_message ("%s %s: %s", questions[i].method, questions[i].params, answer);
    g_assert_true (g_ascii_isdigit (*answer) || g_str_equal (answer, "null"));
  }
  sound = call (self, "handler.call", CALL ("{\"trail\": \"\"}"));
  assert_has (sound, "\"verdict\":\"handled\"");
}

static const char *const answers[] = {
    "null",
    "[]",
    "7",
    "{}",
    "{\"verdict\": 7}",
    "{\"verdict\": \"pending\"}",
    "{\"verdict\": \"failed\", \"error\": []}",
    "{\"verdict\": \"failed\", \"error\": {\"message\": 1, \"code\": \"nonsense\"}}",
    "{\"verdict\": \"handled\", \"data\": []}",
    "{\"verdict\": \"handled\", \"data\": {\"count\": \"x\"}}",
    "{\"verdict\": \"handled\", \"data\": {\"_own\": 1}}",
};

static void
test_answers (Guest *self, gconstpointer unused)
{
  activate (self, "wrap");
  for (gsize i = 0; i < G_N_ELEMENTS (answers); i++) {
    g_autofree char *answer = NULL;

    self->answer = answers[i];
    answer = call (self, "handler.call", CALL ("{\"trail\": \"\"}"));
    g_test_message ("%s: %s", answers[i], answer);
    assert_has (answer, "\"verdict\":\"failed\"");
  }
}

static void
test_line (Guest *self, gconstpointer unused)
{
  static const char line[] = "{\"jsonrpc\": \"2.0\", \"id\"\n";
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (write (self->raw, line, strlen (line)), ==, (gssize)strlen (line));
  error = end (self);
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
}

/* The host goes while a handler waits for it. */
static void
test_host_goes (Guest *self, gconstpointer unused)
{
  g_autofree char *path =
      g_test_build_filename (G_TEST_BUILT, "plugin", "native-confined.so", NULL);
  g_autofree char *text = g_strdup_printf (
      "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"plugin.activate\",\"params\":{\"activation\":1,"
      "\"path\":\"%s\",\"settings\":{\"do\":\"wrap\"},\"signals\":" SIGNALS "}}\n"
      "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"handler.call\",\"params\":" CALL (
          "{\"trail\":\"\"}") "}\n",
      path);
  g_autoptr (GError) error = NULL;
  char buffer[8192];
  gsize length = 0;

  g_assert_cmpint (write (self->raw, text, strlen (text)), ==, (gssize)strlen (text));
  do {
    gssize n = read (self->raw, buffer + length, sizeof buffer - 1 - length);

    g_assert_cmpint (n, >, 0);
    length += (gsize)n;
    buffer[length] = '\0';
  } while (strstr (buffer, "event.proceed") == NULL);
  error = end (self);
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, is_raw, func)                                                                    \
  g_test_add ("/plugin/guest/" name, Guest, is_raw, set_up, func, tear_down)
  ADD ("call", NULL, test_call);
  ADD ("proceed", NULL, test_proceed);
  ADD ("wrong-protocol", NULL, test_wrong_protocol);
  ADD ("nonsense-is-answered", NULL, test_questions);
  ADD ("nonsense-is-no-answer", NULL, test_answers);
  ADD ("broken-line", "", test_line);
  ADD ("host-goes", "", test_host_goes);
#undef ADD
  return g_test_run ();
}
