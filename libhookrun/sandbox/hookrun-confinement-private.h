/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a sandbox builds once for all its launches. */
#pragma once

#include "hookrun-broker-private.h"
#include "hookrun-cgroup-private.h"
#include "hookrun-sandbox-child-private.h"
#include "hookrun-filter-private.h"
#include "hookrun-landlock-private.h"
#include "hookrun-launcher-private.h"
#include "hookrun-tree-private.h"

G_BEGIN_DECLS

#define HOOKRUN_PAGE 4096
#define HOOKRUN_STACK_SIZE (16 * HOOKRUN_PAGE)

typedef struct {
  HookrunPolicy *policy;
  HookrunLayer layers;
  HookrunFeatures features;
  HookrunTier tier;
  GPtrArray *grants;      /* HookrunGrant, the base's among them */
  GPtrArray *open_grants; /* HookrunOpenGrant */
  int ruleset_fd;         /* -1: none */
  int null_fd;
  int broker_fds[2];     /* the child's end, the host's end; -1: none */
  HookrunBroker *broker; /* NULL: none */
  GArray *filter;        /* struct sock_filter; NULL: none */
  guint filter_flags;
  guint32 secret[4];
  HookrunNamespaces *namespaces; /* NULL: none */
  HookrunCgroups *cgroups;       /* NULL: totals are looked after from here */
  HookrunLauncher *launcher;     /* NULL: children confine themselves */
  HookrunSupervisor *supervisor;
  GMutex launch; /* one launch at a time: for what follows */
  guint8 *stack; /* and, in its first page, the child's report */
} HookrunConfinement;

/* NULL and UNSUPPORTED when a promise of @policy cannot be kept here. @pretend: (nullable). */
HookrunConfinement *hookrun_confinement_new (HookrunPolicy *policy, HookrunLayer layers,
                                             const HookrunFeatures *pretend, GError **error);
void hookrun_confinement_free (HookrunConfinement *self);

/* What is wrong when a plan's report says so: as an error about @what. */
void hookrun_confinement_explain (const HookrunSandboxChildPlan *plan, const char *what,
                                  GError **error);

/* Which tier keeps every promise of @policy; FALSE and why when none does. */
gboolean hookrun_confinement_choose_tier (HookrunPolicy *policy, const HookrunFeatures *features,
                                          HookrunTier *tier, GError **error);

/* Makes the namespaces for a moment: FALSE, UNSUPPORTED and what to do when that fails. */
gboolean hookrun_confinement_try_namespaces (HookrunConfinement *self, GError **error);

/* Runs @launch: (transfer full) its tree, or NULL. */
HookrunTree *hookrun_confinement_spawn (HookrunConfinement *self, HookrunLaunch *launch,
                                        GError **error);

G_END_DECLS
