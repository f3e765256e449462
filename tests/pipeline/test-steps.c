/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a pipeline does with its steps: order, replacing, vetoes, undoing, commit points, steps that
 * always run. */
#include "fixture.h"

#include <string.h>

/* ---- forward ---- */

static void
test_order (Fixture *fixture, gconstpointer data)
{
  fixture_add_steps (fixture, NULL);
  fixture_connect (fixture, "b.before", "before", NULL, on_note);
  fixture_connect (fixture, "b.middle", "filter", NULL, on_note);
  fixture_connect (fixture, "b.middle", "wrap", NULL, on_wrap);
  fixture_connect (fixture, "b.after", "after", NULL, on_note);
  fixture_run_well (fixture);
  fixture_assert_log (fixture, "+a before filter ( +b ) after +c +d");
}

static void
test_replaced (Fixture *fixture, gconstpointer data)
{
  const HookrunHandlerOptions options = {.replaces = "b.action"};

  fixture_add_steps (fixture, NULL);
  fixture_connect (fixture, "b.middle", "mine", &options, on_note);
  fixture_connect (fixture, "c.middle", "skip", NULL, on_handle);
  fixture->acts[3].execute_fails = TRUE;
  g_error_free (fixture_run_badly (fixture, HOOKRUN_RUN_ROLLED_BACK));
  /* What did not run is not undone. */
  fixture_assert_log (fixture, "+a mine skip +d -d -a");
}

static void
test_undo_of_replaced (Fixture *fixture, gconstpointer data)
{
  const HookrunStepFlags flags[N_STEPS] = {0, HOOKRUN_STEP_UNDO_REPLACED, 0, 0};

  fixture_add_steps (fixture, flags);
  fixture_connect (fixture, "b.middle", "mine", NULL, on_handle);
  fixture_connect (fixture, "c.before", "veto", NULL, on_veto);
  g_error_free (fixture_run_badly (fixture, HOOKRUN_RUN_ROLLED_BACK));
  fixture_assert_log (fixture, "+a mine veto -b -a");
}

static void
test_shared_signal (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HookrunPipeline) other = hookrun_pipeline_new (fixture->registry, "other", NULL);
  g_autoptr (GError) error = NULL;

  for (int i = 0; i < N_STEPS; i++) {
    Act *act = &fixture->acts[i];

    act->fixture = fixture;
    act->step = hookrun_step_new (fixture_step_names[i], HOOKRUN_STEP_NONE);
    hookrun_step_set_funcs (act->step, &fixture_funcs, act, NULL);
    hookrun_step_set_signals (act->step, "send.pre", "send.run", "send.post", "send.undo");
    hookrun_step_set_action_id (act->step, "send.action");
    hookrun_step_set_subject (act->step, i % 2 == 0 ? "even" : "odd");
    hookrun_pipeline_add_step (i < 2 ? fixture->pipeline : other, act->step, &error);
    g_assert_no_error (error);
  }
  fixture_connect (fixture, "send.run", "odd", &(HookrunHandlerOptions){.subject = "odd"}, on_note);
  fixture_run_well (fixture);
  fixture_assert_log (fixture, "+a odd +b");
  g_assert_true (hookrun_pipeline_run (other, "title", NULL, NULL, NULL, &error));
  g_assert_cmpint (hookrun_pipeline_get_state (other), ==, HOOKRUN_RUN_DONE);
  fixture_assert_log (fixture, "+c odd +d");
}

static void
test_names (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HookrunStep) again = hookrun_step_new ("a", HOOKRUN_STEP_NONE);
  g_autoptr (HookrunStep) other = hookrun_step_new ("e", HOOKRUN_STEP_NONE);
  g_autoptr (GError) error = NULL;

  fixture_add_steps (fixture, NULL);
  g_assert_false (hookrun_pipeline_add_step (fixture->pipeline, again, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_EXISTS);
  g_clear_error (&error);
  hookrun_step_set_funcs (other, &fixture_funcs, &fixture->acts[0], NULL);
  hookrun_step_set_signals (other, NULL, "a.middle", NULL, NULL);
  g_assert_false (hookrun_pipeline_add_step (fixture->pipeline, other, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT);
  fixture_run_well (fixture);
}

/* ---- failures ---- */

static void
test_veto_undoes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture_add_steps (fixture, NULL);
  fixture_connect (fixture, "c.before", "veto", NULL, on_veto);
  fixture_connect (fixture, "b.undo", "also", NULL, on_note);
  fixture_connect (fixture, "job.failed", "failed", NULL, on_failed);
  fixture_connect (fixture, "job.rollback-start", "start", NULL, on_note);
  fixture_connect (fixture, "job.rollback-finish", "finish", NULL, on_note);
  error = fixture_run_badly (fixture, HOOKRUN_RUN_ROLLED_BACK);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION);
  g_assert_nonnull (strstr (error->message, "step \"c\""));
  g_assert_nonnull (strstr (error->message, "plugin \"plugin\""));
  g_assert_nonnull (strstr (error->message, "not on a Friday; everything was rolled back"));
  fixture_assert_log (fixture, "+a +b veto failed(c:permission) start also -b -a finish");
}

static void
test_failed_step_is_undone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture_add_steps (fixture, NULL);
  fixture->acts[1].execute_fails = TRUE;
  error = fixture_run_badly (fixture, HOOKRUN_RUN_ROLLED_BACK);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NO_SPACE);
  g_assert_cmpstr (error->message, ==, "step \"b\": disk of b is full; everything was rolled back");
  fixture_assert_log (fixture, "+a +b -b -a");
}

static void
test_undo_fails (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) status = NULL;
  JsonObject *step;

  fixture_add_steps (fixture, NULL);
  fixture->acts[1].undo_fails = TRUE;
  fixture->acts[2].execute_fails = TRUE;
  error = fixture_run_badly (fixture, HOOKRUN_RUN_ROLLBACK_INCOMPLETE);
  g_assert_nonnull (strstr (error->message, "step \"b\" is not undone"));
  fixture_assert_log (fixture, "+a +b +c -c -b -a");
  status = hookrun_journal_get_status (fixture->journal);
  step = json_array_get_object_element (
      json_object_get_array_member (json_node_get_object (status), "steps"), 1);
  g_assert_cmpstr (json_object_get_string_member (step, "state"), ==, "undo-failed");
  g_assert_nonnull (strstr (json_object_get_string_member (step, "message"), "disk of b is full"));
  /* Tried again, only what is left is undone. */
  fixture_start_over (fixture, NULL);
  fixture->acts[1].undo_fails = FALSE;
  g_clear_error (&error);
  g_assert_true (hookrun_pipeline_rollback (fixture->pipeline, NULL, fixture->journal, &error));
  g_assert_no_error (error);
  fixture_assert_log (fixture, "-b");
}

static void
test_rollback_hooks_cannot_stop_it (Fixture *fixture, gconstpointer data)
{
  g_autoptr (JsonNode) status = NULL;

  fixture_add_steps (fixture, NULL);
  fixture->acts[1].execute_fails = TRUE;
  fixture_connect (fixture, "job.failed", "veto-1", NULL, on_veto);
  fixture_connect (fixture, "job.rollback-start", "veto-2", NULL, on_veto);
  fixture_connect (fixture, "b.undo", "veto-3", NULL, on_veto);
  g_error_free (fixture_run_badly (fixture, HOOKRUN_RUN_ROLLBACK_INCOMPLETE));
  fixture_assert_log (fixture, "+a +b veto-1 veto-2 veto-3 -b -a");
  status = hookrun_pipeline_get_status (fixture->pipeline);
  g_assert_cmpuint (json_array_get_length (
                        json_object_get_array_member (json_node_get_object (status), "problems")),
                    ==, 2);
}

static void
test_stop_then_resume (Fixture *fixture, gconstpointer data)
{
  const HookrunStepFlags flags[N_STEPS] = {0, 0, 0, HOOKRUN_STEP_ALWAYS};
  g_autoptr (GError) error = NULL;

  fixture_add_steps (fixture, flags);
  fixture_connect (fixture, "b.before", "once", NULL, on_note);
  hookrun_pipeline_set_on_failure (fixture->pipeline, HOOKRUN_ON_FAILURE_STOP);
  fixture->acts[1].execute_fails = TRUE;
  error = fixture_run_badly (fixture, HOOKRUN_RUN_STOPPED);
  g_assert_nonnull (strstr (error->message, "resume or roll back"));
  fixture_assert_log (fixture, "+a once +b +d");
  fixture_start_over (fixture, flags);
  fixture->acts[1].execute_fails = FALSE;
  g_clear_error (&error);
  g_assert_true (hookrun_pipeline_resume (fixture->pipeline, NULL, fixture->journal, NULL, &error));
  g_assert_no_error (error);
  fixture_assert_log (fixture, "?b +b +c +d");
}

static void
test_stop_then_rollback (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture_add_steps (fixture, NULL);
  hookrun_pipeline_set_on_failure (fixture->pipeline, HOOKRUN_ON_FAILURE_STOP);
  fixture->acts[2].execute_fails = TRUE;
  g_error_free (fixture_run_badly (fixture, HOOKRUN_RUN_STOPPED));
  fixture_assert_log (fixture, "+a +b +c");
  fixture_start_over (fixture, NULL);
  g_assert_true (hookrun_pipeline_rollback (fixture->pipeline, NULL, fixture->journal, &error));
  fixture_assert_log (fixture, "-c -b -a");
  g_assert_false (hookrun_pipeline_rollback (fixture->pipeline, NULL, fixture->journal, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (
      hookrun_pipeline_resume (fixture->pipeline, NULL, fixture->journal, NULL, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
}

static void
test_finished_run_is_taken_back (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture_add_steps (fixture, NULL);
  fixture_run_well (fixture);
  fixture_assert_log (fixture, "+a +b +c +d");
  fixture_start_over (fixture, NULL);
  g_assert_true (hookrun_pipeline_rollback (fixture->pipeline, NULL, fixture->journal, &error));
  fixture_assert_log (fixture, "-d -c -b -a");
}

static void
test_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture_add_steps (fixture, NULL);
  fixture_connect (fixture, "b.after", "cancel", NULL, on_cancel);
  fixture_connect (fixture, "job.rollback-finish", "finish", NULL, on_note);
  error = fixture_run_badly (fixture, HOOKRUN_RUN_ROLLED_BACK);
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  fixture_assert_log (fixture, "+a +b cancel -b -a finish");
}

static void
test_always (Fixture *fixture, gconstpointer data)
{
  const HookrunStepFlags flags[N_STEPS] = {0, 0, HOOKRUN_STEP_ALWAYS, HOOKRUN_STEP_ALWAYS};
  g_autoptr (GError) error = NULL;

  fixture_add_steps (fixture, flags);
  fixture->acts[1].execute_fails = TRUE;
  fixture->acts[2].execute_fails = TRUE;
  error = fixture_run_badly (fixture, HOOKRUN_RUN_ROLLBACK_INCOMPLETE);
  fixture_assert_log (fixture, "+a +b -b -a +c +d");
  g_assert_nonnull (strstr (error->message, "step \"b\": disk of b is full; rolled back, but not"));
  g_assert_nonnull (strstr (error->message, "step \"c\" failed"));
}

static void
test_cannot_be_undone (Fixture *fixture, gconstpointer data)
{
  const HookrunStepFuncs without_undo = {fixture_funcs.execute, NULL, NULL, NULL};
  g_autoptr (HookrunStep) mail = hookrun_step_new ("mail", HOOKRUN_STEP_IRREVERSIBLE);
  g_autoptr (HookrunStep) last = hookrun_step_new ("last", HOOKRUN_STEP_NONE);
  g_autoptr (GError) error = NULL;
  Act acts[2] = {{fixture, mail}, {fixture, last}};

  hookrun_step_set_funcs (mail, &without_undo, &acts[0], NULL);
  hookrun_step_set_funcs (last, &without_undo, &acts[1], NULL);
  g_assert_true (hookrun_pipeline_add_step (fixture->pipeline, mail, &error));
  g_assert_true (hookrun_pipeline_add_step (fixture->pipeline, last, &error));
  acts[1].execute_fails = TRUE;
  error = fixture_run_badly (fixture, HOOKRUN_RUN_ROLLBACK_INCOMPLETE);
  g_assert_nonnull (strstr (error->message, "step \"mail\" is not undone (it cannot be undone)"));
  fixture_assert_log (fixture, "+mail +last");
}

/* ---- the commit point ---- */

static const HookrunStepFlags commit_flags[N_STEPS] = {0, HOOKRUN_STEP_COMMIT, 0, 0};

static void
test_only_forward (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture_add_steps (fixture, commit_flags);
  fixture->acts[2].execute_fails = TRUE;
  error = fixture_run_badly (fixture, HOOKRUN_RUN_STOPPED);
  g_assert_nonnull (strstr (error->message, "commit point \"b\" is passed"));
  fixture_assert_log (fixture, "+a +b +c");
  fixture_start_over (fixture, commit_flags);
  g_clear_error (&error);
  g_assert_false (hookrun_pipeline_rollback (fixture->pipeline, NULL, fixture->journal, &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT);
  g_assert_cmpint (hookrun_journal_get_state (fixture->journal), ==, HOOKRUN_RUN_STOPPED);
  g_clear_error (&error);
  fixture->acts[2].execute_fails = FALSE;
  g_assert_true (hookrun_pipeline_resume (fixture->pipeline, NULL, fixture->journal, NULL, &error));
  g_assert_no_error (error);
  fixture_assert_log (fixture, "?c +c +d");
}

static void
test_commit_fails_before (Fixture *fixture, gconstpointer data)
{
  fixture_add_steps (fixture, commit_flags);
  fixture->acts[1].execute_fails = TRUE;
  g_error_free (fixture_run_badly (fixture, HOOKRUN_RUN_ROLLED_BACK));
  fixture_assert_log (fixture, "+a +b ?b ?b -b -a");
}

/* It reports a failure after it succeeded. */
static void
test_commit_answer_lost (Fixture *fixture, gconstpointer data)
{
  fixture_add_steps (fixture, commit_flags);
  fixture->acts[1].execute_fails = TRUE;
  fixture->acts[1].is_done = TRUE;
  fixture_run_well (fixture);
  fixture_assert_log (fixture, "+a +b ?b +c +d");
}

/* Nobody can tell: neither forward nor back. */
static void
test_commit_unknown (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture_add_steps (fixture, commit_flags);
  fixture->acts[1].execute_fails = TRUE;
  fixture->acts[1].probe_fails = TRUE;
  error = fixture_run_badly (fixture, HOOKRUN_RUN_STOPPED);
  fixture_assert_log (fixture, "+a +b ?b ?b");
  fixture_start_over (fixture, commit_flags);
  g_clear_error (&error);
  fixture->acts[1].probe_fails = FALSE;
  fixture->acts[1].is_done = TRUE;
  g_assert_true (hookrun_pipeline_resume (fixture->pipeline, NULL, fixture->journal, NULL, &error));
  fixture_assert_log (fixture, "?b +c +d");
}

#define ADD(path, function)                                                                        \
  g_test_add ("/pipeline/" path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("run/in-order-with-hooks-around", test_order);
  ADD ("run/replaced-action-is-not-undone", test_replaced);
  ADD ("run/undo-of-a-replaced-action-on-demand", test_undo_of_replaced);
  ADD ("run/steps-and-pipelines-share-signals", test_shared_signal);
  ADD ("run/names-are-unique", test_names);
  ADD ("failure/veto-undoes-in-reverse", test_veto_undoes);
  ADD ("failure/half-done-step-is-undone", test_failed_step_is_undone);
  ADD ("failure/undo-that-fails-is-reported-and-tried-again", test_undo_fails);
  ADD ("failure/hooks-cannot-stop-a-rollback", test_rollback_hooks_cannot_stop_it);
  ADD ("failure/stop-and-resume", test_stop_then_resume);
  ADD ("failure/stop-and-rollback", test_stop_then_rollback);
  ADD ("failure/finished-run-is-taken-back", test_finished_run_is_taken_back);
  ADD ("failure/cancelled-is-put-back", test_cancelled);
  ADD ("failure/always-steps-run", test_always);
  ADD ("failure/irreversible-is-told", test_cannot_be_undone);
  ADD ("commit/only-forward", test_only_forward);
  ADD ("commit/fails-before", test_commit_fails_before);
  ADD ("commit/answer-lost", test_commit_answer_lost);
  ADD ("commit/unknown-stops", test_commit_unknown);
  return g_test_run ();
}
