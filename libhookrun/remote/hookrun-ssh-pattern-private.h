/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Patterns of host names, as ssh_config(5) and known_hosts have them. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "*" stands for any bytes, "?" for one, all others for themselves: no encoding is assumed, and the
 * time is at most the product of both lengths. */
gboolean hookrun_ssh_pattern_match (const char *pattern, const char *name);

/* Whether a list, "a,b*,!bc", takes @name: 1 when a pattern matches and no negated one does, -1
 * when a negated one matches, 0 when none does. Empty patterns match nothing. */
int hookrun_ssh_pattern_match_list (const char *list, const char *name);

G_END_DECLS
