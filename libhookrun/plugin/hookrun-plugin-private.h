/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of a plugin and of the context of one activation, shared by engine and loaders. */
#pragma once

#include "hookrun-connect-all-private.h"
#include "hookrun-loader-private.h"

G_BEGIN_DECLS

struct _HookrunPlugin {
  GObject parent_instance;

  HookrunManifest *manifest;
  const HookrunLoader *loader;
  const HookrunPluginDescriptor *descriptor; /* (nullable): linked statically */
  char *hook_folder;                         /* (nullable): where its executables lie */
  gboolean is_from_file;                     /* the manifest can be read again */
  guint index;                               /* among the engine's plugins */
  guint n_active;                            /* activations */
  guint generation;                          /* how often it was reloaded */
  gpointer loader_data;
  GDestroyNotify loader_data_destroy;
  GPtrArray *workers; /* (nullable): its processes: the worker loader's */

  GMutex lock; /* guards what follows: emissions of any thread may report a failure */
  HookrunPluginState state;
  GError *error;
};

typedef enum {
  HOOKRUN_CONTEXT_STAGING, /* registrations are collected */
  HOOKRUN_CONTEXT_LIVE,    /* published: new ones take effect at once */
  HOOKRUN_CONTEXT_CLOSED,  /* deactivated */
} HookrunContextPhase;

/* Takes the place of connect for a loader that must stand between signal and plugin. Has taken over
 * @user_data, also when it fails. */
typedef gboolean (*HookrunConnectHook) (HookrunPluginContext *context, const char *signal,
                                        const char *id, const HookrunHandlerOptions *options,
                                        HookrunHandlerFunc func, gpointer user_data,
                                        GDestroyNotify destroy, GError **error);

struct _HookrunPluginContext {
  GObject parent_instance;

  HookrunPlugin *plugin;
  const HookrunLoader *loader; /* the plugin's, or that of workers where it is confined */
  HookrunEngine *engine;       /* (unowned) (nullable): NULL once the engine is gone */
  HookrunRegistry *registry;
  HookrunScope *scope;
  char *subject;
  JsonNode *settings;
  JsonNode *info;
  HookrunPluginPolicy *policy; /* (nullable): its user's */
  GPtrArray *bounds;           /* (nullable) HookrunBounds; see hookrun_bounds_prepare() */
  HookrunContextPhase phase;
  GPtrArray *definitions; /* (nullable): staged: HookrunStagedSignal */
  GPtrArray *handlers;    /* staged: HookrunStagedHandler */
  HookrunConnectHook connect_hook;
  gpointer data;
  GDestroyNotify data_destroy;
  gpointer loader_data;
  GDestroyNotify loader_data_destroy;
};

typedef struct {
  char *name;
  HookrunSignalFlags flags;
  HookrunSchema *schema;
} HookrunStagedSignal;

typedef struct {
  char *signal;
  char *id;
  HookrunHandlerOptions options; /* with strings of its own */
  HookrunHandlerFunc func;
  gpointer user_data;
  GDestroyNotify destroy; /* NULL once the registry has taken it over */
} HookrunStagedHandler;

HookrunPlugin *hookrun_plugin_new (HookrunManifest *manifest, const HookrunLoader *loader);
/* Takes @error (nullable). */
void hookrun_plugin_set_state (HookrunPlugin *self, HookrunPluginState state, GError *error);
void hookrun_plugin_set_manifest (HookrunPlugin *self, HookrunManifest *manifest);

HookrunPluginContext *hookrun_plugin_context_new (HookrunEngine *engine, HookrunPlugin *plugin,
                                                  const char *subject, JsonNode *settings,
                                                  JsonNode *info);
/* (nullable) (transfer none): what confines the process that serves the manifest's handler of that
 * number. */
HookrunBounds *hookrun_plugin_context_get_bounds (HookrunPluginContext *self, guint handler);
/* Connect past the hook. Takes over @user_data, also when it fails. */
gboolean hookrun_plugin_context_connect_directly (HookrunPluginContext *self, const char *signal,
                                                  const char *id,
                                                  const HookrunHandlerOptions *options,
                                                  HookrunHandlerFunc func, gpointer user_data,
                                                  GDestroyNotify destroy, GError **error);
/* Defines the signals that were staged. */
gboolean hookrun_plugin_context_publish_signals (HookrunPluginContext *self, GError **error);
/* Adds the handlers that were staged to @connections, which borrow what is not user data. */
void hookrun_plugin_context_take_handlers (HookrunPluginContext *self, GArray *connections);
/* They are connected: from now on registrations take effect at once. */
void hookrun_plugin_context_go_live (HookrunPluginContext *self);
/* Disconnects everything and forgets what was staged. */
void hookrun_plugin_context_close (HookrunPluginContext *self);

G_END_DECLS
