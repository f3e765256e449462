/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A module's settings as JSON: what a plugin is handed, and the whole file for those who read
 * sections of their own.
 */
#include "hookrun-module-private.h"

#include <string.h>

/* How many bytes at the end of @key are "-" and the longest alias of a host that fits; 0: none. */
static gsize
host_suffix (HookrunModule *self, const char *key, const char **alias)
{
  for (const char *dash = strchr (key, '-'); dash != NULL; dash = strchr (dash + 1, '-'))
    if (dash > key && g_hash_table_contains (self->hosts, dash + 1)) {
      *alias = dash + 1;
      return strlen (dash);
    }
  return 0;
}

/* Two passes, so that a host's key wins wherever it stands. */
static void
add_settings (HookrunModule *self, const HookrunIniSection *section, const char *host,
              gboolean special, JsonObject *object)
{
  for (guint i = 0; i < section->keys->len; i++) {
    const HookrunIniKey *key = g_ptr_array_index (section->keys, i);
    const char *alias = NULL;
    gsize suffix = host_suffix (self, key->name, &alias);
    g_autofree char *name = g_strndup (key->name, strlen (key->name) - suffix);

    if (special == (suffix > 0) && (suffix == 0 || g_strcmp0 (alias, host) == 0))
      json_object_set_string_member (object, name, key->value);
  }
}

/**
 * hookrun_module_get_plugin_settings:
 * @self: a module
 * @plugin: name of a plugin
 * @host: (nullable): alias of a host
 *
 * Gets the settings of a plugin for a host: every key of its section with the rule of look-up
 * applied. Keys meant for other hosts are left out.
 *
 * Returns: (transfer full): a JSON object of strings; empty when the module does not name @plugin
 *
 * Since: 1.0
 */
JsonNode *
hookrun_module_get_plugin_settings (HookrunModule *self, const char *plugin, const char *host)
{
  g_autofree char *name = g_strconcat ("plugin:", plugin, NULL);
  g_autofree char *alias = host != NULL ? g_ascii_strdown (host, -1) : NULL;
  const HookrunIniSection *section;
  JsonObject *object = json_object_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_node_take_object (node, object);
  g_return_val_if_fail (HOOKRUN_IS_MODULE (self), node);
  section = hookrun_ini_get_section (self->ini, name);
  if (section != NULL) {
    add_settings (self, section, alias, FALSE, object);
    add_settings (self, section, alias, TRUE, object);
  }
  return node;
}

/**
 * hookrun_module_to_json:
 * @self: a module
 *
 * Gives the module's file whole: an object of sections, each an object of keys and the values as
 * they are written, sections that only a deployment file reads among them.
 *
 * Returns: (transfer full): a JSON object
 *
 * Since: 1.0
 */
JsonNode *
hookrun_module_to_json (HookrunModule *self)
{
  JsonObject *sections = json_object_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_node_take_object (node, sections);
  g_return_val_if_fail (HOOKRUN_IS_MODULE (self), node);
  for (guint i = 0; i < self->ini->sections->len; i++) {
    const HookrunIniSection *section = g_ptr_array_index (self->ini->sections, i);
    JsonObject *keys = json_object_new ();

    for (guint j = 0; j < section->keys->len; j++) {
      const HookrunIniKey *key = g_ptr_array_index (section->keys, j);

      json_object_set_string_member (keys, key->name, key->value);
    }
    json_object_set_object_member (sections, section->name, keys);
  }
  return node;
}
