/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One version of a file as staging sees it: nothing, a regular file or a symbolic link, with mode,
 * owner, attributes and the sum of its content. A version never changes, but for its content being
 * loaded late.
 */
#pragma once

#include <json-glib/json-glib.h>
#include <sys/stat.h>

#include "hookrun-staging-change.h"

G_BEGIN_DECLS

/* A name in a folder, and what messages call it. */
typedef struct {
  int folder_fd;
  const char *name;
  const char *what;
} HookrunStagingSpot;

typedef struct {
  gatomicrefcount ref_count;
  HookrunStagedKind kind;
  guint mode; /* 07777; of files only */
  guint uid;
  guint gid;
  guint64 size;
  gint64 mtime_ns;   /* not part of what makes two versions equal */
  char *sum;         /* SHA-256 of the content or of the link's text; NULL for nothing */
  char *link;        /* the text of a link */
  GBytes *xattrs;    /* (nullable) */
  GBytes *content;   /* of files; NULL when not loaded */
  gboolean inherits; /* a new file, whose attributes are those that its folder gives it */
} HookrunStagedVersion;

HookrunStagedVersion *hookrun_staged_version_new_none (void);
HookrunStagedVersion *hookrun_staged_version_new_file (GBytes *content);
HookrunStagedVersion *hookrun_staged_version_new_link (const char *text);
HookrunStagedVersion *hookrun_staged_version_copy (const HookrunStagedVersion *self);
HookrunStagedVersion *hookrun_staged_version_ref (HookrunStagedVersion *self);
void hookrun_staged_version_unref (HookrunStagedVersion *self);

/* What lies there now. Other things than files and links are INVALID, larger files than @max_size
 * LIMIT. */
HookrunStagedVersion *hookrun_staged_version_read (const HookrunStagingSpot *spot, guint64 max_size,
                                                   GError **error);

/* All but the time. */
gboolean hookrun_staged_version_equal (const HookrunStagedVersion *a,
                                       const HookrunStagedVersion *b);

/* Whether @self lies there. FALSE with @error when that cannot be told. */
gboolean hookrun_staged_version_lies_at (const HookrunStagedVersion *self,
                                         const HookrunStagingSpot *spot, GError **error);

/* Whether somebody has the file there open for writing, and could change it later. FALSE where the
 * filesystem cannot tell. Ask before its content is compared. */
gboolean hookrun_staging_spot_is_written (const HookrunStagingSpot *spot);

/* Gives the open empty file @fd content, owner, mode, attributes and time of @self, and syncs it.
 */
gboolean hookrun_staged_version_fill (const HookrunStagedVersion *self, int fd, const char *what,
                                      GError **error);

JsonNode *hookrun_staged_version_to_json (const HookrunStagedVersion *self);
HookrunStagedVersion *hookrun_staged_version_from_json (JsonObject *object, GError **error);

/* Sets the content from a kept file; INVALID unless it has the sum of @self. */
gboolean hookrun_staged_version_load (HookrunStagedVersion *self, const HookrunStagingSpot *spot,
                                      GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunStagedVersion, hookrun_staged_version_unref)

G_END_DECLS
