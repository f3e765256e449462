/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signals reach a thread through a pipe, and the thread cancels: a handler may do next to nothing
 * itself, and blocked signals would be inherited by the programs that hooks are.
 */
#include "tool-interrupt.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE 2

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
static const char hint[] =
    "\nputting things back; press Ctrl-C once more to leave them as they are\n";

static GCancellable *cancellable;
static int pipe_fds[2];
static volatile sig_atomic_t came;
static volatile sig_atomic_t interrupts;

static void
handle (int number)
{
  int saved_errno = errno;
  guint8 byte = (guint8)number;
  gssize unused;

  came = came == 0 ? number : came;
  if (number == SIGINT) {
    interrupts = interrupts + 1;
    if (interrupts == PATIENCE - 1)
      unused = write (STDERR_FILENO, hint, sizeof hint - 1);
    if (interrupts >= PATIENCE)
      _exit (130);
  }
  unused = write (pipe_fds[1], &byte, 1);
  (void)unused;
  errno = saved_errno;
}

static gpointer
watch (gpointer unused)
{
  guint8 byte;
  gssize n;

  while ((n = read (pipe_fds[0], &byte, 1)) > 0 || (n < 0 && errno == EINTR))
    if (n > 0)
      g_cancellable_cancel (cancellable);
  return NULL;
}

/* A signal that is ignored from the start stays so: nohup means it. */
static void
take_over (int number)
{
  struct sigaction action = {.sa_handler = handle};
  struct sigaction before;

  sigemptyset (&action.sa_mask);
  if (sigaction (number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
    sigaction (number, &action, NULL);
}

GCancellable *
tool_interrupt_start (void)
{
  g_autoptr (GError) error = NULL;

  if (cancellable != NULL)
    return cancellable;
  if (!g_unix_open_pipe (pipe_fds, FD_CLOEXEC, &error) ||
      !g_unix_set_fd_nonblocking (pipe_fds[1], TRUE, &error))
    g_error ("%s", error->message);
  cancellable = g_cancellable_new ();
  g_thread_unref (g_thread_new ("interrupt", watch, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    take_over (signals[i]);
  return cancellable;
}

GCancellable *
tool_interrupt_get (void)
{
  return cancellable;
}

int
tool_interrupt_signal (void)
{
  return came;
}
