/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads a manifest's JSON by a table of its keys. Whatever is unknown, missing or of the wrong type
 * is an error that names the key; the caller adds the file.
 */
#include "hookrun-json-private.h"
#include "hookrun-manifest-reader-private.h"
#include "hookrun-version-range-private.h"

#include <string.h>

/* Far more than anything needs; it keeps the checks of each against each short. */
#define MAX_HANDLERS 256

/* ---- words ---- */

static gboolean
read_kind (HookrunManifest *self, JsonNode *value, gpointer place, GError **error)
{
  static const char *const words[] = {"native", "worker", "executable", NULL};
  guint index = 0;

  if (!hookrun_manifest_read_word (value, words, 3, &index, error))
    return FALSE;
  self->kind = (HookrunPluginKind)index;
  return TRUE;
}

static gboolean
read_load (HookrunManifest *self, JsonNode *value, gpointer place, GError **error)
{
  static const char *const words[] = {"on-need", "at-start", NULL};
  guint index = 0;

  if (!hookrun_manifest_read_word (value, words, 2, &index, error))
    return FALSE;
  self->load = (HookrunPluginLoad)index;
  return TRUE;
}

/* ---- requires ---- */

static gboolean
read_requires (HookrunManifest *self, JsonNode *value, gpointer place, GError **error)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) ranges = g_ptr_array_new_with_free_func (g_free);
  JsonObjectIter iter;
  const char *id;
  JsonNode *range;

  if (!JSON_NODE_HOLDS_OBJECT (value))
    return hookrun_manifest_wrong_type (value, "an object of ids and ranges", error);
  json_object_iter_init (&iter, json_node_get_object (value));
  while (json_object_iter_next (&iter, &id, &range)) {
    if (!hookrun_manifest_is_string (range)) {
      g_prefix_error (error, "\"%s\": ", id);
      return hookrun_manifest_wrong_type (range, "a range such as \">=1.2 <2\"", error);
    }
    if (!hookrun_version_range_check (json_node_get_string (range), error)) {
      g_prefix_error (error, "\"%s\": ", id);
      return FALSE;
    }
    g_ptr_array_add (ids, g_strdup (id));
    g_ptr_array_add (ranges, json_node_dup_string (range));
  }
  g_ptr_array_add (ids, NULL);
  g_ptr_array_add (ranges, NULL);
  g_strfreev (self->requires);
  g_strfreev (self->ranges);
  self->requires = (char **)g_ptr_array_free (g_steal_pointer (&ids), FALSE);
  self->ranges = (char **)g_ptr_array_free (g_steal_pointer (&ranges), FALSE);
  return TRUE;
}

/* ---- signals ---- */

static const HookrunManifestKey handler_keys[] = {
    {"name", hookrun_manifest_read_string, G_STRUCT_OFFSET (HookrunManifestHandler, signal)},
    {"id", hookrun_manifest_read_id, G_STRUCT_OFFSET (HookrunManifestHandler, id)},
    {"before", hookrun_manifest_read_strv, G_STRUCT_OFFSET (HookrunManifestHandler, before)},
    {"after", hookrun_manifest_read_strv, G_STRUCT_OFFSET (HookrunManifestHandler, after)},
    {"replaces", hookrun_manifest_read_string, G_STRUCT_OFFSET (HookrunManifestHandler, replaces)},
    {"priority", hookrun_manifest_read_int, G_STRUCT_OFFSET (HookrunManifestHandler, priority)},
    {"timeout", hookrun_manifest_read_duration,
     G_STRUCT_OFFSET (HookrunManifestHandler, timeout_ms)},
    {"all-subjects", hookrun_manifest_read_boolean,
     G_STRUCT_OFFSET (HookrunManifestHandler, all_subjects)},
};

static gboolean
read_signal (HookrunManifest *self, JsonNode *value, GError **error)
{
  HookrunManifestHandler *handler;

  if (hookrun_manifest_is_string (value)) {
    handler = hookrun_manifest_handler_new (json_node_get_string (value), NULL);
    g_ptr_array_add (self->handlers, handler);
    return TRUE;
  }
  if (!JSON_NODE_HOLDS_OBJECT (value))
    return hookrun_manifest_wrong_type (value, "a list of names or of objects with \"name\"",
                                        error);
  handler = hookrun_manifest_handler_new (NULL, NULL);
  g_ptr_array_add (self->handlers, handler);
  if (!hookrun_manifest_read_members (self, json_node_get_object (value), handler_keys,
                                      G_N_ELEMENTS (handler_keys), handler, error))
    return FALSE;
  if (handler->signal != NULL)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "an entry has no \"name\"");
  return FALSE;
}

static gboolean
read_signals (HookrunManifest *self, JsonNode *value, gpointer place, GError **error)
{
  JsonArray *array;

  if (!JSON_NODE_HOLDS_ARRAY (value))
    return hookrun_manifest_wrong_type (value, "a list", error);
  g_ptr_array_set_size (self->handlers, 0);
  array = json_node_get_array (value);
  if (json_array_get_length (array) > MAX_HANDLERS) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT, "has more than %d entries",
                 MAX_HANDLERS);
    return FALSE;
  }
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (!read_signal (self, json_array_get_element (array, i), error))
      return FALSE;
  return TRUE;
}

/* ---- options ---- */

static const struct {
  const char *word;
  HookrunFieldType type;
  GType json; /* of its default; invalid for lists */
} option_types[] = {
    {"string", HOOKRUN_FIELD_STRING, G_TYPE_STRING},
    {"boolean", HOOKRUN_FIELD_BOOLEAN, G_TYPE_BOOLEAN},
    {"int", HOOKRUN_FIELD_INT, G_TYPE_INT64},
    {"double", HOOKRUN_FIELD_DOUBLE, G_TYPE_DOUBLE},
    {"list", HOOKRUN_FIELD_STRV, G_TYPE_INVALID},
};

static gboolean
read_option_type (HookrunManifest *self, JsonNode *value, gpointer place, GError **error)
{
  static const char *const words[] = {"string", "boolean", "int", "double", "list", NULL};
  guint index = 0;

  if (!hookrun_manifest_read_word (value, words, G_N_ELEMENTS (option_types), &index, error))
    return FALSE;
  *(HookrunFieldType *)place = option_types[index].type;
  return TRUE;
}

static gboolean
read_any (HookrunManifest *self, JsonNode *value, gpointer place, GError **error)
{
  g_clear_pointer ((JsonNode **)place, json_node_unref);
  *(JsonNode **)place = json_node_ref (value);
  return TRUE;
}

static const HookrunManifestKey option_keys[] = {
    {"name", hookrun_manifest_read_string, G_STRUCT_OFFSET (HookrunManifestOption, name)},
    {"type", read_option_type, G_STRUCT_OFFSET (HookrunManifestOption, type)},
    {"default", read_any, G_STRUCT_OFFSET (HookrunManifestOption, default_value)},
    {"help", hookrun_manifest_read_string, G_STRUCT_OFFSET (HookrunManifestOption, help)},
    {"arg-name", hookrun_manifest_read_string, G_STRUCT_OFFSET (HookrunManifestOption, arg_name)},
};

static gboolean
option_name_is_valid (const char *name)
{
  return name != NULL && g_ascii_islower (name[0]) && strlen (name) < 64 &&
         strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen (name);
}

static gboolean
check_option (HookrunManifest *self, const HookrunManifestOption *option, GError **error)
{
  g_auto (GStrv) list = NULL;
  GType wanted = G_TYPE_INVALID;

  if (!option_name_is_valid (option->name)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "\"%s\" is no name of an option: write small letters, digits and \"-\"",
                 option->name != NULL ? option->name : "");
    return FALSE;
  }
  if (option->default_value == NULL)
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (option_types); i++)
    if (option_types[i].type == option->type)
      wanted = option_types[i].json;
  if (wanted == G_TYPE_INVALID)
    return hookrun_manifest_read_strv (self, option->default_value, &list, error);
  if (JSON_NODE_HOLDS_VALUE (option->default_value) &&
      (json_node_get_value_type (option->default_value) == wanted ||
       (wanted == G_TYPE_DOUBLE && hookrun_manifest_is_int (option->default_value))))
    return TRUE;
  return hookrun_manifest_wrong_type (option->default_value, "a default of the option's type",
                                      error);
}

static gboolean
read_options (HookrunManifest *self, JsonNode *value, gpointer place, GError **error)
{
  JsonArray *array;

  if (!JSON_NODE_HOLDS_ARRAY (value))
    return hookrun_manifest_wrong_type (value, "a list of objects", error);
  g_array_set_size (self->options, 0);
  array = json_node_get_array (value);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *element = json_array_get_element (array, i);
    HookrunManifestOption *option;

    if (!JSON_NODE_HOLDS_OBJECT (element))
      return hookrun_manifest_wrong_type (element, "a list of objects", error);
    g_array_set_size (self->options, i + 1);
    option = &g_array_index (self->options, HookrunManifestOption, i);
    if (!hookrun_manifest_read_members (self, json_node_get_object (element), option_keys,
                                        G_N_ELEMENTS (option_keys), option, error) ||
        !check_option (self, option, error))
      return FALSE;
  }
  return TRUE;
}

/* ---- policy ---- */

static char *
resolve_path (HookrunManifest *self, const char *path, const char *key, GError **error)
{
  if (g_path_is_absolute (path) || self->folder != NULL)
    return g_canonicalize_filename (path, self->folder != NULL ? self->folder : "/");
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "\"%s\": \"%s\" must be an absolute path, as this manifest is in no folder", key,
               path);
  return NULL;
}

/* Its errors go behind the name of the manifest and of the key, which begin them already. */
static HookrunPluginPolicy *
read_policy_object (HookrunManifest *self, JsonNode *value, GError **error)
{
  g_autofree char *origin = g_strconcat (self->origin, ": \"policy\"", NULL);
  g_autoptr (GError) problem = NULL;
  HookrunPluginPolicy *policy = hookrun_plugin_policy_new (value, origin, &problem);
  gsize length = strlen (origin) + strlen (": ");

  if (policy == NULL)
    g_set_error_literal (error, problem->domain, problem->code, problem->message + length);
  return policy;
}

/* An object, or the name of a file that holds it. */
static gboolean
read_policy (HookrunManifest *self, JsonNode *value, gpointer place, GError **error)
{
  g_autofree char *path = NULL;

  g_clear_pointer (&self->policy, hookrun_plugin_policy_unref);
  if (!hookrun_manifest_is_string (value)) {
    if (!JSON_NODE_HOLDS_OBJECT (value))
      return hookrun_manifest_wrong_type (value, "an object or the name of a file", error);
    self->policy = read_policy_object (self, value, error);
    return self->policy != NULL;
  }
  path = resolve_path (self, json_node_get_string (value), "policy", error);
  if (path != NULL)
    self->policy = hookrun_plugin_policy_new_from_file (path, error);
  return self->policy != NULL;
}

/* ---- the whole ---- */

static const HookrunManifestKey manifest_keys[] = {
    {"id", hookrun_manifest_read_id, G_STRUCT_OFFSET (HookrunManifest, id)},
    {"version", hookrun_manifest_read_version, G_STRUCT_OFFSET (HookrunManifest, version)},
    {"abi", hookrun_manifest_read_guint, G_STRUCT_OFFSET (HookrunManifest, abi)},
    {"kind", read_kind, 0},
    {"load", read_load, 0},
    {"file", hookrun_manifest_read_string, G_STRUCT_OFFSET (HookrunManifest, file)},
    {"command", hookrun_manifest_read_strv, G_STRUCT_OFFSET (HookrunManifest, command)},
    {"requires", read_requires, 0},
    {"before", hookrun_manifest_read_strv, G_STRUCT_OFFSET (HookrunManifest, before)},
    {"after", hookrun_manifest_read_strv, G_STRUCT_OFFSET (HookrunManifest, after)},
    {"signals", read_signals, 0},
    {"isolation", hookrun_manifest_read_string, G_STRUCT_OFFSET (HookrunManifest, isolation)},
    {"permissions", hookrun_manifest_read_object, G_STRUCT_OFFSET (HookrunManifest, permissions)},
    {"policy", read_policy, 0},
    {"timeout", hookrun_manifest_read_duration, G_STRUCT_OFFSET (HookrunManifest, timeout_ms)},
    {"options", read_options, 0},
    {"description", hookrun_manifest_read_string, G_STRUCT_OFFSET (HookrunManifest, description)},
    {"author", hookrun_manifest_read_string, G_STRUCT_OFFSET (HookrunManifest, author)},
};

static gboolean
missing (const char *key, const char *why, GError **error)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "\"%s\" is missing%s", key, why);
  return FALSE;
}

/* The program of a command: a bare name is looked up in PATH, anything else starts at the folder.
 * "{folder}" in any word stands for the manifest's folder. */
static gboolean
complete_command (HookrunManifest *self, GError **error)
{
  if (self->command == NULL && self->file != NULL) {
    self->command = g_new0 (char *, 2);
    self->command[0] = g_strdup (self->file);
  }
  if (self->command == NULL || self->command[0] == NULL || *self->command[0] == '\0')
    return missing ("command", ": this kind of plugin needs \"command\" or \"file\"", error);
  for (char **word = self->command; *word != NULL && self->folder != NULL; word++) {
    g_auto (GStrv) parts = g_strsplit (*word, "{folder}", -1);

    g_free (*word);
    *word = g_strjoinv (self->folder, parts);
  }
  if (strchr (self->command[0], '/') != NULL) {
    char *program = resolve_path (self, self->command[0], "command", error);

    if (program == NULL)
      return FALSE;
    g_free (self->command[0]);
    self->command[0] = program;
  }
  return TRUE;
}

static gboolean
complete_code (HookrunManifest *self, GError **error)
{
  if (self->file != NULL) {
    char *file = resolve_path (self, self->file, "file", error);

    if (file == NULL)
      return FALSE;
    g_free (self->file);
    self->file = file;
  }
  if (self->kind != HOOKRUN_PLUGIN_NATIVE)
    return complete_command (self, error);
  if (self->command != NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "\"command\": a native plugin has \"file\" instead");
    return FALSE;
  }
  return self->file != NULL || missing ("file", ": a native plugin needs it", error);
}

void
hookrun_manifest_collect_signals (HookrunManifest *self)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; i < self->handlers->len; i++) {
    HookrunManifestHandler *handler = g_ptr_array_index (self->handlers, i);

    if (!g_ptr_array_find_with_equal_func (names, handler->signal, g_str_equal, NULL))
      g_ptr_array_add (names, handler->signal);
  }
  g_strfreev (self->signals);
  self->signals = g_new0 (char *, names->len + 1);
  for (guint i = 0; i < names->len; i++)
    self->signals[i] = g_strdup (g_ptr_array_index (names, i));
}

/* Handlers without an id take the plugin's; one id once a signal. */
static gboolean
complete_handlers (HookrunManifest *self, GError **error)
{
  for (guint i = 0; i < self->handlers->len; i++) {
    HookrunManifestHandler *handler = g_ptr_array_index (self->handlers, i);

    if (handler->id == NULL)
      handler->id = g_strdup (self->id);
    if (handler->timeout_ms == 0)
      handler->timeout_ms = self->timeout_ms;
    for (guint j = 0; j < i; j++) {
      const HookrunManifestHandler *other = g_ptr_array_index (self->handlers, j);

      if (!g_str_equal (other->signal, handler->signal) || !g_str_equal (other->id, handler->id))
        continue;
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS,
                   "\"signals\": two handlers of \"%s\" have the id \"%s\"; give one another",
                   handler->signal, handler->id);
      return FALSE;
    }
  }
  hookrun_manifest_collect_signals (self);
  return TRUE;
}

gboolean
hookrun_manifest_parse_node (HookrunManifest *self, JsonNode *node, GError **error)
{
  JsonObject *object;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return hookrun_manifest_wrong_type (node, "an object", error);
  object = json_node_get_object (node);
  if (!hookrun_manifest_read_members (self, object, manifest_keys, G_N_ELEMENTS (manifest_keys),
                                      self, error))
    return FALSE;
  if (self->id == NULL)
    return missing ("id", "", error);
  if (self->version == NULL)
    return missing ("version", "", error);
  if (!json_object_has_member (object, "kind"))
    return missing ("kind", ": write \"native\", \"worker\" or \"executable\"", error);
  return complete_code (self, error) && complete_handlers (self, error);
}

gboolean
hookrun_manifest_parse_text (HookrunManifest *self, const char *text, gsize length, GError **error)
{
  HookrunJsonLimits limits = {HOOKRUN_MANIFEST_MAX_SIZE, HOOKRUN_MANIFEST_MAX_DEPTH};
  g_autoptr (JsonNode) node = hookrun_json_parse (text, length, &limits, self->origin, error);

  if (node == NULL)
    return FALSE;
  if (hookrun_manifest_parse_node (self, node, error))
    return TRUE;
  g_prefix_error (error, "%s: ", self->origin);
  return FALSE;
}
