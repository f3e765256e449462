/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A folder with a watcher on it: tests do things in it, then ask what was told, and whether a tree
 * that is kept by what was told alone is the real one.
 */
#pragma once

#include <hookrun.h>

G_BEGIN_DECLS

typedef struct {
  char *top;    /* all of it, removed at the end */
  char *folder; /* what is watched */
  HookrunWatcher *watcher;
  GPtrArray *changes;   /* HookrunChange */
  GHashTable *believed; /* path -> "d" or "f" */
  guint n_sentinels;
  guint handler_delay_us; /* the handler takes its time */
} WatchPlace;

/* Where the tests are: a folder of /tmp, or of /dev/shm. Call it first; drops root with --user. */
void watch_fixture_init (int *argc, char ***argv);
/* Whether this process has mounts of its own. */
gboolean watch_fixture_may_mount (void);

WatchPlace *watch_place_new (void);
/* Without starting to watch. */
WatchPlace *watch_place_prepare (void);
void watch_place_start (WatchPlace *self);
void watch_place_free (WatchPlace *self);

/* ---- doing; paths are relative to the top, and the watched folder is "w" ---- */

void watch_write (WatchPlace *self, const char *path, const char *text);
void watch_append (WatchPlace *self, const char *path, const char *text);
void watch_mkdir (WatchPlace *self, const char *path);
void watch_move (WatchPlace *self, const char *from, const char *to);
void watch_remove (WatchPlace *self, const char *path);
char *watch_path (WatchPlace *self, const char *path);

/* ---- asking ---- */

/* Waits until all that was done is told. */
void watch_settle (WatchPlace *self);
/* Runs the main context for a while. */
void watch_run (WatchPlace *self, guint ms);
/* Waits until it is told; fails with all that was. @old_path is for moves. */
void watch_expect (WatchPlace *self, HookrunChangeKind kind, const char *path,
                   const char *old_path);
guint watch_count (WatchPlace *self, HookrunChangeKind kind, const char *path);
guint watch_count_kind (WatchPlace *self, HookrunChangeKind kind);
/* Place of the first such change in what was told; G_MAXUINT: none. */
guint watch_index (WatchPlace *self, HookrunChangeKind kind, const char *path);
void watch_forget (WatchPlace *self);
/* Fails unless the believed tree is the real one. */
void watch_compare (WatchPlace *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WatchPlace, watch_place_free)

G_END_DECLS
