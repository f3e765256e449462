/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The loader of workers: starts a plugin's process, activates the plugin in it, and does so again
 * when the process had to be started anew. A broken process is a failure of its plugin only.
 */
#include "hookrun-engine-private.h"
#include "hookrun-json-private.h"
#include "hookrun-loader-worker-private.h"
#include "hookrun-plugin-private.h"

#include <string.h>

/* ---- an activation ---- */

static void
activation_clear (gpointer data)
{
  WorkerActivation *self = data;

  g_object_unref (self->context);
  g_ptr_array_unref (self->handlers);
  g_mutex_clear (&self->lock);
  g_free (self->subject);
  g_free (self->params);
  g_free (self->problem);
}

WorkerActivation *
hookrun_worker_activation_ref (WorkerActivation *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
hookrun_worker_activation_unref (WorkerActivation *self)
{
  g_atomic_rc_box_release_full (self, activation_clear);
}

static void
add_member (GString *text, const char *name, const char *value)
{
  g_string_append_printf (text, ",\"%s\":", name);
  if (value != NULL)
    hookrun_rpc_append_string (text, value);
  else
    g_string_append (text, "null");
}

static char *
compose_params (HookrunPluginContext *context, guint number)
{
  HookrunManifest *manifest = context->plugin->manifest;
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *settings = hookrun_json_to_string (context->settings);
  g_autofree char *info = hookrun_json_to_string (context->info);

  g_string_append_printf (text, "{\"activation\":%u", number);
  add_member (text, "plugin", manifest->id);
  add_member (text, "path", manifest->file);
  add_member (text, "entry", manifest->id);
  add_member (text, "subject", context->subject);
  g_string_append_printf (text, ",\"settings\":%s,\"info\":%s", settings, info);
  if (manifest->kind == HOOKRUN_PLUGIN_NATIVE)
    hookrun_worker_native_append_params (text, context);
  g_string_append_c (text, '}');
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static WorkerActivation *
activation_new (WorkerHost *host, HookrunPluginContext *context)
{
  WorkerActivation *self = g_atomic_rc_box_new0 (WorkerActivation);

  self->host = host;
  self->context = g_object_ref (context);
  self->number = ++host->last_number;
  self->subject = g_strdup (context->subject);
  self->params = compose_params (context, self->number);
  self->handlers = g_ptr_array_new ();
  g_mutex_init (&self->lock);
  return self;
}

WorkerActivation *
hookrun_worker_host_find (WorkerHost *self, gint64 number)
{
  WorkerActivation *found = NULL;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->activations->len && found == NULL; i++) {
    WorkerActivation *activation = g_ptr_array_index (self->activations, i);

    if (number == 0 || activation->number == number)
      found = hookrun_worker_activation_ref (activation);
  }
  g_mutex_unlock (&self->lock);
  return found;
}

/* ---- the start of a process ---- */

static void
set_problem (WorkerActivation *self, const char *problem)
{
  g_mutex_lock (&self->lock);
  g_free (self->problem);
  self->problem = g_strdup (problem);
  g_mutex_unlock (&self->lock);
}

static void
on_initialized (HookrunWorker *worker, JsonNode *result, GError *error, gpointer user_data)
{
  g_autoptr (JsonNode) answer = result;
  g_autoptr (GError) problem = error;
  JsonNode *protocol = hookrun_worker_get_member (answer, "protocol");

  if (problem == NULL && protocol != NULL && JSON_NODE_HOLDS_VALUE (protocol) &&
      json_node_get_int (protocol) == HOOKRUN_WORKER_PROTOCOL)
    return;
  hookrun_worker_stop (worker, HOOKRUN_ERROR_PROTOCOL,
                       "does not speak version %d of the protocol%s%s", HOOKRUN_WORKER_PROTOCOL,
                       problem != NULL ? ": " : "", problem != NULL ? problem->message : "");
}

static void
on_activated_again (HookrunWorker *worker, JsonNode *result, GError *error, gpointer user_data)
{
  g_autoptr (WorkerActivation) activation = user_data;
  g_autoptr (JsonNode) answer = result;

  set_problem (activation, error != NULL ? error->message : NULL);
  hookrun_plugin_report_failure (activation->host->plugin, error);
}

static void
send_activation (WorkerActivation *self, WorkerNews *news)
{
  const WorkerCallSpec spec = {.method = "plugin.activate", .params = self->params};

  hookrun_worker_call_detached (self->host->worker, &spec, on_activated_again,
                                hookrun_worker_activation_ref (self), news);
}

/* The lock of @worker is held: its first messages go out before any call. */
static void
on_start (HookrunWorker *worker, gpointer user_data, WorkerNews *news)
{
  WorkerHost *self = user_data;
  g_autofree char *params =
      g_strdup_printf ("{\"protocol\":%d,\"host\":{\"name\":\"hookrun\",\"version\":\"%s\"}}",
                       HOOKRUN_WORKER_PROTOCOL, hookrun_get_version ());
  const WorkerCallSpec spec = {.method = "initialize", .params = params};

  hookrun_worker_call_detached (worker, &spec, on_initialized, NULL, news);
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->activations->len; i++)
    send_activation (g_ptr_array_index (self->activations, i), news);
  g_mutex_unlock (&self->lock);
}

/* ---- the process of a plugin ---- */

static HookrunEngine *
get_engine (WorkerHost *self)
{
  HookrunEngine *engine;

  g_mutex_lock (&self->lock);
  engine = self->engine;
  g_mutex_unlock (&self->lock);
  return engine;
}

static void
on_log (HookrunWorker *worker, HookrunLogLevel level, const char *text, WorkerHost *self)
{
  HookrunEngine *engine = get_engine (self);

  if (engine != NULL)
    hookrun_engine_log (engine, self->plugin, level, text);
}

static void
on_failed (HookrunWorker *worker, const GError *error, WorkerHost *self)
{
  if (get_engine (self) != NULL)
    hookrun_plugin_report_failure (self->plugin, g_error_copy (error));
}

static void
host_free (gpointer data)
{
  WorkerHost *self = data;

  g_clear_pointer (&self->bounds, hookrun_bounds_unref);
  g_signal_handlers_disconnect_by_data (self->worker, self);
  hookrun_worker_terminate (self->worker);
  hookrun_worker_wait (self->worker);
  g_object_unref (self->worker);
  g_ptr_array_unref (self->activations);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static WorkerHost *
host_new (HookrunPlugin *plugin, HookrunBounds *bounds)
{
  g_auto (GStrv) argv = hookrun_worker_get_argv (plugin->manifest);
  gboolean is_native = plugin->manifest->kind == HOOKRUN_PLUGIN_NATIVE;
  g_auto (GStrv) additions = is_native ? hookrun_worker_native_environment () : NULL;
  WorkerHost *self = g_new0 (WorkerHost, 1);

  self->plugin = plugin;
  self->worker = hookrun_worker_new (plugin->manifest->id, (const char *const *)argv,
                                     plugin->manifest->folder, (const char *const *)additions);
  if (bounds != NULL) {
    self->bounds = hookrun_bounds_ref (bounds);
    hookrun_worker_set_sandbox (self->worker, bounds->sandbox);
  }
  self->worker->start_func = on_start;
  self->worker->start_data = self;
  self->activations =
      g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_worker_activation_unref);
  g_mutex_init (&self->lock);
  hookrun_worker_set_request_handler (self->worker, hookrun_worker_serve_request, self, NULL);
  g_signal_connect (self->worker, "log", G_CALLBACK (on_log), self);
  g_signal_connect (self->worker, "failed", G_CALLBACK (on_failed), self);
  return self;
}

/* A file that was replaced meanwhile is another one to the kernel: what grants it is made anew. */
static void
renew_bounds (WorkerHost *self, HookrunBounds *bounds)
{
  gboolean is_idle;

  g_mutex_lock (&self->lock);
  is_idle = self->activations->len == 0;
  g_mutex_unlock (&self->lock);
  if (!is_idle || bounds == NULL)
    return;
  hookrun_worker_set_sandbox (self->worker, bounds->sandbox);
  hookrun_bounds_unref (self->bounds);
  self->bounds = hookrun_bounds_ref (bounds);
}

static WorkerHost *
find_host (GPtrArray *hosts, HookrunBounds *bounds)
{
  for (guint i = 0; i < hosts->len; i++) {
    WorkerHost *host = g_ptr_array_index (hosts, i);

    if (hookrun_bounds_equal (host->bounds, bounds))
      return host;
  }
  return NULL;
}

/* Activations that are confined in another way get a process of their own. */
static WorkerHost *
ensure_host (HookrunPluginContext *context)
{
  HookrunPlugin *plugin = context->plugin;
  HookrunBounds *bounds = hookrun_plugin_context_get_bounds (context, 0);
  GPtrArray *hosts = plugin->workers;
  WorkerHost *self;

  if (hosts == NULL) {
    plugin->workers = hosts = g_ptr_array_new_with_free_func (host_free);
  }
  self = find_host (hosts, bounds);
  if (self == NULL) {
    self = host_new (plugin, bounds);
    g_ptr_array_add (hosts, self);
  } else {
    renew_bounds (self, bounds);
  }
  g_mutex_lock (&self->lock);
  self->engine = context->engine;
  g_mutex_unlock (&self->lock);
  return self;
}

/* ---- the loader ---- */

static gboolean
worker_prepare (HookrunPluginContext *context, GError **error)
{
  HookrunManifest *manifest = context->plugin->manifest;

  if (manifest->kind == HOOKRUN_PLUGIN_NATIVE)
    return hookrun_native_module_check (manifest->file, &context->engine->session, error);
  /* A file that Python runs need not be executable. */
  return hookrun_worker_is_python_file (manifest)
             ? hookrun_program_check_trust (manifest->file, FALSE, error)
             : hookrun_manifest_check_trust (manifest, error);
}

static void
keep_activation (WorkerActivation *self)
{
  WorkerHost *host = self->host;

  g_mutex_lock (&host->lock);
  g_ptr_array_add (host->activations, hookrun_worker_activation_ref (self));
  g_mutex_unlock (&host->lock);
}

/* Nothing runs before the first event. A process that runs already learns of it now. */
static gboolean
activate_on_need (WorkerActivation *self, GError **error)
{
  HookrunWorker *worker = self->host->worker;
  WorkerNews news = WORKER_NEWS_INIT;

  if (!hookrun_worker_register_declared (self, error))
    return FALSE;
  g_mutex_lock (&worker->lock);
  keep_activation (self);
  if (worker->is_running)
    send_activation (self, &news);
  g_mutex_unlock (&worker->lock);
  hookrun_worker_tell (worker, &news);
  return TRUE;
}

/* A worker that owes an answer is not asked once more. */
static gboolean
is_responsive (HookrunWorker *worker)
{
  gboolean is_responsive;

  g_mutex_lock (&worker->lock);
  is_responsive = worker->is_running && worker->hung_at == 0;
  g_mutex_unlock (&worker->lock);
  return is_responsive;
}

static void
deactivate_in_worker (WorkerActivation *self)
{
  g_autofree char *params = g_strdup_printf ("{\"activation\":%u}", self->number);
  const WorkerCallSpec spec = {.method = "plugin.deactivate",
                               .params = params,
                               .timeout_ms = HOOKRUN_WORKER_DEACTIVATE_TIMEOUT_MS};
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer = NULL;

  if (!is_responsive (self->host->worker))
    return;
  answer = hookrun_worker_call_full (self->host->worker, &spec, &error);
  if (error != NULL)
    hookrun_plugin_context_log (self->context, HOOKRUN_LOG_WARNING, error->message);
}

static void
end_idle_worker (WorkerHost *self)
{
  gboolean is_idle;

  g_mutex_lock (&self->lock);
  is_idle = self->activations->len == 0;
  g_mutex_unlock (&self->lock);
  if (!is_idle)
    return;
  if (hookrun_worker_is_running (self->worker))
    hookrun_worker_notify (self->worker, "shutdown", NULL, NULL);
  hookrun_worker_terminate (self->worker);
  g_mutex_lock (&self->lock);
  self->engine = NULL;
  g_mutex_unlock (&self->lock);
}

static gboolean
activate_now (WorkerActivation *self, GError **error)
{
  const WorkerCallSpec spec = {.method = "plugin.activate",
                               .params = self->params,
                               .timeout_ms = HOOKRUN_WORKER_ACTIVATE_TIMEOUT_MS};
  g_autoptr (JsonNode) answer = hookrun_worker_call_full (self->host->worker, &spec, error);

  if (answer == NULL) {
    end_idle_worker (self->host);
    return FALSE;
  }
  if (hookrun_worker_register_all (self, answer, error)) {
    keep_activation (self);
    return TRUE;
  }
  deactivate_in_worker (self);
  end_idle_worker (self->host);
  return FALSE;
}

static gboolean
worker_activate (HookrunPluginContext *context, GError **error)
{
  WorkerHost *host = ensure_host (context);
  HookrunManifest *manifest = context->plugin->manifest;
  WorkerActivation *activation = activation_new (host, context);

  hookrun_plugin_context_set_loader_data (context, activation,
                                          (GDestroyNotify)hookrun_worker_activation_unref);
  return manifest->load == HOOKRUN_LOAD_ON_NEED && manifest->handlers->len > 0
             ? activate_on_need (activation, error)
             : activate_now (activation, error);
}

static void
worker_deactivate (HookrunPluginContext *context)
{
  WorkerActivation *activation = hookrun_plugin_context_get_loader_data (context);
  WorkerHost *host = activation->host;

  deactivate_in_worker (activation);
  g_mutex_lock (&host->lock);
  g_ptr_array_remove (host->activations, activation);
  g_mutex_unlock (&host->lock);
  end_idle_worker (host);
}

const HookrunLoader hookrun_loader_worker = {
    .name = "worker",
    .prepare = worker_prepare,
    .activate = worker_activate,
    .deactivate = worker_deactivate,
};
