/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of the commands of hookrun-module. */
#include "commands.h"

static const ModuleCommand commands[] = {
    {"list", FALSE, 0, 0, "list", module_list},
    {"update", FALSE, 0, G_MAXUINT, "update [MODULE…]", module_update},
    {"install", FALSE, 1, G_MAXUINT, "install FILE…", module_install},
    {"remove", FALSE, 1, G_MAXUINT, "remove MODULE…", module_remove},
    {"pending", FALSE, 0, G_MAXUINT, "pending [MODULE…]", module_pending},
    {"undo", FALSE, 0, 1, "undo [NUMBER]", module_undo},
    {"abandon", FALSE, 0, 0, "abandon", module_abandon},
    {"run", TRUE, 1, G_MAXUINT, "run [OPTIONS] -- PROGRAM [ARGS…]", module_run},
    {"explain", TRUE, 1, G_MAXUINT,
     "explain MODULE OP [ARGS…], or explain [OPTIONS] -- PROGRAM [ARGS…]", module_explain},
    {"learn", TRUE, 1, G_MAXUINT,
     "learn [-o FILE] MODULE OP [ARGS…], or learn [OPTIONS] -- PROGRAM [ARGS…]", module_learn},
    {"state", FALSE, 1, 1, "state MODULE", module_state},
    {"policy", FALSE, 1, 1, "policy MODULE [--grant | --revoke]", module_policy},
};

const ModuleCommand *
module_command_lookup (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_str_equal (commands[i].name, name))
      return &commands[i];
  return NULL;
}
