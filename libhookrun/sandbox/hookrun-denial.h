/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a confined program was denied: the object, who asked, and the one line of a policy that
 * would allow it, or why none does.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-policy.h"

G_BEGIN_DECLS

/**
 * HookrunDenialKind:
 * @HOOKRUN_DENIAL_PATH: a file or folder
 * @HOOKRUN_DENIAL_CALL: a system call, whatever it is about
 * @HOOKRUN_DENIAL_NETWORK: the network
 * @HOOKRUN_DENIAL_SOCKET: a Unix socket
 * @HOOKRUN_DENIAL_LIMIT: a limit
 *
 * What kind of thing was denied.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_DENIAL_PATH,
  HOOKRUN_DENIAL_CALL,
  HOOKRUN_DENIAL_NETWORK,
  HOOKRUN_DENIAL_SOCKET,
  HOOKRUN_DENIAL_LIMIT,
} HookrunDenialKind;

#define HOOKRUN_TYPE_DENIAL_KIND (hookrun_denial_kind_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_denial_kind_get_type (void);

/**
 * HookrunDenial:
 * @kind: what kind of thing was denied
 * @object: what it is: a path with links followed, `tcp:443`, the name of a limit; valid UTF-8, and
 *   a stranger's text
 * @access: what was wanted of a path beyond what is granted
 * @call: name of the system call
 * @problem: the error number that it failed with; 0 when it was allowed and measured only
 * @program: name of the process that asked; valid UTF-8, and a stranger's text
 * @count: how many times
 * @has_other_way: whether programs take another way when this fails, so that it is harmless
 * @remedy: (nullable): the least policy that, added, allows it; %NULL: see @reason
 * @reason: (nullable): why no policy allows it, or what more is to be known
 *
 * One thing that a policy denied, however often.
 *
 * Since: 1.0
 */
typedef struct {
  HookrunDenialKind kind;
  char *object;
  HookrunAccess access;
  char *call;
  int problem;
  char *program;
  guint count;
  gboolean has_other_way;
  HookrunPolicy *remedy;
  char *reason;
} HookrunDenial;

#define HOOKRUN_TYPE_DENIAL (hookrun_denial_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_denial_get_type (void);

HOOKRUN_AVAILABLE_IN_1_0
HookrunDenial *hookrun_denial_copy (const HookrunDenial *self);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_denial_free (HookrunDenial *self);
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_denial_get_line (const HookrunDenial *self);
HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_denial_describe (const HookrunDenial *self);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_denial_to_json (const HookrunDenial *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunDenial, hookrun_denial_free)

G_END_DECLS
