/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One change of one file or folder, as a watcher tells it. */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include <gio/gio.h>

#include "hookrun-error.h"

G_BEGIN_DECLS

/**
 * HookrunChangeKind:
 * @HOOKRUN_CHANGE_NONE: nothing
 * @HOOKRUN_CHANGE_CREATED: a file or folder is there that was not; `created`
 * @HOOKRUN_CHANGE_CHANGED: a file's contents changed, or it was closed after writing; `changed`
 * @HOOKRUN_CHANGE_ATTRIBUTES: mode, owner, times or other attributes changed; `attributes`
 * @HOOKRUN_CHANGE_REMOVED: a file or folder is gone, or has left the watched folders; `removed`
 * @HOOKRUN_CHANGE_MOVED: a file or folder, with all that is in it, has another path; what was there
 *   before is replaced. Two moves in a row that name each other's paths are an exchange; `moved`
 * @HOOKRUN_CHANGE_OVERFLOW_BEGIN: the kernel or the handlers could not keep up; what follows until
 *   %HOOKRUN_CHANGE_OVERFLOW_END was found by comparing; `overflow-begin`
 * @HOOKRUN_CHANGE_OVERFLOW_END: nothing is missing any more; `overflow-end`
 * @HOOKRUN_CHANGE_ROOT_GONE: a watched root is not there any more; of what was in it, only what was
 *   removed one by one has been told; `root-gone`
 * @HOOKRUN_CHANGE_ROOT_BACK: a root is there again, or for the first time; what differs from what
 *   was last known follows; `root-back`
 * @HOOKRUN_CHANGE_ALL: all of them
 *
 * What happened. The last four are told whatever a watcher was asked for.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_CHANGE_NONE = 0,
  HOOKRUN_CHANGE_CREATED = 1 << 0,
  HOOKRUN_CHANGE_CHANGED = 1 << 1,
  HOOKRUN_CHANGE_ATTRIBUTES = 1 << 2,
  HOOKRUN_CHANGE_REMOVED = 1 << 3,
  HOOKRUN_CHANGE_MOVED = 1 << 4,
  HOOKRUN_CHANGE_OVERFLOW_BEGIN = 1 << 5,
  HOOKRUN_CHANGE_OVERFLOW_END = 1 << 6,
  HOOKRUN_CHANGE_ROOT_GONE = 1 << 7,
  HOOKRUN_CHANGE_ROOT_BACK = 1 << 8,
  HOOKRUN_CHANGE_ALL = 511,
} HookrunChangeKind;

#define HOOKRUN_TYPE_CHANGE_KIND (hookrun_change_kind_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_change_kind_get_type (void);

HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_change_kind_get_name (HookrunChangeKind kind);
HOOKRUN_AVAILABLE_IN_1_0
HookrunChangeKind hookrun_change_kind_from_name (const char *name);

/**
 * HookrunChange:
 *
 * One change of one file or folder. It does not change itself, so it may be kept and read in any
 * thread.
 *
 * Since: 1.0
 */
typedef struct _HookrunChange HookrunChange;

#define HOOKRUN_TYPE_CHANGE (hookrun_change_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_change_get_type (void);

HOOKRUN_AVAILABLE_IN_1_0
HookrunChange *hookrun_change_ref (HookrunChange *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_change_unref (HookrunChange *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunChangeKind hookrun_change_get_kind (HookrunChange *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_change_get_path (HookrunChange *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_change_get_old_path (HookrunChange *self);
HOOKRUN_AVAILABLE_IN_1_0
GFileType hookrun_change_get_file_type (HookrunChange *self);
HOOKRUN_AVAILABLE_IN_1_0
guint64 hookrun_change_get_inode (HookrunChange *self);
HOOKRUN_AVAILABLE_IN_1_0
gint64 hookrun_change_get_time_us (HookrunChange *self);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_change_is_synthetic (HookrunChange *self);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_change_is_offline (HookrunChange *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunChange, hookrun_change_unref)

G_END_DECLS
