/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A registry with one signal, and handlers that write what they did into a text: their id when they
 * run. What a handler does beyond that is told by a Script.
 */
#pragma once

#include <hookrun.h>

typedef struct {
  HookrunRegistry *registry;
  HookrunSignal *signal;
  HookrunScope *scope;
  GString *log;
} Fixture;

/* What a scripted handler does: it logs, does @then, and gives @verdict. */
typedef struct {
  Fixture *fixture;
  HookrunVerdict verdict;
  const char *failure; /* set as its error when not NULL */
  void (*then) (Fixture *fixture, HookrunEvent *event);
} Script;

static inline void
fixture_set_up_with (Fixture *self, HookrunSignalFlags flags, const HookrunField *fields,
                     gsize n_fields)
{
  g_autoptr (GError) error = NULL;

  self->registry = hookrun_registry_new ();
  self->signal =
      hookrun_registry_define (self->registry, "test.signal", flags, fields, n_fields, &error);
  g_assert_no_error (error);
  self->scope = hookrun_scope_new ("tester");
  self->log = g_string_new (NULL);
}

static inline void
fixture_set_up (Fixture *self, gconstpointer unused)
{
  fixture_set_up_with (self, HOOKRUN_SIGNAL_NONE, NULL, 0);
}

static inline void
fixture_tear_down (Fixture *self, gconstpointer unused)
{
  hookrun_scope_close (self->scope);
  g_object_unref (self->scope);
  g_object_unref (self->registry);
  g_string_free (self->log, TRUE);
}

static inline void
fixture_log (Fixture *self, const char *word)
{
  g_string_append_printf (self->log, "%s%s", self->log->len > 0 ? " " : "", word);
}

static inline HookrunVerdict
run_script (HookrunEvent *event, gpointer user_data)
{
  const Script *script = user_data;

  fixture_log (script->fixture, hookrun_event_get_handler_id (event));
  if (script->then != NULL)
    script->then (script->fixture, event);
  if (script->failure != NULL)
    return hookrun_event_fail (event, HOOKRUN_ERROR_CONFLICT, "%s", script->failure);
  return script->verdict;
}

static inline guint64
fixture_connect_full (Fixture *self, const char *id, const HookrunHandlerOptions *options,
                      HookrunVerdict verdict, const char *failure,
                      void (*then) (Fixture *, HookrunEvent *))
{
  g_autoptr (GError) error = NULL;
  Script script = {self, verdict, failure, then};
  guint64 number = hookrun_signal_connect (self->signal, self->scope, id, options, run_script,
                                           g_memdup2 (&script, sizeof script), g_free, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (number, !=, 0);
  return number;
}

/* A handler that logs and says CONTINUE. */
static inline guint64
fixture_connect (Fixture *self, const char *id, const HookrunHandlerOptions *options)
{
  return fixture_connect_full (self, id, options, HOOKRUN_CONTINUE, NULL, NULL);
}

static inline void
fixture_refuse (Fixture *self, const char *id, const HookrunHandlerOptions *options,
                HookrunError code, const char *pattern)
{
  g_autoptr (GError) error = NULL;
  Script script = {self, HOOKRUN_CONTINUE, NULL, NULL};

  g_assert_cmpuint (hookrun_signal_connect (self->signal, self->scope, id, options, run_script,
                                            g_memdup2 (&script, sizeof script), g_free, &error),
                    ==, 0);
  g_assert_error (error, HOOKRUN_ERROR, (int)code);
  if (!g_pattern_match_simple (pattern, error->message))
    g_error ("\"%s\" is not like \"%s\"", error->message, pattern);
}

/* Emits and compares what ran; the error is expected to be NULL. */
static inline void
fixture_expect_for (Fixture *self, const char *subject, HookrunVerdict verdict, const char *log)
{
  g_autoptr (GError) error = NULL;

  g_string_truncate (self->log, 0);
  g_assert_cmpint (hookrun_signal_emit_for (self->signal, subject, NULL, NULL, &error), ==,
                   verdict);
  g_assert_no_error (error);
  g_assert_cmpstr (self->log->str, ==, log);
}

static inline void
fixture_expect (Fixture *self, HookrunVerdict verdict, const char *log)
{
  fixture_expect_for (self, NULL, verdict, log);
}

/* Emits and compares what ran and how it failed. */
static inline void
fixture_expect_failure (Fixture *self, HookrunError code, const char *pattern, const char *log)
{
  g_autoptr (GError) error = NULL;

  g_string_truncate (self->log, 0);
  g_assert_cmpint (hookrun_signal_emit (self->signal, NULL, &error), ==, HOOKRUN_FAILED);
  g_assert_error (error, HOOKRUN_ERROR, (int)code);
  if (!g_pattern_match_simple (pattern, error->message))
    g_error ("\"%s\" is not like \"%s\"", error->message, pattern);
  g_assert_cmpstr (self->log->str, ==, log);
}

#define fixture_add(path, func)                                                                    \
  g_test_add (path, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
#define ids(...) ((const char *const[]){__VA_ARGS__, NULL})
#define options(...) (&(HookrunHandlerOptions){__VA_ARGS__})
