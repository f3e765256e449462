/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From errors to exit codes by one table, so that scripts can tell what to do next. */
#include "tool-exit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tool-terminal.h"

static const ToolExit exits[] = {
    [HOOKRUN_ERROR_IO] = TOOL_EXIT_FAILED,
    [HOOKRUN_ERROR_INVALID] = TOOL_EXIT_USAGE,
    [HOOKRUN_ERROR_NOT_FOUND] = TOOL_EXIT_FAILED,
    [HOOKRUN_ERROR_EXISTS] = TOOL_EXIT_FAILED,
    [HOOKRUN_ERROR_CYCLE] = TOOL_EXIT_USAGE,
    [HOOKRUN_ERROR_UNSUPPORTED] = TOOL_EXIT_FAILED,
    [HOOKRUN_ERROR_ABI] = TOOL_EXIT_FAILED,
    [HOOKRUN_ERROR_UNTRUSTED] = TOOL_EXIT_UNTRUSTED,
    [HOOKRUN_ERROR_PERMISSION] = TOOL_EXIT_FAILED,
    [HOOKRUN_ERROR_LIMIT] = TOOL_EXIT_FAILED,
    [HOOKRUN_ERROR_TIMED_OUT] = TOOL_EXIT_UNREACHABLE,
    [HOOKRUN_ERROR_CANCELLED] = TOOL_EXIT_INTERRUPTED,
    [HOOKRUN_ERROR_PROTOCOL] = TOOL_EXIT_FAILED,
    [HOOKRUN_ERROR_CRASHED] = TOOL_EXIT_FAILED,
    [HOOKRUN_ERROR_HANDLER] = TOOL_EXIT_FAILED,
    [HOOKRUN_ERROR_HOST_KEY_UNKNOWN] = TOOL_EXIT_UNTRUSTED,
    [HOOKRUN_ERROR_HOST_KEY_CHANGED] = TOOL_EXIT_UNTRUSTED,
    [HOOKRUN_ERROR_HOST_KEY_REVOKED] = TOOL_EXIT_UNTRUSTED,
    [HOOKRUN_ERROR_AUTHENTICATION] = TOOL_EXIT_UNTRUSTED,
    [HOOKRUN_ERROR_CONNECTION] = TOOL_EXIT_UNREACHABLE,
    [HOOKRUN_ERROR_NO_SPACE] = TOOL_EXIT_FAILED,
    [HOOKRUN_ERROR_COMMAND] = TOOL_EXIT_FAILED,
    [HOOKRUN_ERROR_BUSY] = TOOL_EXIT_BUSY,
    [HOOKRUN_ERROR_CONFLICT] = TOOL_EXIT_FAILED,
};

static const struct {
  ToolExit code;
  const char *name;
} names[] = {
    {TOOL_EXIT_DONE, "done"},
    {TOOL_EXIT_FAILED, "failed"},
    {TOOL_EXIT_USAGE, "usage"},
    {TOOL_EXIT_UNREACHABLE, "unreachable"},
    {TOOL_EXIT_ROLLED_BACK, "rolled-back"},
    {TOOL_EXIT_BUSY, "busy"},
    {TOOL_EXIT_UNTRUSTED, "untrusted"},
    {TOOL_EXIT_INTERRUPTED, "interrupted"},
};

ToolExit
tool_exit_for_error (const GError *error)
{
  if (error == NULL)
    return TOOL_EXIT_DONE;
  if (error->domain == G_OPTION_ERROR)
    return TOOL_EXIT_USAGE;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return TOOL_EXIT_INTERRUPTED;
  if (error->domain != HOOKRUN_ERROR || (guint)error->code >= G_N_ELEMENTS (exits))
    return TOOL_EXIT_FAILED;
  return exits[error->code];
}

ToolExit
tool_exit_for_loading (const GError *error)
{
  ToolExit status = tool_exit_for_error (error);

  return status == TOOL_EXIT_FAILED || status == TOOL_EXIT_UNREACHABLE ? TOOL_EXIT_USAGE : status;
}

const char *
tool_exit_name (ToolExit code)
{
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (names[i].code == code)
      return names[i].name;
  return "failed";
}

static void
print (const char *text)
{
  g_autofree char *visible = tool_visible (text, TRUE);
  g_auto (GStrv) lines = g_strsplit (visible, "\n", -1);
  g_autofree char *joined = g_strjoinv ("\n  ", lines);

  g_printerr ("%s%s%s: %s\n", tool_terminal_colour (2, TOOL_COLOUR_BAD), g_get_prgname (),
              tool_terminal_colour (2, TOOL_COLOUR_NONE), joined);
}

void
tool_print_error (const GError *error)
{
  print (error->message);
}

void
tool_print_message (const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  print (text);
}

ToolExit
tool_exit_finish (ToolExit status)
{
  gboolean had_failed = ferror (stdout) != 0;

  errno = 0;
  if (fflush (stdout) == 0 && !had_failed)
    return status;
  tool_print_message ("cannot write to standard output%s%s; what was printed is not whole",
                      errno != 0 ? ": " : "", errno != 0 ? g_strerror (errno) : "");
  return status == TOOL_EXIT_DONE ? TOOL_EXIT_FAILED : status;
}
