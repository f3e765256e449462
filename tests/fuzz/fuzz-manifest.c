/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a manifest: an error that names its source, or a manifest whose parts are sound. */
#include "hookrun-manifest-private.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
read_all_parts (HookrunManifest *manifest)
{
  g_assert_true (hookrun_id_is_valid (hookrun_manifest_get_id (manifest)));
  g_assert_nonnull (hookrun_manifest_get_version (manifest));
  g_assert_true (hookrun_manifest_get_file (manifest) != NULL ||
                 hookrun_manifest_get_command (manifest) != NULL);
  for (guint i = 0; i < hookrun_manifest_get_n_options (manifest); i++)
    g_assert_nonnull (hookrun_manifest_get_option (manifest, i)->name);
  for (const char *const *id = hookrun_manifest_get_requires (manifest); *id != NULL; id++)
    g_assert_nonnull (hookrun_manifest_get_required_range (manifest, *id));
  for (guint i = 0; i < manifest->handlers->len; i++) {
    HookrunHandlerOptions options;

    hookrun_manifest_handler_get_options (g_ptr_array_index (manifest->handlers, i), &options);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (HookrunManifest) manifest = hookrun_manifest_alloc ("fuzz.json", "/fuzz");
  g_autoptr (GError) error = NULL;

  if (hookrun_manifest_parse_text (manifest, (const char *)data, size, &error)) {
    g_assert_no_error (error);
    read_all_parts (manifest);
  } else {
    g_assert_true (g_str_has_prefix (error->message, "fuzz.json"));
  }
  return 0;
}
