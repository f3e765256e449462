/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The first stages of a session: what the user's configuration says, the jump host before this
 * one, the socket or the tunnel, and the exchange of keys.
 */
#include "hookrun-ssh-session-private.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_JUMPS 8

static void
on_resolved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (HookrunSshSession) self = user_data;
  g_autoptr (GError) error = NULL;
  HookrunSshConfig *config = hookrun_ssh_config_resolve_finish (result, &error);

  if (self->loop == NULL || self->stage != HOOKRUN_SSH_STAGE_RESOLVE) {
    g_clear_pointer (&config, hookrun_ssh_config_free);
    return;
  }
  self->config = config;
  if (config == NULL)
    hookrun_ssh_session_fail (
        self, error->domain == HOOKRUN_ERROR ? (HookrunError)error->code : HOOKRUN_ERROR_IO, "%s",
        error->message);
  hookrun_ssh_loop_wake (self->loop);
}

static void
set_options (HookrunSshSession *self, int fd)
{
  const int on = 1;
  const unsigned int patience_ms =
      self->config->alive_interval_ms * (self->config->alive_count_max + 1);

  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt (fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof patience_ms);
  if (self->send_buffer > 0)
    setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &self->send_buffer, sizeof self->send_buffer);
}

static void
fail_to_connect (HookrunSshSession *self, const GError *error)
{
  gboolean unknown = g_error_matches (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND);

  hookrun_ssh_session_fail (self, unknown ? HOOKRUN_ERROR_NOT_FOUND : HOOKRUN_ERROR_CONNECTION,
                            "cannot connect to %s port %u: %s; check the name, and that sshd runs "
                            "there",
                            self->config->host_name, self->config->port, error->message);
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (HookrunSshSession) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect_to_host_finish (G_SOCKET_CLIENT (source), result, &error);

  if (self->loop == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (self->guess_cancellable != NULL)
    g_clear_object (&self->guess_cancellable);
  if (connection != NULL)
    self->connection = g_steal_pointer (&connection);
  else if (self->stage == HOOKRUN_SSH_STAGE_SOCKET)
    fail_to_connect (self, error);
  hookrun_ssh_loop_wake (self->loop);
}

static void
start_connecting (HookrunSshSession *self, const HookrunSshConfig *config,
                  GCancellable *cancellable)
{
  static const struct {
    int family;
    GSocketFamily socket_family;
  } families[] = {
      {AF_INET, G_SOCKET_FAMILY_IPV4},
      {AF_INET6, G_SOCKET_FAMILY_IPV6},
  };
  g_autoptr (GSocketClient) client = g_socket_client_new ();

  g_socket_client_set_enable_proxy (client, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (families); i++)
    if ((int)config->address_family == families[i].family)
      g_socket_client_set_family (client, families[i].socket_family);
  g_socket_client_connect_to_host_async (client, config->host_name, (guint16)config->port,
                                         cancellable, on_connected, hookrun_ssh_session_ref (self));
}

/* While ssh -G thinks, the host that it will name almost certainly is connected to; a server takes
 * its time to greet. Nothing is sent before ssh has confirmed the name. */
static void
start_guess (HookrunSshSession *self)
{
  if (self->jump_is_set && self->jump != NULL)
    return;
  self->guess = hookrun_ssh_config_read (self->spec, NULL);
  if (self->guess == NULL || self->guess->unsupported != NULL || self->guess->proxy_jump != NULL)
    return;
  self->guess_cancellable = g_cancellable_new ();
  start_connecting (self, self->guess, self->guess_cancellable);
}

static gboolean
is_guess_right (HookrunSshSession *self)
{
  const HookrunSshConfig *guess = self->guess;
  const HookrunSshConfig *config = self->config;

  return guess != NULL && self->jump == NULL && guess->port == config->port &&
         guess->address_family == config->address_family &&
         strcmp (guess->host_name, config->host_name) == 0;
}

static void
settle_guess (HookrunSshSession *self)
{
  if (!is_guess_right (self)) {
    g_clear_object (&self->connection);
    if (self->guess_cancellable != NULL)
      g_cancellable_cancel (self->guess_cancellable);
    g_clear_object (&self->guess_cancellable);
  }
  g_clear_pointer (&self->guess, hookrun_ssh_config_free);
}

HookrunSshProgress
hookrun_ssh_session_step_resolve (HookrunSshSession *self)
{
  if (!self->started) {
    self->started = TRUE;
    hookrun_ssh_config_resolve_async (self->spec, self->cancellable, on_resolved,
                                      hookrun_ssh_session_ref (self));
    start_guess (self);
    return HOOKRUN_SSH_WAIT;
  }
  if (self->config == NULL)
    return HOOKRUN_SSH_WAIT;
  if (self->config->unsupported != NULL)
    return hookrun_ssh_session_fail (self, HOOKRUN_ERROR_UNSUPPORTED,
                                     "%s, which needs the ssh program", self->config->unsupported);
  if (!self->jump_is_set)
    self->jump = g_strdup (self->config->proxy_jump);
  settle_guess (self);
  return hookrun_ssh_session_enter (self, HOOKRUN_SSH_STAGE_JUMP, 0);
}

/* "a,b,c" is: through a to b, through both to c. So the last hop is the next session outwards,
 * and those before it are its own way. */
static gboolean
make_outer (HookrunSshSession *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunSshSpec) spec = NULL;
  const char *comma = strrchr (self->jump, ',');
  const char *hop = comma != NULL ? comma + 1 : self->jump;

  if (self->depth >= MAX_JUMPS) {
    hookrun_ssh_session_fail (self, HOOKRUN_ERROR_LIMIT,
                              "more than %d jump hosts; does ProxyJump run in a circle?",
                              MAX_JUMPS);
    return FALSE;
  }
  spec = hookrun_ssh_spec_parse (hop, &error);
  if (spec == NULL) {
    hookrun_ssh_session_fail (self, HOOKRUN_ERROR_INVALID, "ProxyJump: %s", error->message);
    return FALSE;
  }
  self->outer = hookrun_ssh_session_new (self->target, self->loop, spec, self->send_buffer);
  self->outer->depth = self->depth + 1;
  self->outer->jump_is_set = comma != NULL;
  self->outer->jump = comma != NULL ? g_strndup (self->jump, (gsize)(comma - self->jump)) : NULL;
  g_free (self->outer->label);
  self->outer->label = g_strdup_printf ("target \"%s\": jump host \"%s\"",
                                        hookrun_target_get_name (self->target), hop);
  return TRUE;
}

HookrunSshProgress
hookrun_ssh_session_step_jump (HookrunSshSession *self)
{
  if (self->jump != NULL && self->outer == NULL)
    return make_outer (self) ? HOOKRUN_SSH_MOVED : HOOKRUN_SSH_FAILED;
  if (self->outer != NULL && self->outer->stage != HOOKRUN_SSH_STAGE_READY)
    return HOOKRUN_SSH_WAIT;
  if (!hookrun_ssh_host_key_prepare (self))
    return HOOKRUN_SSH_FAILED;
  return hookrun_ssh_session_enter (self, HOOKRUN_SSH_STAGE_SOCKET,
                                    self->config->connect_timeout_ms);
}

static HookrunSshProgress
open_tunnel (HookrunSshSession *self)
{
  LIBSSH2_SESSION *ssh = self->outer->ssh;

  self->link.tunnel = libssh2_channel_direct_tcpip_ex (ssh, self->config->host_name,
                                                       (int)self->config->port, "127.0.0.1", 22);
  if (self->link.tunnel != NULL)
    return HOOKRUN_SSH_MOVED;
  if (libssh2_session_last_errno (ssh) == LIBSSH2_ERROR_EAGAIN)
    return HOOKRUN_SSH_WAIT;
  char *message = NULL;
  libssh2_session_last_error (ssh, &message, NULL, 0);
  return hookrun_ssh_session_fail (
      self, HOOKRUN_ERROR_CONNECTION, "jump host \"%s\" cannot connect to %s port %u: %s",
      self->outer->spec->host, self->config->host_name, self->config->port, message);
}

HookrunSshProgress
hookrun_ssh_session_step_socket (HookrunSshSession *self)
{
  if (self->connection != NULL && self->link.fd < 0) {
    self->link.fd = g_socket_get_fd (g_socket_connection_get_socket (self->connection));
    set_options (self, self->link.fd);
  }
  if (self->link.fd >= 0 || self->link.tunnel != NULL) {
    self->link.last_receipt_us = g_get_monotonic_time ();
    self->stage = HOOKRUN_SSH_STAGE_HANDSHAKE; /* within the same time limit */
    return HOOKRUN_SSH_MOVED;
  }
  if (self->outer != NULL)
    return open_tunnel (self);
  if (!self->started && self->guess_cancellable == NULL)
    start_connecting (self, self->config, self->cancellable);
  self->started = TRUE;
  return HOOKRUN_SSH_WAIT;
}

static void
initialise_libssh2 (void)
{
  static gsize once = 0;

  if (g_once_init_enter (&once)) {
    libssh2_init (0);
    g_once_init_leave (&once, 1);
  }
}

/* Those of @list that libssh2 knows, NULL when there are none. It would pass over the others
 * itself, but 1.10 does so with a memcpy() whose ranges overlap. */
static char *
keep_supported (LIBSSH2_SESSION *ssh, int method, const char *list)
{
  g_auto (GStrv) names = g_strsplit (list, ",", -1);
  g_autoptr (GString) kept = g_string_new (NULL);
  const char **known = NULL;
  int n_known = libssh2_session_supported_algs (ssh, method, &known);

  for (char **name = names; *name != NULL; name++)
    for (int i = 0; i < n_known; i++)
      if (g_str_equal (*name, known[i]))
        g_string_append_printf (kept, "%s%s", kept->len > 0 ? "," : "", *name);
  if (n_known > 0)
    libssh2_free (ssh, known);
  return kept->len > 0 ? g_string_free (g_steal_pointer (&kept), FALSE) : NULL;
}

/* The user's own order of algorithms. */
static gboolean
prefer_methods (HookrunSshSession *self)
{
  const struct {
    int method;
    const char *list;
  } wanted[] = {
      {LIBSSH2_METHOD_KEX, self->config->kex_algorithms},
      {LIBSSH2_METHOD_HOSTKEY, self->config->host_key_algorithms},
      {LIBSSH2_METHOD_CRYPT_CS, self->config->ciphers},
      {LIBSSH2_METHOD_CRYPT_SC, self->config->ciphers},
      {LIBSSH2_METHOD_MAC_CS, self->config->macs},
      {LIBSSH2_METHOD_MAC_SC, self->config->macs},
  };

  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++) {
    g_autofree char *list = NULL;

    if (wanted[i].list == NULL)
      continue;
    list = keep_supported (self->ssh, wanted[i].method, wanted[i].list);
    if (list == NULL) {
      hookrun_ssh_session_fail (self, HOOKRUN_ERROR_UNSUPPORTED,
                                "libssh2 knows none of the algorithms \"%s\"", wanted[i].list);
      return FALSE;
    }
    if (libssh2_session_method_pref (self->ssh, wanted[i].method, list) != 0) {
      hookrun_ssh_session_fail_ssh (self, "choosing algorithms");
      return FALSE;
    }
  }
  return TRUE;
}

/* The socket that libssh2 gets is never read or written by it, but it wants a valid one. */
static int
any_socket (HookrunSshSession *self)
{
  while (self->outer != NULL)
    self = self->outer;
  return self->link.fd;
}

HookrunSshProgress
hookrun_ssh_session_step_handshake (HookrunSshSession *self)
{
  int rc;

  if (self->ssh == NULL) {
    initialise_libssh2 ();
    self->ssh = libssh2_session_init ();
    if (self->ssh == NULL)
      return hookrun_ssh_session_fail (self, HOOKRUN_ERROR_LIMIT, "libssh2 has no memory");
    hookrun_ssh_link_adopt (&self->link, self->ssh);
    if (!prefer_methods (self))
      return HOOKRUN_SSH_FAILED;
  }
  rc = libssh2_session_handshake (self->ssh, any_socket (self));
  if (rc == LIBSSH2_ERROR_EAGAIN)
    return HOOKRUN_SSH_WAIT;
  if (rc != 0)
    return hookrun_ssh_session_fail_ssh (self, "exchanging keys");
  return hookrun_ssh_session_enter (self, HOOKRUN_SSH_STAGE_HOST_KEY, 0);
}
