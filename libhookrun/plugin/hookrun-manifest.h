/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a plugin says about itself without running any of its code: NAME.json beside the code, or an
 * object from the user's configuration. Discovery reads nothing else.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-registry.h"

G_BEGIN_DECLS

/**
 * HOOKRUN_PLUGIN_ABI:
 *
 * The number of the interface between the library and native plugins. A plugin that was built for
 * another number is refused before any of its code is called.
 *
 * Since: 1.0
 */
#define HOOKRUN_PLUGIN_ABI 1

/**
 * HookrunPluginKind:
 * @HOOKRUN_PLUGIN_NATIVE: a shared object in the host's process
 * @HOOKRUN_PLUGIN_WORKER: a process that speaks JSON-RPC 2.0
 * @HOOKRUN_PLUGIN_EXECUTABLE: a program that is run once for each event
 *
 * Where the code of a plugin lives.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_PLUGIN_NATIVE,
  HOOKRUN_PLUGIN_WORKER,
  HOOKRUN_PLUGIN_EXECUTABLE,
} HookrunPluginKind;

/**
 * HookrunPluginLoad:
 * @HOOKRUN_LOAD_ON_NEED: code is loaded at the first emission of a signal that it handles; at
 *   activation where the manifest names no signals
 * @HOOKRUN_LOAD_AT_START: code is loaded at activation
 *
 * When the code of a plugin is loaded.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_LOAD_ON_NEED,
  HOOKRUN_LOAD_AT_START,
} HookrunPluginLoad;

/**
 * HookrunManifestOption:
 * @name: the option's long name without dashes
 * @type: string, boolean, int, double or strv
 * @default_value: (nullable): its default, a JSON value of that type
 * @help: (nullable): one line for people
 * @arg_name: (nullable): what stands for the value in help, for example `FILE`
 *
 * An option that a plugin adds to the command line of the program that hosts it.
 *
 * Since: 1.0
 */
typedef struct {
  const char *name;
  HookrunFieldType type;
  JsonNode *default_value;
  const char *help;
  const char *arg_name;
} HookrunManifestOption;

/**
 * HookrunManifest:
 *
 * An immutable, reference counted manifest. It may be used from any thread.
 *
 * Since: 1.0
 */
typedef struct _HookrunManifest HookrunManifest;

#define HOOKRUN_TYPE_MANIFEST (hookrun_manifest_get_type ())

HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_manifest_get_type (void);
HOOKRUN_AVAILABLE_IN_1_0
HookrunManifest *hookrun_manifest_new_from_file (const char *path, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunManifest *hookrun_manifest_new_from_json (JsonNode *node, const char *origin,
                                                 const char *folder, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunManifest *hookrun_manifest_ref (HookrunManifest *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_manifest_unref (HookrunManifest *self);

HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_manifest_get_id (HookrunManifest *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_manifest_get_version (HookrunManifest *self);
HOOKRUN_AVAILABLE_IN_1_0
guint hookrun_manifest_get_abi (HookrunManifest *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunPluginKind hookrun_manifest_get_kind (HookrunManifest *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunPluginLoad hookrun_manifest_get_load (HookrunManifest *self);
/* (nullable): absolute path of the code file */
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_manifest_get_file (HookrunManifest *self);
/* (nullable): argument vector */
HOOKRUN_AVAILABLE_IN_1_0
const char *const *hookrun_manifest_get_command (HookrunManifest *self);
/* Where the manifest came from, for messages: a path or the name of a configuration section. */
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_manifest_get_origin (HookrunManifest *self);
/* (nullable): absolute path of the folder that relative names start from */
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_manifest_get_folder (HookrunManifest *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_manifest_get_description (HookrunManifest *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_manifest_get_author (HookrunManifest *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_manifest_get_isolation (HookrunManifest *self);
/* (nullable): the object as written */
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_manifest_get_permissions (HookrunManifest *self);
/* (nullable): what it may do at most, as written */
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_manifest_get_policy (HookrunManifest *self);
/* Ids of required plugins; never NULL. */
HOOKRUN_AVAILABLE_IN_1_0
const char *const *hookrun_manifest_get_requires (HookrunManifest *self);
/* (nullable): the range of a required id, for example ">=1.2 <2" */
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_manifest_get_required_range (HookrunManifest *self, const char *id);
/* Ids of plugins that are activated after or before this one when they are in use; never NULL. */
HOOKRUN_AVAILABLE_IN_1_0
const char *const *hookrun_manifest_get_before (HookrunManifest *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *const *hookrun_manifest_get_after (HookrunManifest *self);
/* Names of the signals that it says it handles; never NULL. */
HOOKRUN_AVAILABLE_IN_1_0
const char *const *hookrun_manifest_get_signals (HookrunManifest *self);
/* Milliseconds for each handler that has no limit of its own; 0: the loader's default. */
HOOKRUN_AVAILABLE_IN_1_0
guint hookrun_manifest_get_timeout_ms (HookrunManifest *self);
HOOKRUN_AVAILABLE_IN_1_0
guint hookrun_manifest_get_n_options (HookrunManifest *self);
HOOKRUN_AVAILABLE_IN_1_0
const HookrunManifestOption *hookrun_manifest_get_option (HookrunManifest *self, guint index);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunManifest, hookrun_manifest_unref)

G_END_DECLS
