/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What people and programs see of a deployment: progress, log lines, plans and results. */
#pragma once

#include <hookrun.h>

#include "options.h"
#include "tool-progress.h"

G_BEGIN_DECLS

/* Shows the progress and log lines of @deployment until @progress is freed. */
void report_connect (HookrunDeployment *deployment, const DeployOptions *options,
                     ToolProgress *progress);

/* Prints what the library warns of, on standard error and also when progress is not wanted. */
void report_warnings (HookrunDeployment *deployment);

/* Prints what hookrun_deployment_plan() gave. */
void report_plan (JsonNode *plan, gboolean json);

/* Prints what hookrun_deployment_get_results() gave. */
void report_results (JsonNode *results, gboolean json);

/* Prints an array of flat objects as a table with these columns, or as JSON lines. */
void report_rows (JsonNode *rows, const char *const *columns, gboolean json);

/* Prints what hookrun_deployment_list_plugins() gave: each plugin, then what it may do. */
void report_plugins (JsonNode *rows, gboolean json);

/* Whether a module of @results has this state. */
gboolean report_has_state (JsonNode *results, const char *state);
/* Whether all are unchanged, and no run of an earlier process was put right on the way. */
gboolean report_is_nothing (JsonNode *results);

G_END_DECLS
