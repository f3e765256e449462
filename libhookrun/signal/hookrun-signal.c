/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A signal and what is connected to it. Each change works out a new table of sorted handlers,
 * publishes it with one store and retires the old one; emissions that read the old one go on.
 */
#include "hookrun-data-private.h"
#include "hookrun-order-private.h"
#include "hookrun-reclaim-private.h"
#include "hookrun-scope-private.h"
#include "hookrun-trace-private.h"

#include <string.h>

#define MAX_ID 256

G_DEFINE_FINAL_TYPE (HookrunSignal, hookrun_signal, G_TYPE_OBJECT)

static void
hookrun_signal_dispose (GObject *object)
{
  hookrun_signal_remove_all (HOOKRUN_SIGNAL (object));
  G_OBJECT_CLASS (hookrun_signal_parent_class)->dispose (object);
}

static void
hookrun_signal_finalize (GObject *object)
{
  HookrunSignal *self = HOOKRUN_SIGNAL (object);

  g_clear_pointer (&self->handlers, g_ptr_array_unref);
  g_clear_pointer (&self->schema, hookrun_schema_unref);
  g_clear_pointer (&self->tracer, hookrun_tracer_unref);
  g_clear_pointer (&self->name, g_free);
  hookrun_lock_clear (&self->lock);
  G_OBJECT_CLASS (hookrun_signal_parent_class)->finalize (object);
}

static void
hookrun_signal_class_init (HookrunSignalClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = hookrun_signal_dispose;
  G_OBJECT_CLASS (klass)->finalize = hookrun_signal_finalize;
}

static void
hookrun_signal_init (HookrunSignal *self)
{
  hookrun_lock_init (&self->lock);
  self->handlers = g_ptr_array_new ();
}

HookrunSignal *
hookrun_signal_new (const char *name, HookrunSignalFlags flags, HookrunSchema *schema,
                    HookrunTracer *tracer)
{
  HookrunSignal *self = g_object_new (HOOKRUN_TYPE_SIGNAL, NULL);

  self->name = g_strdup (name);
  self->flags = flags;
  self->schema = hookrun_schema_ref (schema);
  self->attention = schema->n_required > 0 ? HOOKRUN_ATTENTION_REQUIRED : 0;
  self->tracer = hookrun_tracer_ref (tracer);
  return self;
}

void
hookrun_signal_set_traced (HookrunSignal *self, gboolean traced)
{
  if (traced)
    __atomic_fetch_or (&self->attention, HOOKRUN_ATTENTION_TRACE, __ATOMIC_RELAXED);
  else
    __atomic_fetch_and (&self->attention, ~(guint)HOOKRUN_ATTENTION_TRACE, __ATOMIC_RELAXED);
}

/**
 * hookrun_signal_get_name:
 * @self: a signal
 *
 * Gets the name it was defined with.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
hookrun_signal_get_name (HookrunSignal *self)
{
  g_return_val_if_fail (HOOKRUN_IS_SIGNAL (self), NULL);
  return self->name;
}

/**
 * hookrun_signal_get_schema:
 * @self: a signal
 *
 * Gets the fields of its payload.
 *
 * Returns: (transfer none): the schema; without a field when none was declared
 *
 * Since: 1.0
 */
HookrunSchema *
hookrun_signal_get_schema (HookrunSignal *self)
{
  g_return_val_if_fail (HOOKRUN_IS_SIGNAL (self), NULL);
  return self->schema;
}

/* ---- publishing ---- */

/* Publishes a table of the handlers as they are; the lock is held. Gives what to retire once it is
 * not. FALSE when they cannot be ordered: nothing changed. */
static gboolean
publish (HookrunSignal *self, const char *only_subject, gboolean break_cycles, HookrunTable **old,
         GError **error)
{
  HookrunTable *table = NULL;

  *old = self->table;
  if (self->handlers->len > 0) {
    table = hookrun_table_new (self->handlers, *old, only_subject, break_cycles, error);
    if (table == NULL) {
      *old = NULL;
      return FALSE;
    }
  }
  __atomic_store_n (&self->table, table, __ATOMIC_SEQ_CST);
  return TRUE;
}

static void
retire (HookrunTable *table)
{
  if (table != NULL)
    hookrun_reclaim_retire (&table->retired);
}

/* ---- connecting ---- */

static gboolean
is_text (const char *text)
{
  return text == NULL ||
         (text[0] != '\0' && strlen (text) <= MAX_ID && g_utf8_validate (text, -1, NULL));
}

/* An id stands in messages, listings and files of one line: characters that are seen, no blanks. */
static gboolean
is_id (const char *id)
{
  if (!is_text (id))
    return FALSE;
  for (const char *at = id; at != NULL && *at != '\0'; at = g_utf8_next_char (at)) {
    gboolean is_seen =
        (guchar)*at < 0x80 ? *at > ' ' && *at < 0x7f : g_unichar_isgraph (g_utf8_get_char (at));

    if (!is_seen)
      return FALSE;
  }
  return TRUE;
}

gboolean
hookrun_signal_check_options (HookrunSignal *self, const char *id,
                              const HookrunHandlerOptions *options, GError **error)
{
  const char *problem = NULL;
  g_autofree char *shown = NULL;

  if (!is_id (id))
    problem = "an id is 1 to 256 bytes of UTF-8 without blanks and control characters";
  else if (options != NULL && !is_text (options->subject))
    problem = "a subject is UTF-8 text of 1 to 256 bytes";
  else if (options != NULL && options->replaces != NULL && g_strcmp0 (options->replaces, id) == 0)
    problem = "a handler cannot replace itself";
  if (problem == NULL)
    return TRUE;
  shown = g_strescape (id != NULL ? id : "", NULL);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "signal \"%s\": cannot connect handler \"%.80s\": %s", self->name, shown, problem);
  return FALSE;
}

static HookrunHandler *
find_same (HookrunSignal *self, const HookrunHandler *handler)
{
  for (guint i = 0; handler->id != NULL && i < self->handlers->len; i++) {
    HookrunHandler *other = g_ptr_array_index (self->handlers, i);

    if (g_strcmp0 (other->id, handler->id) == 0 &&
        g_strcmp0 (other->subject, handler->subject) == 0)
      return other;
  }
  return NULL;
}

gboolean
hookrun_signal_check_new (HookrunSignal *self, const HookrunHandler *handler, GError **error)
{
  HookrunHandler *same = find_same (self, handler);
  g_autofree char *who = same != NULL ? hookrun_handler_describe (same) : NULL;

  if (same == NULL)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS,
               "signal \"%s\": %s is connected already%s%s; choose another id", self->name, who,
               same->subject != NULL ? " for subject " : "",
               same->subject != NULL ? same->subject : "");
  return FALSE;
}

static gboolean
check_open (HookrunSignal *self, GError **error)
{
  if (self->refusal == NULL)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED,
               "signal \"%s\": nobody can connect here: %s", self->name, self->refusal);
  return FALSE;
}

/* The lock is held. */
static gboolean
add_handler (HookrunSignal *self, HookrunHandler *handler, HookrunTable **old, GError **error)
{
  if (!hookrun_signal_check_new (self, handler, error))
    return FALSE;
  g_ptr_array_add (self->handlers, handler);
  if (handler->scope != NULL && !hookrun_scope_core_add (handler->scope, handler)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "signal \"%s\": the scope \"%s\" is closed and takes no connections", self->name,
                 handler->scope->name);
  } else if (publish (self, handler->subject, FALSE, old, error)) {
    return TRUE;
  } else {
    g_prefix_error (error, "signal \"%s\": cannot connect handler \"%s\": ", self->name,
                    handler->id != NULL ? handler->id : "");
    if (handler->scope != NULL)
      hookrun_scope_core_remove (handler->scope, handler);
  }
  g_ptr_array_set_size (self->handlers, (int)self->handlers->len - 1);
  return FALSE;
}

/**
 * hookrun_signal_connect:
 * @self: a signal
 * @owner: (nullable): the scope that the connection belongs to; %NULL for the program's own
 * @id: (nullable): names the handler for others; unique for the signal and subject; at most 256
 *   bytes of UTF-8 without blanks and control characters
 * @options: (nullable): where it is placed; %NULL for a plain handler
 * @func: (scope notified) (closure user_data) (destroy destroy): the handler
 * @user_data: passed to @func
 * @destroy: (nullable): called with @user_data once, when the handler is disconnected and no
 *   emission uses it any more, or when connecting fails; in any thread
 * @error: return location for an error
 *
 * Connects a handler. From any thread and from handlers; emissions that are under way do not see
 * it. Unknown ids in constraints are ignored, now and until somebody connects with them.
 *
 * Returns: a number for hookrun_signal_disconnect(); 0 with %HOOKRUN_ERROR_EXISTS when the id is
 *   taken, %HOOKRUN_ERROR_CYCLE when the handlers cannot be ordered (the message prints the path),
 *   or %HOOKRUN_ERROR_INVALID for a malformed id or a closed scope; nothing is connected then
 *
 * Since: 1.0
 */
guint64
hookrun_signal_connect (HookrunSignal *self, HookrunScope *owner, const char *id,
                        const HookrunHandlerOptions *options, HookrunHandlerFunc func,
                        gpointer user_data, GDestroyNotify destroy, GError **error)
{
  HookrunScopeCore *scope;
  HookrunHandler *handler;
  HookrunTable *old = NULL;
  gboolean added;
  guint64 number;

  g_return_val_if_fail (HOOKRUN_IS_SIGNAL (self) && func != NULL, 0);
  g_return_val_if_fail (owner == NULL || HOOKRUN_IS_SCOPE (owner), 0);
  scope = owner != NULL ? hookrun_scope_get_core (owner) : NULL;
  if (!check_open (self, error) || !hookrun_signal_check_options (self, id, options, error)) {
    if (destroy != NULL)
      destroy (user_data);
    return 0;
  }
  handler = hookrun_handler_new (self, scope, id, options, func, user_data, destroy);
  number = handler->number;
  hookrun_lock (&self->lock);
  added = add_handler (self, handler, &old, error);
  hookrun_unlock (&self->lock);
  retire (old);
  if (added)
    return number;
  hookrun_handler_unref (handler);
  return 0;
}

/* ---- disconnecting ---- */

/* The lock is held; the signal's reference goes to the caller. */
static gboolean
take_handler (HookrunSignal *self, HookrunHandler *handler, HookrunTable **old)
{
  guint index;

  if (!g_ptr_array_find (self->handlers, handler, &index))
    return FALSE;
  g_ptr_array_remove_index (self->handlers, index);
  __atomic_store_n (&handler->removed, 1, __ATOMIC_SEQ_CST);
  publish (self, handler->subject, TRUE, old, NULL);
  return TRUE;
}

void
hookrun_signal_remove_handler (HookrunSignal *self, HookrunHandler *handler)
{
  HookrunTable *old = NULL;
  gboolean taken;

  hookrun_lock (&self->lock);
  taken = take_handler (self, handler, &old);
  hookrun_unlock (&self->lock);
  if (!taken)
    return;
  if (handler->scope != NULL)
    hookrun_scope_core_remove (handler->scope, handler);
  retire (old);
  hookrun_handler_unref (handler);
}

void
hookrun_signal_remove_all (HookrunSignal *self)
{
  HookrunTable *old = NULL;
  g_autoptr (GPtrArray) handlers = NULL;

  hookrun_lock (&self->lock);
  handlers = g_steal_pointer (&self->handlers);
  self->handlers = g_ptr_array_new ();
  for (guint i = 0; i < handlers->len; i++)
    __atomic_store_n (&((HookrunHandler *)g_ptr_array_index (handlers, i))->removed, 1,
                      __ATOMIC_SEQ_CST);
  publish (self, NULL, TRUE, &old, NULL);
  hookrun_unlock (&self->lock);
  retire (old);
  for (guint i = 0; i < handlers->len; i++) {
    HookrunHandler *handler = g_ptr_array_index (handlers, i);

    if (handler->scope != NULL)
      hookrun_scope_core_remove (handler->scope, handler);
    hookrun_handler_unref (handler);
  }
}

/**
 * hookrun_signal_disconnect:
 * @self: a signal
 * @handler: what hookrun_signal_connect() gave
 *
 * Disconnects a handler, also from inside itself. Emissions that are under way do not call it any
 * more; one that runs it now in another thread goes on. To wait for that, close its scope. From any
 * thread.
 *
 * Returns: %FALSE when it was not connected
 *
 * Since: 1.0
 */
gboolean
hookrun_signal_disconnect (HookrunSignal *self, guint64 handler)
{
  HookrunHandler *found = NULL;

  g_return_val_if_fail (HOOKRUN_IS_SIGNAL (self), FALSE);
  hookrun_lock (&self->lock);
  for (guint i = 0; found == NULL && i < self->handlers->len; i++) {
    HookrunHandler *candidate = g_ptr_array_index (self->handlers, i);

    if (candidate->number == handler)
      found = hookrun_handler_ref (candidate);
  }
  hookrun_unlock (&self->lock);
  if (found == NULL)
    return FALSE;
  hookrun_signal_remove_handler (self, found);
  hookrun_handler_unref (found);
  return TRUE;
}

/* ---- listing ---- */

static JsonNode *
describe (const HookrunHandler *handler, const char *reason)
{
  g_autoptr (JsonObject) object = json_object_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_object_set_string_member (object, "id", handler->id);
  json_object_set_string_member (object, "owner", hookrun_handler_get_owner (handler));
  json_object_set_string_member (object, "subject", handler->subject);
  json_object_set_int_member (object, "priority", handler->priority);
  json_object_set_boolean_member (object, "default", handler->is_default);
  json_object_set_string_member (object, "replaces", handler->replaces);
  json_object_set_int_member (object, "timeout_ms", handler->timeout_ms);
  json_object_set_string_member (object, "reason", reason);
  json_node_set_object (node, object);
  return node;
}

/**
 * hookrun_signal_list_handlers:
 * @self: a signal
 * @subject: (nullable): as for hookrun_signal_emit_for()
 *
 * Lists the handlers that an emission for @subject runs, in order. Each is an object with `id`,
 * `owner`, `subject`, `priority`, `default`, `replaces`, `timeout_ms` and `reason`, which says in
 * words why it has its place. From any thread.
 *
 * Returns: (transfer full): one JSON array
 *
 * Since: 1.0
 */
JsonNode *
hookrun_signal_list_handlers (HookrunSignal *self, const char *subject)
{
  g_autoptr (GPtrArray) chosen = g_ptr_array_new ();
  g_autoptr (GPtrArray) reasons = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) sorted = NULL;
  g_autoptr (JsonArray) array = json_array_new ();
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  g_return_val_if_fail (HOOKRUN_IS_SIGNAL (self), NULL);
  hookrun_lock (&self->lock);
  for (guint i = 0; i < self->handlers->len; i++) {
    HookrunHandler *handler = g_ptr_array_index (self->handlers, i);

    if (handler->subject == NULL || g_strcmp0 (handler->subject, subject) == 0)
      g_ptr_array_add (chosen, handler);
  }
  sorted = hookrun_order_resolve (chosen, TRUE, reasons, NULL);
  for (guint i = 0; i < sorted->len; i++)
    json_array_add_element (
        array, describe (g_ptr_array_index (sorted, i), g_ptr_array_index (reasons, i)));
  hookrun_unlock (&self->lock);
  json_node_set_array (node, array);
  return node;
}
