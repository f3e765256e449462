/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One run of what is learned, from outside: starts it, takes its report, and looks at what it wrote
 * into its scratch folder, which is removed. */
#include "learn.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool-terminal.h"

#define REPORT_FD 3
#define EXIT_UNSUPPORTED 125
#define MAX_REPORT (16 * 1024 * 1024)

void
learn_run_free (LearnRun *run)
{
  g_free (run->problem);
  g_free (run->digest);
  g_hash_table_unref (run->written);
  g_clear_pointer (&run->needs, hookrun_policy_unref);
  g_ptr_array_unref (run->never);
  g_free (run);
}

/* ---- what it wrote ---- */

static char *
digest_file (const char *path)
{
  g_autofree char *text = NULL;
  gsize length = 0;

  if (!g_file_get_contents (path, &text, &length, NULL))
    return g_strdup ("unreadable");
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *)text, length);
}

static void
look_at (GHashTable *written, const char *path, const char *name)
{
  g_autoptr (GDir) folder = NULL;
  const char *child;
  struct stat st;

  if (lstat (path, &st) < 0)
    return;
  if (S_ISLNK (st.st_mode))
    g_hash_table_insert (written, g_strdup (name), g_file_read_link (path, NULL));
  else if (S_ISREG (st.st_mode))
    g_hash_table_insert (written, g_strdup (name), digest_file (path));
  else if (!S_ISDIR (st.st_mode))
    g_hash_table_insert (written, g_strdup (name), g_strdup ("gone or special"));
  folder = S_ISDIR (st.st_mode) ? g_dir_open (path, 0, NULL) : NULL;
  while (folder != NULL && (child = g_dir_read_name (folder)) != NULL) {
    g_autofree char *below = g_build_filename (path, child, NULL);
    g_autofree char *below_name = g_build_filename (name, child, NULL);

    look_at (written, below, below_name);
  }
}

static GHashTable *
look_at_scratch (const char *scratch)
{
  GHashTable *written = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (guint i = 0; TRUE; i++) {
    g_autofree char *upper = g_strdup_printf ("%s/%u/upper", scratch, i);
    g_autofree char *file = g_strdup_printf ("%s/%u/name", scratch, i);
    g_autofree char *name = NULL;

    if (!g_file_get_contents (file, &name, NULL, NULL))
      return written;
    look_at (written, upper, name);
  }
}

/* The kernel makes folders there that nobody can read. */
static void
remove_tree (const char *path)
{
  g_autoptr (GDir) folder = NULL;
  const char *name;
  struct stat st;

  if (lstat (path, &st) == 0 && S_ISDIR (st.st_mode) && chmod (path, 0700) == 0)
    folder = g_dir_open (path, 0, NULL);
  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL) {
    g_autofree char *below = g_build_filename (path, name, NULL);

    remove_tree (below);
  }
  g_remove (path);
}

/* ---- its report ---- */

static void
take_denial (LearnRun *run, JsonObject *denial)
{
  JsonNode *node = json_object_get_member (denial, "policy");
  gboolean has_other_way = json_object_get_boolean_member_with_default (denial, "other_way", FALSE);
  g_autoptr (HookrunPolicy) policy = NULL;
  g_autofree char *words = NULL;

  if (has_other_way)
    return;
  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    policy = hookrun_policy_new_from_node (node, "a run", NULL);
  if (policy != NULL) {
    hookrun_policy_add (run->needs, policy);
    return;
  }
  words = g_strdup_printf (
      "%s: %s: %s", json_object_get_string_member_with_default (denial, "program", "it"),
      json_object_get_string_member_with_default (denial, "object", ""),
      json_object_get_string_member_with_default (denial, "reason", "no policy allows it"));
  g_ptr_array_add (run->never, g_steal_pointer (&words));
}

static gboolean
take_report (LearnRun *run, const char *text, gsize length)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *object;
  JsonArray *rows;

  if (length == 0 || length > MAX_REPORT ||
      !json_parser_load_from_data (parser, text, (gssize)length, NULL) ||
      !JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
    return FALSE;
  object = json_node_get_object (json_parser_get_root (parser));
  run->status = (ToolExit)json_object_get_int_member_with_default (object, "status", 1);
  rows = json_object_has_member (object, "denials")
             ? json_object_get_array_member (object, "denials")
             : NULL;
  for (guint i = 0; rows != NULL && i < json_array_get_length (rows); i++)
    take_denial (run, json_array_get_object_element (rows, i));
  return TRUE;
}

/* ---- starting it ---- */

static char **
make_command (const ModuleContext *context, const char *scratch, const char *policy)
{
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();

  g_strv_builder_add_many (words, "/proc/self/exe", "learn-inside",
                           context->options->for_real ? "-" : scratch, policy, NULL);
  for (char **word = context->argv + 1; *word != NULL; word++)
    g_strv_builder_add (words, *word);
  return g_strv_builder_end (words);
}

static GSubprocess *
start (char **command, int input, int output, int report, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);

  lseek (input, 0, SEEK_SET);
  g_subprocess_launcher_take_stdin_fd (launcher, dup (input));
  g_subprocess_launcher_take_stdout_fd (launcher, dup (output));
  g_subprocess_launcher_take_stderr_fd (launcher, dup (output));
  g_subprocess_launcher_take_fd (launcher, dup (report), REPORT_FD);
  return g_subprocess_launcher_spawnv (launcher, (const char *const *)command, error);
}

/* (transfer full): all that is in the file of a descriptor. */
static char *
read_all (int fd, gsize *length)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  char *text = NULL;

  if (!g_file_get_contents (path, &text, length, NULL)) {
    *length = 0;
    return g_strdup ("");
  }
  return text;
}

static int
make_file (void)
{
  g_autofree char *name = NULL;
  int fd = g_file_open_tmp ("hookrun-learn-XXXXXX", &name, NULL);

  if (fd >= 0)
    g_unlink (name);
  return fd;
}

static LearnRun *
finish (const char *scratch, int exit_status, int output, int report)
{
  LearnRun *run = g_new0 (LearnRun, 1);
  gsize length;
  g_autofree char *text = read_all (report, &length);
  gsize printed_length;
  g_autofree char *printed = read_all (output, &printed_length);

  run->needs = hookrun_policy_new ();
  run->never = g_ptr_array_new_with_free_func (g_free);
  run->written = look_at_scratch (scratch);
  run->digest =
      g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *)printed, printed_length);
  if (take_report (run, text, length))
    return run;
  run->problem = g_strndup (printed, printed_length);
  g_strchomp (run->problem);
  run->is_unsupported = exit_status == EXIT_UNSUPPORTED;
  return run;
}

static LearnRun *
run_in (ModuleContext *context, const char *scratch, HookrunPolicy *policy, int input, int output,
        GError **error)
{
  g_autofree char *file = g_build_filename (scratch, "policy.json", NULL);
  g_autofree char *text = policy != NULL ? hookrun_policy_to_json (policy) : g_strdup ("");
  g_auto (GStrv) command = make_command (context, scratch, policy != NULL ? file : "-");
  g_autoptr (GSubprocess) process = NULL;
  LearnRun *run = NULL;
  int report = make_file ();

  if (report < 0 || !g_file_set_contents (file, text, -1, error))
    return NULL;
  process = start (command, input, output, report, error);
  if (process != NULL && g_subprocess_wait (process, context->cancellable, error))
    run = finish (scratch,
                  g_subprocess_get_if_exited (process) ? g_subprocess_get_exit_status (process) : 1,
                  output, report);
  if (run == NULL && process != NULL) {
    g_subprocess_force_exit (process);
    g_subprocess_wait (process, NULL, NULL);
  }
  close (report);
  return run;
}

LearnRun *
learn_run (ModuleContext *context, HookrunPolicy *policy, int input, int output, GError **error)
{
  g_autofree char *scratch = g_dir_make_tmp ("hookrun-learn-XXXXXX", error);
  g_autoptr (GError) problem = NULL;
  int own_output = output >= 0 ? output : make_file ();
  LearnRun *run;

  if (scratch == NULL)
    return NULL;
  run = run_in (context, scratch, policy, input, own_output, &problem);
  if (own_output != output && own_output >= 0)
    close (own_output);
  remove_tree (scratch);
  if (run == NULL)
    g_set_error (error, HOOKRUN_ERROR,
                 g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED)
                     ? HOOKRUN_ERROR_CANCELLED
                     : HOOKRUN_ERROR_IO,
                 "cannot run what is to be learned: %s",
                 problem != NULL ? problem->message : "no space for its report");
  return run;
}

/* ---- comparing ---- */

static gboolean
wrote_same (const LearnRun *run, const LearnRun *first, const LearnRun *second)
{
  GHashTableIter iter;
  gpointer path;
  gpointer digest;

  g_hash_table_iter_init (&iter, first->written);
  while (g_hash_table_iter_next (&iter, &path, &digest)) {
    const char *other = g_hash_table_lookup (second->written, path);
    const char *now = g_hash_table_lookup (run->written, path);

    if (other == NULL)
      continue;
    if (now == NULL || (strcmp (other, digest) == 0 && strcmp (now, digest) != 0))
      return FALSE;
  }
  return TRUE;
}

gboolean
learn_run_is_same (const LearnRun *run, const LearnRun *first, const LearnRun *second)
{
  gboolean prints_same = strcmp (first->digest, second->digest) == 0;

  return run->problem == NULL && run->status == first->status &&
         (!prints_same || strcmp (run->digest, first->digest) == 0) &&
         wrote_same (run, first, second);
}
