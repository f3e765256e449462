/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Policies of plugins: as somebody wrote them, with places to be filled in, and what they come to
 * for one process of one plugin.
 */
#pragma once

#include "hookrun-sandbox.h"

G_BEGIN_DECLS

/* ---- as written ---- */

/* What a file beside a program is named after it, with this at its end. */
#define HOOKRUN_POLICY_SUFFIX ".policy.json"

/* Checked, but not filled in. Immutable, reference counted, for any thread. */
typedef struct _HookrunPluginPolicy HookrunPluginPolicy;

/* @origin: where it was written, for messages. */
HookrunPluginPolicy *hookrun_plugin_policy_new (JsonNode *node, const char *origin, GError **error);
/* A file of root's or the user's that nobody else can change. */
HookrunPluginPolicy *hookrun_plugin_policy_new_from_file (const char *path, GError **error);
/* The file FILE.policy.json beside @path: NULL without @error when there is none. */
HookrunPluginPolicy *hookrun_plugin_policy_new_beside (const char *path, GError **error);
HookrunPluginPolicy *hookrun_plugin_policy_ref (HookrunPluginPolicy *self);
void hookrun_plugin_policy_unref (HookrunPluginPolicy *self);
JsonNode *hookrun_plugin_policy_get_node (HookrunPluginPolicy *self);
const char *hookrun_plugin_policy_get_origin (HookrunPluginPolicy *self);

/* ---- filled in ---- */

/* What the placeholders of a policy stand for; those that are NULL have no meaning here. */
typedef struct {
  const char *folder;    /* {folder}: the manifest's */
  const char *project;   /* {project} */
  const char *module;    /* {module} */
  const char *checkouts; /* {checkouts}: is made when it is used */
  const char *state;     /* {state}: the same */
} HookrunPolicyPlaces;

/* What one process may do: (transfer full) @policy and @methods, the services of the host that it
 * may ask for. */
gboolean hookrun_plugin_policy_fill (HookrunPluginPolicy *self, const HookrunPolicyPlaces *places,
                                     HookrunPolicy **policy, char ***methods, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunPluginPolicy, hookrun_plugin_policy_unref)

/* ---- bounds ---- */

/* What confines a process of a plugin. Immutable, reference counted, for any thread. */
typedef struct {
  HookrunSandbox *sandbox;
  char **methods;
} HookrunBounds;

HookrunBounds *hookrun_bounds_ref (HookrunBounds *self);
void hookrun_bounds_unref (HookrunBounds *self);
/* Both may be NULL: not confined. */
gboolean hookrun_bounds_equal (const HookrunBounds *self, const HookrunBounds *other);
/* PERMISSION unless @method may be asked for; @self may be NULL. */
gboolean hookrun_bounds_check_method (const HookrunBounds *self, const char *method,
                                      GError **error);
/* (transfer full): in plain words. */
char *hookrun_bounds_describe (const HookrunBounds *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunBounds, hookrun_bounds_unref)

G_END_DECLS
