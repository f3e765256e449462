/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a loader (native, executable, worker) implements and what the engine offers it. A loader
 * stages registrations through the public functions of the context; the engine checks and publishes
 * them.
 */
#pragma once

#include "hookrun-engine.h"
#include "hookrun-manifest-private.h"

G_BEGIN_DECLS

typedef struct {
  const char *name; /* as in a manifest's "kind" */

  /* Checks files and makes ready what may fail. Runs nothing of the plugin's that others could see:
   * all of a transaction are prepared before the first is activated. May be NULL. */
  gboolean (*prepare) (HookrunPluginContext *context, GError **error);

  /* Stages all registrations: hookrun_plugin_context_define_signal() and _connect(). On failure the
   * loader has put back what it did; deactivate is not called then. */
  gboolean (*activate) (HookrunPluginContext *context, GError **error);

  /* After a successful activate, once: the scope is closed, no handler runs any more in another
   * thread. Also called when a later plugin of the transaction failed. May be NULL. */
  void (*deactivate) (HookrunPluginContext *context);
} HookrunLoader;

/* One table a kind, in the order of HookrunPluginKind. */
extern const HookrunLoader hookrun_loader_native;
extern const HookrunLoader hookrun_loader_worker;
extern const HookrunLoader hookrun_loader_executable;

/* The loader's own things: of one activation, and of the plugin (shared by its activations; kept
 * until the plugin is reloaded or the engine ends). The old value is destroyed. */
void hookrun_plugin_context_set_loader_data (HookrunPluginContext *context, gpointer data,
                                             GDestroyNotify destroy);
gpointer hookrun_plugin_context_get_loader_data (HookrunPluginContext *context);
void hookrun_plugin_set_loader_data (HookrunPlugin *plugin, gpointer data, GDestroyNotify destroy);
gpointer hookrun_plugin_get_loader_data (HookrunPlugin *plugin);

/* Says from outside a transaction that the plugin's code broke (a worker died): its state becomes
 * FAILED; the handlers stay. NULL puts it back to ACTIVE. Takes ownership of @error. */
void hookrun_plugin_report_failure (HookrunPlugin *plugin, GError *error);

/* Emits the engine's "log" signal in the calling thread. @plugin: (nullable). */
void hookrun_engine_log (HookrunEngine *engine, HookrunPlugin *plugin, HookrunLogLevel level,
                         const char *text);

/* Calls a method of the host. (transfer full); NULL with NOT_FOUND when there is none of that
 * name, NULL without @error never. */
JsonNode *hookrun_engine_call_method (HookrunEngine *engine, HookrunPlugin *caller,
                                      HookrunEvent *event, const char *name, JsonNode *params,
                                      GError **error);

/* Checks all files that @manifest's command and file name: owner, mode, and each folder on the way.
 * A bare program name is looked up in PATH, whose folders are the user's own affair. */
gboolean hookrun_manifest_check_trust (HookrunManifest *manifest, GError **error);

/* The same for one file; one that @runs must be executable. */
gboolean hookrun_program_check_trust (const char *path, gboolean runs, GError **error);

/* ABI unless size and number are ours; nothing else of @descriptor is read before. */
gboolean hookrun_descriptor_check (const HookrunPluginDescriptor *descriptor, const char *what,
                                   GError **error);

G_END_DECLS
