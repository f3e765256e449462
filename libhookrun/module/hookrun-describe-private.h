/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Learning what module files offer: from the cache where their contents are known, else by running
 * them in the strictest sandbox.
 */
#pragma once

#include <gio/gio.h>

#include "hookrun-operation-set-private.h"

G_BEGIN_DECLS

/* ---- the cache ---- */

typedef struct _HookrunDescribeCache HookrunDescribeCache;

/* Never NULL: a cache that cannot be read, or is damaged or not ours, is an empty one. @folder
 * (nullable): where it is kept. */
HookrunDescribeCache *hookrun_describe_cache_load (const char *folder);
void hookrun_describe_cache_free (HookrunDescribeCache *self);
/* Fills @set when the contents of its file are known. */
gboolean hookrun_describe_cache_lookup (HookrunDescribeCache *self, HookrunOperationSet *set);
/* Hashes the file of @set unless that was done; from any thread, one at a time for each set. */
void hookrun_describe_cache_hash (HookrunOperationSet *set);
/* What became of @set, which was hashed: @description, or @problem. Not kept when its file has
 * changed meanwhile. */
void hookrun_describe_cache_store (HookrunDescribeCache *self, HookrunOperationSet *set,
                                   GVariant *description, const GError *problem);
/* Writes the cache when something in it is new. */
gboolean hookrun_describe_cache_save (HookrunDescribeCache *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunDescribeCache, hookrun_describe_cache_free)

/* ---- describing ---- */

/* Fills each of @sets (HookrunOperationSet, without problems so far). FALSE only when it was
 * cancelled, or when the sandbox cannot be had at all: what fails for one module is its problem. */
gboolean hookrun_describe_all (GPtrArray *sets, HookrunDescribeCache *cache,
                               GCancellable *cancellable, GError **error);

G_END_DECLS
