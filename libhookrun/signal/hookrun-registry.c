/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The names of all signals of a program. A signal is defined once, with its fields; two parts of a
 * program that define the same one get the same.
 */
#include "hookrun-data-private.h"
#include "hookrun-nearest-private.h"
#include "hookrun-registry-private.h"
#include "hookrun-trace-private.h"

#include <string.h>

#define MAX_NAME 256

struct _HookrunRegistry {
  GObject parent_instance;

  HookrunTracer *tracer;
  const HookrunMirror *mirror; /* (nullable): set before others see the registry */
  gpointer mirror_data;
  HookrunLock lock; /* guards what follows */
  gboolean traced;
  GHashTable *signals; /* name (of the signal) -> signal */
};

G_DEFINE_FINAL_TYPE (HookrunRegistry, hookrun_registry, G_TYPE_OBJECT)

/* Others may keep a signal, but not its handlers: they belong to a program part that is going. */
static void
hookrun_registry_dispose (GObject *object)
{
  HookrunRegistry *self = HOOKRUN_REGISTRY (object);
  g_autoptr (GPtrArray) signals = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer signal;

  hookrun_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->signals);
  while (g_hash_table_iter_next (&iter, NULL, &signal))
    g_ptr_array_add (signals, g_object_ref (signal));
  g_hash_table_remove_all (self->signals);
  hookrun_unlock (&self->lock);
  for (guint i = 0; i < signals->len; i++)
    hookrun_signal_remove_all (g_ptr_array_index (signals, i));
  G_OBJECT_CLASS (hookrun_registry_parent_class)->dispose (object);
}

static void
hookrun_registry_finalize (GObject *object)
{
  HookrunRegistry *self = HOOKRUN_REGISTRY (object);

  g_hash_table_unref (self->signals);
  hookrun_tracer_unref (self->tracer);
  hookrun_lock_clear (&self->lock);
  G_OBJECT_CLASS (hookrun_registry_parent_class)->finalize (object);
}

static void
hookrun_registry_class_init (HookrunRegistryClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = hookrun_registry_dispose;
  G_OBJECT_CLASS (klass)->finalize = hookrun_registry_finalize;
}

static void
hookrun_registry_init (HookrunRegistry *self)
{
  hookrun_lock_init (&self->lock);
  self->tracer = hookrun_tracer_new ();
  self->signals = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_object_unref);
}

/**
 * hookrun_registry_new:
 *
 * Makes a registry without signals. When its last reference goes, all handlers are disconnected.
 *
 * Returns: (transfer full): the registry
 *
 * Since: 1.0
 */
HookrunRegistry *
hookrun_registry_new (void)
{
  return g_object_new (HOOKRUN_TYPE_REGISTRY, NULL);
}

/* ---- defining ---- */

static gboolean
check_definition (const char *name, HookrunSignalFlags flags, GError **error)
{
  gsize length = strlen (name);
  const char *problem = NULL;

  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (name[i]) && strchr ("_-.", name[i]) == NULL)
      problem = "a name consists of letters, digits, \"_\", \"-\" and \".\"";
  if (length == 0 || length > MAX_NAME)
    problem = "a name has 1 to 256 bytes";
  else if (((guint)flags & ~(guint)HOOKRUN_SIGNAL_COLLECT_ERRORS) != 0)
    problem = "unknown flags";
  if (problem == NULL)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "cannot define signal \"%.64s\": %s",
               g_utf8_validate (name, -1, NULL) ? name : "", problem);
  return FALSE;
}

/* The signal, made when it is new and @may_add; NULL when it is another one. */
static HookrunSignal *
find_or_add (HookrunRegistry *self, const char *name, HookrunSignalFlags flags,
             HookrunSchema *schema, gboolean may_add)
{
  HookrunSignal *signal = g_hash_table_lookup (self->signals, name);

  if (signal == NULL && !may_add)
    return NULL;
  if (signal == NULL) {
    signal = hookrun_signal_new (name, flags, schema, self->tracer);
    hookrun_signal_set_traced (signal, self->traced);
    g_hash_table_insert (self->signals, signal->name, signal);
    return signal;
  }
  return signal->flags == flags && hookrun_schema_equal (signal->schema, schema) ? signal : NULL;
}

/**
 * hookrun_registry_define_with_schema:
 * @self: a registry
 * @name: dotted words of letters, digits, `_` and `-`
 * @flags: how the signal behaves
 * @schema: the fields of its payload; signals of one run share one
 * @error: return location for an error
 *
 * Defines a signal. The same definition again gives the same signal. From any thread.
 *
 * Returns: (transfer none): the signal, valid as long as @self; %NULL with %HOOKRUN_ERROR_EXISTS
 *   when the name is taken with other fields or flags, or %HOOKRUN_ERROR_INVALID for a malformed
 *   name
 *
 * Since: 1.0
 */
HookrunSignal *
hookrun_registry_define_with_schema (HookrunRegistry *self, const char *name,
                                     HookrunSignalFlags flags, HookrunSchema *schema,
                                     GError **error)
{
  HookrunSignal *signal;
  gboolean is_known;

  g_return_val_if_fail (HOOKRUN_IS_REGISTRY (self) && name != NULL && schema != NULL, NULL);
  if (!check_definition (name, flags, error))
    return NULL;
  hookrun_lock (&self->lock);
  signal = find_or_add (self, name, flags, schema, self->mirror == NULL);
  is_known = signal == NULL && g_hash_table_contains (self->signals, name);
  hookrun_unlock (&self->lock);
  if (signal == NULL && !is_known)
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED,
                 "signal \"%s\" cannot be defined here: %s", name, self->mirror->no_definitions);
  else if (signal == NULL)
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS,
                 "signal \"%s\" is defined already with other fields or flags; use that one or "
                 "another name",
                 name);
  return signal;
}

/**
 * hookrun_registry_define:
 * @self: a registry
 * @name: dotted words of letters, digits, `_` and `-`
 * @flags: how the signal behaves
 * @fields: (array length=n_fields) (nullable): the fields of its payload; copied
 * @n_fields: their number
 * @error: return location for an error
 *
 * Defines a signal with a schema of its own. The same definition again gives the same signal. From
 * any thread.
 *
 * Returns: (transfer none): the signal, valid as long as @self; %NULL with an error as for
 *   [method@Hookrun.Registry.define_with_schema] and [ctor@Hookrun.Schema.new]
 *
 * Since: 1.0
 */
HookrunSignal *
hookrun_registry_define (HookrunRegistry *self, const char *name, HookrunSignalFlags flags,
                         const HookrunField *fields, gsize n_fields, GError **error)
{
  g_autoptr (HookrunSchema) schema = NULL;

  g_return_val_if_fail (HOOKRUN_IS_REGISTRY (self) && name != NULL, NULL);
  schema = hookrun_schema_new (fields, n_fields, error);
  if (schema == NULL) {
    g_prefix_error (error, "signal \"%.64s\": ", name);
    return NULL;
  }
  return hookrun_registry_define_with_schema (self, name, flags, schema, error);
}

/* ---- finding ---- */

/**
 * hookrun_registry_lookup:
 * @self: a registry
 * @name: a name
 *
 * Finds a signal. From any thread.
 *
 * Returns: (transfer none) (nullable): the signal, valid as long as @self, or %NULL
 *
 * Since: 1.0
 */
HookrunSignal *
hookrun_registry_lookup (HookrunRegistry *self, const char *name)
{
  HookrunSignal *signal;

  g_return_val_if_fail (HOOKRUN_IS_REGISTRY (self) && name != NULL, NULL);
  hookrun_lock (&self->lock);
  signal = g_hash_table_lookup (self->signals, name);
  hookrun_unlock (&self->lock);
  return signal != NULL || self->mirror == NULL ? signal
                                                : self->mirror->find (name, self->mirror_data);
}

/* ---- a mirror ---- */

void
hookrun_registry_set_mirror (HookrunRegistry *self, const HookrunMirror *mirror, gpointer user_data)
{
  self->mirror = mirror;
  self->mirror_data = user_data;
}

HookrunSignal *
hookrun_registry_add_mirrored (HookrunRegistry *self, const char *name, HookrunSignalFlags flags,
                               HookrunSchema *schema, HookrunScope *owner, GError **error)
{
  const HookrunHandlerOptions options = {.is_default = TRUE};
  HookrunSignal *signal;

  if (!check_definition (name, flags, error))
    return NULL;
  hookrun_lock (&self->lock);
  signal = find_or_add (self, name, flags, schema, TRUE);
  hookrun_unlock (&self->lock);
  if (signal == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS, "signal \"%s\" has other fields now",
                 name);
    return NULL;
  }
  if (signal->refusal != NULL)
    return signal;
  if (hookrun_signal_connect (signal, owner, "default", &options, self->mirror->emit,
                              self->mirror_data, NULL, error) == 0)
    return NULL;
  signal->refusal = self->mirror->no_connections;
  return signal;
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/**
 * hookrun_registry_list_signals:
 * @self: a registry
 *
 * Lists the names of all signals, sorted. From any thread.
 *
 * Returns: (transfer full) (array zero-terminated=1): the names
 *
 * Since: 1.0
 */
char **
hookrun_registry_list_signals (HookrunRegistry *self)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer name;

  g_return_val_if_fail (HOOKRUN_IS_REGISTRY (self), NULL);
  hookrun_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->signals);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_ptr_array_add (names, g_strdup (name));
  hookrun_unlock (&self->lock);
  g_ptr_array_sort (names, compare_texts);
  g_ptr_array_add (names, NULL);
  return (char **)g_ptr_array_steal (names, NULL);
}

/**
 * hookrun_registry_connect:
 * @self: a registry
 * @signal: the name of a signal
 * @owner: (nullable): as for hookrun_signal_connect()
 * @id: (nullable): likewise
 * @options: (nullable): likewise
 * @func: (scope notified) (closure user_data) (destroy destroy): the handler
 * @user_data: passed to @func
 * @destroy: (nullable): called with @user_data once, also when connecting fails
 * @error: return location for an error
 *
 * Connects a handler to a signal by name. From any thread.
 *
 * Returns: a number for hookrun_signal_disconnect(); 0 with %HOOKRUN_ERROR_NOT_FOUND, whose message
 *   names the signal with the nearest name, or with an error as for hookrun_signal_connect()
 *
 * Since: 1.0
 */
guint64
hookrun_registry_connect (HookrunRegistry *self, const char *signal, HookrunScope *owner,
                          const char *id, const HookrunHandlerOptions *options,
                          HookrunHandlerFunc func, gpointer user_data, GDestroyNotify destroy,
                          GError **error)
{
  HookrunSignal *found;
  g_auto (GStrv) names = NULL;
  g_autofree char *hint = NULL;

  g_return_val_if_fail (HOOKRUN_IS_REGISTRY (self) && signal != NULL && func != NULL, 0);
  found = hookrun_registry_lookup (self, signal);
  if (found != NULL)
    return hookrun_signal_connect (found, owner, id, options, func, user_data, destroy, error);
  names = hookrun_registry_list_signals (self);
  hint = hookrun_nearest_hint (signal, (const char *const *)names);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND, "there is no signal \"%.64s\"%s",
               signal, hint);
  if (destroy != NULL)
    destroy (user_data);
  return 0;
}

/* ---- tracing ---- */

static void
set_traced (HookrunRegistry *self, gboolean traced)
{
  GHashTableIter iter;
  gpointer signal;

  hookrun_lock (&self->lock);
  self->traced = traced;
  g_hash_table_iter_init (&iter, self->signals);
  while (g_hash_table_iter_next (&iter, NULL, &signal))
    hookrun_signal_set_traced (signal, traced);
  hookrun_unlock (&self->lock);
}

/**
 * hookrun_registry_start_trace:
 * @self: a registry
 *
 * Starts to record all emissions of all signals, with each handler's time, verdict and thread. A
 * recording that is under way goes on. Emissions that began before are not in it. From any thread.
 *
 * Since: 1.0
 */
void
hookrun_registry_start_trace (HookrunRegistry *self)
{
  g_return_if_fail (HOOKRUN_IS_REGISTRY (self));
  hookrun_tracer_start (self->tracer);
  set_traced (self, TRUE);
}

/**
 * hookrun_registry_stop_trace:
 * @self: a registry
 *
 * Ends the recording. The payload is not part of it. From any thread.
 *
 * Returns: (transfer full): JSON text in the Trace Event Format, which Perfetto and
 * chrome://tracing open; without events when nothing was recorded
 *
 * Since: 1.0
 */
char *
hookrun_registry_stop_trace (HookrunRegistry *self)
{
  g_return_val_if_fail (HOOKRUN_IS_REGISTRY (self), NULL);
  set_traced (self, FALSE);
  return hookrun_tracer_stop (self->tracer);
}
