/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Registrations that a worker asks for: handlers with their places, and signals of its own. Each
 * description is untrusted JSON and is read by a table of its keys.
 */
#include "hookrun-data-private.h"
#include "hookrun-loader-worker-private.h"
#include "hookrun-plugin-private.h"

#include <string.h>

#define MAX_TIMEOUT_MS (24 * 60 * 60 * 1000)

/* ---- JSON of strangers ---- */

JsonNode *
hookrun_worker_get_member (JsonNode *object, const char *name)
{
  JsonNode *node = object != NULL && JSON_NODE_HOLDS_OBJECT (object)
                       ? json_object_get_member (json_node_get_object (object), name)
                       : NULL;

  return node != NULL && !JSON_NODE_HOLDS_NULL (node) ? node : NULL;
}

static gboolean
holds (JsonNode *node, GType type)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type;
}

const char *
hookrun_worker_get_text (JsonNode *object, const char *name)
{
  JsonNode *node = hookrun_worker_get_member (object, name);

  return node != NULL && holds (node, G_TYPE_STRING) ? json_node_get_string (node) : NULL;
}

static gboolean
wrong (GError **error, const char *name, const char *type)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL, "\"%s\" must be %s", name, type);
  return FALSE;
}

static gboolean
read_text (JsonNode *node, const char *name, gpointer place, GError **error)
{
  if (!holds (node, G_TYPE_STRING))
    return wrong (error, name, "a text");
  g_free (*(char **)place);
  *(char **)place = json_node_dup_string (node);
  return TRUE;
}

static gboolean
read_id (JsonNode *node, const char *name, gpointer place, GError **error)
{
  if (!holds (node, G_TYPE_STRING) || !hookrun_id_is_valid (json_node_get_string (node)))
    return wrong (error, name, "an id of letters, digits, \"_\", \"-\", \".\" and \":\"");
  return read_text (node, name, place, error);
}

/* One text is a list of one. */
static gboolean
read_texts (JsonNode *node, const char *name, gpointer place, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  JsonArray *array = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  if (holds (node, G_TYPE_STRING))
    g_strv_builder_add (builder, json_node_get_string (node));
  else if (array == NULL)
    return wrong (error, name, "a list of texts");
  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++) {
    JsonNode *element = json_array_get_element (array, i);

    if (!holds (element, G_TYPE_STRING))
      return wrong (error, name, "a list of texts");
    g_strv_builder_add (builder, json_node_get_string (element));
  }
  g_strfreev (*(char ***)place);
  *(char ***)place = g_strv_builder_end (builder);
  return TRUE;
}

static gboolean
read_int (JsonNode *node, const char *name, gpointer place, GError **error)
{
  gint64 value = holds (node, G_TYPE_INT64) ? json_node_get_int (node) : G_MAXINT64;

  if (value < -1000000 || value > 1000000)
    return wrong (error, name, "an integer from -1000000 to 1000000");
  *(int *)place = (int)value;
  return TRUE;
}

static gboolean
read_timeout (JsonNode *node, const char *name, gpointer place, GError **error)
{
  gint64 value = holds (node, G_TYPE_INT64) ? json_node_get_int (node) : -1;

  if (value < 0 || value > MAX_TIMEOUT_MS)
    return wrong (error, name, "a number of milliseconds, at most a day");
  *(guint *)place = (guint)value;
  return TRUE;
}

static gboolean
read_boolean (JsonNode *node, const char *name, gpointer place, GError **error)
{
  if (!holds (node, G_TYPE_BOOLEAN))
    return wrong (error, name, "true or false");
  *(gboolean *)place = json_node_get_boolean (node);
  return TRUE;
}

typedef struct {
  const char *name;
  gboolean (*read) (JsonNode *node, const char *name, gpointer place, GError **error);
  gsize offset;
} Key;

static gboolean
read_keys (JsonNode *object, const Key *keys, gsize n_keys, gpointer place, GError **error)
{
  if (!JSON_NODE_HOLDS_OBJECT (object)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL, "an object is expected");
    return FALSE;
  }
  for (gsize i = 0; i < n_keys; i++) {
    JsonNode *node = hookrun_worker_get_member (object, keys[i].name);

    if (node != NULL && !keys[i].read (node, keys[i].name, (char *)place + keys[i].offset, error))
      return FALSE;
  }
  return TRUE;
}

/* ---- handlers ---- */

typedef struct {
  char *signal;
  char *handler;
  char *id;
  char **before;
  char **after;
  char *replaces;
  char *subject;
  int priority;
  guint timeout_ms;
  gboolean all_subjects;
  gboolean is_default;
} Description;

static const Key handler_keys[] = {
    {"signal", read_text, G_STRUCT_OFFSET (Description, signal)},
    {"handler", read_text, G_STRUCT_OFFSET (Description, handler)},
    {"id", read_id, G_STRUCT_OFFSET (Description, id)},
    {"before", read_texts, G_STRUCT_OFFSET (Description, before)},
    {"after", read_texts, G_STRUCT_OFFSET (Description, after)},
    {"replaces", read_text, G_STRUCT_OFFSET (Description, replaces)},
    {"subject", read_text, G_STRUCT_OFFSET (Description, subject)},
    {"priority", read_int, G_STRUCT_OFFSET (Description, priority)},
    {"timeout_ms", read_timeout, G_STRUCT_OFFSET (Description, timeout_ms)},
    {"all_subjects", read_boolean, G_STRUCT_OFFSET (Description, all_subjects)},
    {"default", read_boolean, G_STRUCT_OFFSET (Description, is_default)},
};

static void
description_clear (Description *self)
{
  g_free (self->signal);
  g_free (self->handler);
  g_free (self->id);
  g_strfreev (self->before);
  g_strfreev (self->after);
  g_free (self->replaces);
  g_free (self->subject);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Description, description_clear)

static void
handler_free (gpointer data)
{
  WorkerHandler *self = data;

  g_mutex_lock (&self->activation->lock);
  g_ptr_array_remove (self->activation->handlers, self);
  g_mutex_unlock (&self->activation->lock);
  hookrun_worker_activation_unref (self->activation);
  g_free (self->name);
  g_free (self);
}

/* NULL with LIMIT when there are too many. */
static WorkerHandler *
handler_new (WorkerActivation *activation, const char *name, guint timeout_ms, GError **error)
{
  guint manifest_timeout_ms =
      hookrun_manifest_get_timeout_ms (activation->context->plugin->manifest);
  WorkerHandler *self = g_new0 (WorkerHandler, 1);
  gboolean is_full;

  self->activation = hookrun_worker_activation_ref (activation);
  self->name = g_strdup (name);
  self->timeout_ms = timeout_ms > 0            ? timeout_ms
                     : manifest_timeout_ms > 0 ? manifest_timeout_ms
                                               : HOOKRUN_WORKER_CALL_TIMEOUT_MS;
  g_mutex_lock (&activation->lock);
  is_full = activation->handlers->len >= HOOKRUN_WORKER_MAX_HANDLERS;
  if (!is_full)
    g_ptr_array_add (activation->handlers, self);
  g_mutex_unlock (&activation->lock);
  if (!is_full)
    return self;
  handler_free (self);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
               "a plugin may connect no more than %d handlers", HOOKRUN_WORKER_MAX_HANDLERS);
  return NULL;
}

/* The deadline is kept by the call, whose clock stands while the host works for it. */
gboolean
hookrun_worker_register_handler (WorkerActivation *self, JsonNode *node, GError **error)
{
  g_auto (Description) wanted = {0};
  HookrunHandlerOptions options = {0};
  WorkerHandler *handler;

  if (!read_keys (node, handler_keys, G_N_ELEMENTS (handler_keys), &wanted, error))
    return FALSE;
  if (wanted.signal == NULL || wanted.handler == NULL)
    return wrong (error, wanted.signal == NULL ? "signal" : "handler", "given");
  handler = handler_new (self, wanted.handler, wanted.timeout_ms, error);
  if (handler == NULL)
    return FALSE;
  options.before = (const char *const *)wanted.before;
  options.after = (const char *const *)wanted.after;
  options.replaces = wanted.replaces;
  options.subject = wanted.all_subjects ? HOOKRUN_ANY_SUBJECT : wanted.subject;
  options.priority = wanted.priority;
  options.is_default = wanted.is_default;
  return hookrun_plugin_context_connect (self->context, wanted.signal, wanted.id, &options,
                                         hookrun_worker_handle, handler, handler_free, error);
}

gboolean
hookrun_worker_unregister_handler (WorkerActivation *self, const char *name, GError **error)
{
  guint n_found = 0;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->handlers->len; i++) {
    WorkerHandler *handler = g_ptr_array_index (self->handlers, i);

    if (g_strcmp0 (handler->name, name) != 0)
      continue;
    g_atomic_int_set (&handler->is_disconnected, TRUE);
    n_found++;
  }
  g_mutex_unlock (&self->lock);
  if (n_found > 0)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND, "there is no handler \"%s\"",
               name != NULL ? name : "");
  return FALSE;
}

gboolean
hookrun_worker_register_declared (WorkerActivation *self, GError **error)
{
  GPtrArray *declared = self->context->plugin->manifest->handlers;

  for (guint i = 0; i < declared->len; i++) {
    const HookrunManifestHandler *wanted = g_ptr_array_index (declared, i);
    WorkerHandler *handler = handler_new (self, wanted->id, wanted->timeout_ms, error);
    HookrunHandlerOptions options = {0};

    if (handler == NULL)
      return FALSE;
    hookrun_manifest_handler_get_options (wanted, &options);
    options.timeout_ms = 0;
    if (!hookrun_plugin_context_connect (self->context, wanted->signal, wanted->id, &options,
                                         hookrun_worker_handle, handler, handler_free, error))
      return FALSE;
  }
  return TRUE;
}

/* ---- signals ---- */

static gboolean
define_signal (WorkerActivation *self, JsonNode *node, GError **error)
{
  g_autoptr (HookrunSchema) schema = NULL;
  g_autofree char *name = NULL;
  HookrunSignalFlags flags;

  if (!hookrun_signal_from_json (node, &name, &flags, &schema, error))
    return FALSE;
  for (guint i = 0; i < hookrun_schema_get_n_fields (schema); i++)
    if (hookrun_schema_get_field (schema, i)->type == HOOKRUN_FIELD_OBJECT)
      return wrong (error, "type", "one of string, boolean, int, double, list and json");
  return hookrun_plugin_context_define_signal (self->context, name, flags, schema->fields,
                                               schema->n_fields, error);
}

/* ---- all ---- */

static gboolean
register_list (WorkerActivation *self, JsonNode *answer, const char *name, guint limit,
               gboolean (*func) (WorkerActivation *, JsonNode *, GError **), GError **error)
{
  JsonNode *node = hookrun_worker_get_member (answer, name);
  JsonArray *array;

  if (node == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_ARRAY (node))
    return wrong (error, name, "a list");
  array = json_node_get_array (node);
  if (json_array_get_length (array) > limit) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT, "\"%s\" has more than %u entries", name,
                 limit);
    return FALSE;
  }
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (!func (self, json_array_get_element (array, i), error)) {
      g_prefix_error (error, "\"%s\", entry %u: ", name, i + 1);
      return FALSE;
    }
  return TRUE;
}

gboolean
hookrun_worker_register_all (WorkerActivation *self, JsonNode *answer, GError **error)
{
  if (JSON_NODE_HOLDS_OBJECT (answer) || JSON_NODE_HOLDS_NULL (answer)) {
    if (register_list (self, answer, "signals", HOOKRUN_WORKER_MAX_SIGNALS, define_signal, error) &&
        register_list (self, answer, "handlers", HOOKRUN_WORKER_MAX_HANDLERS,
                       hookrun_worker_register_handler, error))
      return TRUE;
  } else {
    wrong (error, "result", "an object");
  }
  g_prefix_error (error, "the answer to \"plugin.activate\": ");
  return FALSE;
}
