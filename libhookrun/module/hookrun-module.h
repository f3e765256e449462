/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One module of a project as its file describes it: where it goes, what it needs, where its source
 * comes from, which plugins take part and which configuration files it carries.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include <json-glib/json-glib.h>

#include "hookrun-error.h"

G_BEGIN_DECLS

/**
 * HookrunModuleLayout:
 * @HOOKRUN_MODULE_LAYOUT_RELEASES: release folders below the destination, one of them live
 * @HOOKRUN_MODULE_LAYOUT_IN_PLACE: the destination is the plain folder itself
 *
 * How a module lies at its destination.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_MODULE_LAYOUT_RELEASES,
  HOOKRUN_MODULE_LAYOUT_IN_PLACE,
} HookrunModuleLayout;

/**
 * HookrunModuleScm:
 * @HOOKRUN_MODULE_SCM_NONE: the module's own folder is the source
 * @HOOKRUN_MODULE_SCM_GIT: a git repository is the source
 *
 * Where the source of a module comes from.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_MODULE_SCM_NONE,
  HOOKRUN_MODULE_SCM_GIT,
} HookrunModuleScm;

#define HOOKRUN_TYPE_MODULE_LAYOUT (hookrun_module_layout_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_module_layout_get_type (void);

#define HOOKRUN_TYPE_MODULE_SCM (hookrun_module_scm_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_module_scm_get_type (void);

/**
 * HookrunModule:
 *
 * One module of a project, as its file describes it. It is made by [ctor@Hookrun.Project.load] and
 * never changes after that, so any thread may read it.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_MODULE (hookrun_module_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunModule, hookrun_module, HOOKRUN, MODULE, GObject)

HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_module_get_name (HookrunModule *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_module_get_folder (HookrunModule *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_module_get_path (HookrunModule *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *const *hookrun_module_get_depends (HookrunModule *self);

/* In all of these @host is the alias of a host, or NULL for no host's special settings. */
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_module_get_value (HookrunModule *self, const char *section, const char *key,
                                      const char *host, const char *default_value);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_module_get_destination (HookrunModule *self, const char *host);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_module_get_use_rsync (HookrunModule *self, const char *host);
HOOKRUN_AVAILABLE_IN_1_0
HookrunModuleLayout hookrun_module_get_layout (HookrunModule *self, const char *host);
HOOKRUN_AVAILABLE_IN_1_0
guint hookrun_module_get_keep (HookrunModule *self, const char *host);
HOOKRUN_AVAILABLE_IN_1_0
char **hookrun_module_get_shared (HookrunModule *self, const char *host);
HOOKRUN_AVAILABLE_IN_1_0
HookrunModuleScm hookrun_module_get_scm (HookrunModule *self, const char *host);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_module_get_url (HookrunModule *self, const char *host);
HOOKRUN_AVAILABLE_IN_1_0
const char *const *hookrun_module_get_releases (HookrunModule *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_module_get_release_value (HookrunModule *self, const char *release,
                                              const char *key, const char *host);
HOOKRUN_AVAILABLE_IN_1_0
const char *const *hookrun_module_get_plugins (HookrunModule *self);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_module_get_plugin_settings (HookrunModule *self, const char *plugin,
                                              const char *host);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_module_to_json (HookrunModule *self);

/* ---- files beside the module file ---- */

HOOKRUN_AVAILABLE_IN_1_0
char **hookrun_module_list_configs (HookrunModule *self, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_module_find_config_file (HookrunModule *self, const char *config, const char *file,
                                       GError **error);
HOOKRUN_AVAILABLE_IN_1_0
int hookrun_module_open_config_file (HookrunModule *self, const char *config, const char *file,
                                     GError **error);
HOOKRUN_AVAILABLE_IN_1_0
char **hookrun_module_list_deployment_files (HookrunModule *self);

G_END_DECLS
