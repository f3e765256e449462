/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command line of hookrun-deploy. It is read twice: once for what says which plugins take part,
 * then strictly, with the options that these plugins add.
 */
#include "options.h"

static const char description[] =
    "Commands:\n"
    "  deploy      bring the modules to the host (the default)\n"
    "  hosts       list the valid hosts\n"
    "  modules     list the modules in the order of their deployment\n"
    "  handlers    list all signals with their handlers in order, and why\n"
    "  plugins     list the plugins, and what each of them may do\n"
    "  status      what is deployed, and runs that did not end\n"
    "  resume      go on with a run that was cut off\n"
    "  rollback    take back a run that was cut off\n\n"
    "Example:\n"
    "  hookrun-deploy --host production --config production --dry-run\n";

DeployOptions *
deploy_options_new (void)
{
  DeployOptions *options = g_new0 (DeployOptions, 1);

  options->arguments = json_node_init_object (json_node_alloc (), NULL);
  json_node_take_object (options->arguments, json_object_new ());
  return options;
}

void
deploy_options_free (DeployOptions *options)
{
  g_free (options->project);
  g_free (options->host);
  g_free (options->config);
  g_free (options->release);
  g_strfreev (options->modules);
  g_strfreev (options->force);
  g_free (options->trace);
  g_free (options->command);
  json_node_unref (options->arguments);
  g_free (options);
}

static void
add_main_entries (GOptionContext *context, DeployOptions *options)
{
  const GOptionEntry entries[] = {
      {"project", 'C', 0, G_OPTION_ARG_FILENAME, &options->project,
       "The project's folder or file (default: this folder)", "DIR"},
      {"host", 'H', 0, G_OPTION_ARG_STRING, &options->host, "Host to deploy to", "ALIAS"},
      {"config", 'c', 0, G_OPTION_ARG_STRING, &options->config,
       "Configuration: a folder in config/ of each module", "NAME"},
      {"release", 'r', 0, G_OPTION_ARG_STRING, &options->release,
       "Release to deploy (default: stable)", "NAME"},
      {"module", 'm', 0, G_OPTION_ARG_STRING_ARRAY, &options->modules,
       "Only this module and what it depends on; repeatable", "NAME"},
      {"force", 'f', 0, G_OPTION_ARG_STRING_ARRAY, &options->force,
       "Deploy this module although its version is live ('*': all); repeatable", "NAME"},
      {"dry-run", 'n', 0, G_OPTION_ARG_NONE, &options->dry_run, "Only tell what would happen",
       NULL},
      {"json", 0, 0, G_OPTION_ARG_NONE, &options->json, "Print JSON, one object a line", NULL},
      {"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet, "No progress, only results and errors",
       NULL},
      {"verbose", 'v', 0, G_OPTION_ARG_NONE, &options->verbose, "Also show debugging lines", NULL},
      {"trace", 0, 0, G_OPTION_ARG_FILENAME, &options->trace,
       "Write all emissions to FILE (Trace Event Format)", "FILE"},
      {"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version", NULL},
      {"help", 'h', 0, G_OPTION_ARG_NONE, &options->help, "Print this text", NULL},
      {NULL, 0, 0, 0, NULL, NULL, NULL},
  };

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_description (context, description);
}

/* Both readings fill the same variables: what the first one allocated must not leak. */
static void
clear_values (DeployOptions *options)
{
  g_clear_pointer (&options->project, g_free);
  g_clear_pointer (&options->host, g_free);
  g_clear_pointer (&options->config, g_free);
  g_clear_pointer (&options->release, g_free);
  g_clear_pointer (&options->trace, g_free);
  g_clear_pointer (&options->modules, g_strfreev);
  g_clear_pointer (&options->force, g_strfreev);
  g_clear_pointer (&options->command, g_free);
}

static void
fill_defaults (DeployOptions *options)
{
  if (options->project == NULL)
    options->project = g_strdup (".");
  if (options->release == NULL)
    options->release = g_strdup ("stable");
  if (options->command == NULL)
    options->command = g_strdup ("deploy");
}

static gboolean
usage_error (GError **error, GError *from_parser)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "%s; see hookrun-deploy --help",
               from_parser->message);
  g_error_free (from_parser);
  return FALSE;
}

gboolean
deploy_options_scan (DeployOptions *options, char **argv, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_auto (GStrv) copy = g_strdupv (argv);
  GError *parse_error = NULL;

  add_main_entries (context, options);
  g_option_context_set_ignore_unknown_options (context, TRUE);
  if (!g_option_context_parse_strv (context, &copy, &parse_error))
    return usage_error (error, parse_error);
  for (char **word = copy + 1; copy[0] != NULL && *word != NULL; word++)
    if (**word != '-' && options->command == NULL)
      options->command = g_strdup (*word);
  fill_defaults (options);
  return TRUE;
}

/* ---- options of plugins ---- */

typedef struct {
  const char *type;
  GOptionArg arg;
} OptionType;

static const OptionType option_types[] = {
    {"boolean", G_OPTION_ARG_NONE},      {"string", G_OPTION_ARG_STRING},
    {"int", G_OPTION_ARG_INT64},         {"double", G_OPTION_ARG_DOUBLE},
    {"strv", G_OPTION_ARG_STRING_ARRAY},
};

/* One option of a plugin and the variable that GOption fills. */
typedef struct {
  char *name;
  GOptionArg arg;
  union {
    gboolean boolean;
    char *string;
    gint64 integer;
    double number;
    char **strv;
  } value;
  gboolean given;
} PluginOption;

static void
plugin_option_free (gpointer data)
{
  PluginOption *option = data;

  if (option->arg == G_OPTION_ARG_STRING)
    g_free (option->value.string);
  if (option->arg == G_OPTION_ARG_STRING_ARRAY)
    g_strfreev (option->value.strv);
  g_free (option->name);
  g_free (option);
}

static const char *
member_string (JsonObject *object, const char *name)
{
  return json_object_get_string_member_with_default (object, name, NULL);
}

static GOptionArg
arg_for_type (const char *type)
{
  for (gsize i = 0; i < G_N_ELEMENTS (option_types); i++)
    if (g_strcmp0 (option_types[i].type, type) == 0)
      return option_types[i].arg;
  return G_OPTION_ARG_STRING;
}

/* An option that two plugins or modules name is one option: all of them get its value. */
static gboolean
is_known (GPtrArray *options, const char *name)
{
  for (guint i = 0; i < options->len; i++)
    if (g_str_equal (((PluginOption *)options->pdata[i])->name, name))
      return TRUE;
  return FALSE;
}

static GOptionGroup *
get_group (GOptionContext *context, GHashTable *groups, const char *plugin)
{
  GOptionGroup *group = g_hash_table_lookup (groups, plugin);
  g_autofree char *title = NULL;

  if (group != NULL)
    return group;
  title = g_strdup_printf ("Options of plugin %s:", plugin);
  group = g_option_group_new (plugin, title, "", NULL, NULL);
  g_option_context_add_group (context, group);
  g_hash_table_insert (groups, g_strdup (plugin), group);
  return group;
}

static void
add_plugin_option (GOptionContext *context, GHashTable *groups, GPtrArray *options,
                   JsonObject *object)
{
  PluginOption *option;
  GOptionEntry entries[2] = {0};
  const char *name = member_string (object, "name");
  const char *plugin = member_string (object, "plugin");

  if (name == NULL || plugin == NULL || is_known (options, name))
    return;
  option = g_new0 (PluginOption, 1);
  option->name = g_strdup (name);
  option->arg = arg_for_type (member_string (object, "type"));
  g_ptr_array_add (options, option);
  entries[0].long_name = name;
  entries[0].arg = option->arg;
  entries[0].arg_data = &option->value;
  entries[0].description = member_string (object, "help");
  entries[0].arg_description = member_string (object, "arg_name");
  if (entries[0].arg_description == NULL && option->arg != G_OPTION_ARG_NONE)
    entries[0].arg_description = "VALUE";
  g_option_group_add_entries (get_group (context, groups, plugin), entries);
}

static GPtrArray *
add_plugin_options (GOptionContext *context, JsonNode *plugin_options)
{
  GPtrArray *options = g_ptr_array_new_with_free_func (plugin_option_free);
  g_autoptr (GHashTable) groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  JsonArray *array = plugin_options != NULL ? json_node_get_array (plugin_options) : NULL;

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    add_plugin_option (context, groups, options, json_array_get_object_element (array, i));
  return options;
}

/* Only what was given goes into the arguments; the plugin knows its own defaults. */
static void
take_plugin_value (JsonObject *arguments, const PluginOption *option)
{
  switch (option->arg) {
  case G_OPTION_ARG_NONE:
    if (option->value.boolean)
      json_object_set_boolean_member (arguments, option->name, TRUE);
    break;
  case G_OPTION_ARG_INT64:
    if (option->value.integer != 0)
      json_object_set_int_member (arguments, option->name, option->value.integer);
    break;
  case G_OPTION_ARG_DOUBLE:
    if (option->value.number < 0 || option->value.number > 0)
      json_object_set_double_member (arguments, option->name, option->value.number);
    break;
  case G_OPTION_ARG_STRING_ARRAY:
    if (option->value.strv != NULL) {
      JsonArray *array = json_array_new ();

      for (char **value = option->value.strv; *value != NULL; value++)
        json_array_add_string_element (array, *value);
      json_object_set_array_member (arguments, option->name, array);
    }
    break;
  default:
    if (option->value.string != NULL)
      json_object_set_string_member (arguments, option->name, option->value.string);
  }
}

gboolean
deploy_options_parse (DeployOptions *options, char **argv, JsonNode *plugin_options, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("[COMMAND]");
  g_autoptr (GPtrArray) added = NULL;
  g_auto (GStrv) copy = g_strdupv (argv);
  GError *parse_error = NULL;

  clear_values (options);
  add_main_entries (context, options);
  added = add_plugin_options (context, plugin_options);
  if (!g_option_context_parse_strv (context, &copy, &parse_error))
    return usage_error (error, parse_error);
  if (copy[0] != NULL && copy[1] != NULL && copy[2] != NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "unexpected argument \"%s\"; see hookrun-deploy --help", copy[2]);
    return FALSE;
  }
  if (copy[0] != NULL)
    options->command = g_strdup (copy[1]);
  for (guint i = 0; i < added->len; i++)
    take_plugin_value (json_node_get_object (options->arguments), added->pdata[i]);
  fill_defaults (options);
  return TRUE;
}

char *
deploy_options_get_help (JsonNode *plugin_options)
{
  g_autoptr (GOptionContext) context =
      g_option_context_new ("[COMMAND] - bring modules of a project to a host");
  g_autoptr (DeployOptions) unused = deploy_options_new ();
  g_autoptr (GPtrArray) added = NULL;

  add_main_entries (context, unused);
  added = add_plugin_options (context, plugin_options);
  return g_option_context_get_help (context, FALSE, NULL);
}
