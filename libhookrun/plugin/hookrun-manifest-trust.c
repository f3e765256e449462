/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the files that a manifest names are safe from others, and fit to be run. */
#include "hookrun-loader-private.h"
#include "hookrun-trust-private.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

gboolean
hookrun_program_check_trust (const char *path, gboolean runs, GError **error)
{
  struct stat st;
  int fd = hookrun_trust_open (path, O_RDONLY, &st, error);

  if (fd < 0)
    return FALSE;
  close (fd);
  if (!S_ISREG (st.st_mode)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "\"%s\" is not a regular file", path);
    return FALSE;
  }
  if (!runs || (st.st_mode & 0111) != 0)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION,
               "\"%s\" is not executable; chmod +x makes it so", path);
  return FALSE;
}

/* A word of a command that names a file of the plugin's own: a script behind its interpreter. */
static gboolean
is_own_file (const HookrunManifest *manifest, const char *word)
{
  gsize length = manifest->folder != NULL ? strlen (manifest->folder) : 0;

  return length > 0 && strncmp (word, manifest->folder, length) == 0 && word[length] == '/' &&
         g_file_test (word, G_FILE_TEST_IS_REGULAR);
}

gboolean
hookrun_manifest_check_trust (HookrunManifest *manifest, GError **error)
{
  char **command = manifest->command;

  for (guint i = 0; i < manifest->handlers->len; i++) {
    const HookrunManifestHandler *handler = g_ptr_array_index (manifest->handlers, i);

    if (handler->program != NULL && !hookrun_program_check_trust (handler->program, TRUE, error))
      return FALSE;
  }
  if (manifest->file != NULL && !hookrun_program_check_trust (manifest->file, FALSE, error))
    return FALSE;
  if (command == NULL)
    return TRUE;
  if (strchr (command[0], '/') != NULL && !hookrun_program_check_trust (command[0], TRUE, error))
    return FALSE;
  for (guint i = 1; command[i] != NULL; i++)
    if (is_own_file (manifest, command[i]) &&
        !hookrun_program_check_trust (command[i], FALSE, error))
      return FALSE;
  return TRUE;
}
