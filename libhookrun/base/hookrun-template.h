/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text with `%(key)s` and `{key}` places, filled as late as possible. */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-error.h"

G_BEGIN_DECLS

/**
 * HookrunTemplateLookup:
 * @key: the key inside a place
 * @user_data: what was given to [func@Hookrun.template_expand]
 *
 * Looks up the value of one place.
 *
 * Returns: (nullable) (transfer full): the value, or %NULL when there is none of that name
 *
 * Since: 1.0
 */
typedef char *(*HookrunTemplateLookup) (const char *key, gpointer user_data);

HOOKRUN_AVAILABLE_IN_1_0
char *hookrun_template_expand (const char *text, HookrunTemplateLookup lookup, gpointer user_data,
                               GError **error);

G_END_DECLS
