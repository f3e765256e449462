/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of a module path, shared by the files that list, install and remove. */
#pragma once

#include "hookrun-module-path.h"

G_BEGIN_DECLS

struct _HookrunModulePath {
  GObject parent_instance;
  char **folders;
  char *state_folder;
  char *cache_folder;
};

/* Fills @sets, as far as they have no problem yet. */
gboolean hookrun_module_path_describe (HookrunModulePath *self, GPtrArray *sets,
                                       GCancellable *cancellable, GError **error);

G_END_DECLS
