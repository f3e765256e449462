/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A run under way. Everything that happens goes through hookrun_job_write: first the journal, then
 * the ledger, so that a run can only act on what it recorded.
 */
#pragma once

#include "hookrun-journal-private.h"
#include "hookrun-pipeline-private.h"

G_BEGIN_DECLS

struct _HookrunJob {
  HookrunPipeline *pipeline;
  HookrunData *data;
  HookrunJournal *journal; /* (nullable) */
  HookrunLedger *ledger;
  gboolean owns_ledger;
  GCancellable *cancellable; /* NULL while it is put back */
  GHashTable *secrets;       /* as of the last record */
  GPtrArray *completed;      /* names of steps that the next record says are done */
  gboolean unwinding;        /* takes the journal's last room */
  gboolean journal_failed;   /* while unwinding: nothing can be recorded any more */
};

/* (transfer full) */
JsonObject *hookrun_job_record (const char *type, const char *step);
/* Takes @record; with the steps that were completed. */
gboolean hookrun_job_write_plain (HookrunJob *self, JsonObject *record, GError **error);
/* The same, outside of handlers: with what changed in the data since the last record. */
gboolean hookrun_job_write (HookrunJob *self, JsonObject *record, GError **error);
/* The same for a record of one message. */
gboolean hookrun_job_write_error (HookrunJob *self, const char *type, const char *step,
                                  const GError *why, gboolean aside, GError **error);

/* The signal of @step's @phase; of the default handler only what failed first is in @error. */
HookrunVerdict hookrun_job_emit_phase (HookrunJob *self, HookrunStep *step, HookrunPhase phase,
                                       GError **error);
/* One of the run's own signals; what handlers complain about is recorded, no more. */
void hookrun_job_emit_turn (HookrunJob *self, HookrunTurn turn);

gboolean hookrun_job_attach (HookrunJob *self, GError **error);
void hookrun_job_detach (HookrunJob *self);

/* ---- hookrun-forward.c ---- */
gboolean hookrun_job_step (HookrunJob *self, HookrunStep *step, GError **error);
/* Runs what is not done; TRUE when all is. On failure everything has been put back or left as the
 * policy wants, and @error says both. */
gboolean hookrun_job_forward (HookrunJob *self, GError **error);
/* What follows a failure that is in the ledger. FALSE always. */
gboolean hookrun_job_after_failure (HookrunJob *self, GError **error);
/* Asks the probe of an action that began; records it as done when it is. */
gboolean hookrun_job_settle (HookrunJob *self, HookrunStep *step, GError **error);

/* ---- hookrun-backward.c ---- */

/* *passed is the commit step that is done, or NULL; FALSE when that cannot be told. */
gboolean hookrun_job_find_commit (HookrunJob *self, HookrunStep **passed, GError **error);
/* Undoes, runs what always runs, ends the run. FALSE, with @error, only when the journal failed. */
gboolean hookrun_job_backward (HookrunJob *self, gboolean asked, GError **error);
/* Runs what always runs, ends the run as stopped. FALSE as above. */
gboolean hookrun_job_stop (HookrunJob *self, GError **error);
/* (transfer full): how it ended, to follow the cause of a failure */
char *hookrun_job_describe_end (HookrunJob *self);

G_END_DECLS
