/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Untrusted data: a patch is refused and changes nothing, or it is applied; then what is written as
 * JSON, merged into new data and written again is the same text.
 */
#include <hookrun.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const HookrunField fields[] = {
    {"text", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_REQUIRED, NULL},
    {"template", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_TEMPLATE, NULL},
    {"flag", HOOKRUN_FIELD_BOOLEAN, HOOKRUN_FIELD_NONE, NULL},
    {"int", HOOKRUN_FIELD_INT, HOOKRUN_FIELD_NONE, NULL},
    {"double", HOOKRUN_FIELD_DOUBLE, HOOKRUN_FIELD_NONE, NULL},
    {"list", HOOKRUN_FIELD_STRV, HOOKRUN_FIELD_NONE, NULL},
    {"json", HOOKRUN_FIELD_JSON, HOOKRUN_FIELD_NONE, NULL},
    {"object", HOOKRUN_FIELD_OBJECT, HOOKRUN_FIELD_NONE, NULL},
    {"fixed", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY, NULL},
    {"secret", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_SECRET, NULL},
};

static HookrunData *
make_data (HookrunSchema *schema)
{
  HookrunData *data = hookrun_data_new (schema);

  hookrun_data_slot_set_string (data, 0, "t");
  hookrun_data_slot_set_string (data, 8, "f");
  return data;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (HookrunSchema) schema = hookrun_schema_new (fields, G_N_ELEMENTS (fields), NULL);
  g_autoptr (HookrunData) first = make_data (schema);
  g_autoptr (HookrunData) second = make_data (schema);
  g_autoptr (GError) error = NULL;
  g_autofree char *before = hookrun_data_to_text (first, TRUE);
  g_autofree char *written = NULL;
  g_autofree char *again = NULL;
  g_autofree char *expanded = NULL;

  if (!hookrun_data_merge_text (first, (const char *)data, (gssize)size, &error)) {
    written = hookrun_data_to_text (first, TRUE);
    g_assert_nonnull (error);
    g_assert_cmpstr (written, ==, before);
    return 0;
  }
  g_assert_no_error (error);
  written = hookrun_data_to_text (first, TRUE);
  hookrun_data_merge_text (second, written, -1, &error);
  g_assert_no_error (error);
  again = hookrun_data_to_text (second, TRUE);
  g_assert_cmpstr (again, ==, written);
  g_assert_cmpstr (hookrun_data_slot_get_string (second, 8), ==, "f");
  expanded = hookrun_data_expand (second, "template", NULL);
  return 0;
}
