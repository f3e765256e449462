/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The folder of a target, found once and kept open. It is walked to name by name, so that every
 * symbolic link on the way is seen, and the places where nothing may be staged are known by what
 * they are, not by how they are called.
 */
#pragma once

#include <sys/stat.h>

#include "hookrun-error.h"

G_BEGIN_DECLS

typedef struct {
  gatomicrefcount ref_count;
  int fd;
  char *path; /* without a symbolic link in it */
  struct stat st;
} HookrunStagingFolder;

typedef struct {
  const struct stat *refused; /* folders in and below which nothing may be staged */
  guint n_refused;
  /* (nullable): below these a symbolic link on the way is refused; "/" refuses all */
  const char *const *distrusted;
} HookrunStagingRules;

/* (transfer full): the folder of the absolute path @target; @name becomes the last part.
 * INVALID, PERMISSION, NOT_FOUND, UNTRUSTED. */
HookrunStagingFolder *hookrun_staging_folder_find (const char *target,
                                                   const HookrunStagingRules *rules, char **name,
                                                   GError **error);

HookrunStagingFolder *hookrun_staging_folder_ref (HookrunStagingFolder *self);
void hookrun_staging_folder_unref (HookrunStagingFolder *self);

/* Whether @path is @folder or below it; both without symbolic links. */
gboolean hookrun_staging_path_is_below (const char *path, const char *folder);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunStagingFolder, hookrun_staging_folder_unref)

G_END_DECLS
