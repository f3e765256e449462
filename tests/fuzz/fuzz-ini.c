/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as an ini file: the reader ends, keeps lines in order and loses no memory; and any
 * value of it is either good or answered with a reason by each of the checks. */
#include "hookrun-ini-private.h"

#include <stdint.h>

#include "hookrun-values-private.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const HookrunValueCheck checks[] = {
    hookrun_value_check_boolean, hookrun_value_check_destination, hookrun_value_check_host,
    hookrun_value_check_keep,    hookrun_value_check_layout,      hookrun_value_check_name,
    hookrun_value_check_names,   hookrun_value_check_ref,         hookrun_value_check_shared,
    hookrun_value_check_text,    hookrun_value_check_url,
};

static void
check_value (const char *value)
{
  for (gsize i = 0; i < G_N_ELEMENTS (checks); i++) {
    g_autofree char *why = checks[i](value);

    g_assert_true (why == NULL || g_utf8_validate (why, -1, NULL));
  }
}

static void
check_section (const HookrunIniSection *section, guint *line)
{
  g_assert_cmpuint (section->line, >, *line);
  *line = section->line;
  for (guint i = 0; i < section->keys->len; i++) {
    const HookrunIniKey *key = g_ptr_array_index (section->keys, i);

    g_assert_cmpuint (key->line, >, *line);
    *line = key->line;
    g_assert_nonnull (key->value);
    check_value (key->value);
    g_assert_true (hookrun_ini_section_get_key (section, key->name) == key);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (HookrunFaults) faults = hookrun_faults_new ();
  g_autoptr (HookrunIni) ini = hookrun_ini_parse ((const char *)data, size, "fuzz.ini", faults);
  g_autoptr (GError) error = NULL;
  guint line = 0;

  for (guint i = 0; i < ini->sections->len; i++)
    check_section (g_ptr_array_index (ini->sections, i), &line);
  g_assert_true (hookrun_faults_check (faults, "fuzz.ini", &error) == (error == NULL));
  g_assert_true (error == NULL || g_utf8_validate (error->message, -1, NULL));
  return 0;
}
