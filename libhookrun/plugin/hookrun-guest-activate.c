/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Activating a native plugin in the guest: it is opened and checked as in a host, connects through
 * the same context, and what it connected is told to the host, which puts it into place.
 */
#include "hookrun-engine-private.h"
#include "hookrun-guest-private.h"
#include "hookrun-json-private.h"
#include "hookrun-loader-worker-private.h"

#include <string.h>

/* ---- code ---- */

void
hookrun_guest_module_free (gpointer data)
{
  GuestModule *self = data;

  hookrun_native_module_unref (self->module);
  g_free (self->path);
  g_free (self);
}

static const HookrunNativeModule *
find_module (Guest *self, const char *path)
{
  for (guint i = 0; i < self->modules->len; i++) {
    const GuestModule *module = g_ptr_array_index (self->modules, i);

    if (g_str_equal (module->path, path))
      return module->module;
  }
  return NULL;
}

static const HookrunNativeModule *
open_module (Guest *self, const char *path, GError **error)
{
  const HookrunNativeModule *known = find_module (self, path);
  HookrunNativeModule *opened;
  GuestModule *module;

  if (known != NULL)
    return known;
  hookrun_guest_tell_stage (self, "opening its code, whose constructors run then");
  opened = hookrun_native_module_open_unchecked (path, error);
  if (opened == NULL)
    return NULL;
  module = g_new (GuestModule, 1);
  module->path = g_strdup (path);
  module->module = opened;
  g_ptr_array_add (self->modules, module);
  return opened;
}

static gboolean
check_descriptor (const HookrunPluginDescriptor *descriptor, JsonNode *params, GError **error)
{
  const char *id = hookrun_worker_get_text (params, "plugin");
  const char *version = hookrun_worker_get_text (params, "version");

  if (version == NULL ||
      (g_strcmp0 (descriptor->id, id) == 0 && g_str_equal (descriptor->version, version)))
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
               "\"%s\" is plugin \"%s\" %s, but its manifest says \"%s\" %s; install both anew",
               hookrun_worker_get_text (params, "path"), descriptor->id, descriptor->version,
               id != NULL ? id : "", version);
  return FALSE;
}

/* ---- handlers ---- */

static void
guest_handler_free (gpointer data)
{
  GuestHandler *self = data;

  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_free (self->name);
  g_free (self->signal);
  g_free (self->id);
  g_free (self);
}

static void
unref_handler (gpointer data)
{
  hookrun_handler_unref (((GuestHandler *)data)->handler);
}

static GuestHandler *
add_handler (GuestActivation *self, const char *signal, const char *id, HookrunHandlerFunc func,
             gpointer user_data, GDestroyNotify destroy)
{
  GuestHandler *handler = g_new0 (GuestHandler, 1);

  handler->guest = self->guest;
  handler->name = g_strdup_printf ("#%u", ++self->last_handler);
  handler->signal = g_strdup (signal);
  handler->id = g_strdup (id);
  handler->func = func;
  handler->user_data = user_data;
  handler->destroy = destroy;
  handler->handler = hookrun_handler_new (NULL, NULL, id, NULL, hookrun_guest_run_handler, handler,
                                          guest_handler_free);
  g_ptr_array_add (self->handlers, handler);
  return handler;
}

/* The host calls handlers that the manifest names by their ids. */
GuestHandler *
hookrun_guest_find_handler (GuestActivation *self, const char *signal, const char *name)
{
  for (guint i = 0; i < self->handlers->len; i++) {
    GuestHandler *handler = g_ptr_array_index (self->handlers, i);

    if (g_str_equal (handler->signal, signal) &&
        (g_str_equal (handler->name, name) || g_str_equal (handler->id, name)))
      return handler;
  }
  return NULL;
}

static void
set_names (JsonObject *object, const char *name, const char *const *names)
{
  JsonArray *array;

  if (names == NULL || *names == NULL)
    return;
  array = json_array_new ();
  for (; *names != NULL; names++)
    json_array_add_string_element (array, *names);
  json_object_set_array_member (object, name, array);
}

static JsonObject *
describe_handler (const GuestHandler *handler, const HookrunHandlerOptions *options)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "signal", handler->signal);
  json_object_set_string_member (object, "handler", handler->name);
  json_object_set_string_member (object, "id", handler->id);
  if (options == NULL)
    return object;
  set_names (object, "before", options->before);
  set_names (object, "after", options->after);
  if (options->replaces != NULL)
    json_object_set_string_member (object, "replaces", options->replaces);
  if (options->subject == NULL)
    json_object_set_boolean_member (object, "all_subjects", TRUE);
  else
    json_object_set_string_member (object, "subject", options->subject);
  json_object_set_int_member (object, "priority", options->priority);
  json_object_set_int_member (object, "timeout_ms", options->timeout_ms);
  json_object_set_boolean_member (object, "default", options->is_default);
  return object;
}

/* What connects after its activation asks the host at once. */
static gboolean
connect_live (HookrunPluginContext *context, const char *signal, const char *id,
              const HookrunHandlerOptions *options, HookrunHandlerFunc func, gpointer user_data,
              GDestroyNotify destroy, GError **error)
{
  GuestActivation *self = hookrun_plugin_context_get_loader_data (context);
  HookrunHandlerOptions placed = options != NULL ? *options : (HookrunHandlerOptions){0};
  GuestHandler *handler;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (JsonNode) answer = NULL;
  g_autofree char *params = NULL;
  JsonObject *object;

  if (placed.subject == NULL)
    placed.subject = context->subject;
  else if (g_str_equal (placed.subject, HOOKRUN_ANY_SUBJECT))
    placed.subject = NULL;
  handler = add_handler (self, signal, id != NULL ? id : context->plugin->manifest->id, func,
                         user_data, destroy);
  object = describe_handler (handler, &placed);
  json_object_set_int_member (object, "activation", self->number);
  node = json_node_new (JSON_NODE_OBJECT);
  json_node_take_object (node, object);
  params = hookrun_json_to_string (node);
  answer = hookrun_guest_ask (self->guest, hookrun_guest_get_open_call (self->guest),
                              "handler.connect", params, error);
  if (answer == NULL)
    g_ptr_array_remove (self->handlers, handler);
  return answer != NULL;
}

/* ---- the answer ---- */

static void
take_staged (GuestActivation *self, JsonArray *descriptions)
{
  GPtrArray *staged_handlers = self->context->handlers;

  for (guint i = 0; i < staged_handlers->len; i++) {
    HookrunStagedHandler *staged = g_ptr_array_index (staged_handlers, i);
    GuestHandler *handler = add_handler (self, staged->signal, staged->id, staged->func,
                                         staged->user_data, g_steal_pointer (&staged->destroy));

    json_array_add_object_element (descriptions, describe_handler (handler, &staged->options));
  }
}

static gboolean
check_fields (const HookrunStagedSignal *staged, GError **error)
{
  for (guint i = 0; i < hookrun_schema_get_n_fields (staged->schema); i++) {
    const HookrunField *field = hookrun_schema_get_field (staged->schema, i);

    if (field->type != HOOKRUN_FIELD_OBJECT)
      continue;
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED,
                 "signal \"%s\", field \"%s\": an object does not leave its process; a plugin that "
                 "is confined cannot define such a field",
                 staged->name, field->name);
    return FALSE;
  }
  return TRUE;
}

static gboolean
take_definitions (GuestActivation *self, JsonArray *descriptions, GError **error)
{
  GPtrArray *definitions = self->context->definitions;

  for (guint i = 0; definitions != NULL && i < definitions->len; i++) {
    const HookrunStagedSignal *staged = g_ptr_array_index (definitions, i);

    if (!check_fields (staged, error) ||
        hookrun_registry_add_mirrored (self->guest->registry, staged->name, staged->flags,
                                       staged->schema, self->guest->scope, error) == NULL)
      return FALSE;
    json_array_add_element (descriptions,
                            hookrun_signal_to_json (staged->name, staged->flags, staged->schema));
  }
  return TRUE;
}

static JsonNode *
describe (GuestActivation *self, GError **error)
{
  g_autoptr (JsonObject) object = json_object_new ();
  JsonArray *handlers = json_array_new ();
  JsonArray *signals = json_array_new ();
  JsonNode *node;

  json_object_set_array_member (object, "handlers", handlers);
  json_object_set_array_member (object, "signals", signals);
  if (!take_definitions (self, signals, error))
    return NULL;
  take_staged (self, handlers);
  node = json_node_new (JSON_NODE_OBJECT);
  json_node_set_object (node, object);
  return node;
}

/* A manifest may name handlers, so that the plugin is loaded on need: then it names all. */
static gboolean
check_declared (GuestActivation *self, JsonNode *params, GError **error)
{
  JsonNode *node = hookrun_worker_get_member (params, "handlers");
  JsonArray *declared =
      node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  for (guint i = 0; declared != NULL && i < json_array_get_length (declared); i++) {
    JsonNode *one = json_array_get_element (declared, i);
    const char *signal = hookrun_worker_get_text (one, "signal");
    const char *id = hookrun_worker_get_text (one, "id");

    if (signal == NULL || id == NULL || hookrun_guest_find_handler (self, signal, id) != NULL)
      continue;
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "its manifest names the handler \"%s\" of \"%s\", which its code does not connect",
                 id, signal);
    return FALSE;
  }
  if (declared == NULL || json_array_get_length (declared) == self->handlers->len)
    return TRUE;
  g_set_error (
      error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
      "its code connects %u handlers, its manifest names %u; correct \"signals\" there, or "
      "write \"load\": \"at-start\"",
      self->handlers->len, json_array_get_length (declared));
  return FALSE;
}

/* ---- activation ---- */

void
hookrun_guest_activation_free (gpointer data)
{
  GuestActivation *self = data;

  hookrun_plugin_context_close (self->context);
  hookrun_plugin_context_set_data (self->context, NULL, NULL);
  self->context->connect_hook = NULL;
  hookrun_plugin_context_set_loader_data (self->context, NULL, NULL);
  g_ptr_array_unref (self->handlers);
  self->context->engine = NULL;
  g_object_unref (self->context);
  g_free (self);
}

static HookrunPlugin *
make_plugin (Guest *self, JsonNode *params, const HookrunPluginDescriptor *descriptor)
{
  const char *id = hookrun_worker_get_text (params, "plugin");
  HookrunManifest *manifest;
  HookrunPlugin *plugin = hookrun_engine_lookup (self->engine, id != NULL ? id : descriptor->id);

  if (plugin != NULL)
    return plugin;
  manifest = hookrun_manifest_alloc (hookrun_worker_get_text (params, "path"), NULL);
  manifest->id = g_strdup (id != NULL ? id : descriptor->id);
  manifest->version = g_strdup (descriptor->version);
  manifest->kind = HOOKRUN_PLUGIN_NATIVE;
  manifest->load = HOOKRUN_LOAD_AT_START;
  manifest->file = g_strdup (hookrun_worker_get_text (params, "path"));
  manifest->signals = g_new0 (char *, 1);
  plugin = hookrun_engine_add_manifest (self->engine, manifest, NULL);
  hookrun_manifest_unref (manifest);
  return plugin;
}

static JsonNode *
get_object (JsonNode *params, const char *name)
{
  JsonNode *node = hookrun_worker_get_member (params, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? node : NULL;
}

static GuestActivation *
activation_new (Guest *self, JsonNode *params, const HookrunNativeModule *module)
{
  GuestActivation *activation = g_new0 (GuestActivation, 1);

  activation->guest = self;
  activation->number = (guint)hookrun_guest_get_int (params, "activation");
  activation->module = module;
  activation->handlers = g_ptr_array_new_with_free_func (unref_handler);
  activation->context =
      hookrun_plugin_context_new (self->engine, make_plugin (self, params, module->descriptor),
                                  hookrun_worker_get_text (params, "subject"),
                                  get_object (params, "settings"), get_object (params, "info"));
  hookrun_plugin_context_set_loader_data (activation->context, activation, NULL);
  return activation;
}

static JsonNode *
run_activation (GuestActivation *self, JsonNode *params, GError **error)
{
  const HookrunPluginDescriptor *descriptor = self->module->descriptor;
  JsonNode *answer;

  hookrun_guest_tell_stage (self->guest, "activating it");
  if (!descriptor->activate (self->context, error)) {
    if (error != NULL && *error == NULL)
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_HANDLER,
                   "its activation failed without a reason");
    return NULL;
  }
  answer = describe (self, error);
  if (answer != NULL && check_declared (self, params, error)) {
    hookrun_plugin_context_go_live (self->context);
    self->context->connect_hook = connect_live;
    return answer;
  }
  g_clear_pointer (&answer, json_node_unref);
  if (descriptor->deactivate != NULL)
    descriptor->deactivate (self->context);
  return NULL;
}

static JsonNode *
activate (Guest *self, JsonNode *params, GError **error)
{
  const char *path = hookrun_worker_get_text (params, "path");
  const HookrunNativeModule *module;
  GuestActivation *activation;
  JsonNode *answer;

  if (path == NULL) {
    g_set_error_literal (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                         "a native plugin needs a \"path\"");
    return NULL;
  }
  module = open_module (self, path, error);
  if (module == NULL || !check_descriptor (module->descriptor, params, error) ||
      !hookrun_guest_mirror_signals (self, hookrun_worker_get_member (params, "signals"), error))
    return NULL;
  activation = activation_new (self, params, module);
  g_ptr_array_add (self->activations, activation);
  answer = run_activation (activation, params, error);
  if (answer == NULL)
    g_ptr_array_remove (self->activations, activation);
  else
    activation->is_ready = TRUE;
  return answer;
}

JsonNode *
hookrun_guest_activate (Guest *self, JsonNode *params, GError **error)
{
  JsonNode *answer;

  self->n_activating++;
  answer = activate (self, params, error);
  self->n_activating--;
  hookrun_guest_tell_stage (self, NULL);
  return answer;
}

void
hookrun_guest_deactivate (Guest *self, GuestActivation *activation)
{
  const HookrunPluginDescriptor *descriptor = activation->module->descriptor;

  hookrun_guest_tell_stage (self, "deactivating it");
  hookrun_plugin_context_close (activation->context);
  g_ptr_array_set_size (activation->handlers, 0);
  if (descriptor->deactivate != NULL)
    descriptor->deactivate (activation->context);
  g_ptr_array_remove (self->activations, activation);
  hookrun_guest_tell_stage (self, NULL);
}
