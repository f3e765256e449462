/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A native plugin for the tests, built several times with other macros: its handler adds
 * "ID-VERSION(SUBJECT) " to the trail.
 */
#include <hookrun.h>

#ifndef SAMPLE_FLAGS
#define SAMPLE_FLAGS HOOKRUN_PLUGIN_FLAGS_NONE
#endif

static HookrunVerdict
add_to_trail (HookrunEvent *event, gpointer user_data)
{
  HookrunPluginContext *context = user_data;
  HookrunData *data = hookrun_event_get_data (event);
  const char *subject = hookrun_plugin_context_get_subject (context);
  g_autofree char *trail =
      g_strdup_printf ("%s%s-%s(%s) ", hookrun_data_get_string (data, "trail"), SAMPLE_ID,
                       SAMPLE_VERSION, subject != NULL ? subject : "");

  hookrun_data_set_string (data, "trail", trail, NULL);
  return HOOKRUN_CONTINUE;
}

#ifdef SAMPLE_UNDEFINED
int hookrun_of_another_age (void);
#endif

static gboolean
sample_activate (HookrunPluginContext *context, GError **error)
{
  const char *wish = hookrun_plugin_context_get_setting (context, "fail");

  hookrun_plugin_context_log (context, HOOKRUN_LOG_DEBUG, "activate " SAMPLE_VERSION);
  if (wish != NULL && g_str_equal (wish, "silently"))
    return FALSE;
  if (wish != NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "the setting \"fail\" says so");
    return FALSE;
  }
#ifdef SAMPLE_UNDEFINED
  if (hookrun_of_another_age () != 0)
    return TRUE;
#endif
#ifdef SAMPLE_EXTRA
  if (!hookrun_plugin_context_connect (context, SAMPLE_EXTRA, NULL, NULL, add_to_trail, context,
                                       NULL, error))
    return FALSE;
#endif
  return hookrun_plugin_context_connect (context, "test.run", NULL, NULL, add_to_trail,
                                         g_object_ref (context), g_object_unref, error);
}

static void
sample_deactivate (HookrunPluginContext *context)
{
  hookrun_plugin_context_log (context, HOOKRUN_LOG_DEBUG, "deactivate " SAMPLE_VERSION);
}

#ifdef SAMPLE_BAD_SIZE
extern __attribute__ ((visibility ("default"))) const HookrunPluginDescriptor hookrun_plugin;
const HookrunPluginDescriptor hookrun_plugin = {
    .size = SAMPLE_BAD_SIZE, .abi = SAMPLE_BAD_ABI, .activate = sample_activate};
#elif !defined(SAMPLE_NO_SYMBOL)
HOOKRUN_PLUGIN_DEFINE (SAMPLE_ID, SAMPLE_VERSION, sample_activate, sample_deactivate, SAMPLE_FLAGS);
#endif

/* Keeps the compiler quiet where a variant does not use them. */
G_GNUC_UNUSED static const gpointer used[] = {sample_activate, sample_deactivate};
