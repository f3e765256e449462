/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A small native plugin of which the benchmark makes 200, each with another number in its id. */
#include <hookrun.h>

static HookrunVerdict
do_nothing (HookrunEvent *event, gpointer user_data)
{
  return HOOKRUN_CONTINUE;
}

static gboolean
sample_activate (HookrunPluginContext *context, GError **error)
{
  return hookrun_plugin_context_connect (context, "bench.run", NULL, NULL, do_nothing, NULL, NULL,
                                         error);
}

HOOKRUN_PLUGIN_DEFINE ("bench-number-000", "1.0", sample_activate, NULL, HOOKRUN_PLUGIN_FLAGS_NONE);
