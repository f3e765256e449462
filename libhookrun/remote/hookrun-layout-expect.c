/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a send in place is about to write, told to the agent before the first byte of it: type,
 * size, time and name of everything in the source. By that list the agent knows later, even when
 * this process is long gone, what it may take away, and what somebody else has made or changed.
 */
#include <string.h>

#include "hookrun-layout-private.h"
#include "hookrun-sync-private.h"

/* A request is written at once, and must fit into the buffer of a socket. */
#define MAX_REQUEST 32768

/* A line of the list ends with "\e"; in a name a backslash is "\s" and a newline "\n". */
#define END_OF_LINE "\\e"

static void
append_name (GString *text, const char *path)
{
  for (const char *at = path; *at != '\0'; at++)
    if (*at == '\\')
      g_string_append (text, "\\s");
    else if (*at == '\n')
      g_string_append (text, "\\n");
    else
      g_string_append_c (text, *at);
}

/* Times as find -printf %T@ prints them. */
static void
append_entry (GString *text, const HookrunManifestEntry *entry)
{
  g_string_append_printf (text, "%c:%" G_GUINT64_FORMAT ":%" G_GINT64_FORMAT ".%09u0:./",
                          entry->type, entry->size, entry->mtime, entry->mtime_ns);
  append_name (text, entry->path);
  g_string_append (text, END_OF_LINE);
}

static gboolean
tell (HookrunLayout *self, const char *release, GString *text, GCancellable *cancellable,
      GError **error)
{
  g_autofree char *reply = hookrun_layout_ask (
      self, cancellable, error, (const char *const[]){"expect", release, text->str, NULL});

  g_string_truncate (text, 0);
  return reply != NULL;
}

gboolean
hookrun_layout_expect (HookrunLayout *self, const char *release, HookrunSync *sync,
                       const char *local_folder, GCancellable *cancellable, GError **error)
{
  g_autoptr (HookrunSyncOptions) options = hookrun_sync_copy_options (sync);
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  if (self->kind != HOOKRUN_LAYOUT_IN_PLACE || options->dry_run ||
      !g_file_test (local_folder, G_FILE_TEST_IS_DIR))
    return TRUE;
  options->guard_state = TRUE;
  entries = hookrun_tree_manifest_scan (local_folder, options, cancellable, error);
  if (entries == NULL)
    return FALSE;
  if (options->remove)
    g_string_append (text, "delete" END_OF_LINE);
  for (guint i = 0; i < entries->len; i++) {
    append_entry (text, entries->pdata[i]);
    if (text->len > MAX_REQUEST && !tell (self, release, text, cancellable, error))
      return FALSE;
  }
  return text->len == 0 || tell (self, release, text, cancellable, error);
}
