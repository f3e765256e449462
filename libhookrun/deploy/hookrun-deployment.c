/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A deployment as its user sees it: what is to be deployed where, and the settings of it. The work
 * is in the files beside this one: plugins, jobs, steps and methods.
 */
#include "hookrun-deployment-private.h"

#include <string.h>

G_DEFINE_FINAL_TYPE (HookrunDeployment, hookrun_deployment, G_TYPE_OBJECT)

enum {
  SIGNAL_LOG,
  SIGNAL_PROGRESS,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

static void
hookrun_deployment_finalize (GObject *object)
{
  HookrunDeployment *self = HOOKRUN_DEPLOYMENT (object);

  if (self->question_destroy != NULL)
    self->question_destroy (self->question_data);
  if (self->engine != NULL)
    hookrun_engine_deactivate_all (self->engine);
  g_clear_object (&self->engine);
  g_clear_pointer (&self->schema, hookrun_schema_unref);
  g_clear_object (&self->registry);
  g_clear_object (&self->target);
  g_clear_pointer (&self->results, json_array_unref);
  g_clear_pointer (&self->arguments, json_node_unref);
  g_strfreev (self->modules);
  g_strfreev (self->force);
  g_free (self->config);
  g_free (self->release);
  g_free (self->host);
  g_clear_object (&self->project);
  G_OBJECT_CLASS (hookrun_deployment_parent_class)->finalize (object);
}

static void
hookrun_deployment_class_init (HookrunDeploymentClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = hookrun_deployment_finalize;

  /**
   * HookrunDeployment::log:
   * @self: the deployment
   * @origin: the plugin or module that speaks
   * @level: weight of the line
   * @text: one line
   *
   * A plugin, or the deployment itself, has something to say. Emitted in the thread that deploys.
   *
   * Since: 1.0
   */
  signals[SIGNAL_LOG] =
      g_signal_new ("log", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                    G_TYPE_NONE, 3, G_TYPE_STRING, HOOKRUN_TYPE_LOG_LEVEL, G_TYPE_STRING);

  /**
   * HookrunDeployment::progress:
   * @self: the deployment
   * @module: name of the module
   * @step: name of the step
   * @state: `begin`, `done`, `failed`, `undo`, `undone` or `undo-failed`
   * @detail: (nullable): more about it
   *
   * A step begins or has ended. Emitted in the thread that deploys.
   *
   * Since: 1.0
   */
  signals[SIGNAL_PROGRESS] =
      g_signal_new ("progress", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                    G_TYPE_NONE, 4, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING);
}

static void
hookrun_deployment_init (HookrunDeployment *self)
{
  self->registry = hookrun_registry_new ();
  self->engine = hookrun_engine_new (self->registry);
  self->config = g_strdup ("");
  self->release = g_strdup ("stable");
  self->results = json_array_new ();
}

static void
on_engine_log (HookrunEngine *engine, HookrunPlugin *plugin, HookrunLogLevel level,
               const char *text, HookrunDeployment *self)
{
  hookrun_deployment_log (self, plugin != NULL ? hookrun_plugin_get_id (plugin) : "hookrun", level,
                          text);
}

/**
 * hookrun_deployment_new:
 * @project: the project
 * @host: alias of a host of the project
 * @error: return location for an error
 *
 * Makes a deployment of @project to @host. Nothing is connected yet. One thread at a time may use
 * it.
 *
 * Returns: (transfer full): the deployment; %NULL with %HOOKRUN_ERROR_NOT_FOUND for an unknown
 *   @host, naming the valid ones, or %HOOKRUN_ERROR_INVALID for a malformed address
 *
 * Since: 1.0
 */
HookrunDeployment *
hookrun_deployment_new (HookrunProject *project, const char *host, GError **error)
{
  const char *spec = hookrun_project_lookup_host (project, host, error);
  g_autoptr (HookrunDeployment) self = NULL;
  g_autofree char *state = NULL;

  if (spec == NULL)
    return NULL;
  self = g_object_new (HOOKRUN_TYPE_DEPLOYMENT, NULL);
  self->project = g_object_ref (project);
  self->host = g_strdup (host);
  self->spec = spec;
  self->schema = hookrun_deployment_define_signals (self->registry, error);
  if (self->schema == NULL)
    return NULL;
  g_signal_connect_object (self->engine, "log", G_CALLBACK (on_engine_log), self, 0);
  state = g_build_filename (hookrun_project_get_folder (project), ".hookrun", "plugins", NULL);
  hookrun_engine_set_state_folder (self->engine, state);
  hookrun_deployment_add_methods (self);
  return g_steal_pointer (&self);
}

/**
 * hookrun_deployment_set_modules:
 * @self: a deployment
 * @modules: (nullable) (array zero-terminated=1): names; %NULL is what the project depends on
 *
 * Sets which modules are deployed; what they depend on comes along.
 *
 * Since: 1.0
 */
void
hookrun_deployment_set_modules (HookrunDeployment *self, const char *const *modules)
{
  g_strfreev (self->modules);
  self->modules = g_strdupv ((char **)modules);
}

/**
 * hookrun_deployment_set_config:
 * @self: a deployment
 * @config: (nullable): name of a folder in `config/` of each module; %NULL or empty is none
 *
 * Sets the configuration that is deployed.
 *
 * Since: 1.0
 */
void
hookrun_deployment_set_config (HookrunDeployment *self, const char *config)
{
  g_free (self->config);
  self->config = g_strdup (config != NULL ? config : "");
}

/**
 * hookrun_deployment_set_release:
 * @self: a deployment
 * @release: name of the release, as in `[release:NAME]`; `stable` at first
 *
 * Sets the release that is deployed.
 *
 * Since: 1.0
 */
void
hookrun_deployment_set_release (HookrunDeployment *self, const char *release)
{
  g_free (self->release);
  self->release = g_strdup (release);
}

/**
 * hookrun_deployment_set_force:
 * @self: a deployment
 * @modules: (nullable) (array zero-terminated=1): names; `*` is every module
 *
 * Sets which modules are deployed although their version is live already.
 *
 * Since: 1.0
 */
void
hookrun_deployment_set_force (HookrunDeployment *self, const char *const *modules)
{
  g_strfreev (self->force);
  self->force = g_strdupv ((char **)modules);
}

/**
 * hookrun_deployment_set_arguments:
 * @self: a deployment
 * @arguments: (nullable): a JSON object
 *
 * Sets the values of the options that plugins added to the command line. Set them before the
 * plugins are loaded.
 *
 * Since: 1.0
 */
void
hookrun_deployment_set_arguments (HookrunDeployment *self, JsonNode *arguments)
{
  g_clear_pointer (&self->arguments, json_node_unref);
  self->arguments = arguments != NULL ? json_node_copy (arguments) : NULL;
}

/**
 * hookrun_deployment_set_question:
 * @self: a deployment
 * @question: (nullable) (scope notified) (closure user_data) (destroy destroy): asks a person
 * @user_data: passed to @question
 * @destroy: (nullable): releases @user_data
 *
 * Sets who is asked about unknown host keys and passphrases. Without it they are refused. It is
 * called in the thread that deploys.
 *
 * Since: 1.0
 */
void
hookrun_deployment_set_question (HookrunDeployment *self, HookrunTargetQuestion question,
                                 gpointer user_data, GDestroyNotify destroy)
{
  if (self->question_destroy != NULL)
    self->question_destroy (self->question_data);
  self->question = question;
  self->question_data = user_data;
  self->question_destroy = destroy;
}

/**
 * hookrun_deployment_get_registry:
 * @self: a deployment
 *
 * Gets the registry with the signals of the deployment, to connect handlers of a program's own.
 *
 * Returns: (transfer none): the registry
 *
 * Since: 1.0
 */
HookrunRegistry *
hookrun_deployment_get_registry (HookrunDeployment *self)
{
  return self->registry;
}

/**
 * hookrun_deployment_get_engine:
 * @self: a deployment
 *
 * Gets the engine with the plugins of the deployment, to add search paths or plugins of a
 * program's own before they are loaded.
 *
 * Returns: (transfer none): the engine
 *
 * Since: 1.0
 */
HookrunEngine *
hookrun_deployment_get_engine (HookrunDeployment *self)
{
  return self->engine;
}

/**
 * hookrun_deployment_get_results:
 * @self: a deployment
 *
 * Gets what became of each module in the last run, resume or rollback, also of one that failed: a
 * JSON array of objects with `module`, `host`, `state` (`deployed`, `unchanged`, `rolled-back`,
 * `failed`, `incomplete`), `version`, `previous_version`, `error` where there is one, and, where a
 * run that had not ended was put right first, `earlier_run` (`finished`, `taken-back`). A module
 * without an unfinished run is `unchanged`, without versions, after a resume or rollback.
 *
 * Returns: (transfer full): a JSON array
 *
 * Since: 1.0
 */
JsonNode *
hookrun_deployment_get_results (HookrunDeployment *self)
{
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  json_node_set_array (node, self->results);
  return node;
}

/* A module without the section takes the default branch, but a name that no module knows is a slip
 * of the pen. */
static gboolean
check_release (HookrunDeployment *self, GPtrArray *order, GError **error)
{
  if (g_str_equal (self->release, "stable"))
    return TRUE;
  for (guint i = 0; i < order->len; i++)
    if (g_strv_contains (hookrun_module_get_releases (order->pdata[i]), self->release))
      return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "no module has a release \"%s\"; write a section [release:%s], or correct the name",
               self->release, self->release);
  return FALSE;
}

static gboolean
check_config (HookrunDeployment *self, GPtrArray *order, GError **error)
{
  gboolean is_name = strchr (self->config, '/') == NULL && self->config[0] != '.';

  if (*self->config == '\0')
    return TRUE;
  for (guint i = 0; is_name && i < order->len; i++) {
    g_autofree char *folder = g_build_filename (hookrun_module_get_folder (order->pdata[i]),
                                                "config", self->config, NULL);

    if (g_file_test (folder, G_FILE_TEST_IS_DIR))
      return TRUE;
  }
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "no module has a configuration \"%s\"; make the folder config/%s in a module, or "
               "correct the name",
               self->config, is_name ? self->config : "NAME");
  return FALSE;
}

/* Names that the user typed: a wrong one is wrong usage. */
static gboolean
check_names (HookrunDeployment *self, char **names, GError **error)
{
  g_autoptr (GError) problem = NULL;

  for (; names != NULL && *names != NULL; names++) {
    if (g_str_equal (*names, "*") ||
        hookrun_project_lookup_module (self->project, *names, &problem) != NULL)
      continue;
    g_set_error_literal (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, problem->message);
    return FALSE;
  }
  return TRUE;
}

static gboolean
check_destinations (HookrunDeployment *self, GPtrArray *order, GError **error)
{
  for (guint i = 0; i < order->len; i++) {
    HookrunModule *module = order->pdata[i];

    if (hookrun_module_get_destination (module, self->host) != NULL)
      continue;
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "module \"%s\": %s has no \"path\" under [module]; write where it goes at the "
                 "host, for example path = /srv/%s",
                 hookrun_module_get_name (module), hookrun_module_get_path (module),
                 hookrun_module_get_name (module));
    return FALSE;
  }
  return TRUE;
}

GPtrArray *
hookrun_deployment_get_order (HookrunDeployment *self, GError **error)
{
  g_autoptr (GPtrArray) order = NULL;

  if (!check_names (self, self->modules, error) || !check_names (self, self->force, error))
    return NULL;
  order = hookrun_project_get_order (self->project, (const char *const *)self->modules, error);
  if (order == NULL || !check_release (self, order, error) || !check_config (self, order, error) ||
      !check_destinations (self, order, error))
    return NULL;
  return g_steal_pointer (&order);
}

gboolean
hookrun_deployment_is_forced (HookrunDeployment *self, HookrunModule *module)
{
  if (self->force == NULL)
    return FALSE;
  return g_strv_contains ((const char *const *)self->force, "*") ||
         g_strv_contains ((const char *const *)self->force, hookrun_module_get_name (module));
}

void
hookrun_deployment_log (HookrunDeployment *self, const char *origin, HookrunLogLevel level,
                        const char *text)
{
  g_signal_emit (self, signals[SIGNAL_LOG], 0, origin, level, text);
}

void
hookrun_deployment_progress (HookrunDeployment *self, DeployJob *job, const char *step,
                             const char *state, const char *detail)
{
  g_signal_emit (self, signals[SIGNAL_PROGRESS], 0, hookrun_module_get_name (job->module), step,
                 state, detail);
}
