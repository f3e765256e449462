/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which plugins are needed and in which order: a depth-first topological sort over requirements and
 * over before and after. It goes on after each fault, so that one error names all of them.
 */
#include "hookrun-engine-private.h"
#include "hookrun-version-range-private.h"

/* What is known of a plugin while a set is resolved. */
enum {
  NEEDED = 1 << 0,
  VISITING = 1 << 1,
  VISITED = 1 << 2,
  BLAMED = 1 << 3,
};

typedef struct {
  HookrunEngine *engine;
  HookrunFaults *faults;
  guint8 *marks;     /* by the index of a plugin */
  GPtrArray *needed; /* plugins, in order of their first mention */
  GPtrArray *early;  /* those of them that come before others by name */
  GPtrArray *path;   /* from the start of the walk to here */
  GPtrArray *order;  /* the result */
} Resolve;

/* Gives @plugin a mark; TRUE when it had it already. */
static gboolean
mark (Resolve *resolve, const HookrunPlugin *plugin, guint8 bit)
{
  guint8 old = resolve->marks[plugin->index];

  resolve->marks[plugin->index] = (guint8)(old | bit);
  return (old & bit) != 0;
}

/* A plugin keeps all its faults of this time, and the code of the first. */
static void
blame (Resolve *resolve, HookrunPlugin *plugin, HookrunError code, const char *message)
{
  const GError *first = hookrun_plugin_get_error (plugin);
  GError *error;

  if (plugin->n_active > 0)
    return;
  if (!mark (resolve, plugin, BLAMED) || first == NULL)
    error = g_error_new_literal (HOOKRUN_ERROR, (int)code, message);
  else
    error = g_error_new (HOOKRUN_ERROR, first->code, "%s\n%s", first->message, message);
  hookrun_plugin_set_state (plugin, HOOKRUN_PLUGIN_FAILED, error);
}

static void G_GNUC_PRINTF (4, 5)
    add_fault (Resolve *resolve, HookrunPlugin *plugin, HookrunError code, const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  message = g_strdup_printf ("plugin \"%s\" (%s) %s", hookrun_plugin_get_id (plugin),
                             plugin->manifest->origin, text);
  hookrun_faults_add (resolve->faults, code, "%s", message);
  blame (resolve, plugin, code, message);
}

/* ---- what this build cannot do for a plugin is said by name ---- */

static void
check_permissions (Resolve *resolve, HookrunPlugin *plugin)
{
  g_autoptr (GList) names = NULL;

  if (plugin->manifest->permissions == NULL)
    return;
  names = json_object_get_members (json_node_get_object (plugin->manifest->permissions));
  for (GList *l = names; l != NULL; l = l->next)
    add_fault (resolve, plugin, HOOKRUN_ERROR_UNSUPPORTED,
               "is to be confined to the permission \"%s\", which this build cannot enforce; use a "
               "build with a sandbox, or remove \"permissions\" if you trust it fully",
               (const char *)l->data);
}

static void
check_isolation (Resolve *resolve, HookrunPlugin *plugin)
{
  const char *isolation = plugin->manifest->isolation;
  gboolean is_native = plugin->manifest->kind == HOOKRUN_PLUGIN_NATIVE;

  if (isolation == NULL || g_str_equal (isolation, "none") ||
      (g_str_equal (isolation, "process") && !is_native))
    return;
  add_fault (resolve, plugin, HOOKRUN_ERROR_UNSUPPORTED,
             "asks for the isolation \"%s\", which this build cannot give to a %s; write \"%s\"",
             isolation, is_native ? "native plugin" : "plugin of this kind",
             is_native ? "none" : "process");
}

static void
check_abi (Resolve *resolve, HookrunPlugin *plugin)
{
  if (plugin->manifest->kind == HOOKRUN_PLUGIN_NATIVE &&
      plugin->manifest->abi != HOOKRUN_PLUGIN_ABI)
    add_fault (resolve, plugin, HOOKRUN_ERROR_ABI,
               "was built for plugin ABI %u, this library has %u; rebuild it against this library",
               plugin->manifest->abi, (guint)HOOKRUN_PLUGIN_ABI);
}

/* ---- what is needed ---- */

static void need (Resolve *resolve, HookrunPlugin *plugin);

static void
need_required (Resolve *resolve, HookrunPlugin *plugin, const char *id, const char *range)
{
  HookrunPlugin *other = hookrun_engine_lookup (resolve->engine, id);
  const char *found = other != NULL ? hookrun_plugin_get_version (other) : NULL;
  const char *where = other != NULL ? other->manifest->origin : "the library itself";
  g_autofree char *hint = NULL;

  if (other == NULL && g_str_equal (id, "hookrun"))
    found = hookrun_get_version ();
  if (found == NULL) {
    hint = hookrun_engine_hint (resolve->engine, id);
    add_fault (resolve, plugin, HOOKRUN_ERROR_NOT_FOUND,
               "requires \"%s\" %s, which was not found; install it%s", id, range, hint);
  } else if (!hookrun_version_range_contains (range, found)) {
    add_fault (resolve, plugin, HOOKRUN_ERROR_CONFLICT,
               "requires \"%s\" %s, but version %s was found (%s); install another version", id,
               range, found, where);
  }
  if (other != NULL)
    need (resolve, other);
}

static void
need (Resolve *resolve, HookrunPlugin *plugin)
{
  HookrunManifest *manifest = plugin->manifest;

  if (mark (resolve, plugin, NEEDED))
    return;
  g_ptr_array_add (resolve->needed, plugin);
  if (manifest->before != NULL)
    g_ptr_array_add (resolve->early, plugin);
  check_abi (resolve, plugin);
  check_isolation (resolve, plugin);
  check_permissions (resolve, plugin);
  for (guint i = 0; manifest->requires != NULL && manifest->requires[i] != NULL; i++)
    need_required (resolve, plugin, manifest->requires[i], manifest -> ranges[i]);
}

/* ---- the order ---- */

static void visit (Resolve *resolve, HookrunPlugin *plugin);

static void
visit_ids (Resolve *resolve, char **ids)
{
  for (; ids != NULL && *ids != NULL; ids++) {
    HookrunPlugin *other = hookrun_engine_lookup (resolve->engine, *ids);

    if (other != NULL && (resolve->marks[other->index] & NEEDED) != 0)
      visit (resolve, other);
  }
}

/* Those that say that they come before @plugin. */
static void
visit_predecessors (Resolve *resolve, HookrunPlugin *plugin)
{
  const char *id = hookrun_plugin_get_id (plugin);

  for (guint i = 0; i < resolve->early->len; i++) {
    HookrunPlugin *other = g_ptr_array_index (resolve->early, i);

    if (g_strv_contains ((const char *const *)other->manifest->before, id))
      visit (resolve, other);
  }
}

static void
add_cycle (Resolve *resolve, HookrunPlugin *plugin)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint start = 0;

  g_ptr_array_find (resolve->path, plugin, &start);
  for (guint i = start; i < resolve->path->len; i++)
    g_string_append_printf (text, "\"%s\" needs ",
                            hookrun_plugin_get_id (g_ptr_array_index (resolve->path, i)));
  add_fault (resolve, plugin, HOOKRUN_ERROR_CYCLE,
             "is part of a circle: %s\"%s\"; drop one of these requirements", text->str,
             hookrun_plugin_get_id (plugin));
}

static void
visit (Resolve *resolve, HookrunPlugin *plugin)
{
  const guint8 *marks = &resolve->marks[plugin->index];

  if ((*marks & VISITED) != 0)
    return;
  if (mark (resolve, plugin, VISITING)) {
    add_cycle (resolve, plugin);
    return;
  }
  g_ptr_array_add (resolve->path, plugin);
  visit_ids (resolve, plugin->manifest->requires);
  visit_ids (resolve, plugin->manifest->after);
  visit_predecessors (resolve, plugin);
  g_ptr_array_set_size (resolve->path, (int)resolve->path->len - 1);
  mark (resolve, plugin, VISITED);
  g_ptr_array_add (resolve->order, plugin);
}

GPtrArray *
hookrun_engine_order (HookrunEngine *self, const char *const *ids, HookrunFaults *faults)
{
  Resolve resolve = {
      .engine = self,
      .faults = faults,
      .needed = g_ptr_array_new (),
      .early = g_ptr_array_new (),
      .marks = g_new0 (guint8, self->plugins->len),
      .path = g_ptr_array_new (),
      .order = g_ptr_array_new (),
  };

  for (guint i = 0; ids == NULL && i < self->plugins->len; i++)
    need (&resolve, g_ptr_array_index (self->plugins, i));
  for (; ids != NULL && *ids != NULL; ids++) {
    HookrunPlugin *plugin = hookrun_engine_lookup (self, *ids);
    g_autofree char *hint = plugin == NULL ? hookrun_engine_hint (self, *ids) : NULL;

    if (plugin != NULL)
      need (&resolve, plugin);
    else
      hookrun_faults_add (faults, HOOKRUN_ERROR_NOT_FOUND, "there is no plugin \"%s\"%s", *ids,
                          hint);
  }
  for (guint i = 0; i < resolve.needed->len; i++)
    visit (&resolve, g_ptr_array_index (resolve.needed, i));
  g_ptr_array_unref (resolve.needed);
  g_ptr_array_unref (resolve.early);
  g_free (resolve.marks);
  g_ptr_array_unref (resolve.path);
  return resolve.order;
}

/**
 * hookrun_engine_resolve:
 * @self: the engine
 * @ids: (nullable) (array zero-terminated=1): ids of plugins; %NULL: all that are known
 * @error: return location for an error
 *
 * Checks that all that the plugins require is there, in the versions that they can work with, and
 * without a circle. [method@Hookrun.Engine.activate] does this by itself.
 *
 * Returns: %TRUE when they can be activated; %FALSE with one error that names every fault: missing
 *   (%HOOKRUN_ERROR_NOT_FOUND), of another version (%HOOKRUN_ERROR_CONFLICT), in a circle
 *   (%HOOKRUN_ERROR_CYCLE), %HOOKRUN_ERROR_ABI, %HOOKRUN_ERROR_UNSUPPORTED; %HOOKRUN_ERROR_INVALID
 *   when they are of several kinds
 *
 * Since: 1.0
 */
gboolean
hookrun_engine_resolve (HookrunEngine *self, const char *const *ids, GError **error)
{
  g_autoptr (HookrunFaults) faults = hookrun_faults_new ();
  g_autoptr (GPtrArray) order = NULL;

  g_return_val_if_fail (HOOKRUN_IS_ENGINE (self), FALSE);

  order = hookrun_engine_order (self, ids, faults);
  if (!hookrun_faults_check (faults, "the set of plugins", error))
    return FALSE;
  for (guint i = 0; i < order->len; i++) {
    HookrunPlugin *plugin = g_ptr_array_index (order, i);

    if (plugin->n_active == 0)
      hookrun_plugin_set_state (plugin, HOOKRUN_PLUGIN_RESOLVED, NULL);
  }
  return TRUE;
}
