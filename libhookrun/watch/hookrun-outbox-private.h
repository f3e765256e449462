/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes on their way from the thread that finds them to the thread that handles them. */
#pragma once

#include "hookrun-change-private.h"

G_BEGIN_DECLS

typedef struct _HookrunOutbox HookrunOutbox;

/* How many changes may wait before their finder stops looking. */
#define HOOKRUN_OUTBOX_ROOM 65536u

HookrunOutbox *hookrun_outbox_new (GError **error);
void hookrun_outbox_free (HookrunOutbox *self);

/* Readable while there is something to take. */
int hookrun_outbox_get_fd (HookrunOutbox *self);
/* Readable after something was taken from a full one; only then. */
int hookrun_outbox_get_room_fd (HookrunOutbox *self);

/* For the finder: kept aside until published, all together. @change: (transfer full) */
void hookrun_outbox_add (HookrunOutbox *self, HookrunChange *change);
/* A problem to tell. @problem: (transfer full) */
void hookrun_outbox_add_problem (HookrunOutbox *self, GError *problem);
/* For tests: how many may wait. */
void hookrun_outbox_set_room (HookrunOutbox *self, guint room);
void hookrun_outbox_publish (HookrunOutbox *self);
/* Rings the handler's bell though there is nothing to take. */
void hookrun_outbox_wake (HookrunOutbox *self);
gboolean hookrun_outbox_has_room (HookrunOutbox *self);
/* Takes notice of room; afterwards its descriptor is not readable any more. */
void hookrun_outbox_clear_room (HookrunOutbox *self);

/* For the handler: all changes (GPtrArray of HookrunChange) and problems (GPtrArray of GError) that
 * are published; NULL for none. (transfer full) */
GPtrArray *hookrun_outbox_take (HookrunOutbox *self, GPtrArray **problems);

G_END_DECLS
