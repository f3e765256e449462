/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Puts handlers into the order in which they run, and says why. */
#pragma once

#include "hookrun-signal-private.h"

G_BEGIN_DECLS

/* @handlers are in order of registration. Gives those that run (the replaced ones do not), in order
 * (not referenced), and in @reasons (nullable) one text for each. With @break_cycles a cycle is cut
 * where it is least wrong instead of being an error. */
GPtrArray *hookrun_order_resolve (GPtrArray *handlers, gboolean break_cycles, GPtrArray *reasons,
                                  GError **error);

G_END_DECLS
