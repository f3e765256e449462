/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A descriptor that tells when a child has ended, on every kernel. */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* A descriptor, closed on exec, that poll() finds ready once the child @pid has ended; -1 with
 * errno on failure. The child is not reaped. */
int hookrun_exit_fd_open (pid_t pid);

/* The same without help of the kernel, what the other falls back to. */
int hookrun_exit_fd_open_in_thread (pid_t pid);

G_END_DECLS
