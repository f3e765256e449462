/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The signals of a deployment and the one payload that all of them carry, each as a table. The
 * documentation of fields is their sentence here.
 */
#include "hookrun-deployment-private.h"

/* In the order of DeploySlot. */
static const HookrunField fields[] = {
    [SLOT_PROJECT] = {"project", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY,
                      "Name of the project."},
    [SLOT_MODULE] = {"module", HOOKRUN_FIELD_STRING,
                     HOOKRUN_FIELD_READ_ONLY | HOOKRUN_FIELD_REQUIRED, "Name of the module."},
    [SLOT_MODULEDIR] = {"moduledir", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY,
                        "The module's local folder."},
    [SLOT_HOST] = {"host", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY,
                   "Alias of the host in [hosts]."},
    [SLOT_ADDRESS] = {"address", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY,
                      "The host as [hosts] gives it."},
    [SLOT_RELEASE] = {"release", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY,
                      "Name of the release, as in [release:NAME]."},
    [SLOT_CONFIG] = {"config", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_NONE,
                     "Name of the configuration; may be empty."},
    [SLOT_VERSION] = {"version", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY,
                      "Version that is being deployed."},
    [SLOT_PREVIOUS_VERSION] = {"previous_version", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY,
                               "Version that is live before; empty on the first deployment."},
    [SLOT_FORCE] = {"force", HOOKRUN_FIELD_BOOLEAN, HOOKRUN_FIELD_READ_ONLY,
                    "Whether an unchanged version is deployed again."},
    [SLOT_DRY_RUN] = {"dry_run", HOOKRUN_FIELD_BOOLEAN, HOOKRUN_FIELD_READ_ONLY,
                      "Whether nothing may be changed."},
    [SLOT_ARGS] = {"args", HOOKRUN_FIELD_JSON, HOOKRUN_FIELD_NONE,
                   "Values of the command line options that plugins added."},
    [SLOT_DESTPATH] = {"destpath", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY,
                       "The module's folder at the target."},
    [SLOT_SOURCEDIR] = {"sourcedir", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_NONE,
                        "Local folder whose contents are sent; known after the checkout."},
    [SLOT_STAGEDIR] = {"stagedir", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY,
                       "Folder at the target that is being filled; the plain folder itself when "
                       "the layout is in-place."},
    [SLOT_RELEASE_ID] = {"release_id", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY,
                         "Name of the new release folder."},
    [SLOT_PREVIOUS_ID] = {"previous_id", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY,
                          "Name of the release folder that was live; empty on the first."},
    [SLOT_EXCLUDES] = {"excludes", HOOKRUN_FIELD_STRV, HOOKRUN_FIELD_NONE,
                       "Patterns of names that are not sent."},
    [SLOT_TARGET] = {"target", HOOKRUN_FIELD_OBJECT, HOOKRUN_FIELD_READ_ONLY,
                     "The connected HookrunTarget, for handlers in the process."},
    [SLOT_ERROR] = {"error", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY,
                    "What failed; set in deploy.failed and the rollback signals."},
};

static const char *const signal_names[] = {
    HOOKRUN_SIG_DEPLOY,           HOOKRUN_SIG_DEPLOY_START,    HOOKRUN_SIG_SOURCE_CHECKOUT,
    HOOKRUN_SIG_RELEASE_STAGE,    HOOKRUN_SIG_SOURCE_PRE_SEND, HOOKRUN_SIG_SOURCE_SEND,
    HOOKRUN_SIG_SOURCE_POST_SEND, HOOKRUN_SIG_RELEASE_VERIFY,  HOOKRUN_SIG_RELEASE_PRE_SWITCH,
    HOOKRUN_SIG_RELEASE_SWITCH,   HOOKRUN_SIG_HEALTH_CHECK,    HOOKRUN_SIG_DEPLOY_FINISH,
    HOOKRUN_SIG_RELEASE_CONFIRM,  HOOKRUN_SIG_DEPLOY_FAILED,   HOOKRUN_SIG_ROLLBACK_START,
    HOOKRUN_SIG_ROLLBACK_FINISH,
};

/* Defines all signals of a deployment in @registry; they share the schema that is returned. */
HookrunSchema *
hookrun_deployment_define_signals (HookrunRegistry *registry, GError **error)
{
  g_autoptr (HookrunSchema) schema = hookrun_schema_new (fields, G_N_ELEMENTS (fields), error);

  if (schema == NULL)
    return NULL;
  for (gsize i = 0; i < G_N_ELEMENTS (signal_names); i++)
    if (hookrun_registry_define_with_schema (registry, signal_names[i], HOOKRUN_SIGNAL_NONE, schema,
                                             error) == NULL)
      return NULL;
  return g_steal_pointer (&schema);
}

const char *const *
hookrun_deployment_signal_names (gsize *n_names)
{
  *n_names = G_N_ELEMENTS (signal_names);
  return signal_names;
}
