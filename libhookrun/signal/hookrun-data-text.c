/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The payload as text: any value read as what a template's place is filled with, and templates
 * filled late, from the payload as it is when they are read.
 */
#include "hookrun-data-private.h"

#include "hookrun-json-private.h"
#include "hookrun-template.h"

/* (transfer full) (nullable): what a place of a template is filled with. */
static char *
value_to_text (const HookrunValue *value)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  switch (value->type) {
  case HOOKRUN_FIELD_STRING:
    return g_strdup (value->as.string);
  case HOOKRUN_FIELD_BOOLEAN:
    return g_strdup (value->as.boolean ? "true" : "false");
  case HOOKRUN_FIELD_INT:
    return g_strdup_printf ("%" G_GINT64_FORMAT, value->as.integer);
  case HOOKRUN_FIELD_DOUBLE:
    return g_strdup (g_ascii_dtostr (buffer, sizeof buffer, value->as.number));
  case HOOKRUN_FIELD_STRV:
    return g_strjoinv (", ", value->as.strv);
  case HOOKRUN_FIELD_JSON:
    return hookrun_json_to_string (value->as.json);
  case HOOKRUN_FIELD_OBJECT:
    return NULL;
  }
  return NULL;
}

static char *
lookup_place (const char *key, gpointer user_data)
{
  HookrunValue *value = hookrun_data_peek (user_data, key, NULL);

  return value != NULL ? value_to_text (value) : NULL;
}

/**
 * hookrun_data_expand_text:
 * @self: a payload
 * @text: a template
 * @error: return location for an error
 *
 * Fills the places `%(key)s` and `{key}` of @text from the fields and extras as they are now.
 * Booleans read `true` and `false`, lists are joined by `", "`, JSON is written as JSON.
 *
 * Returns: (transfer full): the filled text; %NULL with an error as for
 *   [func@Hookrun.template_expand]
 *
 * Since: 1.0
 */
char *
hookrun_data_expand_text (HookrunData *self, const char *text, GError **error)
{
  g_return_val_if_fail (self != NULL && text != NULL, NULL);
  return hookrun_template_expand (text, lookup_place, self, error);
}

/**
 * hookrun_data_expand:
 * @self: a payload
 * @name: a key; `-` and `_` are alike
 * @error: return location for an error
 *
 * Reads anything as text. The places of fields with %HOOKRUN_FIELD_TEMPLATE and of extras that are
 * texts are filled; a declared field without that flag is given as it is.
 *
 * Returns: (transfer full): the text; %NULL with %HOOKRUN_ERROR_NOT_FOUND when @name is unset or an
 *   object, or with an error as for [func@Hookrun.template_expand]
 *
 * Since: 1.0
 */
char *
hookrun_data_expand (HookrunData *self, const char *name, GError **error)
{
  int slot = -1;
  HookrunValue *value;
  char *text = NULL;

  g_return_val_if_fail (self != NULL && name != NULL, NULL);
  value = hookrun_data_peek (self, name, &slot);
  if (value != NULL && value->type == HOOKRUN_FIELD_STRING &&
      (slot < 0 || (self->schema->fields[slot].flags & HOOKRUN_FIELD_TEMPLATE) != 0)) {
    text = hookrun_data_expand_text (self, value->as.string, error);
    if (text == NULL)
      g_prefix_error (error, "cannot fill \"%s\": ", name);
    return text;
  }
  if (value != NULL)
    text = value_to_text (value);
  if (text == NULL)
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
                 "the data has no text \"%s\"; set it or correct the name", name);
  return text;
}
