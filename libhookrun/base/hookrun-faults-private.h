/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Faults collected while files are checked, so that one error names all of them at once. */
#pragma once

#include "hookrun-error.h"

G_BEGIN_DECLS

/* Faults beyond this many are counted only. */
#define HOOKRUN_FAULTS_MAX 50

typedef struct _HookrunFaults HookrunFaults;

HookrunFaults *hookrun_faults_new (void);
void hookrun_faults_free (HookrunFaults *faults);
void hookrun_faults_add (HookrunFaults *faults, HookrunError code, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
guint hookrun_faults_count (const HookrunFaults *faults);
/* Whether another text would still be kept: callers skip dear work for messages when not. */
gboolean hookrun_faults_wants_more (const HookrunFaults *faults);
/* TRUE when there are none. Else @error is "TEXT" for one, or "SUBJECT has N faults:" and a line
 * each; its code is that of the faults when they agree, INVALID otherwise. */
gboolean hookrun_faults_check (const HookrunFaults *faults, const char *subject, GError **error);

/* (transfer full): @text shortened to 60 characters for a message. */
char *hookrun_excerpt (const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookrunFaults, hookrun_faults_free)

G_END_DECLS
