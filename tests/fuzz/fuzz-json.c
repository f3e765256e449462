/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Untrusted JSON: what the reader lets through parses, and what was parsed is written and parses
 * again. */
#include <hookrun.h>
#include <stdint.h>

#include "hookrun-json-private.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const HookrunJsonLimits limits = {.max_size = 8192, .max_depth = 16};
  const char *text = (const char *)data;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = hookrun_json_parse (text, size, &limits, "input", &error);

  g_assert_true ((node == NULL) == (error != NULL));
  if (node) {
    g_autofree char *again = hookrun_json_to_string (node);
    g_autoptr (JsonNode) second = NULL;

    g_assert_true (hookrun_json_check (text, size, &limits, NULL));
    second = hookrun_json_parse (again, strlen (again), NULL, "output", &error);
    g_assert_no_error (error);
    g_assert_true (json_node_equal (node, second));
  }
  return 0;
}
