/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of hookrun-watch: what to watch, and how to tell it. */
#include "options.h"

static const char description[] =
    "Each line is KIND<TAB>PATH, and for a move <TAB>OLD PATH. Kinds: created, changed,\n"
    "attributes, removed, moved; and notes: overflow-begin, overflow-end, root-gone,\n"
    "root-back. \"ready: N folders\" on standard error says that nothing is missed from\n"
    "then on. Without a PATH it is the current folder.\n\n"
    "Examples:\n"
    "  hookrun-watch --print src\n"
    "  hookrun-watch --print --kind created,moved --once /var/spool/in\n"
    "  hookrun-watch --print --null . | xargs -0 -n 2 echo\n";

WatchOptions *
watch_options_new (void)
{
  return g_new0 (WatchOptions, 1);
}

void
watch_options_free (WatchOptions *options)
{
  g_free (options->backend);
  g_strfreev (options->kind_words);
  g_strfreev (options->paths);
  g_free (options);
}

static GOptionContext *
make_context (WatchOptions *options)
{
  const GOptionEntry entries[] = {
      {"print", 'p', 0, G_OPTION_ARG_NONE, &options->print, "Print a line for each change", NULL},
      {"null", '0', 0, G_OPTION_ARG_NONE, &options->null,
       "End fields and records with NUL: any name survives", NULL},
      {"json", 'j', 0, G_OPTION_ARG_NONE, &options->json, "Print JSON, one object a line", NULL},
      {"kind", 'k', 0, G_OPTION_ARG_STRING_ARRAY, &options->kind_words,
       "Only these kinds, joined by commas; repeatable", "KINDS"},
      {"once", '1', 0, G_OPTION_ARG_NONE, &options->once, "End after the first change", NULL},
      {"shallow", 0, 0, G_OPTION_ARG_NONE, &options->shallow, "Not the folders in the folders",
       NULL},
      {"settle", 's', 0, G_OPTION_ARG_INT, &options->settle_ms,
       "Wait until a path was quiet for so long, and make one change of several", "MS"},
      {"backend", 0, 0, G_OPTION_ARG_STRING, &options->backend,
       "How to watch: auto (the default) or inotify", "NAME"},
      {"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet, "Do not say that it is ready", NULL},
      {"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version", NULL},
      {"help", 'h', 0, G_OPTION_ARG_NONE, &options->help, "Print this text", NULL},
      {NULL, 0, 0, 0, NULL, NULL, NULL},
  };
  GOptionContext *context = g_option_context_new ("[PATH…] - watch files and folders");

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_description (context, description);
  return context;
}

static gboolean
read_kinds (WatchOptions *options, GError **error)
{
  for (char **words = options->kind_words; words != NULL && *words != NULL; words++) {
    g_auto (GStrv) names = g_strsplit (*words, ",", -1);

    for (char **name = names; *name != NULL; name++) {
      HookrunChangeKind kind = hookrun_change_kind_from_name (*name);

      if (kind == HOOKRUN_CHANGE_NONE) {
        g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                     "there is no kind of change \"%s\"; see hookrun-watch --help", *name);
        return FALSE;
      }
      options->kinds |= kind;
    }
  }
  if (options->kind_words == NULL)
    options->kinds = HOOKRUN_CHANGE_ALL;
  return TRUE;
}

static gboolean
check (WatchOptions *options, GError **error)
{
  const char *problem = NULL;

  if (options->help || options->version)
    return TRUE;
  if (!options->print)
    problem = "say what to do with the changes: --print";
  else if (options->json && options->null)
    problem = "--json and --null exclude each other";
  else if (options->settle_ms < 0)
    problem = "--settle takes milliseconds";
  else if (options->backend != NULL && !g_str_equal (options->backend, "auto") &&
           !g_str_equal (options->backend, "inotify"))
    problem = "--backend takes auto or inotify";
  if (problem == NULL)
    return read_kinds (options, error);
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "%s; see hookrun-watch --help",
               problem);
  return FALSE;
}

/* What stands behind "--" are paths, even if they begin with a dash. */
static char **
take_paths (char **words)
{
  static const char *const here[] = {".", NULL};

  words += words[0] != NULL;
  words += words[0] != NULL && g_str_equal (words[0], "--");
  return g_strdupv (words[0] == NULL ? (char **)here : words);
}

gboolean
watch_options_parse (WatchOptions *options, char **argv, GError **error)
{
  g_autoptr (GOptionContext) context = make_context (options);
  g_auto (GStrv) words = g_strdupv (argv);
  g_autoptr (GError) problem = NULL;

  if (!g_option_context_parse_strv (context, &words, &problem)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID, "%s; see hookrun-watch --help",
                 problem->message);
    return FALSE;
  }
  options->paths = take_paths (words);
  return check (options, error);
}

char *
watch_options_get_help (void)
{
  g_autoptr (WatchOptions) unused = watch_options_new ();
  g_autoptr (GOptionContext) context = make_context (unused);

  return g_option_context_get_help (context, FALSE, NULL);
}
