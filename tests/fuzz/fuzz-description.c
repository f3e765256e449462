/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as what a module says of itself: an error that names it, or a sound description. */
#include "hookrun-operation-private.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
read_operation (GVariant *row)
{
  g_autoptr (HookrunOperation) operation = hookrun_operation_new (row);
  g_autoptr (JsonNode) node = hookrun_operation_to_json (operation);
  const char *const words[] = {"a", "--b=c", NULL};
  g_autoptr (JsonNode) bound = hookrun_operation_bind (operation, words, NULL);
  g_auto (GStrv) line = bound != NULL ? hookrun_operation_to_words (operation, bound) : NULL;

  g_assert_true (hookrun_operation_name_is_valid (hookrun_operation_get_name (operation)));
  g_assert_true (g_utf8_validate (hookrun_operation_get_description (operation), -1, NULL));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) description =
      hookrun_description_parse ((const char *)data, size, "the module", &error);
  g_autoptr (GVariant) operations = NULL;

  if (description == NULL) {
    g_assert_nonnull (strstr (error->message, "the module"));
    return 0;
  }
  g_assert_true (g_variant_is_of_type (description, HOOKRUN_DESCRIPTION_TYPE));
  operations = g_variant_get_child_value (description, 2);
  for (gsize i = 0; i < g_variant_n_children (operations); i++) {
    g_autoptr (GVariant) row = g_variant_get_child_value (operations, i);

    read_operation (row);
  }
  return 0;
}
