/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pipeline of the tests, its steps and its hooks. */
#include "fixture.h"

const char *const fixture_step_names[N_STEPS] = {"a", "b", "c", "d"};

void
fixture_note (Fixture *fixture, const char *format, ...)
{
  va_list args;

  if (fixture->log->len > 0)
    g_string_append_c (fixture->log, ' ');
  va_start (args, format);
  g_string_append_vprintf (fixture->log, format, args);
  va_end (args);
}

void
fixture_assert_log (Fixture *fixture, const char *expected)
{
  g_assert_cmpstr (fixture->log->str, ==, expected);
  g_string_truncate (fixture->log, 0);
}

static gboolean
answer (Act *act, const char *what, gboolean fails, GError **error)
{
  fixture_note (act->fixture, "%s%s", what, hookrun_step_get_name (act->step));
  if (!fails)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NO_SPACE, "disk of %s is full",
               hookrun_step_get_name (act->step));
  return FALSE;
}

static gboolean
execute (HookrunStep *step, gpointer user_data, GError **error)
{
  Act *act = user_data;

  return answer (act, "+", act->execute_fails, error);
}

static gboolean
undo (HookrunStep *step, gpointer user_data, GError **error)
{
  Act *act = user_data;

  return answer (act, "-", act->undo_fails, error);
}

static gboolean
probe (HookrunStep *step, gboolean *done, gpointer user_data, GError **error)
{
  Act *act = user_data;

  *done = act->is_done;
  return answer (act, "?", act->probe_fails, error);
}

static char *
describe (HookrunStep *step, gpointer user_data, GError **error)
{
  return g_strdup_printf ("would do %s for %s", hookrun_step_get_name (step),
                          hookrun_data_get_string (hookrun_step_get_data (step), "host"));
}

const HookrunStepFuncs fixture_funcs = {execute, undo, probe, describe};

HookrunJournal *
fixture_open_journal (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  HookrunJournal *journal =
      hookrun_journal_open (fixture->folder, "test", HOOKRUN_JOURNAL_NONE, &error);

  g_assert_no_error (error);
  return journal;
}

void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = make_test_folder ();
  fixture->registry = hookrun_registry_new ();
  fixture->scope = hookrun_scope_new ("plugin");
  fixture->cancellable = g_cancellable_new ();
  fixture->log = g_string_new (NULL);
  fixture->journal = fixture_open_journal (fixture);
  fixture->pipeline = hookrun_pipeline_new (fixture->registry, "job", NULL);
}

void
fixture_add_steps (Fixture *fixture, const HookrunStepFlags *flags)
{
  for (int i = 0; i < N_STEPS; i++) {
    g_autoptr (GError) error = NULL;
    Act *act = &fixture->acts[i];

    act->fixture = fixture;
    act->step =
        hookrun_step_new (fixture_step_names[i], flags == NULL ? HOOKRUN_STEP_NONE : flags[i]);
    hookrun_step_set_funcs (act->step, &fixture_funcs, act, NULL);
    hookrun_pipeline_add_step (fixture->pipeline, act->step, &error);
    g_assert_no_error (error);
  }
}

void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  for (int i = 0; i < N_STEPS; i++)
    g_clear_object (&fixture->acts[i].step);
  g_clear_object (&fixture->pipeline);
  g_clear_object (&fixture->journal);
  g_clear_object (&fixture->scope);
  g_clear_object (&fixture->cancellable);
  g_clear_object (&fixture->registry);
  g_string_free (fixture->log, TRUE);
  remove_test_folder (fixture->folder);
}

/* As another process would find it: a new pipeline and the journal read back. */
void
fixture_start_over (Fixture *fixture, const HookrunStepFlags *flags)
{
  for (int i = 0; i < N_STEPS; i++)
    g_clear_object (&fixture->acts[i].step);
  g_clear_object (&fixture->pipeline);
  fixture->pipeline = hookrun_pipeline_new (fixture->registry, "job", NULL);
  fixture_add_steps (fixture, flags);
  g_clear_object (&fixture->journal);
  fixture->journal = fixture_open_journal (fixture);
}

void
fixture_connect (Fixture *fixture, const char *signal, const char *id,
                 const HookrunHandlerOptions *options, HookrunHandlerFunc func)
{
  g_autoptr (GError) error = NULL;

  hookrun_registry_connect (fixture->registry, signal, fixture->scope, id, options, func, fixture,
                            NULL, &error);
  g_assert_no_error (error);
}

gboolean
fixture_run (Fixture *fixture, GError **error)
{
  return hookrun_pipeline_run (fixture->pipeline, "title", NULL, fixture->journal,
                               fixture->cancellable, error);
}

void
fixture_run_well (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (fixture_run (fixture, &error));
  g_assert_no_error (error);
  g_assert_cmpint (hookrun_pipeline_get_state (fixture->pipeline), ==, HOOKRUN_RUN_DONE);
}

GError *
fixture_run_badly (Fixture *fixture, HookrunRunState state)
{
  GError *error = NULL;

  g_assert_false (fixture_run (fixture, &error));
  g_assert_nonnull (error);
  g_assert_cmpint (hookrun_pipeline_get_state (fixture->pipeline), ==, state);
  g_assert_cmpint (hookrun_journal_get_state (fixture->journal), ==, state);
  return error;
}

HookrunVerdict
on_note (HookrunEvent *event, gpointer user_data)
{
  fixture_note (user_data, "%s", hookrun_event_get_handler_id (event));
  return HOOKRUN_CONTINUE;
}

HookrunVerdict
on_handle (HookrunEvent *event, gpointer user_data)
{
  on_note (event, user_data);
  return HOOKRUN_HANDLED;
}

HookrunVerdict
on_veto (HookrunEvent *event, gpointer user_data)
{
  on_note (event, user_data);
  return hookrun_event_fail (event, HOOKRUN_ERROR_PERMISSION, "not on a Friday");
}

HookrunVerdict
on_wrap (HookrunEvent *event, gpointer user_data)
{
  HookrunVerdict verdict;

  fixture_note (user_data, "(");
  verdict = hookrun_event_proceed (event);
  fixture_note (user_data, ")");
  return verdict;
}

HookrunVerdict
on_cancel (HookrunEvent *event, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_cancellable_cancel (fixture->cancellable);
  return on_note (event, user_data);
}

HookrunVerdict
on_failed (HookrunEvent *event, gpointer user_data)
{
  HookrunData *data = hookrun_event_get_data (event);

  fixture_note (user_data, "%s(%s:%s)", hookrun_event_get_handler_id (event),
                hookrun_data_get_string (data, "failed_step"),
                hookrun_data_get_string (data, "error_code"));
  return HOOKRUN_CONTINUE;
}
