/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copies out of the memory of a process that nobody trusts: once, and with limits. */
#pragma once

#include <glib.h>
#include <limits.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* All or nothing. */
gboolean hookrun_process_copy_bytes (pid_t pid, guint64 address, gpointer buffer, gsize length);
/* A path with its NUL; 0, EFAULT or ENAMETOOLONG. */
int hookrun_process_copy_path (pid_t pid, guint64 address, char buffer[PATH_MAX]);

G_END_DECLS
