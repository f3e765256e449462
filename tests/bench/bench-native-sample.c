/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A native plugin that changes two fields, for the bench of one that is confined. */
#include <hookrun.h>

static HookrunVerdict
change (HookrunEvent *event, gpointer unused)
{
  HookrunData *data = hookrun_event_get_data (event);

  hookrun_data_set_string (data, "version", "1.2.4", NULL);
  hookrun_data_set_int (data, "count", hookrun_data_get_int (data, "count") + 1, NULL);
  return HOOKRUN_CONTINUE;
}

static gboolean
sample_activate (HookrunPluginContext *context, GError **error)
{
  return hookrun_plugin_context_connect (context, "bench-native", NULL, NULL, change, NULL, NULL,
                                         error);
}

HOOKRUN_PLUGIN_DEFINE ("bench.native", "1", sample_activate, NULL, HOOKRUN_PLUGIN_FLAGS_NONE);
