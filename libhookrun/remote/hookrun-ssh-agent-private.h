/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two requests to an ssh agent that logging in needs, without waiting for it. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct {
  GBytes *key; /* public */
  char *type;
  char *comment;
} HookrunSshIdentity;

/* The keys that the agent at the socket @path holds: (element-type HookrunSshIdentity). */
void hookrun_ssh_agent_list_async (const char *path, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *hookrun_ssh_agent_list_finish (GAsyncResult *result, GError **error);

/* The bare signature of @data by @key. */
void hookrun_ssh_agent_sign_async (const char *path, GBytes *key, GBytes *data,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);
GBytes *hookrun_ssh_agent_sign_finish (GAsyncResult *result, GError **error);

G_END_DECLS
