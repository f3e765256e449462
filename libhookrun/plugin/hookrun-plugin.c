/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plugin that an engine knows: its manifest, how far it has come, and why it failed. */
#include "hookrun-plugin-private.h"

enum {
  PROP_0,
  PROP_ID,
  PROP_VERSION,
  PROP_MANIFEST,
  PROP_STATE,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (HookrunPlugin, hookrun_plugin, G_TYPE_OBJECT)

#define ENUM_ROW(prefix, name, nick)                                                               \
  {                                                                                                \
    prefix##_##name, #prefix "_" #name, nick                                                       \
  }

GType
hookrun_plugin_state_get_type (void)
{
  static const GEnumValue values[] = {
      ENUM_ROW (HOOKRUN_PLUGIN, FOUND, "found"),
      ENUM_ROW (HOOKRUN_PLUGIN, RESOLVED, "resolved"),
      ENUM_ROW (HOOKRUN_PLUGIN, ACTIVE, "active"),
      ENUM_ROW (HOOKRUN_PLUGIN, FAILED, "failed"),
      {0, NULL, NULL},
  };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("HookrunPluginState", values));
  return type;
}

GType
hookrun_log_level_get_type (void)
{
  static const GEnumValue values[] = {
      ENUM_ROW (HOOKRUN_LOG, DEBUG, "debug"),
      ENUM_ROW (HOOKRUN_LOG, INFO, "info"),
      ENUM_ROW (HOOKRUN_LOG, WARNING, "warning"),
      ENUM_ROW (HOOKRUN_LOG, ERROR, "error"),
      {0, NULL, NULL},
  };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("HookrunLogLevel", values));
  return type;
}

static void
hookrun_plugin_finalize (GObject *object)
{
  HookrunPlugin *self = HOOKRUN_PLUGIN (object);

  hookrun_plugin_set_loader_data (self, NULL, NULL);
  g_clear_pointer (&self->workers, g_ptr_array_unref);
  g_clear_pointer (&self->manifest, hookrun_manifest_unref);
  g_clear_error (&self->error);
  g_free (self->hook_folder);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (hookrun_plugin_parent_class)->finalize (object);
}

static void
hookrun_plugin_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  HookrunPlugin *self = HOOKRUN_PLUGIN (object);

  switch (id) {
  case PROP_ID:
    g_value_set_string (value, hookrun_plugin_get_id (self));
    break;
  case PROP_VERSION:
    g_value_set_string (value, hookrun_plugin_get_version (self));
    break;
  case PROP_MANIFEST:
    g_value_set_boxed (value, self->manifest);
    break;
  case PROP_STATE:
    g_value_set_enum (value, (int)hookrun_plugin_get_state (self));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
hookrun_plugin_class_init (HookrunPluginClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->finalize = hookrun_plugin_finalize;
  object_class->get_property = hookrun_plugin_get_property;
  /**
   * HookrunPlugin:id:
   *
   * The plugin's id.
   *
   * Since: 1.0
   */
  props[PROP_ID] = g_param_spec_string ("id", NULL, NULL, NULL, flags);
  /**
   * HookrunPlugin:version:
   *
   * The plugin's version.
   *
   * Since: 1.0
   */
  props[PROP_VERSION] = g_param_spec_string ("version", NULL, NULL, NULL, flags);
  /**
   * HookrunPlugin:manifest:
   *
   * What the plugin says about itself.
   *
   * Since: 1.0
   */
  props[PROP_MANIFEST] = g_param_spec_boxed ("manifest", NULL, NULL, HOOKRUN_TYPE_MANIFEST, flags);
  /**
   * HookrunPlugin:state:
   *
   * How far the plugin has come.
   *
   * Since: 1.0
   */
  props[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, HOOKRUN_TYPE_PLUGIN_STATE,
                                         HOOKRUN_PLUGIN_FOUND, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
hookrun_plugin_init (HookrunPlugin *self)
{
  g_mutex_init (&self->lock);
}

HookrunPlugin *
hookrun_plugin_new (HookrunManifest *manifest, const HookrunLoader *loader)
{
  HookrunPlugin *self = g_object_new (HOOKRUN_TYPE_PLUGIN, NULL);

  self->manifest = hookrun_manifest_ref (manifest);
  self->loader = loader;
  return self;
}

void
hookrun_plugin_set_manifest (HookrunPlugin *self, HookrunManifest *manifest)
{
  hookrun_manifest_ref (manifest);
  hookrun_manifest_unref (self->manifest);
  self->manifest = manifest;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_VERSION]);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MANIFEST]);
}

void
hookrun_plugin_set_state (HookrunPlugin *self, HookrunPluginState state, GError *error)
{
  gboolean changed;
  GError *old;

  g_mutex_lock (&self->lock);
  changed = self->state != state;
  old = self->error;
  self->state = state;
  self->error = error;
  g_mutex_unlock (&self->lock);
  g_clear_error (&old);
  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_STATE]);
}

void
hookrun_plugin_report_failure (HookrunPlugin *plugin, GError *error)
{
  hookrun_plugin_set_state (plugin, error != NULL ? HOOKRUN_PLUGIN_FAILED : HOOKRUN_PLUGIN_ACTIVE,
                            error);
}

void
hookrun_plugin_set_loader_data (HookrunPlugin *plugin, gpointer data, GDestroyNotify destroy)
{
  gpointer old = plugin->loader_data;
  GDestroyNotify old_destroy = plugin->loader_data_destroy;

  plugin->loader_data = data;
  plugin->loader_data_destroy = destroy;
  if (old != NULL && old_destroy != NULL)
    old_destroy (old);
}

gpointer
hookrun_plugin_get_loader_data (HookrunPlugin *plugin)
{
  return plugin->loader_data;
}

/**
 * hookrun_plugin_get_id:
 * @self: a plugin
 *
 * Gets the plugin's id.
 *
 * Returns: (transfer none): the id
 *
 * Since: 1.0
 */
const char *
hookrun_plugin_get_id (HookrunPlugin *self)
{
  return self->manifest->id;
}

/**
 * hookrun_plugin_get_version:
 * @self: a plugin
 *
 * Gets the plugin's version.
 *
 * Returns: (transfer none): the version
 *
 * Since: 1.0
 */
const char *
hookrun_plugin_get_version (HookrunPlugin *self)
{
  return self->manifest->version;
}

/**
 * hookrun_plugin_get_manifest:
 * @self: a plugin
 *
 * Gets what the plugin says about itself. A reload may replace it.
 *
 * Returns: (transfer none): the manifest
 *
 * Since: 1.0
 */
HookrunManifest *
hookrun_plugin_get_manifest (HookrunPlugin *self)
{
  return self->manifest;
}

/**
 * hookrun_plugin_get_state:
 * @self: a plugin
 *
 * Gets how far the plugin has come. Thread-safe.
 *
 * Returns: the state
 *
 * Since: 1.0
 */
HookrunPluginState
hookrun_plugin_get_state (HookrunPlugin *self)
{
  HookrunPluginState state;

  g_mutex_lock (&self->lock);
  state = self->state;
  g_mutex_unlock (&self->lock);
  return state;
}

/**
 * hookrun_plugin_get_error:
 * @self: a plugin
 *
 * Gets why the plugin is in state %HOOKRUN_PLUGIN_FAILED.
 *
 * Returns: (transfer none) (nullable): the error; valid until the state changes
 *
 * Since: 1.0
 */
const GError *
hookrun_plugin_get_error (HookrunPlugin *self)
{
  return self->error;
}
