/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A plugin as the engine sees it, what a native plugin exports, and the context that its code is
 * given when it is activated.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-manifest.h"

G_BEGIN_DECLS

/**
 * HookrunPluginState:
 * @HOOKRUN_PLUGIN_FOUND: its manifest was read
 * @HOOKRUN_PLUGIN_RESOLVED: all that it requires is there
 * @HOOKRUN_PLUGIN_ACTIVE: its handlers are connected, for one subject at least
 * @HOOKRUN_PLUGIN_FAILED: the last try to resolve, activate or load it failed; trying again is
 *   allowed
 *
 * How far a plugin has come.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_PLUGIN_FOUND,
  HOOKRUN_PLUGIN_RESOLVED,
  HOOKRUN_PLUGIN_ACTIVE,
  HOOKRUN_PLUGIN_FAILED,
} HookrunPluginState;

#define HOOKRUN_TYPE_PLUGIN_STATE (hookrun_plugin_state_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_plugin_state_get_type (void);

/**
 * HookrunLogLevel:
 * @HOOKRUN_LOG_DEBUG: for those who write plugins
 * @HOOKRUN_LOG_INFO: progress
 * @HOOKRUN_LOG_WARNING: something that people should look at
 * @HOOKRUN_LOG_ERROR: something failed
 *
 * Weight of a line that a plugin logs.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_LOG_DEBUG,
  HOOKRUN_LOG_INFO,
  HOOKRUN_LOG_WARNING,
  HOOKRUN_LOG_ERROR,
} HookrunLogLevel;

#define HOOKRUN_TYPE_LOG_LEVEL (hookrun_log_level_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_log_level_get_type (void);

/**
 * HookrunPlugin:
 *
 * A plugin as its engine sees it: a manifest, how far it has come, and why it failed if it did. Its
 * getters may be called from any thread.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_PLUGIN (hookrun_plugin_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunPlugin, hookrun_plugin, HOOKRUN, PLUGIN, GObject)

HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_plugin_get_id (HookrunPlugin *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_plugin_get_version (HookrunPlugin *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunManifest *hookrun_plugin_get_manifest (HookrunPlugin *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunPluginState hookrun_plugin_get_state (HookrunPlugin *self);
/* (nullable) (transfer none): why it failed */
HOOKRUN_AVAILABLE_IN_1_0
const GError *hookrun_plugin_get_error (HookrunPlugin *self);

/* ---- the context of one activation ---- */

/**
 * HookrunPluginContext:
 *
 * What the code of a plugin is given when it is activated: the registry, its own scope, its
 * configuration, and a way to log. All that it registers belongs to the scope and leaves with it.
 *
 * A native plugin with a policy finds the same in a process of its own. What cannot work there
 * (connecting past the context, defining signals after the activation, emitting in other threads)
 * fails with %HOOKRUN_ERROR_UNSUPPORTED; objects of the host and keys that start with `_` are
 * unset.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_PLUGIN_CONTEXT (hookrun_plugin_context_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunPluginContext, hookrun_plugin_context, HOOKRUN, PLUGIN_CONTEXT,
                      GObject)

/**
 * HOOKRUN_ANY_SUBJECT:
 *
 * As the subject of handler options given to [method@Hookrun.PluginContext.connect]: the handler is
 * not limited to the subject of the activation.
 *
 * Since: 1.0
 */
#define HOOKRUN_ANY_SUBJECT "*"

HOOKRUN_AVAILABLE_IN_1_0
HookrunPlugin *hookrun_plugin_context_get_plugin (HookrunPluginContext *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunRegistry *hookrun_plugin_context_get_registry (HookrunPluginContext *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunScope *hookrun_plugin_context_get_scope (HookrunPluginContext *self);
/* (nullable) */
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_plugin_context_get_subject (HookrunPluginContext *self);
/* JSON objects; never NULL. */
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_plugin_context_get_settings (HookrunPluginContext *self);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_plugin_context_get_info (HookrunPluginContext *self);
/* (nullable): the text of one setting */
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_plugin_context_get_setting (HookrunPluginContext *self, const char *key);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_plugin_context_define_signal (HookrunPluginContext *self, const char *name,
                                               HookrunSignalFlags flags, const HookrunField *fields,
                                               gsize n_fields, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_plugin_context_connect (HookrunPluginContext *self, const char *signal,
                                         const char *id, const HookrunHandlerOptions *options,
                                         HookrunHandlerFunc func, gpointer user_data,
                                         GDestroyNotify destroy, GError **error);
/* (transfer full): the answer of a service that the host offers. */
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_plugin_context_call_method (HookrunPluginContext *self, HookrunEvent *event,
                                              const char *name, JsonNode *params, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_plugin_context_log (HookrunPluginContext *self, HookrunLogLevel level,
                                 const char *text);
/* Something of the plugin's own that lives as long as the activation. */
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_plugin_context_set_data (HookrunPluginContext *self, gpointer data,
                                      GDestroyNotify destroy);
HOOKRUN_AVAILABLE_IN_1_0
gpointer hookrun_plugin_context_get_data (HookrunPluginContext *self);

/* ---- what a native plugin exports ---- */

/**
 * HookrunPluginActivateFunc:
 * @context: the activation
 * @error: return location for an error
 *
 * Connects a plugin's handlers through @context. Nothing is visible before the whole transaction
 * has succeeded.
 *
 * Returns: %TRUE, or %FALSE with @error set: then nothing of the transaction stays
 *
 * Since: 1.0
 */
typedef gboolean (*HookrunPluginActivateFunc) (HookrunPluginContext *context, GError **error);

/**
 * HookrunPluginDeactivateFunc:
 * @context: the activation
 *
 * Releases what the activation made. The handlers are disconnected already.
 *
 * Since: 1.0
 */
typedef void (*HookrunPluginDeactivateFunc) (HookrunPluginContext *context);

/**
 * HookrunPluginFlags:
 * @HOOKRUN_PLUGIN_FLAGS_NONE: the code stays mapped once it was loaded
 * @HOOKRUN_PLUGIN_MAY_UNLOAD: the code may be unmapped after the last deactivation: it registers no
 *   GType, starts no thread and leaves no pointer to itself anywhere
 *
 * What a native plugin promises.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_PLUGIN_FLAGS_NONE = 0,
  HOOKRUN_PLUGIN_MAY_UNLOAD = 1 << 0,
} HookrunPluginFlags;

/**
 * HookrunPluginDescriptor: (skip)
 * @size: size of this structure as the plugin was built
 * @abi: %HOOKRUN_PLUGIN_ABI as the plugin was built
 * @id: the plugin's id; the same as in its manifest
 * @version: the plugin's version; the same as in its manifest
 * @activate: connects the handlers
 * @deactivate: (nullable): releases what @activate made
 * @flags: promises of the plugin, of #HookrunPluginFlags
 * @reserved: zero
 *
 * The one thing that a native plugin exports, as the const symbol `hookrun_plugin`. Size and number
 * are checked before anything in it is called. Use %HOOKRUN_PLUGIN_DEFINE.
 *
 * Since: 1.0
 */
typedef struct {
  guint32 size;
  guint32 abi;
  const char *id;
  const char *version;
  HookrunPluginActivateFunc activate;
  HookrunPluginDeactivateFunc deactivate;
  guint64 flags;
  gpointer reserved[6];
} HookrunPluginDescriptor;

/**
 * HOOKRUN_PLUGIN_DESCRIPTOR:
 * @id_: the plugin's id
 * @version_: the plugin's version
 * @activate_: a #HookrunPluginActivateFunc
 * @deactivate_: (nullable): a #HookrunPluginDeactivateFunc
 * @flags_: #HookrunPluginFlags
 *
 * Initializer of a descriptor, for plugins that are linked statically and given to
 * hookrun_engine_add_static().
 *
 * Since: 1.0
 */
#define HOOKRUN_PLUGIN_DESCRIPTOR(id_, version_, activate_, deactivate_, flags_)                   \
  {                                                                                                \
    .size = (guint32)sizeof (HookrunPluginDescriptor), .abi = HOOKRUN_PLUGIN_ABI, .id = (id_),     \
    .version = (version_), .activate = (activate_), .deactivate = (deactivate_),                   \
    .flags = (flags_),                                                                             \
  }

/**
 * HOOKRUN_PLUGIN_DEFINE:
 * @id_: the plugin's id
 * @version_: the plugin's version
 * @activate_: a #HookrunPluginActivateFunc
 * @deactivate_: (nullable): a #HookrunPluginDeactivateFunc
 * @flags_: #HookrunPluginFlags
 *
 * Defines and exports the descriptor of a native plugin.
 *
 * Since: 1.0
 */
#define HOOKRUN_PLUGIN_DEFINE(id_, version_, activate_, deactivate_, flags_)                       \
  extern __attribute__ ((visibility ("default"))) const HookrunPluginDescriptor hookrun_plugin;    \
  const HookrunPluginDescriptor hookrun_plugin =                                                   \
      HOOKRUN_PLUGIN_DESCRIPTOR (id_, version_, activate_, deactivate_, flags_)

G_END_DECLS
