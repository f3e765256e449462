/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a pipeline carries from one process to the next, what it plans, what a full disk and threads
 * do to it. */
#include "fixture.h"

#include <errno.h>
#include <string.h>

/* ---- other processes ---- */

static void
test_transient (Fixture *fixture, gconstpointer data)
{
  const HookrunStepFlags flags[N_STEPS] = {HOOKRUN_STEP_TRANSIENT, 0, 0, 0};
  g_autoptr (GError) error = NULL;

  fixture_add_steps (fixture, flags);
  fixture_connect (fixture, "a.before", "once", NULL, on_note);
  hookrun_pipeline_set_on_failure (fixture->pipeline, HOOKRUN_ON_FAILURE_STOP);
  fixture->acts[2].execute_fails = TRUE;
  g_error_free (fixture_run_badly (fixture, HOOKRUN_RUN_STOPPED));
  fixture_assert_log (fixture, "once +a +b +c");
  fixture_start_over (fixture, flags);
  g_assert_true (hookrun_pipeline_rollback (fixture->pipeline, NULL, fixture->journal, &error));
  fixture_assert_log (fixture, "?a +a -c -b -a");
}

static void
test_other_plan (Fixture *fixture, gconstpointer data)
{
  const HookrunStepFlags flags[N_STEPS] = {0, 0, 0, HOOKRUN_STEP_ALWAYS};
  g_autoptr (GError) error = NULL;

  fixture_add_steps (fixture, NULL);
  hookrun_pipeline_set_on_failure (fixture->pipeline, HOOKRUN_ON_FAILURE_STOP);
  fixture->acts[2].execute_fails = TRUE;
  g_error_free (fixture_run_badly (fixture, HOOKRUN_RUN_STOPPED));
  fixture_start_over (fixture, flags);
  g_assert_false (
      hookrun_pipeline_resume (fixture->pipeline, NULL, fixture->journal, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT);
  g_assert_nonnull (strstr (error->message, "\"d\""));
  g_assert_cmpint (hookrun_journal_get_state (fixture->journal), ==, HOOKRUN_RUN_STOPPED);
}

static void
test_unfinished_is_in_the_way (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture_add_steps (fixture, NULL);
  hookrun_pipeline_set_on_failure (fixture->pipeline, HOOKRUN_ON_FAILURE_STOP);
  fixture->acts[0].execute_fails = TRUE;
  g_error_free (fixture_run_badly (fixture, HOOKRUN_RUN_STOPPED));
  fixture_assert_log (fixture, "+a");
  g_assert_false (fixture_run (fixture, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT);
  fixture_assert_log (fixture, "");
}

/* ---- data ---- */

static const HookrunField fields[] = {
    {"host", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_READ_ONLY, NULL},
    {"count", HOOKRUN_FIELD_INT, HOOKRUN_FIELD_NONE, NULL},
    {"ratio", HOOKRUN_FIELD_DOUBLE, HOOKRUN_FIELD_NONE, NULL},
    {"force", HOOKRUN_FIELD_BOOLEAN, HOOKRUN_FIELD_NONE, NULL},
    {"files", HOOKRUN_FIELD_STRV, HOOKRUN_FIELD_NONE, NULL},
    {"tree", HOOKRUN_FIELD_JSON, HOOKRUN_FIELD_NONE, NULL},
    {"password", HOOKRUN_FIELD_STRING, HOOKRUN_FIELD_SECRET, NULL},
};

static HookrunVerdict
on_change (HookrunEvent *event, gpointer user_data)
{
  HookrunData *data = hookrun_event_get_data (event);
  g_autoptr (JsonNode) tree = json_from_string ("{\"a\":[1,null,{\"b\":null}]}", NULL);
  g_autoptr (JsonNode) extra = json_from_string ("{\"deep\":{\"null\":null}}", NULL);

  hookrun_data_set_int (data, "count", hookrun_data_get_int (data, "count") + 1, NULL);
  hookrun_data_set_double (data, "ratio", 3.0, NULL);
  hookrun_data_set_boolean (data, "force", TRUE, NULL);
  hookrun_data_set_strv (data, "files", (const char *const[]){"x", "y", NULL}, NULL);
  hookrun_data_set_json (data, "tree", tree, NULL);
  hookrun_data_set_string (data, "extra", "text", NULL);
  hookrun_data_set_json (data, "whole", extra, NULL);
  hookrun_data_unset (data, "gone", NULL);
  hookrun_data_set_string (data, "_private", "stays here", NULL);
  return HOOKRUN_CONTINUE;
}

static HookrunVerdict
on_secret (HookrunEvent *event, gpointer user_data)
{
  hookrun_data_set_string (hookrun_event_get_data (event), "password", "hunter2", NULL);
  return HOOKRUN_CONTINUE;
}

static HookrunData *
make_data (HookrunSchema *schema)
{
  HookrunData *data = hookrun_data_new (schema);

  hookrun_data_slot_set_string (data, 0, "web1");
  hookrun_data_set_int (data, "count", 41, NULL);
  hookrun_data_set_string (data, "gone", "soon", NULL);
  return data;
}

/* A pipeline with declared data and one failing step, stopped. */
static void
stop_with_data (Fixture *fixture, HookrunSchema *schema, HookrunHandlerFunc hook)
{
  g_autoptr (HookrunData) data = make_data (schema);
  g_autoptr (GError) error = NULL;

  g_clear_object (&fixture->pipeline);
  fixture->pipeline = hookrun_pipeline_new (fixture->registry, "job", schema);
  fixture_add_steps (fixture, NULL);
  hookrun_pipeline_set_on_failure (fixture->pipeline, HOOKRUN_ON_FAILURE_STOP);
  fixture_connect (fixture, "a.before", "hook", NULL, hook);
  fixture->acts[1].execute_fails = TRUE;
  g_assert_false (
      hookrun_pipeline_run (fixture->pipeline, "title", data, fixture->journal, NULL, &error));
  g_assert_cmpint (hookrun_journal_get_state (fixture->journal), ==, HOOKRUN_RUN_STOPPED);
  g_clear_object (&fixture->journal);
  fixture->journal = fixture_open_journal (fixture);
  fixture->acts[1].execute_fails = FALSE;
}

static void
test_data_comes_back (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (HookrunSchema) schema = hookrun_schema_new (fields, G_N_ELEMENTS (fields), NULL);
  g_autoptr (HookrunData) data = make_data (schema);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) tree = NULL;
  g_autoptr (JsonNode) whole = NULL;
  g_autofree char *tree_text = NULL;
  g_autofree char *whole_text = NULL;

  stop_with_data (fixture, schema, on_change);
  hookrun_data_slot_set_string (data, 0, "elsewhere");
  g_assert_true (hookrun_pipeline_resume (fixture->pipeline, data, fixture->journal, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (hookrun_data_get_string (data, "host"), ==, "web1");
  g_assert_cmpint (hookrun_data_get_int (data, "count"), ==, 42);
  g_assert_cmpfloat (hookrun_data_get_double (data, "ratio"), ==, 3.0);
  g_assert_true (hookrun_data_get_boolean (data, "force"));
  g_assert_cmpstr (hookrun_data_get_strv (data, "files")[1], ==, "y");
  g_assert_cmpstr (hookrun_data_get_string (data, "extra"), ==, "text");
  g_assert_false (hookrun_data_has (data, "gone"));
  tree = hookrun_data_get_json (data, "tree");
  tree_text = json_to_string (tree, FALSE);
  g_assert_cmpstr (tree_text, ==, "{\"a\":[1,null,{\"b\":null}]}");
  whole = hookrun_data_get_json (data, "whole");
  whole_text = json_to_string (whole, FALSE);
  g_assert_cmpstr (whole_text, ==, "{\"deep\":{\"null\":null}}");
}

static void
test_secrets_stay_out (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (HookrunSchema) schema = hookrun_schema_new (fields, G_N_ELEMENTS (fields), NULL);
  g_autoptr (HookrunData) data = make_data (schema);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  stop_with_data (fixture, schema, on_secret);
  g_assert_true (
      g_file_get_contents (hookrun_journal_get_path (fixture->journal), &text, NULL, NULL));
  g_assert_null (strstr (text, "hunter2"));
  g_assert_false (
      hookrun_pipeline_resume (fixture->pipeline, data, fixture->journal, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "\"password\""));
  g_clear_error (&error);
  hookrun_data_set_string (data, "password", "hunter2", NULL);
  g_assert_true (hookrun_pipeline_resume (fixture->pipeline, data, fixture->journal, NULL, &error));
  g_assert_no_error (error);
}

/* ---- plans ---- */

static void
test_plan (Fixture *fixture, gconstpointer unused)
{
  const HookrunStepFlags flags[N_STEPS] = {0, HOOKRUN_STEP_COMMIT, 0, 0};
  g_autoptr (HookrunData) data = hookrun_data_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) plan = NULL;
  g_autofree char *text = NULL;

  fixture_add_steps (fixture, flags);
  fixture_connect (fixture, "a.before", "lint", NULL, on_note);
  fixture_connect (fixture, "b.middle", "mine", &(HookrunHandlerOptions){.replaces = "b.action"},
                   on_note);
  hookrun_data_set_string (data, "host", "web1", NULL);
  plan = hookrun_pipeline_plan (fixture->pipeline, data, &error);
  g_assert_no_error (error);
  fixture_assert_log (fixture, "");
  g_assert_cmpint (hookrun_journal_get_state (fixture->journal), ==, HOOKRUN_RUN_NONE);
  text = hookrun_pipeline_plan_text (plan);
  g_assert_cmpstr (text, ==,
                   " 1. a: would do a for web1\n"
                   "     a.before: lint\n"
                   "     a.middle: a.action\n"
                   " 2. b: would do b for web1 (commit point)\n"
                   "     b.middle: mine\n"
                   " 3. c: would do c for web1\n"
                   "     c.middle: c.action\n"
                   " 4. d: would do d for web1\n"
                   "     d.middle: d.action\n");
}

/* ---- full disks ---- */

static int
run_full (HookrunJournalPoint point, gpointer user_data)
{
  int *writes_left = user_data;

  if (point == HOOKRUN_JOURNAL_POINT_BEFORE_WRITE && --*writes_left == 0)
    return ENOSPC;
  return 0;
}

/* Whichever record meets the full disk, nothing happens that is not recorded. */
static void
test_full_disk (Fixture *fixture, gconstpointer data)
{
  int n;

  for (n = 1;; n++) {
    g_autoptr (GError) error = NULL;
    int writes_left = n;
    gboolean ok;

    fixture_start_over (fixture, NULL);
    hookrun_journal_set_fault_hook (fixture->journal, run_full, &writes_left);
    ok = fixture_run (fixture, &error);
    hookrun_journal_set_fault_hook (fixture->journal, NULL, NULL);
    if (ok)
      break;
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NO_SPACE);
    g_assert_cmpint (hookrun_journal_get_state (fixture->journal), !=, HOOKRUN_RUN_DONE);
    if (n == 1)
      g_assert_cmpstr (fixture->log->str, ==, "");
    else if (n == 2)
      fixture_assert_log (fixture, "");
    else if (n == 3)
      fixture_assert_log (fixture, "+a -a");
    g_string_truncate (fixture->log, 0);
    if (hookrun_journal_get_state (fixture->journal) == HOOKRUN_RUN_UNFINISHED)
      g_assert_true (hookrun_pipeline_rollback (fixture->pipeline, NULL, fixture->journal, NULL));
    g_string_truncate (fixture->log, 0);
  }
  fixture_assert_log (fixture, "+a +b +c +d");
  g_assert_cmpint (n, >, 9);
}

/* ---- hooks that take their time ---- */

static gboolean
complete (gpointer user_data)
{
  hookrun_data_set_string (hookrun_event_get_data (user_data), "late", "yes", NULL);
  hookrun_event_complete (user_data, HOOKRUN_CONTINUE);
  return G_SOURCE_REMOVE;
}

static HookrunVerdict
on_pending (HookrunEvent *event, gpointer user_data)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  on_note (event, user_data);
  g_source_set_callback (source, complete, hookrun_event_ref (event),
                         (GDestroyNotify)hookrun_event_unref);
  g_source_attach (source, hookrun_event_get_context (event));
  return HOOKRUN_PENDING;
}

static void
on_rest_over (GObject *source, GAsyncResult *result, gpointer user_data)
{
  HookrunEvent *event = user_data;

  hookrun_event_complete (event, hookrun_event_proceed_finish (event, result));
  hookrun_event_unref (event);
}

static HookrunVerdict
on_pending_wrap (HookrunEvent *event, gpointer user_data)
{
  on_note (event, user_data);
  hookrun_event_proceed_async (event, on_rest_over, hookrun_event_ref (event));
  return HOOKRUN_PENDING;
}

/* "ID VERDICT [late]" of each hook in the journal */
static char *
recorded_hooks (Fixture *fixture)
{
  g_autoptr (JsonNode) node = hookrun_journal_get_records (fixture->journal);
  JsonArray *records = json_node_get_array (node);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (records); i++) {
    JsonObject *record = json_array_get_object_element (records, i);

    if (g_strcmp0 (hookrun_record_get_string (record, "type"), "hook") == 0)
      g_string_append_printf (text, "%s %s%s;", hookrun_record_get_string (record, "id"),
                              hookrun_record_get_string (record, "verdict"),
                              json_object_has_member (record, "set") ? " late" : "");
  }
  return g_string_free (text, FALSE);
}

static void
test_pending_hooks (Fixture *fixture, gconstpointer data)
{
  g_autofree char *hooks = NULL;

  fixture_add_steps (fixture, NULL);
  fixture_connect (fixture, "b.middle", "around", NULL, on_pending_wrap);
  fixture_connect (fixture, "b.middle", "slow", NULL, on_pending);
  fixture_connect (fixture, "b.middle", "quick", NULL, on_note);
  fixture_run_well (fixture);
  fixture_assert_log (fixture, "+a around slow quick +b +c +d");
  hooks = recorded_hooks (fixture);
  g_assert_cmpstr (hooks, ==,
                   "plugin/slow continue late;plugin/quick continue;plugin/around handled late;");
}

/* ---- threads ---- */

static void
on_over (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static void
on_step_changed (HookrunPipeline *pipeline, const char *step, HookrunStepState state,
                 gpointer user_data)
{
  fixture_note (user_data, "%s=%d", step, (int)state);
}

static void
test_async (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) busy = NULL;

  fixture_add_steps (fixture, NULL);
  fixture_connect (fixture, "c.before", "cancel", NULL, on_cancel);
  g_signal_connect (fixture->pipeline, "step-changed", G_CALLBACK (on_step_changed), fixture);
  hookrun_pipeline_run_async (fixture->pipeline, "title", NULL, fixture->journal,
                              fixture->cancellable, on_over, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (hookrun_pipeline_run_finish (fixture->pipeline, result, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_assert_cmpint (hookrun_pipeline_get_state (fixture->pipeline), ==, HOOKRUN_RUN_ROLLED_BACK);
  fixture_assert_log (fixture,
                      "a=1 +a a=2 b=1 +b b=2 c=1 cancel c=3 c=4 c=5 b=4 -b b=5 a=4 -a a=5");
}

static HookrunVerdict
on_run_inside (HookrunEvent *event, gpointer user_data)
{
  Fixture *fixture = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_false (hookrun_pipeline_run (fixture->pipeline, "inside", NULL, NULL, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_BUSY);
  return HOOKRUN_CONTINUE;
}

static void
test_one_at_a_time (Fixture *fixture, gconstpointer data)
{
  fixture_add_steps (fixture, NULL);
  fixture_connect (fixture, "b.before", "inside", NULL, on_run_inside);
  fixture_run_well (fixture);
  fixture_assert_log (fixture, "+a +b +c +d");
}

#define ADD(path, function)                                                                        \
  g_test_add ("/pipeline/" path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("process/transient-steps-are-done-again", test_transient);
  ADD ("process/other-plan-is-refused", test_other_plan);
  ADD ("process/unfinished-run-is-in-the-way", test_unfinished_is_in_the_way);
  ADD ("data/comes-back-exactly", test_data_comes_back);
  ADD ("data/secrets-stay-out", test_secrets_stay_out);
  ADD ("plan/says-what-would-happen", test_plan);
  ADD ("journal/full-disk-at-every-write", test_full_disk);
  ADD ("journal/pending-hooks-are-recorded-when-they-complete", test_pending_hooks);
  ADD ("thread/async-is-cancelled-and-put-back", test_async);
  ADD ("thread/one-run-at-a-time", test_one_at_a_time);
  return g_test_run ();
}
