/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commands of hookrun-deploy, each a row of a table. */
#pragma once

#include <hookrun.h>

#include "tool-exit.h"
#include "options.h"

G_BEGIN_DECLS

typedef struct {
  const DeployOptions *options;
  HookrunProject *project;
  HookrunDeployment *deployment; /* (nullable): for commands that need no host */
  GCancellable *cancellable;
} DeployCommandContext;

typedef ToolExit (*DeployCommandFunc) (const DeployCommandContext *context, GError **error);

typedef struct {
  const char *name;
  gboolean needs_host;
  gboolean needs_plugins;
  DeployCommandFunc run;
} DeployCommand;

/* (nullable): with @error naming the commands there are. */
const DeployCommand *deploy_command_lookup (const char *name, GError **error);

/* Prints one "alias => address" a line. */
void deploy_print_hosts (HookrunProject *project, gboolean json);

G_END_DECLS
