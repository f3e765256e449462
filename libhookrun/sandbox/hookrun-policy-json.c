/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Policies as JSON. Reading is a table of keys; what a table does not know is refused, and every
 * complaint names the file, the line and the key. Writing gives each policy exactly one text.
 */
#include "hookrun-policy-private.h"
#include "hookrun-file-private.h"
#include "hookrun-json-private.h"
#include "hookrun-nearest-private.h"

#include <fcntl.h>
#include <string.h>

#define MAX_SIZE (256 * 1024)
#define MAX_DEPTH 8
#define MAX_PLACE 8

typedef struct {
  HookrunPolicy *policy;
  const char *name;
  const char *text; /* NULL: only the nodes are there */
  gsize length;
  const char *path[MAX_PLACE]; /* where the reader is: keys and "#N" */
  guint depth;
  char element[16];
} Reader;

typedef gboolean (*ReadFunc) (Reader *reader, JsonNode *value, guint what, GError **error);

typedef struct {
  const char *key;
  ReadFunc read;
  guint what; /* for readers that serve more than one key */
} Row;

/* ---- complaints ---- */

static gboolean refuse (Reader *reader, GError **error, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static char *
describe_place (const Reader *reader)
{
  g_autoptr (GString) place = g_string_new (reader->name);

  if (reader->text != NULL)
    g_string_append_printf (place, " line %u",
                            hookrun_json_find_line (reader->text, reader->length, reader->path));
  for (guint i = 0; i < reader->depth; i++)
    if (*reader->path[i] != '#')
      g_string_append_printf (place, "%s%.40s", i == 0 ? ": \"" : ".", reader->path[i]);
  if (reader->depth > 0)
    g_string_append_c (place, '"');
  return g_string_free (g_steal_pointer (&place), FALSE);
}

static gboolean
refuse (Reader *reader, GError **error, const char *format, ...)
{
  g_autofree char *place = describe_place (reader);
  g_autofree char *message = NULL;
  va_list list;

  va_start (list, format);
  message = g_strdup_vprintf (format, list);
  va_end (list);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "%s: %s", place, message);
  return FALSE;
}

/* Puts the place before what a function without one complained about. */
static gboolean
refuse_because (Reader *reader, GError *problem, GError **error)
{
  g_autoptr (GError) owned = problem;

  return refuse (reader, error, "%s", owned->message);
}

static gboolean
wrong_type (Reader *reader, JsonNode *value, const char *wanted, GError **error)
{
  return refuse (reader, error, "must be %s, not %s", wanted, json_node_type_name (value));
}

static void
enter (Reader *reader, const char *key)
{
  g_assert (reader->depth < MAX_PLACE - 1);
  reader->path[reader->depth++] = key;
  reader->path[reader->depth] = NULL;
}

static void
leave (Reader *reader)
{
  reader->path[--reader->depth] = NULL;
}

/* ---- reading ---- */

static gboolean
holds (JsonNode *value, GType type)
{
  return JSON_NODE_HOLDS_VALUE (value) && json_node_get_value_type (value) == type;
}

/* Calls @read for each string of a list. */
static gboolean
read_list (Reader *reader, JsonNode *value, guint what, ReadFunc read, GType type,
           const char *wanted, GError **error)
{
  JsonArray *array;

  if (!JSON_NODE_HOLDS_ARRAY (value))
    return wrong_type (reader, value, wanted, error);
  array = json_node_get_array (value);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *element = json_array_get_element (array, i);

    g_snprintf (reader->element, sizeof reader->element, "#%u", i);
    enter (reader, reader->element);
    if (!holds (element, type))
      return wrong_type (reader, element, wanted, error);
    if (!read (reader, element, what, error))
      return FALSE;
    leave (reader);
  }
  return TRUE;
}

static gboolean
read_table (Reader *reader, JsonNode *value, const Row *rows, GError **error)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();
  JsonObjectIter iter;
  const char *key;
  JsonNode *member;

  if (!JSON_NODE_HOLDS_OBJECT (value))
    return wrong_type (reader, value, "an object", error);
  for (const Row *row = rows; row->key != NULL; row++)
    g_ptr_array_add (keys, (gpointer)row->key);
  g_ptr_array_add (keys, NULL);
  json_object_iter_init_ordered (&iter, json_node_get_object (value));
  while (json_object_iter_next_ordered (&iter, &key, &member)) {
    const Row *row = rows;

    enter (reader, key);
    while (row->key != NULL && strcmp (row->key, key) != 0)
      row++;
    if (row->key == NULL) {
      g_autofree char *hint = hookrun_nearest_hint (key, (const char *const *)keys->pdata);

      return refuse (reader, error, "unknown key%s", hint);
    }
    if (!row->read (reader, member, row->what, error))
      return FALSE;
    leave (reader);
  }
  return TRUE;
}

static gboolean
read_word (Reader *reader, JsonNode *value, const char *const *words, guint *found, GError **error)
{
  g_autofree char *hint = NULL;

  if (!holds (value, G_TYPE_STRING))
    return wrong_type (reader, value, "a string", error);
  for (guint i = 0; words[i] != NULL; i++)
    if (strcmp (words[i], json_node_get_string (value)) == 0) {
      *found = i;
      return TRUE;
    }
  hint = hookrun_nearest_hint (json_node_get_string (value), words);
  return refuse (reader, error, "unknown value \"%.40s\"%s", json_node_get_string (value), hint);
}

static gboolean
read_flag (Reader *reader, JsonNode *value, guint what, GError **error)
{
  gboolean *flag = (gboolean *)(gpointer)((char *)reader->policy + what);

  if (!holds (value, G_TYPE_BOOLEAN))
    return wrong_type (reader, value, "true or false", error);
  *flag = json_node_get_boolean (value);
  return TRUE;
}

static gboolean
read_tier (Reader *reader, JsonNode *value, guint what, GError **error)
{
  guint tier;

  if (!read_word (reader, value, hookrun_tier_words (), &tier, error))
    return FALSE;
  reader->policy->tier = (HookrunTier)tier;
  return TRUE;
}

static gboolean
read_path (Reader *reader, JsonNode *value, guint what, GError **error)
{
  GError *problem = NULL;

  if (!hookrun_policy_grant (reader->policy, json_node_get_string (value), what, &problem))
    return refuse_because (reader, problem, error);
  return TRUE;
}

static gboolean
read_paths (Reader *reader, JsonNode *value, guint what, GError **error)
{
  return read_list (reader, value, what, read_path, G_TYPE_STRING, "a list of paths", error);
}

static gboolean
read_socket (Reader *reader, JsonNode *value, guint what, GError **error)
{
  GError *problem = NULL;

  if (!hookrun_policy_grant_socket (reader->policy, json_node_get_string (value), &problem))
    return refuse_because (reader, problem, error);
  return TRUE;
}

static gboolean
read_sockets (Reader *reader, JsonNode *value, guint what, GError **error)
{
  return read_list (reader, value, what, read_socket, G_TYPE_STRING, "a list of paths", error);
}

static gboolean
read_port (Reader *reader, JsonNode *value, guint what, GError **error)
{
  gint64 port = json_node_get_int (value);

  if (port < (what == G_STRUCT_OFFSET (HookrunPolicy, bind) ? 0 : 1) || port > G_MAXUINT16)
    return refuse (reader, error, "%" G_GINT64_FORMAT " is no TCP port: write 1 to 65535", port);
  hookrun_policy_add_port (*(GArray **)(gpointer)((char *)reader->policy + what), (guint16)port);
  return TRUE;
}

static gboolean
read_ports (Reader *reader, JsonNode *value, guint what, GError **error)
{
  return read_list (reader, value, what, read_port, G_TYPE_INT64, "a list of port numbers", error);
}

static gboolean
read_network (Reader *reader, JsonNode *value, guint what, GError **error)
{
  static const Row rows[] = {
      {"connect", read_ports, G_STRUCT_OFFSET (HookrunPolicy, connect)},
      {"bind", read_ports, G_STRUCT_OFFSET (HookrunPolicy, bind)},
      {NULL},
  };
  static const char *const words[] = {"none", "all", NULL};
  guint word;

  if (JSON_NODE_HOLDS_OBJECT (value)) {
    reader->policy->network = HOOKRUN_NETWORK_PORTS;
    return read_table (reader, value, rows, error);
  }
  if (!read_word (reader, value, words, &word, error))
    return FALSE;
  reader->policy->network = word == 0 ? HOOKRUN_NETWORK_NONE : HOOKRUN_NETWORK_ALL;
  return TRUE;
}

static gboolean
read_passed (Reader *reader, JsonNode *value, guint what, GError **error)
{
  GError *problem = NULL;

  if (!hookrun_policy_pass_variable (reader->policy, json_node_get_string (value), &problem))
    return refuse_because (reader, problem, error);
  return TRUE;
}

static gboolean
read_pass (Reader *reader, JsonNode *value, guint what, GError **error)
{
  return read_list (reader, value, what, read_passed, G_TYPE_STRING, "a list of names", error);
}

static gboolean
read_set (Reader *reader, JsonNode *value, guint what, GError **error)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *member;

  if (!JSON_NODE_HOLDS_OBJECT (value))
    return wrong_type (reader, value, "an object of names and values", error);
  json_object_iter_init_ordered (&iter, json_node_get_object (value));
  while (json_object_iter_next_ordered (&iter, &name, &member)) {
    GError *problem = NULL;

    enter (reader, name);
    if (!holds (member, G_TYPE_STRING))
      return wrong_type (reader, member, "a string", error);
    if (!hookrun_policy_set_variable (reader->policy, name, json_node_get_string (member),
                                      &problem))
      return refuse_because (reader, problem, error);
    leave (reader);
  }
  return TRUE;
}

static gboolean
read_environment (Reader *reader, JsonNode *value, guint what, GError **error)
{
  static const Row rows[] = {{"pass", read_pass}, {"set", read_set}, {NULL}};

  return read_table (reader, value, rows, error);
}

static gboolean
read_limit (Reader *reader, JsonNode *value, guint what, GError **error)
{
  g_autofree char *text = NULL;
  GError *problem = NULL;

  if (holds (value, G_TYPE_INT64))
    text = g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (value));
  else if (holds (value, G_TYPE_STRING))
    text = json_node_dup_string (value);
  else
    return wrong_type (reader, value, "a string such as \"30s\" or \"512M\", or a count", error);
  if (!hookrun_limit_parse_value ((HookrunLimit)what, text, &reader->policy->limits[what],
                                  &problem))
    return refuse_because (reader, problem, error);
  return TRUE;
}

static gboolean
read_limits (Reader *reader, JsonNode *value, guint what, GError **error)
{
  Row rows[HOOKRUN_N_LIMITS] = {0};

  for (guint i = 1; i < HOOKRUN_N_LIMITS; i++)
    rows[i - 1] = (Row){hookrun_limit_get_name ((HookrunLimit)i), read_limit, i};
  return read_table (reader, value, rows, error);
}

static gboolean
read_policy (Reader *reader, JsonNode *value, GError **error)
{
  static const Row rows[] = {
      {"base", read_flag, G_STRUCT_OFFSET (HookrunPolicy, has_base)},
      {"hide", read_flag, G_STRUCT_OFFSET (HookrunPolicy, hides)},
      {"tier", read_tier},
      {"read", read_paths, HOOKRUN_ACCESS_READ},
      {"write", read_paths, HOOKRUN_ACCESS_WRITE},
      {"execute", read_paths, HOOKRUN_ACCESS_EXECUTE},
      {"network", read_network},
      {"sockets", read_sockets},
      {"environment", read_environment},
      {"limits", read_limits},
      {NULL},
  };

  return read_table (reader, value, rows, error);
}

static HookrunPolicy *
read_whole (Reader *reader, JsonNode *node, GError **error)
{
  g_autoptr (HookrunPolicy) policy = hookrun_policy_new ();

  reader->policy = policy;
  if (!read_policy (reader, node, error))
    return NULL;
  return g_steal_pointer (&policy);
}

/**
 * hookrun_policy_new_from_json:
 * @text: JSON text
 * @length: its length in bytes, or -1 if it ends with NUL
 * @name: where it comes from, for messages; a file name
 *
 * Reads a policy from JSON text, with limits on its size and depth. The keys are documented in the
 * manual of `hookrun-module`; a key that is not known is refused.
 *
 * Returns: (transfer full): a new policy, or %NULL with %HOOKRUN_ERROR_INVALID or
 *   %HOOKRUN_ERROR_LIMIT; the message names the line
 *
 * Since: 1.0
 */
HookrunPolicy *
hookrun_policy_new_from_json (const char *text, gssize length, const char *name, GError **error)
{
  const HookrunJsonLimits limits = {.max_size = MAX_SIZE, .max_depth = MAX_DEPTH};
  Reader reader = {0};
  g_autoptr (JsonNode) node = NULL;

  g_return_val_if_fail (text != NULL && name != NULL, NULL);
  reader.name = name;
  reader.text = text;
  reader.length = length >= 0 ? (gsize)length : strlen (text);
  node = hookrun_json_parse (text, reader.length, &limits, name, error);
  if (node == NULL)
    return NULL;
  return read_whole (&reader, node, error);
}

/**
 * hookrun_policy_new_from_node:
 * @node: parsed JSON, for example a member of a manifest
 * @name: where it comes from, for messages
 *
 * Reads a policy from JSON that is parsed already.
 *
 * Returns: (transfer full): a new policy, or %NULL with %HOOKRUN_ERROR_INVALID
 *
 * Since: 1.0
 */
HookrunPolicy *
hookrun_policy_new_from_node (JsonNode *node, const char *name, GError **error)
{
  Reader reader = {.name = name};

  g_return_val_if_fail (node != NULL && name != NULL, NULL);
  return read_whole (&reader, node, error);
}

/**
 * hookrun_policy_new_from_file:
 * @path: a file
 *
 * Reads a policy from a JSON file. Whoever can change that file can change what the policy allows:
 * a file that others than root and the user own or can write is refused.
 *
 * Returns: (transfer full): a new policy, or %NULL with %HOOKRUN_ERROR_NOT_FOUND,
 *   %HOOKRUN_ERROR_IO, %HOOKRUN_ERROR_UNTRUSTED, %HOOKRUN_ERROR_INVALID or %HOOKRUN_ERROR_LIMIT
 *
 * Since: 1.0
 */
HookrunPolicy *
hookrun_policy_new_from_file (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  struct stat st;
  gsize length;

  g_return_val_if_fail (path != NULL, NULL);
  text = hookrun_file_read_at (AT_FDCWD, path, MAX_SIZE, &length, error);
  if (text == NULL)
    return NULL;
  if (stat (path, &st) == 0 && !hookrun_file_check_trust (&st, path, error))
    return NULL;
  return hookrun_policy_new_from_json (text, (gssize)length, path, error);
}
