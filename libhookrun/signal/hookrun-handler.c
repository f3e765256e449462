/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A connected handler, the immutable lists that hold handlers in order, and the table of lists by
 * subject. A change of a signal makes a new table and shares the lists that stay as they are.
 */
#include "hookrun-signal-private.h"

#include <string.h>

#include "hookrun-order-private.h"
#include "hookrun-scope-private.h"

#define CACHE_LINE 64

HookrunHandler *
hookrun_handler_new (HookrunSignal *signal, HookrunScopeCore *scope, const char *id,
                     const HookrunHandlerOptions *options, HookrunHandlerFunc func,
                     gpointer user_data, GDestroyNotify destroy)
{
  static guint64 last_number = 0; /* atomic */
  HookrunHandler *self = g_aligned_alloc0 (1, sizeof *self, CACHE_LINE);

  self->ref_count = 1;
  self->number = __atomic_add_fetch (&last_number, 1, __ATOMIC_RELAXED);
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;
  self->id = g_strdup (id);
  self->scope = scope != NULL ? hookrun_scope_core_ref (scope) : NULL;
  g_weak_ref_init (&self->signal, signal);
  if (options == NULL)
    return self;
  self->timeout_ms = options->timeout_ms;
  self->priority = options->priority;
  self->is_default = options->is_default;
  self->before = g_strdupv ((char **)options->before);
  self->after = g_strdupv ((char **)options->after);
  self->replaces = g_strdup (options->replaces);
  self->subject = g_strdup (options->subject);
  return self;
}

HookrunHandler *
hookrun_handler_ref (HookrunHandler *self)
{
  __atomic_fetch_add (&self->ref_count, 1, __ATOMIC_RELAXED);
  return self;
}

void
hookrun_handler_unref (HookrunHandler *self)
{
  if (__atomic_sub_fetch (&self->ref_count, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_weak_ref_clear (&self->signal);
  g_clear_pointer (&self->scope, hookrun_scope_core_unref);
  g_strfreev (self->before);
  g_strfreev (self->after);
  g_free (self->replaces);
  g_free (self->subject);
  g_free (self->id);
  g_aligned_free (self);
}

const char *
hookrun_handler_get_owner (const HookrunHandler *self)
{
  return self->scope != NULL ? self->scope->name : NULL;
}

char *
hookrun_handler_describe (const HookrunHandler *self)
{
  g_autofree char *handler = NULL;

  if (self->id != NULL)
    handler = g_strdup_printf ("handler \"%s\"", self->id);
  else
    handler = g_strdup_printf ("handler #%" G_GUINT64_FORMAT, self->number);
  if (self->scope == NULL)
    return g_steal_pointer (&handler);
  return g_strdup_printf ("plugin \"%s\", %s", self->scope->name, handler);
}

/* ---- lists ---- */

HookrunList *
hookrun_list_ref (HookrunList *self)
{
  __atomic_fetch_add (&self->ref_count, 1, __ATOMIC_RELAXED);
  return self;
}

void
hookrun_list_unref (HookrunList *self)
{
  if (__atomic_sub_fetch (&self->ref_count, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  for (guint i = 0; i < self->n_handlers; i++)
    hookrun_handler_unref (self->handlers[i]);
  g_free (self);
}

static gboolean
concerns (const HookrunHandler *handler, const char *subject)
{
  return handler->subject == NULL || g_strcmp0 (handler->subject, subject) == 0;
}

static HookrunList *
list_new (GPtrArray *handlers, const char *subject, gboolean break_cycles, GError **error)
{
  g_autoptr (GPtrArray) chosen = g_ptr_array_new ();
  g_autoptr (GPtrArray) sorted = NULL;
  HookrunList *self;

  for (guint i = 0; i < handlers->len; i++)
    if (concerns (g_ptr_array_index (handlers, i), subject))
      g_ptr_array_add (chosen, g_ptr_array_index (handlers, i));
  sorted = hookrun_order_resolve (chosen, break_cycles, NULL, error);
  if (sorted == NULL) {
    if (subject != NULL)
      g_prefix_error (error, "for subject \"%s\": ", subject);
    return NULL;
  }
  self = g_malloc (sizeof *self + sorted->len * sizeof (HookrunHandler *));
  self->ref_count = 1;
  self->n_handlers = sorted->len;
  for (guint i = 0; i < sorted->len; i++)
    self->handlers[i] = hookrun_handler_ref (g_ptr_array_index (sorted, i));
  return self;
}

/* ---- tables ---- */

static HookrunSubject *
find_subject (HookrunTable *self, const char *subject)
{
  gsize low = 0;
  gsize high = self->n_subjects;

  while (low < high) {
    gsize middle = low + (high - low) / 2;
    int order = strcmp (subject, self->subjects[middle].subject);

    if (order == 0)
      return &self->subjects[middle];
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return NULL;
}

HookrunList *
hookrun_table_find (HookrunTable *self, const char *subject)
{
  HookrunSubject *found = subject != NULL ? find_subject (self, subject) : NULL;

  return found != NULL ? found->list : self->base;
}

void
hookrun_table_free (HookrunTable *self)
{
  for (gsize i = 0; i < self->n_subjects; i++) {
    hookrun_list_unref (self->subjects[i].list);
    g_free (self->subjects[i].subject);
  }
  g_clear_pointer (&self->base, hookrun_list_unref);
  g_free (self);
}

static void
free_retired (HookrunRetired *retired)
{
  hookrun_table_free ((HookrunTable *)retired);
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* The subjects of all handlers, sorted, each once. */
static GPtrArray *
list_subjects (GPtrArray *handlers)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *subjects = g_ptr_array_new ();

  for (guint i = 0; i < handlers->len; i++) {
    HookrunHandler *handler = g_ptr_array_index (handlers, i);

    if (handler->subject != NULL && g_hash_table_add (seen, handler->subject))
      g_ptr_array_add (subjects, handler->subject);
  }
  g_ptr_array_sort (subjects, compare_texts);
  return subjects;
}

/* A list of @old may stay when only handlers of another subject came or went. */
static HookrunList *
reuse_or_make (GPtrArray *handlers, HookrunTable *old, const char *subject,
               const char *only_subject, gboolean break_cycles, GError **error)
{
  HookrunSubject *entry = NULL;

  if (old == NULL || only_subject == NULL || g_strcmp0 (subject, only_subject) == 0)
    return list_new (handlers, subject, break_cycles, error);
  if (subject == NULL)
    return hookrun_list_ref (old->base);
  entry = find_subject (old, subject);
  return entry != NULL ? hookrun_list_ref (entry->list)
                       : list_new (handlers, subject, break_cycles, error);
}

/* The table for @handlers. With @only_subject just the handlers of that subject differ from @old
 * (nullable), else any may. */
HookrunTable *
hookrun_table_new (GPtrArray *handlers, HookrunTable *old, const char *only_subject,
                   gboolean break_cycles, GError **error)
{
  g_autoptr (GPtrArray) subjects = list_subjects (handlers);
  HookrunTable *self = g_malloc0 (sizeof *self + subjects->len * sizeof (HookrunSubject));

  self->retired.free = free_retired;
  self->base = reuse_or_make (handlers, old, NULL, only_subject, break_cycles, error);
  for (guint i = 0; self->base != NULL && i < subjects->len; i++) {
    const char *subject = g_ptr_array_index (subjects, i);
    HookrunList *list = reuse_or_make (handlers, old, subject, only_subject, break_cycles, error);

    if (list == NULL)
      break;
    self->subjects[self->n_subjects++] = (HookrunSubject){g_strdup (subject), list};
  }
  if (self->base != NULL && self->n_subjects == subjects->len)
    return self;
  hookrun_table_free (self);
  return NULL;
}
