/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From wishes to the contexts of a transaction. */
#pragma once

#include "hookrun-engine-private.h"

G_BEGIN_DECLS

/* One context for each wish and for what it requires, in @order. */
GPtrArray *hookrun_engine_make_contexts (HookrunEngine *self, GPtrArray *order,
                                         HookrunActivation *const *activations, gsize n_activations,
                                         HookrunFaults *faults);

/* Whether an activation of @plugin other than @besides (nullable) counts for @subject. */
gboolean hookrun_engine_is_served (HookrunEngine *self, HookrunPlugin *plugin, const char *subject,
                                   const HookrunPluginContext *besides);

G_END_DECLS
