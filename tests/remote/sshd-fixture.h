/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A real sshd on the loopback with keys, configuration and folder of its own. Also writes the
 * client's configuration, which the library reads because of the variable HOOKRUN_SSH_CONFIG.
 */
#pragma once

#include <glib.h>

typedef struct {
  char *folder;      /* holds everything below; removed with the fixture */
  char *home;        /* HOME of commands: an empty folder, so no .bashrc of the machine runs */
  guint port;        /* on 127.0.0.1 */
  GPid pid;          /* of the listener */
  char *user;        /* who runs the test */
  char *user_key;    /* a private key that may log in, ed25519, without a passphrase */
  char *host_key;    /* the server's private key; the public one is beside it, ".pub" */
  char *known_hosts; /* knows the server's key as [127.0.0.1]:port */
  char *config;      /* of the server */
} SshdFixture;

/* Starts a server. @server_lines go to the top of its sshd_config (the first value of a keyword
 * counts), for example "MaxSessions 1\nRekeyLimit 1M\n"; may be NULL. */
SshdFixture *sshd_fixture_new (const char *server_lines);
/* The same with the host key of another type: "ed25519", "ecdsa", "rsa". */
SshdFixture *sshd_fixture_new_with_host_key (const char *type, const char *server_lines);
/* Ends the server and its sessions and removes the folder. */
void sshd_fixture_free (SshdFixture *self);

/* Ends the listener and starts it again on the same port. */
void sshd_fixture_stop (SshdFixture *self);
void sshd_fixture_start (SshdFixture *self);

/* Sends @signal_number to the sessions of the server; with @listener to the listener, too.
 * Returns how many processes got it. */
guint sshd_fixture_signal (SshdFixture *self, int signal_number, gboolean listener);

/* "user@127.0.0.1:port", (transfer full). */
char *sshd_fixture_spec (SshdFixture *self);

/* A stanza "Host @alias" of a client's configuration for this server; @client_lines go to its top
 * and may be NULL. (transfer full) */
char *sshd_fixture_stanza (SshdFixture *self, const char *alias, const char *client_lines);

/* Makes @text the client's configuration, in the folder of this server, and sets
 * HOOKRUN_SSH_CONFIG to its name. */
void sshd_fixture_use_config (SshdFixture *self, const char *text);

/* What most tests want: a configuration with the stanza of this server for all names, in use. */
void sshd_fixture_use (SshdFixture *self, const char *client_lines);

/* Makes a key pair (type, passphrase may be NULL) in the folder; the private file's name.
 * With @authorize the server accepts it. */
char *sshd_fixture_make_key (SshdFixture *self, const char *name, const char *type,
                             const char *passphrase, gboolean authorize);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SshdFixture, sshd_fixture_free)
