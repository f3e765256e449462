/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The programs that open module files inside the sandbox, one a kind. An executable is its own
 * host.
 */
#include "hookrun-module-hosts-private.h"

#define PYTHON "/usr/bin/python3"
#define BASH "/bin/bash"
#define SYSTEM_PATH "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"

/* The variables are for trees that are not installed. */
static char *
hosts_folder (void)
{
  const char *folder = g_getenv ("HOOKRUN_MODULE_HOSTS");

  return g_strdup (folder != NULL && *folder != '\0' ? folder : HOOKRUN_LIBEXECDIR);
}

static char *
python_folder (void)
{
  const char *folder = g_getenv ("HOOKRUN_PYTHON_MODULE");

  return folder != NULL && *folder != '\0'
             ? g_strdup (folder)
             : g_build_filename (HOOKRUN_PYTHON_DIR, "hookrun_module", NULL);
}

static char *
host_program (const char *name)
{
  g_autofree char *folder = hosts_folder ();

  return g_build_filename (folder, name, NULL);
}

static void
add_host (GStrvBuilder *argv, HookrunOperationSet *set, gboolean describes)
{
  g_autofree char *python = NULL;
  g_autofree char *host = NULL;

  switch (set->kind) {
  case HOOKRUN_OPERATION_PYTHON:
    python = python_folder ();
    g_strv_builder_add_many (argv, PYTHON, "-I", "-B", NULL);
    /* Descriptions import nothing, so the start without packages of the site will do. */
    if (describes)
      g_strv_builder_add (argv, "-S");
    g_strv_builder_add (argv, python);
    break;
  case HOOKRUN_OPERATION_SHELL:
    host = host_program ("hookrun-module-shell");
    g_strv_builder_add_many (argv, BASH, "--norc", "--noprofile", host, NULL);
    break;
  case HOOKRUN_OPERATION_NATIVE:
    host = host_program ("hookrun-module-native");
    g_strv_builder_add (argv, host);
    break;
  case HOOKRUN_OPERATION_EXECUTABLE:
    g_strv_builder_add (argv, set->file);
    break;
  }
}

static gboolean
names_module (const HookrunOperationSet *set)
{
  return set->kind == HOOKRUN_OPERATION_PYTHON || set->kind == HOOKRUN_OPERATION_SHELL;
}

char **
hookrun_module_hosts_native_describe (void)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  g_autofree char *host = host_program ("hookrun-module-native");

  g_strv_builder_add_many (argv, host, "describe", NULL);
  return g_strv_builder_end (argv);
}

char **
hookrun_module_hosts_describe (HookrunOperationSet *set)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();

  add_host (argv, set, TRUE);
  g_strv_builder_add (argv, "describe");
  if (names_module (set))
    g_strv_builder_add_many (argv, set->name, set->file, NULL);
  return g_strv_builder_end (argv);
}

/* "=VALUE" or "-" for each option, then "--": the order is all that the table in C knows. */
static void
add_native_values (GStrvBuilder *argv, HookrunOperation *operation, JsonNode *arguments)
{
  JsonObject *object = json_node_get_object (arguments);
  const char *const *option = hookrun_operation_get_options (operation);
  JsonArray *words = json_object_has_member (object, HOOKRUN_OPERATION_WORDS)
                         ? json_object_get_array_member (object, HOOKRUN_OPERATION_WORDS)
                         : NULL;

  for (; *option != NULL; option++) {
    const char *value = json_object_get_string_member_with_default (object, *option, NULL);
    g_autofree char *word = value != NULL ? g_strconcat ("=", value, NULL) : g_strdup ("-");

    g_strv_builder_add (argv, word);
  }
  g_strv_builder_add (argv, "--");
  for (guint i = 0; words != NULL && i < json_array_get_length (words); i++)
    g_strv_builder_add (argv, json_array_get_string_element (words, i));
}

char **
hookrun_module_hosts_do (HookrunOperationSet *set, HookrunOperation *operation, JsonNode *arguments)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  g_auto (GStrv) words = hookrun_operation_to_words (operation, arguments);

  add_host (argv, set, FALSE);
  g_strv_builder_add (argv, "do");
  if (names_module (set))
    g_strv_builder_add (argv, set->name);
  if (set->kind != HOOKRUN_OPERATION_EXECUTABLE)
    g_strv_builder_add (argv, set->file);
  g_strv_builder_add (argv, hookrun_operation_get_name (operation));
  if (set->kind == HOOKRUN_OPERATION_NATIVE)
    add_native_values (argv, operation, arguments);
  else if (set->kind != HOOKRUN_OPERATION_PYTHON)
    g_strv_builder_addv (argv, (const char **)words);
  return g_strv_builder_end (argv);
}

static gboolean
check_installed (const char *path, GError **error)
{
  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  g_set_error (
      error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
      "\"%s\", which opens modules, is not installed; programs of a build folder find what "
      "they need in \"meson devenv -C FOLDER\"",
      path);
  return FALSE;
}

gboolean
hookrun_module_hosts_grant (HookrunPolicy *policy, HookrunOperationKind kind, GError **error)
{
  const HookrunAccess access = HOOKRUN_ACCESS_READ | HOOKRUN_ACCESS_EXECUTE;
  g_autofree char *commands = host_program ("commands");
  g_autofree char *shell = host_program ("hookrun-module-shell");
  g_autofree char *native = host_program ("hookrun-module-native");
  g_autofree char *python = python_folder ();
  g_autofree char *packages = g_path_get_dirname (python);
  const char *const hosts[] = {
      [HOOKRUN_OPERATION_PYTHON] = packages,
      [HOOKRUN_OPERATION_SHELL] = shell,
      [HOOKRUN_OPERATION_NATIVE] = native,
      [HOOKRUN_OPERATION_EXECUTABLE] = commands,
  };

  return check_installed (commands, error) && check_installed (hosts[kind], error) &&
         hookrun_policy_grant (policy, commands, access, error) &&
         hookrun_policy_grant (policy, hosts[kind],
                               kind == HOOKRUN_OPERATION_PYTHON ? HOOKRUN_ACCESS_READ : access,
                               error);
}

char *
hookrun_module_hosts_path (void)
{
  g_autofree char *commands = host_program ("commands");

  return g_strconcat (commands, ":" SYSTEM_PATH, NULL);
}
