/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Release folders at a target, the lock on them, and the one rename that makes a release live.
 * Every step can be repeated and asked whether it has happened, so that a journaled pipeline can
 * drive it; nothing becomes live before it is complete, checked and on the disk.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include <json-glib/json-glib.h>

#include "hookrun-sync.h"

G_BEGIN_DECLS

/**
 * HookrunLayoutKind:
 * @HOOKRUN_LAYOUT_RELEASES: `releases/NAME`, `current`, `shared`, `.hookrun` below the folder
 * @HOOKRUN_LAYOUT_IN_PLACE: the folder itself is the tree; `.hookrun` in it keeps the way back
 *
 * How the folder of a target is laid out.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_LAYOUT_RELEASES,
  HOOKRUN_LAYOUT_IN_PLACE,
} HookrunLayoutKind;

#define HOOKRUN_TYPE_LAYOUT_KIND (hookrun_layout_kind_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_layout_kind_get_type (void);

/**
 * HookrunReleaseState:
 * @HOOKRUN_RELEASE_MISSING: there is no such release
 * @HOOKRUN_RELEASE_STARTED: its folder exists, but it is not sealed: perhaps half a tree
 * @HOOKRUN_RELEASE_SEALED: it is complete and on the disk, and not live
 * @HOOKRUN_RELEASE_SWITCHED: it is live, and goes back by itself unless it is confirmed
 * @HOOKRUN_RELEASE_CONFIRMED: it is live for good
 * @HOOKRUN_RELEASE_RETIRED: it was confirmed once and is no longer live
 *
 * How far a release has come. A later value is always a later step.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_RELEASE_MISSING,
  HOOKRUN_RELEASE_STARTED,
  HOOKRUN_RELEASE_SEALED,
  HOOKRUN_RELEASE_SWITCHED,
  HOOKRUN_RELEASE_CONFIRMED,
  HOOKRUN_RELEASE_RETIRED,
} HookrunReleaseState;

#define HOOKRUN_TYPE_RELEASE_STATE (hookrun_release_state_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_release_state_get_type (void);

/**
 * HookrunLayout:
 *
 * How releases lie in a folder of a target: complete release folders, the lock on them, and the one
 * rename that makes a release live. Its calls block; one thread at a time may use it.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_LAYOUT (hookrun_layout_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunLayout, hookrun_layout, HOOKRUN, LAYOUT, GObject)

HOOKRUN_AVAILABLE_IN_1_0
HookrunLayout *hookrun_layout_new (HookrunTarget *target, const char *folder,
                                   HookrunLayoutKind kind);
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_layout_make_release_name (const char *version);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_layout_set_lease_seconds (HookrunLayout *self, guint seconds);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_layout_set_hard_links (HookrunLayout *self, gboolean hard_links);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_layout_open (HookrunLayout *self, GCancellable *cancellable, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_layout_is_open (HookrunLayout *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_layout_get_recovered (HookrunLayout *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_layout_close (HookrunLayout *self);

HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_layout_get_state (HookrunLayout *self, const char *release,
                                   HookrunReleaseState *state, GCancellable *cancellable,
                                   GError **error);
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_layout_get_release_path (HookrunLayout *self, const char *release);
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_layout_get_current (HookrunLayout *self, GCancellable *cancellable, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_layout_get_previous (HookrunLayout *self, GCancellable *cancellable, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
char **hookrun_layout_list_releases (HookrunLayout *self, GCancellable *cancellable,
                                     GError **error);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_layout_read_record (HookrunLayout *self, GCancellable *cancellable,
                                      GError **error);

HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_layout_peek (HookrunLayout *self, char **current, JsonNode **record,
                              GCancellable *cancellable, GError **error);

HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_layout_begin (HookrunLayout *self, const char *release, HookrunSync *sync,
                               GCancellable *cancellable, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunSyncResult *hookrun_layout_send (HookrunLayout *self, const char *release, HookrunSync *sync,
                                        const char *local_folder, GCancellable *cancellable,
                                        GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_layout_share (HookrunLayout *self, const char *release, const char *path,
                               GCancellable *cancellable, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_layout_verify (HookrunLayout *self, const char *release, HookrunSync *sync,
                                const char *local_folder, GCancellable *cancellable,
                                GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_layout_seal (HookrunLayout *self, const char *release, GCancellable *cancellable,
                              GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_layout_switch (HookrunLayout *self, const char *release, GCancellable *cancellable,
                                GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_layout_confirm (HookrunLayout *self, const char *release, JsonNode *record,
                                 GCancellable *cancellable, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_layout_undo (HookrunLayout *self, const char *release, GCancellable *cancellable,
                              GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_layout_prune (HookrunLayout *self, guint keep, guint *n_removed,
                               GCancellable *cancellable, GError **error);

G_END_DECLS
