/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pipeline of four steps that only write down what they do, and hooks that do likewise. A log
 * reads
 * "+a" for step a's action, "-a" for its undo, "?a" for its probe, else the id of a hook. */
#pragma once

#include "folder.h"
#include "hookrun-journal-private.h"
#include "hookrun-pipeline.h"

#define N_STEPS 4

typedef struct _Fixture Fixture;

typedef struct {
  Fixture *fixture;
  HookrunStep *step;
  gboolean execute_fails;
  gboolean undo_fails;
  gboolean probe_fails;
  gboolean is_done; /* what the probe says */
} Act;

struct _Fixture {
  char *folder;
  HookrunRegistry *registry;
  HookrunScope *scope;
  HookrunPipeline *pipeline;
  HookrunJournal *journal;
  GCancellable *cancellable;
  GString *log;
  Act acts[N_STEPS];
};

extern const char *const fixture_step_names[N_STEPS];
extern const HookrunStepFuncs fixture_funcs;

void fixture_set_up (Fixture *fixture, gconstpointer data);
void fixture_tear_down (Fixture *fixture, gconstpointer data);

/* @flags: NULL, or those of each step */
void fixture_add_steps (Fixture *fixture, const HookrunStepFlags *flags);
/* As another process would find it: a new pipeline and the journal read back. */
void fixture_start_over (Fixture *fixture, const HookrunStepFlags *flags);
HookrunJournal *fixture_open_journal (Fixture *fixture);
void fixture_connect (Fixture *fixture, const char *signal, const char *id,
                      const HookrunHandlerOptions *options, HookrunHandlerFunc func);

gboolean fixture_run (Fixture *fixture, GError **error);
void fixture_run_well (Fixture *fixture);
/* (transfer full) */
GError *fixture_run_badly (Fixture *fixture, HookrunRunState state);

void fixture_note (Fixture *fixture, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* And empties it */
void fixture_assert_log (Fixture *fixture, const char *expected);

HookrunVerdict on_note (HookrunEvent *event, gpointer user_data);
HookrunVerdict on_handle (HookrunEvent *event, gpointer user_data);
HookrunVerdict on_veto (HookrunEvent *event, gpointer user_data);
HookrunVerdict on_wrap (HookrunEvent *event, gpointer user_data);
HookrunVerdict on_cancel (HookrunEvent *event, gpointer user_data);
HookrunVerdict on_failed (HookrunEvent *event, gpointer user_data);
