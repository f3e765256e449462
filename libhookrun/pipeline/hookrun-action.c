/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The default handler of a signal, shared by all steps that emit it. */
#include "hookrun-action-private.h"

typedef struct {
  HookrunHandlerFunc func;
  gpointer user_data;
} Turn;

struct _HookrunActionPoint {
  int ref_count; /* with the points' lock */
  HookrunSignal *signal;
  HookrunScope *scope;
  char *id;
  GMutex lock;
  GHashTable *turns; /* HookrunData → Turn */
};

static GQuark
point_quark (void)
{
  return g_quark_from_static_string ("hookrun-action-point");
}

/* Guards which signal has a point. It holds no state of its own. */
static GMutex points_lock;

static HookrunVerdict
dispatch (HookrunEvent *event, gpointer user_data)
{
  HookrunActionPoint *self = user_data;
  HookrunData *data = hookrun_event_get_data (event);
  Turn turn = {NULL, NULL};
  Turn *found;

  g_mutex_lock (&self->lock);
  found = data == NULL ? NULL : g_hash_table_lookup (self->turns, data);
  if (found != NULL)
    turn = *found;
  g_mutex_unlock (&self->lock);
  return turn.func == NULL ? HOOKRUN_CONTINUE : turn.func (event, turn.user_data);
}

static void
point_free (HookrunActionPoint *self)
{
  hookrun_scope_close (self->scope);
  g_object_unref (self->scope);
  g_object_unref (self->signal);
  g_hash_table_unref (self->turns);
  g_mutex_clear (&self->lock);
  g_free (self->id);
  g_free (self);
}

static HookrunActionPoint *
point_new (HookrunSignal *signal, const char *id, const char *owner, GError **error)
{
  const HookrunHandlerOptions options = {.is_default = TRUE};
  HookrunActionPoint *self = g_new0 (HookrunActionPoint, 1);

  self->ref_count = 1;
  self->signal = g_object_ref (signal);
  self->scope = hookrun_scope_new (owner);
  self->id = g_strdup (id);
  self->turns = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  g_mutex_init (&self->lock);
  if (hookrun_signal_connect (signal, self->scope, id, &options, dispatch, self, NULL, error) != 0)
    return self;
  point_free (self);
  return NULL;
}

static HookrunActionPoint *
get_locked (HookrunSignal *signal, const char *id, const char *owner, GError **error)
{
  HookrunActionPoint *self = g_object_get_qdata (G_OBJECT (signal), point_quark ());

  if (self == NULL) {
    self = point_new (signal, id, owner, error);
    if (self != NULL)
      g_object_set_qdata (G_OBJECT (signal), point_quark (), self);
    return self;
  }
  if (g_str_equal (self->id, id)) {
    self->ref_count++;
    return self;
  }
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
               "signal \"%s\" has the default action \"%s\" already, so \"%s\" cannot be it, too",
               hookrun_signal_get_name (signal), self->id, id);
  return NULL;
}

HookrunActionPoint *
hookrun_action_point_get (HookrunSignal *signal, const char *id, const char *owner, GError **error)
{
  HookrunActionPoint *self;

  g_mutex_lock (&points_lock);
  self = get_locked (signal, id, owner, error);
  g_mutex_unlock (&points_lock);
  return self;
}

void
hookrun_action_point_unref (HookrunActionPoint *self)
{
  /* Freed under the lock, so that a new point is connected after the old one is gone. */
  g_mutex_lock (&points_lock);
  if (--self->ref_count == 0) {
    g_object_set_qdata (G_OBJECT (self->signal), point_quark (), NULL);
    point_free (self);
  }
  g_mutex_unlock (&points_lock);
}

void
hookrun_action_point_enter (HookrunActionPoint *self, HookrunData *data, HookrunHandlerFunc func,
                            gpointer user_data)
{
  Turn *turn = g_new (Turn, 1);

  *turn = (Turn){func, user_data};
  g_mutex_lock (&self->lock);
  g_hash_table_insert (self->turns, data, turn);
  g_mutex_unlock (&self->lock);
}

void
hookrun_action_point_leave (HookrunActionPoint *self, HookrunData *data)
{
  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->turns, data);
  g_mutex_unlock (&self->lock);
}
