/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs the program of an operation: the policy that confines it, its environment, and the calls it
 * makes over its control channel.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "hookrun-confined-run-private.h"
#include "hookrun-file-private.h"
#include "hookrun-json-private.h"
#include "hookrun-module-hosts-private.h"
#include "hookrun-operation-run-private.h"

/* What fits into one variable beside others. */
#define MAX_ARGUMENTS (64 * 1024)
#define STAGING_FOLDER ".staging"
#define STAGE_FOLDER "stage"

/* What holds where neither the user nor the module's request says otherwise. */
static const guint64 default_limits[HOOKRUN_N_LIMITS] = {
    [HOOKRUN_LIMIT_WALL] = 10 * 60 * 1000,
    [HOOKRUN_LIMIT_CPU] = 10 * 60 * 1000,
    [HOOKRUN_LIMIT_MEMORY] = 1024ull * 1024 * 1024,
    [HOOKRUN_LIMIT_PROCESSES] = 64,
    [HOOKRUN_LIMIT_FILE_SIZE] = 512ull * 1024 * 1024,
    [HOOKRUN_LIMIT_DISK] = 1024ull * 1024 * 1024,
    [HOOKRUN_LIMIT_DESCRIPTORS] = 256,
};

/* ---- the policy ---- */

/* What was granted counts only while the module asks for the same. */
static gboolean
add_grant (HookrunPolicy *policy, HookrunOperationSet *set, HookrunModuleState *state,
           GError **error)
{
  g_autoptr (HookrunPolicy) granted = NULL;
  g_autoptr (GError) problem = NULL;
  g_autofree char *words = NULL;

  if (set->request == NULL)
    return TRUE;
  granted = hookrun_module_state_get_grant (state, &problem);
  if (granted != NULL && hookrun_policy_equal (granted, set->request)) {
    hookrun_policy_add (policy, granted);
    return TRUE;
  }
  words = hookrun_policy_describe (set->request);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION,
               "module \"%s\" asks for more than its own folders, which was not granted; grant it "
               "with: hookrun-module policy %s --grant\n%s",
               set->name, set->name, words);
  return FALSE;
}

static gboolean
grant_own (HookrunPolicy *policy, HookrunOperationSet *set, HookrunModuleState *state,
           GError **error)
{
  HookrunAccess file = HOOKRUN_ACCESS_READ;
  g_autofree char *path = hookrun_module_hosts_path ();
  g_autofree char *stage =
      g_build_filename (hookrun_module_state_get_folder (state), STAGE_FOLDER, NULL);

  if (set->kind == HOOKRUN_OPERATION_EXECUTABLE)
    file |= HOOKRUN_ACCESS_EXECUTE;
  return hookrun_policy_set_variable (policy, "PATH", path, error) &&
         hookrun_policy_pass_variable (policy, "HOME", error) &&
         hookrun_module_hosts_grant (policy, set->kind, error) &&
         hookrun_policy_grant (policy, set->file, file, error) &&
         hookrun_policy_grant (policy, stage, HOOKRUN_ACCESS_READ | HOOKRUN_ACCESS_WRITE, error) &&
         hookrun_policy_grant (policy, hookrun_module_state_get_root (state), HOOKRUN_ACCESS_ALL,
                               error) &&
         hookrun_policy_grant (policy, hookrun_module_state_get_cache (state), HOOKRUN_ACCESS_ALL,
                               error) &&
         hookrun_policy_grant (policy, hookrun_module_state_get_temp (state), HOOKRUN_ACCESS_ALL,
                               error);
}

static void
set_default_limits (HookrunPolicy *policy)
{
  for (guint i = 1; i < HOOKRUN_N_LIMITS; i++)
    if (hookrun_policy_get_limit (policy, (HookrunLimit)i) == 0)
      hookrun_policy_set_limit (policy, (HookrunLimit)i, default_limits[i]);
}

/* @trial: (nullable): in place of what was granted. */
static HookrunPolicy *
make_policy (HookrunModulePath *path, HookrunOperationSet *set, HookrunPolicy *trial,
             GError **error)
{
  g_autoptr (HookrunPolicy) policy = hookrun_policy_new_base ();
  g_autoptr (HookrunModuleState) state = hookrun_module_path_get_state (path, set->name);

  if (!grant_own (policy, set, state, error))
    return NULL;
  if (trial != NULL)
    hookrun_policy_add (policy, trial);
  else if (!add_grant (policy, set, state, error))
    return NULL;
  set_default_limits (policy);
  /* Whatever a trial may write to would be counted, and that may be all there is. */
  if (trial != NULL)
    hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_DISK, 0);
  return g_steal_pointer (&policy);
}

/**
 * hookrun_module_path_make_policy:
 * @self: a module path
 * @set: a module
 * @error: return location for an error
 *
 * Makes the policy that operations of a module run under: its own folders, what its host needs to
 * start, and what the module asks for as far as the user has granted it.
 *
 * Returns: (transfer full) (nullable): the policy; %NULL with %HOOKRUN_ERROR_PERMISSION when the
 *   module asks for what was not granted
 *
 * Since: 1.0
 */
HookrunPolicy *
hookrun_module_path_make_policy (HookrunModulePath *self, HookrunOperationSet *set, GError **error)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE_PATH (self) && HOOKRUN_IS_OPERATION_SET (set), NULL);
  return make_policy (self, set, NULL, error);
}

/**
 * hookrun_module_path_open_staging:
 * @self: a module path
 * @error: return location for an error
 *
 * Opens the staged changes of all modules: the pending ones, and those that were applied and can be
 * undone.
 *
 * Returns: (transfer full) (nullable): the staging; %NULL with the errors of
 *   [ctor@Hookrun.Staging.new]
 *
 * Since: 1.0
 */
HookrunStaging *
hookrun_module_path_open_staging (HookrunModulePath *self, GError **error)
{
  g_autofree char *folder = NULL;

  g_return_val_if_fail (HOOKRUN_IS_MODULE_PATH (self), NULL);
  folder = g_build_filename (self->state_folder, STAGING_FOLDER, NULL);
  if (!hookrun_file_make_folders (self->state_folder, error))
    return NULL;
  return hookrun_staging_new (folder, error);
}

/* ---- its calls ---- */

static const char *
param_text (JsonNode *params, const char *name)
{
  return params != NULL && JSON_NODE_HOLDS_OBJECT (params)
             ? json_object_get_string_member_with_default (json_node_get_object (params), name,
                                                           NULL)
             : NULL;
}

/* hookrun's own state is no file of the user's: grants and locks lie there. Links on the way are
 * followed; those that the module could make, the stage refuses. */
static gboolean
check_target (HookrunOperationRun *self, const char *path, GError **error)
{
  const char *const own[] = {self->path->state_folder, self->path->cache_folder};
  g_autofree char *clean = g_canonicalize_filename (path, "/");
  g_autofree char *folder = g_path_get_dirname (clean);
  char *real = realpath (folder, NULL);
  gboolean ok = TRUE;

  for (gsize i = 0; ok && i < G_N_ELEMENTS (own); i++) {
    char *real_own = realpath (own[i], NULL);
    const char *below = real != NULL && real_own != NULL && g_str_has_prefix (real, real_own)
                            ? real + strlen (real_own)
                            : NULL;

    ok = below == NULL || (*below != '\0' && *below != '/');
    free (real_own);
  }
  free (real);
  if (!ok)
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION,
                 "\"%s\" is in the state of hookrun; no module may change that", path);
  return ok;
}

static JsonNode *
call_create_file (HookrunOperationRun *self, JsonNode *params, GError **error)
{
  const char *path = param_text (params, "path");
  g_autofree char *staged = NULL;
  JsonNode *answer;

  if (path == NULL || !g_path_is_absolute (path)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "create_file needs \"path\", an absolute path");
    return NULL;
  }
  if (!check_target (self, path, error))
    return NULL;
  staged = hookrun_stage_declare (self->stage, path, error);
  if (staged == NULL)
    return NULL;
  answer = json_node_new (JSON_NODE_OBJECT);
  json_node_take_object (answer, json_object_new ());
  json_object_set_string_member (json_node_get_object (answer), "path", staged);
  return answer;
}

/* A module in C tells how far it has come. */
static JsonNode *
call_stage (HookrunOperationRun *self, JsonNode *params, GError **error)
{
  static const char *const known[] = {"opening", "checking", "running", "ending", NULL};
  const char *stage = param_text (params, "stage");

  if (stage != NULL && g_strv_contains (known, stage)) {
    g_free (self->doing);
    self->doing = g_strdup (stage);
  }
  return NULL;
}

static const struct {
  const char *method;
  JsonNode *(*call) (HookrunOperationRun *self, JsonNode *params, GError **error);
} calls[] = {
    {"create_file", call_create_file},
    {"stage", call_stage},
};

static JsonNode *
on_call (const char *method, JsonNode *params, gpointer user_data, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (calls); i++)
    if (g_str_equal (calls[i].method, method))
      return calls[i].call (user_data, params, error);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND, "there is no call \"%s\"", method);
  return NULL;
}

static void
on_line (gboolean is_error, const char *line, gpointer user_data)
{
  g_signal_emit_by_name (user_data, "output", is_error, line);
}

/* ---- running it ---- */

static gboolean
open_stage (HookrunOperationRun *self, GError **error)
{
  g_autofree char *folder =
      g_build_filename (hookrun_module_state_get_folder (self->state), STAGE_FOLDER, NULL);

  self->staging = hookrun_module_path_open_staging (self->path, error);
  if (self->staging == NULL || !hookrun_file_remove_tree_at (AT_FDCWD, folder, error) ||
      !hookrun_file_make_folders (folder, error))
    return FALSE;
  self->stage = hookrun_stage_new (self->staging, self->set->name, folder, error);
  return self->stage != NULL;
}

/* The program could put links into every folder that it can write to. */
static gboolean
distrust_writable (HookrunOperationRun *self, HookrunPolicy *policy, GError **error)
{
  g_auto (GStrv) paths = hookrun_policy_list_paths (policy, HOOKRUN_ACCESS_WRITE);

  for (char **path = paths; *path != NULL; path++)
    if (g_file_test (*path, G_FILE_TEST_IS_DIR) &&
        !hookrun_stage_add_distrusted (self->stage, *path, error))
      return FALSE;
  return TRUE;
}

static HookrunLaunch *
make_launch (HookrunOperationRun *self, JsonNode *arguments, const char *text)
{
  g_auto (GStrv) argv = hookrun_module_hosts_do (self->set, self->operation, arguments);
  HookrunLaunch *launch = hookrun_launch_new ((const char *const *)argv);
  const struct {
    const char *name;
    const char *value;
  } variables[] = {
      {"ROOT", hookrun_module_state_get_root (self->state)},
      {"CACHE", hookrun_module_state_get_cache (self->state)},
      {"TEMP", hookrun_module_state_get_temp (self->state)},
      {"TMPDIR", hookrun_module_state_get_temp (self->state)},
      {"VERSION", hookrun_data_slot_get_string (self->data, SLOT_VERSION)},
      {"HOOKRUN_MODULE", self->set->name},
      {"HOOKRUN_OPERATION", hookrun_operation_get_name (self->operation)},
      {"HOOKRUN_ARGUMENTS", text},
      {"HOOKRUN_CONTROL_FD", G_STRINGIFY (HOOKRUN_CONTROL_FD)},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (variables); i++)
    hookrun_launch_set_variable (launch, variables[i].name, variables[i].value);
  hookrun_launch_set_folder (launch, hookrun_module_state_get_root (self->state));
  return launch;
}

static gboolean
observe (HookrunOperationRun *self, HookrunLaunch *launch, GError **error)
{
  g_autoptr (HookrunPolicy) nothing = hookrun_policy_new ();
  g_autoptr (HookrunPolicy) own = NULL;

  if (self->measures) {
    own = make_policy (self->path, self->set, nothing, error);
    if (own == NULL)
      return FALSE;
  }
  hookrun_launch_observe (launch, own);
  return TRUE;
}

static gboolean
run_launch (HookrunOperationRun *self, HookrunSandbox *sandbox, HookrunLaunch *launch,
            GError **error)
{
  g_autofree char *what = g_strdup_printf ("module \"%s\", operation \"%s\"", self->set->name,
                                           hookrun_operation_get_name (self->operation));
  g_auto (HookrunConfinedResult) result = {0};
  const HookrunConfinedSpec spec = {
      .sandbox = sandbox,
      .launch = launch,
      .what = what,
      .line = on_line,
      .call = on_call,
      .user_data = self,
  };
  gboolean ok = hookrun_confined_run (&spec, &result, self->cancellable, error);

  self->outcome = g_steal_pointer (&result.outcome);
  self->denials = g_steal_pointer (&result.denials);
  if (!ok)
    return FALSE;
  result.outcome = self->outcome;
  ok = hookrun_confined_result_check (&result, what, self->doing, error);
  result.outcome = NULL;
  return ok;
}

/* As text, with null for each option that was not given. */
static char *
complete_arguments (HookrunOperation *operation, JsonNode *arguments)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  const char *const *option = hookrun_operation_get_options (operation);
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_node_take_object (node, object);
  for (; *option != NULL; option++)
    json_object_set_null_member (object, *option);
  json_object_iter_init (&iter, json_node_get_object (arguments));
  while (json_object_iter_next (&iter, &name, &value))
    json_object_set_member (object, name, json_node_copy (value));
  return hookrun_json_to_string (node);
}

gboolean
hookrun_operation_run_program (HookrunOperationRun *self, GError **error)
{
  JsonNode *arguments = hookrun_data_slot_get_json (self->data, SLOT_ARGUMENTS);
  g_autoptr (HookrunPolicy) policy = NULL;
  g_autoptr (HookrunSandbox) sandbox = NULL;
  g_autoptr (HookrunLaunch) launch = NULL;
  g_autofree char *text = NULL;

  /* A handler may have changed them. */
  if (!hookrun_operation_check (self->operation, arguments, error))
    return FALSE;
  text = complete_arguments (self->operation, arguments);
  if (strlen (text) > MAX_ARGUMENTS) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                 "the arguments of an operation may have %d bytes at most", MAX_ARGUMENTS);
    return FALSE;
  }
  if (!open_stage (self, error))
    return FALSE;
  policy = make_policy (self->path, self->set, self->trial, error);
  if (policy == NULL || !distrust_writable (self, policy, error))
    return FALSE;
  sandbox = hookrun_sandbox_new (policy);
  launch = make_launch (self, arguments, text);
  if (self->is_observed && !observe (self, launch, error))
    return FALSE;
  return run_launch (self, sandbox, launch, error);
}
