/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes of files that modules ask for: shown, asked about, carried out, kept, and taken back.
 * Where nobody can be asked they stay pending.
 */
#include "commands.h"

#include <stdio.h>

#include "tool-ask.h"
#include "tool-table.h"
#include "tool-terminal.h"

static const char question[] = "Apply? [y]es, [a]lways, [s]ave for later, [n]o, [N]ever, [m]erge";

/* ---- showing ---- */

static gboolean
show_change (ModuleContext *context, HookrunStagedChange *change, GError **error)
{
  g_autofree char *text = hookrun_staged_change_show (change, error);
  g_autofree char *path = tool_visible (hookrun_staged_change_get_path (change), FALSE);
  g_autoptr (JsonNode) node = NULL;
  JsonObject *object;

  if (text == NULL)
    return FALSE;
  if (!context->options->json) {
    g_print (
        "%smodule %s wants to change %s%s%s\n%s", tool_terminal_colour (1, TOOL_COLOUR_STRONG),
        hookrun_staged_change_get_module (change), path, tool_terminal_colour (1, TOOL_COLOUR_NONE),
        hookrun_staged_change_get_conflict (change) ? " (the file was changed since: a conflict)"
                                                    : "",
        text);
    return TRUE;
  }
  node = json_node_new (JSON_NODE_OBJECT);
  object = json_object_new ();
  json_node_take_object (node, object);
  json_object_set_string_member (object, "event", "change");
  json_object_set_int_member (object, "number", (gint64)hookrun_staged_change_get_id (change));
  json_object_set_string_member (object, "module", hookrun_staged_change_get_module (change));
  json_object_set_string_member (object, "path", path);
  json_object_set_boolean_member (object, "conflict", hookrun_staged_change_get_conflict (change));
  json_object_set_string_member (object, "difference", text);
  tool_print_json (node);
  return TRUE;
}

/* ---- merging ---- */

/* Puts @value in the place of each @name in @word; (transfer full). */
static char *
put_in (const char *word, const char *name, const char *value)
{
  g_auto (GStrv) parts = g_strsplit (word, name, -1);

  return g_strjoinv (value, parts);
}

/* $MERGE_TOOL with its places ${orig}, ${new} and ${merged} filled; (transfer full) (nullable). */
static char **
merge_command (const char *orig, const char *new_version, const char *merged, GError **error)
{
  const char *tool = g_getenv ("MERGE_TOOL");
  g_auto (GStrv) words = NULL;

  if (tool == NULL || *tool == '\0') {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
                 "MERGE_TOOL is not set; set it like this: MERGE_TOOL='meld ${orig} ${merged} "
                 "${new}'");
    return NULL;
  }
  if (!g_shell_parse_argv (tool, NULL, &words, error))
    return NULL;
  for (char **word = words; *word != NULL; word++) {
    g_autofree char *first = put_in (*word, "${orig}", orig);
    g_autofree char *second = put_in (first, "${new}", new_version);

    g_free (*word);
    *word = put_in (second, "${merged}", merged);
  }
  return g_steal_pointer (&words);
}

/* The user's own program, on the user's terminal, not in a sandbox. */
static gboolean
merge (HookrunStagedChange *change, GError **error)
{
  g_autofree char *orig = NULL;
  g_autofree char *new_version = NULL;
  g_autofree char *merged = NULL;
  g_auto (GStrv) argv = NULL;
  int status;

  if (!hookrun_staged_change_export_merge (change, &orig, &new_version, &merged, error))
    return FALSE;
  argv = merge_command (orig, new_version, merged, error);
  return argv != NULL &&
         g_spawn_sync (NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_CHILD_INHERITS_STDIN, NULL,
                       NULL, NULL, NULL, &status, error) &&
         g_spawn_check_wait_status (status, error) &&
         hookrun_staged_change_import_merge (change, error);
}

/* ---- asking ---- */

/* End of input discards, as the answer n does. */
static HookrunStagingAnswer
ask (ModuleContext *context, HookrunStagedChange *change)
{
  for (;;) {
    g_autofree char *text = tool_ask_text (question, FALSE);
    g_autoptr (GError) problem = NULL;
    HookrunStagingAnswer answer;

    if (text == NULL)
      return HOOKRUN_STAGING_ANSWER_DISCARD;
    g_strstrip (text);
    if (hookrun_staging_answer_parse (text, &answer))
      return answer;
    if (!g_str_equal (text, "m"))
      continue;
    if (!merge (change, &problem) || !show_change (context, change, &problem))
      tool_print_error (problem);
  }
}

static gboolean
find_answer (ModuleContext *context, HookrunStagedChange *change, HookrunStagingAnswer *answer,
             GError **error)
{
  const ModuleOptions *options = context->options;

  *answer = hookrun_staged_change_get_answer (change);
  if (*answer != HOOKRUN_STAGING_ANSWER_ASK)
    return TRUE;
  if (options->answer != NULL) {
    if (hookrun_staging_answer_parse (options->answer, answer))
      return TRUE;
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "\"%s\" is no answer: give y, a, s, n or N", options->answer);
    return FALSE;
  }
  if (!options->no_confirm && !options->json && tool_can_ask ())
    *answer = ask (context, change);
  return TRUE;
}

static void
report_commit (ModuleContext *context, HookrunStagingCommit *commit, const char *event)
{
  g_auto (GStrv) paths = hookrun_staging_commit_get_paths (commit);
  guint64 number = hookrun_staging_commit_get_id (commit);
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  JsonArray *array = json_array_new ();

  json_node_take_object (node, object);
  json_object_set_string_member (object, "event", event);
  json_object_set_int_member (object, "number", (gint64)number);
  json_object_set_string_member (object, "module", hookrun_staging_commit_get_module (commit));
  json_object_set_array_member (object, "paths", array);
  for (char **path = paths; *path != NULL; path++) {
    g_autofree char *visible = tool_visible (*path, FALSE);

    json_array_add_string_element (array, visible);
    if (!context->options->json && !context->options->quiet)
      g_print ("%s: %s\n", event, visible);
  }
  if (context->options->json)
    tool_print_json (node);
  else if (!context->options->quiet)
    g_print ("take it back with: hookrun-module undo %" G_GUINT64_FORMAT "\n", number);
}

static guint
count_kept (GPtrArray *changes)
{
  guint n = 0;

  for (guint i = 0; i < changes->len; i++) {
    HookrunStagingAnswer answer = hookrun_staged_change_get_answer (changes->pdata[i]);

    n += answer == HOOKRUN_STAGING_ANSWER_ASK || answer == HOOKRUN_STAGING_ANSWER_KEEP;
  }
  return n;
}

gboolean
module_settle (ModuleContext *context, HookrunStaging *staging, GPtrArray *changes, GError **error)
{
  g_autoptr (HookrunStagingCommit) commit = NULL;
  guint n_kept;
  gboolean ok;

  for (guint i = 0; i < changes->len; i++) {
    HookrunStagedChange *change = changes->pdata[i];
    HookrunStagingAnswer answer;

    if (!show_change (context, change, error) || !find_answer (context, change, &answer, error))
      return FALSE;
    hookrun_staged_change_set_answer (change, answer);
  }
  n_kept = count_kept (changes);
  ok = hookrun_staging_settle (staging, changes, &commit, error);
  if (commit != NULL)
    report_commit (context, commit, "applied");
  if (ok && n_kept > 0 && !context->options->json)
    g_print ("%u change%s pending; answer with: hookrun-module pending\n", n_kept,
             n_kept == 1 ? "" : "s");
  return ok;
}

/* ---- what was kept ---- */

static gboolean
is_wanted (ModuleContext *context, HookrunStagedChange *change)
{
  const char *const *words = (const char *const *)context->options->words;

  return *words == NULL || g_strv_contains (words, hookrun_staged_change_get_module (change));
}

/* The changes of the module that @first is of; (transfer full). */
static GPtrArray *
changes_of_one (GPtrArray *changes, HookrunStagedChange *first)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (g_object_unref);
  const char *module = hookrun_staged_change_get_module (first);

  for (guint i = 0; i < changes->len; i++)
    if (g_str_equal (hookrun_staged_change_get_module (changes->pdata[i]), module))
      g_ptr_array_add (found, g_object_ref (changes->pdata[i]));
  return found;
}

ToolExit
module_pending (ModuleContext *context, GError **error)
{
  g_autoptr (HookrunStaging) staging = hookrun_module_path_open_staging (context->path, error);
  g_autoptr (GPtrArray) changes =
      staging != NULL ? hookrun_staging_list_pending (staging, error) : NULL;
  g_autoptr (GHashTable) done = g_hash_table_new (g_str_hash, g_str_equal);

  if (changes == NULL)
    return TOOL_EXIT_FAILED;
  for (guint i = 0; i < changes->len; i++) {
    HookrunStagedChange *change = changes->pdata[i];
    g_autoptr (GPtrArray) of_one = NULL;

    if (!is_wanted (context, change) ||
        !g_hash_table_add (done, (gpointer)hookrun_staged_change_get_module (change)))
      continue;
    of_one = changes_of_one (changes, change);
    if (!module_settle (context, staging, of_one, error))
      return TOOL_EXIT_FAILED;
  }
  return TOOL_EXIT_DONE;
}

/* ---- taking back ---- */

/* The last commit that stands: neither undone nor an undoing; 0: none. */
static guint64
last_standing (GPtrArray *commits)
{
  for (guint i = commits->len; i > 0; i--) {
    HookrunStagingCommit *commit = commits->pdata[i - 1];

    if (hookrun_staging_commit_get_undoes (commit) == 0 &&
        hookrun_staging_commit_get_undone_by (commit) == 0)
      return hookrun_staging_commit_get_id (commit);
  }
  return 0;
}

static gboolean
find_number (ModuleContext *context, HookrunStaging *staging, guint64 *number, GError **error)
{
  const char *word = context->options->words[0];
  g_autoptr (GPtrArray) commits = NULL;

  if (word != NULL) {
    if (g_ascii_string_to_unsigned (word, 10, 1, G_MAXINT64, number, NULL))
      return TRUE;
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "\"%s\" is no number of an accepted change", word);
    return FALSE;
  }
  commits = hookrun_staging_list_commits (staging, error);
  if (commits == NULL)
    return FALSE;
  *number = last_standing (commits);
  if (*number != 0)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND, "there is nothing to take back");
  return FALSE;
}

ToolExit
module_undo (ModuleContext *context, GError **error)
{
  g_autoptr (HookrunStaging) staging = hookrun_module_path_open_staging (context->path, error);
  g_autoptr (HookrunStagingCommit) commit = NULL;
  guint64 number;

  if (staging == NULL || !find_number (context, staging, &number, error))
    return TOOL_EXIT_FAILED;
  commit = hookrun_staging_undo (staging, number, error);
  if (commit == NULL)
    return TOOL_EXIT_FAILED;
  report_commit (context, commit, "taken back");
  return TOOL_EXIT_DONE;
}

ToolExit
module_abandon (ModuleContext *context, GError **error)
{
  g_autoptr (HookrunStaging) staging = hookrun_module_path_open_staging (context->path, error);
  g_autoptr (JsonNode) node = NULL;
  JsonObject *object;

  if (staging == NULL || !hookrun_staging_abandon (staging, error))
    return TOOL_EXIT_FAILED;
  if (!context->options->json) {
    if (!context->options->quiet)
      g_print ("abandoned: every version stays where it is\n");
    return TOOL_EXIT_DONE;
  }
  node = json_node_new (JSON_NODE_OBJECT);
  object = json_object_new ();
  json_node_take_object (node, object);
  json_object_set_string_member (object, "event", "abandoned");
  tool_print_json (node);
  return TOOL_EXIT_DONE;
}
