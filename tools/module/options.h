/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of hookrun-module, split into its parts. */
#pragma once

#include <hookrun.h>

G_BEGIN_DECLS

typedef struct {
  char *path;   /* folders of modules, joined by ":"; NULL: MODULEPATH */
  char *hooks;  /* folder of hooks; NULL: the usual one */
  char *answer; /* to every change: one of y a s n N */
  char *root;   /* of run, and so on */
  char *cache;
  char *temp;
  char *policy;
  char **limits;
  char *output;      /* of learn: where the policy goes */
  gboolean yes;      /* to what learn asks */
  gboolean for_real; /* learn without a throw-away copy */
  gboolean grant;
  gboolean revoke;
  gboolean no_confirm;
  gboolean json;
  gboolean quiet;
  gboolean version;
  gboolean help;
  gboolean has_program; /* what follows stood behind "--" */
  char *command;        /* of the table, or NULL: a module */
  char **words;         /* what follows; the module first when there is no command */
} ModuleOptions;

ModuleOptions *module_options_new (void);
void module_options_free (ModuleOptions *options);

/* INVALID with words about what is wrong. @is_command tells which words are commands;
 * @takes_program: whether such a command is followed by a command line of its own. */
gboolean module_options_parse (ModuleOptions *options, char **argv,
                               gboolean (*is_command) (const char *word, gboolean *takes_program),
                               GError **error);

/* (transfer full) */
char *module_options_get_help (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ModuleOptions, module_options_free)

G_END_DECLS
