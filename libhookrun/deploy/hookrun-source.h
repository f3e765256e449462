/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The source of a module at one release: which version that is now, and a clean tree of it in a
 * folder of its own that handlers may change before it is sent.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include <gio/gio.h>

#include "hookrun-module.h"

G_BEGIN_DECLS

/**
 * HookrunSource:
 *
 * The source of a module at one release: its version and a clean tree of it. One thread at a time
 * may use it.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_SOURCE (hookrun_source_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunSource, hookrun_source, HOOKRUN, SOURCE, GObject)

/* @host: (nullable): alias whose settings count. Touches no disk and no network. */
HOOKRUN_AVAILABLE_IN_1_0
HookrunSource *hookrun_source_new (HookrunModule *module, const char *release, const char *host);
HOOKRUN_AVAILABLE_IN_1_0
HookrunModule *hookrun_source_get_module (HookrunSource *self);
/* Finds out the version: fetches from the repository or reads the folder. Blocks: call it in the
 * thread of a step. */
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_source_resolve (HookrunSource *self, GCancellable *cancellable, GError **error);
/* After resolve: what the record of deployments compares. */
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_source_get_version (HookrunSource *self);
/* After resolve: (nullable): the whole commit id. */
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_source_get_commit (HookrunSource *self);
/* Makes the tree (resolves first when that was not done); it goes with the object. Blocks. */
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_source_checkout (HookrunSource *self, GCancellable *cancellable, GError **error);
/* After checkout: (nullable): the tree's folder. */
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_source_get_tree (HookrunSource *self);

G_END_DECLS
