/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loads a project: its file, the file of every module, and the graph of dependencies. All faults of
 * all files come in one error, since nobody likes to correct a project one message at a time.
 */
#include "hookrun-project-private.h"

#include <fcntl.h>
#include <string.h>

#include "hookrun-graph-private.h"
#include "hookrun-module-private.h"
#include "hookrun-nearest-private.h"

/* Of a long circle only the ends are printed. */
#define CYCLE_HEAD 12
#define CYCLE_TAIL 4

typedef struct {
  HookrunProject *project;
  HookrunIni *ini;
  HookrunFaults *faults;
  char *file;     /* the project file as messages name it */
  gboolean whole; /* it was read without faults: what it lacks is lacking indeed */
} Loading;

static const HookrunKeyRule rules[] = {
    {"project", "name", hookrun_value_check_text, FALSE},
    {"project", "depends", hookrun_value_check_names, FALSE},
    {"hosts", NULL, hookrun_value_check_host, FALSE},
    {"modules", NULL, NULL, FALSE},
    {NULL, NULL, NULL, FALSE},
};

static void
check_key_names (const Loading *self, const char *kind, const HookrunIniSection *section)
{
  for (guint i = 0; i < section->keys->len; i++) {
    const HookrunIniKey *key = g_ptr_array_index (section->keys, i);
    g_autofree char *why = hookrun_value_check_name (key->name);

    if (why != NULL)
      hookrun_faults_add (self->faults, HOOKRUN_ERROR_INVALID, "%s line %u: the %s %s", self->file,
                          key->line, kind, why);
  }
}

static void
load_head (Loading *self)
{
  HookrunProject *project = self->project;
  const HookrunIniKey *name = hookrun_ini_get_key (self->ini, "project", "name");
  const HookrunIniKey *depends = hookrun_ini_get_key (self->ini, "project", "depends");

  project->name = name != NULL ? g_strdup (name->value) : g_path_get_basename (project->folder);
  project->depends = hookrun_value_to_names (depends != NULL ? depends->value : "");
}

static void
load_hosts (Loading *self)
{
  HookrunProject *project = self->project;
  const HookrunIniSection *section = hookrun_ini_get_section (self->ini, "hosts");
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();

  project->specs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  for (guint i = 0; section != NULL && i < section->keys->len; i++) {
    const HookrunIniKey *key = g_ptr_array_index (section->keys, i);

    g_strv_builder_add (list, key->name);
    g_hash_table_insert (project->specs, g_strdup (key->name), g_strdup (key->value));
  }
  project->hosts = g_strv_builder_end (list);
  if (section != NULL)
    check_key_names (self, "host", section);
}

/* Two modules in one folder would share a module file and a cache of the source. */
static gboolean
claim_folder (Loading *self, GHashTable *folders, const HookrunIniKey *key, const char *folder)
{
  const HookrunIniKey *other = g_hash_table_lookup (folders, folder);

  if (other == NULL) {
    g_hash_table_insert (folders, g_strdup (folder), (gpointer)key);
    return TRUE;
  }
  hookrun_faults_add (self->faults, HOOKRUN_ERROR_INVALID,
                      "%s line %u: module \"%s\" has the folder of module \"%s\" in line %u; give "
                      "it one of its own",
                      self->file, key->line, key->name, other->name, other->line);
  return FALSE;
}

static void
load_module (Loading *self, GHashTable *folders, const HookrunIniKey *key)
{
  HookrunProject *project = self->project;
  const char *given = *key->value != '\0' ? key->value : key->name;
  g_autofree char *folder = g_canonicalize_filename (given, project->folder);
  g_autofree char *base = g_path_get_basename (folder);
  g_autofree char *shown = g_strdup_printf ("module \"%s\": %s/%s.ini", key->name, given, base);
  g_autofree char *path = g_strconcat (folder, G_DIR_SEPARATOR_S, base, ".ini", NULL);
  HookrunModule *module;

  if (!claim_folder (self, folders, key, folder))
    return;
  if (!g_file_test (folder, G_FILE_TEST_IS_DIR)) {
    hookrun_faults_add (self->faults, HOOKRUN_ERROR_NOT_FOUND,
                        "%s line %u: module \"%s\" has no folder \"%s\"; make it or write \"%s = "
                        "FOLDER\"",
                        self->file, key->line, key->name, given, key->name);
    return;
  }
  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    hookrun_faults_add (self->faults, HOOKRUN_ERROR_NOT_FOUND,
                        "%s line %u: module \"%s\" has no file \"%s/%s.ini\"; write it, even if it "
                        "is empty, or correct the folder",
                        self->file, key->line, key->name, given, base);
    return;
  }
  module = hookrun_module_load (key->name, folder, shown, project->specs, self->faults);
  if (module != NULL)
    g_ptr_array_add (project->modules, module);
}

static void
load_modules (Loading *self)
{
  HookrunProject *project = self->project;
  const HookrunIniSection *section = hookrun_ini_get_section (self->ini, "modules");
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();
  g_autoptr (GHashTable) folders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  project->modules = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; section != NULL && i < section->keys->len; i++) {
    const HookrunIniKey *key = g_ptr_array_index (section->keys, i);

    g_strv_builder_add (list, key->name);
    load_module (self, folders, key);
  }
  project->module_names = g_strv_builder_end (list);
  if (section == NULL && self->whole)
    hookrun_faults_add (
        self->faults, HOOKRUN_ERROR_INVALID,
        "%s has no section [modules]; add it with a line \"NAME = FOLDER\" for each "
        "module",
        self->file);
  if (section != NULL)
    check_key_names (self, "module", section);
}

/* Any [modules] entry of the name will do, even if the module's own file is faulty. */
static void
check_provided (const Loading *self, const char *place, guint line, const char *name)
{
  g_autofree char *hint = NULL;

  if (!self->whole || hookrun_ini_get_key (self->ini, "modules", name) != NULL)
    return;
  if (hookrun_faults_wants_more (self->faults))
    hint = hookrun_nearest_hint (name, (const char *const *)self->project->module_names);
  hookrun_faults_add (self->faults, HOOKRUN_ERROR_INVALID,
                      "%s line %u: \"depends\" names \"%s\", which no [modules] entry provides; "
                      "add it or correct the name%s",
                      place, line, name, hint != NULL ? hint : "");
}

static GArray *
load_edges (const Loading *self, HookrunModule *module)
{
  GArray *edges = g_array_new (FALSE, FALSE, sizeof (guint));
  guint line = hookrun_module_get_depends_line (module);
  const char *const *names = hookrun_module_get_depends (module);

  for (; *names != NULL; names++) {
    guint index = GPOINTER_TO_UINT (g_hash_table_lookup (self->project->indices, *names));

    if (g_str_equal (*names, module->name)) {
      hookrun_faults_add (self->faults, HOOKRUN_ERROR_CYCLE,
                          "%s line %u: \"depends\" of module \"%s\" names the module itself; take "
                          "it out",
                          module->ini->file, line, module->name);
    } else if (index > 0) {
      index--;
      g_array_append_val (edges, index);
    } else {
      check_provided (self, module->ini->file, line, *names);
    }
  }
  return edges;
}

static const char *
name_of (const Loading *self, guint index)
{
  HookrunModule *module = g_ptr_array_index (self->project->modules, index);

  return module->name;
}

static void
tell_cycle (const guint *path, guint length, gpointer user_data)
{
  const Loading *self = user_data;
  HookrunModule *last = g_ptr_array_index (self->project->modules, path[length - 1]);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < length; i++) {
    if (length > CYCLE_HEAD + CYCLE_TAIL && i == CYCLE_HEAD) {
      i = length - CYCLE_TAIL;
      g_string_append_printf (text, "(%u more) → ", i - CYCLE_HEAD);
    }
    g_string_append_printf (text, "%s → ", name_of (self, path[i]));
  }
  g_string_append (text, name_of (self, path[0]));
  hookrun_faults_add (self->faults, HOOKRUN_ERROR_CYCLE,
                      "%s line %u: \"depends\" closes a circle: %s; take one of these dependencies "
                      "away",
                      last->ini->file, hookrun_module_get_depends_line (last), text->str);
}

static void
load_graph (Loading *self)
{
  HookrunProject *project = self->project;
  const HookrunIniKey *depends = hookrun_ini_get_key (self->ini, "project", "depends");
  g_autofree guint *all = g_new (guint, project->modules->len + 1);
  g_autoptr (GArray) order = NULL;

  project->indices = g_hash_table_new (g_str_hash, g_str_equal);
  project->edges = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);
  for (guint i = 0; i < project->modules->len; i++) {
    all[i] = i;
    g_hash_table_insert (project->indices, (gpointer)name_of (self, i), GUINT_TO_POINTER (i + 1));
  }
  for (guint i = 0; i < project->modules->len; i++)
    g_ptr_array_add (project->edges, load_edges (self, g_ptr_array_index (project->modules, i)));
  for (char **name = project->depends; *name != NULL; name++)
    check_provided (self, self->file, depends->line, *name);
  order = hookrun_graph_order (project->edges, all, project->modules->len, tell_cycle, self);
}

gboolean
hookrun_project_fill (HookrunProject *self, GError **error)
{
  g_autoptr (HookrunFaults) faults = hookrun_faults_new ();
  g_autoptr (HookrunIni) ini = NULL;
  g_autofree char *file = g_path_get_basename (self->path);
  g_autofree char *subject = g_strdup_printf ("project \"%s\"", self->path);
  Loading loading = {.project = self, .faults = faults, .file = file};

  ini = hookrun_ini_load_trusted (self->path, file, faults);
  if (ini == NULL)
    return hookrun_faults_check (faults, subject, error);
  loading.ini = ini;
  loading.whole = hookrun_faults_count (faults) == 0;
  hookrun_ini_check (ini, rules, FALSE, NULL, faults);
  load_head (&loading);
  load_hosts (&loading);
  load_modules (&loading);
  load_graph (&loading);
  hookrun_project_check_destinations (self, faults);
  return hookrun_faults_check (faults, subject, error);
}
