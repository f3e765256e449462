/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of a policy, shared by the files that fill, read, print and enforce it. */
#pragma once

#include "hookrun-policy.h"

G_BEGIN_DECLS

/* What one path is granted; a folder stands for all below it. */
typedef struct {
  char *path; /* absolute, without "." and ".." */
  HookrunAccess access;
  gboolean is_optional; /* a path of the base: one that does not exist is left out */
} HookrunGrant;

typedef struct {
  char *name;
  char *value; /* NULL: the host's */
} HookrunVariable;

struct _HookrunPolicy {
  gatomicrefcount references;
  gboolean has_base;
  gboolean hides;
  HookrunTier tier;
  HookrunNetwork network;
  GPtrArray *grants;    /* HookrunGrant, sorted by path */
  GPtrArray *sockets;   /* char *, sorted */
  GPtrArray *variables; /* HookrunVariable, sorted by name */
  GArray *connect;      /* guint16, sorted */
  GArray *bind;
  guint64 limits[HOOKRUN_N_LIMITS]; /* 0: none */
};

/* (transfer full) (nullable): @path as a policy keeps it; "~/" is the user's home folder. */
char *hookrun_policy_normalize_path (const char *path, GError **error);

/* Adds @access to what @path is granted; @path is normalized. */
void hookrun_grants_add (GPtrArray *grants, const char *path, HookrunAccess access,
                         gboolean is_optional);

GPtrArray *hookrun_grants_new (void);
void hookrun_variable_free (gpointer data);
void hookrun_policy_add_variable (GPtrArray *variables, const char *name, const char *value);
void hookrun_policy_add_port (GArray *ports, guint16 port);
void hookrun_policy_add_socket (GPtrArray *sockets, const char *path);

/* (transfer full): all grants, those of the base among them. */
GPtrArray *hookrun_policy_collect_grants (HookrunPolicy *self);

/* Adds what programs need that are linked in the usual way. */
void hookrun_policy_base_grants (GPtrArray *grants);

/* Names that the base passes on from the host, ended by NULL. */
const char *const *hookrun_policy_base_variables (void);

/* The words of the enumerations, as JSON and command lines have them, ended by NULL. */
const char *const *hookrun_tier_words (void);
const char *const *hookrun_limit_words (void); /* the first is "none" */

gboolean hookrun_limit_parse_value (HookrunLimit limit, const char *text, guint64 *value,
                                    GError **error);

/* The line of the value at @path (keys, and "#N" for elements of lists; ended by NULL) in the well
 * formed @text; that of the innermost part that is there if the whole is not. */
guint hookrun_json_find_line (const char *text, gsize length, const char *const *path);

G_END_DECLS
