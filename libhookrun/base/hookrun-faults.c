/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list of faults that becomes one error. */
#include "hookrun-faults-private.h"

struct _HookrunFaults {
  GPtrArray *texts;
  guint count;
  HookrunError code;
};

HookrunFaults *
hookrun_faults_new (void)
{
  HookrunFaults *faults = g_new0 (HookrunFaults, 1);

  faults->texts = g_ptr_array_new_with_free_func (g_free);
  return faults;
}

void
hookrun_faults_free (HookrunFaults *faults)
{
  g_ptr_array_unref (faults->texts);
  g_free (faults);
}

void
hookrun_faults_add (HookrunFaults *faults, HookrunError code, const char *format, ...)
{
  va_list args;

  if (faults->count == 0)
    faults->code = code;
  else if (faults->code != code)
    faults->code = HOOKRUN_ERROR_INVALID;
  faults->count++;
  if (faults->texts->len >= HOOKRUN_FAULTS_MAX)
    return;
  va_start (args, format);
  g_ptr_array_add (faults->texts, g_strdup_vprintf (format, args));
  va_end (args);
}

guint
hookrun_faults_count (const HookrunFaults *faults)
{
  return faults->count;
}

gboolean
hookrun_faults_wants_more (const HookrunFaults *faults)
{
  return faults->texts->len < HOOKRUN_FAULTS_MAX;
}

gboolean
hookrun_faults_check (const HookrunFaults *faults, const char *subject, GError **error)
{
  g_autoptr (GString) text = NULL;

  if (faults->count == 0)
    return TRUE;
  if (faults->count == 1) {
    g_set_error_literal (error, HOOKRUN_ERROR, (int)faults->code,
                         g_ptr_array_index (faults->texts, 0));
    return FALSE;
  }
  text = g_string_new (NULL);
  g_string_append_printf (text, "%s has %u faults:", subject, faults->count);
  for (guint i = 0; i < faults->texts->len; i++)
    g_string_append_printf (text, "\n%s", (const char *)g_ptr_array_index (faults->texts, i));
  if (faults->count > faults->texts->len)
    g_string_append_printf (text, "\nand %u more", faults->count - faults->texts->len);
  g_set_error_literal (error, HOOKRUN_ERROR, (int)faults->code, text->str);
  return FALSE;
}

char *
hookrun_excerpt (const char *text)
{
  const glong max = 60;
  g_autofree char *start = NULL;

  if (g_utf8_strlen (text, -1) <= max)
    return g_strdup (text);
  start = g_utf8_substring (text, 0, max - 1);
  return g_strconcat (start, "…", NULL);
}
