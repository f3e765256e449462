/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The user's git, run with an argument vector, without prompts, without hooks of a repository and
 * without a controlling terminal, so that nothing in it can ask or be interrupted behind our back.
 */
#pragma once

#include <gio/gio.h>

#include "hookrun-error.h"

G_BEGIN_DECLS

typedef struct {
  const char *git_dir;    /* NULL: none yet */
  const char *work_tree;  /* NULL: none */
  const char *index_file; /* NULL: the repository's */
  guint silence_ms;       /* longest time without output; 0: no limit */
} HookrunGit;

/* Runs git with @args (NULL-terminated, without "git"). @output: (transfer full): standard output
 * with a NUL after it, at most 256 MiB. Blocks. A failure carries git's last lines, the code that
 * fits them and what to do about it: CONNECTION, AUTHENTICATION, NOT_FOUND, HOST_KEY_UNKNOWN,
 * HOST_KEY_CHANGED, HOST_KEY_REVOKED, UNTRUSTED, NO_SPACE, PERMISSION, BUSY or COMMAND; UNSUPPORTED
 * when git or what it needs is missing. */
gboolean hookrun_git_run (const HookrunGit *git, const char *const *args, GByteArray **output,
                          GCancellable *cancellable, GError **error);

/* What a git that ended with @status (of waitpid, not 0) means: @messages is its standard error. */
void hookrun_git_set_error (const HookrunGit *git, const char *command, int status,
                            const GByteArray *messages, GError **error);

/* (transfer full): @url as it may be shown. */
char *hookrun_git_hide_password (const char *url);

G_END_DECLS
