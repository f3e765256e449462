/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Native plugins with a policy: code that is mapped into this process could not be held by one, so
 * it runs in hookrun-native-worker, a small program that speaks the worker protocol.
 */
#include "hookrun-data-private.h"
#include "hookrun-json-private.h"
#include "hookrun-loader-worker-private.h"
#include "hookrun-plugin-private.h"
#include "hookrun-signal-private.h"

#include <dlfcn.h>
#include <string.h>

#define LIBRARY "libhookrun-1.so"

/* HOOKRUN_NATIVE_WORKER is for trees that are not installed. */
static char *
worker_program (void)
{
  const char *path = g_getenv ("HOOKRUN_NATIVE_WORKER");

  return path != NULL && *path != '\0'
             ? g_strdup (path)
             : g_build_filename (HOOKRUN_LIBEXECDIR, "hookrun-native-worker", NULL);
}

char **
hookrun_worker_native_argv (void)
{
  char **argv = g_new0 (char *, 2);

  argv[0] = worker_program ();
  return argv;
}

/* Where the library lies that the program needs, NULL where everybody finds it: beside the program
 * in a tree that is not installed, else where this process has mapped it from. */
static char *
library_folder (void)
{
  g_autofree char *program = worker_program ();
  g_autofree char *folder = g_path_get_dirname (program);
  g_autofree char *beside = g_build_filename (folder, LIBRARY ".0", NULL);
  g_autofree char *name = NULL;
  Dl_info info;

  if (g_file_test (beside, G_FILE_TEST_EXISTS))
    return g_canonicalize_filename (folder, NULL);
  if (dladdr ((gconstpointer)library_folder, &info) == 0 ||
      g_str_has_prefix (info.dli_fname, "/usr/"))
    return NULL;
  name = g_path_get_basename (info.dli_fname);
  return g_str_has_prefix (name, LIBRARY) ? g_path_get_dirname (info.dli_fname) : NULL;
}

char **
hookrun_worker_native_environment (void)
{
  g_autofree char *folder = library_folder ();
  char **environment = g_new0 (char *, 2);

  if (folder != NULL)
    environment[0] = g_strconcat ("LD_LIBRARY_PATH=", folder, NULL);
  return environment;
}

/* The folder, because the name by which the library is found is a link in it; to execute, because
 * code is mapped from there. */
gboolean
hookrun_worker_native_grant (HookrunPolicy *policy, GError **error)
{
  const HookrunAccess access = HOOKRUN_ACCESS_READ | HOOKRUN_ACCESS_EXECUTE;
  g_autofree char *program = worker_program ();
  g_autofree char *folder = library_folder ();

  if (!g_file_test (program, G_FILE_TEST_IS_EXECUTABLE)) {
    g_set_error (
        error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
        "\"%s\", which runs native plugins that have a policy, is not installed; programs of "
        "a build folder find what they need in \"meson devenv -C FOLDER\"",
        program);
    return FALSE;
  }
  return hookrun_policy_grant (policy, program, access, error) &&
         (folder == NULL || hookrun_policy_grant (policy, folder, access, error));
}

/* ---- what it has to know ---- */

static void
append_node (GString *text, const char *name, JsonNode *node)
{
  g_autofree char *json = hookrun_json_to_string (node);

  g_string_append_printf (text, ",\"%s\":%s", name, json);
}

static JsonNode *
describe_signals (HookrunRegistry *registry)
{
  g_auto (GStrv) names = hookrun_registry_list_signals (registry);
  JsonArray *array = json_array_new ();
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  for (char **name = names; *name != NULL; name++) {
    HookrunSignal *signal = hookrun_registry_lookup (registry, *name);

    if (signal != NULL)
      json_array_add_element (array, hookrun_signal_to_json (*name, signal->flags, signal->schema));
  }
  json_node_take_array (node, array);
  return node;
}

static JsonNode *
describe_handlers (HookrunManifest *manifest)
{
  JsonArray *array = json_array_new ();
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  for (guint i = 0; i < manifest->handlers->len; i++) {
    const HookrunManifestHandler *handler = g_ptr_array_index (manifest->handlers, i);
    JsonObject *object = json_object_new ();

    json_object_set_string_member (object, "signal", handler->signal);
    json_object_set_string_member (object, "id", handler->id);
    json_array_add_object_element (array, object);
  }
  json_node_take_array (node, array);
  return node;
}

void
hookrun_worker_native_append_params (GString *text, HookrunPluginContext *context)
{
  HookrunManifest *manifest = context->plugin->manifest;
  g_autoptr (JsonNode) signals = describe_signals (context->registry);
  g_autoptr (JsonNode) handlers = NULL;

  append_node (text, "signals", signals);
  if (!manifest->is_implied) {
    g_string_append (text, ",\"version\":");
    hookrun_rpc_append_string (text, manifest->version);
  }
  if (manifest->load != HOOKRUN_LOAD_ON_NEED || manifest->handlers->len == 0)
    return;
  handlers = describe_handlers (manifest);
  append_node (text, "handlers", handlers);
}
