/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What plugins outside the process may ask of a running deployment: run something at the target,
 * copy a file there, send a tree. Parameters are untrusted; each method is a row of the table at
 * the end.
 */
#include "hookrun-deployment-private.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hookrun-target-private.h"

/* ---- parameters ---- */

static JsonNode *
get_member (JsonNode *params, const char *name)
{
  if (params == NULL || !JSON_NODE_HOLDS_OBJECT (params))
    return NULL;
  return json_object_get_member (json_node_get_object (params), name);
}

static gboolean
wrong_type (const char *name, const char *type, GError **error)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "parameter \"%s\" must be %s", name,
               type);
  return FALSE;
}

/* @value stays as it is when the parameter is missing. */
static gboolean
read_string (JsonNode *params, const char *name, gboolean required, const char **value,
             GError **error)
{
  JsonNode *node = get_member (params, name);

  if (node == NULL || JSON_NODE_HOLDS_NULL (node)) {
    if (!required)
      return TRUE;
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "parameter \"%s\" is missing", name);
    return FALSE;
  }
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
    return wrong_type (name, "a string", error);
  *value = json_node_get_string (node);
  return TRUE;
}

static gboolean
read_boolean (JsonNode *params, const char *name, gboolean *value, GError **error)
{
  JsonNode *node = get_member (params, name);

  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    return wrong_type (name, "true or false", error);
  *value = json_node_get_boolean (node);
  return TRUE;
}

static gboolean
read_uint (JsonNode *params, const char *name, gint64 maximum, guint *value, GError **error)
{
  JsonNode *node = get_member (params, name);

  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_INT64 ||
      json_node_get_int (node) < 0 || json_node_get_int (node) > maximum)
    return wrong_type (name, "a whole number in its range", error);
  *value = (guint)json_node_get_int (node);
  return TRUE;
}

/* (transfer full) in @value; NULL when the parameter is missing. */
static gboolean
read_strv (JsonNode *params, const char *name, char ***value, GError **error)
{
  JsonNode *node = get_member (params, name);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  JsonArray *array;

  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (!JSON_NODE_HOLDS_ARRAY (node))
    return wrong_type (name, "a list of strings", error);
  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *element = json_array_get_element (array, i);

    if (!JSON_NODE_HOLDS_VALUE (element) || json_node_get_value_type (element) != G_TYPE_STRING)
      return wrong_type (name, "a list of strings", error);
    g_strv_builder_add (builder, json_node_get_string (element));
  }
  *value = g_strv_builder_end (builder);
  return TRUE;
}

/* ---- paths ---- */

static char *
local_path (DeployJob *job, const char *path)
{
  return g_path_is_absolute (path)
             ? g_strdup (path)
             : g_build_filename (hookrun_module_get_folder (job->module), path, NULL);
}

/* Where a relative path at the target starts: the folder that is being filled. */
static char *
remote_path (DeployJob *job, const char *path)
{
  const char *stage = hookrun_data_slot_get_string (job->data, SLOT_STAGEDIR);
  const char *base = stage != NULL && *stage != '\0'
                         ? stage
                         : hookrun_data_slot_get_string (job->data, SLOT_DESTPATH);

  return path != NULL && g_path_is_absolute (path) ? g_strdup (path)
                                                   : g_build_filename (base, path, NULL);
}

/* ---- methods ---- */

static void
add_text (JsonObject *object, const char *name, GBytes *bytes)
{
  g_autofree char *text =
      g_utf8_make_valid (g_bytes_get_data (bytes, NULL), (gssize)g_bytes_get_size (bytes));

  json_object_set_string_member (object, name, text);
}

static JsonNode *
run_result (const HookrunCommandResult *result)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  int status = result->status;

  json_object_set_int_member (object, "status",
                              WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status));
  add_text (object, "stdout", result->output);
  add_text (object, "stderr", result->errors);
  json_node_take_object (node, object);
  return node;
}

/* The shell's words for what a plugin asked for. */
static char *
compose_script (const char *const *argv, const char *script, gboolean sudo, GError **error)
{
  g_autoptr (GString) line = g_string_new (sudo ? "exec sudo -n --" : "exec");
  g_autofree char *quoted = NULL;

  if ((argv == NULL || *argv == NULL) == (script == NULL)) {
    g_set_error_literal (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                         "give either \"argv\" or \"script\"");
    return NULL;
  }
  if (script != NULL && !sudo)
    return g_strdup (script);
  if (script != NULL) {
    quoted = g_shell_quote (script);
    g_string_append_printf (line, " sh -c %s", quoted);
  } else {
    for (; *argv != NULL; argv++) {
      g_autofree char *word = g_shell_quote (*argv);

      g_string_append_printf (line, " %s", word);
    }
  }
  return g_string_free (g_steal_pointer (&line), FALSE);
}

static gboolean
run_line (DeployJob *job, const char *line, const char *input, guint timeout_ms,
          HookrunCommandResult *result, GCancellable *cancellable, GError **error)
{
  HookrunCommand command = {
      .command_line = line, .label = line, .stdin_fd = -1, .timeout_ms = timeout_ms};

  if (input != NULL) {
    command.stdin_fd = hookrun_target_open_memory (input, strlen (input), error);
    if (command.stdin_fd < 0)
      return FALSE;
  }
  return hookrun_target_run_command (job->deployment->target, &command, result, cancellable, error);
}

static JsonNode *
method_run (DeployJob *job, JsonNode *params, GCancellable *cancellable, GError **error)
{
  g_auto (GStrv) argv = NULL;
  const char *script = NULL;
  const char *input = NULL;
  gboolean check = TRUE;
  gboolean sudo = FALSE;
  guint timeout_ms = 0;
  g_autofree char *line = NULL;
  g_auto (HookrunCommandResult) result = {0};

  if (!read_strv (params, "argv", &argv, error) ||
      !read_string (params, "script", FALSE, &script, error) ||
      !read_string (params, "input", FALSE, &input, error) ||
      !read_boolean (params, "check", &check, error) ||
      !read_boolean (params, "sudo", &sudo, error) ||
      !read_uint (params, "timeout_ms", G_MAXINT, &timeout_ms, error))
    return NULL;
  line = compose_script ((const char *const *)argv, script, sudo, error);
  if (line == NULL || !run_line (job, line, input, timeout_ms, &result, cancellable, error))
    return NULL;
  if (check && !hookrun_target_check_status (job->deployment->target, line, result.status,
                                             result.errors, FALSE, error))
    return NULL;
  return run_result (&result);
}

static gboolean
copy_to_target (DeployJob *job, const char *local, const char *destination, guint mode,
                GCancellable *cancellable, GError **error)
{
  g_autofree char *remote = remote_path (job, destination);

  return hookrun_target_copy_file (job->deployment->target, local, remote, mode, cancellable,
                                   error);
}

static JsonNode *
method_copy (DeployJob *job, JsonNode *params, GCancellable *cancellable, GError **error)
{
  const char *source = NULL;
  const char *destination = NULL;
  guint mode = 0644;
  g_autofree char *local = NULL;

  if (!read_string (params, "source", TRUE, &source, error) ||
      !read_string (params, "destination", FALSE, &destination, error) ||
      !read_uint (params, "mode", 07777, &mode, error))
    return NULL;
  local = local_path (job, source);
  if (destination == NULL || g_str_has_suffix (destination, "/")) {
    g_autofree char *base = g_path_get_basename (local);
    g_autofree char *inside = g_build_filename (destination != NULL ? destination : "", base, NULL);

    return copy_to_target (job, local, inside, mode, cancellable, error)
               ? json_node_new (JSON_NODE_NULL)
               : NULL;
  }
  return copy_to_target (job, local, destination, mode, cancellable, error)
             ? json_node_new (JSON_NODE_NULL)
             : NULL;
}

static JsonNode *
method_copy_config (DeployJob *job, JsonNode *params, GCancellable *cancellable, GError **error)
{
  const char *config = hookrun_data_slot_get_string (job->data, SLOT_CONFIG);
  const char *file = NULL;
  const char *destination = NULL;
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;
  int fd;
  gboolean ok;

  if (!read_string (params, "file", TRUE, &file, error) ||
      !read_string (params, "destination", FALSE, &destination, error))
    return NULL;
  if (config == NULL || *config == '\0') {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "module \"%s\": \"%s\" is wanted from a configuration, but none was chosen; give "
                 "one with --config",
                 hookrun_module_get_name (job->module), file);
    return NULL;
  }
  fd = hookrun_module_open_config_file (job->module, config, file, error);
  if (fd < 0)
    return NULL;
  /* The file that was opened beneath the configuration's folder is the one that is sent. */
  path = g_strdup_printf ("/proc/self/fd/%d", fd);
  name = g_path_get_basename (file);
  if (destination != NULL && g_str_has_suffix (destination, "/")) {
    g_autofree char *inside = g_build_filename (destination, name, NULL);

    ok = copy_to_target (job, path, inside, 0644, cancellable, error);
  } else {
    ok = copy_to_target (job, path, destination != NULL ? destination : name, 0644, cancellable,
                         error);
  }
  close (fd);
  return ok ? json_node_new (JSON_NODE_NULL) : NULL;
}

static JsonNode *
method_rsync (DeployJob *job, JsonNode *params, GCancellable *cancellable, GError **error)
{
  const char *source = NULL;
  const char *destination = NULL;
  g_auto (GStrv) options = NULL;
  g_autofree char *local = NULL;
  g_autofree char *remote = NULL;
  g_autoptr (HookrunSync) sync = NULL;
  g_autoptr (HookrunSyncResult) result = NULL;

  if (!read_string (params, "source", TRUE, &source, error) ||
      !read_string (params, "destination", FALSE, &destination, error) ||
      !read_strv (params, "options", &options, error))
    return NULL;
  local = local_path (job, source);
  remote = remote_path (job, destination);
  sync = hookrun_sync_new ();
  hookrun_sync_set_delete (sync, FALSE);
  /* Nothing is known of the times of a plugin's files; "--no-checksum" in @options trusts them. */
  hookrun_sync_set_checksum (sync, TRUE);
  if (!hookrun_sync_set_rsync_options (sync, (const char *const *)options, error))
    return NULL;
  result = hookrun_sync_run (sync, job->deployment->target, local, remote, cancellable, error);
  return result != NULL ? json_node_new (JSON_NODE_NULL) : NULL;
}

/* ---- the table ---- */

typedef JsonNode *(*MethodFunc) (DeployJob *job, JsonNode *params, GCancellable *cancellable,
                                 GError **error);

typedef struct {
  const char *name;
  MethodFunc func;
} Method;

static const Method methods[] = {
    {"deploy.run", method_run},
    {"deploy.copy", method_copy},
    {"deploy.copy_config", method_copy_config},
    {"deploy.rsync", method_rsync},
};

typedef struct {
  HookrunDeployment *deployment; /* not owned: it owns the engine that owns this */
  const Method *method;
} Binding;

static JsonNode *
call_method (HookrunEngine *engine, HookrunPlugin *caller, HookrunEvent *event, JsonNode *params,
             gpointer user_data, GError **error)
{
  const Binding *binding = user_data;
  DeployJob *job = binding->deployment->job;

  if (job == NULL || binding->deployment->target == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "%s works only while a module is being deployed", binding->method->name);
    return NULL;
  }
  return binding->method->func (
      job, params, event != NULL ? hookrun_event_get_cancellable (event) : NULL, error);
}

void
hookrun_deployment_add_methods (HookrunDeployment *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (methods); i++) {
    Binding *binding = g_new (Binding, 1);

    binding->deployment = self;
    binding->method = &methods[i];
    hookrun_engine_add_method (self->engine, methods[i].name, call_method, binding, g_free);
  }
}
