/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guest: a process, confined as a rule, that hosts native plugins for another one over the
 * worker protocol. It has one thread; while it waits for an answer it serves what the host asks.
 */
#pragma once

#include "hookrun-jsonrpc-private.h"
#include "hookrun-native-module-private.h"
#include "hookrun-plugin-private.h"
#include "hookrun-registry-private.h"
#include "hookrun-run-private.h"
#include "hookrun-worker-io-private.h"

G_BEGIN_DECLS

typedef struct {
  GThread *thread; /* the one that serves */
  GMutex lock;     /* guards writing: any thread may log */
  HookrunChannel channel;
  gboolean is_over;   /* the connection has ended */
  HookrunError fault; /* why it ended, when that was no usual end */
  GSource *source;
  gpointer source_tag;

  gint64 last_id;
  GHashTable *answers; /* own id -> HookrunRpcMessage: those that came for who waits further out */
  GQueue deferred;     /* HookrunRpcMessage: calls of handlers that are not active yet */
  guint n_activating;

  HookrunRegistry *registry; /* mirrors the host's */
  HookrunEngine *engine;
  HookrunScope *scope;    /* owns the handlers that pass emissions on */
  HookrunHandler *rest;   /* stands for the host's handlers behind the one that is called */
  GPtrArray *modules;     /* GuestModule: they stay mapped */
  GPtrArray *activations; /* GuestActivation */
  GQueue invocations;     /* GuestInvocation: open ones, the innermost last */
} Guest;

typedef struct {
  char *path;
  HookrunNativeModule *module;
} GuestModule;

typedef struct {
  Guest *guest;
  guint number;
  HookrunPluginContext *context;
  const HookrunNativeModule *module;
  GPtrArray *handlers; /* GuestHandler */
  guint last_handler;
  gboolean is_ready;
} GuestActivation;

/* What was connected. Stays as long as an emission has it. */
typedef struct {
  Guest *guest;
  char *name;   /* as the host calls it */
  char *signal; /* its name */
  char *id;
  HookrunHandler *handler; /* calls what follows */
  HookrunHandlerFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
} GuestHandler;

/* A handler.call that is open. */
typedef struct {
  Guest *guest;
  gint64 call;
  char *own_id;
  HookrunSignal *signal;
  HookrunData *data; /* (nullable) */
  JsonNode *before;  /* (nullable): @data as the host has it */
  GCancellable *cancellable;
  HookrunList *list;
  const HookrunRun *run; /* the one that the handler itself is called in */
  gboolean fell_through; /* it went on to the host's handlers without wrapping them */
  char *behind;          /* (nullable): what failed there */
} GuestInvocation;

/* ---- hookrun-guest-channel.c ---- */

void hookrun_guest_open (Guest *self, int fd);
void hookrun_guest_close (Guest *self);
/* One line; any thread. */
void hookrun_guest_send (Guest *self, GString *text);
void hookrun_guest_notify (Guest *self, const char *method, const char *params);
/* Asks the host on behalf of its call @call (0: of none) and waits: (transfer full). CANCELLED when
 * that call was cancelled meanwhile. */
JsonNode *hookrun_guest_ask (Guest *self, gint64 call, const char *method, const char *params,
                             GError **error);
/* UNSUPPORTED in any thread but that of the handlers. */
gboolean hookrun_guest_check_thread (Guest *self, const char *what, GError **error);

/* ---- hookrun-guest.c ---- */

/* @is_nested: a handler waits further out. Takes the contents of @message. */
void hookrun_guest_serve (Guest *self, HookrunRpcMessage *message, gboolean is_nested);
void hookrun_guest_serve_deferred (Guest *self, gboolean is_nested);
/* 0 unless there is an integer of that name. */
gint64 hookrun_guest_get_int (JsonNode *params, const char *name);
GuestActivation *hookrun_guest_find_activation (Guest *self, gint64 number);
/* What it is doing, for the message when it dies of it; NULL: nothing special. */
void hookrun_guest_tell_stage (Guest *self, const char *stage);

/* ---- hookrun-guest-activate.c ---- */

/* The answer to plugin.activate: (transfer full). */
JsonNode *hookrun_guest_activate (Guest *self, JsonNode *params, GError **error);
void hookrun_guest_deactivate (Guest *self, GuestActivation *activation);
void hookrun_guest_activation_free (gpointer activation);
void hookrun_guest_module_free (gpointer module);
GuestHandler *hookrun_guest_find_handler (GuestActivation *self, const char *signal,
                                          const char *name);

/* ---- hookrun-guest-call.c ---- */

/* Answers itself, now or later. */
void hookrun_guest_call (Guest *self, HookrunRpcMessage *message, gboolean is_nested);
void hookrun_guest_cancel (Guest *self, gint64 call);
/* The handlers' side of a call. */
HookrunVerdict hookrun_guest_run_handler (HookrunEvent *event, gpointer handler);
HookrunVerdict hookrun_guest_run_rest (HookrunEvent *event, gpointer guest);
/* The innermost open call; 0: none. */
gint64 hookrun_guest_get_open_call (Guest *self);
/* (nullable): the open call that @data is of. */
GuestInvocation *hookrun_guest_find_invocation (Guest *self, HookrunData *data);
/* (nullable) (transfer full): what the handler has changed so far. */
JsonNode *hookrun_guest_get_patch (GuestInvocation *invocation, GError **error);
/* The data is now as @values (nullable) says, here and with the host. */
gboolean hookrun_guest_take_data (GuestInvocation *invocation, JsonNode *values, GError **error);
/* The verdict in an answer of the host's; FAILED with @error set. */
HookrunVerdict hookrun_guest_read_verdict (JsonNode *answer, GError **error);

/* ---- hookrun-guest-registry.c ---- */

extern const HookrunMirror hookrun_guest_mirror;
/* Mirrors signals that are described in a list (nullable). */
gboolean hookrun_guest_mirror_signals (Guest *self, JsonNode *list, GError **error);
/* What hookrun_plugin_context_call_method() does in a guest. */
JsonNode *hookrun_guest_call_method (HookrunEngine *engine, HookrunEvent *event, const char *name,
                                     JsonNode *params, gpointer guest, GError **error);

G_END_DECLS
