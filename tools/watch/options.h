/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of hookrun-watch, split into its parts. */
#pragma once

#include <hookrun.h>

G_BEGIN_DECLS

typedef struct {
  gboolean print;
  gboolean null;
  gboolean json;
  gboolean once;
  gboolean shallow;
  gboolean quiet;
  gboolean version;
  gboolean help;
  int settle_ms;
  char *backend;
  char **kind_words;
  HookrunChangeKind kinds;
  char **paths; /* the current folder if there were none */
} WatchOptions;

WatchOptions *watch_options_new (void);
void watch_options_free (WatchOptions *options);

/* INVALID with words about what is wrong. */
gboolean watch_options_parse (WatchOptions *options, char **argv, GError **error);

/* (transfer full) */
char *watch_options_get_help (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WatchOptions, watch_options_free)

G_END_DECLS
