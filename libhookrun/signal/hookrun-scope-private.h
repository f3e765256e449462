/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The part of a scope that its handlers keep: they need the owner's name as long as they live, but
 * must not keep the scope itself, whose last unref disconnects them.
 */
#pragma once

#include "hookrun-signal-private.h"

G_BEGIN_DECLS

struct _HookrunScopeCore {
  int ref_count; /* atomic */
  char *name;

  HookrunLock lock; /* guards what follows */
  gboolean closed;
  GPtrArray *handlers; /* referenced */
  GPtrArray *pending;  /* referenced events whose handlers returned PENDING */
};

HookrunScopeCore *hookrun_scope_get_core (HookrunScope *self);
HookrunScopeCore *hookrun_scope_core_ref (HookrunScopeCore *self);
void hookrun_scope_core_unref (HookrunScopeCore *self);

/* FALSE when the scope is closed. */
gboolean hookrun_scope_core_add (HookrunScopeCore *self, HookrunHandler *handler);
void hookrun_scope_core_remove (HookrunScopeCore *self, HookrunHandler *handler);

/* FALSE when the scope is closed: then nobody will complete the event. */
gboolean hookrun_scope_core_add_pending (HookrunScopeCore *self, HookrunEvent *event);
void hookrun_scope_core_remove_pending (HookrunScopeCore *self, HookrunEvent *event);

G_END_DECLS
