/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The loader of native plugins. On need, placeholders are connected for the handlers that the
 * manifest names; the first of them that is called loads the code, which then fills them.
 */
#include "hookrun-engine-private.h"

typedef struct {
  HookrunNativeModule *module; /* (nullable): NULL: not loaded yet */
  /* What follows is for code that is loaded on need. */
  GPtrArray *places; /* (nullable): NativeHandler: those that wait for the code */
  GRecMutex lock;    /* held while it is loaded */
  gboolean is_loading;
} NativeContext;

/* Stands between a signal and a handler of code that comes late or may be unmapped. */
typedef struct {
  gatomicrefcount ref_count;
  HookrunPluginContext *context;        /* (nullable): of a placeholder */
  const HookrunManifestHandler *wanted; /* (nullable): what the manifest says about it */
  HookrunManifest *manifest;            /* (nullable): owns @wanted */
  HookrunNativeModule *module;          /* keeps the code mapped */
  HookrunHandlerFunc func;              /* atomic; NULL: the code is not loaded */
  gpointer user_data;
  GDestroyNotify destroy;
} NativeHandler;

static void
native_handler_unbind (NativeHandler *self)
{
  gpointer user_data = g_steal_pointer (&self->user_data);
  GDestroyNotify destroy = self->destroy;

  self->destroy = NULL;
  g_atomic_pointer_set (&self->func, NULL);
  if (destroy != NULL)
    destroy (user_data);
  g_clear_pointer (&self->module, hookrun_native_module_unref);
}

static void
native_handler_unref (gpointer data)
{
  NativeHandler *self = data;

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  native_handler_unbind (self);
  g_clear_pointer (&self->manifest, hookrun_manifest_unref);
  g_clear_object (&self->context);
  g_free (self);
}

static void
native_handler_bind (NativeHandler *self, HookrunNativeModule *module, HookrunHandlerFunc func,
                     gpointer user_data, GDestroyNotify destroy)
{
  self->module = hookrun_native_module_ref (module);
  self->user_data = user_data;
  self->destroy = destroy;
  g_atomic_pointer_set (&self->func, func);
}

static HookrunVerdict
run_kept (HookrunEvent *event, gpointer user_data)
{
  NativeHandler *self = user_data;

  return self->func (event, self->user_data);
}

static void
native_context_free (gpointer data)
{
  NativeContext *self = data;

  g_clear_pointer (&self->module, hookrun_native_module_unref);
  if (self->places != NULL) {
    g_ptr_array_unref (self->places);
    g_rec_mutex_clear (&self->lock);
  }
  g_free (self);
}

/* ---- the code ---- */

static gboolean
check_against_manifest (const HookrunPluginDescriptor *descriptor, const HookrunManifest *manifest,
                        GError **error)
{
  if (manifest->is_implied || (g_str_equal (descriptor->id, manifest->id) &&
                               g_str_equal (descriptor->version, manifest->version)))
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
               "\"%s\" is plugin \"%s\" %s, but its manifest %s says \"%s\" %s; install both anew",
               manifest->file != NULL ? manifest->file : "the code", descriptor->id,
               descriptor->version, manifest->origin, manifest->id, manifest->version);
  return FALSE;
}

/* All activations of a plugin share its code. */
static HookrunNativeModule *
get_module (HookrunPlugin *plugin, HookrunNativeSession *session, GError **error)
{
  g_autoptr (HookrunNativeModule) module = NULL;
  HookrunNativeModule *known = hookrun_plugin_get_loader_data (plugin);

  if (known != NULL)
    return hookrun_native_module_ref (known);
  if (plugin->descriptor != NULL)
    module = hookrun_native_module_new_static (plugin->descriptor);
  else
    module = hookrun_native_module_open (plugin->manifest->file, plugin->generation > 0,
                                         !plugin->manifest->is_implied, session, error);
  if (module == NULL || !check_against_manifest (module->descriptor, plugin->manifest, error))
    return NULL;
  hookrun_plugin_set_loader_data (plugin, hookrun_native_module_ref (module),
                                  (GDestroyNotify)hookrun_native_module_unref);
  return g_steal_pointer (&module);
}

static gboolean
is_on_need (HookrunPlugin *plugin)
{
  return plugin->descriptor == NULL && plugin->manifest->load == HOOKRUN_LOAD_ON_NEED &&
         plugin->manifest->handlers->len > 0;
}

static gboolean
native_prepare (HookrunPluginContext *context, GError **error)
{
  HookrunPlugin *plugin = context->plugin;
  NativeContext *native = g_new0 (NativeContext, 1);

  hookrun_plugin_context_set_loader_data (context, native, native_context_free);
  if (is_on_need (plugin) && hookrun_plugin_get_loader_data (plugin) == NULL)
    return hookrun_native_module_check (plugin->manifest->file, &context->engine->session, error);
  native->module = get_module (plugin, &context->engine->session, error);
  return native->module != NULL;
}

/* ---- handlers of code that may be unmapped keep it ---- */

static gboolean
connect_kept (HookrunPluginContext *context, const char *signal, const char *id,
              const HookrunHandlerOptions *options, HookrunHandlerFunc func, gpointer user_data,
              GDestroyNotify destroy, GError **error)
{
  const NativeContext *native = hookrun_plugin_context_get_loader_data (context);
  NativeHandler *handler = g_new0 (NativeHandler, 1);

  g_atomic_ref_count_init (&handler->ref_count);
  native_handler_bind (handler, native->module, func, user_data, destroy);
  return hookrun_plugin_context_connect_directly (context, signal, id, options, run_kept, handler,
                                                  native_handler_unref, error);
}

/* ---- handlers of code that is loaded on need ---- */

static gboolean
same_names (const char *const *a, char **b)
{
  static const char *const none[] = {NULL};

  if (a == NULL || a[0] == NULL)
    return TRUE;
  return g_strv_equal (a, b != NULL ? (const char *const *)b : none);
}

/* The place was decided before the code was there; code that wants another is at odds with its
 * manifest. */
static gboolean
agrees (const HookrunHandlerOptions *options, const HookrunManifestHandler *wanted)
{
  if (options == NULL)
    return TRUE;
  return same_names (options->before, wanted->before) &&
         same_names (options->after, wanted->after) && !options->is_default &&
         (options->replaces == NULL || g_strcmp0 (options->replaces, wanted->replaces) == 0) &&
         (options->priority == 0 || options->priority == wanted->priority) &&
         (options->timeout_ms == 0 || options->timeout_ms == wanted->timeout_ms) &&
         (options->subject == NULL ||
          (g_str_equal (options->subject, HOOKRUN_ANY_SUBJECT) && wanted->all_subjects));
}

static NativeHandler *
find_place (const NativeContext *native, const char *signal, const char *id)
{
  for (guint i = 0; i < native->places->len; i++) {
    NativeHandler *place = g_ptr_array_index (native->places, i);

    if (g_str_equal (place->wanted->signal, signal) && g_str_equal (place->wanted->id, id))
      return place;
  }
  return NULL;
}

static gboolean
connect_on_need (HookrunPluginContext *context, const char *signal, const char *id,
                 const HookrunHandlerOptions *options, HookrunHandlerFunc func, gpointer user_data,
                 GDestroyNotify destroy, GError **error)
{
  NativeContext *native = hookrun_plugin_context_get_loader_data (context);
  const char *name = id != NULL ? id : hookrun_plugin_get_id (context->plugin);
  NativeHandler *place = find_place (native, signal, name);

  if (place != NULL && place->func == NULL && agrees (options, place->wanted)) {
    native_handler_bind (place, native->module, func, user_data, destroy);
    return TRUE;
  }
  if (destroy != NULL)
    destroy (user_data);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "its code connects the handler \"%s\" to \"%s\", %s; correct \"signals\" in %s, or "
               "write \"load\": \"at-start\" there",
               name, signal,
               place == NULL         ? "which its manifest does not name"
               : place->func != NULL ? "and does so twice"
                                     : "at another place than its manifest says",
               context->plugin->manifest->origin);
  return FALSE;
}

static gboolean
check_all_filled (const NativeContext *native, GError **error)
{
  for (guint i = 0; i < native->places->len; i++) {
    const NativeHandler *place = g_ptr_array_index (native->places, i);

    if (place->func != NULL)
      continue;
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "%s names the handler \"%s\" of \"%s\", which its code does not connect",
                 place->manifest->origin, place->wanted->id, place->wanted->signal);
    return FALSE;
  }
  return TRUE;
}

static gboolean
fill_places (HookrunPluginContext *context, NativeContext *native, GError **error)
{
  HookrunNativeSession session = HOOKRUN_NATIVE_SESSION_INIT;
  HookrunConnectHook after = NULL;
  gboolean ok;

  native->module = get_module (context->plugin, &session, error);
  hookrun_native_session_clear (&session);
  if (native->module == NULL)
    return FALSE;
  if ((native->module->descriptor->flags & HOOKRUN_PLUGIN_MAY_UNLOAD) != 0)
    after = connect_kept;
  context->connect_hook = connect_on_need;
  ok = native->module->descriptor->activate (context, error);
  context->connect_hook = after;
  if (ok && check_all_filled (native, error))
    return TRUE;
  if (ok && native->module->descriptor->deactivate != NULL)
    native->module->descriptor->deactivate (context);
  for (guint i = 0; i < native->places->len; i++)
    native_handler_unbind (g_ptr_array_index (native->places, i));
  g_clear_pointer (&native->module, hookrun_native_module_unref);
  return FALSE;
}

static gboolean
load_locked (HookrunPluginContext *context, NativeContext *native, GError **error)
{
  g_autoptr (GError) problem = NULL;
  gboolean ok;

  if (native->module != NULL && !native->is_loading)
    return TRUE;
  if (native->is_loading || context->phase == HOOKRUN_CONTEXT_CLOSED) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "its handler was called while its code was being %s",
                 native->is_loading ? "loaded" : "released");
    return FALSE;
  }
  native->is_loading = TRUE;
  ok = fill_places (context, native, &problem);
  native->is_loading = FALSE;
  if (!ok && problem == NULL)
    g_set_error (&problem, HOOKRUN_ERROR, HOOKRUN_ERROR_HANDLER,
                 "its activation failed without a reason");
  hookrun_plugin_report_failure (context->plugin, ok ? NULL : g_error_copy (problem));
  if (!ok)
    g_propagate_error (error, g_steal_pointer (&problem));
  return ok;
}

static HookrunVerdict
run_on_need (HookrunEvent *event, gpointer user_data)
{
  NativeHandler *self = user_data;
  HookrunHandlerFunc func = g_atomic_pointer_get (&self->func);
  NativeContext *native;
  GError *error = NULL;
  gboolean ok;

  if (func != NULL)
    return func (event, self->user_data);
  native = hookrun_plugin_context_get_loader_data (self->context);
  if (native == NULL)
    return HOOKRUN_CONTINUE;
  g_rec_mutex_lock (&native->lock);
  ok = load_locked (self->context, native, &error);
  g_rec_mutex_unlock (&native->lock);
  if (!ok)
    return hookrun_event_take_error (event, error);
  return self->func (event, self->user_data);
}

static gboolean
connect_places (HookrunPluginContext *context, NativeContext *native, GError **error)
{
  HookrunManifest *manifest = context->plugin->manifest;

  native->places = g_ptr_array_new_with_free_func (native_handler_unref);
  g_rec_mutex_init (&native->lock);
  for (guint i = 0; i < manifest->handlers->len; i++) {
    NativeHandler *place = g_new0 (NativeHandler, 1);
    HookrunHandlerOptions options;

    g_atomic_ref_count_init (&place->ref_count);
    place->context = g_object_ref (context);
    place->manifest = hookrun_manifest_ref (manifest);
    place->wanted = g_ptr_array_index (manifest->handlers, i);
    g_atomic_ref_count_inc (&place->ref_count);
    g_ptr_array_add (native->places, place);
    hookrun_manifest_handler_get_options (place->wanted, &options);
    if (!hookrun_plugin_context_connect_directly (context, place->wanted->signal, place->wanted->id,
                                                  &options, run_on_need, place,
                                                  native_handler_unref, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
native_activate (HookrunPluginContext *context, GError **error)
{
  NativeContext *native = hookrun_plugin_context_get_loader_data (context);

  if (native->module == NULL || is_on_need (context->plugin)) {
    g_clear_pointer (&native->module, hookrun_native_module_unref);
    return connect_places (context, native, error);
  }
  if (native->module->handle != NULL &&
      (native->module->descriptor->flags & HOOKRUN_PLUGIN_MAY_UNLOAD) != 0)
    context->connect_hook = connect_kept;
  return native->module->descriptor->activate (context, error);
}

/* Code that may go is let go by the plugin; the activations that use it still hold it. */
static void
native_deactivate (HookrunPluginContext *context)
{
  const NativeContext *native = hookrun_plugin_context_get_loader_data (context);

  if (native->module == NULL)
    return;
  if (native->module->descriptor->deactivate != NULL)
    native->module->descriptor->deactivate (context);
  if (context->plugin->n_active <= 1 &&
      (native->module->descriptor->flags & HOOKRUN_PLUGIN_MAY_UNLOAD) != 0)
    hookrun_plugin_set_loader_data (context->plugin, NULL, NULL);
}

const HookrunLoader hookrun_loader_native = {
    .name = "native",
    .prepare = native_prepare,
    .activate = native_activate,
    .deactivate = native_deactivate,
};
