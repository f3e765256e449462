/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exit codes of the programs, one table for all four, and the printing of errors. */
#pragma once

#include <hookrun.h>

G_BEGIN_DECLS

/*
 * Exit codes that the man pages document:
 *   0 done · 1 failed · 2 wrong usage or a malformed file · 3 unreachable, or the connection broke
 *   4 failed and rolled back · 5 busy: another process holds the lock
 *   6 not trusted: host key unknown, changed or revoked, login refused, file writable by others
 *   130 interrupted, everything put back
 */
typedef enum {
  TOOL_EXIT_DONE = 0,
  TOOL_EXIT_FAILED = 1,
  TOOL_EXIT_USAGE = 2,
  TOOL_EXIT_UNREACHABLE = 3,
  TOOL_EXIT_ROLLED_BACK = 4,
  TOOL_EXIT_BUSY = 5,
  TOOL_EXIT_UNTRUSTED = 6,
  TOOL_EXIT_INTERRUPTED = 130,
} ToolExit;

/* The exit code for @error; NULL is TOOL_EXIT_DONE. */
ToolExit tool_exit_for_error (const GError *error);

/* The same for an error of loading what the project names, before anything happened at a host: what
 * its author has to correct is a malformed project. */
ToolExit tool_exit_for_loading (const GError *error);

/* A word for @code in --json results: "done", "failed", "rolled-back" and so on. */
const char *tool_exit_name (ToolExit code);

/* What a program ends with: @status, or TOOL_EXIT_FAILED with a message in place of TOOL_EXIT_DONE
 * when not all of its standard output could be written. */
ToolExit tool_exit_finish (ToolExit status);

/* Prints "PROGRAM: message" on standard error, lines of a long message indented. */
void tool_print_error (const GError *error);
void tool_print_message (const char *format, ...) G_GNUC_PRINTF (1, 2);

G_END_DECLS
