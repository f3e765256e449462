/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hookrun-watch: options, presentation and exit status around a watcher. What changes is printed as
 * it comes, until it is interrupted or nobody reads any more.
 */
#include <errno.h>
#include <hookrun.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "print.h"
#include "tool-exit.h"
#include "tool-interrupt.h"

typedef struct {
  const WatchOptions *options;
  GMainLoop *loop;
  GString *text;
  ToolExit status;
} Printing;

/* All of the text, so that a reader never waits for the rest of a line. */
static gboolean
write_text (const GString *text)
{
  gsize done = 0;

  while (done < text->len) {
    gssize n = write (STDOUT_FILENO, text->str + done, text->len - done);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return FALSE;
    done += (gsize)n;
  }
  return TRUE;
}

static void
on_changes (HookrunWatcher *watcher, GPtrArray *changes, gpointer user_data)
{
  Printing *printing = user_data;
  const WatchOptions *options = printing->options;
  guint n_changes = options->once ? 1 : changes->len;

  if (options->once && printing->text->len > 0)
    return;
  g_string_truncate (printing->text, 0);
  for (guint i = 0; i < n_changes; i++)
    watch_print_change (options, g_ptr_array_index (changes, i), printing->text);
  if (!write_text (printing->text)) {
    tool_print_message ("cannot write to standard output: %s", g_strerror (errno));
    printing->status = TOOL_EXIT_FAILED;
  } else if (!options->once) {
    return;
  }
  g_main_loop_quit (printing->loop);
}

static void
on_problem (HookrunWatcher *watcher, GError *problem, gpointer user_data)
{
  Printing *printing = user_data;

  tool_print_error (problem);
  printing->status = TOOL_EXIT_FAILED;
}

static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  g_main_loop_quit (user_data);
}

static gboolean
add_roots (HookrunWatcher *watcher, const WatchOptions *options, GError **error)
{
  HookrunWatchFlags flags = options->shallow ? HOOKRUN_WATCH_NONE : HOOKRUN_WATCH_RECURSIVE;

  for (char **path = options->paths; *path != NULL; path++) {
    if (!g_file_test (*path, G_FILE_TEST_EXISTS)) {
      g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND, "cannot watch %s: there is none",
                   *path);
      return FALSE;
    }
    if (!hookrun_watcher_add_root (watcher, *path, flags, options->kinds, error))
      return FALSE;
  }
  return TRUE;
}

static ToolExit
watch (const WatchOptions *options, GError **error)
{
  g_autoptr (HookrunWatcher) watcher = hookrun_watcher_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GString) text = g_string_new (NULL);
  Printing printing = {.options = options, .loop = loop, .text = text};
  GCancellable *cancellable = tool_interrupt_start ();
  gulong id;

  hookrun_watcher_set_settle_ms (watcher, (guint)options->settle_ms);
  g_signal_connect (watcher, "changes", G_CALLBACK (on_changes), &printing);
  g_signal_connect (watcher, "problem", G_CALLBACK (on_problem), &printing);
  if (!add_roots (watcher, options, error) || !hookrun_watcher_start (watcher, cancellable, error))
    return TOOL_EXIT_FAILED;
  if (!options->quiet)
    g_printerr ("ready: %u folders\n", hookrun_watcher_get_n_folders (watcher));
  id = g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), loop, NULL);
  if (!g_cancellable_is_cancelled (cancellable))
    g_main_loop_run (loop);
  g_cancellable_disconnect (cancellable, id);
  hookrun_watcher_stop (watcher);
  if (tool_interrupt_signal () == SIGINT)
    return TOOL_EXIT_INTERRUPTED;
  return printing.status;
}

static ToolExit
run (char **argv, GError **error)
{
  g_autoptr (WatchOptions) options = watch_options_new ();

  if (!watch_options_parse (options, argv, error))
    return TOOL_EXIT_USAGE;
  if (options->version || options->help) {
    g_autofree char *text = options->help
                                ? watch_options_get_help ()
                                : g_strdup_printf ("hookrun-watch %s\n", hookrun_get_version ());

    g_print ("%s", text);
    return tool_exit_finish (TOOL_EXIT_DONE);
  }
  return watch (options, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  ToolExit status;

  setlocale (LC_ALL, "");
  g_set_prgname ("hookrun-watch");
  status = run (argv, &error);
  if (error == NULL)
    return (int)status;
  tool_print_error (error);
  if (tool_interrupt_signal () != 0)
    return TOOL_EXIT_INTERRUPTED;
  return (int)(status == TOOL_EXIT_FAILED ? tool_exit_for_error (error) : status);
}
