/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Versions of plugins and the ranges of them that others require. */
#pragma once

#include "hookrun-error.h"

G_BEGIN_DECLS

/* Numbers with dots, then anything of letters, digits, "-", "~", "+" and ".". */
gboolean hookrun_plugin_version_is_valid (const char *version);

/* Below, at or above 0, as strcmp. Missing numbers are 0; a suffix is older than none ("2.0-rc1" <
 * "2.0") unless it starts with "+", which does not count. */
int hookrun_plugin_version_compare (const char *a, const char *b);

/* A range is a list of comparisons, all of which hold: ">=1.2 <2", "=1.0", "*". */
gboolean hookrun_version_range_check (const char *range, GError **error);
gboolean hookrun_version_range_contains (const char *range, const char *version);

G_END_DECLS
