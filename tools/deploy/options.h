/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command line of hookrun-deploy. It is read twice: once for what says which plugins take part,
 * then strictly, with the options that these plugins add.
 */
#pragma once

#include <hookrun.h>

G_BEGIN_DECLS

typedef struct {
  char *project;  /* -C: folder or file; "." when not given */
  char *host;     /* (nullable) */
  char *config;   /* (nullable) */
  char *release;  /* "stable" when not given */
  char **modules; /* -m, repeatable (nullable) */
  char **force;   /* repeatable (nullable) */
  char *trace;    /* (nullable): file for a trace of all emissions */
  gboolean dry_run;
  gboolean json;
  gboolean quiet;
  gboolean verbose;
  gboolean version;
  gboolean help;
  char *command;       /* "deploy" when not given */
  JsonNode *arguments; /* values of the plugins' options, by their names */
} DeployOptions;

DeployOptions *deploy_options_new (void);
void deploy_options_free (DeployOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeployOptions, deploy_options_free)

/* First reading: unknown options are left for the second. */
gboolean deploy_options_scan (DeployOptions *options, char **argv, GError **error);

/* Second reading: @plugin_options as hookrun_deployment_list_options() gives them (nullable). */
gboolean deploy_options_parse (DeployOptions *options, char **argv, JsonNode *plugin_options,
                               GError **error);

/* (transfer full): the text of --help, with a group for each plugin. */
char *deploy_options_get_help (JsonNode *plugin_options);

G_END_DECLS
