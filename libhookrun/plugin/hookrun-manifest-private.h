/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of a manifest, and the ways to make one that only the engine needs. */
#pragma once

#include <sys/stat.h>

#include "hookrun-manifest.h"
#include "hookrun-plugin-policy-private.h"

G_BEGIN_DECLS

#define HOOKRUN_MANIFEST_MAX_SIZE (1024 * 1024)
#define HOOKRUN_MANIFEST_MAX_DEPTH 32

/* One entry of "signals": a handler and its place. */
typedef struct {
  char *signal;
  char *id; /* never NULL: the plugin's id where the manifest gives none */
  char **before;
  char **after;
  char *replaces;
  int priority;
  guint timeout_ms;      /* 0: the manifest's, then the loader's default */
  gboolean all_subjects; /* TRUE: not limited to the subject of the activation */
  /* What follows is for handlers that have a program each, those of hook folders. */
  char *program;               /* (nullable): file to run */
  HookrunPluginPolicy *policy; /* (nullable): what confines it, in place of the manifest's */
} HookrunManifestHandler;

struct _HookrunManifest {
  gatomicrefcount ref_count;
  char *origin;
  char *folder;
  char *id;
  char *version;
  guint abi;
  HookrunPluginKind kind;
  HookrunPluginLoad load;
  char *file;
  char **command;
  char *description;
  char *author;
  char *isolation;
  JsonNode *permissions;
  HookrunPluginPolicy *policy; /* (nullable) */
  char **requires;
  char **ranges; /* beside requires */
  char **before;
  char **after;
  char **signals;
  guint timeout_ms;
  GArray *options;     /* of HookrunManifestOption */
  GPtrArray *handlers; /* of HookrunManifestHandler */
  char **hook_signals; /* (nullable): of a folder of hooks, the SIGNAL of each SIGNAL.d in it */
  gboolean is_implied; /* nobody wrote it: what the code says of itself need not agree with it */
};

HookrunManifest *hookrun_manifest_alloc (const char *origin, const char *folder);
HookrunManifestHandler *hookrun_manifest_handler_new (const char *signal, const char *id);
void hookrun_manifest_handler_free (gpointer handler);
/* Reads @size bytes, or what there is; a NUL follows. */
gboolean hookrun_manifest_read_text (int fd, gsize size, const char *path, char **text,
                                     gsize *length, GError **error);
/* Fills @self's list of signals from its handlers. */
void hookrun_manifest_collect_signals (HookrunManifest *self);

/* Reads and closes @fd, which was opened and checked already. */
HookrunManifest *hookrun_manifest_new_from_fd (int fd, const struct stat *st, const char *path,
                                               const char *folder, GError **error);

/* Fills @self from untrusted text; limits are checked first. */
gboolean hookrun_manifest_parse_text (HookrunManifest *self, const char *text, gsize length,
                                      GError **error);
gboolean hookrun_manifest_parse_node (HookrunManifest *self, JsonNode *node, GError **error);

/* The options of @handler as signal/ wants them; they borrow its strings. */
void hookrun_manifest_handler_get_options (const HookrunManifestHandler *handler,
                                           HookrunHandlerOptions *options);

/* "5s", "500ms", "2m", "1h" or a bare number of milliseconds. */
gboolean hookrun_parse_duration (const char *text, guint *ms, GError **error);

/* Ids of plugins and handlers: letters, digits, "_", "-", "." and ":". */
gboolean hookrun_id_is_valid (const char *id);

G_END_DECLS
