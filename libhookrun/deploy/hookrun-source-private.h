/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of a source. All of it lives in `repo/.hookrun` of the module's folder: `source.git`,
 * a bare copy of the repository; `times`, when each file last changed; `checkouts`, a folder for
 * each run that is under way, locked by it; and `lock`, held while any of these is changed.
 */
#pragma once

#include <sys/stat.h>

#include "hookrun-git-private.h"
#include "hookrun-source.h"

G_BEGIN_DECLS

struct _HookrunSource {
  GObject parent_instance;

  HookrunModule *module;
  char *release;
  char *host;

  char *cache; /* …/repo/.hookrun */
  int cache_fd;
  char *version;
  char *commit;
  char *checkout; /* this run's folder */
  int checkout_fd;
  char *tree;
  GHashTable *hashes; /* of files of the module's folder, by path */
  GHashTable *noted;  /* files of the tree as it was made, by path */
};

/* Holds the cache's lock until it is closed; -1 and @error on failure. */
int hookrun_source_lock (HookrunSource *self, GCancellable *cancellable, GError **error);

/* git: finds version and commit, the lock held. */
gboolean hookrun_source_resolve_git (HookrunSource *self, GCancellable *cancellable,
                                     GError **error);
/* git: fills the folder "new" of the checkout. */
gboolean hookrun_source_export_git (HookrunSource *self, GCancellable *cancellable, GError **error);

/* No repository: the version is the one in the module's file, or the digest of the folder. */
gboolean hookrun_source_resolve_folder (HookrunSource *self, GCancellable *cancellable,
                                        GError **error);
gboolean hookrun_source_export_folder (HookrunSource *self, GCancellable *cancellable,
                                       GError **error);

/* One file of an export: @path is relative to the tree, @blob the id of its content. */
typedef struct {
  const char *path;
  const char *blob;
} HookrunSourceFile;

/* Gives each file the time at which an export first had this content under this path, so that a
 * sync sees as changed what has changed. @attributes: what else decides the content of files. */
gboolean hookrun_source_set_times (HookrunSource *self, int tree_fd, const HookrunSourceFile *files,
                                   gsize n_files, const char *attributes, GError **error);

/* What is known of files by path, each with the stat that it had. */
GHashTable *hookrun_source_new_memory (void);
void hookrun_source_remember (GHashTable *memory, const char *path, const struct stat *st,
                              const char *hash);
/* (nullable): the hash of a file that is still the same. */
const char *hookrun_source_recall (GHashTable *memory, const char *path, const struct stat *st);
/* Hexadecimal SHA-256 of what is left to be read. (transfer full) */
char *hookrun_source_hash_file (int fd, const char *path, GError **error);
/* The part of a file's time below the second, from the hash of its content. */
long hookrun_source_nanoseconds (const char *id);
/* Keeps in mind the files of the tree, whose times tell of their contents. */
gboolean hookrun_source_note_tree (HookrunSource *self, GCancellable *cancellable, GError **error);
/* Gives files of the tree that changed since then such times. @exact: (out): FALSE when that could
 * not be done for all, so that a sync has to compare contents. */
gboolean hookrun_source_stamp (HookrunSource *self, gboolean *exact, GCancellable *cancellable,
                               GError **error);

/* Removes the tree from the disk before the object does. */
void hookrun_source_drop_checkout (HookrunSource *self);

G_END_DECLS
