/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A folder for one test: in memory where there is such a place, since a killed process loses
 * nothing that it wrote, and syncing a disk hundreds of times takes long. */
#pragma once

#include "hookrun-file-private.h"

#include <fcntl.h>
#include <glib/gstdio.h>

static inline char *
make_test_folder (void)
{
  const char *memory = "/dev/shm";
  char *folder = g_build_filename (g_access (memory, W_OK) == 0 ? memory : g_get_tmp_dir (),
                                   "hookrun-pipeline-XXXXXX", NULL);

  g_assert_nonnull (g_mkdtemp (folder));
  return folder;
}

static inline void
remove_test_folder (char *folder)
{
  g_assert_true (hookrun_file_remove_tree_at (AT_FDCWD, folder, NULL));
  g_free (folder);
}
