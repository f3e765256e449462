/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watching folders: what changes in them is told in the thread of the caller's main loop. */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-change.h"

G_BEGIN_DECLS

/**
 * HookrunWatchFlags:
 * @HOOKRUN_WATCH_NONE: only what is directly in the folder
 * @HOOKRUN_WATCH_RECURSIVE: all folders below it, too; symbolic links are not followed
 *
 * How a root is watched.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_WATCH_NONE = 0,
  HOOKRUN_WATCH_RECURSIVE = 1 << 0,
} HookrunWatchFlags;

#define HOOKRUN_TYPE_WATCH_FLAGS (hookrun_watch_flags_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_watch_flags_get_type (void);

/**
 * HookrunWatcher:
 *
 * Watches folders and tells what changes in them. No change is lost: new folders are watched, then
 * listed; where the kernel could not keep up, what differs is found and told between two notes; a
 * root that vanishes is watched again when it returns. A thread of its own takes what the kernel
 * tells, so a slow handler loses nothing.
 *
 * Its functions are called, and its signals emitted, in the thread whose main context was the
 * default when it was started.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_WATCHER (hookrun_watcher_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunWatcher, hookrun_watcher, HOOKRUN, WATCHER, GObject)

HOOKRUN_AVAILABLE_IN_1_0
HookrunWatcher *hookrun_watcher_new (void);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_watcher_add_root (HookrunWatcher *self, const char *path, HookrunWatchFlags flags,
                                   HookrunChangeKind kinds, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_watcher_set_settle_ms (HookrunWatcher *self, guint settle_ms);
HOOKRUN_AVAILABLE_IN_1_0
guint hookrun_watcher_get_settle_ms (HookrunWatcher *self);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_watcher_start (HookrunWatcher *self, GCancellable *cancellable, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_watcher_start_async (HookrunWatcher *self, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_watcher_start_finish (HookrunWatcher *self, GAsyncResult *result, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_watcher_stop (HookrunWatcher *self);
HOOKRUN_AVAILABLE_IN_1_0
guint hookrun_watcher_get_n_folders (HookrunWatcher *self);

G_END_DECLS
