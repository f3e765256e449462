/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ctrl-C, SIGTERM and SIGHUP become a cancelled GCancellable, whether or not a main loop runs. The
 * third Ctrl-C ends the program at once with 130.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* (transfer none): the program's one cancellable; the first call takes over the signals. */
GCancellable *tool_interrupt_start (void);
/* (transfer none) (nullable): the same, NULL while nobody has started it. */
GCancellable *tool_interrupt_get (void);
/* The signal that came, 0 for none. */
int tool_interrupt_signal (void);

G_END_DECLS
