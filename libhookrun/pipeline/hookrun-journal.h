/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The record of a run, on disk before anything happens: one checksummed line a record, appended and
 * synced. After a crash it says what was done, what may have been done and what was not.
 */
#pragma once

#if !defined(HOOKRUN_H_INSIDE) && !defined(HOOKRUN_COMPILATION)
#error "Include <hookrun.h> instead of this header."
#endif

#include "hookrun-registry.h"

G_BEGIN_DECLS

/**
 * HookrunJournalFlags:
 * @HOOKRUN_JOURNAL_NONE: for a run: locks the journal, makes the folder when it is missing
 * @HOOKRUN_JOURNAL_READ_ONLY: for looking: neither locks nor changes anything, also while a run is
 *   under way in another process
 * @HOOKRUN_JOURNAL_SET_ASIDE_DAMAGED: a damaged file is renamed to `NAME.damaged-N` and kept, and
 *   the journal starts empty; without this flag damage is an error
 *
 * How a journal is opened.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_JOURNAL_NONE = 0,
  HOOKRUN_JOURNAL_READ_ONLY = 1 << 0,
  HOOKRUN_JOURNAL_SET_ASIDE_DAMAGED = 1 << 1,
} HookrunJournalFlags;

/**
 * HookrunRunState:
 * @HOOKRUN_RUN_NONE: there is no run
 * @HOOKRUN_RUN_UNFINISHED: under way, or its process died: resume it or roll it back
 * @HOOKRUN_RUN_STOPPED: a step failed and what was done is left as it is: resume it or, before its
 *   commit point, roll it back
 * @HOOKRUN_RUN_DONE: every step is done
 * @HOOKRUN_RUN_ROLLED_BACK: it failed, was cancelled or was taken back, and everything is undone
 * @HOOKRUN_RUN_ROLLBACK_INCOMPLETE: the same, but the steps that the status names are not undone
 * @HOOKRUN_RUN_ABANDONED: given up by [method@Hookrun.Journal.abandon]; nothing was undone
 *
 * What became of a run.
 *
 * Since: 1.0
 */
typedef enum {
  HOOKRUN_RUN_NONE,
  HOOKRUN_RUN_UNFINISHED,
  HOOKRUN_RUN_STOPPED,
  HOOKRUN_RUN_DONE,
  HOOKRUN_RUN_ROLLED_BACK,
  HOOKRUN_RUN_ROLLBACK_INCOMPLETE,
  HOOKRUN_RUN_ABANDONED,
} HookrunRunState;

#define HOOKRUN_TYPE_RUN_STATE (hookrun_run_state_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
GType hookrun_run_state_get_type (void);

/**
 * HookrunJournal:
 *
 * A named journal in a folder: the current run in `NAME.journal`, earlier ones in
 * `NAME.NUMBER.journal`, the lock in `NAME.lock`. One thread at a time may use it.
 *
 * Since: 1.0
 */
#define HOOKRUN_TYPE_JOURNAL (hookrun_journal_get_type ())
HOOKRUN_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (HookrunJournal, hookrun_journal, HOOKRUN, JOURNAL, GObject)

HOOKRUN_AVAILABLE_IN_1_0
HookrunJournal *hookrun_journal_open (const char *folder, const char *name,
                                      HookrunJournalFlags flags, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_journal_close (HookrunJournal *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_journal_get_name (HookrunJournal *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_journal_get_path (HookrunJournal *self);
HOOKRUN_AVAILABLE_IN_1_0
HookrunRunState hookrun_journal_get_state (HookrunJournal *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_journal_get_run_id (HookrunJournal *self);
HOOKRUN_AVAILABLE_IN_1_0
const char *hookrun_journal_get_title (HookrunJournal *self);
HOOKRUN_AVAILABLE_IN_1_0
int hookrun_journal_get_holder (HookrunJournal *self);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_journal_get_status (HookrunJournal *self);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_journal_get_records (HookrunJournal *self);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_journal_get_data (HookrunJournal *self);
HOOKRUN_AVAILABLE_IN_1_0
JsonNode *hookrun_journal_list_runs (HookrunJournal *self, GError **error);
HOOKRUN_AVAILABLE_IN_1_0
void hookrun_journal_set_keep (HookrunJournal *self, guint keep);
HOOKRUN_AVAILABLE_IN_1_0
gboolean hookrun_journal_abandon (HookrunJournal *self, const char *reason, GError **error);

G_END_DECLS
