/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Templates: any text expands or gives an error; what expands is a string of its own. */
#include <hookrun.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static char *
lookup (const char *key, gpointer user_data)
{
  return key[0] == 'm' ? NULL : g_strdup (key);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_autoptr (GError) error = NULL;
  g_autofree char *expanded = hookrun_template_expand (text, lookup, NULL, &error);

  g_assert_true ((expanded == NULL) == (error != NULL));
  return 0;
}
