/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of a module, and how the project makes one from its file. */
#pragma once

#include "hookrun-ini-private.h"
#include "hookrun-module.h"
#include "hookrun-values-private.h"

G_BEGIN_DECLS

struct _HookrunModule {
  GObject parent_instance;

  char *name;
  char *folder;
  char *path;
  HookrunIni *ini;
  GHashTable *hosts; /* alias to specification; the project's, shared by its modules */
  char **depends;
  char **releases;
  char **plugins;
};

/* Reads and checks FOLDER/BASENAME.ini. @shown: the module and its file as messages name them,
 * `module "shop": shop/shop.ini`. NULL when the file cannot be read; faults go to @faults. */
HookrunModule *hookrun_module_load (const char *name, const char *folder, const char *shown,
                                    GHashTable *hosts, HookrunFaults *faults);

/* hookrun_ini_load_at() for a file that says what runs: UNTRUSTED when it or a folder on its way
 * (@path is absolute) can be changed by anybody but root and the user. */
HookrunIni *hookrun_ini_load_trusted (const char *path, const char *file, HookrunFaults *faults);

/* The line of "depends" for messages. */
guint hookrun_module_get_depends_line (HookrunModule *self);

/* One known key of a section. */
typedef struct {
  const char *section;     /* exact, or a prefix that ends with ":" */
  const char *key;         /* NULL: any */
  HookrunValueCheck check; /* NULL: any value */
  gboolean per_host;       /* KEY-ALIAS is a key too */
} HookrunKeyRule;

/* Checks sections, keys and values against @rules, which end with a row without section.
 * @has_guests: sections of other names belong to plugins and deployment files, unless they look
 * like a slip of the pen. @hosts is NULL where no key depends on a host. */
void hookrun_ini_check (const HookrunIni *ini, const HookrunKeyRule *rules, gboolean has_guests,
                        GHashTable *hosts, HookrunFaults *faults);

/* hookrun_ini_load_at() for a file that says what runs: UNTRUSTED when it or a folder on its way
 * (@path is absolute) can be changed by anybody but root and the user. */
HookrunIni *hookrun_ini_load_trusted (const char *path, const char *file, HookrunFaults *faults);

G_END_DECLS
