/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A project file and the files of its modules: hosts, modules and the order of their deployment. */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-module.h"

G_BEGIN_DECLS

/**
 * HookrunProject:
 *
 * A project file and the files of its modules, read and checked whole. It never changes after it
 * was loaded, so any thread may read it.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_PROJECT (hookrun_project_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunProject, hookrun_project, HOOKRUN, PROJECT, GObject)

/* @path: the project file, or the folder with a project.ini. */
HOOKRUN_AVAILABLE_IN_1_0
HookrunProject *hookrun_project_load (const char *path, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_project_get_name (HookrunProject *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_project_get_path (HookrunProject *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_project_get_folder (HookrunProject *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *const *hookrun_project_get_depends (HookrunProject *self);

/* Aliases in the order of the file. */
HOOKRUN_AVAILABLE_IN_1_0
const char *const *hookrun_project_get_hosts (HookrunProject *self);
/* The specification of a host, as hookrun_target_new_for_spec() takes it. */
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_project_lookup_host (HookrunProject *self, const char *alias, GError **error);

/* Names in the order of the file. */
HOOKRUN_AVAILABLE_IN_1_0
const char *const *hookrun_project_get_modules (HookrunProject *self);
/* (transfer none) */
HOOKRUN_AVAILABLE_IN_1_0
HookrunModule *hookrun_project_lookup_module (HookrunProject *self, const char *name,
                                              GError **error);
/* (transfer container) (element-type HookrunModule): dependencies first, each once. */
HOOKRUN_AVAILABLE_IN_1_0
GPtrArray *hookrun_project_get_order (HookrunProject *self, const char *const *modules,
                                      GError **error);

G_END_DECLS
