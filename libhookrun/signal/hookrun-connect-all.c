/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Connecting many handlers at once: the tables of all signals concerned are made, and only when
 * each of them could be made they are published. Each signal is sorted once, however many handlers
 * it gets.
 */
#include "hookrun-connect-all-private.h"
#include "hookrun-reclaim-private.h"
#include "hookrun-scope-private.h"
#include "hookrun-signal-private.h"

/* One signal and what becomes of it. */
typedef struct {
  HookrunSignal *signal;
  guint n_before; /* handlers */
  HookrunTable *table;
} Part;

typedef struct {
  GPtrArray *handlers; /* one a connection; owned until they are connected */
  GArray *parts;       /* Part, by address of the signal: all who lock several keep that order */
} Batch;

static void
batch_clear (Batch *batch)
{
  g_ptr_array_unref (batch->handlers);
  g_array_unref (batch->parts);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Batch, batch_clear)

static int
compare_parts (gconstpointer a, gconstpointer b)
{
  const HookrunSignal *p = ((const Part *)a)->signal;
  const HookrunSignal *q = ((const Part *)b)->signal;

  return (p > q) - (p < q);
}

static void
collect (Batch *batch, const HookrunConnection *connections, gsize n_connections)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  for (gsize i = 0; i < n_connections; i++) {
    const HookrunConnection *c = &connections[i];
    HookrunScopeCore *scope = c->owner != NULL ? hookrun_scope_get_core (c->owner) : NULL;
    Part part = {.signal = c->signal};

    g_ptr_array_add (batch->handlers, hookrun_handler_new (c->signal, scope, c->id, c->options,
                                                           c->func, c->user_data, c->destroy));
    if (g_hash_table_add (seen, c->signal))
      g_array_append_val (batch->parts, part);
  }
  g_array_sort (batch->parts, compare_parts);
}

static gboolean
check_options (const HookrunConnection *connections, gsize n_connections, GError **error)
{
  for (gsize i = 0; i < n_connections; i++)
    if (!hookrun_signal_check_options (connections[i].signal, connections[i].id,
                                       connections[i].options, error))
      return FALSE;
  return TRUE;
}

static void
lock_all (Batch *batch)
{
  for (guint i = 0; i < batch->parts->len; i++) {
    Part *part = &g_array_index (batch->parts, Part, i);

    hookrun_lock (&part->signal->lock);
    part->n_before = part->signal->handlers->len;
  }
}

static void
unlock_all (Batch *batch)
{
  for (guint i = 0; i < batch->parts->len; i++)
    hookrun_unlock (&g_array_index (batch->parts, Part, i).signal->lock);
}

/* Handlers of one signal and subject may not share an id. Where two merely collide here, the signal
 * itself decides. */
static guint
hash_handler (gconstpointer data)
{
  const HookrunHandler *handler = data;

  return g_str_hash (handler->id) ^ (handler->subject != NULL ? g_str_hash (handler->subject) : 0);
}

static gboolean
handlers_equal (gconstpointer a, gconstpointer b)
{
  const HookrunHandler *p = a;
  const HookrunHandler *q = b;

  return g_str_equal (p->id, q->id) && g_strcmp0 (p->subject, q->subject) == 0;
}

static GHashTable *
list_taken (Batch *batch)
{
  GHashTable *taken = g_hash_table_new (hash_handler, handlers_equal);

  for (guint i = 0; i < batch->parts->len; i++) {
    GPtrArray *handlers = g_array_index (batch->parts, Part, i).signal->handlers;

    for (guint j = 0; j < handlers->len; j++) {
      HookrunHandler *handler = g_ptr_array_index (handlers, j);

      if (handler->id != NULL)
        g_hash_table_add (taken, handler);
    }
  }
  return taken;
}

/* Puts the handlers where tables are made from, and into their scopes. */
static gboolean
add_all (Batch *batch, const HookrunConnection *connections, GError **error)
{
  g_autoptr (GHashTable) taken = list_taken (batch);

  for (guint i = 0; i < batch->handlers->len; i++) {
    HookrunHandler *handler = g_ptr_array_index (batch->handlers, i);
    HookrunSignal *signal = connections[i].signal;

    if (handler->id != NULL && !g_hash_table_add (taken, handler) &&
        !hookrun_signal_check_new (signal, handler, error))
      return FALSE;
    if (handler->scope != NULL && !hookrun_scope_core_add (handler->scope, handler)) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                   "signal \"%s\": the scope \"%s\" is closed and takes no connections",
                   signal->name, handler->scope->name);
      return FALSE;
    }
    g_ptr_array_add (signal->handlers, handler);
  }
  return TRUE;
}

static gboolean
make_tables (Batch *batch, GError **error)
{
  for (guint i = 0; i < batch->parts->len; i++) {
    Part *part = &g_array_index (batch->parts, Part, i);

    part->table =
        hookrun_table_new (part->signal->handlers, part->signal->table, NULL, FALSE, error);
    if (part->table == NULL) {
      g_prefix_error (error, "signal \"%s\": ", part->signal->name);
      return FALSE;
    }
  }
  return TRUE;
}

/* The old tables stay in the parts, to be retired without a lock held. */
static void
publish_all (Batch *batch)
{
  for (guint i = 0; i < batch->parts->len; i++) {
    Part *part = &g_array_index (batch->parts, Part, i);
    HookrunTable *old = part->signal->table;

    __atomic_store_n (&part->signal->table, part->table, __ATOMIC_SEQ_CST);
    part->table = old;
  }
}

static void
take_back (Batch *batch)
{
  for (guint i = 0; i < batch->parts->len; i++) {
    Part *part = &g_array_index (batch->parts, Part, i);

    g_clear_pointer (&part->table, hookrun_table_free);
    g_ptr_array_set_size (part->signal->handlers, (int)part->n_before);
  }
}

static void
retire_all (Batch *batch)
{
  for (guint i = 0; i < batch->parts->len; i++) {
    HookrunTable *old = g_array_index (batch->parts, Part, i).table;

    if (old != NULL)
      hookrun_reclaim_retire (&old->retired);
  }
}

/* Also of handlers that never came into their scope. */
static void
drop_handlers (Batch *batch)
{
  for (guint i = 0; i < batch->handlers->len; i++) {
    HookrunHandler *handler = g_ptr_array_index (batch->handlers, i);

    if (handler->scope != NULL)
      hookrun_scope_core_remove (handler->scope, handler);
    hookrun_handler_unref (handler);
  }
}

gboolean
hookrun_connect_all (const HookrunConnection *connections, gsize n_connections, GError **error)
{
  g_auto (Batch) batch = {g_ptr_array_new (), g_array_new (FALSE, FALSE, sizeof (Part))};
  gboolean ok = check_options (connections, n_connections, error);

  collect (&batch, connections, n_connections);
  lock_all (&batch);
  ok = ok && add_all (&batch, connections, error) && make_tables (&batch, error);
  if (ok)
    publish_all (&batch);
  else
    take_back (&batch);
  unlock_all (&batch);
  if (ok)
    retire_all (&batch);
  else
    drop_handlers (&batch);
  return ok;
}
