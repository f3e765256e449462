/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One GSource for a connection: all its descriptors and its clock. It lives in the main context of
 * the newest call that waits, so calls made from a nested main loop get on, too; without a call it
 * lives in the context of the one that connected.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _HookrunSshLoop HookrunSshLoop;

/* A descriptor of interest; owned by whoever is interested. */
typedef struct {
  int fd;
  GIOCondition wanted;
  gpointer tag;
} HookrunSshWatch;

/* @step does what can be done without waiting, then sets watches and the alarm anew. */
HookrunSshLoop *hookrun_ssh_loop_new (void (*step) (gpointer user_data), gpointer user_data);
void hookrun_ssh_loop_free (HookrunSshLoop *self);

/* A call begins in the thread-default context, or ends. */
GMainContext *hookrun_ssh_loop_enter (HookrunSshLoop *self);
void hookrun_ssh_loop_leave (HookrunSshLoop *self, GMainContext *context);

/* Runs the step soon. */
void hookrun_ssh_loop_wake (HookrunSshLoop *self);
/* Runs the step at the monotonic time @when_us at the latest; -1: never. */
void hookrun_ssh_loop_set_alarm (HookrunSshLoop *self, gint64 when_us);

/* Watches @fd for @wanted; 0 forgets it, which must happen before the descriptor is closed. */
void hookrun_ssh_loop_watch (HookrunSshLoop *self, HookrunSshWatch *watch, int fd,
                             GIOCondition wanted);

/* A context in which threads can wake the loop: (transfer full). */
GMainContext *hookrun_ssh_loop_ref_context (HookrunSshLoop *self);

/* Ends the call of @task (transfer full) with @error (transfer full) or @value, from a source of
 * its own in the task's context. */
void hookrun_ssh_loop_return (GTask *task, gssize value, GError *error);

/* Counts how often the loop has moved to another context. */
guint hookrun_ssh_loop_get_moves (HookrunSshLoop *self);

G_END_DECLS
