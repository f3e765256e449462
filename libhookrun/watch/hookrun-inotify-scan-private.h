/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of a scan share: the folders that wait, and the comparison of one listing. */
#pragma once

#include "hookrun-inotify-private.h"

G_BEGIN_DECLS

/* A folder that stays open while folders in it wait. */
typedef struct {
  int fd;
  guint references;
} HookrunOpenFolder;

typedef struct {
  guint32 node;
  guint32 folder;            /* that it was found in; NONE: one of the first */
  HookrunOpenFolder *parent; /* NULL: it is opened by its path */
} HookrunScanItem;

/* All of it is under the lock of @self. */
typedef struct {
  HookrunInotify *self;
  const HookrunScanOptions *options;
  GCond more;
  GArray *items; /* HookrunScanItem; the last is next */
  guint n_busy;
  guint n_waiting;
  int n_open;
} HookrunScan;

typedef struct {
  HookrunScan *scan;
  gboolean is_owner; /* reads the kernel's queue now and then */
  gboolean owns_folder;
  char *entries;
  guint n_breaths;
} HookrunScanThread;

/* The comparison of a folder with its listing. */
typedef struct {
  HookrunScanThread *thread;
  HookrunScan *scan;
  const HookrunWatchRoot *root;
  guint32 node;
  HookrunOpenFolder *folder;
  gboolean keeps_open;
  gboolean was_known; /* something was in it before */
} HookrunListing;

void hookrun_scan_push (HookrunScan *scan, guint32 node, guint32 folder, HookrunOpenFolder *parent);

static inline HookrunWatchRoot *
hookrun_scan_root (HookrunScan *scan, guint32 node)
{
  guint32 top = hookrun_node_table_root (&scan->self->table, node);

  return g_ptr_array_index (scan->self->roots,
                            hookrun_node_table_get (&scan->self->table, top)->name);
}

void hookrun_scan_breathe (HookrunScanThread *thread);

/* ---- hookrun-inotify-listing.c ---- */

/* The folder could not be opened or watched. */
void hookrun_scan_failed (HookrunScan *scan, guint32 node, int saved_errno);
/* Notes the watch down; whether the folder is to be listed. */
gboolean hookrun_scan_assign (HookrunScan *scan, guint32 node, int watch, int fd);

void hookrun_listing_start (HookrunListing *self, HookrunScanThread *thread,
                            const HookrunWatchRoot *root, guint32 node, HookrunOpenFolder *folder);
void hookrun_listing_take (HookrunListing *self, const char *name, gsize length, guint8 type,
                           guint64 inode);
/* @is_whole: the listing was read to its end */
void hookrun_listing_end (HookrunListing *self, gboolean is_whole);

G_END_DECLS
