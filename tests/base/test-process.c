/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Running one program: what it gets and gives, limits, deadlines that end the whole group, daemons
 * that keep pipes open; each driven by poll in place and by a main context.
 */
#include "hookrun-process-private.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  GString *output;
  GString *errors;
  HookrunProcessSpec spec;
  const char *argv[4];
} Run;

static void
on_line (HookrunProcessStream stream, const char *line, gpointer user_data)
{
  Run *run = user_data;
  GString *text = stream == HOOKRUN_PROCESS_OUTPUT ? run->output : run->errors;

  g_assert_null (strchr (line, '\n'));
  g_string_append_printf (text, "%s|", line);
}

static void
run_init (Run *run, const char *script)
{
  *run = (Run){
      .output = g_string_new (NULL),
      .errors = g_string_new (NULL),
      .argv = {"/bin/sh", "-c", script, NULL},
      .spec = {.line = on_line, .timeout_ms = 20000, .kill_after_ms = 300},
  };
  run->spec.argv = run->argv;
  run->spec.user_data = run;
}

static void
run_clear (Run *run)
{
  g_string_free (run->output, TRUE);
  g_string_free (run->errors, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

static void
on_done (HookrunProcess *process, gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
}

/* Starts the program and waits for it: in place, or in a main context. */
static HookrunProcess *
finish (Run *run, gboolean in_context, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;
  HookrunProcess *process;

  run->spec.user_data = run;
  process = hookrun_process_start (&run->spec, &error);
  g_assert_no_error (error);
  if (in_context) {
    g_autoptr (GMainContext) context = g_main_context_new ();
    gboolean done = FALSE;

    hookrun_process_watch (process, context, cancellable, on_done, &done);
    while (!done)
      g_main_context_iteration (context, TRUE);
  } else {
    hookrun_process_wait (process, cancellable);
  }
  return process;
}

static double
seconds_since (gint64 start)
{
  return (double)(g_get_monotonic_time () - start) / 1e6;
}

static void
test_gives_and_takes (gconstpointer in_context)
{
  const char *const environment[] = {"A=b c", NULL};
  g_auto (Run) run;
  g_autoptr (HookrunProcess) process = NULL;
  g_autoptr (GError) error = NULL;
  gsize length = 0;

  run_init (&run, "cat; printf 'two\\nhalf' >&2; echo \"$A in $(pwd)\"; echo '{\"x\":1}' >&3");
  run.spec.input = "one\n";
  run.spec.input_length = 4;
  run.spec.environment = environment;
  run.spec.folder = "/usr";
  run.spec.with_result = TRUE;
  process = finish (&run, in_context != NULL, NULL);
  g_assert_true (hookrun_process_check (process, NULL, "it", &error));
  g_assert_cmpstr (run.output->str, ==, "one|b c in /usr|");
  g_assert_cmpstr (run.errors->str, ==, "two|half|");
  g_assert_cmpstr (hookrun_process_get_error_tail (process), ==, "two\nhalf");
  g_assert_cmpstr (hookrun_process_get_result (process, &length), ==, "{\"x\":1}\n");
  g_assert_cmpuint (length, ==, 8);
}

/* Nothing of the host's is inherited: no descriptor, no blocked or ignored signal, no session. */
static void
test_starts_clean (gconstpointer in_context)
{
  g_auto (Run) run;
  g_autoptr (HookrunProcess) process = NULL;
  g_auto (GStrv) parts = NULL;
  int leaked = open ("/dev/null", O_RDONLY);
  sigset_t blocked;
  sigset_t old;

  sigemptyset (&blocked);
  sigaddset (&blocked, SIGTERM);
  pthread_sigmask (SIG_BLOCK, &blocked, &old);
  signal (SIGPIPE, SIG_IGN);
  run_init (&run, "ls /proc/self/fd | tr '\\n' ' '; grep -E 'SigBlk|SigIgn' /proc/self/status; "
                  "cut -d' ' -f6 /proc/$$/stat; echo $$");
  process = finish (&run, in_context != NULL, NULL);
  signal (SIGPIPE, SIG_DFL);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  close (leaked);
  parts = g_strsplit (run.output->str, "|", -1);
  /* ls has one descriptor for the folder itself. */
  g_assert_cmpstr (parts[0], ==, "0 1 2 3 SigBlk:\t0000000000000000");
  /* The C library keeps two signals of its own behind the first 31. */
  g_assert_true (g_str_has_prefix (parts[1], "SigIgn:\t"));
  g_assert_cmpuint (g_ascii_strtoull (parts[1] + strlen ("SigIgn:\t"), NULL, 16) & 0x7fffffff, ==,
                    0);
  g_assert_cmpstr (parts[2], ==, parts[3]);
}

static void
test_large_input_nobody_reads (gconstpointer in_context)
{
  g_auto (Run) run;
  g_autoptr (HookrunProcess) process = NULL;
  g_autofree char *input = g_strnfill (1 << 20, 'x');

  run_init (&run, "exit 0");
  run.spec.input = input;
  run.spec.input_length = 1 << 20;
  process = finish (&run, in_context != NULL, NULL);
  g_assert_cmpint (hookrun_process_get_end (process), ==, HOOKRUN_PROCESS_EXITED);
}

static void
test_large_input_is_read (gconstpointer in_context)
{
  g_auto (Run) run;
  g_autoptr (HookrunProcess) process = NULL;
  g_autofree char *input = g_strnfill (3 << 20, 'x');

  run_init (&run, "wc -c | tr -d ' '");
  run.spec.input = input;
  run.spec.input_length = 3 << 20;
  process = finish (&run, in_context != NULL, NULL);
  g_assert_cmpstr (run.output->str, ==, "3145728|");
}

typedef struct {
  const char *script;
  HookrunProcessEnd end;
  int code;
  const char *says;
} Ending;

static const Ending endings[] = {
    {"echo why >&2; exit 3", HOOKRUN_PROCESS_EXITED, HOOKRUN_ERROR_COMMAND,
     "it exited with status 3; it said last: why"},
    {"kill -SEGV $$", HOOKRUN_PROCESS_KILLED, HOOKRUN_ERROR_CRASHED, "it was killed by signal 11"},
    {"tr '\\0' x </dev/zero", HOOKRUN_PROCESS_OUTPUT_LIMIT, HOOKRUN_ERROR_LIMIT,
     "it wrote more than 100000 bytes of output and was stopped"},
    {"yes", HOOKRUN_PROCESS_OUTPUT_LIMIT, HOOKRUN_ERROR_LIMIT,
     "bytes of output, each line counted as"},
    {"yes >&2", HOOKRUN_PROCESS_OUTPUT_LIMIT, HOOKRUN_ERROR_LIMIT,
     "bytes of output, each line counted as"},
    {"yes >&3", HOOKRUN_PROCESS_RESULT_LIMIT, HOOKRUN_ERROR_LIMIT,
     "it wrote more than 5000 bytes to descriptor 3 and was stopped"},
    {"sleep 100", HOOKRUN_PROCESS_TIMED_OUT, HOOKRUN_ERROR_TIMED_OUT,
     "it did not end within 300 ms and was stopped"},
    {"trap '' TERM; while :; do sleep 1; done", HOOKRUN_PROCESS_TIMED_OUT, HOOKRUN_ERROR_TIMED_OUT,
     "it did not end within 300 ms and was stopped"},
    {"kill -STOP $$", HOOKRUN_PROCESS_TIMED_OUT, HOOKRUN_ERROR_TIMED_OUT, "did not end within"},
};

static void
test_endings (gconstpointer in_context)
{
  for (gsize i = 0; i < G_N_ELEMENTS (endings); i++) {
    g_auto (Run) run;
    g_autoptr (HookrunProcess) process = NULL;
    g_autoptr (GError) error = NULL;
    gint64 start = g_get_monotonic_time ();

    run_init (&run, endings[i].script);
    run.spec.max_output = 100000;
    run.spec.max_result = 5000;
    run.spec.with_result = TRUE;
    if (endings[i].end == HOOKRUN_PROCESS_TIMED_OUT)
      run.spec.timeout_ms = 300;
    process = finish (&run, in_context != NULL, NULL);
    g_assert_cmpint (hookrun_process_get_end (process), ==, endings[i].end);
    g_assert_false (hookrun_process_check (process, NULL, "it", &error));
    g_assert_error (error, HOOKRUN_ERROR, endings[i].code);
    if (strstr (error->message, endings[i].says) == NULL)
      g_error ("\"%s\" does not say \"%s\"", error->message, endings[i].says);
    g_assert_cmpfloat (seconds_since (start), <, 5.0);
  }
}

static gboolean
is_gone (const char *pid)
{
  pid_t number = (pid_t)g_ascii_strtoll (pid, NULL, 10);

  g_assert_cmpint (number, >, 1);
  for (int i = 0; i < 200; i++) {
    if (kill (number, 0) < 0)
      return TRUE;
    g_usleep (10000);
  }
  return FALSE;
}

static void
test_deadline_ends_the_group (gconstpointer in_context)
{
  g_auto (Run) run;
  g_autoptr (HookrunProcess) process = NULL;
  g_auto (GStrv) pids = NULL;

  run_init (&run, "(trap '' TERM; sleep 100) & echo $!; sleep 100 & echo $!; wait");
  run.spec.timeout_ms = 300;
  process = finish (&run, in_context != NULL, NULL);
  g_assert_cmpint (hookrun_process_get_end (process), ==, HOOKRUN_PROCESS_TIMED_OUT);
  pids = g_strsplit (run.output->str, "|", -1);
  g_assert_true (is_gone (pids[0]));
  g_assert_true (is_gone (pids[1]));
}

/* A daemon that a program leaves behind goes on, and keeps nobody waiting. */
static void
test_daemon_keeps_pipes (gconstpointer in_context)
{
  g_auto (Run) run;
  g_autoptr (HookrunProcess) process = NULL;
  g_auto (GStrv) pids = NULL;
  gint64 start = g_get_monotonic_time ();

  run_init (&run, "sleep 60 & echo $!; exit 0");
  process = finish (&run, in_context != NULL, NULL);
  g_assert_cmpfloat (seconds_since (start), <, 3.0);
  g_assert_cmpint (hookrun_process_get_end (process), ==, HOOKRUN_PROCESS_EXITED);
  pids = g_strsplit (run.output->str, "|", -1);
  g_assert_cmpint (kill ((pid_t)g_ascii_strtoll (pids[0], NULL, 10), SIGKILL), ==, 0);
}

static gpointer
cancel_soon (gpointer cancellable)
{
  g_usleep (200000);
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_cancel (gconstpointer in_context)
{
  g_auto (Run) run;
  g_autoptr (HookrunProcess) process = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_new ("cancel", cancel_soon, cancellable);
  gint64 start = g_get_monotonic_time ();

  run_init (&run, "trap '' TERM; sleep 100");
  process = finish (&run, in_context != NULL, cancellable);
  g_thread_join (thread);
  g_assert_false (hookrun_process_check (process, NULL, "it", &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED);
  g_assert_cmpfloat (seconds_since (start), <, 3.0);
}

static void
test_lines (gconstpointer in_context)
{
  g_auto (Run) run;
  g_autoptr (HookrunProcess) process = NULL;

  run_init (&run,
            "printf 'a\\r\\n\\n\\377b\\n'; head -c 20000 /dev/zero | tr '\\0' x; echo; echo end");
  process = finish (&run, in_context != NULL, NULL);
  g_assert_true (g_str_has_prefix (run.output->str, "a||\357\277\275b|xxx"));
  g_assert_true (g_str_has_suffix (run.output->str, "x|end|"));
  g_assert_cmpuint (run.output->len, ==, strlen ("a||???b||||end|") + 20000);
}

static void
test_exit_words (void)
{
  static const int good[] = {100, 0};
  g_auto (Run) run;
  g_autoptr (HookrunProcess) process = NULL;

  run_init (&run, "exit 100");
  process = finish (&run, FALSE, NULL);
  g_assert_false (hookrun_process_check (process, NULL, "it", NULL));
  g_assert_true (hookrun_process_check (process, good, "it", NULL));
  g_assert_cmpint (hookrun_process_get_exit_status (process), ==, 100);
}

static void
assert_does_not_start (const char *program, const char *folder, int code, const char *says)
{
  const char *argv[] = {program, NULL};
  HookrunProcessSpec spec = {.argv = argv, .folder = folder};
  g_autoptr (GError) error = NULL;

  g_assert_null (hookrun_process_start (&spec, &error));
  g_assert_error (error, HOOKRUN_ERROR, code);
  if (strstr (error->message, says) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, says);
}

static void
test_start_faults (void)
{
  g_autofree char *folder = g_dir_make_tmp ("hookrun-XXXXXX", NULL);
  g_autofree char *script = g_build_filename (folder, "script", NULL);
  g_autofree char *plain = g_build_filename (folder, "plain", NULL);

  g_file_set_contents (script, "#!/no/such/shell\n", -1, NULL);
  g_file_set_contents (plain, "echo\n", -1, NULL);
  assert_does_not_start (script, NULL, HOOKRUN_ERROR_PERMISSION, "chmod +x");
  g_assert_cmpint (chmod (script, 0755), ==, 0);
  g_assert_cmpint (chmod (plain, 0755), ==, 0);
  assert_does_not_start (script, NULL, HOOKRUN_ERROR_NOT_FOUND, "interpreter");
  assert_does_not_start (plain, NULL, HOOKRUN_ERROR_IO, "#!");
  assert_does_not_start ("hookrun-no-such-program", NULL, HOOKRUN_ERROR_NOT_FOUND,
                         "hookrun-no-such-program");
  assert_does_not_start ("true", "/no/such/folder", HOOKRUN_ERROR_NOT_FOUND, "/no/such/folder");
  unlink (script);
  unlink (plain);
  rmdir (folder);
}

/* A host that closed its own standard descriptors. */
static void
test_low_descriptors (void)
{
  if (g_test_subprocess ()) {
    g_auto (Run) run;
    g_autoptr (HookrunProcess) process = NULL;

    close (0);
    close (1);
    run_init (&run, "cat; echo err >&2; echo res >&3");
    run.spec.with_result = TRUE;
    run.spec.input = "in";
    run.spec.input_length = 2;
    process = finish (&run, FALSE, NULL);
    g_assert_cmpstr (run.output->str, ==, "in|");
    g_assert_cmpstr (run.errors->str, ==, "err|");
    g_assert_cmpstr (hookrun_process_get_result (process, NULL), ==, "res\n");
    _exit (0);
  }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

static void
test_freed_while_running (void)
{
  g_auto (Run) run;
  HookrunProcess *process;
  gint64 start = g_get_monotonic_time ();

  run_init (&run, "sleep 100");
  process = hookrun_process_start (&run.spec, NULL);
  hookrun_process_free (process);
  g_assert_cmpfloat (seconds_since (start), <, 2.0);
}

static void
test_lost_status (void)
{
  g_auto (Run) run;
  g_autoptr (HookrunProcess) process = NULL;
  g_autoptr (GError) error = NULL;

  signal (SIGCHLD, SIG_IGN);
  run_init (&run, "sleep 0.1; exit 0");
  process = finish (&run, FALSE, NULL);
  signal (SIGCHLD, SIG_DFL);
  g_assert_false (hookrun_process_check (process, NULL, "it", &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_IO);
  g_assert_nonnull (strstr (error->message, "SIGCHLD"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                                            \
  g_test_add_data_func ("/base/process/in-place/" name, NULL, func);                               \
  g_test_add_data_func ("/base/process/in-context/" name, "", func)
  ADD ("gives-and-takes", test_gives_and_takes);
  ADD ("starts-clean", test_starts_clean);
  ADD ("large-input-nobody-reads", test_large_input_nobody_reads);
  ADD ("large-input-is-read", test_large_input_is_read);
  ADD ("endings", test_endings);
  ADD ("deadline-ends-the-group", test_deadline_ends_the_group);
  ADD ("daemon-keeps-pipes", test_daemon_keeps_pipes);
  ADD ("cancel", test_cancel);
  ADD ("lines", test_lines);
#undef ADD
  g_test_add_func ("/base/process/exit-words", test_exit_words);
  /* valgrind's posix_spawn() does not tell that the child could not become the program. */
  if (g_strcmp0 (g_getenv ("HOOKRUN_SANITIZED"), "valgrind") != 0)
    g_test_add_func ("/base/process/start-faults", test_start_faults);
  g_test_add_func ("/base/process/low-descriptors", test_low_descriptors);
  g_test_add_func ("/base/process/freed-while-running", test_freed_while_running);
  g_test_add_func ("/base/process/lost-status", test_lost_status);
  return g_test_run ();
}
