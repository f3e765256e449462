/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of a project, shared by its loader and its getters. */
#pragma once

#include "hookrun-ini-private.h"
#include "hookrun-project.h"

G_BEGIN_DECLS

struct _HookrunProject {
  GObject parent_instance;

  char *path;
  char *folder;
  char *name;
  char **depends;
  char **hosts;
  GHashTable *specs; /* alias to specification */
  char **module_names;
  GPtrArray *modules;  /* HookrunModule, in the order of module_names */
  GHashTable *indices; /* name to index + 1 */
  GPtrArray *edges;    /* GArray of indices a module */
};

/* Fills @self, whose path and folder are set; FALSE with every fault in @error. */
gboolean hookrun_project_fill (HookrunProject *self, GError **error);

/* No two modules may go to one folder of a host, nor one into another's. */
void hookrun_project_check_destinations (HookrunProject *self, HookrunFaults *faults);

G_END_DECLS
