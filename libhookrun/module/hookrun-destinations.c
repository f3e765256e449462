/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the modules of a project go on its hosts: each to a folder of its own. Two modules in one
 * folder, or one inside another's, would replace each other's files and releases.
 */
#include "hookrun-project-private.h"

#include <string.h>

#include "hookrun-module-private.h"

typedef struct {
  HookrunModule *module;
  const HookrunIniKey *key;
  char *path; /* each name with a '/' behind it */
} Place;

typedef struct {
  HookrunProject *project;
  HookrunFaults *faults;
  GHashTable *told; /* "KEY KEY" by their addresses */
} Check;

static void
place_clear (gpointer data)
{
  Place *place = data;

  g_free (place->path);
}

/* A slash comes ahead of all else, so that what is inside a folder follows it at once. */
static int
compare_places (gconstpointer a, gconstpointer b)
{
  const guchar *first = (const guchar *)((const Place *)a)->path;
  const guchar *second = (const guchar *)((const Place *)b)->path;

  while (*first != '\0' && *first == *second) {
    first++;
    second++;
  }
  if (*first == *second)
    return 0;
  if (*first == '\0' || *second == '\0')
    return *first == '\0' ? -1 : 1;
  if (*first == '/' || *second == '/')
    return *first == '/' ? -1 : 1;
  return *first < *second ? -1 : 1;
}

/* "/srv//shop/." and "/srv/shop" are one folder. */
static char *
plain_path (const char *given)
{
  g_auto (GStrv) names = g_strsplit (given, "/", -1);
  GString *path = g_string_new (*given == '/' ? "/" : "");

  for (char **name = names; *name != NULL; name++)
    if (**name != '\0' && !g_str_equal (*name, "."))
      g_string_append_printf (path, "%s/", *name);
  return g_string_free (path, FALSE);
}

static const HookrunIniKey *
find_key (HookrunModule *module, const char *host)
{
  g_autofree char *special = host != NULL ? g_strconcat ("path-", host, NULL) : NULL;
  const HookrunIniKey *key =
      special != NULL ? hookrun_ini_get_key (module->ini, "module", special) : NULL;

  return key != NULL ? key : hookrun_ini_get_key (module->ini, "module", "path");
}

static void
tell (Check *self, const Place *outer, const Place *inner)
{
  g_autofree char *pair =
      g_strdup_printf ("%p %p", (gconstpointer)outer->key, (gconstpointer)inner->key);
  gboolean is_same = g_str_equal (outer->path, inner->path);

  if (!g_hash_table_add (self->told, g_steal_pointer (&pair)))
    return;
  hookrun_faults_add (self->faults, HOOKRUN_ERROR_INVALID,
                      "%s line %u: \"%s\" is \"%s\", which %s \"%s\" of %s line %u; they would "
                      "replace each other, so give each module a folder of its own",
                      inner->module->ini->file, inner->key->line, inner->key->name,
                      inner->key->value, is_same ? "is the same as" : "lies in", outer->key->value,
                      outer->module->ini->file, outer->key->line);
}

static void
check_host (Check *self, const char *host)
{
  GPtrArray *modules = self->project->modules;
  g_autoptr (GArray) places = g_array_new (FALSE, FALSE, sizeof (Place));
  const Place *outer = NULL;

  g_array_set_clear_func (places, place_clear);
  for (guint i = 0; i < modules->len; i++) {
    HookrunModule *module = g_ptr_array_index (modules, i);
    Place place = {.module = module, .key = find_key (module, host)};

    if (place.key == NULL || *place.key->value == '\0')
      continue;
    place.path = plain_path (place.key->value);
    g_array_append_val (places, place);
  }
  g_array_sort (places, compare_places);
  for (guint i = 0; i < places->len; i++) {
    const Place *place = &g_array_index (places, Place, i);

    if (outer != NULL && g_str_has_prefix (place->path, outer->path))
      tell (self, outer, place);
    else
      outer = place;
  }
}

static gboolean
is_named_by_a_key (HookrunProject *project, const char *host)
{
  g_autofree char *special = g_strconcat ("path-", host, NULL);

  for (guint i = 0; i < project->modules->len; i++) {
    HookrunModule *module = g_ptr_array_index (project->modules, i);

    if (hookrun_ini_get_key (module->ini, "module", special) != NULL)
      return TRUE;
  }
  return FALSE;
}

/* Hosts that no key is written for are all alike: one of them is enough. */
void
hookrun_project_check_destinations (HookrunProject *self, HookrunFaults *faults)
{
  g_autoptr (GHashTable) told = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Check check = {self, faults, told};
  gboolean plain_seen = FALSE;

  for (char **host = self->hosts; *host != NULL; host++) {
    if (is_named_by_a_key (self, *host)) {
      check_host (&check, *host);
    } else if (!plain_seen) {
      plain_seen = TRUE;
      check_host (&check, *host);
    }
  }
}
