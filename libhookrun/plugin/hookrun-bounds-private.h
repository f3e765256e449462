/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the bounds of a process come about. */
#pragma once

#include "hookrun-engine-private.h"

G_BEGIN_DECLS

typedef struct {
  HookrunManifest *manifest;
  HookrunPluginPolicy *own;   /* (nullable): its author's */
  HookrunPluginPolicy *users; /* (nullable): nothing that this does not allow is allowed */
  JsonNode *info;             /* (nullable): facts about the host's job, for places */
  const char *program;        /* (nullable): instead of the manifest's */
} HookrunBoundsWish;

/* NULL in @bounds when there is no policy. UNSUPPORTED names what cannot be promised here. */
gboolean hookrun_bounds_make (HookrunEngine *engine, const HookrunBoundsWish *wish,
                              HookrunBounds **bounds, GError **error);

/* Of all processes that @context may start: one for each of the manifest's handlers where they have
 * programs of their own, else one. Kept in the context. */
gboolean hookrun_bounds_prepare (HookrunPluginContext *context, GError **error);

G_END_DECLS
