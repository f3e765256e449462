/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opens files of plugins so that nobody but root and the user can have a say in what they contain.
 */
#pragma once

#include <sys/stat.h>

#include "hookrun-error.h"

G_BEGIN_DECLS

/* Opens @path (absolute) folder by folder from the root, each checked: owner root or the user,
 * writable by no one else; a sticky folder of root's, as /tmp, may be on the way. Links are
 * followed and their way is checked as well. Gives a descriptor opened with @flags, and @st of it;
 * UNTRUSTED names the file, the reason and the remedy. */
int hookrun_trust_open (const char *path, int flags, struct stat *st, GError **error);

/* The same for @name in a folder that was opened this way, at @folder_path. */
int hookrun_trust_open_at (int folder_fd, const char *folder_path, const char *name, int flags,
                           struct stat *st, GError **error);

G_END_DECLS
