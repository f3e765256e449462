/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connecting many handlers to many signals at once. */
#pragma once

#include "hookrun-registry.h"

G_BEGIN_DECLS

typedef struct {
  HookrunSignal *signal;
  HookrunScope *owner;
  const char *id;
  const HookrunHandlerOptions *options;
  HookrunHandlerFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
} HookrunConnection;

/* Connects all, in this order of registration, or none: no emission sees any of them when one
 * cannot be connected. All user data is taken over in either case. Errors as of
 * hookrun_signal_connect(). */
gboolean hookrun_connect_all (const HookrunConnection *connections, gsize n_connections,
                              GError **error);

G_END_DECLS
