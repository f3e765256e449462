/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The loader of executables: a program is run once for each event. In a synchronous emission it is
 * waited for in place, in an asynchronous one it is a source of the emitter's context.
 */
#include "hookrun-confined-keeper-private.h"
#include "hookrun-event-private.h"
#include "hookrun-hook-private.h"
#include "hookrun-json-private.h"
#include "hookrun-process-private.h"

#include <string.h>

#define DEFAULT_TIMEOUT_MS (10 * 60 * 1000)
#define EXIT_HANDLED 100

/* One handler of the plugin. */
typedef struct {
  HookrunPluginContext *context;
  HookrunManifest *manifest; /* owns @wanted */
  const HookrunManifestHandler *wanted;
  HookrunBounds *bounds; /* (nullable) */
  const char *argv[2];   /* where the handler has a program of its own */
} Hook;

/* The runs that are under way, so that deactivation can end them. */
typedef struct {
  GMutex lock;
  GPtrArray *cancellables;
} Jobs;

/* One run of it. */
typedef struct {
  HookrunEvent *event;
  HookrunPluginContext *context;
  Jobs *jobs; /* (nullable): where it is listed */
  char *what; /* for messages */
  HookrunProcess *process;
  GCancellable *cancellable;
  GCancellable *outer; /* (nullable): the emission's */
  gulong outer_handler;
} Job;

static void
hook_free (gpointer data)
{
  Hook *self = data;

  g_clear_object (&self->context);
  g_clear_pointer (&self->bounds, hookrun_bounds_unref);
  hookrun_manifest_unref (self->manifest);
  g_free (self);
}

static void
jobs_clear (gpointer data)
{
  Jobs *self = data;

  g_ptr_array_unref (self->cancellables);
  g_mutex_clear (&self->lock);
}

static void
jobs_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, jobs_clear);
}

/* ---- one run ---- */

static void
log_line (HookrunProcessStream stream, const char *line, gpointer user_data)
{
  const Job *job = user_data;

  hookrun_plugin_context_log (
      job->context, stream == HOOKRUN_PROCESS_ERRORS ? HOOKRUN_LOG_WARNING : HOOKRUN_LOG_INFO,
      line);
}

static void
cancel_job (GCancellable *outer, gpointer user_data)
{
  g_cancellable_cancel (((Job *)user_data)->cancellable);
}

static Job *
job_new (Hook *hook, HookrunEvent *event)
{
  Job *job = g_new0 (Job, 1);

  job->event = hookrun_event_ref (event);
  job->context = g_object_ref (hook->context);
  job->what = g_strdup_printf ("hook \"%s\" (%s)", hook->wanted->id,
                               hook->wanted->program != NULL ? hook->wanted->program
                                                             : hook->manifest->command[0]);
  job->cancellable = g_cancellable_new ();
  job->outer = hookrun_event_get_cancellable (event);
  if (job->outer != NULL) {
    g_object_ref (job->outer);
    job->outer_handler = g_cancellable_connect (job->outer, G_CALLBACK (cancel_job), job, NULL);
  }
  return job;
}

static void
job_free (Job *job)
{
  if (job->outer != NULL)
    g_cancellable_disconnect (job->outer, job->outer_handler);
  g_clear_object (&job->outer);
  g_clear_object (&job->cancellable);
  g_clear_pointer (&job->process, hookrun_process_free);
  g_clear_object (&job->context);
  g_clear_pointer (&job->jobs, jobs_unref);
  hookrun_event_unref (job->event);
  g_free (job->what);
  g_free (job);
}

static gboolean
merge_result (Job *job, GError **error)
{
  HookrunJsonLimits limits = {1024 * 1024, HOOKRUN_JSON_MAX_DEPTH};
  HookrunData *data = hookrun_event_get_data (job->event);
  gsize length = 0;
  const char *text = hookrun_process_get_result (job->process, &length);
  g_autoptr (JsonNode) patch = NULL;

  if (length == 0)
    return TRUE;
  patch = hookrun_json_parse (text, length, &limits, "what it wrote to descriptor 3", error);
  if (patch == NULL)
    return FALSE;
  if (!JSON_NODE_HOLDS_OBJECT (patch)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "what it wrote to descriptor 3 must be one JSON object");
    return FALSE;
  }
  if (data == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "it wrote to descriptor 3, but this emission carries no data to change");
    return FALSE;
  }
  return hookrun_data_merge_json (data, patch, error);
}

static gboolean
is_open (HookrunEvent *event)
{
  gboolean open;

  hookrun_lock (&event->lock);
  open = event->state == HOOKRUN_EVENT_RUNNING || event->state == HOOKRUN_EVENT_PENDING;
  hookrun_unlock (&event->lock);
  return open;
}

/* Once the emission has gone on without it (cancelled, deactivated), the data is not its to change.
 */
static HookrunVerdict
conclude (Job *job)
{
  static const int good[] = {EXIT_HANDLED, 0};
  GError *error = NULL;

  if (!hookrun_process_check (job->process, good, job->what, &error))
    return hookrun_event_take_error (job->event, error);
  if (!is_open (job->event))
    return HOOKRUN_FAILED;
  if (!merge_result (job, &error)) {
    g_prefix_error (&error, "%s: ", job->what);
    return hookrun_event_take_error (job->event, error);
  }
  return hookrun_process_get_exit_status (job->process) == EXIT_HANDLED ? HOOKRUN_HANDLED
                                                                        : HOOKRUN_CONTINUE;
}

static void
list_job (Job *job, Jobs *jobs)
{
  job->jobs = g_atomic_rc_box_acquire (jobs);
  g_mutex_lock (&jobs->lock);
  g_ptr_array_add (jobs->cancellables, g_object_ref (job->cancellable));
  g_mutex_unlock (&jobs->lock);
}

static void
on_done (HookrunProcess *process, gpointer user_data)
{
  Job *job = user_data;

  g_mutex_lock (&job->jobs->lock);
  g_ptr_array_remove_fast (job->jobs->cancellables, job->cancellable);
  g_mutex_unlock (&job->jobs->lock);
  hookrun_event_complete (job->event, conclude (job));
  job_free (job);
}

static HookrunProcess *
start (Hook *hook, Job *job, GError **error)
{
  HookrunData *data = hookrun_event_get_data (job->event);
  JsonNode *info = hookrun_plugin_context_get_info (hook->context);
  g_autoptr (JsonNode) json =
      data != NULL ? hookrun_data_to_json (data, TRUE) : json_from_string ("{}", NULL);
  g_autofree char *input = hookrun_json_to_string (json);
  HookrunPolicy *policy =
      hook->bounds != NULL ? hookrun_sandbox_get_policy (hook->bounds->sandbox) : NULL;
  g_auto (GStrv) environment = hookrun_hook_environment (hook->context, job->event, json, policy);
  HookrunProcessSpec spec = {
      .argv =
          hook->wanted->program != NULL ? hook->argv : (const char *const *)hook->manifest->command,
      .environment = (const char *const *)environment,
      .folder =
          json_object_get_string_member_with_default (json_node_get_object (info), "folder", NULL),
      .input = input,
      .input_length = strlen (input),
      .with_result = TRUE,
      .timeout_ms = hook->wanted->timeout_ms > 0 ? hook->wanted->timeout_ms : DEFAULT_TIMEOUT_MS,
      .line = log_line,
      .user_data = job,
      .keeper = hook->bounds != NULL ? &hookrun_confined_keeper : NULL,
      .place = hook->bounds != NULL ? hook->bounds->sandbox : NULL,
  };

  return hookrun_process_start (&spec, error);
}

static gboolean
is_synchronous (HookrunEvent *event)
{
  return event->run != NULL && event->run->async == NULL;
}

static HookrunVerdict
run_hook (HookrunEvent *event, gpointer user_data)
{
  Hook *hook = user_data;
  Jobs *jobs = hookrun_plugin_context_get_loader_data (hook->context);
  Job *job = job_new (hook, event);
  GError *error = NULL;
  HookrunVerdict verdict;

  if (hook->wanted->program == NULL ||
      hookrun_program_check_trust (hook->wanted->program, TRUE, &error))
    job->process = start (hook, job, &error);
  if (job->process == NULL) {
    g_prefix_error (&error, "%s: ", job->what);
    verdict = hookrun_event_take_error (event, error);
  } else if (is_synchronous (event) || jobs == NULL) {
    hookrun_process_wait (job->process, job->cancellable);
    verdict = conclude (job);
  } else {
    list_job (job, jobs);
    hookrun_process_watch (job->process, hookrun_event_get_context (event), job->cancellable,
                           on_done, job);
    return HOOKRUN_PENDING;
  }
  job_free (job);
  return verdict;
}

/* ---- the loader ---- */

static gboolean
executable_prepare (HookrunPluginContext *context, GError **error)
{
  const HookrunPlugin *plugin = context->plugin;

  if (plugin->manifest->handlers->len == 0 && plugin->hook_folder == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "%s: \"signals\" is missing: an executable runs for those only",
                 plugin->manifest->origin);
    return FALSE;
  }
  return hookrun_manifest_check_trust (plugin->manifest, error);
}

static gboolean
connect_hook (HookrunPluginContext *context, guint i, GError **error)
{
  const HookrunManifestHandler *wanted = g_ptr_array_index (context->plugin->manifest->handlers, i);
  HookrunBounds *bounds = hookrun_plugin_context_get_bounds (context, i);
  Hook *hook = g_new0 (Hook, 1);
  HookrunHandlerOptions options;

  hook->context = g_object_ref (context);
  hook->manifest = hookrun_manifest_ref (context->plugin->manifest);
  hook->wanted = wanted;
  hook->bounds = bounds != NULL ? hookrun_bounds_ref (bounds) : NULL;
  hook->argv[0] = wanted->program;
  hookrun_manifest_handler_get_options (wanted, &options);
  /* The deadline is kept here, where the whole process group can be ended before going on. */
  options.timeout_ms = 0;
  return hookrun_plugin_context_connect (context, wanted->signal, wanted->id, &options, run_hook,
                                         hook, hook_free, error);
}

static gboolean
executable_activate (HookrunPluginContext *context, GError **error)
{
  GPtrArray *handlers = context->plugin->manifest->handlers;
  Jobs *jobs = g_atomic_rc_box_new0 (Jobs);

  g_mutex_init (&jobs->lock);
  jobs->cancellables = g_ptr_array_new_with_free_func (g_object_unref);
  hookrun_plugin_context_set_loader_data (context, jobs, jobs_unref);
  for (guint i = 0; i < handlers->len; i++)
    if (!connect_hook (context, i, error))
      return FALSE;
  return TRUE;
}

/* The runs end by themselves in their own contexts; the emissions have gone on already. */
static void
executable_deactivate (HookrunPluginContext *context)
{
  Jobs *jobs = hookrun_plugin_context_get_loader_data (context);
  g_autoptr (GPtrArray) running = NULL;

  g_mutex_lock (&jobs->lock);
  running = g_steal_pointer (&jobs->cancellables);
  jobs->cancellables = g_ptr_array_new_with_free_func (g_object_unref);
  g_mutex_unlock (&jobs->lock);
  for (guint i = 0; i < running->len; i++)
    g_cancellable_cancel (g_ptr_array_index (running, i));
}

const HookrunLoader hookrun_loader_executable = {
    .name = "executable",
    .prepare = executable_prepare,
    .activate = executable_activate,
    .deactivate = executable_deactivate,
};
