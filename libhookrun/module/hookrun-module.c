/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A module: its file read, checked and kept. Every setting follows one rule of look-up: the key of
 * the host (`path-production`), then the key, then the default; a missing section gives the
 * default. A module never changes after it was loaded, so any thread may read it.
 */
#include "hookrun-module-private.h"

#include <fcntl.h>
#include <string.h>

#define DEFAULT_KEEP 5

static const HookrunKeyRule rules[] = {
    {"module", "path", hookrun_value_check_destination, TRUE},
    {"module", "depends", hookrun_value_check_names, FALSE},
    {"module", "use_rsync", hookrun_value_check_boolean, TRUE},
    {"module", "layout", hookrun_value_check_layout, TRUE},
    {"module", "keep", hookrun_value_check_keep, TRUE},
    {"module", "shared", hookrun_value_check_shared, TRUE},
    {"scm", "url", hookrun_value_check_url, TRUE},
    {"release:", "tag", hookrun_value_check_ref, TRUE},
    {"release:", "branch", hookrun_value_check_ref, TRUE},
    {"release:", "version", hookrun_value_check_version, TRUE},
    {"plugin:", NULL, NULL, FALSE},
    {NULL, NULL, NULL, FALSE},
};

G_DEFINE_FINAL_TYPE (HookrunModule, hookrun_module, G_TYPE_OBJECT)

GType
hookrun_module_layout_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        {HOOKRUN_MODULE_LAYOUT_RELEASES, "HOOKRUN_MODULE_LAYOUT_RELEASES", "releases"},
        {HOOKRUN_MODULE_LAYOUT_IN_PLACE, "HOOKRUN_MODULE_LAYOUT_IN_PLACE", "in-place"},
        {0, NULL, NULL},
    };

    g_once_init_leave (&type, g_enum_register_static ("HookrunModuleLayout", values));
  }
  return type;
}

GType
hookrun_module_scm_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        {HOOKRUN_MODULE_SCM_NONE, "HOOKRUN_MODULE_SCM_NONE", "none"},
        {HOOKRUN_MODULE_SCM_GIT, "HOOKRUN_MODULE_SCM_GIT", "git"},
        {0, NULL, NULL},
    };

    g_once_init_leave (&type, g_enum_register_static ("HookrunModuleScm", values));
  }
  return type;
}

static void
hookrun_module_finalize (GObject *object)
{
  HookrunModule *self = HOOKRUN_MODULE (object);

  g_free (self->name);
  g_free (self->folder);
  g_free (self->path);
  g_clear_pointer (&self->ini, hookrun_ini_free);
  g_clear_pointer (&self->hosts, g_hash_table_unref);
  g_strfreev (self->depends);
  g_strfreev (self->releases);
  g_strfreev (self->plugins);
  G_OBJECT_CLASS (hookrun_module_parent_class)->finalize (object);
}

static void
hookrun_module_class_init (HookrunModuleClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hookrun_module_finalize;
}

static void
hookrun_module_init (HookrunModule *self)
{
}

/* What follows @prefix in the names of sections, in the order of the file. */
static char **
list_sections (const HookrunIni *ini, const char *prefix)
{
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();

  for (guint i = 0; i < ini->sections->len; i++) {
    const HookrunIniSection *section = g_ptr_array_index (ini->sections, i);

    if (g_str_has_prefix (section->name, prefix) && section->name[strlen (prefix)] != '\0')
      g_strv_builder_add (list, section->name + strlen (prefix));
  }
  return g_strv_builder_end (list);
}

/* Whether the value of @name, or of @name for some host, is one that is not "none". */
static gboolean
has_key (const HookrunIniSection *section, const char *name, gboolean even_none)
{
  gsize length = strlen (name);

  for (guint i = 0; section != NULL && i < section->keys->len; i++) {
    const HookrunIniKey *key = g_ptr_array_index (section->keys, i);

    if (g_str_has_prefix (key->name, name) &&
        (key->name[length] == '\0' || key->name[length] == '-') &&
        (even_none || !g_str_equal (key->value, "none")))
      return TRUE;
  }
  return FALSE;
}

/* A tag or branch of no repository, and a source without an address, would send something else than
 * was meant. */
static void
check_source (const HookrunIni *ini, HookrunFaults *faults)
{
  const HookrunIniSection *scm = hookrun_ini_get_section (ini, "scm");

  if (scm != NULL && !has_key (scm, "url", TRUE)) {
    hookrun_faults_add (faults, HOOKRUN_ERROR_INVALID,
                        "%s line %u: [scm] has no \"url\"; write url = ADDRESS, or url = none when "
                        "the module's folder itself is sent",
                        ini->file, scm->line);
    return;
  }
  if (has_key (scm, "url", FALSE))
    return;
  for (guint i = 0; i < ini->sections->len; i++) {
    const HookrunIniSection *section = g_ptr_array_index (ini->sections, i);

    if (g_str_has_prefix (section->name, "release:") &&
        (has_key (section, "tag", TRUE) || has_key (section, "branch", TRUE)))
      hookrun_faults_add (
          faults, HOOKRUN_ERROR_INVALID,
          "%s line %u: [%s] names a tag or branch, but no repository is known; write "
          "\"url\" under [scm], or \"version\" in its place",
          ini->file, section->line, section->name);
  }
}

HookrunModule *
hookrun_module_load (const char *name, const char *folder, const char *shown, GHashTable *hosts,
                     HookrunFaults *faults)
{
  g_autofree char *base = g_path_get_basename (folder);
  g_autofree char *file = g_strconcat (base, ".ini", NULL);
  g_autofree char *path = g_build_filename (folder, file, NULL);
  HookrunIni *ini = hookrun_ini_load_trusted (path, shown, faults);
  HookrunModule *self;

  if (ini == NULL)
    return NULL;
  hookrun_ini_check (ini, rules, TRUE, hosts, faults);
  check_source (ini, faults);
  self = g_object_new (HOOKRUN_TYPE_MODULE, NULL);
  self->name = g_strdup (name);
  self->folder = g_strdup (folder);
  self->path = g_steal_pointer (&path);
  self->ini = ini;
  self->hosts = g_hash_table_ref (hosts);
  self->depends =
      hookrun_value_to_names (hookrun_module_get_value (self, "module", "depends", NULL, ""));
  self->releases = list_sections (ini, "release:");
  self->plugins = list_sections (ini, "plugin:");
  return self;
}

guint
hookrun_module_get_depends_line (HookrunModule *self)
{
  const HookrunIniKey *key = hookrun_ini_get_key (self->ini, "module", "depends");

  return key != NULL ? key->line : 0;
}

/**
 * hookrun_module_get_name:
 * @self: a module
 *
 * Gets the name that the project gives the module.
 *
 * Returns: (transfer none): the name, in lower case
 *
 * Since: 1.0
 */
const char *
hookrun_module_get_name (HookrunModule *self)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE (self), NULL);
  return self->name;
}

/**
 * hookrun_module_get_folder:
 * @self: a module
 *
 * Gets the module's folder on this machine.
 *
 * Returns: (transfer none) (type filename): an absolute path
 *
 * Since: 1.0
 */
const char *
hookrun_module_get_folder (HookrunModule *self)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE (self), NULL);
  return self->folder;
}

/**
 * hookrun_module_get_path:
 * @self: a module
 *
 * Gets the module's file.
 *
 * Returns: (transfer none) (type filename): an absolute path
 *
 * Since: 1.0
 */
const char *
hookrun_module_get_path (HookrunModule *self)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE (self), NULL);
  return self->path;
}

/**
 * hookrun_module_get_depends:
 * @self: a module
 *
 * Gets the names of the modules that this one depends on.
 *
 * Returns: (transfer none) (array zero-terminated=1): names in the order of the file, each once
 *
 * Since: 1.0
 */
const char *const *
hookrun_module_get_depends (HookrunModule *self)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE (self), NULL);
  return (const char *const *)self->depends;
}

/**
 * hookrun_module_get_value:
 * @self: a module
 * @section: name of a section, for example `plugin:my.plugin`
 * @key: name of a key, in any case
 * @host: (nullable): alias of the host that is deployed to
 * @default_value: (nullable): what is given when the file has no such key or section
 *
 * Looks a setting up: the key with `-` and the host's alias after it, then the key, then the
 * default.
 *
 * Returns: (transfer none) (nullable): the value as it is written
 *
 * Since: 1.0
 */
const char *
hookrun_module_get_value (HookrunModule *self, const char *section, const char *key,
                          const char *host, const char *default_value)
{
  const HookrunIniSection *present;
  const HookrunIniKey *found = NULL;

  g_return_val_if_fail (HOOKRUN_IS_MODULE (self), NULL);
  g_return_val_if_fail (section != NULL && key != NULL, NULL);
  present = hookrun_ini_get_section (self->ini, section);
  if (present == NULL)
    return default_value;
  if (host != NULL) {
    g_autofree char *special = g_strconcat (key, "-", host, NULL);

    found = hookrun_ini_section_get_key (present, special);
  }
  if (found == NULL)
    found = hookrun_ini_section_get_key (present, key);
  return found != NULL ? found->value : default_value;
}

/**
 * hookrun_module_get_destination:
 * @self: a module
 * @host: (nullable): alias of a host
 *
 * Gets where the module goes on a host: `[module] path`. It is absolute or begins with `~/`, which
 * is left out: what remains is below the home folder of the user who logs in.
 *
 * Returns: (transfer none) (nullable): the path; %NULL when the module is not sent to @host
 *
 * Since: 1.0
 */
const char *
hookrun_module_get_destination (HookrunModule *self, const char *host)
{
  const char *path = hookrun_module_get_value (self, "module", "path", host, NULL);

  if (path != NULL && g_str_has_prefix (path, "~/"))
    path += 1 + strspn (path + 1, "/");
  return path;
}

/**
 * hookrun_module_get_use_rsync:
 * @self: a module
 * @host: (nullable): alias of a host
 *
 * Tells whether rsync may bring the module to its destination: `[module] use_rsync`.
 *
 * Returns: %TRUE unless the file says no
 *
 * Since: 1.0
 */
gboolean
hookrun_module_get_use_rsync (HookrunModule *self, const char *host)
{
  return hookrun_value_to_boolean (
      hookrun_module_get_value (self, "module", "use_rsync", host, "yes"));
}

/**
 * hookrun_module_get_layout:
 * @self: a module
 * @host: (nullable): alias of a host
 *
 * Tells how the module lies at its destination: `[module] layout`.
 *
 * Returns: the layout; %HOOKRUN_MODULE_LAYOUT_RELEASES when the file says nothing
 *
 * Since: 1.0
 */
HookrunModuleLayout
hookrun_module_get_layout (HookrunModule *self, const char *host)
{
  const char *value = hookrun_module_get_value (self, "module", "layout", host, "releases");

  return g_strcmp0 (value, "in-place") == 0 ? HOOKRUN_MODULE_LAYOUT_IN_PLACE
                                            : HOOKRUN_MODULE_LAYOUT_RELEASES;
}

/**
 * hookrun_module_get_keep:
 * @self: a module
 * @host: (nullable): alias of a host
 *
 * Tells how many old releases are kept at the destination beside the live one: `[module] keep`.
 *
 * Returns: a number from 1 to 1000; 5 when the file says nothing
 *
 * Since: 1.0
 */
guint
hookrun_module_get_keep (HookrunModule *self, const char *host)
{
  const char *value = hookrun_module_get_value (self, "module", "keep", host, NULL);

  return value != NULL ? (guint)g_ascii_strtoull (value, NULL, 10) : DEFAULT_KEEP;
}

/**
 * hookrun_module_get_shared:
 * @self: a module
 * @host: (nullable): alias of a host
 *
 * Lists the files and folders that all releases share: `[module] shared`.
 *
 * Returns: (transfer full) (array zero-terminated=1): paths relative to the destination
 *
 * Since: 1.0
 */
char **
hookrun_module_get_shared (HookrunModule *self, const char *host)
{
  return hookrun_value_to_list (hookrun_module_get_value (self, "module", "shared", host, ""));
}

/**
 * hookrun_module_get_scm:
 * @self: a module
 * @host: (nullable): alias of a host
 *
 * Tells where the source of the module comes from.
 *
 * Returns: the kind of source; %HOOKRUN_MODULE_SCM_NONE when the file names no repository
 *
 * Since: 1.0
 */
HookrunModuleScm
hookrun_module_get_scm (HookrunModule *self, const char *host)
{
  return hookrun_module_get_url (self, host) != NULL ? HOOKRUN_MODULE_SCM_GIT
                                                     : HOOKRUN_MODULE_SCM_NONE;
}

/**
 * hookrun_module_get_url:
 * @self: a module
 * @host: (nullable): alias of a host
 *
 * Gets the address of the module's repository: `[scm] url`. A relative folder is relative to the
 * module's.
 *
 * Returns: (transfer none) (nullable): the address as it is written; %NULL for none
 *
 * Since: 1.0
 */
const char *
hookrun_module_get_url (HookrunModule *self, const char *host)
{
  const char *url = hookrun_module_get_value (self, "scm", "url", host, "");

  return url == NULL || *url == '\0' || g_str_equal (url, "none") ? NULL : url;
}

/**
 * hookrun_module_get_releases:
 * @self: a module
 *
 * Lists the releases that the module's file describes in sections `[release:NAME]`. Any other name
 * stands for the default branch of the repository.
 *
 * Returns: (transfer none) (array zero-terminated=1): names in the order of the file
 *
 * Since: 1.0
 */
const char *const *
hookrun_module_get_releases (HookrunModule *self)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE (self), NULL);
  return (const char *const *)self->releases;
}

/**
 * hookrun_module_get_release_value:
 * @self: a module
 * @release: name of a release, for example `stable`
 * @key: `tag`, `branch` or `version`
 * @host: (nullable): alias of a host
 *
 * Gets a setting of a release.
 *
 * Returns: (transfer none) (nullable): the value; %NULL when it is not set
 *
 * Since: 1.0
 */
const char *
hookrun_module_get_release_value (HookrunModule *self, const char *release, const char *key,
                                  const char *host)
{
  g_autofree char *section = g_strconcat ("release:", release, NULL);

  return hookrun_module_get_value (self, section, key, host, NULL);
}

/**
 * hookrun_module_get_plugins:
 * @self: a module
 *
 * Lists the plugins of the module: the names after `plugin:` in its sections.
 *
 * Returns: (transfer none) (array zero-terminated=1): names in the order of the file
 *
 * Since: 1.0
 */
const char *const *
hookrun_module_get_plugins (HookrunModule *self)
{
  g_return_val_if_fail (HOOKRUN_IS_MODULE (self), NULL);
  return (const char *const *)self->plugins;
}
