/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The extended attributes of a file, its access list among them, as one value that compares. */
#pragma once

#include <gio/gio.h>

#include "hookrun-error.h"

G_BEGIN_DECLS

#define HOOKRUN_STAGING_ACCESS_LIST "system.posix_acl_access"
#define HOOKRUN_STAGING_DEFAULT_LIST "system.posix_acl_default"

typedef struct {
  const char *name;
  const guint8 *value;
  gsize length;
} HookrunStagingAttribute;

/* (transfer full): name, NUL, length, value, sorted by name; NULL with no @error when there are
 * none. @what names the file in messages. */
GBytes *hookrun_staging_xattr_read (int fd, const char *what, GError **error);

/* Makes the attributes of @fd the same as @wanted (NULL: none). */
gboolean hookrun_staging_xattr_apply (int fd, GBytes *wanted, const char *what, GError **error);

/* Whether @bytes has the form that reading gives. */
gboolean hookrun_staging_xattr_check (GBytes *bytes);

/* The attribute at *offset, which moves behind it; FALSE at the end. @bytes may be NULL. */
gboolean hookrun_staging_xattr_next (GBytes *bytes, gsize *offset,
                                     HookrunStagingAttribute *attribute);
gboolean hookrun_staging_xattr_find (GBytes *bytes, const char *name,
                                     HookrunStagingAttribute *attribute);

gboolean hookrun_staging_xattr_equal (GBytes *a, GBytes *b);

G_END_DECLS
