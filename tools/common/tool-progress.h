/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is going on: one live line on a terminal that becomes a plain line when its step ends; in a
 * log a line a step; with --json nothing, since its events are the program's output.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ToolProgress ToolProgress;

typedef enum {
  TOOL_PROGRESS_AUTO,  /* live on a terminal, lines elsewhere */
  TOOL_PROGRESS_LINES, /* plain lines always */
  TOOL_PROGRESS_QUIET, /* nothing */
} ToolProgressStyle;

/* @fd is usually standard error. All calls may be made from any thread. */
ToolProgress *tool_progress_new (int fd, ToolProgressStyle style);
void tool_progress_free (ToolProgress *progress);
/* A step begins: "host shop: source.send". */
void tool_progress_begin (ToolProgress *progress, const char *step);
/* How far it is: @fraction 0…1, or below 0 when unknown; @detail may be NULL. */
void tool_progress_update (ToolProgress *progress, double fraction, const char *detail);
/* It ends; @note may be NULL ("unchanged", "12 files"). */
void tool_progress_end (ToolProgress *progress, gboolean ok, const char *note);
/* A line between (a hook's output, a warning); the live line is drawn again below it. */
void tool_progress_line (ToolProgress *progress, const char *text);
/* Takes the live line away while a question is asked, and puts it back. */
void tool_progress_pause (ToolProgress *progress);
void tool_progress_resume (ToolProgress *progress);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolProgress, tool_progress_free)

G_END_DECLS
