/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command line of hookrun-module. Our own options stand before the operation of a module or the
 * program of `run`; what follows belongs to these.
 */
#include "options.h"

static const char description[] =
    "Commands:\n"
    "  list        all modules, and what each is for\n"
    "  MODULE      its operations; MODULE OP [ARGS…] runs one: by place or as --OPTION VALUE\n"
    "  update      run the update of these modules, or of all\n"
    "  install     install these module files, then update all\n"
    "  remove      undo what these modules did (prerm), remove them, then update all\n"
    "  pending     look at changes that were kept, and answer\n"
    "  undo        take back the last accepted changes, or those of a number\n"
    "  abandon     go on when changes that were cut off cannot be ended\n"
    "  run         run any program in the same sandbox: run [OPTIONS] -- PROGRAM [ARGS…]\n"
    "  explain     why something was denied, and the line that allows it: explain MODULE OP "
    "[ARGS…],\n"
    "              or explain [OPTIONS] -- PROGRAM [ARGS…]\n"
    "  learn       run it in a throw-away copy of the system; write the smallest policy that is "
    "enough\n"
    "  state       where a module keeps its files, and what is remembered of it\n"
    "  policy      what a module may do; --grant gives it what it asks for\n\n"
    "Examples:\n"
    "  hookrun-module shopping add Eggs\n"
    "  hookrun-module run --root . --limit memory=256M -- make\n";

ModuleOptions *
module_options_new (void)
{
  return g_new0 (ModuleOptions, 1);
}

void
module_options_free (ModuleOptions *options)
{
  g_free (options->path);
  g_free (options->hooks);
  g_free (options->answer);
  g_free (options->root);
  g_free (options->cache);
  g_free (options->temp);
  g_free (options->policy);
  g_strfreev (options->limits);
  g_free (options->output);
  g_free (options->command);
  g_strfreev (options->words);
  g_free (options);
}

static GOptionContext *
make_context (ModuleOptions *options, const char *summary)
{
  const GOptionEntry entries[] = {
      {"path", 'p', 0, G_OPTION_ARG_STRING, &options->path,
       "Folders of modules, joined by \":\" (default: $MODULEPATH)", "DIRS"},
      {"hooks", 0, 0, G_OPTION_ARG_FILENAME, &options->hooks, "Folder of hooks, SIGNAL.d/ each",
       "DIR"},
      {"answer", 'a', 0, G_OPTION_ARG_STRING, &options->answer,
       "Answer to every change of a file: y, a, s, n or N", "LETTER"},
      {"no-confirm", 'n', 0, G_OPTION_ARG_NONE, &options->no_confirm,
       "Ask nothing: changes of files stay pending", NULL},
      {"grant", 0, 0, G_OPTION_ARG_NONE, &options->grant, "With policy: grant what is asked for",
       NULL},
      {"revoke", 0, 0, G_OPTION_ARG_NONE, &options->revoke, "With policy: take grants back", NULL},
      {"root", 0, 0, G_OPTION_ARG_FILENAME, &options->root,
       "With run: folder that the program may change", "DIR"},
      {"cache", 0, 0, G_OPTION_ARG_FILENAME, &options->cache, "With run: another one, CACHE",
       "DIR"},
      {"temp", 0, 0, G_OPTION_ARG_FILENAME, &options->temp, "With run: another one, TEMP", "DIR"},
      {"policy", 0, 0, G_OPTION_ARG_FILENAME, &options->policy,
       "With run: what more it may do, as JSON", "FILE"},
      {"limit", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->limits,
       "With run: processes, memory, disk, cpu, wall and others; repeatable", "NAME=VALUE"},
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
       "With learn: where the policy goes (default: standard output)", "FILE"},
      {"yes", 'y', 0, G_OPTION_ARG_NONE, &options->yes, "With learn: grant secrets, too", NULL},
      {"for-real", 0, 0, G_OPTION_ARG_NONE, &options->for_real,
       "With learn: run once, and what it changes is changed", NULL},
      {"json", 'j', 0, G_OPTION_ARG_NONE, &options->json, "Print JSON, one object a line", NULL},
      {"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet, "Only results and errors", NULL},
      {"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version", NULL},
      {"help", 'h', 0, G_OPTION_ARG_NONE, &options->help, "Print this text", NULL},
      {NULL, 0, 0, 0, NULL, NULL, NULL},
  };
  GOptionContext *context = g_option_context_new (summary);

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_description (context, description);
  return context;
}

/* Reads options into @options and takes them out of @argv. @is_strict: only up to the first word
 * that is none. */
static gboolean
read_options (ModuleOptions *options, char ***argv, gboolean is_strict, GError **error)
{
  g_autoptr (GOptionContext) context = make_context (options, NULL);
  g_autoptr (GError) problem = NULL;

  g_option_context_set_strict_posix (context, is_strict);
  if (g_option_context_parse_strv (context, argv, &problem))
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "%s; see hookrun-module --help",
               problem->message);
  return FALSE;
}

/* The words from @first on, with the program's name ahead of them as the parser wants it. */
static char **
words_from (char **words, const char *program)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  g_strv_builder_add (builder, program);
  for (; *words != NULL; words++)
    g_strv_builder_add (builder, *words);
  return g_strv_builder_end (builder);
}

static void
drop_separator (ModuleOptions *options)
{
  char **words = options->words;

  if (words[0] == NULL || !g_str_equal (words[0], "--"))
    return;
  options->words = g_strdupv (words + 1);
  g_strfreev (words);
}

/* The parser may have taken the separator out. */
static gboolean
follows_separator (char **words, char **rest)
{
  guint n_words = g_strv_length (words);
  guint n_rest = g_strv_length (rest);

  return (n_rest > 0 && g_str_equal (rest[0], "--")) ||
         (n_words > n_rest && g_str_equal (words[n_words - n_rest - 1], "--"));
}

/* Our options may stand behind a command and behind the name of a module, too. */
static gboolean
read_rest (ModuleOptions *options, char **words, gboolean is_strict, GError **error)
{
  g_auto (GStrv) rest = words_from (words + 1, words[0]);

  if (!read_options (options, &rest, is_strict, error))
    return FALSE;
  options->words = g_strdupv (rest + 1);
  return TRUE;
}

gboolean
module_options_parse (ModuleOptions *options, char **argv,
                      gboolean (*is_command) (const char *word, gboolean *takes_program),
                      GError **error)
{
  g_auto (GStrv) words = g_strdupv (argv);
  g_auto (GStrv) operation = NULL;
  gboolean takes_program = FALSE;

  if (!read_options (options, &words, TRUE, error))
    return FALSE;
  if (words[0] == NULL || words[1] == NULL) {
    options->words = g_new0 (char *, 1);
    return TRUE;
  }
  if (is_command (words[1], &takes_program)) {
    options->command = g_strdup (words[1]);
    if (!read_rest (options, words + 1, takes_program, error))
      return FALSE;
    if (!takes_program)
      return TRUE;
    options->has_program = follows_separator (words + 1, options->words);
    drop_separator (options);
    return TRUE;
  }
  if (!read_rest (options, words + 1, TRUE, error))
    return FALSE;
  operation = options->words;
  options->words = words_from (operation, words[1]);
  return TRUE;
}

char *
module_options_get_help (void)
{
  g_autoptr (ModuleOptions) unused = module_options_new ();
  g_autoptr (GOptionContext) context =
      make_context (unused, "COMMAND | MODULE [OP [ARGS…]] - operations in a sandbox");

  return g_option_context_get_help (context, FALSE, NULL);
}
