/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What others may read of a manifest. */
#include "hookrun-manifest-private.h"

static const char *const no_strings[] = {NULL};

/**
 * hookrun_manifest_get_id:
 * @self: a manifest
 *
 * Gets the plugin's id.
 *
 * Returns: (transfer none): the id: letters, digits and `_-.:/@`
 *
 * Since: 1.0
 */
const char *
hookrun_manifest_get_id (HookrunManifest *self)
{
  return self->id;
}

/**
 * hookrun_manifest_get_version:
 * @self: a manifest
 *
 * Gets the plugin's version.
 *
 * Returns: (transfer none): the version: numbers with dots and perhaps a suffix
 *
 * Since: 1.0
 */
const char *
hookrun_manifest_get_version (HookrunManifest *self)
{
  return self->version;
}

/**
 * hookrun_manifest_get_abi:
 * @self: a manifest
 *
 * Gets the number of the plugin interface.
 *
 * Returns: the number of the interface that the code was built for; %HOOKRUN_PLUGIN_ABI when
 *   the manifest does not say
 *
 * Since: 1.0
 */
guint
hookrun_manifest_get_abi (HookrunManifest *self)
{
  return self->abi;
}

/**
 * hookrun_manifest_get_kind:
 * @self: a manifest
 *
 * Gets the kind of plugin.
 *
 * Returns: where the code lives
 *
 * Since: 1.0
 */
HookrunPluginKind
hookrun_manifest_get_kind (HookrunManifest *self)
{
  return self->kind;
}

/**
 * hookrun_manifest_get_load:
 * @self: a manifest
 *
 * Gets when the code is loaded.
 *
 * Returns: when the code is loaded
 *
 * Since: 1.0
 */
HookrunPluginLoad
hookrun_manifest_get_load (HookrunManifest *self)
{
  return self->load;
}

/**
 * hookrun_manifest_get_file:
 * @self: a manifest
 *
 * Gets the code file.
 *
 * Returns: (transfer none) (nullable) (type filename): the absolute path of the code file
 *
 * Since: 1.0
 */
const char *
hookrun_manifest_get_file (HookrunManifest *self)
{
  return self->file;
}

/**
 * hookrun_manifest_get_command:
 * @self: a manifest
 *
 * Gets the command of a worker or executable.
 *
 * Returns: (transfer none) (nullable) (array zero-terminated=1): the argument vector of the program
 *
 * Since: 1.0
 */
const char *const *
hookrun_manifest_get_command (HookrunManifest *self)
{
  return (const char *const *)self->command;
}

/**
 * hookrun_manifest_get_origin:
 * @self: a manifest
 *
 * Gets where the manifest comes from.
 *
 * Returns: (transfer none): where the manifest comes from, for messages
 *
 * Since: 1.0
 */
const char *
hookrun_manifest_get_origin (HookrunManifest *self)
{
  return self->origin;
}

/**
 * hookrun_manifest_get_folder:
 * @self: a manifest
 *
 * Gets the manifest's folder.
 *
 * Returns: (transfer none) (nullable) (type filename): the absolute path where relative names start
 *
 * Since: 1.0
 */
const char *
hookrun_manifest_get_folder (HookrunManifest *self)
{
  return self->folder;
}

/**
 * hookrun_manifest_get_description:
 * @self: a manifest
 *
 * Gets the description.
 *
 * Returns: (transfer none) (nullable): what the plugin does, for people
 *
 * Since: 1.0
 */
const char *
hookrun_manifest_get_description (HookrunManifest *self)
{
  return self->description;
}

/**
 * hookrun_manifest_get_author:
 * @self: a manifest
 *
 * Gets the author.
 *
 * Returns: (transfer none) (nullable): who wrote it
 *
 * Since: 1.0
 */
const char *
hookrun_manifest_get_author (HookrunManifest *self)
{
  return self->author;
}

/**
 * hookrun_manifest_get_isolation:
 * @self: a manifest
 *
 * Gets the wanted isolation. What this build cannot enforce is refused when plugins are resolved.
 *
 * Returns: (transfer none) (nullable): how the code is to be kept apart: `none` or `process`
 *
 * Since: 1.0
 */
const char *
hookrun_manifest_get_isolation (HookrunManifest *self)
{
  return self->isolation;
}

/**
 * hookrun_manifest_get_permissions:
 * @self: a manifest
 *
 * Gets the wanted permissions. What this build cannot enforce is refused when plugins are resolved.
 *
 * Returns: (transfer none) (nullable): the object of permissions that it asks for, as written
 *
 * Since: 1.0
 */
JsonNode *
hookrun_manifest_get_permissions (HookrunManifest *self)
{
  return self->permissions;
}

/**
 * hookrun_manifest_get_policy:
 * @self: a manifest
 *
 * Gets what the plugin may do at most, as it is written: the keys of [struct@Hookrun.Policy]'s
 * JSON, `methods` (the services of the host that it may ask for), and places such as `{folder}`
 * that are filled in when it is activated.
 *
 * Returns: (transfer none) (nullable): an object; %NULL when the manifest does not confine it
 *
 * Since: 1.0
 */
JsonNode *
hookrun_manifest_get_policy (HookrunManifest *self)
{
  return self->policy != NULL ? hookrun_plugin_policy_get_node (self->policy) : NULL;
}

/**
 * hookrun_manifest_get_requires:
 * @self: a manifest
 *
 * Gets the ids that the plugin requires.
 *
 * Returns: (transfer none) (array zero-terminated=1): ids of plugins, and perhaps `hookrun` for the
 * library itself
 *
 * Since: 1.0
 */
const char *const *
hookrun_manifest_get_requires (HookrunManifest *self)
{
  return self->requires != NULL ? (const char *const *)self->requires : no_strings;
}

/**
 * hookrun_manifest_get_before:
 * @self: a manifest
 *
 * Gets the plugins that are activated after this one when they are in use.
 *
 * Returns: (transfer none) (array zero-terminated=1): ids
 *
 * Since: 1.0
 */
const char *const *
hookrun_manifest_get_before (HookrunManifest *self)
{
  return self->before != NULL ? (const char *const *)self->before : no_strings;
}

/**
 * hookrun_manifest_get_after:
 * @self: a manifest
 *
 * Gets the plugins that are activated before this one when they are in use.
 *
 * Returns: (transfer none) (array zero-terminated=1): ids
 *
 * Since: 1.0
 */
const char *const *
hookrun_manifest_get_after (HookrunManifest *self)
{
  return self->after != NULL ? (const char *const *)self->after : no_strings;
}

/**
 * hookrun_manifest_get_signals:
 * @self: a manifest
 *
 * Gets the signals that the plugin says it handles.
 *
 * Returns: (transfer none) (array zero-terminated=1): names, each once
 *
 * Since: 1.0
 */
const char *const *
hookrun_manifest_get_signals (HookrunManifest *self)
{
  return self->signals != NULL ? (const char *const *)self->signals : no_strings;
}

/**
 * hookrun_manifest_get_required_range:
 * @self: a manifest
 * @id: an id of [method@Hookrun.Manifest.get_requires]
 *
 * Gets the versions of @id that the plugin can work with.
 *
 * Returns: (transfer none) (nullable): a range such as `>=1.2 <2`; %NULL when @id is not required
 *
 * Since: 1.0
 */
const char *
hookrun_manifest_get_required_range (HookrunManifest *self, const char *id)
{
  for (guint i = 0; self->requires != NULL && self->requires[i] != NULL; i++)
    if (g_str_equal (self->requires[i], id))
      return self->ranges[i];
  return NULL;
}

/**
 * hookrun_manifest_get_timeout_ms:
 * @self: a manifest
 *
 * Gets the time that each handler without a limit of its own has.
 *
 * Returns: milliseconds; 0: the default of the kind of plugin
 *
 * Since: 1.0
 */
guint
hookrun_manifest_get_timeout_ms (HookrunManifest *self)
{
  return self->timeout_ms;
}

/**
 * hookrun_manifest_get_n_options:
 * @self: a manifest
 *
 * Gets the number of command-line options that the plugin adds.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
hookrun_manifest_get_n_options (HookrunManifest *self)
{
  return self->options->len;
}

/**
 * hookrun_manifest_get_option:
 * @self: a manifest
 * @index: less than [method@Hookrun.Manifest.get_n_options]
 *
 * Gets one command-line option that the plugin adds.
 *
 * Returns: (transfer none): the option
 *
 * Since: 1.0
 */
const HookrunManifestOption *
hookrun_manifest_get_option (HookrunManifest *self, guint index)
{
  g_return_val_if_fail (index < self->options->len, NULL);
  return &g_array_index (self->options, HookrunManifestOption, index);
}
