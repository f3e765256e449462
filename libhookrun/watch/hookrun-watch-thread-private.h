/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread that a watcher works in. */
#pragma once

#include "hookrun-error.h"

G_BEGIN_DECLS

/* (transfer full): NULL and LIMIT when there cannot be one more. */
GThread *hookrun_watch_thread_start (GThreadFunc work, gpointer data, GError **error);

G_END_DECLS
