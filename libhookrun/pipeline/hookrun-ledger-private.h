/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the records of a run come to. A run that is under way and one that is read back after a
 * crash apply the same records here, so they cannot disagree about what was done.
 */
#pragma once

#include "hookrun-journal.h"
#include "hookrun-step.h"

G_BEGIN_DECLS

/* Goes up when an older library would misread a record. */
#define HOOKRUN_LEDGER_FORMAT 1

/*
 * The records by their "type". All have "n", "time"; any may have "done", the names of the steps
 * that were completed since the record before it.
 *
 * run       id, number, pipeline, title, pid, plan, data
 * begin     step, action: hooks of the step begin to run; action: its action at once
 * action    step: its action begins
 * acted     step, probed, patch: its action is done
 * state     step, state: what the action remembers for its undo
 * hook      step ("" for the run), phase, id, verdict, patch: a handler finished
 * failed    step, code, message, aside: aside from the failure that ended the run
 * problem   message: something went wrong that changes nothing
 * rollback  asked: undoing begins; asked: because the user wants it
 * undo      step: its undo begins
 * undone    step
 * kept      step, code, message: it could not be undone
 * resumed   pid, goal: another process goes on
 * finals    the steps that always run have their turn
 * end       state
 *
 * A patch is "set" (object) and "unset" (array of keys) of the data, "secrets" (array of keys that
 * were set and are not written down).
 */

typedef struct {
  char *name;
  HookrunStepFlags flags;
  gboolean begun;
  gboolean action_begun;
  gboolean action_done;
  gboolean done;
  gboolean failed;
  gboolean undo_begun;
  gboolean undone;
  gboolean kept;
  HookrunStepState announced; /* to who follows the progress */
  char *message;              /* of what failed */
  JsonNode *state;            /* saved by the action */
  GHashTable *memo;           /* "PHASE/ID" of finished handlers → HookrunVerdict + 1 */
} HookrunLedgerStep;

typedef struct {
  JsonObject *header;       /* the "run" record */
  GPtrArray *steps;         /* HookrunLedgerStep, in order */
  HookrunLedgerStep *whole; /* the run itself: memo of its own signals */
  JsonObject *data;         /* as of the last record */
  GHashTable *secrets;
  HookrunRunState state;
  gboolean rolling_back;
  gboolean finals;
  char *failed_step; /* NULL: nothing failed */
  int failed_code;
  char *failed_message;
  GPtrArray *problems; /* texts */
} HookrunLedger;

HookrunLedger *hookrun_ledger_new (void);
void hookrun_ledger_free (HookrunLedger *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunLedger, hookrun_ledger_free)

/* INVALID when the record makes no sense here. */
gboolean hookrun_ledger_apply (HookrunLedger *self, JsonObject *record, GError **error);

/* (nullable); "" is the run itself */
HookrunLedgerStep *hookrun_ledger_find (HookrunLedger *self, const char *step);
HookrunStepState hookrun_ledger_step_state (const HookrunLedgerStep *step);
gboolean hookrun_ledger_recall (HookrunLedgerStep *step, const char *phase, const char *id,
                                HookrunVerdict *verdict);
/* Unfinished or stopped: something is to be resumed. */
gboolean hookrun_ledger_is_open (HookrunLedger *self);
/* (transfer full): for people and --json */
JsonObject *hookrun_ledger_status (HookrunLedger *self);

const char *hookrun_run_state_nick (HookrunRunState state);
const char *hookrun_step_state_nick (HookrunStepState state);

G_END_DECLS
