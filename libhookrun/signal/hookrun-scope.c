/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A scope owns connections, a plugin's or a part of a program's: closing it takes them all away at
 * once and makes sure that none of them runs any more, so that their code can go.
 */
#include "hookrun-scope-private.h"

#include "hookrun-event-private.h"

struct _HookrunScope {
  GObject parent_instance;

  HookrunScopeCore *core;
};

G_DEFINE_FINAL_TYPE (HookrunScope, hookrun_scope, G_TYPE_OBJECT)

/* ---- core ---- */

HookrunScopeCore *
hookrun_scope_get_core (HookrunScope *self)
{
  return self->core;
}

HookrunScopeCore *
hookrun_scope_core_ref (HookrunScopeCore *self)
{
  __atomic_fetch_add (&self->ref_count, 1, __ATOMIC_RELAXED);
  return self;
}

void
hookrun_scope_core_unref (HookrunScopeCore *self)
{
  if (__atomic_sub_fetch (&self->ref_count, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  g_ptr_array_unref (self->handlers);
  g_ptr_array_unref (self->pending);
  hookrun_lock_clear (&self->lock);
  g_free (self->name);
  g_free (self);
}

gboolean
hookrun_scope_core_add (HookrunScopeCore *self, HookrunHandler *handler)
{
  gboolean open;

  hookrun_lock (&self->lock);
  open = !self->closed;
  if (open)
    g_ptr_array_add (self->handlers, hookrun_handler_ref (handler));
  hookrun_unlock (&self->lock);
  return open;
}

void
hookrun_scope_core_remove (HookrunScopeCore *self, HookrunHandler *handler)
{
  guint index;
  gboolean found;

  hookrun_lock (&self->lock);
  found = g_ptr_array_find (self->handlers, handler, &index);
  if (found)
    g_ptr_array_steal_index_fast (self->handlers, index);
  hookrun_unlock (&self->lock);
  if (found)
    hookrun_handler_unref (handler);
}

gboolean
hookrun_scope_core_add_pending (HookrunScopeCore *self, HookrunEvent *event)
{
  gboolean open;

  hookrun_lock (&self->lock);
  open = !self->closed;
  if (open)
    g_ptr_array_add (self->pending, hookrun_event_hold (event));
  hookrun_unlock (&self->lock);
  return open;
}

void
hookrun_scope_core_remove_pending (HookrunScopeCore *self, HookrunEvent *event)
{
  guint index;
  gboolean found;

  hookrun_lock (&self->lock);
  found = g_ptr_array_find (self->pending, event, &index);
  if (found)
    g_ptr_array_steal_index_fast (self->pending, index);
  hookrun_unlock (&self->lock);
  if (found)
    hookrun_event_unref (event);
}

/* ---- scope ---- */

static void
hookrun_scope_dispose (GObject *object)
{
  hookrun_scope_close (HOOKRUN_SCOPE (object));
  G_OBJECT_CLASS (hookrun_scope_parent_class)->dispose (object);
}

static void
hookrun_scope_finalize (GObject *object)
{
  hookrun_scope_core_unref (HOOKRUN_SCOPE (object)->core);
  G_OBJECT_CLASS (hookrun_scope_parent_class)->finalize (object);
}

static void
hookrun_scope_class_init (HookrunScopeClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = hookrun_scope_dispose;
  G_OBJECT_CLASS (klass)->finalize = hookrun_scope_finalize;
}

static void
hookrun_scope_init (HookrunScope *self)
{
  HookrunScopeCore *core = g_new0 (HookrunScopeCore, 1);

  core->ref_count = 1;
  hookrun_lock_init (&core->lock);
  core->handlers = g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_handler_unref);
  core->pending = g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_event_unref);
  self->core = core;
}

/**
 * hookrun_scope_new:
 * @name: who owns the connections: a plugin's id; for messages and lists
 *
 * Makes an open scope.
 *
 * Returns: (transfer full): the scope
 *
 * Since: 1.0
 */
HookrunScope *
hookrun_scope_new (const char *name)
{
  HookrunScope *self;

  g_return_val_if_fail (name != NULL, NULL);
  self = g_object_new (HOOKRUN_TYPE_SCOPE, NULL);
  self->core->name = g_strdup (name);
  return self;
}

/**
 * hookrun_scope_get_name:
 * @self: a scope
 *
 * Gets who owns the connections.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
hookrun_scope_get_name (HookrunScope *self)
{
  g_return_val_if_fail (HOOKRUN_IS_SCOPE (self), NULL);
  return self->core->name;
}

/**
 * hookrun_scope_is_closed:
 * @self: a scope
 *
 * Tells whether the scope was closed. From any thread.
 *
 * Returns: whether it was; connecting with it fails then
 *
 * Since: 1.0
 */
gboolean
hookrun_scope_is_closed (HookrunScope *self)
{
  gboolean closed;

  g_return_val_if_fail (HOOKRUN_IS_SCOPE (self), TRUE);
  hookrun_lock (&self->core->lock);
  closed = self->core->closed;
  hookrun_unlock (&self->core->lock);
  return closed;
}

static void
disconnect (HookrunHandler *handler)
{
  g_autoptr (HookrunSignal) signal = g_weak_ref_get (&handler->signal);

  if (signal != NULL)
    hookrun_signal_remove_handler (signal, handler);
}

static void
give_up (HookrunEvent *event)
{
  hookrun_event_settle (event, HOOKRUN_FAILED,
                        g_error_new_literal (HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED,
                                             "its scope was closed while it was pending"));
}

/**
 * hookrun_scope_close:
 * @self: a scope
 *
 * Disconnects all handlers of the scope. Those that are pending fail with
 * %HOOKRUN_ERROR_CANCELLED. Returns when none of them runs in another thread any more; one that
 * runs in this thread, below the call, may go on to its end. When handlers in several threads close
 * scopes at once, they do not wait for each other. A second call waits in the same way. From any
 * thread.
 *
 * Since: 1.0
 */
void
hookrun_scope_close (HookrunScope *self)
{
  HookrunScopeCore *core;
  g_autoptr (GPtrArray) handlers = NULL;
  g_autoptr (GPtrArray) pending = NULL;

  g_return_if_fail (HOOKRUN_IS_SCOPE (self));
  core = self->core;
  hookrun_lock (&core->lock);
  core->closed = TRUE;
  handlers = core->handlers;
  pending = core->pending;
  core->handlers = g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_handler_unref);
  core->pending = g_ptr_array_new_with_free_func ((GDestroyNotify)hookrun_event_unref);
  hookrun_unlock (&core->lock);
  for (guint i = 0; i < handlers->len; i++)
    disconnect (g_ptr_array_index (handlers, i));
  for (guint i = 0; i < pending->len; i++)
    give_up (g_ptr_array_index (pending, i));
  hookrun_reclaim_wait (core);
}
