/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ssh's questions. ssh starts the helper program for each of them; the helper brings the question
 * through a socket in the connection's private folder, and takes the person's answer back.
 */
#include "hookrun-ssh-program-target-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hookrun-error-private.h"
#include "hookrun-stream-private.h"
#include "hookrun-target-question-private.h"

#define MAX_QUESTION 16384

struct _HookrunAskpass {
  HookrunTarget *target; /* not owned: it owns this */
  char *path;
  int socket;
  GSource *source;
};

/* Answers are shown as they are typed where ssh asks for "yes". */
static gboolean
is_secret (const char *question)
{
  return strstr (question, "(yes/no") == NULL;
}

static void
answer (HookrunAskpass *self, int fd)
{
  char question[MAX_QUESTION + 1];
  gssize n = recv (fd, question, MAX_QUESTION, 0);
  g_autofree char *text = NULL;
  g_autofree char *reply = NULL;

  if (n <= 0)
    return;
  text = g_utf8_make_valid (question, n);
  reply = hookrun_target_ask (self->target, "ssh asks", g_strchomp (text), is_secret (text));
  if (reply != NULL && send (fd, reply, strlen (reply) + 1, MSG_NOSIGNAL) < 0)
    g_debug ("ssh no longer waits for the answer");
  if (reply != NULL)
    explicit_bzero (reply, strlen (reply));
}

/* The helper sends its question at once, so reading it does not keep the loop waiting. */
static gboolean
on_connection (int fd, GIOCondition condition, gpointer user_data)
{
  int peer = accept4 (fd, NULL, NULL, SOCK_CLOEXEC);

  if (peer < 0)
    return G_SOURCE_CONTINUE;
  answer (user_data, peer);
  close (peer);
  return G_SOURCE_CONTINUE;
}

HookrunAskpass *
hookrun_askpass_new (HookrunTarget *target, const char *folder, GError **error)
{
  HookrunAskpass *self = g_new0 (HookrunAskpass, 1);
  struct sockaddr_un address = {.sun_family = AF_UNIX};

  self->target = target;
  self->path = g_build_filename (folder, "questions", NULL);
  self->socket = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (strlen (self->path) >= sizeof address.sun_path ||
      !memcpy (address.sun_path, self->path, strlen (self->path) + 1) || self->socket < 0 ||
      bind (self->socket, (struct sockaddr *)&address, sizeof address) < 0 ||
      listen (self->socket, 4) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot listen on \"%s\"", self->path);
    hookrun_askpass_free (self);
    return NULL;
  }
  self->source = g_unix_fd_source_new (self->socket, G_IO_IN);
  g_source_set_callback (self->source, G_SOURCE_FUNC (on_connection), self, NULL);
  g_source_attach (self->source, g_main_context_get_thread_default ());
  return self;
}

const char *
hookrun_askpass_get_socket (HookrunAskpass *self)
{
  return self->path;
}

void
hookrun_askpass_free (HookrunAskpass *self)
{
  hookrun_source_drop (&self->source);
  if (self->socket >= 0)
    close (self->socket);
  g_free (self->path);
  g_free (self);
}
