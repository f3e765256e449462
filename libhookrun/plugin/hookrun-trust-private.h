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

/* The last folder whose way was checked: files of a transaction often lie in one. */
typedef struct {
  char *path;
  int fd;
  struct timespec changed; /* when it last was, as seen first */
  gboolean is_settled;     /* that was long enough ago to tell a later change from it */
  gboolean is_inside;      /* the file that was checked last is in it, not behind a link */
} HookrunTrustedFolder;

#define HOOKRUN_TRUSTED_FOLDER_INIT                                                                \
  {                                                                                                \
    .fd = -1                                                                                       \
  }

void hookrun_trusted_folder_clear (HookrunTrustedFolder *self);

/* TRUE when the file that was checked last is surely the same still: nothing was put into its
 * folder, taken out or replaced. */
gboolean hookrun_trusted_folder_is_untouched (const HookrunTrustedFolder *self);

/* Only checks @path and its way, without opening it: @st tells what it is. The way is checked again
 * only when it is another one than that of @folder. */
gboolean hookrun_trust_check (HookrunTrustedFolder *folder, const char *path, struct stat *st,
                              GError **error);

/* The same, and gives a descriptor of the file, opened with @flags; -1 and @error on failure. */
int hookrun_trust_open_known (HookrunTrustedFolder *folder, const char *path, int flags,
                              struct stat *st, GError **error);

/* The same for @name in a folder that was opened this way, at @folder_path. */
int hookrun_trust_open_at (int folder_fd, const char *folder_path, const char *name, int flags,
                           struct stat *st, GError **error);

G_END_DECLS
