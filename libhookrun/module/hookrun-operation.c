/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One operation of a module file, and the command line of a call: words are bound to the options
 * that the operation declares, by place or by name.
 */
#include "hookrun-operation-private.h"

#include <string.h>

#include "hookrun-nearest-private.h"

struct _HookrunOperation {
  gatomicrefcount references;
  char *name;
  char *description;
  gboolean takes_words;
  char **options;
  char **option_descriptions;
  gboolean *required;
  guint n_options;
};

G_DEFINE_BOXED_TYPE (HookrunOperation, hookrun_operation, hookrun_operation_ref,
                     hookrun_operation_unref)

HookrunOperation *
hookrun_operation_new (GVariant *row)
{
  HookrunOperation *self = g_new0 (HookrunOperation, 1);
  g_autoptr (GVariant) options = NULL;

  g_atomic_ref_count_init (&self->references);
  g_variant_get (row, "(ssb@a(ssb))", &self->name, &self->description, &self->takes_words,
                 &options);
  self->n_options = (guint)g_variant_n_children (options);
  self->options = g_new0 (char *, self->n_options + 1);
  self->option_descriptions = g_new0 (char *, self->n_options + 1);
  self->required = g_new0 (gboolean, self->n_options + 1);
  for (guint i = 0; i < self->n_options; i++)
    g_variant_get_child (options, i, "(ssb)", &self->options[i], &self->option_descriptions[i],
                         &self->required[i]);
  return self;
}

/**
 * hookrun_operation_ref:
 * @self: an operation
 *
 * Takes a reference. Thread-safe.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
HookrunOperation *
hookrun_operation_ref (HookrunOperation *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_atomic_ref_count_inc (&self->references);
  return self;
}

/**
 * hookrun_operation_unref:
 * @self: (transfer full): an operation
 *
 * Gives a reference back. Thread-safe.
 *
 * Since: 1.0
 */
void
hookrun_operation_unref (HookrunOperation *self)
{
  g_return_if_fail (self != NULL);
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_free (self->name);
  g_free (self->description);
  g_strfreev (self->options);
  g_strfreev (self->option_descriptions);
  g_free (self->required);
  g_free (self);
}

/**
 * hookrun_operation_get_name:
 * @self: an operation
 *
 * Gets its name: letters, digits, `_` and `-`.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
hookrun_operation_get_name (HookrunOperation *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->name;
}

/**
 * hookrun_operation_get_description:
 * @self: an operation
 *
 * Gets what the module says the operation does. It is a stranger's text: it may contain control
 * characters.
 *
 * Returns: (transfer none): the text; empty when there is none
 *
 * Since: 1.0
 */
const char *
hookrun_operation_get_description (HookrunOperation *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->description;
}

/**
 * hookrun_operation_get_options:
 * @self: an operation
 *
 * Gets the names of its options, without dashes, in the order in which words are bound to them.
 *
 * Returns: (transfer none) (array zero-terminated=1): the names
 *
 * Since: 1.0
 */
const char *const *
hookrun_operation_get_options (HookrunOperation *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return (const char *const *)self->options;
}

/* -1: there is none of that name; "-" and "_" are alike. */
static int
find_option (HookrunOperation *self, const char *name, gsize length)
{
  for (guint i = 0; i < self->n_options; i++) {
    gsize n = 0;

    if (strlen (self->options[i]) != length)
      continue;
    while (n < length && (self->options[i][n] == name[n] ||
                          (strchr ("-_", self->options[i][n]) && strchr ("-_", name[n]))))
      n++;
    if (n == length)
      return (int)i;
  }
  return -1;
}

/**
 * hookrun_operation_get_option_description:
 * @self: an operation
 * @option: the name of an option
 *
 * Gets what the module says of an option.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL when there is no such option
 *
 * Since: 1.0
 */
const char *
hookrun_operation_get_option_description (HookrunOperation *self, const char *option)
{
  int index;

  g_return_val_if_fail (self != NULL && option != NULL, NULL);
  index = find_option (self, option, strlen (option));
  return index >= 0 ? self->option_descriptions[index] : NULL;
}

/**
 * hookrun_operation_is_required:
 * @self: an operation
 * @option: the name of an option
 *
 * Tells whether a call must give the option. Those that a module declares with leading dashes need
 * not be given.
 *
 * Returns: %TRUE when it must be given
 *
 * Since: 1.0
 */
gboolean
hookrun_operation_is_required (HookrunOperation *self, const char *option)
{
  int index;

  g_return_val_if_fail (self != NULL && option != NULL, FALSE);
  index = find_option (self, option, strlen (option));
  return index >= 0 && self->required[index];
}

/**
 * hookrun_operation_takes_words:
 * @self: an operation
 *
 * Tells whether words beyond the declared options are handed to the operation. That is so for
 * modules in shell and for executables that declare no options.
 *
 * Returns: %TRUE when it takes any words
 *
 * Since: 1.0
 */
gboolean
hookrun_operation_takes_words (HookrunOperation *self)
{
  g_return_val_if_fail (self != NULL, FALSE);
  return self->takes_words;
}

/* ---- binding words to options ---- */

typedef struct {
  HookrunOperation *operation;
  JsonObject *values;
  JsonArray *rest;
  guint next; /* where to look for the option of the next word */
} Binding;

static gboolean
set_value (Binding *self, int index, const char *value, GError **error)
{
  const char *name = self->operation->options[index];

  if (json_object_has_member (self->values, name)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "operation \"%s\": option \"%s\" was given twice", self->operation->name, name);
    return FALSE;
  }
  json_object_set_string_member (self->values, name, value);
  return TRUE;
}

/* `--name=value` or `--name value`; @word moves on over the value. */
static gboolean
bind_named (Binding *self, const char *const **word, GError **error)
{
  const char *name = **word + 2;
  gsize length = strcspn (name, "=");
  int index = find_option (self->operation, name, length);
  g_autofree char *text = NULL;
  g_autofree char *hint = NULL;

  if (index >= 0 && name[length] == '=')
    return set_value (self, index, name + length + 1, error);
  if (index >= 0 && (*word)[1] != NULL)
    return set_value (self, index, *++*word, error);
  text = g_strndup (name, length);
  if (index >= 0) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "operation \"%s\": option --%s needs a value", self->operation->name, text);
    return FALSE;
  }
  hint = hookrun_nearest_hint (text, (const char *const *)self->operation->options);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "operation \"%s\" has no option --%s%s",
               self->operation->name, text, hint);
  return FALSE;
}

static gboolean
bind_word (Binding *self, const char *word, GError **error)
{
  HookrunOperation *operation = self->operation;

  while (self->next < operation->n_options &&
         json_object_has_member (self->values, operation->options[self->next]))
    self->next++;
  if (self->next < operation->n_options)
    return set_value (self, (int)self->next, word, error);
  if (operation->takes_words) {
    json_array_add_string_element (self->rest, word);
    return TRUE;
  }
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "operation \"%s\" takes %u argument%s; \"%s\" is one too many", operation->name,
               operation->n_options, operation->n_options == 1 ? "" : "s", word);
  return FALSE;
}

static gboolean
bind_all (Binding *self, const char *const *words, GError **error)
{
  gboolean only_words = self->operation->n_options == 0 && self->operation->takes_words;
  guint count = 0;

  for (; words != NULL && *words != NULL; words++, count++) {
    if (count >= HOOKRUN_OPERATION_MAX_WORDS || !g_utf8_validate (*words, -1, NULL)) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                   "operation \"%s\": arguments must be at most %d words of UTF-8",
                   self->operation->name, HOOKRUN_OPERATION_MAX_WORDS);
      return FALSE;
    }
    if (!only_words && g_str_equal (*words, "--")) {
      only_words = TRUE;
      continue;
    }
    if (!only_words && g_str_has_prefix (*words, "--")) {
      if (!bind_named (self, &words, error))
        return FALSE;
    } else if (!bind_word (self, *words, error)) {
      return FALSE;
    }
  }
  return TRUE;
}

/**
 * hookrun_operation_bind:
 * @self: an operation
 * @words: (nullable) (array zero-terminated=1): words of a command line
 * @error: return location for an error
 *
 * Binds words to the options of the operation: `--NAME VALUE` and `--NAME=VALUE` by name, other
 * words by place; `--` ends the names.
 *
 * Returns: (transfer full) (nullable): a JSON object with a string for each option that was given
 *   and, where the operation takes words, an array `args`; %NULL with %HOOKRUN_ERROR_INVALID for an
 *   unknown option, one given twice, without its value, missing, or a word too many
 *
 * Since: 1.0
 */
JsonNode *
hookrun_operation_bind (HookrunOperation *self, const char *const *words, GError **error)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  Binding binding = {.operation = self};

  g_return_val_if_fail (self != NULL, NULL);
  binding.values = json_object_new ();
  json_node_take_object (node, binding.values);
  binding.rest = json_array_new ();
  if (self->takes_words)
    json_object_set_array_member (binding.values, HOOKRUN_OPERATION_WORDS,
                                  json_array_ref (binding.rest));
  if (!bind_all (&binding, words, error) || !hookrun_operation_check (self, node, error))
    g_clear_pointer (&node, json_node_unref);
  json_array_unref (binding.rest);
  return g_steal_pointer (&node);
}

/* ---- arguments ---- */

static gboolean
is_string (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_VALUE (node) &&
         json_node_get_value_type (node) == G_TYPE_STRING;
}

static gboolean
is_words (JsonNode *node)
{
  JsonArray *array = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  guint length = array != NULL ? json_array_get_length (array) : 0;

  for (guint i = 0; i < length; i++)
    if (!is_string (json_array_get_element (array, i)))
      return FALSE;
  return array != NULL && length <= HOOKRUN_OPERATION_MAX_WORDS;
}

static gboolean
check_member (HookrunOperation *self, const char *name, JsonNode *value, GError **error)
{
  if (self->takes_words && g_str_equal (name, HOOKRUN_OPERATION_WORDS) && is_words (value))
    return TRUE;
  if (find_option (self, name, strlen (name)) >= 0 && is_string (value))
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "operation \"%s\": argument \"%s\" is none of its options, or is no text",
               self->name, name);
  return FALSE;
}

/**
 * hookrun_operation_check:
 * @self: an operation
 * @arguments: a JSON object, as [method@Hookrun.Operation.bind] gives it
 * @error: return location for an error
 *
 * Checks arguments that did not come from a command line: those that a hook has changed, or that
 * another program sent.
 *
 * Returns: %TRUE when the operation can be called with them; %HOOKRUN_ERROR_INVALID else
 *
 * Since: 1.0
 */
gboolean
hookrun_operation_check (HookrunOperation *self, JsonNode *arguments, GError **error)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  g_return_val_if_fail (self != NULL && arguments != NULL, FALSE);
  if (!JSON_NODE_HOLDS_OBJECT (arguments)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "operation \"%s\": the arguments are no JSON object", self->name);
    return FALSE;
  }
  json_object_iter_init (&iter, json_node_get_object (arguments));
  while (json_object_iter_next (&iter, &name, &value))
    if (!check_member (self, name, value, error))
      return FALSE;
  for (guint i = 0; i < self->n_options; i++) {
    if (!self->required[i] ||
        json_object_has_member (json_node_get_object (arguments), self->options[i]))
      continue;
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "operation \"%s\" needs \"%s\"%s%s; give it as a word or with --%s", self->name,
                 self->options[i], *self->option_descriptions[i] != '\0' ? ": " : "",
                 self->option_descriptions[i], self->options[i]);
    return FALSE;
  }
  return TRUE;
}

char **
hookrun_operation_to_words (HookrunOperation *self, JsonNode *arguments)
{
  JsonObject *object = json_node_get_object (arguments);
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();

  for (int required = 1; required >= 0; required--)
    for (guint i = 0; i < self->n_options; i++) {
      const char *value =
          json_object_get_string_member_with_default (object, self->options[i], NULL);
      g_autofree char *named = NULL;

      if (value == NULL || self->required[i] != required)
        continue;
      named = g_strconcat ("--", self->options[i], "=", value, NULL);
      g_strv_builder_add (words, required ? value : named);
    }
  if (self->takes_words && json_object_has_member (object, HOOKRUN_OPERATION_WORDS)) {
    JsonArray *rest = json_object_get_array_member (object, HOOKRUN_OPERATION_WORDS);

    for (guint i = 0; i < json_array_get_length (rest); i++)
      g_strv_builder_add (words, json_array_get_string_element (rest, i));
  }
  return g_strv_builder_end (words);
}

/**
 * hookrun_operation_to_json:
 * @self: an operation
 *
 * Makes a JSON object of it: `name`, `description`, `takes_words`, and `options`, an array of
 * objects with `name`, `description` and `required`.
 *
 * Returns: (transfer full): the object
 *
 * Since: 1.0
 */
JsonNode *
hookrun_operation_to_json (HookrunOperation *self)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  JsonArray *options = json_array_new ();

  g_return_val_if_fail (self != NULL, NULL);
  json_node_take_object (node, object);
  json_object_set_string_member (object, "name", self->name);
  json_object_set_string_member (object, "description", self->description);
  json_object_set_boolean_member (object, "takes_words", self->takes_words);
  for (guint i = 0; i < self->n_options; i++) {
    JsonObject *option = json_object_new ();

    json_object_set_string_member (option, "name", self->options[i]);
    json_object_set_string_member (option, "description", self->option_descriptions[i]);
    json_object_set_boolean_member (option, "required", self->required[i]);
    json_array_add_object_element (options, option);
  }
  json_object_set_array_member (object, "options", options);
  return node;
}
