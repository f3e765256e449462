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
  gboolean shares_files; /* the release that was begun has hard links into another one */
};

/* The reply to the words of a request, which end with NULL. (transfer full) */
char *hookrun_layout_ask (HookrunLayout *self, GCancellable *cancellable, GError **error,
                          const char *const *words);

gboolean hookrun_layout_check_release (const char *release, GError **error);

G_END_DECLS
