/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds, resolves, activates and releases plugins. The engine is a #GListModel of the plugins that
 * it knows; activation is a transaction.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-plugin.h"

G_BEGIN_DECLS

/**
 * HookrunEngine:
 *
 * Finds, resolves, activates and releases plugins. It is a #GListModel of the #HookrunPlugin
 * objects that it knows. One thread at a time may use it; the handlers of its plugins run wherever
 * a signal is emitted.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_ENGINE (hookrun_engine_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunEngine, hookrun_engine, HOOKRUN, ENGINE, GObject)

/**
 * HookrunActivation:
 *
 * A wish: which plugin is to be activated, for whom, and with which settings. Immutable.
 *
 * Since: 1.0
 */
typedef struct _HookrunActivation HookrunActivation;

#define HOOKRUN_TYPE_ACTIVATION (hookrun_activation_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_activation_get_type (void);
HOOKRUN_AVAILABLE_IN_1_0
HookrunActivation *hookrun_activation_new (const char *plugin_id, const char *subject,
                                           JsonNode *settings, JsonNode *info);
HOOKRUN_AVAILABLE_IN_1_0
HookrunActivation *hookrun_activation_new_confined (const char *plugin_id, const char *subject,
                                                    JsonNode *settings, JsonNode *info,
                                                    JsonNode *policy, const char *origin,
                                                    GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunActivation *hookrun_activation_copy (const HookrunActivation *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_activation_free (HookrunActivation *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunActivation, hookrun_activation_free)

HOOKRUN_AVAILABLE_IN_1_0
HookrunEngine *hookrun_engine_new (HookrunRegistry *registry);
HOOKRUN_AVAILABLE_IN_1_0
HookrunRegistry *hookrun_engine_get_registry (HookrunEngine *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_engine_set_state_folder (HookrunEngine *self, const char *path);

/* ---- finding ---- */

HOOKRUN_AVAILABLE_IN_1_0
void hookrun_engine_add_search_path (HookrunEngine *self, const char *path);
/* FALSE with all faults in one @error; what is in order was added all the same. */
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_engine_discover (HookrunEngine *self, GError **error);
/* (transfer none) (element-type GLib.Error): one for each faulty manifest of the last discovery */
HOOKRUN_AVAILABLE_IN_1_0
GPtrArray *hookrun_engine_get_faults (HookrunEngine *self);
/* All of these: (transfer none); EXISTS when the id is taken. */
HOOKRUN_AVAILABLE_IN_1_0
HookrunPlugin *hookrun_engine_add_manifest (HookrunEngine *self, HookrunManifest *manifest,
                                            GError **error);
/* @manifest: (nullable) */
HOOKRUN_AVAILABLE_IN_1_0
HookrunPlugin *hookrun_engine_add_static (HookrunEngine *self,
                                          const HookrunPluginDescriptor *descriptor,
                                          HookrunManifest *manifest, GError **error);
/* Executables in SIGNAL.d/ folders below @folder, as one plugin of the given id. */
HOOKRUN_AVAILABLE_IN_1_0
HookrunPlugin *hookrun_engine_add_hook_folder (HookrunEngine *self, const char *id,
                                               const char *folder, GError **error);
/* (transfer none) (nullable) */
HOOKRUN_AVAILABLE_IN_1_0
HookrunPlugin *hookrun_engine_lookup (HookrunEngine *self, const char *id);

/* ---- resolving and activating ---- */

/* @ids: (nullable): NULL for all. Every missing, mismatched and cyclic requirement is in @error. */
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_engine_resolve (HookrunEngine *self, const char *const *ids, GError **error);
/* All of them, with what they require, or none. */
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_engine_activate (HookrunEngine *self, HookrunActivation *const *activations,
                                  gsize n_activations, GError **error);
/* The same for one. */
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_engine_activate_plugin (HookrunEngine *self, const char *id, const char *subject,
                                         JsonNode *settings, JsonNode *info, GError **error);
/* Ends the activation of @id for @subject. FALSE when there is none. */
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_engine_deactivate (HookrunEngine *self, const char *id, const char *subject);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_engine_deactivate_all (HookrunEngine *self);
/* Reads the manifest again, maps a new copy of the code, and activates it as it was active. */
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_engine_reload (HookrunEngine *self, const char *id, GError **error);

/* ---- services of the host ---- */

/**
 * HookrunMethodFunc:
 * @engine: the engine
 * @caller: the plugin that calls
 * @event: (nullable): the emission during which it calls
 * @params: (nullable): what it gave; untrusted
 * @user_data: what was given to hookrun_engine_add_method()
 * @error: return location for an error
 *
 * A service of the host that plugins outside the process may call by name. It runs in the thread of
 * the emission.
 *
 * Returns: (transfer full) (nullable): the answer; %NULL without @error is JSON null
 *
 * Since: 1.0
 */
typedef JsonNode *(*HookrunMethodFunc) (HookrunEngine *engine, HookrunPlugin *caller,
                                        HookrunEvent *event, JsonNode *params, gpointer user_data,
                                        GError **error);

HOOKRUN_AVAILABLE_IN_1_0
void hookrun_engine_add_method (HookrunEngine *self, const char *name, HookrunMethodFunc func,
                                gpointer user_data, GDestroyNotify destroy);

/* (transfer none) */
HOOKRUN_AVAILABLE_IN_1_0
HookrunEngine *hookrun_plugin_context_get_engine (HookrunPluginContext *self);

G_END_DECLS
