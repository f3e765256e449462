/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Landlock: rulesets out of grants. Debian 12's header knows only its beginnings. */
#pragma once

#include "hookrun-policy-private.h"

G_BEGIN_DECLS

/* What each version of the interface brought. */
#define HOOKRUN_LANDLOCK_RENAME 2   /* between folders */
#define HOOKRUN_LANDLOCK_TRUNCATE 3 /* by path */
#define HOOKRUN_LANDLOCK_TCP 4
#define HOOKRUN_LANDLOCK_DEVICES 5 /* ioctl */
#define HOOKRUN_LANDLOCK_SCOPES 6  /* signals and abstract sockets */

/* How to get it: the end of a sentence. */
#define HOOKRUN_LANDLOCK_REMEDY                                                                    \
  "use Linux 5.13 or newer with CONFIG_SECURITY_LANDLOCK, and add \"landlock\" to the list after " \
  "lsm= on the kernel's command line (the list now in use is in /sys/kernel/security/lsm)"

/* The version that the kernel enforces; 0: none. */
guint hookrun_landlock_version (void);

/* A ruleset's descriptor for @policy and its opened @grants (HookrunOpenGrant); -1 and @error. */
int hookrun_landlock_build (HookrunPolicy *policy, GPtrArray *grants, guint version,
                            GError **error);

/* A grant whose path was found. */
typedef struct {
  const HookrunGrant *grant;
  int fd; /* O_PATH */
  gboolean is_folder;
} HookrunOpenGrant;

/* (transfer full) (nullable): HookrunOpenGrant for each of @grants, which must outlive it. */
GPtrArray *hookrun_open_grants (GPtrArray *grants, GError **error);

G_END_DECLS
