/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds the shell scripts that the library carries and makes command lines of them. */
#include "hookrun-target-script-private.h"

#include <gio/gio.h>

#include "hookrun-remote-resources.h"
#include "hookrun-shell-private.h"

/* The functions that a script needs have a file of their own. */
static const struct {
  const char *script;
  const char *functions;
} needs[] = {{"agent", "agent-place"}};

static void
append_script (GString *script, const char *name)
{
  g_autofree char *path = g_strdup_printf ("/hookrun/remote/%s.sh", name);
  g_autoptr (GBytes) text = g_resource_lookup_data (hookrun_remote_get_resource (), path,
                                                    G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  gsize length;
  const char *data;

  g_assert (text != NULL);
  data = g_bytes_get_data (text, &length);
  g_string_append_len (script, data, (gssize)length);
}

char *
hookrun_target_script_command (const char *name, const char *const *words)
{
  g_autoptr (GString) script = g_string_new (NULL);
  g_autofree char *head = NULL;
  g_autofree char *tail = NULL;
  const char *argv[] = {"sh", "-c", NULL, name, NULL};

  for (gsize i = 0; i < G_N_ELEMENTS (needs); i++)
    if (g_str_equal (name, needs[i].script))
      append_script (script, needs[i].functions);
  append_script (script, name);
  argv[2] = script->str;
  head = hookrun_shell_quote_argv (argv);
  tail = hookrun_shell_quote_argv (words);
  return g_strjoin (" ", head, tail, NULL);
}
