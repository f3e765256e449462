/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One root of a watcher: what was asked for, and the folder that was found there last. */
#pragma once

#include <sys/types.h>

#include "hookrun-node-table-private.h"
#include "hookrun-watcher.h"

G_BEGIN_DECLS

typedef struct {
  char *given; /* begins all paths that are told */
  char *path;  /* absolute */
  HookrunWatchFlags flags;
  HookrunChangeKind kinds;
  GHashTable *only; /* names of the files that were given, to their paths as given; NULL: all */
  guint32 node;
  gboolean is_there;
  dev_t device;
  ino_t inode;
  gint64 gone_ns;
} HookrunWatchRoot;

HookrunWatchRoot *hookrun_watch_root_new (const char *path, HookrunWatchFlags flags,
                                          HookrunChangeKind kinds);
void hookrun_watch_root_free (HookrunWatchRoot *self);

/* The roots to watch for those that were asked for: files become their folders, a root within
 * another is that one's. (transfer full) (element-type HookrunWatchRoot) */
GPtrArray *hookrun_watch_roots_settle (GPtrArray *asked);

G_END_DECLS
