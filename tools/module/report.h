/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Denials shown to people and to programs. */
#pragma once

#include <hookrun.h>

G_BEGIN_DECLS

/* Prints @denials (HookrunDenial), each with its line; how many of them matter. */
guint report_denials (GPtrArray *denials, gboolean json);
/* (transfer full): all remedies of @denials together. */
HookrunPolicy *report_collect (GPtrArray *denials);
/* Whether @policy says nothing. */
gboolean report_is_empty (HookrunPolicy *policy);
/* (transfer full): @policy as an indented JSON object, without a newline at its end. */
char *report_policy_text (HookrunPolicy *policy, guint indent);

G_END_DECLS
