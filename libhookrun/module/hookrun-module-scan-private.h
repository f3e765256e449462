/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding module files in folders, by their names alone. */
#pragma once

#include "hookrun-operation-set-private.h"

G_BEGIN_DECLS

/* Adds a set for each module file in @folder to @sets unless @names (set of names) has one of that
 * name; sorted by name within the folder. A file that cannot be used is a set with a problem. */
void hookrun_module_scan_folder (const char *folder, GHashTable *names, GPtrArray *sets);

/* (transfer full) (nullable): the module that @file would be; NULL with INVALID when its name is
 * none of a module, or with UNTRUSTED and others. */
HookrunOperationSet *hookrun_module_scan_file (const char *file, GError **error);

G_END_DECLS
