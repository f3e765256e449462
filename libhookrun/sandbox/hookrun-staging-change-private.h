/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of a change. */
#pragma once

#include "hookrun-staging-folder-private.h"
#include "hookrun-staging-version-private.h"
#include "hookrun-staging.h"

G_BEGIN_DECLS

struct _HookrunStagedChange {
  GObject parent_instance;
  HookrunStaging *staging;
  guint64 id; /* of the pending change; 0: it is not kept yet */
  gint64 time_us;
  char *module;
  char *path;
  HookrunStagedVersion *old;
  HookrunStagedVersion *new;
  HookrunStagingFolder *folder; /* (nullable): pinned when it was declared */
  HookrunStagingAnswer answer;
  gboolean conflict;
  gboolean merged;                  /* it differs from what is kept under its id */
  char *merge_folder;               /* (nullable): name below the folder of merges */
  HookrunStagedVersion *merge_base; /* (nullable): what was in place when it was handed out */
};

HookrunStagedChange *hookrun_staged_change_new (HookrunStaging *staging, const char *module,
                                                const char *path, HookrunStagedVersion *old,
                                                HookrunStagedVersion *new);
/* Contents of both versions into memory. */
gboolean hookrun_staged_change_load (HookrunStagedChange *self, GError **error);
/* Looks whether the old version is still in place. */
void hookrun_staged_change_look (HookrunStagedChange *self);
void hookrun_staged_change_drop_merge (HookrunStagedChange *self);

/* What is public, with a cancellable. */
char *hookrun_staged_change_run_show (HookrunStagedChange *self, GCancellable *cancellable,
                                      GError **error);
/* Lines about all but the content. */
void hookrun_staged_change_append_metadata (HookrunStagedChange *self, GString *out);

/* (transfer full): @text with everything that could deceive a terminal or a reader made visible;
 * newlines too unless @lines. */
char *hookrun_staging_make_visible (const char *text, gsize length, gboolean lines);

G_END_DECLS
