/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of a sandbox: what this system can do, what is built once, and what tests leave out.
 */
#pragma once

#include "hookrun-sandbox.h"

G_BEGIN_DECLS

/* What a sandbox is made of. Tests take one out at a time and see what gets through. */
typedef enum {
  HOOKRUN_LAYER_LANDLOCK = 1 << 0,
  HOOKRUN_LAYER_FILTER = 1 << 1,
  HOOKRUN_LAYER_NO_NEW_PRIVILEGES = 1 << 2,
  HOOKRUN_LAYER_CAPABILITIES = 1 << 3,
  HOOKRUN_LAYER_DESCRIPTORS = 1 << 4,
  HOOKRUN_LAYER_ENVIRONMENT = 1 << 5,
  HOOKRUN_LAYER_RLIMITS = 1 << 6,
  HOOKRUN_LAYER_GROUP = 1 << 7,   /* nobody leaves the process group */
  HOOKRUN_LAYER_TOTALS = 1 << 8,  /* limits of all processes together */
  HOOKRUN_LAYER_BENEATH = 1 << 9, /* the broker acts below what is granted only */
  HOOKRUN_LAYER_NAMESPACES = 1 << 10,
  HOOKRUN_LAYER_CGROUPS = 1 << 11, /* the kernel keeps totals, where it can */
  HOOKRUN_LAYER_ALL = (1 << 12) - 1,
} HookrunLayer;

/* What this system can do; found by trying. */
typedef struct {
  guint landlock; /* version of the interface; 0: none */
  gboolean has_filter;
  gboolean has_broker;
  gboolean has_close_range;
  gboolean has_clone3;
  gboolean has_killable_wait; /* who asks the broker is not disturbed by signals meanwhile */
} HookrunFeatures;

void hookrun_features_probe (HookrunFeatures *features);
/* For tests, before the sandbox prepares itself: leaves layers out; takes the system for an older
 * one. */
void hookrun_sandbox_leave_out (HookrunSandbox *self, HookrunLayer layers);
void hookrun_sandbox_pretend (HookrunSandbox *self, const HookrunFeatures *features);

/* ---- launch ---- */

typedef struct {
  int fd;
  int target;
} HookrunPassedFd;

struct _HookrunLaunch {
  gatomicrefcount references;
  char **argv;
  char **environment; /* NULL: what the policy makes */
  char **variables;   /* added to either; NAME=VALUE */
  char *folder;
  int folder_fd;  /* -1: none */
  GArray *passed; /* HookrunPassedFd */
  gboolean is_observed;
  HookrunPolicy *measure; /* NULL: none */
};

G_END_DECLS
