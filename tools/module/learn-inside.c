/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One run of what is learned, in a process of its own: with everything that a policy can allow, and
 * measured; or under a policy, to see whether it is enough. What came of it goes to descriptor 3.
 */
#include "learn.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "program.h"

#define REPORT_FD 3
#define HIDDEN_WORD "learn-inside"
/* HIDDEN_WORD SCRATCH POLICY: "-" is none of them. */
#define N_HIDDEN 3

void
learn_trial_free (LearnTrial *trial)
{
  g_clear_pointer (&trial->policy, hookrun_policy_unref);
  g_free (trial);
}

gboolean
learn_trial_take (char ***argv, LearnTrial **trial, GError **error)
{
  char **words = *argv;
  g_autoptr (LearnTrial) made = NULL;

  if (words[0] == NULL || g_strcmp0 (words[1], HIDDEN_WORD) != 0 ||
      g_strv_length (words) < N_HIDDEN + 1)
    return TRUE;
  made = g_new0 (LearnTrial, 1);
  if (strcmp (words[3], "-") != 0) {
    made->policy = hookrun_policy_new_from_file (words[3], error);
    if (made->policy == NULL)
      return FALSE;
  }
  if (strcmp (words[2], "-") != 0 && !learn_world_enter (words[2], error))
    return FALSE;
  /* It makes no sense without who learns, and must not outlive it. */
  prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  words[N_HIDDEN] = words[0];
  *argv = words + N_HIDDEN;
  *trial = g_steal_pointer (&made);
  return TRUE;
}

/* ---- everything ---- */

static gboolean
grant_folders (HookrunPolicy *policy, GError **error)
{
  static const char *const special[] = {"proc", "sys", "dev", "lost+found", NULL};
  g_autoptr (GDir) root = g_dir_open ("/", 0, error);
  const char *name;

  while (root != NULL && (name = g_dir_read_name (root)) != NULL) {
    g_autofree char *path = g_strconcat ("/", name, NULL);

    if (g_strv_contains (special, name) || g_file_test (path, G_FILE_TEST_IS_SYMLINK))
      continue;
    if (!hookrun_policy_grant (policy, path, HOOKRUN_ACCESS_ALL, error))
      return FALSE;
  }
  return root != NULL;
}

static gboolean
grant_devices (HookrunPolicy *policy, GError **error)
{
  static const char *const nodes[] = {"/dev/null",    "/dev/zero", "/dev/full", "/dev/random",
                                      "/dev/urandom", "/dev/tty",  "/dev/shm"};

  for (gsize i = 0; i < G_N_ELEMENTS (nodes); i++)
    if (access (nodes[i], F_OK) == 0 &&
        !hookrun_policy_grant (policy, nodes[i], HOOKRUN_ACCESS_READ | HOOKRUN_ACCESS_WRITE, error))
      return FALSE;
  return TRUE;
}

/* (transfer full) (nullable): what a policy can allow, but the services of the host. */
static HookrunPolicy *
make_wide (GError **error)
{
  g_autoptr (HookrunPolicy) policy = hookrun_policy_new ();

  if (!grant_folders (policy, error) || !grant_devices (policy, error) ||
      !hookrun_policy_grant (policy, "/proc", HOOKRUN_ACCESS_READ, error) ||
      !hookrun_policy_grant (policy, "/sys", HOOKRUN_ACCESS_READ, error))
    return NULL;
  hookrun_policy_set_network (policy, HOOKRUN_NETWORK_ALL);
  return g_steal_pointer (&policy);
}

/* ---- running ---- */

static gboolean
run_program (ModuleContext *context, HookrunPolicy *trial, gboolean measures, ToolExit *status,
             GPtrArray **denials, GError **error)
{
  g_auto (ProgramPlace) place = {0};
  g_autoptr (HookrunPolicy) own = NULL;
  g_autoptr (HookrunPolicy) policy = NULL;
  g_autoptr (HookrunSandbox) sandbox = NULL;
  g_autoptr (HookrunLaunch) launch = NULL;
  g_autoptr (HookrunConfined) confined = NULL;
  g_autoptr (HookrunOutcome) outcome = NULL;

  if (!program_place_make (&place, context, error))
    return FALSE;
  own = program_make_policy (&place, context->options, error);
  if (own == NULL)
    return FALSE;
  policy = hookrun_policy_copy (own);
  hookrun_policy_add (policy, trial);
  /* With everything writable the whole disk would be counted. */
  if (measures)
    hookrun_policy_set_limit (policy, HOOKRUN_LIMIT_DISK, 0);
  sandbox = hookrun_sandbox_new (policy);
  launch = program_make_launch (&place, context->options->words, STDOUT_FILENO);
  hookrun_launch_observe (launch, measures ? own : NULL);
  confined = hookrun_sandbox_spawn (sandbox, launch, error);
  if (confined == NULL || !program_wait (context, confined, &outcome, error))
    return FALSE;
  *status = program_exit_for_outcome (outcome);
  *denials = hookrun_confined_list_denials (confined);
  return TRUE;
}

static void
on_output (HookrunOperationRun *run, gboolean is_error, const char *line, gpointer user_data)
{
  g_print ("%s\n", line);
}

/* Hooks take no part: it is the module that is learned. */
static gboolean
run_operation (ModuleContext *context, HookrunPolicy *trial, gboolean measures, ToolExit *status,
               GPtrArray **denials, GError **error)
{
  char **words = context->options->words;
  g_autoptr (HookrunOperationSet) set =
      hookrun_module_path_find (context->path, words[0], context->cancellable, error);
  HookrunOperation *operation =
      set != NULL ? hookrun_operation_set_find (set, words[1], error) : NULL;
  g_autoptr (JsonNode) arguments =
      operation != NULL ? hookrun_operation_bind (operation, (const char *const *)words + 2, error)
                        : NULL;
  g_autoptr (HookrunOperationRun) run = NULL;
  g_autoptr (GError) problem = NULL;

  if (arguments == NULL)
    return FALSE;
  run = hookrun_operation_run_new (context->path, set, words[1], NULL, error);
  if (run == NULL || !hookrun_operation_run_set_arguments (run, arguments, error))
    return FALSE;
  hookrun_operation_run_observe (run, trial, measures);
  g_signal_connect (run, "output", G_CALLBACK (on_output), NULL);
  hookrun_operation_run_execute (run, context->cancellable, &problem);
  if (hookrun_operation_run_get_outcome (run) == NULL) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  *status = problem == NULL ? TOOL_EXIT_DONE : TOOL_EXIT_FAILED;
  *denials = hookrun_operation_run_list_denials (run);
  return TRUE;
}

/* ---- telling ---- */

static void
send_report (ToolExit status, GPtrArray *denials)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  JsonArray *rows = json_array_new ();
  g_autofree char *text = NULL;
  gsize done = 0;

  json_node_take_object (node, object);
  json_object_set_int_member (object, "status", (gint64)status);
  for (guint i = 0; i < denials->len; i++)
    json_array_add_element (rows, hookrun_denial_to_json (g_ptr_array_index (denials, i)));
  json_object_set_array_member (object, "denials", rows);
  text = json_to_string (node, FALSE);
  while (done < strlen (text)) {
    gssize n = write (REPORT_FD, text + done, strlen (text) - done);

    if (n <= 0)
      return;
    done += (gsize)n;
  }
}

ToolExit
learn_inside (ModuleContext *context, GError **error)
{
  const LearnTrial *trial = context->trial;
  gboolean measures = trial->policy == NULL;
  g_autoptr (HookrunPolicy) policy =
      measures ? make_wide (error) : hookrun_policy_copy (trial->policy);
  g_autoptr (GPtrArray) denials = NULL;
  ToolExit status = TOOL_EXIT_FAILED;

  if (policy == NULL || !(context->options->has_program ? run_program : run_operation) (
                            context, policy, measures, &status, &denials, error))
    return TOOL_EXIT_FAILED;
  send_report (status, denials);
  return TOOL_EXIT_DONE;
}
