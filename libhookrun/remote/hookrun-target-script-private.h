/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library's own shell scripts, as command lines for a target. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "sh -c SCRIPT NAME WORDS…" for the script of that name in scripts/. (transfer full) */
char *hookrun_target_script_command (const char *name, const char *const *words);

G_END_DECLS
