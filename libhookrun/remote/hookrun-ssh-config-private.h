/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the user's ssh configuration says about one host. `ssh -G` resolves it; where there is no
 * ssh program a small reader of the same files does.
 */
#pragma once

#include <gio/gio.h>

#include "hookrun-error.h"

G_BEGIN_DECLS

typedef enum {
  HOOKRUN_SSH_STRICT_YES,        /* an unknown key is refused */
  HOOKRUN_SSH_STRICT_ASK,        /* an unknown key is a question */
  HOOKRUN_SSH_STRICT_ACCEPT_NEW, /* an unknown key is learnt */
} HookrunSshStrict;

/* "[user@]host[:port]" or "ssh://[user@]host[:port]", checked. */
typedef struct {
  char *user; /* NULL: the configuration's */
  char *host; /* a name of the configuration, or of the network */
  guint port; /* 0: the configuration's */
} HookrunSshSpec;

typedef struct {
  char *host_name;
  char *user;
  char *host_key_alias;      /* NULL: none */
  char *identity_agent;      /* path of the agent's socket; NULL: no agent */
  char *proxy_jump;          /* "hop,hop"; NULL: none */
  char *host_key_algorithms; /* comma lists of the user's choice; NULL: the library's */
  char *kex_algorithms;
  char *ciphers;
  char *macs;
  char *unsupported; /* why only the ssh program can do this; NULL: nothing */
  GPtrArray *identity_files;
  GPtrArray *user_known_hosts;
  GPtrArray *global_known_hosts;
  guint port;
  guint address_family; /* AF_UNSPEC, AF_INET, AF_INET6 */
  guint connect_timeout_ms;
  guint alive_interval_ms;
  guint alive_count_max;
  HookrunSshStrict strict;
  gboolean identities_only;
  gboolean hash_known_hosts;
  gboolean public_key; /* PubkeyAuthentication */
  gboolean gssapi;
  gboolean batch_mode;
} HookrunSshConfig;

HookrunSshSpec *hookrun_ssh_spec_parse (const char *text, GError **error);
HookrunSshSpec *hookrun_ssh_spec_copy (const HookrunSshSpec *self);
void hookrun_ssh_spec_free (HookrunSshSpec *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunSshSpec, hookrun_ssh_spec_free)

/* Runs `ssh -G`; the file of the variable HOOKRUN_SSH_CONFIG, if set, is used instead of the
 * user's and the system's. Falls back to the reader below where there is no ssh program. */
void hookrun_ssh_config_resolve_async (const HookrunSshSpec *spec, GCancellable *cancellable,
                                       GAsyncReadyCallback callback, gpointer user_data);
HookrunSshConfig *hookrun_ssh_config_resolve_finish (GAsyncResult *result, GError **error);
void hookrun_ssh_config_free (HookrunSshConfig *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunSshConfig, hookrun_ssh_config_free)

/* What the small reader makes of the user's and the system's file: without the ssh program the
 * configuration, with it a guess that is right unless the files use more of ssh's language. */
HookrunSshConfig *hookrun_ssh_config_read (const HookrunSshSpec *spec, GError **error);

/* From the lines "keyword value" that `ssh -G` prints. */
HookrunSshConfig *hookrun_ssh_config_parse (const HookrunSshSpec *spec, const char *text,
                                            GError **error);

/* The small reader: the same lines from the configuration file @path ("Host" and simple "Match"
 * blocks, "Include"), appended to @lines. The first value of a keyword is the one that counts. */
gboolean hookrun_ssh_config_read_file (const HookrunSshSpec *spec, const char *path, GString *lines,
                                       GError **error);

/* Splits a line into words at blanks, "…" groups; NULL-terminated. */
char **hookrun_ssh_config_split (const char *line);

/* Whether @name matches the comma or blank separated @patterns with "*", "?" and "!". */
gboolean hookrun_ssh_config_match (const char *const *patterns, const char *name);

G_END_DECLS
