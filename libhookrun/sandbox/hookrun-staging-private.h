/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of a staging: what its files share. */
#pragma once

#include "hookrun-staging-change-private.h"
#include "hookrun-staging-ledger-private.h"

G_BEGIN_DECLS

struct _HookrunStaging {
  GObject parent_instance;
  char *folder; /* without symbolic links */
  int folder_fd;
  int kept_fd;
  struct stat st;      /* of the folder */
  struct stat kept_st; /* of the folder of kept versions */
  HookrunStagingLedger *ledger;
  guint64 max_size;
  guint wait_ms;
  GCancellable *cancellable; /* (nullable): of the work under way */
};

#define HOOKRUN_STAGING_KEPT_FOLDER "kept"
#define HOOKRUN_STAGING_MERGE_FOLDER "merge"

/* Locks, reads, and ends what a crash left open. Every work on the state folder stands between
 * these two. */
gboolean hookrun_staging_begin (HookrunStaging *self, GCancellable *cancellable, GError **error);
void hookrun_staging_end (HookrunStaging *self);

/* TRUE with @error: to be asked only where nothing has happened yet. */
gboolean hookrun_staging_is_cancelled (HookrunStaging *self, GError **error);

/* What is public, with a cancellable. */
gboolean hookrun_staging_run_settle (HookrunStaging *self, GPtrArray *changes,
                                     GCancellable *cancellable, HookrunStagingCommit **commit,
                                     GError **error);
HookrunStagingCommit *hookrun_staging_run_undo (HookrunStaging *self, guint64 id,
                                                GCancellable *cancellable, GError **error);
gboolean hookrun_staging_run_recover (HookrunStaging *self, GCancellable *cancellable,
                                      GError **error);

/* The folder of the absolute path @path, which has no link in it. */
HookrunStagingFolder *hookrun_staging_find_folder (HookrunStaging *self, const char *path,
                                                   GError **error);

/* ---- one file of a commit (hookrun-staging-entry.c) ---- */

typedef enum {
  HOOKRUN_STAGING_UNKNOWN, /* a third state: nothing may be touched */
  HOOKRUN_STAGING_CLEAN,   /* the old version in place, nothing of ours beside it */
  HOOKRUN_STAGING_BEFORE,  /* the old version in place, the new one ready */
  HOOKRUN_STAGING_CHANGED, /* not exchanged, and no longer the old version in place */
  HOOKRUN_STAGING_WRONG,   /* exchanged, and what came out is not the old version */
  HOOKRUN_STAGING_AFTER,   /* exchanged, the old version beside it */
  HOOKRUN_STAGING_KEPT,    /* exchanged, the old version in the state folder */
  HOOKRUN_STAGING_NEUTRAL, /* done and changed since, or never done: nothing of ours is there */
} HookrunStagingPosition;

gboolean hookrun_staging_entry_open (HookrunStaging *self, HookrunStagingEntry *entry,
                                     GError **error);
/* The new version as a file without a name; CONFLICT when the old one is not in place. */
gboolean hookrun_staging_entry_prepare (HookrunStaging *self, HookrunStagingEntry *entry,
                                        const char *kept_name, GError **error);
gboolean hookrun_staging_entry_link (HookrunStagingEntry *entry, GError **error);
/* CONFLICT: what was displaced is not the old version; all is as it was. */
gboolean hookrun_staging_entry_swap (HookrunStagingEntry *entry, GError **error);
gboolean hookrun_staging_entry_swap_back (HookrunStagingEntry *entry, GError **error);
/* Moves the displaced version to the state folder. */
gboolean hookrun_staging_entry_keep (HookrunStaging *self, HookrunStagingEntry *entry,
                                     const char *kept_name, GError **error);
gboolean hookrun_staging_entry_remove_temporary (HookrunStagingEntry *entry, GError **error);
gboolean hookrun_staging_entry_locate (HookrunStaging *self, HookrunStagingEntry *entry,
                                       const char *kept_name, HookrunStagingPosition *position,
                                       GError **error);

/* ---- commits (hookrun-staging-apply.c, hookrun-staging-recover.c) ---- */

/* Applies all entries or none. CONFLICT, PERMISSION, NO_SPACE, UNSUPPORTED, IO. */
gboolean hookrun_staging_run_commit (HookrunStaging *self, HookrunStagingCommit *commit,
                                     GError **error);
/* Ends the open commit, forward where that is possible and @forward allows it. */
gboolean hookrun_staging_end_open (HookrunStaging *self, gboolean forward, gboolean *applied,
                                   GError **error);
gboolean hookrun_staging_finish_forward (HookrunStaging *self, HookrunStagingCommit *commit,
                                         GError **error);
gboolean hookrun_staging_sync_folders (HookrunStagingCommit *commit, GError **error);
guint hookrun_staging_count_folders (HookrunStagingCommit *commit);
/* (transfer full): the locks are held as long as the array lives. */
GArray *hookrun_staging_lock_folders (HookrunStagingCommit *commit);
/* Removes early temporary files that no commit came of. */
gboolean hookrun_staging_sweep_early (HookrunStaging *self, GError **error);
/* Removes kept versions that no record names. */
gboolean hookrun_staging_sweep_kept (HookrunStaging *self, GError **error);

/* Removes folders of merges whose programs are dead. */
void hookrun_staging_sweep_merges (HookrunStaging *self);

/* ---- the pending store (hookrun-staging-pending.c) ---- */

gboolean hookrun_staging_keep_change (HookrunStaging *self, HookrunStagedChange *change,
                                      GError **error);
gboolean hookrun_staging_drop_pending (HookrunStaging *self, guint64 id, GError **error);

G_END_DECLS
