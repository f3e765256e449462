/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as what a target says of its files: a list has safe names only, or is refused; and any
 * text as what rsync prints. */
#include <stdint.h>
#include <string.h>

#include "hookrun-sync-private.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_path (const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);

  g_assert_cmpuint (g_strv_length (parts), >, 0);
  for (gsize i = 0; parts[i] != NULL; i++)
    g_assert_false (parts[i][0] == '\0' || g_str_equal (parts[i], ".") ||
                    g_str_equal (parts[i], ".."));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list =
      hookrun_tree_manifest_parse ((const char *)data, size, "target \"fuzz\"", &error);
  g_autoptr (HookrunSyncResult) result = hookrun_sync_result_new (HOOKRUN_SYNC_ENGINE_RSYNC);
  g_autofree char *text = g_strndup ((const char *)data, size);

  g_assert_true ((list == NULL) == (error != NULL));
  for (guint i = 0; list != NULL && i < list->len; i++) {
    HookrunManifestEntry *entry = list->pdata[i];

    check_path (entry->path);
    g_assert_nonnull (hookrun_tree_manifest_find (list, entry->path));
    g_assert_cmpuint (entry->mtime_ns, <, 1000000000);
  }
  hookrun_rsync_parse (result, text, NULL);
  hookrun_sync_result_seal (result);
  for (const char *const *at = hookrun_sync_result_get_changes (result); *at != NULL; at++)
    g_assert_true (g_utf8_validate (*at, -1, NULL) && strchr (*at, '\n') == NULL);
  return 0;
}
