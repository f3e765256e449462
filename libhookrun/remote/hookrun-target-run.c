/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Commands and scripts of callers, and the words in which their failures are told: the command, how
 * it ended, and the last lines of what it printed on standard error.
 */
#include "hookrun-target-private.h"

#include <string.h>
#include <sys/wait.h>

#include "hookrun-shell-private.h"

/* What the programs of a POSIX system print in the C locale. */
static const struct {
  const char *text;
  HookrunError code;
} causes[] = {
    {"No space left on device", HOOKRUN_ERROR_NO_SPACE},
    {"Disk quota exceeded", HOOKRUN_ERROR_NO_SPACE},
    {"Read-only file system", HOOKRUN_ERROR_PERMISSION},
    {"Permission denied", HOOKRUN_ERROR_PERMISSION},
    {"Operation not permitted", HOOKRUN_ERROR_PERMISSION},
    {"not found", HOOKRUN_ERROR_UNSUPPORTED},
};

HookrunError
hookrun_target_code_of_text (const char *text)
{
  for (gsize i = 0; i < G_N_ELEMENTS (causes); i++)
    if (strstr (text, causes[i].text) != NULL)
      return causes[i].code;
  return HOOKRUN_ERROR_COMMAND;
}

void
hookrun_target_add_remedy (GError *error)
{
  char *message;

  if (error->code != HOOKRUN_ERROR_NO_SPACE)
    return;
  message = g_strconcat (
      error->message, "; the disk there is full or a quota used up: make room, then run it again",
      NULL);
  g_free (error->message);
  error->message = message;
}

/* A server's text goes to a terminal; it is not to steer it. Only control characters of one or two
 * bytes are there to be replaced. */
static void
make_printable (char *text)
{
  for (char *p = text; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (!g_unichar_iscntrl (c) || c == '\n' || c == '\t')
      continue;
    memset (p, c == '\r' ? ' ' : '?', (gsize)(g_utf8_next_char (p) - p));
  }
}

char *
hookrun_target_last_lines (const char *text)
{
  gsize length = strlen (text);
  const char *from;
  g_autofree char *valid = NULL;
  guint n_lines = 0;

  while (length > 0 && g_ascii_isspace (text[length - 1]))
    length--;
  for (from = text + length; from > text && (gsize)(text + length - from) < 1024; from--)
    if (from[-1] == '\n' && ++n_lines == 4)
      break;
  valid = g_utf8_make_valid (from, (gssize)(text + length - from));
  make_printable (valid);
  return g_steal_pointer (&valid);
}

static char *
describe_status (int status)
{
  if (WIFSIGNALED (status))
    return g_strdup_printf ("was ended by signal %d (%s)", WTERMSIG (status),
                            g_strsignal (WTERMSIG (status)));
  return g_strdup_printf ("exited with status %d", WEXITSTATUS (status));
}

GError *
hookrun_target_describe_shell (HookrunTarget *self, const char *what, int status,
                               const char *output, const char *errors)
{
  g_autofree char *how = describe_status (status);
  g_autofree char *text = g_strconcat (output, "\n", errors, NULL);
  g_autofree char *lines = hookrun_target_last_lines (text);

  return g_error_new (
      HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL,
      "target \"%s\": its login shell did not run %s: it %s%s%s; the account needs a "
      "POSIX shell (see /etc/passwd there: not nologin), and no forced command in "
      "authorized_keys or sshd_config that leaves the command out",
      hookrun_target_get_name (self), what, how,
      lines[0] != '\0' ? " and printed: " : " and printed nothing", lines);
}

gboolean
hookrun_target_check_status (HookrunTarget *self, const char *label, int status, GBytes *errors,
                             gboolean refine, GError **error)
{
  const char *text = errors != NULL ? g_bytes_get_data (errors, NULL) : "";
  g_autofree char *how = NULL;
  g_autofree char *lines = NULL;
  HookrunError code = HOOKRUN_ERROR_COMMAND;
  GError *problem;

  if (status == 0)
    return TRUE;
  how = describe_status (status);
  lines = hookrun_target_last_lines (text);
  if (refine)
    code = hookrun_target_code_of_text (lines);
  problem =
      g_error_new (HOOKRUN_ERROR, (int)code, "target \"%s\": command \"%s\" %s%s%s",
                   hookrun_target_get_name (self), label, how, lines[0] != '\0' ? ": " : "", lines);
  hookrun_target_add_remedy (problem);
  g_propagate_error (error, problem);
  return FALSE;
}

/* The first line of a script, cut to what a message bears. */
static char *
make_label (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text + strspn (text, " \t\n"), -1);
  gsize length = strcspn (valid, "\n");
  gboolean is_whole = valid[length] == '\0' && g_utf8_strlen (valid, -1) <= 100;
  g_autofree char *cut = NULL;

  if (is_whole)
    return g_steal_pointer (&valid);
  valid[length] = '\0';
  cut = g_utf8_substring (valid, 0, MIN (100, g_utf8_strlen (valid, -1)));
  return g_strconcat (cut, "…", NULL);
}

static gboolean
run_line (HookrunTarget *self, const char *command_line, const char *label, GBytes *input,
          guint timeout_ms, char **stdout_text, char **stderr_text, GCancellable *cancellable,
          GError **error)
{
  g_auto (HookrunCommandResult) result = {0};
  HookrunCommand command = {command_line, label, -1, timeout_ms, 0};

  if (input != NULL) {
    gsize length;
    gconstpointer data = g_bytes_get_data (input, &length);

    command.stdin_fd = hookrun_target_open_memory (data, length, error);
    if (command.stdin_fd < 0)
      return FALSE;
  }
  if (!hookrun_target_run_command (self, &command, &result, cancellable, error))
    return FALSE;
  if (stdout_text != NULL)
    *stdout_text = g_strdup (g_bytes_get_data (result.output, NULL));
  if (stderr_text != NULL)
    *stderr_text = g_strdup (g_bytes_get_data (result.errors, NULL));
  return hookrun_target_check_status (self, label, result.status, result.errors, FALSE, error);
}

static void
clear_texts (char **stdout_text, char **stderr_text)
{
  if (stdout_text != NULL)
    *stdout_text = NULL;
  if (stderr_text != NULL)
    *stderr_text = NULL;
}

/**
 * hookrun_target_run:
 * @self: a target
 * @argv: (array zero-terminated=1): the command's words; quoted for the shell by the call
 * @input: (nullable): standard input; %NULL is `/dev/null`
 * @timeout_ms: milliseconds after which the command is ended; 0 is no limit
 * @stdout_text: (out) (optional) (nullable) (transfer full): its output, up to the first NUL; also
 *   set when the command fails with a status
 * @stderr_text: (out) (optional) (nullable) (transfer full): what it printed on standard error
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Runs a command, and blocks meanwhile; connects first if need be. Any thread may call. Errors:
 * %HOOKRUN_ERROR_COMMAND for a status other than zero, with the last lines of standard error;
 * %HOOKRUN_ERROR_LIMIT when it prints more than 16 MiB; %HOOKRUN_ERROR_TIMED_OUT;
 * %HOOKRUN_ERROR_CANCELLED; %HOOKRUN_ERROR_PROTOCOL when the account has no POSIX shell; and those
 * of [method@Hookrun.Target.connect_finish].
 *
 * Returns: %TRUE when the command exited with status 0
 *
 * Since: 1.0
 */
gboolean
hookrun_target_run (HookrunTarget *self, const char *const *argv, GBytes *input, guint timeout_ms,
                    char **stdout_text, char **stderr_text, GCancellable *cancellable,
                    GError **error)
{
  g_autofree char *command_line = NULL;
  g_autofree char *label = NULL;
  g_autofree char *joined = NULL;

  g_return_val_if_fail (HOOKRUN_IS_TARGET (self), FALSE);
  g_return_val_if_fail (argv != NULL && argv[0] != NULL, FALSE);

  clear_texts (stdout_text, stderr_text);
  command_line = hookrun_shell_quote_argv (argv);
  joined = g_strjoinv (" ", (char **)argv);
  label = make_label (joined);
  return run_line (self, command_line, label, input, timeout_ms, stdout_text, stderr_text,
                   cancellable, error);
}

/**
 * hookrun_target_run_script:
 * @self: a target
 * @script: a script of the POSIX shell
 * @input: (nullable): standard input; %NULL is `/dev/null`
 * @timeout_ms: milliseconds after which the script is ended; 0 is no limit
 * @stdout_text: (out) (optional) (nullable) (transfer full): its output, up to the first NUL
 * @stderr_text: (out) (optional) (nullable) (transfer full): what it printed on standard error
 * @cancellable: (nullable): a #GCancellable
 * @error: return location
 *
 * Runs a script, and blocks meanwhile. In all else it is [method@Hookrun.Target.run].
 *
 * Returns: %TRUE when the script exited with status 0
 *
 * Since: 1.0
 */
gboolean
hookrun_target_run_script (HookrunTarget *self, const char *script, GBytes *input, guint timeout_ms,
                           char **stdout_text, char **stderr_text, GCancellable *cancellable,
                           GError **error)
{
  g_autofree char *label = NULL;

  g_return_val_if_fail (HOOKRUN_IS_TARGET (self), FALSE);
  g_return_val_if_fail (script != NULL, FALSE);

  clear_texts (stdout_text, stderr_text);
  label = make_label (script);
  return run_line (self, script, label, input, timeout_ms, stdout_text, stderr_text, cancellable,
                   error);
}

static GQuark
facts_quark (void)
{
  return g_quark_from_static_string ("hookrun-target-facts");
}

gboolean
hookrun_target_knows_facts (HookrunTarget *self)
{
  return g_object_get_qdata (G_OBJECT (self), facts_quark ()) != NULL;
}

void
hookrun_target_forget_facts (HookrunTarget *self)
{
  g_object_set_qdata (G_OBJECT (self), facts_quark (), NULL);
}

gboolean
hookrun_target_probe (HookrunTarget *self, HookrunTargetFacts *facts, GCancellable *cancellable,
                      GError **error)
{
  g_auto (HookrunCommandResult) result = {0};
  HookrunCommand command = {"command -v rsync || :", "command -v rsync", -1, 0, 0};
  HookrunTargetFacts *known = g_object_get_qdata (G_OBJECT (self), facts_quark ());

  if (known != NULL) {
    *facts = *known;
    return TRUE;
  }
  if (!hookrun_target_run_command (self, &command, &result, cancellable, error))
    return FALSE;
  facts->has_rsync = g_bytes_get_size (result.output) > 0;
  facts->is_noisy = result.n_noise > 0;
  known = g_memdup2 (facts, sizeof *facts);
  g_object_set_qdata_full (G_OBJECT (self), facts_quark (), known, g_free);
  return TRUE;
}
