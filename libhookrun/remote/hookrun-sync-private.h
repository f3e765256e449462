/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between a sync, its two engines and the layout: choices, results, manifests. */
#pragma once

#include "hookrun-sync.h"

G_BEGIN_DECLS

/* The choices of one run; a copy, so that setters do not disturb it. */
typedef struct {
  HookrunSyncEngine engine;
  char **excludes;
  char **rsync_options;
  gboolean remove;
  gboolean checksum;
  gboolean compress;
  gboolean dry_run;
  gboolean has_hard_links; /* files there share their inodes with another tree: never change one */
  gboolean guard_state;    /* leave "/.hookrun" alone */
  char *writers; /* a file there, on which what writes there holds a shared lock; or NULL */
} HookrunSyncOptions;

HookrunSyncOptions *hookrun_sync_copy_options (HookrunSync *self);
void hookrun_sync_options_free (HookrunSyncOptions *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunSyncOptions, hookrun_sync_options_free)

struct _HookrunSyncResult {
  gatomicrefcount ref_count;
  HookrunSyncEngine engine;
  guint64 n_files;
  guint64 n_bytes;
  guint64 n_deleted;
  GPtrArray *changes; /* of char *, NULL-terminated */
};

HookrunSyncResult *hookrun_sync_result_new (HookrunSyncEngine engine);
/* @sign is '+', '~' or '-'; @path is raw bytes. */
void hookrun_sync_result_add_change (HookrunSyncResult *self, char sign, const char *path);
void hookrun_sync_result_seal (HookrunSyncResult *self);

/* Blocking; @remote_folder is mapped already, @local_folder absolute. */
HookrunSyncResult *hookrun_sync_run_options (const HookrunSyncOptions *options,
                                             HookrunTarget *target, const char *local_folder,
                                             const char *remote_folder, GCancellable *cancellable,
                                             GError **error);
HookrunSyncResult *hookrun_sync_run_rsync (const HookrunSyncOptions *options, HookrunTarget *target,
                                           const char *local_folder, const char *remote_folder,
                                           GCancellable *cancellable, GError **error);
HookrunSyncResult *hookrun_sync_run_tar (const HookrunSyncOptions *options, HookrunTarget *target,
                                         const char *local_folder, const char *remote_folder,
                                         GCancellable *cancellable, GError **error);
/* Runs rsync with these words, its connection being that of @target. */
gboolean hookrun_rsync_spawn (HookrunTarget *target, const char *const *argv, const char *prepare,
                              GBytes **output, GCancellable *cancellable, GError **error);
/* Shell that opens each command that writes at the target: it takes the lock and makes
 * @make_folder, if given. (transfer full) */
char *hookrun_sync_prepare_writer (const HookrunSyncOptions *options, const char *make_folder);
/* The program that rsync is to start in the place of ssh, NULL when there is none. (transfer full)
 */
char *hookrun_rsync_find_helper (void);

/* What rsync prints of a run: statistics, and with itemised lines the changes. Names whose
 * attributes alone differ are added to @attributes_only, if given. */
void hookrun_rsync_parse (HookrunSyncResult *result, const char *text, GPtrArray *attributes_only);

typedef struct {
  char *path; /* relative, no "./" */
  char *link; /* of a symbolic link; NULL where it is not known */
  char *hash; /* hexadecimal SHA-256 of a file; NULL where it is not known */
  char type;  /* 'f', 'd', 'l', or '?' for what cannot be sent */
  guint mode;
  guint64 size;
  gint64 mtime;   /* seconds */
  guint mtime_ns; /* the rest; 0 where it is not known */
} HookrunManifestEntry;

/* Sorted by path. */
typedef GPtrArray HookrunTreeManifest;

/* Walks a folder of this machine; follows no link. */
HookrunTreeManifest *hookrun_tree_manifest_scan (const char *folder,
                                                 const HookrunSyncOptions *options,
                                                 GCancellable *cancellable, GError **error);
/* Reads what the target's manifest script printed: untrusted. @what names it in messages. */
HookrunTreeManifest *hookrun_tree_manifest_parse (const char *data, gsize length, const char *what,
                                                  GError **error);
HookrunManifestEntry *hookrun_tree_manifest_find (HookrunTreeManifest *self, const char *path);

/* Patterns as rsync's --exclude knows them: "name", "/anchored", "folder/", "*", "**". */
gboolean hookrun_sync_is_excluded (const HookrunSyncOptions *options, const char *path,
                                   gboolean is_folder);
/* The same for a path whose folders may be excluded, too. */
gboolean hookrun_sync_is_below_excluded (const HookrunSyncOptions *options, const char *path,
                                         gboolean is_folder);

G_END_DECLS
