/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making sets of operations: the file first, then what it says of itself, or why it says nothing.
 */
#pragma once

#include <sys/stat.h>

#include "hookrun-operation-private.h"
#include "hookrun-operation-set.h"

G_BEGIN_DECLS

struct _HookrunOperationSet {
  GObject parent_instance;
  char *name;
  HookrunOperationKind kind;
  char *file;
  struct stat st; /* of the file when it was found */
  char *digest;   /* (nullable): of its contents then */
  char *version;
  char *description;
  GPtrArray *operations;
  GError *problem;
  HookrunPolicy *request; /* (nullable): what the sidecar file asks for */
  char *manifest_version; /* (nullable): its version, which wins */
};

/* A file that was found; not described yet. */
HookrunOperationSet *hookrun_operation_set_new (const char *name, HookrunOperationKind kind,
                                                const char *file);

/* @description: as hookrun_description_parse() gives it. */
void hookrun_operation_set_take_description (HookrunOperationSet *self, GVariant *description);
/* Takes @problem; the first one stays. */
void hookrun_operation_set_take_problem (HookrunOperationSet *self, GError *problem);

/* Reads NAME.json beside the file, if there is one. */
gboolean hookrun_operation_set_read_manifest (HookrunOperationSet *self, GError **error);

G_END_DECLS
