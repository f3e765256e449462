/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of a state, where the states of all modules are, and what is done to all of them. */
#pragma once

#include "hookrun-module-state.h"

G_BEGIN_DECLS

#define HOOKRUN_MODULE_STATE_TEMP "temp"

struct _HookrunModuleState {
  GObject parent_instance;
  char *name;
  char *folder;
  char *root;
  char *cache;
  char *temp;
  int lock_fd; /* -1: not locked */
};

/* Makes @path for this user alone; UNTRUSTED when it is there and is not. */
gboolean hookrun_module_state_make_folder (const char *path, GError **error);

/* (transfer full): the usual folders of states and of caches. */
char *hookrun_module_state_default_folder (void);
char *hookrun_module_state_default_cache (void);

/* Removes the TEMP of every module that is not in use: a run that was killed could not. */
void hookrun_module_state_sweep (const char *state_folder, const char *cache_folder);

G_END_DECLS
