/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watching with inotify: the state of the thread that takes the kernel's events, keeps the table of
 * what is believed to be there, and tells what differs. The files of this name are its parts.
 */
#pragma once

#include <gio/gio.h>
#include <sys/types.h>

#include "hookrun-node-table-private.h"
#include "hookrun-outbox-private.h"
#include "hookrun-raw-queue-private.h"
#include "hookrun-watch-map-private.h"
#include "hookrun-watch-root-private.h"

G_BEGIN_DECLS

/* A move that was told lately: folders, and hashes of the names in them. */
typedef struct {
  guint32 from;
  guint32 to;
  guint from_name;
  guint to_name;
  gboolean has_replaced;
  guint64 n_told; /* changes that were told up to it */
} HookrunLateMove;

#define HOOKRUN_N_LATE_MOVES 16u

typedef struct {
  GPtrArray *roots; /* HookrunWatchRoot */
  HookrunOutbox *outbox;
  HookrunNodeTable table;
  HookrunWatchMap map;
  HookrunRawQueue raw;
  GMutex lock; /* table, map, outbox and pending, while two threads scan */
  int fd;
  int sentry_fd; /* tells that a root or what leads to it changed */
  int mounts_fd;
  int wake_fd;
  GHashTable *mounts;  /* lines of the mount points, as they were last */
  GArray *pending;     /* folders that wait to be found */
  GArray *later;       /* folders to look at once nothing happens any more */
  guint32 batch;       /* number of what is told together */
  guint64 compared;    /* events before this place are known to a comparison */
  gint64 now_us;       /* when the batch was read */
  gint64 read_us;      /* when something was read last, monotonic */
  gint64 last_read_ns; /* when a read began last, wall clock */
  gint64 drained_ns;   /* all that happened before this was looked at */
  GString *prefix;     /* path of prefix_folder, as it is told */
  guint32 prefix_folder;
  guint prefix_moves;
  HookrunWatchRoot *prefix_root;
  GString *scratch;
  guint64 n_told; /* changes so far */
  HookrunLateMove late_moves[HOOKRUN_N_LATE_MOVES];
  guint n_moves;        /* so far */
  gboolean owns_folder; /* the thread has a working folder of its own */
  gboolean is_limit_told;
  gboolean check_roots;
  gboolean is_in_doubt; /* something waits that need not wait for events */
  GError *limit;        /* why the first scan cannot be whole */
  gint quit;
  gint n_folders;
} HookrunInotify;

/* How far the times of files may lag behind the clock. */
#define HOOKRUN_CLOCK_TICK_NS 12000000ll

/* ---- hookrun-inotify.c ---- */

HookrunInotify *hookrun_inotify_new (GPtrArray *roots, HookrunOutbox *outbox, GError **error);
void hookrun_inotify_free (HookrunInotify *self);
/* Watches and lists all roots. To be called in the thread that will run it. */
gboolean hookrun_inotify_prepare (HookrunInotify *self, GError **error);
/* Works until it is stopped. */
void hookrun_inotify_run (HookrunInotify *self);
/* From any thread. */
void hookrun_inotify_stop (HookrunInotify *self);
/* Takes what the kernel has, so that its queue does not overflow during long work. */
HookrunReadResult hookrun_inotify_read (HookrunInotify *self);
/* What was found so far may be handled. */
void hookrun_inotify_publish (HookrunInotify *self);

static inline gboolean
hookrun_inotify_is_stopped (HookrunInotify *self)
{
  return g_atomic_int_get (&self->quit) != 0;
}

/* ---- hookrun-inotify-tell.c ---- */

typedef struct {
  HookrunChangeKind kind;
  HookrunChangeFlags flags;
  guint8 type;
  guint64 inode;
  const char *old_path; /* (nullable) */
} HookrunTold;

/* The root of @folder, and its path in self->prefix. */
HookrunWatchRoot *hookrun_inotify_enter (HookrunInotify *self, guint32 folder);
gboolean hookrun_inotify_is_shown (HookrunInotify *self, guint32 folder, const char *name,
                                   gsize length);
void hookrun_inotify_tell (HookrunInotify *self, guint32 folder, const char *name, gsize length,
                           const HookrunTold *told);
void hookrun_inotify_tell_node (HookrunInotify *self, guint32 node, const HookrunTold *told);
void hookrun_inotify_tell_root (HookrunInotify *self, HookrunWatchRoot *root,
                                HookrunChangeKind kind);
/* (transfer full): the path as it would be told */
char *hookrun_inotify_path (HookrunInotify *self, guint32 folder, const char *name, gsize length);
void hookrun_inotify_complain (HookrunInotify *self, GError *problem);

/* ---- hookrun-inotify-nodes.c ---- */

typedef enum {
  HOOKRUN_DROP_TOLD,     /* all that goes is told as removed */
  HOOKRUN_DROP_REPLACED, /* all but the topmost is told */
  HOOKRUN_DROP_SILENT,
} HookrunDropMode;

/* Forgets @node and all below it. @flags are for @node itself; what is below is synthetic. */
void hookrun_inotify_drop (HookrunInotify *self, guint32 node, HookrunDropMode mode,
                           HookrunChangeFlags flags);
/* Ends the watch of one folder, if it has one. */
void hookrun_inotify_release (HookrunInotify *self, guint32 node);
/* Ends the watches of @node and all below it; the nodes stay. */
void hookrun_inotify_release_all (HookrunInotify *self, guint32 node);
/* @node is looked at when there are no events left. */
void hookrun_inotify_await (HookrunInotify *self, guint32 node);
/* The same when nothing has happened for a while. */
void hookrun_inotify_look_later (HookrunInotify *self, guint32 node);
/* The same, and nothing is waited for but that. */
void hookrun_inotify_doubt (HookrunInotify *self, guint32 node);

/* ---- hookrun-inotify-open.c ---- */

/* A descriptor of the folder @below (relative, of any length) in the root, no links followed; -1
 * and errno. */
int hookrun_inotify_open_below (const HookrunWatchRoot *root, const char *below);
int hookrun_inotify_open (HookrunInotify *self, guint32 node);
/* Whether this thread has a working folder of its own from now on. */
gboolean hookrun_inotify_own_folder (void);
/* A watch on the very folder that is open; -1 and errno. */
int hookrun_inotify_watch_fd (int fd, int folder_fd, guint32 mask, gboolean owns_folder);
/* Whether the kernel makes its contents up. */
gboolean hookrun_inotify_is_pseudo (int folder_fd);
guint32 hookrun_inotify_mask (const HookrunWatchRoot *root);

/* ---- hookrun-inotify-scan.c ---- */

typedef struct {
  gboolean tells;     /* what differs is told; else it is only noted down */
  gboolean replaced;  /* folders may be others than those that were known: a file of the same name
                         is the same only if its inode is */
  gboolean elsewhere; /* they are on another device: inodes say nothing */
  gboolean trusts_known; /* folders below the first ones are only listed if they turn out to be
                            others than those that were known */
  gint64 since_ns;       /* files that changed after this are told; 0: none */
  HookrunChangeFlags flags;
  guint n_threads;
} HookrunScanOptions;

/* Watches and lists these folders and all below them, and compares with what was known. */
void hookrun_inotify_scan (HookrunInotify *self, const guint32 *nodes, gsize n_nodes,
                           const HookrunScanOptions *options);
void hookrun_inotify_scan_new (HookrunInotify *self, guint32 node);

/* ---- hookrun-inotify-events.c, -moves.c ---- */

void hookrun_inotify_handle (HookrunInotify *self, struct inotify_event *event);
void hookrun_inotify_created (HookrunInotify *self, guint32 folder, const char *name, gsize length,
                              gboolean is_folder);
/* @from is the first of the queue; it and its other half are taken. */
void hookrun_inotify_moved (HookrunInotify *self, struct inotify_event *from);
void hookrun_inotify_moved_in (HookrunInotify *self, struct inotify_event *event);
void hookrun_inotify_overflow (HookrunInotify *self);
void hookrun_inotify_retry (HookrunInotify *self);

/* ---- hookrun-inotify-roots.c, -mounts.c ---- */

/* Looks which roots are there, and what leads to them is watched. */
void hookrun_inotify_check_roots (HookrunInotify *self, gboolean is_first);
/* Notes that roots are to be looked at. */
void hookrun_inotify_silence_sentry (HookrunInotify *self);
void hookrun_inotify_open_mounts (HookrunInotify *self);
void hookrun_inotify_check_mounts (HookrunInotify *self);

G_END_DECLS
