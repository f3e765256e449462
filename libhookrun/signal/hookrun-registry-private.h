/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A registry that mirrors that of another process: its signals are there to be looked up and
 * emitted, and an emission goes over there. Nobody connects here, because nobody would be called.
 */
#pragma once

#include "hookrun-signal-private.h"

G_BEGIN_DECLS

typedef struct {
  /* (nullable): a signal that is not mirrored yet, with hookrun_registry_add_mirrored(). */
  HookrunSignal *(*find) (const char *name, gpointer user_data);
  HookrunHandlerFunc emit;    /* the one handler of each signal */
  const char *no_connections; /* why nobody may connect */
  const char *no_definitions; /* why nobody may define */
} HookrunMirror;

/* Before anybody else uses @self; @mirror stays valid. */
void hookrun_registry_set_mirror (HookrunRegistry *self, const HookrunMirror *mirror,
                                  gpointer user_data);
/* (transfer none); the same definition again gives the same signal. From one thread. */
HookrunSignal *hookrun_registry_add_mirrored (HookrunRegistry *self, const char *name,
                                              HookrunSignalFlags flags, HookrunSchema *schema,
                                              HookrunScope *owner, GError **error);

/* ---- emissions of a list ---- */

/* Runs the handlers of @list, which no signal has published, as an emission of @self; an error is
 * what the handler gave, without who and where. The data was checked by who emitted it. */
HookrunVerdict hookrun_signal_emit_list (HookrunSignal *self, HookrunList *list,
                                         const char *subject, HookrunData *data,
                                         GCancellable *cancellable, GError **error);
/* The same with hookrun_signal_emit_finish(). */
void hookrun_signal_emit_list_async (HookrunSignal *self, HookrunList *list, const char *subject,
                                     HookrunData *data, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data);

G_END_DECLS
