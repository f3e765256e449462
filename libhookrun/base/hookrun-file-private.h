/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files relative to a folder's descriptor: read with a limit, replaced whole and durably. */
#pragma once

#include <sys/stat.h>

#include "hookrun-error.h"

G_BEGIN_DECLS

/* Opens a folder (O_PATH-less, close-on-exec); -1 and @error on failure. */
int hookrun_file_open_folder (int folder_fd, const char *path, GError **error);

/* Reads the regular file @path below @folder_fd (AT_FDCWD is allowed), at most @max_size bytes.
 * A NUL follows the contents. FIFOs and devices are refused without blocking. */
char *hookrun_file_read_at (int folder_fd, const char *path, gsize max_size, gsize *length,
                            GError **error);

/* Writes @data to a temporary file beside @name, fsyncs it, renames it over @name and fsyncs the
 * folder. @mode is the file's mode. After a crash the file is the old one or the new one.
 * What is there and is neither a file nor a link is not replaced (EXISTS). */
gboolean hookrun_file_replace_at (int folder_fd, const char *name, const void *data, gsize length,
                                  mode_t mode, GError **error);

/* Makes @path and its parents, those that are made with mode 0755 whatever the umask. */
gboolean hookrun_file_make_folders (const char *path, GError **error);

/* Removes @path below @folder_fd and all inside it, never following links; missing is no error. */
gboolean hookrun_file_remove_tree_at (int folder_fd, const char *path, GError **error);

/* Fails with UNTRUSTED unless the file is owned by root or the effective user and writable by no
 * one else. @what names it in the message. */
gboolean hookrun_file_check_trust (const struct stat *st, const char *what, GError **error);

/* Writes all of @data to @fd, going on after EINTR and short writes. */
gboolean hookrun_file_write_all (int fd, const void *data, gsize length, const char *what,
                                 GError **error);

G_END_DECLS
