/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of an engine, shared by the files that find, resolve and activate plugins. */
#pragma once

#include "hookrun-faults-private.h"
#include "hookrun-native-module-private.h"
#include "hookrun-plugin-private.h"

G_BEGIN_DECLS

struct _HookrunEngine {
  GObject parent_instance;

  HookrunRegistry *registry;
  GPtrArray *search_paths;      /* absolute */
  char *state_folder;           /* (nullable): absolute */
  GPtrArray *plugins;           /* in the order in which they were found */
  GHashTable *by_id;            /* borrows from plugins */
  GPtrArray *faults;            /* GError */
  GPtrArray *contexts;          /* active ones, in order of activation */
  HookrunNativeSession session; /* of an activation; cleared after it */

  /* (nullable): where the services are that plugins call, in a process that only hosts some. */
  JsonNode *(*call_host) (HookrunEngine *self, HookrunEvent *event, const char *name,
                          JsonNode *params, gpointer user_data, GError **error);
  gpointer call_host_data;

  GMutex method_lock; /* emissions of any thread call methods */
  GHashTable *methods;
};

struct _HookrunActivation {
  char *plugin_id;
  char *subject;
  JsonNode *settings;
  JsonNode *info;
  HookrunPluginPolicy *policy; /* (nullable) */
};

/* As hookrun_activation_new_confined(), with a policy that was read already. */
void hookrun_activation_set_policy (HookrunActivation *self, HookrunPluginPolicy *policy);

/* Adds @plugin to the model; EXISTS when its id is taken. Takes @plugin, also when it fails. */
HookrunPlugin *hookrun_engine_take_plugin (HookrunEngine *self, HookrunPlugin *plugin,
                                           GError **error);

/* `; did you mean …?` for an id that no plugin has; (transfer full). */
char *hookrun_engine_hint (HookrunEngine *self, const char *id);

/* The plugins @ids and all that they require, each after what it needs, else in the order given.
 * Every fault is added to @faults and kept with the plugin that has it. */
GPtrArray *hookrun_engine_order (HookrunEngine *self, const char *const *ids,
                                 HookrunFaults *faults);

/* (nullable) (transfer none): the activation of @plugin for @subject. */
HookrunPluginContext *hookrun_engine_find_context (HookrunEngine *self, HookrunPlugin *plugin,
                                                   const char *subject);

/* Ends one activation; its dependents stay. */
void hookrun_engine_end_context (HookrunEngine *self, HookrunPluginContext *context);

/* The manifest of the executables in the SIGNAL.d/ folders below @folder. */
HookrunManifest *hookrun_hook_folder_read (HookrunEngine *self, const char *id, const char *folder,
                                           GError **error);

const HookrunLoader *hookrun_loader_for_kind (HookrunPluginKind kind);

G_END_DECLS
