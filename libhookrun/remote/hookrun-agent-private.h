/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The other end of scripts/agent.sh: one channel on which a shell at the target holds a layout's
 * lock and does what is asked for. All functions block and may be called from any thread, one at a
 * time.
 */
#pragma once

#include "hookrun-target.h"

G_BEGIN_DECLS

typedef struct _HookrunAgent HookrunAgent;

/* Starts the agent and waits until it has the lock: BUSY names who has it. @greeting is what it
 * told of an interrupted run, "" for nothing. (transfer full) */
HookrunAgent *hookrun_agent_open (HookrunTarget *target, const char *folder, const char *kind,
                                  guint lease_seconds, char **greeting, GCancellable *cancellable,
                                  GError **error);

/* One request, the name of a function of the script and its words. The reply is its output.
 * CONNECTION when the agent and with it the lock is lost. (transfer full) */
char *hookrun_agent_ask (HookrunAgent *self, const char *const *words, GCancellable *cancellable,
                         GError **error);

gboolean hookrun_agent_is_lost (HookrunAgent *self);

/* Ends the agent, which undoes what is not confirmed, and waits for its end. */
void hookrun_agent_close (HookrunAgent *self);

/* ---- hookrun-agent-words.c ---- */

/* How long the agent may take to bring back what was done. */
#define HOOKRUN_AGENT_UNDO_LIMIT_MS 120000

/* How long an answer to @step may take; 0: as long as it takes. */
guint hookrun_agent_limit_ms (const char *step, guint lease_ms);
/* The signs of life in what an agent that opens has printed: its shell runs, and it has begun to
 * undo what it found. What comes after them is its answer. */
guint hookrun_agent_count_signs (const void *data, gsize length);
const char *hookrun_agent_text_of_opening (const char *text);
/* @step is what was asked, or NULL for the opening; all (transfer full). */
GError *hookrun_agent_describe_silence (HookrunTarget *target, gboolean has_begun, const char *step,
                                        guint seconds);
/* Takes @cause (nullable) over. */
GError *hookrun_agent_describe_loss (HookrunTarget *target, gboolean has_begun, int status,
                                     const char *output, const char *errors, GError *cause);
char *hookrun_agent_describe_holder (void);
void hookrun_agent_set_open_error (HookrunTarget *target, const char *folder, int status,
                                   const char *text, GError **error);
void hookrun_agent_set_step_error (HookrunTarget *target, const char *step, const char *text,
                                   GError **error);
/* Names the folders of the layout at @folder in the message, which the agent knows by descriptors.
 */
void hookrun_agent_name_folders (GError *error, const char *folder);

G_END_DECLS
