/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words for the POSIX shell of a target. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @word between single quotes, so that a shell reads it back as it is. (transfer full) */
char *hookrun_shell_quote (const char *word);

/* The words of @argv, quoted, with spaces between. (transfer full) */
char *hookrun_shell_quote_argv (const char *const *argv);

G_END_DECLS
