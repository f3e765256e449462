/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the file of a shared object is whole, before any of it is mapped. */
#pragma once

#include "hookrun-error.h"

G_BEGIN_DECLS

/* Fails with INVALID if @fd, a file of @size bytes, ends before its headers say. Whether it is a
 * shared object of this machine at all is left to the dynamic linker. @path names it in messages.
 */
gboolean hookrun_elf_check_whole (int fd, guint64 size, const char *path, GError **error);

G_END_DECLS
