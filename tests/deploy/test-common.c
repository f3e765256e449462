/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the programs share. Questions, progress and interrupts are tried in a child process on a
 * pseudo terminal: this program again, with the name of a part as its argument.
 */
#include <errno.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tool-ask.h"
#include "tool-exit.h"
#include "tool-interrupt.h"
#include "tool-progress.h"
#include "tool-table.h"
#include "tool-terminal.h"

static const char *program;

/* ---- the parts that run in a child ---- */

static int
part_secret (void)
{
  g_autofree char *answer = NULL;
  struct termios state = {0};

  tool_interrupt_start ();
  answer = tool_ask_text ("Passphrase:", TRUE);
  tcgetattr (STDIN_FILENO, &state);
  printf ("got %s, echo %s, signal %d\n", answer != NULL ? answer : "nothing",
          (state.c_lflag & ECHO) != 0 ? "on" : "off", tool_interrupt_signal ());
  return answer != NULL ? 0 : 1;
}

static int
part_yes_no (void)
{
  gboolean first = tool_ask_yes_no ("Go \033[2J", TRUE);
  gboolean second = tool_ask_yes_no ("Sure", FALSE);

  printf ("%d %d\n", first, second);
  return 0;
}

static int
part_target (void)
{
  g_autoptr (ToolProgress) progress = tool_progress_new (1, TOOL_PROGRESS_AUTO);
  g_autofree char *answer =
      tool_ask_for_target (NULL, "Unknown host key", "SHA256:abc", FALSE, progress);

  printf ("got %s\n", answer != NULL ? answer : "nothing");
  return 0;
}

static int
part_no_terminal (void)
{
  setsid ();
  printf ("%d %d %d\n", tool_can_ask (), tool_ask_yes_no ("Go", TRUE),
          tool_ask_text ("x", FALSE) != NULL);
  return 0;
}

static int
part_progress (void)
{
  g_autoptr (ToolProgress) progress = tool_progress_new (1, TOOL_PROGRESS_AUTO);

  tool_progress_begin (progress, "host a: source.send");
  tool_progress_update (progress, 0.5, "12 of 24 files");
  tool_progress_line (progress, "hook says \033[31mhi");
  tool_progress_end (progress, TRUE, "24 files");
  tool_progress_begin (progress, "host a: a step with a name so long that the line is cut off at "
                                 "the end of the terminal, which has eighty columns");
  tool_progress_end (progress, FALSE, NULL);
  return 0;
}

static int
part_interrupt (void)
{
  GCancellable *cancellable = tool_interrupt_start ();

  g_assert_true (tool_interrupt_start () == cancellable);
  puts ("ready");
  fflush (stdout);
  while (!g_cancellable_is_cancelled (cancellable))
    g_usleep (1000);
  printf ("cancelled by %d\n", tool_interrupt_signal ());
  fflush (stdout);
  if (g_getenv ("LINGER") != NULL)
    g_usleep (20 * G_USEC_PER_SEC);
  return TOOL_EXIT_INTERRUPTED;
}

static int
part_print (void)
{
  g_autoptr (GError) error =
      g_error_new (HOOKRUN_ERROR, HOOKRUN_ERROR_BUSY, "first\n\033[31msecond");

  g_set_prgname ("hookrun-deploy");
  tool_print_error (error);
  tool_print_message ("no %s", "colour");
  return (int)tool_exit_for_error (error);
}

static const struct {
  const char *name;
  int (*run) (void);
} parts[] = {
    {"secret", part_secret},     {"yes-no", part_yes_no},
    {"target", part_target},     {"no-terminal", part_no_terminal},
    {"progress", part_progress}, {"interrupt", part_interrupt},
    {"print", part_print},
};

/* ---- a child on a pseudo terminal ---- */

typedef struct {
  pid_t pid;
  int fd;
  GString *output;
} Child;

static void
child_start (Child *self, const char *part)
{
  struct winsize size = {.ws_row = 24, .ws_col = 80};

  self->output = g_string_new (NULL);
  self->pid = forkpty (&self->fd, NULL, NULL, &size);
  g_assert_cmpint (self->pid, >=, 0);
  if (self->pid == 0) {
    execl (program, program, part, NULL);
    _exit (127);
  }
}

/* Reads until @text has been printed; NULL: until the end. */
static void
child_expect (Child *self, const char *text)
{
  char buffer[4096];

  while (text == NULL || strstr (self->output->str, text) == NULL) {
    gssize n = read (self->fd, buffer, sizeof buffer);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    g_string_append_len (self->output, buffer, n);
  }
  if (text != NULL && strstr (self->output->str, text) == NULL)
    g_error ("\"%s\" was not printed, but: %s", text, self->output->str);
}

/* Waits until the child reads keys one by one, so that what is typed is not flushed away. */
static void
child_await_silence (Child *self)
{
  struct termios state;

  do {
    g_usleep (1000);
    g_assert_cmpint (tcgetattr (self->fd, &state), ==, 0);
  } while ((state.c_lflag & ECHO) != 0);
}

static void
child_type (Child *self, const char *keys)
{
  g_assert_cmpint (write (self->fd, keys, strlen (keys)), ==, (gssize)strlen (keys));
}

/* The exit status; @output: (out) (transfer full): all that was printed. */
static int
child_end (Child *self, char **output)
{
  int status;

  child_expect (self, NULL);
  g_assert_cmpint (waitpid (self->pid, &status, 0), ==, self->pid);
  close (self->fd);
  *output = g_string_free (self->output, FALSE);
  return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}

static void
test_secret (void)
{
  Child child;
  g_autofree char *output = NULL;

  child_start (&child, "secret");
  child_expect (&child, "Passphrase:");
  child_await_silence (&child);
  child_type (&child, "wrong\025s\xc3\xa4\177esmx\177e\r");
  g_assert_cmpint (child_end (&child, &output), ==, 0);
  g_assert_nonnull (strstr (output, "got sesme, echo on, signal 0"));
  g_assert_null (strstr (output, "wrong"));
}

static void
test_secret_interrupted (void)
{
  Child child;
  g_autofree char *output = NULL;

  child_start (&child, "secret");
  child_expect (&child, "Passphrase:");
  child_await_silence (&child);
  child_type (&child, "half\003");
  g_assert_cmpint (child_end (&child, &output), ==, 1);
  g_assert_nonnull (strstr (output, "got nothing, echo on, signal 2"));
}

static void
test_yes_no (void)
{
  Child child;
  g_autofree char *output = NULL;

  child_start (&child, "yes-no");
  child_expect (&child, "Go \\x1b[2J (Y/n)?");
  child_type (&child, "perhaps\nYES\n");
  child_expect (&child, "Sure (y/N)?");
  child_type (&child, "\n");
  g_assert_cmpint (child_end (&child, &output), ==, 0);
  g_assert_nonnull (strstr (output, "1 0"));
}

static void
test_target_question (void)
{
  Child child;
  g_autofree char *output = NULL;

  child_start (&child, "target");
  child_expect (&child, "SHA256:abc");
  child_type (&child, "y\n");
  g_assert_cmpint (child_end (&child, &output), ==, 0);
  g_assert_nonnull (strstr (output, "Unknown host key"));
  g_assert_nonnull (strstr (output, "got yes"));
}

/* (transfer full): what a part prints without a terminal. */
static char *
run_plainly (const char *part)
{
  const char *argv[] = {program, part, NULL};
  char *output = NULL;

  g_assert_true (g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output,
                               NULL, NULL, NULL));
  return output;
}

static void
test_nobody_to_ask (void)
{
  g_autofree char *output = run_plainly ("no-terminal");

  g_assert_cmpstr (output, ==, "0 0 0\n");
}

static void
test_progress_in_a_log (void)
{
  g_autofree char *output = run_plainly ("progress");
  g_auto (GStrv) lines = g_strsplit (output, "\n", -1);

  g_assert_cmpuint (g_strv_length (lines), ==, 4);
  g_assert_cmpstr (lines[0], ==, "hook says \\x1b[31mhi");
  g_assert_true (g_str_has_prefix (lines[1], "done   host a: source.send (24 files, 0.0 s)"));
  g_assert_true (g_str_has_prefix (lines[2], "failed host a: a step with"));
  g_assert_null (strchr (output, '\033'));
}

static void
test_progress_on_a_terminal (void)
{
  Child child;
  g_autofree char *output = NULL;

  g_setenv ("TERM", "xterm", TRUE);
  child_start (&child, "progress");
  g_assert_cmpint (child_end (&child, &output), ==, 0);
  g_assert_nonnull (strstr (output, "\r\033[K… host a: source.send"));
  g_assert_nonnull (strstr (output, "\r\033[Khook says \\x1b[31mhi"));
  g_assert_nonnull (strstr (output, "\033[32mdone  \033[0m host a: source.send (24 files"));
  g_assert_nonnull (strstr (output, "ff at the end of the\r\033[K\033[31mfailed"));
}

static void
test_no_colour (void)
{
  Child child;
  g_autofree char *output = NULL;

  g_setenv ("TERM", "xterm", TRUE);
  g_setenv ("NO_COLOR", "1", TRUE);
  child_start (&child, "progress");
  g_unsetenv ("NO_COLOR");
  g_assert_cmpint (child_end (&child, &output), ==, 0);
  g_assert_nonnull (strstr (output, "\r\033[K… host a: source.send"));
  g_assert_nonnull (strstr (output, "\r\033[Kdone   host a: source.send"));
}

static void
test_interrupt (void)
{
  Child child;
  g_autofree char *output = NULL;

  child_start (&child, "interrupt");
  child_expect (&child, "ready");
  child_type (&child, "\003");
  g_assert_cmpint (child_end (&child, &output), ==, 130);
  g_assert_nonnull (strstr (output, "cancelled by 2"));
}

static void
test_second_interrupt (void)
{
  Child child;
  g_autofree char *output = NULL;

  g_setenv ("LINGER", "1", TRUE);
  child_start (&child, "interrupt");
  g_unsetenv ("LINGER");
  child_expect (&child, "ready");
  child_type (&child, "\003");
  child_expect (&child, "press Ctrl-C once more");
  child_expect (&child, "cancelled by 2");
  child_type (&child, "\003");
  g_assert_cmpint (child_end (&child, &output), ==, 130);
}

static void
test_terminated (void)
{
  Child child;
  g_autofree char *output = NULL;

  child_start (&child, "interrupt");
  child_expect (&child, "ready");
  kill (child.pid, SIGTERM);
  g_assert_cmpint (child_end (&child, &output), ==, 130);
  g_assert_nonnull (strstr (output, "cancelled by 15"));
}

/* ---- without a child ---- */

static void
test_visible (void)
{
  static const struct {
    const char *text;
    gboolean keep_newlines;
    const char *shown;
  } rows[] = {
      {"plain – ünïcode 漢", FALSE, "plain – ünïcode 漢"},
      {"a\nb\tc\r", FALSE, "a\\nb\\tc\\x0d"},
      {"a\nb\tc\r", TRUE, "a\nb\tc\\x0d"},
      {"\033]0;x\007\x7f", TRUE, "\\x1b]0;x\\x07\\x7f"},
      {"caf\xe9!", FALSE, "caf\\xe9!"},
      {"\xe2\x80\xaetxt.exe", FALSE, "\\u202etxt.exe"},
      {"\xc2\x9b"
       "2J",
       FALSE, "\\x9b2J"},
      {"cut \xe6\xbc", FALSE, "cut \\xe6\\xbc"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *shown = tool_visible (rows[i].text, rows[i].keep_newlines);

    g_assert_cmpstr (shown, ==, rows[i].shown);
  }
}

static void
test_table (void)
{
  static const char *const columns[] = {"host", "state", NULL};
  static const char *const first[] = {"漢字", "ok\033[2J"};
  static const char *const second[] = {"production", NULL};
  g_autoptr (ToolTable) table = tool_table_new (columns);
  g_autofree char *empty = tool_table_to_text (table, FALSE);
  g_autofree char *text = NULL;
  g_autofree char *json = NULL;

  g_assert_cmpstr (empty, ==, "");
  tool_table_add (table, first);
  tool_table_add (table, second);
  text = tool_table_to_text (table, FALSE);
  json = tool_table_to_text (table, TRUE);
  g_assert_cmpstr (text, ==,
                   "host        state\n"
                   "漢字        ok\\x1b[2J\n"
                   "production  -\n");
  g_assert_cmpstr (json, ==,
                   "{\"host\":\"漢字\",\"state\":\"ok\\u001b[2J\"}\n"
                   "{\"host\":\"production\",\"state\":null}\n");
}

static void
test_print (void)
{
  const char *argv[] = {program, "print", NULL};
  g_autofree char *errors = NULL;
  int status;

  g_assert_true (g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL,
                               &errors, &status, NULL));
  g_assert_cmpint (WEXITSTATUS (status), ==, TOOL_EXIT_BUSY);
  g_assert_cmpstr (errors, ==,
                   "hookrun-deploy: first\n  \\x1b[31msecond\nhookrun-deploy: no colour\n");
}

static void
test_exits (void)
{
  static const struct {
    HookrunError code;
    ToolExit exit;
    const char *name;
  } rows[] = {
      {HOOKRUN_ERROR_IO, 1, "failed"},
      {HOOKRUN_ERROR_INVALID, 2, "usage"},
      {HOOKRUN_ERROR_CYCLE, 2, "usage"},
      {HOOKRUN_ERROR_CONNECTION, 3, "unreachable"},
      {HOOKRUN_ERROR_TIMED_OUT, 3, "unreachable"},
      {HOOKRUN_ERROR_BUSY, 5, "busy"},
      {HOOKRUN_ERROR_HOST_KEY_UNKNOWN, 6, "untrusted"},
      {HOOKRUN_ERROR_HOST_KEY_CHANGED, 6, "untrusted"},
      {HOOKRUN_ERROR_HOST_KEY_REVOKED, 6, "untrusted"},
      {HOOKRUN_ERROR_AUTHENTICATION, 6, "untrusted"},
      {HOOKRUN_ERROR_HANDLER, 1, "failed"},
      {HOOKRUN_ERROR_CANCELLED, 130, "interrupted"},
  };
  g_autoptr (GError) option = g_error_new (G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION, "x");

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = g_error_new (HOOKRUN_ERROR, (int)rows[i].code, "x");

    g_assert_cmpint (tool_exit_for_error (error), ==, rows[i].exit);
    g_assert_cmpstr (tool_exit_name (rows[i].exit), ==, rows[i].name);
  }
  g_assert_cmpint (tool_exit_for_error (NULL), ==, 0);
  g_assert_cmpint (tool_exit_for_error (option), ==, 2);
  g_assert_cmpstr (tool_exit_name (TOOL_EXIT_ROLLED_BACK), ==, "rolled-back");
}

int
main (int argc, char **argv)
{
  program = argv[0];
  for (gsize i = 0; argc == 2 && i < G_N_ELEMENTS (parts); i++)
    if (g_str_equal (argv[1], parts[i].name))
      return parts[i].run ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tools/ask/secret", test_secret);
  g_test_add_func ("/tools/ask/secret/interrupted", test_secret_interrupted);
  g_test_add_func ("/tools/ask/yes-no", test_yes_no);
  g_test_add_func ("/tools/ask/target", test_target_question);
  g_test_add_func ("/tools/ask/nobody", test_nobody_to_ask);
  g_test_add_func ("/tools/progress/in-a-log", test_progress_in_a_log);
  g_test_add_func ("/tools/progress/on-a-terminal", test_progress_on_a_terminal);
  g_test_add_func ("/tools/progress/no-colour", test_no_colour);
  g_test_add_func ("/tools/interrupt/cancels", test_interrupt);
  g_test_add_func ("/tools/interrupt/second-ends-at-once", test_second_interrupt);
  g_test_add_func ("/tools/interrupt/terminated", test_terminated);
  g_test_add_func ("/tools/terminal/visible", test_visible);
  g_test_add_func ("/tools/table/text-and-json", test_table);
  g_test_add_func ("/tools/exit/by-error", test_exits);
  g_test_add_func ("/tools/exit/print", test_print);
  return g_test_run ();
}
