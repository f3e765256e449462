/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A native plugin that does what its setting "do" says, all that a plugin may do with an event; the
 * tests run it in their own process and confined, and compare. Its constructor and one of its deeds
 * try what a policy denies.
 */
#include <hookrun.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

typedef HookrunVerdict (*Deed) (HookrunEvent *event, HookrunPluginContext *context);

static HookrunData *
add (HookrunEvent *event, const char *word)
{
  HookrunData *data = hookrun_event_get_data (event);
  const char *trail = hookrun_data_get_string (data, "trail");
  g_autofree char *longer = g_strconcat (trail != NULL ? trail : "", word, " ", NULL);

  hookrun_data_set_string (data, "trail", longer, NULL);
  return data;
}

static void
note (HookrunEvent *event, const char *key, const char *format, ...)
{
  va_list args;
  g_autofree char *text = NULL;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  hookrun_data_set_string (hookrun_event_get_data (event), key, text, NULL);
}

/* ---- data ---- */

static HookrunVerdict
do_data (HookrunEvent *event, HookrunPluginContext *context)
{
  static const char *const names[] = {"x", "y \"z\"", NULL};
  HookrunData *data = add (event, "data");
  g_autoptr (JsonNode) tree =
      json_from_string ("{\"a\": {\"b\": [1, null, 2.5]}, \"c\": true}", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *expanded = hookrun_data_expand_text (data, "{trail}%(count)s", NULL);

  hookrun_data_set_int (data, "count", hookrun_data_get_int (data, "count") * 2, NULL);
  hookrun_data_set_boolean (data, "flag", !hookrun_data_get_boolean (data, "flag"), NULL);
  hookrun_data_set_strv (data, "names", names, NULL);
  hookrun_data_set_string (data, "secret", "s3cret", NULL);
  hookrun_data_set_double (data, "extra-double", 2.0, NULL);
  hookrun_data_set_json (data, "extra-tree", tree, NULL);
  hookrun_data_unset (data, "extra-gone", NULL);
  hookrun_data_set_string (data, "fixed", "mine", &error);
  note (event, "read-only", "%d %s", error->code, error->message);
  note (event, "seen", "%s|%s|%s|%s|%s|%s", expanded, hookrun_event_get_subject (event),
        hookrun_event_get_handler_id (event),
        hookrun_signal_get_name (hookrun_event_get_signal (event)),
        hookrun_data_get_string (data, "fixed"),
        hookrun_plugin_context_get_setting (context, "word"));
  note (event, "slot", "%d %" G_GINT64_FORMAT,
        hookrun_schema_find (hookrun_signal_get_schema (hookrun_event_get_signal (event)), "count"),
        hookrun_data_slot_get_int (data, 1));
  return HOOKRUN_CONTINUE;
}

/* ---- verdicts and wrappers ---- */

static HookrunVerdict
do_handled (HookrunEvent *event, HookrunPluginContext *context)
{
  add (event, "handled");
  return HOOKRUN_HANDLED;
}

static HookrunVerdict
do_fail (HookrunEvent *event, HookrunPluginContext *context)
{
  add (event, "lost");
  return hookrun_event_fail (event, HOOKRUN_ERROR_NO_SPACE, "there is no room for %d more", 7);
}

static HookrunVerdict
do_fail_silently (HookrunEvent *event, HookrunPluginContext *context)
{
  return HOOKRUN_FAILED;
}

static HookrunVerdict
do_wrap (HookrunEvent *event, HookrunPluginContext *context)
{
  HookrunVerdict verdict;

  add (event, "before");
  verdict = hookrun_event_proceed (event);
  add (event, "after");
  note (event, "rest", "%d %s", (int)verdict,
        hookrun_event_get_error (event) != NULL ? hookrun_event_get_error (event)->message : "-");
  return HOOKRUN_CONTINUE;
}

static HookrunVerdict
do_forgive (HookrunEvent *event, HookrunPluginContext *context)
{
  do_wrap (event, context);
  return HOOKRUN_HANDLED;
}

static gboolean
on_later (gpointer data)
{
  HookrunEvent *event = data;

  add (event, "later");
  hookrun_event_complete (event, HOOKRUN_CONTINUE);
  return G_SOURCE_REMOVE;
}

static HookrunVerdict
do_pending (HookrunEvent *event, HookrunPluginContext *context)
{
  g_autoptr (GSource) source = g_timeout_source_new (5);

  g_source_set_callback (source, on_later, hookrun_event_ref (event),
                         (GDestroyNotify)hookrun_event_unref);
  g_source_attach (source, hookrun_event_get_context (event));
  return HOOKRUN_PENDING;
}

static HookrunVerdict
do_wait (HookrunEvent *event, HookrunPluginContext *context)
{
  hookrun_event_get_context (event);
  return HOOKRUN_PENDING;
}

static void
on_proceeded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (HookrunEvent) event = data;
  HookrunVerdict verdict = hookrun_event_proceed_finish (event, result);

  note (event, "rest", "%d", (int)verdict);
  add (event, "after");
  hookrun_event_complete (event, HOOKRUN_CONTINUE);
}

static HookrunVerdict
do_proceed_async (HookrunEvent *event, HookrunPluginContext *context)
{
  add (event, "before");
  hookrun_event_proceed_async (event, on_proceeded, hookrun_event_ref (event));
  return HOOKRUN_PENDING;
}

/* ---- emissions ---- */

static HookrunVerdict
emit_other (HookrunEvent *event, HookrunPluginContext *context, HookrunData *data)
{
  HookrunSignal *other =
      hookrun_registry_lookup (hookrun_plugin_context_get_registry (context), "test.other");
  g_autoptr (GError) error = NULL;
  HookrunVerdict verdict = hookrun_signal_emit_for (other, "else", data, NULL, &error);

  note (event, "emitted", "%d %s", (int)verdict, error != NULL ? error->message : "-");
  return HOOKRUN_CONTINUE;
}

static HookrunVerdict
do_emit_shared (HookrunEvent *event, HookrunPluginContext *context)
{
  add (event, "first");
  emit_other (event, context, hookrun_event_get_data (event));
  add (event, "last");
  return HOOKRUN_CONTINUE;
}

static HookrunVerdict
do_emit_own (HookrunEvent *event, HookrunPluginContext *context)
{
  g_autoptr (HookrunData) data =
      hookrun_data_new (hookrun_data_get_schema (hookrun_event_get_data (event)));
  g_autofree char *text = NULL;

  hookrun_data_slot_set_string (data, 5, "fixed by the emitter");
  emit_other (event, context, data);
  text = hookrun_data_to_text (data, TRUE);
  note (event, "own-data", "%s", text);
  return HOOKRUN_CONTINUE;
}

static HookrunVerdict
own_action (HookrunEvent *event, gpointer unused)
{
  HookrunData *data = hookrun_event_get_data (event);
  g_autofree char *text =
      g_strconcat ("default saw ", hookrun_data_get_string (data, "word"), NULL);

  hookrun_data_set_string (data, "reply", text, NULL);
  return HOOKRUN_HANDLED;
}

static HookrunVerdict
do_own_signal (HookrunEvent *event, HookrunPluginContext *context)
{
  HookrunSignal *own =
      hookrun_registry_lookup (hookrun_plugin_context_get_registry (context), "sample.own");
  g_autoptr (HookrunData) data = hookrun_data_new (hookrun_signal_get_schema (own));
  g_autoptr (GError) error = NULL;
  HookrunVerdict verdict;

  hookrun_data_slot_set_string (data, 0, "a word");
  verdict = hookrun_signal_emit_for (own, "shop", data, NULL, &error);
  note (event, "own", "%d %s %s", (int)verdict, hookrun_data_get_string (data, "reply"),
        error != NULL ? error->message : "-");
  return HOOKRUN_CONTINUE;
}

/* ---- the host ---- */

static HookrunVerdict
late (HookrunEvent *event, gpointer unused)
{
  add (event, "late");
  return HOOKRUN_CONTINUE;
}

static HookrunVerdict
do_connect (HookrunEvent *event, HookrunPluginContext *context)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = hookrun_plugin_context_connect (context, "test.other", "late", NULL, late, NULL,
                                                NULL, &error);

  note (event, "connected", "%d %s", ok, error != NULL ? error->message : "-");
  return emit_other (event, context, hookrun_event_get_data (event));
}

static HookrunVerdict
do_service (HookrunEvent *event, HookrunPluginContext *context)
{
  g_autoptr (JsonNode) params = json_from_string ("{\"word\": \"up\"}", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer =
      hookrun_plugin_context_call_method (context, event, "test.service", params, &error);
  g_autofree char *text = answer != NULL ? json_to_string (answer, FALSE) : NULL;

  note (event, "service", "%s", text != NULL ? text : error->message);
  return HOOKRUN_CONTINUE;
}

/* ---- what is refused where it is confined ---- */

static HookrunVerdict
do_forbidden (HookrunEvent *event, HookrunPluginContext *context)
{
  HookrunRegistry *registry = hookrun_plugin_context_get_registry (context);
  g_autoptr (GError) connect_error = NULL;
  g_autoptr (GError) define_error = NULL;

  hookrun_registry_connect (registry, "test.other", NULL, "x", NULL, late, NULL, NULL,
                            &connect_error);
  hookrun_registry_define (registry, "sample.late", HOOKRUN_SIGNAL_NONE, NULL, 0, &define_error);
  note (event, "connect", "%s", connect_error != NULL ? connect_error->message : "-");
  note (event, "define", "%s", define_error != NULL ? define_error->message : "-");
  return HOOKRUN_CONTINUE;
}

static gpointer
emit_in_thread (gpointer context)
{
  HookrunSignal *other =
      hookrun_registry_lookup (hookrun_plugin_context_get_registry (context), "test.other");
  GError *error = NULL;

  hookrun_signal_emit (other, NULL, &error);
  hookrun_plugin_context_log (context, HOOKRUN_LOG_INFO, "from a thread");
  return error;
}

static HookrunVerdict
do_thread (HookrunEvent *event, HookrunPluginContext *context)
{
  g_autoptr (GError) error = g_thread_join (g_thread_new ("sample", emit_in_thread, context));

  note (event, "thread", "%s", error != NULL ? error->message : "-");
  return HOOKRUN_CONTINUE;
}

static HookrunVerdict
do_null_in_object (HookrunEvent *event, HookrunPluginContext *context)
{
  g_autoptr (JsonNode) tree = json_from_string ("{\"a\": null}", NULL);

  hookrun_data_set_json (hookrun_event_get_data (event), "tree", tree, NULL);
  return HOOKRUN_CONTINUE;
}

/* ---- ends ---- */

static HookrunVerdict
do_crash (HookrunEvent *event, HookrunPluginContext *context)
{
  raise (SIGSEGV);
  return HOOKRUN_CONTINUE;
}

static HookrunVerdict
do_abort (HookrunEvent *event, HookrunPluginContext *context)
{
  abort ();
}

static HookrunVerdict
do_exit (HookrunEvent *event, HookrunPluginContext *context)
{
  exit (7);
}

static HookrunVerdict
do_hang (HookrunEvent *event, HookrunPluginContext *context)
{
  for (;;)
    pause ();
  return HOOKRUN_CONTINUE;
}

static HookrunVerdict
do_eat (HookrunEvent *event, HookrunPluginContext *context)
{
  for (;;)
    memset (g_malloc (1 << 20), 1, 1 << 20);
  return HOOKRUN_CONTINUE;
}

/* ---- what a policy denies ---- */

static char *
beside (const char *name)
{
  Dl_info info;
  g_autofree char *folder = NULL;

  dladdr ((gconstpointer)beside, &info);
  folder = g_path_get_dirname (info.dli_fname);
  return g_build_filename (folder, name, NULL);
}

static gboolean
can_open (const char *name, int flags)
{
  g_autofree char *path = beside (name);
  int fd = open (path, flags, 0600);

  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

static gboolean
can_chmod (const char *name)
{
  g_autofree char *path = beside (name);

  return chmod (path, 0700) == 0;
}

static gboolean
can_connect (HookrunPluginContext *context)
{
  const char *port = hookrun_plugin_context_get_setting (context, "port");
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
                                .sin_port = htons ((guint16)atoi (port))};
  int fd = socket (AF_INET, SOCK_STREAM, 0);
  gboolean ok = fd >= 0 && connect (fd, (struct sockaddr *)&address, sizeof address) == 0;

  if (fd >= 0)
    close (fd);
  return ok;
}

static gboolean constructor_read;

__attribute__ ((constructor)) static void
construct (void)
{
#ifdef SAMPLE_CONSTRUCTOR
  SAMPLE_CONSTRUCTOR;
#endif
  constructor_read = can_open ("secret", O_RDONLY);
}

static HookrunVerdict
do_attack (HookrunEvent *event, HookrunPluginContext *context)
{
  HookrunData *data = hookrun_event_get_data (event);
  g_autofree char *trail = g_strconcat (
      can_open ("granted/file", O_RDONLY) ? " granted" : "", constructor_read ? " constructor" : "",
      can_open ("secret", O_RDONLY) ? " read" : "",
      can_open ("outside", O_WRONLY | O_CREAT) ? " write" : "",
      can_chmod ("secret") ? " chmod" : "", can_connect (context) ? " connect" : "",
      getenv ("SSH_AUTH_SOCK") != NULL ? " variable" : "", NULL);

  hookrun_data_set_string (data, "trail", trail, NULL);
  return HOOKRUN_CONTINUE;
}

/* ---- the plugin ---- */

static const struct {
  const char *name;
  Deed func;
} deeds[] = {
    {"data", do_data},
    {"handled", do_handled},
    {"fail", do_fail},
    {"fail-silently", do_fail_silently},
    {"wrap", do_wrap},
    {"forgive", do_forgive},
    {"pending", do_pending},
    {"proceed-async", do_proceed_async},
    {"wait-for-ever", do_wait},
    {"emit-shared", do_emit_shared},
    {"emit-own", do_emit_own},
    {"own-signal", do_own_signal},
    {"connect", do_connect},
    {"service", do_service},
    {"forbidden", do_forbidden},
    {"thread", do_thread},
    {"null-in-object", do_null_in_object},
    {"crash", do_crash},
    {"abort", do_abort},
    {"exit", do_exit},
    {"hang", do_hang},
    {"eat", do_eat},
    {"attack", do_attack},
};

static HookrunVerdict
run (HookrunEvent *event, gpointer context)
{
  const char *wish = hookrun_plugin_context_get_setting (context, "do");

  for (gsize i = 0; i < G_N_ELEMENTS (deeds); i++)
    if (g_strcmp0 (deeds[i].name, wish) == 0)
      return deeds[i].func (event, context);
  return HOOKRUN_CONTINUE;
}

static HookrunVerdict
run_other (HookrunEvent *event, gpointer context)
{
  if (hookrun_event_get_data (event) != NULL)
    add (event, "other");
  return HOOKRUN_CONTINUE;
}

static gboolean
sample_activate (HookrunPluginContext *context, GError **error)
{
  static const HookrunField fields[] = {
      {"word", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_REQUIRED | HOOKRUN_FIELD_READ_ONLY, "A word."},
      {"reply", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_NONE, NULL},
  };
  const HookrunHandlerOptions first = {.before = (const char *const[]){"host", NULL},
                                       .priority = 5};
  const HookrunHandlerOptions any = {.subject = HOOKRUN_ANY_SUBJECT};
  const HookrunHandlerOptions action = {.is_default = TRUE};

  if (g_strcmp0 (hookrun_plugin_context_get_setting (context, "do"), "crash-at-start") == 0)
    raise (SIGSEGV);
  return hookrun_plugin_context_define_signal (context, "sample.own", HOOKRUN_SIGNAL_NONE, fields,
                                               G_N_ELEMENTS (fields), error) &&
         hookrun_plugin_context_connect (context, "sample.own", "default", &action, own_action,
                                         NULL, NULL, error) &&
         hookrun_plugin_context_connect (context, "test.run", NULL, &first, run,
                                         g_object_ref (context), g_object_unref, error) &&
         hookrun_plugin_context_connect (context, "test.other", NULL, &any, run_other, context,
                                         NULL, error);
}

static void
sample_deactivate (HookrunPluginContext *context)
{
  hookrun_plugin_context_log (context, HOOKRUN_LOG_INFO, "goodbye");
}

HOOKRUN_PLUGIN_DEFINE ("p", "1.0", sample_activate, sample_deactivate, HOOKRUN_PLUGIN_FLAGS_NONE);
