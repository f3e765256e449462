/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds module files: which files of a folder are modules, of what kind, and whether nobody but
 * root and the user can have written them. No file is read but the sidecar files.
 */
#include "hookrun-module-scan-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hookrun-error-private.h"
#include "hookrun-trust-private.h"

static const struct {
  const char *ending;
  HookrunOperationKind kind;
} kinds[] = {
    {".pmodule", HOOKRUN_OPERATION_PYTHON},
    {".eselect", HOOKRUN_OPERATION_SHELL},
    {".sh", HOOKRUN_OPERATION_SHELL},
    {".so", HOOKRUN_OPERATION_NATIVE},
};

/* What lies beside modules and is none, executable or not. */
static const char *const ignored[] = {".json", ".md", ".txt", ".bak", ".orig", ".rej", "~"};

/* Sets @kind; (transfer full) (nullable): the module's name, NULL when @file is no module. */
static char *
read_name (const char *file, mode_t mode, HookrunOperationKind *kind)
{
  if (*file == '.')
    return NULL;
  for (gsize i = 0; i < G_N_ELEMENTS (ignored); i++)
    if (g_str_has_suffix (file, ignored[i]))
      return NULL;
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_has_suffix (file, kinds[i].ending)) {
      *kind = kinds[i].kind;
      return g_strndup (file, strlen (file) - strlen (kinds[i].ending));
    }
  *kind = HOOKRUN_OPERATION_EXECUTABLE;
  return (mode & 0111) != 0 ? g_strndup (file, strcspn (file, ".")) : NULL;
}

static void
check (HookrunOperationSet *set, HookrunTrustedFolder *trusted)
{
  GError *problem = NULL;

  if (!hookrun_operation_name_is_valid (set->name))
    g_set_error (&problem, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "\"%s\": its name must be a letter or digit, then letters, digits, \"_\" and "
                 "\"-\"; rename it",
                 set->file);
  else if (hookrun_trust_check (trusted, set->file, &set->st, &problem) &&
           !S_ISREG (set->st.st_mode))
    g_set_error (&problem, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "\"%s\" is no regular file",
                 set->file);
  if (problem == NULL)
    hookrun_operation_set_read_manifest (set, &problem);
  if (problem != NULL)
    hookrun_operation_set_take_problem (set, problem);
}

HookrunOperationSet *
hookrun_module_scan_file (const char *file, GError **error)
{
  HookrunTrustedFolder trusted = HOOKRUN_TRUSTED_FOLDER_INIT;
  g_autofree char *path = g_canonicalize_filename (file, NULL);
  g_autofree char *base = g_path_get_basename (path);
  g_autoptr (HookrunOperationSet) set = NULL;
  g_autofree char *name = NULL;
  HookrunOperationKind kind;
  struct stat st;

  if (stat (path, &st) < 0) {
    hookrun_set_error_from_errno (error, errno, "cannot open \"%s\"", path);
    return NULL;
  }
  name = S_ISREG (st.st_mode) ? read_name (base, st.st_mode, &kind) : NULL;
  if (name == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "\"%s\" is no module: name it NAME.pmodule, NAME.eselect, NAME.sh or NAME.so, or "
                 "make it executable",
                 path);
    return NULL;
  }
  set = hookrun_operation_set_new (name, kind, path);
  check (set, &trusted);
  hookrun_trusted_folder_clear (&trusted);
  if (set->problem == NULL)
    return g_steal_pointer (&set);
  g_propagate_error (error, g_error_copy (set->problem));
  return NULL;
}

static int
compare_sets (gconstpointer a, gconstpointer b)
{
  const HookrunOperationSet *first = *(const HookrunOperationSet *const *)a;
  const HookrunOperationSet *second = *(const HookrunOperationSet *const *)b;
  int order = strcmp (first->name, second->name);

  return order != 0 ? order : strcmp (first->file, second->file);
}

/* The file of a name that comes first is the module; the others say so when they are in one folder
 * with it, since that is hardly meant. */
static void
take_set (HookrunOperationSet *set, GHashTable *names, GPtrArray *sets)
{
  HookrunOperationSet *last = sets->len > 0 ? sets->pdata[sets->len - 1] : NULL;
  g_autofree char *folder = g_path_get_dirname (set->file);
  g_autofree char *other = last != NULL ? g_path_get_dirname (last->file) : NULL;

  if (g_hash_table_add (names, g_strdup (set->name))) {
    g_ptr_array_add (sets, g_object_ref (set));
    return;
  }
  if (last != NULL && g_str_equal (last->name, set->name) && g_str_equal (folder, other))
    hookrun_operation_set_take_problem (
        last, g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS,
                           "\"%s\" and \"%s\" are both the module \"%s\"; rename or remove one",
                           last->file, set->file, set->name));
}

void
hookrun_module_scan_folder (const char *folder, GHashTable *names, GPtrArray *sets)
{
  HookrunTrustedFolder trusted = HOOKRUN_TRUSTED_FOLDER_INIT;
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_object_unref);
  const struct dirent *entry;
  DIR *dir = opendir (folder);

  while (dir != NULL && (entry = readdir (dir)) != NULL) {
    g_autofree char *path = NULL;
    g_autofree char *name = NULL;
    HookrunOperationKind kind;
    struct stat st;

    if (*entry->d_name == '.' || fstatat (dirfd (dir), entry->d_name, &st, 0) < 0 ||
        !S_ISREG (st.st_mode))
      continue;
    name = read_name (entry->d_name, st.st_mode, &kind);
    if (name == NULL)
      continue;
    path = g_build_filename (folder, entry->d_name, NULL);
    g_ptr_array_add (found, hookrun_operation_set_new (name, kind, path));
  }
  if (dir != NULL)
    closedir (dir);
  g_ptr_array_sort (found, compare_sets);
  for (guint i = 0; i < found->len; i++) {
    check (found->pdata[i], &trusted);
    take_set (found->pdata[i], names, sets);
  }
  hookrun_trusted_folder_clear (&trusted);
}
