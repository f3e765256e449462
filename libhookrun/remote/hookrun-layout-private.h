/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the two halves of a layout: its state, and asking the agent. */
#pragma once

#include "hookrun-agent-private.h"
#include "hookrun-layout.h"

G_BEGIN_DECLS

struct _HookrunLayout {
  GObject parent_instance;

  HookrunTarget *target;
  char *folder;
  HookrunLayoutKind kind;
  guint lease_seconds;
  GMutex mutex; /* one request at a time */
  HookrunAgent *agent;
  char *recovered;
  gboolean may_link;     /* a new release may have hard links into the live one */
  gboolean shares_files; /* the release that was begun has hard links into another one */
};

/* The reply to the words of a request, which end with NULL. (transfer full) */
char *hookrun_layout_ask (HookrunLayout *self, GCancellable *cancellable, GError **error,
                          const char *const *words);

/* Tells the target in place what a send of @local_folder may write, so that it can tell later what
 * of the tree is ours to undo. Other layouts need no such list. */
gboolean hookrun_layout_expect (HookrunLayout *self, const char *release, HookrunSync *sync,
                                const char *local_folder, GCancellable *cancellable,
                                GError **error);

/* What lies where the live release should be. */
typedef enum {
  HOOKRUN_LIVE_NONE,
  HOOKRUN_LIVE_RELEASE,
  HOOKRUN_LIVE_OPEN, /* a release that is live and not confirmed, or a tree that is being changed */
  HOOKRUN_LIVE_GONE, /* a link to a release that is not there */
  HOOKRUN_LIVE_ASTRAY /* a link to something else */
} HookrunLiveState;

typedef struct {
  HookrunLiveState state;
  char *name;       /* (nullable): of the release; where a link leads that is astray */
  JsonNode *record; /* (nullable) */
} HookrunLayoutView;

void hookrun_layout_view_clear (HookrunLayoutView *view);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HookrunLayoutView, hookrun_layout_view_clear)

/* As hookrun_layout_peek(), but what is wrong with the link is told and no error. @view is empty
 * before. */
gboolean hookrun_layout_look (HookrunLayout *self, HookrunLayoutView *view,
                              GCancellable *cancellable, GError **error);

gboolean hookrun_layout_check_release (const char *release, GError **error);

G_END_DECLS
