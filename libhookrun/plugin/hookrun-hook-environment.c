/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The environment of an executable: the few variables of the host that programs need, and the data
 * of the event, so that a shell script reads "$HOOKRUN_HOST" without parsing anything.
 */
#include "hookrun-hook-private.h"

#include "hookrun-json-private.h"

#include <string.h>
#include <unistd.h>

/* The kernel takes 128 KiB a variable and some megabytes in all; what is larger is on standard
 * input only. */
#define MAX_VALUE (64 * 1024)
#define MAX_TOTAL (512 * 1024)

static const char *const kept[] = {
    "PATH", "HOME",    "LANG",   "LANGUAGE",        "TERM", "USER", "SSH_AUTH_SOCK",
    "TZ",   "LOGNAME", "TMPDIR", "XDG_RUNTIME_DIR",
};

typedef struct {
  GPtrArray *variables;
  gsize total;
} Environment;

static gboolean
is_kept (const char *variable)
{
  gsize length = strcspn (variable, "=");

  if (g_str_has_prefix (variable, "LC_"))
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (kept); i++)
    if (strlen (kept[i]) == length && strncmp (kept[i], variable, length) == 0)
      return TRUE;
  return FALSE;
}

static void
add (Environment *self, const char *name, const char *value)
{
  gsize length = strlen (value);

  if (length > MAX_VALUE || self->total + length > MAX_TOTAL)
    return;
  self->total += length;
  g_ptr_array_add (self->variables, g_strconcat ("HOOKRUN_", name, "=", value, NULL));
}

static void
add_object (Environment *self, const char *name, JsonNode *node)
{
  g_autofree char *text = NULL;

  if (json_object_get_size (json_node_get_object (node)) == 0)
    return;
  text = hookrun_json_to_string (node);
  add (self, name, text);
}

/* A list of texts, one a line; NULL for any other list. */
static char *
join_list (JsonArray *array)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *element = json_array_get_element (array, i);

    if (!JSON_NODE_HOLDS_VALUE (element) || json_node_get_value_type (element) != G_TYPE_STRING)
      return NULL;
    if (i > 0)
      g_string_append_c (text, '\n');
    g_string_append (text, json_node_get_string (element));
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
value_to_text (JsonNode *value)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  if (JSON_NODE_HOLDS_ARRAY (value))
    return join_list (json_node_get_array (value));
  if (!JSON_NODE_HOLDS_VALUE (value))
    return NULL;
  switch (json_node_get_value_type (value)) {
  case G_TYPE_STRING:
    return json_node_dup_string (value);
  case G_TYPE_BOOLEAN:
    return g_strdup (json_node_get_boolean (value) ? "true" : "false");
  case G_TYPE_INT64:
    return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (value));
  default:
    return g_strdup (g_ascii_dtostr (number, sizeof number, json_node_get_double (value)));
  }
}

static gboolean
is_secret (HookrunSchema *schema, const char *name)
{
  int slot = schema != NULL ? hookrun_schema_find (schema, name) : -1;

  return slot >= 0 &&
         (hookrun_schema_get_field (schema, (guint)slot)->flags & HOOKRUN_FIELD_SECRET) != 0;
}

static char *
variable_name (const char *field)
{
  char *name = g_ascii_strup (field, -1);

  for (char *p = name; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p))
      *p = '_';
  return name;
}

static const char *const reserved[] = {"SIGNAL", "SUBJECT", "HANDLER", "SETTINGS", "INFO", NULL};

static void
add_fields (Environment *self, HookrunSchema *schema, JsonNode *data)
{
  JsonObjectIter iter;
  const char *field;
  JsonNode *value;

  json_object_iter_init (&iter, json_node_get_object (data));
  while (json_object_iter_next (&iter, &field, &value)) {
    g_autofree char *name = variable_name (field);
    g_autofree char *text = NULL;

    if (g_strv_contains (reserved, name) || is_secret (schema, field))
      continue;
    text = value_to_text (value);
    if (text != NULL)
      add (self, name, text);
  }
}

static void
add_inherited (Environment *self, HookrunPolicy *policy)
{
  g_auto (GStrv) made = policy != NULL ? hookrun_policy_make_environment (policy, NULL) : NULL;

  for (char **variable = made != NULL ? made : environ; *variable != NULL; variable++)
    if (made != NULL || is_kept (*variable))
      g_ptr_array_add (self->variables, g_strdup (*variable));
}

char **
hookrun_hook_environment (HookrunPluginContext *context, HookrunEvent *event, JsonNode *data,
                          HookrunPolicy *policy)
{
  Environment self = {g_ptr_array_new (), 0};
  HookrunData *payload = hookrun_event_get_data (event);
  const char *subject = hookrun_event_get_subject (event);
  const char *handler = hookrun_event_get_handler_id (event);

  add_inherited (&self, policy);
  add (&self, "SIGNAL", hookrun_signal_get_name (hookrun_event_get_signal (event)));
  add (&self, "SUBJECT", subject != NULL ? subject : "");
  add (&self, "HANDLER", handler != NULL ? handler : "");
  add_object (&self, "SETTINGS", hookrun_plugin_context_get_settings (context));
  add_object (&self, "INFO", hookrun_plugin_context_get_info (context));
  add_fields (&self, payload != NULL ? hookrun_data_get_schema (payload) : NULL, data);
  g_ptr_array_add (self.variables, NULL);
  return (char **)g_ptr_array_free (self.variables, FALSE);
}
