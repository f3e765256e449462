/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The known_hosts files of sshd(8): which keys are known for a host, what that says about the key
 * a server shows, and how a new one is added.
 */
#pragma once

#include "hookrun-error.h"

G_BEGIN_DECLS

typedef enum {
  HOOKRUN_KNOWN_HOST_PLAIN,
  HOOKRUN_KNOWN_HOST_REVOKED,
  HOOKRUN_KNOWN_HOST_AUTHORITY,
} HookrunKnownHostMarker;

/* One line that names the host. */
typedef struct {
  char *file;
  guint line;
  HookrunKnownHostMarker marker;
  gboolean without_port; /* found under the host's plain name, although the port is another */
  char *type;            /* "ssh-ed25519" */
  GBytes *key;
} HookrunKnownHost;

typedef enum {
  HOOKRUN_KNOWN_HOST_MATCH,
  HOOKRUN_KNOWN_HOST_UNKNOWN, /* no key of this type is known */
  HOOKRUN_KNOWN_HOST_CHANGED, /* another key of this type is known */
  HOOKRUN_KNOWN_HOST_IS_REVOKED,
} HookrunKnownHostVerdict;

/* The name under which a key is kept: "host", or "[host]:port" for another port than 22. */
char *hookrun_known_hosts_name (const char *host, guint port);

/* An empty array for hookrun_known_hosts_scan(). */
GPtrArray *hookrun_known_hosts_new (void);

/* Appends the lines of @text that name @name to @found; @file is for messages. Lines that make no
 * sense are passed over, as ssh does. */
void hookrun_known_hosts_scan (const char *text, gsize length, const char *file, const char *name,
                               gboolean without_port, GPtrArray *found);

/* All lines of @files (of char *; missing ones are no error) that name the host:
 * (element-type HookrunKnownHost). */
GPtrArray *hookrun_known_hosts_lookup (GPtrArray *user_files, GPtrArray *global_files,
                                       const char *host, guint port, GError **error);

/* What @found says about the key; @which (nullable) gets the line that decided. */
HookrunKnownHostVerdict hookrun_known_hosts_judge (GPtrArray *found, GBytes *key,
                                                   const HookrunKnownHost **which);

/* Appends a line for the key in one write, hiding the name if @hashed; makes file and folder. */
gboolean hookrun_known_hosts_append (const char *file, const char *name, GBytes *key,
                                     gboolean hashed, GError **error);

/* "ssh-ed25519" from the key itself; NULL if it is malformed. */
char *hookrun_known_hosts_key_type (GBytes *key);

/* "SHA256:…" as ssh-keygen -l prints it. */
char *hookrun_known_hosts_fingerprint (GBytes *key);

G_END_DECLS
