/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a change is kept: one block of memory with its paths behind it. */
#pragma once

#include "hookrun-change.h"

G_BEGIN_DECLS

typedef enum {
  HOOKRUN_CHANGE_SYNTHETIC = 1 << 0, /* found by looking, not told by the kernel */
  HOOKRUN_CHANGE_OFFLINE = 1 << 1,   /* happened while nobody watched */
} HookrunChangeFlags;

struct _HookrunChange {
  gatomicrefcount references;
  guint16 kind;
  guint8 flags;
  guint8 type; /* DT_DIR and so on, DT_UNKNOWN: a file of some kind */
  guint64 inode;
  gint64 time_us;
  const char *old_path; /* in @path, or NULL */
  char path[];
};

#define HOOKRUN_CHANGE_NOTES                                                                       \
  (HOOKRUN_CHANGE_OVERFLOW_BEGIN | HOOKRUN_CHANGE_OVERFLOW_END | HOOKRUN_CHANGE_ROOT_GONE |        \
   HOOKRUN_CHANGE_ROOT_BACK)

/* The path is @folder/@name, or @folder if there is no name; a move has an @old_path. (transfer
 * full) */
HookrunChange *hookrun_change_new (HookrunChangeKind kind, const char *folder, gsize folder_length,
                                   const char *name, gsize name_length, const char *old_path);

/* A copy of another kind. (transfer full) */
HookrunChange *hookrun_change_new_from (const HookrunChange *change, HookrunChangeKind kind);

G_END_DECLS
