/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Learns the smallest policy: what a run with everything used is replayed under what it used, what
 * is still denied is added, and then each grant is left out once to see whether it is missed.
 */
#include "learn.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "program.h"
#include "report.h"
#include "tool-ask.h"
#include "tool-table.h"
#include "tool-terminal.h"

#define MAX_REPLAYS 6
#define MAX_TRIES 64
/* As many times as the first run took, and this on top. */
#define PATIENCE_FACTOR 40
#define PATIENCE_US (30 * G_USEC_PER_SEC)
#define MAX_KEPT (64 * 1024 * 1024)

typedef struct {
  ModuleContext *context;
  int input;        /* a file that each run reads from its beginning */
  LearnRun *first;  /* with everything */
  LearnRun *second; /* the same once more: what differs is not the policy's doing */
  GPtrArray *parts; /* HookrunPolicy: what is learned so far */
  guint n_runs;
  gint64 until;
  gboolean is_smallest;
} Learner;

static void
learner_clear (Learner *self)
{
  if (self->input >= 0)
    close (self->input);
  g_clear_pointer (&self->first, learn_run_free);
  g_clear_pointer (&self->second, learn_run_free);
  g_clear_pointer (&self->parts, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Learner, learner_clear)

G_GNUC_PRINTF (2, 3)
static void
say (const Learner *self, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  if (self->context->options->quiet)
    return;
  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  tool_print_message ("%s", text);
}

/* ---- input and output ---- */

/* What comes from a terminal cannot be given twice, so nothing is. */
static gboolean
keep_input (Learner *self, GError **error)
{
  g_autofree char *name = NULL;
  char data[65536];
  gsize total = 0;
  gssize n;

  self->input = g_file_open_tmp ("hookrun-learn-XXXXXX", &name, error);
  if (self->input < 0)
    return FALSE;
  g_unlink (name);
  if (isatty (STDIN_FILENO))
    return TRUE;
  while ((n = read (STDIN_FILENO, data, sizeof data)) > 0) {
    total += (gsize)n;
    if (total > MAX_KEPT || write (self->input, data, (gsize)n) != n) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT,
                   "standard input is kept for all runs and may have %d bytes at most", MAX_KEPT);
      return FALSE;
    }
  }
  return TRUE;
}

/* The first run's words are for the user; standard output is for the policy. */
static void
show_output (int output)
{
  char data[4096];
  gssize n;

  lseek (output, 0, SEEK_SET);
  while ((n = read (output, data, sizeof data - 1)) > 0) {
    g_autofree char *visible = NULL;

    data[n] = '\0';
    visible = tool_visible (data, TRUE);
    g_printerr ("%s", visible);
  }
}

/* ---- runs ---- */

static gboolean
run_with_everything (Learner *self, GError **error)
{
  g_autofree char *name = NULL;
  gint64 begun = g_get_monotonic_time ();
  int output = g_file_open_tmp ("hookrun-learn-XXXXXX", &name, error);

  if (output < 0)
    return FALSE;
  g_unlink (name);
  self->first = learn_run (self->context, NULL, self->input, output, error);
  if (self->first != NULL && self->first->problem == NULL)
    show_output (output);
  close (output);
  self->n_runs++;
  self->until =
      g_get_monotonic_time () + PATIENCE_US + PATIENCE_FACTOR * (g_get_monotonic_time () - begun);
  if (self->first == NULL)
    return FALSE;
  if (self->first->problem == NULL)
    return TRUE;
  g_set_error (error, HOOKRUN_ERROR,
               self->first->is_unsupported ? HOOKRUN_ERROR_UNSUPPORTED : HOOKRUN_ERROR_COMMAND,
               "%s", self->first->problem);
  return FALSE;
}

/* (transfer full) (nullable): a run under the parts but one. */
static LearnRun *
replay (Learner *self, guint without, GError **error)
{
  g_autoptr (HookrunPolicy) policy = learn_policy_join (self->parts, without);

  self->n_runs++;
  return learn_run (self->context, policy, self->input, -1, error);
}

static void
take_needs (Learner *self, HookrunPolicy *needs)
{
  g_autoptr (HookrunPolicy) all =
      self->parts != NULL ? learn_policy_join (self->parts, G_MAXUINT) : hookrun_policy_new ();
  g_autoptr (HookrunPolicy) reduced = NULL;

  hookrun_policy_add (all, needs);
  reduced = learn_policy_reduce (all);
  g_clear_pointer (&self->parts, g_ptr_array_unref);
  self->parts = learn_policy_split (reduced);
}

/* Until nothing is missing any more. */
static gboolean
replay_until_enough (Learner *self, GError **error)
{
  for (guint i = 0; i < MAX_REPLAYS; i++) {
    g_autoptr (LearnRun) run = replay (self, G_MAXUINT, error);
    guint before = self->parts->len;

    if (run == NULL)
      return FALSE;
    if (learn_run_is_same (run, self->first, self->second))
      return TRUE;
    take_needs (self, run->needs);
    if (self->parts->len == before && run->problem != NULL) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_COMMAND, "%s", run->problem);
      return FALSE;
    }
    if (self->parts->len == before)
      break;
  }
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_COMMAND,
               "no policy was learned: under all that it used it does not do the same as without "
               "limits%s%s",
               self->first->never->len > 0 ? "; it also wanted what no policy allows: " : "",
               self->first->never->len > 0 ? (char *)g_ptr_array_index (self->first->never, 0)
                                           : "");
  return FALSE;
}

/* From the last on: folders come before what was made in them. */
static gboolean
leave_out (Learner *self, GError **error)
{
  guint tries = 0;

  self->is_smallest = TRUE;
  for (guint i = self->parts->len; i > 0; i--) {
    g_autoptr (LearnRun) run = NULL;

    if (tries++ >= MAX_TRIES || g_get_monotonic_time () > self->until) {
      self->is_smallest = FALSE;
      say (self, "%u grants were not tried without: that would take too long", i);
      return TRUE;
    }
    run = replay (self, i - 1, error);
    if (run == NULL)
      return FALSE;
    if (learn_run_is_same (run, self->first, self->second))
      g_ptr_array_remove_index (self->parts, i - 1);
  }
  return TRUE;
}

/* ---- secrets ---- */

static gboolean
ask_for_secrets (Learner *self, GError **error)
{
  for (guint i = 0; i < self->parts->len; i++) {
    HookrunPolicy *part = g_ptr_array_index (self->parts, i);
    g_autofree char *text = NULL;
    g_autofree char *question = NULL;

    if (!learn_policy_is_secret (part) || self->context->options->yes)
      continue;
    text = hookrun_policy_to_json (part);
    question = g_strdup_printf ("it used what holds secrets: %s\nGrant it", text);
    if (tool_can_ask () && !self->context->options->no_confirm && tool_ask_yes_no (question, FALSE))
      continue;
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PERMISSION,
                 "it used what holds secrets, which is not granted unasked: %s; with --yes it is",
                 text);
    return FALSE;
  }
  return TRUE;
}

/* ---- the result ---- */

/* (transfer full): for a module, as its sidecar file has it. */
static char *
make_text (const Learner *self, HookrunPolicy *policy)
{
  g_autofree char *text = report_policy_text (policy, 0);
  g_autofree char *inner = NULL;

  if (self->context->options->has_program)
    return g_strconcat (text, "\n", NULL);
  inner = report_policy_text (policy, 2);
  return g_strdup_printf ("{\n  \"policy\" : %s\n}\n", inner);
}

static void
print_result (const Learner *self, HookrunPolicy *policy)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  JsonArray *never = json_array_new ();
  g_autofree char *text = hookrun_policy_to_json (policy);

  json_node_take_object (node, object);
  json_object_set_string_member (object, "event", "learned");
  json_object_set_member (object, "policy", json_from_string (text, NULL));
  json_object_set_int_member (object, "exit_status", (gint64)self->first->status);
  json_object_set_int_member (object, "runs", self->n_runs);
  json_object_set_boolean_member (object, "smallest", self->is_smallest);
  for (guint i = 0; i < self->first->never->len; i++)
    json_array_add_string_element (never, g_ptr_array_index (self->first->never, i));
  json_object_set_array_member (object, "never", never);
  tool_print_json (node);
}

static gboolean
write_result (const Learner *self, GError **error)
{
  const ModuleOptions *options = self->context->options;
  g_autoptr (HookrunPolicy) policy = learn_policy_join (self->parts, G_MAXUINT);
  g_autofree char *text = make_text (self, policy);
  g_autoptr (GError) problem = NULL;

  for (guint i = 0; i < self->first->never->len; i++)
    say (self, "no policy allows: %s", (char *)g_ptr_array_index (self->first->never, i));
  say (self, "learned in %u runs; it exited with status %d", self->n_runs,
       (int)self->first->status);
  if (options->output != NULL && !g_file_set_contents (options->output, text, -1, &problem)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_IO, "cannot write the policy: %s",
                 problem->message);
    return FALSE;
  }
  if (options->json)
    print_result (self, policy);
  else if (options->output == NULL)
    g_print ("%s", text);
  return TRUE;
}

static gboolean
learn (Learner *self, GError **error)
{
  if (!keep_input (self, error) || !run_with_everything (self, error))
    return FALSE;
  take_needs (self, self->first->needs);
  if (self->context->options->for_real) {
    say (self, "it ran for real, once: what it used was not tried out");
    return ask_for_secrets (self, error) && write_result (self, error);
  }
  self->second = learn_run (self->context, NULL, self->input, -1, error);
  if (self->second == NULL)
    return FALSE;
  self->n_runs++;
  take_needs (self, self->second->needs);
  return replay_until_enough (self, error) && leave_out (self, error) &&
         ask_for_secrets (self, error) && write_result (self, error);
}

ToolExit
module_learn (ModuleContext *context, GError **error)
{
  g_auto (Learner) learner = {.context = context, .input = -1};
  g_autoptr (GError) problem = NULL;

  if (!context->options->has_program && context->options->words[1] == NULL) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
                 "say what is to be learned: MODULE OPERATION [ARGS…], or -- PROGRAM [ARGS…]");
    return TOOL_EXIT_USAGE;
  }
  if (context->trial != NULL)
    return learn_inside (context, error);
  if (learn (&learner, &problem))
    return TOOL_EXIT_DONE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return g_error_matches (*error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED)
             ? (ToolExit)HOOKRUN_EXIT_NOT_CONFINED
             : TOOL_EXIT_FAILED;
}
