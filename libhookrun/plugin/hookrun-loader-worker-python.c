/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plugins in Python: which program hosts them, manifests for those that bring none, and the options
 * that a plugin adds to a command line, which only its own code knows.
 */
#include "hookrun-bounds-private.h"
#include "hookrun-json-private.h"
#include "hookrun-loader-worker-private.h"
#include "hookrun-manifest-private.h"

#include <string.h>

#define DESCRIBE_TIMEOUT_MS 30000

/* HOOKRUN_PYTHON_WORKER is for trees that are not installed. */
static char *
worker_program (void)
{
  const char *path = g_getenv ("HOOKRUN_PYTHON_WORKER");

  return path != NULL && *path != '\0'
             ? g_strdup (path)
             : g_build_filename (HOOKRUN_PYTHON_DIR, "hookrun_worker", NULL);
}

gboolean
hookrun_worker_is_python_file (HookrunManifest *manifest)
{
  return manifest->file != NULL && g_str_has_suffix (manifest->file, ".py") &&
         g_strcmp0 (manifest->command[0], manifest->file) == 0 && manifest->command[1] == NULL;
}

static char **
python_argv (void)
{
  const char *python = g_getenv ("HOOKRUN_PYTHON");
  char **argv = g_new0 (char *, 3);

  argv[0] = g_strdup (python != NULL && *python != '\0' ? python : "python3");
  argv[1] = worker_program ();
  return argv;
}

char **
hookrun_worker_get_argv (HookrunManifest *manifest)
{
  if (manifest->kind == HOOKRUN_PLUGIN_NATIVE)
    return hookrun_worker_native_argv ();
  return hookrun_worker_is_python_file (manifest) ? python_argv () : g_strdupv (manifest->command);
}

/* It imports from the folder that its own lies in. */
char *
hookrun_worker_get_python_folder (HookrunManifest *manifest)
{
  g_auto (GStrv) argv = manifest->command != NULL ? hookrun_worker_get_argv (manifest) : NULL;
  g_autofree char *program = worker_program ();
  g_autofree char *absolute = NULL;

  if (manifest->kind != HOOKRUN_PLUGIN_WORKER || argv == NULL || argv[0] == NULL ||
      g_strcmp0 (argv[1], program) != 0)
    return NULL;
  absolute = g_canonicalize_filename (program, NULL);
  return g_path_get_dirname (absolute);
}

static void
add_string (JsonObject *object, const char *name, const char *value)
{
  if (value != NULL)
    json_object_set_string_member (object, name, value);
}

HookrunManifest *
hookrun_worker_python_manifest (const char *id, const char *file, GError **error)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  g_autofree char *folder = file != NULL ? g_path_get_dirname (file) : NULL;
  g_auto (GStrv) argv = python_argv ();
  JsonArray *command = json_array_new ();

  json_node_take_object (node, object);
  add_string (object, "id", id);
  add_string (object, "version", "0");
  add_string (object, "kind", "worker");
  add_string (object, "load", "at-start");
  add_string (object, "file", file);
  for (char **word = argv; *word != NULL; word++)
    json_array_add_string_element (command, *word);
  json_object_set_array_member (object, "command", command);
  return hookrun_manifest_new_from_json (node, file != NULL ? file : id, folder, error);
}

/* ---- options ---- */

static char *
compose_params (HookrunManifest *manifest, JsonNode *info)
{
  GString *text = g_string_new ("{\"plugin\":");
  g_autofree char *info_text = info != NULL ? hookrun_json_to_string (info) : g_strdup ("{}");

  hookrun_rpc_append_string (text, manifest->id);
  g_string_append (text, ",\"entry\":");
  hookrun_rpc_append_string (text, manifest->id);
  g_string_append (text, ",\"path\":");
  if (manifest->file != NULL)
    hookrun_rpc_append_string (text, manifest->file);
  else
    g_string_append (text, "null");
  g_string_append_printf (text, ",\"info\":%s}", info_text);
  return g_string_free (text, FALSE);
}

static JsonNode *
ask (HookrunManifest *manifest, JsonNode *info, HookrunBounds *bounds, GError **error)
{
  g_auto (GStrv) argv = hookrun_worker_get_argv (manifest);
  g_autoptr (HookrunWorker) worker =
      hookrun_worker_new (manifest->id, (const char *const *)argv, manifest->folder, NULL);
  g_autofree char *params = compose_params (manifest, info);
  g_autofree char *greeting =
      g_strdup_printf ("{\"protocol\":%d,\"host\":{\"name\":\"hookrun\",\"version\":\"%s\"}}",
                       HOOKRUN_WORKER_PROTOCOL, hookrun_get_version ());
  const WorkerCallSpec initialize = {"initialize", greeting, DESCRIBE_TIMEOUT_MS, NULL, NULL};
  const WorkerCallSpec describe = {"plugin.describe", params, DESCRIBE_TIMEOUT_MS, NULL, NULL};
  g_autoptr (JsonNode) hello = NULL;
  JsonNode *answer = NULL;

  if (bounds != NULL)
    hookrun_worker_set_sandbox (worker, bounds->sandbox);
  hello = hookrun_worker_call_full (worker, &initialize, error);
  if (hello != NULL)
    answer = hookrun_worker_call_full (worker, &describe, error);
  if (hello != NULL && hookrun_worker_is_running (worker))
    hookrun_worker_notify (worker, "shutdown", NULL, NULL);
  hookrun_worker_terminate (worker);
  hookrun_worker_wait (worker);
  return answer;
}

static JsonNode *
manifest_to_json (HookrunManifest *manifest, JsonNode *answer)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  JsonNode *options = hookrun_worker_get_member (answer, "options");
  const char *description = hookrun_worker_get_text (answer, "description");
  JsonArray *command = json_array_new ();

  json_node_take_object (node, object);
  add_string (object, "id", manifest->id);
  add_string (object, "version", manifest->version);
  add_string (object, "kind", "worker");
  add_string (object, "load", "at-start");
  add_string (object, "file", manifest->file);
  add_string (object, "description", description != NULL ? description : manifest->description);
  for (char **word = manifest->command; *word != NULL; word++)
    json_array_add_string_element (command, *word);
  json_object_set_array_member (object, "command", command);
  if (options != NULL)
    json_object_set_member (object, "options", json_node_ref (options));
  return node;
}

HookrunManifest *
hookrun_worker_describe (HookrunEngine *engine, HookrunManifest *manifest, JsonNode *info,
                         HookrunPluginPolicy *users, GError **error)
{
  const HookrunBoundsWish wish = {manifest, manifest->policy, users, info, NULL};
  g_autoptr (HookrunBounds) bounds = NULL;
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (JsonNode) node = NULL;
  HookrunManifest *described;

  if (hookrun_bounds_make (engine, &wish, &bounds, error))
    answer = ask (manifest, info, bounds, error);
  if (answer == NULL)
    return NULL;
  node = manifest_to_json (manifest, answer);
  described = hookrun_manifest_new_from_json (node, manifest->origin, manifest->folder, error);
  if (described == NULL)
    g_prefix_error (error, "the answer to \"plugin.describe\": ");
  return described;
}
