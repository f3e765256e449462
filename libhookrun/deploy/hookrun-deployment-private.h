/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of a deployment, shared by its files: plugins, jobs, steps and methods. */
#pragma once

#include "hookrun-deployment.h"
#include "hookrun-layout.h"
#include "hookrun-pipeline.h"
#include "hookrun-plugin-policy-private.h"
#include "hookrun-source-private.h"
#include "hookrun-sync.h"

G_BEGIN_DECLS

/* The slots of the payload, in the order of the table in hookrun-deployment-signals.c. */
typedef enum {
  SLOT_PROJECT,
  SLOT_MODULE,
  SLOT_MODULEDIR,
  SLOT_HOST,
  SLOT_ADDRESS,
  SLOT_RELEASE,
  SLOT_CONFIG,
  SLOT_VERSION,
  SLOT_PREVIOUS_VERSION,
  SLOT_FORCE,
  SLOT_DRY_RUN,
  SLOT_ARGS,
  SLOT_DESTPATH,
  SLOT_SOURCEDIR,
  SLOT_STAGEDIR,
  SLOT_RELEASE_ID,
  SLOT_PREVIOUS_ID,
  SLOT_EXCLUDES,
  SLOT_TARGET,
  SLOT_ERROR,
} DeploySlot;

/* One module on its way to the host. */
typedef struct {
  HookrunDeployment *deployment; /* not owned */
  HookrunModule *module;         /* not owned */
  HookrunSource *source;
  HookrunLayout *layout;
  HookrunJournal *journal;
  JsonNode *journaled_data; /* (nullable): read on first need */
  HookrunPipeline *pipeline;
  HookrunStep *send_step; /* of @pipeline */
  HookrunData *data;
  char *detail;              /* (nullable): what the running step has to say at its end */
  gboolean compare_contents; /* times of what is sent do not tell of contents */
  GError *failure;           /* (nullable): what the pipeline failed with */
  const char *earlier_run;   /* (nullable): what was done with an unfinished run */
  gboolean is_past_commit;   /* what goes on needs no checkout any more */
  GError *silence;           /* (nullable): why the target could not be reached to take back */
} DeployJob;

struct _HookrunDeployment {
  GObject parent_instance;

  HookrunProject *project;
  char *host;
  const char *spec; /* of @project */
  char **modules;   /* (nullable): NULL is what the project depends on */
  char *config;
  char *release;
  char **force; /* (nullable): "*" is every module */
  JsonNode *arguments;
  HookrunTargetQuestion question;
  gpointer question_data;
  GDestroyNotify question_destroy;

  HookrunRegistry *registry;
  HookrunSchema *schema;
  HookrunEngine *engine;
  gboolean plugins_found;
  gboolean plugins_loaded;

  HookrunTarget *target; /* while something runs */
  DeployJob *job;        /* the job whose signals are being emitted */
  JsonArray *results;
};

HookrunSchema *hookrun_deployment_define_signals (HookrunRegistry *registry, GError **error);
const char *const *hookrun_deployment_signal_names (gsize *n_names);

/* (transfer container) (element-type HookrunModule): what is to be deployed, in order. */
GPtrArray *hookrun_deployment_get_order (HookrunDeployment *self, GError **error);
gboolean hookrun_deployment_is_forced (HookrunDeployment *self, HookrunModule *module);

/* Tells the caller: emits the object's "log" and "progress" signals in the calling thread. */
void hookrun_deployment_log (HookrunDeployment *self, const char *origin, HookrunLogLevel level,
                             const char *text);
void hookrun_deployment_progress (HookrunDeployment *self, DeployJob *job, const char *step,
                                  const char *state, const char *detail);

/* Connects the services that plugins outside the process may call. */
void hookrun_deployment_add_methods (HookrunDeployment *self);

/* Looks at what is live: fills the payload's versions and names from the target's record, which is
 * given too. (out) (transfer full) (nullable) @record. */
gboolean hookrun_deploy_job_examine (DeployJob *job, JsonNode **record, GCancellable *cancellable,
                                     GError **error);
/* Makes and connects the target. */
gboolean hookrun_deployment_connect (HookrunDeployment *self, GCancellable *cancellable,
                                     GError **error);
void hookrun_deployment_disconnect (HookrunDeployment *self);
/* Puts the module's name ahead of a message that does not begin with it. */
void hookrun_deployment_prefix_error (HookrunModule *module, GError **error);

/* Facts about @module on this host, as plugins are given them. (transfer full) */
JsonNode *hookrun_deployment_module_info (HookrunDeployment *self, HookrunModule *module);

/* ---- hookrun-deployment-policies.c ---- */

/* What the user lets plugin @id do, NULL for anything; @settings lose that key. */
gboolean hookrun_deployment_take_policy (HookrunModule *module, const char *id, JsonNode *settings,
                                         HookrunPluginPolicy **policy, GError **error);

/* ---- hookrun-deployment-earlier.c ---- */

/* Tells what became of the module; a NULL @state is that of the pipeline. */
void hookrun_deploy_job_add_result (DeployJob *job, const char *state, const GError *problem);
/* Whether the journal's run is to be put right. */
gboolean hookrun_deploy_job_is_unfinished (DeployJob *job);
/* How far the release of the journal's run has come at the target, with the layout open. */
gboolean hookrun_deploy_job_get_earlier (DeployJob *job, HookrunReleaseState *state,
                                         GCancellable *cancellable, GError **error);
/* Whether the source is still at the version that the journal's run began with. */
gboolean hookrun_deploy_job_has_earlier_version (DeployJob *job);
/* Resumes the journal's run; @tell adds a result of success, too. */
gboolean hookrun_deploy_job_go_on (DeployJob *job, gboolean tell, GCancellable *cancellable,
                                   GError **error);
/* Finishes or takes back the journal's run, if it did not end. */
gboolean hookrun_deploy_job_put_right (DeployJob *job, GCancellable *cancellable, GError **error);
/* What a deployment would do first with the journal's run: "finish", "take-back", NULL for nothing;
 * "running" when its process lives. */
const char *hookrun_deploy_job_foresee_earlier (DeployJob *job, const char *current,
                                                JsonNode *record);

/* ---- hookrun-deployment-job.c ---- */

DeployJob *hookrun_deploy_job_new (HookrunDeployment *self, HookrunModule *module, GError **error);
void hookrun_deploy_job_free (DeployJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeployJob, hookrun_deploy_job_free)

/* Opens the journal of @job; a read-only one may be looked at while another process runs. */
gboolean hookrun_deploy_job_open_journal (DeployJob *job, HookrunJournalFlags flags,
                                          GError **error);

/* The payload as a new run begins with it. (transfer full) */
HookrunData *hookrun_deploy_job_make_data (HookrunDeployment *self, HookrunModule *module);
/* The payload of the journaled run as it was at its last record; never NULL. */
JsonObject *hookrun_deploy_job_get_journaled_data (DeployJob *job);

/* Opens the layout at the target: connects again when the connection was lost. */
/* Logs what the layout undid or set aside, if anything. */
void hookrun_deploy_job_tell_recovered (DeployJob *job);
gboolean hookrun_deploy_job_open_layout (DeployJob *job, GCancellable *cancellable, GError **error);

/* What [module] says of names that are not sent, and the standing ones. */
HookrunSync *hookrun_deploy_job_new_sync (DeployJob *job);

/* Fills @job->pipeline with all steps. */
gboolean hookrun_deploy_job_add_steps (DeployJob *job, GError **error);
/* Whether one of them does something at @signal when nobody replaces it. */
gboolean hookrun_deployment_has_default (const char *signal);

/* The record of a deployment as the target keeps it. (transfer full) */
JsonNode *hookrun_deploy_job_make_record (DeployJob *job);
/* Whether @record (nullable) says that this very version is live. */
gboolean hookrun_deploy_job_is_live (DeployJob *job, JsonNode *record);
/* A folder that another module filled is not ours to replace, unless that is wanted. */
gboolean hookrun_deploy_job_check_owner (DeployJob *job, JsonObject *record, GError **error);

G_END_DECLS
