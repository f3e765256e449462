/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The default handler of a signal whose work depends on who emits. It is connected once for all
 * steps of all pipelines that share the signal, so plugins see one id; the emission says by its
 * data whose turn it is.
 */
#pragma once

#include "hookrun-registry.h"
#include "hookrun-step-private.h"

G_BEGIN_DECLS

/* (transfer full): CONFLICT when the signal has a default of another id already. Thread-safe. */
HookrunActionPoint *hookrun_action_point_get (HookrunSignal *signal, const char *id,
                                              const char *owner, GError **error);
void hookrun_action_point_unref (HookrunActionPoint *self);

/* Until leave, an emission with @data runs @func as its default. */
void hookrun_action_point_enter (HookrunActionPoint *self, HookrunData *data,
                                 HookrunHandlerFunc func, gpointer user_data);
void hookrun_action_point_leave (HookrunActionPoint *self, HookrunData *data);

G_END_DECLS
