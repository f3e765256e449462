/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a confined program may do: a value that is built in C, read from JSON, printed in plain
 * words and compared. What it does not grant is denied.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include <json-glib/json-glib.h>

#include "hookrun-error.h"

G_BEGIN_DECLS

/**
 * HookrunAccess:
 * @HOOKRUN_ACCESS_NONE: nothing
 * @HOOKRUN_ACCESS_READ: read files and list folders
 * @HOOKRUN_ACCESS_WRITE: write, make, rename and remove files and folders, change their modes and
 *   times; never devices or sockets, never set-user-id bits
 * @HOOKRUN_ACCESS_EXECUTE: run programs; includes reading
 * @HOOKRUN_ACCESS_ALL: all of these
 *
 * What may be done with a file, or with all files below a folder.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_ACCESS_NONE = 0,
  HOOKRUN_ACCESS_READ = 1 << 0,
  HOOKRUN_ACCESS_WRITE = 1 << 1,
  HOOKRUN_ACCESS_EXECUTE = 1 << 2,
  HOOKRUN_ACCESS_ALL = 7,
} HookrunAccess;

#define HOOKRUN_TYPE_ACCESS (hookrun_access_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_access_get_type (void);

/**
 * HookrunNetwork:
 * @HOOKRUN_NETWORK_NONE: no network at all
 * @HOOKRUN_NETWORK_PORTS: TCP to and from the granted ports only
 * @HOOKRUN_NETWORK_ALL: TCP and UDP everywhere, IPv4 and IPv6
 *
 * What of the network may be used. Unix sockets are granted apart from it, each by its path.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_NETWORK_NONE,
  HOOKRUN_NETWORK_PORTS,
  HOOKRUN_NETWORK_ALL,
} HookrunNetwork;

#define HOOKRUN_TYPE_NETWORK (hookrun_network_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_network_get_type (void);

/**
 * HookrunTier:
 * @HOOKRUN_TIER_AUTO: the cheapest that keeps every promise of the policy on this system
 * @HOOKRUN_TIER_FAST: no namespaces: Landlock, system call filter, limits
 * @HOOKRUN_TIER_STRONG: these and user, mount, process, IPC and network namespaces
 *
 * How a policy is enforced.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_TIER_AUTO,
  HOOKRUN_TIER_FAST,
  HOOKRUN_TIER_STRONG,
} HookrunTier;

#define HOOKRUN_TYPE_TIER (hookrun_tier_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_tier_get_type (void);

/**
 * HookrunLimit:
 * @HOOKRUN_LIMIT_NONE: no limit; what a program that ended otherwise hit
 * @HOOKRUN_LIMIT_WALL: milliseconds from the start; `wall`
 * @HOOKRUN_LIMIT_CPU: milliseconds of processor time, all processes together; `cpu`
 * @HOOKRUN_LIMIT_MEMORY: bytes, all processes together; `memory`
 * @HOOKRUN_LIMIT_PROCESSES: processes and threads at the same time; `processes`
 * @HOOKRUN_LIMIT_FILE_SIZE: bytes of any single file that is written; `file-size`
 * @HOOKRUN_LIMIT_DISK: bytes by which the writable folders may grow together; `disk`
 * @HOOKRUN_LIMIT_DESCRIPTORS: open descriptors of each process; `descriptors`
 * @HOOKRUN_N_LIMITS: one more than the last
 *
 * What can be limited.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_LIMIT_NONE,
  HOOKRUN_LIMIT_WALL,
  HOOKRUN_LIMIT_CPU,
  HOOKRUN_LIMIT_MEMORY,
  HOOKRUN_LIMIT_PROCESSES,
  HOOKRUN_LIMIT_FILE_SIZE,
  HOOKRUN_LIMIT_DISK,
  HOOKRUN_LIMIT_DESCRIPTORS,
  HOOKRUN_N_LIMITS,
} HookrunLimit;

#define HOOKRUN_TYPE_LIMIT (hookrun_limit_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_limit_get_type (void);

HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_limit_get_name (HookrunLimit limit);
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_limit_format (HookrunLimit limit, guint64 value);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_limit_parse (const char *text, HookrunLimit *limit, guint64 *value,
                              GError **error);

/**
 * HookrunPolicy:
 *
 * What a confined program may do. A new one grants nothing at all; programs that are linked in the
 * usual way start under one of [ctor@Hookrun.Policy.new_base]. It is a value with a reference
 * count: fill it in one thread, then share it; a sandbox keeps a copy of its own.
 *
 * Since: 1.0
 */
typedef struct _HookrunPolicy HookrunPolicy;

#define HOOKRUN_TYPE_POLICY (hookrun_policy_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_policy_get_type (void);

HOOKRUN_AVAILABLE_IN_1_0
HookrunPolicy *hookrun_policy_new (void);
HOOKRUN_AVAILABLE_IN_1_0
HookrunPolicy *hookrun_policy_new_base (void);
HOOKRUN_AVAILABLE_IN_1_0
HookrunPolicy *hookrun_policy_copy (HookrunPolicy *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunPolicy *hookrun_policy_ref (HookrunPolicy *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_policy_unref (HookrunPolicy *self);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_policy_equal (HookrunPolicy *self, HookrunPolicy *other);

/* ---- grants ---- */

HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_policy_grant (HookrunPolicy *self, const char *path, HookrunAccess access,
                               GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunAccess hookrun_policy_get_access (HookrunPolicy *self, const char *path);
HOOKRUN_AVAILABLE_IN_1_0
char **hookrun_policy_list_paths (HookrunPolicy *self, HookrunAccess access);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_policy_grant_socket (HookrunPolicy *self, const char *path, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_policy_set_network (HookrunPolicy *self, HookrunNetwork network);
HOOKRUN_AVAILABLE_IN_1_0
HookrunNetwork hookrun_policy_get_network (HookrunPolicy *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_policy_grant_connect (HookrunPolicy *self, guint16 port);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_policy_grant_bind (HookrunPolicy *self, guint16 port);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_policy_pass_variable (HookrunPolicy *self, const char *name, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_policy_set_variable (HookrunPolicy *self, const char *name, const char *value,
                                      GError **error);
HOOKRUN_AVAILABLE_IN_1_0
char **hookrun_policy_make_environment (HookrunPolicy *self, const char *const *host);

/* ---- how it is enforced ---- */

HOOKRUN_AVAILABLE_IN_1_0
void hookrun_policy_set_limit (HookrunPolicy *self, HookrunLimit limit, guint64 value);
HOOKRUN_AVAILABLE_IN_1_0
guint64 hookrun_policy_get_limit (HookrunPolicy *self, HookrunLimit limit);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_policy_set_tier (HookrunPolicy *self, HookrunTier tier);
HOOKRUN_AVAILABLE_IN_1_0
HookrunTier hookrun_policy_get_tier (HookrunPolicy *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_policy_set_hides (HookrunPolicy *self, gboolean hides);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_policy_get_hides (HookrunPolicy *self);

/* ---- more than one ---- */

HOOKRUN_AVAILABLE_IN_1_0
void hookrun_policy_add (HookrunPolicy *self, HookrunPolicy *other);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_policy_restrict (HookrunPolicy *self, HookrunPolicy *other);

/* ---- JSON and words ---- */

HOOKRUN_AVAILABLE_IN_1_0
HookrunPolicy *hookrun_policy_new_from_json (const char *text, gssize length, const char *name,
                                             GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunPolicy *hookrun_policy_new_from_node (JsonNode *node, const char *name, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
HookrunPolicy *hookrun_policy_new_from_file (const char *path, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_policy_to_json (HookrunPolicy *self);
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_policy_describe (HookrunPolicy *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunPolicy, hookrun_policy_unref)

G_END_DECLS
