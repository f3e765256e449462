/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to the person at the terminal, asked on /dev/tty so that pipes do not matter. */
#pragma once

#include <hookrun.h>

G_BEGIN_DECLS

/* Whether there is a person to ask. */
gboolean tool_can_ask (void);
/* Asks @question until the answer is yes or no; an empty answer is @fallback, end of input is no.
 */
gboolean tool_ask_yes_no (const char *question, gboolean fallback);
/* (transfer full) (nullable): one line; NULL at end of input or without a terminal. With @secret it
 * is not shown, and the terminal is put right again whatever happens. */
char *tool_ask_text (const char *question, gboolean secret);
/* A HookrunTargetQuestion: shows @title and @text; @user_data is a ToolProgress to pause, or NULL.
 */
char *tool_ask_for_target (HookrunTarget *target, const char *title, const char *text,
                           gboolean secret, gpointer user_data);

G_END_DECLS
