/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The victim of test-crash: a pipeline with real effects on files, in a process that kills itself
 * at the point it is told, the Nth of all journal writes and effects. Usage: crash-child FOLDER
 * run|fail|resume|rollback POINT
 */
#include "hookrun-journal-private.h"
#include "hookrun-pipeline.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  char *folder;
  gboolean fails;
} Victim;

static int points_left; /* until the end */

static void
reach_point (void)
{
  if (--points_left == 0)
    kill (getpid (), SIGKILL);
}

static int
on_journal_point (HookrunJournalPoint point, gpointer user_data)
{
  reach_point ();
  return 0;
}

static char *
path_of (Victim *victim, const char *name)
{
  return g_build_filename (victim->folder, name, NULL);
}

static gboolean
fail_errno (GError **error, const char *what)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_IO, "%s: %s", what, g_strerror (errno));
  return FALSE;
}

static gboolean
append_line (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  gboolean ok = fd >= 0 && write (fd, text, strlen (text)) == (gssize)strlen (text);

  if (fd >= 0)
    close (fd);
  return ok;
}

static gboolean
has_text (const char *path, const char *expected)
{
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) && g_str_equal (text, expected);
}

/* ---- create: a file that was not there ---- */

static gboolean
create_execute (HookrunStep *step, gpointer user_data, GError **error)
{
  g_autofree char *path = path_of (user_data, "tree/created");

  reach_point ();
  if (!g_file_set_contents (path, "created\n", -1, NULL))
    return fail_errno (error, "create");
  reach_point ();
  return TRUE;
}

static gboolean
create_undo (HookrunStep *step, gpointer user_data, GError **error)
{
  g_autofree char *path = path_of (user_data, "tree/created");

  reach_point ();
  if (unlink (path) < 0 && errno != ENOENT)
    return fail_errno (error, "unlink");
  reach_point ();
  return TRUE;
}

/* ---- switch: a new file takes the place of the old, which is kept ---- */

static gboolean
switch_execute (HookrunStep *step, gpointer user_data, GError **error)
{
  g_autofree char *live = path_of (user_data, "tree/live");
  g_autofree char *new = path_of (user_data, "tree/live.new");
  g_autofree char *old = path_of (user_data, "tree/live.old");

  reach_point ();
  if (link (live, old) < 0 && errno != EEXIST)
    return fail_errno (error, "link");
  reach_point ();
  if (!g_file_set_contents (new, "new\n", -1, NULL))
    return fail_errno (error, "write");
  reach_point ();
  if (rename (new, live) < 0)
    return fail_errno (error, "rename");
  reach_point ();
  return TRUE;
}

static gboolean
switch_undo (HookrunStep *step, gpointer user_data, GError **error)
{
  g_autofree char *live = path_of (user_data, "tree/live");
  g_autofree char *new = path_of (user_data, "tree/live.new");
  g_autofree char *old = path_of (user_data, "tree/live.old");

  reach_point ();
  if (has_text (live, "old\n")) /* rename does nothing between two links of one file */
    unlink (old);
  else if (rename (old, live) < 0 && errno != ENOENT)
    return fail_errno (error, "rename back");
  reach_point ();
  unlink (new);
  reach_point ();
  return TRUE;
}

static gboolean
switch_probe (HookrunStep *step, gboolean *done, gpointer user_data, GError **error)
{
  g_autofree char *live = path_of (user_data, "tree/live");

  *done = has_text (live, "new\n");
  return TRUE;
}

/* ---- append: doing it twice would show; what undo needs is saved before ---- */

static gboolean
append_execute (HookrunStep *step, gpointer user_data, GError **error)
{
  g_autofree char *path = path_of (user_data, "tree/log");
  g_autofree char *line = NULL;
  g_autoptr (JsonNode) state = json_node_new (JSON_NODE_VALUE);
  GStatBuf st;

  if (g_stat (path, &st) < 0)
    return fail_errno (error, "stat");
  json_node_set_int (state, st.st_size);
  if (!hookrun_step_save_state (step, state, error))
    return FALSE;
  reach_point ();
  line = g_strdup_printf ("%s\n", hookrun_data_get_string (hookrun_step_get_data (step), "word"));
  if (!append_line (path, line))
    return fail_errno (error, "append");
  reach_point ();
  return TRUE;
}

static gboolean
append_probe (HookrunStep *step, gboolean *done, gpointer user_data, GError **error)
{
  g_autofree char *path = path_of (user_data, "tree/log");
  JsonNode *state = hookrun_step_get_state (step);
  GStatBuf st;

  *done = state != NULL && g_stat (path, &st) == 0 && st.st_size > json_node_get_int (state);
  return TRUE;
}

static gboolean
append_undo (HookrunStep *step, gpointer user_data, GError **error)
{
  g_autofree char *path = path_of (user_data, "tree/log");
  JsonNode *state = hookrun_step_get_state (step);

  reach_point ();
  if (state != NULL && truncate (path, json_node_get_int (state)) < 0)
    return fail_errno (error, "truncate");
  reach_point ();
  return TRUE;
}

static gboolean
maybe_fail (HookrunStep *step, gpointer user_data, GError **error)
{
  Victim *victim = user_data;

  if (!victim->fails)
    return TRUE;
  g_set_error_literal (error, HOOKRUN_ERROR, HOOKRUN_ERROR_COMMAND, "as asked");
  return FALSE;
}

static gboolean
final_execute (HookrunStep *step, gpointer user_data, GError **error)
{
  g_autofree char *path = path_of (user_data, "final");

  return g_file_set_contents (path, "final\n", -1, error);
}

/* ---- hooks ---- */

/* Leaves a line that names signal, handler and process, and adds a letter to the word. */
static HookrunVerdict
on_signal (HookrunEvent *event, gpointer user_data)
{
  g_autofree char *path = path_of (user_data, "hooks");
  HookrunData *data = hookrun_event_get_data (event);
  const char *id = hookrun_event_get_handler_id (event);
  const char *word = hookrun_data_get_string (data, "word");
  g_autofree char *line =
      g_strdup_printf ("%d test/%s %s\n", (int)getpid (), id,
                       hookrun_signal_get_name (hookrun_event_get_signal (event)));
  g_autofree char *longer = g_strdup_printf ("%s%s", word == NULL ? "" : word, id);

  reach_point ();
  append_line (path, line);
  if (g_str_has_prefix (id, "word"))
    hookrun_data_set_string (data, "word", longer, NULL);
  reach_point ();
  return HOOKRUN_CONTINUE;
}

static HookrunVerdict
around_signal (HookrunEvent *event, gpointer user_data)
{
  on_signal (event, user_data);
  return hookrun_event_proceed (event);
}

static const struct {
  const char *name;
  HookrunStepFlags flags;
  HookrunStepFuncs funcs;
} steps[] = {
    {"create", HOOKRUN_STEP_NONE, {create_execute, create_undo, NULL, NULL}},
    {"switch", HOOKRUN_STEP_NONE, {switch_execute, switch_undo, switch_probe, NULL}},
    {"append", HOOKRUN_STEP_NONE, {append_execute, append_undo, append_probe, NULL}},
    {"check", HOOKRUN_STEP_NONE, {maybe_fail, NULL, NULL, NULL}},
    {"final", HOOKRUN_STEP_ALWAYS, {final_execute, NULL, NULL, NULL}},
};

static const struct {
  const char *signal;
  const char *id;
  HookrunHandlerFunc func;
} hooks[] = {
    {"create.before", "word-a", on_signal},
    {"create.before", "word-b", on_signal},
    {"create.after", "plain", on_signal},
    {"switch.middle", "word-c", around_signal},
    {"append.before", "word-d", on_signal},
    {"append.undo", "undoing", on_signal},
    {"victim.failed", "failing", on_signal},
    {"victim.rollback-start", "starting", on_signal},
    {"victim.rollback-finish", "finishing", on_signal},
};

static HookrunPipeline *
make_pipeline (HookrunRegistry *registry, HookrunScope *scope, Victim *victim)
{
  HookrunPipeline *pipeline = hookrun_pipeline_new (registry, "victim", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++) {
    g_autoptr (HookrunStep) step = hookrun_step_new (steps[i].name, steps[i].flags);

    hookrun_step_set_funcs (step, &steps[i].funcs, victim, NULL);
    if (!hookrun_pipeline_add_step (pipeline, step, NULL))
      abort ();
  }
  for (gsize i = 0; i < G_N_ELEMENTS (hooks); i++)
    if (hookrun_registry_connect (registry, hooks[i].signal, scope, hooks[i].id, NULL,
                                  hooks[i].func, victim, NULL, NULL) == 0)
      abort ();
  return pipeline;
}

static gboolean
do_goal (HookrunPipeline *pipeline, const char *goal, HookrunJournal *journal, GError **error)
{
  if (g_str_equal (goal, "resume"))
    return hookrun_pipeline_resume (pipeline, NULL, journal, NULL, error);
  if (g_str_equal (goal, "rollback"))
    return hookrun_pipeline_rollback (pipeline, NULL, journal, error);
  return hookrun_pipeline_run (pipeline, "a title", NULL, journal, NULL, error);
}

int
main (int argc, char *argv[])
{
  g_autoptr (HookrunRegistry) registry = hookrun_registry_new ();
  g_autoptr (HookrunScope) scope = hookrun_scope_new ("test");
  g_autoptr (GError) error = NULL;
  g_autoptr (HookrunJournal) journal = NULL;
  g_autoptr (HookrunPipeline) pipeline = NULL;
  Victim victim;

  if (argc != 4)
    return 2;
  victim.folder = argv[1];
  victim.fails = g_str_equal (argv[2], "fail") || g_getenv ("VICTIM_FAILS") != NULL;
  points_left = atoi (argv[3]);
  journal = hookrun_journal_open (victim.folder, "victim", HOOKRUN_JOURNAL_NONE, &error);
  if (journal == NULL) {
    fprintf (stderr, "crash-child: %s\n", error->message);
    return 3;
  }
  hookrun_journal_set_fault_hook (journal, on_journal_point, NULL);
  pipeline = make_pipeline (registry, scope, &victim);
  if (do_goal (pipeline, argv[2], journal, &error))
    return 0;
  if (g_getenv ("VICTIM_TALKS") != NULL)
    fprintf (stderr, "crash-child: %s\n", error->message);
  return g_error_matches (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND) ? 4 : 1;
}
