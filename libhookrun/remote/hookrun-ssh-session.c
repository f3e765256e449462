/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The life of a session: the table of stages, the pump that moves a chain of sessions until
 * nothing moves, the clock that declares a silent peer dead, and the end.
 */
#include "hookrun-ssh-session-private.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A pump of this many rounds gives other sources of the main loop their turn. */
#define MAX_ROUNDS 16
#define MAX_FREE_TRIES 16

static const struct {
  HookrunSshProgress (*step) (HookrunSshSession *self);
  const char *doing;
} stages[] = {
    [HOOKRUN_SSH_STAGE_RESOLVE] = {hookrun_ssh_session_step_resolve, "reading the configuration"},
    [HOOKRUN_SSH_STAGE_JUMP] = {hookrun_ssh_session_step_jump, "waiting for the jump host"},
    [HOOKRUN_SSH_STAGE_SOCKET] = {hookrun_ssh_session_step_socket, "connecting"},
    [HOOKRUN_SSH_STAGE_HANDSHAKE] = {hookrun_ssh_session_step_handshake, "exchanging keys"},
    [HOOKRUN_SSH_STAGE_HOST_KEY] = {hookrun_ssh_session_step_host_key, "checking the host key"},
    [HOOKRUN_SSH_STAGE_AUTH] = {hookrun_ssh_session_step_auth, "logging in"},
    [HOOKRUN_SSH_STAGE_READY] = {hookrun_ssh_session_step_channels, "running commands"},
};

HookrunSshSession *
hookrun_ssh_session_new (HookrunTarget *target, HookrunSshLoop *loop, const HookrunSshSpec *spec,
                         int send_buffer)
{
  HookrunSshSession *self = g_new0 (HookrunSshSession, 1);

  self->ref_count = 1;
  self->target = target;
  self->loop = loop;
  self->spec = hookrun_ssh_spec_copy (spec);
  self->label = g_strdup_printf ("target \"%s\"", hookrun_target_get_name (target));
  self->send_buffer = send_buffer;
  self->cancellable = g_cancellable_new ();
  self->channels = g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_ssh_channel_free);
  hookrun_ssh_link_init (&self->link);
  return self;
}

HookrunSshSession *
hookrun_ssh_session_ref (HookrunSshSession *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

HookrunSshProgress
hookrun_ssh_session_fail (HookrunSshSession *self, HookrunError code, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  if (self->error == NULL)
    self->error = g_error_new (HOOKRUN_ERROR, (int)code, "%s: %s", self->label, text);
  return HOOKRUN_SSH_FAILED;
}

/* What libssh2's codes mean to a caller; anything else is a broken protocol. */
static const struct {
  int ssh_code;
  HookrunError code;
  const char *remedy;
} ssh_errors[] = {
    {LIBSSH2_ERROR_KEX_FAILURE, HOOKRUN_ERROR_UNSUPPORTED,
     "; the server and libssh2 have no algorithms in common"},
    {LIBSSH2_ERROR_METHOD_NONE, HOOKRUN_ERROR_UNSUPPORTED,
     "; the server and libssh2 have no algorithms in common"},
    {LIBSSH2_ERROR_METHOD_NOT_SUPPORTED, HOOKRUN_ERROR_UNSUPPORTED,
     "; libssh2 knows none of the configured algorithms"},
    {LIBSSH2_ERROR_HOSTKEY_SIGN, HOOKRUN_ERROR_HOST_KEY_CHANGED,
     "; the server does not hold the key it shows"},
    {LIBSSH2_ERROR_SOCKET_DISCONNECT, HOOKRUN_ERROR_CONNECTION, ""},
    {LIBSSH2_ERROR_SOCKET_RECV, HOOKRUN_ERROR_CONNECTION, ""},
    {LIBSSH2_ERROR_SOCKET_SEND, HOOKRUN_ERROR_CONNECTION, ""},
    {LIBSSH2_ERROR_TIMEOUT, HOOKRUN_ERROR_CONNECTION, ""},
};

HookrunSshProgress
hookrun_ssh_session_fail_ssh (HookrunSshSession *self, const char *what)
{
  char *message = NULL;
  int ssh_code = libssh2_session_last_error (self->ssh, &message, NULL, 0);

  if (self->link.goodbye != NULL)
    return hookrun_ssh_session_fail (self, HOOKRUN_ERROR_CONNECTION,
                                     "%s failed: the server disconnected: %s", what,
                                     self->link.goodbye);
  for (guint i = 0; i < G_N_ELEMENTS (ssh_errors); i++)
    if (ssh_errors[i].ssh_code == ssh_code)
      return hookrun_ssh_session_fail (self, ssh_errors[i].code, "%s failed: %s%s", what, message,
                                       ssh_errors[i].remedy);
  return hookrun_ssh_session_fail (self, HOOKRUN_ERROR_PROTOCOL, "%s failed: %s (libssh2 says %d)",
                                   what, message, ssh_code);
}

HookrunSshProgress
hookrun_ssh_session_enter (HookrunSshSession *self, HookrunSshStage stage, guint timeout_ms)
{
  self->stage = stage;
  self->started = FALSE;
  self->deadline_us =
      timeout_ms > 0 ? g_get_monotonic_time () + (gint64)timeout_ms * 1000 : (gint64)0;
  return HOOKRUN_SSH_MOVED;
}

static void
cancel_calls (HookrunSshSession *self)
{
  g_cancellable_cancel (self->cancellable);
  if (self->guess_cancellable != NULL)
    g_cancellable_cancel (self->guess_cancellable);
}

/* Nothing is sent any more; whoever waits learns why. */
static void
die (HookrunSshSession *self)
{
  self->stage = HOOKRUN_SSH_STAGE_DEAD;
  cancel_calls (self);
  for (guint i = 0; i < self->channels->len; i++)
    hookrun_ssh_channel_abort (self->channels->pdata[i], self->error);
  hookrun_ssh_loop_watch (self->loop, &self->watch, -1, 0);
  if (self->link.fd >= 0)
    shutdown (self->link.fd, SHUT_RDWR);
}

static void
inherit_death (HookrunSshSession *self)
{
  if (self->outer == NULL || self->outer->stage != HOOKRUN_SSH_STAGE_DEAD || self->error != NULL)
    return;
  self->error = g_error_copy (self->outer->error);
}

static gboolean
move_once (HookrunSshSession *self)
{
  gboolean moved = self->outer != NULL && move_once (self->outer);
  HookrunSshProgress progress;

  if (self->lent || self->stage == HOOKRUN_SSH_STAGE_DEAD)
    return moved;
  inherit_death (self);
  moved |= hookrun_ssh_link_fill (&self->link);
  progress = self->error != NULL ? HOOKRUN_SSH_FAILED : stages[self->stage].step (self);
  if (progress == HOOKRUN_SSH_FAILED)
    die (self);
  return moved || progress != HOOKRUN_SSH_WAIT;
}

/* From the innermost session outwards: what one sends is data of the next. */
static gboolean
flush (HookrunSshSession *self)
{
  gboolean moved = FALSE;

  if (!self->lent && self->stage != HOOKRUN_SSH_STAGE_DEAD)
    moved = hookrun_ssh_link_flush (&self->link);
  return (self->outer != NULL && flush (self->outer)) || moved;
}

static const char *
reason_of_end (HookrunSshSession *self)
{
  if (self->link.goodbye != NULL)
    return self->link.goodbye;
  return self->link.saved_errno != 0 ? g_strerror (self->link.saved_errno) : "the server closed it";
}

/* The connection has ended and all that it brought is used up. */
static void
notice_end (HookrunSshSession *self)
{
  if (!self->link.ended || self->lent || self->stage == HOOKRUN_SSH_STAGE_DEAD)
    return;
  for (guint i = 0; i < self->channels->len; i++)
    if (hookrun_ssh_channel_is_blocked (self->channels->pdata[i]))
      return;
  hookrun_ssh_session_fail (self, HOOKRUN_ERROR_CONNECTION,
                            "the connection broke while %s: %s; try again",
                            stages[self->stage].doing, reason_of_end (self));
  die (self);
}

/* Asks for a sign of life. libssh2 counts whole seconds of the wall clock and may find it too
 * early; only a question that was sent counts against the peer. */
static void
probe (HookrunSshSession *self, gint64 now)
{
  int seconds = 0;

  self->probes++;
  self->next_probe_us = now + (gint64)self->config->alive_interval_ms * 1000;
  libssh2_keepalive_config (self->ssh, 1, 2);
  if (libssh2_keepalive_send (self->ssh, &seconds) == 0 && seconds == 2)
    self->probe_sent = TRUE;
  hookrun_ssh_loop_wake (self->loop); /* to flush, through jump hosts, too */
}

/* Silence counts only while the loop was there to hear: it starts anew after a move. */
static void
check_life (HookrunSshSession *self, gint64 now)
{
  guint moves = hookrun_ssh_loop_get_moves (self->loop);

  if (self->link.last_receipt_us != self->probed_receipt_us || moves != self->loop_moves) {
    self->probed_receipt_us = self->link.last_receipt_us;
    self->loop_moves = moves;
    self->probes = 0;
    self->probe_sent = FALSE;
    self->next_probe_us = now + (gint64)self->config->alive_interval_ms * 1000;
  }
  if (now >= self->next_probe_us && self->probe_sent &&
      self->probes >= self->config->alive_count_max) {
    hookrun_ssh_session_fail (self, HOOKRUN_ERROR_CONNECTION,
                              "no sign of life from the server for %.0f s; the connection is "
                              "given up, try again (ServerAliveInterval and ServerAliveCountMax)",
                              (double)(now - self->link.last_receipt_us) / G_USEC_PER_SEC);
    die (self);
  } else if (now >= self->next_probe_us) {
    probe (self, now);
  }
  hookrun_ssh_loop_set_alarm (self->loop, self->next_probe_us);
}

static void
check_clock (HookrunSshSession *self, gint64 now)
{
  if (self->lent || self->stage == HOOKRUN_SSH_STAGE_DEAD)
    return;
  if (self->stage == HOOKRUN_SSH_STAGE_READY) {
    check_life (self, now);
    return;
  }
  if (self->deadline_us == 0)
    return;
  if (now >= self->deadline_us) {
    hookrun_ssh_session_fail (self, HOOKRUN_ERROR_CONNECTION,
                              "no answer while %s; check that the host is up and reachable, or "
                              "set a longer ConnectTimeout",
                              stages[self->stage].doing);
    die (self);
    return;
  }
  hookrun_ssh_loop_set_alarm (self->loop, self->deadline_us);
}

static void
update_watches (HookrunSshSession *self)
{
  GIOCondition wanted = 0;

  for (guint i = 0; i < self->channels->len; i++)
    hookrun_ssh_channel_update_watches (self->channels->pdata[i]);
  if (self->link.fd < 0 || self->stage == HOOKRUN_SSH_STAGE_DEAD)
    return;
  if (!self->link.ended && !self->lent)
    wanted |= G_IO_IN;
  if (!self->link.ended && !self->lent && hookrun_ssh_buffer_used (&self->link.out) > 0)
    wanted |= G_IO_OUT;
  hookrun_ssh_loop_watch (self->loop, &self->watch, self->link.fd, wanted);
}

/* From the outermost session inwards, so that an end is inherited in the same pump. */
static void
settle (HookrunSshSession *self, gint64 now)
{
  if (self->outer != NULL)
    settle (self->outer, now);
  notice_end (self);
  check_clock (self, now);
  inherit_death (self);
  if (self->error != NULL && self->stage != HOOKRUN_SSH_STAGE_DEAD && !self->lent)
    die (self);
  update_watches (self);
}

static void
drop_finished (HookrunSshSession *self)
{
  for (guint i = self->channels->len; i > 0; i--)
    if (hookrun_ssh_channel_is_finished (self->channels->pdata[i - 1]))
      g_ptr_array_remove_index (self->channels, i - 1);
}

void
hookrun_ssh_session_pump (HookrunSshSession *self)
{
  gboolean moved = TRUE;

  for (guint i = 0; i < MAX_ROUNDS && moved; i++) {
    moved = move_once (self);
    moved |= flush (self);
  }
  drop_finished (self);
  if (moved)
    hookrun_ssh_loop_wake (self->loop);
  else
    settle (self, g_get_monotonic_time ());
}

HookrunSshProgress
hookrun_ssh_session_step_channels (HookrunSshSession *self)
{
  gboolean moved = FALSE;

  for (guint i = 0; i < self->channels->len; i++)
    moved |= hookrun_ssh_channel_step (self->channels->pdata[i]);
  if (self->error != NULL)
    return HOOKRUN_SSH_FAILED;
  return moved ? HOOKRUN_SSH_MOVED : HOOKRUN_SSH_WAIT;
}

/* With the link dropped libssh2 hears of a dead connection at once, so freeing never waits. */
static void
tear_down (HookrunSshSession *self)
{
  if (self->ssh != NULL && self->stage == HOOKRUN_SSH_STAGE_READY) {
    libssh2_session_disconnect (self->ssh, "done");
    hookrun_ssh_link_flush (&self->link);
  }
  self->stage = HOOKRUN_SSH_STAGE_DEAD;
  self->link.dropped = TRUE;
  g_ptr_array_set_size (self->channels, 0);
  g_clear_pointer (&self->auth, hookrun_ssh_auth_free);
  for (guint i = 0; self->ssh != NULL && i < MAX_FREE_TRIES; i++)
    if (libssh2_session_free (self->ssh) != LIBSSH2_ERROR_EAGAIN)
      self->ssh = NULL;
  self->link.tunnel = NULL;
  self->link.fd = -1;
  g_clear_object (&self->connection);
  if (self->outer != NULL)
    tear_down (self->outer);
}

/* Takes the chain out of the loop. */
static void
abandon (HookrunSshSession *self)
{
  hookrun_ssh_session_fail (self, HOOKRUN_ERROR_CONNECTION, "disconnected");
  cancel_calls (self);
  for (guint i = 0; i < self->channels->len; i++)
    hookrun_ssh_channel_abort (self->channels->pdata[i], self->error);
  if (self->loop != NULL)
    hookrun_ssh_loop_watch (self->loop, &self->watch, -1, 0);
  self->loop = NULL;
  if (self->outer != NULL)
    abandon (self->outer);
}

/* While a thread works on the session only its socket can go; the rest goes when it is back. */
void
hookrun_ssh_session_close (HookrunSshSession *self)
{
  abandon (self);
  if (!self->lent)
    tear_down (self);
  else if (self->link.fd >= 0)
    shutdown (self->link.fd, SHUT_RDWR);
}

void
hookrun_ssh_session_unref (HookrunSshSession *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;
  tear_down (self);
  g_clear_pointer (&self->outer, hookrun_ssh_session_unref);
  hookrun_ssh_link_clear (&self->link);
  g_clear_pointer (&self->known, g_ptr_array_unref);
  g_clear_pointer (&self->config, hookrun_ssh_config_free);
  g_clear_pointer (&self->guess, hookrun_ssh_config_free);
  g_clear_object (&self->guess_cancellable);
  g_clear_error (&self->error);
  g_clear_error (&self->relief_error);
  g_ptr_array_unref (self->channels);
  g_object_unref (self->cancellable);
  hookrun_ssh_spec_free (self->spec);
  g_free (self->jump);
  g_free (self->label);
  g_free (self);
}

typedef struct {
  HookrunSshSession *session;
  void (*func) (gpointer data);
  gpointer data;
  GMainContext *context;
} Loan;

static gboolean
return_loan (gpointer data)
{
  Loan *loan = data;

  loan->session->lent = FALSE;
  if (loan->session->loop != NULL)
    hookrun_ssh_loop_wake (loan->session->loop);
  return G_SOURCE_REMOVE;
}

static void
loan_free (gpointer data)
{
  Loan *loan = data;

  loan->session->lent = FALSE;
  hookrun_ssh_session_unref (loan->session);
  g_free (loan);
}

static gpointer
work (gpointer data)
{
  Loan *loan = data;
  GMainContext *context = loan->context;
  g_autoptr (GSource) source = g_idle_source_new ();

  loan->func (loan->data);
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, return_loan, loan, loan_free);
  g_source_attach (source, context);
  g_main_context_unref (context);
  return NULL;
}

void
hookrun_ssh_session_lend (HookrunSshSession *self, void (*func) (gpointer data), gpointer data)
{
  Loan *loan = g_new (Loan, 1);

  *loan =
      (Loan){hookrun_ssh_session_ref (self), func, data, hookrun_ssh_loop_ref_context (self->loop)};
  self->lent = TRUE;
  g_thread_unref (g_thread_new ("hookrun-ssh", work, loan));
}
