/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mutex of the signal room. It is the system's own and not GLib's, because ThreadSanitizer
 * understands it without a GLib that was built for that.
 */
#pragma once

#include <glib.h>
#include <pthread.h>

G_BEGIN_DECLS

typedef pthread_mutex_t HookrunLock;

#define HOOKRUN_LOCK_INIT PTHREAD_MUTEX_INITIALIZER

static inline void
hookrun_lock_init (HookrunLock *self)
{
  pthread_mutex_init (self, NULL);
}

static inline void
hookrun_lock_clear (HookrunLock *self)
{
  pthread_mutex_destroy (self);
}

static inline void
hookrun_lock (HookrunLock *self)
{
  pthread_mutex_lock (self);
}

static inline void
hookrun_unlock (HookrunLock *self)
{
  pthread_mutex_unlock (self);
}

G_END_DECLS
