/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The namespaces of the strong tier: a plan that the host makes, and what the child does with it.
 */
#pragma once

#include "hookrun-landlock-private.h"

G_BEGIN_DECLS

typedef struct _HookrunNamespaces HookrunNamespaces;

/* NULL and @error when a granted path cannot be named. */
HookrunNamespaces *hookrun_namespaces_new (HookrunPolicy *policy, GPtrArray *open_grants,
                                           GError **error);
void hookrun_namespaces_free (HookrunNamespaces *self);

/* For clone(). */
int hookrun_namespaces_flags (const HookrunNamespaces *self);

/* In the child: maps the user, and makes a file system of what is granted and nothing else. FALSE
 * with errno. */
gboolean hookrun_namespaces_enter (const HookrunNamespaces *self);

G_END_DECLS
