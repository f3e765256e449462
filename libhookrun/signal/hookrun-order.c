/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The order of handlers: a topological sort (Kahn) over "places", where those that are free to run
 * go by default or not, then priority, then registration. A handler and all that replace it share
 * one place with the constraints of them all; only the last replacer runs there.
 */
#include "hookrun-order-private.h"

typedef struct _Place Place;

struct _Place {
  HookrunHandler *first; /* whose priority and registration place it */
  HookrunHandler *runs;  /* the last replacer */
  GPtrArray *members;    /* handlers */
  GPtrArray *successors; /* places, each once for every constraint */
  GPtrArray *notes;      /* why it comes after something: texts */
  guint n_blockers;
  gboolean done;
};

typedef struct {
  GPtrArray *handlers;
  GHashTable *by_id;    /* id -> GPtrArray of handlers */
  GHashTable *place_of; /* handler -> place */
  GPtrArray *places;
  gboolean with_notes;
} Order;

static void
free_place (gpointer data)
{
  Place *place = data;

  g_ptr_array_unref (place->members);
  g_ptr_array_unref (place->successors);
  g_ptr_array_unref (place->notes);
  g_free (place);
}

static void
clear_order (Order *order)
{
  g_hash_table_unref (order->by_id);
  g_hash_table_unref (order->place_of);
  g_ptr_array_unref (order->places);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Order, clear_order)

static const char *
name_of (const HookrunHandler *handler)
{
  return handler->id != NULL ? handler->id : "(no id)";
}

static GPtrArray *
with_id (Order *order, const char *id)
{
  return id != NULL ? g_hash_table_lookup (order->by_id, id) : NULL;
}

static void
index_ids (Order *order)
{
  for (guint i = 0; i < order->handlers->len; i++) {
    HookrunHandler *handler = g_ptr_array_index (order->handlers, i);
    GPtrArray *same = with_id (order, handler->id);

    if (handler->id == NULL)
      continue;
    if (same == NULL) {
      same = g_ptr_array_new ();
      g_hash_table_insert (order->by_id, handler->id, same);
    }
    g_ptr_array_add (same, handler);
  }
}

/* ---- replacing ---- */

static Place *
new_place (Order *order, HookrunHandler *handler)
{
  Place *place = g_new0 (Place, 1);

  place->members = g_ptr_array_new ();
  place->successors = g_ptr_array_new ();
  place->notes = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (place->members, handler);
  g_ptr_array_add (order->places, place);
  g_hash_table_insert (order->place_of, handler, place);
  return place;
}

static void
merge_places (Order *order, Place *into, Place *other)
{
  if (into == other)
    return;
  for (guint i = 0; i < other->members->len; i++) {
    HookrunHandler *member = g_ptr_array_index (other->members, i);

    g_ptr_array_add (into->members, member);
    g_hash_table_insert (order->place_of, member, into);
  }
  g_ptr_array_remove_fast (order->places, other);
}

/* The one that was registered last among those that replace @id. */
static HookrunHandler *
last_replacer (Place *place, const char *id)
{
  HookrunHandler *last = NULL;

  for (guint i = 0; i < place->members->len; i++) {
    HookrunHandler *member = g_ptr_array_index (place->members, i);

    if (id != NULL && g_strcmp0 (member->replaces, id) == 0 &&
        (last == NULL || member->number > last->number))
      last = member;
  }
  return last;
}

static HookrunHandler *
first_original (Order *order, Place *place)
{
  HookrunHandler *first = NULL;

  for (guint i = 0; i < place->members->len; i++) {
    HookrunHandler *member = g_ptr_array_index (place->members, i);

    if (with_id (order, member->replaces) == NULL &&
        (first == NULL || member->number < first->number))
      first = member;
  }
  return first;
}

/* Walks from the original to the last replacer; a walk longer than the place runs in a circle. */
static gboolean
settle_place (Order *order, Place *place, GError **error)
{
  g_autoptr (GString) path = g_string_new (NULL);
  HookrunHandler *original = first_original (order, place);
  HookrunHandler *next = original;

  if (next == NULL)
    next = g_ptr_array_index (place->members, 0);
  for (guint i = 0; i <= place->members->len; i++) {
    g_string_append_printf (path, "%s\"%s\"", i > 0 ? " replaced by " : "", name_of (next));
    place->runs = next;
    next = last_replacer (place, next->id);
    if (next == NULL) {
      place->first = original;
      return TRUE;
    }
  }
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CYCLE,
               "handlers replace each other in a circle: %s; drop one of these", path->str);
  return FALSE;
}

static gboolean
make_places (Order *order, GError **error)
{
  for (guint i = 0; i < order->handlers->len; i++)
    new_place (order, g_ptr_array_index (order->handlers, i));
  for (guint i = 0; i < order->handlers->len; i++) {
    HookrunHandler *handler = g_ptr_array_index (order->handlers, i);
    GPtrArray *targets = with_id (order, handler->replaces);

    for (guint j = 0; targets != NULL && j < targets->len; j++)
      merge_places (order, g_hash_table_lookup (order->place_of, g_ptr_array_index (targets, j)),
                    g_hash_table_lookup (order->place_of, handler));
  }
  for (guint i = 0; i < order->places->len; i++)
    if (!settle_place (order, g_ptr_array_index (order->places, i), error))
      return FALSE;
  return TRUE;
}

/* ---- constraints ---- */

static void
add_edge (Order *order, HookrunHandler *earlier, HookrunHandler *later, HookrunHandler *asker)
{
  Place *from = g_hash_table_lookup (order->place_of, earlier);
  Place *to = g_hash_table_lookup (order->place_of, later);

  if (from == to)
    return;
  g_ptr_array_add (from->successors, to);
  to->n_blockers++;
  if (!order->with_notes)
    return;
  if (asker == to->runs)
    g_ptr_array_add (to->notes, g_strdup_printf ("after \"%s\" as it asks", name_of (earlier)));
  else
    g_ptr_array_add (to->notes, g_strdup_printf ("after \"%s\" as \"%s\" asks", name_of (earlier),
                                                 name_of (asker)));
}

static void
add_edges (Order *order)
{
  for (guint i = 0; i < order->handlers->len; i++) {
    HookrunHandler *handler = g_ptr_array_index (order->handlers, i);

    for (guint j = 0; handler->after != NULL && handler->after[j] != NULL; j++) {
      GPtrArray *others = with_id (order, handler->after[j]);

      for (guint k = 0; others != NULL && k < others->len; k++)
        add_edge (order, g_ptr_array_index (others, k), handler, handler);
    }
    for (guint j = 0; handler->before != NULL && handler->before[j] != NULL; j++) {
      GPtrArray *others = with_id (order, handler->before[j]);

      for (guint k = 0; others != NULL && k < others->len; k++)
        add_edge (order, handler, g_ptr_array_index (others, k), handler);
    }
  }
}

static int
compare_handlers (const HookrunHandler *p, const HookrunHandler *q)
{
  if (p->is_default != q->is_default)
    return p->is_default ? 1 : -1;
  if (p->priority != q->priority)
    return p->priority < q->priority ? -1 : 1;
  return p->number < q->number ? -1 : p->number > q->number;
}

static int
compare_places (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return compare_handlers (((const Place *)a)->first, ((const Place *)b)->first);
}

/* ---- sorting ---- */

/* Some place of @place's successors that is not done and leads back to itself is on every walk
 * along undone blockers; walk backwards until one is met again. */
static Place *
undone_blocker (Order *order, Place *place)
{
  for (guint i = 0; i < order->places->len; i++) {
    Place *other = g_ptr_array_index (order->places, i);

    if (!other->done && g_ptr_array_find (other->successors, place, NULL))
      return other;
  }
  return NULL;
}

static void
set_cycle_error (Order *order, Place *place, GError **error)
{
  g_autoptr (GPtrArray) walk = g_ptr_array_new ();
  g_autoptr (GString) path = g_string_new (NULL);
  guint start = 0;

  while (!g_ptr_array_find (walk, place, &start)) {
    g_ptr_array_add (walk, place);
    place = undone_blocker (order, place);
  }
  for (guint i = walk->len; i > start; i--)
    g_string_append_printf (path, "\"%s\" before ",
                            name_of (((Place *)g_ptr_array_index (walk, i - 1))->runs));
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CYCLE,
               "the order of handlers runs in a circle: %s\"%s\"; drop one of these constraints",
               path->str, name_of (((Place *)g_ptr_array_index (walk, walk->len - 1))->runs));
}

static Place *
first_undone (Order *order)
{
  Place *first = NULL;

  for (guint i = 0; i < order->places->len; i++) {
    Place *place = g_ptr_array_index (order->places, i);

    if (!place->done && (first == NULL || compare_places (place, first, NULL) < 0))
      first = place;
  }
  return first;
}

/* The next place to run: the first of the free ones. */
static Place *
take_next (Order *order, GTree *ready, gboolean break_cycles, GError **error)
{
  GTreeNode *node = g_tree_node_first (ready);
  Place *place;

  if (node != NULL) {
    place = g_tree_node_key (node);
    g_tree_remove (ready, place);
    return place;
  }
  place = first_undone (order);
  if (!break_cycles) {
    set_cycle_error (order, place, error);
    return NULL;
  }
  return place;
}

static GPtrArray *
sort_places (Order *order, gboolean break_cycles, GError **error)
{
  g_autoptr (GTree) ready = g_tree_new_full (compare_places, NULL, NULL, NULL);
  g_autoptr (GPtrArray) sorted = g_ptr_array_sized_new (order->places->len);

  for (guint i = 0; i < order->places->len; i++) {
    Place *place = g_ptr_array_index (order->places, i);

    if (place->n_blockers == 0)
      g_tree_insert (ready, place, place);
  }
  while (sorted->len < order->places->len) {
    Place *place = take_next (order, ready, break_cycles, error);

    if (place == NULL)
      return NULL;
    place->done = TRUE;
    g_ptr_array_add (sorted, place);
    for (guint i = 0; i < place->successors->len; i++) {
      Place *next = g_ptr_array_index (place->successors, i);

      if (--next->n_blockers == 0 && !next->done)
        g_tree_insert (ready, next, next);
    }
  }
  return g_steal_pointer (&sorted);
}

/* ---- reasons ---- */

static char *
explain (Place *place)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; place->members->len > 1 && i < place->members->len; i++) {
    HookrunHandler *member = g_ptr_array_index (place->members, i);

    if (member != place->runs)
      g_ptr_array_add (parts, g_strdup_printf ("in the place of \"%s\"", name_of (member)));
  }
  for (guint i = 0; i < place->notes->len; i++)
    g_ptr_array_add (parts, g_strdup (g_ptr_array_index (place->notes, i)));
  if (place->first->is_default)
    g_ptr_array_add (parts, g_strdup ("last, as it is the default action"));
  if (place->first->priority != 0)
    g_ptr_array_add (parts, g_strdup_printf ("priority %d", place->first->priority));
  g_ptr_array_add (parts, g_strdup (place->first->priority != 0 ? "then order of registration"
                                                                : "order of registration"));
  g_ptr_array_add (parts, NULL);
  return g_strjoinv (", ", (char **)parts->pdata);
}

/* ---- the usual case: no handler names another ---- */

static gboolean
is_free (const HookrunHandler *handler)
{
  return (handler->before == NULL || handler->before[0] == NULL) &&
         (handler->after == NULL || handler->after[0] == NULL) && handler->replaces == NULL;
}

static gboolean
all_are_free (GPtrArray *handlers)
{
  for (guint i = 0; i < handlers->len; i++)
    if (!is_free (g_ptr_array_index (handlers, i)))
      return FALSE;
  return TRUE;
}

static int
compare_pointers (gconstpointer a, gconstpointer b)
{
  return compare_handlers (*(HookrunHandler *const *)a, *(HookrunHandler *const *)b);
}

static GPtrArray *
sort_free (GPtrArray *handlers)
{
  GPtrArray *sorted = g_ptr_array_copy (handlers, NULL, NULL);

  g_ptr_array_set_free_func (sorted, NULL);
  g_ptr_array_sort (sorted, compare_pointers);
  return sorted;
}

GPtrArray *
hookrun_order_resolve (GPtrArray *handlers, gboolean break_cycles, GPtrArray *reasons,
                       GError **error)
{
  g_auto (Order) order = {
      .handlers = handlers,
      .by_id =
          g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref),
      .place_of = g_hash_table_new (NULL, NULL),
      .places = g_ptr_array_new_with_free_func (free_place),
      .with_notes = reasons != NULL,
  };
  g_autoptr (GPtrArray) sorted = NULL;
  GPtrArray *result;

  if (reasons == NULL && all_are_free (handlers))
    return sort_free (handlers);
  index_ids (&order);
  if (!make_places (&order, error))
    return NULL;
  add_edges (&order);
  sorted = sort_places (&order, break_cycles, error);
  if (sorted == NULL)
    return NULL;
  result = g_ptr_array_sized_new (sorted->len);
  for (guint i = 0; i < sorted->len; i++) {
    Place *place = g_ptr_array_index (sorted, i);

    g_ptr_array_add (result, place->runs);
    if (reasons != NULL)
      g_ptr_array_add (reasons, explain (place));
  }
  return result;
}
