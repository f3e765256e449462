/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logging in: the ways there are, in order, and the one that is being tried. */
#pragma once

#include "hookrun-ssh-agent-private.h"
#include "hookrun-ssh-key-private.h"
#include "hookrun-ssh-session-private.h"

G_BEGIN_DECLS

/* One way to log in. */
typedef struct {
  char *label;        /* for messages: "key /home/x/.ssh/id_ed25519" */
  GBytes *public;     /* NULL if not known before the key is opened */
  HookrunSshKey *key; /* not owned; NULL: the agent has it */
} HookrunSshAttempt;

typedef enum {
  HOOKRUN_SSH_AUTH_AGENT,   /* asks the agent for its keys */
  HOOKRUN_SSH_AUTH_NEXT,    /* takes the next attempt */
  HOOKRUN_SSH_AUTH_TRY,     /* a key of the agent, or an open one */
  HOOKRUN_SSH_AUTH_PROBE,   /* would the server take this encrypted key? */
  HOOKRUN_SSH_AUTH_UNLOCK,  /* a thread opens it and logs in */
  HOOKRUN_SSH_AUTH_METHODS, /* no key is left: asks the server what else it takes */
} HookrunSshAuthPhase;

struct _HookrunSshAuth {
  HookrunSshSession *session; /* not owned */
  HookrunSshAuthPhase phase;
  char *offers;          /* what the server takes */
  GPtrArray *keys;       /* HookrunSshKey */
  GPtrArray *identities; /* HookrunSshIdentity of the agent; NULL: none */
  GPtrArray *attempts;   /* HookrunSshAttempt */
  guint next;
  GString *tried;       /* "; key x (refused)" */
  GString *unsupported; /* the same for what only the ssh program can try */

  gboolean agent_asked;
  gboolean signing;  /* the agent is at work */
  gboolean wanted;   /* the server would take the probed key */
  GBytes *signature; /* from the agent */
  GError *sign_error;

  char *public_line;
  char *passphrase;
  guint passphrase_tries;
  gboolean unlock_started;
  int unlock_result;
};

/* The attempt under way. */
HookrunSshAttempt *hookrun_ssh_auth_current (HookrunSshAuth *self);

/* Makes the list of attempts from the configuration's files and the agent's keys. */
void hookrun_ssh_auth_plan (HookrunSshAuth *self);

/* Notes how an attempt, or what could not become one, ended. */
void hookrun_ssh_auth_note (HookrunSshAuth *self, const char *label, const char *how);
void hookrun_ssh_auth_note_unsupported (HookrunSshAuth *self, const char *label, const char *why);

/* The steps of an encrypted key: see hookrun-ssh-unlock.c. */
HookrunSshProgress hookrun_ssh_auth_step_probe (HookrunSshAuth *self);
HookrunSshProgress hookrun_ssh_auth_step_unlock (HookrunSshAuth *self);

/* What libssh2's answer to an attempt means for the session. */
HookrunSshProgress hookrun_ssh_auth_conclude (HookrunSshAuth *self, int rc);

G_END_DECLS
