/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small native plugin as people write them, of which the benchmark makes 200, each with another
 * number in its id: a setting, a handler that looks at the data, changes it, says so, or refuses.
 */
#include <gmodule.h>
#include <hookrun.h>

typedef struct {
  HookrunPluginContext *context;
  char *greeting;
  gint64 count;
} Sample;

static HookrunVerdict
greet (HookrunEvent *event, gpointer user_data)
{
  Sample *sample = user_data;
  HookrunData *data = hookrun_event_get_data (event);
  const char *host = data != NULL ? hookrun_data_get_string (data, "host") : NULL;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  if (host == NULL || g_str_has_prefix (host, "-"))
    return hookrun_event_fail (event, HOOKRUN_ERROR_INVALID, "there is nobody to greet");
  text = g_strdup_printf ("%s %s (%" G_GINT64_FORMAT ")", sample->greeting, host, ++sample->count);
  if (!hookrun_data_set_string (data, "greeting", text, &error))
    return hookrun_event_take_error (event, g_steal_pointer (&error));
  hookrun_plugin_context_log (sample->context, HOOKRUN_LOG_INFO, text);
  return HOOKRUN_CONTINUE;
}

static void
sample_free (gpointer data)
{
  Sample *sample = data;

  g_free (sample->greeting);
  g_free (sample);
}

static Sample *
sample_new (const char *greeting)
{
  Sample *sample = g_new0 (Sample, 1);

  sample->greeting = g_strdup (greeting != NULL ? greeting : "Hello");
  return sample;
}

static gboolean
sample_activate (HookrunPluginContext *context, GError **error)
{
  Sample *sample = sample_new (hookrun_plugin_context_get_setting (context, "greeting"));

  sample->context = context;
  return hookrun_plugin_context_connect (context, "bench.run", NULL, NULL, greet, sample,
                                         sample_free, error);
}

/* What a host without the library would call: the same state, connected to nothing. */
G_MODULE_EXPORT gpointer bench_start (void);

gpointer
bench_start (void)
{
  return sample_new (NULL);
}

HOOKRUN_PLUGIN_DEFINE ("bench-number-000", "1.0", sample_activate, NULL, HOOKRUN_PLUGIN_FLAGS_NONE);
