/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One ssh session on libssh2, as a row of stages. Each stage has a step that does what it can
 * without waiting; the target's loop calls the steps of a chain of sessions (jump hosts first)
 * until none moves.
 */
#pragma once

#include <gio/gio.h>

#include "hookrun-ssh-config-private.h"
#include "hookrun-ssh-link-private.h"
#include "hookrun-ssh-loop-private.h"
#include "hookrun-target.h"

G_BEGIN_DECLS

typedef struct _HookrunSshSession HookrunSshSession;
typedef struct _HookrunSshChannel HookrunSshChannel;
typedef struct _HookrunSshAuth HookrunSshAuth;

typedef enum {
  HOOKRUN_SSH_WAIT,   /* nothing to do before something arrives */
  HOOKRUN_SSH_MOVED,  /* something was done, try again */
  HOOKRUN_SSH_FAILED, /* the session's error is set */
} HookrunSshProgress;

typedef enum {
  HOOKRUN_SSH_STAGE_RESOLVE,   /* ssh -G is at work */
  HOOKRUN_SSH_STAGE_JUMP,      /* the jump host is not ready yet */
  HOOKRUN_SSH_STAGE_SOCKET,    /* a connection, or a tunnel, is being made */
  HOOKRUN_SSH_STAGE_HANDSHAKE, /* algorithms and keys are exchanged */
  HOOKRUN_SSH_STAGE_HOST_KEY,  /* the server's key is judged */
  HOOKRUN_SSH_STAGE_AUTH,      /* the user logs in */
  HOOKRUN_SSH_STAGE_READY,     /* channels may be opened */
  HOOKRUN_SSH_STAGE_DEAD,      /* see the error */
} HookrunSshStage;

struct _HookrunSshSession {
  int ref_count;         /* atomic: a thread may hold the last one */
  HookrunTarget *target; /* not owned; whose questions are asked */
  HookrunSshLoop *loop;  /* not owned */
  char *label;           /* for messages: target "x", or target "x": jump host "y" */
  HookrunSshSpec *spec;
  char *jump;           /* hops to go through, if given from outside */
  gboolean jump_is_set; /* jump counts, not the configuration */
  guint depth;          /* number of sessions that go through this one */
  int send_buffer;      /* SO_SNDBUF; 0: the system's */

  HookrunSshConfig *config;
  HookrunSshSession *outer; /* the jump host */
  HookrunSshStage stage;
  GError *error;
  GCancellable *cancellable; /* of asynchronous calls in the first stages */
  gboolean started;          /* the asynchronous call of the stage was made */

  HookrunSshConfig *guess;         /* whose host is being connected to in advance */
  GCancellable *guess_cancellable; /* NULL: no such attempt is under way */
  GSocketConnection *connection;
  HookrunSshLink link;
  HookrunSshWatch watch;
  LIBSSH2_SESSION *ssh;
  GPtrArray *known; /* HookrunKnownHost */
  HookrunSshAuth *auth;
  GPtrArray *channels; /* HookrunSshChannel */
  gboolean lent;       /* a thread works on it */

  gboolean relief_comes; /* another connection is being made, for commands that wait for a place */
  GError *relief_error;  /* why there is none */

  gint64 deadline_us; /* of the stage; 0: none */
  gint64 next_probe_us;
  gint64 probed_receipt_us; /* last receipt when probing began */
  guint probes;
  gboolean probe_sent;
  guint loop_moves;
};

HookrunSshSession *hookrun_ssh_session_new (HookrunTarget *target, HookrunSshLoop *loop,
                                            const HookrunSshSpec *spec, int send_buffer);
HookrunSshSession *hookrun_ssh_session_ref (HookrunSshSession *self);
void hookrun_ssh_session_unref (HookrunSshSession *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunSshSession, hookrun_ssh_session_unref)

/* Does all that can be done without waiting, on this session and its jump hosts; then sets the
 * watches and the alarm of the loop. */
void hookrun_ssh_session_pump (HookrunSshSession *self);

/* Says goodbye if that goes at once, and lets go of the connection without waiting. */
void hookrun_ssh_session_close (HookrunSshSession *self);

/* Sets the error, once, with the label in front. Always HOOKRUN_SSH_FAILED. */
HookrunSshProgress hookrun_ssh_session_fail (HookrunSshSession *self, HookrunError code,
                                             const char *format, ...) G_GNUC_PRINTF (3, 4);
/* The same from what libssh2 says; @what was tried: "exchanging keys". */
HookrunSshProgress hookrun_ssh_session_fail_ssh (HookrunSshSession *self, const char *what);

/* Goes to @stage, which has @timeout_ms for all it does. */
HookrunSshProgress hookrun_ssh_session_enter (HookrunSshSession *self, HookrunSshStage stage,
                                              guint timeout_ms);

/* The steps of the stages. */
HookrunSshProgress hookrun_ssh_session_step_resolve (HookrunSshSession *self);
HookrunSshProgress hookrun_ssh_session_step_jump (HookrunSshSession *self);
HookrunSshProgress hookrun_ssh_session_step_socket (HookrunSshSession *self);
HookrunSshProgress hookrun_ssh_session_step_handshake (HookrunSshSession *self);
HookrunSshProgress hookrun_ssh_session_step_host_key (HookrunSshSession *self);
HookrunSshProgress hookrun_ssh_session_step_auth (HookrunSshSession *self);
HookrunSshProgress hookrun_ssh_session_step_channels (HookrunSshSession *self);

/* Makes libssh2 ask for the kinds of host keys that are known; UNSUPPORTED if it knows none. */
gboolean hookrun_ssh_host_key_prepare (HookrunSshSession *self);

void hookrun_ssh_auth_free (HookrunSshAuth *self);

/* Runs @func on @data in a thread that owns the session meanwhile; the pump goes on afterwards.
 * @func may use nothing of the session but ssh, and @data, which the session's auth owns. */
void hookrun_ssh_session_lend (HookrunSshSession *self, void (*func) (gpointer data),
                               gpointer data);

/* Channels: see hookrun-ssh-channel.c. Owns and closes the descriptors and the task. */
HookrunSshChannel *hookrun_ssh_channel_new (HookrunSshSession *session, const char *command_line,
                                            int stdin_fd, int stdout_fd, int stderr_fd,
                                            GTask *task);
void hookrun_ssh_channel_free (HookrunSshChannel *self);
/* Whether anything moved. */
gboolean hookrun_ssh_channel_step (HookrunSshChannel *self);
void hookrun_ssh_channel_update_watches (HookrunSshChannel *self);
/* Whether it waits for its own descriptors, and so may have output left to deliver. */
gboolean hookrun_ssh_channel_is_blocked (HookrunSshChannel *self);
gboolean hookrun_ssh_channel_is_finished (HookrunSshChannel *self);
/* Whether the server has a session open for it. */
gboolean hookrun_ssh_channel_is_open (HookrunSshChannel *self);
/* Whether it could as well be opened on another connection, and how to do that. */
gboolean hookrun_ssh_channel_is_waiting (HookrunSshChannel *self);
void hookrun_ssh_channel_move (HookrunSshChannel *self, HookrunSshSession *session);
/* When the server first had no session free for it, in monotonic microseconds; 0: never. */
gint64 hookrun_ssh_channel_get_refused_us (HookrunSshChannel *self);
/* Ends the call with the session's error. */
void hookrun_ssh_channel_abort (HookrunSshChannel *self, const GError *error);
/* Ends the call as cancelled; the channel closes in its own time. */
void hookrun_ssh_channel_cancel (HookrunSshChannel *self);

G_END_DECLS
