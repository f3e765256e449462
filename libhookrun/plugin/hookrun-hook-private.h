/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the loader of executables is made of: names, placement words, and the environment of a run.
 */
#pragma once

#include "hookrun-plugin-private.h"

G_BEGIN_DECLS

/* How much of a script is searched for words that place it. */
#define HOOKRUN_HOOK_HEAD_SIZE 4096

/* "10-notify.sh" gives "notify"; NULL when nothing usable is left. */
char *hookrun_hook_id_from_name (const char *name);

/* What editors, packagers and people leave beside hooks. */
gboolean hookrun_hook_name_is_ignored (const char *name);

/* Reads `# hookrun: before=ID …` from the comments at the head of a script into @handler; @path is
 * for messages. */
gboolean hookrun_hook_parse_placement (HookrunManifestHandler *handler, const char *head,
                                       gsize length, const char *path, GError **error);

/* The clean environment of one run: what programs need of the host's, or what @policy (nullable)
 * makes, and HOOKRUN_*. @data is a JSON object. */
char **hookrun_hook_environment (HookrunPluginContext *context, HookrunEvent *event, JsonNode *data,
                                 HookrunPolicy *policy);

G_END_DECLS
