/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the signal room share about signals: a handler, the immutable sorted list of
 * handlers that an emission reads, and the table of those lists by subject that a signal publishes.
 */
#pragma once

#include "hookrun-registry.h"

#include "hookrun-lock-private.h"

G_BEGIN_DECLS

typedef struct _HookrunScopeCore HookrunScopeCore;
typedef struct _HookrunTracer HookrunTracer;
typedef struct _HookrunRetired HookrunRetired;

/* The fields that an emission reads come first: they share a cache line. */
typedef struct {
  int removed; /* atomic; once set no emission calls the handler any more */
  guint timeout_ms;
  HookrunHandlerFunc func;
  gpointer user_data;
  HookrunScopeCore *scope; /* (nullable) */
  char *id;                /* (nullable) */
  int ref_count;           /* atomic */
  int priority;
  guint64 number; /* what connect gave; grows, so it is the order of registration */
  char **before;
  char **after;
  char *replaces;
  char *subject;
  gboolean is_default;
  GDestroyNotify destroy;
  GWeakRef signal;
} HookrunHandler;

typedef struct {
  int ref_count; /* atomic */
  guint n_handlers;
  HookrunHandler *handlers[];
} HookrunList;

/* An object that was unpublished and waits until no thread reads it any more. */
struct _HookrunRetired {
  HookrunRetired *next;
  void (*free) (HookrunRetired *self);
};

typedef struct {
  char *subject;
  HookrunList *list;
} HookrunSubject;

/* All that is connected to a signal. NULL stands for a table without any handler. */
typedef struct {
  HookrunRetired retired;
  HookrunList *base;         /* for emissions without a subject or with one nobody asked for */
  gsize n_subjects;          /* sorted by strcmp */
  HookrunSubject subjects[]; /* the base and what is limited to that subject */
} HookrunTable;

enum {
  HOOKRUN_ATTENTION_REQUIRED = 1 << 0, /* the schema has required fields */
  HOOKRUN_ATTENTION_TRACE = 1 << 1,    /* it is recorded */
};

struct _HookrunSignal {
  GObject parent_instance;

  HookrunTable *table; /* atomic */
  guint attention;     /* atomic: what an emission has to do beside calling handlers */
  HookrunSignalFlags flags;
  HookrunSchema *schema;
  HookrunTracer *tracer;
  char *name;
  const char *refusal; /* (nullable): why nobody may connect; set before others see the signal */

  HookrunLock lock;    /* guards what follows, and who publishes a table */
  GPtrArray *handlers; /* in order of registration */
};

HookrunHandler *hookrun_handler_new (HookrunSignal *signal, HookrunScopeCore *scope, const char *id,
                                     const HookrunHandlerOptions *options, HookrunHandlerFunc func,
                                     gpointer user_data, GDestroyNotify destroy);
HookrunHandler *hookrun_handler_ref (HookrunHandler *self);
void hookrun_handler_unref (HookrunHandler *self);
const char *hookrun_handler_get_owner (const HookrunHandler *self);
/* (transfer full): `plugin "x", handler "y"` */
char *hookrun_handler_describe (const HookrunHandler *self);

HookrunList *hookrun_list_ref (HookrunList *self);
void hookrun_list_unref (HookrunList *self);

HookrunTable *hookrun_table_new (GPtrArray *handlers, HookrunTable *old, const char *only_subject,
                                 gboolean break_cycles, GError **error);
void hookrun_table_free (HookrunTable *self);
HookrunList *hookrun_table_find (HookrunTable *self, const char *subject);

HookrunSignal *hookrun_signal_new (const char *name, HookrunSignalFlags flags,
                                   HookrunSchema *schema, HookrunTracer *tracer);
void hookrun_signal_set_traced (HookrunSignal *self, gboolean traced);
/* Whether @id and @options are well-formed. */
gboolean hookrun_signal_check_options (HookrunSignal *self, const char *id,
                                       const HookrunHandlerOptions *options, GError **error);
/* Whether the id of @handler is free; the lock is held. */
gboolean hookrun_signal_check_new (HookrunSignal *self, const HookrunHandler *handler,
                                   GError **error);
void hookrun_signal_remove_handler (HookrunSignal *self, HookrunHandler *handler);
void hookrun_signal_remove_all (HookrunSignal *self);

G_END_DECLS
