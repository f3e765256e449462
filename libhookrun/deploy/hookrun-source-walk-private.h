/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The walk over a tree of files that a source makes or takes: one call for each entry, folders
 * ahead of what is in them.
 */
#pragma once

#include <gio/gio.h>
#include <sys/stat.h>

G_BEGIN_DECLS

typedef struct _HookrunSourceWalk HookrunSourceWalk;

/* One entry, @path relative to the top. */
typedef gboolean (*HookrunSourceVisit) (HookrunSourceWalk *walk, int folder_fd, const char *name,
                                        const char *path, const struct stat *st, GError **error);

struct _HookrunSourceWalk {
  HookrunSourceVisit visit;
  /* The module's file, which is left out with all that is not its source, and a socket or device is
   * an error; NULL: all files, folders and links are visited, and nothing else. */
  const char *module_file;
  GCancellable *cancellable;
  gpointer data; /* the visitor's */
};

gboolean hookrun_source_walk (HookrunSourceWalk *self, int fd, GError **error);
/* (transfer full): the sorted names in one folder. Takes @fd. */
GPtrArray *hookrun_source_list_folder (const HookrunSourceWalk *self, int fd, guint depth,
                                       GError **error);

G_END_DECLS
