/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A deployment: modules of a project brought to one host, in the order of their dependencies, with
 * hooks on the way. What fails leaves the old tree live.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-engine.h"
#include "hookrun-project.h"
#include "hookrun-registry.h"
#include "hookrun-target.h"

G_BEGIN_DECLS

/**
 * HOOKRUN_SIG_DEPLOY:
 *
 * Wraps the whole deployment of a module; its default action runs all the steps.
 *
 * Since: 1.0
 */
#define HOOKRUN_SIG_DEPLOY "deploy.run"

/**
 * HOOKRUN_SIG_DEPLOY_START:
 *
 * The target is connected and locked, nothing has been changed yet.
 *
 * Since: 1.0
 */
#define HOOKRUN_SIG_DEPLOY_START "deploy.start"

/**
 * HOOKRUN_SIG_DEPLOY_FINISH:
 *
 * The new tree is live and healthy. A failure here still goes back to the old one.
 *
 * Since: 1.0
 */
#define HOOKRUN_SIG_DEPLOY_FINISH "deploy.finish"

/**
 * HOOKRUN_SIG_DEPLOY_FAILED:
 *
 * A step failed, before anything is undone; the data's `error` says what.
 *
 * Since: 1.0
 */
#define HOOKRUN_SIG_DEPLOY_FAILED "deploy.failed"

/**
 * HOOKRUN_SIG_SOURCE_CHECKOUT:
 *
 * Exports the module's source into the local folder `sourcedir`.
 *
 * Since: 1.0
 */
#define HOOKRUN_SIG_SOURCE_CHECKOUT "source.checkout"

/**
 * HOOKRUN_SIG_SOURCE_PRE_SEND:
 *
 * Before the source is sent to `stagedir`.
 *
 * Since: 1.0
 */
#define HOOKRUN_SIG_SOURCE_PRE_SEND "source.pre-send"

/**
 * HOOKRUN_SIG_SOURCE_SEND:
 *
 * Sends the source to `stagedir`.
 *
 * Since: 1.0
 */
#define HOOKRUN_SIG_SOURCE_SEND "source.send"

/**
 * HOOKRUN_SIG_SOURCE_POST_SEND:
 *
 * After the source was sent, before it becomes live: the place for configuration files.
 *
 * Since: 1.0
 */
#define HOOKRUN_SIG_SOURCE_POST_SEND "source.post-send"

/**
 * HOOKRUN_SIG_RELEASE_STAGE:
 *
 * Makes the release folder `stagedir`.
 *
 * Since: 1.0
 */
#define HOOKRUN_SIG_RELEASE_STAGE "release.stage"

/**
 * HOOKRUN_SIG_RELEASE_VERIFY:
 *
 * Checks that what was sent arrived whole, before hooks add to it.
 *
 * Since: 1.0
 */
#define HOOKRUN_SIG_RELEASE_VERIFY "release.verify"

/**
 * HOOKRUN_SIG_RELEASE_PRE_SWITCH:
 *
 * Just before the new tree becomes live.
 *
 * Since: 1.0
 */
#define HOOKRUN_SIG_RELEASE_PRE_SWITCH "release.pre-switch"

/**
 * HOOKRUN_SIG_RELEASE_SWITCH:
 *
 * Makes the new tree live by one rename.
 *
 * Since: 1.0
 */
#define HOOKRUN_SIG_RELEASE_SWITCH "release.switch"

/**
 * HOOKRUN_SIG_HEALTH_CHECK:
 *
 * The new tree is live; a failure goes back to the old one.
 *
 * Since: 1.0
 */
#define HOOKRUN_SIG_HEALTH_CHECK "health.check"

/**
 * HOOKRUN_SIG_RELEASE_CONFIRM:
 *
 * Records what is deployed and removes old releases; the point of no return.
 *
 * Since: 1.0
 */
#define HOOKRUN_SIG_RELEASE_CONFIRM "release.confirm"

/**
 * HOOKRUN_SIG_ROLLBACK_START:
 *
 * Before the steps that were done are undone.
 *
 * Since: 1.0
 */
#define HOOKRUN_SIG_ROLLBACK_START "rollback.start"

/**
 * HOOKRUN_SIG_ROLLBACK_FINISH:
 *
 * After they were undone.
 *
 * Since: 1.0
 */
#define HOOKRUN_SIG_ROLLBACK_FINISH "rollback.finish"

/**
 * HookrunDeployment:
 *
 * Modules of a project on their way to one host: each a journaled pipeline of steps whose signals
 * plugins handle. What fails leaves the old tree live. One thread at a time may use it.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_DEPLOYMENT (hookrun_deployment_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunDeployment, hookrun_deployment, HOOKRUN, DEPLOYMENT, GObject)

HOOKRUN_AVAILABLE_IN_1_0
HookrunDeployment *hookrun_deployment_new (HookrunProject *project, const char *host,
                                           GError **error);

HOOKRUN_AVAILABLE_IN_1_0
void hookrun_deployment_set_modules (HookrunDeployment *self, const char *const *modules);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_deployment_set_config (HookrunDeployment *self, const char *config);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_deployment_set_release (HookrunDeployment *self, const char *release);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_deployment_set_force (HookrunDeployment *self, const char *const *modules);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_deployment_set_arguments (HookrunDeployment *self, JsonNode *arguments);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_deployment_set_question (HookrunDeployment *self, HookrunTargetQuestion question,
                                      gpointer user_data, GDestroyNotify destroy);

HOOKRUN_AVAILABLE_IN_1_0
HookrunRegistry *hookrun_deployment_get_registry (HookrunDeployment *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunEngine *hookrun_deployment_get_engine (HookrunDeployment *self);

HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_deployment_load_plugins (HookrunDeployment *self, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_deployment_list_options (HookrunDeployment *self, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_deployment_list_handlers (HookrunDeployment *self, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_deployment_list_plugins (HookrunDeployment *self, GError **error);

/* Looks: nothing is changed, here or there. */
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_deployment_plan (HookrunDeployment *self, GCancellable *cancellable,
                                   GError **error);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_deployment_get_status (HookrunDeployment *self, GCancellable *cancellable,
                                         GError **error);

/* Deploys: these block; run_async does the same in a thread of its own. */
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_deployment_run (HookrunDeployment *self, GCancellable *cancellable,
                                 GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_deployment_run_async (HookrunDeployment *self, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_deployment_run_finish (HookrunDeployment *self, GAsyncResult *result,
                                        GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_deployment_resume (HookrunDeployment *self, GCancellable *cancellable,
                                    GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_deployment_rollback (HookrunDeployment *self, GCancellable *cancellable,
                                      GError **error);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_deployment_get_results (HookrunDeployment *self);

G_END_DECLS
