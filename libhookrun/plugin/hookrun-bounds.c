/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What confines a process of a plugin: what its author wrote, within what its user set, and the
 * plugin's own code, which it may always read and run. Made before anything of it runs, so that a
 * promise that this system cannot keep is an error of the activation.
 */
#include "hookrun-bounds-private.h"
#include "hookrun-loader-worker-private.h"

#include <stdlib.h>
#include <string.h>

/* ---- the object ---- */

static void
bounds_clear (gpointer data)
{
  HookrunBounds *self = data;

  g_clear_object (&self->sandbox);
  g_strfreev (self->methods);
}

HookrunBounds *
hookrun_bounds_ref (HookrunBounds *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
hookrun_bounds_unref (HookrunBounds *self)
{
  g_atomic_rc_box_release_full (self, bounds_clear);
}

gboolean
hookrun_bounds_equal (const HookrunBounds *self, const HookrunBounds *other)
{
  if (self == NULL || other == NULL)
    return self == other;
  return g_strv_equal ((const char *const *)self->methods, (const char *const *)other->methods) &&
         hookrun_policy_equal (hookrun_sandbox_get_policy (self->sandbox),
                               hookrun_sandbox_get_policy (other->sandbox));
}

gboolean
hookrun_bounds_check_method (const HookrunBounds *self, const char *method, GError **error)
{
  if (self == NULL || g_strv_contains ((const char *const *)self->methods, method))
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION,
               "its policy does not allow to ask the host for \"%s\"; add \"methods\": [\"%s\"] to "
               "the policy",
               method, method);
  return FALSE;
}

char *
hookrun_bounds_describe (const HookrunBounds *self)
{
  g_autofree char *text = hookrun_policy_describe (hookrun_sandbox_get_policy (self->sandbox));
  g_autofree char *methods = g_strjoinv (", ", self->methods);

  if (*methods == '\0')
    return g_steal_pointer (&text);
  return g_strdup_printf ("It may ask this program for: %s.\n%s", methods, text);
}

/* ---- places ---- */

static const char *
get_text (JsonObject *object, const char *name)
{
  JsonNode *member = object != NULL ? json_object_get_member (object, name) : NULL;

  return member != NULL && JSON_NODE_HOLDS_VALUE (member) &&
                 json_node_get_value_type (member) == G_TYPE_STRING
             ? json_node_get_string (member)
             : NULL;
}

/* Each plugin has its own below the engine's. */
static char *
state_folder (HookrunEngine *engine, const char *id)
{
  g_autofree char *name = g_uri_escape_string (id, "@:", FALSE);

  return engine->state_folder != NULL ? g_build_filename (engine->state_folder, name, NULL) : NULL;
}

static void
find_places (const HookrunBoundsWish *wish, HookrunPolicyPlaces *places, const char *state)
{
  JsonObject *info = wish->info != NULL ? json_node_get_object (wish->info) : NULL;
  JsonNode *project = info != NULL ? json_object_get_member (info, "project") : NULL;

  *places = (HookrunPolicyPlaces){
      .folder = wish->manifest->folder,
      .project = project != NULL && JSON_NODE_HOLDS_OBJECT (project)
                     ? get_text (json_node_get_object (project), "folder")
                     : NULL,
      .module = get_text (info, "moduledir"),
      .checkouts = get_text (info, "checkouts"),
      .state = state,
  };
}

/* ---- its own code ---- */

/* A plugin's files are its own when they lie in its folder, links followed: a manifest that names
 * others grants nothing by that. */
static gboolean
grant_own_file (HookrunPolicy *policy, const char *folder, const char *path, GError **error)
{
  char *real_folder = folder != NULL ? realpath (folder, NULL) : NULL;
  char *real = g_path_is_absolute (path) ? realpath (path, NULL) : NULL;
  gsize length = real_folder != NULL ? strlen (real_folder) : 0;
  gboolean is_own = real != NULL && length > 0 && strncmp (real, real_folder, length) == 0 &&
                    real[length] == '/' && g_file_test (real, G_FILE_TEST_IS_REGULAR);
  gboolean ok = !is_own || hookrun_policy_grant (policy, real, HOOKRUN_ACCESS_EXECUTE, error);

  free (real_folder);
  free (real);
  return ok;
}

static gboolean
grant_own_code (HookrunPolicy *policy, const HookrunBoundsWish *wish, GError **error)
{
  HookrunManifest *manifest = wish->manifest;
  g_autofree char *python = hookrun_worker_get_python_folder (manifest);

  if (python != NULL && g_file_test (python, G_FILE_TEST_IS_DIR) &&
      !hookrun_policy_grant (policy, python, HOOKRUN_ACCESS_READ, error))
    return FALSE;
  if (manifest->kind == HOOKRUN_PLUGIN_NATIVE && !hookrun_worker_native_grant (policy, error))
    return FALSE;
  if (wish->program != NULL)
    return grant_own_file (policy, manifest->folder, wish->program, error);
  if (manifest->file != NULL && !grant_own_file (policy, manifest->folder, manifest->file, error))
    return FALSE;
  for (char **word = manifest->command; word != NULL && *word != NULL; word++)
    if (!grant_own_file (policy, manifest->folder, *word, error))
      return FALSE;
  return TRUE;
}

/* ---- making ---- */

static char **
common_methods (char **methods, char **others)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (; *methods != NULL; methods++)
    if (g_strv_contains ((const char *const *)others, *methods))
      g_strv_builder_add (builder, *methods);
  return g_strv_builder_end (builder);
}

static gboolean
combine (const HookrunBoundsWish *wish, const HookrunPolicyPlaces *places, HookrunPolicy **policy,
         char ***methods, GError **error)
{
  g_autoptr (HookrunPolicy) users = NULL;
  g_auto (GStrv) users_methods = NULL;
  g_auto (GStrv) own_methods = NULL;

  if (wish->own == NULL)
    return hookrun_plugin_policy_fill (wish->users, places, policy, methods, error);
  if (!hookrun_plugin_policy_fill (wish->own, places, policy, &own_methods, error))
    return FALSE;
  if (wish->users == NULL) {
    *methods = g_steal_pointer (&own_methods);
    return TRUE;
  }
  if (!hookrun_plugin_policy_fill (wish->users, places, &users, &users_methods, error)) {
    g_clear_pointer (policy, hookrun_policy_unref);
    return FALSE;
  }
  hookrun_policy_restrict (*policy, users);
  *methods = common_methods (own_methods, users_methods);
  return TRUE;
}

static gboolean
check_kind (HookrunManifest *manifest, GError **error)
{
  if (manifest->kind != HOOKRUN_PLUGIN_NATIVE || manifest->file != NULL)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED,
               "%s: a plugin that is linked into this program runs inside of it, where no policy "
               "can hold it; make it a shared object of its own, or remove its policy",
               manifest->origin);
  return FALSE;
}

gboolean
hookrun_bounds_make (HookrunEngine *engine, const HookrunBoundsWish *wish, HookrunBounds **bounds,
                     GError **error)
{
  g_autofree char *state = NULL;
  g_autoptr (HookrunPolicy) policy = NULL;
  g_autoptr (HookrunBounds) made = NULL;
  g_auto (GStrv) methods = NULL;
  HookrunPolicyPlaces places;

  *bounds = NULL;
  if (wish->own == NULL && wish->users == NULL)
    return TRUE;
  state = state_folder (engine, wish->manifest->id);
  if (!check_kind (wish->manifest, error))
    return FALSE;
  find_places (wish, &places, state);
  if (!combine (wish, &places, &policy, &methods, error) || !grant_own_code (policy, wish, error))
    return FALSE;
  made = g_atomic_rc_box_new0 (HookrunBounds);
  made->sandbox = hookrun_sandbox_new (policy);
  made->methods = g_steal_pointer (&methods);
  if (!hookrun_sandbox_prepare (made->sandbox, error)) {
    g_prefix_error (error, "its policy cannot be kept: ");
    return FALSE;
  }
  *bounds = g_steal_pointer (&made);
  return TRUE;
}

/* ---- all of a context ---- */

static void
clear_bounds (gpointer bounds)
{
  if (bounds != NULL)
    hookrun_bounds_unref (bounds);
}

static gboolean
add_bounds (HookrunPluginContext *context, const HookrunManifestHandler *handler, GError **error)
{
  HookrunManifest *manifest = context->plugin->manifest;
  const HookrunBoundsWish wish = {
      .manifest = manifest,
      .own = handler != NULL && handler->policy != NULL ? handler->policy : manifest->policy,
      .users = context->policy,
      .info = context->info,
      .program = handler != NULL ? handler->program : NULL,
  };
  HookrunBounds *bounds = NULL;

  if (!hookrun_bounds_make (context->engine, &wish, &bounds, error)) {
    if (wish.program != NULL)
      g_prefix_error (error, "hook \"%s\": ", wish.program);
    return FALSE;
  }
  g_ptr_array_add (context->bounds, bounds);
  return TRUE;
}

gboolean
hookrun_bounds_prepare (HookrunPluginContext *context, GError **error)
{
  HookrunManifest *manifest = context->plugin->manifest;
  GPtrArray *handlers = manifest->handlers;
  gboolean has_programs =
      handlers->len > 0 &&
      ((const HookrunManifestHandler *)g_ptr_array_index (handlers, 0))->program != NULL;

  g_clear_pointer (&context->bounds, g_ptr_array_unref);
  if (!has_programs && manifest->policy == NULL && context->policy == NULL)
    return TRUE;
  context->bounds = g_ptr_array_new_with_free_func (clear_bounds);
  if (!has_programs)
    return add_bounds (context, NULL, error);
  for (guint i = 0; i < handlers->len; i++)
    if (!add_bounds (context, g_ptr_array_index (handlers, i), error))
      return FALSE;
  return TRUE;
}

HookrunBounds *
hookrun_plugin_context_get_bounds (HookrunPluginContext *context, guint handler)
{
  GPtrArray *bounds = context->bounds;
  guint i = bounds != NULL && bounds->len == 1 ? 0 : handler;

  return bounds != NULL && i < bounds->len ? g_ptr_array_index (bounds, i) : NULL;
}
