/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The programs that open module files inside the sandbox: where they are, and their command lines.
 */
#pragma once

#include "hookrun-operation-set-private.h"
#include "hookrun-sandbox.h"

G_BEGIN_DECLS

/* (transfer full): the native host, which describes many files at a time. */
char **hookrun_module_hosts_native_describe (void);

/* (transfer full): what prints the description of @set on standard output. */
char **hookrun_module_hosts_describe (HookrunOperationSet *set);

/* (transfer full): what runs @operation of @set. */
char **hookrun_module_hosts_do (HookrunOperationSet *set, HookrunOperation *operation,
                                JsonNode *arguments);

/* Lets programs under @policy start the host of @kind, and use the commands for modules. */
gboolean hookrun_module_hosts_grant (HookrunPolicy *policy, HookrunOperationKind kind,
                                     GError **error);

/* (transfer full): the value of PATH for modules. */
char *hookrun_module_hosts_path (void);

G_END_DECLS
