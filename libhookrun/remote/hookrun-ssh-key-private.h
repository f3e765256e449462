/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A private key file: what kind it is and what its public half is, without opening it. */
#pragma once

#include "hookrun-error.h"

G_BEGIN_DECLS

typedef struct {
  char *path;
  char *text; /* the file; cleared when freed */
  gsize length;
  char *type;     /* "ssh-ed25519"; NULL if the file does not tell */
  GBytes *public; /* NULL if neither the file nor FILE.pub tells */
  gboolean encrypted;
} HookrunSshKey;

/* NOT_FOUND where there is none, UNTRUSTED if others may read it. */
HookrunSshKey *hookrun_ssh_key_load (const char *path, GError **error);
/* From the file's text, which is copied. */
HookrunSshKey *hookrun_ssh_key_parse (const char *path, const char *text, gsize length);
void hookrun_ssh_key_free (HookrunSshKey *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunSshKey, hookrun_ssh_key_free)

/* Why libssh2 cannot log in with a key of this type; NULL if it can. */
const char *hookrun_ssh_key_unsupported (const char *type);

/* "TYPE BASE64", as in FILE.pub; NULL if the public half is not known. */
char *hookrun_ssh_key_public_line (const HookrunSshKey *self);

G_END_DECLS
